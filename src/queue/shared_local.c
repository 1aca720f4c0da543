// SPDX-License-Identifier: Apache-2.0
// The form for one process: its memory. Locks and benches stand in rows, too, so that a start finds them again. Nobody
// waits until locks do; an operator waits until what he benched does.
#include "base/clock.h"
#include "base/log.h"
#include "queue/database.h"
#include "queue/shared_form.h"
#include "store/writer.h"

struct lock {
    char *key, *holder, *token_name;
    uint64_t until_ms;
};
struct local_shared {
    struct shared base;    // its mutex is for all
    struct writer *writer; // NULL: nothing is stored
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

// --- locks in their rows

struct storing {
    struct local_shared *s;
    char *key;
};

static struct lock *lock_at(struct local_shared *s, const char *key) {
    for (size_t i = 0; i < s->lock_count; i++)
        if (strcmp(s->locks[i].key, key) == 0)
            return &s->locks[i];
    return NULL;
}

// As it is by now: whatever else was changed before this is written is written again behind it.
static bool lock_read(struct storing *x, struct arena *a, struct lock *out) {
    pthread_mutex_lock(&x->s->base.mutex);
    const struct lock *l = lock_at(x->s, x->key);
    if (l)
        *out = (struct lock){NULL, arena_strdup(a, l->holder), arena_strdup(a, l->token_name), l->until_ms};
    pthread_mutex_unlock(&x->s->base.mutex);
    return l;
}

static bool store_lock(struct db *db, void *ctx, struct err *e) {
    struct storing *x = ctx;
    struct db_stmt *q;
    struct lock l;
    SCOPED_ARENA(a);
    bool held = lock_read(x, a, &l);
    if (!db_query(db,
                  held ? "INSERT INTO build_locks (lock_key, worker_id, token_name, until_ms) VALUES (:key, :worker, "
                         ":token, :until) ON CONFLICT (lock_key) DO UPDATE SET worker_id = excluded.worker_id, "
                         "token_name = excluded.token_name, until_ms = excluded.until_ms"
                       : "DELETE FROM build_locks WHERE lock_key = :key",
                  &q, e))
        return false;
    db_bind_text(db, q, ":key", database_text(a, x->key));
    if (held) {
        uint64_t now = clock_mono_ms();
        db_bind_text(db, q, ":worker", database_text(a, l.holder));
        db_bind_text(db, q, ":token", l.token_name);
        db_bind_int(db, q, ":until", (int64_t)(clock_wall_ms() + (l.until_ms > now ? l.until_ms - now : 0)));
    }
    return db_run(db, q, e);
}

static void lock_stored(void *ctx, bool ok, const struct err *e) {
    struct storing *x = ctx;
    if (!ok)
        log_err(LOG_WARN, "whether a lock is held could not be stored, and after a restart it may be otherwise", e);
    free(x->key);
    free(x);
}

static void lock_store(struct local_shared *s, const char *key) {
    struct storing *x = xcalloc(1, sizeof *x);
    const struct writer_job job = {store_lock, lock_stored, x};
    struct err e;
    *x = (struct storing){s, xstrdup(key)};
    if (!s->writer || !writer_submit(s->writer, &job, &e))
        lock_stored(x, !s->writer, &e);
}

// What is held lasts so long at least: its holder could not prolong it while nobody listened.
static void lock_restore(struct local_shared *s, struct db *db, struct db_stmt *q) {
    uint64_t wall = clock_wall_ms(), until = (uint64_t)db_int(db, q, "until_ms");
    uint64_t left = until > wall ? until - wall : 0;
    left = left < LEASE_MS ? LEASE_MS : left > LOCK_TTL_MAX_S * 1000 ? LOCK_TTL_MAX_S * 1000 : left;
    s->locks[s->lock_count++] = (struct lock){xstrdup(db_text(db, q, "lock_key")), xstrdup(db_text(db, q, "worker_id")),
                                              xstrdup(db_text(db, q, "token_name")), clock_mono_ms() + left};
}

static bool locks_load(struct db *db, void *ctx, struct err *e) {
    struct local_shared *s = ctx;
    struct db_stmt *q;
    bool row = false, ok;
    while (s->lock_count)
        lock_drop(s, 0);
    if (!db_query(db, "SELECT lock_key, worker_id, token_name, until_ms FROM build_locks", &q, e))
        return false;
    while ((ok = db_step(db, q, &row, e)) && row && s->lock_count < LOCKS_MAX)
        lock_restore(s, db, q);
    db_done(db, q);
    return ok;
}

// --- locks

static void lock_end(struct local_shared *s, size_t i) {
    lock_store(s, s->locks[i].key);
    lock_drop(s, i);
}

// Its holder could not prolong it while this process stood still.
static uint64_t lasts_until(const struct local_shared *s, const struct lock *l) {
    return l->until_ms > s->base.spare_ms ? l->until_ms : s->base.spare_ms;
}

// Drops those whose time is over on the way.
static struct lock *find_lock(struct local_shared *s, const char *key, uint64_t now) {
    shared_hear(&s->base, now);
    for (size_t i = 0; i < s->lock_count;) {
        if (lasts_until(s, &s->locks[i]) <= now)
            lock_end(s, i);
        else
            i++;
    }
    return lock_at(s, key);
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
    struct err e;
    pthread_mutex_lock(&base->mutex);
    uint64_t now = clock_mono_ms();
    struct lock *l = find_lock(s, x->key, now);
    if (!l)
        l = add_lock(s, x);
    if (l) {
        x->acquired = is_holder(l, x);
        if (x->acquired) {
            l->until_ms = now + x->ttl_s * 1000;
            lock_store(s, l->key);
        }
        x->holder = arena_strdup(x->arena, l->holder);
        x->expires_in_s = (lasts_until(s, l) - now + 999) / 1000;
    }
    pthread_mutex_unlock(&base->mutex);
    shared_answer(&x->call, l || lock_none_free(&e), &e);
}

static void local_release(struct shared *base, struct shared_lock *x) {
    struct local_shared *s = local_of(base);
    struct err e;
    pthread_mutex_lock(&base->mutex);
    struct lock *l = find_lock(s, x->key, clock_mono_ms());
    bool foreign = l && !is_holder(l, x);
    x->released = l && !foreign;
    if (x->released)
        lock_end(s, (size_t)(l - s->locks));
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

// Until when, by the wall clock; 0: it is not benched.
static uint64_t bench_until(struct shared *s, const char *worker) {
    uint64_t now = clock_mono_ms();
    pthread_mutex_lock(&s->mutex);
    const struct benched *b = find_bench(s, worker, now);
    uint64_t left = b ? b->until_ms - now : 0;
    pthread_mutex_unlock(&s->mutex);
    return left ? clock_wall_ms() + left : 0;
}

struct benching {
    struct local_shared *s;
    struct shared_bench *call;
};

// As it is by now. Those that are over go with it.
static bool store_bench(struct db *db, void *ctx, struct err *e) {
    struct benching *x = ctx;
    uint64_t until = bench_until(&x->s->base, x->call->worker);
    struct db_stmt *q;
    if (!db_query(db, "DELETE FROM worker_benches WHERE worker_id = :worker OR until_ms <= :now", &q, e))
        return false;
    db_bind_text(db, q, ":worker", x->call->worker);
    db_bind_int(db, q, ":now", (int64_t)clock_wall_ms());
    if (!db_run(db, q, e))
        return false;
    if (!until)
        return true;
    if (!db_query(db, "INSERT INTO worker_benches (worker_id, until_ms) VALUES (:worker, :until)", &q, e))
        return false;
    db_bind_text(db, q, ":worker", x->call->worker);
    db_bind_int(db, q, ":until", (int64_t)until);
    return db_run(db, q, e);
}

static void bench_stored(void *ctx, bool ok, const struct err *e) {
    struct benching *x = ctx;
    struct shared_bench *call = x->call;
    free(x);
    shared_answer(&call->call, ok, e);
}

// By a clock that may have been wrong: none lasts longer than one that begins now may.
static uint64_t bench_left(uint64_t until_ms, uint64_t wall_ms) {
    const uint64_t left = until_ms - wall_ms, most = (uint64_t)BENCH_MAX_S * 1000;
    return left < most ? left : most;
}

static bool benches_load(struct db *db, void *ctx, struct err *e) {
    struct shared *s = ctx;
    struct db_stmt *q;
    bool row = false, ok;
    uint64_t now = clock_mono_ms(), wall = clock_wall_ms();
    s->bench_count = 0;
    if (!db_query(db, "SELECT worker_id, until_ms FROM worker_benches WHERE until_ms > :now", &q, e))
        return false;
    db_bind_int(db, q, ":now", (int64_t)wall);
    while ((ok = db_step(db, q, &row, e)) && row && s->bench_count < BENCHED_MAX) {
        struct benched *b = &s->bench[s->bench_count++];
        snprintf(b->worker_id, sizeof b->worker_id, "%s", db_text(db, q, "worker_id"));
        b->until_ms = now + bench_left((uint64_t)db_int(db, q, "until_ms"), wall);
    }
    db_done(db, q);
    return ok;
}

// Answered when it is stored: the operator relies on it.
static void local_bench(struct shared *s, struct shared_bench *x) {
    struct local_shared *local = (struct local_shared *)s;
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
    if (full || !local->writer) {
        shared_answer(&x->call, !full || bench_is_full(&e), &e);
        return;
    }
    struct benching *storing = xcalloc(1, sizeof *storing);
    const struct writer_job job = {store_bench, bench_stored, storing};
    *storing = (struct benching){local, x};
    if (!writer_submit(local->writer, &job, &e))
        bench_stored(storing, false, &e);
}

bool shared_open_local(struct shared **out, struct writer *writer, struct err *e) {
    static const struct shared_form form = {
        .acquire = local_acquire, .release = local_release, .bench = local_bench, .free = local_shared_free};
    struct local_shared *s = xcalloc(1, sizeof *s);
    shared_init(&s->base, &form);
    s->writer = writer;
    if (writer && (!writer_do(writer, locks_load, s, e) || !writer_do(writer, benches_load, &s->base, e))) {
        local_shared_free(&s->base);
        return false;
    }
    *out = &s->base;
    return true;
}
