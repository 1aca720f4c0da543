// SPDX-License-Identifier: Apache-2.0
#include "coordinator/messages.h"

#include "base/text.h"
#include "near/types.h"
#include "protocol/attestation.h"
#include "protocol/source_mark.h"

#define REQUEST_ID_MAX ((uint64_t)INT64_MAX)    // the database's integers
#define STORED_MAX (4u << 20)                   // bytes of a stored task: escapes make it longer than what was posted
#define NUMBER_MAX ((uint64_t)1000000000000000) // of a report; sums of them stay far from overflowing

json_t *task_body(struct http_request *r, size_t max, struct err *e) {
    json_t *j = json_parse_big(http_body(r), max, e);
    if (j && !json_is_object(j)) {
        json_decref(j);
        err_set(e, ERR_INVALID, "the body is not a JSON object");
        return NULL;
    }
    return j;
}

// --- kinds of fields -----------------------------------------------------------------------------------------------

enum kind { KIND_TEXT, KIND_ANY_TEXT, KIND_NUMBER, KIND_AMOUNT, KIND_HASH, KIND_ACCOUNT, KIND_OBJECT };
struct field {
    const char *name;
    enum kind kind;
    bool required;
};

static bool check_short(const char *name, const char *text, struct err *e) {
    return strlen(text) <= TASK_TEXT_MAX ||
           err_set(e, ERR_INVALID, "field '%s' is longer than %d bytes", name, TASK_TEXT_MAX);
}

static bool check_text(const struct field *f, const char *text, struct err *e) {
    struct hash h;
    struct err bad;
    switch (f->kind) {
    case KIND_TEXT: return check_short(f->name, text, e);
    case KIND_HASH:
        return hash_from_hex(&h, slice_str(text), &bad) ||
               err_set(e, ERR_INVALID, "field '%s' is not 64 hex digits", f->name);
    case KIND_ACCOUNT:
        return account_id_valid(slice_str(text)) ||
               err_set(e, ERR_INVALID, "field '%s' is not a NEAR account: '%.80s'", f->name, text);
    case KIND_ANY_TEXT:
    case KIND_NUMBER:
    case KIND_AMOUNT:
    case KIND_OBJECT: return true;
    }
    return true;
}

static bool check_field(const struct field *f, const json_t *o, struct err *e) {
    const json_t *v = json_object_get(o, f->name);
    const char *text = NULL;
    uint64_t number = 0;
    u128 amount = 0;
    if (!v || json_is_null(v))
        return !f->required || err_set(e, ERR_INVALID, "field '%s' is missing", f->name);
    if (f->kind == KIND_NUMBER)
        return json_opt_u64(o, f->name, &number, e);
    if (f->kind == KIND_AMOUNT)
        return json_opt_u128(o, f->name, &amount, e);
    if (f->kind == KIND_OBJECT)
        return json_is_object(v) || err_set(e, ERR_INVALID, "field '%s' is not an object", f->name);
    if (f->kind == KIND_ANY_TEXT) // with U+0000, too: an input is whatever its sender gave
        return json_is_string(v) || err_set(e, ERR_INVALID, "field '%s' must be a text", f->name);
    return json_opt_text(o, f->name, &text, e) && check_text(f, text, e);
}

// The fields, and no others.
static bool check_fields(const json_t *o, const struct field *fields, size_t count, struct err *e) {
    const char *keys[32];
    BUG_ON(count >= ARRAY_LEN(keys));
    for (size_t i = 0; i < count; i++)
        keys[i] = fields[i].name;
    keys[count] = NULL;
    if (!json_only_keys(o, keys, e))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!check_field(&fields[i], o, e))
            return false;
    return true;
}

static bool check_inner(const json_t *o, const char *name, const struct field *fields, size_t count, struct err *e) {
    const json_t *inner = json_object_get(o, name);
    return !json_is_object(inner) || check_fields(inner, fields, count, e) || err_wrap(e, "%s", name);
}

// --- tasks ---------------------------------------------------------------------------------------------------------

static const struct field task_fields[] = {
    {"contract_id", KIND_ACCOUNT, true},    {"request_id", KIND_NUMBER, true},    {"data_id", KIND_HASH, true},
    {"sender_id", KIND_ACCOUNT, true},      {"payer_id", KIND_ACCOUNT, false},    {"code_source", KIND_OBJECT, true},
    {"resource_limits", KIND_OBJECT, true}, {"input_data", KIND_ANY_TEXT, false}, {"secrets_ref", KIND_OBJECT, false},
    {"response_format", KIND_TEXT, false},  {"payment", KIND_AMOUNT, false},      {"timestamp", KIND_NUMBER, false},
    {"context", KIND_OBJECT, false},        {"refused", KIND_ANY_TEXT, false},    {"dead_at_ms", KIND_NUMBER, false},
};
static const struct field source_fields[] = {
    {"repo", KIND_TEXT, true}, {"commit", KIND_TEXT, true}, {"build_target", KIND_TEXT, false}};
static const struct field limit_fields[] = {{"max_instructions", KIND_NUMBER, true},
                                            {"max_memory_mb", KIND_NUMBER, true},
                                            {"max_execution_seconds", KIND_NUMBER, true}};
static const struct field context_fields[] = {
    {"block_height", KIND_NUMBER, false},    {"block_timestamp", KIND_NUMBER, false},
    {"transaction_hash", KIND_TEXT, false},  {"receipt_id", KIND_TEXT, false},
    {"predecessor_id", KIND_TEXT, false},    {"signer_id", KIND_TEXT, false},
    {"signer_public_key", KIND_TEXT, false}, {"gas_burnt", KIND_NUMBER, false}};

static bool read_key(struct execution_key *out, const json_t *j, struct err *e) {
    if (!json_get_text(j, "contract_id", &out->contract_id, e) || !json_get_u64(j, "request_id", &out->request_id, e))
        return false;
    if (!account_id_valid(slice_str(out->contract_id)))
        return err_set(e, ERR_INVALID, "field 'contract_id' is not a NEAR account: '%.80s'", out->contract_id);
    return out->request_id <= REQUEST_ID_MAX || err_set(e, ERR_INVALID, "field 'request_id' is too large");
}

static bool check_format(const json_t *j, struct err *e) {
    const char *format = "Text";
    if (!json_opt_text(j, "response_format", &format, e))
        return false;
    return !strcmp(format, "Bytes") || !strcmp(format, "Text") || !strcmp(format, "Json") ||
           err_set(e, ERR_INVALID, "field 'response_format' is Bytes, Text or Json, not '%.40s'", format);
}

// A malformed event has what could be read of it, and that is checked no further.
static bool check_refused(const json_t *j, struct err *e) {
    struct field any[ARRAY_LEN(task_fields)];
    for (size_t i = 0; i < ARRAY_LEN(any); i++)
        any[i] = (struct field){task_fields[i].name, task_fields[i].kind, false};
    return check_fields(j, any, ARRAY_LEN(any), e);
}

// Of an event that could not be read nobody may be known to have paid: such take turns with the contract's other ones.
static const char *payer_of(const json_t *j) {
    static const char *const names[] = {"payer_id", "sender_id", "contract_id"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *name = json_string_value(json_object_get(j, names[i]));
        if (name && account_id_valid(slice_str(name)))
            return name;
    }
    return "";
}

bool task_read(struct posted_task *out, const json_t *j, struct err *e) {
    *out = (struct posted_task){.build_target = DEFAULT_BUILD_TARGET};
    if (!read_key(&out->key, j, e) || !json_opt_text(j, "refused", &out->refused, e))
        return false;
    if (out->refused ? !check_refused(j, e) : !check_fields(j, task_fields, ARRAY_LEN(task_fields), e))
        return false;
    if (!check_inner(j, "context", context_fields, ARRAY_LEN(context_fields), e))
        return false;
    const json_t *context = json_object_get(j, "context"), *source = json_object_get(j, "code_source");
    out->transaction_hash = json_string_value(json_object_get(context, "transaction_hash"));
    out->payer = payer_of(j);
    if (!json_opt_u64(j, "dead_at_ms", &out->dead_at_ms, e))
        return false;
    if (out->refused)
        return true;
    if (!check_inner(j, "code_source", source_fields, ARRAY_LEN(source_fields), e) ||
        !check_inner(j, "resource_limits", limit_fields, ARRAY_LEN(limit_fields), e) || !check_format(j, e))
        return false;
    if (!json_opt_text(source, "build_target", &out->build_target, e))
        return false;
    out->source = source_mark(json_string_value(json_object_get(source, "repo")),
                              json_string_value(json_object_get(source, "commit")), out->build_target);
    return true;
}

bool task_stored(struct arena *a, const char *json, struct queue_stored *out, struct err *e) {
    struct posted_task t;
    SCOPED_JSON(j) = json_parse_big(slice_str(json), STORED_MAX, e);
    if (!j || !task_read(&t, j, e))
        return false;
    *out = (struct queue_stored){.key = {arena_strdup(a, t.key.contract_id), t.key.request_id},
                                 .build_target = arena_strdup(a, t.build_target),
                                 .payer = arena_strdup(a, t.payer),
                                 .source = t.source,
                                 .dead_at_ms = t.dead_at_ms};
    return true;
}

static void show_as(json_t *out, const char *as, const json_t *from, const char *key) {
    json_t *v = json_object_get(from, key);
    bool shown = json_is_integer(v) || (json_is_string(v) && json_string_length(v) <= TASK_TEXT_MAX);
    json_object_set_new(out, as, shown ? json_incref(v) : json_null());
}
// Amounts are decimal texts wherever they are shown, however they were sent.
static void show_amount(json_t *out, const char *name, const json_t *from) {
    u128 value;
    struct err unknown;
    if (json_is_null(json_object_get(from, name)) || !json_get_u128(from, name, &value, &unknown))
        json_object_set_new(out, name, json_null());
    else
        json_set_u128(out, name, value);
}
static void show(json_t *out, const char *key, const json_t *from) { show_as(out, key, from, key); }

json_t *task_about(const struct posted_task *t, const json_t *task) {
    const json_t *source = json_object_get(task, "code_source");
    json_t *out = json_object();
    json_set_text(out, "transaction_hash", t->transaction_hash);
    show(out, "sender_id", task);
    show(out, "payer_id", task);
    if (json_is_null(json_object_get(out, "payer_id")))
        show_as(out, "payer_id", task, "sender_id"); // who names no payer pays himself
    show_amount(out, "payment", task);
    show(out, "data_id", task);
    show(out, "repo", source);
    show(out, "build_target", source);
    show_as(out, "ref", source, "commit"); // as asked for; the commit is what it meant
    return out;
}

// --- reports -------------------------------------------------------------------------------------------------------

static const struct field report_fields[] = {
    {"contract_id", KIND_ACCOUNT, true},
    {"request_id", KIND_NUMBER, true},
    {"token", KIND_TEXT, true},
    {"build_log", KIND_ANY_TEXT, false},
    {"guest_stderr", KIND_ANY_TEXT, false},
    {"outcome", KIND_TEXT, true},
    {"attestation", KIND_OBJECT, false},
#define REPORT_SHOWN 7 // from here on: what lists show
    {"error", KIND_ANY_TEXT, false},
    {"failure", KIND_TEXT, false},
    {"instructions", KIND_NUMBER, false},
    {"time_ms", KIND_NUMBER, false},
    {"compile_time_ms", KIND_NUMBER, false},
    {"peak_memory_bytes", KIND_NUMBER, false},
    {"wasm_hash", KIND_HASH, false},
    {"commit", KIND_TEXT, false},
    {"build_key", KIND_HASH, false},
    {"output_hash", KIND_HASH, false},
    {"output_bytes", KIND_NUMBER, false},
    {"resolve_transaction", KIND_TEXT, false},
    {"charged", KIND_AMOUNT, false},
    {"refunded", KIND_AMOUNT, false},
};

bool claim_read(struct claim *out, const json_t *j, struct err *e) {
    if (!read_key(&out->key, j, e) || !json_get_text(j, "token", &out->token, e))
        return false;
    return strlen(out->token) <= LEASE_TOKEN_LEN || err_set(e, ERR_INVALID, "field 'token' is too long");
}

static bool known_outcome(const char *s) {
    return !strcmp(s, "success") || !strcmp(s, "guest_failed") || !strcmp(s, "refused") || !strcmp(s, "expired");
}

static bool check_numbers(const json_t *j, struct err *e) {
    for (size_t i = 0; i < ARRAY_LEN(report_fields); i++) {
        uint64_t n = 0;
        const struct field *f = &report_fields[i];
        if (f->kind == KIND_NUMBER && strcmp(f->name, "request_id") != 0 &&
            (!json_opt_u64(j, f->name, &n, e) || n > NUMBER_MAX))
            return err_set(e, ERR_INVALID, "field '%s' is too large", f->name);
    }
    return true;
}

// In the one form in which lists look for it.
static void show_hash(json_t *out, const char *name, const json_t *value) {
    struct hash hash;
    struct err unknown;
    char hex[65];
    if (hash_from_hex(&hash, slice_str(json_string_value(value)), &unknown))
        json_object_set_new(out, name, json_string(hash_hex(&hash, hex)));
}

json_t *report_about(const json_t *report) {
    json_t *out = json_object(), *v;
    for (size_t i = REPORT_SHOWN; i < ARRAY_LEN(report_fields); i++) {
        const char *name = report_fields[i].name;
        uint64_t number;
        if (!(v = json_object_get(report, name)) || json_is_null(v))
            continue;
        if (report_fields[i].kind == KIND_AMOUNT)
            show_amount(out, name, report);
        else if (report_fields[i].kind == KIND_NUMBER && json_get_u64(report, name, &number, NULL))
            json_set_u64(out, name, number);
        else if (report_fields[i].kind == KIND_HASH)
            show_hash(out, name, v);
        else
            json_object_set(out, strcmp(name, "resolve_transaction") == 0 ? "resolve_tx_id" : name, v);
    }
    return out;
}

static void cut_error(json_t *j) {
    const char *error = json_string_value(json_object_get(j, "error"));
    if (error && strlen(error) > REPORT_ERROR_MAX)
        json_object_set_new(j, "error", json_stringn(error, text_cut(error, REPORT_ERROR_MAX)));
}

static bool check_attested(const struct attestation *x, struct err *e) {
    const uint64_t numbers[] = {x->instructions, x->max_instructions, x->max_memory_mb, x->max_execution_seconds,
                                x->block_height};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        if (numbers[i] > NUMBER_MAX)
            return err_set(e, ERR_INVALID, "a number is too large");
    return true;
}

// As it is written here: whatever spaces and order it came in.
static bool read_evidence(struct report *out, struct arena *a, const json_t *j, struct err *e) {
    const json_t *parts = json_object_get(j, "attestation");
    struct attestation x;
    out->evidence = NULL;
    if (!parts || json_is_null(parts))
        return true;
    if (!attestation_read(&x, parts, e) || !check_attested(&x, e))
        return err_wrap(e, "attestation");
    SCOPED_JSON(o) = attestation_json(&x);
    out->evidence = json_text(a, o);
    return true;
}

static bool read_log(const char **out, const json_t *j, const char *name, struct err *e) {
    *out = NULL;
    if (!json_opt_text(j, name, out, e))
        return false;
    return !*out || strlen(*out) <= REPORT_LOG_MAX ||
           err_set(e, ERR_INVALID, "field '%s' has more than %d bytes", name, REPORT_LOG_MAX);
}

bool report_read(struct report *out, struct arena *a, json_t *j, struct err *e) {
    if (!claim_read(&out->claim, j, e) || !check_fields(j, report_fields, ARRAY_LEN(report_fields), e) ||
        !check_numbers(j, e) || !read_evidence(out, a, j, e) || !json_get_text(j, "outcome", &out->outcome, e))
        return false;
    if (!known_outcome(out->outcome))
        return err_set(e, ERR_INVALID, "field 'outcome' is success, guest_failed, refused or expired, not '%.40s'",
                       out->outcome);
    cut_error(j);
    out->instructions = 0;
    return read_log(&out->build_log, j, "build_log", e) && read_log(&out->guest_stderr, j, "guest_stderr", e) &&
           json_opt_u64(j, "instructions", &out->instructions, e);
}
