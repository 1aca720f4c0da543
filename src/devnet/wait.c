// SPDX-License-Identifier: Apache-2.0
#include "devnet/wait.h"

#include "base/clock.h"
#include <pthread.h>

TAILQ_HEAD(waiters, waiter);
struct wait_list {
    pthread_mutex_t mutex;
    struct waiters list; // those that have waited longest first
    size_t count;        // also those that are being looked at
    bool stopped;
};

struct wait_list *wait_list_new(void) {
    struct wait_list *l = xcalloc(1, sizeof *l);
    pthread_mutex_init(&l->mutex, NULL);
    TAILQ_INIT(&l->list);
    return l;
}

void wait_list_free(struct wait_list *l) {
    if (!l)
        return;
    BUG_ON(!TAILQ_EMPTY(&l->list));
    pthread_mutex_destroy(&l->mutex);
    free(l);
}

bool wait_add(struct wait_list *l, struct waiter *w) {
    pthread_mutex_lock(&l->mutex);
    bool ok = !l->stopped && l->count < WAIT_MAX;
    if (ok) {
        TAILQ_INSERT_TAIL(&l->list, w, link);
        l->count++;
    }
    pthread_mutex_unlock(&l->mutex);
    return ok;
}

// Moves the whole list to `out`; its waiters still count.
static void take_all(struct wait_list *l, struct waiters *out) {
    TAILQ_INIT(out);
    pthread_mutex_lock(&l->mutex);
    TAILQ_CONCAT(out, &l->list, link);
    pthread_mutex_unlock(&l->mutex);
}

// Puts those back that go on waiting, before those that came meanwhile, and forgets those that have their answer.
static void put_back(struct wait_list *l, struct waiters *kept, size_t answered) {
    pthread_mutex_lock(&l->mutex);
    TAILQ_CONCAT(kept, &l->list, link);
    TAILQ_CONCAT(&l->list, kept, link);
    l->count -= answered;
    pthread_mutex_unlock(&l->mutex);
}

uint64_t wait_look(struct wait_list *l, bool new_block) {
    uint64_t now = clock_mono_ms(), earliest = UINT64_MAX;
    size_t answered = 0;
    struct waiters all, kept = TAILQ_HEAD_INITIALIZER(kept);
    take_all(l, &all);
    for (struct waiter *w; (w = TAILQ_FIRST(&all));) {
        TAILQ_REMOVE(&all, w, link); // an answer may end it
        uint64_t deadline = w->deadline_ms;
        bool late = deadline <= now;
        if ((late || new_block) && w->look(w, late ? WAIT_DEADLINE : WAIT_BLOCK)) {
            answered++;
            continue;
        }
        earliest = deadline < earliest ? deadline : earliest;
        TAILQ_INSERT_TAIL(&kept, w, link);
    }
    put_back(l, &kept, answered);
    return earliest;
}

void wait_stop(struct wait_list *l) {
    size_t answered = 0;
    struct waiters all, none = TAILQ_HEAD_INITIALIZER(none);
    pthread_mutex_lock(&l->mutex);
    l->stopped = true;
    pthread_mutex_unlock(&l->mutex);
    take_all(l, &all);
    for (struct waiter *w; (w = TAILQ_FIRST(&all)); answered++) {
        TAILQ_REMOVE(&all, w, link);
        BUG_ON(!w->look(w, WAIT_STOP));
    }
    put_back(l, &none, answered);
}

size_t wait_count(struct wait_list *l) {
    pthread_mutex_lock(&l->mutex);
    size_t n = l->count;
    pthread_mutex_unlock(&l->mutex);
    return n;
}
