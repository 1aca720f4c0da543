// SPDX-License-Identifier: Apache-2.0
// Random valid modules, for tests: nested control with values, calls of every kind, every accepted family of
// operators, and now and then each instruction that can trap doing so.
#pragma once
#include "base/buf.h"

struct gen_module {
    bool near;             // only what NEAR accepts too
    uint32_t functions;    // exported as f0, f1, …
    uint8_t params[32][4]; // value types of each
    uint32_t param_count[32];
};
// The same seed gives the same bytes. Imports are env.note (i32) -> i32 and env.exit () -> (). Exports besides the
// functions: memory "m" (where there is one), mutable globals "g0" (i32), "g1" (i64), "g2" (f32), "g3" (f64).
void gen_make(uint64_t seed, struct buf *out, struct gen_module *m);
// splitmix64, for whoever needs numbers that belong to a seed.
uint64_t gen_next(uint64_t *state);
