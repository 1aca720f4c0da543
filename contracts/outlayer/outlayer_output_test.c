// SPDX-License-Identifier: Apache-2.0
// submit_execution_output, resolve_execution, submit_execution_output_and_resolve and on_execution_response: how an
// output of any size gets to the caller, what the callback answers, and what the event says about it.
#include "kit/kit.h"

#define RESPONSE(rest) "{" rest "," USED "}"
#define RESOLVE(rest) "{\"request_id\":0,\"response\":" RESPONSE(rest) "}"
#define BOTH(rest) "{\"request_id\":0," rest "," USED "}"
#define ID "{\"request_id\":0}"
#define COST (1800 * (MILLI_NEAR / 1000) + MILLI_NEAR / 1000000) // of USED

static void delivers(uint64_t id) {
    resolves(id, RESPONSE("\"success\":true"));
    ends(id);
}

static void submits(uint64_t id, const char *output) {
    static char args[1700000];
    snprintf(args, sizeof args, "{\"request_id\":%llu,\"output\":%s}", (unsigned long long)id, output);
    calls("submit_execution_output", OPERATOR, 0, args);
}

// What the caller's own call answers with: text as a string, bytes in base64, JSON as it is, none as null.
static void outputs_become_values(void **state) {
    (void)state;
    static const struct {
        const char *output, *value, *preview;
        int length;
    } cases[] = {
        {"{\"Text\":\"a\\n\\\"b\\u00fc\"}", "\"a\\n\\\"b\xc3\xbc\"", "\"a \\\"b\xc3\xbc\"",
         6}, // no control characters for logs
        {"{\"Text\":\"\\u0000x\\u007f\\u001f\"}", "\"\\u0000x\x7f\\u001f\"", "\" x  \"", 4},
        {"{\"Text\":\"\"}", "\"\"", "\"\"", 0},
        {"{\"Bytes\":[0,255,16]}", "\"AP8Q\"", "null", 3},
        {"{\"Bytes\":[104]}", "\"aA==\"", "null", 1},
        {"{\"Bytes\":[]}", "\"\"", "null", 0},
        {"{\"Json\":{\"a\":[1,2.50,null]}}", "{\"a\":[1,2.50,null]}", "\"{\\\"a\\\":[1,2.50,null]}\"", 19},
        {"{\"Json\":null}", "null", "\"null\"", 4},
        {"{\"Json\":18446744073709551616}", "18446744073709551616", "\"18446744073709551616\"", 20},
        {"null", "null", "null", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char response[512], length[16];
        uint64_t id = requests("", DEPOSIT);
        snprintf(response, sizeof response, RESPONSE("\"success\":true,\"output\":%s"), cases[i].output);
        resolves(id, response);
        ends(id);
        answers(cases[i].value);
        snprintf(length, sizeof length, "%d", cases[i].length);
        event_is("execution_completed", "output_length", length);
        event_is("execution_completed", "output_preview", cases[i].preview);
        event_is("execution_completed", "error_message", "null");
        event_is("execution_completed", "failure", "null");
    }
}

// The whole event, byte for byte: dashboards and the worker read it.
static void completed_event_is_exact(void **state) {
    (void)state;
    requests("", DEPOSIT);
    mock.now_ns += SECOND_NS;
    calls("resolve_execution", OPERATOR, 0,
          RESOLVE("\"success\":true,\"output\":{\"Text\":\"abc\"},\"compilation_note\":\"built \\\"it\\\"\","
                  "\"wasm_hash\":\"000000000000000000000000000000000000000000000000000000000000000a\","
                  "\"attestation_digest\":\"b000000000000000000000000000000000000000000000000000000000000000\""));
    assert_null(mock.value);
    assert_int_equal(mock.log_count, 1);
    assert_string_equal(mock.logs[0], "Resolving execution for request_id: 0");
    ends(0);
    assert_int_equal(mock.log_count, 2);
    assert_string_equal(
        mock.logs[0],
        "EVENT_JSON:{\"standard\":\"near-outlayer\",\"version\":\"1.0.0\",\"event\":\"execution_completed\",\"data\":["
        "{\"sender_id\":\"alice.near\",\"code_source\":{\"repo\":\"https://github.com/a/b\",\"commit\":\"main\","
        "\"build_target\":\"wasm32-wasip1\"},\"resources_used\":{\"instructions\":10999999,\"time_ms\":5000,"
        "\"compile_time_ms\":3000},\"success\":true,\"error_message\":null,"
        "\"payment_charged\":\"1800001000000000000000\",\"payment_refunded\":\"98199999000000000000000\","
        "\"compilation_note\":\"built \\\"it\\\"\",\"timestamp\":1767225601000000000,\"request_id\":0,\"failure\":null,"
        "\"output_hash\":\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\",\"output_length\":3,"
        "\"output_preview\":\"abc\","
        "\"wasm_hash\":\"000000000000000000000000000000000000000000000000000000000000000a\","
        "\"attestation_digest\":\"b000000000000000000000000000000000000000000000000000000000000000\"}]}");
    assert_string_equal(mock.logs[1], "[[yNEAR charged: \"1800001000000000000000\"]]");
}

// A failed execution has no output, whatever the answer holds; its reason is cut at a character's boundary.
static void failures_have_no_output(void **state) {
    (void)state;
    char error[700], response[1000], want[700];
    memset(error, 'x', sizeof error);
    memcpy(error + 511, "\xc3\xbc", 2);
    error[600] = 0;
    requests("", DEPOSIT);
    snprintf(response, sizeof response, RESPONSE("\"success\":false,\"output\":{\"Text\":\"abc\"},\"error\":\"%s\""),
             error);
    resolves(0, response);
    ends(0);
    answers("null");
    event_is("execution_completed", "output_hash", "null");
    event_is("execution_completed", "output_length", "0");
    event_is("execution_completed", "output_preview", "null");
    snprintf(want, sizeof want, "\"%.511s\"", error);
    event_is("execution_completed", "error_message", want);
}

// Only the operator answers, once, and only for what is pending.
static void answers_are_the_operators(void **state) {
    (void)state;
    requests("", DEPOSIT);
    static const char *const methods[][2] = {
        {"resolve_execution", RESOLVE("\"success\":true")},
        {"submit_execution_output", "{\"request_id\":0,\"output\":{\"Text\":\"x\"}}"},
        {"submit_execution_output_and_resolve", BOTH("\"output\":{\"Text\":\"x\"},\"success\":true")},
    };
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        refuses(methods[i][0], ALICE, 0, methods[i][1], "Only operator can call this");
        refuses(methods[i][0], OWNER, 0, methods[i][1], "Only operator can call this");
        refuses(methods[i][0], OPERATOR, 1, methods[i][1], "doesn't accept deposit");
    }
    calls("resolve_execution", OPERATOR, 0, methods[0][1]);
    views("get_stats", "", "[0,\"0\"]"); // counted when it has ended
    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        refuses(methods[i][0], OPERATOR, 0, methods[i][1], "Execution request has already been answered");
    ends(0);
    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        refuses(methods[i][0], OPERATOR, 0, methods[i][1], "Execution request not found");
}

// The window is over but the callback has not run yet: the worker reads that it came too late, and nothing is charged.
static void late_answer_is_refused(void **state) {
    (void)state;
    requests("", DEPOSIT);
    mock.yields[0].done = true;
    refuses("resolve_execution", OPERATOR, 0, RESOLVE("\"success\":true"), "Unable to resume execution promise");
    refuses("submit_execution_output_and_resolve", OPERATOR, 0, BOTH("\"output\":{\"Text\":\"x\"},\"success\":true"),
            "Unable to resume execution promise");
    views("has_pending_output", ID, "false");
}

// The callback is the contract's own: nobody else ends a request with an answer of their choice.
static void callback_is_private(void **state) {
    (void)state;
    requests("", DEPOSIT);
    refuses("on_execution_response", ALICE, 0, ID, "Method on_execution_response is private");
    refuses("on_execution_response", OPERATOR, 0, ID, "Method on_execution_response is private");
    refuses("on_execution_response", OWNER, 0, ID, "Method on_execution_response is private");
}

// Bytes of the resume payload beside the output, with nothing optional given.
#define PAYLOAD_REST (1 + 1 + 1 + 8 + 8 + 1 + 8 + 1 + 1 + 4 + 4 + 1 + 1 + 4)

// An answer of 1024 bytes resumes the promise, one of 1025 is refused with the way out, and changes nothing.
static void payload_is_as_long_as_a_promise_carries(void **state) {
    (void)state;
    char args[2048], text[1200] = "", want[1200];
    memset(text, 'y', 1024 - PAYLOAD_REST + 1);
    requests("", DEPOSIT);
    snprintf(args, sizeof args, RESOLVE("\"success\":true,\"output\":{\"Text\":\"%s\"}"), text);
    refuses("resolve_execution", OPERATOR, 0, args,
            "The answer is longer than a promise's 1024 bytes: use submit_execution_output_and_resolve");
    text[1024 - PAYLOAD_REST] = 0;
    snprintf(args, sizeof args, RESOLVE("\"success\":true,\"output\":{\"Text\":\"%s\"}"), text);
    calls("resolve_execution", OPERATOR, 0, args);
    assert_int_equal(mock.yields[0].payload_len, 1024);
    ends(0);
    snprintf(want, sizeof want, "\"%s\"", text);
    answers(want);
}

// The longest reason and note that are kept fit into the payload together with everything else that is optional.
static void longest_failure_fits(void **state) {
    (void)state;
    char args[4096], error[1001] = "", note[1001] = "", want[600];
    memset(error, 'e', 1000);
    memset(note, 'n', 1000);
    requests("", DEPOSIT);
    snprintf(args, sizeof args,
             RESOLVE("\"success\":false,\"error\":\"%s\",\"compilation_note\":\"%s\","
                     "\"wasm_hash\":\"000000000000000000000000000000000000000000000000000000000000000a\","
                     "\"attestation_digest\":\"b000000000000000000000000000000000000000000000000000000000000000\""),
             error, note);
    calls("resolve_execution", OPERATOR, 0, args);
    ends(0);
    snprintf(want, sizeof want, "\"%.512s\"", error);
    event_is("execution_completed", "error_message", want);
    snprintf(want, sizeof want, "\"%.192s\"", note);
    event_is("execution_completed", "compilation_note", want);
}

// Two steps: the output is kept, seen by the views, and counts instead of any output of the answer.
static void submitted_output_is_kept_until_the_answer(void **state) {
    (void)state;
    uint64_t usage = usage_beside_state();
    requests("", DEPOSIT);
    views("has_pending_output", ID, "false");
    views("get_pending_output", ID, "null");
    submits(0, "{\"Text\":\"a\\\"b\"}");
    assert_null(mock.value);
    assert_string_equal(mock.logs[0], "Stored pending output for request_id: 0");
    assert_int_equal(mock.log_count, 1);
    views("has_pending_output", ID, "true");
    views("get_pending_output", ID, "{\"Text\":\"a\\\"b\"}");
    assert_true(mock_view("get_request", ID));
    assert_non_null(strstr(mock.value, "\"pending_output\":{\"Text\":[97,34,98]},\"output_submitted\":true"));
    refuses("submit_execution_output", OPERATOR, 0, "{\"request_id\":0,\"output\":{\"Text\":\"c\"}}",
            "Output already submitted for this request");
    refuses("submit_execution_output_and_resolve", OPERATOR, 0, BOTH("\"output\":{\"Text\":\"c\"},\"success\":true"),
            "Output already submitted for this request");
    calls("resolve_execution", OPERATOR, 0, RESOLVE("\"success\":true,\"output\":{\"Text\":\"other\"}"));
    assert_true(mock_view("get_request", ID));
    assert_non_null(strstr(mock.value, "\"answered\":true"));
    ends(0);
    answers("\"a\\\"b\"");
    event_is("execution_completed", "output_length", "3");
    views("has_pending_output", ID, "false");
    views("get_pending_output", ID, "null");
    calls("set_paused", OWNER, 0, "{\"paused\":false}");
    assert_int_equal(usage_beside_state(), usage); // nothing is left behind
}

// Bytes and JSON are shown as what they are.
static void pending_outputs_of_each_kind(void **state) {
    (void)state;
    static const char *const outputs[] = {"{\"Bytes\":[0,9,10,99,100,255]}", "{\"Json\":{\"n\":[1]}}",
                                          "{\"Text\":\"\"}", "{\"Bytes\":[]}"};
    for (size_t i = 0; i < ARRAY_LEN(outputs); i++) {
        char id[64];
        submits(requests("", DEPOSIT), outputs[i]);
        snprintf(id, sizeof id, "{\"request_id\":%zu}", i);
        views("get_pending_output", id, outputs[i]);
        views("has_pending_output", id, "true");
    }
}

// One step: stored and resumed together; a failed call leaves neither behind.
static void submit_and_resolve_does_both(void **state) {
    (void)state;
    static char args[70000], want[66000];
    size_t at = (size_t)snprintf(args, sizeof args, "{\"request_id\":0,\"success\":true,\"output\":{\"Text\":\"");
    memset(args + at, 'z', 65000);
    snprintf(args + at + 65000, 1000, "\"},\"error\":null,\"compilation_note\":null," USED "}");
    requests("", DEPOSIT);
    calls("submit_execution_output_and_resolve", OPERATOR, 0, args);
    assert_null(mock.value);
    views("has_pending_output", ID, "true");
    ends(0);
    snprintf(want, sizeof want, "\"%.65000s\"", args + at);
    answers(want);
    charged(1800001 * (MILLI_NEAR / 1000000), DEPOSIT - 1800001 * (MILLI_NEAR / 1000000));
    event_is("execution_completed", "output_length", "65000");
    snprintf(want, sizeof want, "\"%.256s\"", args + at);
    event_is("execution_completed", "output_preview", want);
}

// An output that was kept is not handed out when the answer says that the execution failed; it is removed all the same.
static void stored_output_of_a_failure_is_dropped(void **state) {
    (void)state;
    uint64_t usage = usage_beside_state();
    requests("", DEPOSIT);
    calls("submit_execution_output_and_resolve", OPERATOR, 0,
          BOTH("\"output\":{\"Text\":\"x\"},\"success\":false,\"error\":\"no\",\"failure\":\"guest\""));
    ends(0);
    answers("null");
    event_is("execution_completed", "output_hash", "null");
    assert_int_equal(usage_beside_state(), usage);
    submits(requests("", DEPOSIT), "{\"Text\":\"x\"}");
    ends(1); // no answer came
    answers("null");
    event_is("execution_completed", "failure", "\"timeout\"");
    submits(requests("", DEPOSIT), "{\"Text\":\"x\"}");
    mock.now_ns += 601 * SECOND_NS;
    calls("cancel_stale_execution", ALICE, 0, "{\"request_id\":2}");
    assert_int_equal(usage_beside_state(), usage);
}

#define RETURNED_MAX (384 * 1024) // bytes of JSON that a callback can hand out

static char *output_of(const char *before, const char *unit, size_t count, const char *after) {
    static char text[1600000];
    size_t n = strlen(unit), at = (size_t)snprintf(text, sizeof text, "%s", before);
    assert_true(at + n * count + strlen(after) < sizeof text);
    for (size_t i = 0; i < count; i++, at += n)
        memcpy(text + at, unit, n);
    snprintf(text + at, sizeof text - at, "%s", after);
    return text;
}

// The largest output of each kind, and the next one: a callback that cannot hand it out would bind the money for 600 s.
static void outputs_are_as_long_as_a_callback_hands_out(void **state) {
    (void)state;
    static const struct {
        const char *before, *unit, *after, *last;
        size_t count;
    } kinds[] = {
        {"{\"Text\":\"", "t", "\"}", "t\"}", RETURNED_MAX - 2},
        {"{\"Text\":\"", "\\n", "\"}", "\\n\"}", RETURNED_MAX / 2 - 1},
        {"{\"Text\":\"", "\\u0001", "\"}", "\\u0001\"}", (RETURNED_MAX - 2) / 6},
        {"{\"Json\":\"", "j", "\"}", "j\"}", RETURNED_MAX - 2},
        {"{\"Bytes\":[255", ",7", "]}", ",7]}", (RETURNED_MAX - 2) / 4 * 3 - 1},
    };
    static char args[1700000];
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        uint64_t id = requests("", 5 * NEAR);
        snprintf(args, sizeof args, "{\"request_id\":%llu,\"output\":%s}", (unsigned long long)id,
                 output_of(kinds[i].before, kinds[i].unit, kinds[i].count, kinds[i].last));
        refuses("submit_execution_output", OPERATOR, 0, args,
                "bytes long as JSON; at most 393216 can be handed to a callback");
        submits(id, output_of(kinds[i].before, kinds[i].unit, kinds[i].count, kinds[i].after));
        char name[64];
        snprintf(name, sizeof name, "{\"request_id\":%llu}", (unsigned long long)id);
        assert_true(mock_view("get_request", name));
        assert_true(mock_view("get_pending_output", name));
        resolves(id, RESPONSE("\"success\":true"));
        ends(id);
        assert_true(mock.value_len <= RETURNED_MAX && mock.value_len > RETURNED_MAX - 6);
    }
}

static void submits_long(uint64_t id, size_t length, const char *refusal) {
    static char args[400000];
    snprintf(args, sizeof args, "{\"request_id\":%llu,\"output\":%s}", (unsigned long long)id,
             output_of("{\"Text\":\"", "s", length, "\"}"));
    if (refusal)
        refuses("submit_execution_output", OPERATOR, 0, args, refusal);
    else
        calls("submit_execution_output", OPERATOR, 0, args);
}

// W13: outputs are lent from what is the contract's own beyond a reserve, never from what it owes: other users'
// payments, kept refunds, fees. Else somebody could bind all of its balance for little, again and again, and honest
// callbacks would fail, since the account could not pay for its state.
static void w13_only_the_contracts_own_money_is_lent(void **state) {
    (void)state;
    static const char refusal[] = "Insufficient payment: what is stored until the request ends needs ";
    uint64_t answered = requests("", DEPOSIT), kept = requests(",\"payer_account_id\":\"gone.near\"", 9 * NEAR);
    resolves(answered, RESPONSE("\"success\":true"));
    ends(answered); // fees
    ends(kept);     // a refund that comes back
    char args[512];
    snprintf(args, sizeof args, "%s", mock.receipts[1].args);
    mock.balance += 9 * NEAR;
    assert_true(mock_callback("on_refund_transferred", args, NULL));
    requests("", 50 * NEAR); // somebody's payment
    u128 owed = 59 * NEAR + COST;
    mock.balance = owed + (u128)(mock.usage + 5000) * BYTE_STAKE; // its own: the state and the reserve
    uint64_t poor = requests("", DEPOSIT), rich = requests("", NEAR);
    submits_long(poor, 20000, refusal);
    submits_long(poor, 8000, NULL); // its payment covers it
    submits_long(rich, 90000, NULL);
    delivers(poor);
    delivers(rich);
    uint64_t lent = requests("", DEPOSIT), other = requests("", DEPOSIT);
    submits_long(lent, 100000, refusal);
    mock.balance += NEAR; // a gift
    submits_long(lent, 100000, NULL);
    submits_long(other, 20000, refusal); // it is lent once
    ends(2);                             // timed out: 50 NEAR go back
    assert_true(mock.balance < 12 * NEAR);
    calls("claim_refund", "gone.near", 0, "");
    calls("withdraw_fees", OWNER, 0, "");
    delivers(lent);
    submits_long(other, 20000, NULL);
    delivers(other);
}

// Wrong answers of a worker, each with its sentence.
static void answers_are_strict(void **state) {
    (void)state;
    static const struct {
        const char *method, *args, *sentence;
    } cases[] = {
        {"resolve_execution", "{\"request_id\":0}", "missing field \"response\""},
        {"resolve_execution", "{\"response\":{}}", "missing field \"success\""},
        {"resolve_execution", "{\"response\":{\"success\":true," USED "}}", "missing field \"request_id\""},
        {"resolve_execution", "{\"request_id\":0,\"response\":{\"success\":true}}", "missing field \"resources_used\""},
        {"resolve_execution", "{\"request_id\":0,\"response\":{\"success\":1," USED "}}",
         "\"success\": expected true or false"},
        {"resolve_execution", "{\"request_id\":\"0\",\"response\":{}}",
         "\"request_id\": expected a whole number from 0 to 18446744073709551615"},
        {"resolve_execution", RESOLVE("\"success\":false,\"failure\":\"timeout\""), "unknown variant \"timeout\""},
        {"resolve_execution", RESOLVE("\"success\":true,\"output\":{\"Xml\":\"\"}"),
         "\"output\": expected Bytes, Text or Json"},
        {"resolve_execution", RESOLVE("\"success\":true,\"output\":{\"Bytes\":[256]}"),
         "\"output\": expected a whole number from 0 to 255"},
        {"resolve_execution", RESOLVE("\"success\":true,\"output\":{\"Text\":null}"), "\"output\": expected a string"},
        {"resolve_execution", RESOLVE("\"success\":true,\"output\":{\"Text\":\"a\",\"Text\":\"b\"}"),
         "\"output\": expected '}' here"},
        {"resolve_execution", RESOLVE("\"success\":true,\"wasm_hash\":\"AB\""),
         "\"wasm_hash\": expected 64 lower-case hexadecimal digits"},
        {"resolve_execution",
         "{\"request_id\":0,\"response\":{\"success\":true,\"resources_used\":{\"instructions\":1}}}",
         "missing field \"time_ms\""},
        {"submit_execution_output", ID, "missing field \"output\""},
        {"submit_execution_output", "{\"request_id\":0,\"output\":null}", "\"output\": expected '{' here"},
        {"submit_execution_output", "{\"request_id\":0,\"output\":{\"Text\":\"\"},\"success\":true}",
         "unknown field \"success\""},
        {"submit_execution_output_and_resolve", BOTH("\"success\":true"), "missing field \"output\""},
    };
    requests("", DEPOSIT);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        refuses(cases[i].method, OPERATOR, 0, cases[i].args, cases[i].sentence);
    // fields that a later worker may add are read over inside the response
    calls("resolve_execution", OPERATOR, 0, RESOLVE("\"success\":true,\"later\":{\"a\":[1]}"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(outputs_become_values),
        TEST(completed_event_is_exact),
        TEST(failures_have_no_output),
        TEST(answers_are_the_operators),
        TEST(late_answer_is_refused),
        TEST(callback_is_private),
        TEST(payload_is_as_long_as_a_promise_carries),
        TEST(longest_failure_fits),
        TEST(submitted_output_is_kept_until_the_answer),
        TEST(pending_outputs_of_each_kind),
        TEST(submit_and_resolve_does_both),
        TEST(stored_output_of_a_failure_is_dropped),
        TEST(outputs_are_as_long_as_a_callback_hands_out),
        TEST(w13_only_the_contracts_own_money_is_lent),
        TEST(answers_are_strict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
