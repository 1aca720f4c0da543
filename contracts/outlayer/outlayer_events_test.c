// SPDX-License-Identifier: Apache-2.0
// Each event byte for byte, as watchers read it (execution_requested and execution_completed are in
// outlayer_request_test.c and outlayer_output_test.c), and the largest of each with the longest names.
#include "kit/kit.h"

#define SECRET "\"repo\":\"github.com/a/b\",\"branch\":\"main\",\"profile\":\"p\""
#define NAMES "\"owner\":\"alice.near\"," SECRET
#define NOW "\"timestamp\":1767225600000000000"
#define KEY "\"ed25519:DcA2MzgpJbrUATQLLceocVckhhAqrkingax4oJ9kZ847\""
#define HASH "\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\""
#define REFUND(amount)                                                                                                 \
    "{\"request_id\":null,\"payer_account_id\":\"gone.near\",\"sender_id\":\"alice.near\",\"amount\":\"" amount "\"}"

enum how { CALLS, COMES_BACK, ENDS };
static const struct {
    enum how how;
    const char *method, *caller, *args, *event, *data;
    u128 deposit;
} cases[] = {
    {CALLS, "request_execution", ALICE, "{" SOURCE "}", NULL, NULL, DEPOSIT},
    {CALLS, "request_execution", ALICE, "{" SOURCE "}", NULL, NULL, DEPOSIT},
    {CALLS, "emergency_cancel_execution", OWNER, "{\"request_id\":1}", "execution_cancelled",
     "{\"request_id\":1,\"cancelled_by\":\"owner.near\"}", 0},
    {COMES_BACK, "on_refund_transferred", NULL, REFUND("700000000000000000000"), "refund_kept",
     REFUND("700000000000000000000"), 0},
    {COMES_BACK, "on_refund_transferred", NULL,
     "{\"request_id\":7,\"payer_account_id\":\"void.near\",\"sender_id\":\"alice.near\",\"amount\":\"5\"}",
     "refund_redirected",
     "{\"request_id\":7,\"payer_account_id\":\"void.near\",\"sender_id\":\"alice.near\",\"amount\":\"5\"}", 0},
    {CALLS, "claim_refund", ALICE, "{\"account_id\":\"gone.near\"}", "refund_claimed", REFUND("700000000000000000000"),
     0},
    {CALLS, "store_secrets", ALICE, "{" SECRET ",\"encrypted_secrets_base64\":\"AAAA\",\"access\":\"AllowAll\"}",
     "secrets_stored", "{" NAMES ",\"storage_deposit\":\"4350000000000000000000\"," NOW "}", NEAR},
    {CALLS, "store_secrets", ALICE, "{" SECRET ",\"encrypted_secrets_base64\":\"AAAAAAAA\",\"access\":\"AllowAll\"}",
     "secrets_updated", "{" NAMES ",\"storage_deposit\":\"4380000000000000000000\"," NOW "}", NEAR},
    {CALLS, "update_access", ALICE, "{" SECRET ",\"new_access\":{\"AllowAll\":null}}", "secrets_access_updated",
     "{" NAMES ",\"storage_deposit\":\"4450000000000000000000\"," NOW "}", NEAR},
    {CALLS, "delete_secrets", ALICE, "{" SECRET "}", "secrets_deleted",
     "{" NAMES ",\"storage_deposit\":\"5220000000000000000000\"," NOW "}", 0},
    {CALLS, "set_owner", OWNER, "{\"new_owner_id\":\"bob.near\"}", "owner_proposed", "{\"owner_id\":\"bob.near\"}", 0},
    {CALLS, "accept_owner", "bob.near", "", "owner_set", "{\"owner_id\":\"bob.near\"}", 0},
    {CALLS, "add_operator", "bob.near", "{\"account_id\":\"w2.near\"}", "operator_added",
     "{\"operator_id\":\"w2.near\"}", 0},
    {CALLS, "remove_operator", "bob.near", "{\"account_id\":\"w2.near\"}", "operator_removed",
     "{\"operator_id\":\"w2.near\"}", 0},
    {CALLS, "set_operator", "bob.near", "{\"new_operator_id\":\"w3.near\"}", "operator_set",
     "{\"operator_id\":\"w3.near\"}", 0},
    {CALLS, "set_paused", "bob.near", "{\"paused\":true}", "paused_set", "{\"paused\":true}", 0},
    {CALLS, "set_paused", "bob.near", "{\"paused\":false}", "paused_set", "{\"paused\":false}", 0},
    {CALLS, "set_pricing", "bob.near", "{\"per_ms_fee\":\"3\"}", "pricing_set",
     "{\"prices\":[\"1000000000000000000000\",\"100000000000000\",\"3\",\"100000000000000000\"]}", 0},
    {CALLS, "set_keystore_key", "bob.near", "{\"public_key\":" KEY "}", "keystore_key_set", "{\"public_key\":" KEY "}",
     0},
    {CALLS, "set_keystore_key", "bob.near", "{\"public_key\": null}", "keystore_key_set", "{\"public_key\":null}", 0},
    {COMES_BACK, "migrate", NULL, "{\"code_hash\":" HASH "}", "contract_upgraded", "{\"code_hash\":" HASH "}", 0},
    {CALLS, "resolve_execution", "w3.near", "{\"request_id\":0,\"response\":{\"success\":true," USED "}}", NULL, NULL,
     0},
    {ENDS, NULL, NULL, NULL, NULL, NULL, 0},
    {CALLS, "withdraw_fees", "bob.near", "{\"amount\":\"12\"}", "fees_withdrawn", "{\"amount\":\"12\"}", 0},
};

static void events_are_exact(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char want[1024];
        if (cases[i].how == ENDS)
            ends(0);
        else if (cases[i].how == COMES_BACK)
            assert_true(mock_callback(cases[i].method, cases[i].args, NULL));
        else
            calls(cases[i].method, cases[i].caller, cases[i].deposit, cases[i].args);
        if (!cases[i].event)
            continue;
        snprintf(want, sizeof want,
                 "EVENT_JSON:{\"standard\":\"near-outlayer\",\"version\":\"1.0.0\",\"event\":\"%s\",\"data\":[%s]}",
                 cases[i].event, cases[i].data);
        if (!mock_log(want) || strlen(mock_log(want)) != strlen(want))
            fail_msg("%s: no line %s but %s", cases[i].method, want, mock.log_count ? mock.logs[0] : "none");
    }
}

// data_id is an array of numbers, so the line's ends are compared.
static void extension_is_exact(void **state) {
    (void)state;
    requests("", DEPOSIT);
    calls("extend_execution", OPERATOR, 0, "{\"request_id\":0}");
    mock.now_ns += 7;
    ends(0);
    char want[512];
    size_t at = (size_t)snprintf(want, sizeof want,
                                 "EVENT_JSON:{\"standard\":\"near-outlayer\",\"version\":\"1.0.0\",\"event\":"
                                 "\"execution_extended\",\"data\":[{\"request_id\":0,\"data_id\":[");
    for (size_t i = 0; i < HASH_SIZE; i++)
        at += (size_t)snprintf(want + at, sizeof want - at, i ? ",%u" : "%u", mock.yields[1].data_id[i]);
    snprintf(want + at, sizeof want - at, "],\"extensions\":1,\"timestamp\":1767225600000000007}]}");
    assert_int_equal(mock.log_count, 1);
    assert_string_equal(mock.logs[0], want);
}

static size_t longest_line(void) {
    size_t most = 0;
    for (size_t i = 0; i < mock.log_count; i++)
        most = strlen(mock.logs[i]) > most ? strlen(mock.logs[i]) : most;
    return most;
}

static void with_names(const char *method, const char *caller, const char *args) {
    calls(method, caller, 0, args);
    assert_true(longest_line() > 64 + 80);
}

// Names of 64 bytes, the largest numbers: the buffers hold them, and no call fails for its event.
static void longest_names_fit(void **state) {
    (void)state;
    char a[65], b[65], args[1000];
    memset(a, 'a', 64);
    memset(b, 'b', 64);
    a[64] = b[64] = 0;
    mock.now_ns = UINT64_MAX - 700 * SECOND_NS;
    snprintf(args, sizeof args, "{" SOURCE ",\"payer_account_id\":\"%s\"}", b);
    calls("request_execution", a, DEPOSIT, args);
    calls("extend_execution", OPERATOR, 0, "{\"request_id\":0}");
    ends(0);
    assert_true(longest_line() > 200);
    mock.now_ns += 601 * SECOND_NS;
    with_names("cancel_stale_execution", a, "{\"request_id\":0}");
    snprintf(args, sizeof args,
             "{\"request_id\":18446744073709551615,\"payer_account_id\":\"%s\",\"sender_id\":\"%s\",\"amount\":"
             "\"340282366920938463463374607431768211455\"}",
             b, a);
    mock.balance = NEAR;
    assert_true(mock_callback("on_refund_transferred", args, NULL));
    event_is("refund_kept", "amount", "\"340282366920938463463374607431768211455\"");
    assert_true(longest_line() > 64 + 64 + 150);
    snprintf(args, sizeof args,
             "{\"payer_account_id\":\"%s\",\"sender_id\":\"%s\",\"amount\":\"999999999999999999999999\"}", a, b);
    assert_true(mock_callback("on_refund_transferred", args, NULL));
    mock.balance += NEAR;
    snprintf(args, sizeof args, "{\"account_id\":\"%s\"}", a);
    with_names("claim_refund", b, args);
    snprintf(args, sizeof args, "{\"new_owner_id\":\"%s\"}", a);
    with_names("set_owner", OWNER, args);
    with_names("accept_owner", a, "");
    snprintf(args, sizeof args, "{\"account_id\":\"%s\"}", b);
    with_names("add_operator", a, args);
    with_names("remove_operator", a, args);
    snprintf(args, sizeof args, "{\"new_operator_id\":\"%s\"}", b);
    with_names("set_operator", a, args);
    calls("request_execution", b, DEPOSIT, "{" SOURCE "}");
    with_names("emergency_cancel_execution", a, "{\"request_id\":1}");
    calls("set_pricing", a, 0,
          "{\"base_fee\":\"1000000000000000000000000000\",\"per_million_instructions_fee\":"
          "\"1000000000000000000000000000\",\"per_ms_fee\":\"1000000000000000000000000000\",\"per_compile_ms_fee\":"
          "\"1000000000000000000000000000\"}");
    assert_true(longest_line() > 4 * 28);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(events_are_exact),
        TEST(extension_is_exact),
        TEST(longest_names_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
