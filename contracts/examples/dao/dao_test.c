// SPDX-License-Identifier: Apache-2.0
// The DAO that access conditions ask: a policy that is not one must never be kept, since who asks it takes its word;
// and weights are the owner's alone to give.
#include "kit/kit.h"

#define POLICY                                                                                                         \
    "{\"roles\":[{\"name\":\"all\",\"kind\":\"Everyone\",\"permissions\":[]},"                                         \
    "{\"kind\":{\"Group\":[\"alice.near\",\"bob.near\"]},\"name\":\"council \\\"\\u00e9\\\"\"},"                       \
    "{\"name\":\"voters\",\"kind\":{\"Member\":\"100\"}}],\"proposal_bond\":\"1\"}"
#define NEW "{\"config\":{\"name\":\"d\",\"purpose\":\"\",\"metadata\":\"\"},\"policy\":" POLICY "}"

static int deployed(void **state) {
    (void)state;
    mock_reset("dao.near");
    calls("new", OWNER, 0, NEW);
    return 0;
}

// What was given comes back byte by byte, escapes included.
static void the_policy_is_kept_as_it_is(void **state) {
    (void)state;
    views("get_policy", "", POLICY);
    views("get_config", "{}", "{\"name\":\"d\",\"purpose\":\"\",\"metadata\":\"\"}");
    calls("set_policy", OWNER, 0, "{\"policy\":{\"roles\":[]}}");
    views("get_policy", "{}", "{\"roles\":[]}");
}

static void what_is_no_policy_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *policy, *sentence;
    } cases[] = {
        {"[\"alice.near\"]", "expected '{'"},
        {"{}", "missing field \"roles\""},
        {"{\"roles\":{}}", "expected '['"},
        {"{\"roles\":[{\"name\":\"x\"}]}", "missing field \"kind\""},
        {"{\"roles\":[{\"kind\":\"Everyone\"}]}", "missing field \"name\""},
        {"{\"roles\":[{\"name\":1,\"kind\":\"Everyone\"}]}", "expected a string"},
        {"{\"roles\":[{\"name\":\"x\",\"kind\":\"Nobody\"}]}", "expected \"Everyone\""},
        {"{\"roles\":[{\"name\":\"x\",\"kind\":{\"Everyone\":\"1\"}}]}", "expected \"Everyone\""},
        {"{\"roles\":[{\"name\":\"x\",\"kind\":{\"Other\":[]}}]}", "expected \"Everyone\""},
        {"{\"roles\":[{\"name\":\"x\",\"kind\":{\"Group\":\"a.near\"}}]}", "expected '['"},
        {"{\"roles\":[{\"name\":\"x\",\"kind\":{\"Group\":[\"A b\"]}}]}", "not an account id"},
        {"{\"roles\":[{\"name\":\"x\",\"kind\":{\"Member\":100}}]}", "expected yoctoNEAR"},
        {"{\"roles\":[{\"name\":\"x\",\"kind\":{\"Member\":\"1\",\"Group\":[]}}]}", "expected '}'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char args[512];
        snprintf(args, sizeof args, "{\"policy\":%s}", cases[i].policy);
        refuses("set_policy", OWNER, 0, args, cases[i].sentence);
    }
    views("get_policy", "", POLICY);
}

static void lengths_are_checked(void **state) {
    (void)state;
    static char args[70000];
    snprintf(args, sizeof args, "{\"policy\":{\"roles\":[]%*s}}", 65524, "");
    calls("set_policy", OWNER, 0, args);
    assert_true(mock_view("get_policy", ""));
    assert_int_equal(mock.value_len, 65536);
    snprintf(args, sizeof args, "{\"policy\":{\"roles\":[]%*s}}", 65525, "");
    refuses("set_policy", OWNER, 0, args, "The policy is longer than 65536 bytes");
    mock_reset("dao.near");
    snprintf(args, sizeof args, "{\"policy\":{\"roles\":[]},\"config\":\"%04095d\"}", 0);
    refuses("new", OWNER, 0, args, "The config is longer than 4096 bytes");
}

static void weights_are_kept_and_add_up(void **state) {
    (void)state;
    views("delegation_balance_of", "{\"account_id\":\"alice.near\"}", "\"0\"");
    uint64_t usage = mock.usage;
    calls("delegate", OWNER, 0, "{\"account_id\":\"alice.near\",\"amount\":\"100\"}");
    calls("delegate", OWNER, 0, "{\"account_id\":\"bob.near\",\"amount\":\"7\"}");
    calls("delegate", OWNER, 0, "{\"account_id\":\"alice.near\",\"amount\":\"99\"}");
    views("delegation_balance_of", "{\"account_id\":\"alice.near\"}", "\"99\"");
    views("delegation_total_supply", "{}", "\"106\"");
    refuses("delegate", OWNER, 0,
            "{\"account_id\":\"eve.near\",\"amount\":\"340282366920938463463374607431768211455\"}", "out of range");
    calls("delegate", OWNER, 0, "{\"account_id\":\"alice.near\",\"amount\":\"0\"}");
    calls("delegate", OWNER, 0, "{\"account_id\":\"bob.near\",\"amount\":\"0\"}");
    views("delegation_total_supply", "{}", "\"0\"");
    calls("delegate", OWNER, 0, "{\"account_id\":\"bob.near\",\"amount\":\"0\"}");
    assert_int_equal(mock.usage, usage);
}

static void only_the_owner_changes_things(void **state) {
    (void)state;
    refuses("set_policy", ALICE, 0, "{\"policy\":{\"roles\":[]}}", "Only the owner of the DAO may do this");
    refuses("delegate", ALICE, 0, "{\"account_id\":\"alice.near\",\"amount\":\"1\"}",
            "Only the owner of the DAO may do this");
    refuses("delegate", OWNER, 1, "{\"account_id\":\"alice.near\",\"amount\":\"1\"}", "doesn't accept deposit");
    refuses("new", ALICE, 0, NEW, "The contract has already been initialized");
    mock_reset("dao.near");
    refuses("delegate", OWNER, 0, "{\"account_id\":\"alice.near\",\"amount\":\"1\"}",
            "The contract is not initialized");
    refuses("get_policy", ALICE, 0, "", "The contract is not initialized");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, deployed, released)
static const struct CMUnitTest tests[] = {
    TEST(the_policy_is_kept_as_it_is), TEST(what_is_no_policy_is_refused),  TEST(lengths_are_checked),
    TEST(weights_are_kept_and_add_up), TEST(only_the_owner_changes_things),
};
RUN_TESTS(tests)
