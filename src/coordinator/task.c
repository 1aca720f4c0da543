// SPDX-License-Identifier: Apache-2.0
#include "coordinator/task.h"

#include "near/types.h"

#define REQUEST_ID_MAX ((uint64_t)INT64_MAX) // the database's integers

json_t *task_body(struct http_request *r, size_t max, struct err *e) {
    json_t *j = json_parse_big(http_body(r), max, e);
    if (j && !json_is_object(j)) {
        json_decref(j);
        err_set(e, ERR_INVALID, "the body is not a JSON object");
        return NULL;
    }
    return j;
}

static bool read_key(struct board_key *out, const json_t *j, struct err *e) {
    if (!json_get_text(j, "contract_id", &out->contract_id, e) || !json_get_u64(j, "request_id", &out->request_id, e))
        return false;
    if (!account_id_valid(slice_str(out->contract_id)))
        return err_set(e, ERR_INVALID, "field 'contract_id' is not a NEAR account: '%.80s'", out->contract_id);
    return out->request_id <= REQUEST_ID_MAX || err_set(e, ERR_INVALID, "field 'request_id' is too large");
}

static bool check_source(const json_t *j, const char **target, struct err *e) {
    static const char *const keys[] = {"repo", "commit", "build_target", NULL};
    const char *repo, *commit;
    json_t *source;
    *target = "";
    if (!json_get_object(j, "code_source", &source, e) || !json_only_keys(source, keys, e) ||
        !json_get_text(source, "repo", &repo, e) || !json_get_text(source, "commit", &commit, e) ||
        !json_get_text(source, "build_target", target, e))
        return err_wrap(e, "code_source");
    return true;
}

static bool check_limits(const json_t *j, struct err *e) {
    static const char *const keys[] = {"max_instructions", "max_memory_mb", "max_execution_seconds", NULL};
    json_t *limits;
    uint64_t n;
    if (!json_get_object(j, "resource_limits", &limits, e) || !json_only_keys(limits, keys, e))
        return err_wrap(e, "resource_limits");
    for (size_t i = 0; keys[i]; i++)
        if (!json_get_u64(limits, keys[i], &n, e))
            return err_wrap(e, "resource_limits");
    return true;
}

static bool check_format(const json_t *j, struct err *e) {
    const char *format = "Text";
    if (!json_opt_text(j, "response_format", &format, e))
        return false;
    return !strcmp(format, "Bytes") || !strcmp(format, "Text") || !strcmp(format, "Json") ||
           err_set(e, ERR_INVALID, "field 'response_format' is Bytes, Text or Json, not '%.40s'", format);
}

static bool check_whole(struct task *out, const json_t *j, struct err *e) {
    const char *text;
    u128 payment = 0;
    return check_source(j, &out->build_target, e) && check_limits(j, e) && check_format(j, e) &&
           json_get_text(j, "data_id", &text, e) && json_get_text(j, "sender_id", &text, e) &&
           json_get_text(j, "input_data", &text, e) && json_opt_u128(j, "payment", &payment, e);
}

bool task_read(struct task *out, const json_t *j, struct err *e) {
    static const char *const keys[] = {"contract_id", "request_id",      "data_id",    "sender_id",   "payer_id",
                                       "code_source", "resource_limits", "input_data", "secrets_ref", "response_format",
                                       "payment",     "timestamp",       "context",    "refused",     NULL};
    *out = (struct task){.build_target = ""};
    if (!json_only_keys(j, keys, e) || !read_key(&out->key, j, e) || !json_opt_text(j, "refused", &out->refused, e))
        return false;
    const json_t *context = json_object_get(j, "context");
    if (context && !json_is_null(context) && !json_is_object(context))
        return err_set(e, ERR_INVALID, "field 'context' is not an object");
    if (json_is_object(context) && !json_opt_text(context, "transaction_hash", &out->transaction_hash, e))
        return err_wrap(e, "context");
    return out->refused || check_whole(out, j, e);
}

bool claim_read(struct claim *out, const json_t *j, struct err *e) {
    if (!read_key(&out->key, j, e) || !json_get_text(j, "token", &out->token, e))
        return false;
    return strlen(out->token) <= LEASE_TOKEN_LEN || err_set(e, ERR_INVALID, "field 'token' is too long");
}

static bool known_outcome(const char *s) {
    return !strcmp(s, "success") || !strcmp(s, "guest_failed") || !strcmp(s, "refused") || !strcmp(s, "expired");
}

bool report_read(struct report *out, const json_t *j, struct err *e) {
    static const char *const keys[] = {"contract_id",
                                       "request_id",
                                       "token",
                                       "outcome",
                                       "error",
                                       "failure",
                                       "instructions",
                                       "time_ms",
                                       "compile_time_ms",
                                       "peak_memory_bytes",
                                       "wasm_hash",
                                       "commit",
                                       "build_key",
                                       "output_hash",
                                       "output_bytes",
                                       "resolve_transaction",
                                       "charged",
                                       "refunded",
                                       NULL};
    struct claim claim;
    if (!json_only_keys(j, keys, e) || !claim_read(&claim, j, e) || !json_get_text(j, "outcome", &out->outcome, e))
        return false;
    if (!known_outcome(out->outcome))
        return err_set(e, ERR_INVALID, "field 'outcome' is success, guest_failed, refused or expired, not '%.40s'",
                       out->outcome);
    out->key = claim.key;
    out->token = claim.token;
    out->instructions = 0;
    return json_opt_u64(j, "instructions", &out->instructions, e);
}
