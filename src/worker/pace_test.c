// SPDX-License-Identifier: Apache-2.0
#include "worker/pace.h"

#include "base/test.h"

#define MS 1000000ull
#define NOW 1764000000000ull // ms

// If this fails, requests are given up that have time, or wait for workers when their payers could have the money back.
static void test_window_end(void **state) {
    (void)state;
    struct pace p = {0};
    pace_see(&p, 1000, NOW * MS, NOW + 1300);
    assert_int_equal(pace_window_end(&p, NOW * MS), NOW + 1300 + 200 * 600); // before the pace is known
    for (uint64_t i = 1; i <= 10; i++)
        pace_see(&p, 1000 + i, (NOW + 100 * i) * MS, NOW + 100 * i + 900);
    assert_int_equal(pace_window_end(&p, (NOW + 500) * MS), NOW + 500 + 900 + 200 * 100);
    pace_see(&p, 1020, (NOW + 60000) * MS, NOW + 61000); // slow ones may come faster again
    assert_int_equal(pace_window_end(&p, NOW * MS), NOW + 900 + 200 * 600);
}

// A machine whose clock is an hour off, and is set right while it watches.
static void test_clocks_apart(void **state) {
    (void)state;
    struct pace p = {0};
    const uint64_t hour = 3600000;
    for (uint64_t i = 1; i <= 50; i++)
        pace_see(&p, i, (NOW + 600 * i) * MS, NOW + 600 * i + hour);
    assert_int_equal(pace_window_end(&p, NOW * MS), NOW + hour + 120000);
    for (uint64_t i = 51; i <= 300; i++)
        pace_see(&p, i, (NOW + 600 * i) * MS, NOW + 600 * i - hour);
    assert_int_equal(pace_window_end(&p, NOW * MS), NOW - hour + 120000);
    for (uint64_t i = 301; i <= 600; i++) // what was seen long ago does not count
        pace_see(&p, i, (NOW + 600 * i) * MS, NOW + 600 * i + 1000);
    assert_int_equal(pace_window_end(&p, NOW * MS), NOW + 1000 + 120000);
}

// Blocks that are read again, and a scan that is behind and catches up.
static void test_going_back(void **state) {
    (void)state;
    struct pace p = {0};
    for (uint64_t i = 1; i <= 150; i++) // read at once, up to the newest
        pace_see(&p, i, (NOW + 600 * i) * MS, NOW + 600 * 150 + 1000);
    assert_int_equal(pace_window_end(&p, (NOW + 600 * 150) * MS), NOW + 600 * 150 + 1000 + 120000);
    assert_int_equal(pace_window_end(&p, NOW * MS), NOW + 1000 + 120000); // its window is nearly over
    pace_see(&p, 20, (NOW + 600 * 20) * MS, NOW + 600 * 150 + 2000);
    assert_true(pace_window_end(&p, (NOW + 600 * 20) * MS) >= NOW + 600 * 20 + 120000);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_window_end), cmocka_unit_test(test_clocks_apart),
                                          cmocka_unit_test(test_going_back)};
RUN_TESTS(tests)
