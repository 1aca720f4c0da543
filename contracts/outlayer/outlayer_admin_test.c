// SPDX-License-Identifier: Apache-2.0
// What only the owner does: operators, ownership, fees, cancelling, the next version; and finding pending requests.
#include "kit/kit.h"

#define BOB "bob.near"
#define RESPONSE "{\"success\":true," USED "}"
#define COST (1800 * (MILLI_NEAR / 1000) + MILLI_NEAR / 1000000)
#define ACCOUNT(a) "{\"account_id\":\"" a "\"}"

static void resolves_as(const char *who, uint64_t id) {
    char args[512];
    snprintf(args, sizeof args, "{\"request_id\":%d,\"response\":" RESPONSE "}", (int)id);
    calls("resolve_execution", who, 0, args);
}

// A fleet's workers have accounts of their own, and each can be taken out.
static void operators_come_and_go(void **state) {
    (void)state;
    views("get_operators", "", "[\"" OPERATOR "\"]");
    refuses("resolve_execution", BOB, 0, "{\"request_id\":0,\"response\":" RESPONSE "}", "Only operator can call this");
    refuses("add_operator", BOB, 0, ACCOUNT(BOB), "Only owner can call this method");
    calls("add_operator", OWNER, 0, ACCOUNT(BOB));
    event_is("operator_added", "operator_id", "\"bob.near\"");
    calls("add_operator", OWNER, 0, ACCOUNT("carol.near"));
    calls("add_operator", OWNER, 0, ACCOUNT("dave.near"));
    refuses("add_operator", OWNER, 0, ACCOUNT(BOB), "This account is an operator already");
    refuses("add_operator", OWNER, 0, ACCOUNT(OPERATOR), "This account is an operator already");
    views("get_operators", "{}", "[\"" OPERATOR "\",\"bob.near\",\"carol.near\",\"dave.near\"]");
    views("get_operators", "{\"from_index\":1,\"limit\":2}", "[\"bob.near\",\"carol.near\"]");
    views("get_operators", "{\"from_index\":9}", "[]");
    views("get_operators", "{\"limit\":0}", "[]");
    views("is_operator", ACCOUNT("carol.near"), "true");
    views("is_operator", ACCOUNT(ALICE), "false");
    views("get_config", "", "[\"" OWNER "\",\"" OPERATOR "\"]");
    resolves_as(BOB, requests("", DEPOSIT));
    resolves_as("dave.near", requests("", DEPOSIT));
    resolves_as(OPERATOR, requests("", DEPOSIT));
    refuses("remove_operator", OPERATOR, 0, ACCOUNT(BOB), "Only owner can call this method");
    calls("remove_operator", OWNER, 0, ACCOUNT("carol.near"));
    event_is("operator_removed", "operator_id", "\"carol.near\"");
    views("get_operators", "", "[\"" OPERATOR "\",\"bob.near\",\"dave.near\"]");
    refuses("remove_operator", OWNER, 0, ACCOUNT("carol.near"), "Not an added operator");
    refuses("remove_operator", OWNER, 0, ACCOUNT(OPERATOR), "set_operator replaces the first one");
    // the first one is replaced at once; one that was added is not listed twice
    refuses("set_operator", BOB, 0, "{\"new_operator_id\":\"bob.near\"}", "Only owner can call this method");
    calls("set_operator", OWNER, 0, "{\"new_operator_id\":\"bob.near\"}");
    event_is("operator_set", "operator_id", "\"bob.near\"");
    views("get_operators", "", "[\"bob.near\",\"dave.near\"]");
    views("is_operator", ACCOUNT(OPERATOR), "false");
}

// There is room for the longest names, and a sentence when there is none left.
static void operators_are_bounded(void **state) {
    (void)state;
    char args[128];
    for (int i = 0; i <= 64; i++) {
        snprintf(args, sizeof args, "{\"account_id\":\"%064d\"}", i);
        if (i < 64)
            calls("add_operator", OWNER, 0, args);
    }
    refuses("add_operator", OWNER, 0, args, "There are 64 added operators already");
    snprintf(args, sizeof args, "{\"account_id\":\"%064d\"}", 63);
    views("is_operator", args, "true");
    assert_true(mock_view("get_operators", ""));
    json_t *all = json_loads(mock.value, 0, NULL);
    assert_int_equal(json_array_size(all), 65);
    json_decref(all);
}

// W22: the ownership moves when the new owner takes it: a name with a typing error does not lock the contract.
static void w22_ownership_moves_in_two_steps(void **state) {
    (void)state;
    refuses("set_owner", ALICE, 0, "{\"new_owner_id\":\"alice.near\"}", "Only owner can call this method");
    refuses("accept_owner", ALICE, 0, "", "Only the account that set_owner named can accept");
    calls("set_owner", OWNER, 0, "{\"new_owner_id\":\"alice.near\"}");
    event_is("owner_proposed", "owner_id", "\"alice.near\"");
    views("get_config", "", "[\"" OWNER "\",\"" OPERATOR "\"]");
    refuses("set_paused", ALICE, 0, "{\"paused\":true}", "Only owner can call this method");
    refuses("accept_owner", BOB, 0, "", "Only the account that set_owner named");
    calls("set_owner", OWNER, 0, "{\"new_owner_id\":\"" OWNER "\"}"); // taken back
    refuses("accept_owner", ALICE, 0, "", "Only the account that set_owner named");
    refuses("accept_owner", OWNER, 0, "", "Only the account that set_owner named");
    calls("set_owner", OWNER, 0, "{\"new_owner_id\":\"alice.near\"}");
    calls("accept_owner", ALICE, 0, "");
    event_is("owner_set", "owner_id", "\"alice.near\"");
    views("get_config", "", "[\"alice.near\",\"" OPERATOR "\"]");
    refuses("set_paused", OWNER, 0, "{\"paused\":true}", "Only owner can call this method");
    refuses("accept_owner", ALICE, 0, "", "Only the account that set_owner named");
    calls("set_paused", ALICE, 0, "{\"paused\":true}");
    event_is("paused_set", "paused", "true");
}

// W9: what was earned can be paid out, and not a yocto of what belongs to pending requests.
static void w09_owner_withdraws_fees_only(void **state) {
    (void)state;
    refuses("withdraw_fees", OWNER, 0, "", "Earned and not yet withdrawn are 0 yoctoNEAR");
    resolves_as(OPERATOR, requests("", DEPOSIT));
    ends(0);
    requests("", 5 * NEAR);
    refuses("withdraw_fees", ALICE, 0, "{}", "Only owner can call this method");
    refuses("withdraw_fees", OWNER, 0, "{\"amount\":\"1800001000000000000001\"}",
            "Earned and not yet withdrawn are 1800001000000000000000 yoctoNEAR");
    calls("withdraw_fees", OWNER, 0, "{\"amount\":\"1000000000000000000\"}");
    pays(OWNER, MILLI_NEAR / 1000);
    event_is("fees_withdrawn", "amount", "\"1000000000000000000\"");
    calls("withdraw_fees", OWNER, 0, "{}");
    pays(OWNER, COST - MILLI_NEAR / 1000);
    refuses("withdraw_fees", OWNER, 0, "{\"amount\":null}", "Earned and not yet withdrawn are 0 yoctoNEAR");
    views("get_stats", "", "[1,\"1800001000000000000000\"]"); // all that was ever charged
}

// W22: the owner's cancels return everything and are told, with who did it.
static void w22_emergency_cancel_is_told(void **state) {
    (void)state;
    uint64_t id = requests(",\"payer_account_id\":\"bob.near\"", DEPOSIT);
    refuses("emergency_cancel_execution", ALICE, 0, "{\"request_id\":0}", "Only owner can call this method");
    refuses("emergency_cancel_execution", OWNER, 0, "{\"request_id\":1}", "Execution request not found");
    resolves_as(OPERATOR, id); // even while the answer is on its way
    calls("emergency_cancel_execution", OWNER, 0, "{\"request_id\":0}");
    charged(0, DEPOSIT);
    assert_string_equal(mock.receipts[0].to, "bob.near");
    assert_int_equal(mock.receipt_count, 2);
    event_is("execution_completed", "failure", "\"cancelled\"");
    event_is("execution_completed", "error_message", "\"cancelled by the owner; nothing was charged\"");
    event_is("execution_cancelled", "cancelled_by", "\"" OWNER "\"");
    ends(id);
    answers("null");
    pays_nothing();
    views("get_stats", "", "[0,\"0\"]"); // cancelled is not executed
}

// W15: pending requests are found however many have ended before.
static void w15_pending_requests_are_found(void **state) {
    (void)state;
    for (uint64_t i = 0; i < 200; i++)
        ends(requests("", DEPOSIT));
    views("get_pending_request_ids", "", "[]");
    for (int i = 0; i < 6; i++)
        requests("", DEPOSIT);
    views("get_pending_request_ids", "", "[200,201,202,203,204,205]");
    ends(202);
    ends(200);
    views("get_pending_request_ids", "{}", "[201,203,204,205]");
    views("get_pending_request_ids", "{\"limit\":2}", "[201,203]");
    views("get_pending_request_ids", "{\"from_index\":204}", "[204,205]");
    views("get_pending_request_ids", "{\"from_index\":202,\"limit\":1}", "[203]");
    views("get_pending_request_ids", "{\"from_index\":206}", "[]");
    refuses("clear_all_pending_requests", ALICE, 0, "", "Only owner can call this method");
    calls("clear_all_pending_requests", OWNER, 0, "{\"limit\":2}");
    answers("2");
    assert_int_equal(mock.receipt_count, 2);
    views("get_pending_request_ids", "", "[204,205]");
    calls("clear_all_pending_requests", OWNER, 0, "");
    answers("2");
    views("get_pending_request_ids", "", "[]");
    calls("clear_all_pending_requests", OWNER, 0, "");
    answers("0");
    requests("", DEPOSIT);
    views("get_pending_request_ids", "", "[206]");
}

// A walk over ids looks at 1,000 of them, so that no hole of ended requests makes the view fail; the range says where
// to go on.
static void w15_walks_are_bounded(void **state) {
    (void)state;
    views("get_open_range", "", "[0,0]");
    requests("", DEPOSIT); // stays open
    for (uint64_t i = 1; i < 1001; i++) {
        requests("", DEPOSIT);
        ends(1);
        mock_forget_yields();
    }
    requests("", DEPOSIT);
    views("get_open_range", "", "[0,1002]");
    views("get_pending_request_ids", "", "[0]");
    views("get_pending_request_ids", "{\"from_index\":1}", "[]");
    views("get_pending_request_ids", "{\"from_index\":2}", "[1001]");
    views("get_pending_request_ids", "{\"from_index\":1000}", "[1001]");
    views("get_pending_request_ids", "{\"from_index\":18446744073709551615}", "[]");
    ends(0);
    mock_forget_yields();
    for (int i = 0; i < 600; i++) { // two steps of the cursor each
        requests("", DEPOSIT);
        ends(1);
        mock_forget_yields();
    }
    views("get_open_range", "", "[1001,1602]");
    views("get_pending_request_ids", "", "[1001]");
}

// The cursor of the lowest open request follows, whatever the order of the ends, so that the list stays short to walk.
static void w15_cursor_follows_ends_in_any_order(void **state) {
    (void)state;
    uint64_t open = 0;
    requests("", DEPOSIT);
    for (uint64_t id = 1; id <= 300; id++) {
        requests("", DEPOSIT); // there is always one open
        ends(id % 3 ? 0 : 1);
        open = id % 3 ? id : open;
        mock_forget_yields();
    }
    size_t len;
    char want[32];
    snprintf(want, sizeof want, "[%llu]", (unsigned long long)open);
    views("get_pending_request_ids", "", want);
    const uint8_t *record = (const uint8_t *)mock_stored("STATE", 5, &len);
    const uint8_t id[] = {(uint8_t)open, (uint8_t)(open >> 8)}; // near it, as two bytes after their number
    bool near = false;
    for (size_t i = 0; i + 3 <= len; i++)
        near |= record[i] == 2 && record[i + 2] == id[1] && record[i + 1] + 4 >= id[0] && record[i + 1] <= id[0];
    assert_true(near);
}

// As many as one call can log and pay for, with the longest names; the rest by the next calls.
static void clearing_stays_inside_a_calls_bounds(void **state) {
    (void)state;
    char args[2048], sender[65];
    memset(sender, 'a', 64);
    sender[64] = 0;
    for (int i = 0; i < 60; i++) {
        snprintf(args, sizeof args,
                 "{\"code_source\":{\"repo\":\"%0256d\",\"commit\":\"%0128d\",\"build_target\":\"%064d\"},"
                 "\"payer_account_id\":\"%064d\"}",
                 1, 2, 3, 4);
        calls("request_execution", sender, DEPOSIT, args);
    }
    uint64_t cleared = 0;
    for (int i = 0; i < 8; i++) {
        calls("clear_all_pending_requests", OWNER, 0, "");
        uint64_t n = strtoull(mock.value, NULL, 10);
        assert_true(mock.log_bytes <= LOG_BYTES_MAX);
        assert_int_equal(mock.receipt_count, 2 * n);
        cleared += n;
    }
    assert_int_equal(cleared, 60);
}

static void puts_state_1(void) {
    uint8_t bytes[512];
    struct rec_out r = REC_OUT(bytes);
    struct account owner = account_of(TEXT(OWNER)), operator= account_of(TEXT(OPERATOR));
    static const u128 prices[] = {1000, 1, 2, 3};
    rec_put_u8(&r, 1);
    rec_put_account(&r, &owner);
    rec_put_account(&r, &operator);
    rec_put_u8(&r, 0);
    for (int i = 0; i < 4; i++)
        rec_put_yocto(&r, YOCTO(prices[i]));
    rec_put_u64(&r, 2);
    rec_put_u64(&r, 1);
    rec_put_yocto(&r, YOCTO(77));
    mock_store("STATE", 5, bytes, r.len);
}

// Request 1 as version 1 of the contract stored it.
static void puts_request_1(void) {
    uint8_t bytes[1024] = {0}, key[9] = {'r', 1};
    struct rec_out r = REC_OUT(bytes);
    struct account alice = account_of(TEXT(ALICE));
    struct hash hash = {{7}};
    rec_put_u8(&r, 1);
    memcpy(hash.b, mock.yields[1].data_id, 32);
    rec_put_hash(&r, &hash);
    rec_put_account(&r, &alice);
    rec_put_account(&r, &alice);
    rec_put_text(&r, TEXT("https://h/o/n"));
    rec_put_text(&r, TEXT("main"));
    rec_put_text(&r, (struct text){0});
    rec_put_u64(&r, 1000000);
    rec_put_u32(&r, 64);
    rec_put_u64(&r, 5);
    rec_put_yocto(&r, YOCTO(20000));
    rec_put_u64(&r, 1);
    rec_put_u8(&r, 1);
    for (int i = 0; i < 4; i++)
        rec_put_yocto(&r, YOCTO(1));
    rec_put_u32(&r, 10);
    rec_put_u8(&r, 1);
    rec_put_hash(&r, &hash);
    rec_put_u32(&r, 3);
    rec_put_u8(&r, 0);
    rec_put_u8(&r, 0);
    mock_store(key, 9, bytes, r.len);
}

// The owner deploys the next version, which takes over what the first one stored: settings, counters, and a request
// that is pending, to its end. Until it has, nothing works on half-understood state.
static void upgrade_takes_over_the_first_versions_state(void **state) {
    (void)state;
    static const char code[] = "\0asm\1\0\0\0\0";
    requests("", DEPOSIT);
    ends(requests("", DEPOSIT) - 1);
    puts_state_1();
    puts_request_1();
    refuses("set_paused", OWNER, 0, "{\"paused\":true}", "older than the code: migrate has to be called");
    refuses("migrate", OWNER, 0, "", "Method migrate is private");
    assert_true(mock_callback("migrate", "", ""));
    event_is("contract_migrated", "state_version", "3");
    event_is("contract_upgraded", "code_hash", "null"); // by a version that does not hand it over
    assert_true(mock_callback("migrate", "", ""));      // twice does nothing
    assert_int_equal(mock.log_count, 1);
    views("get_config", "", "[\"" OWNER "\",\"" OPERATOR "\"]");
    views("get_stats", "", "[1,\"77\"]");
    views("get_pricing", "", "[\"1000\",\"1\",\"2\",\"3\"]");
    views("get_pending_request_ids", "", "[1]");
    resolves_as(OPERATOR, 1);
    ends(1);
    charged(1 + 1 + 5000 + 3000, 20000 - 8002);
    pays(ALICE, 20000 - 8002);
    views("get_pending_request_ids", "", "[]");
    requests("", DEPOSIT);
    views("get_pending_request_ids", "", "[2]");

    refuses("upgrade", ALICE, 0, "", "Only owner can call this method");
    refuses("upgrade", OWNER, 0, "not wasm, but as long", "The input has to be the new contract's code");
    assert_true(mock_call_bytes("upgrade", OWNER, 0, code, sizeof code));
    assert_int_equal(mock.receipt_count, 1);
    assert_int_equal(mock.receipts[0].kind, RECEIPT_DEPLOY);
    assert_string_equal(mock.receipts[0].to, SELF);
    assert_string_equal(mock.receipts[0].method, "migrate");
    assert_int_equal(mock.receipts[0].args_len, sizeof code);
    assert_memory_equal(mock.receipts[0].args, code, sizeof code);
    assert_int_equal(mock.returned, 0);
    // It is told when it has happened, by the new code: a failing migrate takes its log back with everything else.
    assert_int_equal(mock.log_count, 0);
    assert_string_equal(mock.receipts[0].call_args,
                        "{\"code_hash\":\"e5ddb81afd7ff27f33aeed47770268010a37ad8626d9529e4ced1f200b0abbe9\"}");
    char args[128];
    snprintf(args, sizeof args, "%s", mock.receipts[0].call_args);
    assert_true(mock_callback("migrate", args, ""));
    assert_int_equal(mock.log_count, 1);
    event_is("contract_upgraded", "code_hash", "\"e5ddb81afd7ff27f33aeed47770268010a37ad8626d9529e4ced1f200b0abbe9\"");
}

// The state as version 2 left it: it did not sum up what is owed, here `bytes` significant ones of a number.
static void puts_state_2(size_t bytes) {
    uint8_t record[512];
    size_t len;
    const char *now = mock_stored("STATE", 5, &len);
    assert_true(now && len <= sizeof record);
    memcpy(record, now, len);
    record[0] = 2;
    mock_store("STATE", 5, record, len - 1 - bytes);
}

// A refund that was kept before the sum began is paid all the same, and what is lent afterwards stays within bounds.
static void refunds_kept_before_an_upgrade_can_be_claimed(void **state) {
    (void)state;
    char args[512], output[20100];
    ends(requests(",\"payer_account_id\":\"gone.near\"", DEPOSIT));
    snprintf(args, sizeof args, "%s", mock.receipts[1].args);
    mock.balance += DEPOSIT;
    assert_true(mock_callback("on_refund_transferred", args, NULL));
    puts_state_2(10); // 10^23 has ten bytes
    assert_true(mock_callback("migrate", "", ""));
    calls("claim_refund", ALICE, 0, "{\"account_id\":\"gone.near\"}");
    requests("", DEPOSIT);
    snprintf(output, sizeof output, "{\"request_id\":1,\"output\":{\"Text\":\"%020000d\"}}", 7);
    mock.balance = (u128)mock.usage * BYTE_STAKE + DEPOSIT;
    refuses("submit_execution_output", OPERATOR, 0, output, "what is stored until the request ends needs");
    mock.balance += NEAR;
    calls("submit_execution_output", OPERATOR, 0, output);
    ends(1);
    pays(ALICE, DEPOSIT);
}

static void newer_state_is_refused(void **state) {
    (void)state;
    mock_store("STATE", 5, "\4abc", 4);
    assert_false(mock_view("get_stats", ""));
    assert_non_null(strstr(mock.error, "A stored record is of another version of this contract"));
}

static void versions_are_published(void **state) {
    (void)state;
    views("get_version", "", "{\"version\":\"1.1.0\",\"state_version\":3}");
    views("get_memory_limit", "", "1024");
    assert_true(mock_view("contract_source_metadata", ""));
    json_t *j = json_loads(mock.value, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(j, "version")), "1.1.0");
    assert_int_equal(json_array_size(json_object_get(j, "standards")), 2);
    json_decref(j);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(operators_come_and_go),
        TEST(operators_are_bounded),
        TEST(w22_ownership_moves_in_two_steps),
        TEST(w09_owner_withdraws_fees_only),
        TEST(w22_emergency_cancel_is_told),
        TEST(w15_pending_requests_are_found),
        TEST(w15_walks_are_bounded),
        TEST(w15_cursor_follows_ends_in_any_order),
        TEST(clearing_stays_inside_a_calls_bounds),
        TEST(upgrade_takes_over_the_first_versions_state),
        TEST(refunds_kept_before_an_upgrade_can_be_claimed),
        TEST(newer_state_is_refused),
        TEST(versions_are_published),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
