// SPDX-License-Identifier: Apache-2.0
// What is told when the connection to PostgreSQL breaks, and when its server does not answer.
#include "store/postgres.h"

#include "base/clock.h"
#include "base/patience.h"
#include "store/test_gate.h"
#include "store/test_proxy.h"
#include "store/writer.h"

static const char insert[] = "INSERT INTO t (id) VALUES (:id)", count[] = "SELECT count(*) AS n FROM t";

struct world {
    struct db *direct, *db; // db goes through the proxy
    struct test_proxy proxy;
};

static void open_world(struct world *x, void **state, const struct db_keep *keep) {
    struct err e;
    const struct test_database *on = *state;
    assert_ok(db_open(&x->direct, on->url, &e), &e);
    assert_ok(db_exec(x->direct, "CREATE TABLE t (id BIGINT PRIMARY KEY, text TEXT)", &e), &e);
    test_proxy_start(&x->proxy, on);
    assert_ok(db_open_as(&x->db, x->proxy.url, keep ? keep : &(struct db_keep){0}, &e), &e);
}

static void close_world(struct world *x) {
    db_close(x->db);
    db_close(x->direct);
    test_proxy_stop(&x->proxy);
}

static bool put(struct db *db, int64_t id, struct err *e) {
    struct db_stmt *s;
    if (!db_query(db, insert, &s, e))
        return false;
    db_bind_int(db, s, ":id", id);
    return db_run(db, s, e);
}

static bool ask(struct db *db, const char *sql, int64_t *n, struct err *e) {
    struct db_stmt *s;
    bool row;
    if (!db_query(db, sql, &s, e))
        return false;
    bool ok = db_step(db, s, &row, e);
    *n = ok && row ? db_int(db, s, "n") : -1;
    db_done(db, s);
    return ok;
}

static int64_t number(struct db *db, const char *sql) {
    struct err e;
    int64_t n;
    assert_ok(ask(db, sql, &n, &e), &e);
    return n;
}

// If this fails, who is told "rolled back" of a change that is stored, or "stored" of one that is not, acts on it.
static void test_commit_in_doubt(void **state) {
    struct world x;
    struct err e;
    open_world(&x, state, NULL);
    for (int i = 1; i <= 2; i++) {
        assert_ok(db_begin(x.db, &e), &e);
        assert_ok(put(x.db, i, &e), &e);
        test_proxy_break(&x.proxy, i == 1 ? PROXY_CUT_AFTER : PROXY_CUT_BEFORE, "COMMIT");
        assert_err(db_commit(x.db, &e), &e, ERR_IN_DOUBT, "before it was known whether a change is stored");
        assert_false(db_in_transaction(x.db));
    }
    assert_int_equal(number(x.direct, count), 1); // the first was stored, the second was not
    assert_int_equal(number(x.db, count), 1);     // and it is connected again
    close_world(&x);
}

// If this fails, a change outside a transaction is told as failed although it is stored.
static void test_a_change_in_doubt(void **state) {
    struct world x;
    struct err e;
    open_world(&x, state, NULL);
    test_proxy_break(&x.proxy, PROXY_CUT_AFTER, "INSERT");
    assert_err(put(x.db, 1, &e), &e, ERR_IN_DOUBT, "whether a change is stored");
    assert_int_equal(number(x.direct, count), 1);
    assert_ok(put(x.db, 2, &e), &e);
    close_world(&x);
}

// If this fails, the rest of a transaction that was lost is carried out without it.
static void test_lost_within(void **state) {
    struct world x;
    struct err e;
    int64_t n;
    open_world(&x, state, NULL);
    assert_ok(db_begin(x.db, &e), &e);
    assert_ok(put(x.db, 1, &e), &e);
    test_proxy_break(&x.proxy, PROXY_CUT_AFTER, "s1"); // the statement, which is prepared now
    assert_err(put(x.db, 2, &e), &e, ERR_UNAVAILABLE, "the connection was lost");
    assert_false(db_in_transaction(x.db));
    assert_err(put(x.db, 3, &e), &e, ERR_UNAVAILABLE, "in the midst of a transaction, which is undone");
    assert_err(ask(x.db, count, &n, &e), &e, ERR_UNAVAILABLE, "which is undone");
    assert_err(db_exec(x.db, "INSERT INTO t (id) VALUES (4)", &e), &e, ERR_UNAVAILABLE, "which is undone");
    assert_err(db_commit(x.db, &e), &e, ERR_UNAVAILABLE, "which is undone");
    assert_int_equal(number(x.direct, count), 0);
    assert_ok(db_begin(x.db, &e), &e);
    assert_ok(put(x.db, 5, &e), &e);
    assert_ok(db_commit(x.db, &e), &e);
    assert_int_equal(number(x.direct, count), 1);
    close_world(&x);
}

#define END_OTHERS                                                                                                     \
    "SELECT count(pg_terminate_backend(pid)) AS n FROM pg_stat_activity WHERE datname = current_database() AND pid "   \
    "<> "                                                                                                              \
    "pg_backend_pid()"

// The server ends the n-th connection through the proxy, which has heard of it.
static void end_idle(struct world *x, unsigned n) {
    uint64_t until = clock_mono_ms() + 60000;
    assert_int_equal(number(x->direct, END_OTHERS), 1);
    while (atomic_load(&x->proxy.ended) < n)
        assert_true(clock_mono_ms() < until && patience_pause(&(struct patience){0}, 1));
}

// If this fails, each restart of the server, or of what stands before it, costs an error for each connection.
static void test_lost_while_idle(void **state) {
    struct world x;
    struct err e;
    open_world(&x, state, NULL);
    assert_int_equal(number(x.db, count), 0);
    end_idle(&x, 1);
    assert_int_equal(number(x.db, count), 0);
    end_idle(&x, 2);
    assert_ok(put(x.db, 1, &e), &e);
    end_idle(&x, 3);
    assert_ok(db_begin(x.db, &e), &e);
    assert_ok(put(x.db, 2, &e), &e);
    assert_ok(db_commit(x.db, &e), &e);
    test_proxy_break(&x.proxy, PROXY_CUT_AFTER, "BEGIN"); // what has begun a transaction was never committed
    assert_ok(db_begin(x.db, &e), &e);
    assert_ok(put(x.db, 3, &e), &e);
    assert_ok(db_commit(x.db, &e), &e);
    test_proxy_break(&x.proxy, PROXY_CUT_BEFORE, "s1"); // a question, asked once more
    assert_int_equal(number(x.db, count), 3);
    assert_int_equal(x.proxy.connections, 6);
    close_world(&x);
}

// Within the deadline, and half a minute before any other end.
static bool within(uint64_t start, uint64_t ms) { return clock_mono_ms() - start < ms; }

// If this fails, one statement that takes too long, or a server that has gone silent, holds a thread for good.
static void test_time_limits(void **state) {
    static const char slow[] = "SELECT pg_sleep(60) IS NULL AS n";
    struct world x;
    struct err e;
    int64_t n;
    uint64_t start = clock_mono_ms();
    open_world(&x, state, &(struct db_keep){.connect_ms = 2000, .statement_ms = 2000});
    assert_err(ask(x.direct, "SELECT nonsense AS n", &n, &e), &e, ERR_IO, "does not exist");
    assert_err(ask(x.db, slow, &n, &e), &e, ERR_UNAVAILABLE, "statement timeout");
    assert_int_equal(number(x.db, count), 0); // on the same connection
    assert_int_equal(x.proxy.connections, 1);
    test_proxy_break(&x.proxy, PROXY_SILENT, NULL);
    assert_err(put(x.db, 1, &e), &e, ERR_IN_DOUBT, "the server did not answer in time");
    assert_err(put(x.db, 1, &e), &e, ERR_UNAVAILABLE, "cannot reach the database: it did not answer in time");
    assert_non_null(strstr(e.hint, "is PostgreSQL running there"));
    assert_true(within(start, 29000));
    test_proxy_break(&x.proxy, PROXY_PASS, NULL);
    assert_ok(put(x.db, 1, &e), &e);
    close_world(&x);
}

// If this fails, a program does not start while its server has much to do, since later it has no patience.
static void test_a_first_connection(void **state) {
    const struct test_database *on = *state;
    struct world x;
    struct err e;
    assert_ok(db_open(&x.direct, on->url, &e), &e);
    assert_ok(db_exec(x.direct, "CREATE TABLE t (id BIGINT PRIMARY KEY, text TEXT)", &e), &e);
    test_proxy_start(&x.proxy, on);
    x.proxy.late_ms = 3500;
    const struct db_keep keep = {.connect_ms = 1500, .statement_ms = 30000, .first_ms = 60000};
    assert_ok(db_open_as(&x.db, x.proxy.url, &keep, &e), &e);
    end_idle(&x, 1);
    assert_err(put(x.db, 1, &e), &e, ERR_UNAVAILABLE, "cannot reach the database: it did not answer in time");
    x.proxy.late_ms = 0;
    assert_ok(put(x.db, 1, &e), &e);
    close_world(&x);
}

struct canceller {
    struct db *direct;
    atomic_bool cancel;
};

static void *cancel_asked(void *ctx) {
    struct canceller *c = ctx;
    while (!number(c->direct, "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND state "
                              "= 'active' AND query LIKE 'SELECT pg_sleep%'"))
        ;
    c->cancel = true;
    return NULL;
}

// If this fails, a daemon that is told to end waits for a database that does not answer.
static void test_cancel(void **state) {
    static const char slow[] = "SELECT pg_sleep(60) IS NULL AS n";
    struct world x;
    struct err e;
    int64_t n;
    pthread_t thread;
    struct canceller c = {0};
    open_world(&x, state, &(struct db_keep){.cancel = &c.cancel});
    c.direct = x.direct;
    assert_int_equal(pthread_create(&thread, NULL, cancel_asked, &c), 0);
    uint64_t start = clock_mono_ms();
    assert_err(ask(x.db, slow, &n, &e), &e, ERR_UNAVAILABLE, "");
    assert_true(within(start, 29000));
    pthread_join(thread, NULL);
    close_world(&x);
}

// If this fails, a password stands in logs.
static void test_passwords_are_not_told(void **state) {
    static const char *const urls[] = {"postgres://me:geh%eim@host/name", "postgresql://me:geheim@host:port/name",
                                       "postgres://me:geheim@127.0.0.1:1/name?connect_timeout=1",
                                       "postgres://me:geheim@/name?host=/nowhere", "postgres://me:geheim@[::1/name"};
    struct db *db;
    struct err e;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        assert_false(db_open(&db, urls[i], &e));
        assert_null(strstr(e.msg, "geh"));
        assert_null(strstr(e.hint, "geh"));
        assert_true(e.code == ERR_SETTINGS || e.code == ERR_UNAVAILABLE);
        assert_true(e.hint[0]);
    }
}

// If this fails, an operator believes that a commit survives a loss of power, and it does not; or text is kept wrongly.
static void test_what_a_session_says(void **state) {
    const struct test_database *on = *state;
    struct db *db;
    struct err e;
    assert_ok(db_open_as(&db, on->url, &(struct db_keep){.may_lack_last = true}, &e), &e);
    assert_int_equal(number(db, "SELECT current_setting('synchronous_commit') = 'off' AS n"), 1);
    db_close(db);
    assert_ok(db_open(&db, on->url, &e), &e);
    assert_int_equal(number(db, "SELECT current_setting('synchronous_commit') = 'on' AS n"), 1);
    assert_int_equal(number(db, "SELECT current_setting('statement_timeout') = '30s' AS n"), 1);
    assert_int_equal(number(db, "SELECT ':x' = chr(58) || 'x' AND 1::bigint = 1 AS n"), 1); // no parameters
    db_close(db);
    test_database_server_do("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0");
    char url[400];
    snprintf(url, sizeof url, "postgres:///latin%s", strchr(on->url, '?'));
    assert_err(db_open(&db, url, &e), &e, ERR_SETTINGS, "keeps text as LATIN1");
    test_database_server_do("DROP DATABASE latin");
}

// If this fails, a guest's output with U+0000, or one of the largest size, is lost or changed.
static void test_json_text(void **state) {
    static const char json[] = "{\"a\":\"\\u0000 \\ud800 \\\\ 'ä' \\u00e4\",\"n\":1e400,\"n\":-0}";
    struct world x;
    struct err e;
    struct db_stmt *s;
    bool row;
    char *large = xcalloc(1, (4 << 20) + 1);
    memset(large, '\'', 4 << 20);
    open_world(&x, state, NULL);
    for (int i = 0; i < 2; i++) {
        assert_ok(db_query(x.db, "INSERT INTO t (id, text) VALUES (:id, :text)", &s, &e), &e);
        db_bind_int(x.db, s, ":id", i);
        db_bind_text(x.db, s, ":text", i ? large : json);
        assert_ok(db_run(x.db, s, &e), &e);
        assert_ok(db_query(x.db, "SELECT text FROM t WHERE id = :id", &s, &e), &e);
        db_bind_int(x.db, s, ":id", i);
        assert_ok(db_step(x.db, s, &row, &e), &e);
        assert_true(row && strcmp(db_text(x.db, s, "text"), i ? large : json) == 0);
        db_done(x.db, s);
    }
    free(large);
    close_world(&x);
}

struct job {
    int64_t id;
    bool ok;
    struct err e;
};
struct breaker {
    struct test_proxy *proxy;
    enum proxy_fault fault;
    const char *words; // NULL: broken already
};

static bool wait_at_gate(struct db *, void *ctx, struct err *) {
    gate_pass(ctx);
    return true;
}
static bool break_once(struct db *, void *ctx, struct err *) {
    struct breaker *b = ctx;
    if (b->words)
        test_proxy_break(b->proxy, b->fault, b->words);
    b->words = NULL;
    return true;
}
static void nobody(void *, bool, const struct err *) {}
static bool put_one(struct db *db, void *ctx, struct err *e) { return put(db, ((struct job *)ctx)->id, e); }
static void told(void *ctx, bool ok, const struct err *e) {
    struct job *j = ctx;
    j->ok = ok;
    j->e = *e;
}

// In one batch, in which the connection breaks.
static void write_three(struct world *x, struct job *jobs, enum proxy_fault fault, const char *words) {
    struct breaker breaker = {&x->proxy, fault, words};
    struct test_gate gate;
    struct writer *w;
    struct err e;
    gate_init(&gate);
    assert_ok(writer_new(&w, x->db, &e), &e);
    assert_ok(writer_submit(w, &(struct writer_job){wait_at_gate, nobody, &gate}, &e), &e);
    gate_await(&gate); // what is submitted meanwhile is one batch
    assert_ok(writer_submit(w, &(struct writer_job){break_once, nobody, &breaker}, &e), &e);
    for (int i = 0; i < 3; i++)
        assert_ok(writer_submit(w, &(struct writer_job){put_one, told, &jobs[i]}, &e), &e);
    gate_open(&gate);
    writer_free(w);
}

// If this fails, a batch whose commit is in doubt is told as failed; or one that was lost before its commit, which
// nobody needs to hear of, is not carried out on the next connection.
static void test_a_batch(void **state) {
    struct world x;
    struct job doubt[3] = {{.id = 1}, {.id = 2}, {.id = 3}}, lost[3] = {{.id = 4}, {.id = 5}, {.id = 6}};
    open_world(&x, state, NULL);
    write_three(&x, doubt, PROXY_CUT_AFTER, "COMMIT");
    for (int i = 0; i < 3; i++)
        assert_true(!doubt[i].ok && doubt[i].e.code == ERR_IN_DOUBT);
    assert_int_equal(number(x.direct, count), 3);
    write_three(&x, lost, PROXY_CUT_BEFORE, "COMMIT");
    for (int i = 0; i < 3; i++)
        assert_true(!lost[i].ok && lost[i].e.code == ERR_IN_DOUBT);
    assert_int_equal(number(x.direct, count), 3);
    write_three(&x, lost, PROXY_CUT_AFTER, "INSERT");
    for (int i = 0; i < 3; i++)
        assert_true(lost[i].ok);
    assert_int_equal(number(x.direct, count), 6);
    close_world(&x);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_POSTGRES(test_commit_in_doubt),
        ON_POSTGRES(test_a_change_in_doubt),
        ON_POSTGRES(test_lost_within),
        ON_POSTGRES(test_lost_while_idle),
        ON_POSTGRES(test_time_limits),
        ON_POSTGRES(test_a_first_connection),
        ON_POSTGRES(test_cancel),
        ON_POSTGRES(test_json_text),
        ON_POSTGRES(test_what_a_session_says),
        ON_POSTGRES(test_passwords_are_not_told),
        ON_POSTGRES(test_a_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
