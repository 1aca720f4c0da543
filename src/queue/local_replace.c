// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "queue/local.h"
#include "queue/rollups.h"

struct replacing {
    struct local *l;
    struct queue_replace *call;
    uint64_t now_ms;
    bool taken; // the false one waits to hear how it went, as one whose end is being stored
    struct stored_end was;
    struct queue_row row;
    struct payer *payer;
};

static void join(struct replacing *x) {
    pthread_mutex_lock(&x->l->mutex);
    if (!x->payer)
        x->payer = payer_join(x->l, x->call->payer, &x->row.turn);
    pthread_mutex_unlock(&x->l->mutex);
}

static bool store(struct db *db, void *ctx, struct err *e) {
    struct replacing *x = ctx;
    const struct queue_replace *c = x->call;
    const struct ended *was;
    int64_t id;
    SCOPED_ARENA(a);
    if (!execution_look_end(db, &c->key, &x->was, e) || !rollups_find_end(db, &c->key, a, &was, e) ||
        !execution_replace(db, c, x->now_ms, &id, e))
        return false;
    x->call->replaced = id != 0;
    if (!id)
        return true;
    if ((x->was.over && !totals_uncount(db, &x->was, e)) || !rollups_take_back(db, was, e))
        return false;
    join(x);
    x->row = (struct queue_row){.execution_id = id,
                                .key = c->key,
                                .json = c->json,
                                .created_ms = x->now_ms,
                                .build_target = c->build_target,
                                .payer = c->payer,
                                .source = c->source,
                                .created_by = c->token_name,
                                .turn = x->row.turn,
                                .dead_at_ms = local_dead_at(x->l, c->dead_at_ms, x->now_ms)};
    return queue_row_insert(db, &x->row, e);
}

static void tell_item(struct replacing *x) {
    struct local *l = x->l;
    struct queue_call *answers = NULL;
    bool replaced = x->call->replaced;
    pthread_mutex_lock(&l->mutex);
    struct item **at = item_find(l, &x->call->key);
    if (x->taken && replaced)
        item_forget(l, at);
    else if (x->taken)
        item_end_failed(l, *at, &answers);
    if (replaced && x->was.over)
        uncount_end(&l->counts, x->was.outcome, x->was.instructions);
    if (!replaced && x->payer)
        payer_leave(l, x->payer);
    pthread_mutex_unlock(&l->mutex);
    answers_send(answers);
}

static void stored(void *ctx, bool ok, const struct err *e) {
    struct replacing *x = ctx;
    struct queue_replace *c = x->call;
    c->replaced = ok && c->replaced;
    tell_item(x);
    if (c->replaced)
        local_add(x->l, &x->row, x->payer);
    free(x);
    c->call.done(c->call.ctx, ok ? NULL : e);
}

// The false one is handed out no more from now on. false: how it ends is being stored.
static bool take(struct replacing *x, struct err *e) {
    struct local *l = x->l;
    pthread_mutex_lock(&l->mutex);
    struct item *item = *item_find(l, &x->call->key);
    bool ending = item && item->ending;
    x->taken = item && !ending;
    if (x->taken)
        item_begin_end(l, item);
    pthread_mutex_unlock(&l->mutex);
    return !ending || err_set(e, ERR_UNAVAILABLE, "how the execution ends is being stored");
}

void local_replace(struct queue *q, struct queue_replace *c) {
    struct replacing *x = xcalloc(1, sizeof *x);
    const struct writer_job job = {store, stored, x};
    struct err e;
    *x = (struct replacing){.l = (struct local *)q, .call = c, .now_ms = clock_wall_ms()};
    c->replaced = false;
    if (!take(x, &e) || !writer_submit(x->l->writer, &job, &e))
        stored(x, false, &e);
}
