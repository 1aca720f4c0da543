// SPDX-License-Identifier: Apache-2.0
// What guests write: whatever it is, its end is a text that every database and terminal can take.
#include "worker/said.h"

#include "base/buf.h"
#include "base/test.h"
#include "base/text.h"

static void becomes(struct slice said, const char *want) {
    SCOPED_ARENA(a);
    const char *got = said_tail(a, said);
    if (!want)
        assert_null(got);
    else
        assert_string_equal(got, want);
}

static void of_any_bytes(void **state) {
    (void)state;
    becomes(slice_of("", 0), NULL);
    becomes(SLICE_LIT("one\n\ttwo\n"), "one\n\ttwo\n");
    becomes(slice_of("a\0b", 3), "a?b");
    becomes(SLICE_LIT("\x1b[31mred\x1b[0m"), "?[31mred?[0m");
    becomes(SLICE_LIT("\xff\xfe"), "??");
    becomes(SLICE_LIT("\xc3\xa4"), "\xc3\xa4");
}

static void only_the_end(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    SCOPED_BUF(b, 2 * SAID_MAX + 1);
    for (size_t i = 0; i < SAID_MAX; i++)
        buf_add_str(&b, "\xc3\xa4"); // a cut through any of them is one through a character every other time
    buf_add_str(&b, "z");
    const char *got = said_tail(a, buf_slice(&b));
    assert_int_equal(strlen(got), SAID_MAX - 1);
    assert_true(text_is_utf8(slice_str(got)) && got[strlen(got) - 1] == 'z');
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(of_any_bytes), cmocka_unit_test(only_the_end)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
