// SPDX-License-Identifier: Apache-2.0
// Weaknesses of the reference's contract, by their numbers in docs/weaknesses.md, each with a test that fails on its
// behaviour.
// The tests of others stand beside what they belong to: outlayer_settle_test.c, outlayer_extend_test.c and the like
// have functions named by them.
#include "kit/kit.h"

#define RESPONSE(rest) "{" rest "," USED "}"

static char *repeated(const char *before, const char *what, size_t times, const char *after) {
    size_t n = strlen(what), at = strlen(before);
    char *text = malloc(at + n * times + strlen(after) + 1);
    assert_non_null(text);
    memcpy(text, before, at);
    for (size_t i = 0; i < times; i++, at += n)
        memcpy(text + at, what, n);
    memcpy(text + at, after, strlen(after) + 1);
    return text;
}

// A Json output of 300 KB: the reference logs all of it, which the node refuses, so the callback fails: no result, no
// refund, no fee.
static void w01_large_json_output_settles(void **state) {
    (void)state;
    char *args =
        repeated("{\"request_id\":0,\"output\":{\"Json\":[\"", "0123456789", 30000, "\"]},\"success\":true," USED "}");
    requests("", DEPOSIT + 2 * NEAR);
    calls("submit_execution_output_and_resolve", OPERATOR, 0, args);
    ends(0);
    assert_int_equal(mock.value_len, 300004);
    assert_true(mock.log_bytes < 2000);
    event_is("execution_completed", "output_length", "300004");
    assert_int_equal(mock.receipt_count, 1);
    free(args);
}

// The input is in the event only: kept in the state it would bind the contract's own money.
static void w13_input_is_not_stored(void **state) {
    (void)state;
    requests(",\"input_data\":\"x\"", DEPOSIT);
    uint64_t before = usage_beside_state();
    requests(",\"input_data\":\"x\"", DEPOSIT);
    uint64_t one = usage_beside_state() - before;
    char *more = repeated(",\"input_data\":\"", "0123456789", 1000, "\"");
    requests(more, DEPOSIT);
    assert_int_equal(usage_beside_state() - before, 2 * one);
    assert_true(one < 400);
    free(more);
}

// Numbers beyond 2^53 are there as text, too, and each end names its request: two of one sender can be told apart.
static void w17_ids_and_amounts_survive_javascript(void **state) {
    (void)state;
    requests("", DEPOSIT);
    requests("", DEPOSIT);
    assert_true(mock_view("get_request", "{\"request_id\":1}"));
    assert_non_null(strstr(mock.value, "\"payment\":100000000000000000000000,"));
    assert_non_null(strstr(mock.value, "\"payment_yocto\":\"100000000000000000000000\""));
    assert_non_null(strstr(mock.value, "\"timestamp_ns\":\"1767225600000000000\""));
    resolves(1, RESPONSE("\"success\":true"));
    ends(1);
    event_is("execution_completed", "request_id", "1");
}

static size_t charge_lines(void) {
    size_t n = 0;
    for (size_t i = 0; i < mock.log_count; i++)
        n += strncmp(mock.logs[i], "[[yNEAR charged:", 16) == 0;
    return n;
}

// One line with what was charged, the true one; the reference also logs an estimate before, which readers take first.
static void w18_one_line_says_the_charge(void **state) {
    (void)state;
    requests("", DEPOSIT);
    resolves(0, RESPONSE("\"success\":false,\"failure\":\"platform\""));
    assert_int_equal(charge_lines(), 0);
    ends(0);
    assert_int_equal(charge_lines(), 1);
    assert_non_null(mock_log("[[yNEAR charged: \"0\"]]"));
}

// A program's input is a text without NUL, however it is written.
static void w19_input_has_no_nul(void **state) {
    (void)state;
    refuses("request_execution", ALICE, DEPOSIT, "{" SOURCE ",\"input_data\":\"a\\u0000b\"}",
            "\"input_data\": a program's input cannot contain NUL");
    requests(",\"input_data\":\"a\\u0001b\"", DEPOSIT);
    resolves(0, RESPONSE("\"success\":true,\"output\":{\"Text\":\"a\\u0000b\"}")); // outputs are what they are
    ends(0);
    answers("\"a\\u0000b\"");
}

// What ran is in the event, and the callback takes the output that was answered with and no other.
static void w21_result_is_bound_to_its_code_and_output(void **state) {
    (void)state;
#define H "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
    char args[1024];
    requests("", DEPOSIT);
    snprintf(args, sizeof args,
             "{\"request_id\":0,\"output\":{\"Text\":\"right\"},\"success\":true,\"wasm_hash\":\"" H
             "\",\"attestation_digest\":\"" H "\"," USED "}");
    calls("submit_execution_output_and_resolve", OPERATOR, 0, args);
    refuses("submit_execution_output", OPERATOR, 0, "{\"request_id\":0,\"output\":{\"Text\":\"wrong\"}}",
            "Output already submitted for this request");
    ends(0);
    answers("\"right\"");
    event_is("execution_completed", "wasm_hash", "\"" H "\"");
    event_is("execution_completed", "attestation_digest", "\"" H "\"");

    requests("", DEPOSIT);
    resolves(1, RESPONSE("\"success\":true,\"output\":{\"Text\":\"right\"}"));
    refuses("submit_execution_output", OPERATOR, 0, "{\"request_id\":1,\"output\":{\"Text\":\"wrong\"}}",
            "Execution request has already been answered");
    ends(1);
    answers("\"right\"");
}

// Texts are cut between characters: the reference cuts bytes, which fails inside of one.
static void w24_texts_are_cut_between_characters(void **state) {
    (void)state;
    char *error = repeated("{\"success\":false,\"error\":\"", "x", 511, "\xc3\xbc\"," USED "}");
    requests("", DEPOSIT);
    resolves(0, error);
    ends(0);
    json_t *data = event("execution_completed");
    assert_int_equal(strlen(json_string_value(json_object_get(data, "error_message"))), 511);
    json_decref(data);
    free(error);
    char *output = repeated("{\"success\":true,\"output\":{\"Text\":\"", "\xc3\xbc", 200, "x\"}," USED "}");
    requests("", DEPOSIT);
    resolves(1, output);
    ends(1);
    data = event("execution_completed");
    assert_int_equal(strlen(json_string_value(json_object_get(data, "output_preview"))), 256);
    json_decref(data);
    free(output);
}

static size_t event_bytes(const char *name) {
    char prefix[128];
    snprintf(prefix, sizeof prefix, "EVENT_JSON:{\"standard\":\"near-outlayer\",\"version\":\"1.0.0\",\"event\":\"%s\"",
             name);
    const char *line = mock_log(prefix);
    assert_non_null(line);
    return strlen(line);
}

// The longest texts of the widest characters in each event, as many escapes as they take: all calls go through.
static void the_largest_events_fit(void **state) {
    (void)state;
    char names[1500], commit[2 * 255 + 1];
    for (size_t i = 0; i < sizeof commit; i++)
        commit[i] = i % 2 ? '"' : '\\'; // a quotation mark is what takes most room of all that a ref may hold
    commit[sizeof commit - 1] = 0;
    snprintf(names, sizeof names,
             "{\"code_source\":{\"repo\":\"%0256d\",\"commit\":\"%s\",\"build_target\":\"%064d\"},"
             "\"payer_account_id\":\"%064d\",\"secrets_ref\":{\"profile\":\"%064d\",\"account_id\":\"%064d\"}}",
             1, commit, 3, 4, 5, 6);
    calls("request_execution", ALICE, DEPOSIT, names);
    char *error = repeated("{\"request_id\":0,\"response\":{\"success\":false,\"error\":\"", "\\u0001", 600, "\"");
    char *all = repeated(",\"compilation_note\":\"", "\\u0002", 300, "\"," USED "}}");
    char *args = malloc(strlen(error) + strlen(all) + 1);
    assert_non_null(args);
    snprintf(args, strlen(error) + strlen(all) + 1, "%s%s", error, all);
    calls("resolve_execution", OPERATOR, 0, args);
    ends(0);
    assert_true(event_bytes("execution_completed") > 512 * 6 + 192 * 6 + 512);
    free(args);
    free(all);
    free(error);
    calls("request_execution", ALICE, DEPOSIT, names);
    args = repeated("{\"request_id\":1,\"output\":{\"Text\":\"", "\\\"", 60000, "\"},\"success\":true," USED "}");
    calls("submit_execution_output_and_resolve", OPERATOR, 0, args);
    ends(1);
    assert_true(event_bytes("execution_completed") > 256 * 2 + 512);
    free(args);
    args = repeated("{\"profile\":\"p\",\"encrypted_secrets_base64\":\"AAAA\",\"access\":\"AllowAll\",\"branch\":\"",
                    "\\\"", 255, "\",\"repo\":\"");
    all = repeated(args, "r", 250, ".x/o/n\"}");
    calls("store_secrets", ALICE, NEAR, all);
    assert_true(event_bytes("secrets_stored") > 255 * 2 + 256);
    free(all);
    free(args);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(w01_large_json_output_settles),
        TEST(w13_input_is_not_stored),
        TEST(w17_ids_and_amounts_survive_javascript),
        TEST(w18_one_line_says_the_charge),
        TEST(w19_input_has_no_nul),
        TEST(w21_result_is_bound_to_its_code_and_output),
        TEST(w24_texts_are_cut_between_characters),
        TEST(the_largest_events_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
