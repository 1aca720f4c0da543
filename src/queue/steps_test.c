// SPDX-License-Identifier: Apache-2.0
// Workers that only build and workers that only run serve the same executions.
#include "queue/test_queue.h"

// If this fails, a worker gets what it cannot do, or what it could do waits for ever.
static void each_does_its_step(void **state) {
    struct world w;
    world_open_on(&w, state, 600000);
    assert_true(create(&w, 1));
    assert_int_equal(poll_to(&w, QUEUE_BUILD, 0).id, 0);
    struct test_lease one = poll_to(&w, QUEUE_RUN, 0);
    assert_true(one.id == 1 && one.attempt == 1 && one.handed == 0);
    assert_int_equal(hand_over(&w, &one, QUEUE_BUILD), QUEUE_OK);
    assert_int_equal(hand_over(&w, &one, QUEUE_BUILD), QUEUE_LOST); // it was, once
    assert_int_equal(poll_to(&w, QUEUE_RUN, 0).id, 0);
    one = poll_to(&w, QUEUE_BUILD, 0);
    assert_true(one.id == 1 && one.attempt == 1 && one.handed == 1); // no attempt has failed
    assert_int_equal(beat(&w, &one, EXECUTION_EVENT_BUILD, 0), QUEUE_OK);
    assert_int_equal(hand_over(&w, &one, QUEUE_RUN), QUEUE_OK);
    assert_int_equal(poll_to(&w, QUEUE_BUILD, 0).id, 0);
    one = poll_to(&w, QUEUE_RUN, 0);
    assert_true(one.id == 1 && one.attempt == 1 && one.handed == 2);
    bool changed;
    assert_int_equal(end_well(&w, &one, &changed), QUEUE_OK);
    assert_int_equal(hand_over(&w, &one, QUEUE_BUILD), QUEUE_UNKNOWN); // it is over
    world_close(&w);
}

// If this fails, a restart sends what waits to be built, or is being built, to workers that cannot do that.
static void a_step_outlives_a_restart(void **state) {
    struct world w;
    world_open_on(&w, state, 600000);
    assert_true(create(&w, 1) && create(&w, 2));
    for (int i = 0; i < 2; i++) {
        struct test_lease one = poll_to(&w, QUEUE_RUN, 0);
        assert_int_equal(hand_over(&w, &one, QUEUE_BUILD), QUEUE_OK);
    }
    struct test_lease held = poll_to(&w, QUEUE_BUILD, 0);
    assert_int_equal(held.id, 1);
    restart(&w);
    assert_int_equal(poll_to(&w, QUEUE_RUN, 0).id, 0);
    assert_int_equal(hand_over(&w, &held, QUEUE_RUN), QUEUE_OK);
    assert_int_equal(poll_to(&w, QUEUE_RUN, 0).id, 1);
    struct test_lease other = poll_to(&w, QUEUE_BUILD, 0);
    assert_true(other.id == 2 && other.handed == 1);
    assert_int_equal(give_back(&w, &other), QUEUE_OK); // a failed attempt changes nothing of what is next
    assert_int_equal(poll_to(&w, QUEUE_RUN, 0).id, 0);
    other = poll_to(&w, QUEUE_BUILD, TEST_WAIT_S);
    assert_true(other.id == 2 && other.attempt == 2 && other.handed == 1);
    world_close(&w);
}

// If this fails, two workers that disagree hand an execution to each other as fast as they can.
static void disagreement_has_an_end(void **state) {
    struct world w;
    world_open_on(&w, state, 600000);
    assert_true(create(&w, 1));
    for (unsigned i = 0; i < HANDED_MAX; i++) {
        struct test_lease one = poll_to(&w, step_of(i), 0);
        assert_true(one.id == 1 && one.attempt == 1 && one.handed == i);
        assert_int_equal(hand_over(&w, &one, step_of(i + 1)), QUEUE_OK);
    }
    struct test_lease last = poll_to(&w, QUEUE_RUN, 0);
    assert_int_equal(hand_over(&w, &last, QUEUE_BUILD), QUEUE_OK);
    last = poll_to(&w, QUEUE_RUN, TEST_WAIT_S);
    assert_true(last.id == 1 && last.attempt == 2 && last.handed == HANDED_MAX);
    world_close(&w);
}

// If this fails, what waits for who builds at the last hand-over but one stays with them: each builds it, and none of
// them can hand it to who runs.
static void the_last_hand_over_is_to_who_runs(void **state) {
    struct world w;
    world_open_on(&w, state, 600000);
    assert_true(create(&w, 1));
    for (unsigned i = 0; i < HANDED_MAX - 1; i++) {
        struct test_lease one = poll_to(&w, step_of(i), 0);
        assert_int_equal(hand_over(&w, &one, step_of(i + 1)), QUEUE_OK);
    }
    struct test_lease one = poll_to(&w, QUEUE_BUILD, 0);
    assert_int_equal(one.handed, HANDED_MAX - 1);
    assert_int_equal(hand_over(&w, &one, QUEUE_BUILD), QUEUE_OK); // would be two more
    one = poll_to(&w, QUEUE_BUILD, TEST_WAIT_S);
    assert_true(one.id == 1 && one.attempt == 2 && one.handed == HANDED_MAX - 1);
    assert_int_equal(hand_over(&w, &one, QUEUE_RUN), QUEUE_OK);
    one = poll_to(&w, QUEUE_RUN, 0);
    assert_true(one.id == 1 && one.attempt == 2 && one.handed == HANDED_MAX);
    world_close(&w);
}

// If this fails, a worker that does not build can send nothing but good words to itself, and nobody hears of it.
static void to_its_own_kind_counts_too(void **state) {
    struct world w;
    world_open_on(&w, state, 600000);
    assert_true(create(&w, 1));
    struct test_lease one = poll_one(&w);
    assert_int_equal(hand_over(&w, &one, QUEUE_RUN), QUEUE_OK);
    one = poll_to(&w, QUEUE_RUN, 0);
    assert_true(one.id == 1 && one.handed == 2);
    world_close(&w);
}

// Leased by who only builds, though it is a run: nobody began it in time.
static struct test_lease lease_what_is_too_late(struct world *w) {
    bool created;
    assert_true(create_as(w, 1, NULL, NULL, clock_wall_ms() + 600000, &created) && created);
    sql(w, "UPDATE executions SET created_ms = created_ms - 570000");
    sql(w, "UPDATE queue_items SET dead_at_ms = dead_at_ms - 570000");
    restart(w);
    struct test_lease one = poll_to(w, QUEUE_BUILD, TEST_WAIT_S);
    assert_true(one.id == 1 && one.too_late);
    return one;
}

// If this fails, who pays for what nobody can build or run is told nothing before the time on chain is over.
static void what_is_too_late_is_anybodys(void **state) {
    struct world w;
    world_open_on(&w, state, 600000);
    (void)lease_what_is_too_late(&w);
    world_close(&w);
}

static struct queue_poll poll_of(struct test_answer *a, struct arena *arena, enum queue_step cannot) {
    struct queue_poll x = {.call = call_new(a), .arena = arena, .worker_id = "w", .wait_s = TEST_WAIT_S};
    x.cannot[cannot] = true;
    return x;
}

// If this fails, who only builds gets back at once what it has handed to those who run, and hands it over again.
static void what_was_too_late_goes_to_who_can(void **state) {
    struct world w;
    struct test_answer builds, runs;
    SCOPED_ARENA(arena);
    world_open_on(&w, state, 600000);
    struct test_lease one = lease_what_is_too_late(&w);
    if (w.url) // nor is it found to be too late again while this test looks
        sql(&w, "UPDATE executions SET created_ms = created_ms + 570000");
    struct queue_poll builder = poll_of(&builds, arena, QUEUE_RUN), runner = poll_of(&runs, arena, QUEUE_BUILD);
    queue_poll(w.q, &builder);
    queue_poll(w.q, &runner);
    assert_int_equal(hand_over(&w, &one, QUEUE_RUN), QUEUE_OK);
    assert_true(wait_for(&runs));
    assert_true(runner.leased && runner.handed == 2);
    assert_true(create(&w, 2)); // the other waits still
    one = poll_to(&w, QUEUE_RUN, TEST_WAIT_S);
    assert_int_equal(hand_over(&w, &one, QUEUE_BUILD), QUEUE_OK);
    assert_true(wait_for(&builds) && builder.leased && builder.handed == 1);
    world_close(&w);
}

// If this fails, a worker that waits is not woken by what is handed over to it.
static void who_waits_is_woken(void **state) {
    struct world w;
    struct test_answer a;
    SCOPED_ARENA(arena);
    world_open_on(&w, state, 600000);
    struct queue_poll x = {.call = call_new(&a), .arena = arena, .worker_id = "builder", .wait_s = TEST_WAIT_S};
    x.cannot[QUEUE_RUN] = true;
    queue_poll(w.q, &x);
    assert_true(create(&w, 1));
    struct test_lease one = poll_to(&w, QUEUE_RUN, TEST_WAIT_S);
    assert_int_equal(one.id, 1);
    uint64_t began = clock_mono_ms();
    assert_int_equal(hand_over(&w, &one, QUEUE_BUILD), QUEUE_OK);
    assert_true(wait_for(&a));
    assert_true(x.leased && x.handed == 1);
    assert_true(clock_mono_ms() - began < 900 * TEST_WAIT_S); // and not by the end of its wait
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_BOTH_FORMS(each_does_its_step),           ON_BOTH_FORMS(a_step_outlives_a_restart),
        ON_BOTH_FORMS(disagreement_has_an_end),      ON_BOTH_FORMS(to_its_own_kind_counts_too),
        ON_BOTH_FORMS(what_is_too_late_is_anybodys), ON_BOTH_FORMS(what_was_too_late_goes_to_who_can),
        ON_BOTH_FORMS(who_waits_is_woken),           ON_BOTH_FORMS(the_last_hand_over_is_to_who_runs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
