// SPDX-License-Identifier: Apache-2.0
#include "base/patience.h"

#include "base/clock.h"
#include "base/test.h"

// If this fails, somebody waits for ever, or gives up although there is time.
static void test_ends(void **state) {
    (void)state;
    struct err e;
    atomic_bool cancel = false;
    struct patience none = {0}, spent = {1, NULL}, some = {clock_mono_ms() + 60000, &cancel};
    assert_false(patience_over(&none));
    assert_true(patience_over(&spent));
    assert_in_range(patience_left(&some), 30001, 60000);
    struct patience less = patience_within(&some, 30000), same = patience_within(&less, 1000000);
    assert_in_range(patience_left(&less), 1, 30000);
    assert_int_equal(same.deadline_ms, less.deadline_ms);
    assert_false(patience_fail(&spent, "tea", &e));
    assert_int_equal(e.code, ERR_TIMEOUT);
    atomic_store(&cancel, true);
    assert_true(patience_over(&some));
    assert_false(patience_fail(&some, "tea", &e));
    assert_int_equal(e.code, ERR_UNAVAILABLE);
}

#define THREADS 8
#define ROUNDS 2000
struct crowd {
    struct permits *permits;
    atomic_int inside, most, turns;
};

static void *visit(void *ctx) {
    struct crowd *c = ctx;
    struct patience w = {clock_mono_ms() + 300000, NULL};
    struct err e;
    for (int i = 0; i < ROUNDS; i++) {
        if (!permit_take(c->permits, &w, &e))
            return NULL;
        int now = atomic_fetch_add(&c->inside, 1) + 1;
        if (now > atomic_load(&c->most))
            atomic_store(&c->most, now);
        atomic_fetch_add(&c->turns, 1);
        atomic_fetch_sub(&c->inside, 1);
        permit_give(c->permits);
    }
    return NULL;
}

// If this fails, more work goes on at a time than was allowed, or a permit is lost.
static void test_permits(void **state) {
    (void)state;
    struct crowd c = {.permits = permits_new(3)};
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, visit, &c), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&c.turns), THREADS * ROUNDS);
    assert_in_range(atomic_load(&c.most), 1, 3);
    permits_free(c.permits);
}

// Who gives up leaves its place in the queue to those behind.
static void test_giving_up(void **state) {
    (void)state;
    struct permits *p = permits_new(1);
    atomic_bool cancel = false;
    struct patience spent = {1, NULL}, soon = {clock_mono_ms() + 50, NULL}, long_one = {0, &cancel};
    struct err e;
    assert_true(permit_take(p, &spent, &e)); // free ones need no waiting
    assert_false(permit_take(p, &spent, &e));
    assert_int_equal(e.code, ERR_TIMEOUT);
    assert_false(permit_take(p, &soon, &e));
    atomic_store(&cancel, true);
    assert_false(permit_take(p, &long_one, &e));
    assert_int_equal(e.code, ERR_UNAVAILABLE);
    permit_give(p);
    assert_true(permit_take(p, &soon, &e));
    permit_give(p);
    permits_free(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ends), cmocka_unit_test(test_permits),
                                       cmocka_unit_test(test_giving_up)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
