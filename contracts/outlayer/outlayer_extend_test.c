// SPDX-License-Identifier: Apache-2.0
// Extensions, and the envelope: how a request outlives its 200 blocks, how often, and what its caller gets.
#include "kit/kit.h"

#define RESPONSE(rest) "{" rest "," USED "}"
#define SUCCESS RESPONSE("\"success\":true,\"output\":{\"Text\":\"hi\"}")
#define ONE "{\"request_id\":0}"

static void extends(void) { calls("extend_execution", OPERATOR, 0, ONE); }

static void shows(const char *member, const char *json) {
    char want[128];
    snprintf(want, sizeof want, "\"%s\":%s", member, json);
    assert_true(mock_view("get_request", ONE));
    if (!strstr(mock.value, want))
        fail_msg("no %s in %s", want, mock.value);
}

// The callback of an extension makes a new yield with a new name, which the request answers to from now on; without
// this a build of three minutes could never be delivered.
static void w06_extended_request_outlives_its_window(void **state) {
    (void)state;
    requests("", DEPOSIT);
    for (size_t i = 0; i < 10; i++) {
        mock.now_ns += 100 * SECOND_NS;
        extends();
        assert_int_equal(mock.log_count, 0);
        ends(i);
        assert_int_equal(mock.receipt_count, 1);
        assert_int_equal(mock.yield_count, i + 2);
        assert_int_equal(mock.returned, 0); // the caller waits for the new yield
        assert_int_equal(mock.receipts[0].kind, RECEIPT_YIELD);
        assert_string_equal(mock.receipts[0].args, ONE);
        assert_true(mock.receipts[0].gas == 50 * TGAS);
        event_is("execution_extended", "request_id", "0");
        json_t *data = event("execution_extended"), *ids = json_object_get(data, "data_id");
        for (size_t k = 0; k < 32; k++)
            assert_int_equal(json_integer_value(json_array_get(ids, k)), mock.yields[i + 1].data_id[k]);
        assert_int_equal(json_integer_value(json_object_get(data, "extensions")), i + 1);
        assert_int_equal(json_integer_value(json_object_get(data, "timestamp")), mock.now_ns);
        json_decref(data);
    }
    shows("extensions", "10");
    shows("extensions_left", "0");
    refuses("extend_execution", OPERATOR, 0, ONE, "as often as the request's gas pays, at most 10 times");
    resolves(0, SUCCESS);
    ends(10);
    answers("\"hi\"");
    views("get_request", ONE, "null");
}

// Between the wish to extend and the new yield an answer would be lost; it is refused, and may be given a block later.
static void answers_do_not_cross_extensions(void **state) {
    (void)state;
    requests("", DEPOSIT);
    extends();
    refuses("resolve_execution", OPERATOR, 0, "{\"request_id\":0,\"response\":" SUCCESS "}",
            "Execution request is being extended: try again in a block");
    refuses("submit_execution_output", OPERATOR, 0, "{\"request_id\":0,\"output\":{\"Text\":\"x\"}}",
            "is being extended");
    refuses("extend_execution", OPERATOR, 0, ONE, "is being extended");
    ends(0);
    resolves(0, SUCCESS);
    refuses("extend_execution", OPERATOR, 0, ONE, "has already been answered");
    ends(1);
    answers("\"hi\"");
}

// An extension that the caller's gas does not pay is refused before anything is resumed: its callback would fail, and
// the request with it.
static void extensions_end_with_the_callers_gas(void **state) {
    (void)state;
    mock.prepaid_gas = 57 * TGAS; // 50 for the callback, 1 kept back: two extensions
    requests("", DEPOSIT);
    shows("extensions_left", "2");
    mock.prepaid_gas = 56 * TGAS; // what the callback got
    extends();
    ends(0);
    shows("extensions_left", "1");
    mock.prepaid_gas = 53 * TGAS;
    extends();
    ends(1);
    shows("extensions_left", "0");
    refuses("extend_execution", OPERATOR, 0, ONE, "as often as the request's gas pays, at most 10 times");
    ends(2);
    answers("null");
    pays(ALICE, DEPOSIT);
}

// The last window ends like the first: everything goes back. And 600 s count from the last extension.
static void time_counts_from_the_last_extension(void **state) {
    (void)state;
    requests("", DEPOSIT);
    mock.now_ns += 590 * SECOND_NS;
    extends();
    ends(0);
    mock.now_ns += 600 * SECOND_NS;
    refuses("cancel_stale_execution", ALICE, 0, ONE, "Execution is not yet stale, please wait");
    mock.now_ns++;
    calls("cancel_stale_execution", ALICE, 0, ONE);
    pays(ALICE, DEPOSIT);
    requests("", DEPOSIT);
    calls("extend_execution", OPERATOR, 0, "{\"request_id\":1}");
    ends(2);
    ends(3);
    event_is("execution_completed", "failure", "\"timeout\"");
    pays(ALICE, DEPOSIT);
}

// Only operators extend, and only what is pending; a yield that has timed out meanwhile is not extended.
static void extensions_are_for_operators(void **state) {
    (void)state;
    refuses("extend_execution", OPERATOR, 0, ONE, "Execution request not found");
    requests("", DEPOSIT);
    refuses("extend_execution", ALICE, 0, ONE, "Only operator can call this");
    mock.yields[0].done = true;
    refuses("extend_execution", OPERATOR, 0, ONE, "Unable to resume execution promise");
    shows("extensions", "0");
}

// A callback of an extension that runs out of gas leaves the request as it is: it can be cancelled, for nothing.
static void failed_extension_can_be_cancelled(void **state) {
    (void)state;
    requests("", DEPOSIT);
    extends();
    mock.yields[0].done = true;
    mock.now_ns += 601 * SECOND_NS;
    calls("cancel_stale_execution", "bob.near", 0, ONE);
    charged(0, DEPOSIT);
    pays(ALICE, DEPOSIT);
    event_is("execution_cancelled", "cancelled_by", "\"bob.near\"");
    event_is("execution_cancelled", "request_id", "0");
}

// W16: with an envelope a contract sees whether it was answered, and why not; without, each failure is null.
static void w16_envelope_tells_failure_from_null(void **state) {
    (void)state;
    static const struct {
        const char *response, *value;
    } cases[] = {
        {RESPONSE("\"success\":true,\"output\":{\"Json\":null}"),
         "{\"success\":true,\"output\":null,\"error\":null,\"failure\":null,\"resources_used\":{\"instructions\":"
         "10999999,"
         "\"time_ms\":5000,\"compile_time_ms\":3000}}"},
        {RESPONSE("\"success\":true,\"output\":{\"Json\":{\"a\": 1}}"),
         "{\"success\":true,\"output\":{\"a\": 1},\"error\":null,\"failure\":null,\"resources_used\":{\"instructions\":"
         "10999999,\"time_ms\":5000,\"compile_time_ms\":3000}}"},
        {RESPONSE("\"success\":true,\"output\":{\"Bytes\":[1,2]}"),
         "{\"success\":true,\"output\":\"AQI=\",\"error\":null,\"failure\":null,\"resources_used\":{\"instructions\":"
         "10999999,\"time_ms\":5000,\"compile_time_ms\":3000}}"},
        {RESPONSE("\"success\":false,\"error\":\"Access denied: \\\"x\\\"\",\"failure\":\"access\""),
         "{\"success\":false,\"output\":null,\"error\":\"Access denied: \\\"x\\\"\",\"failure\":\"access\","
         "\"resources_used\":{\"instructions\":10999999,\"time_ms\":5000,\"compile_time_ms\":3000}}"},
        {NULL,
         "{\"success\":false,\"output\":null,\"error\":\"no answer came within 200 blocks; nothing was charged\","
         "\"failure\":\"timeout\",\"resources_used\":{\"instructions\":0,\"time_ms\":0,\"compile_time_ms\":null}}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        requests(",\"result_envelope\":true", DEPOSIT);
        if (cases[i].response)
            resolves(i, cases[i].response);
        ends(i);
        answers(cases[i].value);
    }
    requests(",\"result_envelope\":true", DEPOSIT);
    calls("emergency_cancel_execution", OWNER, 0, "{\"request_id\":5}");
    ends(5);
    answers("{\"success\":false,\"output\":null,\"error\":\"the request was cancelled\",\"failure\":\"cancelled\","
            "\"resources_used\":{\"instructions\":0,\"time_ms\":0,\"compile_time_ms\":null}}");
    requests(",\"result_envelope\":false", DEPOSIT);
    ends(6);
    answers("null");
}

// The envelope is kept over an extension.
static void envelope_outlives_extensions(void **state) {
    (void)state;
    requests(",\"result_envelope\":true", DEPOSIT);
    extends();
    ends(0);
    assert_string_equal(mock.receipts[0].args, "{\"request_id\":0,\"result_envelope\":true}");
    resolves(0, SUCCESS);
    ends(1);
    assert_non_null(strstr(mock.value, "{\"success\":true,\"output\":\"hi\""));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(w06_extended_request_outlives_its_window),
        TEST(answers_do_not_cross_extensions),
        TEST(extensions_end_with_the_callers_gas),
        TEST(time_counts_from_the_last_extension),
        TEST(extensions_are_for_operators),
        TEST(failed_extension_can_be_cancelled),
        TEST(w16_envelope_tells_failure_from_null),
        TEST(envelope_outlives_extensions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
