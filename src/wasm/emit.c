// SPDX-License-Identifier: Apache-2.0
// Writes a body again with the code that its points ask for.
#include "wasm/rewrite.h"

#define REALLOC_NEW_SIZE 3 // realloc(old pointer, old size, alignment, new size)
#define PAGE_AT(field) offsetof(struct meter_page, field)

void meter_put_u32(struct buf *out, uint32_t n) {
    do {
        uint8_t b = n & 0x7f;
        n >>= 7;
        buf_add_byte(out, (uint8_t)(n ? b | 0x80 : b));
    } while (n);
}

void meter_put_i64(struct buf *out, int64_t n) {
    for (bool more = true; more;) {
        uint8_t b = n & 0x7f;
        n >>= 7;
        more = !((n == 0 && !(b & 0x40)) || (n == -1 && (b & 0x40)));
        buf_add_byte(out, (uint8_t)(more ? b | 0x80 : b));
    }
}

enum {
    OP_I64_LOAD = 0x29,
    OP_I64_STORE = 0x37,
    OP_I64_CONST = 0x42,
    OP_I64_LT_S = 0x53,
    OP_I64_GT_S = 0x55,
    OP_I64_ADD = 0x7c,
    OP_I64_SUB = 0x7d,
    OP_I64_MUL = 0x7e,
    OP_I64_EXTEND_I32_U = 0xad,
    TYPE_NONE = 0x40,
};

// The body at hand: where it goes, and the locals that were added to it.
struct emit {
    struct meter_target *t;
    const struct meter_body *b;
    struct buf *out;
    uint32_t counter; // i64: what is left of the slice (ours)
    uint32_t units;   // i32: the length of a bulk operation
    struct buf hints;
    uint32_t hint_count;
};

static void op(struct emit *m, uint8_t code) { buf_add_byte(m->out, code); }

static void op_u32(struct emit *m, uint8_t code, uint32_t n) {
    op(m, code);
    meter_put_u32(m->out, n);
}

static void op_i64(struct emit *m, int64_t n) {
    op(m, OP_I64_CONST);
    meter_put_i64(m->out, n);
}

static void access_page(struct emit *m, uint8_t code, size_t field) {
    op(m, code);
    if (m->t->memory == 0) {
        op(m, 3);
    } else {
        op(m, 0x40 | 3); // alignment of 8, and a memory index follows
        meter_put_u32(m->out, m->t->memory);
    }
    meter_put_u32(m->out, (uint32_t)field);
}

// An if that is hardly ever taken: the engine puts its code out of the way. Offsets count from the body's start.
static void unlikely_if(struct emit *m) {
    meter_put_u32(&m->hints, (uint32_t)m->out->len);
    buf_add(&m->hints, "\1", 2); // a hint of one byte: 0, not taken
    m->hint_count++;
    op_u32(m, WASM_OP_IF, TYPE_NONE);
}

static void load_page(struct emit *m, size_t field) {
    op_i64(m, 0);
    access_page(m, OP_I64_LOAD, field);
}

static void stop(struct emit *m) { op(m, WASM_OP_UNREACHABLE); }

// The slow way, inline so that nothing in a loop has to survive a call: the counter is below zero and takes the next
// slice, of which it keeps min(slice, all that is left); nothing left is the end.
static void refill(struct emit *m) {
    op_u32(m, WASM_OP_LOCAL_GET, m->counter);
    load_page(m, PAGE_AT(reserve));
    op(m, OP_I64_ADD);
    op_u32(m, WASM_OP_LOCAL_TEE, m->counter); // all that is left
    op_i64(m, 0);
    op(m, OP_I64_LT_S);
    unlikely_if(m);
    op_i64(m, 0);
    op_i64(m, METER_EXHAUSTED);
    access_page(m, OP_I64_STORE, PAGE_AT(open));
    stop(m);
    op(m, WASM_OP_END);
    op_i64(m, 0);
    op_u32(m, WASM_OP_LOCAL_GET, m->counter);
    load_page(m, PAGE_AT(slice));
    op(m, OP_I64_SUB);
    op_i64(m, 0);
    op_u32(m, WASM_OP_LOCAL_GET, m->counter);
    load_page(m, PAGE_AT(slice));
    op(m, OP_I64_GT_S);
    op(m, WASM_OP_SELECT);
    access_page(m, OP_I64_STORE, PAGE_AT(reserve)); // max(all - slice, 0)
    op_u32(m, WASM_OP_LOCAL_GET, m->counter);
    load_page(m, PAGE_AT(reserve));
    op(m, OP_I64_SUB);
    op_u32(m, WASM_OP_LOCAL_SET, m->counter);
}

// The counter's new value is on the stack: keep it, and look whether it is used up.
static void keep(struct emit *m, bool look) {
    if (!look) {
        op_u32(m, WASM_OP_LOCAL_SET, m->counter);
        return;
    }
    op_u32(m, WASM_OP_LOCAL_TEE, m->counter);
    op_i64(m, 0);
    op(m, OP_I64_LT_S);
    unlikely_if(m);
    refill(m);
    op(m, WASM_OP_END);
}

static void subtract(struct emit *m, uint64_t cost) {
    if (!cost)
        return;
    op_i64(m, (int64_t)cost);
    op(m, OP_I64_SUB);
}

static void save(struct emit *m, bool look) {
    if (look) {
        op_u32(m, WASM_OP_LOCAL_GET, m->counter);
        keep(m, true);
    }
    op_i64(m, 0);
    op_u32(m, WASM_OP_LOCAL_GET, m->counter);
    access_page(m, OP_I64_STORE, PAGE_AT(open));
}

// The gas global's new value is on the stack.
static void keep_gas(struct emit *m) {
    op_u32(m, WASM_OP_GLOBAL_SET, m->t->gas);
    op_u32(m, WASM_OP_GLOBAL_GET, m->t->gas);
    op_i64(m, 0);
    op(m, OP_I64_LT_S);
    op_u32(m, WASM_OP_IF, TYPE_NONE);
    stop(m);
    op(m, WASM_OP_END);
}

static void get_counter(struct emit *m) {
    if (m->t->p->near)
        op_u32(m, WASM_OP_GLOBAL_GET, m->t->gas);
    else
        op_u32(m, WASM_OP_LOCAL_GET, m->counter);
}

static void set_counter(struct emit *m, bool look) {
    if (m->t->p->near)
        keep_gas(m);
    else
        keep(m, look);
}

// For each unit of the length in a local.
static void charge_length(struct emit *m, uint32_t local, uint64_t unit) {
    get_counter(m);
    op_u32(m, WASM_OP_LOCAL_GET, local);
    op(m, OP_I64_EXTEND_I32_U);
    if (unit != 1) {
        op_i64(m, (int64_t)unit);
        op(m, OP_I64_MUL);
    }
    op(m, OP_I64_SUB);
    set_counter(m, true);
}

// A length is on the stack and stays there.
static void charge_units(struct emit *m, uint64_t unit) {
    op_u32(m, WASM_OP_LOCAL_SET, m->units);
    charge_length(m, m->units, unit);
    op_u32(m, WASM_OP_LOCAL_GET, m->units);
}

static void emit_point(struct emit *m, const struct meter_point *p) {
    switch ((enum meter_point_kind)p->kind) {
    case METER_CHARGE:
        if (!p->cost && !p->look)
            return;
        get_counter(m);
        subtract(m, p->cost);
        set_counter(m, p->look);
        return;
    case METER_SAVE: save(m, p->look); return;
    case METER_RELOAD:
        load_page(m, PAGE_AT(open));
        subtract(m, p->cost);
        keep(m, p->look);
        return;
    case METER_UNITS: charge_units(m, p->cost); return;
    case METER_SIZE: charge_length(m, REALLOC_NEW_SIZE, p->cost); return;
    case METER_RETURN: op_u32(m, WASM_OP_BR, (uint32_t)p->cost); return;
    }
}

// The type of a block without parameters and with the function's results.
static void put_result_type(struct emit *m) {
    struct meter_target *t = m->t;
    const struct wasm_functype *f = m->b->type;
    if (f->result_count == 0) {
        op(m, TYPE_NONE);
        return;
    }
    if (f->result_count == 1) {
        op(m, f->results[0]);
        return;
    }
    uint32_t index = (uint32_t)(f - t->m->types);
    if (f->param_count) {
        if (!t->type_of[index]) {
            t->type_of[index] = t->m->type_count + t->added_count;
            t->added[t->added_count++] = index;
        }
        index = t->type_of[index];
    }
    meter_put_i64(m->out, index);
}

static uint64_t stack_bytes(const struct meter_body *b) { return 64 + b->locals_bytes + b->operands_bytes; }

static void take_stack(struct emit *m) {
    op_u32(m, WASM_OP_GLOBAL_GET, m->t->stack);
    subtract(m, stack_bytes(m->b));
    op_u32(m, WASM_OP_GLOBAL_SET, m->t->stack);
    op_u32(m, WASM_OP_GLOBAL_GET, m->t->stack);
    op_i64(m, 0);
    op(m, OP_I64_LT_S);
    op_u32(m, WASM_OP_IF, TYPE_NONE);
    stop(m);
    op(m, WASM_OP_END);
}

static void give_stack(struct emit *m) {
    op_u32(m, WASM_OP_GLOBAL_GET, m->t->stack);
    op_i64(m, (int64_t)stack_bytes(m->b));
    op(m, OP_I64_ADD);
    op_u32(m, WASM_OP_GLOBAL_SET, m->t->stack);
}

static void put_locals(struct emit *m) {
    bool counter = !m->t->p->near, units = m->b->units;
    meter_put_u32(m->out, m->b->decl_count + counter + units);
    buf_add_slice(m->out, m->b->decls);
    m->counter = m->b->locals;
    m->units = m->b->locals + counter;
    if (counter) {
        meter_put_u32(m->out, 1);
        op(m, WASM_I64);
    }
    if (units) {
        meter_put_u32(m->out, 1);
        op(m, WASM_I32);
    }
}

void meter_body_emit(struct meter_target *t, const struct meter_body *b, struct buf *out) {
    struct emit m = {.t = t, .b = b, .out = out, .hints = buf_init(WASM_BODY_MAX)};
    put_locals(&m);
    if (b->wrapped) {
        op(&m, WASM_OP_BLOCK);
        put_result_type(&m);
    }
    if (t->p->near)
        take_stack(&m);
    size_t done = 0;
    for (size_t i = 0; i < b->point_count; i++) {
        const struct meter_point *p = &b->points[i];
        buf_add(out, b->code.ptr + done, p->at - done);
        done = p->at;
        emit_point(&m, p);
        if (p->kind == METER_RETURN)
            done++; // the branch stands for it
    }
    buf_add(out, b->code.ptr + done, b->code.len - 1 - done);
    if (b->wrapped)
        op(&m, WASM_OP_END);
    if (t->p->near)
        give_stack(&m);
    else
        save(&m, b->look_at_end);
    op(&m, WASM_OP_END);
    if (m.hint_count && t->hints) {
        meter_put_u32(t->hints, b->index);
        meter_put_u32(t->hints, m.hint_count);
        buf_add_slice(t->hints, buf_slice(&m.hints));
        t->hinted++;
    }
    buf_free(&m.hints);
}
