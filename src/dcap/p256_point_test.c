// SPDX-License-Identifier: Apache-2.0
// Points and ranges as OpenSSL sees them. A key off the curve, or a number out of range, makes back ends disagree or
// worse.
#include "base/test.h"

#include "dcap/forge_test.h"
#include "dcap/p256_point.h"
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

static bool openssl_takes(const EC_GROUP *group, const uint8_t key[64]) {
    uint8_t octets[65] = {4};
    memcpy(octets + 1, key, 64);
    EC_POINT *p = EC_POINT_new(group);
    bool ok = EC_POINT_oct2point(group, p, octets, sizeof octets, NULL) == 1;
    EC_POINT_free(p);
    return ok;
}

static void points(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    for (int i = 0; i < 300; i++) {
        EVP_PKEY *pkey = EVP_EC_gen("P-256");
        uint8_t key[64], compressed[33], want[33];
        memcpy(key, forge_key_bytes(a, pkey).ptr, 64);
        EVP_PKEY_free(pkey);
        assert_true(dcap_p256_on_curve(key));
        dcap_p256_compress(compressed, key);
        uint8_t octets[65] = {4};
        memcpy(octets + 1, key, 64);
        EC_POINT *p = EC_POINT_new(group);
        assert_int_equal(EC_POINT_oct2point(group, p, octets, 65, NULL), 1);
        assert_int_equal(EC_POINT_point2oct(group, p, POINT_CONVERSION_COMPRESSED, want, 33, NULL), 33);
        EC_POINT_free(p);
        assert_memory_equal(compressed, want, 33);
        for (int bit = i % 8; bit < 512; bit += 8) {
            key[bit / 8] ^= (uint8_t)(1 << bit % 8);
            if (dcap_p256_on_curve(key) != openssl_takes(group, key))
                fail_msg("bit %d", bit);
            key[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
    EC_GROUP_free(group);
}

#define P "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"
#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"
#define ONES "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
// x = 0 is on the curve with this y; x = p and x = p + 5 would be read as 0 and 5 by whoever does not look.
#define Y_OF_0 "66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4"
#define X_5 "0000000000000000000000000000000000000000000000000000000000000005"
#define P_PLUS_5 "ffffffff00000001000000000000000000000001000000000000000000000004"

static void edges(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    assert_true(dcap_p256_on_curve(forge_hex(a, ZERO Y_OF_0).ptr));
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    EC_POINT *p = EC_POINT_new(group);
    uint8_t five[65], x5[33] = {2};
    memcpy(x5 + 1, forge_hex(a, X_5).ptr, 32);
    assert_int_equal(EC_POINT_oct2point(group, p, x5, 33, NULL), 1);
    assert_int_equal(EC_POINT_point2oct(group, p, POINT_CONVERSION_UNCOMPRESSED, five, 65, NULL), 65);
    assert_true(dcap_p256_on_curve(five + 1));
    memcpy(five + 1, forge_hex(a, P_PLUS_5).ptr, 32);
    assert_false(dcap_p256_on_curve(five + 1));
    static const char *const wrong[] = {ZERO ZERO, P Y_OF_0, ZERO P, P P, ONES ONES, ZERO ONES, ONES Y_OF_0};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(dcap_p256_on_curve(forge_hex(a, wrong[i]).ptr));
    EC_POINT_free(p);
    EC_GROUP_free(group);
}

#define N "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
#define N_LESS_1 "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550"
#define N_PLUS_1 "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632552"
#define HIGH "ffffffff00000001000000000000000000000000000000000000000000000000"
#define LOW "ffffffff00000000fffffffffffffffeffffffffffffffffffffffffffffffff"
#define ONE "0000000000000000000000000000000000000000000000000000000000000001"
#define TOP "8000000000000000000000000000000000000000000000000000000000000000"

static void ranges(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    static const char *const good[] = {ONE, N_LESS_1, LOW, TOP}, *const bad[] = {ZERO, N, N_PLUS_1, HIGH, ONES};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        for (size_t k = 0; k < sizeof good / sizeof *good; k++)
            assert_true(dcap_p256_in_range(FORGE_JOIN(a, forge_hex(a, good[i]), forge_hex(a, good[k])).ptr));
        for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
            assert_false(dcap_p256_in_range(FORGE_JOIN(a, forge_hex(a, good[i]), forge_hex(a, bad[k])).ptr));
            assert_false(dcap_p256_in_range(FORGE_JOIN(a, forge_hex(a, bad[k]), forge_hex(a, good[i])).ptr));
        }
    }
}

static const struct CMUnitTest group[] = {
    cmocka_unit_test(points),
    cmocka_unit_test(edges),
    cmocka_unit_test(ranges),
};
RUN_TESTS(group)
