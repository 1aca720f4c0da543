// SPDX-License-Identifier: Apache-2.0
#include "queue/shared_scaled.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/sync.h"
#include "crypto/hash.h"

#define CALLS_MAX 1024
#define DATABASE_MS 2000 // for the connection, and for a statement: calls are requests that wait
#define FIRST_MS 15000   // for the first connection, when nobody waits yet
#define STORED_AT_ONCE 128
#define SWEEP_TICKS 10
#define TRIES 3 // of a lock that changes hands while it is asked for

enum kind { ACQUIRE, RELEASE, BENCH };

struct scaled_shared {
    struct shared base; // its mutex is for all below, too
    struct db *db;      // the thread's
    pthread_t thread;
    bool runs, entered, closing;
    char id[COORDINATOR_ID_LEN + 1];
    pthread_cond_t asked;
    struct shared_call *first, *last;
    size_t waiting;
};

static struct scaled_shared *scaled_of(struct shared *s) { return (struct scaled_shared *)s; }

// --- calls, on the thread

// How a call ends. FAILED: the database did not do what it was asked for.
enum served { SERVED, REFUSED, FAILED };

static enum served served(bool ok) { return ok ? SERVED : REFUSED; }

static enum served serve_acquire(struct scaled_shared *s, struct shared_lock *x, struct err *e) {
    bool full;
    for (int i = 0; i < TRIES; i++) {
        if (!lock_row_acquire(s->db, x, &full, e))
            return FAILED;
        if (x->holder || full)
            return served(!full || lock_none_free(e));
    }
    err_set(e, ERR_UNAVAILABLE, "others take the lock just now: '%.200s'", x->key);
    return served(err_hint(e, "try again in a moment"));
}

static enum served serve_release(struct scaled_shared *s, struct shared_lock *x, struct err *e) {
    bool foreign;
    if (!lock_row_release(s->db, x, &foreign, e))
        return FAILED;
    return served(x->released || !foreign || lock_is_foreign(x->key, e));
}

static bool read_benches(struct scaled_shared *s, struct err *e) {
    struct benched now[BENCHED_MAX];
    size_t n;
    if (!bench_rows_read(s->db, now, &n, e))
        return false;
    pthread_mutex_lock(&s->base.mutex);
    memcpy(s->base.bench, now, n * sizeof *now);
    s->base.bench_count = n;
    pthread_mutex_unlock(&s->base.mutex);
    return true;
}

static enum served serve_bench(struct scaled_shared *s, struct shared_bench *x, struct err *e) {
    bool full;
    if (!bench_row_store(s->db, x, &full, e) || (!full && !read_benches(s, e)))
        return FAILED;
    return served(!full || bench_is_full(e));
}

static enum served serve(struct scaled_shared *s, struct shared_call *c, struct err *e) {
    switch ((enum kind)c->kind) {
    case ACQUIRE: return serve_acquire(s, (struct shared_lock *)c, e);
    case RELEASE: return serve_release(s, (struct shared_lock *)c, e);
    case BENCH: return serve_bench(s, (struct shared_bench *)c, e);
    }
    return FAILED;
}

// What is said of a failure. What a commit left in doubt is done by doing it again: the same call finds what it began.
static struct err told(const struct err *e) {
    struct err out = *e;
    if (e->code == ERR_UNAVAILABLE)
        return out;
    log_err(LOG_ERROR, "locks and benches cannot be stored", e);
    err_set(&out, ERR_UNAVAILABLE, "it is not known whether it was stored");
    err_hint(&out, "try again in a moment: doing it once more is safe");
    return out;
}

static struct shared_call *pop(struct scaled_shared *s) {
    struct shared_call *c = s->first;
    if (c) {
        s->first = c->next;
        s->last = s->first ? s->last : NULL;
        s->waiting--;
    }
    return c;
}

// A database that is away now is away for all that wait.
static void fail_all(struct scaled_shared *s, const struct err *e) {
    pthread_mutex_lock(&s->base.mutex);
    struct shared_call *c = s->first;
    s->first = s->last = NULL;
    s->waiting = 0;
    pthread_mutex_unlock(&s->base.mutex);
    while (c) {
        struct shared_call *next = c->next;
        c->done(c->ctx, e);
        c = next;
    }
}

static void serve_one(struct scaled_shared *s, struct shared_call *c) {
    struct err e;
    switch (serve(s, c, &e)) {
    case SERVED: c->done(c->ctx, NULL); return;
    case REFUSED: c->done(c->ctx, &e); return;
    case FAILED: break;
    }
    struct err why = told(&e);
    c->done(c->ctx, &why);
    if (e.code == ERR_UNAVAILABLE || e.code == ERR_IN_DOUBT)
        fail_all(s, &why);
}

// --- what is done each tick

// Texts are copied: their worker may be heard again meanwhile.
static size_t take_unwritten(struct scaled_shared *s, struct arena *a, struct seen_worker out[STORED_AT_ONCE]) {
    size_t n = 0;
    pthread_mutex_lock(&s->base.mutex);
    for (size_t i = 0; i < s->base.worker_count && n < STORED_AT_ONCE; i++) {
        const struct seen_worker *w = &s->base.workers[i];
        if (w->unwritten)
            out[n++] = (struct seen_worker){arena_strdup(a, w->id), arena_strdup(a, w->said), w->seen_ms, 0, 0};
    }
    pthread_mutex_unlock(&s->base.mutex);
    return n;
}

static void mark_written(struct scaled_shared *s, const struct seen_worker *x, size_t n) {
    pthread_mutex_lock(&s->base.mutex);
    for (size_t i = 0; i < s->base.worker_count; i++) {
        struct seen_worker *w = &s->base.workers[i];
        for (size_t k = 0; k < n && w->unwritten; k++) {
            if (strcmp(w->id, x[k].id) != 0)
                continue;
            w->unwritten = w->seen_ms != x[k].seen_ms;
            w->uncounted = false;
        }
    }
    pthread_mutex_unlock(&s->base.mutex);
}

static bool store_seen(struct scaled_shared *s, struct err *e) {
    struct seen_worker x[STORED_AT_ONCE];
    size_t n, rounds = 0;
    do {
        SCOPED_ARENA(a);
        n = take_unwritten(s, a, x);
        if (n && !worker_rows_store(s->db, x, n, e))
            return false;
        mark_written(s, x, n);
    } while (n == STORED_AT_ONCE && ++rounds < WORKERS_MAX / STORED_AT_ONCE + 1);
    return true;
}

static bool look(struct scaled_shared *s, struct err *e) {
    struct shared_counts n;
    uint64_t asked_ms = clock_mono_ms();
    if (!coordinator_row_stay(s->db, s->id, &n, e))
        return false;
    pthread_mutex_lock(&s->base.mutex);
    s->base.ahead_ms = (int64_t)n.now_ms - (int64_t)(asked_ms + (clock_mono_ms() - asked_ms) / 2);
    s->base.coordinators = n.coordinators;
    s->base.alive_stored = n.workers;
    pthread_mutex_unlock(&s->base.mutex);
    return read_benches(s, e);
}

// A database that cannot be asked is said once, and so is its return.
static void tick(struct scaled_shared *s, unsigned *ticks, bool *fails) {
    struct err e;
    bool ok = store_seen(s, &e) && look(s, &e) && (++*ticks % SWEEP_TICKS || shared_rows_sweep(s->db, &e));
    if (!ok && !*fails)
        log_err(LOG_ERROR, "what coordinators share cannot be looked at", &e);
    if (ok && *fails)
        log_info("what coordinators share is looked at again");
    *fails = !ok;
}

static void *keep(void *arg) {
    struct scaled_shared *s = arg;
    uint64_t tick_ms = clock_mono_ms() + SHARED_TICK_MS;
    unsigned ticks = 0;
    bool fails = false;
    pthread_mutex_lock(&s->base.mutex);
    for (;;) {
        while (!s->first && !s->closing && clock_mono_ms() < tick_ms)
            cond_wait_until(&s->asked, &s->base.mutex, tick_ms);
        struct shared_call *c = pop(s);
        if (!c && s->closing)
            break;
        pthread_mutex_unlock(&s->base.mutex);
        if (c)
            serve_one(s, c);
        if (clock_mono_ms() >= tick_ms) {
            tick(s, &ticks, &fails);
            tick_ms = clock_mono_ms() + SHARED_TICK_MS;
        }
        pthread_mutex_lock(&s->base.mutex);
    }
    pthread_mutex_unlock(&s->base.mutex);
    return NULL;
}

// --- calls

static void add_call(struct shared *base, struct shared_call *c, enum kind kind) {
    struct scaled_shared *s = scaled_of(base);
    struct err e;
    c->kind = kind;
    c->next = NULL;
    pthread_mutex_lock(&base->mutex);
    bool room = s->waiting < CALLS_MAX;
    if (room) {
        *(s->last ? &s->last->next : &s->first) = c;
        s->last = c;
        s->waiting++;
        pthread_cond_signal(&s->asked);
    }
    pthread_mutex_unlock(&base->mutex);
    if (room)
        return;
    err_set(&e, ERR_UNAVAILABLE, "too many wait for locks already");
    err_hint(&e, "try again in a moment");
    c->done(c->ctx, &e);
}

static void scaled_acquire(struct shared *s, struct shared_lock *x) { add_call(s, &x->call, ACQUIRE); }
static void scaled_release(struct shared *s, struct shared_lock *x) { add_call(s, &x->call, RELEASE); }
static void scaled_bench(struct shared *s, struct shared_bench *x) { add_call(s, &x->call, BENCH); }

// --- life

// The row of one that is ended by force is not believed for long either.
static void leave(struct scaled_shared *s) {
    struct err e;
    if (s->entered && !coordinator_row_leave(s->db, s->id, &e))
        log_err(LOG_DEBUG, "this coordinator's row stays until it is old", &e);
}

static void scaled_shared_free(struct shared *base) {
    struct scaled_shared *s = scaled_of(base);
    pthread_mutex_lock(&base->mutex);
    s->closing = true;
    pthread_cond_signal(&s->asked);
    pthread_mutex_unlock(&base->mutex);
    if (s->runs)
        pthread_join(s->thread, NULL);
    leave(s);
    db_close(s->db);
    pthread_cond_destroy(&s->asked);
    shared_release_base(base);
    free(s);
}

static bool open_parts(struct scaled_shared *s, const char *url, struct err *e) {
    const struct db_keep brief = {.connect_ms = DATABASE_MS, .statement_ms = DATABASE_MS, .first_ms = FIRST_MS};
    if (!db_open_as(&s->db, url, &brief, e) || !coordinator_row_enter(s->db, s->id, e))
        return false;
    s->entered = true;
    if (!look(s, e))
        return false;
    s->runs = pthread_create(&s->thread, NULL, keep, s) == 0;
    return s->runs || err_set(e, ERR_IO, "cannot start a thread");
}

bool shared_open_scaled(struct shared **out, const char *url, struct redis *redis, struct err *e) {
    static const struct shared_form form = {.acquire = scaled_acquire,
                                            .release = scaled_release,
                                            .bench = scaled_bench,
                                            .workers = worker_rows_list,
                                            .free = scaled_shared_free};
    struct scaled_shared *s = xcalloc(1, sizeof *s);
    struct hash random;
    char hex[65];
    shared_init(&s->base, &form);
    s->base.windows = redis ? windows_new(redis) : NULL;
    cond_init(&s->asked);
    random_bytes(random.b, sizeof random.b);
    snprintf(s->id, sizeof s->id, "%.*s", COORDINATOR_ID_LEN, hash_hex(&random, hex));
    if (!open_parts(s, url, e)) {
        scaled_shared_free(&s->base);
        return false;
    }
    *out = &s->base;
    return true;
}
