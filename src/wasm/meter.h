// SPDX-License-Identifier: Apache-2.0
// Metering by rewriting: the module that comes out computes what the one that goes in computes, and counts what it
// does. The bill depends on the original bytes and the price list alone, never on the engine. Rules: docs/metering.md.
// The caller validates the original first (engine_validate): a body that names the counter would be valid only after
// rewriting. Components are rewritten module by module (nested ones too).
#pragma once
#include "base/buf.h"
#include "base/err.h"

enum wasm_kind { WASM_CORE, WASM_COMPONENT };
// By magic and version; anything else is ERR_INVALID "not a WebAssembly module …".
[[nodiscard]] bool wasm_kind_of(struct slice bytes, enum wasm_kind *out, struct err *e);

struct meter_prices; // one of the two below
// Ours: version 1, counter in a private shared memory, taken in slices. For guests.
extern const struct meter_prices meter_prices_outlayer;
// NEAR's gas at protocol 86: exact at every host call and trap, with the stack's accounting. For the devnet.
extern const struct meter_prices meter_prices_near;
const char *meter_prices_version(const struct meter_prices *p); // part of cache keys and attestations

#define METER_MODULE_MAX (64u << 20)
[[nodiscard]] bool meter_rewrite(struct slice module, const struct meter_prices *p, struct buf *out, struct err *e);

// The first bytes of the private memory (one page, a memfd that worker and executor share; guests cannot address it).
#define METER_SLICE 1000000
struct meter_page {
    int64_t open;    // what is left of the slice in use, as stored before the last call out of a function
    int64_t reserve; // what no slice has taken yet
    int64_t slice;   // size of the next slice: METER_SLICE
    uint64_t
        peak_memory; // bytes of linear memory at most so far, all memories together (the host's memory creator writes)
    uint64_t refused_memory; // how often a growth was refused for the ceiling
};
void meter_page_init(struct meter_page *page, uint64_t limit);
// Instructions used so far, within [0, limit]. `clean`: the guest returned, exited or ran out, so `open` is exact;
// otherwise (trap, kill) it is rounded up to the open slice.
uint64_t meter_page_used(const struct meter_page *page, uint64_t limit, bool clean);
