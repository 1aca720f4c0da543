// SPDX-License-Identifier: Apache-2.0
#include "worker/task.h"

#include "base/text.h"

static const char *const format_names[] = {"Bytes", "Text", "Json"};

const char *answer_format_text(enum answer_format f) { return format_names[f]; }

static bool keep_text(const json_t *o, const char *key, struct arena *a, const char **out, struct err *e) {
    const char *text = NULL;
    if (!json_opt_text(o, key, &text, e))
        return false;
    if (text)
        *out = arena_strdup(a, text);
    return true;
}

static bool need_text(const json_t *o, const char *key, struct arena *a, const char **out, struct err *e) {
    const char *text;
    if (!json_get_text(o, key, &text, e))
        return false;
    *out = arena_strdup(a, text);
    return true;
}

static bool read_account(const json_t *o, const char *key, struct arena *a, bool required, const char **out,
                         struct err *e) {
    if (required ? !need_text(o, key, a, out, e) : !keep_text(o, key, a, out, e))
        return false;
    return !*out || account_id_valid(slice_str(*out)) ||
           err_set(e, ERR_INVALID, "field '%s' is not an account id", key);
}

static bool read_format(const json_t *o, enum answer_format *out, struct err *e) {
    const char *text = "Text";
    if (!json_opt_text(o, "response_format", &text, e))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(format_names); i++)
        if (strcmp(text, format_names[i]) == 0) {
            *out = (enum answer_format)i;
            return true;
        }
    return err_set(e, ERR_INVALID, "field 'response_format' is none of Bytes, Text and Json");
}

static bool read_source(const json_t *o, struct arena *a, const char **repo, const char **ref, const char **target,
                        struct err *e) {
    json_t *source;
    *target = TASK_TARGET_DEFAULT;
    return json_get_object(o, "code_source", &source, e) && need_text(source, "repo", a, repo, e) &&
           need_text(source, "commit", a, ref, e) && keep_text(source, "build_target", a, target, e);
}

// null, or {"profile","account_id"}.
static bool read_secrets(const json_t *o, struct arena *a, struct secrets_ref *out, struct err *e) {
    const json_t *ref = json_object_get(o, "secrets_ref");
    *out = (struct secrets_ref){0};
    if (!ref || json_is_null(ref))
        return true;
    if (!json_is_object(ref))
        return err_set(e, ERR_INVALID, "field 'secrets_ref' is not an object");
    if (!need_text(ref, "profile", a, &out->profile, e) ||
        !read_account(ref, "account_id", a, true, &out->account_id, e))
        return err_wrap(e, "field 'secrets_ref'");
    return out->profile[0] || err_set(e, ERR_INVALID, "field 'secrets_ref' has an empty profile");
}

static bool read_limits(const json_t *o, struct task_limits *out, struct err *e) {
    json_t *l;
    return json_get_object(o, "resource_limits", &l, e) &&
           json_get_u64(l, "max_instructions", &out->max_instructions, e) &&
           json_get_u64(l, "max_memory_mb", &out->max_memory_mb, e) &&
           json_get_u64(l, "max_execution_seconds", &out->max_execution_seconds, e);
}

static bool present(const json_t *o, const char *key) {
    const json_t *j = json_object_get(o, key);
    return j && !json_is_null(j);
}

static bool read_input(const json_t *o, struct arena *a, struct slice *out, struct err *e) {
    const json_t *j = json_object_get(o, "input_data");
    *out = slice_of("", 0);
    if (!j || json_is_null(j))
        return true;
    if (!json_is_string(j) || json_string_length(j) > TASK_INPUT_MAX)
        return err_set(e, ERR_INVALID, "field 'input_data' is not a text of at most %u bytes", TASK_INPUT_MAX);
    *out = arena_copy(a, slice_of(json_string_value(j), json_string_length(j)));
    return true;
}

static bool in_range(uint64_t n, const char *key, struct err *e) {
    return n <= TASK_NUMBER_MAX || err_set(e, ERR_INVALID, "field '%s' is too large", key);
}

static bool read_number(const json_t *o, const char *key, bool *has, uint64_t *out, struct err *e) {
    *has = present(o, key);
    return json_opt_u64(o, key, out, e) && in_range(*out, key, e);
}

static bool read_context(const json_t *task, struct arena *a, struct task_context *c, struct err *e) {
    const json_t *o = json_object_get(task, "context");
    if (!o || json_is_null(o))
        return true;
    return read_number(o, "block_height", &c->has_height, &c->block_height, e) &&
           read_number(o, "block_timestamp", &c->has_timestamp, &c->block_timestamp, e) &&
           read_number(o, "gas_burnt", &c->has_gas, &c->gas_burnt, e) &&
           keep_text(o, "transaction_hash", a, &c->transaction_hash, e) &&
           keep_text(o, "receipt_id", a, &c->receipt_id, e) &&
           keep_text(o, "predecessor_id", a, &c->predecessor_id, e) && keep_text(o, "signer_id", a, &c->signer_id, e) &&
           keep_text(o, "signer_public_key", a, &c->signer_public_key, e);
}

static bool read_task(struct task *t, struct arena *a, const json_t *o, struct err *e) {
    const char *data_id;
    return json_get_u64(o, "request_id", &t->request_id, e) && in_range(t->request_id, "request_id", e) &&
           read_account(o, "contract_id", a, true, &t->contract_id, e) && json_get_text(o, "data_id", &data_id, e) &&
           (hash_from_hex(&t->data_id, slice_str(data_id), e) || err_wrap(e, "field 'data_id'")) &&
           read_account(o, "sender_id", a, true, &t->sender_id, e) &&
           read_account(o, "payer_id", a, false, &t->payer_id, e) &&
           read_source(o, a, &t->repo, &t->ref, &t->target, e) && read_secrets(o, a, &t->secrets, e) &&
           read_limits(o, &t->limits, e) && read_input(o, a, &t->input, e) && read_format(o, &t->format, e) &&
           json_opt_u128(o, "payment", &t->payment, e) && read_context(o, a, &t->context, e);
}

bool lease_parse(struct lease *out, struct arena *a, const json_t *answer, struct err *e) {
    json_t *task, *lease;
    *out = (struct lease){.expires_in_ms = 15000, .confirm_within_ms = 2000, .attempt = 1};
    if (!json_get_object(answer, "lease", &lease, e) || !need_text(lease, "token", a, &out->token, e) ||
        !json_opt_u64(lease, "expires_in_ms", &out->expires_in_ms, e) ||
        !json_opt_u64(lease, "confirm_within_ms", &out->confirm_within_ms, e) ||
        !json_opt_u64(answer, "attempt", &out->attempt, e) || !json_get_object(answer, "task", &task, e))
        return false;
    return read_task(&out->task, a, task, e);
}

static bool read_data_id(const json_t *view, struct hash *out, struct err *e) {
    json_t *list;
    if (!json_get_array(view, "data_id", &list, e))
        return false;
    if (json_array_size(list) != sizeof out->b)
        return err_set(e, ERR_INVALID, "field 'data_id' is not a list of 32 numbers");
    for (size_t i = 0; i < sizeof out->b; i++) {
        json_int_t n = json_integer_value(json_array_get(list, i));
        if (n < 0 || n > 255)
            return err_set(e, ERR_INVALID, "field 'data_id' is not a list of bytes");
        out->b[i] = (uint8_t)n;
    }
    return true;
}

bool chain_request_parse(struct chain_request *out, struct arena *a, const json_t *view, struct err *e) {
    const char *input_hash = NULL;
    *out = (struct chain_request){.build_seconds = 10};
    if (!json_get_u64(view, "request_id", &out->request_id, e) || !read_data_id(view, &out->data_id, e) ||
        !read_account(view, "sender_id", a, true, &out->sender_id, e) ||
        !read_account(view, "payer_account_id", a, false, &out->payer_id, e) ||
        !read_source(view, a, &out->repo, &out->ref, &out->target, e) || !read_secrets(view, a, &out->secrets, e) ||
        !read_limits(view, &out->limits, e) || !read_format(view, &out->format, e) ||
        !json_get_u128(view, "payment", &out->payment, e) || !json_get_u64(view, "timestamp", &out->timestamp_ns, e) ||
        !json_opt_u64(view, "build_seconds", &out->build_seconds, e) ||
        !json_opt_u64(view, "extensions", &out->extensions, e) ||
        !json_opt_u64(view, "extensions_left", &out->extensions_left, e) ||
        !json_opt_bool(view, "answered", &out->answered, e) ||
        !json_opt_bool(view, "output_submitted", &out->output_submitted, e) ||
        !json_opt_text(view, "input_hash", &input_hash, e) ||
        !json_opt_u64(view, "input_length", &out->input_length, e))
        return false;
    out->has_input = input_hash;
    return !input_hash || hash_from_hex(&out->input_hash, slice_str(input_hash), e);
}

static bool same_input(const struct task *t, const struct chain_request *c) {
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

const char *task_mismatch(const struct task *t, const struct chain_request *c) {
    const char *payer = c->payer_id ? c->payer_id : c->sender_id;
    const struct {
        const char *field;
        bool same;
    } checks[] = {
        {"request_id", t->request_id == c->request_id},
        {"data_id", c->extensions || hash_eq(&t->data_id, &c->data_id)}, // each extension makes a new one
        {"sender_id", strcmp(t->sender_id, c->sender_id) == 0},
        {"payer_id", !t->payer_id || strcmp(t->payer_id, payer) == 0},
        {"code_source.repo", strcmp(t->repo, c->repo) == 0},
        {"code_source.commit", strcmp(t->ref, c->ref) == 0},
        {"code_source.build_target", strcmp(t->target, c->target) == 0},
        {"resource_limits.max_instructions", t->limits.max_instructions == c->limits.max_instructions},
        {"resource_limits.max_memory_mb", t->limits.max_memory_mb == c->limits.max_memory_mb},
        {"resource_limits.max_execution_seconds", t->limits.max_execution_seconds == c->limits.max_execution_seconds},
        {"secrets_ref", same_secrets(&t->secrets, &c->secrets)},
        {"response_format", t->format == c->format},
        {"payment", t->payment == c->payment},
        {"input_data", same_input(t, c)},
    };
    for (size_t i = 0; i < ARRAY_LEN(checks); i++)
        if (!checks[i].same)
            return checks[i].field;
    return NULL;
}
