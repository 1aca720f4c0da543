// SPDX-License-Identifier: Apache-2.0
// What is told to whom when changes share a commit: a row is there if, and only if, who wrote it was told so.
#include "store/writer.h"

#include "base/sync.h"
#include "store/test_database.h"
#include "store/test_gate.h"
#include <sched.h>
#include <stdatomic.h>

static char huge[2000001]; // more than a database of 40 pages takes
enum kind { ROW, BAD, HUGE };

struct test_job {
    struct test *t;
    enum kind kind;
    int64_t id;
    bool told, ok;
    struct err e;
};

struct test {
    struct db *db;
    struct writer *w;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct test_gate gate; // behind which jobs gather
    size_t told;
};

static bool hold(struct db *, void *ctx, struct err *) {
    gate_pass(&((struct test *)ctx)->gate);
    return true;
}

static void tell_nobody(void *, bool, const struct err *) {}

static bool change(struct db *db, void *ctx, struct err *e) {
    struct test_job *j = ctx;
    struct db_stmt *s;
    if (!db_query(db, "INSERT INTO t (id, text) VALUES (:id, :text)", &s, e))
        return false;
    db_bind_int(db, s, ":id", j->id);
    db_bind_text(db, s, ":text", j->kind == HUGE ? huge : "");
    if (!db_run(db, s, e))
        return false;
    return j->kind != BAD || err_set(e, ERR_INVALID, "job %d does not like its row", (int)j->id);
}

static void tell(void *ctx, bool ok, const struct err *e) {
    struct test_job *j = ctx;
    pthread_mutex_lock(&j->t->lock);
    assert_false(j->told);
    j->told = true;
    j->ok = ok;
    j->e = *e;
    j->t->told++;
    pthread_cond_signal(&j->t->changed);
    pthread_mutex_unlock(&j->t->lock);
}

static void open_test(struct test *t, void **state, const char *more) {
    const struct test_database *on = *state;
    struct err e;
    memset(huge, 'x', sizeof huge - 1);
    *t = (struct test){.lock = PTHREAD_MUTEX_INITIALIZER};
    cond_init(&t->changed);
    gate_init(&t->gate);
    assert_ok(db_open(&t->db, on->url, &e), &e);
    assert_ok(db_exec(t->db, "CREATE TABLE t (id BIGINT PRIMARY KEY, text TEXT)", &e), &e);
    assert_ok(db_exec(t->db, more, &e), &e);
    assert_ok(writer_new(&t->w, t->db, &e), &e);
}

static void close_test(struct test *t) {
    writer_free(t->w);
    db_close(t->db);
    pthread_cond_destroy(&t->changed);
}

// The writer is busy until let_go(): what is submitted meanwhile is one batch.
static void make_busy(struct test *t) {
    struct err e;
    struct writer_job gate = {hold, tell_nobody, t};
    assert_ok(writer_submit(t->w, &gate, &e), &e);
    gate_await(&t->gate);
}

static void let_go(struct test *t, size_t jobs) {
    uint64_t end = deadline_in(60000);
    gate_open(&t->gate);
    pthread_mutex_lock(&t->lock);
    while (t->told < jobs)
        assert_true(cond_wait_until(&t->changed, &t->lock, end));
    pthread_mutex_unlock(&t->lock);
}

static void submit_all(struct test *t, struct test_job *jobs, size_t n) {
    struct err e;
    make_busy(t);
    for (size_t i = 0; i < n; i++) {
        jobs[i].t = t;
        assert_ok(writer_submit(t->w, &(struct writer_job){change, tell, &jobs[i]}, &e), &e);
    }
    let_go(t, n);
}

struct count {
    int64_t id, rows;
};

static bool count_rows(struct db *db, void *ctx, struct err *e) {
    struct count *c = ctx;
    struct db_stmt *s;
    bool row;
    if (!db_query(db, "SELECT count(*) AS n FROM t WHERE id = :id OR :id = 0", &s, e))
        return false;
    db_bind_int(db, s, ":id", c->id);
    bool ok = db_step(db, s, &row, e);
    c->rows = ok && row ? db_int(db, s, "n") : -1;
    db_done(db, s);
    return ok;
}

static int64_t rows(struct test *t, int64_t id) {
    struct err e;
    struct count c = {id, 0};
    assert_ok(writer_do(t->w, count_rows, &c, &e), &e);
    return c.rows;
}

static void assert_told_truth(struct test *t, const struct test_job *jobs, size_t n) {
    for (size_t i = 0; i < n; i++)
        assert_int_equal(rows(t, jobs[i].id), jobs[i].ok ? 1 : 0);
}

// If this fails, one bad change takes others with it, or leaves half of itself.
static void test_a_failure_is_undone_alone(void **state) {
    struct test t;
    struct test_job jobs[] = {{.id = 1}, {.id = 2, .kind = BAD}, {.id = 3}, {.id = 1, .kind = ROW}};
    open_test(&t, state, "");
    submit_all(&t, jobs, 4);
    assert_true(jobs[0].ok && jobs[2].ok);
    assert_false(jobs[1].ok);
    assert_int_equal(jobs[1].e.code, ERR_INVALID);
    assert_false(jobs[3].ok);
    assert_int_equal(jobs[3].e.code, ERR_CONFLICT);
    assert_int_equal(rows(&t, 0), 2);
    assert_int_equal(rows(&t, 2), 0);
    close_test(&t);
}

// If this fails, a change is lost of which somebody was told that it is kept, or kept although it "failed". A full
// database may end the whole transaction beneath the batch.
static void test_a_full_disk(void **state) {
    struct test t;
    struct test_job jobs[] = {{.id = 1}, {.id = 2, .kind = HUGE}, {.id = 3}, {.id = 4, .kind = HUGE}, {.id = 5}};
    open_test(&t, state, "PRAGMA max_page_count = 40");
    submit_all(&t, jobs, 5);
    assert_false(jobs[1].ok || jobs[3].ok);
    assert_int_equal(jobs[1].e.code, ERR_IO);
    assert_string_equal(jobs[1].e.hint, "is the disk full?");
    assert_told_truth(&t, jobs, 5);
    assert_true(jobs[4].ok);
    struct test_job later = {.t = &t, .id = 6};
    struct err e;
    assert_ok(writer_do(t.w, change, &later, &e), &e);
    assert_int_equal(rows(&t, 6), 1);
    close_test(&t);
}

// If this fails, a commit that failed is told as a success. A deferred constraint is looked at when it is too late for
// each job's own undoing.
static void test_a_commit_that_fails(void **state) {
    static const char tables[] = "CREATE TABLE parent (id INTEGER PRIMARY KEY);"
                                 "CREATE TABLE child (p INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED);";
    static const char sqlite[] =
        "CREATE TRIGGER orphan AFTER INSERT ON t WHEN NEW.id = 2 BEGIN INSERT INTO child VALUES (9); END;";
    static const char postgres[] =
        "CREATE FUNCTION orphan() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN INSERT INTO child VALUES (9); RETURN NULL; END';"
        "CREATE TRIGGER orphan AFTER INSERT ON t FOR EACH ROW WHEN (NEW.id = 2) EXECUTE FUNCTION orphan()";
    struct test t;
    struct test_job jobs[] = {{.id = 1}, {.id = 2}};
    struct err e;
    open_test(&t, state, tables);
    assert_ok(db_exec(t.db, db_engine(t.db) == DB_SQLITE ? sqlite : postgres, &e), &e);
    submit_all(&t, jobs, 2);
    assert_false(jobs[0].ok || jobs[1].ok);
    assert_int_equal(jobs[0].e.code, ERR_CONFLICT);
    assert_told_truth(&t, jobs, 2);
    struct test_job later = {.t = &t, .id = 3};
    assert_ok(writer_do(t.w, change, &later, &e), &e);
    close_test(&t);
}

// If this fails, a database that does not begin a transaction is written to without one.
static void test_no_transaction(void **state) {
    struct test t;
    struct test_job job = {.id = 1};
    struct err e;
    bool sqlite = ((const struct test_database *)*state)->engine == DB_SQLITE;
    open_test(&t, state, sqlite ? "PRAGMA query_only = 1" : "BEGIN"); // so that none, or not another one, begins
    job.t = &t;
    assert_err(writer_do(t.w, change, &job, &e), &e, ERR_IO, sqlite ? "readonly" : "within a transaction");
    close_test(&t);
}

// Until there is no room, as *e says of the last one.
static void fill(struct test *t, struct test_job *jobs, struct err *e) {
    for (size_t i = 0; i <= WRITER_WAITING_MAX; i++) {
        jobs[i] = (struct test_job){.t = t, .id = (int64_t)i + 1};
        assert_int_equal(writer_submit(t->w, &(struct writer_job){change, tell, &jobs[i]}, e), i < WRITER_WAITING_MAX);
    }
}

// If this fails, changes pile up without bound, or one that was refused is carried out all the same.
static void test_a_full_queue(void **state) {
    struct test t;
    struct test_job *jobs = xcalloc(WRITER_WAITING_MAX + 1, sizeof *jobs);
    struct err e;
    open_test(&t, state, "");
    make_busy(&t);
    fill(&t, jobs, &e);
    assert_int_equal(e.code, ERR_UNAVAILABLE);
    assert_string_equal(e.hint, "try again in a moment");
    let_go(&t, WRITER_WAITING_MAX);
    assert_false(jobs[WRITER_WAITING_MAX].told);
    assert_int_equal(rows(&t, 0), WRITER_WAITING_MAX);
    close_test(&t);
    free(jobs);
}

struct patient {
    struct test *t;
    struct count c;
    struct err e;
    bool ok;
    atomic_bool over;
};

static void *wait_for_room(void *ctx) {
    struct patient *p = ctx;
    p->ok = writer_do_after_all(p->t->w, count_rows, &p->c, &p->e);
    p->over = true;
    return NULL;
}

// If this fails, who ends what changes use goes on while changes wait, because there was no room to wait behind them.
static void test_room_is_waited_for(void **state) {
    struct test t;
    struct test_job *jobs = xcalloc(WRITER_WAITING_MAX + 1, sizeof *jobs);
    struct patient p = {.t = &t};
    pthread_t thread;
    struct err e;
    open_test(&t, state, "");
    make_busy(&t);
    fill(&t, jobs, &e);
    assert_false(writer_do(t.w, count_rows, &p.c, &e));
    assert_int_equal(pthread_create(&thread, NULL, wait_for_room, &p), 0);
    while (!p.over && writer_waiting(t.w) == WRITER_WAITING_MAX) // until it waits, or was refused
        sched_yield();
    gate_open(&t.gate);
    pthread_join(thread, NULL);
    assert_ok(p.ok, &p.e);
    assert_int_equal(p.c.rows, WRITER_WAITING_MAX);
    assert_int_equal(t.told, WRITER_WAITING_MAX);
    close_test(&t);
    free(jobs);
}

// If this fails, what was submitted before the stop is lost.
static void test_stop_finishes(void **state) {
    struct test t;
    struct test_job jobs[1000];
    struct err e;
    open_test(&t, state, "");
    for (int i = 0; i < 1000; i++) {
        jobs[i] = (struct test_job){.t = &t, .id = i + 1};
        assert_ok(writer_submit(t.w, &(struct writer_job){change, tell, &jobs[i]}, &e), &e);
    }
    writer_free(t.w);
    assert_int_equal(t.told, 1000);
    struct count c = {0};
    assert_ok(count_rows(t.db, &c, &e), &e);
    assert_int_equal(c.rows, 1000);
    db_close(t.db);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_BOTH(test_a_failure_is_undone_alone),
        ON_SQLITE(test_a_full_disk),
        ON_BOTH(test_a_commit_that_fails),
        ON_BOTH(test_no_transaction),
        ON_BOTH(test_a_full_queue),
        ON_SQLITE(test_room_is_waited_for),
        ON_BOTH(test_stop_finishes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
