// SPDX-License-Identifier: Apache-2.0
// How much work a module is for the compiler, told by counting before anything is compiled. The unit is about what a
// byte of ordinary code takes. Ordinary modules, from some kilobytes to tens of megabytes, need two to three units a
// byte; what needs many times that was made to keep the compiler busy.
#include "wasm/rewrite.h"

#define NESTING_MAX 16
enum { MODULE = 1, CORE_INSTANCE = 2, COMPONENT = 4, INSTANCE = 5, ALIAS = 6, CANON = 8, IMPORT = 10, EXPORT = 11 };
enum { SORT_CORE = 0, SORT_COMPONENT = 4, TARGET_OUTER = 2 };

// --- a budget

static uint64_t sum(uint64_t a, uint64_t b) { return a > UINT64_MAX - b ? UINT64_MAX : a + b; }

static uint64_t product(uint64_t a, uint64_t b) {
    uint64_t out;
    return __builtin_mul_overflow(a, b, &out) ? UINT64_MAX : out;
}

static bool add(struct meter_work *w, uint64_t units, const char *what, uint64_t where, struct err *e) {
    w->units = sum(w->units, units);
    uint64_t most = METER_WORK_FREE + METER_WORK_PER_BYTE * w->bytes;
    if (most > METER_WORK_MAX)
        most = METER_WORK_MAX;
    if (w->units <= most)
        return true;
    return wasm_refuse(e, ERR_LIMIT, where,
                       "compiling it is out of proportion: %llu units of work for %llu bytes of code, at most %llu are "
                       "accepted; it is %s",
                       (unsigned long long)w->units, (unsigned long long)w->bytes, (unsigned long long)most, what);
}

// A value that is one of many at once takes longer than one of a few.
static uint64_t values_cost(uint64_t count, uint64_t width) { return product(count, 1 + width / 16); }

bool meter_work_add_body(struct meter_work *w, const struct meter_body *b, struct err *e) {
    const struct meter_shape *s = &b->shape;
    uint64_t locals = b->locals < s->accesses ? b->locals : s->accesses;
    uint64_t where = b->entry_offset;
    return add(w, sum(s->bytes, METER_WORK_FUNCTION), "the number of its functions", where, e) &&
           add(w, product(sum(s->joins, s->branches), locals),
               "a function with too many locals for its blocks and branches, which stands", where, e) &&
           add(w, sum(s->values, values_cost(product(s->branches, s->widest), s->widest)),
               "a function with too many values on its calls, blocks and branches, which stands", where, e);
}

uint64_t meter_work_values(uint64_t n) { return values_cost(n, n); }

// --- what components come to when each instance is made

struct scope { // one component
    struct scope *outer;
    struct arena *arena;
    uint64_t *components; // units of each of its index space
    size_t count, room;
    uint64_t units; // of its own
};

static void push(struct scope *s, uint64_t units) {
    if (s->count == s->room) {
        uint64_t *more = arena_alloc(s->arena, (s->room = s->room ? 2 * s->room : 32) * sizeof *more);
        if (s->count)
            memcpy(more, s->components, s->count * sizeof *more);
        s->components = more;
    }
    s->components[s->count++] = units;
}

static bool component_of(const struct scope *s, uint32_t index, uint64_t where, uint64_t *units, struct err *e) {
    if (!s || index >= s->count)
        return wasm_refuse(e, ERR_INVALID, where, "malformed component: component %u does not exist, it is named",
                           index);
    *units = s->components[index];
    return true;
}

static bool handed_on(uint64_t where, struct err *e) {
    return wasm_refuse(e, ERR_INVALID, where, "a component that is handed to another one is not accepted, it is named");
}

// Both kinds of instances: made of a module or component, or of exports.
static bool read_instance(struct scope *s, struct wasm_reader *r, bool core, struct err *e) {
    uint64_t where = wasm_offset(r), units = 0;
    uint8_t kind = 0, byte = 0;
    uint32_t index, n;
    if (!wasm_read_byte(r, &kind, e) || (kind == 0 && !wasm_read_u32(r, &index, e)))
        return false;
    if (kind == 0 && !core && !component_of(s, index, where, &units, e))
        return false;
    s->units = sum(s->units, sum(units, METER_WORK_INSTANCE));
    if (!wasm_read_u32(r, &n, e))
        return false;
    while (n--) { // arguments and exports: a name, a sort, an index
        struct slice name;
        if (kind == 1 && !core && !wasm_read_byte(r, &byte, e)) // names of exports have a form
            return false;
        if (!wasm_read_vec(r, &name, e) || !wasm_read_byte(r, &byte, e))
            return false;
        if (!core && byte == SORT_COMPONENT)
            return handed_on(where, e);
        if ((!core && byte == SORT_CORE && !wasm_read_byte(r, &byte, e)) || !wasm_read_u32(r, &index, e))
            return false;
    }
    return true;
}

static bool read_alias(struct scope *s, struct wasm_reader *r, struct err *e) {
    uint64_t where = wasm_offset(r), units = 0;
    uint8_t sort = 0, core = 0, target = 0;
    uint32_t first, index;
    struct slice name;
    if (!wasm_read_byte(r, &sort, e) || (sort == SORT_CORE && !wasm_read_byte(r, &core, e)) ||
        !wasm_read_byte(r, &target, e) || !wasm_read_u32(r, &first, e))
        return false;
    if (target != TARGET_OUTER)
        return sort == SORT_COMPONENT ? handed_on(where, e) : wasm_read_vec(r, &name, e);
    if (!wasm_read_u32(r, &index, e))
        return false;
    if (sort != SORT_COMPONENT)
        return true;
    const struct scope *from = s;
    while (from && first--)
        from = from->outer;
    if (!component_of(from, index, where, &units, e))
        return false;
    push(s, units);
    return true;
}

// Only whether it is a component matters of an import or export; what follows the name is left to `rest`.
static bool read_name(struct wasm_reader *r, struct err *e) {
    uint8_t form = 0;
    struct slice name;
    uint64_t where = wasm_offset(r);
    if (!wasm_read_byte(r, &form, e) || !wasm_read_vec(r, &name, e))
        return false;
    return form <= 1 || wasm_refuse(e, ERR_INVALID, where, "a name of form %u is not accepted, it stands", form);
}

// What an import or an export is declared as.
static bool read_description(struct wasm_reader *r, struct err *e) {
    uint64_t where = wasm_offset(r);
    uint8_t sort = 0, byte = 0;
    uint32_t index;
    if (!wasm_read_byte(r, &sort, e) || (sort == SORT_CORE && !wasm_read_byte(r, &byte, e)))
        return false;
    if (sort == SORT_COMPONENT)
        return handed_on(where, e);
    if (sort == 3) { // a type: equal to one, or any resource
        if (!wasm_read_byte(r, &byte, e))
            return false;
        return byte == 1 || wasm_read_u32(r, &index, e);
    }
    return sort != 2 ? wasm_read_u32(r, &index, e)
                     : wasm_refuse(e, ERR_INVALID, where, "values of components are not accepted, one is declared");
}

static bool read_import(struct wasm_reader *r, struct err *e) { return read_name(r, e) && read_description(r, e); }

static bool read_export(struct wasm_reader *r, struct err *e) {
    uint8_t sort = 0, byte = 0;
    uint32_t index;
    if (!read_name(r, e))
        return false;
    uint64_t where = wasm_offset(r);
    if (!wasm_read_byte(r, &sort, e) || (sort == SORT_CORE && !wasm_read_byte(r, &byte, e)) ||
        !wasm_read_u32(r, &index, e) || !wasm_read_byte(r, &byte, e))
        return false;
    if (sort == SORT_COMPONENT)
        return handed_on(where, e);
    return byte == 0 || read_description(r, e);
}

static bool read_entry(struct scope *s, uint8_t id, struct wasm_reader *r, struct err *e) {
    switch (id) {
    case CORE_INSTANCE: return read_instance(s, r, true, e);
    case INSTANCE: return read_instance(s, r, false, e);
    case ALIAS: return read_alias(s, r, e);
    case IMPORT: return read_import(r, e);
    case EXPORT: return read_export(r, e);
    }
    return false;
}

static bool walk(struct slice component, uint64_t offset, struct scope *outer, unsigned depth, uint64_t *units,
                 struct err *e) {
    SCOPED_ARENA(a);
    struct scope s = {.outer = outer, .arena = a};
    if (depth > NESTING_MAX)
        return wasm_refuse(e, ERR_LIMIT, offset, "components nested more than %u deep", NESTING_MAX);
    struct wasm_reader r = wasm_reader_of(slice_skip(component, 8), offset + 8);
    while (r.at != r.end) {
        struct wasm_section section;
        uint64_t inner;
        uint32_t n = 0;
        if (!wasm_read_section(&r, &section, e))
            return false;
        if (section.id == COMPONENT) {
            if (section.body.len < 8)
                return wasm_refuse(e, ERR_INVALID, section.offset, "malformed component: a part without preamble");
            if (!walk(section.body, section.offset, &s, depth + 1, &inner, e))
                return false;
            push(&s, inner);
            continue;
        }
        struct wasm_reader in = wasm_reader_of(section.body, section.offset);
        bool entries = section.id == CORE_INSTANCE || section.id == INSTANCE || section.id == ALIAS ||
                       section.id == IMPORT || section.id == EXPORT;
        if ((entries || section.id == CANON) && !wasm_read_u32(&in, &n, e))
            return false;
        if (section.id == CANON)
            s.units = sum(s.units, product(n, METER_WORK_ADAPTER));
        while (entries && n--)
            if (!read_entry(&s, section.id, &in, e))
                return false;
    }
    *units = s.units;
    return true;
}

bool meter_work_add_component(struct meter_work *w, struct slice component, struct err *e) {
    uint64_t units = 0;
    return walk(component, 0, NULL, 0, &units, e) &&
           add(w, units, "the number of its instances when each of them is made", 0, e);
}
