// SPDX-License-Identifier: Apache-2.0
#include "coordinator/life.h"

#include "base/test.h"

#define NO LIFE_STATE_COUNT
// What each event (column) does in each state (row); NO: nothing.
#define FROM_HELD                                                                                                      \
    { NO, NO, LIFE_BUILDING, LIFE_RUNNING, LIFE_SUBMITTING, LIFE_QUEUED, LIFE_QUEUED, LIFE_SETTLED, NO }
// RECORD, LEASE, BUILD, RUN, SUBMIT, LOST, RETRY, COMPLETE, TIMEOUT
static const enum life_state table[LIFE_STATE_COUNT][LIFE_EVENT_COUNT] = {
    [LIFE_RECEIVED] = {LIFE_QUEUED, NO, NO, NO, NO, NO, NO, NO, NO},
    [LIFE_QUEUED] = {NO, LIFE_LEASED, NO, NO, NO, NO, NO, NO, LIFE_EXPIRED},
    [LIFE_LEASED] = FROM_HELD,
    [LIFE_BUILDING] = FROM_HELD,
    [LIFE_RUNNING] = FROM_HELD,
    [LIFE_SUBMITTING] = FROM_HELD,
    [LIFE_SETTLED] = {NO, NO, NO, NO, NO, NO, NO, NO, NO},
    [LIFE_EXPIRED] = {NO, NO, NO, NO, NO, NO, NO, NO, NO},
};

// Every state with every event: an edge too many would let a late report end an execution twice.
static void test_all_edges(void **state) {
    (void)state;
    for (int s = 0; s < LIFE_STATE_COUNT; s++)
        for (int v = 0; v < LIFE_EVENT_COUNT; v++) {
            enum life_state next = (enum life_state)s;
            bool moved = life_next((enum life_state)s, (enum life_event)v, &next);
            assert_int_equal(moved, table[s][v] != NO);
            assert_int_equal(next, moved ? table[s][v] : (enum life_state)s);
        }
}

// What stands in /public/jobs: clients compare these words.
static void test_texts(void **state) {
    (void)state;
    static const char *const texts[LIFE_STATE_COUNT] = {"received", "queued",     "leased",  "building",
                                                        "running",  "submitting", "settled", "expired"};
    for (int s = 0; s < LIFE_STATE_COUNT; s++)
        assert_string_equal(life_text((enum life_state)s), texts[s]);
}

// Whether a lease can be lost, and whether a report can still change anything, hang on these two.
static void test_kinds(void **state) {
    (void)state;
    for (int s = 0; s < LIFE_STATE_COUNT; s++) {
        enum life_state next;
        assert_int_equal(life_is_held((enum life_state)s), life_next((enum life_state)s, LIFE_EVENT_LOST, &next));
        bool any = false;
        for (int v = 0; v < LIFE_EVENT_COUNT; v++)
            any |= life_next((enum life_state)s, (enum life_event)v, &next);
        assert_int_equal(life_is_over((enum life_state)s), !any);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_edges), cmocka_unit_test(test_texts),
                                       cmocka_unit_test(test_kinds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
