// SPDX-License-Identifier: Apache-2.0
#include "protocol/source_mark.h"

#include "base/test.h"

#define COMMIT "0123456789abcdef0123456789abcdef01234567"

// If this fails, work goes to whoever has something else, or not to who has it since he wrote it differently.
static void marks_are_of_what_is_built(void **state) {
    (void)state;
    uint64_t one = source_mark("https://github.com/a/b", COMMIT, "wasm32-wasip1");
    assert_int_not_equal(one, 0);
    assert_true(source_mark("a/b.git", "0123456789ABCDEF0123456789ABCDEF01234567", "wasm32-wasip1") == one);
    assert_false(source_mark("a/b//c", COMMIT, "wasm32-wasip1") == one);
    assert_false(source_mark("a/b", "main", "wasm32-wasip1") == one);
    assert_false(source_mark("a/b", COMMIT, "wasm32-wasip2") == one);
    assert_true(source_mark("a/b", "", "t") == source_mark("a/b", "HEAD", "t"));
    assert_int_equal(source_mark("--upload-pack=x", COMMIT, "t"), 0);
    assert_int_equal(source_mark("a/b", "-x", "t"), 0);
}

// If this fails, a worker's poll is refused for what it names, or a stranger's list has no end.
static void lists_are_read_as_they_are_written(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    uint64_t marks[SOURCE_MARKS_MAX + 1], got[SOURCE_MARKS_MAX];
    size_t n;
    struct err e;
    for (size_t i = 0; i <= SOURCE_MARKS_MAX; i++)
        marks[i] = UINT64_MAX / (i + 1);
    assert_ok(source_marks_parse(got, &n, source_marks_text(a, marks, SOURCE_MARKS_MAX), &e), &e);
    assert_int_equal(n, SOURCE_MARKS_MAX);
    assert_memory_equal(got, marks, sizeof got);
    const char *one_more = arena_printf(a, "%s,%s", source_marks_text(a, marks, SOURCE_MARKS_MAX), "00000000000000ff");
    assert_err(source_marks_parse(got, &n, one_more, &e), &e, ERR_INVALID, "more than 32");
    assert_err(source_marks_parse(got, &n, "00000000000000f", &e), &e, ERR_INVALID, "16 hexadecimal digits");
    assert_err(source_marks_parse(got, &n, ",", &e), &e, ERR_INVALID, "16 hexadecimal digits");
    assert_ok(source_marks_parse(got, &n, NULL, &e), &e);
    assert_int_equal(n, 0);
    assert_string_equal(source_marks_text(a, marks, 0), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(marks_are_of_what_is_built),
                                       cmocka_unit_test(lists_are_read_as_they_are_written)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
