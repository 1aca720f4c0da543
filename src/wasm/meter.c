// SPDX-License-Identifier: Apache-2.0
#include "wasm/meter.h"

#include "wasm/rewrite.h"

#define OUTPUT_MAX (256u << 20) // of one core module: what is added is bounded by what is there

bool wasm_kind_of(struct slice bytes, enum wasm_kind *out, struct err *e) {
    static const uint8_t core[] = {0, 'a', 's', 'm', 1, 0, 0, 0}, component[] = {0, 'a', 's', 'm', 0x0d, 0, 1, 0};
    bool is_core = slice_starts(bytes, slice_of(core, sizeof core));
    if (!is_core && !slice_starts(bytes, slice_of(component, sizeof component)))
        return err_set(e, ERR_INVALID, "not a WebAssembly module or component of a known version");
    *out = is_core ? WASM_CORE : WASM_COMPONENT;
    return true;
}

static void put_section(struct buf *out, uint8_t id, const struct buf *body) {
    buf_add_byte(out, id);
    meter_put_u32(out, (uint32_t)body->len);
    buf_add_slice(out, buf_slice(body));
}

// `count` entries more than there were: the old count is replaced, the old entries stay as they are.
static void put_grown(struct buf *body, const struct wasm_section *s, uint32_t count, uint32_t more) {
    struct wasm_reader r = wasm_reader_of(s->body, s->offset);
    uint32_t old = 0;
    if (r.start && !wasm_read_u32(&r, &old, NULL))
        return;
    meter_put_u32(body, count + more);
    buf_add(body, r.at, wasm_left(&r));
}

static void put_types(struct buf *out, const struct wasm_module *m, const struct meter_target *t) {
    SCOPED_BUF(body, OUTPUT_MAX);
    put_grown(&body, &m->known[WASM_SECTION_TYPE], m->type_count, t->added_count);
    for (uint32_t i = 0; i < t->added_count; i++) {
        const struct wasm_functype *f = &m->types[t->added[i]];
        buf_add_byte(&body, 0x60);
        buf_add_byte(&body, 0);
        meter_put_u32(&body, f->result_count);
        buf_add(&body, f->results, f->result_count);
    }
    put_section(out, WASM_SECTION_TYPE, &body);
}

// Tables are host memory: each gets a maximum, and together they stay within twice WASM_TABLE_ELEMENTS_MAX.
static void put_tables(struct buf *out, const struct wasm_module *m) {
    SCOPED_BUF(body, OUTPUT_MAX);
    uint32_t own = 0;
    for (uint32_t i = 0; i < m->table_count; i++)
        own += !m->tables[i].imported;
    meter_put_u32(&body, own);
    for (uint32_t i = 0; i < m->table_count; i++) {
        const struct wasm_table *t = &m->tables[i];
        if (t->imported)
            continue;
        uint32_t cap = WASM_TABLE_ELEMENTS_MAX / own;
        if (cap < t->min)
            cap = t->min;
        buf_add_byte(&body, t->type);
        buf_add_byte(&body, 1);
        meter_put_u32(&body, t->min);
        meter_put_u32(&body, t->max < cap ? t->max : cap);
    }
    put_section(out, WASM_SECTION_TABLE, &body);
}

// The private memory: 64-bit addresses, exactly one page.
static void put_memory(struct buf *out, const struct wasm_module *m) {
    SCOPED_BUF(body, OUTPUT_MAX);
    put_grown(&body, &m->known[WASM_SECTION_MEMORY], m->memory_count - m->imported_memory, 1);
    buf_add_byte(&body, 5);
    buf_add_byte(&body, 1);
    buf_add_byte(&body, 1);
    put_section(out, WASM_SECTION_MEMORY, &body);
}

// The code section, rewritten, into *body.
static bool rewrite_code(struct meter_target *t, struct buf *body, struct err *e) {
    const struct wasm_module *m = t->m;
    const struct wasm_section *s = &m->known[WASM_SECTION_CODE];
    uint32_t count = 0, own = m->function_count - m->imported_functions;
    struct wasm_reader r = wasm_reader_of(s->body, s->offset);
    if (r.start && !wasm_read_u32(&r, &count, e))
        return false;
    if (count != own)
        return wasm_refuse(e, ERR_INVALID, s->offset, "malformed module: %u bodies for %u functions", count, own);
    meter_put_u32(body, count);
    struct meter_body b = {0};
    SCOPED_BUF(one, WASM_BODY_MAX);
    bool ok = true;
    for (uint32_t i = 0; ok && i < count; i++) {
        struct slice entry;
        uint64_t where = wasm_offset(&r);
        ok = wasm_read_vec(&r, &entry, e) &&
             meter_body_analyse(&b, m, t->p, m->imported_functions + i, entry, wasm_offset(&r) - entry.len, e);
        if (!ok)
            break;
        buf_clear(&one);
        meter_body_emit(t, &b, &one);
        meter_put_u32(body, (uint32_t)one.len);
        buf_add_slice(body, buf_slice(&one));
        if (one.full || body->full)
            ok = wasm_refuse(e, ERR_LIMIT, where, "function %u is too large to be metered", b.index);
    }
    meter_body_release(&b);
    return ok && (r.at == r.end ||
                  wasm_refuse(e, ERR_INVALID, wasm_offset(&r), "malformed module: code after the last body"));
}

// What stands in the names survives the rewriting; anything else may hold offsets into the code.
static bool kept(const struct wasm_section *s) {
    struct wasm_reader r = wasm_reader_of(s->body, s->offset);
    struct slice name;
    return wasm_read_vec(&r, &name, NULL) && slice_eq_str(name, "name");
}

static void put_sections(struct meter_target *t, const struct buf *code, struct buf *out) {
    const struct wasm_module *m = t->m;
    bool memory = false; // the memory section has been written
    for (size_t i = 0; i < m->section_count; i++) {
        const struct wasm_section *s = &m->sections[i];
        if (s->id == WASM_SECTION_CUSTOM && !kept(s))
            continue;
        if (!memory && (s->id == WASM_SECTION_MEMORY || (s->id > WASM_SECTION_MEMORY))) {
            put_memory(out, m);
            memory = true;
        }
        if (s->id == WASM_SECTION_TYPE) {
            put_types(out, m, t);
        } else if (s->id == WASM_SECTION_TABLE) {
            put_tables(out, m);
        } else if (s->id == WASM_SECTION_CODE) {
            put_section(out, WASM_SECTION_CODE, code);
        } else if (s->id != WASM_SECTION_MEMORY) {
            buf_add_slice(out, s->header);
            buf_add_slice(out, s->body);
        }
    }
    if (!memory)
        put_memory(out, m);
}

bool meter_rewrite_core(struct slice module, uint64_t offset, const struct meter_prices *p, struct buf *out,
                        struct err *e) {
    SCOPED_ARENA(a);
    struct wasm_module m;
    if (!wasm_module_parse(a, module, offset, &m, e))
        return false;
    struct meter_target t = {.m = &m,
                             .p = p,
                             .memory = m.memory_count,
                             .gas = m.global_count,
                             .stack = m.global_count + 1,
                             .type_of = arena_calloc(a, m.type_count, sizeof(uint32_t)),
                             .added = arena_calloc(a, m.type_count, sizeof(uint32_t))};
    SCOPED_BUF(code, OUTPUT_MAX);
    if (!rewrite_code(&t, &code, e))
        return false;
    buf_add(out, module.ptr, 8);
    put_sections(&t, &code, out);
    return true;
}

bool meter_rewrite(struct slice module, const struct meter_prices *p, struct buf *out, struct err *e) {
    enum wasm_kind kind;
    if (!wasm_kind_of(module, &kind, e))
        return false;
    if (module.len > METER_MODULE_MAX)
        return err_set(e, ERR_TOO_LARGE, "a module of %zu bytes, at most %u are accepted", module.len,
                       METER_MODULE_MAX);
    if (kind == WASM_COMPONENT && p->near)
        return err_set(e, ERR_INVALID, "a contract is a core module, this is a component");
    if (kind == WASM_CORE ? !meter_rewrite_core(module, 0, p, out, e) : !meter_rewrite_component(module, p, out, e))
        return false;
    return !out->full || err_set(e, ERR_TOO_LARGE, "the metered module is larger than %zu bytes", out->cap);
}

void meter_page_init(struct meter_page *page, uint64_t limit) {
    BUG_ON(limit > METER_LIMIT_MAX);
    *page = (struct meter_page){.reserve = (int64_t)limit, .slice = METER_SLICE};
}

uint64_t meter_page_used(const struct meter_page *page, uint64_t limit, bool clean) {
    int64_t reserve = __atomic_load_n(&page->reserve, __ATOMIC_RELAXED);
    int64_t open = __atomic_load_n(&page->open, __ATOMIC_RELAXED);
    int64_t most = limit > METER_LIMIT_MAX ? (int64_t)METER_LIMIT_MAX : (int64_t)limit;
    if (open <= METER_EXHAUSTED / 2)
        return (uint64_t)most;
    if (reserve < 0 || reserve > most) // the page is the guest's victim at worst: whatever it says is clamped
        reserve = reserve < 0 ? 0 : most;
    if (open > most)
        open = most;
    bool started = reserve < most; // the first entry takes a slice before anything else
    int64_t used = most - reserve + (clean ? -open : started ? METER_OVERRUN : 0);
    return used < 0 ? 0 : used > most ? (uint64_t)most : (uint64_t)used;
}

bool meter_page_exhausted(const struct meter_page *page) {
    int64_t reserve = __atomic_load_n(&page->reserve, __ATOMIC_RELAXED);
    int64_t open = __atomic_load_n(&page->open, __ATOMIC_RELAXED);
    return open <= METER_EXHAUSTED / 2 || (open < 0 && reserve >= 0 && open + reserve < 0);
}
