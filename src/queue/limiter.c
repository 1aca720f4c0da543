// SPDX-License-Identifier: Apache-2.0
// One process alone keeps the buckets. Of several, each keeps a bucket for every name that asks it, and
//
// - while Redis counts for all of them (windows.h), that bucket is as large as the limit. What is taken here is told to
//   Redis, which says when the name's next token is there; until then the name is refused here. So nobody who asks
//   waits for Redis, on whichever thread, and the limit holds over all coordinators but for what comes to them between
//   a question and Redis' answer, about a millisecond: that becomes a debt, which has to be paid back before the name
//   may ask again;
// - while it does not, each has its part of the limit, by how many coordinators there are.
#include "queue/shared.h"

#include "base/clock.h"
#include "base/sync.h"
#include "crypto/hash.h"
#include "queue/shared_form.h"
#include <pthread.h>
#include <string.h>

#define NAME_MAX_BYTES 80
#define WAYS 8 // places that a name may have

struct bucket {
    char name[NAME_MAX_BYTES]; // "": free
    uint64_t milli_tokens, filled_ms;
    uint64_t refused_until_ms; // as Redis said
    uint64_t untold;           // tokens that were taken, and Redis does not know
    bool telling;              // Redis is asked now
    unsigned generation;       // of the names that had this place
};
struct limiter {
    pthread_mutex_t mutex; // over at and telling
    pthread_cond_t told;
    struct shared *shared; // NULL: one process
    const char *kind;
    uint64_t burst, per_minute;
    size_t telling; // buckets of which Redis is asked
    struct bucket at[LIMITER_NAMES];
};

struct limiter *limiter_new(struct shared *s, const char *kind, unsigned burst, unsigned per_minute) {
    struct limiter *l = xcalloc(1, sizeof *l);
    pthread_mutex_init(&l->mutex, NULL);
    cond_init(&l->told);
    l->shared = s;
    l->kind = kind;
    l->burst = burst;
    l->per_minute = per_minute;
    return l;
}

// What Redis was asked is answered, or given up, soon.
void limiter_free(struct limiter *l) {
    if (!l)
        return;
    pthread_mutex_lock(&l->mutex);
    while (l->telling)
        cond_wait_until(&l->told, &l->mutex, NO_DEADLINE);
    pthread_mutex_unlock(&l->mutex);
    pthread_cond_destroy(&l->told);
    pthread_mutex_destroy(&l->mutex);
    free(l);
}

// --- buckets

// A part of the limit: 1/of.
struct part {
    uint64_t burst, per_minute, of;
};

static uint64_t filled(const struct part *p, const struct bucket *b, uint64_t now_ms) {
    // Another thread may have read its clock later and come before.
    uint64_t full = p->burst * 1000, since = now_ms > b->filled_ms ? now_ms - b->filled_ms : 0;
    uint64_t more = since > 3600000 ? full : since * p->per_minute / 60 / p->of;
    return b->milli_tokens + more < full ? b->milli_tokens + more : full;
}

// How little its loss would matter.
static uint64_t spare(const struct part *p, const struct bucket *b, uint64_t now_ms) {
    return b->refused_until_ms > now_ms ? 0 : filled(p, b, now_ms);
}

static size_t place_of(const char *name) {
    return (size_t)(table_hash(slice_str(name), 0) % (LIMITER_NAMES / WAYS)) * WAYS;
}

// The name's bucket; else of its places the free or the fullest one, made its own.
static struct bucket *bucket_of(struct limiter *l, const struct part *p, const char *name, uint64_t now_ms) {
    struct bucket *first = &l->at[place_of(name)], *best = first;
    for (struct bucket *b = first; b < first + WAYS; b++) {
        if (strcmp(b->name, name) == 0)
            return b;
        if (!b->name[0] || (best->name[0] && spare(p, b, now_ms) > spare(p, best, now_ms)))
            best = b;
    }
    *best = (struct bucket){.milli_tokens = p->burst * 1000, .filled_ms = now_ms, .generation = best->generation + 1};
    snprintf(best->name, sizeof best->name, "%s", name);
    return best;
}

// --- telling Redis

struct telling {
    struct window_call call;
    struct limiter *limiter;
    struct bucket *bucket;
    unsigned generation;
    uint64_t n;
    char name[NAME_MAX_BYTES];
};

static window_told was_told;

// With the mutex held. NULL: Redis is asked about it already, or there is nothing to tell.
static struct telling *begin_telling(struct limiter *l, struct bucket *b) {
    if (b->telling || !b->untold)
        return NULL;
    struct telling *t = xmalloc(sizeof *t);
    *t = (struct telling){.call = {l->shared->windows, was_told, t},
                          .limiter = l,
                          .bucket = b,
                          .generation = b->generation,
                          .n = b->untold};
    memcpy(t->name, b->name, sizeof t->name);
    b->untold = 0;
    b->telling = true;
    l->telling++;
    return t;
}

// With the mutex held. false: the place is another name's now.
static bool end_telling(struct telling *t, uint64_t wait_ms) {
    bool same = t->bucket->generation == t->generation;
    if (same)
        t->bucket->telling = false;
    if (same && wait_ms != UINT64_MAX)
        t->bucket->refused_until_ms = wait_ms ? clock_mono_ms() + wait_ms : 0;
    t->limiter->telling--;
    return same;
}

// What cannot be told is forgotten: this coordinator has counted it.
static void tell(struct telling *t) {
    struct limiter *l = t->limiter;
    const struct asker_window of = {l->kind, t->name, l->burst, l->per_minute};
    if (windows_take(&t->call, &of, t->n))
        return;
    pthread_mutex_lock(&l->mutex);
    (void)end_telling(t, UINT64_MAX);
    if (!l->telling)
        pthread_cond_broadcast(&l->told);
    pthread_mutex_unlock(&l->mutex);
    free(t);
}

// What was taken meanwhile is told next, before the limiter can go.
static void was_told(void *ctx, uint64_t wait_ms) {
    struct telling *t = ctx, *next;
    struct limiter *l = t->limiter;
    pthread_mutex_lock(&l->mutex);
    bool same = end_telling(t, wait_ms);
    next = same && wait_ms != UINT64_MAX ? begin_telling(l, t->bucket) : NULL;
    if (!l->telling)
        pthread_cond_broadcast(&l->told);
    pthread_mutex_unlock(&l->mutex);
    free(t);
    if (next)
        tell(next);
}

// --- asking

static struct part part_of(struct limiter *l, uint64_t now_ms, bool *together) {
    struct windows *w = l->shared ? l->shared->windows : NULL;
    *together = w && windows_work(w, now_ms);
    uint64_t of = *together || !l->shared ? 1 : shared_coordinators(l->shared);
    return (struct part){l->burst > of ? l->burst / of : 1, l->per_minute, of ? of : 1};
}

static uint64_t wait_ms_of(const struct part *p, const struct bucket *b, uint64_t has, uint64_t now_ms) {
    uint64_t fills = has < 1000 ? ((1000 - has) * 60 * p->of + p->per_minute - 1) / p->per_minute : 0;
    uint64_t said = b->refused_until_ms > now_ms ? b->refused_until_ms - now_ms : 0;
    return fills > said ? fills : said;
}

bool limiter_take(struct limiter *l, const char *name, uint64_t now_ms, uint64_t *retry_s, struct err *e) {
    char key[NAME_MAX_BYTES];
    bool together;
    const struct part p = part_of(l, now_ms, &together);
    struct telling *t = NULL;
    snprintf(key, sizeof key, "%s", name);
    pthread_mutex_lock(&l->mutex);
    struct bucket *b = bucket_of(l, &p, key, now_ms);
    uint64_t has = filled(&p, b, now_ms);
    if (!together)
        b->refused_until_ms = b->untold = 0;
    uint64_t wait_ms = wait_ms_of(&p, b, has, now_ms);
    b->milli_tokens = wait_ms ? has : has - 1000;
    b->filled_ms = now_ms > b->filled_ms ? now_ms : b->filled_ms;
    if (!wait_ms && together) {
        b->untold++;
        t = begin_telling(l, b);
    }
    pthread_mutex_unlock(&l->mutex);
    if (t)
        tell(t);
    if (!wait_ms)
        return true;
    *retry_s = (wait_ms + 999) / 1000;
    err_set(e, ERR_TOO_MANY, "too many questions from one asker: %s", key); // figures count what stands before
    return err_hint(e, "ask again in %llu s", (unsigned long long)*retry_s);
}
