// SPDX-License-Identifier: Apache-2.0
#include "executor/refusals.h"

#include "base/test.h"

static struct hash number(uint32_t n) { return sha256(slice_of(&n, sizeof n)); }

// If this fails, a module that takes for ever to compile takes for ever each time, or one that would do with more time
// is refused to somebody who pays for it.
static void test_budgets(void **state) {
    (void)state;
    struct refusals *r = refusals_new();
    struct hash slow = number(1), bad = number(2);
    struct refusal n;
    assert_false(refusals_find(r, &slow, 1, &n));
    refusals_keep(r, &slow, &(struct refusal){false, 10000, "too slow"});
    assert_true(refusals_find(r, &slow, 9000, &n) && refusals_find(r, &slow, 10000, &n));
    assert_string_equal(n.why, "too slow");
    assert_false(refusals_find(r, &slow, 10001, &n));
    refusals_keep(r, &slow, &(struct refusal){false, 500, "a shorter try"});
    assert_true(refusals_find(r, &slow, 10000, &n));
    assert_string_equal(n.why, "too slow");
    refusals_keep(r, &bad, &(struct refusal){true, UINT64_MAX, "bad"});
    assert_true(refusals_find(r, &bad, UINT64_MAX, &n) && n.invalid);
    refusals_free(r);
}

// If this fails, a flood of bad modules fills the memory, or pushes out what is asked for all the time.
static void test_bounded(void **state) {
    (void)state;
    struct refusals *r = refusals_new();
    struct refusal n = {true, UINT64_MAX, "bad"};
    struct hash often = number(0), first = number(1);
    refusals_keep(r, &often, &n);
    for (uint32_t i = 1; i <= 2 * REFUSALS_MAX; i++) {
        struct hash h = number(i);
        refusals_keep(r, &h, &n);
        assert_true(refusals_find(r, &often, 1, &n));
    }
    assert_false(refusals_find(r, &first, 1, &n));
    refusals_free(r);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_budgets), cmocka_unit_test(test_bounded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
