// SPDX-License-Identifier: Apache-2.0
#include "near/rpc.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "codec/hex.h"
#include "http/client.h"
#include <inttypes.h>
#include <stdatomic.h>

#define URLS_MAX 8
#define ANSWER_MAX (64u << 20) // a block with large receipts
#define TIMEOUT_MS 30000
#define TX_ROUND_MS 15000 // servers answer a waiting `tx` within 10 s

struct rpc {
    struct http_client *http;
    struct arena *arena;
    const char *urls[URLS_MAX];
    size_t count;
    atomic_size_t preferred; // the one that answered last
    const atomic_bool *cancel;
};

bool rpc_new(struct rpc **out, const char *urls, struct err *e) {
    struct rpc *r = xcalloc(1, sizeof *r);
    r->arena = arena_new();
    for (struct slice left = slice_str(urls); left.len && r->count < URLS_MAX;) {
        const uint8_t *comma = memchr(left.ptr, ',', left.len);
        size_t n = comma ? (size_t)(comma - left.ptr) : left.len;
        struct slice one = slice_of(left.ptr, n);
        while (one.len && one.ptr[one.len - 1] == ' ')
            one.len--;
        if (one.len)
            r->urls[r->count++] = arena_text(r->arena, one);
        left = slice_skip(left, n + 1);
    }
    if (!r->count) {
        rpc_free(r);
        err_set(e, ERR_SETTINGS, "no RPC address given");
        return err_hint(e, "set NEAR_RPC_URL");
    }
    r->http = http_client_new();
    *out = r;
    return true;
}

void rpc_free(struct rpc *r) {
    if (!r)
        return;
    if (r->http)
        http_client_free(r->http);
    arena_free(r->arena);
    free(r);
}

void rpc_set_cancel(struct rpc *r, const atomic_bool *cancel) { r->cancel = cancel; }

// The error object of an answer as one of ours.
static bool take_error(const json_t *error, struct arena *a, struct err *e) {
    const json_t *cause = json_object_get(error, "cause"), *data = json_object_get(error, "data");
    const char *name = json_string_value(json_object_get(cause, "name"));
    const char *text = json_is_string(data) ? json_string_value(data) : data ? json_text(a, data) : "";
    static const char *const missing[] = {"UNKNOWN_ACCOUNT", "UNKNOWN_ACCESS_KEY",  "NO_CONTRACT_CODE",
                                          "UNKNOWN_BLOCK",   "UNKNOWN_TRANSACTION", "UNKNOWN_CHUNK",
                                          "UNKNOWN_RECEIPT"};
    enum err_code code = ERR_CHAIN;
    for (size_t i = 0; name && i < ARRAY_LEN(missing); i++)
        if (strcmp(name, missing[i]) == 0)
            code = ERR_NOT_FOUND;
    if (name && strncmp(name, "TIMEOUT", 7) == 0)
        code = ERR_TIMEOUT;
    return err_set(e, code, "the chain says %s: %s", name ? name : "error", text);
}

// One URL. `reached` tells whether the server gave an answer at all.
static bool call_one(struct rpc *r, struct arena *a, const char *url, struct slice body, uint64_t timeout_ms,
                     bool *reached, json_t **result, struct err *e) {
    struct http_call call = {.method = "POST",
                             .url = url,
                             .body = body,
                             .timeout_ms = timeout_ms,
                             .max_answer = ANSWER_MAX,
                             .cancel = r->cancel};
    struct http_answer answer;
    *reached = false;
    if (!http_call(r->http, a, &call, &answer, e))
        return false;
    char shown[256];
    SCOPED_JSON(j) = json_parse_big(answer.body, ANSWER_MAX, e);
    if (!j || !json_is_object(j)) {
        err_set(e, ERR_UNAVAILABLE, "RPC %s answered status %d without JSON", log_url(url, shown), answer.status);
        return err_hint(e, "check NEAR_RPC_URL, or wait: a busy server answers like this");
    }
    *reached = answer.status != 429 && answer.status < 500;
    const json_t *error = json_object_get(j, "error");
    if (error && !json_is_null(error)) {
        *reached = true;
        return take_error(error, a, e);
    }
    *result = json_incref(json_object_get(j, "result"));
    return *result || err_set(e, ERR_UNAVAILABLE, "RPC %s answered neither result nor error", log_url(url, shown));
}

bool rpc_call(struct rpc *r, struct arena *a, const char *method, json_t *params, uint64_t timeout_ms, json_t **result,
              struct err *e) {
    SCOPED_JSON(request) =
        json_pack("{s:s,s:s,s:s,s:o}", "jsonrpc", "2.0", "id", "outlayer", "method", method, "params", params);
    BUG_ON(!request);
    *result = NULL;
    struct slice body = slice_str(json_text(a, request));
    size_t first = atomic_load(&r->preferred);
    for (size_t i = 0; i < r->count; i++) {
        size_t at = (first + i) % r->count;
        bool reached;
        if (call_one(r, a, r->urls[at], body, timeout_ms ? timeout_ms : TIMEOUT_MS, &reached, result, e)) {
            atomic_store(&r->preferred, at);
            return true;
        }
        if (reached)
            return false;
    }
    return false;
}

// A query that failed inside the chain's VM, or a missing key, comes as a result with "error".
static bool query(struct rpc *r, struct arena *a, json_t *params, json_t **result, struct err *e) {
    if (!rpc_call(r, a, "query", params, 0, result, e))
        return false;
    const char *error = json_string_value(json_object_get(*result, "error"));
    if (!error)
        return true;
    bool missing = strstr(error, "does not exist while viewing") || strstr(error, "MethodNotFound") ||
                   strstr(error, "CodeDoesNotExist");
    err_set(e, missing ? ERR_NOT_FOUND : ERR_CHAIN, "%s", error);
    json_decref(*result);
    *result = NULL;
    return false;
}

#define FINAL 0 // in place of a height: the newest final block

static json_t *at_block(json_t *params, uint64_t height) {
    if (height == FINAL)
        json_set_text(params, "finality", "final");
    else
        json_set_u64(params, "block_id", height);
    return params;
}

// One decision is about one block: a server that answers for another is not believed.
static bool query_at(struct rpc *r, struct arena *a, json_t *params, uint64_t height, json_t **result, struct err *e) {
    uint64_t got;
    if (!query(r, a, at_block(params, height), result, e))
        return false;
    if (height == FINAL || (json_get_u64(*result, "block_height", &got, NULL) && got == height))
        return true;
    json_decref(*result);
    *result = NULL;
    return err_set(e, ERR_UNAVAILABLE, "the RPC server answered for another block than %" PRIu64, height);
}

static bool view_at(struct rpc *r, struct arena *a, const char *contract, const char *method, const json_t *args,
                    uint64_t height, struct slice *out, struct err *e) {
    const char *text = args ? json_text(a, args) : "";
    SCOPED_JSON(result) = NULL;
    json_t *params = json_pack("{s:s,s:s,s:s,s:s}", "request_type", "call_function", "account_id", contract,
                               "method_name", method, "args_base64", base64_text(a, slice_str(text)));
    if (!query_at(r, a, params, height, &result, e))
        return err_wrap(e, "view %s.%s", contract, method);
    const json_t *bytes = json_object_get(result, "result");
    size_t n = json_array_size(bytes);
    uint8_t *p = arena_alloc(a, n + 1);
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)json_integer_value(json_array_get(bytes, i));
    p[n] = 0;
    *out = slice_of(p, n);
    return true;
}

bool rpc_view(struct rpc *r, struct arena *a, const char *contract, const char *method, const json_t *args,
              struct slice *out, struct err *e) {
    return view_at(r, a, contract, method, args, FINAL, out, e);
}

json_t *rpc_view_json_at(struct rpc *r, struct arena *a, const char *contract, const char *method, const json_t *args,
                         uint64_t height, struct err *e) {
    struct slice text;
    if (!view_at(r, a, contract, method, args, height, &text, e))
        return NULL;
    json_t *j = json_parse_big(text, ANSWER_MAX, e);
    if (!j)
        err_wrap(e, "view %s.%s", contract, method);
    return j;
}

json_t *rpc_view_json(struct rpc *r, struct arena *a, const char *contract, const char *method, const json_t *args,
                      struct err *e) {
    return rpc_view_json_at(r, a, contract, method, args, FINAL, e);
}

bool rpc_account(struct rpc *r, struct arena *a, const char *account, struct rpc_account *out, struct err *e) {
    return rpc_account_at(r, a, account, FINAL, out, e);
}

bool rpc_account_at(struct rpc *r, struct arena *a, const char *account, uint64_t height, struct rpc_account *out,
                    struct err *e) {
    SCOPED_JSON(j) = NULL;
    const char *code;
    json_t *params = json_pack("{s:s,s:s}", "request_type", "view_account", "account_id", account);
    return query_at(r, a, params, height, &j, e) && json_get_u128(j, "amount", &out->amount.v, e) &&
           json_get_u128(j, "locked", &out->locked.v, e) && json_get_text(j, "code_hash", &code, e) &&
           hash_from_base58(&out->code_hash, slice_str(code), e) &&
           json_get_u64(j, "storage_usage", &out->storage_usage, e);
}

static bool take_call_permission(const json_t *call, struct arena *a, struct rpc_access_key *out, struct err *e) {
    const char *receiver;
    json_t *methods;
    if (!json_get_text(call, "receiver_id", &receiver, e) || !json_get_array(call, "method_names", &methods, e) ||
        !account_id_parse(&out->receiver, slice_str(receiver), e) ||
        !json_opt_u128(call, "allowance", &out->allowance.v, e))
        return false;
    out->has_allowance = json_is_string(json_object_get(call, "allowance"));
    out->method_count = json_array_size(methods);
    out->methods = arena_calloc(a, out->method_count, sizeof *out->methods);
    for (size_t i = 0; i < out->method_count; i++) {
        const char *name = json_string_value(json_array_get(methods, i));
        out->methods[i] = arena_strdup(a, name ? name : "");
    }
    return true;
}

bool rpc_access_key(struct rpc *r, struct arena *a, const char *account, const struct public_key *key,
                    struct rpc_access_key *out, struct err *e) {
    *out = (struct rpc_access_key){0};
    SCOPED_JSON(j) = NULL;
    json_t *params = json_pack("{s:s,s:s,s:s,s:s}", "request_type", "view_access_key", "finality", "final",
                               "account_id", account, "public_key", public_key_text(a, key));
    if (!query(r, a, params, &j, e) || !json_get_u64(j, "nonce", &out->nonce, e))
        return false;
    const json_t *permission = json_object_get(j, "permission");
    out->full_access = json_is_string(permission);
    const json_t *call = json_object_get(permission, "FunctionCall");
    if (out->full_access)
        return true;
    return call ? take_call_permission(call, a, out, e)
                : err_set(e, ERR_CHAIN, "the key's permission is of a kind that is not known here");
}

bool rpc_final_block(struct rpc *r, struct arena *a, struct rpc_block *out, struct err *e) {
    SCOPED_JSON(j) = NULL;
    json_t *header;
    const char *hash;
    return rpc_call(r, a, "block", json_pack("{s:s}", "finality", "final"), 0, &j, e) &&
           json_get_object(j, "header", &header, e) && json_get_u64(header, "height", &out->height, e) &&
           json_get_u64(header, "timestamp", &out->timestamp_ns, e) && json_get_text(header, "hash", &hash, e) &&
           hash_from_base58(&out->hash, slice_str(hash), e);
}

bool rpc_send(struct rpc *r, struct arena *a, struct slice signed_tx, bool *stale_nonce, struct err *e) {
    SCOPED_JSON(j) = NULL;
    *stale_nonce = false;
    if (rpc_call(r, a, "broadcast_tx_async", json_pack("[s]", base64_text(a, signed_tx)), 0, &j, e))
        return true;
    *stale_nonce = e->code == ERR_CHAIN && strstr(e->msg, "InvalidNonce");
    return false;
}

bool rpc_tx(struct rpc *r, struct arena *a, const char *hash_base58, const char *signer, const char *wait_until,
            uint64_t timeout_ms, json_t **outcome, struct err *e) {
    uint64_t deadline = clock_mono_ms() + timeout_ms;
    for (;;) {
        json_t *params =
            json_pack("{s:s,s:s,s:s}", "tx_hash", hash_base58, "sender_account_id", signer, "wait_until", wait_until);
        if (rpc_call(r, a, "EXPERIMENTAL_tx_status", params, TX_ROUND_MS, outcome, e))
            return true;
        // The server's own limit for one call has passed: the transaction is there and goes on.
        if (e->code != ERR_TIMEOUT || clock_mono_ms() >= deadline || (r->cancel && *r->cancel))
            return false;
    }
}

const char *rpc_failure_text(struct arena *a, const json_t *status) {
    const json_t *failure = json_object_get(status, "Failure");
    if (!failure)
        return NULL;
    const json_t *kind = json_object_get(json_object_get(failure, "ActionError"), "kind");
    const char *words =
        json_string_value(json_object_get(json_object_get(kind, "FunctionCallError"), "ExecutionError"));
    return words ? arena_strdup(a, words) : json_text(a, kind ? kind : failure);
}

bool rpc_success_value(struct arena *a, const json_t *outcome, struct slice *out) {
    const char *text = json_string_value(json_object_get(json_object_get(outcome, "status"), "SuccessValue"));
    return text && base64_decode(a, slice_str(text), out, NULL);
}
