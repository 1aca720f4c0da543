// SPDX-License-Identifier: Apache-2.0
#include "queue/shared.h"

#include <pthread.h>
#include <string.h>

#define NAME_MAX_BYTES 80
#define WAYS 8 // places that a name may have

struct bucket {
    char name[NAME_MAX_BYTES]; // "": free
    uint64_t milli_tokens, filled_ms;
};
struct limiter {
    pthread_mutex_t mutex; // over at
    uint64_t burst, per_minute;
    struct bucket at[LIMITER_NAMES];
};

struct limiter *limiter_new(struct shared *s, const char *kind, unsigned burst, unsigned per_minute) {
    (void)s, (void)kind; // one process keeps each limiter to itself
    struct limiter *l = xcalloc(1, sizeof *l);
    pthread_mutex_init(&l->mutex, NULL);
    l->burst = burst;
    l->per_minute = per_minute;
    return l;
}

void limiter_free(struct limiter *l) {
    if (!l)
        return;
    pthread_mutex_destroy(&l->mutex);
    free(l);
}

static uint64_t filled(const struct limiter *l, const struct bucket *b, uint64_t now_ms) {
    // Another thread may have read its clock later and come before.
    uint64_t full = l->burst * 1000, since = now_ms > b->filled_ms ? now_ms - b->filled_ms : 0;
    uint64_t more = since > 3600000 ? full : since * l->per_minute / 60;
    return b->milli_tokens + more < full ? b->milli_tokens + more : full;
}

static size_t place_of(const char *name) {
    uint64_t h = 14695981039346656037u;
    for (; *name; name++)
        h = (h ^ (uint8_t)*name) * 1099511628211u;
    return (size_t)(h >> 32) % (LIMITER_NAMES / WAYS) * WAYS;
}

// The name's bucket; else of its places the free or the fullest one, made its own.
static struct bucket *bucket_of(struct limiter *l, const char *name, uint64_t now_ms) {
    struct bucket *first = &l->at[place_of(name)], *best = first;
    for (struct bucket *b = first; b < first + WAYS; b++) {
        if (strcmp(b->name, name) == 0)
            return b;
        if (!b->name[0] || (best->name[0] && filled(l, b, now_ms) > filled(l, best, now_ms)))
            best = b;
    }
    snprintf(best->name, sizeof best->name, "%s", name);
    best->milli_tokens = l->burst * 1000;
    best->filled_ms = now_ms;
    return best;
}

bool limiter_take(struct limiter *l, const char *name, uint64_t now_ms, uint64_t *retry_s, struct err *e) {
    char key[NAME_MAX_BYTES];
    snprintf(key, sizeof key, "%s", name);
    pthread_mutex_lock(&l->mutex);
    struct bucket *b = bucket_of(l, key, now_ms);
    uint64_t has = filled(l, b, now_ms);
    bool ok = has >= 1000;
    b->milli_tokens = ok ? has - 1000 : has;
    b->filled_ms = now_ms > b->filled_ms ? now_ms : b->filled_ms;
    pthread_mutex_unlock(&l->mutex);
    if (ok)
        return true;
    *retry_s = ((1000 - has) * 60 / l->per_minute + 999) / 1000;
    err_set(e, ERR_TOO_MANY, "too many questions from one asker: %s", key); // figures count what stands before
    return err_hint(e, "ask again in %llu s", (unsigned long long)*retry_s);
}
