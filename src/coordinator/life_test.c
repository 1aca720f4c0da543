// SPDX-License-Identifier: Apache-2.0
#include "coordinator/life.h"

#include "base/test.h"

#define NO LIFE_STATE_COUNT
// What each event (column) does in each state (row); NO: nothing.
static const enum life_state table[LIFE_STATE_COUNT][LIFE_EVENT_COUNT] = {
    //                   LEASE        BUILD          RUN           SUBMIT           LOST         RETRY        COMPLETE
    //                   TIMEOUT
    [LIFE_QUEUED] = {LIFE_LEASED, NO, NO, NO, NO, NO, NO, LIFE_EXPIRED},
    [LIFE_LEASED] = {NO, LIFE_BUILDING, LIFE_RUNNING, LIFE_SUBMITTING, LIFE_QUEUED, LIFE_QUEUED, LIFE_SETTLED, NO},
    [LIFE_BUILDING] = {NO, LIFE_BUILDING, LIFE_RUNNING, LIFE_SUBMITTING, LIFE_QUEUED, LIFE_QUEUED, LIFE_SETTLED, NO},
    [LIFE_RUNNING] = {NO, LIFE_BUILDING, LIFE_RUNNING, LIFE_SUBMITTING, LIFE_QUEUED, LIFE_QUEUED, LIFE_SETTLED, NO},
    [LIFE_SUBMITTING] = {NO, LIFE_BUILDING, LIFE_RUNNING, LIFE_SUBMITTING, LIFE_QUEUED, LIFE_QUEUED, LIFE_SETTLED, NO},
    [LIFE_SETTLED] = {NO, NO, NO, NO, NO, NO, NO, NO},
    [LIFE_EXPIRED] = {NO, NO, NO, NO, NO, NO, NO, NO},
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
    assert_string_equal(life_text(LIFE_QUEUED), "queued");
    assert_string_equal(life_text(LIFE_SUBMITTING), "submitting");
    assert_string_equal(life_text(LIFE_EXPIRED), "expired");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_edges), cmocka_unit_test(test_texts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
