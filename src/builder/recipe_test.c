// SPDX-License-Identifier: Apache-2.0
#include "builder/recipe.h"

#include "base/test.h"
#include "base/text.h"
#include "builder/artifact.h"
#include "builder/reason.h"

// If this fails, a right outlayer.toml is refused or misread.
static void test_recipe(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e = {0};
    struct recipe r;
    assert_ok(recipe_parse(
                  &r, a, SLICE_LIT("# how\n\nbuild = \"make \\\"x\\\" && a\\tb\" # so\r\n output='out/a.wasm'\n"), &e),
              &e);
    assert_string_equal(r.build, "make \"x\" && a\tb");
    assert_string_equal(r.output, "out/a.wasm");
    struct recipe again;
    assert_ok(recipe_parse(&again, a, slice_str(recipe_text(a, &r)), &e), &e);
    assert_string_equal(again.build, r.build);
}

// If this fails, a wrong outlayer.toml is taken, or its author is not told which line is wrong.
static void test_recipe_refused(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"", "wants both"},
        {"build = \"x\"", "wants both"},
        {"output = \"x\"", "wants both"},
        {"build = \"\"\noutput = \"x\"", "wants both"},
        {"build = \"x\"\nbuild = \"y\"\noutput = \"z\"", "line 2: 'build' is there twice"},
        {"[package]\n", "line 1: '[package]' is not known"},
        {"colour = \"x\"", "line 1: 'colour' is not known"},
        {"build", "line 1: 'build' is not known"},
        {"build = x", "line 1: 'build' wants a string"},
        {"build = \"x", "line 1: 'build' wants a string"},
        {"build = \"x\" y", "line 1: 'build' wants a string"},
        {"build = \"\\u0041\"", "line 1: 'build' wants a string"},
        {"build = \"x\"\noutput = \"../x\"", "not a path inside"},
        {"build = \"x\"\noutput = \"/etc/passwd\"", "not a path inside"},
        {"build = \"x\"\noutput = \"a/../../x\"", "not a path inside"},
        {"build = \"x\"\noutput = \"a//x\"", "not a path inside"},
        {"build = \"x\"\noutput = \"./x\"", "not a path inside"},
        {"build = \"x\"\noutput = \"\"", "not a path inside"},
        {"build = \"\xff\"", "not a text"},
    };
    SCOPED_ARENA(a);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = {0};
        struct recipe r;
        assert_err(recipe_parse(&r, a, slice_str(cases[i][0]), &e), &e, ERR_INVALID, cases[i][1]);
    }
}

// If this fails, an object file is taken for a module, or a module for none.
static void test_artifact(void **state) {
    (void)state;
    static const uint8_t core[] = {0, 'a', 's', 'm', 1, 0, 0, 0, 0, 5, 4, 'n', 'a', 'm', 'e'};
    static const uint8_t object[] = {0, 'a', 's', 'm', 1,   0,   0,   0,   1,   1,   0,
                                     0, 9,   7,   'l', 'i', 'n', 'k', 'i', 'n', 'g', 2};
    static const uint8_t torn[] = {0, 'a', 's', 'm', 1, 0, 0, 0, 1, 9, 0};
    static const uint8_t component[] = {0, 'a', 's', 'm', 13, 0, 1, 0};
    assert_int_equal(artifact_kind(slice_of(core, sizeof core)), ARTIFACT_CORE);
    assert_int_equal(artifact_kind(slice_of(core, 8)), ARTIFACT_CORE);
    assert_int_equal(artifact_kind(slice_of(object, sizeof object)), ARTIFACT_OBJECT);
    assert_int_equal(artifact_kind(slice_of(torn, sizeof torn)), ARTIFACT_NONE);
    assert_int_equal(artifact_kind(slice_of(component, sizeof component)), ARTIFACT_COMPONENT);
    assert_int_equal(artifact_kind(slice_of(core, 7)), ARTIFACT_NONE);
    assert_int_equal(artifact_kind(SLICE_LIT("#!/bin/sh")), ARTIFACT_NONE);
    assert_int_equal(artifact_kind(slice_of(NULL, 0)), ARTIFACT_NONE);
}

// If this fails, a library is taken for the program that a build left beside it.
static void test_program(void **state) {
    (void)state;
#define CORE "\0asm\1\0\0\0"
#define COMPONENT "\0asm\x0d\0\1\0"
#define BYTES(s) slice_of(s, sizeof s - 1)
    assert_true(artifact_is_program(BYTES(CORE "\7\x13\2\6memory\2\0\6_start\0\0")));
    assert_false(artifact_is_program(BYTES(CORE "\7\x13\2\6memory\2\0\6_start\3\0")));
    assert_false(artifact_is_program(BYTES(CORE "\7\x0a\1\6memory\2\0")));
    assert_false(artifact_is_program(BYTES(CORE "\7\x13\2\6memory\2\0\x7f_start\0\0")));
    assert_false(artifact_is_program(BYTES(CORE "\7\2\xff\xff")));
    assert_false(artifact_is_program(BYTES(CORE)));
    assert_true(artifact_is_program(BYTES(COMPONENT "\x0b\x17\1\0\x12wasi:cli/run@0.2.3\5\0")));
    assert_false(artifact_is_program(BYTES(COMPONENT "\x0b\x17\1\0\x12wasi:cli/ran@0.2.3\5\0")));
    assert_false(artifact_is_program(BYTES(COMPONENT "\x0a\x17\1\0\x12wasi:cli/run@0.2.3\5\0")));
    assert_false(artifact_is_program(BYTES("#!/bin/sh")));
}

// If this fails, the caller on chain reads noise, or bytes that are no text, instead of what is wrong.
static void test_reason(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    const char *r = reason_make(a, "make failed",
                                SLICE_LIT("cc -c x.c\n\x1b[1m/work/src/x.c:3:1: \x1b[31merror: \x1b[0mno such thing\n"
                                          "1 error generated.\nmake: *** [x] Error 1\n"));
    assert_string_equal(r, "make failed: x.c:3:1: error: no such thing");
    r = reason_make(a, "cargo build failed",
                    SLICE_LIT("   Compiling app\nerror[E0425]: cannot find value `x`\n --> src/main.rs:2:5\n  "
                              "|\nerror: could not compile `app`\n"));
    assert_string_equal(r, "cargo build failed: error[E0425]: cannot find value `x` (src/main.rs:2:5)");
    r = reason_make(a, "it failed", SLICE_LIT("one\ntwo\n\n   \nthree\nfour\nfive\n"));
    assert_string_equal(r, "it failed: two\nthree\nfour\nfive");
    assert_string_equal(reason_make(a, "it failed", (struct slice){NULL, 0}), "it failed");
    assert_string_equal(reason_make(a, "x", SLICE_LIT("a\x01\xff\xfe")), "x: a??");
}

// If this fails, a log can make the reason longer than a transaction takes, or cut a character in two.
static void test_reason_is_short(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    char log[20000];
    for (size_t i = 0; i + 2 <= sizeof log; i += 2)
        memcpy(log + i, i % 300 == 0 ? "\ne" : "\xc3\xa9", 2);
    const char *r = reason_make(a, "failed", slice_of(log, sizeof log));
    assert_in_range(strlen(r), 300, REASON_MAX);
    assert_true(text_is_utf8(slice_str(r)));
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_recipe),   cmocka_unit_test(test_recipe_refused),
                                          cmocka_unit_test(test_artifact), cmocka_unit_test(test_program),
                                          cmocka_unit_test(test_reason),   cmocka_unit_test(test_reason_is_short)};
RUN_TESTS(tests)
