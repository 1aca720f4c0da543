// SPDX-License-Identifier: Apache-2.0
// Money: one type, in yoctoNEAR (1 NEAR = 10^24). Arithmetic either stops the call with words or, where a settlement
// must not fail, stays at the largest amount; nothing wraps around.
#pragma once
#include "text.h"

typedef unsigned __int128 u128;
struct yocto {
    u128 v;
};
#define YOCTO(n) ((struct yocto){(n)})
#define YOCTO_MAX ((struct yocto){~(u128)0})
#define MILLI_NEAR ((u128)1000000000000u * 1000000000u)

// Stop the call with words when the result does not exist.
struct yocto yocto_add(struct yocto a, struct yocto b);
struct yocto yocto_sub(struct yocto a, struct yocto b);
struct yocto yocto_mul(struct yocto a, uint64_t n);
// Stay at YOCTO_MAX.
struct yocto yocto_add_capped(struct yocto a, struct yocto b);
struct yocto yocto_mul_capped(struct yocto a, uint64_t n);
struct yocto yocto_min(struct yocto a, struct yocto b);
static inline bool yocto_less(struct yocto a, struct yocto b) { return a.v < b.v; }

#define YOCTO_DIGITS 39
// Decimal digits, no sign, no leading zero; the view is into out.
struct text yocto_text(struct yocto a, char out[static YOCTO_DIGITS]);
// Only decimal digits, at least one, in range.
bool yocto_parse(struct yocto *out, struct text digits);
