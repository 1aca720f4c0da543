// SPDX-License-Identifier: Apache-2.0
#include "base/test.h"
#include "coordinator/routes.h"

#define TASK(inner, dead)                                                                                              \
    "{\"a\":\"\\\"dead_at_ms\\\":1 }\",\"b\":{\"dead_at_ms\":" inner "},\"dead_at_ms\":" dead ",\"c\":2}"

// If this fails, the chain is asked about what two workers agree on, or not about what they do not.
static void test_the_same_task(void **state) {
    (void)state;
    assert_true(task_is_same(TASK("5", "1700000000000"), TASK("5", "99")));
    assert_true(task_is_same(TASK("5", "17"), TASK("5", "17")));
    assert_false(task_is_same(TASK("5", "17"), TASK("6", "17"))); // another's deadline is a part of the task
    assert_false(task_is_same(TASK("5", "17"), TASK("6", "18")));
    assert_true(task_is_same(TASK("5", "17"), "{\"c\":2,\"b\":{\"dead_at_ms\":5},\"a\":\"\\\"dead_at_ms\\\":1 }\"}"));
    assert_false(task_is_same("{\"a\":1,\"dead_at_ms\":3}", "{\"a\":1,\"dead_at_ms\":3,\"b\":1}"));
    assert_true(task_is_same("{\"a\":1}", "{\"a\":1}"));
    assert_false(task_is_same("{\"a\":1}", "{\"a\":2}"));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_same_task)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
