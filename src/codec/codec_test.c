// SPDX-License-Identifier: Apache-2.0
#include "base/test.h"

#include "codec/borsh.h"
#include "codec/hex.h"
#include "codec/json.h"

// Keys and hashes are shown or read wrongly (vectors: RFC 4648 §10, and base58 of Bitcoin's test suite).
static void text_forms_of_bytes(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e;
    uint8_t out[64];
    size_t n;
    struct slice s;
    assert_string_equal(hex_text(a, SLICE_LIT("\x00\xff\x1a")), "00ff1a");
    assert_ok(hex_decode_exact(out, 3, SLICE_LIT("00Ff1A"), &e), &e);
    assert_memory_equal(out, "\x00\xff\x1a", 3);
    assert_err(hex_decode_exact(out, 3, SLICE_LIT("00ff1"), &e), &e, ERR_INVALID, "expected 6 hex digits");
    assert_err(hex_decode(&s, a, SLICE_LIT("0g"), &e), &e, ERR_INVALID, "character 1");
    assert_string_equal(base64_text(a, SLICE_LIT("fooba")), "Zm9vYmE=");
    assert_ok(base64_decode(&s, a, SLICE_LIT("Zm9vYmE="), &e), &e);
    assert_slice(s, "fooba");
    assert_err(base64_decode(&s, a, SLICE_LIT("Zm9vYmE"), &e), &e, ERR_INVALID, "not base64");
    assert_string_equal(base58_text(a, SLICE_LIT("\x00\x00\x28\x7f\xb4\xcd")), "11233QC4");
    assert_ok(base58_decode(out, sizeof out, &n, SLICE_LIT("11233QC4"), &e), &e);
    assert_int_equal(n, 6);
    assert_memory_equal(out, "\x00\x00\x28\x7f\xb4\xcd", 6);
    assert_err(base58_decode(out, sizeof out, &n, SLICE_LIT("0"), &e), &e, ERR_INVALID, "base58");
    assert_err(base58_decode_exact(out, 32, SLICE_LIT("2g"), &e), &e, ERR_INVALID, "expected 32 bytes");
}

// Amounts beyond 2^63 stop the reading of a chain's answer, or lose digits; digits in texts are changed.
static void big_numbers_become_text(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e;
    SCOPED_JSON(j) = json_parse_big(
        SLICE_LIT("{\"p\":100000000000000000000000,\"t\":\"a\\\"99999999999999999999\",\"f\":1.25,\"n\":-7,\"g\":5}"),
        1000, &e);
    assert_non_null(j);
    u128 v;
    const char *t;
    assert_ok(json_get_u128(j, "p", &v, &e), &e);
    assert_true(v == (u128)10000000000000ull * 10000000000ull);
    assert_ok(json_get_text(j, "t", &t, &e), &e);
    assert_string_equal(t, "a\"99999999999999999999");
    assert_ok(json_get_u128(j, "g", &v, &e), &e);
    assert_err(json_get_u128(j, "n", &v, &e), &e, ERR_INVALID, "field 'n' must be a whole number");
    assert_err(json_get_u128(j, "f", &v, &e), &e, ERR_INVALID, "field 'f'");
    assert_string_equal(json_text(a, json_object_get(j, "n")), "-7");
}

// Bad JSON from a stranger is taken for good, or the refusal does not say what is wrong.
static void strict_reading(void **state) {
    (void)state;
    struct err e;
    static const char *const bad[] = {"",     "{",     "{\"a\":1,\"a\":2}", "[1] x",   "{\"a\":\"\xff\"}",
                                      "[01]", "[NaN]", "[1e999]",           "{'a':1}", "\"\\u0000\""};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        json_t *j = json_parse(slice_str(bad[i]), 100, &e);
        if (j)
            fail_msg("accepted: %s", bad[i]);
    }
    assert_null(json_parse(SLICE_LIT("[1,2]"), 4, &e));
    assert_int_equal(e.code, ERR_TOO_LARGE);
    SCOPED_JSON(j) = json_parse(SLICE_LIT("{\"a\":\"x\",\"n\":null,\"b\":true,\"u\":\"12\"}"), 100, &e);
    const char *t = "kept";
    uint64_t u;
    bool b;
    assert_ok(json_opt_text(j, "n", &t, &e), &e);
    assert_string_equal(t, "kept");
    assert_err(json_get_text(j, "n", &t, &e), &e, ERR_INVALID, "field 'n' is missing");
    assert_err(json_get_u64(j, "a", &u, &e), &e, ERR_INVALID, "field 'a' must be");
    assert_ok(json_get_u64(j, "u", &u, &e), &e);
    assert_ok(json_get_bool(j, "b", &b, &e), &e);
    static const char *const keys[] = {"a", "n", "b", NULL};
    assert_err(json_only_keys(j, keys, &e), &e, ERR_INVALID, "unknown field 'u'");
}

// Foreign bytes, or a number of a stranger beyond what JSON's readers hold, stop the process that writes them down.
static void anything_can_be_written(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e;
    SCOPED_JSON(o) = json_object();
    json_set_text(o, "cut", "\xC3\xA9\xC3");
    json_set_text(o, "broken", "a\xFF\xC3\xA9");
    json_set_text(o, "none", NULL);
    json_set_u64(o, "small", INT64_MAX);
    json_set_u64(o, "large", (uint64_t)INT64_MAX + 1);
    assert_string_equal(json_text(a, o), "{\"cut\":\"\xC3\xA9\",\"broken\":\"a?\xC3\xA9\",\"none\":null,"
                                         "\"small\":9223372036854775807,\"large\":\"9223372036854775808\"}");
    uint64_t v;
    assert_ok(json_get_u64(o, "large", &v, &e), &e);
    assert_true(v == (uint64_t)INT64_MAX + 1);
    SCOPED_JSON(text) = json_of_bytes("\xF0\x9F\x98x");
    assert_string_equal(json_string_value(text), "?x");
}

// A borsh value changes on its way, or a short or lying input is read past its end.
static void borsh_round_trip_and_short_reads(void **state) {
    (void)state;
    SCOPED_BUF(b, 1000);
    borsh_put_u8(&b, 7);
    borsh_put_u16(&b, 0x1234);
    borsh_put_u32(&b, 0x12345678);
    borsh_put_u64(&b, 0x123456789abcdef0);
    borsh_put_u128(&b, (u128)1 << 100);
    borsh_put_text(&b, "grüße");
    for (size_t cut = 0; cut <= b.len; cut++) {
        struct borsh r = {.left = slice_of(b.ptr, cut)};
        uint8_t u8 = borsh_u8(&r);
        uint16_t u16 = borsh_u16(&r);
        uint32_t u32 = borsh_u32(&r);
        uint64_t u64 = borsh_u64(&r);
        u128 big = borsh_u128(&r);
        struct slice s = borsh_text(&r, 100);
        assert_int_equal(borsh_done(&r), cut == b.len);
        if (cut == b.len) {
            assert_int_equal(u8, 7);
            assert_int_equal(u16, 0x1234);
            assert_int_equal(u32, 0x12345678);
            assert_true(u64 == 0x123456789abcdef0 && big == (u128)1 << 100);
            assert_slice(s, "grüße");
        }
    }
    struct borsh lie = {.left = SLICE_LIT("\xff\xff\xff\xff")};
    assert_int_equal(borsh_count(&lie, 1), 0);
    assert_true(lie.bad);
    struct borsh not_bool = {.left = SLICE_LIT("\x02")};
    borsh_bool(&not_bool);
    assert_true(not_bool.bad);
}

// If this fails, a stranger's text makes a settlement unreadable, or valid output is charged as a failure.
static void strangers_texts_and_numbers(void **state) {
    (void)state;
    struct err e;
    SCOPED_JSON(j) = json_parse_big(
        SLICE_LIT("{\"t\":\"a\\u0000b\",\"n\":1e400,\"m\":-1E+999,\"k\":1.5,\"w\":12345678901234567890}"), 999, &e);
    assert_non_null(j);
    assert_int_equal(json_string_length(json_object_get(j, "t")), 3);
    assert_string_equal(json_string_value(json_object_get(j, "n")), "1e400");
    assert_string_equal(json_string_value(json_object_get(j, "m")), "-1E+999");
    assert_true(json_is_real(json_object_get(j, "k")));
    assert_string_equal(json_string_value(json_object_get(j, "w")), "12345678901234567890");
    const char *text;
    assert_err(json_get_text(j, "t", &text, &e), &e, ERR_INVALID, "U+0000"); // nobody sees half of it
    assert_null(json_parse(SLICE_LIT("\"a\\u0000b\""), 99, &e));
    static const char *const no_numbers[] = {
        "0123456789012345678901", "1234567890123456789-", "[1e]", "-", "12345678901234567890.", "1e400e",
        "--12345678901234567890"};
    for (size_t i = 0; i < ARRAY_LEN(no_numbers); i++)
        assert_null(json_parse_big(slice_str(no_numbers[i]), 99, &e));
}

// If this fails, what is to be a text may be a number, if it is only long enough.
static void numbers_are_no_texts(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e;
    SCOPED_JSON(j) = json_parse_capped(
        SLICE_LIT("[1e400,-12345678901234567890,\"1e400\",5,1.5,{\"x\":1234567890123456789}]"), 99, &e);
    assert_string_equal(json_text(a, j),
                        "[999999999999999999,999999999999999999,\"1e400\",5,1.5,{\"x\":999999999999999999}]");
    assert_true(json_has_big(SLICE_LIT("[1,{\"x\":1234567890123456789}]")));
    assert_false(json_has_big(SLICE_LIT("[123456789012345678,1.5,\"1234567890123456789\"]")));
}

static const char *const json_good[] = {"1",
                                        " -0.5e-7 ",
                                        "1e400",
                                        "\"\"",
                                        "\"\\u0000\\ud800\\\"\\\\\"",
                                        "[]",
                                        "{}",
                                        "[ ]",
                                        "{ }",
                                        "[1,[2,{\"a\":[]}],null]",
                                        "{\"a\":1,\"a\":2}",
                                        "{\"a\\u0000\":true}",
                                        "\n[\t1 , 2 ]\r\n",
                                        "\"\xc3\xa4\"",
                                        "[[[[]]]]",
                                        "123456789012345678901234567890"};
static const char *const json_bad[] = {"",
                                       " ",
                                       "01",
                                       "1.",
                                       ".5",
                                       "+1",
                                       "1e",
                                       "-",
                                       "\"",
                                       "\"\\\"",
                                       "\"\\x\"",
                                       "\"\\u12g4\"",
                                       "\"\t\"",
                                       "[",
                                       "]",
                                       "[1",
                                       "[1,]",
                                       "[,1]",
                                       "[1 2]",
                                       "{",
                                       "{\"a\"}",
                                       "{\"a\":}",
                                       "{\"a\":1,}",
                                       "{a:1}",
                                       "{\"a\":1]",
                                       "[1}",
                                       "1 2",
                                       "nul",
                                       "truefalse",
                                       "[]]",
                                       "\"\xff\"",
                                       "{,}",
                                       "NaN",
                                       ("\xef\xbb\xbf"
                                        "1")};

static void what_is_json(void **state) {
    (void)state;
    struct err e;
    for (size_t i = 0; i < ARRAY_LEN(json_good); i++)
        assert_ok(json_check(slice_str(json_good[i]), 4, &e), &e);
    for (size_t i = 0; i < ARRAY_LEN(json_bad); i++)
        if (json_check(slice_str(json_bad[i]), 4, &e))
            fail_msg("'%s' was taken", json_bad[i]);
    assert_err(json_check(SLICE_LIT("[[[[[]]]]]"), 4, &e), &e, ERR_LIMIT, "4 deep");
    assert_ok(json_check(SLICE_LIT("[[[[5]]]]"), 4, &e), &e);
    assert_err(json_check(SLICE_LIT("[[[[{\"a\":1}]]]]"), 4, &e), &e, ERR_LIMIT, "4 deep");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(text_forms_of_bytes),
    cmocka_unit_test(big_numbers_become_text),
    cmocka_unit_test(strict_reading),
    cmocka_unit_test(anything_can_be_written),
    cmocka_unit_test(strangers_texts_and_numbers),
    cmocka_unit_test(numbers_are_no_texts),
    cmocka_unit_test(what_is_json),
    cmocka_unit_test(borsh_round_trip_and_short_reads),
};
RUN_TESTS(tests)
