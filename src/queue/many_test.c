// SPDX-License-Identifier: Apache-2.0
// What an execution and a list cost does not grow with how many executions have ended before: counted in steps of
// SQLite's machine and in rows that PostgreSQL reads, not in time. MANY_EXECUTIONS says how many (make many: a
// million).
#include "queue/test_queue.h"

#include <sqlite3.h>
#include <stdlib.h>

#define LIVES 40
#define LISTS 40
#define QUESTIONS 8

static unsigned many(void) {
    const char *text = getenv("MANY_EXECUTIONS");
    return text ? (unsigned)strtoul(text, NULL, 10) : 30000;
}

// --- what it cost

static bool add_steps(struct db *db, void *ctx, struct err *e) {
    uint64_t *sum = ctx;
    (void)e;
    for (sqlite3_stmt *s = sqlite3_next_stmt(db->handle, NULL); s; s = sqlite3_next_stmt(db->handle, s))
        *sum += (uint64_t)sqlite3_stmt_status(s, SQLITE_STMTSTATUS_VM_STEP, 1);
    return true;
}

static uint64_t steps_since(struct world *w) {
    uint64_t sum = 0;
    struct err e;
    assert_ok(writer_do(w->writer, add_steps, &sum, &e), &e); // the writer's connection is its thread's
    assert_true(add_steps(w->reading, &sum, &e));
    return sum;
}

static uint64_t ask(struct db *db, const char *sql) {
    struct db_stmt *s;
    struct err e;
    bool row;
    assert_ok(db_query(db, sql, &s, &e) && db_step(db, s, &row, &e) && row, &e);
    uint64_t n = (uint64_t)db_int(db, s, "n");
    db_done(db, s);
    return n;
}

// A connection tells what it read when it ends.
static uint64_t told_of(struct world *w, struct db *direct, const char *what) {
    world_stop(w);
    while (ask(direct,
               "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND backend_type = "
               "'client backend' AND pid <> pg_backend_pid()"))
        ;
    uint64_t n = ask(direct, what);
    world_start(w);
    return n;
}

static uint64_t rows_read(struct world *w, struct db *direct) {
    return told_of(w, direct,
                   "SELECT CAST(coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0) AS BIGINT) AS n "
                   "FROM pg_stat_user_tables WHERE relname IN ('executions', 'queue_items', 'totals')");
}

// Of the places of what waits, in the order in which it is handed out or by its contract: sweeps go by other orders.
static uint64_t places_read(struct world *w, struct db *direct) {
    return told_of(
        w, direct,
        "SELECT CAST(sum(n) AS BIGINT) AS n FROM (SELECT idx_tup_read AS n FROM pg_stat_user_indexes WHERE "
        "relname = 'queue_items' AND indexrelname NOT IN ('queue_items_pkey', 'queue_items_death') UNION ALL "
        "SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'queue_items') AS x");
}

// --- what is done

static void live(struct world *w, uint64_t first) {
    for (uint64_t id = first; id < first + LIVES; id++) {
        bool changed;
        assert_true(create(w, id));
        assert_false(create(w, id)); // as the next worker that saw the event
        struct test_lease l = poll_one(w);
        assert_int_equal(l.id, id);
        assert_int_equal(beat(w, &l, EXECUTION_EVENT_RUN, 0), QUEUE_OK);
        assert_int_equal(end_well(w, &l, &changed), QUEUE_OK);
        assert_true(changed);
    }
}

static void list(struct world *w, struct queue_filter f) {
    SCOPED_ARENA(a);
    SCOPED_BUF(out, 1 << 20);
    struct err e;
    f.limit = 20;
    for (int i = 0; i < LISTS; i++) {
        assert_ok(queue_list(w->q, w->reading, &f, a, &out, &e), &e);
        assert_true(out.len > 2);
    }
}

// As the coordinator's readers do it.
static void read_by_index(struct world *w) {
    struct err e;
    if (!w->url)
        return;
    db_close(w->reading);
    assert_ok(db_open_as(&w->reading, w->url, &(struct db_keep){.pages_by_index = true}, &e), &e);
}

static void look(struct world *w) {
    struct queue_filter all = QUEUE_FILTER_ALL, f = all;
    read_by_index(w);
    list(w, f);
    f.contract_id = "a.near";
    list(w, f);
    f = all;
    f.has_request = true;
    f.request_id = 1;
    list(w, f);
    f = all;
    f.outcome = "success";
    list(w, f);
    f = all;
    f.before = 30; // as a list is continued
    list(w, f);
}

// Some at a time: a statement has a bound.
static void fill(struct world *w) {
    enum { AT_ONCE = 20000 };
    for (unsigned from = 0; from < many(); from += AT_ONCE) {
        SCOPED_ARENA(a);
        sql(w, arena_printf(a,
                            "WITH RECURSIVE n(i) AS (SELECT %u UNION ALL SELECT i + 1 FROM n WHERE i + 1 < %u) INSERT "
                            "INTO executions (contract_id, request_id, transaction_hash, created_ms, ended_ms, state, "
                            "outcome, worker_id, lease, instructions, about, report, task) SELECT 'a.near', 1000000 + "
                            "i, 'tx' || i, 1000 + i, 2000 + i, 'settled', 'success', 'w', 'l', 1, "
                            "'{\"sender_id\":\"a.near\",\"payer_id\":\"p.near\",\"repo\":\"r\"}', '{}', '1' FROM n",
                            from, from + AT_ONCE < many() ? from + AT_ONCE : many()));
    }
}

// What it costs at the best of some times: what the clock does meanwhile costs more the longer it takes.
static uint64_t lives_at_best(struct world *w, uint64_t before) {
    uint64_t best = UINT64_MAX;
    for (uint64_t i = 1; i <= 10 && best > before; i++) {
        (void)steps_since(w);
        live(w, 1000 * i);
        uint64_t steps = steps_since(w);
        best = steps < best ? steps : best;
    }
    return best;
}

static void assert_like(const char *what, uint64_t before, uint64_t after) {
    print_message("%s: %u with none, %u with %u others\n", what, (unsigned)before, (unsigned)after, many());
    if (after > before + before / 2)
        fail_msg("%s costs %u instead of %u", what, (unsigned)after, (unsigned)before);
}

// If these fail, a coordinator gets slower with each execution that it has served, until it serves none.
static void on_sqlite(void **state) {
    (void)state;
    struct world w;
    world_open(&w, 600000);
    (void)steps_since(&w);
    live(&w, 1);
    uint64_t lives = steps_since(&w);
    look(&w);
    uint64_t looks = steps_since(&w);
    fill(&w);
    restart(&w);
    assert_like("SQLite's steps for their lives", lives, lives_at_best(&w, lives));
    look(&w);
    assert_like("SQLite's steps for lists", looks, steps_since(&w));
    world_close(&w);
}

static void on_postgres(void **state) {
    struct world w;
    struct db *direct;
    struct err e;
    world_open_on(&w, state, 600000);
    w.look_ms = 3600000; // what is done every half a second is not what is counted
    restart(&w);
    assert_ok(db_open(&direct, w.url, &e), &e);
    live(&w, 1);
    uint64_t at = rows_read(&w, direct), lives = at;
    look(&w);
    uint64_t now = rows_read(&w, direct), looks = now - at;
    fill(&w);
    at = rows_read(&w, direct);
    live(&w, 1000);
    now = rows_read(&w, direct);
    assert_like("PostgreSQL's rows for their lives", lives, now - at);
    at = now;
    look(&w);
    assert_like("PostgreSQL's rows for lists", looks, rows_read(&w, direct) - at);
    db_close(direct);
    world_close(&w);
}

// What a stranger may give as `since` of a database. Each is asked so often that the server plans it for any value.
static void ask_what_changed(struct world *w, const char *database, const char *snapshot) {
    SCOPED_ARENA(a);
    const char *since = arena_printf(a, "%s.%s", database, snapshot);
    for (int i = 0; i < QUESTIONS; i++) {
        SCOPED_BUF(out, 8 << 20);
        struct err e;
        struct queue_changes x = {.since = since};
        assert_ok(queue_changes(w->q, w->reading, &x, a, &out, &e), &e);
    }
}

// If this fails, one stranger's made-up question, or one long transaction elsewhere in the server, makes each look read
// all rows that ever changed, while all who wait for changes wait for that.
static void what_changed(void **state) {
    struct world w;
    struct db *direct;
    struct err e;
    SCOPED_ARENA(a);
    world_open_on(&w, state, 600000);
    w.look_ms = 3600000;
    restart(&w);
    assert_ok(db_open(&direct, w.url, &e), &e);
    fill(&w);
    char name[DATABASE_ID_LEN + 1];
    assert_ok(database_id(direct, name, &e), &e);
    sql(&w, "UPDATE executions SET changed = " THIS_TRANSACTION);
    for (int i = 0; i < 3; i++)
        sql(&w, "DO $$ BEGIN PERFORM pg_current_xact_id(); END $$"); // and the server's numbers go on
    unsigned of_all = (unsigned)ask(direct, "SELECT max(changed) AS n FROM executions");
    uint64_t before = rows_read(&w, direct);
    ask_what_changed(&w, name, "1:1:");                                             // nothing was over then
    ask_what_changed(&w, name, arena_printf(a, "1:%u:", of_all + 1));               // all of it was
    ask_what_changed(&w, name, arena_printf(a, "1:%u:0", of_all + 1));              // but for one, long ago
    ask_what_changed(&w, name, arena_printf(a, "1:%u:%u", of_all + 1, of_all - 1)); // but for what changed all
    ask_what_changed(&w, name, arena_printf(a, "%u:2:0", of_all));                  // the same
    uint64_t each = (rows_read(&w, direct) - before) / (5 * QUESTIONS);
    print_message("a question reads %u rows of %u\n", (unsigned)each, many());
    assert_in_range(each, 1, 5 * QUEUE_CHANGES_MAX);
    db_close(direct);
    world_close(&w);
}

// If this fails, each poll for one contract reads all that waits for another, whose workers are away, on the thread
// that stores the heartbeats of all.
static void what_waits_for_another_contract(void **state) {
    struct world w;
    struct db *direct;
    struct err e;
    SCOPED_ARENA(a);
    world_open_on(&w, state, 600000);
    assert_ok(db_open(&direct, w.url, &e), &e);
    sql(&w,
        arena_printf(a,
                     "INSERT INTO executions (contract_id, request_id, created_ms, about, task) SELECT 'b.near', i, "
                     "CAST(extract(epoch FROM now()) * 1000 AS BIGINT), '{}', i::text FROM generate_series(1, %u) AS i",
                     many()));
    sql(&w, "INSERT INTO queue_items (execution_id, contract_id, request_id, build_target, payer, turn, dead_at_ms) "
            "SELECT id, contract_id, request_id, 't', 'p', request_id, created_ms + 600000 FROM executions");
    sql(&w, "ANALYZE queue_items");
    uint64_t before = places_read(&w, direct);
    for (int i = 0; i < LIVES; i++)
        assert_int_equal(poll_as(&w, 0, "a.near", NULL).id, 0);
    uint64_t each = (places_read(&w, direct) - before) / LIVES;
    print_message("a poll for one contract reads %u places of the %u of another\n", (unsigned)each, many());
    assert_in_range(each, 0, many() / 10);
    assert_int_equal(poll_as(&w, 0, "b.near", NULL).id, 1);
    assert_int_equal(poll_as(&w, 0, NULL, NULL).id, 2);
    db_close(direct);
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(on_sqlite), ON_POSTGRES(on_postgres), ON_POSTGRES(what_changed),
                                       ON_POSTGRES(what_waits_for_another_contract)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
