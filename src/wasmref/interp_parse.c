// SPDX-License-Identifier: Apache-2.0
#include "wasmref/interp.h"

#include "base/err.h"

uint64_t ref_leb(const uint8_t **p) {
    uint64_t v = 0;
    for (int shift = 0;; shift += 7) {
        uint8_t b = *(*p)++;
        v |= (uint64_t)(b & 0x7f) << shift;
        if (b < 0x80)
            return v;
    }
}

int64_t ref_sleb(const uint8_t **p) {
    uint64_t v = 0;
    for (int shift = 0;;) {
        uint8_t b = *(*p)++;
        v |= (uint64_t)(b & 0x7f) << shift;
        shift += 7;
        if (b < 0x80) {
            if ((b & 0x40) && shift < 64)
                v |= ~(uint64_t)0 << shift;
            return (int64_t)v;
        }
    }
}

uint32_t ref_op(const uint8_t **p) {
    uint32_t op = *(*p)++;
    if (op == 0xfc || op == 0xfd)
        op = op << 8 | (uint32_t)ref_leb(p);
    return op;
}

static void skip_numbers(const uint8_t **p, unsigned n) {
    while (n--)
        ref_leb(p);
}

static void skip_bulk(const uint8_t **p, uint32_t op) {
    static const uint8_t numbers[] = {0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2, 1, 2, 1, 2, 1, 1, 1};
    skip_numbers(p, numbers[op & 0xff]);
}

static void skip_simd(const uint8_t **p, uint32_t op) {
    op &= 0xff;
    if (op <= 11 || op == 0x5c || op == 0x5d)
        skip_numbers(p, 2);
    else if (op == 12 || op == 13)
        *p += 16;
    else if (op >= 0x15 && op <= 0x22)
        ++*p;
    else if (op >= 0x54 && op <= 0x5b) {
        skip_numbers(p, 2);
        ++*p;
    }
}

void ref_skip(const uint8_t **p, uint32_t op) {
    if (op >= 0xfd00)
        skip_simd(p, op);
    else if (op >= 0xfc00)
        skip_bulk(p, op);
    else if (op >= 2 && op <= 4)
        ref_sleb(p);
    else if (op == 0x0e)
        skip_numbers(p, (unsigned)ref_leb(p) + 1);
    else if (op == 0x11 || (op >= 0x28 && op <= 0x3e))
        skip_numbers(p, 2);
    else if (op == 0x1c)
        *p += ref_leb(p);
    else if (op == 0x0c || op == 0x0d || op == 0x10 || (op >= 0x20 && op <= 0x26) || op == 0x3f || op == 0x40 ||
             op == 0xd0 || op == 0xd2)
        ref_leb(p);
    else if (op == 0x41 || op == 0x42)
        ref_sleb(p);
    else if (op == 0x43)
        *p += 4;
    else if (op == 0x44)
        *p += 8;
}

static struct slice read_name(const uint8_t **p) {
    size_t n = (size_t)ref_leb(p);
    struct slice s = slice_of(*p, n);
    *p += n;
    return s;
}

static void parse_types(struct ref_module *m, const uint8_t *p) {
    m->type_count = (uint32_t)ref_leb(&p);
    m->types = arena_calloc(m->arena, m->type_count, sizeof *m->types);
    for (uint32_t i = 0; i < m->type_count; i++) {
        p++;
        struct slice params = read_name(&p), results = read_name(&p);
        m->types[i] = (struct ref_functype){params.ptr, results.ptr, (uint32_t)params.len, (uint32_t)results.len};
    }
}

static void read_table(struct ref_module *m, const uint8_t **p) {
    struct ref_table *t = &m->tables[m->table_count++];
    t->type = *(*p)++;
    bool has_max = *(*p)++;
    t->size = (uint32_t)ref_leb(p);
    t->max = has_max ? (uint32_t)ref_leb(p) : UINT32_MAX;
}

static void read_memory(struct ref_module *m, const uint8_t **p) {
    bool has_max = *(*p)++;
    m->has_memory = true;
    m->pages = (uint32_t)ref_leb(p);
    m->max_pages = has_max ? (uint32_t)ref_leb(p) : 65536;
}

// Only functions are imported here.
static void parse_imports(struct ref_module *m, const uint8_t *p) {
    uint32_t n = (uint32_t)ref_leb(&p);
    for (uint32_t i = 0; i < n; i++) {
        read_name(&p);
        struct slice name = read_name(&p);
        BUG_ON(*p++ != 0);
        m->functions[m->function_count++] =
            (struct ref_function){.type = &m->types[ref_leb(&p)], .imported = true, .import = name};
    }
    m->imported = n;
}

static void parse_functions(struct ref_module *m, const uint8_t *p) {
    uint32_t n = (uint32_t)ref_leb(&p);
    for (uint32_t i = 0; i < n; i++)
        m->functions[m->function_count++] = (struct ref_function){.type = &m->types[ref_leb(&p)]};
}

// One operator of a constant expression, from whose stack it takes what it computes with.
static union ref_value constant_step(struct ref_module *m, const uint8_t **p, uint32_t op, const union ref_value *top) {
    union ref_value v = {.i64 = 0};
    switch (op) {
    case 0x23: return m->globals[ref_leb(p)];
    case 0x41: v.i32 = (uint32_t)ref_sleb(p); break;
    case 0x42: v.i64 = (uint64_t)ref_sleb(p); break;
    case 0x43:
    case 0x44:
        memcpy(&v, *p, op == 0x43 ? 4 : 8);
        *p += op == 0x43 ? 4 : 8;
        break;
    case 0x6a: v.i32 = top[-1].i32 + top[0].i32; break;
    case 0x6b: v.i32 = top[-1].i32 - top[0].i32; break;
    case 0x6c: v.i32 = top[-1].i32 * top[0].i32; break;
    case 0x7c: v.i64 = top[-1].i64 + top[0].i64; break;
    case 0x7d: v.i64 = top[-1].i64 - top[0].i64; break;
    case 0x7e: v.i64 = top[-1].i64 * top[0].i64; break;
    case 0xd0: ++*p; break;
    case 0xd2: v.ref = ref_leb(p) + 1; break;
    case 0xfd0c:
        memcpy(v.v128, *p, 16);
        *p += 16;
        break;
    default: BUG_ON(true);
    }
    return v;
}

static union ref_value read_constant(struct ref_module *m, const uint8_t **p) {
    union ref_value stack[8] = {{.i64 = 0}};
    size_t top = 0;
    for (uint32_t op; (op = ref_op(p)) != 0x0b;) {
        bool takes = (op >= 0x6a && op <= 0x6c) || (op >= 0x7c && op <= 0x7e);
        BUG_ON(top + 1 == ARRAY_LEN(stack) || (takes && top < 2));
        union ref_value v = constant_step(m, p, op, &stack[top]);
        top = takes ? top - 1 : top + 1;
        stack[top] = v;
    }
    return stack[top];
}

static void parse_globals(struct ref_module *m, const uint8_t *p) {
    uint32_t n = (uint32_t)ref_leb(&p);
    m->globals = arena_calloc(m->arena, n, sizeof *m->globals);
    m->global_types = arena_calloc(m->arena, n, 1);
    for (uint32_t i = 0; i < n; i++) {
        m->global_types[i] = *p;
        p += 2;
        m->globals[i] = read_constant(m, &p);
        m->global_count++;
    }
}

static void parse_exports(struct ref_module *m, const uint8_t *p) {
    m->export_count = (uint32_t)ref_leb(&p);
    m->exports = arena_calloc(m->arena, m->export_count, sizeof *m->exports);
    for (uint32_t i = 0; i < m->export_count; i++) {
        m->exports[i].name = read_name(&p);
        m->exports[i].kind = *p++;
        m->exports[i].index = (uint32_t)ref_leb(&p);
    }
}

// Forms 0 (active, table 0, functions) and 1 (passive, functions), and 5 (passive, expressions).
static void parse_elements(struct ref_module *m, const uint8_t *p) {
    m->element_count = (uint32_t)ref_leb(&p);
    m->elements = arena_calloc(m->arena, m->element_count, sizeof *m->elements);
    for (uint32_t i = 0; i < m->element_count; i++) {
        struct ref_segment *s = &m->elements[i];
        uint32_t form = (uint32_t)ref_leb(&p);
        s->active = form == 0;
        if (s->active)
            s->offset = read_constant(m, &p).i32;
        else
            p++; // kind or type
        s->count = (uint32_t)ref_leb(&p);
        s->refs = arena_calloc(m->arena, s->count, sizeof *s->refs);
        for (uint32_t k = 0; k < s->count; k++)
            s->refs[k] = form == 5 ? read_constant(m, &p).ref : ref_leb(&p) + 1;
    }
}

static void parse_data(struct ref_module *m, const uint8_t *p) {
    m->data_count = (uint32_t)ref_leb(&p);
    m->data = arena_calloc(m->arena, m->data_count, sizeof *m->data);
    for (uint32_t i = 0; i < m->data_count; i++) {
        struct ref_segment *s = &m->data[i];
        s->active = ref_leb(&p) == 0;
        if (s->active)
            s->offset = read_constant(m, &p).i32;
        struct slice bytes = read_name(&p);
        s->count = (uint32_t)bytes.len;
        s->bytes = bytes.ptr;
    }
}

static void parse_code(struct ref_module *m, const uint8_t *p) {
    uint32_t n = (uint32_t)ref_leb(&p);
    for (uint32_t i = 0; i < n; i++) {
        struct ref_function *f = &m->functions[m->imported + i];
        struct slice body = read_name(&p);
        const uint8_t *q = body.ptr;
        uint32_t groups = (uint32_t)ref_leb(&q);
        f->locals = arena_calloc(m->arena, 50000, 1);
        memcpy(f->locals, f->type->params, f->type->param_count);
        f->local_count = f->type->param_count;
        while (groups--) {
            uint32_t count = (uint32_t)ref_leb(&q);
            memset(f->locals + f->local_count, *q++, count);
            f->local_count += count;
        }
        f->code = q;
        f->code_len = (uint32_t)(body.ptr + body.len - q);
        ref_scan(m, f);
    }
}

bool ref_parse(struct ref_module *m, struct arena *a, struct slice bytes) {
    *m = (struct ref_module){.arena = a, .start = -1};
    m->functions = arena_calloc(a, 1000, sizeof *m->functions);
    const uint8_t *p = bytes.ptr + 8, *end = bytes.ptr + bytes.len;
    while (p < end) {
        uint8_t id = *p++;
        struct slice body = read_name(&p);
        const uint8_t *q = body.ptr;
        switch (id) {
        case 1: parse_types(m, q); break;
        case 2: parse_imports(m, q); break;
        case 3: parse_functions(m, q); break;
        case 4:
            for (uint32_t n = (uint32_t)ref_leb(&q); n; n--)
                read_table(m, &q);
            break;
        case 5:
            if (ref_leb(&q))
                read_memory(m, &q);
            break;
        case 6: parse_globals(m, q); break;
        case 7: parse_exports(m, q); break;
        case 8: m->start = (int64_t)ref_leb(&q); break;
        case 9: parse_elements(m, q); break;
        case 10: parse_code(m, q); break;
        case 11: parse_data(m, q); break;
        default: break;
        }
    }
    return p == end;
}
