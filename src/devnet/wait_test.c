// SPDX-License-Identifier: Apache-2.0
#include "devnet/wait.h"

#include "base/clock.h"
#include "base/test.h"

struct counted {
    struct waiter w;
    unsigned looks, satisfied_after;
    enum wait_why last;
};

static bool look(struct waiter *w, enum wait_why why) {
    struct counted *c = (struct counted *)w;
    c->last = why;
    return why != WAIT_BLOCK || ++c->looks >= c->satisfied_after;
}

// A waiter is looked at for each block and leaves when it is satisfied; one that stayed would be answered twice.
static void test_blocks(void **state) {
    (void)state;
    struct wait_list *l = wait_list_new();
    struct counted one = {.w = {.look = look, .deadline_ms = UINT64_MAX}, .satisfied_after = 1}, three = one;
    three.satisfied_after = 3;
    assert_true(wait_add(l, &one.w) && wait_add(l, &three.w));
    wait_look(l, false);
    assert_int_equal(one.looks, 0);
    for (int i = 0; i < 5; i++)
        wait_look(l, true);
    assert_int_equal(one.looks, 1);
    assert_int_equal(three.looks, 3);
    assert_int_equal(wait_count(l), 0);
    wait_list_free(l);
}

// The producer sleeps until the earliest deadline; a deadline that passed ends the request even without a block.
static void test_deadlines(void **state) {
    (void)state;
    struct wait_list *l = wait_list_new();
    uint64_t now = clock_mono_ms();
    struct counted late = {.w = {.look = look, .deadline_ms = now}, .satisfied_after = 9}, later = late;
    later.w.deadline_ms = now + 60000;
    assert_true(wait_add(l, &late.w) && wait_add(l, &later.w));
    assert_int_equal(wait_look(l, false), now + 60000);
    assert_int_equal(late.last, WAIT_DEADLINE);
    assert_int_equal(wait_count(l), 1);
    wait_stop(l);
    assert_int_equal(later.last, WAIT_STOP);
    assert_false(wait_add(l, &late.w));
    assert_int_equal(wait_look(l, true), UINT64_MAX);
    wait_list_free(l);
}

// A flood of waiting requests must not take all memory.
static void test_full(void **state) {
    (void)state;
    struct wait_list *l = wait_list_new();
    static struct counted many[WAIT_MAX + 1];
    for (size_t i = 0; i < ARRAY_LEN(many); i++) {
        many[i] = (struct counted){.w = {.look = look, .deadline_ms = UINT64_MAX}, .satisfied_after = 1};
        assert_int_equal(wait_add(l, &many[i].w), i < WAIT_MAX);
    }
    wait_stop(l);
    wait_list_free(l);
}

static const struct CMUnitTest group[] = {cmocka_unit_test(test_blocks), cmocka_unit_test(test_deadlines),
                                          cmocka_unit_test(test_full)};
RUN_TESTS(group)
