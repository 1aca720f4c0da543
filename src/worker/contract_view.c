// SPDX-License-Identifier: Apache-2.0
#include "worker/contract_view.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "protocol/resolvers.h"
#include <pthread.h>

#define BLOCK_MS 600
#define UNKNOWN_BLOCKS 50 // taken to be left of a yield that began nobody knows when
#define PACE_BLOCKS 5     // from how many on their pace can be told
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

static bool view_request(struct chain *c, struct arena *a, const struct task *t, uint64_t at_least,
                         enum chain_answer *answer, struct chain_request *out, struct err *e) {
    SCOPED_JSON(args) = json_object();
    const struct rpc_bounds bounds = {.at_least = at_least};
    json_set_u64(args, "request_id", t->request_id);
    SCOPED_JSON(view) = rpc_view_json_at(c->rpc, a, t->contract_id, VIEW_REQUEST, args, &bounds, e);
    if (!view)
        return false;
    *answer = json_is_null(view) ? CHAIN_ENDED : CHAIN_OPEN;
    if (*answer == CHAIN_ENDED)
        return true;
    chain_request_take(out, a, view);
    if (out->request_id == t->request_id || out->unreadable)
        return true;
    rpc_next_server(c->rpc);
    return err_set(e, ERR_UNAVAILABLE, "the RPC server answered get_request for another request");
}

bool chain_request(struct chain *c, struct arena *a, const struct task *t, enum chain_answer *answer,
                   struct chain_request *out, struct err *e) {
    const struct task_context *made = &t->context;
    if (!view_request(c, a, t, made->has_height ? made->block_height : 0, answer, out, e))
        return false;
    if (*answer == CHAIN_OPEN || !made->has_height)
        return true;
    // One more: what a block's receipts changed may be seen in the next one only.
    return view_request(c, a, t, made->block_height + 1, answer, out, e);
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
    if (!w.block_ms)                  // blocks on demand may come faster than one a millisecond, and still take time
        w.block_ms = 1;
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

// Without the lock: nothing that this worker does may wait for somebody else's call.
static bool read_keys(struct chain *c, struct arena *a, struct public_key **keys, size_t *count, struct err *e) {
    const char **operators;
    size_t n;
    *count = 0;
    if (!operators_read(c->rpc, a, c->contract_id, &operators, &n, e))
        return false;
    *keys = xcalloc(KEYS_MAX, sizeof **keys);
    for (size_t i = 0; i < n; i++)
        if (!operator_keys_read(c->rpc, a, c->contract_id, operators[i], *keys, count, KEYS_MAX, e)) {
            free(*keys);
            return false;
        }
    return true;
}

// With the lock held.
static bool known_key(const struct chain *c, const struct public_key *key) {
    for (size_t i = 0; i < c->key_count; i++)
        if (public_key_eq(&c->keys[i], key))
            return true;
    return false;
}

// What was known a moment ago. false: it must be read again.
static bool recall_key(struct chain *c, const struct public_key *key, bool *is) {
    pthread_mutex_lock(&c->lock);
    uint64_t age = clock_mono_ms() - c->keys_read_ms;
    *is = known_key(c, key);
    bool old = !c->keys_read_ms || age > (*is ? 60000 : KEYS_REREAD_MS);
    pthread_mutex_unlock(&c->lock);
    return !old;
}

bool chain_key_is_operators(struct chain *c, struct arena *a, const struct public_key *key, bool *is, struct err *e) {
    struct public_key *keys;
    size_t count;
    *is = public_key_eq(key, &c->own);
    if (*is || recall_key(c, key, is))
        return true;
    if (!read_keys(c, a, &keys, &count, e))
        return false;
    pthread_mutex_lock(&c->lock);
    free(c->keys);
    c->keys = keys;
    c->key_count = count;
    c->keys_read_ms = clock_mono_ms();
    *is = known_key(c, key);
    pthread_mutex_unlock(&c->lock);
    return true;
}

// --- ends

static bool read_settlement(struct settlement *out, const json_t *d, struct err *e) {
    const char *failure = "", *error = "", *hash = "";
    json_t *used;
    if (!json_get_bool(d, "success", &out->success, e) || !json_get_u128(d, "payment_charged", &out->charged, e) ||
        !json_opt_u128(d, "payment_refunded", &out->refunded, e) || !json_opt_text(d, "failure", &failure, e) ||
        !json_opt_text(d, "output_hash", &hash, e) || !json_get_object(d, "resources_used", &used, e) ||
        !json_opt_u64(used, "instructions", &out->instructions, e) || !json_opt_u64(used, "time_ms", &out->time_ms, e))
        return false;
    if (json_is_string(json_object_get(d, "error_message"))) // for people: whatever it contains, the end stands
        error = json_string_value(json_object_get(d, "error_message"));
    snprintf(out->failure, sizeof out->failure, "%s", failure);
    snprintf(out->error, sizeof out->error, "%.*s", (int)text_cut(error, sizeof out->error - 1), error);
    snprintf(out->output_hash, sizeof out->output_hash, "%s", hash);
    return true;
}

// The event's data object; NULL with ERR_NOT_FOUND where it is another event. *j owns it.
static const json_t *completed_data(const char *event_json, json_t **j, struct err *e) {
    const char *name;
    json_t *list;
    *j = json_parse_big(slice_str(event_json), 65536, e);
    if (!*j || !json_get_text(*j, "event", &name, e) || !json_get_array(*j, "data", &list, e))
        return NULL;
    if (strcmp(name, EVENT_NAME_COMPLETED) != 0) {
        err_set(e, ERR_NOT_FOUND, "the event is not execution_completed");
        return NULL;
    }
    if (!json_array_size(list))
        err_set(e, ERR_INVALID, "the event has no data");
    return json_array_get(list, 0);
}

bool settlement_parse(struct settlement *out, uint64_t request_id, const char *event_json, struct err *e) {
    SCOPED_JSON(j) = NULL;
    uint64_t id;
    *out = (struct settlement){0};
    const json_t *d = completed_data(event_json, &j, e);
    if (!d || !json_get_u64(d, "request_id", &id, e) || !read_settlement(out, d, e))
        return false;
    return id == request_id || err_set(e, ERR_NOT_FOUND, "the event is of another request");
}

bool settlement_parse_unnamed(struct settlement *out, const struct task *t, const char *event_json, struct err *e) {
    SCOPED_JSON(j) = NULL;
    *out = (struct settlement){.unnamed = true};
    const json_t *d = completed_data(event_json, &j, e);
    if (!d || !read_settlement(out, d, e))
        return false;
    const json_t *source = json_object_get(d, "code_source");
    const char *sender = NULL, *repo = NULL, *commit = NULL, *target = DEFAULT_BUILD_TARGET;
    if (!json_get_text(d, "sender_id", &sender, e) || !json_get_text(source, "repo", &repo, e) ||
        !json_get_text(source, "commit", &commit, e) || !json_opt_text(source, "build_target", &target, e))
        return false;
    bool known = t->repo && t->ref && t->target; // not in an older journal
    bool same = known && !strcmp(sender, t->sender_id) && !strcmp(repo, t->repo) && !strcmp(commit, t->ref) &&
                !strcmp(target, t->target);
    return same || err_set(e, ERR_NOT_FOUND, "the event is of another request");
}

struct end_search {
    const struct task *task;
    struct settlement *out;
    size_t unnamed; // ends that may be the request's
};

// One log line. true: the request's event.
static bool take_end(void *ctx, const char *log) {
    struct end_search *s = ctx;
    struct err e;
    struct settlement one;
    if (strncmp(log, EVENT_PREFIX, sizeof EVENT_PREFIX - 1) != 0)
        return false;
    log += sizeof EVENT_PREFIX - 1;
    bool ok = settlement_parse(&one, s->task->request_id, log, &e);
    if (!ok && e.code == ERR_INVALID && !strstr(log, "\"request_id\""))
        ok = settlement_parse_unnamed(&one, s->task, log, &e);
    if (ok)
        *s->out = one;
    else if (strstr(log, "\"" EVENT_NAME_COMPLETED "\"") && e.code != ERR_NOT_FOUND)
        log_err(LOG_ERROR, "an execution_completed event of the contract cannot be read", &e);
    s->unnamed += ok && one.unnamed;
    return ok && !one.unnamed;
}

// Of several ends that do not say whose they are, none can be told to be this request's.
static bool find_event(const json_t *outcome, const struct task *t, struct settlement *out) {
    struct end_search s = {t, out, 0};
    return event_find(outcome, t->contract_id, take_end, &s) || s.unnamed == 1;
}

enum chain_end chain_settlement(struct chain *c, struct arena *a, const struct task *t, uint64_t timeout_ms,
                                struct settlement *out, struct err *e) {
    SCOPED_JSON(outcome) = NULL;
    const char *hash = t->context.transaction_hash;
    const char *signer = t->context.signer_id ? t->context.signer_id : t->sender_id;
    if (!hash || !hash[0]) {
        err_set(e, ERR_NOT_FOUND, "the transaction that made the request is not known");
        return END_UNKNOWN;
    }
    if (!rpc_tx(c->rpc, a, hash, signer, timeout_ms ? "EXECUTED_OPTIMISTIC" : "NONE", timeout_ms, &outcome, e))
        return END_UNKNOWN;
    if (find_event(outcome, t, out)) {
        snprintf(out->transaction, sizeof out->transaction, "%s", hash);
        return END_FOUND;
    }
    err_set(e, ERR_NOT_FOUND, "the transaction %s is not over", hash);
    return timeout_ms ? END_NONE : END_UNKNOWN;
}
