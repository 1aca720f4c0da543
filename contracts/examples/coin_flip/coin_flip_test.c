// SPDX-License-Identifier: Apache-2.0
#include "../kit/kit.h"

#define DEPOSIT (100 * MILLI_NEAR)
#define REQUEST                                                                                                        \
    "{\"code_source\":{\"repo\":\"https://git.example/random\",\"commit\":\"main\",\"build_target\":"                  \
    "\"wasm32-wasip1\"},\"input_data\":\"{\\\"min\\\":0,\\\"max\\\":1}\",\"response_format\":\"Json\","                \
    "\"payer_account_id\":\"alice.near\",\"result_envelope\":true}"
#define FLIP "{\"choice\":\"Heads\",\"player\":\"alice.near\",\"deposit\":\"100000000000000000000000\"}"
#define USED "\"failure\":null,\"resources_used\":{\"instructions\":9,\"time_ms\":1,\"compile_time_ms\":null}}"

static int begins(void **state) {
    (void)state;
    mock_reset("coin.near");
    calls("new", OWNER, 0,
          "{\"outlayer_id\":\"outlayer.near\",\"repo\":\"https://git.example/random\",\"commit\":\"main\"}");
    return 0;
}

// The question, the whole deposit and the player as payer go to OutLayer; what the callback needs goes along.
static void a_flip_asks_outlayer(void **state) {
    (void)state;
    calls("flip", ALICE, DEPOSIT, "{\"choice\":\"Heads\"}");
    goes_to(0, "outlayer.near", "request_execution", REQUEST, DEPOSIT, -1);
    goes_to(1, "coin.near", "on_flip", FLIP, 0, 0);
    assert_int_equal(mock.returned, 1);
}

// A result that is not the coin's, or a score that counts wrongly, would be a rigged game.
static void the_coin_decides(void **state) {
    (void)state;
    comes_back("on_flip", FLIP, "{\"success\":true,\"output\":{\"random_number\":0},\"error\":null," USED);
    answers("{\"choice\":\"Heads\",\"landed\":\"Heads\",\"won\":true}");
    logs(0, "EVENT_JSON:{\"standard\":\"coin_flip\",\"version\":\"1.0.0\",\"event\":\"flipped\",\"data\":[{\"player\":"
            "\"alice.near\",\"choice\":\"Heads\",\"landed\":\"Heads\",\"won\":true}]}");
    comes_back("on_flip", FLIP, "{\"success\":true,\"output\":{\"random_number\":1},\"error\":null," USED);
    answers("{\"choice\":\"Heads\",\"landed\":\"Tails\",\"won\":false}");
    assert_int_equal(mock.receipt_count, 0);
    views("get_score", "{\"account_id\":\"alice.near\"}", "{\"flips\":2,\"wins\":1}");
    views("get_score", "{\"account_id\":\"bob.near\"}", "{\"flips\":0,\"wins\":0}");
}

// Without an answer nobody wins, and the sentence says why.
static void a_coin_that_does_not_land_counts_for_nobody(void **state) {
    (void)state;
    comes_back("on_flip", FLIP, "{\"success\":false,\"output\":null,\"error\":\"exit status 3\"," USED);
    answers("{\"choice\":\"Heads\",\"landed\":null,\"won\":null,\"error\":\"exit status 3\"}");
    assert_int_equal(mock.receipt_count, 0); // OutLayer gives the change to the player itself
    comes_back("on_flip", FLIP, "{\"success\":true,\"output\":{\"random_number\":2},\"error\":null," USED);
    answers(
        "{\"choice\":\"Heads\",\"landed\":null,\"won\":null,\"error\":\"the program answered with neither 0 nor 1\"}");
    views("get_score", "{\"account_id\":\"alice.near\"}", "{\"flips\":0,\"wins\":0}");
}

// A refused request's deposit comes back to this contract: it is the player's.
static void a_refused_request_gives_the_deposit_back(void **state) {
    (void)state;
    comes_back("on_flip", FLIP, NULL);
    pays(0, ALICE, DEPOSIT);
    assert_string_equal(mock.value, "{\"choice\":\"Heads\",\"landed\":null,\"won\":null,\"error\":\"OutLayer took no "
                                    "request: its own receipt says why; the deposit is on its way back\"}");
}

static void what_cannot_be_flipped_is_refused(void **state) {
    (void)state;
    refuses("flip", ALICE, DEPOSIT, "{\"choice\":\"Edge\"}", "unknown variant");
    refuses("flip", ALICE, DEPOSIT, "{}", "missing field");
    refuses("on_flip", ALICE, 0, FLIP, "is private");
    refuses("new", ALICE, 0, "{\"outlayer_id\":\"b.near\",\"repo\":\"r\",\"commit\":\"c\"}",
            "already been initialized");
    mock.prepaid_gas = 120 * TGAS;
    refuses("flip", ALICE, DEPOSIT, "{\"choice\":\"Heads\"}", "Attach at least 125 Tgas");
    mock_reset("coin.near");
    refuses("flip", ALICE, DEPOSIT, "{\"choice\":\"Heads\"}", "not initialized");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_flip_asks_outlayer, begins, released),
        cmocka_unit_test_setup_teardown(the_coin_decides, begins, released),
        cmocka_unit_test_setup_teardown(a_coin_that_does_not_land_counts_for_nobody, begins, released),
        cmocka_unit_test_setup_teardown(a_refused_request_gives_the_deposit_back, begins, released),
        cmocka_unit_test_setup_teardown(what_cannot_be_flipped_is_refused, begins, released),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
