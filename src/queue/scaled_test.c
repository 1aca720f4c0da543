// SPDX-License-Identifier: Apache-2.0
// Several coordinators on one database: what each of them promises holds whichever is asked next.
#include "base/patience.h"
#include "queue/scaled.h"
#include "queue/test_queue.h"
#include "store/test_proxy.h"
#include <sched.h>

struct two {
    struct world one, two;
};

static void two_open(struct two *w, void **state) {
    world_open_on(&w->one, state, 600000);
    world_open_on(&w->two, state, 600000);
}

static void two_close(struct two *w) {
    world_close(&w->one);
    world_close(&w->two);
}

static struct world *either(struct two *w, uint64_t i) { return i % 2 ? &w->one : &w->two; }

static void assert_end(struct world *w, const struct test_lease *l, enum queue_answer want, bool want_changed) {
    bool changed;
    assert_int_equal(end_well(w, l, &changed), want);
    assert_int_equal(changed, want_changed);
}

// --- tests

#define TAKERS 8
#define TAKEN 200
struct taker {
    struct world *q;
    uint64_t ids[TAKEN];
    size_t count;
    pthread_t thread;
};

static void *take_all(void *ctx) {
    struct taker *t = ctx;
    for (struct test_lease l; (l = poll_one(t->q)).id; t->count++)
        t->ids[t->count] = l.id;
    return NULL;
}

// If this fails, two workers run the same request, or one that waits is passed over.
static void test_each_is_leased_once(void **state) {
    struct two w;
    static struct taker takers[TAKERS];
    bool seen[TAKEN + 1] = {0};
    size_t all = 0;
    two_open(&w, state);
    for (uint64_t i = 1; i <= TAKEN; i++)
        assert_true(create(either(&w, i), i));
    for (int i = 0; i < TAKERS; i++) {
        takers[i] = (struct taker){.q = either(&w, (uint64_t)i)};
        assert_int_equal(pthread_create(&takers[i].thread, NULL, take_all, &takers[i]), 0);
    }
    for (int i = 0; i < TAKERS; i++) {
        pthread_join(takers[i].thread, NULL);
        all += takers[i].count;
        for (size_t k = 0; k < takers[i].count; k++) {
            assert_false(seen[takers[i].ids[k]]);
            seen[takers[i].ids[k]] = true;
        }
    }
    // Who found all that is free locked by another's claim heard "nothing": the next question gets it.
    for (struct test_lease l; (l = poll_one(&w.one)).id; all++)
        assert_false(seen[l.id]);
    assert_int_equal(all, TAKEN);
    two_close(&w);
}

// If this fails, a worker that reaches another coordinator than before loses its work, or its end is stored twice.
static void test_either_will_do(void **state) {
    struct two w;
    two_open(&w, state);
    assert_true(create(&w.one, 1));
    assert_false(create(&w.two, 1)); // it is known
    struct test_lease l = poll_as(&w.two, TEST_WAIT_S, NULL, "x,t");
    assert_int_equal(l.id, 1);
    struct test_lease other = l;
    other.token[0] = other.token[0] == 'a' ? 'b' : 'a';
    assert_int_equal(beat(&w.one, &l, EXECUTION_EVENT_RUN, 0), QUEUE_OK);
    assert_int_equal(beat(&w.one, &other, EXECUTION_EVENT_RUN, 0), QUEUE_LOST);
    assert_end(&w.one, &other, QUEUE_LOST, false);
    assert_end(&w.one, &l, QUEUE_OK, true);
    assert_end(&w.two, &l, QUEUE_OK, false);
    assert_end(&w.two, &other, QUEUE_UNKNOWN, false);
    assert_int_equal(beat(&w.two, &l, EXECUTION_EVENT_RUN, 0), QUEUE_UNKNOWN);
    assert_int_equal((int)rows_of(&w.one, "SELECT count(*) AS n FROM queue_items"), 0);
    assert_int_equal((int)rows_of(&w.one, "SELECT CAST(sum(succeeded) AS BIGINT) AS n FROM totals"), 1);
    assert_int_equal((int)rows_of(&w.one, "SELECT CAST(sum(instructions) AS BIGINT) AS n FROM totals"), 1);
    two_close(&w);
}

static void *start_it(void *ctx) {
    world_start(ctx);
    return NULL;
}

// If this fails, what an older program left, and another coordinator ends while this one starts, is handed out again.
static void test_an_older_one_that_ends_meanwhile(void **state) {
    struct two w;
    struct err e;
    pthread_t thread;
    two_open(&w, state);
    world_stop(&w.two);
    assert_true(create(&w.one, 1));
    sql(&w.one, "BEGIN; DELETE FROM queue_items; COMMIT");
    // Another one has just queued it: who starts now does not see that yet, and waits for it to be known.
    sql(&w.one, "BEGIN; INSERT INTO queue_items (execution_id, contract_id, request_id, build_target, payer, turn, "
                "dead_at_ms) SELECT id, contract_id, request_id, 't', 'p', 0, created_ms + 600000 FROM executions");
    assert_int_equal(pthread_create(&thread, NULL, start_it, &w.two), 0);
    struct db *looking;
    assert_ok(db_open(&looking, w.one.url, &e), &e);
    struct world by = {.reading = looking};
    while (!rows_of(&by, "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND "
                         "wait_event_type = 'Lock' AND query LIKE 'INSERT INTO queue_items%'"))
        sched_yield();
    sql(&w.one, "DELETE FROM queue_items; UPDATE executions SET state = 'settled', outcome = 'success', ended_ms = "
                "created_ms; COMMIT");
    pthread_join(thread, NULL);
    assert_int_equal((int)rows_of(&by, "SELECT count(*) AS n FROM queue_items"), 0);
    assert_int_equal((int)poll_one(&w.two).id, 0);
    db_close(looking);
    two_close(&w);
}

// If this fails, the first minute of a new database is slow, until PostgreSQL knows how many rows it has: each end
// reads all ends before it.
static void test_a_young_table(void **state) {
    enum { ENDS = 300 };
    struct world w;
    world_open_on(&w, state, 600000);
    for (uint64_t i = 1; i <= ENDS; i++) {
        assert_true(create(&w, i));
        struct test_lease l = poll_one(&w);
        assert_end(&w, &l, QUEUE_OK, true);
        assert_false(create(&w, i)); // as the next worker that saw the event
    }
    world_stop(&w); // a connection tells what it read when it ends
    world_start(&w);
    uint64_t each = 0;
    for (uint64_t end = deadline_in(1000 * TEST_WAIT_S); !each && clock_mono_ms() < end;)
        each = rows_of(&w, "SELECT CAST(sum(seq_tup_read + idx_tup_fetch) AS BIGINT) AS n FROM pg_stat_user_tables "
                           "WHERE relname = 'executions'") /
               ENDS;
    assert_in_range(each, 1, 20);
    world_close(&w);
}

static struct queue_poll poll_new(struct test_answer *a, struct arena *arena) {
    return (struct queue_poll){.call = call_new(a), .arena = arena, .worker_id = "w", .wait_s = TEST_WAIT_S};
}

// A poll was looked at once, and nothing was there for it.
static void wait_until_parked(struct world *w) {
    struct scaled *s = (struct scaled *)w->q;
    for (bool parked = false; !parked; sched_yield()) {
        pthread_mutex_lock(&s->mutex);
        parked = s->parked.count;
        pthread_mutex_unlock(&s->mutex);
    }
}

// If this fails, who waits at one coordinator does not get what another one has queued.
static void test_a_poll_at_the_other(void **state) {
    struct two w;
    struct test_answer a;
    struct queue_counts c = {0};
    SCOPED_ARENA(arena);
    two_open(&w, state);
    struct queue_poll x = poll_new(&a, arena);
    queue_poll(w.two.q, &x);
    wait_until_parked(&w.two);
    assert_true(create(&w.one, 1));
    assert_true(wait_for(&a) && x.leased);
    assert_string_equal(x.json, "1");
    for (uint64_t until = deadline_in(1000 * TEST_WAIT_S); c.created < 1 || !c.by_state[EXECUTION_LEASED];) {
        assert_true(clock_mono_ms() < until && patience_pause(&(struct patience){0}, 5));
        queue_counts(w.two.q, &c);
    }
    two_close(&w);
}

// If this fails, what a coordinator that was killed had given to a worker is never served again.
static void test_a_lost_lease(void **state) {
    struct two w;
    two_open(&w, state);
    w.one.loses = true;
    restart(&w.one);
    assert_true(create(&w.one, 1));
    struct test_lease first = poll_one(&w.one);
    assert_int_equal(first.id, 1);
    world_stop(&w.one); // nobody confirms the lease
    struct test_lease second = poll_as(&w.two, TEST_WAIT_S, NULL, NULL);
    assert_int_equal(second.id, 1);
    assert_int_equal(second.attempt, 2);
    assert_end(&w.two, &first, QUEUE_LOST, false);
    assert_end(&w.two, &second, QUEUE_OK, true);
    world_start(&w.one);
    two_close(&w);
}

// If this fails, who sends many requests holds up everybody else's.
static void test_turns(void **state) {
    static const char *const payers[] = {"a", "a", "a", "b", "c", "b"};
    static const uint64_t order[] = {1, 4, 5, 2, 6, 3};
    struct two w;
    bool created;
    two_open(&w, state);
    for (unsigned i = 0; i < ARRAY_LEN(payers); i++)
        assert_true(create_as(either(&w, i), i + 1, payers[i], NULL, 0, &created));
    for (unsigned i = 0; i < ARRAY_LEN(order); i++)
        assert_int_equal(poll_one(either(&w, i)).id, order[i]);
    two_close(&w);
}

// If this fails, who paid for a request that cannot begin any more waits for the money until the end of its time.
static void test_too_late(void **state) {
    struct two w;
    two_open(&w, state);
    assert_true(create(&w.one, 1));
    assert_true(create(&w.one, 2));
    assert_int_equal(poll_as(&w.one, 0, NULL, "another").id, 0);
    sql(&w.one, "UPDATE executions SET created_ms = created_ms - 570000 WHERE request_id = 2");
    sql(&w.one, "UPDATE queue_items SET dead_at_ms = dead_at_ms - 570000 WHERE request_id = 2");
    struct test_lease l = poll_as(&w.one, TEST_WAIT_S, NULL, "another"); // whoever it is
    assert_true(l.id == 2 && l.too_late);
    l = poll_one(&w.two);
    assert_true(l.id == 1 && !l.too_late);
    two_close(&w);
}

// If this fails, one call that the database does not take fails those that came with it; or text comes back changed.
static bool create_text(struct world *w, uint64_t id, const char *payer, const char *json) {
    struct test_answer a;
    struct queue_create x = {
        .call = call_new(&a), .key = {"a.near", id}, .build_target = "t", .payer = payer, .json = json, .about = "{}"};
    queue_create(w->q, &x);
    return wait_for(&a);
}

static void test_odd_text(void **state) {
    static const char json[] = "9 {\"a\":\"\\u0000 \\\\\\\" {x,y} NULL ä\\n\"}";
    struct two w;
    struct test_answer a;
    SCOPED_ARENA(arena);
    two_open(&w, state);
    assert_true(create_text(&w.one, 9, "{a,\"b\\", json));
    assert_int_equal(poll_as(&w.one, 0, "\xff", "\xff").id, 0);
    struct queue_poll x = {.call = call_new(&a), .arena = arena, .worker_id = "\xff\xfe", .token_name = ""};
    queue_poll(w.one.q, &x);
    assert_true(wait_for(&a) && x.leased);
    assert_string_equal(x.json, json);
    assert_false(create_text(&w.one, 10, "p", "\xff")); // tasks are UTF-8; one that were not would fail alone
    assert_true(create(&w.one, 11));
    two_close(&w);
}

// If this fails, an end whose commit was in doubt can never be told, or is told twice.
static void test_commit_in_doubt(void **state) {
    struct two w;
    struct world cut = {.serve_ms = 600000};
    struct test_proxy proxy;
    enum queue_answer answer;
    bool changed;
    two_open(&w, state);
    test_proxy_start(&proxy, *state);
    cut.url = proxy.url;
    world_start(&cut);
    assert_true(create(&w.one, 1));
    struct test_lease l = poll_one(&w.one);
    test_proxy_break(&proxy, PROXY_CUT_AFTER, "success");
    assert_false(end(&cut, &l, &answer, &changed));
    assert_int_equal(rows_of(&w.one, "SELECT count(*) AS n FROM executions WHERE outcome = 'success'"), 1);
    assert_end(&cut, &l, QUEUE_OK, false);
    world_stop(&cut);
    test_proxy_stop(&proxy);
    two_close(&w);
}

// If this fails, a database that was away for longer than a lease lasts, or an upgrade of the only coordinator, takes
// away what workers are at, who could not confirm it: all of it is run once more.
static void wait_until_spared(struct db *db, const char *how_many) {
    uint64_t n = 1, end = deadline_in(1000 * TEST_WAIT_S);
    struct db_stmt *s;
    struct err e;
    bool row;
    while (n) {
        assert_true(clock_mono_ms() < end && patience_pause(&(struct patience){0}, 5));
        assert_ok(db_query(db, how_many, &s, &e) && db_step(db, s, &row, &e) && row, &e);
        n = (uint64_t)db_int(db, s, "n");
        assert_int_equal(db_int(db, s, "lost"), 0);
        db_done(db, s);
    }
}
#define RUN_OUT                                                                                                        \
    "SELECT count(*) FILTER (WHERE until_ms < extract(epoch FROM now()) * 1000) AS n, count(*) FILTER (WHERE stage "   \
    "IS NULL) AS lost FROM queue_items"

static void test_an_outage_voids_no_lease(void **state) {
    struct world w, cut = {.serve_ms = 600000, .database = {.connect_ms = 1500, .statement_ms = 1500}};
    struct test_proxy proxy;
    struct db *direct;
    struct err e;
    world_open_on(&w, state, 600000);
    assert_ok(db_open(&direct, w.url, &e), &e);
    assert_true(create(&w, 1));
    assert_true(create(&w, 2));
    struct test_lease started = poll_one(&w), away = poll_one(&w);
    restart_after(&w, "UPDATE queue_items SET until_ms = until_ms - 100000 WHERE request_id = 1");
    assert_int_equal(beat(&w, &away, EXECUTION_EVENT_RUN, 0), QUEUE_OK);
    wait_until_spared(direct, RUN_OUT);
    assert_int_equal(beat(&w, &started, EXECUTION_EVENT_RUN, 0), QUEUE_OK);
    world_stop(&w);
    test_proxy_start(&proxy, *state);
    cut.url = proxy.url;
    world_start(&cut);
    assert_int_equal(beat(&cut, &away, EXECUTION_EVENT_SUBMIT, 0), QUEUE_OK);
    test_proxy_break(&proxy, PROXY_SILENT, NULL);
    uint64_t end = deadline_in(3500); // longer than what is taken for an outage
    assert_ok(db_exec(direct, "UPDATE queue_items SET until_ms = until_ms - 100000 WHERE request_id = 2", &e), &e);
    while (clock_mono_ms() < end)
        assert_int_equal(poll_one(&cut).id, 0);
    test_proxy_break(&proxy, PROXY_PASS, NULL);
    wait_until_spared(direct, RUN_OUT);
    assert_int_equal(beat(&cut, &away, EXECUTION_EVENT_SUBMIT, 0), QUEUE_OK);
    world_stop(&cut);
    test_proxy_stop(&proxy);
    db_close(direct);
    world_start(&w);
    world_close(&w);
}

// If this fails, a coordinator that stops keeps those waiting who ask it, or takes leases with it.
static void test_stop(void **state) {
    struct two w;
    struct test_answer a;
    SCOPED_ARENA(arena);
    two_open(&w, state);
    struct queue_poll x = poll_new(&a, arena);
    queue_poll(w.one.q, &x);
    wait_until_parked(&w.one);
    uint64_t start = clock_mono_ms();
    queue_stop(w.one.q);
    assert_true(wait_for(&a) && !x.leased);
    assert_true(clock_mono_ms() - start < 1000 * TEST_WAIT_S); // and not at the end of its wait
    assert_true(create(&w.one, 1));                            // what is called is still served
    assert_int_equal(poll_one(&w.one).id, 0);
    assert_int_equal(poll_one(&w.two).id, 1);
    two_close(&w);
}

// If this fails, one coordinator of several that is restarted waits for all that any worker of any of them runs.
static void test_a_drain_is_its_own(void **state) {
    struct two w;
    two_open(&w, state);
    assert_true(create(&w.one, 1));
    struct test_lease l = poll_one(&w.one);
    assert_int_equal(beat(&w.one, &l, EXECUTION_EVENT_RUN, 0), QUEUE_OK);
    struct test_answer a;
    SCOPED_ARENA(arena);
    struct queue_poll x = poll_new(&a, arena);
    queue_poll(w.one.q, &x);
    uint64_t start = clock_mono_ms();
    assert_true(queue_drain(w.one.q, 60000));
    assert_true(wait_for(&a) && !x.leased);
    assert_true(clock_mono_ms() - start < 1000 * TEST_WAIT_S);               // and not at the end of its wait
    assert_int_equal(beat(&w.two, &l, EXECUTION_EVENT_SUBMIT, 0), QUEUE_OK); // its worker goes on at another one
    two_close(&w);
}

// If this fails, a worker that refuses one request gets no other, as that one stands first; or nobody gets that one.
static void test_a_refused_one_is_passed_over(void **state) {
    struct two w;
    struct test_answer answers[3];
    two_open(&w, state);
    for (uint64_t i = 1; i <= 2; i++)
        assert_true(create(&w.one, i));
    struct test_lease one = poll_by(&w.one, "a", 0, NULL, NULL);
    assert_int_equal(one.id, 1);
    struct queue_give_back give = {
        .call = call_new(&answers[0]), .key = {"a.near", 1}, .token = one.token, .bench = true};
    queue_give_back(w.one.q, &give);
    assert_true(wait_for(&answers[0]));
    struct test_lease two = poll_by(&w.one, "a", 0, NULL, NULL);
    assert_int_equal(two.id, 2);
    assert_int_equal(beat(&w.one, &two, EXECUTION_EVENT_COUNT, 0), QUEUE_OK); // it is held for long
    assert_int_equal(poll_by(&w.one, "a", 0, NULL, NULL).id, 0);
    SCOPED_ARENA(arena); // both wait at the coordinator that was not told
    struct queue_poll a = {.call = call_new(&answers[1]), .arena = arena, .worker_id = "a", .wait_s = 3},
                      b = {.call = call_new(&answers[2]), .arena = arena, .worker_id = "b", .wait_s = TEST_WAIT_S};
    queue_poll(w.two.q, &a);
    queue_poll(w.two.q, &b);
    assert_true(wait_for(&answers[1]) && wait_for(&answers[2]));
    assert_false(a.leased);
    assert_true(b.leased);
    two_close(&w);
}

// If this fails, whoever was right to refuse a false word does not get the true one; or its end is counted twice.
static void test_a_replaced_end(void **state) {
    struct two w;
    struct queue_counts c;
    struct test_answer answers[2];
    two_open(&w, state);
    assert_true(create(&w.one, 1));
    struct test_lease one = poll_by(&w.one, "a", 0, NULL, NULL);
    struct queue_give_back give = {
        .call = call_new(&answers[0]), .key = {"a.near", 1}, .token = one.token, .bench = true};
    queue_give_back(w.one.q, &give);
    assert_true(wait_for(&answers[0]));
    const struct queue_replace as = {.key = {"a.near", 1}, .build_target = "t", .payer = "p", .about = "{}"};
    struct queue_replace x = as;
    x.call = call_new(&answers[1]);
    x.was = "1";
    x.json = "7";
    queue_replace(w.one.q, &x);
    assert_true(wait_for(&answers[1]) && x.replaced);
    one = poll_by(&w.one, "a", 0, NULL, NULL);
    assert_int_equal(one.id, 7);
    one.id = 1; // its key
    assert_end(&w.one, &one, QUEUE_OK, true);
    x = as;
    x.call = call_new(&answers[1]);
    x.was = "7";
    x.json = "8";
    queue_replace(w.one.q, &x);
    assert_true(wait_for(&answers[1]) && x.replaced);
    restart(&w.two);
    queue_counts(w.two.q, &c);
    assert_int_equal(c.succeeded, 0);
    assert_int_equal(c.instructions, 0);
    two_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_POSTGRES(test_each_is_leased_once),
        ON_POSTGRES(test_either_will_do),
        ON_POSTGRES(test_an_older_one_that_ends_meanwhile),
        ON_POSTGRES(test_a_young_table),
        ON_POSTGRES(test_a_poll_at_the_other),
        ON_POSTGRES(test_a_lost_lease),
        ON_POSTGRES(test_turns),
        ON_POSTGRES(test_too_late),
        ON_POSTGRES(test_odd_text),
        ON_POSTGRES(test_commit_in_doubt),
        ON_POSTGRES(test_an_outage_voids_no_lease),
        ON_POSTGRES(test_stop),
        ON_POSTGRES(test_a_drain_is_its_own),
        ON_POSTGRES(test_a_refused_one_is_passed_over),
        ON_POSTGRES(test_a_replaced_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
