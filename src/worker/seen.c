// SPDX-License-Identifier: Apache-2.0
#include "worker/seen.h"

#include "base/clock.h"
#include "base/log.h"
#include <pthread.h>
#include <time.h>

struct seen {
    pthread_mutex_t lock;
    pthread_cond_t added;
    size_t next, count;
    struct {
        uint64_t request_id;
        struct settlement settlement;
    } ring[SEEN_MAX];
};

struct seen *seen_new(void) {
    struct seen *s = xcalloc(1, sizeof *s);
    pthread_condattr_t clock;
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&s->added, &clock);
    pthread_condattr_destroy(&clock);
    return s;
}

void seen_free(struct seen *s) {
    if (!s)
        return;
    pthread_cond_destroy(&s->added);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

void seen_add(struct seen *s, uint64_t request_id, const char *transaction_hash, const char *event_json) {
    struct settlement one;
    struct err e;
    if (!settlement_parse(&one, request_id, event_json, &e)) {
        log_err(LOG_WARN, "an execution_completed event is not used", &e);
        return;
    }
    if (transaction_hash)
        snprintf(one.transaction, sizeof one.transaction, "%s", transaction_hash);
    pthread_mutex_lock(&s->lock);
    s->ring[s->next].request_id = request_id;
    s->ring[s->next].settlement = one;
    s->next = (s->next + 1) % SEEN_MAX;
    s->count += s->count < SEEN_MAX;
    pthread_cond_broadcast(&s->added);
    pthread_mutex_unlock(&s->lock);
}

static bool find(const struct seen *s, uint64_t request_id, struct settlement *out) {
    for (size_t i = 0; i < s->count; i++)
        if (s->ring[i].request_id == request_id) {
            *out = s->ring[i].settlement;
            return true;
        }
    return false;
}

bool seen_wait(struct seen *s, uint64_t request_id, uint64_t ms, struct settlement *out) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += (time_t)(ms / 1000);
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    pthread_mutex_lock(&s->lock);
    bool found;
    while (!(found = find(s, request_id, out)) && ms && pthread_cond_timedwait(&s->added, &s->lock, &t) == 0)
        ;
    pthread_mutex_unlock(&s->lock);
    return found;
}
