// SPDX-License-Identifier: Apache-2.0
#include "queue/execution_state.h"

#include "base/test.h"

#define NO EXECUTION_STATE_COUNT
// What each event (column) does in each state (row); NO: nothing.
#define FROM_HELD                                                                                                      \
    {                                                                                                                  \
        NO, NO, EXECUTION_BUILDING, EXECUTION_RUNNING, EXECUTION_SUBMITTING, EXECUTION_QUEUED, EXECUTION_QUEUED,       \
            EXECUTION_SETTLED, NO                                                                                      \
    }
// RECORD, LEASE, BUILD, RUN, SUBMIT, LOST, RETRY, COMPLETE, TIMEOUT
static const enum execution_state table[EXECUTION_STATE_COUNT][EXECUTION_EVENT_COUNT] = {
    [EXECUTION_RECEIVED] = {EXECUTION_QUEUED, NO, NO, NO, NO, NO, NO, NO, NO},
    [EXECUTION_QUEUED] = {NO, EXECUTION_LEASED, NO, NO, NO, NO, NO, NO, EXECUTION_EXPIRED},
    [EXECUTION_LEASED] = FROM_HELD,
    [EXECUTION_BUILDING] = FROM_HELD,
    [EXECUTION_RUNNING] = FROM_HELD,
    [EXECUTION_SUBMITTING] = FROM_HELD,
    [EXECUTION_SETTLED] = {NO, NO, NO, NO, NO, NO, NO, NO, NO},
    [EXECUTION_EXPIRED] = {NO, NO, NO, NO, NO, NO, NO, NO, NO},
};

// Every state with every event: an edge too many would let a late report end an execution twice.
static void test_all_edges(void **state) {
    (void)state;
    for (int s = 0; s < EXECUTION_STATE_COUNT; s++)
        for (int v = 0; v < EXECUTION_EVENT_COUNT; v++) {
            enum execution_state next = (enum execution_state)s;
            bool moved = execution_next((enum execution_state)s, (enum execution_event)v, &next);
            assert_int_equal(moved, table[s][v] != NO);
            assert_int_equal(next, moved ? table[s][v] : (enum execution_state)s);
        }
}

// What stands in /public/jobs: clients compare these words.
static void test_texts(void **state) {
    (void)state;
    static const char *const texts[EXECUTION_STATE_COUNT] = {"received", "queued",     "leased",  "building",
                                                             "running",  "submitting", "settled", "expired"};
    for (int s = 0; s < EXECUTION_STATE_COUNT; s++)
        assert_string_equal(execution_text((enum execution_state)s), texts[s]);
}

// Whether a lease can be lost, and whether a report can still change anything, hang on these two.
static void test_kinds(void **state) {
    (void)state;
    for (int s = 0; s < EXECUTION_STATE_COUNT; s++) {
        enum execution_state next;
        assert_int_equal(execution_is_held((enum execution_state)s),
                         execution_next((enum execution_state)s, EXECUTION_EVENT_LOST, &next));
        bool any = false;
        for (int v = 0; v < EXECUTION_EVENT_COUNT; v++)
            any |= execution_next((enum execution_state)s, (enum execution_event)v, &next);
        assert_int_equal(execution_is_over((enum execution_state)s), !any);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_edges), cmocka_unit_test(test_texts),
                                       cmocka_unit_test(test_kinds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
