// SPDX-License-Identifier: Apache-2.0
#include "price.h"

#define MILLION 1000000u

struct fees default_fees(void) {
    return (struct fees){.base = {MILLI_NEAR},
                         .per_million_instructions = {MILLI_NEAR / 10000000},
                         .per_ms = {MILLI_NEAR / 10000},
                         .per_compile_ms = {MILLI_NEAR / 10000}};
}

struct yocto price_required(const struct fees *f, const struct limits *l) {
    struct yocto instructions = yocto_mul(f->per_million_instructions, l->max_instructions / MILLION);
    struct yocto time = yocto_mul(yocto_mul(f->per_ms, l->max_execution_seconds), 1000);
    return yocto_add(f->base, yocto_add(instructions, time));
}

// The quotient is small, so it is found bit by bit: 128-bit division is a kilobyte of code.
uint32_t price_build_seconds(const struct fees *f, struct yocto attached, struct yocto required) {
    u128 second = f->per_compile_ms.v * 1000, rest = attached.v - required.v; // FEE_MAX keeps the product in range
    uint32_t bought = 0;
    for (uint32_t bit = 64; bit; bit /= 2)
        if (second * (bought + bit) <= rest)
            bought += bit;
    return bought > MAX_BUILD_SECONDS ? MAX_BUILD_SECONDS : bought < MIN_BUILD_SECONDS ? MIN_BUILD_SECONDS : bought;
}
_Static_assert(MAX_BUILD_SECONDS < 128, "price_build_seconds looks at seven bits");

// Capped arithmetic: what a worker reports must not be able to stop a settlement.
struct yocto price_charge(const struct fees *f, const struct usage *u, struct yocto payment) {
    struct yocto cost = yocto_mul_capped(f->per_million_instructions, u->instructions / MILLION);
    cost = yocto_add_capped(cost, yocto_mul_capped(f->per_ms, u->time_ms));
    cost = yocto_add_capped(cost, yocto_mul_capped(f->per_compile_ms, u->compile_time_ms.value));
    return yocto_min(yocto_add_capped(cost, f->base), payment);
}
