// SPDX-License-Identifier: Apache-2.0
#include "wasm/meter.h"

#include "wasm/rewrite.h"

bool wasm_kind_of(struct slice bytes, enum wasm_kind *out, struct err *e) {
    static const uint8_t core[] = {0, 'a', 's', 'm', 1, 0, 0, 0}, component[] = {0, 'a', 's', 'm', 0x0d, 0, 1, 0};
    bool is_core = slice_starts(bytes, slice_of(core, sizeof core));
    if (!is_core && !slice_starts(bytes, slice_of(component, sizeof component)))
        return err_set(e, ERR_INVALID, "not a WebAssembly module or component of a known version");
    *out = is_core ? WASM_CORE : WASM_COMPONENT;
    return true;
}

// One flag for each function that is exported under a realloc's name and has its type.
static bool mark_reallocs(const struct wasm_module *m, const struct meter_reallocs *reallocs, bool *is, struct err *e) {
    static const uint8_t four[] = {WASM_I32, WASM_I32, WASM_I32, WASM_I32};
    struct wasm_reader r = wasm_reader_of(m->known[WASM_SECTION_EXPORT].body, m->known[WASM_SECTION_EXPORT].offset);
    uint32_t n = 0, index;
    if (r.start && reallocs->count && !wasm_read_u32(&r, &n, e))
        return false;
    while (n--) {
        struct slice name;
        uint8_t kind = 0;
        if (!wasm_read_vec(&r, &name, e) || !wasm_read_byte(&r, &kind, e) || !wasm_read_u32(&r, &index, e))
            return false;
        if (kind != 0 || index >= m->function_count || !meter_is_realloc(reallocs, name))
            continue;
        const struct wasm_functype *f = &m->types[m->functions[index]];
        is[index] = slice_eq(slice_of(f->params, f->param_count), slice_of(four, sizeof four)) &&
                    slice_eq(slice_of(f->results, f->result_count), slice_of(four, 1));
    }
    return true;
}

// The code section, rewritten, into *body.
static bool rewrite_code(struct meter_target *t, struct meter_work *work, const bool *is_realloc, struct buf *body,
                         struct err *e) {
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
    struct meter_near_totals totals = {0};
    SCOPED_BUF(one, WASM_BODY_MAX);
    bool ok = true;
    for (uint32_t i = 0; ok && i < count; i++) {
        struct slice entry;
        uint64_t where = wasm_offset(&r);
        ok = wasm_read_vec(&r, &entry, e) &&
             meter_body_analyse(&b, m, t->p, m->imported_functions + i, is_realloc[m->imported_functions + i], entry,
                                wasm_offset(&r) - entry.len, e) &&
             (t->p->near ? meter_near_accept_body(&totals, &b, e) : meter_work_add_body(work, &b, e));
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

bool meter_rewrite_core(struct slice module, uint64_t offset, struct meter_whole *whole, struct buf *out,
                        struct err *e) {
    SCOPED_ARENA(a);
    const struct meter_prices *p = whole->p;
    struct wasm_module m;
    if (!wasm_module_parse(&m, a, module, offset, e) || (p->near && !meter_near_accept(&m, e)))
        return false;
    struct meter_target t = {.m = &m,
                             .p = p,
                             .memory = m.memory_count,
                             .gas = m.global_count,
                             .stack = m.global_count + 1,
                             .type_of = arena_calloc(a, m.type_count, sizeof(uint32_t)),
                             .added = arena_calloc(a, m.type_count, sizeof(uint32_t))};
    if (!whole->work.bytes)
        whole->work.bytes = m.known[WASM_SECTION_CODE].body.len;
    SCOPED_BUF(code, METER_OUTPUT_MAX);
    SCOPED_BUF(hints, METER_OUTPUT_MAX);
    t.hints = p->near ? NULL : &hints;
    bool *is_realloc = arena_calloc(a, m.function_count, sizeof *is_realloc);
    if (!mark_reallocs(&m, &whole->reallocs, is_realloc, e) || !rewrite_code(&t, &whole->work, is_realloc, &code, e))
        return false;
    return meter_put_module(&t, &code, out, e);
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
    struct meter_whole whole = {.p = p};
    if (kind == WASM_CORE ? !meter_rewrite_core(module, 0, &whole, out, e)
                          : !meter_rewrite_component(module, &whole, out, e))
        return !p->near || !e || meter_near_name(e) ? false : err_hint(e, "Deserialization");
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

bool meter_page_charge(struct meter_page *page, uint64_t n) {
    if (page->open <= METER_EXHAUSTED / 2)
        return false;
    int64_t left = page->open - (int64_t)(n < METER_LIMIT_MAX ? n : METER_LIMIT_MAX);
    if (left < 0) { // as in the rewritten code: the next slice, of all that is left
        int64_t all = left + page->reserve;
        if (all < 0) {
            page->open = METER_EXHAUSTED;
            return false;
        }
        page->reserve = all > page->slice ? all - page->slice : 0;
        left = all - page->reserve;
    }
    page->open = left;
    return true;
}

bool meter_page_exhausted(const struct meter_page *page) {
    int64_t reserve = __atomic_load_n(&page->reserve, __ATOMIC_RELAXED);
    int64_t open = __atomic_load_n(&page->open, __ATOMIC_RELAXED);
    return open <= METER_EXHAUSTED / 2 || (open < 0 && reserve >= 0 && open + reserve < 0);
}
