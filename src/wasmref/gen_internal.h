// SPDX-License-Identifier: Apache-2.0
// Inside the generator: one module in the making. gen.c makes what stands in functions, gen_module.c what is around
// them.
#pragma once
#include "base/err.h"
#include "wasmref/gen.h"

enum { I32 = 0x7f, I64 = 0x7e, F32 = 0x7d, F64 = 0x7c, V128 = 0x7b, FUNCREF = 0x70 };
enum { IMPORTS = 2, TYPES_MAX = 12, LABELS_MAX = 40, LOCALS_MAX = 64, TABLE_SIZE = 12, PASSIVE_BYTES = 40 };

struct type {
    uint8_t params[4], results[3];
    uint32_t param_count, result_count;
};

struct label {
    const uint8_t *types; // what a branch to it carries
    uint32_t count;
};

struct gen {
    uint64_t seed;
    struct gen_module *out;
    bool near, memory, deep; // deep: recursion is allowed
    struct type types[TYPES_MAX];
    uint32_t type_count;
    uint32_t function_type[32], functions;
    // the function at hand
    uint32_t self;
    struct buf *b;
    uint8_t locals[LOCALS_MAX];
    uint32_t local_count, counters; // counters of loops follow the other locals
    struct label labels[LABELS_MAX];
    uint32_t depth;
    int budget;
};

static inline uint32_t below(struct gen *g, uint32_t n) { return (uint32_t)(gen_next(&g->seed) % n); }
static inline bool chance(struct gen *g, uint32_t percent) { return below(g, 100) < percent; }

static inline void put(struct buf *b, uint8_t c) { buf_add_byte(b, c); }
static inline void u32(struct buf *b, uint32_t n) {
    for (; n >= 0x80; n >>= 7)
        put(b, (uint8_t)(n | 0x80));
    put(b, (uint8_t)n);
}
static inline void s64(struct buf *b, int64_t n) {
    while (n < -64 || n > 63) {
        put(b, (uint8_t)((n & 0x7f) | 0x80));
        n >>= 7;
    }
    put(b, (uint8_t)(n & 0x7f));
}

uint8_t any_type(struct gen *g);
// A function's instructions, with g->budget and g->depth set: the label around them, statements, the values at the end.
void push_label(struct gen *g, const uint8_t *types, uint32_t count);
void statement(struct gen *g, int depth);
void values(struct gen *g, const struct label *l, int depth);
void op(struct gen *g, uint32_t code);
