// SPDX-License-Identifier: Apache-2.0
// Who gets an execution that several wait for: whoever has at hand what it runs, and nobody waits for that.
#include "queue/local.h"
#include "queue/scaled.h"
#include "queue/test_queue.h"
#include <sched.h>

#define ROOM 4

static void create_of(struct world *w, uint64_t id, uint64_t source) {
    struct test_answer a;
    char json[24];
    snprintf(json, sizeof json, "%u", (unsigned)id);
    struct queue_create x = {.call = call_new(&a),
                             .key = {"a.near", id},
                             .build_target = "t",
                             .payer = "p",
                             .source = source,
                             .json = json,
                             .about = "{}"};
    queue_create(w->q, &x);
    assert_true(wait_for(&a) && x.created);
}

struct waiting {
    struct arena *arena;
    size_t count;
    struct test_answer answers[ROOM];
    struct queue_poll polls[ROOM];
    uint64_t marks[ROOM][AT_HAND_MAX];
};

static void waiting_open(struct waiting *x) { *x = (struct waiting){.arena = arena_new()}; }

static size_t parked(struct world *w) {
    struct queue_counts counts;
    struct scaled *s = (struct scaled *)w->q;
    if (!w->url) {
        queue_counts(w->q, &counts);
        return (size_t)counts.polls;
    }
    pthread_mutex_lock(&s->mutex);
    size_t n = s->claim ? 0 : s->parked.count;
    pthread_mutex_unlock(&s->mutex);
    return n;
}

// A poll that was looked at, and found nothing. mark 0: its worker has nothing at hand.
static void park(struct world *w, struct waiting *x, const char *worker_id, uint64_t mark) {
    size_t i = x->count++, before = parked(w);
    x->marks[i][0] = 77; // which nothing runs
    x->marks[i][1] = mark;
    x->polls[i] = (struct queue_poll){.call = call_new(&x->answers[i]),
                                      .arena = x->arena,
                                      .worker_id = worker_id,
                                      .at_hand = x->marks[i],
                                      .at_hand_count = mark ? 2 : 0,
                                      .wait_s = TEST_WAIT_S};
    queue_poll(w->q, &x->polls[i]);
    while (parked(w) != before + 1)
        sched_yield();
}

// What the i-th of them leased.
static uint64_t leased(struct waiting *x, size_t i) {
    assert_true(wait_for(&x->answers[i]) && x->polls[i].leased);
    return strtoull(x->polls[i].json, NULL, 10);
}

// If this fails, a module is fetched and compiled by one worker after the other, while one waits that has it.
static void whoever_has_it_goes_first(void **state) {
    struct world w;
    struct waiting x;
    world_open_on(&w, state, 600000);
    waiting_open(&x);
    park(&w, &x, "longest", 0);
    park(&w, &x, "other", 5);
    park(&w, &x, "has", UINT64_MAX); // as a number of the database it is less than 0
    park(&w, &x, "has too", UINT64_MAX);
    create_of(&w, 1, UINT64_MAX);
    assert_int_equal(leased(&x, 2), 1);
    create_of(&w, 2, 0); // nobody knows what it runs
    assert_int_equal(leased(&x, 0), 2);
    create_of(&w, 3, 6); // nobody has it
    assert_int_equal(leased(&x, 1), 3);
    create_of(&w, 4, 5); // who has it does not wait
    assert_int_equal(leased(&x, 3), 4);
    world_close(&w);
    arena_free(x.arena);
}

// If this fails, what somebody asked for waits behind what came later, since a worker has that at hand.
static void a_turn_is_not_passed_over(void **state) {
    struct world w;
    struct waiting x;
    world_open_on(&w, state, 600000);
    waiting_open(&x);
    create_of(&w, 1, 5);
    create_of(&w, 2, 6);
    x.marks[0][0] = 6;
    x.polls[0] = (struct queue_poll){.call = call_new(&x.answers[0]),
                                     .arena = x.arena,
                                     .worker_id = "has the second",
                                     .at_hand = x.marks[0],
                                     .at_hand_count = 1,
                                     .wait_s = TEST_WAIT_S};
    queue_poll(w.q, &x.polls[0]);
    assert_int_equal(leased(&x, 0), 1);
    world_close(&w);
    arena_free(x.arena);
}

// If this fails, nobody is preferred any more after a restart, or for what was given back.
static void a_restart_keeps_the_marks(void **state) {
    struct world w;
    struct waiting x;
    world_open_on(&w, state, 600000);
    waiting_open(&x);
    create_of(&w, 1, 5);
    struct test_lease held = poll_one(&w);
    assert_int_equal(held.id, 1);
    restart(&w);
    park(&w, &x, "longest", 0);
    park(&w, &x, "has", 5);
    assert_int_equal(hand_over(&w, &held, QUEUE_RUN), QUEUE_OK);
    assert_int_equal(leased(&x, 1), 1);
    create_of(&w, 2, 7);
    assert_int_equal(leased(&x, 0), 2);
    world_close(&w);
    arena_free(x.arena);
}

// If this fails, of several that come at once one takes the worker that another one should have.
static void several_at_once(void **state) {
    struct world w;
    struct waiting x;
    world_open_on(&w, state, 600000);
    waiting_open(&x);
    park(&w, &x, "has the fourth", 5);
    park(&w, &x, "a", 0);
    park(&w, &x, "b", 0);
    park(&w, &x, "has the third", 6);
    // As another coordinator stores them: in one transaction, so that one statement finds all.
    sql(&w, "INSERT INTO executions (id, contract_id, request_id, created_ms, about, task) SELECT n, 'a.near', n, "
            "CAST(extract(epoch FROM now()) * 1000 AS BIGINT), '{}', n::text FROM generate_series(1, 4) n; "
            "INSERT INTO queue_items (execution_id, contract_id, request_id, build_target, payer, source, turn, "
            "dead_at_ms) SELECT id, contract_id, request_id, 't', 'p', CASE id WHEN 3 THEN 6 WHEN 4 THEN 5 ELSE 9 END, "
            "0, created_ms + 600000 FROM executions");
    assert_int_equal(leased(&x, 3), 3);
    assert_int_equal(leased(&x, 0), 4);
    assert_int_equal(leased(&x, 1) + leased(&x, 2), 3);
    world_close(&w);
    arena_free(x.arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {ON_BOTH_FORMS(whoever_has_it_goes_first),
                                       ON_BOTH_FORMS(a_turn_is_not_passed_over),
                                       ON_BOTH_FORMS(a_restart_keeps_the_marks), ON_POSTGRES(several_at_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
