// SPDX-License-Identifier: Apache-2.0
#include "base/test.h"
#include "codec/hex.h"
#include "crypto/hpke_internal.h"

static void from_hex(void *out, size_t n, const char *hex) {
    struct err e;
    assert_true(hex_decode_exact(out, n, slice_str(hex), &e));
}

// RFC 9180 A.2.1, first message: nobody else could open what we seal, nor we theirs.
static void vector_of_the_rfc(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct hpke_pair ephemeral, recipient;
    uint8_t secret[32], info[20], plain[29], want[32 + 29 + 16];
    struct err e;
    from_hex(secret, 32, "f4ec9b33b792c372c1d2c2063507b684ef925b8c75a42dbcbf57d63ccd381600");
    hpke_pair_of(&ephemeral, secret);
    from_hex(secret, 32, "8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb");
    hpke_pair_of(&recipient, secret);
    from_hex(info, 20, "4f6465206f6e2061204772656369616e2055726e");
    from_hex(plain, 29, "4265617574792069732074727574682c20747275746820626561757479");
    from_hex(want, sizeof want,
             "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a"
             "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28");
    struct hpke_texts t = {slice_of(info, 20), SLICE_LIT("Count-0"), slice_of(plain, 29)};
    struct slice sealed;
    assert_true(hpke_seal_with(a, &ephemeral, recipient.public, &t, &sealed, &e));
    assert_int_equal(sealed.len, sizeof want);
    assert_memory_equal(sealed.ptr, want, sizeof want);
}

// Every byte of what was sealed is protected, and so are the info and the recipient: a flipped one that went unnoticed
// would let whoever stores it change secrets.
static void any_change_is_seen(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct hpke_pair p, other;
    struct slice sealed, plain;
    struct err e;
    hpke_pair_new(&p);
    hpke_pair_new(&other);
    assert_true(hpke_seal(a, p.public, SLICE_LIT("info"), SLICE_LIT("value"), &sealed, &e));
    assert_int_equal(sealed.len, 5 + HPKE_OVERHEAD);
    assert_true(hpke_open(a, &p, SLICE_LIT("info"), sealed, &plain, &e));
    assert_true(slice_eq_str(plain, "value"));
    assert_false(hpke_open(a, &p, SLICE_LIT("info2"), sealed, &plain, &e));
    assert_false(hpke_open(a, &other, SLICE_LIT("info"), sealed, &plain, &e));
    for (size_t i = 0; i < sealed.len; i++) {
        struct slice copy = arena_copy(a, sealed);
        ((uint8_t *)copy.ptr)[i] ^= 1;
        assert_false(hpke_open(a, &p, SLICE_LIT("info"), copy, &plain, &e));
        assert_false(hpke_open(a, &p, SLICE_LIT("info"), slice_of(sealed.ptr, i), &plain, &e));
    }
    assert_int_equal(e.code, ERR_CORRUPT);
}

// A point of low order makes the shared secret known to everybody.
static void low_order_points_are_refused(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    static const char *const points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    struct hpke_pair p;
    struct slice out;
    struct err e;
    hpke_pair_new(&p);
    for (size_t i = 0; i < ARRAY_LEN(points); i++) {
        uint8_t point[32 + HPKE_OVERHEAD] = {0};
        from_hex(point, 32, points[i]);
        assert_false(hpke_seal(a, point, SLICE_LIT(""), SLICE_LIT("x"), &out, &e));
        assert_false(hpke_open(a, &p, SLICE_LIT(""), slice_of(point, sizeof point), &out, &e));
    }
}

// RFC 5869 A.1: keys would be derived by something else than what is documented.
static void hkdf_vector(void **state) {
    (void)state;
    uint8_t ikm[22], salt[13], info[10], want[42], got[42];
    memset(ikm, 0x0b, sizeof ikm);
    from_hex(salt, 13, "000102030405060708090a0b0c");
    from_hex(info, 10, "f0f1f2f3f4f5f6f7f8f9");
    from_hex(want, 42, "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
    hkdf_sha256(got, 42, slice_of(salt, 13), slice_of(ikm, 22), slice_of(info, 10));
    assert_memory_equal(got, want, 42);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vector_of_the_rfc),
        cmocka_unit_test(any_change_is_seen),
        cmocka_unit_test(low_order_points_are_refused),
        cmocka_unit_test(hkdf_vector),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
