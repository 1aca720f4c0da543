// SPDX-License-Identifier: Apache-2.0
// A plain interpreter of core modules, for tests: what a module computes, and what each step of it costs by both price
// lists. It decodes the original bytes by itself and shares no code and no table with the rewriter (src/wasm), so that
// both can only agree by both being right. Valid modules only; slow and simple.
#pragma once
#include "base/arena.h"

struct ref_functype {
    const uint8_t *params, *results;
    uint32_t param_count, result_count;
};

struct ref_function {
    const struct ref_functype *type;
    bool imported;
    struct slice import; // its name
    const uint8_t *code; // first operator
    uint32_t code_len;
    uint8_t *locals; // type of each, parameters included
    uint32_t local_count;
    uint32_t *end_of, *else_of; // by the offset behind a block, loop or if: offset behind its end; of its else, 0: none
    uint64_t operand_bytes;     // NEAR: most bytes of operands at once
};

struct ref_segment {
    bool active, dropped;
    uint32_t count, offset, table;
    const uint8_t *bytes; // data
    uint64_t *refs;       // elements
};

struct ref_export {
    struct slice name;
    uint8_t kind;
    uint32_t index;
};

// A table slot or reference: 0 is null, else a function's index + 1.
union ref_value {
    uint32_t i32;
    uint64_t i64, ref;
    float f32;
    double f64;
    uint8_t v128[16];
};

struct ref_table {
    uint64_t *slots;
    uint32_t size, max;
    uint8_t type;
};

struct ref_module {
    struct arena *arena;
    struct ref_functype *types;
    uint32_t type_count;
    struct ref_function *functions;
    uint32_t function_count, imported;
    struct ref_table tables[8];
    uint32_t table_count;
    bool has_memory;
    uint32_t pages, max_pages; // as declared
    uint8_t *global_types;
    union ref_value *globals;
    uint32_t global_count;
    struct ref_export *exports;
    uint32_t export_count;
    struct ref_segment *elements, *data;
    uint32_t element_count, data_count;
    int64_t start; // function, -1: none
};

// The numbers are those of the engine's enum wasmtime_trap_code, so that both sides' traps can be compared.
enum ref_trap {
    REF_TRAP_MEMORY = 1,
    REF_TRAP_TABLE = 3,
    REF_TRAP_NULL = 4,
    REF_TRAP_SIGNATURE = 5,
    REF_TRAP_OVERFLOW = 6,
    REF_TRAP_DIVISION = 7,
    REF_TRAP_CONVERSION = 8,
    REF_TRAP_UNREACHABLE = 9,
};
enum ref_end {
    REF_RETURN,
    REF_TRAP,  // `trap` says which
    REF_EXIT,  // a host function ended the run
    REF_STEPS, // still running after max_steps
    REF_DEEP,  // more than max_depth calls
    REF_STACK, // NEAR's stack is exhausted
};

// What env.note charges by itself, after its event; now and then more than a slice.
#define REF_HOST_PRICE(arg) ((arg) % 5 ? 0 : (uint64_t)(arg) % 3000 * ((arg) % 10 ? 1 : 1000))

struct ref_event { // one host call
    uint32_t arg;
    uint64_t ours, near; // cost so far, the call included
};
#define REF_EVENTS_MAX 4096

struct ref_run {
    struct ref_module *m;
    bool near; // NEAR's memory and stack
    uint64_t max_steps;
    uint32_t max_depth;

    struct ref_label {
        uint32_t next; // where a branch to it goes on
        uint32_t arity, height;
        bool loop;
    } * labels;
    size_t label_count;
    uint8_t *memory;
    uint32_t pages, max_pages;
    union ref_value *stack;
    size_t top, room;
    uint64_t steps, ours, gas; // costs so far
    uint64_t host;             // of ours: what host functions charged
    int64_t stack_left;        // NEAR
    uint32_t depth;
    enum ref_end end;
    enum ref_trap trap;
    struct ref_event *events;
    size_t event_count;
};

[[nodiscard]] bool ref_parse(struct ref_module *out, struct arena *a, struct slice bytes);
// Instantiates (active segments, start function) and then calls exports; false once the run has ended otherwise than
// by returning: `end` and the costs tell. Memory is kept from call to call.
void ref_run_init(struct ref_run *r, struct ref_module *m, bool near);
void ref_run_release(struct ref_run *r);
bool ref_instantiate(struct ref_run *r);
bool ref_call_export(struct ref_run *r, const char *name, const union ref_value *args, union ref_value *results);

// --- inside the interpreter ---------------------------------------------------------------------------------------
uint64_t ref_leb(const uint8_t **p);           // unsigned
int64_t ref_sleb(const uint8_t **p);           // signed
uint32_t ref_op(const uint8_t **p);            // opcode, prefix << 8 | opcode behind a prefix byte
void ref_skip(const uint8_t **p, uint32_t op); // its immediates
void ref_scan(struct ref_module *m, struct ref_function *f);
bool ref_numeric(struct ref_run *r, uint32_t op); // 0x45-0xc4, 0xfc00-0xfc07
bool ref_simd(struct ref_run *r, uint32_t op, const uint8_t **p);
bool ref_trap(struct ref_run *r, enum ref_trap trap);
// Address of n bytes at the popped index + offset; NULL after a trap.
uint8_t *ref_address(struct ref_run *r, uint64_t offset, uint64_t n);
bool ref_call(struct ref_run *r, uint32_t index);

static inline void ref_push(struct ref_run *r, union ref_value v) { r->stack[r->top++] = v; }
static inline union ref_value ref_pop(struct ref_run *r) { return r->stack[--r->top]; }
static inline void ref_push32(struct ref_run *r, uint32_t v) { ref_push(r, (union ref_value){.i64 = v}); }
static inline void ref_push64(struct ref_run *r, uint64_t v) { ref_push(r, (union ref_value){.i64 = v}); }
