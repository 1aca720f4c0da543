// SPDX-License-Identifier: Apache-2.0
#include "chain/genesis.h"

#include "base/file.h"
#include "base/test.h"

#define KEY "ed25519:FAe4sisG95oZ42w7buUn5qEE4TAnfTTFPiguZUHmhiF"
#define ACCOUNT(id, more) "{\"account_id\":\"" id "\",\"public_key\":\"" KEY "\"" more "}"

// The accounts of a development stack come from this file; what it says must be what the chain starts with.
static void test_parse(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct genesis g;
    struct err e;
    const char *text = "{\"chain_id\":\"mine\",\"accounts\":[" ACCOUNT(
        "test.near", ",\"balance\":\"1000000000000000000000000000000000\"") "," ACCOUNT("b.near",
                                                                                        ",\"balance\":5") "]}";
    assert_ok(genesis_parse(&g, a, slice_str(text), ".", &e), &e);
    assert_string_equal(g.chain_id, "mine");
    assert_int_equal(g.account_count, 2);
    assert_true(g.accounts[0].balance.v == (u128)1000000000 * NEAR_ONE);
    assert_string_equal(g.accounts[1].id.s, "b.near");
    assert_int_equal(g.accounts[0].key_count, 1);
}

// A file with a mistake is refused with its place, not half used.
static void test_refused(void **state) {
    (void)state;
    static const struct {
        const char *accounts, *want;
    } bad[] = {
        {"", "1 to 10000 accounts, not 0"},
        {"7", "account 0: an account must be an object"},
        {ACCOUNT("a.near", ""), "field 'balance' is missing"},
        {ACCOUNT("a.near", ",\"balance\":\"-1\""), "field 'balance'"},
        {ACCOUNT("A", ",\"balance\":\"1\""), "account 0"},
        {ACCOUNT("a.near", ",\"balance\":\"1\",\"more\":1"), "unknown field 'more'"},
        {ACCOUNT("a.near", ",\"balance\":\"1\",\"code\":\"missing.wasm\""), "missing.wasm"},
        {ACCOUNT("a.near", ",\"balance\":\"1\"") "," ACCOUNT("a.near", ",\"balance\":\"1\""), "is there twice"},
        {ACCOUNT("a.near", ",\"balance\":\"340282366920938463463374607431768211455\""), "more money than can be"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        SCOPED_ARENA(a);
        struct genesis g;
        struct err e;
        const char *text = arena_printf(a, "{\"chain_id\":\"x\",\"accounts\":[%s]}", bad[i].accounts);
        if (genesis_parse(&g, a, slice_str(text), "/nonexistent", &e) || !strstr(e.msg, bad[i].want))
            fail_msg("%s: got '%s', want '%s'", bad[i].accounts, e.msg, bad[i].want);
    }
}

// Without a file the same key comes back at the next start; a new one could not sign for the stored account.
static void test_default(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    char home[] = "/tmp/genesis-test-XXXXXX";
    assert_non_null(mkdtemp(home));
    struct genesis first, second;
    struct err e;
    assert_ok(genesis_default(&first, a, home, &e), &e);
    assert_ok(genesis_default(&second, a, home, &e), &e);
    assert_string_equal(first.accounts[0].id.s, "test.near");
    assert_true(public_key_eq(&first.accounts[0].keys[0], &second.accounts[0].keys[0]));
    assert_ok(file_remove_tree(home, &e), &e);
}

static const struct CMUnitTest group[] = {cmocka_unit_test(test_parse), cmocka_unit_test(test_refused),
                                          cmocka_unit_test(test_default)};
RUN_TESTS(group)
