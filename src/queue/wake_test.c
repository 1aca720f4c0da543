// SPDX-License-Identifier: Apache-2.0
// Coordinators that wake each other through Redis, and what becomes of the waiting when it does not carry the word.
#include "queue/scaled.h"
#include "queue/test_queue.h"
#include "redis/test_redis.h"
#include <sched.h>

#define ROUNDS 21
#define NEVER_MS 3600000

struct pair {
    struct redis *redis[2];
    struct world at[2];
    struct arena *arena;
    struct test_answer answer;
    struct queue_poll poll;
};

static bool has_bell(const struct pair *p, int i) {
    SCOPED_BUF(out, 100000);
    redis_figures(p->redis[i], &out);
    return strstr(buf_str(&out), "outlayer_redis_up 1");
}

// How many words of others this one has heard.
static uint64_t heard_by(const struct pair *p, int i) {
    SCOPED_BUF(out, 100000);
    queue_figures(p->at[i].q, &out);
    const char *at = strstr(buf_str(&out), "\noutlayer_wakes_received_total ");
    assert_non_null(at);
    return strtoull(at + strlen("\noutlayer_wakes_received_total "), NULL, 10);
}

// How many connections hear the bell of both.
static unsigned hearing(void) {
    char said[200];
    TEST_REDIS_DO(said, "PUBLISH", "outlayer:0123456789abcdef:wake", "");
    return (unsigned)strtoul(said, NULL, 10);
}

static void pair_open_by(struct pair *p, void **state, const char *url, uint64_t look_ms) {
    struct err e;
    *p = (struct pair){.arena = arena_new()};
    for (int i = 0; i < 2; i++) {
        world_open_on(&p->at[i], state, 600000);
        world_stop(&p->at[i]);
        p->at[i].look_ms = look_ms;
        assert_ok(redis_open(&p->redis[i], &(struct redis_config){url, "0123456789abcdef"}, &e), &e);
        p->at[i].redis = p->redis[i];
        world_start(&p->at[i]);
    }
}

static void pair_open_looking(struct pair *p, void **state, uint64_t look_ms) {
    pair_open_by(p, state, test_redis_url(), look_ms);
    TEST_UNTIL(has_bell(p, 0) && has_bell(p, 1) && hearing() == 2);
}

static void pair_open(struct pair *p, void **state) { pair_open_looking(p, state, 0); }

// Neither looks by itself: only the word of the other one brings a waiting poll what that one has.
static void pair_open_deaf(struct pair *p, void **state) { pair_open_looking(p, state, NEVER_MS); }

static void note_change(void *ctx) { atomic_store((atomic_bool *)ctx, true); }

static void pair_close(struct pair *p) {
    for (int i = 0; i < 2; i++) {
        world_close(&p->at[i]);
        redis_free(p->redis[i]);
    }
    arena_free(p->arena);
}

// A poll that was looked at, and found nothing.
static void park(struct pair *p, int at, const char *contract_id, const char *capabilities) {
    struct scaled *s = (struct scaled *)p->at[at].q;
    p->poll = (struct queue_poll){.call = call_new(&p->answer),
                                  .arena = p->arena,
                                  .worker_id = "w",
                                  .contract_id = contract_id,
                                  .capabilities = capabilities,
                                  .wait_s = TEST_WAIT_S};
    queue_poll(p->at[at].q, &p->poll);
    for (bool parked = false; !parked; sched_yield()) {
        pthread_mutex_lock(&s->mutex);
        parked = s->parked.count && !s->claim;
        pthread_mutex_unlock(&s->mutex);
    }
}

// The poll is served. What it leased is ended, lest it come back.
static void take_it(struct pair *p) {
    bool changed;
    assert_true(wait_for(&p->answer) && p->poll.leased);
    struct test_lease l = {.id = strtoull(p->poll.json, NULL, 10)};
    memcpy(l.token, p->poll.token, sizeof l.token);
    assert_int_equal(end_well(&p->at[0], &l, &changed), QUEUE_OK);
}

// Polls at this one, woken by creations at the first.
static void creations_wake(struct pair *p, int at, uint64_t first_id) {
    for (uint64_t i = 0; i < ROUNDS; i++) {
        park(p, at, i % 2 ? "a.near" : NULL, i % 3 ? "x,t" : NULL);
        assert_true(create(&p->at[0], first_id + i));
        take_it(p);
    }
}

// If this fails, a worker at one coordinator waits for up to half a second for what another one has.
static void test_a_creation_wakes_the_others(void **state) {
    struct pair p;
    pair_open_deaf(&p, state);
    creations_wake(&p, 0, 1);
    creations_wake(&p, 1, 100);
    pair_close(&p);
}

// If this fails, a page at one coordinator shows half a second late what another one does.
static void test_a_change_is_told_to_the_others(void **state) {
    struct pair p;
    atomic_bool told = false;
    pair_open(&p, state);
    world_stop(&p.at[1]);
    p.at[1].changed = note_change;
    p.at[1].ctx = &told;
    world_start(&p.at[1]);
    TEST_UNTIL(hearing() == 2);
    for (uint64_t i = 1; i <= 2; i++) { // the first word may be that it had not heard before
        atomic_store(&told, false);
        assert_true(create(&p.at[0], i));
        uint64_t rung_ms = clock_mono_ms();
        TEST_UNTIL(atomic_load(&told));
        TEST_UNTIL(clock_mono_ms() > rung_ms + CHANGED_RING_MS);
    }
    pair_close(&p);
}

// If this fails, the same of what a worker hands over, or an operator queues again.
static void test_so_does_what_is_given_back(void **state) {
    enum { GIVEN = 10 };
    struct pair p;
    struct test_answer a;
    pair_open_deaf(&p, state);
    for (uint64_t i = 0; i < GIVEN; i++) {
        assert_true(create(&p.at[0], i + 1));
        struct test_lease l = poll_by(&p.at[0], "another", TEST_WAIT_S, NULL, NULL);
        assert_int_equal(l.id, i + 1);
        park(&p, 1, NULL, NULL);
        struct queue_give_back x = {.call = call_new(&a),
                                    .key = {"a.near", l.id},
                                    .token = i % 2 ? l.token : NULL,
                                    .hand = i % 2,
                                    .step = QUEUE_BUILD};
        queue_give_back(p.at[0].q, &x);
        assert_true(wait_for(&a));
        take_it(&p);
    }
    pair_close(&p);
}

// If this fails, the same of what the chain has decided anew.
static void test_so_does_what_takes_a_false_ones_place(void **state) {
    enum { REPLACED = 9 };
    struct pair p;
    struct test_answer a;
    char was[8], json[8];
    bool changed;
    pair_open_deaf(&p, state);
    for (uint64_t i = 0; i < REPLACED; i++) {
        assert_true(create(&p.at[0], i + 1));
        struct test_lease l = poll_by(&p.at[0], "another", TEST_WAIT_S, NULL, NULL);
        assert_int_equal(end_well(&p.at[0], &l, &changed), QUEUE_OK);
        park(&p, 1, NULL, NULL);
        snprintf(was, sizeof was, "%u", (unsigned)i + 1);
        snprintf(json, sizeof json, "0%u", (unsigned)i + 1); // another text, which names the same
        struct queue_replace x = {.call = call_new(&a),
                                  .key = {"a.near", i + 1},
                                  .was = was,
                                  .build_target = "t",
                                  .payer = "p",
                                  .json = json,
                                  .about = "{}"};
        queue_replace(p.at[0].q, &x);
        assert_true(wait_for(&a) && x.replaced);
        take_it(&p);
    }
    pair_close(&p);
}

// If this fails, every coordinator asks the database at each creation, whatever its workers want.
static void test_who_wants_something_else_sleeps_on(void **state) {
    static const char *const words[] = {"b.near t", "a.near x", "b.near *", "* x"}, *const woken[] = {
                                                                                        "a.near t", "* t", "a.near *",
                                                                                        "* *",      "",    "nonsense",
                                                                                        "a.near "};
    struct pair p;
    pair_open(&p, state);
    struct scaled *s = (struct scaled *)p.at[1].q;
    park(&p, 1, "a.near", "t,u");
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        assert_false(scaled_wants(s, slice_str(words[i])));
    for (size_t i = 0; i < ARRAY_LEN(woken); i++)
        assert_true(scaled_wants(s, slice_str(woken[i])));
    assert_true(create(&p.at[0], 1));
    take_it(&p);
    pair_close(&p);
}

// If this fails, an execution waits for Redis: it may be emptied, cut, frozen or read-only, or say what it wants.
static void test_without_its_help(void **state) {
    char said[200];
    struct pair p;
    pair_open(&p, state);
    uint64_t id = 1;
    const struct {
        const char *words[5];
    } rows[] = {{{"FLUSHALL"}},
                {{"CLIENT", "KILL", "TYPE", "pubsub"}},
                {{"CLIENT", "KILL", "TYPE", "normal"}},
                {{"CLIENT", "PAUSE", "1500", "ALL"}},
                {{"CONFIG", "SET", "min-replicas-to-write", "3"}}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t n = 0;
        while (n < 5 && rows[i].words[n])
            n++;
        park(&p, 1, NULL, NULL);
        test_redis_do(said, n, rows[i].words);
        assert_true(create(&p.at[0], id++));
        take_it(&p);
    }
    TEST_REDIS_DO(said, "CONFIG", "SET", "min-replicas-to-write", "0");
    TEST_UNTIL(hearing() == 2 && redis_up(p.redis[0]) && redis_up(p.redis[1]));
    uint64_t heard = heard_by(&p, 1); // and then they hear each other again
    assert_true(create(&p.at[0], id));
    TEST_UNTIL(heard_by(&p, 1) > heard);
    pair_close(&p);
}

// The last one is let in by its first line, and says words that nobody wrote whatever it is asked.
static void test_a_liar_in_its_place(void **state) {
    static const char *const lies[] = {"", "+OK\r\n",
                                       "+OK\r\n*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$20\r\n0123456789abcdef\1\377 *\r\n"};
    for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
        struct test_liar s;
        struct pair p;
        test_liar_start(&s, lies[i]);
        pair_open_by(&p, state, s.url, 0);
        for (uint64_t id = 1; id <= 2; id++) {
            park(&p, 1, NULL, NULL);
            assert_true(create(&p.at[0], 10 * i + id));
            take_it(&p);
        }
        if (i == ARRAY_LEN(lies) - 1)
            TEST_UNTIL(heard_by(&p, 0) + heard_by(&p, 1) > 0);
        pair_close(&p);
        test_liar_stop(&s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_POSTGRES(test_a_creation_wakes_the_others),
        ON_POSTGRES(test_a_change_is_told_to_the_others),
        ON_POSTGRES(test_so_does_what_is_given_back),
        ON_POSTGRES(test_so_does_what_takes_a_false_ones_place),
        ON_POSTGRES(test_who_wants_something_else_sleeps_on),
        ON_POSTGRES(test_without_its_help),
        ON_POSTGRES(test_a_liar_in_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
