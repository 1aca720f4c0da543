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
uint32_t price_build_seconds(const struct request *q, struct yocto required, uint32_t extensions) {
    u128 step = q->fees.per_compile_ms.v * (1000 * 256), rest = q->payment.v - required.v; // FEE_MAX keeps it in range
    uint32_t bought = 0, most = WINDOW_SECONDS + extensions * MORE_SECONDS - (uint32_t)q->limits.max_execution_seconds;
    for (uint32_t bit = 256; bit; bit /= 2, step /= 2) {
        if (step <= rest) {
            rest -= step;
            bought += bit;
        }
    }
    most = most < MAX_BUILD_SECONDS ? most : MAX_BUILD_SECONDS;
    return bought > most ? most : bought < MIN_BUILD_SECONDS ? MIN_BUILD_SECONDS : bought;
}
_Static_assert(MAX_BUILD_SECONDS < 512, "price_build_seconds looks at nine bits");
_Static_assert(WINDOW_SECONDS >= MAX_EXECUTION_SECONDS + MIN_BUILD_SECONDS, "the included build always fits");

static uint64_t at_most(uint64_t n, uint64_t limit) { return n < limit ? n : limit; }

// Capped arithmetic: what a worker reports must not be able to stop a settlement.
struct yocto price_charge(const struct request *q, const struct usage *u) {
    const struct fees *f = &q->fees;
    uint64_t instructions = at_most(u->instructions, q->limits.max_instructions);
    uint64_t run_ms = at_most(u->time_ms, q->limits.max_execution_seconds * 1000);
    uint64_t build_ms = at_most(u->compile_time_ms.value, q->build_seconds * 1000ull);
    struct yocto cost = yocto_mul_capped(f->per_million_instructions, instructions / MILLION);
    cost = yocto_add_capped(cost, yocto_mul_capped(f->per_ms, run_ms));
    cost = yocto_add_capped(cost, yocto_mul_capped(f->per_compile_ms, build_ms));
    return yocto_min(yocto_add_capped(cost, f->base), q->payment);
}
