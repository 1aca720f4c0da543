// SPDX-License-Identifier: Apache-2.0
// What one call of a walk over all keys answers. If these fail, a walk that came half way counts as done, or one that
// stands still is paid for without end.
#include "base/test.h"

#include "codec/json.h"
#include "tee/key_walk.h"

static bool take(struct key_walk *w, const char *text, struct err *e) {
    SCOPED_JSON(j) = json_parse(slice_str(text), strlen(text), e);
    assert_non_null(j);
    return key_walk_take(w, j, e);
}

static void to_the_end(void **state) {
    (void)state;
    struct key_walk w = {0};
    struct err e;
    assert_true(take(&w, "{\"checked\":300,\"removed\":0,\"next\":300}", &e));
    assert_int_equal(w.next, 300);
    // The last key took the place of one that was removed: the index stands still, and yet the walk moves.
    assert_true(take(&w, "{\"checked\":5,\"removed\":5,\"next\":300}", &e));
    assert_true(take(&w, "{\"checked\":7,\"removed\":1,\"next\":null}", &e));
    assert_int_equal(w.next, KEY_WALK_END);
    assert_int_equal(w.checked, 312);
    assert_int_equal(w.removed, 6);
}

static void stands_still(void **state) {
    (void)state;
    struct key_walk w = {.next = 300};
    struct err e;
    assert_err(take(&w, "{\"checked\":0,\"removed\":0,\"next\":300}", &e), &e, ERR_CHAIN, "is not at the end");
    w.next = 300;
    assert_err(take(&w, "{\"checked\":9,\"removed\":0,\"next\":0}", &e), &e, ERR_CHAIN, "is not at the end");
}

static void no_answers(void **state) {
    (void)state;
    struct key_walk w = {0};
    struct err e;
    assert_false(take(&w, "{\"removed\":0,\"next\":null}", &e));
    assert_false(take(&w, "{\"checked\":1,\"removed\":0,\"next\":\"soon\"}", &e));
    assert_false(take(&w, "[]", &e));
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(to_the_end), cmocka_unit_test(stands_still),
                                          cmocka_unit_test(no_answers)};
RUN_TESTS(tests)
