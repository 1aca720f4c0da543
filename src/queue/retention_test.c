// SPDX-License-Identifier: Apache-2.0
// What is over goes when it is too old or too much, what is not over stays, and nothing is counted less for it.
#include "queue/retention.h"

#include "base/clock.h"
#include "queue/database.h"
#include "queue/rows.h"
#include "store/test_database.h"
#include "store/test_gate.h"
#include <sched.h>

#define DAY_MS 86400000ull

struct world {
    struct test_database at;
    struct db *writing, *reading;
    struct writer *writer;
};

static int set_up(void **state, enum db_engine engine) {
    struct world *w = xcalloc(1, sizeof *w);
    struct err e;
    test_database_new(&w->at, engine);
    assert_ok(db_open(&w->writing, w->at.url, &e) && db_open(&w->reading, w->at.url, &e), &e);
    assert_ok(database_migrate(w->writing, &e), &e);
    assert_ok(writer_new(&w->writer, w->writing, &e), &e);
    *state = w;
    return 0;
}

static int on_sqlite(void **state) { return set_up(state, DB_SQLITE); }
static int on_postgres(void **state) { return set_up(state, DB_POSTGRES); }

static int tear_down(void **state) {
    struct world *w = *state;
    writer_free(w->writer);
    db_close(w->writing);
    db_close(w->reading);
    test_database_drop(&w->at);
    free(w);
    return 0;
}

static void sql(struct world *w, const char *text) {
    struct err e;
    assert_ok(db_exec(w->reading, text, &e), &e);
}

static int64_t number(struct world *w, const char *query) {
    struct db_stmt *s;
    struct err e;
    bool row;
    assert_ok(db_query(w->reading, query, &s, &e), &e);
    assert_ok(db_step(w->reading, s, &row, &e), &e);
    int64_t n = db_int(w->reading, s, "n");
    db_done(w->reading, s);
    return n;
}

static uint64_t sweep(struct world *w, const struct retention_limits *l) {
    uint64_t removed;
    struct err e;
    assert_ok(retention_sweep(l, w->reading, w->writer, &removed, &e), &e);
    return removed;
}

// As if all that ended before had been added up (rollups.h).
static void add_up(struct world *w, uint64_t until_ms) {
    SCOPED_ARENA(a);
    sql(w, arena_printf(a, "UPDATE rollups SET n = %llu WHERE kind = 'until'", (unsigned long long)until_ms));
}

// `count` executions that ended one second after another, the last one so long ago, and one that is not over.
static void fill(struct world *w, int count, uint64_t last_ago_ms) {
    SCOPED_ARENA(a);
    sql(w, arena_printf(a,
                        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
                        "INSERT INTO executions (contract_id, request_id, created_ms, about, task) "
                        "SELECT 'c.near', i, 1, '{}', '{}' FROM n",
                        count + 1));
    sql(w,
        arena_printf(a,
                     "UPDATE executions SET state = 'settled', outcome = CASE WHEN request_id %% 2 = 0 THEN 'success' "
                     "ELSE 'refused' END, instructions = 7, ended_ms = %llu - 1000 * (%d - request_id) "
                     "WHERE request_id <= %d",
                     (unsigned long long)(clock_wall_ms() - last_ago_ms), count, count));
    add_up(w, INT64_MAX);
}

#define FINISHED "SELECT count(*) AS n FROM executions WHERE state IS NOT NULL"
#define OPEN "SELECT count(*) AS n FROM executions WHERE state IS NULL"

static struct queue_counts counts_of(struct world *w) {
    struct queue_counts c = {0};
    struct err e;
    assert_ok(executions_count(w->reading, &c, &e), &e);
    return c;
}

// If this fails, the database grows for ever, or an execution that somebody waits for is lost.
static void what_is_too_much_goes(void **state) {
    struct world *w = *state;
    fill(w, 5000, 0);
    struct queue_counts before = counts_of(w);
    assert_int_equal(before.created, 5001);
    assert_int_equal(before.succeeded, 2500);
    assert_int_equal(before.refused, 2500);
    assert_int_equal(before.instructions, 35000);
    assert_int_equal(sweep(w, &(struct retention_limits){.executions = 5000}), 0);
    assert_int_equal(sweep(w, &(struct retention_limits){.executions = 2000}), 3000);
    assert_int_equal(number(w, FINISHED), 2000);
    assert_int_equal(number(w, "SELECT min(request_id) AS n FROM executions"), 3001);
    assert_int_equal(number(w, OPEN), 1);
    struct queue_counts after = counts_of(w);
    assert_memory_equal(&before, &after, sizeof before);
    assert_int_equal(sweep(w, &(struct retention_limits){0}), 0);
}

static void what_is_too_old_goes(void **state) {
    struct world *w = *state;
    uint64_t began = clock_mono_ms();
    fill(w, 100, DAY_MS); // between a day ago and a hundred seconds before that
    assert_int_equal(sweep(w, &(struct retention_limits){.executions_age_ms = DAY_MS + 400000}), 0);
    uint64_t removed = sweep(w, &(struct retention_limits){.executions_age_ms = DAY_MS + 50500});
    assert_in_range(removed, 48, 50 + (clock_mono_ms() - began) / 1000); // one more each second
    assert_int_equal(sweep(w, &(struct retention_limits){.executions_age_ms = DAY_MS}), 100 - removed);
    assert_int_equal(number(w, OPEN), 1);
}

// If this fails, what an account paid is in no sum, since its execution was removed before it was added up: of a
// database that comes from an older program, or while nothing can be added up.
static void what_is_not_added_up_stays(void **state) {
    struct world *w = *state;
    fill(w, 100, DAY_MS);
    const struct retention_limits none = {.executions_age_ms = 1000};
    int64_t half = number(w, "SELECT ended_ms AS n FROM executions WHERE request_id = 51");
    add_up(w, 0);
    assert_int_equal(sweep(w, &none), 0);
    add_up(w, (uint64_t)half);
    assert_int_equal(sweep(w, &none), 50);
    assert_int_equal(number(w, "SELECT min(request_id) AS n FROM executions"), 51);
}

static void build_records_are_bounded(void **state) {
    struct world *w = *state;
    sql(w, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) INSERT INTO build_records "
           "SELECT 'key' || (i / 2), 'signer' || i, 'w', 'r', 'c', 't', '{}', i, i, 'token' FROM n");
    assert_int_equal(sweep(w, &(struct retention_limits){.build_records = 100}), 200);
    assert_int_equal(number(w, "SELECT min(created_ms) AS n FROM build_records"), 201);
}

// If this fails, the sums of each minute fill the database for ever, or those that stay for good are gone with them.
static void old_minutes_go(void **state) {
    struct world *w = *state;
    SCOPED_ARENA(a);
    const uint64_t now = clock_wall_ms(), kept = 90 * DAY_MS, hour = 3600000, whole = (now - kept) / hour * hour;
    static const char *const kinds[] = {"minute", "hour"};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        for (int64_t at = -3; at < 3; at++) // in hours from the end of what is kept
            sql(w,
                arena_printf(a, "INSERT INTO rollups (kind, name, at_ms, n, figures) VALUES ('%s', '', %lld, 1, '{}')",
                             kinds[i], (long long)(int64_t)whole + at * (long long)hour));
    sql(w, "INSERT INTO rollups (kind, name, at_ms, n, figures) VALUES ('total', '', 0, 1, '{}'), "
           "('payer', 'alice', 0, 1, '{}')");
    assert_int_equal(sweep(w, &(struct retention_limits){0}), 0);
    uint64_t removed = sweep(w, &(struct retention_limits){.minutes_age_ms = kept});
    assert_in_range(removed, 3, 4); // the clock may have gone on to the next hour
    assert_int_equal(number(w, "SELECT count(*) AS n FROM rollups WHERE kind = 'minute'"), 6 - removed);
    assert_int_equal(number(w, "SELECT count(*) AS n FROM rollups WHERE kind <> 'minute'"), 6 + 3);
    assert_int_equal(sweep(w, &(struct retention_limits){.minutes_age_ms = kept}), 0);
}

static bool wait_at_gate(struct db *, void *ctx, struct err *) {
    gate_pass(ctx);
    return true;
}

static bool count_finished(struct db *db, void *ctx, struct err *e) {
    struct db_stmt *s;
    bool row;
    if (!db_query(db, FINISHED, &s, e) || !db_step(db, s, &row, e))
        return false;
    *(int64_t *)ctx = db_int(db, s, "n");
    db_done(db, s);
    return true;
}

static void tell_nobody(void *, bool, const struct err *) {}

// If this fails, an end waits for the removal of a million others.
static void it_works_in_small_steps(void **state) {
    struct world *w = *state;
    struct err e;
    struct retention *r;
    struct test_gate gate;
    int64_t between = 0;
    fill(w, 20000, 2 * DAY_MS);
    const struct retention_limits a_day = {.executions_age_ms = DAY_MS};
    gate_init(&gate);
    assert_ok(writer_submit(w->writer, &(struct writer_job){wait_at_gate, tell_nobody, &gate}, &e), &e);
    gate_await(&gate);
    assert_ok(retention_start(&r, &a_day, w->reading, w->writer, &e), &e);
    while (!writer_waiting(w->writer)) // until its first step is to be done
        sched_yield();
    assert_ok(writer_submit(w->writer, &(struct writer_job){count_finished, tell_nobody, &between}, &e), &e);
    gate_open(&gate);
    retention_stop(r); // after a step, or some
    (void)sweep(w, &a_day);
    assert_int_equal(number(w, FINISHED), 0);
    assert_in_range(between, 10001, 19999);
}

// If this fails, the counts that people see are not those of what happened, whichever program writes the rows.
static void an_end_counts_once(void **state) {
    struct world *w = *state;
    fill(w, 3, 0);
    sql(w, "UPDATE executions SET state = 'settled', outcome = 'success', instructions = 100 WHERE request_id = 1");
    sql(w,
        "INSERT INTO executions (contract_id, request_id, created_ms, about, task) VALUES ('c.near', 1, 1, '{}', '{}') "
        "ON CONFLICT DO NOTHING");
    struct queue_counts c = counts_of(w);
    assert_true(c.created == 4 && c.refused == 2 && c.succeeded == 1 && c.instructions == 21);
    sql(w, "UPDATE executions SET state = 'expired', outcome = 'expired', instructions = 0 WHERE request_id = 4");
    sql(w, "INSERT INTO executions (contract_id, request_id, created_ms, about, task) VALUES ('c.near', 9, 1, '{}', "
           "'{}')");
    for (int i = 0; i < 2; i++) { // a sum that would not fit stays at its end
        sql(w, "UPDATE executions SET state = 'settled', outcome = 'guest_failed', instructions = 9000000000000000000 "
               "WHERE request_id = 9");
        sql(w, "UPDATE executions SET state = NULL WHERE request_id = 9");
    }
    c = counts_of(w);
    assert_true(c.created == 5 && c.expired == 1 && c.guest_failed == 2 && c.instructions == 9000000000000000000);
}

// Every coordinator sweeps, about once a minute: if this fails, one waits for the rows that another one is removing,
// and two that take them in different orders end each other's sweeps.
static void what_another_one_removes_is_passed_over(void **state) {
    struct world *w = *state;
    struct err e;
    fill(w, 10, 0);
    assert_ok(db_exec(w->writing, "SET lock_timeout = 2000", &e), &e); // the writer rests
    assert_ok(db_begin(w->reading, &e), &e);
    assert_int_equal(number(w, "SELECT request_id AS n FROM executions WHERE request_id = 2 FOR UPDATE"), 2);
    assert_int_equal(sweep(w, &(struct retention_limits){.executions = 4}), 5);
    db_rollback(w->reading);
    assert_int_equal(number(w, "SELECT min(request_id) AS n FROM executions"), 2);
    assert_int_equal(sweep(w, &(struct retention_limits){.executions = 4}), 1);
    assert_int_equal(number(w, FINISHED), 4);
}

#define TEST(name)                                                                                                     \
    {#name " on SQLite", name, on_sqlite, tear_down, NULL}, {                                                          \
#name " on PostgreSQL", name, on_postgres, tear_down, NULL                                                     \
    }
int main(void) {
    const struct CMUnitTest tests[] = {TEST(what_is_too_much_goes),
                                       TEST(what_is_too_old_goes),
                                       TEST(what_is_not_added_up_stays),
                                       TEST(build_records_are_bounded),
                                       TEST(old_minutes_go),
                                       TEST(it_works_in_small_steps),
                                       TEST(an_end_counts_once),
                                       {"what_another_one_removes_is_passed_over",
                                        what_another_one_removes_is_passed_over, on_postgres, tear_down, NULL}};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
