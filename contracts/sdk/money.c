// SPDX-License-Identifier: Apache-2.0
#include "money.h"
#include "env.h"

struct yocto yocto_add(struct yocto a, struct yocto b) {
    struct yocto r;
    require(!__builtin_add_overflow(a.v, b.v, &r.v), "The sum of two amounts is too large");
    return r;
}

struct yocto yocto_sub(struct yocto a, struct yocto b) {
    require(a.v >= b.v, "An amount would fall below zero");
    return (struct yocto){a.v - b.v};
}

struct yocto yocto_mul(struct yocto a, uint64_t n) {
    struct yocto r;
    require(!__builtin_mul_overflow(a.v, (u128)n, &r.v), "The product of an amount is too large");
    return r;
}

struct yocto yocto_add_capped(struct yocto a, struct yocto b) {
    struct yocto r;
    return __builtin_add_overflow(a.v, b.v, &r.v) ? YOCTO_MAX : r;
}

struct yocto yocto_mul_capped(struct yocto a, uint64_t n) {
    struct yocto r;
    return __builtin_mul_overflow(a.v, (u128)n, &r.v) ? YOCTO_MAX : r;
}

struct yocto yocto_min(struct yocto a, struct yocto b) {
    return a.v < b.v ? a : b;
}

// Long division of four 32-bit digits by 10^9: cheaper than 128-bit division by ten for each digit.
static uint32_t divide_by_billion(uint32_t limb[static 4]) {
    uint64_t rest = 0;
    for (int i = 3; i >= 0; i--) {
        rest = rest << 32 | limb[i];
        limb[i] = (uint32_t)(rest / 1000000000u);
        rest %= 1000000000u;
    }
    return (uint32_t)rest;
}

struct text yocto_text(struct yocto a, char out[static YOCTO_DIGITS]) {
    uint32_t limb[4];
    for (int i = 0; i < 4; i++, a.v >>= 32)
        limb[i] = (uint32_t)a.v;
    size_t at = YOCTO_DIGITS;
    do {
        uint32_t nine = divide_by_billion(limb);
        bool more = limb[0] | limb[1] | limb[2] | limb[3];
        for (int i = 0; i < 9 && at > 0 && (more || nine); i++, nine /= 10)
            out[--at] = (char)('0' + nine % 10);
    } while (limb[0] | limb[1] | limb[2] | limb[3]);
    if (at == YOCTO_DIGITS)
        out[--at] = '0';
    return (struct text){out + at, YOCTO_DIGITS - at};
}

bool yocto_parse(struct yocto *out, struct text digits) {
    u128 v = 0;
    if (digits.len == 0 || digits.len > YOCTO_DIGITS)
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        char c = digits.ptr[i];
        if (c < '0' || c > '9' || __builtin_mul_overflow(v, (u128)10, &v) ||
            __builtin_add_overflow(v, (u128)(c - '0'), &v))
            return false;
    }
    out->v = v;
    return true;
}
