// SPDX-License-Identifier: Apache-2.0
#include "worker/completions.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/sync.h"
#include <pthread.h>

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
    pthread_mutex_init(&s->lock, NULL);
    cond_init(&s->added);
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
    uint64_t end = deadline_in(ms);
    pthread_mutex_lock(&s->lock);
    bool found;
    while (!(found = find(s, request_id, out)) && cond_wait_until(&s->added, &s->lock, end))
        ;
    pthread_mutex_unlock(&s->lock);
    return found;
}
