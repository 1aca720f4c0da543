// SPDX-License-Identifier: Apache-2.0
#include "devnet/wait.h"

#include "base/clock.h"
#include <pthread.h>

struct wait_list {
    pthread_mutex_t mutex;
    struct waiter *first;
    size_t count;
    bool stopped;
};

struct wait_list *wait_list_new(void) {
    struct wait_list *l = xcalloc(1, sizeof *l);
    pthread_mutex_init(&l->mutex, NULL);
    return l;
}

void wait_list_free(struct wait_list *l) {
    if (!l)
        return;
    BUG_ON(l->first);
    pthread_mutex_destroy(&l->mutex);
    free(l);
}

bool wait_add(struct wait_list *l, struct waiter *w) {
    pthread_mutex_lock(&l->mutex);
    bool ok = !l->stopped && l->count < WAIT_MAX;
    if (ok) {
        w->next = l->first;
        l->first = w;
        l->count++;
    }
    pthread_mutex_unlock(&l->mutex);
    return ok;
}

// The whole list, which is empty afterwards; its waiters still count.
static struct waiter *take_all(struct wait_list *l) {
    pthread_mutex_lock(&l->mutex);
    struct waiter *all = l->first;
    l->first = NULL;
    pthread_mutex_unlock(&l->mutex);
    return all;
}

static void put_back(struct wait_list *l, struct waiter *w) {
    pthread_mutex_lock(&l->mutex);
    w->next = l->first;
    l->first = w;
    pthread_mutex_unlock(&l->mutex);
}

static void forget(struct wait_list *l, size_t n) {
    pthread_mutex_lock(&l->mutex);
    l->count -= n;
    pthread_mutex_unlock(&l->mutex);
}

uint64_t wait_look(struct wait_list *l, bool new_block) {
    uint64_t now = clock_mono_ms(), earliest = UINT64_MAX;
    size_t done = 0;
    for (struct waiter *w = take_all(l), *next; w; w = next) {
        next = w->next;
        bool late = w->deadline_ms <= now;
        uint64_t deadline = w->deadline_ms;
        if ((late || new_block) && w->look(w, late ? WAIT_DEADLINE : WAIT_BLOCK)) {
            done++;
            continue;
        }
        earliest = deadline < earliest ? deadline : earliest;
        put_back(l, w);
    }
    forget(l, done);
    return earliest;
}

void wait_stop(struct wait_list *l) {
    pthread_mutex_lock(&l->mutex);
    l->stopped = true;
    pthread_mutex_unlock(&l->mutex);
    size_t done = 0;
    for (struct waiter *w = take_all(l), *next; w; w = next, done++) {
        next = w->next;
        BUG_ON(!w->look(w, WAIT_STOP));
    }
    forget(l, done);
}

size_t wait_count(struct wait_list *l) {
    pthread_mutex_lock(&l->mutex);
    size_t n = l->count;
    pthread_mutex_unlock(&l->mutex);
    return n;
}
