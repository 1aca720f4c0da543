// SPDX-License-Identifier: Apache-2.0
// Unique tokens: at each moment a token has one owner and is in that owner's list and no other, or else who asks
// whether somebody owns one is told wrong; and what minting paid covers the storage wherever the token goes.
#include "kit/kit.h"
#include <stdlib.h>

#define META "{\"spec\":\"nft-1.0.0\",\"name\":\"T\",\"symbol\":\"TST\",\"base_uri\":null}"
#define EVENT(name, data)                                                                                              \
    "EVENT_JSON:{\"standard\":\"nep171\",\"version\":\"1.0.0\",\"event\":\"" name "\",\"data\":[{" data "}]}"
#define TO_BOB(id) "{\"receiver_id\":\"bob.near\",\"token_id\":\"" id "\"}"
#define CALL_BOB "{\"receiver_id\":\"bob.near\",\"token_id\":\"a\",\"msg\":\"\\\"m\\\"\"}"
#define RESOLVE "{\"owner_id\":\"alice.near\",\"receiver_id\":\"bob.near\",\"token_id\":\"a\"}"
#define TOKEN(id, owner) "{\"token_id\":\"" id "\",\"owner_id\":\"" owner "\",\"metadata\":null}"

static void mints(const char *id, const char *owner) {
    char args[700];
    snprintf(args, sizeof args, "{\"token_id\":\"%s\",\"token_owner_id\":\"%s\"}", id, owner);
    calls("nft_mint", OWNER, NEAR, args);
}

static int deployed(void **state) {
    (void)state;
    mock_reset("nft.near");
    calls("new", ALICE, 0, "{\"owner_id\":\"owner.near\",\"metadata\":" META "}");
    return 0;
}

static int minted(void **state) {
    deployed(state);
    mints("a", ALICE);
    mints("b", ALICE);
    mints("c", BOB);
    return 0;
}

static void minting_makes_a_token(void **state) {
    (void)state;
    calls(
        "nft_mint", OWNER, NEAR,
        "{\"token_id\":\"a \\\"1\\\"\",\"token_owner_id\":\"alice.near\",\"token_metadata\":{\"title\":\"T\\u00e9\"}}");
    logs(0, EVENT("nft_mint", "\"owner_id\":\"alice.near\",\"token_ids\":[\"a \\\"1\\\"\"]"));
    assert_int_equal(mock.receipt_count, 1);
    assert_string_equal(mock.receipts[0].to, OWNER);
    const char *token =
        "{\"token_id\":\"a \\\"1\\\"\",\"owner_id\":\"alice.near\",\"metadata\":{\"title\":\"T\\u00e9\"}}";
    char list[256];
    snprintf(list, sizeof list, "[%s]", token);
    views("nft_token", "{\"token_id\":\"a \\\"1\\\"\"}", token);
    views("nft_tokens_for_owner", "{\"account_id\":\"alice.near\",\"limit\":1}", list);
    views("nft_tokens", "", list);
    views("nft_total_supply", "", "\"1\"");
    views("nft_supply_for_owner", "{\"account_id\":\"alice.near\"}", "\"1\"");
    views("nft_metadata", "", META);
}

static void minting_is_refused(void **state) {
    (void)state;
    static char args[8192];
    mints("a", ALICE);
#define MINT(id, more) "{\"token_owner_id\":\"bob.near\",\"token_id\":\"" id "\"" more "}"
    refuses("nft_mint", ALICE, NEAR, MINT("b", ""), "Only the owner of the contract may mint");
    refuses("nft_mint", OWNER, NEAR, MINT("a", ""), "A token with this id exists already");
    refuses("nft_mint", OWNER, NEAR, MINT("", ""), "A token id has 1 to 128 bytes");
    refuses("nft_mint", OWNER, NEAR, MINT("b", ",\"token_metadata\":[]"), "should be an object");
    refuses("nft_mint", OWNER, MILLI_NEAR, MINT("b", ""), "yoctoNEAR for the storage of this token");
    snprintf(args, sizeof args, MINT("%0129d", ""), 0);
    refuses("nft_mint", OWNER, NEAR, args, "A token id has 1 to 128 bytes");
    snprintf(args, sizeof args, MINT("%0128d", ",\"token_metadata\":{\"title\":\"%04084d\"}"), 0, 0);
    calls("nft_mint", OWNER, NEAR, args);
    snprintf(args, sizeof args, MINT("b", ",\"token_metadata\":{\"title\":\"%04085d\"}"), 0);
    refuses("nft_mint", OWNER, NEAR, args, "longer than 4096 bytes");
    views("nft_supply_for_owner", "{\"account_id\":\"bob.near\"}", "\"1\"");
}

static void a_transfer_moves_the_token(void **state) {
    (void)state;
    calls("nft_transfer", ALICE, 1,
          "{\"receiver_id\":\"bob.near\",\"token_id\":\"a\",\"approval_id\":null,\"memo\":\"m\"}");
    logs(0, EVENT("nft_transfer", "\"old_owner_id\":\"alice.near\",\"new_owner_id\":\"bob.near\",\"token_ids\":[\"a\"],"
                                  "\"memo\":\"m\""));
    views("nft_token", "{\"token_id\":\"a\"}", TOKEN("a", "bob.near"));
    views("nft_tokens_for_owner", "{\"account_id\":\"alice.near\"}", "[" TOKEN("b", "alice.near") "]");
    views("nft_tokens_for_owner", "{\"account_id\":\"bob.near\"}",
          "[" TOKEN("c", "bob.near") "," TOKEN("a", "bob.near") "]");
    views("nft_tokens_for_owner", "{\"account_id\":\"carol.near\"}", "[]");
    views("nft_token", "{\"token_id\":\"none\"}", "null");
}

static void a_transfer_is_refused(void **state) {
    (void)state;
    refuses("nft_transfer", ALICE, 0, TO_BOB("a"), "exactly 1 yoctoNEAR");
    refuses("nft_transfer", ALICE, 2, TO_BOB("a"), "exactly 1 yoctoNEAR");
    refuses("nft_transfer", ALICE, 1, TO_BOB("c"), "Unauthorized");
    refuses("nft_transfer", OWNER, 1, TO_BOB("a"), "Unauthorized");
    refuses("nft_transfer", BOB, 1, TO_BOB("c"), "Current and next owner must differ");
    refuses("nft_transfer", ALICE, 1, TO_BOB("d"), "Token not found");
    refuses("nft_transfer_call", ALICE, 1, TO_BOB("a"), "A transfer with a call needs a msg");
    mock.prepaid_gas = 35 * TGAS;
    refuses("nft_transfer_call", ALICE, 1, CALL_BOB, "Attach at least 45 Tgas");
}

static void a_call_tells_the_receiver(void **state) {
    (void)state;
    calls("nft_transfer_call", ALICE, 1, CALL_BOB);
    goes_to(0, BOB, "nft_on_transfer",
            "{\"sender_id\":\"alice.near\",\"previous_owner_id\":\"alice.near\",\"token_id\":\"a\","
            "\"msg\":\"\\\"m\\\"\"}",
            0, -1);
    goes_to(1, "nft.near", "nft_resolve_transfer", RESOLVE, 0, 0);
    assert_int_equal(mock.returned, 1);
    assert_true(mock.receipts[0].gas == 285 * TGAS && mock.receipts[1].gas == 10 * TGAS);
    refuses("nft_resolve_transfer", BOB, 0, RESOLVE, "is private");
}

// Only a plain `false` says that the receiver keeps it.
static void the_end_gives_it_back(void **state) {
    (void)state;
    static const struct {
        const char *result;
        bool stays;
    } cases[] = {{"false", true}, {"true", false}, {NULL, false}, {"", false}, {"\"no\"", false}, {"false ", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        released(state);
        minted(state);
        calls("nft_transfer_call", ALICE, 1, CALL_BOB);
        comes_back("nft_resolve_transfer", RESOLVE, cases[i].result);
        answers(cases[i].stays ? "true" : "false");
        assert_int_equal(mock.log_count, !cases[i].stays);
        views("nft_token", "{\"token_id\":\"a\"}", cases[i].stays ? TOKEN("a", "bob.near") : TOKEN("a", "alice.near"));
    }
    calls("nft_transfer_call", ALICE, 1, CALL_BOB);
    calls("nft_transfer", BOB, 1, "{\"receiver_id\":\"carol.near\",\"token_id\":\"a\"}");
    comes_back("nft_resolve_transfer", RESOLVE, NULL);
    answers("true");
    views("nft_token", "{\"token_id\":\"a\"}", TOKEN("a", "carol.near"));
}

static void pages(void **state) {
    (void)state;
    views("nft_tokens", "{\"from_index\":\"1\",\"limit\":1}", "[" TOKEN("b", "alice.near") "]");
    views("nft_tokens", "{\"from_index\":\"2\"}", "[" TOKEN("c", "bob.near") "]");
    views("nft_tokens", "{\"from_index\":\"340282366920938463463374607431768211455\",\"limit\":null}", "[]");
    views("nft_tokens_for_owner", "{\"account_id\":\"alice.near\",\"from_index\":\"1\",\"limit\":5}",
          "[" TOKEN("b", "alice.near") "]");
    refuses("nft_tokens", ALICE, 0, "{\"from_index\":1}", "as a string");
    for (int i = 0; i < 60; i++) {
        char id[8];
        snprintf(id, sizeof id, "t%d", i);
        mints(id, "carol.near");
    }
    assert_true(mock_view("nft_tokens", "{\"limit\":1000}"));
    assert_non_null(strstr(mock.value, "\"t46\""));
    assert_null(strstr(mock.value, "\"t47\"")); // 50 at most
}

// Random transfers among owners of all lengths, and the largest growth there is: the storage stays paid for.
static char owners[][ACCOUNT_MAX + 1] = {"al", "alice.near", "alice2.near",
                                         "0000000000000000000000000000000000000000000000000000000000000000",
                                         "1111111111111111111111111111111111111111111111111111111111111111"};

static void check_owners(const size_t *owner, size_t tokens) {
    for (size_t o = 0; o < 5; o++) {
        char args[600];
        size_t own = 0, listed = 0;
        snprintf(args, sizeof args, "{\"account_id\":\"%s\"}", owners[o]);
        assert_true(mock_view("nft_tokens_for_owner", args));
        for (const char *p = mock.value; (p = strstr(p, "\"token_id\"")); p++)
            listed++;
        for (size_t t = 0; t < tokens; t++) {
            char id[16];
            snprintf(id, sizeof id, "\"t%zu\"", t);
            assert_true((strstr(mock.value, id) != NULL) == (owner[t] == o));
            own += owner[t] == o;
        }
        assert_int_equal(listed, own);
    }
}

static void owners_and_lists_agree(void **state) {
    (void)state;
    size_t owner[8];
    uint64_t usage = mock.usage;
    u128 before = mock.balance;
    srand(5);
    for (size_t t = 0; t < 8; t++) {
        char id[8];
        snprintf(id, sizeof id, "t%zu", t);
        mints(id, owners[owner[t] = 0]);
    }
    u128 paid = mock.balance - before;
    for (int i = 0; i < 300; i++) {
        char args[256];
        size_t t = (size_t)rand() % 8, to = (size_t)rand() % 5;
        snprintf(args, sizeof args, "{\"receiver_id\":\"%s\",\"token_id\":\"t%zu\"}", owners[to], t);
        assert_true(mock_call("nft_transfer", owners[owner[t]], 1, args) == (to != owner[t]));
        owner[t] = to;
        check_owners(owner, 8);
        assert_true((mock.usage - usage) * BYTE_STAKE <= paid);
    }
}

static void one_token_is_paid_for_everywhere(void **state) {
    (void)state;
    char args[256];
    mints("first", "al"); // the contract's first token pays for the list of all, too
    uint64_t usage = mock.usage;
    u128 before = mock.balance;
    mints("t", "al"); // and al is there already: the least that minting costs
    u128 paid = mock.balance - before;
    snprintf(args, sizeof args, "{\"receiver_id\":\"%s\",\"token_id\":\"t\"}", owners[3]);
    calls("nft_transfer", "al", 1, args);
    assert_true((mock.usage - usage) * BYTE_STAKE == paid);
}

static void setting_up_is_checked(void **state) {
    (void)state;
    refuses("new", OWNER, 0, "{\"owner_id\":\"owner.near\",\"metadata\":" META "}", "already been initialized");
    mock_reset("nft.near");
    refuses("nft_metadata", OWNER, 0, "", "not initialized");
    refuses("nft_mint", OWNER, NEAR, "{\"token_id\":\"a\",\"token_owner_id\":\"a.near\"}", "not initialized");
    refuses("new", OWNER, 0,
            "{\"owner_id\":\"owner.near\",\"metadata\":{\"spec\":\"1\",\"name\":\"\",\"symbol\":\"\"}}",
            "should be nft-1.0.0");
    refuses("new", OWNER, 0, "{\"owner_id\":\"owner.near\",\"metadata\":{\"spec\":\"nft-1.0.0\"}}", "missing field");
}

#define AFTER(setup, f) cmocka_unit_test_setup_teardown(f, setup, released)
static const struct CMUnitTest tests[] = {
    AFTER(deployed, minting_makes_a_token),
    AFTER(deployed, minting_is_refused),
    AFTER(minted, a_transfer_moves_the_token),
    AFTER(minted, a_transfer_is_refused),
    AFTER(minted, a_call_tells_the_receiver),
    AFTER(minted, the_end_gives_it_back),
    AFTER(minted, pages),
    AFTER(deployed, owners_and_lists_agree),
    AFTER(deployed, one_token_is_paid_for_everywhere),
    AFTER(deployed, setting_up_is_checked),
};
RUN_TESTS(tests)
