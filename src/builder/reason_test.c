// SPDX-License-Identifier: Apache-2.0
#include "builder/reason.h"

#include "base/buf.h"
#include "base/test.h"

// Whoever asked for a build that failed sees this much of it and nothing else. If one of these fails, they are told
// that something went wrong and not what.
static const struct {
    const char *name, *log, *want;
} cases[] = {
    {"a compiler",
     "cc -c a.c\na.c:1:10: fatal error: 'x.h' file not found\n    1 | #include <x.h>\n1 error generated.\nmake: *** "
     "[a.o] Error 1\n",
     "failed: a.c:1:10: fatal error: 'x.h' file not found"},
    {"a build script that panics",
     "   Compiling guest v0.1.0 (/work/src)\nerror: failed to run custom build command for `guest v0.1.0 "
     "(/work/src)`\n\n"
     "Caused by:\n  process didn't exit successfully: `/work/target/release/build/g/build-script-build` (exit status: "
     "101)\n"
     "  --- stderr\n\n  thread 'main' panicked at build.rs:3:9:\n  no commit: build me inside a checkout\n"
     "  note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n"
     "warning: build failed, waiting for other jobs to finish...\n",
     "failed: error: failed to run custom build command for `guest v0.1.0 (src)`\n"
     "thread 'main' panicked at build.rs:3:9:\nno commit: build me inside a checkout"},
    {"a build script that says much",
     "error: failed to run custom build command for `g v0.1.0`\n  --- stdout\n  cargo:rerun-if-changed=x\n  --- "
     "stderr\n"
     "  an error: of before\n  1\n  2\n  3\n  4\n  the compiler gave up\n",
     "failed: error: failed to run custom build command for `g v0.1.0`\n1\n2\n3\n4\nthe compiler gave up"},
    {"a macro that panics",
     "error: proc macro panicked\n --> src/main.rs:1:1\n  |\n1 | m!();\n  |\n  = help: message: give it a name\n",
     "failed: error: proc macro panicked (src/main.rs:1:1)\n= help: message: give it a name"},
    {"warnings that speak of errors",
     "warning: unused variable: `not_found`\n --> src/main.rs:1:9\n  |\n1 | let not_found = \"error: none\";\n  |     "
     "^\n\nmain.c:3:5: warning: undefined behaviour [-Wx]\n    3 |  puts(\"fatal: no\");\n"
     "error[E0425]: cannot find value `y`\n --> src/main.rs:2:5\n",
     "failed: error[E0425]: cannot find value `y` (src/main.rs:2:5)"},
    {"no word of an error", "one\ntwo\nthree\nfour\nfive\n", "failed: two\nthree\nfour\nfive"},
    {"nothing", "", "failed"},
};

static void test_cases(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *got = reason_make(a, "failed", slice_str(cases[i].log));
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("%s: got\n%s\nwant\n%s", cases[i].name, got, cases[i].want);
    }
}

// If this fails, a long log hides what is at its end, which is where a build says why it ended.
static void test_end_of_a_long_log(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    SCOPED_BUF(b, 1 << 20);
    for (int i = 0; i < 20000; i++)
        buf_printf(&b, "line %d\n", i);
    buf_add_str(&b, "error: the end\n");
    assert_string_equal(reason_make(a, "failed", buf_slice(&b)), "failed: error: the end");
}

// What its sender is shown of a build: whole lines, the last ones, without what a terminal would obey.
static void test_the_log_itself(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    assert_null(reason_log(a, slice_str(""), 100));
    assert_null(reason_log(a, slice_str("\n \n"), 100));
    assert_string_equal(reason_log(a, slice_str("cc /work/src/a.c\n\n\x1b[31mwarning\x1b[0m: x\n"), 100),
                        "cc a.c\nwarning: x");
    assert_string_equal(reason_log(a, slice_str("one\ntwo\nthree"), 10), "two\nthree");
    assert_string_equal(reason_log(a, slice_str("one\ntwo\nthree"), 9), "three");
    assert_null(reason_log(a, slice_str("a line that is too long"), 9));
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases), cmocka_unit_test(test_end_of_a_long_log),
                                          cmocka_unit_test(test_the_log_itself)};
int main(void) { return cmocka_run_group_tests(tests, NULL, NULL); }
