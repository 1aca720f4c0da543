// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/log.h"
#include "queue/executions.h"
#include "queue/local.h"

static void add(struct local *l, const struct queue_stored *t, const char *json, uint64_t created_ms) {
    struct queue_call *answers = NULL;
    pthread_mutex_lock(&l->mutex);
    struct item *x = item_add(l, t, json, created_ms);
    if (x) {
        item_offer(l, x, &answers);
        if (l->queue.first == x) // any item before it has an earlier end, for which the timer is set already
            timer_wake_by(l, clock_mono_ms() + l->config.serve_ms);
    }
    pthread_mutex_unlock(&l->mutex);
    answers_send(answers);
}

struct creation {
    struct local *l;
    struct queue_create *call;
    uint64_t now_ms;
};

static bool store(struct db *db, void *ctx, struct err *e) {
    struct creation *x = ctx;
    return execution_insert(db, x->call, x->now_ms, &x->call->created, e);
}

// In the index only after the commit: no worker gets what a crash could forget.
static void stored(void *ctx, bool ok, const struct err *e) {
    struct creation *x = ctx;
    struct queue_create *c = x->call;
    if (ok && c->created) {
        const struct queue_stored t = {c->key, c->build_target};
        pthread_mutex_lock(&x->l->mutex);
        x->l->counts.created++;
        pthread_mutex_unlock(&x->l->mutex);
        add(x->l, &t, c->json, x->now_ms);
    }
    free(x);
    c->call.done(c->call.ctx, ok ? NULL : e);
}

void local_create(struct queue *q, struct queue_create *c) {
    struct creation *x = xcalloc(1, sizeof *x);
    const struct writer_job job = {store, stored, x};
    struct err e;
    *x = (struct creation){(struct local *)q, c, clock_wall_ms()};
    c->created = false;
    if (!queue_has_room(q, &e) || !writer_submit(x->l->writer, &job, &e))
        stored(x, false, &e);
}

// --- at a start

// One that cannot be read (a damaged file) must not keep the others from being served.
static void load_one(void *ctx, const char *json, uint64_t created_ms) {
    struct local *l = ctx;
    struct err e;
    struct queue_stored t;
    SCOPED_ARENA(a);
    if (l->config.read(a, json, &t, &e))
        add(l, &t, json, created_ms);
    else
        log_err(LOG_ERROR, "a stored execution cannot be read and is left alone", &e);
}

bool local_load(struct local *l, struct db *db, struct err *e) {
    return executions_count(db, &l->counts, e) && executions_open(db, load_one, l, e);
}
