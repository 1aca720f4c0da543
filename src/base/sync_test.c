// SPDX-License-Identifier: Apache-2.0
#include "base/sync.h"

#include "base/clock.h"
#include "base/test.h"

// If this fails, a long wait wraps around and ends at once.
static void test_deadlines(void **state) {
    (void)state;
    uint64_t now = clock_mono_ms();
    assert_in_range(deadline_in(5000), now + 5000, now + 65000);
    assert_true(deadline_in(UINT64_MAX) == NO_DEADLINE);
    assert_true(deadline_in(UINT64_MAX - 1) == NO_DEADLINE);
    assert_true(deadline_in(UINT64_MAX - now - 100000) < NO_DEADLINE);
}

// If this fails, a wait is measured by the wall clock, by which the deadlines here are decades ago, or it outlasts
// them.
static void test_an_end(void **state) {
    (void)state;
    pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t c;
    cond_init(&c);
    pthread_mutex_lock(&m);
    uint64_t end = deadline_in(50);
    while (cond_wait_until(&c, &m, end))
        ; // may return early
    assert_true(clock_mono_ms() >= end);
    assert_false(cond_wait_until(&c, &m, 0));
    pthread_mutex_unlock(&m);
    pthread_cond_destroy(&c);
}

struct meeting {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int rounds;
};

static void *answer(void *ctx) {
    struct meeting *x = ctx;
    pthread_mutex_lock(&x->lock);
    for (int i = 0; i < 1000; i++) {
        while (x->rounds % 2 == 0)
            cond_wait_until(&x->changed, &x->lock, NO_DEADLINE);
        x->rounds++;
        pthread_cond_broadcast(&x->changed);
    }
    pthread_mutex_unlock(&x->lock);
    return NULL;
}

// If this fails, a signal is not heard: with or without an end.
static void test_signals(void **state) {
    (void)state;
    struct meeting x = {.lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_t thread;
    cond_init(&x.changed);
    assert_int_equal(pthread_create(&thread, NULL, answer, &x), 0);
    pthread_mutex_lock(&x.lock);
    uint64_t end = deadline_in(60000);
    for (int i = 0; i < 1000; i++) {
        x.rounds++;
        pthread_cond_broadcast(&x.changed);
        while (x.rounds % 2 == 1)
            assert_true(cond_wait_until(&x.changed, &x.lock, end));
    }
    pthread_mutex_unlock(&x.lock);
    pthread_join(thread, NULL);
    assert_int_equal(x.rounds, 2000);
    pthread_cond_destroy(&x.changed);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_deadlines), cmocka_unit_test(test_an_end),
                                       cmocka_unit_test(test_signals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
