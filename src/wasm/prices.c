// SPDX-License-Identifier: Apache-2.0
// The two price lists. A change of a number, or of where a region ends, is a new version.
#include "wasm/rewrite.h"

const struct meter_prices meter_prices_outlayer = {
    .version = "outlayer-2",
    .cost = {[WASM_PRICE_PLAIN] = 1,
             [WASM_PRICE_MEMORY_BULK] = 1,
             [WASM_PRICE_MEMORY_GROW] = 1,
             [WASM_PRICE_TABLE_BULK] = 1},
    .unit = {[WASM_PRICE_MEMORY_BULK] = 1, [WASM_PRICE_TABLE_BULK] = 1},
    .entry = 1,
    .realloc = 1,
};
// A byte is copied in less than an instruction's time, and costs as much as in `memory.copy`. The others cost their
// time in instructions: docs/metering.md has the figures.
const struct meter_host_prices meter_host_outlayer = {
    .call = 500, .byte = 1, .random = 10, .poll = 3000, .write = 10000};

// Gas at protocol 86: one operator; the base of what depends on a length.
#define NEAR_OP 822756
#define NEAR_BULK 26328192

const struct meter_prices meter_prices_near = {
    .version = "near-86",
    .near = true,
    .cost = {[WASM_PRICE_PLAIN] = NEAR_OP,
             [WASM_PRICE_LOOP] = NEAR_OP,
             [WASM_PRICE_IDLE] = NEAR_OP,
             [WASM_PRICE_MEMORY_BULK] = NEAR_BULK,
             [WASM_PRICE_MEMORY_GROW] = NEAR_BULK,
             [WASM_PRICE_TABLE_BULK] = NEAR_BULK},
    .unit = {[WASM_PRICE_MEMORY_BULK] = NEAR_OP, [WASM_PRICE_MEMORY_GROW] = NEAR_OP, [WASM_PRICE_TABLE_BULK] = NEAR_OP},
    .entry = NEAR_OP,
};

const char *meter_prices_version(const struct meter_prices *p) { return p->version; }
