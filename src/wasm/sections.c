// SPDX-License-Identifier: Apache-2.0
// The rewritten module, section by section in the order that the format demands.
#include "wasm/rewrite.h"

static void put_section(struct buf *out, uint8_t id, const struct buf *body) {
    buf_add_byte(out, id);
    meter_put_u32(out, (uint32_t)body->len);
    buf_add_slice(out, buf_slice(body));
}

// `count` entries are there and `more` follow: a new count, then the old entries as they stand.
static void put_grown(struct buf *body, const struct wasm_section *s, uint32_t count, uint32_t more) {
    struct wasm_reader r = wasm_reader_of(s->body, s->offset);
    uint32_t old = 0;
    meter_put_u32(body, count + more);
    if (r.start && wasm_read_u32(&r, &old, NULL))
        buf_add(body, r.at, wasm_left(&r));
}

static void put_types(struct buf *body, const struct meter_target *t) {
    const struct wasm_module *m = t->m;
    put_grown(body, &m->known[WASM_SECTION_TYPE], m->type_count, t->added_count);
    for (uint32_t i = 0; i < t->added_count; i++) {
        const struct wasm_functype *f = &m->types[t->added[i]];
        buf_add_byte(body, 0x60);
        buf_add_byte(body, 0);
        meter_put_u32(body, f->result_count);
        buf_add(body, f->results, f->result_count);
    }
}

// Tables are host memory: each gets a maximum, and together they stay within twice WASM_TABLE_ELEMENTS_MAX.
static void put_tables(struct buf *body, const struct meter_target *t) {
    const struct wasm_module *m = t->m;
    uint32_t own = 0;
    for (uint32_t i = 0; i < m->table_count; i++)
        own += !m->tables[i].imported;
    meter_put_u32(body, own);
    for (uint32_t i = 0; i < m->table_count; i++) {
        const struct wasm_table *table = &m->tables[i];
        if (table->imported)
            continue;
        uint32_t cap = t->p->near ? METER_NEAR_TABLE_ELEMENTS : WASM_TABLE_ELEMENTS_MAX / own;
        if (cap < table->min)
            cap = table->min;
        buf_add_byte(body, table->type);
        buf_add_byte(body, 1);
        meter_put_u32(body, table->min);
        meter_put_u32(body, table->max < cap ? table->max : cap);
    }
}

// Ours: the private memory behind the module's own, with 64-bit addresses and exactly one page. NEAR: its one memory.
static void put_memory(struct buf *body, const struct meter_target *t) {
    const struct wasm_module *m = t->m;
    if (t->p->near) {
        meter_put_u32(body, 1);
        buf_add_byte(body, 1);
        meter_put_u32(body, METER_NEAR_PAGES);
        meter_put_u32(body, METER_NEAR_PAGES_MAX);
        return;
    }
    put_grown(body, &m->known[WASM_SECTION_MEMORY], m->memory_count - m->imported_memory, 1);
    buf_add_byte(body, 5);
    buf_add_byte(body, 1);
    buf_add_byte(body, 1);
}

// NEAR: gas and stack, mutable i64.
static void put_globals(struct buf *body, const struct meter_target *t) {
    const struct wasm_module *m = t->m;
    const int64_t start[] = {0, METER_NEAR_STACK_LIMIT};
    put_grown(body, &m->known[WASM_SECTION_GLOBAL], m->global_count - m->imported_globals, 2);
    for (size_t i = 0; i < ARRAY_LEN(start); i++) {
        buf_add_byte(body, WASM_I64);
        buf_add_byte(body, 1);
        buf_add_byte(body, 0x42); // i64.const
        meter_put_i64(body, start[i]);
        buf_add_byte(body, WASM_OP_END);
    }
}

enum { EXPORT_FUNCTION, EXPORT_TABLE, EXPORT_MEMORY, EXPORT_GLOBAL };

static void put_export(struct buf *body, const char *prefix, struct slice name, uint8_t kind, uint32_t index) {
    meter_put_u32(body, (uint32_t)(strlen(prefix) + name.len));
    buf_add_str(body, prefix);
    buf_add_slice(body, name);
    buf_add_byte(body, kind);
    meter_put_u32(body, index);
}

// The contract's own exports under a prefix, without its memory. Gives how many there are.
static bool put_own_exports(struct buf *body, const struct wasm_section *s, uint32_t *put, struct err *e) {
    struct wasm_reader r = wasm_reader_of(s->body, s->offset);
    uint32_t count = 0;
    if (r.start && !wasm_read_count(&r, "exports", 3, WASM_FUNCTIONS_MAX, &count, e))
        return false;
    *put = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct slice name;
        uint8_t kind = 0;
        uint32_t index;
        if (!wasm_read_vec(&r, &name, e) || !wasm_read_byte(&r, &kind, e) || !wasm_read_u32(&r, &index, e))
            return false;
        if (kind == EXPORT_MEMORY)
            continue;
        put_export(body, METER_NEAR_PREFIX, name, kind, index);
        ++*put;
    }
    return true;
}

static bool put_exports(struct buf *body, const struct meter_target *t, struct err *e) {
    SCOPED_BUF(own, METER_OUTPUT_MAX);
    const struct wasm_section *known = t->m->known;
    uint32_t count, start = 0;
    if (!put_own_exports(&own, &known[WASM_SECTION_EXPORT], &count, e))
        return false;
    struct wasm_reader r = wasm_reader_of(known[WASM_SECTION_START].body, known[WASM_SECTION_START].offset);
    if (r.start && !wasm_read_u32(&r, &start, e))
        return false;
    meter_put_u32(body, count + 3 + (r.start ? 1 : 0));
    buf_add_slice(body, buf_slice(&own));
    put_export(body, "", SLICE_LIT(METER_NEAR_GAS), EXPORT_GLOBAL, t->gas);
    put_export(body, "", SLICE_LIT(METER_NEAR_STACK), EXPORT_GLOBAL, t->stack);
    put_export(body, "", SLICE_LIT(METER_NEAR_MEMORY), EXPORT_MEMORY, 0);
    if (r.start)
        put_export(body, "", SLICE_LIT(METER_NEAR_START), EXPORT_FUNCTION, start);
    return true;
}

// Writes the new form of a section into *body; false where it stays as it is, or leaves the module (*drop).
static bool renew(const struct meter_target *t, unsigned id, struct buf *body, bool *drop, bool *ok, struct err *e) {
    bool near = t->p->near;
    bool there = t->m->known[id].header.ptr;
    switch (id) {
    case WASM_SECTION_TYPE: put_types(body, t); return there;
    case WASM_SECTION_TABLE: put_tables(body, t); return there;
    case WASM_SECTION_MEMORY: put_memory(body, t); return true;
    case WASM_SECTION_GLOBAL:
        if (near)
            put_globals(body, t);
        return near;
    case WASM_SECTION_EXPORT:
        if (near)
            *ok = put_exports(body, t, e);
        return near;
    case WASM_SECTION_START: *drop = near; return false;
    }
    return false;
}

// Function names and the like survive the rewriting; any other custom section may hold offsets into the code.
static void put_names(struct buf *out, const struct wasm_module *m) {
    for (size_t i = 0; i < m->section_count; i++) {
        const struct wasm_section *s = &m->sections[i];
        struct wasm_reader r = wasm_reader_of(s->body, s->offset);
        struct slice name;
        if (s->id != WASM_SECTION_CUSTOM || !wasm_read_vec(&r, &name, NULL) || !slice_eq_str(name, "name"))
            continue;
        buf_add_slice(out, s->header);
        buf_add_slice(out, s->body);
    }
}

static void put_hints(struct buf *out, const struct meter_target *t) {
    static const char name[] = "metadata.code.branch_hint";
    SCOPED_BUF(body, METER_OUTPUT_MAX);
    if (!t->hinted)
        return;
    meter_put_u32(&body, (uint32_t)strlen(name));
    buf_add_str(&body, name);
    meter_put_u32(&body, t->hinted);
    buf_add_slice(&body, buf_slice(t->hints));
    if (!body.full) // they may be left out
        put_section(out, WASM_SECTION_CUSTOM, &body);
}

bool meter_put_module(struct meter_target *t, const struct buf *code, struct buf *out, struct err *e) {
    static const uint8_t order[] = {WASM_SECTION_TYPE,       WASM_SECTION_IMPORT, WASM_SECTION_FUNCTION,
                                    WASM_SECTION_TABLE,      WASM_SECTION_MEMORY, WASM_SECTION_GLOBAL,
                                    WASM_SECTION_EXPORT,     WASM_SECTION_START,  WASM_SECTION_ELEMENT,
                                    WASM_SECTION_DATA_COUNT, WASM_SECTION_CODE,   WASM_SECTION_DATA};
    buf_add(out, t->m->bytes.ptr, 8);
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        const struct wasm_section *s = &t->m->known[order[i]];
        SCOPED_BUF(body, METER_OUTPUT_MAX);
        bool drop = false, ok = true;
        if (order[i] == WASM_SECTION_CODE) {
            put_hints(out, t);
            if (s->header.ptr)
                put_section(out, order[i], code);
        } else if (renew(t, order[i], &body, &drop, &ok, e)) {
            if (!ok)
                return false;
            put_section(out, order[i], &body);
        } else if (!drop) {
            buf_add_slice(out, s->header);
            buf_add_slice(out, s->body);
        }
    }
    put_names(out, t->m);
    return true;
}
