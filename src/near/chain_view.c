// SPDX-License-Identifier: Apache-2.0
#include "near/chain_view.h"

#include "base/clock.h"
#include <inttypes.h>

#define OWN_MAX (16u << 20)    // bytes of JSON: a request may carry a stored output
#define FOREIGN_MAX (1u << 20) // a quarter of it as the view's own value

void chain_view_init(struct chain_view *v, struct chain_sight *sight) {
    *v = (struct chain_view){.sight = sight, .deadline_ms = clock_mono_ms() + DECISION_MS};
}

bool chain_view_is_trouble(const struct err *e) {
    return e->code == ERR_UNAVAILABLE || e->code == ERR_TIMEOUT || e->code == ERR_IO || e->code == ERR_INTERNAL;
}

// A condition whose contracts answer, but so slowly that no time is left, is not the servers' trouble: it would be
// tried again for nothing, and keep others waiting each time.
static bool has_time(struct chain_view *v, struct err *e) {
    uint64_t now = clock_mono_ms();
    if (now >= v->deadline_ms && v->foreign_ms > DECISION_MS / 2)
        return err_set(e, ERR_LIMIT, "its questions to the chain take longer than %d s", DECISION_MS / 1000);
    if (now >= v->deadline_ms)
        return err_set(e, ERR_TIMEOUT, "the chain's servers did not answer all questions within %d s",
                       DECISION_MS / 1000);
    v->bounds.timeout_ms = v->deadline_ms - now;
    return true;
}

// An old block would show deleted rows, settled requests and removed keys.
static bool is_current(struct chain_view *v, const struct rpc_block *b, struct err *e) {
    uint_fast64_t seen = atomic_load(&v->sight->newest_seen);
    uint64_t now_s = clock_wall_ms() / 1000, then_s = b->timestamp_ns / 1000000000, now_ms = clock_mono_ms();
    bool counts = now_ms < atomic_load(&v->sight->seen_ms) + SEEN_MS;
    if (counts && b->height < seen && seen - b->height > BEHIND_MAX)
        return err_set(e, ERR_UNAVAILABLE,
                       "the RPC server is behind: its final block is %" PRIu64 ", %" PRIu64 " was seen already",
                       b->height, (uint64_t)seen);
    if (!v->sight->rests && then_s + AGE_MAX_S < now_s)
        return err_set(e, ERR_UNAVAILABLE, "the RPC server's final block %" PRIu64 " is %" PRIu64 " s old", b->height,
                       now_s - then_s);
    if (!counts || b->height >= seen) { // two threads at once: either one's is new enough
        atomic_store(&v->sight->newest_seen, b->height);
        atomic_store(&v->sight->seen_ms, now_ms);
    }
    return true;
}

// From whichever server is not behind.
static bool get_block(struct chain_view *v, struct rpc_block *b, struct err *e) {
    SCOPED_ARENA(a);
    for (size_t i = 0; i < rpc_server_count(v->sight->rpc); i++) {
        if (!has_time(v, e) || !rpc_final_block_within(v->sight->rpc, a, &v->bounds, b, e))
            return false;
        if (is_current(v, b, e))
            return true;
        rpc_next_server(v->sight->rpc);
    }
    return false;
}

static bool has_block(struct chain_view *v, struct err *e) {
    struct rpc_block b;
    v->bounds.max_answer = OWN_MAX;
    if (v->bounds.height)
        return has_time(v, e);
    if (!get_block(v, &b, e) || !has_time(v, e))
        return false;
    v->bounds.height = b.height;
    return true;
}

static bool may_ask_foreign(struct chain_view *v, struct err *e) {
    if (v->foreign >= FOREIGN_QUESTIONS_MAX)
        return err_set(e, ERR_LIMIT, "it asks the chain more than %d questions", FOREIGN_QUESTIONS_MAX);
    v->foreign++;
    bool ok = has_block(v, e);
    v->bounds.max_answer = FOREIGN_MAX;
    return ok;
}

// What our contract, an account or a key may be has an end: an answer beyond it is a server's own.
static bool never_so_large(struct err *e) {
    if (e->code == ERR_TOO_LARGE)
        e->code = ERR_UNAVAILABLE;
    return false;
}

json_t *chain_view_own(struct chain_view *v, struct arena *a, const char *method, const json_t *args, struct err *e) {
    if (!has_block(v, e))
        return NULL;
    json_t *answer = rpc_view_json_at(v->sight->rpc, a, v->sight->contract, method, args, &v->bounds, e);
    if (!answer && e)
        never_so_large(e);
    return answer;
}

json_t *chain_view_foreign(struct chain_view *v, const char *contract, const char *method, const json_t *args,
                           struct err *e) {
    SCOPED_ARENA(a);
    if (!may_ask_foreign(v, e))
        return NULL;
    uint64_t start = clock_mono_ms();
    json_t *answer = rpc_view_json_at(v->sight->rpc, a, contract, method, args, &v->bounds, e);
    v->foreign_ms += answer ? clock_mono_ms() - start : 0;
    return answer;
}

bool chain_view_balance(struct chain_view *v, const char *account, u128 *out, struct err *e) {
    SCOPED_ARENA(a);
    struct rpc_account found;
    if (!may_ask_foreign(v, e))
        return false;
    if (!rpc_account_at(v->sight->rpc, a, account, &v->bounds, &found, e))
        return never_so_large(e);
    *out = found.amount.v;
    return true;
}

bool chain_view_key(struct chain_view *v, struct arena *a, const char *account, const struct public_key *key,
                    struct rpc_access_key *out, struct err *e) {
    return has_block(v, e) &&
           (rpc_access_key_at(v->sight->rpc, a, account, key, &v->bounds, out, e) || never_so_large(e));
}

bool chain_view_speaks_for(struct chain_view *v, struct arena *a, const char *account, const struct public_key *key,
                           struct err *e) {
    struct rpc_access_key found;
    if (!chain_view_key(v, a, account, key, &found, e))
        return e->code == ERR_NOT_FOUND ? err_set(e, ERR_FORBIDDEN, "the chain knows no such key of %s", account)
                                        : false;
    return found.full_access ||
           err_set(e, ERR_FORBIDDEN, "this key of %s has no full access, so it does not speak for it", account);
}
