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
// Ours: "outlayer-2", counter in a private shared memory, taken in slices. For guests.
extern const struct meter_prices meter_prices_outlayer;
// NEAR's gas at protocol 86: exact at every host call and trap, with the stack's accounting. For the devnet; see below.
extern const struct meter_prices meter_prices_near;
const char *meter_prices_version(const struct meter_prices *p); // part of cache keys and attestations

// What the host charges for its own work, in instructions: each call of WASI; each byte copied to or from the guest;
// each random byte on top; each subscription of a poll; each 4,096 bytes begun of a write.
struct meter_host_prices {
    uint64_t call, byte, random, poll, write;
};
extern const struct meter_host_prices meter_host_outlayer;

#define METER_MODULE_MAX (64u << 20)
// Appends the rewritten module to *out. `module` has been validated by the engine. After failure *out is of no use.
// ERR_INVALID: malformed, or a feature that is refused (the message says which and at what offset); ERR_LIMIT: one of
// the limits of docs/metering.md; ERR_TOO_LARGE: *out is full.
[[nodiscard]] bool meter_rewrite(struct slice module, const struct meter_prices *p, struct buf *out, struct err *e);

// --- ours ----------------------------------------------------------------------------------------------------------
// Each core module gets one memory more, which it cannot name: 64-bit addresses, min = max = 1 page (the host's memory
// creator tells it by that type). Its first bytes are this; all of one run's modules share one page (a memfd).
#define METER_SLICE 1000000
#define METER_OVERRUN 8192 // most that may be charged between two looks at the counter
#define METER_EXHAUSTED (-((int64_t)1 << 62))
struct meter_page {
    int64_t open;    // what is left of the slice in use, as stored before the last call or return; METER_EXHAUSTED
    int64_t reserve; // what no slice has taken yet
    int64_t slice;   // size of the next slice: METER_SLICE
    uint64_t
        peak_memory; // bytes of linear memory at most so far, all memories together (the host's memory creator writes)
    uint64_t refused_memory; // how often a growth was refused for the ceiling
    uint32_t forbidden_call; // number + 1 of a system call that the process may not make; a remark: it can be forged
    uint32_t lost_questions; // to the broker, which did not answer them; a remark, too
    uint64_t began_us, ended_us; // clock_mono_us() of the run's process, 0: not yet; believed as far as it can be true
};
#define METER_LIMIT_MAX ((uint64_t)1 << 60)
void meter_page_init(struct meter_page *page, uint64_t limit); // limit <= METER_LIMIT_MAX
// Instructions used so far, within [0, limit]. `clean`: the guest returned, exited or ran out, so `open` is exact;
// otherwise (trap, kill) it is rounded up to the open slice. May be called while the guest runs.
uint64_t meter_page_used(const struct meter_page *page, uint64_t limit, bool clean);
// Takes `n` more on the host's account; only while the guest is in a call to the host, which finds the counter in the
// page and leaves it there. False when that is more than is left: the guest is then out of instructions for good, and
// all of its limit is used.
bool meter_page_charge(struct meter_page *page, uint64_t n);
// The guest ran out (it then ended by `unreachable`; or it returned having passed the limit by its last few steps).
bool meter_page_exhausted(const struct meter_page *page);

// --- NEAR ----------------------------------------------------------------------------------------------------------
// The rewritten contract:
//   exports METER_NEAR_GAS, mutable i64: gas left. The host sets it before the first call (limit minus burnt), reads it
//     on entry to each host function (exact: the call itself is paid), burns its fees, and writes back what is left;
//     it reads it again at the end. After a trap: negative means exhausted (burnt := limit; limit - value is what would
//     have been burnt, for `used`), otherwise the trap is the contract's own and the gas is exact.
//   exports METER_NEAR_STACK, mutable i64, bytes of stack left, METER_NEAR_STACK_LIMIT at the start. After a trap:
//     negative means the stack was exhausted (MemoryAccessViolation) and goes before METER_NEAR_GAS.
//   exports METER_NEAR_MEMORY: 1024 pages at first, 2048 at most, whatever the contract declared.
//   exports METER_NEAR_START when it had a start function: the host calls it once, after setting the gas.
//   exports everything else that the contract exports (its memory left out) as METER_NEAR_PREFIX + its own name.
// Both stops are `unreachable` traps. What NEAR would not accept is refused; the hint is then the name of its
// PrepareError ("TooManyFunctions", "Deserialization", …).
#define METER_NEAR_GAS "gas_left"
#define METER_NEAR_STACK "stack_left"
#define METER_NEAR_MEMORY "memory"
#define METER_NEAR_START "start"
#define METER_NEAR_PREFIX "contract:"
#define METER_NEAR_STACK_LIMIT 262144
#define METER_NEAR_PAGES 1024
#define METER_NEAR_PAGES_MAX 2048
