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
#define TX_ROUND_MS 15000 // servers answer a waiting `tx` or `send_tx` within 10 s
#define FRESH_MS 10000    // how long a server is waited for that has the block needed
#define KEYS_PAGE 100     // what a node gives at once: without a limit it refuses accounts with more keys than that
#define KEYS_PAGES_MAX 100
#define KEYS_BYTES (4u << 20) // of one answer; an older node gives all keys in one
#define SEEN_MS 60000         // how long a height counts that was seen: a server that made one up is forgotten

struct rpc {
    struct http_client *http;
    struct arena *arena;
    const char *urls[URLS_MAX];
    size_t count;
    atomic_size_t preferred;              // the one that answered last
    atomic_uint_fast64_t newest, seen_ms; // the highest final block shown, and when; clock_mono_ms()
    const atomic_bool *cancel;
    _Atomic uint64_t calls[URLS_MAX], failures[URLS_MAX]; // by server
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
        while (one.len && one.ptr[0] == ' ')
            one = slice_skip(one, 1);
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

bool rpc_newest(const struct rpc *r, uint64_t *height, uint64_t *age_ms) {
    uint64_t seen = atomic_load(&r->seen_ms);
    *height = atomic_load(&r->newest);
    *age_ms = seen ? clock_mono_ms() - seen : 0;
    return seen;
}

// By host and port alone: an address's path and query may be a key.
static void server_label(char out[static FIGURE_LABEL_MAX], const struct rpc *r, size_t at) {
    char shown[256], number[16];
    const char *host = strstr(log_url(r->urls[at], shown), "://");
    host = host ? host + 3 : shown;
    shown[(size_t)(host - shown) + strcspn(host, "/")] = 0;
    snprintf(number, sizeof number, "%zu", at + 1); // two may have one host
    int n = snprintf(out, FIGURE_LABEL_MAX, "number=\"%s\",", number);
    char server[FIGURE_LABEL_MAX];
    snprintf(out + n, FIGURE_LABEL_MAX - (size_t)n, "%.256s", figure_label(server, "server", host));
}

void rpc_figures(const struct rpc *r, struct buf *out) {
    char label[FIGURE_LABEL_MAX];
    figure_head(out, FIGURE_COUNTER, "outlayer_rpc_calls_total", "Calls to servers of the chain.");
    for (size_t i = 0; i < r->count; i++) {
        server_label(label, r, i);
        figure_u64(out, "outlayer_rpc_calls_total", label, r->calls[i]);
    }
    figure_head(out, FIGURE_COUNTER, "outlayer_rpc_errors_total",
                "Calls that a server could not be reached for, or did not answer about the chain.");
    for (size_t i = 0; i < r->count; i++) {
        server_label(label, r, i);
        figure_u64(out, "outlayer_rpc_errors_total", label, r->failures[i]);
    }
}

void rpc_next_server(struct rpc *r) { atomic_store(&r->preferred, (atomic_load(&r->preferred) + 1) % r->count); }

static bool is_one_of(const char *name, const char *const *names, size_t count) {
    for (size_t i = 0; name && i < count; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

// The error object of an answer as one of ours. What a server says of itself and not of the chain is *its_own: also
// that it lacks a block, be it the very one that is asked about or its newest.
static bool take_error(const json_t *error, struct arena *a, bool at_height, bool *its_own, struct err *e) {
    const json_t *cause = json_object_get(error, "cause"), *data = json_object_get(error, "data");
    const char *name = json_string_value(json_object_get(cause, "name"));
    const char *text = json_is_string(data) ? json_string_value(data) : data ? json_text(a, data) : "";
    static const char *const missing[] = {"UNKNOWN_ACCOUNT",     "UNKNOWN_ACCESS_KEY", "NO_CONTRACT_CODE",
                                          "UNKNOWN_TRANSACTION", "UNKNOWN_CHUNK",      "UNKNOWN_RECEIPT"};
    static const char *const troubles[] = {"INTERNAL_ERROR",    "NO_SYNCED_BLOCKS",        "NOT_SYNCED_YET",
                                           "UNAVAILABLE_SHARD", "GARBAGE_COLLECTED_BLOCK", "UNKNOWN_BLOCK"};
    enum err_code code = ERR_CHAIN;
    *its_own =
        !name || is_one_of(name, troubles, ARRAY_LEN(troubles)) || (at_height && strncmp(name, "TIMEOUT", 7) == 0);
    if (is_one_of(name, missing, ARRAY_LEN(missing)))
        code = ERR_NOT_FOUND;
    if (*its_own)
        code = ERR_UNAVAILABLE;
    if (name && strncmp(name, "TIMEOUT", 7) == 0)
        code = ERR_TIMEOUT;
    return err_set(e, code, "the chain says %s: %s", name ? name : "error", text);
}

// What a server said: one of the two, the caller's.
struct told {
    json_t *result;
    json_t *error; // about the chain; NULL where the server was not reached or is in trouble of its own
    bool doubt;    // another server was asked before, and may have done what it was asked for
};
static void told_cleanup(struct told *t) {
    json_decref(t->result);
    json_decref(t->error);
}
#define SCOPED_TOLD(name) __attribute__((cleanup(told_cleanup))) struct told name

// One URL. `reached` tells whether the server gave an answer about the chain.
static bool call_one(struct rpc *r, struct arena *a, const char *url, struct slice body, const struct rpc_bounds *b,
                     bool *reached, struct told *out, struct err *e) {
    struct http_call call = {.method = "POST",
                             .url = url,
                             .body = body,
                             .timeout_ms = b->timeout_ms,
                             .max_answer = b->max_answer,
                             .cancel = r->cancel};
    struct http_answer answer;
    *reached = false;
    if (!http_call(r->http, a, &call, &answer, e)) {
        if (e->code == ERR_TOO_LARGE && b->max_answer == ANSWER_MAX)
            e->code = ERR_UNAVAILABLE; // nothing on a chain is so large: the server says what makes no sense
        return false;
    }
    char shown[256];
    SCOPED_JSON(j) = json_parse_big(answer.body, b->max_answer, e);
    if (!j || !json_is_object(j)) {
        err_set(e, ERR_UNAVAILABLE, "RPC %s answered status %d without JSON", log_url(url, shown), answer.status);
        return err_hint(e, "check NEAR_RPC_URL, or wait: a busy server answers like this");
    }
    json_t *error = json_object_get(j, "error");
    if (error && !json_is_null(error)) {
        bool its_own;
        take_error(error, a, b->height, &its_own, e);
        *reached = !its_own;
        out->error = its_own ? NULL : json_incref(error);
        return false;
    }
    *reached = answer.status != 429 && answer.status < 500;
    out->result = json_incref(json_object_get(j, "result"));
    return out->result || err_set(e, ERR_UNAVAILABLE, "RPC %s answered neither result nor error", log_url(url, shown));
}

// each_ms: longest wait for one server; 0: TIMEOUT_MS. b->timeout_ms bounds all of them together.
static bool call_within(struct rpc *r, struct arena *a, const char *method, json_t *params, const struct rpc_bounds *b,
                        uint64_t each_ms, struct told *out, struct err *e) { // takes params
    SCOPED_JSON(request) =
        json_pack("{s:s,s:s,s:s,s:o}", "jsonrpc", "2.0", "id", "outlayer", "method", method, "params", params);
    BUG_ON(!request);
    *out = (struct told){0};
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
        atomic_fetch_add(&r->calls[at], 1);
        if (call_one(r, a, r->urls[at], body, &one, &reached, out, e)) {
            atomic_store(&r->preferred, at);
            return true;
        }
        if (reached)
            return false;
        atomic_fetch_add(&r->failures[at], 1);
        out->doubt = true;
    }
    return false;
}

bool rpc_call(struct rpc *r, struct arena *a, const char *method, json_t *params, uint64_t timeout_ms, json_t **result,
              struct err *e) {
    const struct rpc_bounds b = {0};
    SCOPED_TOLD(t) = {0};
    bool ok = call_within(r, a, method, params, &b, timeout_ms, &t, e);
    *result = json_incref(t.result);
    return ok;
}

// Not what a server that follows the protocol says, so nothing about the chain. Its error stands in *e; ERR_CHAIN: what
// it says is well formed and not known here.
static bool malformed(const char *what, struct err *e) {
    if (e && e->code != ERR_CHAIN)
        e->code = ERR_UNAVAILABLE;
    return err_wrap(e, "the RPC server's answer to %s is malformed", what);
}

// A query that failed inside the chain's VM, or a missing key, comes as a result with "error".
static bool query(struct rpc *r, struct arena *a, json_t *params, const struct rpc_bounds *b, struct told *out,
                  struct err *e) {
    if (!call_within(r, a, "query", params, b, 0, out, e))
        return false;
    const char *error = json_string_value(json_object_get(out->result, "error"));
    if (!error)
        return true;
    bool missing = strstr(error, "does not exist while viewing") || strstr(error, "MethodNotFound") ||
                   strstr(error, "CodeDoesNotExist");
    return err_set(e, missing ? ERR_NOT_FOUND : ERR_CHAIN, "%s", error);
}

// The block that an answer is about, 0: it does not say.
static uint64_t height_of(const struct told *t) {
    uint64_t height = 0;
    const json_t *info = json_object_get(json_object_get(t->error, "cause"), "info");
    if (!json_get_u64(t->result, "block_height", &height, NULL) && !json_get_u64(info, "block_height", &height, NULL))
        return 0;
    return height;
}

static const struct rpc_bounds newest; // the newest final block, no other bounds than everybody's

static json_t *at_block(json_t *params, uint64_t height) {
    if (!height)
        json_set_text(params, "finality", "final");
    else
        json_set_u64(params, "block_id", height);
    return params;
}

// The next block comes in its own time: nothing tells a client of an RPC server when.
static void wait_step(void) {
    const struct timespec step = {.tv_nsec = LAG_STEP_MS * 1000000};
    nanosleep(&step, NULL);
}

// Servers get a block some hundred milliseconds after each other, and behind one address there may be many: what one of
// them named, another one lacks for a moment. Takes params.
static bool query_until_there(struct rpc *r, struct arena *a, json_t *params, const struct rpc_bounds *b,
                              struct told *out, struct err *e) {
    struct rpc_bounds left = *b;
    struct err why = {0};
    bool ok;
    uint64_t start = clock_mono_ms(), most = b->timeout_ms && b->timeout_ms < LAG_MS ? b->timeout_ms : LAG_MS;
    while (!(ok = query(r, a, json_incref(params), &left, out, &why))) {
        uint64_t gone = clock_mono_ms() - start + LAG_STEP_MS;
        if (!b->height || !strstr(why.msg, "UNKNOWN_BLOCK") || gone >= most || (r->cancel && *r->cancel))
            break;
        told_cleanup(out);
        *out = (struct told){0};
        wait_step();
        left.timeout_ms = b->timeout_ms ? b->timeout_ms - gone : 0; // more than nothing: gone < most
    }
    json_decref(params);
    if (!ok && e)
        *e = why;
    return ok;
}

// Remembers the height, and tells whether an answer of it is too old to be believed.
static bool is_behind(struct rpc *r, uint64_t height, uint64_t at_least) {
    uint64_t now = clock_mono_ms(), seen = atomic_load(&r->newest);
    bool counts = now < atomic_load(&r->seen_ms) + SEEN_MS;
    if (height < at_least || (counts && height < seen && seen - height > RPC_BEHIND_MAX))
        return true;
    if (!counts || height >= seen) {
        atomic_store(&r->newest, height);
        atomic_store(&r->seen_ms, now);
    }
    return false;
}

// The next server's turn, with a pause when all of them had theirs. false: the time is over.
static bool try_next(struct rpc *r, size_t asked, uint64_t end_ms) {
    rpc_next_server(r);
    if (clock_mono_ms() + LAG_STEP_MS >= end_ms || (r->cancel && *r->cancel))
        return false;
    if (asked % r->count == 0)
        wait_step();
    return true;
}

static bool too_old(struct rpc *r, uint64_t height, uint64_t at_least, struct err *e) {
    uint64_t seen = atomic_load(&r->newest);
    return err_set(e, ERR_UNAVAILABLE,
                   "the RPC server is behind: its final block is %" PRIu64 ", and %" PRIu64 " is %s", height,
                   height < at_least ? at_least : seen, height < at_least ? "needed" : "known already");
}

// About the newest final block, from a server that has what is known of it already. Takes params.
static bool query_newest(struct rpc *r, struct arena *a, json_t *params, const struct rpc_bounds *b, struct told *out,
                         struct err *e) {
    uint64_t most = b->timeout_ms && b->timeout_ms < FRESH_MS ? b->timeout_ms : FRESH_MS;
    uint64_t end = clock_mono_ms() + most, height;
    bool ok;
    for (size_t asked = 1;; asked++) {
        ok = query(r, a, json_incref(params), b, out, e);
        height = height_of(out);
        bool old = (out->result || out->error) && height && is_behind(r, height, b->at_least);
        if (!old || !try_next(r, asked, end)) {
            json_decref(params);
            return old ? too_old(r, height, b->at_least, e) : ok;
        }
        told_cleanup(out);
        *out = (struct told){0};
    }
}

// One decision is about one block: a server that answers for another is not believed.
static bool query_at(struct rpc *r, struct arena *a, json_t *params, const struct rpc_bounds *b, json_t **result,
                     struct err *e) {
    SCOPED_TOLD(t) = {0};
    at_block(params, b->height);
    bool ok = b->height ? query_until_there(r, a, params, b, &t, e) : query_newest(r, a, params, b, &t, e);
    if (ok && b->height && height_of(&t) != b->height)
        return err_set(e, ERR_UNAVAILABLE, "the RPC server answered for another block than %" PRIu64, b->height);
    *result = ok ? json_incref(t.result) : NULL;
    return ok;
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
    return json_opt_u64(j, "block_height", &out->block_height, e) && json_get_u64(j, "nonce", &out->nonce, e) &&
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

// One page, whose keys are appended to `all`. *after: the last key of the page before, and then of this one; NULL:
// none.
static bool take_keys(struct rpc *r, struct arena *a, const char *account, const char **after, json_t *all,
                      const struct rpc_bounds *b, struct err *e) {
    SCOPED_JSON(j) = NULL;
    json_t *list;
    const char *last = NULL;
    json_t *params =
        json_pack("{s:s,s:s,s:i}", "request_type", "view_access_key_list", "account_id", account, "limit", KEYS_PAGE);
    if (*after)
        json_set_text(params, "after_key", *after);
    if (!query_at(r, a, params, b, &j, e))
        return false;
    if (!json_get_array(j, "keys", &list, e) || !json_opt_text(j, "last_key", &last, e))
        return malformed("view_access_key_list", e);
    if (last && *after && strcmp(last, *after) == 0) {
        err_set(e, ERR_UNAVAILABLE, "'last_key' is that of the page before");
        return malformed("view_access_key_list", e);
    }
    *after = last ? arena_strdup(a, last) : NULL;
    return json_array_extend(all, list) == 0 || err_set(e, ERR_INTERNAL, "the list of keys cannot be extended");
}

json_t *rpc_access_keys(struct rpc *r, struct arena *a, const char *account, struct err *e) {
    SCOPED_JSON(all) = json_array();
    const char *after = NULL;
    uint64_t end = clock_mono_ms() + TIMEOUT_MS;
    for (int pages = 0; pages < KEYS_PAGES_MAX; pages++) {
        uint64_t now = clock_mono_ms();
        const struct rpc_bounds left = {.timeout_ms = now < end ? end - now : 1, .max_answer = KEYS_BYTES};
        if (!take_keys(r, a, account, &after, all, &left, e))
            return NULL;
        if (!after)
            return json_incref(all);
    }
    err_set(e, ERR_LIMIT, "account '%s' has more keys than %d pages of them hold", account, KEYS_PAGES_MAX);
    return NULL;
}

static bool take_block(const json_t *j, struct rpc_block *out, struct err *e) {
    json_t *header;
    const char *hash;
    return json_get_object(j, "header", &header, e) && json_get_u64(header, "height", &out->height, e) &&
           json_get_u64(header, "timestamp", &out->timestamp_ns, e) && json_get_text(header, "hash", &hash, e) &&
           hash_from_base58(&out->hash, slice_str(hash), e);
}

static bool final_block(struct rpc *r, struct arena *a, const struct rpc_bounds *b, struct rpc_block *out,
                        struct err *e) {
    SCOPED_TOLD(t) = {0};
    return call_within(r, a, "block", json_pack("{s:s}", "finality", "final"), b, 0, &t, e) &&
           (take_block(t.result, out, e) || malformed("block", e));
}

bool rpc_final_block_within(struct rpc *r, struct arena *a, const struct rpc_bounds *b, struct rpc_block *out,
                            struct err *e) {
    return final_block(r, a, b, out, e);
}

bool rpc_final_block(struct rpc *r, struct arena *a, struct rpc_block *out, struct err *e) {
    uint64_t end = clock_mono_ms() + FRESH_MS;
    for (size_t asked = 1; final_block(r, a, &newest, out, e); asked++) {
        if (!is_behind(r, out->height, 0))
            return true;
        if (!try_next(r, asked, end))
            return too_old(r, out->height, 0, e);
    }
    return false;
}

bool rpc_send(struct rpc *r, struct arena *a, struct slice signed_tx, struct err *e) {
    SCOPED_JSON(j) = NULL;
    return rpc_call(r, a, "broadcast_tx_async", json_pack("[s]", base64_text(a, signed_tx)), 0, &j, e);
}

// The name of a Rust enum's value in JSON: itself, or its only key.
static const char *variant(const json_t *j, const json_t **payload) {
    *payload = json_object_iter_value(json_object_iter((json_t *)(uintptr_t)j));
    return json_is_string(j) ? json_string_value(j) : json_object_iter_key(json_object_iter((json_t *)(uintptr_t)j));
}

static struct tx_said said_of(const json_t *invalid) {
    static const struct {
        const char *name;
        enum tx_verdict verdict;
    } table[] = {
        {"InvalidNonce", TX_STALE},
        {"Expired", TX_EXPIRED},
        {"InvalidChain", TX_EXPIRED},
        {"NonceTooLarge", TX_AHEAD},
        {"NotEnoughBalance", TX_UNPAID},
        {"NotEnoughAllowance", TX_UNPAID},
        {"LackBalanceForState", TX_UNPAID},
        {"ShardCongested", TX_DOUBT},
        {"ShardStuck", TX_DOUBT},
        {"SignerDoesNotExist", TX_FORBIDDEN},
        {"AccessKeyNotFound", TX_FORBIDDEN},
        {"ReceiverMismatch", TX_FORBIDDEN},
        {"MethodNameMismatch", TX_FORBIDDEN},
        {"RequiresFullAccess", TX_FORBIDDEN},
        {"DepositWithFunctionCall", TX_FORBIDDEN},
    };
    const json_t *payload;
    struct tx_said said = {.verdict = TX_INVALID};
    const char *name = variant(invalid, &payload);
    if (name && strcmp(name, "InvalidAccessKeyError") == 0)
        name = variant(payload, &payload);
    if (!name)
        return (struct tx_said){.verdict = TX_DOUBT};
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (strcmp(name, table[i].name) == 0)
            said.verdict = table[i].verdict;
    (void)!json_opt_u64(payload, "ak_nonce", &said.key_nonce, NULL);
    return said;
}

static const json_t *invalid_in(const json_t *failure) { return json_object_get(failure, "InvalidTxError"); }

// A server, or a cache in front of it, may repeat what it answered to somebody else.
static bool is_of(const json_t *outcome, const char *hash_base58, struct err *e) {
    const char *hash = json_string_value(json_object_get(json_object_get(outcome, "transaction"), "hash"));
    return !hash || strcmp(hash, hash_base58) == 0 ||
           err_set(e, ERR_UNAVAILABLE, "the RPC server answered for transaction %.60s, not for %s", hash, hash_base58);
}

// Some servers answer "EXECUTED" while the transaction's value is not known yet: its status is "Started" then.
static bool is_over(const json_t *outcome, const char *wait_until, struct err *e) {
    const json_t *status = json_object_get(outcome, "status");
    bool must = strncmp(wait_until, "EXECUTED", 8) == 0 || strcmp(wait_until, "FINAL") == 0;
    return !must || json_object_get(status, "SuccessValue") || json_object_get(status, "Failure") ||
           err_set(e, ERR_TIMEOUT, "the RPC server answered before the transaction was over");
}

bool rpc_send_wait(struct rpc *r, struct arena *a, struct slice signed_tx, const char *hash_base58,
                   const char *wait_until, struct tx_said *said, json_t **outcome, struct err *e) {
    SCOPED_TOLD(t) = {0};
    const struct rpc_bounds b = {0};
    json_t *params = json_pack("{s:s,s:s}", "signed_tx_base64", base64_text(a, signed_tx), "wait_until", wait_until);
    *said = (struct tx_said){.verdict = TX_DOUBT};
    *outcome = NULL;
    if (!call_within(r, a, "send_tx", params, &b, TX_ROUND_MS, &t, e)) {
        const json_t *invalid = invalid_in(json_object_get(json_object_get(t.error, "data"), "TxExecutionError"));
        if (invalid)
            *said = said_of(invalid);
        if (t.doubt && said->verdict != TX_STALE) // that can be looked up; what else one server lacks, another may have
            said->verdict = TX_DOUBT;
        return false;
    }
    if (!is_of(t.result, hash_base58, e) || !is_over(t.result, wait_until, e))
        return false;
    // Taken in, and found to be invalid when its turn came.
    const json_t *invalid = invalid_in(json_object_get(json_object_get(t.result, "status"), "Failure"));
    if (invalid) {
        *said = said_of(invalid);
        return err_set(e, ERR_CHAIN, "the chain says INVALID_TRANSACTION: %s", json_text(a, invalid));
    }
    said->verdict = TX_TAKEN;
    *outcome = json_incref(t.result);
    return true;
}

bool rpc_tx(struct rpc *r, struct arena *a, const char *hash_base58, const char *signer, const char *wait_until,
            uint64_t timeout_ms, json_t **outcome, struct err *e) {
    uint64_t deadline = clock_mono_ms() + timeout_ms;
    for (;;) {
        uint64_t asked = clock_mono_ms();
        json_t *params =
            json_pack("{s:s,s:s,s:s}", "tx_hash", hash_base58, "sender_account_id", signer, "wait_until", wait_until);
        if (rpc_call(r, a, "tx", params, TX_ROUND_MS, outcome, e)) {
            if (is_of(*outcome, hash_base58, e) && is_over(*outcome, wait_until, e))
                return true;
            json_decref(*outcome);
            *outcome = NULL;
            rpc_next_server(r);
        }
        // The server's own limit for one call has passed: the transaction is there and goes on.
        if (e->code != ERR_TIMEOUT || clock_mono_ms() >= deadline || (r->cancel && *r->cancel))
            return false;
        if (clock_mono_ms() - asked < LAG_STEP_MS) // it did not wait itself
            wait_step();
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
    return text && base64_decode(out, a, slice_str(text), NULL);
}
