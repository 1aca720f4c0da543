// SPDX-License-Identifier: Apache-2.0
#include "money.h"
#include "env.h"

struct yocto yocto_add(struct yocto a, struct yocto b) {
    struct yocto r;
    require(!__builtin_add_overflow(a.v, b.v, &r.v), "An amount is out of range");
    return r;
}

struct yocto yocto_sub(struct yocto a, struct yocto b) {
    require(a.v >= b.v, "An amount is out of range");
    return (struct yocto){a.v - b.v};
}

// In two halves, and in one place: what the compiler makes of an overflow check of 128 bits is long.
[[gnu::noinline]] static bool multiply(struct yocto *r, struct yocto a, uint64_t n) {
    u128 low = (u128)(uint64_t)a.v * n, high = (u128)(uint64_t)(a.v >> 64) * n + (uint64_t)(low >> 64);
    r->v = high << 64 | (uint64_t)low;
    return high >> 64 == 0;
}

struct yocto yocto_mul(struct yocto a, uint64_t n) {
    struct yocto r;
    require(multiply(&r, a, n), "An amount is out of range");
    return r;
}

struct yocto yocto_add_capped(struct yocto a, struct yocto b) {
    struct yocto r;
    return __builtin_add_overflow(a.v, b.v, &r.v) ? YOCTO_MAX : r;
}

struct yocto yocto_mul_capped(struct yocto a, uint64_t n) {
    struct yocto r;
    return multiply(&r, a, n) ? r : YOCTO_MAX;
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
    struct yocto v = {0};
    if (digits.len == 0 || digits.len > YOCTO_DIGITS)
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        uint32_t d = (uint8_t)digits.ptr[i] - (uint32_t)'0';
        if (d > 9 || !multiply(&v, v, 10) || __builtin_add_overflow(v.v, d, &v.v))
            return false;
    }
    *out = v;
    return true;
}
