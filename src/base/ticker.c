// SPDX-License-Identifier: Apache-2.0
#include "base/ticker.h"

#include "base/sync.h"

struct ticker {
    uint64_t every_ms;
    void (*tick)(void *ctx);
    void *ctx;
    pthread_t thread;
    pthread_mutex_t lock; // guards what follows
    pthread_cond_t ends;
    bool stop;
};

bool ticker_rest(struct ticker *t, uint64_t ms) {
    uint64_t end = deadline_in(ms);
    pthread_mutex_lock(&t->lock);
    while (!t->stop && cond_wait_until(&t->ends, &t->lock, end))
        ;
    bool go_on = !t->stop;
    pthread_mutex_unlock(&t->lock);
    return go_on;
}

static void *loop(void *ctx) {
    struct ticker *t = ctx;
    do
        t->tick(t->ctx);
    while (ticker_rest(t, t->every_ms));
    return NULL;
}

static void free_ticker(struct ticker *t) {
    pthread_cond_destroy(&t->ends);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

bool ticker_start(struct ticker **out, uint64_t every_ms, void (*tick)(void *ctx), void *ctx, struct err *e) {
    struct ticker *t = xcalloc(1, sizeof *t);
    *t = (struct ticker){.every_ms = every_ms, .tick = tick, .ctx = ctx};
    pthread_mutex_init(&t->lock, NULL);
    cond_init(&t->ends);
    *out = t;
    if (pthread_create(&t->thread, NULL, loop, t) == 0)
        return true;
    *out = NULL;
    free_ticker(t);
    return err_set(e, ERR_INTERNAL, "cannot start a thread");
}

void ticker_stop(struct ticker *t) {
    if (!t)
        return;
    pthread_mutex_lock(&t->lock);
    t->stop = true;
    pthread_cond_broadcast(&t->ends);
    pthread_mutex_unlock(&t->lock);
    pthread_join(t->thread, NULL);
    free_ticker(t);
}
