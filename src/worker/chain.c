// SPDX-License-Identifier: Apache-2.0
#include "worker/chain.h"

#include "base/clock.h"
#include "base/text.h"
#include "protocol/resolvers.h"
#include <pthread.h>
#include <time.h>

#define BLOCK_MS 600
#define UNKNOWN_BLOCKS 50 // taken to be left of a yield that began nobody knows when
#define PACE_BLOCKS 5     // from how many on their pace can be told
#define HEAD_WAIT_MS 10000
#define HEAD_STEP_MS 200
#define HEAD_FRESH_MS 200 // a third of a block: what is left of a window is not known more exactly
#define KEYS_REREAD_MS 5000
#define KEYS_MAX 1024

struct chain {
    struct rpc *rpc;
    const char *contract_id;
    struct public_key own;
    pthread_mutex_t lock; // guards the keys, and the head
    struct rpc_block head;
    uint64_t head_read_ms; // 0: never
    struct public_key *keys;
    size_t key_count;
    uint64_t keys_read_ms; // 0: never
};

bool chain_new(struct chain **out, struct rpc *rpc, const char *contract_id, const struct public_key *own,
               struct err *e) {
    (void)e;
    struct chain *c = xcalloc(1, sizeof *c);
    *c = (struct chain){.rpc = rpc, .contract_id = contract_id, .own = *own};
    pthread_mutex_init(&c->lock, NULL);
    *out = c;
    return true;
}

void chain_free(struct chain *c) {
    if (!c)
        return;
    pthread_mutex_destroy(&c->lock);
    free(c->keys);
    free(c);
}

// --- the request

static bool view_request(struct chain *c, struct arena *a, const struct task *t, enum chain_answer *answer,
                         struct chain_request *out, struct err *e) {
    SCOPED_JSON(args) = json_object();
    json_set_u64(args, "request_id", t->request_id);
    SCOPED_JSON(view) = rpc_view_json(c->rpc, a, t->contract_id, VIEW_REQUEST, args, e);
    if (!view)
        return false;
    *answer = json_is_null(view) ? CHAIN_ENDED : CHAIN_OPEN;
    if (!json_is_null(view))
        chain_request_take(out, a, view);
    return true;
}

// The next block comes in its own time: nothing tells a client of an RPC server when.
static void wait_step(void) {
    struct timespec t = {0, HEAD_STEP_MS * 1000000};
    nanosleep(&t, NULL);
}

bool chain_request(struct chain *c, struct arena *a, const struct task *t, enum chain_answer *answer,
                   struct chain_request *out, struct err *e) {
    uint64_t end = clock_mono_ms() + HEAD_WAIT_MS;
    for (;;) {
        // The head first: what is missing at a head that is high enough is really not there.
        struct rpc_block head = {.height = UINT64_MAX};
        if (!view_request(c, a, t, answer, out, e))
            return false;
        if (*answer == CHAIN_OPEN || !t->context.has_height)
            return true;
        if (!rpc_final_block(c->rpc, a, &head, e))
            return false;
        if (head.height > t->context.block_height) // one more: the view above may have been a block behind
            return view_request(c, a, t, answer, out, e);
        if (clock_mono_ms() >= end)
            return err_set(e, ERR_UNAVAILABLE, "the chain is at height %llu, the request was made at %llu",
                           (unsigned long long)head.height, (unsigned long long)t->context.block_height);
        wait_step();
    }
}

static uint64_t ms_between(uint64_t from_ns, uint64_t to_ns) {
    return to_ns > from_ns ? (to_ns - from_ns) / 1000000 : 0;
}

static uint64_t left_of(uint64_t all, uint64_t gone) { return gone < all ? all - gone : 0; }

struct window window_of(const struct yield_start *s, const struct rpc_block *head) {
    struct window w = {.block_ms = BLOCK_MS};
    uint64_t age_ms = ms_between(s->timestamp_ns, head->timestamp_ns);
    bool has_height = s->has_height && s->height <= head->height;
    uint64_t blocks = has_height ? head->height - s->height : 0;
    if (blocks >= PACE_BLOCKS && age_ms / blocks < BLOCK_MS)
        w.block_ms = age_ms / blocks; // slower ones may come faster again: do not count on time that may not be there
    uint64_t all_ms = YIELD_BLOCKS * w.block_ms;
    if (s->extended && !s->extended_ns)
        w.left_ms = UNKNOWN_BLOCKS * w.block_ms;
    else if (s->extended)
        w.left_ms = left_of(all_ms, ms_between(s->extended_ns, head->timestamp_ns));
    else if (has_height)
        w.left_ms = left_of(all_ms, blocks * w.block_ms);
    else
        w.left_ms = left_of(all_ms, age_ms);
    return w;
}

struct yield_start yield_start_of(const struct task *t, const struct chain_request *r) {
    return (struct yield_start){.has_height = t->context.has_height,
                                .extended = r->extensions,
                                .height = t->context.block_height,
                                .timestamp_ns = r->timestamp_ns,
                                .extended_ns = r->extended_ns};
}

// The head as of a moment ago: many requests ask at the same time.
static bool recent_head(struct chain *c, struct arena *a, struct rpc_block *out, struct err *e) {
    uint64_t now = clock_mono_ms();
    pthread_mutex_lock(&c->lock);
    *out = c->head;
    bool fresh = c->head_read_ms && now - c->head_read_ms < HEAD_FRESH_MS;
    pthread_mutex_unlock(&c->lock);
    if (fresh)
        return true;
    if (!rpc_final_block(c->rpc, a, out, e))
        return false;
    pthread_mutex_lock(&c->lock);
    c->head = *out;
    c->head_read_ms = now;
    pthread_mutex_unlock(&c->lock);
    return true;
}

bool chain_window(struct chain *c, struct arena *a, const struct task *t, const struct chain_request *r,
                  struct window *out, struct err *e) {
    struct rpc_block head;
    struct yield_start start = yield_start_of(t, r);
    if (!recent_head(c, a, &head, e))
        return false;
    *out = window_of(&start, &head);
    return true;
}

// --- the operators' keys

// With the lock held.
static bool read_keys(struct chain *c, struct arena *a, struct err *e) {
    const char **operators;
    size_t n, count = 0;
    if (!operators_read(c->rpc, a, c->contract_id, &operators, &n, e))
        return false;
    struct public_key *keys = xcalloc(KEYS_MAX, sizeof *keys);
    for (size_t i = 0; i < n; i++)
        if (!operator_keys_read(c->rpc, a, c->contract_id, operators[i], keys, &count, KEYS_MAX, e)) {
            free(keys);
            return false;
        }
    free(c->keys);
    c->keys = keys;
    c->key_count = count;
    c->keys_read_ms = clock_mono_ms();
    return true;
}

static bool known_key(const struct chain *c, const struct public_key *key) {
    for (size_t i = 0; i < c->key_count; i++)
        if (public_key_eq(&c->keys[i], key))
            return true;
    return false;
}

bool chain_key_is_operators(struct chain *c, struct arena *a, const struct public_key *key, bool *is, struct err *e) {
    if (public_key_eq(key, &c->own)) {
        *is = true;
        return true;
    }
    pthread_mutex_lock(&c->lock);
    uint64_t age = clock_mono_ms() - c->keys_read_ms;
    bool known = known_key(c, key), old = !c->keys_read_ms || age > (known ? 60000 : KEYS_REREAD_MS);
    bool ok = !old || read_keys(c, a, e);
    *is = ok && known_key(c, key);
    pthread_mutex_unlock(&c->lock);
    return ok;
}

// --- ends

bool settlement_parse(struct settlement *out, uint64_t request_id, const char *event_json, struct err *e) {
    SCOPED_JSON(j) = json_parse_big(slice_str(event_json), 65536, e);
    const char *name, *failure = "", *error = "", *hash = "";
    uint64_t id;
    json_t *list, *used;
    if (!j || !json_get_text(j, "event", &name, e) || !json_get_array(j, "data", &list, e))
        return false;
    const json_t *d = json_array_get(list, 0);
    *out = (struct settlement){0};
    if (strcmp(name, EVENT_NAME_COMPLETED) != 0)
        return err_set(e, ERR_INVALID, "the event is not execution_completed");
    if (!d || !json_get_u64(d, "request_id", &id, e) || !json_get_bool(d, "success", &out->success, e) ||
        !json_get_u128(d, "payment_charged", &out->charged, e) ||
        !json_opt_u128(d, "payment_refunded", &out->refunded, e) || !json_opt_text(d, "failure", &failure, e) ||
        !json_opt_text(d, "error_message", &error, e) || !json_opt_text(d, "output_hash", &hash, e) ||
        !json_get_object(d, "resources_used", &used, e) || !json_opt_u64(used, "instructions", &out->instructions, e) ||
        !json_opt_u64(used, "time_ms", &out->time_ms, e))
        return d ? false : err_set(e, ERR_INVALID, "the event has no data");
    if (id != request_id)
        return err_set(e, ERR_INVALID, "the event is of another request");
    snprintf(out->failure, sizeof out->failure, "%s", failure);
    snprintf(out->error, sizeof out->error, "%.*s", (int)text_cut(error, sizeof out->error - 1), error);
    snprintf(out->output_hash, sizeof out->output_hash, "%s", hash);
    return true;
}

// Logs of the contract itself, and only of a receipt that succeeded: others did not happen.
static bool find_event(const json_t *outcome, const struct task *t, struct settlement *out) {
    size_t i, k;
    json_t *receipt, *log;
    json_array_foreach(json_object_get(outcome, "receipts_outcome"), i, receipt) {
        const json_t *o = json_object_get(receipt, "outcome");
        const char *executor = json_string_value(json_object_get(o, "executor_id"));
        if (!executor || strcmp(executor, t->contract_id) != 0 ||
            json_object_get(json_object_get(o, "status"), "Failure"))
            continue;
        json_array_foreach(json_object_get(o, "logs"), k, log) {
            const char *text = json_string_value(log);
            if (text && strncmp(text, EVENT_PREFIX, sizeof EVENT_PREFIX - 1) == 0 &&
                settlement_parse(out, t->request_id, text + sizeof EVENT_PREFIX - 1, NULL))
                return true;
        }
    }
    return false;
}

bool chain_settlement(struct chain *c, struct arena *a, const struct task *t, uint64_t timeout_ms,
                      struct settlement *out, bool *found, struct err *e) {
    SCOPED_JSON(outcome) = NULL;
    const char *signer = t->context.signer_id ? t->context.signer_id : t->sender_id;
    *found = false;
    if (!t->context.transaction_hash)
        return true;
    const char *wait = timeout_ms ? "EXECUTED_OPTIMISTIC" : "NONE";
    if (!rpc_tx(c->rpc, a, t->context.transaction_hash, signer, wait, timeout_ms, &outcome, e))
        return e->code == ERR_NOT_FOUND || e->code == ERR_TIMEOUT || e->code == ERR_CHAIN;
    *found = find_event(outcome, t, out);
    if (*found)
        snprintf(out->transaction, sizeof out->transaction, "%s", t->context.transaction_hash);
    return true;
}
