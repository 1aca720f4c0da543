// SPDX-License-Identifier: Apache-2.0
#include "../kit/kit.h"

static int begins(void **state) {
    (void)state;
    mock_reset("counter.near");
    return 0;
}

// Each account counts for itself: one that could move another's counter would be no example to follow.
static void everybody_has_a_counter(void **state) {
    (void)state;
    calls("add", ALICE, 0, "{}");
    answers("1");
    logs(0,
         "EVENT_JSON:{\"standard\":\"counter\",\"version\":\"1.0.0\",\"event\":\"counted\",\"data\":[{\"account_id\":"
         "\"alice.near\",\"count\":1}]}");
    calls("add", ALICE, 0, "{\"by\":41}");
    answers("42");
    views("get", "{\"account_id\":\"alice.near\"}", "42");
    views("get", "{\"account_id\":\"bob.near\"}", "0");
    calls("reset", ALICE, 0, "{}");
    views("get", "{\"account_id\":\"alice.near\"}", "0");
}

static void what_cannot_be_counted_is_refused(void **state) {
    (void)state;
    calls("add", ALICE, 0, "{\"by\":18446744073709551615}");
    refuses("add", ALICE, 0, "{}", "The counter is full");
    refuses("add", ALICE, 0, "{\"by\":-1}", "by");
    refuses("add", ALICE, 0, "{\"more\":1}", "unknown field");
    refuses("add", ALICE, 1, "{}", "doesn't accept deposit");
    refuses("reset", BOB, 0, "{}", "There is no counter of yours");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(everybody_has_a_counter, begins, released),
        cmocka_unit_test_setup_teardown(what_cannot_be_counted_is_refused, begins, released),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
