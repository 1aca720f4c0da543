// SPDX-License-Identifier: Apache-2.0
// Who pays what: each way in which a request can end, with exact amounts, events and values.
#include "kit/kit.h"

#define MICRO (MILLI_NEAR / 1000)
#define COST                                                                                                           \
    (1800 * MICRO + MICRO / 1000) // of USED at the default prices: base, 10 million instructions, 5 s, 3 s of build
#define RESPONSE(rest) "{" rest "," USED "}"

static void answer(uint64_t id, const char *response) {
    resolves(id, response);
    ends(id);
}

// A successful execution is charged for what was used, the rest goes back, the caller gets the output: a wrong amount
// here is somebody's money.
static void success_pays_what_was_used(void **state) {
    (void)state;
    answer(requests("", DEPOSIT), RESPONSE("\"success\":true,\"output\":{\"Json\":{\"n\": 42}}"));
    answers("{\"n\": 42}");
    charged(COST, DEPOSIT - COST);
    pays(ALICE, DEPOSIT - COST);
    views("get_stats", "", "[1,\"1800001000000000000000\"]");
    views("get_request", "{\"request_id\":0}", "null");
}

// A guest that fails, a build that fails and refused secrets pay for what they used, and the event names the class;
// else failing would be free computing.
static void w04_guest_build_and_access_failures_pay_what_was_used(void **state) {
    (void)state;
    static const char *const classes[] = {"guest", "build", "access"};
    for (int i = 0; i < 3; i++) {
        char response[512], quoted[32];
        snprintf(response, sizeof response,
                 RESPONSE("\"success\":false,\"error\":\"exit status 3\",\"failure\":\"%s\""), classes[i]);
        answer(requests("", DEPOSIT), response);
        answers("null");
        charged(COST, DEPOSIT - COST);
        pays(ALICE, DEPOSIT - COST);
        snprintf(quoted, sizeof quoted, "\"%s\"", classes[i]);
        event_is("execution_completed", "failure", quoted);
        event_is("execution_completed", "error_message", "\"exit status 3\"");
        event_is("execution_completed", "success", "false");
    }
}

// A worker that does not know failure classes reports the guest's failure; its reason may be missing.
static void failure_without_class_is_the_guests(void **state) {
    (void)state;
    answer(requests("", DEPOSIT), RESPONSE("\"success\":false"));
    charged(COST, DEPOSIT - COST);
    event_is("execution_completed", "failure", "\"guest\"");
    event_is("execution_completed", "error_message", "\"Unknown error\"");
}

// When the platform fails the caller pays nothing, whatever was used.
static void platform_failure_is_free(void **state) {
    (void)state;
    answer(requests("", DEPOSIT), RESPONSE("\"success\":false,\"error\":\"disk full\",\"failure\":\"platform\""));
    answers("null");
    charged(0, DEPOSIT);
    pays(ALICE, DEPOSIT);
    event_is("execution_completed", "failure", "\"platform\"");
    views("get_stats", "", "[1,\"0\"]");
}

// No answer within the window: everything goes back, the caller gets null, and the world is told which request it was.
static void w05_timeout_is_free_and_told(void **state) {
    (void)state;
    requests("", DEPOSIT);
    uint64_t id = requests("", DEPOSIT);
    ends(id);
    answers("null");
    charged(0, DEPOSIT);
    pays(ALICE, DEPOSIT);
    event_is("execution_completed", "request_id", "1");
    event_is("execution_completed", "failure", "\"timeout\"");
    event_is("execution_completed", "error_message", "\"no answer came within 200 blocks; nothing was charged\"");
    event_is("execution_completed", "resources_used", "{\"instructions\":0,\"time_ms\":0,\"compile_time_ms\":null}");
    views("get_stats", "", "[1,\"0\"]");
    refuses("resolve_execution", OPERATOR, 0, "{\"request_id\":1,\"response\":{\"success\":true," USED "}}",
            "Execution request not found");
}

// After 600 s, and not a nanosecond earlier, anybody may cancel; the payer gets everything back.
static void w10_anybody_cancels_a_stale_request(void **state) {
    (void)state;
    requests("", DEPOSIT);
    mock.now_ns += 600 * SECOND_NS;
    refuses("cancel_stale_execution", ALICE, 0, "{\"request_id\":0}", "Execution is not yet stale, please wait");
    mock.now_ns += 1;
    refuses("cancel_stale_execution", ALICE, 0, "{\"request_id\":7}", "Execution request not found");
    calls("cancel_stale_execution", "bob.near", 0, "{\"request_id\":0}");
    assert_null(mock.value);
    charged(0, DEPOSIT);
    pays(ALICE, DEPOSIT);
    event_is("execution_completed", "request_id", "0");
    event_is("execution_completed", "failure", "\"cancelled\"");
    refuses("cancel_stale_execution", "bob.near", 0, "{\"request_id\":0}", "Execution request not found");
}

// The yield of a cancelled request still times out: its callback must pay nobody a second time.
static void callback_after_cancelling_changes_nothing(void **state) {
    (void)state;
    requests("", DEPOSIT);
    mock.now_ns += 601 * SECOND_NS;
    calls("cancel_stale_execution", ALICE, 0, "{\"request_id\":0}");
    ends(0);
    answers("null");
    pays_nothing();
    assert_string_equal(mock.logs[0], "Warning: Execution request 0 not found in pending requests");
    assert_int_equal(mock.log_count, 1);
    views("get_stats", "", "[0,\"0\"]");
}

// A caller who makes the callback fail (too many receivers of its value burn its gas) has seen the output in the
// operator's transaction: after cancelling, the answer is paid for all the same.
static void w02_answered_request_is_paid_for_even_if_its_callback_failed(void **state) {
    (void)state;
    uint64_t id = requests("", DEPOSIT);
    resolves(id, RESPONSE("\"success\":true,\"output\":{\"Text\":\"x\"}"));
    mock.yields[id].done = true; // as after a callback that ran out of gas
    mock.now_ns += 601 * SECOND_NS;
    calls("cancel_stale_execution", ALICE, 0, "{\"request_id\":0}");
    charged(COST, DEPOSIT - COST);
    pays(ALICE, DEPOSIT - COST);
    event_is("execution_completed", "success", "false");
    event_is("execution_completed", "error_message", "\"the answer could not be delivered\"");
    views("get_stats", "", "[0,\"1800001000000000000000\"]");
}

// An answer and the end of the 200 blocks can meet in one block: the yield is resumed, and its callback gets the
// failure all the same. The answer was given, so it is paid for, and the event does not say that none came.
static void answer_that_meets_the_timeout_is_paid_for(void **state) {
    (void)state;
    uint64_t id = requests(",\"result_envelope\":true", DEPOSIT);
    resolves(id, RESPONSE("\"success\":true,\"output\":{\"Text\":\"x\"}"));
    assert_true(mock_callback("on_execution_response", mock.yields[id].args, NULL));
    charged(COST, DEPOSIT - COST);
    pays(ALICE, DEPOSIT - COST);
    event_is("execution_completed", "success", "false");
    event_is("execution_completed", "failure", "\"timeout\"");
    event_is("execution_completed", "error_message", "\"the answer could not be delivered\"");
    assert_non_null(strstr(mock.value, "\"error\":\"the answer could not be delivered\",\"failure\":\"timeout\""));
}

// Prices changed between request and answer must not touch what was agreed.
static void w04_prices_are_those_of_the_request(void **state) {
    (void)state;
    uint64_t id = requests("", DEPOSIT);
    calls("set_pricing", OWNER, 0,
          "{\"base_fee\":\"5000000000000000000000\",\"per_million_instructions_fee\":\"1\",\"per_ms_fee\":\"0\","
          "\"per_compile_ms_fee\":\"7\"}");
    answer(id, RESPONSE("\"success\":true"));
    charged(COST, DEPOSIT - COST);
}

// The charge is never more than the payment: here the build costs more than what was attached. Nothing is refunded, and
// no empty transfer is made.
static void w03_charge_stops_at_the_payment(void **state) {
    (void)state;
    u128 required = 7000 * MICRO + MICRO / 10;
    uint64_t id = requests("", required);
    answer(id, "{\"success\":true,\"resources_used\":{\"instructions\":1000000000,\"time_ms\":60000,"
               "\"compile_time_ms\":10000}}");
    charged(required, 0);
    pays_nothing();
    views("get_stats", "", "[1,\"7000100000000000000000\"]");
}

// What a worker reports counts up to the request's limits only, and the largest numbers stop nothing.
static void reported_use_counts_up_to_the_limits(void **state) {
    (void)state;
    u128 cost = MILLI_NEAR + 1000 * MICRO / 10000 + 60000 * (MICRO / 10) + 300000 * (MICRO / 10);
    uint64_t id = requests("", DEPOSIT);
    answer(id, "{\"success\":true,\"resources_used\":{\"instructions\":18446744073709551615,"
               "\"time_ms\":18446744073709551615,\"compile_time_ms\":18446744073709551615}}");
    charged(cost, DEPOSIT - cost);
    event_is("execution_completed", "resources_used",
             "{\"instructions\":\"18446744073709551615\",\"time_ms\":\"18446744073709551615\","
             "\"compile_time_ms\":\"18446744073709551615\"}"); // bare numbers, as `parsed` gives them
}

static void bounces(const char *args, u128 amount) {
    mock.balance += amount; // the transfer came back
    assert_true(mock_callback("on_refund_transferred", args, NULL));
}

// W8: the refund goes to the payer that the request names. Where that account does not exist the money comes back and
// is kept for it; the reference forgets it.
static void w08_bounced_refund_is_kept_for_the_payer(void **state) {
    (void)state;
    uint64_t usage = 0;
    char args[512];
    answer(requests(",\"payer_account_id\":\"bob.near\"", DEPOSIT), RESPONSE("\"success\":true"));
    assert_int_equal(mock.receipt_count, 2);
    assert_int_equal(mock.receipts[0].kind, RECEIPT_TRANSFER);
    assert_string_equal(mock.receipts[0].to, "bob.near");
    assert_string_equal(amount_text(mock.receipts[0].amount), amount_text(DEPOSIT - COST));
    assert_string_equal(mock.receipts[1].to, SELF);
    assert_string_equal(mock.receipts[1].method, "on_refund_transferred");
    assert_int_equal(mock.receipts[1].after, 0);
    assert_true(mock.receipts[1].amount == 0);
    snprintf(args, sizeof args, "%s", mock.receipts[1].args);

    assert_true(mock_callback("on_refund_transferred", args, ""));
    pays_nothing();
    views("get_claimable", "{\"account_id\":\"bob.near\"}", "\"0\"");
    usage = mock.usage;
    bounces(args, DEPOSIT - COST);
    pays_nothing();
    event_is("refund_kept", "payer_account_id", "\"bob.near\"");
    event_is("refund_kept", "sender_id", "\"alice.near\"");
    event_is("refund_kept", "request_id", "0");
    event_is("refund_kept", "amount", "\"98199999000000000000000\"");
    views("get_claimable", "{\"account_id\":\"bob.near\"}", "\"98199999000000000000000\"");
    bounces(args, DEPOSIT - COST); // another one is added
    views("get_claimable", "{\"account_id\":\"bob.near\"}", "\"196399998000000000000000\"");
    refuses("on_refund_transferred", ALICE, 0, args, "Method on_refund_transferred is private");

    // somebody else has it sent; it bounces again, and is kept again
    calls("claim_refund", ALICE, 0, "{\"account_id\":\"bob.near\"}");
    assert_string_equal(mock.receipts[0].to, "bob.near");
    assert_int_equal(mock.receipt_count, 2);
    event_is("refund_claimed", "request_id", "null");
    snprintf(args, sizeof args, "%s", mock.receipts[1].args);
    views("get_claimable", "{\"account_id\":\"bob.near\"}", "\"0\"");
    assert_int_equal(mock.usage, usage);
    bounces(args, 2 * (DEPOSIT - COST));
    event_is("refund_kept", "request_id", "null");
    calls("claim_refund", "bob.near", 0, "{}"); // now it exists, and calls itself
    pays("bob.near", 2 * (DEPOSIT - COST));
    assert_int_equal(mock.usage, usage);
    refuses("claim_refund", "bob.near", 0, "", "Nothing is kept for this account");
}

// A refund that does not pay the record it would be kept in goes to the sender: nobody's stake is bound by dust.
static void dust_that_bounces_goes_to_the_sender(void **state) {
    (void)state;
    u128 required = 7000 * MICRO + MICRO / 10, stake = (40 + 1 + 8 + 16) * BYTE_STAKE;
    for (int more = 0; more < 2; more++) {
        char args[512];
        requests(",\"payer_account_id\":\"bob.near\",\"resource_limits\":{}", required + stake + (u128)more);
        uint64_t id = mock.yield_count - 1;
        answer(id, "{\"success\":true,\"resources_used\":{\"instructions\":1000000000,\"time_ms\":60000}}");
        snprintf(args, sizeof args, "%s", mock.receipts[1].args);
        bounces(args, stake + (u128)more);
        if (more == 0) {
            pays(ALICE, stake);
            event_is("refund_redirected", "amount", "\"650000000000000000000\"");
        }
    }
    pays_nothing();
    views("get_claimable", "{\"account_id\":\"bob.near\"}", "\"650000000000000000001\"");
}

// A payer who is the sender needs no second receipt; the timeout's refund goes to the payer too.
static void refund_to_the_sender_is_plain(void **state) {
    (void)state;
    ends(requests(",\"payer_account_id\":\"" ALICE "\"", DEPOSIT));
    pays(ALICE, DEPOSIT);
    ends(requests(",\"payer_account_id\":\"bob.near\"", DEPOSIT));
    assert_int_equal(mock.receipt_count, 2);
    assert_string_equal(mock.receipts[0].to, "bob.near");
}

// All that goes in comes out again or is counted as earned: nothing is lost over many requests of all kinds.
static void money_adds_up(void **state) {
    (void)state;
    u128 start = mock.balance;
    for (int i = 0; i < 20; i++)
        requests("", DEPOSIT + (u128)i);
    for (uint64_t i = 0; i < 20; i++) {
        if (i % 4 == 0)
            resolves(i, RESPONSE("\"success\":true,\"output\":{\"Text\":\"ok\"}"));
        else if (i % 4 == 1)
            resolves(i, RESPONSE("\"success\":false,\"failure\":\"platform\""));
        else if (i % 4 == 2)
            resolves(i, RESPONSE("\"success\":false,\"error\":\"no\""));
        ends(i);
    }
    assert_string_equal(amount_text(mock.balance - start), amount_text(10 * COST));
    views("get_stats", "", "[20,\"18000010000000000000000\"]");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(success_pays_what_was_used),
        TEST(w04_guest_build_and_access_failures_pay_what_was_used),
        TEST(failure_without_class_is_the_guests),
        TEST(platform_failure_is_free),
        TEST(w05_timeout_is_free_and_told),
        TEST(w10_anybody_cancels_a_stale_request),
        TEST(callback_after_cancelling_changes_nothing),
        TEST(w02_answered_request_is_paid_for_even_if_its_callback_failed),
        TEST(answer_that_meets_the_timeout_is_paid_for),
        TEST(w04_prices_are_those_of_the_request),
        TEST(w03_charge_stops_at_the_payment),
        TEST(reported_use_counts_up_to_the_limits),
        TEST(w08_bounced_refund_is_kept_for_the_payer),
        TEST(dust_that_bounces_goes_to_the_sender),
        TEST(refund_to_the_sender_is_plain),
        TEST(money_adds_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
