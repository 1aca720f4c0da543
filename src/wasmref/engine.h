// SPDX-License-Identifier: Apache-2.0
// Runs a module on the engine, as bare as can be, for tests.
#pragma once
#include "wasm/meter.h"
#include "wasmref/gen.h"
#include "wasmref/interp.h"

enum eng_kind { ENG_METERED, ENG_NEAR, ENG_FUEL, ENG_KINDS };
struct eng; // an engine of each kind; one at a time may run in a process
struct eng *eng_new(void);
void eng_free(struct eng *g);

// What was seen of a run.
struct eng_run {
    enum ref_end end;         // REF_RETURN, REF_TRAP, REF_EXIT
    int trap;                 // wasmtime's code
    struct ref_event *events; // `ours` of each: open + reserve of the page, or fuel; `near`: gas left
    size_t event_count;
    union ref_value results[8][4]; // of each call
    uint32_t calls;                // that returned
    union ref_value globals[4];
    uint64_t memory_hash;
    uint32_t memory_bytes;
    int64_t gas_left, stack_left; // NEAR
    uint64_t fuel_used;           // without what the engine takes for active segments
};
#define ENG_FUEL_MAX ((uint64_t)1 << 50)

bool eng_valid(struct eng *g, enum eng_kind kind, struct slice module);
struct eng_module;
// NULL when it does not compile; then the reason is printed.
struct eng_module *eng_compile(struct eng *g, enum eng_kind kind, struct slice module);
void eng_module_free(struct eng_module *m);
// Instantiates and calls f0, f1, … with `args` until one does not return. The page is the run's private memory; `gas`
// is NEAR's limit.
void eng_run(struct eng_module *m, const struct gen_module *shape, const union ref_value (*args)[4],
             struct meter_page *page, int64_t gas, struct eng_run *out);
uint64_t eng_hash(const uint8_t *p, size_t n); // FNV-1a
