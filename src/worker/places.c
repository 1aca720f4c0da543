// SPDX-License-Identifier: Apache-2.0
#include "worker/places.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/sync.h"
#include <pthread.h>

struct places {
    unsigned at_work_most, parked_most;
    uint64_t flow_ms;
    pthread_mutex_t lock; // guards what follows
    pthread_cond_t changed;
    unsigned at_work, parked;
    uint64_t flows_until; // leases end quickly
    bool stopping;
};

struct places *places_new(unsigned at_work, unsigned parked, uint64_t flow_ms) {
    struct places *p = xcalloc(1, sizeof *p);
    p->at_work_most = at_work;
    p->parked_most = parked;
    p->flow_ms = flow_ms;
    pthread_mutex_init(&p->lock, NULL);
    cond_init(&p->changed);
    return p;
}

void places_free(struct places *p) {
    if (!p)
        return;
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->changed);
    free(p);
}

// With the lock held.
static bool has_room(const struct places *p) {
    unsigned most = clock_mono_ms() < p->flows_until ? 2 * p->at_work_most : p->at_work_most;
    return p->at_work < most;
}

bool places_enter(struct places *p, bool *ahead) {
    pthread_mutex_lock(&p->lock);
    while (!p->stopping && !has_room(p))
        pthread_cond_wait(&p->changed, &p->lock);
    bool entered = !p->stopping;
    *ahead = p->at_work >= p->at_work_most;
    p->at_work += entered;
    pthread_mutex_unlock(&p->lock);
    return entered;
}

bool places_park(struct places *p) {
    pthread_mutex_lock(&p->lock);
    bool room = p->parked < p->parked_most;
    p->at_work -= room;
    p->parked += room;
    pthread_cond_signal(&p->changed);
    pthread_mutex_unlock(&p->lock);
    return room;
}

void places_return(struct places *p) {
    pthread_mutex_lock(&p->lock);
    p->at_work++;
    p->parked--;
    pthread_mutex_unlock(&p->lock);
}

unsigned places_parked(struct places *p) {
    pthread_mutex_lock(&p->lock);
    unsigned n = p->parked;
    pthread_mutex_unlock(&p->lock);
    return n;
}

void places_leave(struct places *p, uint64_t lease_ms) {
    pthread_mutex_lock(&p->lock);
    if (lease_ms <= PLACES_QUICK_MS)
        p->flows_until = clock_mono_ms() + p->flow_ms;
    else if (lease_ms != UINT64_MAX)
        p->flows_until = 0;
    p->at_work--;
    pthread_cond_signal(&p->changed);
    pthread_cond_signal(&p->changed); // one may be taken ahead, too
    pthread_mutex_unlock(&p->lock);
}

void places_stop(struct places *p) {
    pthread_mutex_lock(&p->lock);
    p->stopping = true;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
}
