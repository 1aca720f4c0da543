// SPDX-License-Identifier: Apache-2.0
// The form for one process: its memory.
#include "base/clock.h"
#include "queue/shared_form.h"

struct lock {
    char *key, *holder, *token_name;
    uint64_t until_ms;
};
struct local_shared {
    struct shared base; // its mutex is for all
    struct lock locks[LOCKS_MAX];
    size_t lock_count;
};

static struct local_shared *local_of(struct shared *s) { return (struct local_shared *)s; }

static void lock_drop(struct local_shared *s, size_t i) {
    free(s->locks[i].key);
    free(s->locks[i].holder);
    free(s->locks[i].token_name);
    s->locks[i] = s->locks[--s->lock_count];
}

static void local_shared_free(struct shared *base) {
    struct local_shared *s = local_of(base);
    while (s->lock_count)
        lock_drop(s, 0);
    shared_release_base(base);
    free(s);
}

// --- locks

// Drops those whose time is over on the way.
static struct lock *find_lock(struct local_shared *s, const char *key) {
    uint64_t now = clock_mono_ms();
    struct lock *found = NULL;
    for (size_t i = 0; i < s->lock_count;) {
        if (s->locks[i].until_ms <= now) {
            lock_drop(s, i);
            continue;
        }
        i++;
    }
    for (size_t i = 0; i < s->lock_count && !found; i++)
        if (strcmp(s->locks[i].key, key) == 0)
            found = &s->locks[i];
    return found;
}

static struct lock *add_lock(struct local_shared *s, const struct shared_lock *x) {
    if (s->lock_count == LOCKS_MAX)
        return NULL;
    struct lock *l = &s->locks[s->lock_count++];
    *l = (struct lock){xstrdup(x->key), xstrdup(x->worker), xstrdup(lock_token(x)), 0};
    return l;
}

// A worker's id is what it says: whoever calls itself the same by another token did not take the lock.
static bool is_holder(const struct lock *l, const struct shared_lock *x) {
    return strcmp(l->holder, x->worker) == 0 && strcmp(l->token_name, lock_token(x)) == 0;
}

static void local_acquire(struct shared *base, struct shared_lock *x) {
    struct local_shared *s = local_of(base);
    uint64_t now = clock_mono_ms();
    struct err e;
    pthread_mutex_lock(&base->mutex);
    struct lock *l = find_lock(s, x->key);
    if (!l)
        l = add_lock(s, x);
    if (l) {
        x->acquired = is_holder(l, x);
        if (x->acquired)
            l->until_ms = now + x->ttl_s * 1000;
        x->holder = arena_strdup(x->arena, l->holder);
        x->expires_in_s = (l->until_ms - now + 999) / 1000;
    }
    pthread_mutex_unlock(&base->mutex);
    shared_answer(&x->call, l || lock_none_free(&e), &e);
}

static void local_release(struct shared *base, struct shared_lock *x) {
    struct local_shared *s = local_of(base);
    struct err e;
    pthread_mutex_lock(&base->mutex);
    struct lock *l = find_lock(s, x->key);
    bool foreign = l && !is_holder(l, x);
    x->released = l && !foreign;
    if (x->released)
        lock_drop(s, (size_t)(l - s->locks));
    pthread_mutex_unlock(&base->mutex);
    shared_answer(&x->call, !foreign || lock_is_foreign(x->key, &e), &e);
}

// --- benches

static struct benched *find_bench(struct shared *s, const char *worker, uint64_t now) {
    struct benched *found = NULL;
    for (size_t i = s->bench_count; i-- > 0;)
        if (s->bench[i].until_ms <= now)
            s->bench[i] = s->bench[--s->bench_count];
    for (size_t i = 0; i < s->bench_count && !found; i++)
        if (strcmp(s->bench[i].worker_id, worker) == 0)
            found = &s->bench[i];
    return found;
}

static void local_bench(struct shared *s, struct shared_bench *x) {
    uint64_t now = clock_mono_ms();
    struct err e;
    pthread_mutex_lock(&s->mutex);
    struct benched *b = find_bench(s, x->worker, now);
    x->found = b;
    if (!b && x->seconds && s->bench_count < BENCHED_MAX) {
        b = &s->bench[s->bench_count++];
        snprintf(b->worker_id, sizeof b->worker_id, "%s", x->worker);
    }
    bool full = x->seconds && !b;
    if (b && x->seconds)
        b->until_ms = now + x->seconds * 1000;
    else if (b)
        *b = s->bench[--s->bench_count];
    pthread_mutex_unlock(&s->mutex);
    shared_answer(&x->call, !full || bench_is_full(&e), &e);
}

struct shared *shared_open_local(void) {
    static const struct shared_form form = {
        .acquire = local_acquire, .release = local_release, .bench = local_bench, .free = local_shared_free};
    struct local_shared *s = xcalloc(1, sizeof *s);
    shared_init(&s->base, &form);
    return &s->base;
}
