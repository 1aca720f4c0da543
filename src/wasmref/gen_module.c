// SPDX-License-Identifier: Apache-2.0
// Types, functions, exports, tables and data of a generated module.
#include "wasmref/gen_internal.h"

static void section(struct buf *out, uint8_t id, const struct buf *body) {
    put(out, id);
    u32(out, (uint32_t)body->len);
    buf_add(out, body->ptr, body->len);
}

static void name(struct buf *b, const char *s) {
    u32(b, (uint32_t)strlen(s));
    buf_add_str(b, s);
}

static void make_types(struct gen *g, struct buf *out) {
    SCOPED_BUF(b, 1 << 16);
    g->types[0] = (struct type){.params = {I32}, .param_count = 1, .results = {I32}, .result_count = 1};
    g->types[1] = (struct type){.param_count = 0};
    g->type_count = 4 + below(g, TYPES_MAX - 4);
    for (uint32_t i = 2; i < g->type_count; i++) {
        struct type *t = &g->types[i];
        t->param_count = below(g, 5);
        t->result_count = below(g, g->near ? 2 : 4);
        for (uint32_t k = 0; k < t->param_count; k++)
            t->params[k] = (uint8_t)(I32 - below(g, 4));
        for (uint32_t k = 0; k < t->result_count; k++)
            t->results[k] = (uint8_t)(I32 - below(g, 4));
    }
    u32(&b, g->type_count);
    for (uint32_t i = 0; i < g->type_count; i++) {
        const struct type *t = &g->types[i];
        put(&b, 0x60);
        u32(&b, t->param_count);
        buf_add(&b, t->params, t->param_count);
        u32(&b, t->result_count);
        buf_add(&b, t->results, t->result_count);
    }
    section(out, 1, &b);
}

static void make_heads(struct gen *g, struct buf *out) {
    SCOPED_BUF(b, 1 << 16);
    u32(&b, IMPORTS);
    name(&b, "env");
    name(&b, "note");
    buf_add(&b, "\0\0", 2);
    name(&b, "env");
    name(&b, "exit");
    buf_add(&b, "\0\1", 2);
    section(out, 2, &b);
    buf_clear(&b);
    g->functions = 2 + below(g, 6);
    u32(&b, g->functions);
    for (uint32_t i = 0; i < g->functions; i++) {
        g->function_type[i] = i == 0 ? 1 : below(g, g->type_count); // the first may be the start function
        u32(&b, g->function_type[i]);
    }
    section(out, 3, &b);
    buf_clear(&b);
    buf_add(&b, "\1\x70", 2);
    bool max = chance(g, 50);
    put(&b, max);
    u32(&b, TABLE_SIZE);
    if (max)
        u32(&b, TABLE_SIZE + 5);
    section(out, 4, &b);
    if (g->memory)
        buf_add(out, chance(g, 50) ? "\5\4\1\1\1\3" : "\5\4\1\1\2\4", 6);
    static const uint8_t globals[] =
        "\4\x7f\1\x41\x2a\x0b\x7e\1\x42\x2a\x0b\x7d\1\x43\0\0\x80\x3f\x0b\x7c\1\x44\0\0\0\0\0\0\xf0\x3f\x0b";
    static const uint8_t computed[] = // the first as (40 + 1) * 2 - 40, the second likewise
        "\4\x7f\1\x41\x28\x41\1\x6a\x41\2\x6c\x41\x28\x6b\x0b"
        "\x7e\1\x42\x28\x42\1\x7c\x42\2\x7e\x42\x28\x7d\x0b"
        "\x7d\1\x43\0\0\x80\x3f\x0b\x7c\1\x44\0\0\0\0\0\0\xf0\x3f\x0b";
    buf_clear(&b);
    if (!g->near && chance(g, 50))
        buf_add(&b, computed, sizeof computed - 1);
    else
        buf_add(&b, globals, sizeof globals - 1);
    section(out, 6, &b);
}

static void make_exports(struct gen *g, struct buf *out) {
    SCOPED_BUF(b, 1 << 16);
    u32(&b, g->functions + 4 + g->memory);
    for (uint32_t i = 0; i < g->functions; i++) {
        char text[16];
        snprintf(text, sizeof text, "f%u", i);
        name(&b, text);
        put(&b, 0);
        u32(&b, IMPORTS + i);
    }
    for (uint32_t i = 0; i < 4; i++) {
        char text[] = {'g', (char)('0' + i), 0};
        name(&b, text);
        put(&b, 3);
        u32(&b, i);
    }
    if (g->memory) {
        name(&b, "m");
        buf_add(&b, "\2\0", 2);
    }
    section(out, 7, &b);
    if (chance(g, 10)) {
        buf_clear(&b);
        u32(&b, IMPORTS);
        section(out, 8, &b);
    }
}

static void make_elements(struct gen *g, struct buf *out) {
    SCOPED_BUF(b, 1 << 16);
    buf_add(&b, "\2\0\x41\1\x0b", 5); // active from slot 1
    u32(&b, 5);
    for (int i = 0; i < 5; i++)
        u32(&b, below(g, IMPORTS + g->functions));
    buf_add(&b, "\5\x70\2\xd2", 4); // passive, expressions
    u32(&b, below(g, IMPORTS + g->functions));
    buf_add(&b, "\x0b\xd0\x70\x0b", 4);
    section(out, 9, &b);
    if (g->memory)
        buf_add(out, "\x0c\1\2", 3);
}

static void make_body(struct gen *g, uint32_t self, struct buf *code) {
    SCOPED_BUF(body, 1 << 20);
    SCOPED_BUF(entry, 1 << 20);
    const struct type *t = &g->types[g->function_type[self]];
    g->self = self;
    g->b = &body;
    g->counters = 0;
    memcpy(g->locals, t->params, t->param_count);
    g->local_count = t->param_count + below(g, 6);
    for (uint32_t i = t->param_count; i < g->local_count; i++)
        g->locals[i] = any_type(g);
    g->depth = 0;
    g->budget = 20 + (int)below(g, 120);
    push_label(g, t->results, t->result_count);
    for (uint32_t n = 1 + below(g, 5); n; n--)
        statement(g, 5);
    values(g, &g->labels[0], 3);
    op(g, 0x0b);
    u32(&entry, g->local_count - t->param_count + (g->counters ? 1 : 0));
    for (uint32_t i = t->param_count; i < g->local_count; i++) {
        put(&entry, 1);
        put(&entry, g->locals[i]);
    }
    if (g->counters) {
        u32(&entry, g->counters);
        put(&entry, I32);
    }
    buf_add(&entry, body.ptr, body.len);
    u32(code, (uint32_t)entry.len);
    buf_add(code, entry.ptr, entry.len);
}

static void make_data(struct gen *g, struct buf *out) {
    SCOPED_BUF(b, 1 << 16);
    buf_add(&b, "\2\0\x41\x10\x0b", 5);
    u32(&b, PASSIVE_BYTES);
    for (int i = 0; i < PASSIVE_BYTES; i++)
        put(&b, (uint8_t)below(g, 256));
    put(&b, 1);
    u32(&b, PASSIVE_BYTES);
    for (int i = 0; i < PASSIVE_BYTES; i++)
        put(&b, (uint8_t)below(g, 256));
    section(out, 11, &b);
}

void gen_make(uint64_t seed, struct buf *out, struct gen_module *m) {
    struct gen g = {.seed = seed, .out = m};
    g.near = chance(&g, 50);
    g.memory = chance(&g, 90);
    g.deep = chance(&g, 30);
    buf_add(out, "\0asm\1\0\0\0", 8);
    make_types(&g, out);
    make_heads(&g, out);
    make_exports(&g, out);
    make_elements(&g, out);
    SCOPED_BUF(code, 1 << 22);
    u32(&code, g.functions);
    for (uint32_t i = 0; i < g.functions; i++)
        make_body(&g, i, &code);
    section(out, 10, &code);
    if (g.memory)
        make_data(&g, out);
    *m = (struct gen_module){.near = g.near, .functions = g.functions};
    for (uint32_t i = 0; i < g.functions; i++) {
        const struct type *t = &g.types[g.function_type[i]];
        m->param_count[i] = t->param_count;
        memcpy(m->params[i], t->params, t->param_count);
    }
}
