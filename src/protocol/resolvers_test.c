// SPDX-License-Identifier: Apache-2.0
#include "protocol/resolvers.h"

#include "base/test.h"
#include "base/text.h"

static bool may(bool full, const char *receiver, const char *const *methods, size_t count) {
    struct rpc_access_key k = {
        .full_access = full, .methods = (const char **)(uintptr_t)methods, .method_count = count};
    assert_true(text_copy(k.receiver.s, sizeof k.receiver.s, slice_str(receiver)));
    return key_may_resolve(&k, "o.near");
}

// If this fails, a stranger's key signs builds and gets secrets, or an operator's own does not.
static void test_keys(void **state) {
    (void)state;
    static const char *const answers[] = {"submit_execution_output", "resolve_execution"};
    static const char *const others[] = {"submit_execution_output_and_resolve", "resolve_execution2", ""};
    assert_true(may(true, "", NULL, 0));
    assert_true(may(false, "o.near", answers, 2));
    assert_true(may(false, "o.near", NULL, 0)); // any method
    assert_false(may(false, "p.near", answers, 2));
    assert_false(may(false, "p.near", NULL, 0));
    assert_false(may(false, "o.near", others, 3));
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_keys)};
RUN_TESTS(tests)
