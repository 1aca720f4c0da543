// SPDX-License-Identifier: Apache-2.0
// The queue without HTTP: what only time or a failing database brings about.
#include "queue/queue.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/sync.h"
#include "base/test.h"
#include "queue/database.h"
#include "store/writer.h"

struct world {
    char home[32];
    struct db *writing, *reading;
    struct writer *writer;
    struct queue *q;
    uint64_t serve_ms;
};

// Tasks here are their request's number.
static bool read_number(struct arena *a, const char *json, struct queue_stored *out, struct err *e) {
    (void)a, (void)e;
    *out = (struct queue_stored){{"a.near", strtoull(json, NULL, 10)}, "t", "p", 0};
    return true;
}

static void world_start(struct world *w) {
    struct err e;
    const struct queue_config config = {w->serve_ms, read_number};
    assert_ok(database_open(&w->writing, w->home, NULL, &e), &e);
    assert_ok(database_open(&w->reading, w->home, NULL, &e), &e);
    assert_ok(writer_new(&w->writer, w->writing, &e), &e);
    assert_ok(queue_open_local(&w->q, &config, w->writer, &e), &e);
}

static void world_stop(struct world *w) {
    queue_stop(w->q);
    queue_free(w->q);
    writer_free(w->writer);
    db_close(w->writing);
    db_close(w->reading);
}

static void world_open(struct world *w, uint64_t serve_ms) {
    *w = (struct world){.home = "/tmp/outlayer-queue-XXXXXX", .serve_ms = serve_ms};
    assert_non_null(mkdtemp(w->home));
    world_start(w);
}

static void world_close(struct world *w) {
    struct err e;
    world_stop(w);
    assert_ok(file_remove_tree(w->home, &e), &e);
}

static void sql(struct world *w, const char *text) {
    struct err e;
    assert_ok(db_exec(w->reading, text, &e), &e);
}

// --- calls that wait for their answer

struct answer {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool told, ok;
    struct err e;
};

static void tell(void *ctx, const struct err *e) {
    struct answer *a = ctx;
    pthread_mutex_lock(&a->lock);
    assert_false(a->told);
    a->told = true;
    a->ok = !e;
    if (e)
        a->e = *e;
    pthread_cond_signal(&a->changed);
    pthread_mutex_unlock(&a->lock);
}

static struct queue_call call_new(struct answer *a) {
    *a = (struct answer){.lock = PTHREAD_MUTEX_INITIALIZER};
    cond_init(&a->changed);
    return (struct queue_call){.done = tell, .ctx = a};
}

static bool wait_for(struct answer *a) {
    uint64_t end = deadline_in(30000);
    pthread_mutex_lock(&a->lock);
    while (!a->told)
        assert_true(cond_wait_until(&a->changed, &a->lock, end));
    pthread_mutex_unlock(&a->lock);
    pthread_cond_destroy(&a->changed);
    return a->ok;
}

// Zeros mean what they mean to the queue, and what is not said is "t" for "p".
static bool create_as(struct world *w, uint64_t id, const char *payer, const char *target, uint64_t dead_at_ms,
                      bool *created) {
    struct answer a;
    char json[24];
    snprintf(json, sizeof json, "%u", (unsigned)id);
    struct queue_create x = {.call = call_new(&a),
                             .key = {"a.near", id},
                             .build_target = target ? target : "t",
                             .payer = payer ? payer : "p",
                             .dead_at_ms = dead_at_ms,
                             .json = json,
                             .about = "{}"};
    queue_create(w->q, &x);
    bool ok = wait_for(&a);
    *created = x.created;
    return ok;
}

static bool create(struct world *w, uint64_t id) {
    bool created;
    return create_as(w, id, NULL, NULL, 0, &created) && created;
}

struct lease {
    uint64_t id; // 0: there was none
    unsigned attempt;
    bool too_late;
    char token[LEASE_TOKEN_LEN + 1];
};

static struct lease poll_as(struct world *w, uint64_t wait_s, const char *contract_id, const char *capabilities) {
    struct answer a;
    SCOPED_ARENA(arena);
    struct queue_poll x = {.call = call_new(&a),
                           .arena = arena,
                           .worker_id = "w",
                           .contract_id = contract_id,
                           .capabilities = capabilities,
                           .wait_s = wait_s};
    queue_poll(w->q, &x);
    assert_true(wait_for(&a));
    struct lease out = {x.leased ? strtoull(x.json, NULL, 10) : 0, x.attempt, x.too_late, ""};
    memcpy(out.token, x.token, sizeof out.token);
    return out;
}

static struct lease poll_one(struct world *w) { return poll_as(w, 0, NULL, NULL); }

static enum queue_answer beat(struct world *w, const struct lease *l, enum execution_event event, uint64_t dead_at_ms) {
    struct answer a;
    struct queue_beat x = {
        .call = call_new(&a), .key = {"a.near", l->id}, .token = l->token, .event = event, .dead_at_ms = dead_at_ms};
    queue_beat(w->q, &x);
    assert_true(wait_for(&a));
    return x.answer;
}

static enum queue_answer give_back(struct world *w, const struct lease *l) {
    struct answer a;
    struct queue_give_back x = {.call = call_new(&a), .key = {"a.near", l->id}, .token = l->token};
    queue_give_back(w->q, &x);
    assert_true(wait_for(&a));
    return x.answer;
}

// false: it could not be stored.
static bool end(struct world *w, const struct lease *l, enum queue_answer *answer, bool *changed) {
    struct answer a;
    struct queue_end x = {.call = call_new(&a),
                          .key = {"a.near", l->id},
                          .token = l->token,
                          .outcome = "success",
                          .report = "{}",
                          .instructions = 1};
    queue_end(w->q, &x);
    bool ok = wait_for(&a);
    *answer = x.answer;
    *changed = x.changed;
    return ok;
}

static enum queue_answer end_well(struct world *w, const struct lease *l, bool *changed) {
    enum queue_answer answer;
    assert_true(end(w, l, &answer, changed));
    return answer;
}

static uint64_t count_of(struct world *w, enum execution_state state) {
    struct queue_counts c;
    queue_counts(w->q, &c);
    return c.by_state[state];
}

// What happens by itself is looked for until it is there; the test's own end stops a wait for what never comes.
static void wait_until_expired(struct world *w, uint64_t n) {
    struct queue_counts c;
    do
        queue_counts(w->q, &c);
    while (c.expired < n);
}

// --- tests

// An execution whose end cannot be stored must stay: forgotten, it would wait in the database until the next start.
static void test_expiry(void **state) {
    (void)state;
    struct world w;
    world_open(&w, 20);
    sql(&w, "CREATE TRIGGER no BEFORE UPDATE ON executions BEGIN SELECT RAISE(FAIL, 'not now'); END");
    assert_true(create(&w, 1));
    uint64_t end = clock_mono_ms() + 200; // some tries
    while (clock_mono_ms() < end)
        assert_int_equal(count_of(&w, EXECUTION_QUEUED), 1);
    sql(&w, "DROP TRIGGER no");
    assert_true(create(&w, 2));
    wait_until_expired(&w, 2);
    assert_int_equal(count_of(&w, EXECUTION_QUEUED), 0);
    world_close(&w);
}

// The timer must wake for an execution that came while it slept without a deadline.
static void test_expiry_from_sleep(void **state) {
    (void)state;
    struct world w;
    world_open(&w, 50);
    for (unsigned i = 1; i <= 3; i++) {
        uint64_t start = clock_mono_ms();
        assert_true(create(&w, i));
        wait_until_expired(&w, i);
        assert_in_range(clock_mono_ms() - start, 45, 5000);
    }
    world_close(&w);
}

static void restart(struct world *w) {
    world_stop(w);
    world_start(w);
}

// If this fails, a restart takes work away that is under way, and the guest runs once more.
static void test_leases_outlive_a_restart(void **state) {
    (void)state;
    struct world w;
    bool changed;
    world_open(&w, 600000);
    for (uint64_t i = 1; i <= 3; i++)
        assert_true(create(&w, i));
    struct lease one = poll_one(&w), two = poll_one(&w);
    assert_int_equal(beat(&w, &one, EXECUTION_EVENT_RUN, 0), QUEUE_OK);
    assert_int_equal(give_back(&w, &two), QUEUE_OK);
    restart(&w);
    assert_int_equal(count_of(&w, EXECUTION_RUNNING), 1);
    assert_int_equal(beat(&w, &one, EXECUTION_EVENT_SUBMIT, 0), QUEUE_OK);
    assert_int_equal(beat(&w, &two, EXECUTION_EVENT_COUNT, 0), QUEUE_LOST);
    struct lease three = poll_one(&w);
    assert_int_equal(three.id, 3); // the one that was given back still waits for its next attempt
    assert_int_equal(three.attempt, 1);
    two = poll_as(&w, 5, NULL, NULL);
    assert_int_equal(two.id, 2);
    assert_int_equal(two.attempt, 2); // attempts go on counting
    restart(&w);
    assert_int_equal(count_of(&w, EXECUTION_SUBMITTING), 1);
    assert_int_equal(end_well(&w, &one, &changed), QUEUE_OK);
    assert_true(changed);
    assert_int_equal(end_well(&w, &one, &changed), QUEUE_OK);
    assert_false(changed);
    restart(&w);
    assert_int_equal(end_well(&w, &one, &changed), QUEUE_OK);
    assert_false(changed);
    assert_int_equal(count_of(&w, EXECUTION_LEASED), 2);
    assert_int_equal(count_of(&w, EXECUTION_QUEUED), 0);
    world_close(&w);
}

static uint64_t rows_of(struct world *w, const char *query) {
    struct db_stmt *s;
    struct err e;
    bool row;
    assert_ok(db_query(w->reading, query, &s, &e) && db_step(w->reading, s, &row, &e) && row, &e);
    uint64_t n = (uint64_t)db_int(w->reading, s, "n");
    db_done(w->reading, s);
    return n;
}

// If this fails, what a program wrote that knows no queue_items is never served, or rows stay for ever.
static void test_an_older_program(void **state) {
    (void)state;
    struct world w;
    bool changed;
    world_open(&w, 600000);
    for (uint64_t i = 1; i <= 3; i++)
        assert_true(create(&w, i));
    world_stop(&w);
    struct err e;
    assert_ok(database_open(&w.reading, w.home, NULL, &e), &e);
    sql(&w, "DELETE FROM queue_items WHERE request_id < 3");
    sql(&w, "UPDATE executions SET state = 'settled', outcome = 'success', ended_ms = 1 WHERE request_id = 3");
    db_close(w.reading);
    world_start(&w);
    assert_int_equal(rows_of(&w, "SELECT count(*) AS n FROM queue_items"), 2);
    struct lease one = poll_one(&w), two = poll_one(&w);
    assert_int_equal(one.id, 1);
    assert_int_equal(two.id, 2);
    assert_int_equal(poll_one(&w).id, 0);
    assert_int_equal(end_well(&w, &one, &changed), QUEUE_OK);
    assert_int_equal(end_well(&w, &two, &changed), QUEUE_OK);
    assert_int_equal(rows_of(&w, "SELECT count(*) AS n FROM queue_items"), 0);
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_expiry), cmocka_unit_test(test_expiry_from_sleep),
                                       cmocka_unit_test(test_leases_outlive_a_restart),
                                       cmocka_unit_test(test_an_older_program)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
