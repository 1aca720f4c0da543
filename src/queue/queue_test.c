// SPDX-License-Identifier: Apache-2.0
// The queue without HTTP: what only time or a restart brings about.
#include "queue/test_queue.h"

#include "store/sqlite.h"
#include "store/test_gate.h"
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

// --- time alone

static atomic_uint undone;
static void count_rollback(struct db *db) {
    db_sqlite.rollback(db);
    undone++;
}

// An execution whose end cannot be stored must stay: forgotten, it would wait in the database until the next start.
static void test_expiry(void **state) {
    (void)state;
    struct world w;
    struct db_driver counting = db_sqlite;
    counting.rollback = count_rollback;
    world_open(&w, 20);
    w.writing->driver = &counting; // the writer rests
    sql(&w, "CREATE TRIGGER no BEFORE UPDATE ON executions BEGIN SELECT RAISE(FAIL, 'not now'); END");
    assert_true(create(&w, 1));
    while (undone < 5)
        assert_int_equal(count_of(&w, EXECUTION_QUEUED), 1);
    sql(&w, "DROP TRIGGER no");
    assert_true(create(&w, 2));
    wait_until_expired(&w, 2);
    assert_int_equal(count_of(&w, EXECUTION_QUEUED), 0);
    world_close(&w);
}

// The timer must wake for an execution that came while it slept without a deadline.
static void test_expiry_from_sleep(void **state) {
    struct world w;
    world_open_on(&w, state, 50);
    for (unsigned i = 1; i <= 3; i++) {
        uint64_t start = clock_mono_ms();
        assert_true(create(&w, i));
        wait_until_expired(&w, i);
        assert_in_range(clock_mono_ms() - start, 45, 1000 * TEST_WAIT_S);
    }
    world_close(&w);
}

// If this fails, a restart takes work away that is under way, and the guest runs once more.
static void test_leases_outlive_a_restart(void **state) {
    struct world w;
    bool changed;
    world_open_on(&w, state, 600000);
    for (uint64_t i = 1; i <= 3; i++)
        assert_true(create(&w, i));
    struct test_lease one = poll_one(&w), two = poll_one(&w);
    assert_int_equal(beat(&w, &one, EXECUTION_EVENT_RUN, 0), QUEUE_OK);
    assert_int_equal(give_back(&w, &two), QUEUE_OK);
    restart_after(&w, "UPDATE queue_items SET not_before_ms = not_before_ms + 600000 WHERE not_before_ms > 0");
    assert_int_equal(count_of(&w, EXECUTION_RUNNING), 1);
    assert_int_equal(beat(&w, &one, EXECUTION_EVENT_SUBMIT, 0), QUEUE_OK);
    assert_int_equal(beat(&w, &two, EXECUTION_EVENT_COUNT, 0), QUEUE_LOST);
    struct test_lease three = poll_one(&w);
    assert_int_equal(three.id, 3); // the one that was given back still waits for its next attempt
    assert_int_equal(three.attempt, 1);
    assert_int_equal(beat(&w, &three, EXECUTION_EVENT_COUNT, 0), QUEUE_OK); // it is held for long
    restart_after(&w, "UPDATE queue_items SET not_before_ms = not_before_ms - 600000 WHERE not_before_ms > 0");
    two = poll_as(&w, TEST_WAIT_S, NULL, NULL);
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

// If this fails, what a program wrote that knows no queue_items is never served, or rows stay for ever.
static void test_an_older_program(void **state) {
    struct world w;
    bool changed;
    world_open_on(&w, state, 600000);
    for (uint64_t i = 1; i <= 3; i++)
        assert_true(create(&w, i));
    restart_after(&w,
                  "DELETE FROM queue_items WHERE request_id < 3;"
                  "UPDATE executions SET state = 'settled', outcome = 'success', ended_ms = 1 WHERE request_id = 3");
    assert_int_equal(rows_of(&w, "SELECT count(*) AS n FROM queue_items"), 2);
    struct test_lease one = poll_one(&w), two = poll_one(&w);
    assert_int_equal(one.id, 1);
    assert_int_equal(two.id, 2);
    assert_int_equal(poll_one(&w).id, 0);
    assert_int_equal(end_well(&w, &one, &changed), QUEUE_OK);
    assert_int_equal(end_well(&w, &two, &changed), QUEUE_OK);
    assert_int_equal(rows_of(&w, "SELECT count(*) AS n FROM queue_items"), 0);
    world_close(&w);
}

// --- an end while the writer is busy

static struct test_gate gate;
static bool commit_at_gate(struct db *db, struct err *e) {
    gate_pass(&gate);
    return db_sqlite.commit(db, e);
}

// All commits from now on wait for the gate.
static void hold_commits(struct world *w) {
    static struct db_driver slow;
    slow = db_sqlite;
    slow.commit = commit_at_gate;
    gate_init(&gate);
    w->writing->driver = &slow; // the writer rests
}

struct ender {
    struct queue *q;
    atomic_bool over;
};

static void *end_queue(void *ctx) {
    struct ender *x = ctx;
    queue_stop(x->q);
    queue_free(x->q);
    x->over = true;
    return NULL;
}

// If this fails, a queue is gone while the writer still has to write its leases.
static void test_an_end_waits_for_the_writer(void **state) {
    (void)state;
    struct world w;
    pthread_t thread;
    world_open(&w, 600000);
    assert_true(create(&w, 1));
    hold_commits(&w);
    struct test_lease one = poll_one(&w);
    gate_await(&gate); // its row is being written
    struct ender ender = {.q = w.q};
    assert_int_equal(pthread_create(&thread, NULL, end_queue, &ender), 0);
    while (!ender.over && !writer_waiting(w.writer)) // until it waits, or is over
        sched_yield();
    assert_false(ender.over);
    gate_open(&gate);
    pthread_join(thread, NULL);
    w.q = NULL;
    restart(&w);
    assert_int_equal(beat(&w, &one, EXECUTION_EVENT_COUNT, 0), QUEUE_OK);
    world_close(&w);
}

static bool run_at_gate(struct db *db, void *ctx, struct err *e) {
    (void)db, (void)ctx, (void)e;
    gate_pass(&gate);
    return true;
}
static void tell_nobody(void *ctx, bool ok, const struct err *e) { (void)ctx, (void)ok, (void)e; }

static struct queue_end end_of(struct test_answer *a, const struct test_lease *l, uint64_t instructions) {
    return (struct queue_end){.call = call_new(a),
                              .key = {"a.near", l->id},
                              .token = l->token,
                              .outcome = "success",
                              .report = "{}",
                              .instructions = instructions};
}

// If this fails, a worker stops work that is its own, or drops its report, because an end of it is being stored that
// comes to nothing.
static void test_a_lease_lasts_until_its_end_is_stored(void **state) {
    (void)state;
    struct world w;
    struct err e;
    struct test_answer a, b;
    gate_init(&gate);
    world_open(&w, 600000);
    assert_true(create(&w, 1));
    struct test_lease one = poll_one(&w);
    sql(&w, "CREATE TRIGGER no BEFORE UPDATE ON executions WHEN NEW.instructions = 1 "
            "BEGIN SELECT RAISE(FAIL, 'not this one'); END");
    assert_ok(writer_submit(w.writer, &(struct writer_job){run_at_gate, tell_nobody, NULL}, &e), &e);
    struct queue_end first = end_of(&a, &one, 1), second = end_of(&b, &one, 2);
    queue_end(w.q, &first);
    queue_end(w.q, &second);
    assert_int_equal(beat(&w, &one, EXECUTION_EVENT_RUN, 0), QUEUE_OK);
    assert_int_equal(give_back(&w, &one), QUEUE_LOST); // it cannot be had both ways
    gate_open(&gate);
    assert_false(wait_for(&a));
    assert_true(wait_for(&b));
    assert_int_equal(second.answer, QUEUE_OK);
    assert_true(second.changed);
    assert_int_equal(beat(&w, &one, EXECUTION_EVENT_COUNT, 0), QUEUE_UNKNOWN);
    world_close(&w);
}

static struct queue_create create_of(struct test_answer *a, uint64_t id, const char *json) {
    return (struct queue_create){
        .call = call_new(a), .key = {"a.near", id}, .build_target = "t", .payer = "p", .json = json, .about = "{}"};
}

// If this fails, what several workers see and record at the same moment is counted more often than it is there.
static void test_creates_at_once(void **state) {
    (void)state;
    struct world w;
    struct test_answer answers[3];
    struct queue_counts c;
    world_open(&w, 600000);
    hold_commits(&w);
    struct queue_create x[] = {create_of(&answers[0], 1, "1"), create_of(&answers[1], 2, "2"),
                               create_of(&answers[2], 2, "2")};
    queue_create(w.q, &x[0]);
    gate_await(&gate); // while it is committed the others wait, and go together
    queue_create(w.q, &x[1]);
    queue_create(w.q, &x[2]);
    gate_open(&gate);
    for (size_t i = 0; i < ARRAY_LEN(x); i++)
        assert_true(wait_for(&answers[i]));
    assert_true(x[1].created);
    assert_false(x[2].created);
    queue_counts(w.q, &c);
    assert_int_equal(c.created, 2);
    assert_int_equal(c.by_state[EXECUTION_QUEUED], 2);
    world_close(&w);
}

// The operator's: whoever holds it.
static bool cancel(struct world *w, uint64_t id, enum queue_answer *answer) {
    struct test_answer a;
    struct queue_end x = {
        .call = call_new(&a), .key = {"a.near", id}, .outcome = "refused", .report = "{}", .token_name = "operator"};
    queue_end(w->q, &x);
    bool ok = wait_for(&a);
    *answer = x.answer;
    return ok;
}

// If this fails, an operator's act that the database could not take costs the execution the time that it had left.
static void test_a_failed_cancel(void **state) {
    (void)state;
    struct world w;
    enum queue_answer answer;
    bool created;
    world_open(&w, 20);
    sql(&w, "CREATE TRIGGER no BEFORE UPDATE ON executions BEGIN SELECT RAISE(FAIL, 'not now'); END");
    assert_true(create_as(&w, 1, NULL, NULL, clock_wall_ms() + 600000, &created));
    assert_false(cancel(&w, 1, &answer));
    sql(&w, "DROP TRIGGER no");
    assert_true(create(&w, 2)); // which has as little time as the first one had then
    wait_until_expired(&w, 1);
    assert_int_equal(poll_one(&w).id, 1);
    assert_true(cancel(&w, 1, &answer));
    assert_int_equal(answer, QUEUE_OK);
    assert_true(cancel(&w, 1, &answer)); // once more
    assert_int_equal(answer, QUEUE_OK);
    assert_true(cancel(&w, 2, &answer)); // nobody cancelled it
    assert_int_equal(answer, QUEUE_UNKNOWN);
    world_close(&w);
}

// If this fails, an operator whose first answer was lost is told that there is no such execution; or is told "done" of
// what a worker ended.
static void test_a_cancel_again(void **state) {
    struct world w;
    enum queue_answer answer;
    bool changed;
    world_open_on(&w, state, 600000);
    assert_true(create(&w, 1));
    assert_true(create(&w, 2));
    for (int i = 0; i < 2; i++) {
        assert_true(cancel(&w, 1, &answer));
        assert_int_equal(answer, QUEUE_OK);
    }
    struct test_lease two = poll_one(&w);
    assert_int_equal(end_well(&w, &two, &changed), QUEUE_OK);
    assert_true(cancel(&w, 2, &answer));
    assert_int_equal(answer, QUEUE_UNKNOWN);
    world_close(&w);
}

// If this fails, a false word that was replaced after its end is counted in the database for ever.
static void test_a_replaced_end(void **state) {
    struct world w;
    struct queue_counts before, after;
    struct test_answer a;
    bool changed;
    world_open_on(&w, state, 600000);
    assert_true(create(&w, 1));
    struct test_lease one = poll_one(&w);
    assert_int_equal(end_well(&w, &one, &changed), QUEUE_OK);
    struct queue_replace x = {.call = call_new(&a),
                              .key = {"a.near", 1},
                              .was = "1",
                              .token_name = "honest",
                              .build_target = "t",
                              .payer = "p",
                              .json = "7",
                              .about = "{}"};
    queue_replace(w.q, &x);
    assert_true(wait_for(&a));
    assert_true(x.replaced);
    assert_int_equal(rows_of(&w, "SELECT count(*) AS n FROM executions e JOIN queue_items q ON q.execution_id = e.id "
                                 "WHERE e.created_by = 'honest' AND q.created_by = 'honest'"),
                     1); // it is his word now
    do
        queue_counts(w.q, &before);
    while (before.succeeded); // the form for many looks now and then
    restart(&w);
    queue_counts(w.q, &after);
    assert_int_equal(after.succeeded, 0);
    assert_int_equal(after.instructions, 0);
    assert_int_equal(after.created, before.created);
    world_close(&w);
}

// If this fails, a worker that cannot be told from others is handed what it refuses over and over, as fast as it can.
static void test_a_refusal_by_nobody(void **state) {
    struct world w;
    struct test_answer a;
    world_open_on(&w, state, 600000);
    assert_true(create(&w, 1));
    struct test_lease one = poll_by(&w, "", 0, NULL, NULL);
    assert_int_equal(one.id, 1);
    struct queue_give_back x = {.call = call_new(&a), .key = {"a.near", 1}, .token = one.token, .bench = true};
    uint64_t start = clock_mono_ms();
    queue_give_back(w.q, &x);
    assert_true(wait_for(&a));
    assert_int_equal(x.answer, QUEUE_OK);
    one = poll_by(&w, "", 10, NULL, NULL);
    assert_int_equal(one.attempt, 2);
    assert_true(clock_mono_ms() - start >= 500); // the delay of any that is given back
    world_close(&w);
}

// One told by this token; whether it is taken.
static bool create_by(struct world *w, uint64_t id, const char *token_name, struct err *e) {
    struct test_answer a;
    char json[24];
    snprintf(json, sizeof json, "%u", (unsigned)id);
    struct queue_create x = create_of(&a, id, json);
    x.token_name = token_name;
    queue_create(w->q, &x);
    bool ok = wait_for(&a);
    *e = a.e;
    return ok && x.created;
}

// As if `token_name` had created these.
static void fill_by(struct world *w, uint64_t from, uint64_t to, const char *token_name) {
    SCOPED_ARENA(a);
    restart_after(w, arena_printf(a,
                                  "INSERT INTO executions (contract_id, request_id, created_ms, created_by, about, "
                                  "task) WITH RECURSIVE n(i) AS (SELECT %" PRIu64 " UNION ALL SELECT i + 1 FROM n "
                                  "WHERE i < %" PRIu64 ") SELECT 'a.near', i, 1, '%s', '{}', i FROM n;"
                                  "INSERT INTO queue_items (execution_id, contract_id, request_id, build_target, "
                                  "payer, created_by, turn, dead_at_ms) SELECT id, contract_id, request_id, 't', 'p', "
                                  "created_by, request_id, 4102444800000 FROM executions WHERE request_id >= %" PRIu64,
                                  from, to, token_name, from));
}

// If this fails, whoever has got hold of one monitor's token fills the queue with what he makes up, and nobody's true
// requests are taken any more; or nobody can find out whose token that was.
static void test_no_token_fills_the_queue(void **state) {
    struct world w;
    struct err e;
    bool changed;
    const uint64_t half = QUEUE_OPEN_MAX / 2;
    world_open_on(&w, state, 600000);
    fill_by(&w, 1, half - 1, "leaked");
    assert_true(create_by(&w, half, "leaked", &e));
    assert_false(create_by(&w, half + 1, "leaked", &e)); // it has as many as there is room left
    assert_int_equal(e.code, ERR_UNAVAILABLE);
    assert_non_null(strstr(e.msg, "of 'leaked'"));
    assert_ok(create_by(&w, half + 1, "other", &e), &e);
    assert_ok(create_by(&w, half + 2, "", &e), &e); // where no token is needed
    assert_int_equal(rows_of(&w, "SELECT count(*) AS n FROM executions WHERE created_by = 'leaked'"), half);
    assert_int_equal(rows_of(&w, "SELECT count(*) AS n FROM executions WHERE created_by = 'other'"), 1);
    assert_int_equal(rows_of(&w, "SELECT count(*) AS n FROM executions WHERE created_by IS NULL"), 1);
    restart(&w); // whose they are is known after it, too
    assert_false(create_by(&w, half + 3, "leaked", &e));
    for (int i = 0; i < 3; i++) {
        struct test_lease one = poll_one(&w);
        assert_int_equal(end_well(&w, &one, &changed), QUEUE_OK);
    }
    while (!create_by(&w, half + 3, "leaked", &e)) // the form for many looks now and then
        sched_yield();
    fill_by(&w, half + 10, QUEUE_OPEN_MAX + 10, "other");
    assert_false(create_by(&w, half + 4, "third", &e)); // there is an end to what all have
    world_close(&w);
}

static void assert_figure(struct world *w, const char *line) {
    SCOPED_BUF(out, FIGURES_MAX);
    queue_figures(w->q, &out);
    if (!strstr(buf_str(&out), line))
        fail_msg("there is no line '%s' in %s", line, buf_str(&out));
}
#define IN_STATE(state, n) "outlayer_execution_state_seconds_count{state=\"" state "\"} " n "\n"

// If this fails, operators with one of the forms do not see where the time of executions goes.
static void test_how_long_in_each_state(void **state) {
    struct world w;
    bool changed;
    world_open_on(&w, state, 600000);
    assert_true(create(&w, 1));
    struct test_lease one = poll_one(&w);
    assert_int_equal(hand_over(&w, &one, QUEUE_BUILD), QUEUE_OK);
    one = poll_one(&w);
    assert_int_equal(beat(&w, &one, EXECUTION_EVENT_BUILD, 0), QUEUE_OK);
    restart(&w); // what came before counts, too
    assert_int_equal(beat(&w, &one, EXECUTION_EVENT_RUN, 0), QUEUE_OK);
    assert_figure(&w, IN_STATE("queued", "0"));
    assert_int_equal(end_well(&w, &one, &changed), QUEUE_OK);
    assert_figure(&w, IN_STATE("queued", "2"));
    assert_figure(&w, IN_STATE("leased", "2"));
    assert_figure(&w, IN_STATE("building", "1"));
    assert_figure(&w, IN_STATE("running", "1"));
    assert_figure(&w, IN_STATE("submitting", "0"));
    assert_int_equal(end_well(&w, &one, &changed), QUEUE_OK); // once more
    assert_false(changed);
    assert_figure(&w, IN_STATE("running", "1"));
    world_close(&w);
}

// One that nobody took was queued all the time.
static void test_how_long_one_waited_in_vain(void **state) {
    struct world w;
    world_open_on(&w, state, 1000);
    assert_true(create(&w, 1));
    wait_until_expired(&w, 1);
    assert_figure(&w, "outlayer_execution_state_seconds_bucket{state=\"queued\",le=\"0.5\"} 0\n");
    assert_figure(&w, IN_STATE("queued", "1"));
    world_close(&w);
}

static double oldest_seconds(struct world *w) {
    SCOPED_BUF(out, FIGURES_MAX);
    queue_figures(w->q, &out);
    const char *at = strstr(buf_str(&out), "\noutlayer_queue_oldest_seconds ");
    assert_non_null(at);
    return strtod(strchr(at, ' '), NULL);
}

static void assert_oldest(struct world *w, double seconds) {
    double is = oldest_seconds(w);
    assert_true(is >= seconds && is < seconds + 100);
}

// If this fails, operators do not see that something waits that no worker takes.
static void test_the_oldest_that_is_queued(void **state) {
    struct world w;
    bool changed;
    world_open_on(&w, state, 6000000);
    assert_oldest(&w, 0);
    for (uint64_t i = 1; i <= 3; i++)
        assert_true(create(&w, i));
    restart_after(&w, "UPDATE executions SET created_ms = created_ms - 100000 * (4 - request_id)");
    assert_oldest(&w, 300);
    struct test_lease one = poll_one(&w);
    restart(&w); // the form for many looks now and then
    assert_oldest(&w, 200);
    assert_int_equal(give_back(&w, &one), QUEUE_OK);
    restart(&w);
    assert_oldest(&w, 300);
    for (struct test_lease l; (l = poll_as(&w, TEST_WAIT_S, NULL, NULL)).id != 1;)
        assert_int_equal(end_well(&w, &l, &changed), QUEUE_OK);
    restart(&w);
    assert_oldest(&w, 0);
    world_close(&w);
}

// Stops this process for so long; a child of it lets it go on.
static void stand_still(unsigned seconds) {
    int status;
    pid_t parent = getpid(), child = fork();
    if (!child) {
        sleep(seconds);
        kill(parent, SIGCONT);
        _exit(0);
    }
    assert_true(child > 0);
    assert_int_equal(raise(SIGSTOP), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
}

// If this fails, a coordinator that stood still for a moment (a paused machine, a disk that hangs) takes away all that
// its workers hold, as nobody could confirm a lease meanwhile: everything is run twice.
static void test_a_process_that_stood_still(void **state) {
    struct world w;
    struct queue_counts counts;
    bool changed;
    world_open_on(&w, state, 600000);
    w.loses = true;
    restart(&w);
    assert_true(create(&w, 1));
    struct test_lease one = poll_one(&w); // to be confirmed within LEASE_CONFIRM_MS
    stand_still(LEASE_CONFIRM_MS / 1000 + 1);
    assert_int_equal(poll_as(&w, 1, NULL, NULL).id, 0); // and time goes on before its worker is heard
    assert_int_equal(beat(&w, &one, EXECUTION_EVENT_RUN, 0), QUEUE_OK);
    queue_counts(w.q, &counts);
    assert_int_equal(counts.leases_lost, 0);
    assert_int_equal(end_well(&w, &one, &changed), QUEUE_OK);
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_creates_at_once),
                                       cmocka_unit_test(test_a_failed_cancel),
                                       ON_BOTH_FORMS(test_a_cancel_again),
                                       ON_BOTH_FORMS(test_a_replaced_end),
                                       ON_BOTH_FORMS(test_a_refusal_by_nobody),
                                       cmocka_unit_test(test_expiry),
                                       ON_BOTH_FORMS(test_expiry_from_sleep),
                                       ON_BOTH_FORMS(test_how_long_in_each_state),
                                       ON_BOTH_FORMS(test_how_long_one_waited_in_vain),
                                       ON_BOTH_FORMS(test_no_token_fills_the_queue),
                                       ON_BOTH_FORMS(test_the_oldest_that_is_queued),
                                       ON_BOTH_FORMS(test_leases_outlive_a_restart),
                                       ON_BOTH_FORMS(test_an_older_program),
                                       ON_BOTH_FORMS(test_a_process_that_stood_still),
                                       cmocka_unit_test(test_a_lease_lasts_until_its_end_is_stored),
                                       cmocka_unit_test(test_an_end_waits_for_the_writer)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
