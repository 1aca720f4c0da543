// SPDX-License-Identifier: Apache-2.0
#include "../kit/kit.h"

#define PRICE (50 * MILLI_NEAR)
#define GAME                                                                                                           \
    "{\"owner_id\":\"owner.near\",\"outlayer_id\":\"outlayer.near\",\"repo\":\"https://git.example/random\","          \
    "\"commit\":\"main\",\"price\":\"50000000000000000000000\"}"
#define REQUEST                                                                                                        \
    "{\"code_source\":{\"repo\":\"https://git.example/random\",\"commit\":\"main\",\"build_target\":"                  \
    "\"wasm32-wasip1\"},\"input_data\":\"{\\\"min\\\":0,\\\"max\\\":1}\",\"response_format\":\"Json\","                \
    "\"result_envelope\":true}"
#define HEADS "{\"choice\":\"Heads\"}"
#define FLIP "{\"choice\":\"Heads\",\"player\":\"alice.near\"}"
#define USED "\"failure\":null,\"resources_used\":{\"instructions\":9,\"time_ms\":1,\"compile_time_ms\":null}}"
#define LANDED(output) "{\"success\":true,\"output\":" output ",\"error\":null," USED

static int begins(void **state) {
    (void)state;
    mock_reset("coin.near");
    calls("new", OWNER, 0, GAME);
    return 0;
}

static void flips(const char *result) {
    calls("flip", ALICE, PRICE, HEADS);
    comes_back("on_flip", FLIP, result);
}

// The question and the price go to OutLayer, the rest back to the player; the game itself is the payer.
static void a_flip_asks_outlayer(void **state) {
    (void)state;
    calls("flip", ALICE, PRICE, HEADS);
    goes_to(0, "outlayer.near", "request_execution", REQUEST, PRICE, -1);
    goes_to(1, "coin.near", "on_flip", FLIP, 0, 0);
    assert_int_equal(mock.returned, 1);
    calls("flip", ALICE, PRICE + 7, HEADS);
    transfers(0, ALICE, 7);
    goes_to(1, "outlayer.near", "request_execution", REQUEST, PRICE, -1);
}

// A result that is not the coin's, or a score that counts wrongly, would be a rigged game.
static void the_coin_decides(void **state) {
    (void)state;
    flips(LANDED("{\"random_number\":0}"));
    answers("{\"choice\":\"Heads\",\"landed\":\"Heads\",\"won\":true}");
    logs(0, "EVENT_JSON:{\"standard\":\"coin_flip\",\"version\":\"1.0.0\",\"event\":\"flipped\",\"data\":[{\"player\":"
            "\"alice.near\",\"choice\":\"Heads\",\"landed\":\"Heads\",\"won\":true}]}");
    assert_int_equal(mock.receipt_count, 0);
    flips(LANDED("{\"random_number\":1}"));
    answers("{\"choice\":\"Heads\",\"landed\":\"Tails\",\"won\":false}");
    assert_int_equal(mock.receipt_count, 0);
    views("get_score", "{\"account_id\":\"alice.near\"}", "{\"flips\":2,\"wins\":1}");
    views("get_score", "{\"account_id\":\"bob.near\"}", "{\"flips\":0,\"wins\":0}");
}

// Without a coin nobody wins, the sentence says why, and the player has the price back, exactly once: OutLayer's own
// change, if there is any, comes to the game, whenever that is. Nothing that a program prints can stop this.
static void a_coin_that_does_not_land_costs_nothing(void **state) {
    (void)state;
    static char long_output[6000];
    snprintf(long_output, sizeof long_output, LANDED("\"%05000d\""), 0);
#define NEITHER "the program answered with neither 0 nor 1"
    static const char *const cases[][2] = {
        {NULL, "OutLayer's promise failed: its own receipts say why"}, // refused, or its callback failed
        {"{\"success\":false,\"output\":null,\"error\":\"exit status 3\"," USED, "exit status 3"},
        {LANDED("{\"random_number\":2}"), NEITHER},
        {LANDED("[\"heads\"]"), NEITHER},
        {LANDED("null"), NEITHER},
        {long_output, NEITHER},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char want[200];
        flips(cases[i][0]);
        snprintf(want, sizeof want, "{\"choice\":\"Heads\",\"landed\":null,\"won\":null,\"error\":\"%s\"}",
                 cases[i][1]);
        answers(want);
        assert_int_equal(mock.receipt_count, 1);
        transfers(0, ALICE, PRICE);
    }
    views("get_score", "{\"account_id\":\"alice.near\"}", "{\"flips\":0,\"wins\":0}");
}

// Each open flip can be paid back from the game's own money: it takes no more of them than that, and the owner gets
// only what is beyond.
static void open_flips_are_covered(void **state) {
    (void)state;
    mock.balance = (mock.usage + 300) * BYTE_STAKE + 2 * PRICE; // and two scores
    refuses("withdraw", ALICE, 0, "", "Only the owner can withdraw");
    calls("flip", ALICE, PRICE, HEADS);
    calls("flip", BOB, PRICE, HEADS);
    refuses("flip", BOB, PRICE, HEADS, "too little money of its own to take another flip now");
    calls("withdraw", OWNER, 0, "");
    assert_true(mock.receipts[0].amount < PRICE / 10);
    comes_back("on_flip", FLIP, NULL);
    transfers(0, ALICE, PRICE);
    refuses("flip", BOB, PRICE, HEADS, "too little money of its own to take another flip now");
    comes_back("on_flip", "{\"choice\":\"Heads\",\"player\":\"bob.near\"}", LANDED("{\"random_number\":0}"));
    mock.balance += PRICE; // OutLayer's change
    calls("withdraw", OWNER, 0, "");
    assert_true(mock.receipts[0].amount > 2 * PRICE - PRICE / 10);
    assert_true(mock.balance == mock.usage * BYTE_STAKE);
    refuses("flip", BOB, PRICE, HEADS, "too little money");
    refuses("withdraw", OWNER, 0, "", "All of it is needed for the state or owed to players");
}

static void what_cannot_be_flipped_is_refused(void **state) {
    (void)state;
    refuses("flip", ALICE, PRICE - 1, HEADS,
            "A flip costs 50000000000000000000000 yoctoNEAR, attached are 49999999999999999999999");
    refuses("flip", ALICE, PRICE, "{\"choice\":\"Edge\"}", "unknown variant");
    refuses("flip", ALICE, PRICE, "{}", "missing field");
    refuses("on_flip", ALICE, 0, FLIP, "is private");
    refuses("new", ALICE, 0, GAME, "already been initialized");
    mock.prepaid_gas = 120 * TGAS;
    refuses("flip", ALICE, PRICE, HEADS, "Attach at least 125 Tgas");
    mock_reset("coin.near");
    refuses("flip", ALICE, PRICE, HEADS, "not initialized");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_flip_asks_outlayer, begins, released),
        cmocka_unit_test_setup_teardown(the_coin_decides, begins, released),
        cmocka_unit_test_setup_teardown(a_coin_that_does_not_land_costs_nothing, begins, released),
        cmocka_unit_test_setup_teardown(open_flips_are_covered, begins, released),
        cmocka_unit_test_setup_teardown(what_cannot_be_flipped_is_refused, begins, released),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
