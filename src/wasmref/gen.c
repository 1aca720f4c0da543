// SPDX-License-Identifier: Apache-2.0
#include "wasmref/gen.h"

#include "wasmref/gen_internal.h"

uint64_t gen_next(uint64_t *s) {
    uint64_t z = (*s += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void op(struct gen *g, uint32_t code) {
    if (code > 0xff)
        put(g->b, (uint8_t)(code >> 8));
    if (code >= 0xfc00)
        u32(g->b, code & 0xff);
    else
        put(g->b, (uint8_t)code);
}
static void op1(struct gen *g, uint32_t code, uint32_t x) {
    op(g, code);
    u32(g->b, x);
}
static void i32_const(struct gen *g, int32_t n) {
    op(g, 0x41);
    s64(g->b, n);
}

static void expr(struct gen *g, uint8_t t, int depth);
static void stmts(struct gen *g, int depth) {
    for (uint32_t n = below(g, 4); n; n--)
        statement(g, depth);
}

uint8_t any_type(struct gen *g) {
    static const uint8_t all[] = {I32, I64, F32, F64, I32, I64, FUNCREF, V128};
    return all[below(g, g->near ? 7 : 8)];
}

static void constant(struct gen *g, uint8_t t) {
    static const int64_t edges[] = {0, 1, -1, INT32_MIN, INT32_MAX, INT64_MIN, INT64_MAX, 31, 64};
    int64_t n = chance(g, 20) ? edges[below(g, ARRAY_LEN(edges))] : (int64_t)below(g, 1000) - 200;
    float f = chance(g, 10) ? __builtin_inff() : (float)n / 8;
    double d = chance(g, 10) ? __builtin_nan("") : (double)n / 16;
    switch (t) {
    case I32: i32_const(g, (int32_t)n); return;
    case I64:
        op(g, 0x42);
        s64(g->b, n);
        return;
    case F32:
        op(g, 0x43);
        buf_add(g->b, &f, 4);
        return;
    case F64:
        op(g, 0x44);
        buf_add(g->b, &d, 8);
        return;
    case V128:
        op(g, 0xfd0c);
        for (int i = 0; i < 16; i++)
            put(g->b, (uint8_t)below(g, 256));
        return;
    default:
        if (chance(g, 50)) // only functions that are exported may be named
            op1(g, 0xd2, IMPORTS + below(g, g->functions));
        else {
            op(g, 0xd0);
            put(g->b, FUNCREF);
        }
    }
}

// A local of the type, or -1.
static int local_of(struct gen *g, uint8_t t) {
    uint32_t at = below(g, g->local_count + 1);
    for (uint32_t i = 0; i < g->local_count; i++)
        if (g->locals[(at + i) % g->local_count] == t)
            return (int)((at + i) % g->local_count);
    return -1;
}

static void leaf(struct gen *g, uint8_t t) {
    int local = local_of(g, t);
    if (local >= 0 && chance(g, 60))
        op1(g, 0x20, (uint32_t)local);
    else if (t >= F64 && t <= I32 && chance(g, 20))
        op1(g, 0x23, (uint32_t)(I32 - t));
    else
        constant(g, t);
}

// Numeric operators: first and last opcode, result, operands.
static const struct row {
    uint16_t first, last;
    uint8_t result, a, b;
} rows[] = {
    {0x45, 0x45, I32, I32, 0},          {0x46, 0x4f, I32, I32, I32},        {0x50, 0x50, I32, I64, 0},
    {0x51, 0x5a, I32, I64, I64},        {0x5b, 0x60, I32, F32, F32},        {0x61, 0x66, I32, F64, F64},
    {0x67, 0x69, I32, I32, 0},          {0x6a, 0x78, I32, I32, I32},        {0x79, 0x7b, I64, I64, 0},
    {0x7c, 0x8a, I64, I64, I64},        {0x8b, 0x91, F32, F32, 0},          {0x92, 0x98, F32, F32, F32},
    {0x99, 0x9f, F64, F64, 0},          {0xa0, 0xa6, F64, F64, F64},        {0xa7, 0xa7, I32, I64, 0},
    {0xa8, 0xa9, I32, F32, 0},          {0xaa, 0xab, I32, F64, 0},          {0xac, 0xad, I64, I32, 0},
    {0xae, 0xaf, I64, F32, 0},          {0xb0, 0xb1, I64, F64, 0},          {0xb2, 0xb3, F32, I32, 0},
    {0xb4, 0xb5, F32, I64, 0},          {0xb6, 0xb6, F32, F64, 0},          {0xb7, 0xb8, F64, I32, 0},
    {0xb9, 0xba, F64, I64, 0},          {0xbb, 0xbb, F64, F32, 0},          {0xbc, 0xbc, I32, F32, 0},
    {0xbd, 0xbd, I64, F64, 0},          {0xbe, 0xbe, F32, I32, 0},          {0xbf, 0xbf, F64, I64, 0},
    {0xc0, 0xc1, I32, I32, 0},          {0xc2, 0xc4, I64, I64, 0},          {0xfc00, 0xfc01, I32, F32, 0},
    {0xfc02, 0xfc03, I32, F64, 0},      {0xfc04, 0xfc05, I64, F32, 0},      {0xfc06, 0xfc07, I64, F64, 0},
    {0xfd4d, 0xfd4d, V128, V128, 0},    {0xfd4e, 0xfd4e, V128, V128, V128}, {0xfd51, 0xfd51, V128, V128, V128},
    {0xfd6e, 0xfd6e, V128, V128, V128}, {0xfdae, 0xfdae, V128, V128, V128}, {0xfdb5, 0xfdb5, V128, V128, V128},
    {0xfd0f, 0xfd0f, V128, I32, 0},     {0xfd11, 0xfd11, V128, I32, 0},     {0xfd12, 0xfd12, V128, I64, 0},
    {0xfd53, 0xfd53, I32, V128, 0},
};

static void numeric(struct gen *g, uint8_t t, int depth) {
    const struct row *r;
    do
        r = &rows[below(g, ARRAY_LEN(rows))];
    while (r->result != t || (g->near && (r->a == V128 || r->result == V128)));
    uint32_t code = r->first + below(g, (uint32_t)(r->last - r->first + 1));
    bool truncates = (code >= 0xa8 && code <= 0xab) || (code >= 0xae && code <= 0xb1);
    bool divides = (code >= 0x6d && code <= 0x70) || (code >= 0x7f && code <= 0x82);
    if (truncates && chance(g, 95)) { // of a small whole number it does not trap
        expr(g, I32, depth);
        i32_const(g, 0xffff);
        op(g, 0x71);
        op(g, r->a == F32 ? 0xb3 : 0xb8);
    } else
        expr(g, r->a, depth);
    if (r->b)
        expr(g, r->b, depth);
    if (divides && chance(g, 95)) { // by an odd and positive number it does not trap
        constant(g, t);
        op(g, t == I32 ? 0x71 : 0x83);
        op(g, t == I32 ? 0x41 : 0x42);
        s64(g->b, 1);
        op(g, t == I32 ? 0x72 : 0x84);
        op(g, t == I32 ? 0x41 : 0x42);
        s64(g->b, t == I32 ? INT32_MAX : INT64_MAX);
        op(g, t == I32 ? 0x71 : 0x83);
    }
    op(g, code);
}

// A number in [0, mask], or rarely any.
static void masked(struct gen *g, uint32_t mask, int depth, uint32_t wild) {
    expr(g, I32, depth);
    if (chance(g, wild))
        return;
    i32_const(g, (int32_t)mask);
    op(g, 0x71);
}

static void mem_op(struct gen *g, uint32_t code, uint32_t align) {
    op1(g, code, below(g, align + 1));
    u32(g->b, chance(g, 2) ? 0xffff0000 : below(g, 64));
}

static void load(struct gen *g, uint8_t t, int depth) {
    static const uint8_t i32s[] = {0x28, 0x2c, 0x2d, 0x2e, 0x2f}, i32a[] = {2, 0, 0, 1, 1};
    static const uint8_t i64s[] = {0x29, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35}, i64a[] = {3, 0, 0, 1, 1, 2, 2};
    masked(g, 0x7fff, depth, 1);
    uint32_t k = below(g, t == I32 ? 5 : 7);
    if (t == I32)
        mem_op(g, i32s[k], i32a[k]);
    else if (t == I64)
        mem_op(g, i64s[k], i64a[k]);
    else if (t == V128)
        mem_op(g, chance(g, 50) ? 0xfd00 : 0xfd0a, 3);
    else
        mem_op(g, t == F32 ? 0x2a : 0x2b, 2);
}

static void store(struct gen *g, int depth) {
    static const uint8_t codes[] = {0x36, 0x37, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e};
    static const uint8_t aligns[] = {2, 3, 2, 3, 0, 1, 0, 1, 2},
                         types[] = {I32, I64, F32, F64, I32, I32, I64, I64, I64};
    masked(g, 0x7fff, depth, 1);
    if (!g->near && chance(g, 20)) {
        expr(g, V128, depth);
        bool lane = chance(g, 50);
        mem_op(g, lane ? 0xfd5a : 0xfd0b, 2);
        if (lane)
            put(g->b, (uint8_t)below(g, 4));
        return;
    }
    uint32_t k = below(g, ARRAY_LEN(codes));
    expr(g, types[k], depth);
    mem_op(g, codes[k], aligns[k]);
}

void push_label(struct gen *g, const uint8_t *types, uint32_t count) {
    BUG_ON(g->depth == LABELS_MAX);
    g->labels[g->depth++] = (struct label){types, count};
}

static const uint8_t one_type[] = {0x6f, 0x70, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7c, 0x7d, 0x7e, 0x7f};
static const uint8_t *type_cell(uint8_t t) {
    for (size_t i = 0; i < ARRAY_LEN(one_type); i++)
        if (one_type[i] == t)
            return &one_type[i];
    return NULL;
}

// block, loop or if/else that leaves a value of the type.
static void block_expr(struct gen *g, uint8_t t, int depth) {
    uint32_t kind = below(g, 3);
    if (kind == 2)
        expr(g, I32, depth);
    op(g, 2 + kind);
    put(g->b, t);
    push_label(g, type_cell(t), kind == 1 ? 0 : 1);
    stmts(g, depth);
    expr(g, t, depth);
    if (kind == 2) {
        op(g, 0x05);
        stmts(g, depth);
        expr(g, t, depth);
    }
    op(g, 0x0b);
    g->depth--;
}

// A function with that one result that may be called from here: a later one, or any where recursion is allowed.
static int callee(struct gen *g, const uint8_t *results, uint32_t count) {
    uint32_t first = g->deep ? 0 : g->self + 1;
    if (first >= g->functions)
        return -1;
    uint32_t n = g->functions - first, at = below(g, n);
    for (uint32_t i = 0; i < n; i++) {
        const struct type *t = &g->types[g->function_type[first + (at + i) % n]];
        if (t->result_count == count && !memcmp(t->results, results, count))
            return (int)(first + (at + i) % n);
    }
    return -1;
}

static void arguments(struct gen *g, const struct type *t, int depth) {
    for (uint32_t i = 0; i < t->param_count; i++)
        expr(g, t->params[i], depth);
}

static bool call(struct gen *g, const uint8_t *results, uint32_t count, int depth) {
    int f = callee(g, results, count);
    if (f < 0)
        return false;
    uint32_t type = g->function_type[f];
    arguments(g, &g->types[type], depth);
    if (g->deep && chance(g, 40)) { // through the table
        masked(g, 7, depth, 2);
        op1(g, 0x11, type);
        u32(g->b, 0);
    } else
        op1(g, 0x10, IMPORTS + (uint32_t)f);
    return true;
}

static void note(struct gen *g, int depth) {
    expr(g, I32, depth);
    op1(g, 0x10, 0);
}

static void lanes(struct gen *g, uint8_t t, int depth) {
    if (t == V128 && chance(g, 50)) {
        expr(g, V128, depth);
        expr(g, V128, depth);
        op(g, 0xfd0d);
        for (int i = 0; i < 16; i++)
            put(g->b, (uint8_t)below(g, 32));
    } else if (t == V128 && g->memory && chance(g, 50)) {
        masked(g, 0x7fff, depth, 1);
        expr(g, V128, depth);
        mem_op(g, 0xfd54, 0);
        put(g->b, (uint8_t)below(g, 16));
    } else if (t == V128) {
        expr(g, V128, depth);
        expr(g, I32, depth);
        op1(g, 0xfd1c, below(g, 4));
    } else {
        expr(g, V128, depth);
        op(g, t == I64 ? 0xfd1d : chance(g, 50) ? 0xfd1b : 0xfd16);
        put(g->b, (uint8_t)below(g, 2));
    }
}

// What only a 32-bit number can come from.
static bool i32_only(struct gen *g, int depth) {
    switch (below(g, 6)) {
    case 0: note(g, depth); return true;
    case 1:
        if (!g->memory)
            return false;
        masked(g, 1, depth, 20);
        op1(g, 0x40, 0);
        return true;
    case 2:
        if (!g->memory)
            return false;
        op1(g, 0x3f, 0);
        return true;
    case 3: op1(g, 0xfc10, 0); return true;
    case 4:
        expr(g, FUNCREF, depth);
        op(g, 0xd1);
        return true;
    default:
        expr(g, FUNCREF, depth);
        masked(g, 3, depth, 0);
        op1(g, 0xfc0f, 0);
        return true;
    }
}

static void choose(struct gen *g, uint8_t t, int depth) {
    expr(g, t, depth);
    expr(g, t, depth);
    expr(g, I32, depth);
    if (t == FUNCREF || chance(g, 30)) {
        op1(g, 0x1c, 1);
        put(g->b, t);
    } else
        op(g, 0x1b);
}

static bool branch_value(struct gen *g, uint8_t t, int depth) {
    for (uint32_t d = 0; d < g->depth; d++) {
        const struct label *l = &g->labels[g->depth - 1 - d];
        if (l->count != 1 || l->types[0] != t || chance(g, 30))
            continue;
        expr(g, t, depth);
        expr(g, I32, depth);
        op1(g, 0x0d, d);
        return true;
    }
    return false;
}

static void expr(struct gen *g, uint8_t t, int depth) {
    if (depth <= 0 || g->budget-- <= 0) {
        leaf(g, t);
        return;
    }
    depth--;
    int local = local_of(g, t);
    bool vector = t == V128 || ((t == I32 || t == I64) && !g->near);
    switch (below(g, 14)) {
    case 0: leaf(g, t); return;
    case 1: block_expr(g, t, depth); return;
    case 2: choose(g, t, depth); return;
    case 3:
        if (call(g, &t, 1, depth))
            return;
        break;
    case 4:
        if (branch_value(g, t, depth))
            return;
        break;
    case 5:
        if (t == I32 && i32_only(g, depth))
            return;
        break;
    case 6:
        if (vector && chance(g, 40)) {
            lanes(g, t, depth);
            return;
        }
        break;
    case 7:
        if (local < 0)
            break;
        expr(g, t, depth);
        op1(g, 0x22, (uint32_t)local);
        return;
    case 8:
    case 9:
        if (!g->memory || t == FUNCREF)
            break;
        load(g, t, depth);
        return;
    default: break;
    }
    if (t != FUNCREF) {
        numeric(g, t, depth);
    } else {
        masked(g, 7, depth, 3);
        op1(g, 0x25, 0);
    }
}

// --- statements ---------------------------------------------------------------------------------------------------

static void counted_loop(struct gen *g, int depth) {
    uint32_t counter = g->local_count + g->counters++;
    i32_const(g, 1 + (int32_t)below(g, 8));
    op1(g, 0x21, counter);
    op1(g, 0x03, 0x40);
    push_label(g, NULL, 0);
    stmts(g, depth);
    statement(g, depth);
    op1(g, 0x20, counter);
    i32_const(g, 1);
    op(g, 0x6b);
    op1(g, 0x22, counter);
    op1(g, 0x0d, 0);
    op(g, 0x0b);
    g->depth--;
}

static void block_stmt(struct gen *g, int depth) {
    uint32_t kind = below(g, 3);
    if (kind == 2)
        expr(g, I32, depth);
    op1(g, 2 + kind, 0x40);
    push_label(g, NULL, 0);
    stmts(g, depth);
    if (kind == 2 && chance(g, 60)) {
        op(g, 0x05);
        stmts(g, depth);
    }
    op(g, 0x0b);
    g->depth--;
}

void values(struct gen *g, const struct label *l, int depth) {
    for (uint32_t i = 0; i < l->count; i++)
        expr(g, l->types[i], depth);
}

// br, br_if, br_table or return, with the values that go along. What follows may be dead code.
static void jump(struct gen *g, int depth) {
    uint32_t d = below(g, g->depth);
    const struct label *l = &g->labels[g->depth - 1 - d];
    uint32_t kind = below(g, 10);
    if (kind == 0) {
        values(g, &g->labels[0], depth);
        op(g, 0x0f);
        return;
    }
    values(g, l, depth);
    if (kind <= 2) {
        op1(g, 0x0c, d);
        return;
    }
    expr(g, I32, depth);
    if (kind <= 8) {
        op1(g, 0x0d, d);
        for (uint32_t i = 0; i < l->count; i++)
            op(g, 0x1a);
        return;
    }
    uint32_t n = below(g, 5);
    op1(g, 0x0e, n);
    for (uint32_t i = 0; i <= n; i++) { // labels of the same arity and types only
        uint32_t other = below(g, g->depth);
        const struct label *o = &g->labels[g->depth - 1 - other];
        bool same = o->count == l->count && (!l->count || !memcmp(o->types, l->types, l->count));
        u32(g->b, same ? other : d);
    }
}

static void bulk_memory(struct gen *g, int depth) {
    masked(g, 0x7fff, depth, 2);
    switch (below(g, 4)) {
    case 0:
        masked(g, 15, depth, 2);
        masked(g, 15, depth, 2);
        op1(g, 0xfc08, 1);
        u32(g->b, 0);
        return;
    case 1:
        masked(g, 0x7fff, depth, 2);
        masked(g, 255, depth, 2);
        op1(g, 0xfc0a, 0);
        u32(g->b, 0);
        return;
    case 2:
        expr(g, I32, depth);
        masked(g, 0x3ff, depth, 2);
        op1(g, 0xfc0b, 0);
        return;
    default:
        op(g, 0x1a);
        if (chance(g, 20))
            op1(g, 0xfc09, 1);
    }
}

static void bulk_table(struct gen *g, int depth) {
    masked(g, 7, depth, 2);
    switch (below(g, 5)) {
    case 0:
        masked(g, 1, depth, 2);
        masked(g, 1, depth, 2);
        op1(g, 0xfc0c, 1);
        u32(g->b, 0);
        return;
    case 1:
        masked(g, 7, depth, 2);
        masked(g, 3, depth, 2);
        op1(g, 0xfc0e, 0);
        u32(g->b, 0);
        return;
    case 2:
        expr(g, FUNCREF, depth);
        masked(g, 3, depth, 2);
        op1(g, 0xfc11, 0);
        return;
    case 3:
        expr(g, FUNCREF, depth);
        op1(g, 0x26, 0);
        return;
    default:
        op(g, 0x1a);
        if (chance(g, 20))
            op1(g, 0xfc0d, 1);
    }
}

// A call whose results, however many, are dropped.
static void call_stmt(struct gen *g, int depth) {
    uint32_t k = below(g, g->functions);
    const struct type *t = &g->types[g->function_type[k]];
    if (call(g, t->results, t->result_count, depth))
        for (uint32_t i = 0; i < t->result_count; i++)
            op(g, 0x1a);
}

// A block with parameters and several results, by a type's index.
static void wide_block(struct gen *g, int depth) {
    uint32_t k = below(g, g->type_count);
    const struct type *t = &g->types[k];
    if (g->near || !t->result_count)
        return;
    arguments(g, t, depth);
    op(g, 0x02);
    s64(g->b, k);
    push_label(g, t->results, t->result_count);
    for (uint32_t i = 0; i < t->param_count; i++)
        op(g, 0x1a);
    stmts(g, depth);
    values(g, &g->labels[g->depth - 1], depth);
    op(g, 0x0b);
    g->depth--;
    for (uint32_t i = 0; i < t->result_count; i++)
        op(g, 0x1a);
}

static void assign(struct gen *g, int depth) {
    if (g->local_count && chance(g, 70)) {
        uint32_t i = below(g, g->local_count);
        expr(g, g->locals[i], depth);
        op1(g, 0x21, i);
        return;
    }
    uint32_t i = below(g, 4);
    expr(g, (uint8_t)(I32 - i), depth);
    op1(g, 0x24, i);
}

void statement(struct gen *g, int depth) {
    if (depth <= 0 || g->budget-- <= 0) {
        op(g, 0x01);
        return;
    }
    depth--;
    switch (below(g, 14)) {
    case 0:
        expr(g, any_type(g), depth);
        op(g, 0x1a);
        return;
    case 1:
    case 2: assign(g, depth); return;
    case 3:
        if (g->memory)
            store(g, depth);
        return;
    case 4: block_stmt(g, depth); return;
    case 5:
    case 6:
        if (g->local_count + g->counters < LOCALS_MAX)
            counted_loop(g, depth);
        return;
    case 7: jump(g, depth); return;
    case 8:
        if (g->memory)
            bulk_memory(g, depth);
        return;
    case 9: bulk_table(g, depth); return;
    case 10: call_stmt(g, depth); return;
    case 11: wide_block(g, depth); return;
    case 12:
        note(g, depth);
        op(g, 0x1a);
        return;
    default:
        if (chance(g, 4))
            op(g, 0x00);
        else if (chance(g, 3))
            op1(g, 0x10, 1);
        else
            op(g, 0x01);
    }
}
