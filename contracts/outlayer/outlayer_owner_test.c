// SPDX-License-Identifier: Apache-2.0
// new, set_pricing, set_paused and the views that say what the contract offers.
#include "kit/kit.h"

#define BAD_JSON "Failed to deserialize input from JSON. "
#define DEFAULT_PRICES "[\"1000000000000000000000\",\"100000000000000\",\"100000000000000000\",\"100000000000000000\"]"

static int bare(void **state) { // a contract that nobody has initialized
    (void)state;
    mock_reset(SELF);
    return 0;
}

// Without a state each method says so, and none invents one.
static void nothing_works_before_new(void **state) {
    (void)state;
    static const char *const calls_of[][3] = {
        {"request_execution", ALICE, "{" SOURCE "}"},
        {"resolve_execution", OPERATOR, "{\"request_id\":0,\"response\":{\"success\":true," USED "}}"},
        {"submit_execution_output", OPERATOR, "{\"request_id\":0,\"output\":{\"Text\":\"\"}}"},
        {"set_pricing", OWNER, "{}"},
        {"set_paused", OWNER, "{\"paused\":true}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(calls_of); i++)
        refuses(calls_of[i][0], calls_of[i][1], 0, calls_of[i][2], "The contract is not initialized");
    static const char *const views_of[] = {"get_stats", "get_pricing", "get_config", "is_paused",
                                           "estimate_execution_cost"};
    for (size_t i = 0; i < ARRAY_LEN(views_of); i++) {
        assert_false(mock_view(views_of[i], ""));
        assert_non_null(strstr(mock.error, "The contract is not initialized"));
    }
}

// Owner and operator are who `new` says; the operator is the owner where it names none; it works once.
static void new_works_once(void **state) {
    (void)state;
    calls("new", ALICE, 0, "{\"owner_id\":\"" OWNER "\"}");
    assert_null(mock.value);
    assert_int_equal(mock.log_count, 0);
    pays_nothing();
    views("get_config", "", "[\"owner.near\",\"owner.near\"]");
    refuses("new", ALICE, 0, "{\"owner_id\":\"" ALICE "\"}", "The contract has already been initialized");
    refuses("new", OWNER, 0, "{\"owner_id\":\"" OWNER "\"}", "The contract has already been initialized");
    views("get_config", "", "[\"owner.near\",\"owner.near\"]");
    mock_reset(SELF);
    calls("new", ALICE, 0, "{\"owner_id\":\"" OWNER "\",\"operator_id\":\"" OPERATOR "\"}");
    views("get_config", "", "[\"owner.near\",\"worker.near\"]");
    mock_reset(SELF);
    calls("new", ALICE, 0, "{\"owner_id\":\"" OWNER "\",\"operator_id\":null}");
    views("get_config", "", "[\"owner.near\",\"owner.near\"]");
}

// A contract whose owner is no account could never be governed.
static void new_is_strict(void **state) {
    (void)state;
    refuses("new", OWNER, 0, "", BAD_JSON "missing field \"owner_id\"");
    refuses("new", OWNER, 0, "{\"owner_id\":null}", BAD_JSON "\"owner_id\": expected a string");
    static const char *const bad[] = {"",
                                      "a",
                                      "A.near",
                                      ".near",
                                      "near.",
                                      "a..near",
                                      "a b",
                                      "\xc3\xbc.near",
                                      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char args[160];
        snprintf(args, sizeof args, "{\"owner_id\":\"%s\"}", bad[i]);
        refuses("new", OWNER, 0, args, BAD_JSON "\"owner_id\": not an account id");
        snprintf(args, sizeof args, "{\"owner_id\":\"" OWNER "\",\"operator_id\":\"%s\"}", bad[i]);
        refuses("new", OWNER, 0, args, BAD_JSON "\"operator_id\": not an account id");
    }
    refuses("new", OWNER, 0, "{\"owner_id\":\"" OWNER "\",\"operator\":\"" OWNER "\"}",
            BAD_JSON "unknown field \"operator\"");
    refuses("new", OWNER, 1, "{\"owner_id\":\"" OWNER "\"}", "Method new doesn't accept deposit");
}

// What a new contract offers: what documents and clients quote.
static void defaults_are_published(void **state) {
    (void)state;
    views("get_stats", "", "[0,\"0\"]");
    views("get_pricing", "", DEFAULT_PRICES);
    views("get_config", "", "[\"owner.near\",\"worker.near\"]");
    views("get_max_limits", "", "[100000000000,60,300]");
    views("is_paused", "", "false");
    views("get_request", "{\"request_id\":0}", "null");
    views("get_pending_output", "{\"request_id\":0}", "null");
    views("has_pending_output", "{\"request_id\":0}", "false");
    views("get_request", "{\"request_id\":18446744073709551615}", "null");
}

// Views are read by id and refuse what they do not know.
static void views_are_strict(void **state) {
    (void)state;
    static const char *const by_id[] = {"get_request", "get_pending_output", "has_pending_output"};
    for (size_t i = 0; i < ARRAY_LEN(by_id); i++) {
        static const char *const bad[][2] = {
            {"", "missing field \"request_id\""},
            {"{\"request_id\":null}", "\"request_id\": expected a whole number"},
            {"{\"request_id\":-1}", "\"request_id\": expected a whole number"},
            {"{\"request_id\":18446744073709551616}", "\"request_id\": expected a whole number"},
            {"{\"request_id\":0,\"id\":0}", "unknown field \"id\""},
        };
        for (size_t k = 0; k < ARRAY_LEN(bad); k++) {
            assert_false(mock_view(by_id[i], bad[k][0]));
            if (!strstr(mock.error, bad[k][1]))
                fail_msg("%s(%s): %s", by_id[i], bad[k][0], mock.error);
        }
    }
    assert_false(mock_view("estimate_execution_cost", "{\"limits\":null}"));
    assert_non_null(strstr(mock.error, BAD_JSON "unknown field \"limits\""));
}

#define RECORD (4 * MILLI_NEAR) // more than a request binds, which must be attached however cheap it is

// The estimate is what request_execution asks for, to the yocto.
static void estimate_is_what_is_required(void **state) {
    (void)state;
    static const struct {
        const char *limits, *cost;
    } cases[] = {
        {"null", "7000100000000000000000"},
        {"{}", "7000100000000000000000"},
        {"{\"max_instructions\":1}", "7000000000000000000000"},
        {"{\"max_instructions\":999999,\"max_execution_seconds\":1}", "1100000000000000000000"},
        {"{\"max_instructions\":1000000,\"max_execution_seconds\":1}", "1100000100000000000000"},
        {"{\"max_instructions\":100000000000,\"max_memory_mb\":1024,\"max_execution_seconds\":60}",
         "7010000000000000000000"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char args[320], quoted[64];
        snprintf(args, sizeof args, "{\"resource_limits\":%s}", cases[i].limits);
        snprintf(quoted, sizeof quoted, "\"%s\"", cases[i].cost);
        views("estimate_execution_cost", args, quoted);
        struct yocto cost;
        assert_true(yocto_parse(&cost, text_of(cases[i].cost)));
        snprintf(args, sizeof args, "{" SOURCE ",\"resource_limits\":%s}", cases[i].limits);
        refuses("request_execution", ALICE, cost.v - 1, args, "Insufficient payment");
        calls("request_execution", ALICE, cost.v > RECORD ? cost.v : RECORD, args);
    }
    views("estimate_execution_cost", "", "\"7000100000000000000000\"");
}

// Limits so large that there is no such amount are answered with words, not with a wrapped number.
static void w23_estimate_does_not_wrap(void **state) {
    (void)state;
    calls("set_pricing", OWNER, 0, "{\"per_ms_fee\":\"1000000000000000000000000000\"}");
    assert_false(
        mock_view("estimate_execution_cost", "{\"resource_limits\":{\"max_execution_seconds\":18446744073709551615}}"));
    assert_non_null(strstr(mock.error, "An amount is out of range"));
}

// Each price by itself; those not given stay.
static void prices_are_set_one_by_one(void **state) {
    (void)state;
    static const char *const steps[][2] = {
        {"{}", DEFAULT_PRICES},
        {"{\"base_fee\":\"1\"}", "[\"1\",\"100000000000000\",\"100000000000000000\",\"100000000000000000\"]"},
        {"{\"per_million_instructions_fee\":\"2\"}", "[\"1\",\"2\",\"100000000000000000\",\"100000000000000000\"]"},
        {"{\"per_ms_fee\":\"3\",\"base_fee\":null}", "[\"1\",\"2\",\"3\",\"100000000000000000\"]"},
        {"{\"per_compile_ms_fee\":\"4\"}", "[\"1\",\"2\",\"3\",\"4\"]"},
        {"{\"per_compile_ms_fee\":\"0\",\"per_ms_fee\":\"0\",\"per_million_instructions_fee\":\"0\",\"base_fee\":"
         "\"0\"}",
         "[\"0\",\"0\",\"0\",\"0\"]"},
        {"{\"base_fee\":\"1000000000000000000000000000\"}", "[\"1000000000000000000000000000\",\"0\",\"0\",\"0\"]"},
    };
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        calls("set_pricing", OWNER, 0, steps[i][0]);
        assert_null(mock.value);
        views("get_pricing", "", steps[i][1]);
    }
}

// Only the owner sets prices, each within bounds that keep every later product in range; a refused call changes none.
static void w20_pricing_is_strict(void **state) {
    (void)state;
    refuses("set_pricing", OPERATOR, 0, "{\"base_fee\":\"1\"}", "Only owner can call this method");
    refuses("set_pricing", ALICE, 0, "{}", "Only owner can call this method");
    refuses("set_pricing", OWNER, 1, "{}", "Method set_pricing doesn't accept deposit");
    static const char *const names[] = {"base_fee", "per_million_instructions_fee", "per_ms_fee", "per_compile_ms_fee"};
    static const char *const bad[] = {
        "1", "\"\"", "\"-1\"", "\"1.5\"", "\" 1\"", "\"0x1\"", "\"340282366920938463463374607431768211456\""};
    for (size_t n = 0; n < ARRAY_LEN(names); n++) {
        char args[128], sentence[160];
        snprintf(args, sizeof args, "{\"%s\":\"1000000000000000000000000001\"}", names[n]);
        refuses("set_pricing", OWNER, 0, args, "A price may be at most 1000 NEAR");
        snprintf(sentence, sizeof sentence, BAD_JSON "\"%s\": expected yoctoNEAR as a string of digits", names[n]);
        for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
            snprintf(args, sizeof args, "{\"%s\":%s}", names[n], bad[i]);
            refuses("set_pricing", OWNER, 0, args, sentence);
        }
    }
    refuses("set_pricing", OWNER, 0, "{\"base_fee\":\"1\",\"per_ms_fee\":\"1000000000000000000000000001\"}",
            "A price may be at most 1000 NEAR");
    refuses("set_pricing", OWNER, 0, "{\"per_second_fee\":\"1\"}", BAD_JSON "unknown field \"per_second_fee\"");
    views("get_pricing", "", DEFAULT_PRICES);
}

// New prices hold for new requests: required, estimated and charged alike.
static void new_prices_are_charged(void **state) {
    (void)state;
    calls("set_pricing", OWNER, 0,
          "{\"base_fee\":\"1000\",\"per_million_instructions_fee\":\"7\",\"per_ms_fee\":\"3\","
          "\"per_compile_ms_fee\":\"2\"}");
    views("estimate_execution_cost", "", "\"188000\""); // 1000 + 1000 * 7 + 60000 * 3
    refuses("request_execution", ALICE, 187999, "{" SOURCE "}", "required 188000 yoctoNEAR");
    uint64_t id = requests("", RECORD);
    resolves(id, "{\"success\":true," USED "}");
    ends(id);
    charged(1000 + 10 * 7 + 5000 * 3 + 3000 * 2, RECORD - 22070);
    pays(ALICE, RECORD - 22070);
    views("get_stats", "", "[1,\"22070\"]");
}

// Free is free: what is stored meanwhile has to be attached, and comes back whole.
static void free_execution_costs_nothing(void **state) {
    (void)state;
    calls("set_pricing", OWNER, 0,
          "{\"base_fee\":\"0\",\"per_million_instructions_fee\":\"0\",\"per_ms_fee\":\"0\",\"per_compile_ms_fee\":"
          "\"0\"}");
    uint64_t id = requests("", RECORD);
    resolves(id, "{\"success\":true," USED "}");
    ends(id);
    charged(0, RECORD);
    pays(ALICE, RECORD);
}

// Pausing stops new requests only: those that are pending end, and get their money.
static void pause_stops_new_requests_only(void **state) {
    (void)state;
    requests("", DEPOSIT);
    requests("", DEPOSIT);
    requests("", DEPOSIT);
    calls("set_paused", OWNER, 0, "{\"paused\":true}");
    assert_null(mock.value);
    views("is_paused", "", "true");
    refuses("request_execution", ALICE, DEPOSIT, "{" SOURCE "}", "Contract is paused");
    resolves(0, "{\"success\":true,\"output\":{\"Text\":\"x\"}," USED "}");
    ends(0);
    answers("\"x\"");
    ends(1);
    pays(ALICE, DEPOSIT);
    mock.now_ns += 601 * SECOND_NS;
    calls("cancel_stale_execution", ALICE, 0, "{\"request_id\":2}");
    pays(ALICE, DEPOSIT);
    calls("set_paused", OWNER, 0, "{\"paused\":false}");
    views("is_paused", "", "false");
    assert_int_equal(requests("", DEPOSIT), 3);
    views("get_stats", "", "[2,\"1800001000000000000000\"]"); // cancels are not counted
}

static void pausing_is_the_owners(void **state) {
    (void)state;
    refuses("set_paused", OPERATOR, 0, "{\"paused\":true}", "Only owner can call this method");
    refuses("set_paused", ALICE, 0, "{\"paused\":true}", "Only owner can call this method");
    refuses("set_paused", OWNER, 0, "", BAD_JSON "missing field \"paused\"");
    refuses("set_paused", OWNER, 0, "{\"paused\":1}", BAD_JSON "\"paused\": expected true or false");
    refuses("set_paused", OWNER, 0, "{\"paused\":null}", BAD_JSON "\"paused\": expected true or false");
    refuses("set_paused", OWNER, 0, "{\"paused\":\"true\"}", BAD_JSON "\"paused\": expected true or false");
    refuses("set_paused", OWNER, 0, "{\"paused\":trueish}", BAD_JSON "The arguments: expected '}' here");
    refuses("set_paused", OWNER, 1, "{\"paused\":true}", "Method set_paused doesn't accept deposit");
    views("is_paused", "", "false");
}

// Ids count up from 0 and are never given twice, whatever becomes of the requests.
static void ids_count_up(void **state) {
    (void)state;
    assert_int_equal(requests("", DEPOSIT), 0);
    ends(0);
    refuses("request_execution", ALICE, 0, "{" SOURCE "}", "Insufficient payment");
    requests("", DEPOSIT);
    views("get_request", "{\"request_id\":0}", "null");
    assert_true(mock_view("get_request", "{\"request_id\":1}"));
    assert_memory_equal(mock.value, "{\"request_id\":1,", 16);
}

#define BARE(f) cmocka_unit_test_setup_teardown(f, bare, released)

int main(void) {
    const struct CMUnitTest tests[] = {
        BARE(nothing_works_before_new),
        BARE(new_works_once),
        BARE(new_is_strict),
        TEST(defaults_are_published),
        TEST(views_are_strict),
        TEST(estimate_is_what_is_required),
        TEST(w23_estimate_does_not_wrap),
        TEST(prices_are_set_one_by_one),
        TEST(w20_pricing_is_strict),
        TEST(new_prices_are_charged),
        TEST(free_execution_costs_nothing),
        TEST(pause_stops_new_requests_only),
        TEST(pausing_is_the_owners),
        TEST(ids_count_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
