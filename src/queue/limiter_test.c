// SPDX-License-Identifier: Apache-2.0
#include "base/test.h"
#include "queue/shared.h"

// One who asks too often must be told how long to wait, and must not slow others down.
static void a_burst_then_a_rate(void **state) {
    (void)state;
    struct limiter *l = limiter_new(NULL, "test", 3, 60);
    uint64_t retry = 0;
    struct err e;
    for (int i = 0; i < 3; i++)
        assert_true(limiter_take(l, "alice", 1000, &retry, &e));
    assert_false(limiter_take(l, "alice", 1000, &retry, &e));
    assert_int_equal(e.code, ERR_TOO_MANY);
    assert_int_equal(retry, 1);
    assert_string_equal(e.msg,
                        "too many questions from one asker: alice"); // whom figures must not name, behind a colon
    assert_true(limiter_take(l, "bob", 1000, &retry, &e));
    assert_false(limiter_take(l, "alice", 1999, &retry, &e));
    assert_true(limiter_take(l, "alice", 2000, &retry, &e));
    assert_false(limiter_take(l, "alice", 2000, &retry, &e));
    for (int i = 0; i < 3; i++) // an hour later it is full, not fuller
        assert_true(limiter_take(l, "alice", 100000000, &retry, &e));
    assert_false(limiter_take(l, "alice", 100000000, &retry, &e));
    limiter_free(l);
}

// Threads read their clocks before they take their turn: a step back must not fill the bucket.
static void an_older_clock_fills_nothing(void **state) {
    (void)state;
    struct limiter *l = limiter_new(NULL, "test", 1, 60);
    uint64_t retry;
    struct err e;
    assert_true(limiter_take(l, "alice", 5000, &retry, &e));
    assert_false(limiter_take(l, "alice", 4999, &retry, &e));
    assert_false(limiter_take(l, "alice", 5999, &retry, &e));
    assert_true(limiter_take(l, "alice", 6000, &retry, &e));
    limiter_free(l);
}

// Names that a stranger makes up must not grow the table, nor give the one who is limited a fresh bucket.
static void many_names_do_not_free_the_limited_one(void **state) {
    (void)state;
    struct limiter *l = limiter_new(NULL, "test", 2, 1);
    uint64_t retry;
    struct err e;
    char name[32];
    while (limiter_take(l, "alice", 1, &retry, &e))
        continue;
    for (int i = 0; i < 100000; i++) {
        snprintf(name, sizeof name, "made-up-%d", i);
        (void)limiter_take(l, name, 1, &retry, &e);
    }
    assert_false(limiter_take(l, "alice", 1, &retry, &e));
    limiter_free(l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_then_a_rate),
        cmocka_unit_test(an_older_clock_fills_nothing),
        cmocka_unit_test(many_names_do_not_free_the_limited_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
