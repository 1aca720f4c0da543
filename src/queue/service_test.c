// SPDX-License-Identifier: Apache-2.0
#include "base/test.h"
#include "queue/service.h"

static void note(struct service *s, size_t n, uint64_t now_ms, uint64_t took_ms, uint64_t held) {
    for (size_t i = 0; i < n; i++)
        service_note(s, now_ms, took_ms, held);
}

// If this fails, one slow request at a start makes the coordinator refuse all that wait.
static void little_is_not_believed(void **state) {
    (void)state;
    struct service s = {.count = 0};
    note(&s, 31, 1000, 60000, 1);
    assert_int_equal(service_each_us(&s, 1000, 1), 0);
    note(&s, 1, 1000, 60000, 1);
    assert_int_equal(service_each_us(&s, 1000, 1), 30000000); // 60 s by one: hoped to be twice as fast
    assert_int_equal(service_each_us(&s, 301000, 1), 30000000);
    assert_int_equal(service_each_us(&s, 301001, 1), 0); // long ago
}

// If this fails, quick requests are refused because slow ones were served before them.
static void the_quickest_tenth_speaks_for_all(void **state) {
    (void)state;
    struct service s = {.count = 0};
    note(&s, 56, 1000, 60000, 1);
    note(&s, 8, 1000, 100, 1);
    assert_int_equal(service_each_us(&s, 1000, 1), 50000);
    note(&s, 60, 1000, 60000, 1); // four of the quick ones are left
    assert_int_equal(service_each_us(&s, 1000, 1), 30000000);
}

// If this fails, what waits while workers start anew is refused, for that few of them hold something just then.
static void the_most_that_were_held_count(void **state) {
    (void)state;
    struct service s = {.count = 0};
    note(&s, 63, 1000, 1000, 2);
    note(&s, 1, 1000, 1000, 50);
    assert_int_equal(service_each_us(&s, 1000, 1), 10000);
    assert_int_equal(service_each_us(&s, 1000, 100), 5000);
    note(&s, 64, 1000, 1000, 0);
    assert_int_equal(service_each_us(&s, 1000, 0), 500000);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(little_is_not_believed),
                                       cmocka_unit_test(the_quickest_tenth_speaks_for_all),
                                       cmocka_unit_test(the_most_that_were_held_count)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
