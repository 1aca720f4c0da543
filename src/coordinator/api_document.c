// SPDX-License-Identifier: Apache-2.0
#include "coordinator/api.h"

#include "base/settings.h"
#include "http/router.h"
#include <inttypes.h>

// --- schemas -----------------------------------------------------------------------------------------------------

static json_t *words_of(const char *words) {
    json_t *list = json_array();
    for (const char *at = words; *at; at += strcspn(at, " "), at += *at == ' ')
        json_array_append_new(list, json_stringn(at, strcspn(at, " ")));
    return list;
}

static json_t *reference(const struct api_schema *s) {
    return json_pack("{s:s++}", "$ref", "#/components/schemas/", s->name, "");
}

static json_t *list_of(json_t *items) { return json_pack("{s:s, s:o}", "type", "array", "items", items); }

static void add_bounds(json_t *o, const struct api_field *f, const char *least, const char *most) {
    if (f->min)
        json_object_set_new(o, least, json_integer((json_int_t)f->min));
    if (f->max)
        json_object_set_new(o, most, json_integer((json_int_t)f->max));
}

static json_t *number_of(const struct api_field *f) {
    json_t *o = json_pack("{s:s, s:s, s:I}", "type", "integer", "format", "int64", "minimum", (json_int_t)f->min);
    json_object_set_new(o, "maximum", json_integer(f->max ? (json_int_t)f->max : INT64_MAX));
    return o;
}

static json_t *text_of(const struct api_field *f) {
    json_t *o = json_pack("{s:s}", "type", "string");
    add_bounds(o, f, "minLength", "maxLength");
    return o;
}

static json_t *type_of(const struct api_field *f) {
    switch (f->kind) {
    case API_TEXT: return text_of(f);
    case API_NUMBER: return number_of(f);
    case API_AMOUNT: return json_pack("{s:s, s:s}", "type", "string", "pattern", "^[0-9]{1,39}$");
    case API_HASH: return json_pack("{s:s, s:s}", "type", "string", "pattern", "^[0-9a-fA-F]{64}$");
    case API_ACCOUNT:
        return json_pack("{s:s, s:i, s:i, s:s}", "type", "string", "minLength", 2, "maxLength", 64, "pattern",
                         "^([a-z0-9]+[-_.])*[a-z0-9]+$");
    case API_BOOL: return json_pack("{s:s}", "type", "boolean");
    case API_WORD: return json_pack("{s:s, s:o}", "type", "string", "enum", words_of(f->words));
    case API_TEXTS: return list_of(json_pack("{s:s}", "type", "string"));
    case API_OBJECT: return f->of ? reference(f->of) : json_pack("{s:s}", "type", "object");
    case API_LIST: return list_of(f->of ? reference(f->of) : json_object());
    case API_NANOS:
        return json_pack("{s:[{s:s, s:i}, {s:s, s:s}]}", "anyOf", "type", "integer", "minimum", 0, "type", "string",
                         "pattern", "^[0-9]{1,20}$");
    case API_ANY: break;
    }
    return json_object();
}

// maxLength counts characters, and what is counted here are bytes: whoever goes by the document alone is told so.
static void describe(json_t *o, const struct api_field *f) {
    if (f->kind == API_TEXT && f->max)
        json_object_set_new(o, "description", json_sprintf("%s At most %" PRIu64 " bytes of UTF-8.", f->what, f->max));
    else
        json_object_set_new(o, "description", json_string(f->what));
}

static json_t *field_schema(const struct api_field *f) {
    json_t *o = type_of(f);
    if ((f->flags & API_NULL) && f->kind == API_NANOS)
        json_array_append_new(json_object_get(o, "anyOf"), json_pack("{s:s}", "type", "null"));
    else if ((f->flags & API_NULL) && f->kind != API_ANY)
        o = json_pack("{s:[o, {s:s}]}", "anyOf", o, "type", "null");
    describe(o, f);
    return o;
}

// Of members that the schema does not name.
static json_t *rest_of(const struct api_schema *s) {
    json_t *plain;
    switch (s->rest) {
    case API_CLOSED: return json_false();
    case API_OPEN: return json_true();
    case API_PLAIN:
        plain = json_pack("{s:[s, s, s, s]}", "type", "string", "number", "boolean", "null");
        return json_pack("{s:[O, o]}", "anyOf", plain, list_of(plain));
    }
    return NULL;
}

static void add_schema(json_t *schemas, const struct api_schema *s) {
    json_t *properties, *required;
    if (!s || json_object_get(schemas, s->name))
        return;
    json_t *o =
        json_pack("{s:s, s:s, s:o, s:o, s:o}", "type", "object", "description", s->what ? s->what : "", "properties",
                  properties = json_object(), "required", required = json_array(), "additionalProperties", rest_of(s));
    json_object_set_new(schemas, s->name, o);
    for (size_t i = 0; i < s->count; i++) {
        const struct api_field *f = &s->fields[i];
        json_object_set_new(properties, f->name, field_schema(f));
        if (f->flags & API_MUST)
            json_array_append_new(required, json_string(f->name));
        add_schema(schemas, f->of);
    }
}

// --- operations --------------------------------------------------------------------------------------------------

static json_t *content(const char *type, json_t *schema) {
    return json_pack("{s:{s:o}}", type ? type : "application/json", "schema", schema);
}

static json_t *answer_schema(const struct api_answer *a) {
    if (a->type)
        return json_pack("{s:s}", "type", "string");
    if (!a->of)
        return json_object();
    json_t *one = reference(a->of);
    if (a->list)
        return list_of(one);
    return a->or_of ? json_pack("{s:[o, o]}", "oneOf", one, reference(a->or_of)) : one;
}

static json_t *responses(const struct api_about *about) {
    json_t *o = json_object();
    for (size_t i = 0; i < ARRAY_LEN(about->answers) && about->answers[i].status; i++) {
        const struct api_answer *a = &about->answers[i];
        char status[8];
        snprintf(status, sizeof status, "%d", a->status);
        json_t *one = json_pack("{s:s}", "description", a->of && a->of->what ? a->of->what : about->what);
        if (a->status != 204 && a->status != 304)
            json_object_set_new(one, "content", content(a->type, answer_schema(a)));
        json_object_set_new(o, status, one);
    }
    json_object_set_new(o, "default",
                        json_pack("{s:s, s:o}", "description", "What was wrong.", "content",
                                  content(NULL, json_pack("{s:s}", "$ref", "#/components/schemas/Error"))));
    return o;
}

static json_t *parameters(const struct api_about *about) {
    json_t *list = json_array();
    for (size_t i = 0; i < about->param_count; i++) {
        const struct api_field *f = &about->params[i];
        bool in_path = f->flags & API_PATH;
        json_t *type = type_of(f);
        if (in_path && f->kind == API_TEXT && !f->min)
            json_object_set_new(type, "minLength", json_integer(1));
        json_t *o = json_pack("{s:s, s:s, s:b, s:o}", "name", f->name, "in", in_path ? "path" : "query", "required",
                              in_path || (f->flags & API_MUST), "schema", type);
        describe(o, f);
        json_array_append_new(list, o);
    }
    return list;
}

// The first part of the path: what belongs together.
static json_t *tag_of(const char *path) { return json_pack("[s#]", path + 1, (int)strcspn(path + 1, "/")); }

// One of them is enough; the empty one says that none is needed.
static json_t *security(const struct api_route *r) {
    if (r->about->word && r->about->key)
        return json_pack("[{s:[]}, {s:[]}]", "key", "word");
    if (r->about->word)
        return json_pack("[{s:[]}]", "word");
    if (r->scopes)
        return json_pack("[{s:[]}]", "token");
    if (r->about->key)
        return json_pack("[{s:[]}]", "key");
    return r->by_key ? json_pack("[{}, {s:[]}]", "key") : json_array();
}

static json_t *security_schemes(void) {
    return json_pack("{s:{s:s, s:s, s:s}, s:{s:s, s:s, s:s}, s:{s:s, s:s, s:s, s:s}}", "token", "type", "http",
                     "scheme", "bearer", "description", "`outlayer token create NAME` makes one.", "word", "type",
                     "http", "scheme", "NEP413", "description",
                     "The word of an account: base64 of JSON, signed for this act by a key of full access.", "key",
                     "type", "apiKey", "in", "header", "name", "X-API-Key", "description",
                     "An account's key, as POST /public/api-keys makes it.");
}

static json_t *body_schema(const struct api_about *about) {
    if (!about->body)
        return json_pack("{s:s}", "type", "string");
    json_t *one = reference(about->body);
    return about->or_body ? json_pack("{s:[o, o]}", "anyOf", one, reference(about->or_body)) : one;
}

static json_t *operation(const struct api_route *r) {
    const struct api_about *about = r->about;
    json_t *o = json_pack("{s:s, s:s, s:o, s:o}", "operationId", about->id, "summary", about->what, "tags",
                          tag_of(r->route->path), "parameters", parameters(about));
    if (about->body || about->body_type)
        json_object_set_new(o, "requestBody",
                            json_pack("{s:b, s:o, s:I}", "required", 1, "content",
                                      content(about->body_type, body_schema(about)), "x-max-bytes",
                                      (json_int_t)r->route->max_body));
    json_object_set_new(o, "responses", responses(about));
    json_object_set_new(o, "security", security(r));
    if (r->scopes)
        json_object_set_new(o, "x-scopes", json_string(r->scopes));
    return o;
}

// "/locks/release/{key*}" is {key} to everybody else.
static const char *path_of(const char *path, char out[static 128]) {
    size_t n = 0;
    for (; *path && n < 127; path++)
        if (*path != '*')
            out[n++] = *path;
    out[n] = 0;
    return out;
}

static const char *method_key(enum http_method m) {
    switch (m) {
    case HTTP_GET: return "get";
    case HTTP_POST: return "post";
    case HTTP_PUT: return "put";
    case HTTP_DELETE: return "delete";
    case HTTP_HEAD: return "head";
    case HTTP_OPTIONS: return "options";
    }
    return "";
}

static void add_route(json_t *paths, json_t *schemas, const struct api_route *r) {
    const struct api_about *about = r->about;
    char path[128];
    path_of(r->route->path, path);
    if (!json_object_get(paths, path))
        json_object_set_new(paths, path, json_object());
    json_object_set_new(json_object_get(paths, path), method_key(r->route->method), operation(r));
    add_schema(schemas, about->body);
    add_schema(schemas, about->or_body);
    for (size_t i = 0; i < ARRAY_LEN(about->answers) && about->answers[i].status; i++) {
        add_schema(schemas, about->answers[i].of);
        add_schema(schemas, about->answers[i].or_of);
    }
}

static const char *const codes[] = {
#define X(code, slug, http) slug,
    ERR_CODES(X)
#undef X
};

static json_t *error_schema(void) {
    json_t *slugs = json_array();
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        json_array_append_new(slugs, json_string(codes[i]));
    return json_pack("{s:s, s:s, s:[s], s:b, s:{s:{s:s, s:[s, s, s], s:b, s:{s:{s:s, s:o}, s:{s:s}, s:{s:s}}}}}",
                     "type", "object", "description", "Every refusal: what was wrong, and what can be done about it.",
                     "required", "error", "additionalProperties", 0, "properties", "error", "type", "object",
                     "required", "code", "message", "hint", "additionalProperties", 0, "properties", "code", "type",
                     "string", "enum", slugs, "message", "type", "string", "hint", "type", "string");
}

json_t *api_document(const struct api_route *routes, size_t count) {
    json_t *paths = json_object(), *schemas = json_pack("{s:o}", "Error", error_schema());
    for (size_t i = 0; i < count; i++)
        add_route(paths, schemas, &routes[i]);
    return json_pack(
        "{s:s, s:{s:s, s:s, s:s, s:{s:s, s:s}}, s:[{s:s}], s:o, s:{s:o, s:o}}", "openapi", "3.1.0", "info", "title",
        "OutLayer coordinator", "version", PROGRAM_VERSION, "description",
        "Records requests of the OutLayer contract, hands them to workers, and shows what became of them. Of a "
        "body: numbers may be decimal texts and amounts numbers, what is not required may be null, and U+0000 is in "
        "no text but inputs, outputs and errors.",
        "license", "name", "Apache-2.0", "identifier", "Apache-2.0", "servers", "url", "/", "paths", paths,
        "components", "schemas", schemas, "securitySchemes", security_schemes());
}
