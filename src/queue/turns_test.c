// SPDX-License-Identifier: Apache-2.0
// Who is served first, and who is told that it is too late.
#include "queue/local.h"
#include "queue/test_queue.h"

#include <sched.h>

static void put(struct world *w, uint64_t id, const char *payer, const char *target, uint64_t dead_at_ms) {
    bool created;
    assert_true(create_as(w, id, payer, target, dead_at_ms, &created));
    assert_true(created);
}

// Its delay is over: it waits for nothing but a worker.
static void wait_until_free(struct world *w, uint64_t id) {
    if (w->url) {
        while (!rows_of(w, "SELECT count(*) AS n FROM queue_items WHERE request_id = 1 AND not_before_ms > 0 AND "
                           "not_before_ms <= " NOW_MS_POSTGRES))
            sched_yield();
        return;
    }
    struct local *l = (struct local *)w->q;
    const struct execution_key key = {"a.near", id};
    for (bool is_free = false; !is_free; sched_yield()) {
        pthread_mutex_lock(&l->mutex);
        is_free = (*item_find(l, &key))->lane;
        pthread_mutex_unlock(&l->mutex);
    }
}

// Nobody is in a hurry: what was created becomes too late in `late_in_ms`, and is over a minute after that.
static uint64_t set_late_in(struct world *w, uint64_t id, int64_t late_in_ms) {
    uint64_t late_at = clock_wall_ms() + (uint64_t)late_in_ms;
    char text[256];
    snprintf(
        text, sizeof text,
        "UPDATE executions SET created_ms = %llu WHERE request_id = %llu; UPDATE queue_items SET dead_at_ms = %llu "
        "WHERE execution_id = (SELECT id FROM executions WHERE request_id = %llu)",
        (unsigned long long)late_at - 540000, (unsigned long long)id, (unsigned long long)late_at + 60000,
        (unsigned long long)id);
    restart_after(w, text);
    return late_at;
}

static void assert_next(struct world *w, uint64_t id) { assert_int_equal(poll_one(w).id, id); }

// If this fails, whoever asks a thousand times keeps everybody else waiting, or one who comes late is served before
// all.
static void payers_take_turns(void **state) {
    struct world w;
    world_open_on(&w, state, 600000);
    for (uint64_t i = 1; i <= 6; i++)
        put(&w, i, "alice", NULL, 0);
    assert_next(&w, 1);
    assert_next(&w, 2);
    put(&w, 11, "bob", NULL, 0); // not before what was served already
    put(&w, 12, "bob", NULL, 0);
    put(&w, 21, "carol", NULL, 0);
    assert_next(&w, 11);
    restart(&w); // turns are kept
    assert_next(&w, 21);
    assert_next(&w, 3);
    put(&w, 13, "bob", NULL, 0);
    put(&w, 22, "carol", NULL, 0); // none of hers waits: her turn is the one that is served
    const uint64_t rest[] = {12, 22, 4, 13, 5, 6, 0};
    for (size_t i = 0; i < ARRAY_LEN(rest); i++)
        assert_next(&w, rest[i]);
    world_close(&w);
}

// If this fails, an execution that a worker gave back waits behind all that came later.
static void a_turn_is_kept(void **state) {
    struct world w;
    world_open_on(&w, state, 600000);
    for (uint64_t i = 1; i <= 3; i++)
        put(&w, i, "alice", NULL, 0);
    struct test_lease first = poll_one(&w);
    assert_int_equal(give_back(&w, &first), QUEUE_OK);
    wait_until_free(&w, 1);
    for (uint64_t i = 1; i <= 3; i++)
        assert_next(&w, i);
    world_close(&w);
}

// If this fails, a worker is given what it cannot do, or another contract's.
static void lanes_are_apart(void **state) {
    struct world w;
    world_open_on(&w, state, 600000);
    put(&w, 1, "alice", "one", 0);
    put(&w, 2, "alice", "two", 0);
    put(&w, 3, "alice", "one", 0);
    assert_int_equal(poll_as(&w, 0, NULL, "other,on").id, 0);
    assert_int_equal(poll_as(&w, 0, "b.near", NULL).id, 0);
    assert_int_equal(poll_as(&w, 0, NULL, "other,two").id, 2);
    assert_int_equal(poll_as(&w, 0, "a.near", "one").id, 1);
    assert_int_equal(poll_as(&w, 0, NULL, "two,one").id, 3);
    world_close(&w);
}

#define TARGETS 5000

// If this fails, a payer who makes up targets has each poll look at all of them, and no lease is confirmed meanwhile.
static void many_targets_cost_a_poll_nothing(void **state) {
    (void)state;
    struct world w;
    char target[24];
    struct test_answer answers[16];
    world_open(&w, 600000);
    const struct local *l = (const struct local *)w.q;
    for (uint64_t i = 1; i <= TARGETS; i += ARRAY_LEN(answers)) {
        struct queue_create x[ARRAY_LEN(answers)];
        char names[ARRAY_LEN(answers)][24], json[ARRAY_LEN(answers)][24];
        for (size_t k = 0; k < ARRAY_LEN(answers); k++) {
            snprintf(names[k], sizeof names[k], "made-up-%u", (unsigned)(i + k));
            snprintf(json[k], sizeof json[k], "%u", (unsigned)(i + k));
            x[k] = (struct queue_create){.call = call_new(&answers[k]),
                                         .key = {"a.near", i + k},
                                         .build_target = names[k],
                                         .payer = "mallory",
                                         .json = json[k],
                                         .about = "{}"};
            queue_create(w.q, &x[k]);
        }
        for (size_t k = 0; k < ARRAY_LEN(answers); k++)
            assert_true(wait_for(&answers[k]));
    }
    put(&w, TARGETS + 100, "alice", "one", 0);
    uint64_t seen = l->lanes_seen;
    assert_int_equal(poll_as(&w, 0, NULL, "two,one").id, TARGETS + 100);
    assert_int_equal(poll_as(&w, 0, NULL, "two,one").id, 0);
    assert_int_equal(poll_as(&w, 0, "a.near", NULL).id, 1);
    snprintf(target, sizeof target, "x,made-up-%u", TARGETS);
    assert_int_equal(poll_as(&w, 0, NULL, target).id, TARGETS);
    assert_in_range(l->lanes_seen - seen, 4, 80); // ten slots were looked at, of which each has one or two
    world_close(&w);
}

// If this fails, what nobody can begin any more takes a worker's time, or its payer waits for nothing.
static void what_is_too_late_is_told(void **state) {
    struct world w;
    bool changed;
    world_open_on(&w, state, 600000);
    put(&w, 1, "alice", "one", clock_wall_ms() + 600000);
    put(&w, 2, "alice", "two", 0);
    put(&w, 3, "alice", "one", clock_wall_ms() + 600000);
    assert_int_equal(poll_as(&w, 0, "b.near", NULL).id, 0);
    struct test_lease two = poll_as(&w, TEST_WAIT_S, NULL, "two");
    assert_false(two.too_late);
    uint64_t late_at = set_late_in(&w, 1, 1000);
    struct test_lease late = poll_as(&w, TEST_WAIT_S, NULL, "none of these"); // whatever it can do
    assert_int_equal(late.id, 1);
    assert_true(late.too_late);
    assert_in_range(clock_wall_ms(), late_at, late_at + 900 * TEST_WAIT_S); // woken by it, not at the poll's end
    assert_int_equal(end_well(&w, &late, &changed), QUEUE_OK);
    assert_true(changed);
    assert_false(poll_as(&w, 0, NULL, "one").too_late);
    world_close(&w);
}

// If this fails, one that was extended is called too late by the clock of before.
static void an_extension_moves_it(void **state) {
    struct world w;
    world_open_on(&w, state, 600000);
    put(&w, 1, "alice", NULL, clock_wall_ms() + 600000);
    struct test_lease one = poll_one(&w);
    restart(&w); // its lease is stored: what is new in its row is the extension
    assert_int_equal(beat(&w, &one, EXECUTION_EVENT_COUNT, clock_wall_ms() + 1200000), QUEUE_OK);
    restart_after(&w, "UPDATE executions SET created_ms = created_ms - 600000;" // its first time is over
                      "UPDATE queue_items SET dead_at_ms = dead_at_ms - 600000");
    assert_int_equal(give_back(&w, &one), QUEUE_OK);
    one = poll_as(&w, TEST_WAIT_S, NULL, NULL);
    assert_int_equal(one.attempt, 2);
    assert_false(one.too_late);
    world_close(&w);
}

// If this fails, one that was extended after all stays among those that are only answered.
static void an_extension_makes_it_timely(void **state) {
    struct world w;
    world_open_on(&w, state, 600000);
    put(&w, 1, "alice", NULL, clock_wall_ms() + 600000);
    sql(&w, "UPDATE executions SET created_ms = created_ms - 570000");
    sql(&w, "UPDATE queue_items SET dead_at_ms = dead_at_ms - 570000");
    restart(&w); // as old as its rows say
    struct test_lease one = poll_as(&w, TEST_WAIT_S, NULL, "none of these");
    assert_true(one.id == 1 && one.too_late);
    assert_int_equal(beat(&w, &one, EXECUTION_EVENT_COUNT, clock_wall_ms() + 600000), QUEUE_OK);
    assert_int_equal(give_back(&w, &one), QUEUE_OK);
    one = poll_as(&w, TEST_WAIT_S, NULL, NULL);
    assert_true(one.id == 1 && !one.too_late);
    world_close(&w);
}

// If this fails, a worker whose clock is some minutes behind ends whatever it is the first to record, and nobody asks
// the chain, which alone knows.
static void dead_on_arrival(void **state) {
    struct world w;
    world_open_on(&w, state, 600000);
    put(&w, 1, "alice", NULL, 1);
    put(&w, 2, "alice", NULL, clock_wall_ms() - 1000);
    assert_int_equal(rows_of(&w, "SELECT count(*) AS n FROM executions e JOIN queue_items q ON q.execution_id = e.id "
                                 "WHERE q.dead_at_ms = e.created_ms + 600000"),
                     2); // as of one that says no deadline
    for (uint64_t i = 1; i <= 2; i++) {
        struct test_lease l = poll_one(&w);
        assert_true(l.id == i && !l.too_late);
    }
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {ON_BOTH_FORMS(payers_take_turns),
                                       ON_BOTH_FORMS(a_turn_is_kept),
                                       ON_BOTH_FORMS(lanes_are_apart),
                                       cmocka_unit_test(many_targets_cost_a_poll_nothing),
                                       ON_BOTH_FORMS(what_is_too_late_is_told),
                                       ON_BOTH_FORMS(an_extension_moves_it),
                                       ON_BOTH_FORMS(an_extension_makes_it_timely),
                                       ON_BOTH_FORMS(dead_on_arrival)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
