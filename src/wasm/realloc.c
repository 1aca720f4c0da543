// SPDX-License-Identifier: Apache-2.0
// Which functions of a component's modules are its `realloc`s: every string and list that goes to a module, from the
// host or from another component, gets its place there, so that they are where its bytes can be charged. They are known
// by the names under which modules export them. Instances are not followed: a name that is a realloc's anywhere in the
// file is one everywhere, which errs to the guest's cost only.
#include "wasm/rewrite.h"

#define NESTING_MAX 16
enum { MODULE = 1, CORE_INSTANCE = 2, COMPONENT = 4, ALIAS = 6, CANON = 8 };
enum { SORT_CORE = 0, SORT_CORE_FUNCTION = 0, ALIAS_CORE_EXPORT = 1, ALIAS_OUTER = 2 };
enum { CANON_LIFT = 0, CANON_LOWER = 1, CANON_RESOURCE_NEW = 2, CANON_RESOURCE_REP = 4 };
enum { OPTION_LATIN1 = 2, OPTION_MEMORY = 3, OPTION_REALLOC = 4, OPTION_POST_RETURN = 5 };

// One component: the name of each function in its core index space, empty where no module exports it.
struct space {
    struct arena *arena;
    struct slice *functions;
    size_t count, room;
    struct meter_reallocs *found;
};

bool meter_is_realloc(const struct meter_reallocs *r, struct slice name) {
    for (size_t i = 0; i < r->count; i++)
        if (slice_eq(r->names[i], name))
            return true;
    return false;
}

static bool add(struct meter_reallocs *r, struct slice name, uint64_t where, struct err *e) {
    if (meter_is_realloc(r, name))
        return true;
    if (r->count == METER_REALLOCS_MAX)
        return wasm_refuse(e, ERR_LIMIT, where, "more than %d names of `realloc` functions", METER_REALLOCS_MAX);
    r->names[r->count++] = name;
    return true;
}

static void push(struct space *s, struct slice name) {
    if (s->count == s->room) {
        struct slice *more = arena_alloc(s->arena, (s->room = s->room ? 2 * s->room : 64) * sizeof *more);
        if (s->count)
            memcpy(more, s->functions, s->count * sizeof *more);
        s->functions = more;
    }
    s->functions[s->count++] = name;
}

static bool name_of(const struct space *s, uint32_t index, uint64_t where, struct slice *out, struct err *e) {
    if (index >= s->count)
        return wasm_refuse(e, ERR_INVALID, where, "malformed component: core function %u does not exist, it is named",
                           index);
    *out = s->functions[index];
    return true;
}

static bool realloc_name(const struct space *s, uint32_t index, uint64_t where, struct slice *out, struct err *e) {
    return name_of(s, index, where, out, e) &&
           (out->ptr ||
            wasm_refuse(e, ERR_INVALID, where, "a `realloc` that no module exports is not accepted, it is named"));
}

static bool read_options(struct space *s, struct wasm_reader *r, struct err *e) {
    uint32_t n, index;
    if (!wasm_read_count(r, "options", 1, WASM_FUNCTIONS_MAX, &n, e))
        return false;
    while (n--) {
        uint64_t where = wasm_offset(r);
        uint8_t kind = 0;
        struct slice name = {NULL, 0};
        if (!wasm_read_byte(r, &kind, e))
            return false;
        if (kind <= OPTION_LATIN1)
            continue;
        if (kind > OPTION_POST_RETURN)
            return wasm_refuse(e, ERR_INVALID, where, "canonical option %u is not accepted, it stands", kind);
        if (!wasm_read_u32(r, &index, e))
            return false;
        if (kind != OPTION_REALLOC)
            continue;
        if (!realloc_name(s, index, where, &name, e) || !add(s->found, name, where, e))
            return false;
    }
    return true;
}

static bool read_canon(struct space *s, struct wasm_reader *r, struct err *e) {
    uint64_t where = wasm_offset(r);
    uint8_t kind = 0, zero = 0;
    uint32_t index;
    if (!wasm_read_byte(r, &kind, e))
        return false;
    if (kind > CANON_RESOURCE_REP)
        return wasm_refuse(e, ERR_INVALID, where, "canonical function %u is not accepted, it stands", kind);
    if (kind <= CANON_LOWER && (!wasm_read_byte(r, &zero, e)))
        return false;
    if (!wasm_read_u32(r, &index, e) || (kind <= CANON_LOWER && !read_options(s, r, e)))
        return false;
    if (kind == CANON_LIFT)
        return wasm_read_u32(r, &index, e); // its type
    push(s, (struct slice){NULL, 0});
    return true;
}

static bool read_alias(struct space *s, struct wasm_reader *r, struct err *e) {
    uint8_t sort = 0, core = 0, target = 0;
    uint32_t index;
    struct slice name;
    if (!wasm_read_byte(r, &sort, e) || (sort == SORT_CORE && !wasm_read_byte(r, &core, e)) ||
        !wasm_read_byte(r, &target, e) || !wasm_read_u32(r, &index, e))
        return false;
    if (target == ALIAS_OUTER)
        return wasm_read_u32(r, &index, e);
    if (!wasm_read_vec(r, &name, e))
        return false;
    if (target == ALIAS_CORE_EXPORT && sort == SORT_CORE && core == SORT_CORE_FUNCTION)
        push(s, name);
    return true;
}

// A function goes on under another name where an instance is made of exports.
static bool read_instance(struct space *s, struct wasm_reader *r, struct err *e) {
    uint8_t kind = 0, sort = 0;
    uint32_t n, index;
    if (!wasm_read_byte(r, &kind, e) || (kind == 0 && !wasm_read_u32(r, &index, e)) ||
        !wasm_read_count(r, "parts of an instance", 3, WASM_FUNCTIONS_MAX, &n, e))
        return false;
    while (n--) {
        struct slice name, own;
        uint64_t where = wasm_offset(r);
        if (!wasm_read_vec(r, &name, e) || !wasm_read_byte(r, &sort, e) || !wasm_read_u32(r, &index, e))
            return false;
        if (kind == 0 || sort != SORT_CORE_FUNCTION || !meter_is_realloc(s->found, name))
            continue;
        if (!realloc_name(s, index, where, &own, e) || !add(s->found, own, where, e))
            return false;
    }
    return true;
}

static bool each(struct space *s, const struct wasm_section *section,
                 bool (*read)(struct space *, struct wasm_reader *, struct err *), struct err *e) {
    struct wasm_reader r = wasm_reader_of(section->body, section->offset);
    uint32_t n;
    if (!wasm_read_u32(&r, &n, e))
        return false;
    while (n--)
        if (!read(s, &r, e))
            return false;
    return true;
}

// A module may hand on under a realloc's name what it imports under another.
static bool walk_module(const struct wasm_section *section, struct meter_reallocs *found, struct err *e) {
    SCOPED_ARENA(a);
    struct wasm_module m;
    if (!wasm_module_parse(&m, a, section->body, section->offset, e))
        return false;
    struct wasm_reader r = wasm_reader_of(m.known[WASM_SECTION_EXPORT].body, m.known[WASM_SECTION_EXPORT].offset);
    uint32_t n = 0, index;
    if (r.start && !wasm_read_u32(&r, &n, e))
        return false;
    while (n--) {
        struct slice name;
        uint8_t kind = 0;
        uint64_t where = wasm_offset(&r);
        if (!wasm_read_vec(&r, &name, e) || !wasm_read_byte(&r, &kind, e) || !wasm_read_u32(&r, &index, e))
            return false;
        if (kind == 0 && index < m.imported_functions && meter_is_realloc(found, name) &&
            !add(found, m.import_names[index], where, e))
            return false;
    }
    return true;
}

static bool walk(struct slice component, uint64_t offset, unsigned depth, struct meter_reallocs *found, struct err *e) {
    SCOPED_ARENA(a);
    struct space s = {.arena = a, .found = found};
    if (depth > NESTING_MAX)
        return wasm_refuse(e, ERR_LIMIT, offset, "components nested more than %u deep", NESTING_MAX);
    struct wasm_reader r = wasm_reader_of(slice_skip(component, 8), offset + 8);
    while (r.at != r.end) {
        struct wasm_section section;
        bool ok = wasm_read_section(&r, &section, e);
        if (ok && (section.id == MODULE || section.id == COMPONENT) && section.body.len < 8)
            ok = wasm_refuse(e, ERR_INVALID, section.offset, "malformed component: a part without preamble");
        if (!ok)
            return false;
        switch (section.id) {
        case MODULE: ok = walk_module(&section, found, e); break;
        case COMPONENT: ok = walk(section.body, section.offset, depth + 1, found, e); break;
        case CORE_INSTANCE: ok = each(&s, &section, read_instance, e); break;
        case ALIAS: ok = each(&s, &section, read_alias, e); break;
        case CANON: ok = each(&s, &section, read_canon, e); break;
        }
        if (!ok)
            return false;
    }
    return true;
}

bool meter_find_reallocs(struct slice component, struct meter_reallocs *out, struct err *e) {
    *out = (struct meter_reallocs){0};
    for (size_t before = SIZE_MAX; before != out->count;) { // each round may find names that the last one's lead to
        before = out->count;
        if (!walk(component, 0, 0, out, e))
            return false;
    }
    return true;
}
