// SPDX-License-Identifier: Apache-2.0
#include "abi.h"
#include "outlayer/args.h"

#include <stdlib.h>

struct argument {
    const char *name, *type, *doc;
};
struct object {
    const char *type;
    uint8_t list[16];
};
struct method {
    const char *name;
    const uint8_t *list; // behind the kind
    enum method_kind kind;
    const char *who, *result, *doc;
};
// clang-format off
#define A(name, type, member, doc) {#name, #type, doc},
static const struct argument arguments_known[] = {ARGUMENTS(A)};
#undef A
#define R(name) ARG_##name | ARG_REQUIRED,
#define O(name) ARG_##name,
#define X(type, members) {#type, {members ARG_END}},
static const struct object objects[] = {OBJECTS(X)};
#undef X
#define M(kind, name, arguments, who, result, doc) {#name, list_##name + 1, kind, who, result, doc},
static const struct method methods[] = {METHODS(M)};
#undef M
// clang-format on
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const struct argument *argument_of(uint8_t id) { return &arguments_known[id & ~ARG_REQUIRED]; }

// --- types: what a person reads, and JSON Schema

#define NUMBER "{\"type\":\"integer\",\"minimum\":0}"
#define ACCOUNT "{\"$ref\":\"#/definitions/AccountId\"}"
#define AMOUNT "{\"$ref\":\"#/definitions/Amount\"}"
#define NULL_TYPE "{\"type\":\"null\"}"
#define ROW                                                                                                            \
    "\"branch\":{\"type\":[\"string\",\"null\"]},\"created_at\":" NUMBER ",\"updated_at\":" NUMBER                     \
    ",\"storage_deposit\":" AMOUNT ",\"access\":{\"$ref\":\"#/definitions/AccessCondition\"}"
static const struct type {
    const char *name, *words, *schema;
} types[] = {
    {"U64", "number", "{\"type\":\"integer\",\"format\":\"uint64\",\"minimum\":0}"},
    {"MAYBE_U64", "number", "{\"type\":\"integer\",\"format\":\"uint64\",\"minimum\":0}"},
    {"MAYBE_U32", "number", "{\"type\":\"integer\",\"format\":\"uint32\",\"minimum\":0}"},
    {"BOOL", "true or false", "{\"type\":\"boolean\"}"},
    {"TEXT", "text", "{\"type\":\"string\"}"},
    {"INPUT", "text", "{\"type\":\"string\"}"},
    {"ACCOUNT", "account", "{\"$ref\":\"#/definitions/AccountId\"}"},
    {"YOCTO", "yoctoNEAR as text", "{\"$ref\":\"#/definitions/Amount\"}"},
    {"MAYBE_YOCTO", "yoctoNEAR as text", "{\"$ref\":\"#/definitions/Amount\"}"},
    {"MAYBE_HASH", "64 hexadecimal digits", "{\"type\":\"string\",\"pattern\":\"^[0-9a-f]{64}$\"}"},
    {"RAW", "condition of access", "{\"$ref\":\"#/definitions/AccessCondition\"}"},
    {"KEY", "text or null", "{\"type\":[\"string\",\"null\"]}"},
    {"FORMAT", "`Bytes`, `Text` or `Json`", "{\"type\":\"string\",\"enum\":[\"Bytes\",\"Text\",\"Json\"]}"},
    {"FAILURE", "`guest`, `build`, `access` or `platform`",
     "{\"type\":\"string\",\"enum\":[\"guest\",\"build\",\"access\",\"platform\"]}"},
    {"OUTPUT", "`{\"Bytes\":[0..255,…]}`, `{\"Text\":…}` or `{\"Json\":…}`",
     "{\"$ref\":\"#/definitions/ExecutionOutput\"}"},
    {"output", "text of a Text output, base64 of a Bytes output, the value of a Json output", "{}"},
    {"request", "the request",
     "{\"type\":\"object\",\"properties\":{\"request_id\":" NUMBER ",\"data_id\":{\"type\":\"array\",\"items\":"
     "{\"type\":\"integer\",\"minimum\":0,\"maximum\":255},\"minItems\":32,\"maxItems\":32},\"sender_id\":" ACCOUNT
     ",\"code_source\":{\"$ref\":\"#/definitions/CODE_SOURCE\"},\"resource_limits\":"
     "{\"$ref\":\"#/definitions/RESOURCE_LIMITS\"},\"payment\":{\"type\":\"integer\"},\"timestamp\":" NUMBER
     ",\"secrets_ref\":{\"anyOf\":[{\"$ref\":\"#/definitions/SECRETS_REF\"}," NULL_TYPE "]},\"response_format\":"
     "{\"type\":\"string\"},\"input_data\":" NULL_TYPE ",\"payer_account_id\":" ACCOUNT
     ",\"pending_output\":{\"type\":[\"object\",\"null\"]},\"output_submitted\":{\"type\":\"boolean\"},"
     "\"input_hash\":{\"type\":[\"string\",\"null\"]},\"input_length\":" NUMBER ",\"payment_yocto\":" AMOUNT
     ",\"timestamp_ns\":{\"type\":\"string\"},\"build_seconds\":" NUMBER ",\"answered\":{\"type\":\"boolean\"},"
     "\"extensions\":" NUMBER ",\"pricing\":{\"type\":\"array\",\"items\":" AMOUNT "},\"extensions_left\":" NUMBER
     "},\"additionalProperties\":false}"},
    {"stats", "`[executions, \"fees\"]`", "{\"type\":\"array\",\"minItems\":2,\"maxItems\":2}"},
    {"prices", "four amounts",
     "{\"type\":\"array\",\"items\":{\"$ref\":\"#/definitions/Amount\"},\"minItems\":4,\"maxItems\":4}"},
    {"range", "two numbers", "{\"type\":\"array\",\"items\":" NUMBER ",\"minItems\":2,\"maxItems\":2}"},
    {"limits", "three numbers", "{\"type\":\"array\",\"items\":{\"type\":\"integer\"},\"minItems\":3,\"maxItems\":3}"},
    {"[U64]", "numbers", "{\"type\":\"array\",\"items\":{\"type\":\"integer\",\"format\":\"uint64\"}}"},
    {"[ACCOUNT]", "accounts", "{\"type\":\"array\",\"items\":{\"$ref\":\"#/definitions/AccountId\"}}"},
    {"secrets", "`{encrypted_secrets, access, created_at, updated_at, storage_deposit, branch}`",
     "{\"type\":\"object\",\"properties\":{\"encrypted_secrets\":{\"type\":\"string\"}," ROW "},"
     "\"additionalProperties\":false}"},
    {"user_secrets", "`[{repo, branch, profile, created_at, updated_at, storage_deposit, access}]`",
     "{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"repo\":{\"type\":\"string\"},\"profile\":"
     "{\"type\":\"string\"}," ROW "},\"additionalProperties\":false}}"},
    {"profiles", "`[{profile, owner, branch}]`",
     "{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"profile\":{\"type\":\"string\"},"
     "\"owner\":" ACCOUNT ",\"branch\":{\"type\":[\"string\",\"null\"]}},\"additionalProperties\":false}}"},
    {"version", "`{version, state_version}`",
     "{\"type\":\"object\",\"properties\":{\"version\":{\"type\":\"string\"},\"state_version\":" NUMBER
     "},\"additionalProperties\":false}"},
    {"metadata", "`{version, link, standards}`",
     "{\"type\":\"object\",\"properties\":{\"version\":{\"type\":\"string\"},\"link\":{\"type\":[\"string\",\"null\"]},"
     "\"standards\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}}},\"additionalProperties\":false}"},
};

static bool may_be_null(const char *type) { return strchr(type, '?'); }

// Without the mark of what may be null.
static const struct type *type_of(const char *name) {
    size_t n = strcspn(name, "?");
    for (size_t i = 0; i < COUNT(types); i++)
        if (strlen(types[i].name) == n && memcmp(types[i].name, name, n) == 0)
            return &types[i];
    return NULL;
}

static const struct object *object_of(const char *type) {
    for (size_t i = 0; i < COUNT(objects); i++)
        if (strcmp(objects[i].type, type) == 0)
            return &objects[i];
    fprintf(stderr, "no words for the type %s\n", type);
    abort();
}

// --- near-abi

static void schema_of(FILE *to, const char *type, bool null) {
    const struct type *t = type_of(type);
    if (null)
        fputs("{\"anyOf\":[", to);
    if (t)
        fputs(t->schema, to);
    else
        fprintf(to, "{\"$ref\":\"#/definitions/%s\"}", object_of(type)->type);
    if (null)
        fputs("," NULL_TYPE "]}", to);
}

static void param(FILE *to, uint8_t id, const char *comma) {
    const struct argument *a = argument_of(id);
    fprintf(to, "%s{\"name\":\"%s\",\"type_schema\":", comma, a->name);
    schema_of(to, a->type, !(id & ARG_REQUIRED));
    fputs("}", to);
}

static const char *modifiers_of(const struct method *m) {
    if (strcmp(m->name, "new") == 0)
        return ",\"modifiers\":[\"init\"]";
    return m->kind == PAYABLE    ? ",\"modifiers\":[\"payable\"]"
           : m->kind == CALLBACK ? ",\"modifiers\":[\"private\"]"
                                 : "";
}

static void function(FILE *to, const struct method *m, const char *comma) {
    fprintf(to, "%s{\"name\":\"%s\",\"doc\":\"%s\",\"kind\":\"%s\"%s", comma, m->name, m->doc,
            m->kind == VIEW ? "view" : "call", modifiers_of(m));
    if (m->list[0] != ARG_END) {
        fputs(",\"params\":{\"serialization_type\":\"json\",\"args\":[", to);
        for (size_t i = 0; m->list[i] != ARG_END; i++)
            param(to, m->list[i], i ? "," : "");
        fputs("]}", to);
    }
    if (strcmp(m->result, "nothing") != 0) {
        fputs(",\"result\":{\"serialization_type\":\"json\",\"type_schema\":", to);
        schema_of(to, m->result, may_be_null(m->result));
        fputs("}", to);
    }
    fputs("}", to);
}

static void object_schema(FILE *to, const struct object *o) {
    fprintf(to, ",\"%s\":{\"type\":\"object\",\"properties\":{", o->type);
    for (size_t i = 0; o->list[i] != ARG_END; i++) {
        fprintf(to, "%s\"%s\":", i ? "," : "", argument_of(o->list[i])->name);
        schema_of(to, argument_of(o->list[i])->type, !(o->list[i] & ARG_REQUIRED));
    }
    fputs("},\"required\":[", to);
    for (size_t i = 0, n = 0; o->list[i] != ARG_END; i++)
        if (o->list[i] & ARG_REQUIRED)
            fprintf(to, "%s\"%s\"", n++ ? "," : "", argument_of(o->list[i])->name);
    fputs("]}", to);
}

void abi_json(FILE *to) {
    fputs("{\"schema_version\":\"0.4.0\",\"metadata\":{\"name\":\"outlayer\",\"version\":\"" CONTRACT_VERSION
          "\"},\"body\":{\"functions\":[",
          to);
    for (size_t i = 0; i < COUNT(methods); i++)
        function(to, &methods[i], i ? "," : "");
    fputs("],\"root_schema\":{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"title\":\"String\",\"type\":"
          "\"string\",\"definitions\":{"
          "\"AccountId\":{\"type\":\"string\",\"minLength\":2,\"maxLength\":64},"
          "\"Amount\":{\"type\":\"string\",\"pattern\":\"^[0-9]{1,39}$\"},"
          "\"AccessCondition\":{\"anyOf\":[{\"const\":\"AllowAll\"},{\"type\":\"object\"}]},"
          "\"ExecutionOutput\":{\"type\":\"object\",\"minProperties\":1,\"maxProperties\":1,\"properties\":{\"Bytes\":"
          "{\"type\":\"array\",\"items\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":255}},\"Text\":{\"type\":"
          "\"string\"},\"Json\":{}},\"additionalProperties\":false}",
          to);
    for (size_t i = 0; i < COUNT(objects); i++)
        object_schema(to, &objects[i]);
    fputs("}}}}\n", to);
}

// --- the page

static void words_of(FILE *to, const char *type) {
    const struct type *t = type_of(type);
    if (t) {
        fputs(t->words, to);
        return;
    }
    const struct object *o = object_of(type);
    fputs("`{", to);
    for (size_t i = 0; o->list[i] != ARG_END; i++)
        fprintf(to, "%s%s%s", i ? ", " : "", argument_of(o->list[i])->name, o->list[i] & ARG_REQUIRED ? "" : "?");
    fputs("}`", to);
}

static void method_row(FILE *to, const struct method *m) {
    fprintf(to, "| `%s` | ", m->name);
    for (size_t i = 0; m->list[i] != ARG_END; i++)
        fprintf(to, "%s%s%s", i ? ", " : "", argument_of(m->list[i])->name, m->list[i] & ARG_REQUIRED ? "" : "?");
    fprintf(to, " | ");
    if (m->kind != VIEW)
        fprintf(to, "%s", m->who);
    else
        words_of(to, m->result);
    fprintf(to, " | %s |\n", m->doc);
}

static void method_rows(FILE *to, bool views, const char *head) {
    fprintf(to, "| method | arguments | %s | what it does |\n|---|---|---|---|\n", head);
    for (size_t i = 0; i < COUNT(methods); i++)
        if ((methods[i].kind == VIEW) == views)
            method_row(to, &methods[i]);
}

void abi_tables(FILE *to) {
    fputs("### Calls\n\n", to);
    method_rows(to, false, "who");
    fputs("\n### Views\n\n", to);
    method_rows(to, true, "answer");
    fputs("\n### Arguments and members\n\n| name | type | meaning |\n|---|---|---|\n", to);
    for (size_t i = 0; i < COUNT(arguments_known); i++) {
        fprintf(to, "| `%s` | ", arguments_known[i].name);
        words_of(to, arguments_known[i].type);
        fprintf(to, " | %s |\n", arguments_known[i].doc);
    }
}
