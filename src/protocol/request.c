// SPDX-License-Identifier: Apache-2.0
#include "protocol/request.h"

#include "base/text.h"

#define X(name, text) text,
static const char *const format_names[] = {RESPONSE_FORMATS(X)};
#undef X

const char *response_format_text(enum response_format f) { return format_names[f]; }

// --- members, by the contract's tables

enum member_kind { KIND_ACCOUNT, KIND_TEXT, KIND_MAYBE_TEXT };
struct member {
    const char *name;
    enum member_kind kind;
    size_t offset; // of a text in what is filled
};
#define TERMS(kind, name) {#name, KIND_##kind, offsetof(struct request_terms, name)},
#define REF(kind, name) {#name, KIND_##kind, offsetof(struct secrets_ref, name)},
static const struct member sender_member[] = {SENDER_MEMBER(TERMS)};
static const struct member source_members[] = {CODE_SOURCE_MEMBERS(TERMS)};
static const struct member secrets_members[] = {SECRETS_REF_MEMBERS(REF)};
#undef TERMS
#undef REF

static bool read_text(const json_t *o, struct arena *a, const struct member *m, const char **to, struct err *e) {
    const char *text = NULL;
    bool must = m->kind != KIND_MAYBE_TEXT;
    if (!(must ? json_get_text(o, m->name, &text, e) : json_opt_text(o, m->name, &text, e)))
        return false;
    if (m->kind == KIND_ACCOUNT && !account_id_valid(slice_str(text)))
        return err_set(e, ERR_INVALID, "field '%s' is not an account id: '%.80s'", m->name, text);
    if (text)
        *to = arena_strdup(a, text);
    return true;
}

static bool read_texts(const json_t *o, struct arena *a, const struct member *m, size_t count, void *to,
                       struct err *e) {
    for (size_t i = 0; i < count; i++)
        if (!read_text(o, a, &m[i], (const char **)(void *)((char *)to + m[i].offset), e))
            return false;
    return true;
}

static void put_texts(json_t *o, const struct member *m, size_t count, const void *from) {
    for (size_t i = 0; i < count; i++)
        json_set_text(o, m[i].name, *(const char *const *)(const void *)((const char *)from + m[i].offset));
}

static bool read_source(const json_t *o, struct arena *a, struct request_terms *out, struct err *e) {
    json_t *source;
    out->build_target = DEFAULT_BUILD_TARGET;
    return json_get_object(o, "code_source", &source, e) &&
           (read_texts(source, a, source_members, ARRAY_LEN(source_members), out, e) ||
            err_wrap(e, "field 'code_source'"));
}

static bool read_limits(const json_t *o, struct request_limits *out, struct err *e) {
    json_t *limits;
#define LIMIT(kind, name, value) out->name = (value);
    RESOURCE_LIMITS_MEMBERS(LIMIT)
#undef LIMIT
    if (!json_get_object(o, "resource_limits", &limits, e))
        return false;
#define LIMIT(kind, name, value)                                                                                       \
    if (!json_opt_u64(limits, #name, &out->name, e))                                                                   \
        return err_wrap(e, "field 'resource_limits'");
    RESOURCE_LIMITS_MEMBERS(LIMIT)
#undef LIMIT
    return true;
}

// null, or {"profile","account_id"}.
static bool read_secrets(const json_t *o, struct arena *a, struct secrets_ref *out, struct err *e) {
    const json_t *ref = json_object_get(o, "secrets_ref");
    *out = (struct secrets_ref){0};
    if (!ref || json_is_null(ref))
        return true;
    if (!json_is_object(ref))
        return err_set(e, ERR_INVALID, "field 'secrets_ref' is not an object");
    if (!read_texts(ref, a, secrets_members, ARRAY_LEN(secrets_members), out, e))
        return err_wrap(e, "field 'secrets_ref'");
    return out->profile[0] || err_set(e, ERR_INVALID, "field 'secrets_ref' has an empty profile");
}

static bool read_format(const json_t *o, enum response_format *out, struct err *e) {
    const char *text = format_names[FORMAT_TEXT];
    if (!json_opt_text(o, "response_format", &text, e))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(format_names); i++)
        if (strcmp(text, format_names[i]) == 0) {
            *out = (enum response_format)i;
            return true;
        }
    return err_set(e, ERR_INVALID, "field 'response_format' is none of Bytes, Text and Json");
}

bool request_terms_read(struct request_terms *out, struct arena *a, const json_t *o, struct err *e) {
    *out = (struct request_terms){0};
    return read_source(o, a, out, e) && read_limits(o, &out->limits, e) &&
           read_texts(o, a, sender_member, ARRAY_LEN(sender_member), out, e) && read_secrets(o, a, &out->secrets, e) &&
           read_format(o, &out->format, e) && json_get_u128(o, "payment", &out->payment, e) &&
           json_get_u64(o, "timestamp", &out->timestamp_ns, e);
}

static json_t *limits_json(const struct request_limits *l) {
    json_t *o = json_object();
#define LIMIT(kind, name, value) json_set_u64(o, #name, l->name);
    RESOURCE_LIMITS_MEMBERS(LIMIT)
#undef LIMIT
    return o;
}

void request_terms_put(json_t *o, const struct request_terms *t) {
    json_t *source = json_object(), *secrets = json_null();
    put_texts(source, source_members, ARRAY_LEN(source_members), t);
    if (secrets_wanted(&t->secrets))
        put_texts(secrets = json_object(), secrets_members, ARRAY_LEN(secrets_members), &t->secrets);
    put_texts(o, sender_member, ARRAY_LEN(sender_member), t);
    json_object_set_new(o, "code_source", source);
    json_object_set_new(o, "resource_limits", limits_json(&t->limits));
    json_object_set_new(o, "secrets_ref", secrets);
    json_set_text(o, "response_format", response_format_text(t->format));
    json_set_u128(o, "payment", t->payment);
    json_set_u64(o, "timestamp", t->timestamp_ns);
}

bool request_input_read(struct slice *out, struct arena *a, const json_t *o, struct err *e) {
    const json_t *j = json_object_get(o, "input_data");
    *out = slice_of("", 0);
    if (!j || json_is_null(j))
        return true;
    if (!json_is_string(j) || json_string_length(j) > REQUEST_INPUT_MAX)
        return err_set(e, ERR_INVALID, "field 'input_data' is not a text of at most %u bytes", REQUEST_INPUT_MAX);
    *out = arena_copy(a, slice_of(json_string_value(j), json_string_length(j)));
    return true;
}

bool request_data_id_read(struct hash *out, const json_t *o, struct err *e) {
    json_t *list;
    if (!json_get_array(o, "data_id", &list, e))
        return false;
    if (json_array_size(list) != sizeof out->b)
        return err_set(e, ERR_INVALID, "field 'data_id' has %zu numbers, not 32", json_array_size(list));
    for (size_t i = 0; i < sizeof out->b; i++) {
        const json_t *n = json_array_get(list, i);
        json_int_t v = json_is_integer(n) ? json_integer_value(n) : -1;
        if (v < 0 || v > 255)
            return err_set(e, ERR_INVALID, "field 'data_id' holds something that is no byte");
        out->b[i] = (uint8_t)v;
    }
    return true;
}

// --- a task

static bool read_account(const json_t *o, const char *name, struct arena *a, const char **out, struct err *e) {
    const char *text = NULL;
    if (!json_opt_text(o, name, &text, e))
        return false;
    *out = text ? arena_strdup(a, text) : NULL;
    return !text || account_id_valid(slice_str(text)) ||
           err_set(e, ERR_INVALID, "field '%s' is not an account id", name);
}

bool request_task_read(struct request_task *out, struct arena *a, const json_t *o, struct err *e) {
    const char *data_id;
    *out = (struct request_task){0};
    return json_get_u64(o, "request_id", &out->request_id, e) && json_get_text(o, "data_id", &data_id, e) &&
           (hash_from_hex(&out->data_id, slice_str(data_id), e) || err_wrap(e, "field 'data_id'")) &&
           read_account(o, "payer_id", a, &out->payer_id, e) && request_terms_read(&out->terms, a, o, e) &&
           request_input_read(&out->input, a, o, e);
}

// --- the view

// The contract shows the input's hash; one of the first form shows the input itself.
static bool read_input(const json_t *view, struct arena *a, struct chain_request *out, struct err *e) {
    const char *hash = NULL;
    struct slice input;
    if (!json_opt_text(view, "input_hash", &hash, e) || !json_opt_u64(view, "input_length", &out->input_length, e) ||
        !request_input_read(&input, a, view, e))
        return false;
    out->has_input = hash || input.len;
    if (hash)
        return hash_from_hex(&out->input_hash, slice_str(hash), e);
    out->input_hash = sha256(input);
    out->input_length = input.len;
    return true;
}

static void take_terms(struct chain_request *out, const struct request_terms *t) {
    out->sender_id = t->sender_id;
    out->repo = t->repo;
    out->ref = t->commit;
    out->target = t->build_target;
    out->limits = t->limits;
    out->secrets = t->secrets;
    out->format = t->format;
    out->payment = t->payment;
    out->timestamp_ns = t->timestamp_ns;
}

bool chain_request_parse(struct chain_request *out, struct arena *a, const json_t *view, struct err *e) {
    struct request_terms terms;
    *out = (struct chain_request){.first_form = !json_object_get(view, "build_seconds")};
    if (!json_get_u64(view, "request_id", &out->request_id, e) || !request_data_id_read(&out->data_id, view, e) ||
        !request_terms_read(&terms, a, view, e) || !read_account(view, "payer_account_id", a, &out->payer_id, e) ||
        !json_opt_u64(view, "build_seconds", &out->build_seconds, e) ||
        !json_opt_u64(view, "extensions", &out->extensions, e) ||
        !json_opt_u64(view, "extensions_left", &out->extensions_left, e) ||
        !json_opt_bool(view, "answered", &out->answered, e) ||
        !json_opt_bool(view, "output_submitted", &out->output_submitted, e))
        return false;
    take_terms(out, &terms);
    return read_input(view, a, out, e);
}

void chain_request_take(struct chain_request *out, struct arena *a, const json_t *view) {
    struct err e;
    if (!chain_request_parse(out, a, view, &e))
        *out = (struct chain_request){.first_form = out->first_form, .unreadable = arena_strdup(a, e.msg)};
}

// --- both

static bool same_input(const struct request_task *t, const struct chain_request *c) {
    if (!c->has_input)
        return t->input.len == 0;
    struct hash h = sha256(t->input);
    return t->input.len == c->input_length && hash_eq(&h, &c->input_hash);
}

static bool same_secrets(const struct secrets_ref *a, const struct secrets_ref *b) {
    if (!secrets_wanted(a) || !secrets_wanted(b))
        return secrets_wanted(a) == secrets_wanted(b);
    return strcmp(a->profile, b->profile) == 0 && strcmp(a->account_id, b->account_id) == 0;
}

const char *request_mismatch(const struct request_task *t, const struct chain_request *c) {
    const char *payer = c->payer_id ? c->payer_id : c->sender_id;
    const struct {
        const char *field;
        bool same;
    } checks[] = {
        {"request_id", t->request_id == c->request_id},
        {"data_id", c->extensions || hash_eq(&t->data_id, &c->data_id)}, // each extension makes a new one
        {"sender_id", strcmp(t->terms.sender_id, c->sender_id) == 0},
        {"payer_id", !t->payer_id || strcmp(t->payer_id, payer) == 0},
        {"code_source.repo", strcmp(t->terms.repo, c->repo) == 0},
        {"code_source.commit", strcmp(t->terms.commit, c->ref) == 0},
        {"code_source.build_target", strcmp(t->terms.build_target, c->target) == 0},
        {"resource_limits.max_instructions", t->terms.limits.max_instructions == c->limits.max_instructions},
        {"resource_limits.max_memory_mb", t->terms.limits.max_memory_mb == c->limits.max_memory_mb},
        {"resource_limits.max_execution_seconds",
         t->terms.limits.max_execution_seconds == c->limits.max_execution_seconds},
        {"secrets_ref", same_secrets(&t->terms.secrets, &c->secrets)},
        {"response_format", t->terms.format == c->format},
        {"payment", t->terms.payment == c->payment},
        {"input_data", same_input(t, c)},
    };
    for (size_t i = 0; i < ARRAY_LEN(checks); i++)
        if (!checks[i].same)
            return checks[i].field;
    return NULL;
}
