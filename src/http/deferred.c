// SPDX-License-Identifier: Apache-2.0
#include "http/deferred.h"

#include "base/log.h"
#include "base/sync.h"
#include <pthread.h>

struct waiting {
    struct http_request *request;
    http_handler handler;
    void *ctx;
};

struct deferred {
    pthread_mutex_t mutex; // over all below
    pthread_cond_t changed;
    struct waiting *ring;
    size_t max, first, count;
    bool stopping;
    pthread_t *threads;
    unsigned thread_count;
};

static bool next(struct deferred *d, struct waiting *out) {
    pthread_mutex_lock(&d->mutex);
    while (!d->count && !d->stopping)
        pthread_cond_wait(&d->changed, &d->mutex);
    bool any = d->count > 0;
    if (any) {
        *out = d->ring[d->first];
        d->first = (d->first + 1) % d->max;
        d->count--;
    }
    pthread_mutex_unlock(&d->mutex);
    return any;
}

static bool stopping(struct deferred *d) {
    pthread_mutex_lock(&d->mutex);
    bool yes = d->stopping;
    pthread_mutex_unlock(&d->mutex);
    return yes;
}

static void refuse(struct http_request *r, const char *why) {
    struct err e;
    err_set(&e, ERR_UNAVAILABLE, "%s", why);
    err_hint(&e, "ask again in a few seconds");
    http_reply_err(r, &e);
}

static void *work(void *arg) {
    struct deferred *d = arg;
    for (struct waiting w; next(d, &w);) {
        log_call(http_id(w.request));
        if (stopping(d))
            refuse(w.request, "this server is stopping");
        else if (http_hung_up(w.request))
            refuse(w.request, "whoever asked has gone");
        else
            w.handler(w.request, w.ctx);
        log_call(NULL);
        log_request(NULL);
    }
    return NULL;
}

struct deferred *deferred_new(unsigned threads, size_t queue_max) {
    struct deferred *d = xcalloc(1, sizeof *d);
    pthread_mutex_init(&d->mutex, NULL);
    cond_init(&d->changed);
    d->max = queue_max;
    d->ring = xcalloc(queue_max, sizeof *d->ring);
    d->threads = xcalloc(threads, sizeof *d->threads);
    for (; d->thread_count < threads; d->thread_count++)
        BUG_ON(pthread_create(&d->threads[d->thread_count], NULL, work, d) != 0);
    return d;
}

void deferred_run(struct deferred *d, struct http_request *r, http_handler handler, void *ctx) {
    pthread_mutex_lock(&d->mutex);
    bool room = !d->stopping && d->count < d->max;
    if (room)
        d->ring[(d->first + d->count++) % d->max] = (struct waiting){r, handler, ctx};
    pthread_cond_signal(&d->changed);
    pthread_mutex_unlock(&d->mutex);
    if (!room)
        refuse(r, "too many requests are waiting here");
}

void deferred_stop(struct deferred *d) {
    if (!d)
        return;
    pthread_mutex_lock(&d->mutex);
    d->stopping = true;
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->mutex);
    for (unsigned i = 0; i < d->thread_count; i++)
        pthread_join(d->threads[i], NULL);
    d->thread_count = 0;
}

void deferred_free(struct deferred *d) {
    if (!d)
        return;
    deferred_stop(d);
    free(d->ring);
    free(d->threads);
    pthread_mutex_destroy(&d->mutex);
    pthread_cond_destroy(&d->changed);
    free(d);
}
