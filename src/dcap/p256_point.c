// SPDX-License-Identifier: Apache-2.0
#include "dcap/p256_point.h"

// Eight limbs, the lowest first. All arithmetic is modulo the field's prime p, in Montgomery's form (R = 2^256).
enum { LIMBS = 8 };
static const uint32_t prime[LIMBS] = {0xffffffff, 0xffffffff, 0xffffffff, 0, 0, 0, 1, 0xffffffff};
static const uint32_t r_squared[LIMBS] = {3, 0, 0xffffffff, 0xfffffffb, 0xfffffffe, 0xffffffff, 0xfffffffd, 4};
// -3/R and b/R
static const uint32_t minus_three[LIMBS] = {0xfffffffd, 0xfffffff6, 5, 0xfffffffd, 0xfffffff9, 8, 0xfffffff7, 2};
static const uint32_t constant_b[LIMBS] = {0x3897434f, 0x5b664d72, 0x12f3e1bb, 0x5ac8124d,
                                           0x9123afdd, 0x426be7e3, 0x3dd38668, 0x2128d4c6};
static const uint32_t zero[LIMBS];

// Takes p off a number of nine limbs, unless it is smaller than p already.
static bool subtract_prime(uint32_t n[LIMBS + 1]) {
    uint32_t less[LIMBS];
    int64_t borrow = 0;
    for (int i = 0; i < LIMBS; i++) {
        borrow += (int64_t)n[i] - prime[i];
        less[i] = (uint32_t)borrow;
        borrow >>= 32;
    }
    borrow += n[LIMBS];
    if (borrow < 0)
        return false;
    for (int i = 0; i < LIMBS; i++)
        n[i] = less[i];
    n[LIMBS] = (uint32_t)borrow;
    return true;
}

// out = a * b / R + c, below p. As p is -1 modulo 2^32, the multiple of p that clears the lowest limb is that limb.
static void multiply_add(uint32_t out[LIMBS], const uint32_t a[LIMBS], const uint32_t b[LIMBS],
                         const uint32_t c[LIMBS]) {
    uint32_t t[LIMBS + 1] = {0};
    for (int i = 0; i < LIMBS; i++) {
        uint64_t digit = b[i], product = t[0] + a[0] * digit, multiple = (uint32_t)product;
        uint64_t reduced = (uint32_t)product + multiple * prime[0];
        for (int j = 1; j < LIMBS; j++) {
            product = (product >> 32) + t[j] + a[j] * digit;
            reduced = (reduced >> 32) + (uint32_t)product + multiple * prime[j];
            t[j - 1] = (uint32_t)reduced;
        }
        uint64_t top = (product >> 32) + (reduced >> 32) + t[LIMBS];
        t[LIMBS - 1] = (uint32_t)top;
        t[LIMBS] = (uint32_t)(top >> 32);
    }
    uint64_t carry = 0;
    for (int i = 0; i < LIMBS; i++, carry >>= 32)
        t[i] = (uint32_t)(carry += (uint64_t)t[i] + c[i]);
    t[LIMBS] += (uint32_t)carry;
    while (subtract_prime(t)) {
    }
    for (int i = 0; i < LIMBS; i++)
        out[i] = t[i];
}

// Nine limbs of 32 bytes; false if the number is not below p.
static bool load(uint32_t out[LIMBS + 1], const uint8_t *bytes) {
    for (int i = 0; i < LIMBS; i++) {
        const uint8_t *b = bytes + 4 * (LIMBS - 1 - i);
        out[i] = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    }
    out[LIMBS] = 0;
    return !subtract_prime(out);
}

bool dcap_p256_on_curve(const uint8_t key[64]) {
    uint32_t x[LIMBS + 1], y[LIMBS + 1], cube[LIMBS];
    if (!load(x, key) || !load(y, key + 32))
        return false;
    multiply_add(y, y, y, zero);           // y²/R
    multiply_add(cube, x, x, minus_three); // (x² - 3)/R
    multiply_add(x, x, r_squared, zero);   // xR
    multiply_add(cube, cube, x, constant_b);
    uint32_t differs = 0;
    for (int i = 0; i < LIMBS; i++)
        differs |= cube[i] ^ y[i];
    return differs == 0;
}

void dcap_p256_compress(uint8_t out[33], const uint8_t key[64]) {
    out[0] = 2 | (key[63] & 1);
    for (int i = 0; i < 32; i++)
        out[1 + i] = key[i];
}

static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0,    0,    0,    0,    0xff, 0xff, 0xff,
                                  0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
                                  0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};

bool dcap_p256_in_range(const uint8_t signature[64]) {
    for (int half = 0; half < 2; half++, signature += 32) {
        int32_t borrow = 0;
        uint8_t any = 0;
        for (int i = 31; i >= 0; i--) {
            any |= signature[i];
            borrow = (borrow + signature[i] - order[i]) >> 8;
        }
        if (any == 0 || borrow == 0)
            return false;
    }
    return true;
}
