// SPDX-License-Identifier: Apache-2.0
// What every unit test includes: cmocka in its required order, and checks that print the error they met.
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/slice.h"

// The call succeeds; otherwise the test shows *e and fails.
#define assert_ok(call, e)                                                                                             \
    do {                                                                                                               \
        if (!(call))                                                                                                   \
            fail_msg("%s: %s (%s) %s", #call, (e)->msg, err_slug((e)->code), (e)->hint);                               \
    } while (0)
// The call fails with this code and a message that contains the text.
#define assert_err(call, e, want_code, text)                                                                           \
    do {                                                                                                               \
        if (call)                                                                                                      \
            fail_msg("%s should have failed", #call);                                                                  \
        if ((e)->code != (want_code) || !strstr((e)->msg, (text)))                                                     \
            fail_msg("%s: got %s '%s', want %s '%s'", #call, err_slug((e)->code), (e)->msg, err_slug(want_code),       \
                     (text));                                                                                          \
    } while (0)
#define assert_slice(s, text) assert_true(slice_eq_str((s), (text)))

#define RUN_TESTS(group)                                                                                               \
    int main(void) { return cmocka_run_group_tests(group, NULL, NULL); }
