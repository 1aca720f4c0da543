// SPDX-License-Identifier: Apache-2.0
// The token: balances always add up to the total supply, nobody's tokens move without their call, and what a receiver
// does not use comes back, whatever it answers.
#include "kit/kit.h"
#include <stdlib.h>

#define META "{\"spec\":\"ft-1.0.0\",\"name\":\"T\\u00e9st\",\"symbol\":\"TST\",\"decimals\":18}"
#define NEW "{\"owner_id\":\"owner.near\",\"total_supply\":\"1000\",\"metadata\":" META "}"
#define PRICE (122 * BYTE_STAKE)
#define EVENT(name, data)                                                                                              \
    "EVENT_JSON:{\"standard\":\"nep141\",\"version\":\"1.0.0\",\"event\":\"" name "\",\"data\":[{" data "}]}"
#define TO_ALICE "{\"receiver_id\":\"alice.near\",\"amount\":\"100\"}"
#define CALL_ALICE "{\"receiver_id\":\"alice.near\",\"amount\":\"100\",\"msg\":\"say \\\"hi\\\"\",\"memo\":null}"
#define RESOLVE "{\"sender_id\":\"owner.near\",\"receiver_id\":\"alice.near\",\"amount\":\"100\"}"

static int deployed(void **state) {
    (void)state;
    mock_reset("ft.near");
    calls("new", OWNER, 0, NEW);
    logs(0, EVENT("ft_mint", "\"owner_id\":\"owner.near\",\"amount\":\"1000\",\"memo\":\"new tokens are minted\""));
    calls("storage_deposit", ALICE, PRICE, "{}");
    return 0;
}

static void balance_is(const char *account, const char *amount) {
    char args[128], want[64];
    snprintf(args, sizeof args, "{\"account_id\":\"%s\"}", account);
    snprintf(want, sizeof want, "\"%s\"", amount);
    views("ft_balance_of", args, want);
}

static void a_transfer_moves_tokens(void **state) {
    (void)state;
    calls("ft_transfer", OWNER, 1, "{\"receiver_id\":\"alice.near\",\"amount\":\"100\",\"memo\":\"for \\\"you\\\"\"}");
    logs(0, EVENT("ft_transfer", "\"old_owner_id\":\"owner.near\",\"new_owner_id\":\"alice.near\",\"amount\":\"100\","
                                 "\"memo\":\"for \\\"you\\\"\""));
    assert_int_equal(mock.receipt_count, 0);
    calls("ft_transfer", ALICE, 1, "{\"receiver_id\":\"owner.near\",\"amount\":\"1\"}");
    logs(0, EVENT("ft_transfer", "\"old_owner_id\":\"alice.near\",\"new_owner_id\":\"owner.near\",\"amount\":\"1\""));
    balance_is("alice.near", "99");
    balance_is("owner.near", "901");
    balance_is("stranger.near", "0");
    views("ft_total_supply", "", "\"1000\"");
    views("ft_metadata", "", META);
}

static void a_transfer_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *caller;
        u128 deposit;
        const char *args, *sentence;
    } cases[] = {
        {OWNER, 0, TO_ALICE, "Requires attached deposit of exactly 1 yoctoNEAR"},
        {OWNER, 2, TO_ALICE, "Requires attached deposit of exactly 1 yoctoNEAR"},
        {BOB, 1, TO_ALICE, "The account bob.near is not registered"},
        {ALICE, 1, "{\"receiver_id\":\"owner.near\",\"amount\":\"1\"}", "doesn't have enough balance"},
        {OWNER, 1, "{\"receiver_id\":\"bob.near\",\"amount\":\"1\"}", "The account bob.near is not registered"},
        {OWNER, 1, "{\"receiver_id\":\"owner.near\",\"amount\":\"1\"}", "Sender and receiver should be different"},
        {OWNER, 1, "{\"receiver_id\":\"alice.near\",\"amount\":\"0\"}", "The amount should be a positive number"},
        {OWNER, 1, "{\"receiver_id\":\"alice.near\",\"amount\":\"1001\"}", "doesn't have enough balance"},
        {OWNER, 1, "{\"receiver_id\":\"alice.near\",\"amount\":1}", "expected yoctoNEAR"},
        {OWNER, 1, "{\"receiver_id\":\"alice.near\"}", "missing field \"amount\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refuses("ft_transfer", cases[i].caller, cases[i].deposit, cases[i].args, cases[i].sentence);
    refuses("ft_transfer_call", OWNER, 1, TO_ALICE, "missing field \"msg\"");
    refuses("ft_transfer_call", OWNER, 0, CALL_ALICE, "Requires attached deposit of exactly 1 yoctoNEAR");
    mock.prepaid_gas = 30 * TGAS;
    refuses("ft_transfer_call", OWNER, 1, CALL_ALICE, "Attach at least 40 Tgas");
    balance_is("owner.near", "1000");
}

static void a_memo_too_long_for_the_log_is_refused(void **state) {
    (void)state;
    static char args[18000];
    snprintf(args, sizeof args, "{\"receiver_id\":\"alice.near\",\"amount\":\"1\",\"memo\":\"%016300d\"}", 0);
    refuses("ft_transfer", OWNER, 1, args, "can be logged");
    snprintf(args, sizeof args, "{\"receiver_id\":\"alice.near\",\"amount\":\"1\",\"memo\":\"%016000d\"}", 0);
    calls("ft_transfer", OWNER, 1, args);
}

static void a_call_tells_the_receiver(void **state) {
    (void)state;
    calls("ft_transfer_call", OWNER, 1, CALL_ALICE);
    balance_is("alice.near", "100");
    calls("ft_transfer_call", OWNER, 1, CALL_ALICE);
    assert_int_equal(mock.receipt_count, 2);
    goes_to(0, ALICE, "ft_on_transfer", "{\"sender_id\":\"owner.near\",\"amount\":\"100\",\"msg\":\"say \\\"hi\\\"\"}",
            0, -1);
    goes_to(1, "ft.near", "ft_resolve_transfer", RESOLVE, 0, 0);
    assert_int_equal(mock.returned, 1);
    assert_true(mock.receipts[0].gas == 290 * TGAS && mock.receipts[1].gas == 5 * TGAS);
}

// What the receiver answers, and what is used then: anything but an amount means that nothing was.
static void what_is_not_used_comes_back(void **state) {
    (void)state;
    static const struct {
        const char *result, *used, *owner;
    } cases[] = {
        {"\"0\"", "\"100\"", "900"},    {"\"30\"", "\"70\"", "930"},
        {"\"100\"", "\"0\"", "1000"},   {"\"101\"", "\"0\"", "1000"},
        {NULL, "\"0\"", "1000"},        {"", "\"0\"", "1000"},
        {"null", "\"0\"", "1000"},      {"30", "\"0\"", "1000"},
        {"\"\"", "\"0\"", "1000"},      {"\"", "\"0\"", "1000"},
        {"\"-1\"", "\"0\"", "1000"},    {"\"340282366920938463463374607431768211456\"", "\"0\"", "1000"},
        {"{\"a\":1}", "\"0\"", "1000"}, {"\"00000000000000000000000000000000000000000000\"", "\"0\"", "1000"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        released(state);
        deployed(state);
        calls("ft_transfer_call", OWNER, 1, CALL_ALICE);
        comes_back("ft_resolve_transfer", RESOLVE, cases[i].result);
        answers(cases[i].used);
        balance_is("owner.near", cases[i].owner);
        views("ft_total_supply", "", "\"1000\"");
    }
}

static void a_refund_is_an_event(void **state) {
    (void)state;
    calls("ft_transfer_call", OWNER, 1, CALL_ALICE);
    comes_back("ft_resolve_transfer", RESOLVE, "\"30\"");
    logs(0, EVENT("ft_transfer", "\"old_owner_id\":\"alice.near\",\"new_owner_id\":\"owner.near\",\"amount\":\"30\","
                                 "\"memo\":\"refund\""));
    calls("ft_transfer_call", OWNER, 1, CALL_ALICE);
    comes_back("ft_resolve_transfer", RESOLVE, "\"0\"");
    assert_int_equal(mock.log_count, 0);
    refuses("ft_resolve_transfer", OWNER, 0, RESOLVE, "is private");
}

// Between the transfer and its end the receiver may spend, and either side may go.
static void the_end_takes_what_is_left(void **state) {
    (void)state;
    calls("ft_transfer_call", OWNER, 1, CALL_ALICE);
    calls("ft_transfer", ALICE, 1, "{\"receiver_id\":\"owner.near\",\"amount\":\"80\"}");
    comes_back("ft_resolve_transfer", RESOLVE, NULL);
    answers("\"80\"");
    balance_is("alice.near", "0");
    balance_is("owner.near", "1000");
    calls("ft_transfer_call", OWNER, 1, CALL_ALICE);
    calls("storage_unregister", ALICE, 1, "{\"force\":true}");
    comes_back("ft_resolve_transfer", RESOLVE, NULL);
    answers("\"100\"");
    views("ft_total_supply", "", "\"900\"");
}

static void a_refund_to_nobody_is_burnt(void **state) {
    (void)state;
    calls("ft_transfer_call", OWNER, 1, CALL_ALICE);
    calls("storage_unregister", OWNER, 1, "{\"force\":true}");
    views("ft_total_supply", "", "\"100\"");
    comes_back("ft_resolve_transfer", RESOLVE, "\"60\"");
    answers("\"100\"");
    logs(0, EVENT("ft_burn", "\"owner_id\":\"alice.near\",\"amount\":\"60\",\"memo\":\"refund\""));
    views("ft_total_supply", "", "\"40\"");
    balance_is("alice.near", "40");
    views("storage_balance_of", "{\"account_id\":\"owner.near\"}", "null");
}

// A registration pays for the longest entry, and nothing is kept of what is beyond that.
static void registering_costs_its_storage(void **state) {
    (void)state;
    char id[ACCOUNT_MAX + 1], args[128];
    memset(id, 'a', ACCOUNT_MAX);
    id[ACCOUNT_MAX] = 0;
    snprintf(args, sizeof args, "{\"account_id\":\"%s\"}", id);
    uint64_t usage = mock.usage;
    calls("storage_deposit", BOB, PRICE + 5, args);
    transfers(0, BOB, 5);
    answers("{\"total\":\"1220000000000000000000\",\"available\":\"0\"}");
    assert_true((mock.usage - usage) * BYTE_STAKE == PRICE);
    calls("storage_deposit", BOB, NEAR, args);
    transfers(0, BOB, NEAR);
    calls("storage_deposit", BOB, 0, args);
    assert_int_equal(mock.receipt_count, 0);
    refuses("storage_deposit", BOB, PRICE - 1, "{}", "less than the minimum storage balance");
    calls("storage_deposit", BOB, PRICE, "{\"account_id\":null,\"registration_only\":true}");
    views("storage_balance_of", "{\"account_id\":\"bob.near\"}",
          "{\"total\":\"1220000000000000000000\",\"available\":\"0\"}");
    views("storage_balance_bounds", "", "{\"min\":\"1220000000000000000000\",\"max\":\"1220000000000000000000\"}");
}

static void unregistering_pays_it_back(void **state) {
    (void)state;
    calls("ft_transfer", OWNER, 1, TO_ALICE);
    refuses("storage_unregister", ALICE, 1, "{}", "positive balance without force");
    refuses("storage_unregister", ALICE, 0, "{\"force\":true}", "exactly 1 yoctoNEAR");
    calls("storage_unregister", ALICE, 1, "{\"force\":true}");
    answers("true");
    transfers(0, ALICE, PRICE + 1);
    logs(0, EVENT("ft_burn", "\"owner_id\":\"alice.near\",\"amount\":\"100\",\"memo\":\"unregistered\""));
    calls("storage_unregister", ALICE, 1, "{}");
    answers("false");
    assert_int_equal(mock.receipt_count, 0);
    refuses("storage_withdraw", ALICE, 1, "{}", "The account alice.near is not registered");
    refuses("storage_withdraw", OWNER, 1, "{\"amount\":\"1\"}", "greater than the available storage balance");
    calls("storage_withdraw", OWNER, 1, "{\"amount\":\"0\"}");
    answers("{\"total\":\"1220000000000000000000\",\"available\":\"0\"}");
}

static void setting_up_is_checked(void **state) {
    (void)state;
    refuses("new", OWNER, 0, NEW, "already been initialized");
    mock_reset("ft.near");
    refuses("ft_total_supply", OWNER, 0, "", "not initialized");
    refuses("storage_deposit", OWNER, PRICE, "", "not initialized");
    static const struct {
        const char *metadata, *sentence;
    } cases[] = {
        {"{\"spec\":\"nft-1.0.0\",\"name\":\"T\",\"symbol\":\"T\",\"decimals\":1}", "should be ft-1.0.0"},
        {"{\"spec\":\"ft-1.0.0\",\"name\":\"T\",\"symbol\":\"T\",\"decimals\":256}", "at most 255"},
        {"{\"spec\":\"ft-1.0.0\",\"name\":\"T\",\"symbol\":\"T\"}", "missing field \"decimals\""},
        {"{\"spec\":\"ft-1.0.0\",\"name\":\"T\",\"symbol\":\"T\",\"decimals\":1,\"x\":1}", "unknown field \"x\""},
        {"\"T\"", "expected '{'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char args[512];
        snprintf(args, sizeof args, "{\"owner_id\":\"owner.near\",\"total_supply\":\"1\",\"metadata\":%s}",
                 cases[i].metadata);
        refuses("new", OWNER, 0, args, cases[i].sentence);
    }
}

// Random calls of everybody: the balances add up to the total supply after each.
static const char *const people[] = {OWNER, ALICE, BOB, "carol.near"};

static u128 random_deposit(int what) { return what == 0 ? PRICE : 1; }

static void random_call(void) {
    static const char *const methods[] = {"storage_deposit", "storage_unregister", "ft_transfer", "ft_transfer_call"};
    char args[256];
    const char *from = people[rand() % 4], *to = people[rand() % 4];
    int what = rand() % 4;
    snprintf(args, sizeof args, "{\"receiver_id\":\"%s\",\"amount\":\"%d\",\"msg\":\"\",\"force\":%s}", to,
             rand() % 300, rand() % 8 ? "false" : "true");
    if (!mock_call(methods[what], from, random_deposit(what), args) || what != 3)
        return;
    char resolve[256], result[16];
    snprintf(resolve, sizeof resolve, "%s", mock.receipts[1].args);
    snprintf(result, sizeof result, "\"%d\"", rand() % 300);
    if (rand() % 2)
        mock_call("storage_unregister", people[rand() % 4], 1, "{\"force\":true}");
    comes_back("ft_resolve_transfer", resolve, rand() % 4 ? result : NULL);
}

static long viewed(const char *method, const char *account) {
    char args[128];
    snprintf(args, sizeof args, "{\"account_id\":\"%s\"}", account);
    assert_true(mock_view(method, args));
    return strtol(mock.value + 1, NULL, 10);
}

static void balances_add_up(void **state) {
    (void)state;
    srand(11);
    for (int i = 0; i < 3000; i++) {
        random_call();
        long sum = 0;
        for (size_t p = 0; p < 4; p++)
            sum += viewed("ft_balance_of", people[p]);
        assert_int_equal(sum, viewed("ft_total_supply", OWNER));
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, deployed, released)
static const struct CMUnitTest tests[] = {
    TEST(a_transfer_moves_tokens),    TEST(a_transfer_is_refused),       TEST(a_memo_too_long_for_the_log_is_refused),
    TEST(a_call_tells_the_receiver),  TEST(what_is_not_used_comes_back), TEST(a_refund_is_an_event),
    TEST(the_end_takes_what_is_left), TEST(a_refund_to_nobody_is_burnt), TEST(registering_costs_its_storage),
    TEST(unregistering_pays_it_back), TEST(setting_up_is_checked),       TEST(balances_add_up),
};
RUN_TESTS(tests)
