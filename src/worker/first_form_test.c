// SPDX-License-Identifier: Apache-2.0
#include "worker/first_form.h"

#include "base/test.h"
#include "base/text.h"
#include "worker/answer.h"
#include "worker/contract_view.h"

#define SECOND_PRICE ((u128)100000000000000000ull * 1000) // per_compile_ms 1e17

// If this fails, a build takes what nobody paid for, or has less time than was paid for.
static void test_build_seconds(void **state) {
    (void)state;
    const u128 prices[] = {NEAR_ONE / 1000, 100000000000000ull, 100000000000000000ull, 100000000000000000ull};
    const u128 free_builds[] = {NEAR_ONE / 1000, 1, 1, 0}, dear[] = {~(u128)0, ~(u128)0, ~(u128)0, ~(u128)0};
    struct request_limits l = {1000000000, 128, 60};
    u128 required = (u128)70001 * 100000000000000000ull; // near-outlayer's own figure for these limits
    assert_int_equal(build_seconds_bought(&l, required, prices), 10);
    assert_int_equal(build_seconds_bought(&l, required + 11 * SECOND_PRICE - 1, prices), 10);
    assert_int_equal(build_seconds_bought(&l, required + 11 * SECOND_PRICE, prices), 11);
    assert_int_equal(build_seconds_bought(&l, NEAR_ONE, prices), 40); // what 200 blocks leave beside 60 s
    assert_int_equal(build_seconds_bought(&l, 0, prices), 10);
    assert_int_equal(build_seconds_bought(&l, 0, free_builds), 40);
    assert_int_equal(build_seconds_bought(&l, ~(u128)0, dear), 10);
    l.max_execution_seconds = 180;
    assert_int_equal(build_seconds_bought(&l, NEAR_ONE, prices), 10);
    l.max_execution_seconds = UINT64_MAX;
    assert_int_equal(build_seconds_bought(&l, NEAR_ONE, prices), 10);
}

#define DATA_LIST "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32]"
#define VIEW(limits, input)                                                                                            \
    "{\"request_id\":5,\"data_id\":" DATA_LIST ",\"sender_id\":\"s.near\",\"code_source\":{\"repo\":\"r\",\"commit\":" \
    "\"c\",\"build_target\":null},\"resource_limits\":" limits ",\"payment\":100000000000000000000000,\"timestamp\":"  \
    "1790000000000000000,\"secrets_ref\":null,\"response_format\":\"Text\",\"input_data\":" input                      \
    ",\"payer_account_id\":\"p.near\",\"pending_output\":null,\"output_submitted\":false}"
#define NO_LIMITS "{\"max_instructions\":null,\"max_memory_mb\":null,\"max_execution_seconds\":null}"

static struct chain_request view(struct arena *a, const char *text) {
    struct chain_request c;
    SCOPED_JSON(j) = json_parse_big(slice_str(text), 65536, NULL);
    assert_non_null(j);
    chain_request_take(&c, a, j);
    return c;
}

// If this fails, every lease of such a contract is refused, or one whose input somebody changed is run.
static void test_view(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct chain_request c = view(a, VIEW(NO_LIMITS, "\"in put\""));
    struct hash input = sha256(SLICE_LIT("in put"));
    assert_null(c.unreadable);
    assert_true(c.first_form && c.has_input && c.input_length == 6 && hash_eq(&c.input_hash, &input));
    assert_int_equal(c.limits.max_instructions, 1000000000);
    assert_string_equal(c.payer_id, "p.near");
    struct task t = {.request_id = 5,
                     .data_id = c.data_id,
                     .sender_id = "s.near",
                     .repo = "r",
                     .ref = "c",
                     .target = "wasm32-wasip1",
                     .limits = {1000000000, 128, 60},
                     .input = SLICE_LIT("in put"),
                     .format = FORMAT_TEXT,
                     .payment = c.payment};
    assert_null(task_mismatch(&t, &c));
    t.input = SLICE_LIT("in puT");
    assert_string_equal(task_mismatch(&t, &c), "input_data");
    c = view(a, VIEW(NO_LIMITS, "null"));
    assert_string_equal(task_mismatch(&t, &c), "input_data");
    t.input = slice_of("", 0);
    assert_null(task_mismatch(&t, &c));
    c = view(a, VIEW("[]", "null"));
    assert_true(c.first_form);
    assert_non_null(strstr(c.unreadable, "resource_limits"));
}

// What the contract makes of a response before it resumes the yield: every member, null where there is none.
static size_t resumed_length(const struct answer_call *call) {
    SCOPED_JSON(args) = json_parse_big(call->args, 8u << 20, NULL);
    json_t *r = json_object_get(args, "response");
    json_t *used = json_object_get(r, "resources_used");
    const char *const members[] = {"output", "error", "compilation_note"};
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (!json_object_get(r, members[i]))
            json_object_set_new(r, members[i], json_null());
    if (!json_object_get(used, "compile_time_ms"))
        json_object_set_new(used, "compile_time_ms", json_null());
    SCOPED_ARENA(a);
    return strlen(json_text(a, r));
}

// If this fails, the chain refuses an answer that is too long for it, and the caller waits for the end of the blocks.
static void test_answers_fit(void **state) {
    (void)state;
    size_t small = 0, large = 0;
    for (size_t len = 0; len < 1200; len += 7)
        for (int kind = 0; kind < 6; kind++) {
            SCOPED_ARENA(a);
            char *text = arena_calloc(a, len + 1, 1);
            memset(text, kind % 2 ? '"' : 'x', len);
            struct exec_result r = {.end = EXEC_OK, .output = slice_of(text, len)};
            struct answer n = {.first_form = true, .instructions = UINT64_MAX, .note = kind > 2 ? "\"cached\"" : NULL};
            answer_from_run(&n, a, kind == 4 ? FORMAT_BYTES : FORMAT_TEXT, &r);
            if (kind == 5)
                answer_fail(&n, a, ANSWER_GUEST, "%s", text);
            struct answer_call c = answer_call(&n, a, 1);
            bool inlined = strcmp(c.method, "resolve_execution") == 0;
            assert_true(inlined || kind != 5);
            assert_true(!inlined || resumed_length(&c) <= 1024);
            small += inlined;
            large += !inlined;
        }
    assert_true(small > 400 && large > 200);
}

// If this fails, an answer ends the contract's callback, and nobody is answered or paid back.
static void test_json_is_logged(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    char *text = arena_calloc(a, 20001, 1);
    memset(text, '1', 20000);
    struct exec_result r = {.end = EXEC_OK, .output = slice_of(text, 15000)};
    struct answer n = {.first_form = true};
    answer_from_run(&n, a, FORMAT_JSON, &r);
    answer_check_size(&n, a);
    assert_int_equal(n.class, ANSWER_SUCCESS);
    r.output.len = 15001;
    answer_from_run(&n, a, FORMAT_JSON, &r);
    answer_check_size(&n, a);
    assert_int_equal(n.class, ANSWER_GUEST);
    answer_from_run(&n, a, FORMAT_TEXT, &r);
    answer_check_size(&n, a);
    assert_int_equal(n.class, ANSWER_SUCCESS);
}

#define ENDED(sender, target)                                                                                          \
    "{\"standard\":\"near-outlayer\",\"version\":\"1.0.0\",\"event\":\"execution_completed\",\"data\":[{"              \
    "\"sender_id\":\"" sender "\",\"code_source\":{\"repo\":\"r\",\"commit\":\"c\",\"build_target\":" target "},"      \
    "\"resources_used\":{\"instructions\":5,\"time_ms\":6,\"compile_time_ms\":null},\"success\":false,"                \
    "\"error_message\":\"why\",\"payment_charged\":\"7\",\"payment_refunded\":\"9\",\"compilation_note\":null,"        \
    "\"timestamp\":1}]}"

// If this fails, the charge of one request is taken for another's.
static void test_ends(void **state) {
    (void)state;
    struct err e;
    struct settlement s;
    const struct task t = {.request_id = 3, .sender_id = "s.near", .repo = "r", .ref = "c", .target = "wasm32-wasip1"};
    assert_ok(settlement_parse_unnamed(&s, &t, ENDED("s.near", "null"), &e), &e);
    assert_true(s.unnamed && s.charged == 7 && s.refunded == 9 && !s.success);
    assert_string_equal(s.error, "why");
    assert_ok(settlement_parse_unnamed(&s, &t, ENDED("s.near", "\"wasm32-wasip1\""), &e), &e);
    assert_err(settlement_parse_unnamed(&s, &t, ENDED("t.near", "null"), &e), &e, ERR_NOT_FOUND, "another");
    assert_err(settlement_parse_unnamed(&s, &t, ENDED("s.near", "\"wasm32-wasip2\""), &e), &e, ERR_NOT_FOUND,
               "another");
    const struct task older = {.request_id = 3, .sender_id = "s.near"}; // of a journal that does not say what was asked
    assert_err(settlement_parse_unnamed(&s, &older, ENDED("s.near", "null"), &e), &e, ERR_NOT_FOUND, "another");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_build_seconds),  cmocka_unit_test(test_view), cmocka_unit_test(test_answers_fit),
    cmocka_unit_test(test_json_is_logged), cmocka_unit_test(test_ends),
};
RUN_TESTS(tests)
