// SPDX-License-Identifier: Apache-2.0
#include "cli/args.h"

#include "base/test.h"

struct options {
    const char *input, *file;
    struct arg_u64 seconds;
    bool all;
};

static const struct arg table[] = {
    ARG_OPTION(struct options, input, "--input", "TEXT", "what the guest reads"),
    ARG_NUMBER(struct options, seconds, "--seconds", "how long it may run"),
    ARG_SWITCH(struct options, all, "--all", "for everybody"),
    ARG_OPERAND(struct options, file, "FILE", "the module"),
};

#define PARSE(...)                                                                                                     \
    args_parse(&o, table, ARRAY_LEN(table), (int)ARRAY_LEN(((const char *[]){__VA_ARGS__})),                           \
               (char **)(uintptr_t)(const char *[]){__VA_ARGS__}, &help, &e)

// If this fails, a command does something else than its line says.
static void test_what_is_given(void **state) {
    (void)state;
    struct options o = {.input = "left as it was"};
    struct err e;
    bool help;
    assert_ok(PARSE("--seconds", "60", "m.wasm", "--all"), &e);
    assert_false(help);
    assert_true(o.all && o.seconds.given && o.seconds.v == 60);
    assert_string_equal(o.file, "m.wasm");
    assert_string_equal(o.input, "left as it was");
    o = (struct options){0};
    assert_ok(PARSE("--input=--seconds=5", "--seconds=0"), &e);
    assert_string_equal(o.input, "--seconds=5");
    assert_true(o.seconds.given && o.seconds.v == 0);
    assert_ok(PARSE("--input="), &e);
    assert_string_equal(o.input, "");
    assert_ok(PARSE("--input", "--all"), &e); // a value may look like an option
    assert_string_equal(o.input, "--all");
    assert_false(o.all);
    assert_ok(PARSE("-"), &e); // standard input, by custom
    assert_string_equal(o.file, "-");
}

// If this fails, help is refused or comes too late: it must be had whatever else stands in the line.
static void test_help(void **state) {
    (void)state;
    struct options o = {0};
    struct err e;
    bool help;
    assert_ok(PARSE("m.wasm", "--help", "--nonsense"), &e);
    assert_true(help);
    assert_ok(PARSE("-h"), &e);
    assert_true(help);
}

// If this fails, a mistake in a line is carried out, or its reader is not told what to write instead.
static void test_mistakes(void **state) {
    (void)state;
    struct options o = {0};
    struct err e;
    bool help;
    assert_err(PARSE("--inptu", "x"), &e, ERR_USAGE, "'--inptu'");
    assert_err(PARSE("a.wasm", "b.wasm"), &e, ERR_USAGE, "'b.wasm'");
    assert_err(PARSE("--input"), &e, ERR_USAGE, "--input needs a value");
    assert_string_equal(e.hint, "--input TEXT: what the guest reads");
    assert_err(PARSE("--all=false"), &e, ERR_USAGE, "--all takes no value");
    static const char *const numbers[] = {"", "-1", "1e3", "60s", " 60", "18446744073709551616"};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        assert_err(PARSE("--seconds", numbers[i]), &e, ERR_USAGE, "is not a whole number");
    assert_err(PARSE("--input-file", "x"), &e, ERR_USAGE, "'--input-file'"); // no name by its beginning
    assert_err(PARSE("--in", "x"), &e, ERR_USAGE, "'--in'");
}

// If this fails, whoever names a folder as `outlayer run` takes it is not told how another command takes it.
static void test_a_repository_without_its_option(void **state) {
    (void)state;
    static const struct arg of_request[] = {ARG_OPTION(struct options, file, "--repo", "REPO", "a folder")};
    char text[] = "./hello", *line[] = {text};
    struct options o = {0};
    struct err e;
    bool help;
    assert_err(args_parse(&o, of_request, 1, 1, line, &help, &e), &e, ERR_USAGE, "unknown argument './hello'");
    assert_string_equal(e.hint, "did you mean --repo ./hello?");
    assert_err(PARSE("a.wasm", "b.wasm"), &e, ERR_USAGE, "'b.wasm'");
    assert_string_equal(e.hint, "--help lists what this command takes");
}

// If this fails, an option is passed over in silence, or refused where it is meant.
static void test_uses(void **state) {
    (void)state;
    struct err e;
    const struct arg_use uses[] = {{NULL, "fetch"}, {"--renew", "register, recheck"}};
    assert_ok(args_check_uses("tee", "register", uses, 2, &e), &e);
    assert_ok(args_check_uses("tee", "recheck", uses, 2, &e), &e);
    static const char *const others[] = {"check", "regist", "status", "register,", "register, recheck", ""};
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_err(args_check_uses("tee", others[i], uses, 2, &e), &e, ERR_USAGE, "takes no --renew");
    assert_string_equal(e.hint, "it is for: register, recheck");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_given), cmocka_unit_test(test_help), cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_a_repository_without_its_option), cmocka_unit_test(test_uses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
