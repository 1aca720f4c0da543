// SPDX-License-Identifier: Apache-2.0
#include "queue/rollups.h"

#include "queue/test_queue.h"

static void ended(struct world *w, uint64_t id, uint64_t at_ms, const char *payer, const char *outcome,
                  const char *report) {
    SCOPED_ARENA(a);
    sql(w, arena_printf(a,
                        "INSERT INTO executions (contract_id, request_id, created_ms, state, outcome, ended_ms, "
                        "worker_id, about, report, task) VALUES ('a.near', %u, 1, 'settled', '%s', %llu, 'of-%s', "
                        "'{\"payer_id\":\"%s\","
                        "\"sender_id\":\"s\",\"repo\":\"r\",\"payment\":\"10\"}', '%s', '{}')",
                        (unsigned)id, outcome, (unsigned long long)at_ms, payer, payer, report));
}

static void sweep(struct world *w, struct writer *writer, uint64_t now_ms) {
    struct err e;
    assert_ok(rollups_sweep(w->reading, writer, now_ms, &e), &e);
}

struct seen {
    size_t count;
    uint64_t first_ms, executions;
};

static void see(void *ctx, uint64_t at_ms, const struct figures *f) {
    struct seen *s = ctx;
    s->first_ms = s->count++ ? s->first_ms : at_ms;
    s->executions += f->executions;
}

static void see_repo(void *ctx, const char *name, const struct figures *f) {
    assert_string_equal(name, "r");
    assert_string_equal(f->last, "c2");
    *(uint64_t *)ctx += f->executions;
}

// A connection and a writer of a test's own.
struct writing {
    struct db *db;
    struct writer *writer;
};
static struct writing writing_open(struct world *w) {
    struct writing x;
    struct err e;
    assert_ok(database_open(&x.db, w->home, w->url, &e) && writer_new(&x.writer, x.db, &e), &e);
    return x;
}
static void writing_close(struct writing *x) {
    writer_free(x->writer);
    db_close(x->db);
}

// If this fails, an execution is counted twice, or never, in what is shown of an account, a repository or a period.
static void each_end_counts_once(void **state) {
    struct world w;
    struct err e;
    struct figures f;
    world_open_on(&w, state, 600000);
    struct writing own = writing_open(&w);
    const uint64_t t = 7200000;
    ended(&w, 1, t + 1, "alice", "success", "{\"charged\":\"340282366920938463463374607431768211455\",\"time_ms\":10}");
    ended(&w, 2, t + 59999, "bob", "guest_failed", "{\"failure\":\"guest\",\"charged\":\"0\",\"commit\":\"c1\"}");
    ended(&w, 3, t + 60000, "alice", "success", "{\"time_ms\":90,\"commit\":\"c2\"}");
    sweep(&w, own.writer, t + 60001); // nothing is old enough
    assert_ok(rollups_of(w.reading, ROLLUP_PAYER, "alice", &f, &e), &e);
    assert_int_equal(f.executions, 2);                // and is known all the same
    sweep(&w, own.writer, t + 60000 + ROLL_AFTER_MS); // the third is just not
    sweep(&w, own.writer, t + 60000 + ROLL_AFTER_MS);
    ended(&w, 4, t + 60003, "alice", "refused", "{\"failure\":\"access\",\"refunded\":\"7\"}");
    for (int again = 0; again < 3; again++) {
        assert_ok(rollups_of(w.reading, ROLLUP_PAYER, "alice", &f, &e), &e);
        assert_true(f.executions == 3 && f.success == 2 && f.refused == 1 && f.access == 1 && f.runs == 2);
        assert_true(f.charged == ~(u128)0 && f.refunded == 7 && f.paid == 30 && f.run_ms == 100);
        const char *const workers[] = {"of-bob", "nobody", "of-alice"};
        struct figures own_ends[ARRAY_LEN(workers)];
        assert_ok(rollups_of_all(w.reading, ROLLUP_WORKER, workers, ARRAY_LEN(workers), own_ends, &e), &e);
        assert_true(own_ends[0].guest_failed == 1 && !own_ends[1].executions && own_ends[2].success == 2);
        assert_ok(rollups_of(w.reading, ROLLUP_TOTAL, "", &f, &e), &e);
        assert_true(f.executions == 4 && f.guest == 1);
        struct seen minutes = {0}, hours = {0};
        assert_ok(rollups_series(w.reading, t, t + 3600000, 60000, see, &minutes, &e), &e);
        assert_true(minutes.count == 2 && minutes.executions == 4 && minutes.first_ms == t);
        assert_ok(rollups_series(w.reading, 0, t + 3600000, 3600000, see, &hours, &e), &e);
        assert_true(hours.count == 1 && hours.executions == 4);
        sweep(&w, own.writer, t + 3600000);
    }
    sql(&w, "DELETE FROM executions"); // they are over the limits: what they added up to stays
    assert_ok(rollups_of(w.reading, ROLLUP_SENDER, "s", &f, &e), &e);
    assert_int_equal(f.executions, 4);
    uint64_t runs = 0, names = 0;
    assert_ok(rollups_most(w.reading, ROLLUP_REPO, 10, see_repo, &runs, &e), &e);
    assert_ok(rollups_count(w.reading, ROLLUP_PAYER, &names, &e), &e);
    assert_true(runs == 4 && names == 2);
    writing_close(&own);
    world_close(&w);
}

// Ends it well, for so much.
static void serve(struct world *w, const char *charged) {
    SCOPED_ARENA(a);
    struct test_answer answer;
    struct test_lease l = poll_one(w);
    struct queue_end x = {.call = call_new(&answer),
                          .key = {"a.near", 1},
                          .token = l.token,
                          .outcome = "success",
                          .report = arena_printf(a, "{\"charged\":\"%s\"}", charged)};
    queue_end(w->q, &x);
    assert_true(wait_for(&answer) && x.changed);
}

static void replace(struct world *w, const char *was, const char *json, const char *about) {
    struct test_answer answer;
    struct queue_replace x = {.call = call_new(&answer),
                              .key = {"a.near", 1},
                              .was = was,
                              .build_target = "t",
                              .payer = "p",
                              .json = json,
                              .about = about};
    queue_replace(w->q, &x);
    assert_true(wait_for(&answer) && x.replaced);
}

// If this fails, what a false word said of an account and of money stays in the sums, beside what is true.
static void a_replaced_end_is_taken_back(void **state) {
    struct world w;
    struct err e;
    struct figures f;
    uint64_t names;
    world_open_on(&w, state, 600000);
    struct writing own = writing_open(&w);
    assert_true(create(&w, 1));
    replace(&w, "1", "7", "{\"payer_id\":\"mallory\"}");
    serve(&w, "340282366920938463463374607431768211455");
    sql(&w, "UPDATE executions SET ended_ms = 100000");
    sweep(&w, own.writer, 200000);
    assert_ok(rollups_of(w.reading, ROLLUP_PAYER, "mallory", &f, &e), &e);
    assert_true(f.executions == 1 && f.charged == ~(u128)0);
    replace(&w, "7", "8", "{\"payer_id\":\"alice\"}");
    serve(&w, "5");
    sweep(&w, own.writer, INT64_MAX);
    assert_ok(rollups_of(w.reading, ROLLUP_TOTAL, "", &f, &e), &e);
    assert_true(f.executions == 1 && f.success == 1 && f.charged == 5);
    assert_ok(rollups_of(w.reading, ROLLUP_PAYER, "alice", &f, &e), &e);
    assert_true(f.executions == 1 && f.charged == 5);
    assert_ok(rollups_of(w.reading, ROLLUP_PAYER, "mallory", &f, &e), &e);
    assert_true(f.executions == 0 && f.charged == 0);
    assert_ok(rollups_count(w.reading, ROLLUP_PAYER, &names, &e), &e);
    assert_int_equal(names, 1);
    writing_close(&own);
    world_close(&w);
}

struct held_up {
    struct world *w;
    struct writing *own;
    pthread_mutex_t lock;
};

static bool wait_there(struct db *db, void *ctx, struct err *e) {
    struct held_up *x = ctx;
    (void)db;
    (void)e;
    pthread_mutex_lock(&x->lock);
    pthread_mutex_unlock(&x->lock);
    return true;
}
static void let_be(void *ctx, bool ok, const struct err *e) {
    (void)ctx;
    (void)ok;
    (void)e;
}

static void *sweep_beside(void *ctx) {
    struct held_up *x = ctx;
    sweep(x->w, x->own->writer, 200000);
    return NULL;
}

// If this fails, a false end that somebody has read, and not yet added up, when it is replaced stays in the sums.
static void an_end_is_replaced_while_it_is_added_up(void **state) {
    struct world w;
    struct err e;
    struct figures f;
    pthread_t thread;
    world_open_on(&w, state, 600000);
    struct writing own = writing_open(&w);
    struct held_up x = {&w, &own, PTHREAD_MUTEX_INITIALIZER};
    const struct writer_job stop = {wait_there, let_be, &x};
    assert_true(create(&w, 1));
    serve(&w, "9");
    sql(&w, "UPDATE executions SET ended_ms = 100000");
    pthread_mutex_lock(&x.lock);
    assert_ok(writer_submit(own.writer, &stop, &e), &e);
    while (writer_waiting(own.writer)) // until it is held up
        sched_yield();
    assert_int_equal(pthread_create(&thread, NULL, sweep_beside, &x), 0);
    while (!writer_waiting(own.writer)) // until what it has read is to be stored
        sched_yield();
    replace(&w, "1", "8", "{}");
    pthread_mutex_unlock(&x.lock);
    pthread_join(thread, NULL);
    assert_ok(rollups_of(w.reading, ROLLUP_TOTAL, "", &f, &e), &e);
    assert_int_equal(f.executions, 0);
    writing_close(&own);
    world_close(&w);
}

// If this fails, an account that was charged too much for the sum to hold is shown as one that paid next to nothing.
static void a_sum_stays_at_its_end(void **state) {
    (void)state;
    struct figures sum = {.charged = ~(u128)0 - 1, .run = {UINT32_MAX}}, one = {.charged = 5, .run = {1}};
    figures_add(&sum, &one);
    assert_true(sum.charged == ~(u128)0 && sum.run[0] == UINT32_MAX);
}

static void *sweep_too(void *ctx) {
    struct world *w = ctx;
    struct writing own = writing_open(w);
    struct err e;
    struct db *reading;
    assert_ok(database_open(&reading, w->home, w->url, &e), &e);
    assert_ok(rollups_sweep(reading, own.writer, UINT32_MAX, &e), &e);
    db_close(reading);
    writing_close(&own);
    return NULL;
}

// If this fails, two coordinators add the same executions up twice.
static void several_add_up(void **state) {
    struct world w;
    struct err e;
    struct figures f;
    pthread_t threads[3];
    world_open_on(&w, state, 600000);
    for (uint64_t i = 1; i <= 100; i++)
        ended(&w, i, i * 5000, "alice", "success", "{\"charged\":\"1\"}");
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, sweep_too, &w), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
    sql(&w, "DELETE FROM executions");
    assert_ok(rollups_of(w.reading, ROLLUP_PAYER, "alice", &f, &e), &e);
    assert_true(f.executions == 100 && f.charged == 100);
    world_close(&w);
}

// If this fails, a page says that runs took longer or shorter than they did.
static void quantiles(void **state) {
    struct world w;
    struct err e;
    struct figures f;
    SCOPED_ARENA(a);
    world_open_on(&w, state, 600000);
    uint64_t id = 0;
    for (uint64_t ms = 1; ms < 1000000; ms = ms * 5 / 4 + 1) {
        const char *payer = arena_printf(a, "p%u", (unsigned)ms);
        ended(&w, ++id, 1, payer, "success", arena_printf(a, "{\"time_ms\":%u}", (unsigned)ms));
        assert_ok(rollups_of(w.reading, ROLLUP_PAYER, payer, &f, &e), &e);
        assert_in_range(figures_quantile(f.run, 50), ms + 1, ms + 1 + ms / 4);
    }
    assert_ok(rollups_of(w.reading, ROLLUP_PAYER, "nobody", &f, &e), &e);
    assert_int_equal(figures_quantile(f.run, 50), 0);
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {ON_BOTH_FORMS(each_end_counts_once),
                                       ON_BOTH_FORMS(a_replaced_end_is_taken_back),
                                       ON_POSTGRES(an_end_is_replaced_while_it_is_added_up),
                                       cmocka_unit_test(a_sum_stays_at_its_end),
                                       ON_POSTGRES(several_add_up),
                                       cmocka_unit_test(quantiles)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
