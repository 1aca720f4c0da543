// SPDX-License-Identifier: Apache-2.0
#include "worker/build_locks.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/sync.h"
#include <pthread.h>

#define RETRY_MS 1000

// UNKNOWN: the coordinator was asked for it, and may have given it.
enum lock_state { LOCK_UNKNOWN, LOCK_HELD, LOCK_NOT_OURS };

struct build_lock {
    char *key;
    struct build_lock *next;
    enum lock_state state;
    bool in_use, asked; // by a build; by a thread that has asked the coordinator and has no answer yet
    bool warned;        // that it is not released
    uint64_t due_ms;    // when the coordinator is asked next
    uint64_t until_ms;  // by then it has ended by itself
};

struct build_locks {
    struct build_locks_settings set;
    pthread_t thread;
    bool started;
    pthread_mutex_t mutex;   // guards what follows, and the locks
    pthread_cond_t news;     // for the thread
    pthread_cond_t answered; // a lock is asked about no more
    bool stopping;
    uint64_t end_ms; // of stopping
    struct build_lock *list;
    uint64_t lost;
};

// --- the list, with the mutex held

static struct build_lock *find(const struct build_locks *l, const char *key) {
    struct build_lock *x = l->list;
    while (x && strcmp(x->key, key) != 0)
        x = x->next;
    return x;
}

static struct build_lock *add(struct build_locks *l, const char *key) {
    struct build_lock *x = xcalloc(1, sizeof *x);
    *x = (struct build_lock){.key = xstrdup(key), .next = l->list};
    return l->list = x;
}

static void discard(struct build_locks *l, struct build_lock *x) {
    struct build_lock **at = &l->list;
    while (*at != x)
        at = &(*at)->next;
    *at = x->next;
    free(x->key);
    free(x);
}

static bool is_wanted(const struct build_locks *l, const struct build_lock *x) { return x->in_use && !l->stopping; }

// Nobody has to ask about it any more.
static bool is_settled(const struct build_locks *l, const struct build_lock *x, uint64_t now) {
    return x->state == LOCK_NOT_OURS || (!is_wanted(l, x) && now >= x->until_ms);
}

// --- what the coordinator said, with the mutex held

// An acquisition that was not answered may have been served, as late as now.
static void note_acquired(struct build_locks *l, struct build_lock *x, bool ok, bool acquired) {
    uint64_t now = clock_mono_ms();
    if (ok && !acquired) {
        x->state = LOCK_NOT_OURS;
        return;
    }
    x->state = ok ? LOCK_HELD : x->state;
    x->until_ms = now + l->set.ttl_s * 1000;
    x->due_ms = !is_wanted(l, x) ? now : now + (ok ? l->set.prolong_ms : l->set.retry_ms);
}

static void note_released(struct build_locks *l, struct build_lock *x, bool ok, const struct err *e) {
    if (ok || e->code == ERR_FORBIDDEN) { // which is another's by now
        x->state = LOCK_NOT_OURS;
        return;
    }
    x->due_ms = clock_mono_ms() + l->set.retry_ms;
    if (!x->warned)
        log_err(LOG_WARN, "a lock could not be released: that is tried until it ends by itself", e);
    x->warned = true;
}

static void note_lost(struct build_locks *l, const struct build_lock *x) {
    if (x->state != LOCK_NOT_OURS || !x->in_use)
        return;
    l->lost++;
    log_warn("another worker has the lock of this one's build, and may build the same: %.20s", x->key);
}

// --- the thread

// Called and returns with the mutex held.
static void ask(struct build_locks *l, struct arena *a, struct build_lock *x) {
    bool wanted = is_wanted(l, x), acquired = false, ok;
    struct err e;
    x->asked = true;
    pthread_mutex_unlock(&l->mutex);
    ok = wanted ? api_lock(l->set.api, a, x->key, l->set.ttl_s, &acquired, &e) : api_unlock(l->set.api, a, x->key, &e);
    arena_reset(a);
    pthread_mutex_lock(&l->mutex);
    x->asked = false;
    if (wanted) {
        note_acquired(l, x, ok, acquired);
        note_lost(l, x);
    } else
        note_released(l, x, ok, &e);
    pthread_cond_broadcast(&l->answered);
}

static void discard_settled(struct build_locks *l) {
    uint64_t now = clock_mono_ms();
    for (struct build_lock *x = l->list, *next; x; x = next) {
        next = x->next;
        if (!x->in_use && !x->asked && is_settled(l, x, now))
            discard(l, x);
    }
}

// Whom the coordinator is to be asked about next; *open: somebody, now or later.
static struct build_lock *next_due(const struct build_locks *l, bool *open) {
    struct build_lock *first = NULL;
    uint64_t now = clock_mono_ms();
    *open = false;
    for (struct build_lock *x = l->list; x; x = x->next) {
        bool waits = !is_settled(l, x, now);
        *open |= waits;
        if (waits && !x->asked && (!first || x->due_ms < first->due_ms))
            first = x;
    }
    return first;
}

static void *keep(void *ctx) {
    struct build_locks *l = ctx;
    SCOPED_ARENA(a);
    pthread_mutex_lock(&l->mutex);
    for (;;) {
        bool open;
        discard_settled(l);
        struct build_lock *x = next_due(l, &open);
        if (l->stopping && (!open || clock_mono_ms() >= l->end_ms))
            break;
        uint64_t due_ms = x ? x->due_ms : NO_DEADLINE;
        if (x && due_ms <= clock_mono_ms())
            ask(l, a, x);
        else
            cond_wait_until(&l->news, &l->mutex, l->stopping && l->end_ms < due_ms ? l->end_ms : due_ms);
    }
    pthread_mutex_unlock(&l->mutex);
    return NULL;
}

bool build_locks_start(struct build_locks **out, const struct build_locks_settings *s, struct err *e) {
    struct build_locks *l = xcalloc(1, sizeof *l);
    l->set = *s;
    l->set.ttl_s = s->ttl_s ? s->ttl_s : BUILD_LOCK_S;
    l->set.prolong_ms = s->prolong_ms ? s->prolong_ms : l->set.ttl_s * 1000 / 4;
    l->set.retry_ms = s->retry_ms ? s->retry_ms : RETRY_MS;
    pthread_mutex_init(&l->mutex, NULL);
    cond_init(&l->news);
    cond_init(&l->answered);
    l->started = pthread_create(&l->thread, NULL, keep, l) == 0;
    *out = l;
    return l->started || err_set(e, ERR_INTERNAL, "cannot start a thread");
}

void build_locks_stop(struct build_locks *l, uint64_t ms) {
    pthread_mutex_lock(&l->mutex);
    l->stopping = true;
    l->end_ms = deadline_in(ms);
    for (struct build_lock *x = l->list; x; x = x->next)
        x->due_ms = clock_mono_ms();
    pthread_cond_broadcast(&l->news);
    pthread_mutex_unlock(&l->mutex);
    if (l->started)
        pthread_join(l->thread, NULL);
    l->started = false;
}

void build_locks_free(struct build_locks *l) {
    if (!l)
        return;
    if (l->started)
        build_locks_stop(l, 0);
    while (l->list)
        discard(l, l->list);
    pthread_cond_destroy(&l->answered);
    pthread_cond_destroy(&l->news);
    pthread_mutex_destroy(&l->mutex);
    free(l);
}

uint64_t build_locks_lost(struct build_locks *l) {
    pthread_mutex_lock(&l->mutex);
    uint64_t n = l->lost;
    pthread_mutex_unlock(&l->mutex);
    return n;
}

// --- for builds

// Its own earlier one, whose release is not answered yet, is taken into use again: a release that came behind would
// end the new one.
static struct build_lock *enter(struct build_locks *l, const char *key) {
    struct build_lock *x;
    while ((x = find(l, key)) && x->asked)
        cond_wait_until(&l->answered, &l->mutex, NO_DEADLINE); // a call has an end
    if (!x)
        x = add(l, key);
    BUG_ON(x->in_use);
    x->in_use = x->asked = true;
    x->warned = false;
    x->state = LOCK_UNKNOWN;
    return x;
}

static bool is_stopping(struct build_locks *l) {
    pthread_mutex_lock(&l->mutex);
    bool stopping = l->stopping;
    pthread_mutex_unlock(&l->mutex);
    return stopping;
}

static bool stops(struct err *e) { return err_set(e, ERR_UNAVAILABLE, "this worker stops"); }

// *late: the stop came meanwhile, and nobody else will release what was given.
static struct build_lock *leave(struct build_locks *l, struct build_lock *x, bool ok, bool acquired, bool *late) {
    pthread_mutex_lock(&l->mutex);
    x->asked = false;
    note_acquired(l, x, ok, acquired);
    *late = l->stopping && x->state != LOCK_NOT_OURS;
    if (l->stopping || x->state == LOCK_NOT_OURS) {
        discard(l, x);
        x = NULL;
    }
    pthread_cond_broadcast(&l->answered);
    pthread_cond_signal(&l->news);
    pthread_mutex_unlock(&l->mutex);
    return x;
}

bool build_lock_take(struct build_locks *l, struct arena *a, const char *key, struct build_lock **out, struct err *e) {
    bool acquired = false, late;
    *out = NULL;
    if (is_stopping(l))
        return stops(e);
    pthread_mutex_lock(&l->mutex);
    struct build_lock *x = enter(l, key);
    pthread_mutex_unlock(&l->mutex);
    bool ok = api_lock(l->set.api, a, key, l->set.ttl_s, &acquired, e);
    *out = leave(l, x, ok, acquired, &late);
    if (late && !api_unlock(l->set.api, a, key, e))
        log_err(LOG_WARN, "a lock could not be released: it ends by itself", e);
    return late ? stops(e) : ok;
}

void build_lock_drop(struct build_locks *l, struct build_lock *x) {
    if (!x)
        return;
    pthread_mutex_lock(&l->mutex);
    x->in_use = false;
    x->due_ms = clock_mono_ms();
    pthread_cond_signal(&l->news);
    pthread_mutex_unlock(&l->mutex);
}
