// SPDX-License-Identifier: Apache-2.0
#include "http/deferred.h"

#include "base/log.h"
#include "base/sync.h"
#include <pthread.h>

struct waiting {
    struct waiting *next; // that came later; of those that are free, any
    struct http_request *request;
    http_handler handler;
    void *ctx;
    char key[DEFERRED_KEY_MAX]; // "": nobody's
    unsigned at_once;           // of the key
};

struct deferred {
    pthread_mutex_t mutex; // over all below
    pthread_cond_t changed;
    struct waiting *all, *free, *oldest, **newest; // newest: where the next one is put
    bool stopping;
    pthread_t *threads;
    char (*at_work)[DEFERRED_KEY_MAX]; // of each thread; "": nobody's
    unsigned thread_count;
};

static unsigned running(const struct deferred *d, const char *key) {
    unsigned n = 0;
    for (unsigned i = 0; i < d->thread_count; i++)
        n += strcmp(d->at_work[i], key) == 0;
    return n;
}

static bool may_run(const struct deferred *d, const struct waiting *w) {
    return d->stopping || !w->key[0] || running(d, w->key) < w->at_once;
}

// Takes the longest waiting of those that may run out of the queue.
static bool take(struct deferred *d, struct waiting *out) {
    struct waiting **at = &d->oldest, *w;
    while (*at && !may_run(d, *at))
        at = &(*at)->next;
    if (!(w = *at))
        return false;
    *out = *w;
    *at = w->next;
    if (d->newest == &w->next)
        d->newest = at;
    w->next = d->free;
    d->free = w;
    return true;
}

static bool next(struct deferred *d, char own[static DEFERRED_KEY_MAX], struct waiting *out) {
    bool any;
    pthread_mutex_lock(&d->mutex);
    if (own[0]) { // another one of its key may run now
        own[0] = 0;
        pthread_cond_signal(&d->changed);
    }
    while (!(any = take(d, out)) && !d->stopping)
        pthread_cond_wait(&d->changed, &d->mutex);
    if (any)
        memcpy(own, out->key, DEFERRED_KEY_MAX);
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

struct worker {
    struct deferred *d;
    char *at_work;
};

static void *work(void *arg) {
    struct worker own = *(struct worker *)arg;
    struct deferred *d = own.d;
    free(arg);
    for (struct waiting w; next(d, own.at_work, &w);) {
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
    d->newest = &d->oldest;
    d->all = xcalloc(queue_max, sizeof *d->all);
    for (size_t i = 0; i < queue_max; i++) {
        d->all[i].next = d->free;
        d->free = &d->all[i];
    }
    d->threads = xcalloc(threads, sizeof *d->threads);
    d->at_work = xcalloc(threads, sizeof *d->at_work);
    d->thread_count = threads;
    for (unsigned i = 0; i < threads; i++) {
        struct worker *w = xcalloc(1, sizeof *w);
        *w = (struct worker){d, d->at_work[i]};
        BUG_ON(pthread_create(&d->threads[i], NULL, work, w) != 0);
    }
    return d;
}

static size_t waiting_of(const struct deferred *d, const char *key) {
    size_t n = 0;
    for (const struct waiting *w = d->oldest; w; w = w->next)
        n += strcmp(w->key, key) == 0;
    return n;
}

static void add(struct deferred *d, const struct waiting *w, size_t waiting_each) {
    pthread_mutex_lock(&d->mutex);
    bool share = !w->key[0] || waiting_of(d, w->key) + running(d, w->key) < w->at_once + waiting_each;
    bool room = share && !d->stopping && d->free;
    if (room) {
        struct waiting *own = d->free;
        d->free = own->next;
        *own = *w;
        own->next = NULL;
        *d->newest = own;
        d->newest = &own->next;
        pthread_cond_signal(&d->changed);
    }
    pthread_mutex_unlock(&d->mutex);
    if (!share)
        refuse(w->request, arena_printf(http_arena(w->request), "too many requests of %s are waiting here", w->key));
    else if (!room)
        refuse(w->request, "too many requests are waiting here");
}

void deferred_run(struct deferred *d, struct http_request *r, http_handler handler, void *ctx) {
    const struct waiting w = {.request = r, .handler = handler, .ctx = ctx};
    add(d, &w, 0);
}

void deferred_run_for(struct deferred *d, struct http_request *r, http_handler handler, void *ctx, const char *key,
                      const struct deferred_share *share) {
    struct waiting w = {.request = r, .handler = handler, .ctx = ctx, .at_once = share->at_once};
    BUG_ON(!key[0] || strlen(key) >= DEFERRED_KEY_MAX);
    memcpy(w.key, key, strlen(key) + 1);
    add(d, &w, share->waiting_each);
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
    free(d->all);
    free(d->at_work);
    free(d->threads);
    pthread_mutex_destroy(&d->mutex);
    pthread_cond_destroy(&d->changed);
    free(d);
}
