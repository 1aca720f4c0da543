// SPDX-License-Identifier: Apache-2.0
#include "base/test.h"
#include "codec/json.h"
#include "keystore/access_eval.h"

// A chain that answers what a test says: one text per method, NULL: it fails.
struct answers {
    const char *ft, *token, *tokens, *policy, *delegation;
    u128 balance;
    bool balance_fails;
    unsigned questions;
};

static bool balance(void *ctx, const char *account, u128 *out, struct err *e) {
    struct answers *s = ctx;
    (void)account;
    s->questions++;
    *out = s->balance;
    return !s->balance_fails || err_set(e, ERR_UNAVAILABLE, "no answer");
}

static json_t *view(void *ctx, const char *contract, const char *method, const json_t *args, struct err *e) {
    struct answers *s = ctx;
    const char *const table[][2] = {{"ft_balance_of", s->ft},
                                    {"nft_token", s->token},
                                    {"nft_tokens_for_owner", s->tokens},
                                    {"get_policy", s->policy},
                                    {"delegation_balance_of", s->delegation}};
    (void)contract, (void)args;
    s->questions++;
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (strcmp(table[i][0], method) == 0 && table[i][1])
            return json_parse(slice_str(table[i][1]), 1 << 16, e);
    err_set(e, ERR_NOT_FOUND, "MethodNotFound");
    return NULL;
}

enum verdict { NO, YES, ERROR };

static enum verdict judge(struct answers *s, const char *json, const char *caller) {
    SCOPED_ARENA(a);
    struct access_chain chain = {s, balance, view};
    struct access *c;
    struct err e = {0};
    bool allowed = true;
    const char *why;
    assert_true(access_parse(&c, a, slice_str(json), &e));
    s->questions = 0;
    if (!access_eval(&chain, a, c, caller, &allowed, &why, &e)) {
        assert_false(allowed);
        assert_true(e.msg[0]);
        return ERROR;
    }
    assert_true(allowed || why[0]);
    return allowed ? YES : NO;
}

#define NEAR_AT_LEAST_5 "{\"NearBalance\":{\"operator\":\"Gte\",\"value\":\"5\"}}"
#define FT_MORE_THAN_5 "{\"FtBalance\":{\"contract\":\"ft.near\",\"operator\":\"Gt\",\"value\":\"5\"}}"
#define ANY_NFT "{\"NftOwned\":{\"contract\":\"nft.near\",\"token_id\":null}}"
#define NFT_7 "{\"NftOwned\":{\"contract\":\"nft.near\",\"token_id\":\"7\"}}"
#define COUNCIL "{\"DaoMember\":{\"dao_contract\":\"dao.near\",\"role\":\"council\"}}"
#define NOT(x) "{\"Not\":{\"condition\":" x "}}"
#define OR(x, y) "{\"Logic\":{\"operator\":\"Or\",\"conditions\":[" x "," y "]}}"
#define AND(x, y) "{\"Logic\":{\"operator\":\"And\",\"conditions\":[" x "," y "]}}"
#define NOBODY "{\"Whitelist\":{\"accounts\":[]}}"

static void lists_and_patterns(void **state) {
    (void)state;
    struct answers s = {0};
    assert_int_equal(judge(&s, "\"AllowAll\"", "alice.near"), YES);
    assert_int_equal(judge(&s, NOBODY, "alice.near"), NO);
    assert_int_equal(judge(&s, "{\"Whitelist\":{\"accounts\":[\"bob.near\",\"alice.near\"]}}", "alice.near"), YES);
    assert_int_equal(judge(&s, "{\"Whitelist\":{\"accounts\":[\"alice.near\"]}}", "alice.nea"), NO);
    assert_int_equal(judge(&s, "{\"AccountPattern\":{\"pattern\":\"alice.near\"}}", "x-alice.near.evil.near"), NO);
    assert_int_equal(s.questions, 0);
}

static void balances(void **state) {
    (void)state;
    struct answers s = {.balance = 5, .ft = "\"6\""};
    assert_int_equal(judge(&s, NEAR_AT_LEAST_5, "a.near"), YES);
    assert_int_equal(judge(&s, FT_MORE_THAN_5, "a.near"), YES);
    s.balance = 4;
    s.ft = "\"5\"";
    assert_int_equal(judge(&s, NEAR_AT_LEAST_5, "a.near"), NO);
    assert_int_equal(judge(&s, FT_MORE_THAN_5, "a.near"), NO);
    s.balance_fails = true;
    assert_int_equal(judge(&s, NEAR_AT_LEAST_5, "a.near"), ERROR);
    static const char *const malformed[] = {
        "6", "\"-1\"", "\"\"", "null", "{\"a\":1}", "\"340282366920938463463374607431768211456\"", NULL};
    for (size_t i = 0; i < ARRAY_LEN(malformed); i++) {
        s.ft = malformed[i];
        assert_int_equal(judge(&s, FT_MORE_THAN_5, "a.near"), ERROR);
    }
}

static void tokens(void **state) {
    (void)state;
    struct answers s = {.token = "{\"owner_id\":\"a.near\"}", .tokens = "[{}]"};
    assert_int_equal(judge(&s, NFT_7, "a.near"), YES);
    assert_int_equal(judge(&s, NFT_7, "b.near"), NO);
    assert_int_equal(judge(&s, ANY_NFT, "a.near"), YES);
    s.token = "null";
    s.tokens = "[]";
    assert_int_equal(judge(&s, NFT_7, "a.near"), NO);
    assert_int_equal(judge(&s, ANY_NFT, "a.near"), NO);
    s.token = "{\"owner\":\"a.near\"}";
    s.tokens = "{}";
    assert_int_equal(judge(&s, NFT_7, "a.near"), ERROR);
    assert_int_equal(judge(&s, ANY_NFT, "a.near"), ERROR);
    s.token = s.tokens = NULL;
    assert_int_equal(judge(&s, NFT_7, "a.near"), ERROR);
    assert_int_equal(judge(&s, ANY_NFT, "a.near"), ERROR);
}

static void daos(void **state) {
    (void)state;
    struct answers s = {.policy = "{\"roles\":[{\"name\":\"all\",\"kind\":\"Everyone\"},"
                                  "{\"name\":\"council\",\"kind\":{\"Group\":[\"a.near\"]}}]}"};
    assert_int_equal(judge(&s, COUNCIL, "a.near"), YES);
    assert_int_equal(judge(&s, COUNCIL, "b.near"), NO);
    s.policy = "{\"roles\":[{\"name\":\"council\",\"kind\":\"Everyone\"}]}";
    assert_int_equal(judge(&s, COUNCIL, "b.near"), YES);
    s.policy = "{\"roles\":[]}";
    assert_int_equal(judge(&s, COUNCIL, "a.near"), NO);
    s.policy = "{\"roles\":[{\"name\":\"council\",\"kind\":{\"Member\":\"10\"}}]}";
    s.delegation = "\"10\"";
    assert_int_equal(judge(&s, COUNCIL, "a.near"), YES);
    s.delegation = "\"9\"";
    assert_int_equal(judge(&s, COUNCIL, "a.near"), NO);
    s.delegation = NULL;
    assert_int_equal(judge(&s, COUNCIL, "a.near"), ERROR);
    static const char *const malformed[] = {
        "{}",
        "[]",
        "{\"roles\":[{\"kind\":\"Everyone\"}]}",
        "{\"roles\":[{\"name\":\"council\"}]}",
        "{\"roles\":[{\"name\":\"council\",\"kind\":\"Nobody\"}]}",
        "{\"roles\":[{\"name\":\"council\",\"kind\":{\"Group\":\"a.near\"}}]}",
        "{\"roles\":[{\"name\":\"council\",\"kind\":{\"Group\":[1]}}]}",
        "{\"roles\":[{\"name\":\"council\",\"kind\":{\"Member\":10}}]}",
        "{\"roles\":[{\"name\":\"council\",\"kind\":{\"Group\":[\"a.near\"],\"Member\":\"1\"}}]}",
        NULL,
    };
    for (size_t i = 0; i < ARRAY_LEN(malformed); i++) {
        s.policy = malformed[i];
        assert_int_equal(judge(&s, COUNCIL, "a.near"), ERROR);
    }
}

// A doubt inside Not, And or Or must stay a doubt: turned around it would open the secret.
static void doubts_stay_doubts(void **state) {
    (void)state;
    struct answers s = {.balance_fails = true};
    assert_int_equal(judge(&s, NOT(NEAR_AT_LEAST_5), "a.near"), ERROR);
    assert_int_equal(judge(&s, NOT(NOT(NEAR_AT_LEAST_5)), "a.near"), ERROR);
    assert_int_equal(judge(&s, OR(NEAR_AT_LEAST_5, "\"AllowAll\""), "a.near"), ERROR);
    assert_int_equal(judge(&s, AND(NEAR_AT_LEAST_5, NOBODY), "a.near"), ERROR);
    assert_int_equal(judge(&s, NOT("{\"AccountPattern\":{\"pattern\":\"(a|a)*(b|c)\"}}"),
                           "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
                     ERROR);
    // what was decided before the doubt is not asked for
    assert_int_equal(judge(&s, OR("\"AllowAll\"", NEAR_AT_LEAST_5), "a.near"), YES);
    assert_int_equal(judge(&s, AND(NOBODY, NEAR_AT_LEAST_5), "a.near"), NO);
    assert_int_equal(s.questions, 0);
    assert_int_equal(judge(&s, NOT(NOBODY), "a.near"), YES);
    assert_int_equal(judge(&s, "{\"Logic\":{\"operator\":\"And\",\"conditions\":[]}}", "a.near"), YES);
    assert_int_equal(judge(&s, "{\"Logic\":{\"operator\":\"Or\",\"conditions\":[]}}", "a.near"), NO);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_and_patterns),
        cmocka_unit_test(balances),
        cmocka_unit_test(tokens),
        cmocka_unit_test(daos),
        cmocka_unit_test(doubts_stay_doubts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
