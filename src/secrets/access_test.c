// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/test.h"
#include "codec/json.h"
#include "secrets/access.h"

static void round_trip(const char *json) {
    SCOPED_ARENA(a);
    struct access *c, *d;
    struct err e = {0};
    if (!access_parse(&c, a, slice_str(json), &e))
        fail_msg("%s: %s", json, e.msg);
    SCOPED_JSON(back) = access_json(c);
    SCOPED_JSON(want) = json_parse(slice_str(json), ACCESS_JSON_MAX, &e);
    assert_true(json_equal(back, want));
    assert_true(access_of_json(&d, a, back, &e));
    assert_string_equal(access_text(a, c), access_text(a, d));
}

// Each kind as clients of the reference write it; what is read is what is written, so that no condition changes its
// meaning on the way from a command line to the chain and to the keystore.
static void every_kind_is_read_and_written(void **state) {
    (void)state;
    round_trip("\"AllowAll\"");
    round_trip("{\"Whitelist\":{\"accounts\":[\"alice.near\",\"bob.near\"]}}");
    round_trip("{\"Whitelist\":{\"accounts\":[]}}");
    round_trip("{\"AccountPattern\":{\"pattern\":\".*\\\\.near\"}}");
    round_trip("{\"NearBalance\":{\"operator\":\"Gte\",\"value\":\"340282366920938463463374607431768211455\"}}");
    round_trip("{\"FtBalance\":{\"contract\":\"ft.near\",\"operator\":\"Ne\",\"value\":\"0\"}}");
    round_trip("{\"NftOwned\":{\"contract\":\"nft.near\",\"token_id\":null}}");
    round_trip("{\"NftOwned\":{\"contract\":\"nft.near\",\"token_id\":\"7\"}}");
    round_trip("{\"DaoMember\":{\"dao_contract\":\"dao.near\",\"role\":\"council\"}}");
    round_trip("{\"Logic\":{\"operator\":\"And\",\"conditions\":[]}}");
    round_trip(
        "{\"Logic\":{\"operator\":\"Or\",\"conditions\":[\"AllowAll\",{\"Not\":{\"condition\":\"AllowAll\"}}]}}");
}

static void refuses(const char *json, const char *sentence) {
    SCOPED_ARENA(a);
    struct access *c;
    struct err e = {0};
    assert_false(access_parse(&c, a, slice_str(json), &e));
    if (!strstr(e.msg, sentence))
        fail_msg("%s: '%s' does not say '%s'", json, e.msg, sentence);
}

// A condition that is understood only in part would let somebody in.
static void anything_else_is_refused(void **state) {
    (void)state;
    refuses("", "JSON");
    refuses("null", "a condition is");
    refuses("\"allowall\"", "unknown condition");
    refuses("{}", "a condition is");
    refuses("{\"AllowAll\":null,\"Not\":{\"condition\":\"AllowAll\"}}", "a condition is");
    refuses("{\"AllowAll\":1}", "holds nothing");
    refuses("{\"Whitelist\":[\"a.near\"]}", "must hold an object");
    refuses("{\"Whitelist\":{\"accounts\":[\"A\"]}}", "not an account id");
    refuses("{\"Whitelist\":{\"accounts\":[1]}}", "not an account id");
    refuses("{\"AccountPattern\":{\"pattern\":\"(\"}}", "not valid");
    refuses("{\"AccountPattern\":{\"pattern\":\"\"}}", "1 to 256 bytes");
    refuses("{\"NearBalance\":{\"operator\":\"gte\",\"value\":\"1\"}}", "Gte, Lte");
    refuses("{\"NearBalance\":{\"operator\":\"Gte\",\"value\":1}}", "as a text");
    refuses("{\"NearBalance\":{\"operator\":\"Gte\",\"value\":\"1 NEAR\"}}", "value");
    refuses("{\"NearBalance\":{\"operator\":\"Gte\",\"value\":\"340282366920938463463374607431768211456\"}}", "value");
    refuses("{\"FtBalance\":{\"operator\":\"Gte\",\"value\":\"1\"}}", "contract");
    refuses("{\"NftOwned\":{\"contract\":\"nft.near\",\"token_id\":7}}", "token_id");
    refuses("{\"DaoMember\":{\"dao_contract\":\"dao.near\"}}", "role");
    refuses("{\"Logic\":{\"operator\":\"Xor\",\"conditions\":[]}}", "And or Or");
    refuses("{\"Not\":{}}", "a condition is");
    refuses("{\"Wasm\":{\"hash\":\"\"}}", "unknown condition");
}

static const char *nested(struct arena *a, int depth) {
    const char *text = "\"AllowAll\"";
    for (int i = 0; i < depth; i++)
        text = arena_printf(a, "{\"Not\":{\"condition\":%s}}", text);
    return text;
}

static void size_and_depth_are_bounded(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct access *c;
    struct err e;
    assert_true(access_parse(&c, a, slice_str(nested(a, ACCESS_DEPTH_MAX - 1)), &e));
    refuses(nested(a, ACCESS_DEPTH_MAX + 1), "nested");
    const char *list = "\"AllowAll\"";
    for (int i = 0; i < ACCESS_NODES_MAX; i++)
        list = arena_printf(a, "%s,\"AllowAll\"", list);
    refuses(arena_printf(a, "{\"Logic\":{\"operator\":\"Or\",\"conditions\":[%s]}}", list), "at most 256 parts");
}

static bool matches(const char *pattern, const char *account) {
    bool yes = false;
    struct err e = {0};
    if (!access_match(pattern, account, &yes, &e))
        fail_msg("%s: %s", pattern, e.msg);
    return yes;
}

// An unanchored pattern lets alice.near's namesakes in (the reference does: W19).
static void patterns_match_the_whole_account(void **state) {
    (void)state;
    assert_true(matches("alice\\.near", "alice.near"));
    assert_true(matches("alice.near|bob.near", "bob.near"));
    assert_false(matches("alice\\.near", "x-alice.near"));
    assert_false(matches("alice\\.near", "alice.near.evil.near"));
    assert_false(matches("alice\\.near|bob", "bob.near"));
    assert_false(matches("alice\\.near", "alice.near\n"));
    assert_false(matches("(?m)^alice\\.near$", "alice.near\nx"));
    assert_false(matches("alice(*ACCEPT)", "alice.mallory.near"));
    assert_true(matches("", "")); // an empty pattern is for nobody
    assert_false(matches("", "alice.near"));
}

// Something around a pattern that is none by itself would make one of it, which lets namesakes in.
static void half_patterns_are_errors(void **state) {
    (void)state;
    static const char *const bad[] = {"alice\\.near)|(?:bob\\.near", "(", "[a", "a)", "(?<x", "*"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        bool yes = true;
        struct err e = {0};
        assert_false(access_match(bad[i], "alice.near.evil.near", &yes, &e));
        assert_int_equal(e.code, ERR_INVALID);
        assert_false(yes);
    }
}

// A pattern comes from a stranger: one that explodes must not hold the keystore up, and must not count as a match.
static void exploding_patterns_are_errors(void **state) {
    (void)state;
    bool yes = true;
    struct err e = {0};
    uint64_t start = clock_mono_ms();
    assert_false(
        access_match("(a|a)*(b|c)", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", &yes, &e));
    assert_int_equal(e.code, ERR_LIMIT);
    assert_false(yes);
    assert_true(clock_mono_ms() - start < 60000);
}

static void comparisons_of_u128(void **state) {
    (void)state;
    u128 max = ~(u128)0;
    assert_true(access_compare(OP_GTE, max, max));
    assert_false(access_compare(OP_GT, max, max));
    assert_true(access_compare(OP_GT, max, max - 1));
    assert_true(access_compare(OP_LTE, 0, 0));
    assert_true(access_compare(OP_LT, (u128)1 << 64, ((u128)1 << 64) + 1));
    assert_true(access_compare(OP_EQ, 7, 7));
    assert_true(access_compare(OP_NE, (u128)1 << 64, 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_read_and_written),
        cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(size_and_depth_are_bounded),
        cmocka_unit_test(patterns_match_the_whole_account),
        cmocka_unit_test(half_patterns_are_errors),
        cmocka_unit_test(exploding_patterns_are_errors),
        cmocka_unit_test(comparisons_of_u128),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
