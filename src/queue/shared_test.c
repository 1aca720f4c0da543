// SPDX-License-Identifier: Apache-2.0
// Locks, workers that were seen, and benches, in both forms; and what several coordinators see of each other's.
#include "queue/shared.h"

#include "queue/shared_form.h"
#include "queue/test_queue.h"
#include "store/test_proxy.h"
#include <sched.h>

#define NOT_FAILED ERR_INTERNAL

struct told {
    bool acquired, released;
    enum err_code failed; // NOT_FAILED
};

static const char *url_of(void **state) { return *state ? ((const struct test_database *)*state)->url : NULL; }

static struct shared *open_on(void **state) {
    struct shared *s;
    struct db *db;
    struct err e;
    if (!url_of(state)) {
        assert_ok(shared_open_local(&s, NULL, &e), &e);
        return s;
    }
    assert_ok(database_open(&db, NULL, url_of(state), &e), &e); // migrated
    db_close(db);
    assert_ok(shared_open_scaled(&s, url_of(state), NULL, &e), &e);
    return s;
}

static struct shared_call call_of(struct test_answer *a) {
    const struct queue_call c = call_new(a);
    return (struct shared_call){.done = c.done, .ctx = c.ctx};
}

typedef void lock_call(struct shared *s, struct shared_lock *x);
static struct told lock_by(struct shared *s, lock_call *what, const char *key, const char *worker, const char *token,
                           uint64_t ttl_s) {
    struct test_answer answer;
    SCOPED_ARENA(a);
    struct shared_lock x = {
        .call = call_of(&answer), .arena = a, .key = key, .worker = worker, .token_name = token, .ttl_s = ttl_s};
    what(s, &x);
    bool ok = wait_for(&answer);
    if (ok && what == shared_acquire)
        assert_true(x.expires_in_s >= 1 && x.expires_in_s <= 60 && (!x.acquired || strcmp(x.holder, worker) == 0));
    return (struct told){x.acquired, x.released, ok ? NOT_FAILED : answer.e.code};
}

static struct told lock(struct shared *s, lock_call *what, const char *key, const char *worker) {
    return lock_by(s, what, key, worker, NULL, 60);
}

// If this fails, whoever calls itself as the holder does, by another token, takes its lock or lets it go.
static void a_lock_is_its_tokens(void **state) {
    struct shared *s = open_on(state);
    assert_true(lock_by(s, shared_acquire, "k", "w", "one", 60).acquired);
    assert_false(lock_by(s, shared_acquire, "k", "w", "two", 60).acquired);
    assert_int_equal(lock_by(s, shared_release, "k", "w", "two", 60).failed, ERR_FORBIDDEN);
    assert_int_equal(lock_by(s, shared_release, "k", "w", NULL, 60).failed, ERR_FORBIDDEN);
    assert_true(lock_by(s, shared_release, "k", "w", "one", 60).released);
    shared_free(s);
}

// If this fails, two workers build the same thing at once, or whoever names a lock takes it from its holder.
static void a_lock_has_one_holder(void **state) {
    struct shared *s = open_on(state);
    assert_true(lock(s, shared_acquire, "k", "one").acquired);
    assert_true(lock(s, shared_acquire, "k", "one").acquired);
    assert_false(lock(s, shared_acquire, "k", "two").acquired);
    assert_int_equal(lock(s, shared_release, "k", "two").failed, ERR_FORBIDDEN);
    assert_false(lock(s, shared_acquire, "k", "two").acquired);
    assert_true(lock(s, shared_release, "k", "one").released);
    assert_false(lock(s, shared_release, "k", "one").released);
    assert_true(lock(s, shared_acquire, "k", "two").acquired);
    shared_free(s);
}

// A holder that is gone keeps nobody from building for longer than it said.
static void a_lock_ends_by_itself(void **state) {
    struct shared *s = open_on(state);
    assert_true(lock_by(s, shared_acquire, "k", "one", NULL, 1).acquired);
    while (!lock(s, shared_acquire, "k", "two").acquired)
        ;
    assert_int_equal(lock(s, shared_release, "k", "one").failed, ERR_FORBIDDEN);
    shared_free(s);
}

// If this fails, whoever waits for a build begins it, too, when the coordinator's machine was paused: its holder could
// not prolong its lock meanwhile.
static void a_lock_outlives_a_standstill(void **state) {
    (void)state;
    struct shared *s;
    struct err e;
    assert_ok(shared_open_local(&s, NULL, &e), &e);
    assert_true(lock_by(s, shared_acquire, "k", "one", NULL, 1).acquired);
    const uint64_t over_ms = clock_mono_ms() + 1000;
    while (clock_mono_ms() <= over_ms)
        sched_yield();
    pthread_mutex_lock(&s->mutex);
    s->heard_ms -= SILENCE_MS;
    pthread_mutex_unlock(&s->mutex);
    assert_ok(shared_seen(s, "two", "{}", &e), &e); // whoever comes first
    assert_false(lock(s, shared_acquire, "k", "two").acquired);
    assert_true(lock(s, shared_acquire, "k", "one").acquired);
    shared_free(s);
}

static struct shared *open_in(struct world *w) {
    struct shared *s;
    struct err e;
    if (w->url)
        assert_ok(shared_open_scaled(&s, w->url, NULL, &e), &e);
    else
        assert_ok(shared_open_local(&s, w->writer, &e), &e);
    return s;
}

// If this fails, whoever waits for a build that is under way begins it too when the coordinator starts anew: it asks
// ten times as often as the holder prolongs.
static void a_restart_forgets_no_lock(void **state) {
    struct world w;
    world_open_on(&w, state, 600000);
    struct shared *s = open_in(&w);
    assert_true(lock_by(s, shared_acquire, "k", "one", "token", 60).acquired);
    assert_true(lock_by(s, shared_acquire, "over", "one", "token", 1).acquired);
    assert_true(lock(s, shared_acquire, "released", "one").acquired);
    assert_true(lock(s, shared_release, "released", "one").released);
    while (!lock(s, shared_acquire, "over", "two").acquired)
        ;
    world_stop(&w);
    shared_free(s);
    world_start(&w);
    s = open_in(&w);
    assert_false(lock_by(s, shared_acquire, "k", "two", "token", 60).acquired);
    assert_false(lock_by(s, shared_acquire, "k", "one", "another", 60).acquired);
    assert_true(lock_by(s, shared_acquire, "k", "one", "token", 60).acquired);
    assert_false(lock(s, shared_acquire, "over", "one").acquired);
    assert_true(lock(s, shared_acquire, "released", "two").acquired);
    assert_true(lock_by(s, shared_release, "k", "one", "token", 60).released);
    assert_true(lock(s, shared_acquire, "k", "two").acquired);
    world_stop(&w);
    shared_free(s);
    world_start(&w);
    world_close(&w);
}

// A coordinator that was down for longer than a lock lasts: its holder could not prolong it.
static void a_lock_outlives_a_long_stop(void **state) {
    struct world w;
    world_open_on(&w, state, 600000);
    struct shared *s = open_in(&w);
    assert_true(lock(s, shared_acquire, "k", "one").acquired);
    assert_true(lock(s, shared_acquire, "long", "one").acquired);
    world_stop(&w);
    shared_free(s);
    world_start(&w);
    restart_after(&w, "UPDATE build_locks SET until_ms = CASE WHEN lock_key = 'k' THEN 1 ELSE 9000000000000 END");
    s = open_in(&w);
    assert_false(lock(s, shared_acquire, "k", "two").acquired);
    assert_true(lock(s, shared_acquire, "k", "one").acquired);
    struct test_answer answer;
    SCOPED_ARENA(a);
    struct shared_lock x = {.call = call_of(&answer), .arena = a, .key = "long", .worker = "two", .ttl_s = 60};
    shared_acquire(s, &x); // a clock that was wrong keeps nobody waiting for ever
    assert_true(wait_for(&answer) && !x.acquired && x.expires_in_s <= LOCK_TTL_MAX_S);
    world_stop(&w);
    shared_free(s);
    world_start(&w);
    assert_int_equal(rows_of(&w, "SELECT count(*) AS n FROM build_locks"), 2);
    world_close(&w);
}

// What comes from a path may be no text; both forms take it.
static void any_bytes_name_a_lock(void **state) {
    struct shared *s = open_on(state);
    assert_true(lock(s, shared_acquire, "\xff{\"k\\", "\xfew").failed == NOT_FAILED);
    assert_true(lock(s, shared_release, "\xff{\"k\\", "\xfew").released);
    shared_free(s);
}

static struct db *connection(void **state) {
    struct db *db = NULL;
    struct err e;
    if (url_of(state))
        assert_ok(db_open(&db, url_of(state), &e), &e);
    return db;
}

// In a database at once, so that the test does not take a call for each.
static int hold_most(void **state) {
    struct db *db = connection(state);
    struct err e;
    if (!db)
        return 0;
    assert_ok(db_exec(db,
                      "INSERT INTO build_locks SELECT 'k' || i, 'w', '', CAST(extract(epoch FROM now()) * 1000 AS "
                      "BIGINT) + 60000 FROM generate_series(0, 4089) AS i",
                      &e),
              &e);
    db_close(db);
    return 4090;
}

// The tables are bounded: nobody fills the memory by asking for ever more locks.
static void the_tables_are_bounded(void **state) {
    struct shared *s = open_on(state);
    struct err e;
    SCOPED_ARENA(a);
    int held = hold_most(state);
    for (int i = held; i < LOCKS_MAX; i++)
        assert_true(lock(s, shared_acquire, arena_printf(a, "k%d", i), "w").acquired);
    assert_int_equal(lock(s, shared_acquire, "one more", "w").failed, ERR_UNAVAILABLE);
    assert_true(lock(s, shared_acquire, "k5", "w").acquired);
    assert_true(lock(s, shared_release, "k5", "w").released);
    assert_true(lock(s, shared_acquire, "one more", "w").acquired);
    for (int i = 0; i < WORKERS_MAX; i++)
        assert_ok(shared_seen(s, arena_printf(a, "w%d", i), "{}", &e), &e);
    assert_err(shared_seen(s, "one more", "{}", &e), &e, ERR_UNAVAILABLE, "workers");
    assert_int_equal(shared_alive(s), WORKERS_MAX);
    shared_free(s);
}

static char *status_of(struct shared *s, struct db *db, struct arena *a, const char *worker) {
    struct err e;
    json_t *list, *one;
    size_t i;
    char *status = NULL;
    assert_ok(shared_workers(s, db, &list, &e), &e);
    json_array_foreach(list, i, one) {
        if (strcmp(json_string_value(json_object_get(one, "worker_id")), worker) != 0)
            continue;
        assert_null(status); // it stands there once
        status = arena_strdup(a, json_string_value(json_object_get(one, "status")));
    }
    json_decref(list);
    return status;
}

static void what_workers_say(void **state) {
    struct shared *s = open_on(state);
    struct db *db = connection(state);
    struct err e;
    SCOPED_ARENA(a);
    assert_null(status_of(s, db, a, "w1"));
    assert_ok(shared_seen(s, "w1", "{\"worker_id\":\"w1\",\"free_slots\":2,\"x\":\"\\u0000\"}", &e), &e);
    assert_ok(shared_seen(s, "w2", "{\"worker_id\":\"w2\",\"free_slots\":0}", &e), &e);
    assert_string_equal(status_of(s, db, a, "w1"), "online");
    assert_string_equal(status_of(s, db, a, "w2"), "busy");
    assert_int_equal(shared_alive(s), 2);
    assert_ok(shared_seen(s, "w2", "{\"worker_id\":\"w2\",\"free_slots\":1}", &e), &e);
    assert_string_equal(status_of(s, db, a, "w2"), "online");
    db_close(db);
    shared_free(s);
}

// As if so much time had gone by since any worker was heard.
static void fall_silent(struct shared *s, struct db *db, uint64_t ms) {
    struct err e;
    SCOPED_ARENA(a);
    pthread_mutex_lock(&s->mutex);
    for (size_t i = 0; i < s->worker_count; i++)
        s->workers[i].seen_ms -= ms;
    pthread_mutex_unlock(&s->mutex);
    if (db)
        assert_ok(db_exec(db, arena_printf(a, "UPDATE workers_seen SET seen_ms = seen_ms - %u", (unsigned)ms), &e), &e);
}

static void wait_until_stored(struct db *db) {
    struct err e;
    struct db_stmt *q;
    for (bool row = !db; !row; db_done(db, q))
        assert_ok(db_query(db, "SELECT worker_id FROM workers_seen", &q, &e) && db_step(db, q, &row, &e), &e);
}

// If this fails, an operator sees workers as alive that nobody has heard of for long, or misses one that is back.
static void who_falls_silent(void **state) {
    struct shared *s = open_on(state);
    struct db *db = connection(state);
    struct err e;
    SCOPED_ARENA(a);
    assert_ok(shared_seen(s, "w1", "{\"worker_id\":\"w1\"}", &e), &e);
    wait_until_stored(db);
    fall_silent(s, db, WORKER_ALIVE_MS / 2);
    assert_string_equal(status_of(s, db, a, "w1"), "online");
    fall_silent(s, db, WORKER_ALIVE_MS / 2);
    assert_string_equal(status_of(s, db, a, "w1"), "offline");
    while (shared_alive(s)) // the form for many looks now and then
        sched_yield();
    assert_ok(shared_seen(s, "w1", "{\"worker_id\":\"w1\"}", &e), &e);
    assert_string_equal(status_of(s, db, a, "w1"), "online");
    while (shared_alive(s) != 1)
        sched_yield();
    db_close(db);
    shared_free(s);
}

static struct shared_bench bench(struct shared *s, const char *worker, uint64_t seconds, enum err_code *failed) {
    struct test_answer answer;
    SCOPED_ARENA(a);
    struct shared_bench x = {.call = call_of(&answer), .arena = a, .worker = worker, .seconds = seconds};
    shared_bench(s, &x);
    *failed = wait_for(&answer) ? NOT_FAILED : answer.e.code;
    return x;
}

// If this fails, a worker that the operator took out gets work again when the coordinator starts anew, and nobody
// notices.
static void a_restart_forgets_no_bench(void **state) {
    struct world w;
    enum err_code failed;
    uint64_t left_s;
    world_open_on(&w, state, 600000);
    struct shared *s = open_in(&w);
    (void)bench(s, "out", 600, &failed);
    assert_int_equal(failed, NOT_FAILED);
    (void)bench(s, "out", 3600, &failed); // longer
    (void)bench(s, "in again", 600, &failed);
    assert_true(bench(s, "in again", 0, &failed).found);
    (void)bench(s, "over", 1, &failed);
    while (shared_is_benched(s, "over", &left_s))
        sched_yield();
    world_stop(&w);
    shared_free(s);
    world_start(&w);
    s = open_in(&w);
    while (shared_benched(s) != 1) // the form for many looks now and then
        sched_yield();
    assert_true(shared_is_benched(s, "out", &left_s));
    assert_in_range(left_s, 3500, 3601);
    assert_false(shared_is_benched(s, "in again", &left_s) || shared_is_benched(s, "over", &left_s));
    assert_true(bench(s, "out", 0, &failed).found);
    world_stop(&w);
    shared_free(s);
    world_start(&w);
    s = open_in(&w);
    assert_int_equal(shared_benched(s), 0);
    world_stop(&w);
    shared_free(s);
    world_start(&w);
    world_close(&w);
}

// If this fails, a worker that was taken out for an hour gets no work for years, since the clock was wrong once.
static void no_bench_lasts_for_ever(void **state) {
    struct world w;
    enum err_code failed;
    uint64_t left_s;
    world_open_on(&w, state, 600000);
    struct shared *s = open_in(&w);
    (void)bench(s, "out", 3600, &failed);
    assert_int_equal(failed, NOT_FAILED);
    world_stop(&w);
    shared_free(s);
    world_start(&w);
    restart_after(&w, "UPDATE worker_benches SET until_ms = 9000000000000");
    s = open_in(&w);
    assert_true(shared_is_benched(s, "out", &left_s));
    assert_in_range(left_s, BENCH_MAX_S / 2, BENCH_MAX_S + 1);
    world_stop(&w);
    shared_free(s);
    world_start(&w);
    world_close(&w);
}

// If this fails, a worker that the operator took out gets work, or one that he took in again gets none.
static void who_is_benched(void **state) {
    struct shared *s = open_on(state);
    enum err_code failed;
    uint64_t left_s;
    SCOPED_ARENA(a);
    assert_false(shared_is_benched(s, "w", &left_s));
    assert_false(bench(s, "w", 0, &failed).found);
    bench(s, "w", 600, &failed);
    assert_int_equal(failed, NOT_FAILED);
    assert_true(shared_is_benched(s, "w", &left_s) && left_s > 500 && left_s <= 601);
    assert_false(shared_is_benched(s, "v", &left_s));
    bench(s, "w", 1, &failed); // anew, and shorter
    assert_int_equal(shared_benched(s), 1);
    while (shared_is_benched(s, "w", &left_s))
        ;
    assert_int_equal(shared_benched(s), 0);
    for (int i = 0; i < BENCHED_MAX; i++)
        bench(s, arena_printf(a, "w%d", i), 600, &failed);
    assert_int_equal(failed, NOT_FAILED);
    bench(s, "one more", 600, &failed);
    assert_int_equal(failed, ERR_CONFLICT);
    bench(s, "w5", 600, &failed);
    assert_int_equal(failed, NOT_FAILED);
    assert_true(bench(s, "w5", 0, &failed).found);
    assert_false(shared_is_benched(s, "w5", &left_s));
    shared_free(s);
}

// --- several coordinators

static void two_coordinators_share(void **state) {
    struct shared *one = open_on(state), *two = open_on(state);
    struct db *db = connection(state);
    enum err_code failed;
    uint64_t left_s;
    struct err e;
    SCOPED_ARENA(a);
    assert_int_equal(shared_coordinators(two), 2);
    assert_true(lock(one, shared_acquire, "k", "w1").acquired);
    assert_false(lock(two, shared_acquire, "k", "w2").acquired);
    assert_int_equal(lock(two, shared_release, "k", "w2").failed, ERR_FORBIDDEN);
    assert_true(lock(two, shared_acquire, "k", "w1").acquired); // its holder asks whichever it reaches
    assert_true(lock(two, shared_release, "k", "w1").released);
    assert_true(lock(one, shared_acquire, "k", "w2").acquired);
    assert_ok(shared_seen(one, "w1", "{\"worker_id\":\"w1\"}", &e), &e);
    while (!status_of(two, db, a, "w1") || shared_alive(two) != 1)
        ;
    assert_ok(shared_seen(two, "w1", "{\"worker_id\":\"w1\",\"free_slots\":0}", &e), &e);
    assert_string_equal(status_of(two, db, a, "w1"), "busy");
    while (strcmp(status_of(one, db, a, "w1"), "busy") != 0)
        ;
    assert_int_equal(shared_alive(one), 1);
    bench(one, "w1", 600, &failed);
    while (!shared_is_benched(two, "w1", &left_s))
        ;
    shared_free(one);
    while (shared_coordinators(two) != 1)
        ;
    struct shared *three = open_on(state);
    assert_true(shared_is_benched(three, "w1", &left_s)); // a start forgets nothing
    assert_false(lock(three, shared_acquire, "k", "w1").acquired);
    shared_free(three);
    shared_free(two);
    db_close(db);
}

// All ask at once: one gets it, and the others are told who.
struct contender {
    struct shared *s;
    unsigned number, *holders;
    pthread_mutex_t *mutex;
};
static void *contend(void *arg) {
    const struct contender *c = arg;
    char worker[16];
    snprintf(worker, sizeof worker, "w%u", c->number);
    for (int i = 0; i < 50; i++) {
        if (!lock(c->s, shared_acquire, "k", worker).acquired)
            continue;
        pthread_mutex_lock(c->mutex);
        assert_int_equal((*c->holders)++, 0);
        pthread_mutex_unlock(c->mutex);
        pthread_mutex_lock(c->mutex);
        (*c->holders)--;
        pthread_mutex_unlock(c->mutex);
        assert_true(lock(c->s, shared_release, "k", worker).released);
    }
    return NULL;
}

static void no_two_hold_a_lock(void **state) {
    struct shared *s[2] = {open_on(state), open_on(state)};
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    struct contender c[6];
    pthread_t thread[ARRAY_LEN(c)];
    unsigned holders = 0;
    for (unsigned i = 0; i < ARRAY_LEN(c); i++) {
        c[i] = (struct contender){s[i % 2], i, &holders, &mutex};
        assert_int_equal(pthread_create(&thread[i], NULL, contend, &c[i]), 0);
    }
    for (unsigned i = 0; i < ARRAY_LEN(c); i++)
        pthread_join(thread[i], NULL);
    shared_free(s[0]);
    shared_free(s[1]);
}

// One that keeps in its memory who holds what would give everything out once more.
static void another_form_is_refused(void **state) {
    struct shared *s = open_on(state), *other;
    struct db *db = connection(state);
    struct err e;
    assert_ok(db_exec(db,
                      "INSERT INTO coordinators VALUES ('x', 'local', '0.0.9', 0, CAST(extract(epoch FROM now()) * "
                      "1000 AS BIGINT))",
                      &e),
              &e);
    assert_err(shared_open_scaled(&other, url_of(state), NULL, &e), &e, ERR_SETTINGS,
               "a coordinator of version 0.0.9, whose form is 'local', uses this database");
    assert_ok(db_exec(db, "UPDATE coordinators SET seen_ms = seen_ms - 10000 WHERE id = 'x'", &e), &e);
    assert_ok(shared_open_scaled(&other, url_of(state), NULL, &e), &e); // that one is gone
    shared_free(other);
    shared_free(s);
    db_close(db);
}

// A database that is away is told to whoever waits, and back it is used again.
static void a_database_that_is_away(void **state) {
    struct shared *s = open_on(state);
    struct db *db = connection(state);
    struct err e;
    assert_true(lock(s, shared_acquire, "k", "w1").acquired);
    assert_ok(db_exec(db, "ALTER TABLE build_locks RENAME TO away", &e), &e);
    assert_int_equal(lock(s, shared_acquire, "k", "w1").failed, ERR_UNAVAILABLE);
    assert_ok(db_exec(db, "ALTER TABLE away RENAME TO build_locks", &e), &e);
    assert_ok(db_exec(db,
                      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                      " AND pid <> pg_backend_pid()",
                      &e),
              &e);
    while (lock(s, shared_acquire, "k", "w1").failed == ERR_UNAVAILABLE)
        ;
    assert_false(lock(s, shared_acquire, "k", "w2").acquired);
    db_close(db);
    shared_free(s);
}

// One that cannot be reached is looked for once, and not anew for each that waits: they are requests of workers.
static void who_waits_for_a_silent_database(void **state) {
    struct shared *s;
    struct test_proxy p;
    struct err e;
    SCOPED_ARENA(a);
    test_proxy_start(&p, *state);
    shared_free(open_on(state)); // migrated
    assert_ok(shared_open_scaled(&s, p.url, NULL, &e), &e);
    test_proxy_break(&p, PROXY_SILENT, NULL);
    assert_int_equal(lock(s, shared_acquire, "k", "w").failed, ERR_UNAVAILABLE); // its connection is given up
    struct test_answer answer[5];
    struct shared_lock x[ARRAY_LEN(answer)];
    unsigned before = p.connections;
    for (size_t i = 0; i < ARRAY_LEN(x); i++) {
        x[i] = (struct shared_lock){.call = call_of(&answer[i]), .arena = a, .key = "k", .worker = "w", .ttl_s = 60};
        shared_acquire(s, &x[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(x); i++) {
        assert_false(wait_for(&answer[i]));
        assert_int_equal(answer[i].e.code, ERR_UNAVAILABLE);
    }
    assert_true(p.connections - before < ARRAY_LEN(x)); // a tick's, and the first call's
    test_proxy_break(&p, PROXY_PASS, NULL);
    while (lock(s, shared_acquire, "k", "w").failed == ERR_UNAVAILABLE)
        ;
    shared_free(s);
    test_proxy_stop(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {ON_BOTH_FORMS(a_lock_has_one_holder),
                                       ON_BOTH_FORMS(a_lock_is_its_tokens),
                                       ON_BOTH_FORMS(a_lock_ends_by_itself),
                                       ON_BOTH_FORMS(any_bytes_name_a_lock),
                                       ON_BOTH_FORMS(a_restart_forgets_no_lock),
                                       cmocka_unit_test(a_lock_outlives_a_long_stop),
                                       cmocka_unit_test(a_lock_outlives_a_standstill),
                                       ON_BOTH_FORMS(the_tables_are_bounded),
                                       ON_BOTH_FORMS(what_workers_say),
                                       ON_BOTH_FORMS(who_falls_silent),
                                       ON_BOTH_FORMS(who_is_benched),
                                       ON_BOTH_FORMS(a_restart_forgets_no_bench),
                                       cmocka_unit_test(no_bench_lasts_for_ever),
                                       ON_POSTGRES(two_coordinators_share),
                                       ON_POSTGRES(no_two_hold_a_lock),
                                       ON_POSTGRES(another_form_is_refused),
                                       ON_POSTGRES(a_database_that_is_away),
                                       ON_POSTGRES(who_waits_for_a_silent_database)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
