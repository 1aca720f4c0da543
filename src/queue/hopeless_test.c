// SPDX-License-Identifier: Apache-2.0
// What waits behind so many that no worker can begin it in its time.
#include "queue/local.h"
#include "queue/scaled.h"
#include "queue/test_queue.h"

#define WAITING 30
#define TIME_MS 630000                                              // nine tenths of it are for beginning: 567 s
#define FIRST_HOPELESS 19                                           // 19 before it, half a minute each, take 570 s
#define LOOKED_AT_S ((HOPELESS_WAITED_MS + HOPELESS_MS) / 1000 + 1) // by then each was judged

static struct service *service_of(struct world *w, pthread_mutex_t **mutex) {
    struct local *l = (struct local *)w->q;
    struct scaled *s = (struct scaled *)w->q;
    *mutex = w->url ? &s->mutex : &l->mutex;
    return w->url ? &s->service : &l->service;
}

// As if so many had ended a moment ago, each alone, after a minute of one worker's.
static void minutes_passed(struct world *w, size_t n) {
    pthread_mutex_t *mutex;
    struct service *s = service_of(w, &mutex);
    pthread_mutex_lock(mutex);
    for (size_t i = 0; i < n; i++)
        service_note(s, clock_mono_ms(), 60000, 1);
    pthread_mutex_unlock(mutex);
}

static size_t noted(struct world *w) {
    pthread_mutex_t *mutex;
    struct service *s = service_of(w, &mutex);
    pthread_mutex_lock(mutex);
    size_t n = s->count;
    pthread_mutex_unlock(mutex);
    return n;
}

static void put(struct world *w, uint64_t id, const char *payer, uint64_t time_ms) {
    bool created;
    assert_true(create_as(w, id, payer, NULL, clock_wall_ms() + time_ms, &created) && created);
}

// If this fails, who asks into a queue that is too long waits for the whole of the request's time, and hears then that
// nothing was done; or what could be served is refused.
static void what_is_hopeless_is_told_at_once(void **state) {
    struct world w;
    bool seen[WAITING + 2] = {false};
    world_open_on(&w, state, 600000);
    for (uint64_t id = 1; id <= WAITING; id++)
        put(&w, id, "alice", TIME_MS);
    put(&w, WAITING + 1, "bob", TIME_MS); // his turn is the second
    minutes_passed(&w, 32);
    for (size_t i = FIRST_HOPELESS; i <= WAITING; i++) {
        struct test_lease l = poll_as(&w, TEST_WAIT_S, "a.near", "none of these"); // whoever it is can answer them
        assert_true(l.too_late && l.hopeless);
        assert_in_range(l.id, FIRST_HOPELESS, WAITING);
        assert_false(seen[l.id]);
        seen[l.id] = true;
    }
    struct test_lease first = poll_one(&w);
    assert_true(first.id == 1 && !first.too_late);
    assert_int_equal(poll_one(&w).id, WAITING + 1);
    world_close(&w);
}

// If this fails, requests are refused by what little is known, or those that nobody is in the way of.
static void what_can_be_served_waits(void **state) {
    struct world w;
    world_open_on(&w, state, 600000);
    for (uint64_t id = 1; id <= WAITING; id++)
        put(&w, id, "alice", TIME_MS);
    minutes_passed(&w, 31);
    assert_int_equal(poll_as(&w, LOOKED_AT_S, NULL, "none of these").id, 0);
    for (uint64_t id = 1; id <= WAITING; id++)
        assert_false(poll_one(&w).too_late);
    world_close(&w);
}

// If this fails, many that come at once to workers who had little to do are refused before these could take them.
static void workers_take_what_came_first(void **state) {
    struct world w;
    world_open_on(&w, state, 600000);
    minutes_passed(&w, 32);
    for (uint64_t id = 1; id <= WAITING; id++)
        put(&w, id, "alice", TIME_MS);
    assert_int_equal(poll_as(&w, HOPELESS_MS / 1000 + 1, NULL, "none of these").id, 0);
    for (size_t i = 0; i < 10; i++) { // who hold ten times as much as was ever seen
        struct test_lease l = poll_one(&w);
        assert_false(l.too_late);
        assert_int_equal(beat(&w, &l, EXECUTION_EVENT_RUN, 0), QUEUE_OK);
    }
    assert_int_equal(poll_as(&w, LOOKED_AT_S, NULL, "none of these").id, 0);
    assert_false(poll_one(&w).too_late);
    world_close(&w);
}

// If this fails, one that was extended after all stays among those that are only answered.
static void an_extension_gives_hope(void **state) {
    struct world w;
    world_open_on(&w, state, 600000);
    for (uint64_t id = 1; id <= 3; id++)
        put(&w, id, "alice", 50000);
    minutes_passed(&w, 32);
    struct test_lease third = poll_as(&w, TEST_WAIT_S, NULL, "none of these");
    assert_true(third.id == 3 && third.hopeless);
    assert_int_equal(beat(&w, &third, EXECUTION_EVENT_COUNT, clock_wall_ms() + 600000), QUEUE_OK);
    assert_int_equal(give_back(&w, &third), QUEUE_OK);
    uint64_t last;
    do
        last = poll_as(&w, TEST_WAIT_S, NULL, "t").id;
    while (last != 3 && last != 0);
    assert_int_equal(last, 3);
    world_close(&w);
}

// If this fails, how fast workers are is not known, or is reckoned from what they only answered.
static void ends_are_noted(void **state) {
    struct world w;
    bool changed;
    world_open_on(&w, state, 600000);
    put(&w, 1, "alice", 600000);
    put(&w, 2, "alice", 600000);
    struct test_lease one = poll_one(&w), two = poll_one(&w);
    assert_int_equal(end_well(&w, &one, &changed), QUEUE_OK);
    assert_int_equal(noted(&w), 1);
    assert_int_equal(end_well(&w, &one, &changed), QUEUE_OK); // the same again
    assert_int_equal(noted(&w), 1);
    assert_int_equal(end_well(&w, &two, &changed), QUEUE_OK);
    assert_int_equal(noted(&w), 2);
    for (uint64_t id = 3; id <= 5; id++)
        put(&w, id, "alice", 50000);
    minutes_passed(&w, 40); // two quick ones are not a tenth
    struct test_lease five = poll_as(&w, TEST_WAIT_S, NULL, "none of these");
    assert_true(five.id == 5 && five.hopeless);
    assert_int_equal(end_well(&w, &five, &changed), QUEUE_OK);
    assert_int_equal(noted(&w), 42);
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {ON_BOTH_FORMS(what_is_hopeless_is_told_at_once),
                                       ON_BOTH_FORMS(what_can_be_served_waits),
                                       ON_BOTH_FORMS(workers_take_what_came_first),
                                       ON_BOTH_FORMS(an_extension_gives_hope), ON_BOTH_FORMS(ends_are_noted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
