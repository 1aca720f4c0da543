// SPDX-License-Identifier: Apache-2.0
// What all of the core stands on: bounded reading and writing, dates, codes, the trust in issuers, the native back end.
#include "base/test.h"

#include "dcap/backend.h"
#include "dcap/code.h"
#include "dcap/trust.h"

// A reader leaves its bytes, or goes on after it has met their end.
static void reading_ends(void **state) {
    (void)state;
    struct dcap_cursor c = dcap_cursor_over(DCAP_LIT("\x01\x02\x03\x04\x05"));
    assert_int_equal(dcap_take_le(&c, 2), 0x0201);
    assert_int_equal(dcap_take_be(&c, 2), 0x0304);
    assert_int_equal(dcap_cursor_left(&c), 1);
    assert_null(dcap_take_bytes(&c, 2).ptr);
    assert_true(c.failed);
    assert_null(dcap_take(&c, 1));
    assert_int_equal(dcap_take_le(&c, 1), 0);
    c = dcap_cursor_over((struct bytes){NULL, 0});
    assert_null(dcap_take(&c, SIZE_MAX));
    assert_true(c.failed);
}

// The lent memory is left, or what did not fit is given out.
static void writing_ends(void **state) {
    (void)state;
    _Alignas(8) uint8_t memory[24];
    struct dcap_arena a = {memory, sizeof memory, 0};
    assert_ptr_equal(dcap_arena_take(&a, 3), memory);
    assert_ptr_equal(dcap_arena_take(&a, 8), memory + 8);
    assert_null(dcap_arena_take(&a, 9));
    assert_null(dcap_arena_take(&a, SIZE_MAX));
    struct dcap_writer w = dcap_write_into(&a);
    dcap_put_le(&w, 0x0807060504030201, 8);
    struct bytes b = dcap_written(&w);
    assert_true(dcap_bytes_eq(b, DCAP_LIT("\x01\x02\x03\x04\x05\x06\x07\x08")));
    assert_int_equal(a.used, 24);
    w = dcap_write_into(&a);
    dcap_put(&w, "x", 1);
    assert_null(dcap_written(&w).ptr);
    a.used = 8;
    w = dcap_write_into(&a);
    dcap_put(&w, memory, 17);
    dcap_put(&w, memory, 1);
    assert_null(dcap_written(&w).ptr);
}

static void hexadecimal(void **state) {
    (void)state;
    uint8_t out[2];
    assert_true(dcap_hex_decode(out, DCAP_LIT("aF09"), 2));
    assert_int_equal(out[0] << 8 | out[1], 0xaf09);
    static const char *const wrong[] = {"aF0", "aF0900", "aF0g", "aF0/", "aF:0", "`a00", "@a00", "aF0\x16", ""};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(dcap_hex_decode(out, (struct bytes){(const uint8_t *)wrong[i], strlen(wrong[i])}, 2));
}

// A date is read as another moment, or something that is no date as one.
static void dates(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint64_t seconds;
    } good[] = {{"1970-01-01T00:00:00Z", 0},           {"2000-02-29T23:59:59Z", 951868799},
                {"2025-06-19T10:56:11Z", 1750330571},  {"2049-12-31T23:59:59Z", 2524607999},
                {"2100-02-28T00:00:00Z", 4107456000},  {"2100-03-01T00:00:00Z", 4107542400},
                {"9999-12-31T23:59:59Z", 253402300799}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        uint64_t t = 1;
        assert_true(dcap_time_of_iso(&t, (struct bytes){(const uint8_t *)good[i].text, strlen(good[i].text)}));
        assert_int_equal(t, good[i].seconds);
    }
    // Each day of four centuries follows the one before.
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    uint64_t expected = 946684800;
    for (int y = 2000; y < 2400; y++) {
        for (int m = 1; m <= 12; m++) {
            bool leap = m == 2 && y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
            for (int d = 1; d <= days[m - 1] + leap; d++, expected += 86400) {
                char digits[32];
                snprintf(digits, sizeof digits, "%04d%02d%02d000000", y, m, d);
                uint64_t t = 1;
                assert_true(dcap_time_of_digits(&t, (const uint8_t *)digits));
                assert_int_equal(t, expected);
            }
        }
    }
    static const char *const wrong[] = {"1969-12-31T23:59:59Z", "2025-02-29T00:00:00Z", "2100-02-29T00:00:00Z",
                                        "2025-13-01T00:00:00Z", "2025-00-01T00:00:00Z", "2025-01-00T00:00:00Z",
                                        "2025-01-32T00:00:00Z", "2025-01-01T24:00:00Z", "2025-01-01T00:60:00Z",
                                        "2025-01-01T00:00:60Z", "2025-01-01T00:00:00",  "2025-01-01T00:00:00ZZ",
                                        "2025-01-01 00:00:00Z", "2025-01-01T00:00:0/Z", "2025-01-01T00:00:0:Z",
                                        "+025-01-01T00:00:00Z", "2025-1-001T00:00:00Z"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        uint64_t t;
        if (dcap_time_of_iso(&t, (struct bytes){(const uint8_t *)wrong[i], strlen(wrong[i])}))
            fail_msg("%s was taken", wrong[i]);
    }
}

// A code has no name or sentence, or belongs to no class.
static void codes(void **state) {
    (void)state;
    struct dcap_fault f;
    assert_false(dcap_fail(&f, DCAP_TCB_NOT_SUPPORTED, DCAP_PART_PLATFORM));
    assert_string_equal(dcap_code_name(f.code), "TCB_NOT_SUPPORTED");
    assert_string_equal(dcap_code_sentence(f.code), "is below every level of its TCB info");
    assert_string_equal(dcap_part_words(f.part), "the platform");
    assert_int_equal(dcap_code_class(f.code), DCAP_FALSE);
    assert_false(dcap_fail_with(&f, DCAP_EXPIRED, DCAP_PART_TCB_INFO, 7));
    assert_int_equal(f.detail, 7);
    assert_int_equal(dcap_code_class(f.code), DCAP_UNCHECKABLE);
    assert_string_equal(dcap_code_name(DCAP_LOG_EVENT_MISSING), "LOG_EVENT_MISSING");
#define X(name, class, sentence) assert_int_equal(dcap_code_class(DCAP_##name), DCAP_##class);
    DCAP_CODES(X)
#undef X
}

// An issuer that was never verified is taken for known, or the list grows past its end.
static void issuers(void **state) {
    (void)state;
    struct dcap_trust t;
    uint8_t hash[32] = {0};
    dcap_trust_intel(&t);
    assert_int_equal(t.count, 1);
    assert_int_equal(t.root_key[0], 0x0b);
    assert_int_equal(t.root_key[63], 0x94);
    for (unsigned i = 1; i <= 3 * DCAP_ISSUERS; i++) {
        hash[31] = (uint8_t)i;
        assert_false(dcap_trust_knows(&t, hash));
        dcap_trust_learn(&t, hash);
        dcap_trust_learn(&t, hash);
        assert_true(dcap_trust_knows(&t, hash));
    }
    assert_int_equal(t.count, DCAP_ISSUERS);
    hash[31] = 1;
    assert_false(dcap_trust_knows(&t, hash));
    dcap_trust_root(&t, t.root_key);
    assert_int_equal(t.count, 0);
}

// RFC 6979, A.2.5: P-256 with SHA-256, message "sample".
static void back_end(void **state) {
    (void)state;
    uint8_t key[64], sig[64], digest[32], abc[32];
    assert_true(dcap_hex_decode(key,
                                DCAP_LIT("60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6"
                                         "7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299"),
                                64));
    assert_true(dcap_hex_decode(sig,
                                DCAP_LIT("EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
                                         "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"),
                                64));
    dcap_sha256(abc, "abc", 3);
    assert_int_equal(abc[0], 0xba);
    assert_int_equal(abc[31], 0xad);
    dcap_sha256(digest, "sample", 6);
    assert_true(dcap_p256_verify(key, digest, sig));
    for (size_t i = 0; i < 64; i++) {
        sig[i] ^= 1;
        assert_false(dcap_p256_verify(key, digest, sig));
        sig[i] ^= 1;
        key[i] ^= 1;
        assert_false(dcap_p256_verify(key, digest, sig));
        key[i] ^= 1;
        digest[i % 32] ^= 1;
        assert_false(dcap_p256_verify(key, digest, sig));
        digest[i % 32] ^= 1;
    }
    assert_true(dcap_p256_verify(key, digest, sig));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(reading_ends), cmocka_unit_test(writing_ends), cmocka_unit_test(hexadecimal),
    cmocka_unit_test(dates),        cmocka_unit_test(codes),        cmocka_unit_test(issuers),
    cmocka_unit_test(back_end),
};
RUN_TESTS(tests)
