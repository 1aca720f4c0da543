// SPDX-License-Identifier: Apache-2.0
#include "base/patience.h"

#include "base/clock.h"
#include "base/sync.h"

#define LOOK_MS 100 // how often a flag that nobody signals is looked at

bool patience_cancelled(const struct patience *p) {
    return p->cancel && atomic_load_explicit(p->cancel, memory_order_relaxed);
}

uint64_t patience_left(const struct patience *p) {
    uint64_t now = clock_mono_ms();
    if (patience_cancelled(p))
        return 0;
    return !p->deadline_ms ? UINT64_MAX : now < p->deadline_ms ? p->deadline_ms - now : 0;
}

bool patience_over(const struct patience *p) { return patience_left(p) == 0; }

struct patience patience_within(const struct patience *p, uint64_t ms) {
    uint64_t end = clock_mono_ms() + ms;
    return (struct patience){p->deadline_ms && p->deadline_ms < end ? p->deadline_ms : end, p->cancel};
}

bool patience_fail(const struct patience *p, const char *what, struct err *e) {
    if (patience_cancelled(p))
        return err_set(e, ERR_UNAVAILABLE, "waiting for %s was cancelled", what);
    return err_set(e, ERR_TIMEOUT, "waiting for %s took too long", what);
}

bool patience_wait(const struct patience *p, pthread_cond_t *c, pthread_mutex_t *m) {
    uint64_t left = patience_left(p), step = p->cancel && left > LOOK_MS ? LOOK_MS : left;
    if (!left)
        return false;
    cond_wait_until(c, m, deadline_in(step));
    return true;
}

bool patience_pause(const struct patience *p, uint64_t ms) {
    struct patience pause = patience_within(p, ms);
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t never;
    cond_init(&never);
    pthread_mutex_lock(&lock);
    while (patience_wait(&pause, &never, &lock))
        ;
    pthread_mutex_unlock(&lock);
    pthread_cond_destroy(&never);
    return !patience_over(p);
}

// --- permits

struct waiter {
    struct waiter *next;
    pthread_cond_t called;
};

struct permits {
    pthread_mutex_t lock; // guards what follows
    unsigned free;
    struct waiter *first, **last; // who waits; the first is called when one is free
};

struct permits *permits_new(unsigned count) {
    struct permits *p = xcalloc(1, sizeof *p);
    pthread_mutex_init(&p->lock, NULL);
    p->free = count;
    p->last = &p->first;
    return p;
}

void permits_free(struct permits *p) {
    if (!p)
        return;
    BUG_ON(p->first);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

static void call_first(struct permits *p) {
    if (p->free && p->first)
        pthread_cond_signal(&p->first->called);
}

static void leave(struct permits *p, struct waiter *me) {
    struct waiter **at = &p->first;
    while (*at != me)
        at = &(*at)->next;
    *at = me->next;
    if (p->last == &me->next)
        p->last = at;
}

bool permit_take(struct permits *p, const struct patience *w, struct err *e) {
    struct waiter me = {.next = NULL};
    bool got = true;
    pthread_mutex_lock(&p->lock);
    if (!p->free || p->first) {
        cond_init(&me.called);
        *p->last = &me;
        p->last = &me.next;
        while ((!p->free || p->first != &me) && (got = patience_wait(w, &me.called, &p->lock)))
            ;
        leave(p, &me);
        pthread_cond_destroy(&me.called);
    }
    p->free -= got;
    call_first(p);
    pthread_mutex_unlock(&p->lock);
    return got || patience_fail(w, "a place among what runs at a time", e);
}

void permit_give(struct permits *p) {
    pthread_mutex_lock(&p->lock);
    p->free++;
    call_first(p);
    pthread_mutex_unlock(&p->lock);
}
