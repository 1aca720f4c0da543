// SPDX-License-Identifier: Apache-2.0
// Inside the rewriter: what a price list is, what is found out about a function's body, and the steps from one to the
// other. Callers use wasm/meter.h.
#pragma once
#include "base/buf.h"
#include "wasm/meter.h"
#include "wasm/module.h"

#define METER_OUTPUT_MAX (256u << 20) // bytes of one core module after rewriting

struct meter_prices {
    const char *version;
    bool near; // exact gas in globals, NEAR's acceptance rules; otherwise slices of the counter page
    uint64_t cost[WASM_PRICE_CLASSES];
    uint64_t unit[WASM_PRICE_CLASSES]; // for each byte, page or element of the operand
    uint64_t entry;                    // of a function; NEAR: for each 8 bytes of its frame
    uint64_t realloc;                  // for each byte that a component's `realloc` is asked for
};

// Most that may be owed when a function returns; beyond it a look at the counter precedes the return.
#define METER_OVERRUN_EXIT 2048

enum meter_point_kind {
    METER_CHARGE, // `cost` for what follows up to the next point
    METER_SAVE,   // before a call: the counter goes where the callee finds it
    METER_RELOAD, // after it, and at the start of a body; charges as well
    METER_UNITS,  // before an operator with a length on top of the stack: `cost` for each unit of it
    METER_SIZE,   // at the start of a `realloc`: `cost` for each byte that it is asked for
    METER_RETURN, // in place of `return`: a branch to the function's end, `cost` levels up
};

struct meter_point {
    uint32_t at; // offset in the body's code
    uint8_t kind;
    bool look; // whether the counter is used up is tested here
    uint64_t cost;
};

// One label inside a body.
struct meter_frame {
    uint8_t kind;       // WASM_OP_BLOCK, _LOOP, _IF, _ELSE; 0: the function itself
    bool targeted;      // a branch goes to its end
    bool live_before;   // control reaches its start
    uint64_t owed;      // most that may be owed on the ways to its end so far
    uint64_t owed_else; // on the way into the else part
    size_t height;      // NEAR: operands below it
    bool dead;          // NEAR: behind a jump, where operands are not counted
    uint8_t result;     // NEAR: value type of its result, 0: none
};

// What a body will cost the compiler, as far as it can be told by counting.
struct meter_shape {
    uint64_t bytes;
    uint64_t joins;    // places where ways meet: blocks, loops, ifs, targets of br_tables
    uint64_t accesses; // of locals
    uint64_t values;   // units of those that calls and blocks take and give
    uint64_t branches; // each target of a br_table is one
    uint64_t widest;   // values of the widest label
};

struct meter_body {
    uint32_t index; // of the function
    const struct wasm_functype *type;
    struct slice decls, code; // declarations of locals (without their count); operators with the last `end`
    uint64_t entry_offset, decls_offset, code_offset;
    uint32_t decl_count, locals; // locals: parameters included
    struct meter_point *points;
    size_t point_count, point_room;
    struct meter_frame *frames;
    size_t frame_count, frame_room;
    bool wrapped;                          // something leaves by a branch to the function's label
    bool units;                            // has METER_UNITS
    bool look_at_end;                      // test before returning
    uint32_t blocks;                       // block, loop, if
    uint64_t locals_bytes, operands_bytes; // NEAR's stack accounting: all locals; operands at most
    uint64_t operands_now;                 // for it: operands on the stack
    uint8_t *operands;                     // and the size of each
    size_t operand_count, operand_room;
    uint8_t *local_types; // and the type of each local
    size_t local_room;
    struct meter_shape shape;
};
void meter_body_release(struct meter_body *b);

// LEB128 at the end of a buffer.
void meter_put_u32(struct buf *out, uint32_t n);
void meter_put_i64(struct buf *out, int64_t n);

// What the emitted code needs to know of the module.
struct meter_target {
    const struct wasm_module *m;
    const struct meter_prices *p;
    uint32_t memory;     // ours: index of the private memory
    uint32_t gas, stack; // NEAR: indices of the two globals
    // Types added behind the module's own, for blocks with several results: type_of[i] is one without the parameters
    // of type i (0: not made yet).
    uint32_t *type_of;
    uint32_t *added; // the types that they were made from
    uint32_t added_count;
    // For the engine: where the added ifs stand, none of which is likely; entries of a section of branch hints.
    struct buf *hints;
    uint32_t hinted; // functions
};
// Appends the body, rewritten, as an entry of the code section without its length.
void meter_body_emit(struct meter_target *t, const struct meter_body *b, struct buf *out);

// Parses one entry of the code section and finds its points. `b` may be used again for the next one. realloc: the
// function is a component's, see below.
[[nodiscard]] bool meter_body_analyse(struct meter_body *b, const struct wasm_module *m, const struct meter_prices *p,
                                      uint32_t index, bool realloc, struct slice entry, uint64_t offset, struct err *e);

// --- work.c: what the compiler will have to do -------------------------------------------------------------------
#define METER_WORK_FREE 1000000  // units that any module may take: about a second
#define METER_WORK_PER_BYTE 8    // more for each byte of code
#define METER_WORK_MAX 100000000 // and never more than this
#define METER_WORK_FUNCTION 100
#define METER_WORK_INSTANCE 300
#define METER_WORK_ADAPTER 50
struct meter_work {
    uint64_t units, bytes; // bytes: of a core module's code; of a whole component
};
// Each false once there is too much: ERR_LIMIT with a sentence.
[[nodiscard]] bool meter_work_add_body(struct meter_work *w, const struct meter_body *b, struct err *e);
[[nodiscard]] bool meter_work_add_component(struct meter_work *w, struct slice component, struct err *e);
uint64_t meter_work_values(uint64_t n); // units of n values at once

// --- realloc.c: where strings and lists reach a module ------------------------------------------------------------
#define METER_REALLOCS_MAX 64
struct meter_reallocs { // names under which modules export them; they point into the component
    struct slice names[METER_REALLOCS_MAX];
    size_t count;
};
[[nodiscard]] bool meter_find_reallocs(struct slice component, struct meter_reallocs *out, struct err *e);
bool meter_is_realloc(const struct meter_reallocs *r, struct slice name);

// What holds for all parts of a file.
struct meter_whole {
    const struct meter_prices *p;
    struct meter_reallocs reallocs;
    struct meter_work work;
};
// Both append to *out; `offset` is that of the first byte in the file.
[[nodiscard]] bool meter_rewrite_core(struct slice module, uint64_t offset, struct meter_whole *whole, struct buf *out,
                                      struct err *e);
[[nodiscard]] bool meter_rewrite_component(struct slice component, struct meter_whole *whole, struct buf *out,
                                           struct err *e);

// --- near.c: what NEAR accepts, and its operand stack -------------------------------------------------------------
#define METER_NEAR_TABLE_ELEMENTS 10000
struct meter_near_totals { // of a contract so far
    uint64_t locals, blocks;
};
[[nodiscard]] bool meter_near_accept(const struct wasm_module *m, struct err *e);
[[nodiscard]] bool meter_near_accept_body(struct meter_near_totals *t, const struct meter_body *b, struct err *e);
[[nodiscard]] bool meter_near_accept_instr(const struct wasm_instr *in, uint64_t offset, struct err *e);
// Before the operator is taken by the control stack; and after a block, loop or if has made its frame.
void meter_near_step(struct meter_body *b, const struct wasm_module *m, const struct wasm_instr *in);
void meter_near_start_frame(struct meter_body *b, const struct wasm_instr *in);
// Whether the hint is one of NEAR's names other than "Deserialization".
bool meter_near_name(const struct err *e);

// --- sections.c: the module around the bodies ----------------------------------------------------------------------
[[nodiscard]] bool meter_put_module(struct meter_target *t, const struct buf *code, struct buf *out, struct err *e);
