// SPDX-License-Identifier: Apache-2.0
#include "near/rpc.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "codec/hex.h"
#include "http/client.h"
#include <inttypes.h>
#include <stdatomic.h>
#include <time.h>

#define URLS_MAX 8
#define ANSWER_MAX (64u << 20) // a block with large receipts
#define TIMEOUT_MS 30000
#define LAG_MS 3000 // how long a block is waited for that a server lacks
#define LAG_STEP_MS 200
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

size_t rpc_server_count(const struct rpc *r) { return r->count; }

void rpc_next_server(struct rpc *r) { atomic_store(&r->preferred, (atomic_load(&r->preferred) + 1) % r->count); }

static bool is_one_of(const char *name, const char *const *names, size_t count) {
    for (size_t i = 0; name && i < count; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

// The error object of an answer as one of ours. What a server says of itself and not of the chain is *its_own: also
// that it lacks the very block that is asked about.
static bool take_error(const json_t *error, struct arena *a, bool at_height, bool *its_own, struct err *e) {
    const json_t *cause = json_object_get(error, "cause"), *data = json_object_get(error, "data");
    const char *name = json_string_value(json_object_get(cause, "name"));
    const char *text = json_is_string(data) ? json_string_value(data) : data ? json_text(a, data) : "";
    static const char *const missing[] = {"UNKNOWN_ACCOUNT", "UNKNOWN_ACCESS_KEY",  "NO_CONTRACT_CODE",
                                          "UNKNOWN_BLOCK",   "UNKNOWN_TRANSACTION", "UNKNOWN_CHUNK",
                                          "UNKNOWN_RECEIPT"};
    static const char *const troubles[] = {"INTERNAL_ERROR", "NO_SYNCED_BLOCKS", "NOT_SYNCED_YET", "UNAVAILABLE_SHARD",
                                           "GARBAGE_COLLECTED_BLOCK"};
    enum err_code code = ERR_CHAIN;
    *its_own = !name || is_one_of(name, troubles, ARRAY_LEN(troubles)) ||
               (at_height && (strcmp(name, "UNKNOWN_BLOCK") == 0 || strncmp(name, "TIMEOUT", 7) == 0));
    if (is_one_of(name, missing, ARRAY_LEN(missing)))
        code = ERR_NOT_FOUND;
    if (*its_own)
        code = ERR_UNAVAILABLE;
    if (name && strncmp(name, "TIMEOUT", 7) == 0)
        code = ERR_TIMEOUT;
    return err_set(e, code, "the chain says %s: %s", name ? name : "error", text);
}

// One URL. `reached` tells whether the server gave an answer about the chain.
static bool call_one(struct rpc *r, struct arena *a, const char *url, struct slice body, const struct rpc_bounds *b,
                     bool *reached, json_t **result, struct err *e) {
    struct http_call call = {.method = "POST",
                             .url = url,
                             .body = body,
                             .timeout_ms = b->timeout_ms,
                             .max_answer = b->max_answer,
                             .cancel = r->cancel};
    struct http_answer answer;
    *reached = false;
    if (!http_call(r->http, a, &call, &answer, e)) {
        *reached = e->code == ERR_TOO_LARGE;
        return false;
    }
    char shown[256];
    SCOPED_JSON(j) = json_parse_big(answer.body, b->max_answer, e);
    if (!j || !json_is_object(j)) {
        err_set(e, ERR_UNAVAILABLE, "RPC %s answered status %d without JSON", log_url(url, shown), answer.status);
        return err_hint(e, "check NEAR_RPC_URL, or wait: a busy server answers like this");
    }
    const json_t *error = json_object_get(j, "error");
    if (error && !json_is_null(error)) {
        bool its_own;
        take_error(error, a, b->height, &its_own, e);
        *reached = !its_own;
        return false;
    }
    *reached = answer.status != 429 && answer.status < 500;
    *result = json_incref(json_object_get(j, "result"));
    return *result || err_set(e, ERR_UNAVAILABLE, "RPC %s answered neither result nor error", log_url(url, shown));
}

// each_ms: longest wait for one server; 0: TIMEOUT_MS. b->timeout_ms bounds all of them together.
static bool call_within(struct rpc *r, struct arena *a, const char *method, json_t *params, const struct rpc_bounds *b,
                        uint64_t each_ms, json_t **result, struct err *e) { // takes params
    SCOPED_JSON(request) =
        json_pack("{s:s,s:s,s:s,s:o}", "jsonrpc", "2.0", "id", "outlayer", "method", method, "params", params);
    BUG_ON(!request);
    *result = NULL;
    struct slice body = slice_str(json_text(a, request));
    size_t first = atomic_load(&r->preferred);
    uint64_t each = each_ms ? each_ms : TIMEOUT_MS;
    uint64_t end = clock_mono_ms() + (b->timeout_ms ? b->timeout_ms : each * r->count);
    for (size_t i = 0; i < r->count; i++) {
        size_t at = (first + i) % r->count;
        uint64_t now = clock_mono_ms(), left = now < end ? end - now : 0;
        bool reached;
        struct rpc_bounds one = {.height = b->height,
                                 .timeout_ms = left / (r->count - i) + 1, // none takes what the others need
                                 .max_answer = b->max_answer ? b->max_answer : ANSWER_MAX};
        if (one.timeout_ms > each)
            one.timeout_ms = each;
        if (call_one(r, a, r->urls[at], body, &one, &reached, result, e)) {
            atomic_store(&r->preferred, at);
            return true;
        }
        if (reached)
            return false;
    }
    return false;
}

bool rpc_call(struct rpc *r, struct arena *a, const char *method, json_t *params, uint64_t timeout_ms, json_t **result,
              struct err *e) {
    const struct rpc_bounds b = {0};
    return call_within(r, a, method, params, &b, timeout_ms, result, e);
}

// Not what a server that follows the protocol says, so nothing about the chain. Its error stands in *e; ERR_CHAIN: what
// it says is well formed and not known here.
static bool malformed(const char *what, struct err *e) {
    if (e && e->code != ERR_CHAIN)
        e->code = ERR_UNAVAILABLE;
    return err_wrap(e, "the RPC server's answer to %s is malformed", what);
}

// A query that failed inside the chain's VM, or a missing key, comes as a result with "error".
static bool query(struct rpc *r, struct arena *a, json_t *params, const struct rpc_bounds *b, json_t **result,
                  struct err *e) {
    if (!call_within(r, a, "query", params, b, 0, result, e))
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

static const struct rpc_bounds newest; // the newest final block, no other bounds than everybody's

static json_t *at_block(json_t *params, uint64_t height) {
    if (!height)
        json_set_text(params, "finality", "final");
    else
        json_set_u64(params, "block_id", height);
    return params;
}

// Servers get a block some hundred milliseconds after each other, and behind one address there may be many: what one of
// them named, another one lacks for a moment. Nothing tells when it has it. Takes params.
static bool query_until_there(struct rpc *r, struct arena *a, json_t *params, const struct rpc_bounds *b,
                              json_t **result, struct err *e) {
    struct rpc_bounds left = *b;
    struct err why = {0};
    bool ok;
    uint64_t start = clock_mono_ms(), most = b->timeout_ms && b->timeout_ms < LAG_MS ? b->timeout_ms : LAG_MS;
    while (!(ok = query(r, a, json_incref(params), &left, result, &why))) {
        uint64_t gone = clock_mono_ms() - start + LAG_STEP_MS;
        if (!b->height || !strstr(why.msg, "UNKNOWN_BLOCK") || gone >= most || (r->cancel && *r->cancel))
            break;
        const struct timespec step = {.tv_nsec = LAG_STEP_MS * 1000000};
        nanosleep(&step, NULL);
        left.timeout_ms = b->timeout_ms ? b->timeout_ms - gone : 0; // more than nothing: gone < most
    }
    json_decref(params);
    if (!ok && e)
        *e = why;
    return ok;
}

// One decision is about one block: a server that answers for another is not believed.
static bool query_at(struct rpc *r, struct arena *a, json_t *params, const struct rpc_bounds *b, json_t **result,
                     struct err *e) {
    uint64_t got;
    if (!query_until_there(r, a, at_block(params, b->height), b, result, e))
        return false;
    if (!b->height || (json_get_u64(*result, "block_height", &got, NULL) && got == b->height))
        return true;
    json_decref(*result);
    *result = NULL;
    return err_set(e, ERR_UNAVAILABLE, "the RPC server answered for another block than %" PRIu64, b->height);
}

static bool view_at(struct rpc *r, struct arena *a, const char *contract, const char *method, const json_t *args,
                    const struct rpc_bounds *b, struct slice *out, struct err *e) {
    const char *text = args ? json_text(a, args) : "";
    SCOPED_JSON(result) = NULL;
    json_t *params = json_pack("{s:s,s:s,s:s,s:s}", "request_type", "call_function", "account_id", contract,
                               "method_name", method, "args_base64", base64_text(a, slice_str(text)));
    if (!query_at(r, a, params, b, &result, e))
        return err_wrap(e, "view %s.%s", contract, method);
    const json_t *bytes = json_object_get(result, "result");
    if (!json_is_array(bytes)) {
        err_set(e, ERR_UNAVAILABLE, "there is no array 'result'");
        return malformed("call_function", e);
    }
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
    return view_at(r, a, contract, method, args, &newest, out, e);
}

json_t *rpc_view_json_at(struct rpc *r, struct arena *a, const char *contract, const char *method, const json_t *args,
                         const struct rpc_bounds *b, struct err *e) {
    struct slice text;
    if (!view_at(r, a, contract, method, args, b, &text, e))
        return NULL;
    json_t *j = json_parse_big(text, ANSWER_MAX, e);
    if (!j)
        err_wrap(e, "view %s.%s", contract, method);
    return j;
}

json_t *rpc_view_json(struct rpc *r, struct arena *a, const char *contract, const char *method, const json_t *args,
                      struct err *e) {
    return rpc_view_json_at(r, a, contract, method, args, &newest, e);
}

bool rpc_account(struct rpc *r, struct arena *a, const char *account, struct rpc_account *out, struct err *e) {
    return rpc_account_at(r, a, account, &newest, out, e);
}

static bool take_account(const json_t *j, struct rpc_account *out, struct err *e) {
    const char *code;
    return json_get_u128(j, "amount", &out->amount.v, e) && json_get_u128(j, "locked", &out->locked.v, e) &&
           json_get_text(j, "code_hash", &code, e) && hash_from_base58(&out->code_hash, slice_str(code), e) &&
           json_get_u64(j, "storage_usage", &out->storage_usage, e);
}

bool rpc_account_at(struct rpc *r, struct arena *a, const char *account, const struct rpc_bounds *b,
                    struct rpc_account *out, struct err *e) {
    SCOPED_JSON(j) = NULL;
    json_t *params = json_pack("{s:s,s:s}", "request_type", "view_account", "account_id", account);
    return query_at(r, a, params, b, &j, e) && (take_account(j, out, e) || malformed("view_account", e));
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

bool rpc_access_key_read(struct rpc_access_key *out, struct arena *a, const json_t *j, struct err *e) {
    *out = (struct rpc_access_key){0};
    const json_t *permission = json_object_get(j, "permission"), *call = json_object_get(permission, "FunctionCall");
    const char *text = json_string_value(permission);
    out->full_access = text && strcmp(text, "FullAccess") == 0;
    return json_get_u64(j, "nonce", &out->nonce, e) &&
           (out->full_access || (call ? take_call_permission(call, a, out, e)
                                      : err_set(e, ERR_CHAIN, "a permission of a kind that is not known here")));
}

bool rpc_access_key_at(struct rpc *r, struct arena *a, const char *account, const struct public_key *key,
                       const struct rpc_bounds *b, struct rpc_access_key *out, struct err *e) {
    *out = (struct rpc_access_key){0};
    SCOPED_JSON(j) = NULL;
    json_t *params = json_pack("{s:s,s:s,s:s}", "request_type", "view_access_key", "account_id", account, "public_key",
                               public_key_text(a, key));
    return query_at(r, a, params, b, &j, e) && (rpc_access_key_read(out, a, j, e) || malformed("view_access_key", e));
}

bool rpc_access_key(struct rpc *r, struct arena *a, const char *account, const struct public_key *key,
                    struct rpc_access_key *out, struct err *e) {
    return rpc_access_key_at(r, a, account, key, &newest, out, e);
}

static bool take_block(const json_t *j, struct rpc_block *out, struct err *e) {
    json_t *header;
    const char *hash;
    return json_get_object(j, "header", &header, e) && json_get_u64(header, "height", &out->height, e) &&
           json_get_u64(header, "timestamp", &out->timestamp_ns, e) && json_get_text(header, "hash", &hash, e) &&
           hash_from_base58(&out->hash, slice_str(hash), e);
}

bool rpc_final_block_within(struct rpc *r, struct arena *a, const struct rpc_bounds *b, struct rpc_block *out,
                            struct err *e) {
    SCOPED_JSON(j) = NULL;
    return call_within(r, a, "block", json_pack("{s:s}", "finality", "final"), b, 0, &j, e) &&
           (take_block(j, out, e) || malformed("block", e));
}

bool rpc_final_block(struct rpc *r, struct arena *a, struct rpc_block *out, struct err *e) {
    return rpc_final_block_within(r, a, &newest, out, e);
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
        if (rpc_call(r, a, "tx", params, TX_ROUND_MS, outcome, e))
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
