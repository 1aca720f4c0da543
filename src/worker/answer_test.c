// SPDX-License-Identifier: Apache-2.0
#include "worker/answer.h"

#include "base/test.h"
#include "codec/hex.h"

static struct answer answer_of(struct arena *a, enum response_format format, const char *output) {
    struct answer n = {0};
    struct exec_result r = {.end = EXEC_OK, .instructions = 7, .run_us = 1001, .output = slice_str(output)};
    answer_from_run(&n, a, format, &r);
    return n;
}

// If this fails, a caller gets another form than asked for, or a failure where there is an output.
static void test_formats(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct answer n = answer_of(a, FORMAT_TEXT, "zäh");
    assert_int_equal(n.class, ANSWER_SUCCESS);
    assert_slice(n.output, "zäh");
    assert_int_equal(n.instructions, 7);
    assert_int_equal(n.time_ms, 2); // begun milliseconds
    n = answer_of(a, FORMAT_BYTES, "\xff\x01");
    assert_int_equal(n.class, ANSWER_SUCCESS);
    n = answer_of(a, FORMAT_JSON, " { \"a b\" : [ 1 , \"\\\" x\" ] ,\n\"n\": 12345678901234567890123 }\n");
    assert_int_equal(n.class, ANSWER_SUCCESS);
    assert_slice(n.output, "{\"a b\":[1,\"\\\" x\"],\"n\":12345678901234567890123}");
    n = answer_of(a, FORMAT_JSON, "5");
    assert_slice(n.output, "5");
}

// If this fails, a guest's wrong output is taken as an answer, or the caller is not told what was wrong with it.
static void test_wrong_formats(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    static const struct {
        enum response_format format;
        const char *output, *says;
    } cases[] = {
        {FORMAT_TEXT, "\xff", "not UTF-8"},         {FORMAT_JSON, "", "wrote nothing"},
        {FORMAT_JSON, "{\"a\":1", "JSON"},          {FORMAT_JSON, "{} {}", "JSON"},
        {FORMAT_JSON, "{\"a\":1,\"a\":2}", "JSON"}, {FORMAT_JSON, "\"\xff\"", "JSON"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct answer n = answer_of(a, cases[i].format, cases[i].output);
        assert_int_equal(n.class, ANSWER_GUEST);
        assert_int_equal(n.output.len, 0);
        assert_int_equal(n.instructions, 7);
        if (!strstr(n.error, cases[i].says))
            fail_msg("'%s' does not say '%s'", n.error, cases[i].says);
    }
    char deep[1000] = {0};
    memset(deep, '[', 150);
    memset(deep + 150, ']', 150);
    assert_non_null(strstr(answer_of(a, FORMAT_JSON, deep).error, "nested"));
}

// If this fails, a failure is charged to the wrong side: a fault of ours to the caller, or a guest's to us.
static void test_classes(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    static const struct {
        enum exec_end end;
        enum answer_class class;
    } runs[] = {{EXEC_EXIT, ANSWER_GUEST},    {EXEC_TRAP, ANSWER_GUEST},      {EXEC_INSTRUCTIONS, ANSWER_GUEST},
                {EXEC_MEMORY, ANSWER_GUEST},  {EXEC_DEADLINE, ANSWER_GUEST},  {EXEC_OUTPUT, ANSWER_GUEST},
                {EXEC_INVALID, ANSWER_GUEST}, {EXEC_FORBIDDEN, ANSWER_GUEST}, {EXEC_CRASH, ANSWER_GUEST}};
    for (size_t i = 0; i < ARRAY_LEN(runs); i++) {
        struct answer n = {0};
        struct exec_result r = {.end = runs[i].end, .detail = "so it ended"};
        answer_from_run(&n, a, FORMAT_TEXT, &r);
        assert_int_equal(n.class, runs[i].class);
        assert_string_equal(n.error, "so it ended");
    }
    for (enum build_end end = BUILD_BAD_SOURCE; end <= BUILD_PLATFORM; end++) {
        struct answer n = {0};
        struct build_result b = {.end = end, .reason = "log", .build_ms = 5};
        answer_from_build(&n, a, &b);
        bool ours = end == BUILD_NO_ISOLATION || end == BUILD_PLATFORM;
        assert_int_equal(n.class, ours ? ANSWER_PLATFORM : ANSWER_BUILD);
        assert_int_equal(n.build_ms, 5);
    }
}

// If this fails, the contract or its readers meet text that is not UTF-8, cut in a character, or too long.
static void test_error_text(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct answer n = {0};
    char text[700];
    memset(text, 'a', sizeof text);
    memcpy(text + 511, "ä", 2);
    text[699] = 0;
    answer_fail(&n, a, ANSWER_GUEST, "%s", text);
    assert_int_equal(strlen(n.error), 511);
    answer_fail(&n, a, ANSWER_GUEST, "bad \xff \x01\n");
    assert_string_equal(n.error, "bad ?  \n");
}

static json_t *args_of(const struct answer_call *c) {
    struct err e;
    json_t *j = json_parse_big(c->args, 16u << 20, &e);
    if (!j)
        fail_msg("arguments are no JSON: %s", e.msg);
    return j;
}

// If this fails, the contract refuses our calls, or charges for something that was not used.
static void test_small_call(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct answer n = answer_of(a, FORMAT_TEXT, "a \"quoted\" line\n");
    n.built = true;
    n.build_ms = 1500;
    n.note = "note";
    n.has_wasm = true;
    struct answer_call c = answer_call(&n, a, 12);
    assert_string_equal(c.method, "resolve_execution");
    SCOPED_JSON(j) = args_of(&c);
    const json_t *r = json_object_get(j, "response");
    assert_int_equal(json_integer_value(json_object_get(j, "request_id")), 12);
    assert_true(json_is_true(json_object_get(r, "success")));
    assert_string_equal(json_string_value(json_object_get(json_object_get(r, "output"), "Text")),
                        "a \"quoted\" line\n");
    const json_t *used = json_object_get(r, "resources_used");
    assert_int_equal(json_integer_value(json_object_get(used, "compile_time_ms")), 1500);
    assert_int_equal(json_integer_value(json_object_get(used, "instructions")), 7);
    assert_int_equal(strlen(json_string_value(json_object_get(r, "wasm_hash"))), 64);
    assert_null(json_object_get(r, "attestation_digest"));
    assert_null(json_object_get(r, "failure"));
    n.built = false;
    answer_fail(&n, a, ANSWER_BUILD, "it does not build");
    c = answer_call(&n, a, 12);
    SCOPED_JSON(failed) = args_of(&c);
    r = json_object_get(failed, "response");
    assert_true(json_is_false(json_object_get(r, "success")));
    assert_string_equal(json_string_value(json_object_get(r, "failure")), "build");
    assert_string_equal(json_string_value(json_object_get(r, "error")), "it does not build");
    assert_null(json_object_get(r, "output"));
    assert_null(json_object_get(json_object_get(r, "resources_used"), "compile_time_ms"));
}

// If this fails, an output that fits is stored at a price, or one that does not fit stops the resume.
static void test_large_call(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    char text[2000] = {0};
    struct answer n;
    size_t most = 0;
    for (size_t len = 800; len < 1100; len++) {
        memset(text, 'x', len);
        n = answer_of(a, FORMAT_TEXT, text);
        struct answer_call c = answer_call(&n, a, 1);
        if (strcmp(c.method, "resolve_execution") == 0)
            most = len;
    }
    // version, success, failure; instructions, time, compile flag and time; two hashes with flags; two text lengths;
    // stored; kind; the output's length
    assert_int_equal(most, 1024 - (3 + 8 + 8 + 1 + 8 + 33 + 33 + 4 + 4 + 1 + 1 + 4));
    struct exec_result r = {.end = EXEC_OK, .output = slice_of(text, 1099)};
    answer_from_run(&n, a, FORMAT_BYTES, &r);
    struct answer_call c = answer_call(&n, a, 1);
    assert_string_equal(c.method, "submit_execution_output_and_resolve");
    SCOPED_JSON(j) = args_of(&c);
    const json_t *bytes = json_object_get(json_object_get(j, "output"), "Bytes");
    assert_int_equal(json_array_size(bytes), 1099);
    assert_int_equal(json_integer_value(json_array_get(bytes, 0)), 'x');
    assert_true(json_is_true(json_object_get(j, "success")));
}

// If this fails, a transaction is paid for that the contract can only refuse.
static void test_output_limits(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    char *text = arena_calloc(a, 500001, 1);
    memset(text, 'x', 500000);
    struct answer n = answer_of(a, FORMAT_TEXT, text);
    answer_check_size(&n, a);
    assert_int_equal(n.class, ANSWER_GUEST);
    assert_non_null(strstr(n.error, "500,002"));
    text[(384 << 10) - 2] = 0;
    n = answer_of(a, FORMAT_TEXT, text);
    answer_check_size(&n, a);
    assert_int_equal(n.class, ANSWER_SUCCESS);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_formats),       cmocka_unit_test(test_wrong_formats), cmocka_unit_test(test_classes),
    cmocka_unit_test(test_error_text),    cmocka_unit_test(test_small_call),    cmocka_unit_test(test_large_call),
    cmocka_unit_test(test_output_limits),
};
RUN_TESTS(tests)
