// SPDX-License-Identifier: Apache-2.0
#include "wasm/module.h"

static bool read_valtype(struct wasm_reader *r, uint8_t *out, struct err *e) {
    uint64_t where = wasm_offset(r);
    if (!wasm_read_byte(r, out, e))
        return false;
    return wasm_is_valtype(*out) ||
           wasm_refuse(e, ERR_INVALID, where, "value type 0x%x is not accepted, it stands", *out);
}

static bool read_valtypes(struct wasm_reader *r, const uint8_t **out, uint32_t *count, struct err *e) {
    if (!wasm_read_count(r, "parameters or results", 1, 1000, count, e))
        return false;
    *out = r->at;
    uint8_t t = 0;
    for (uint32_t i = 0; i < *count; i++)
        if (!read_valtype(r, &t, e))
            return false;
    return true;
}

static bool parse_types(struct arena *a, struct wasm_reader *r, struct wasm_module *m, struct err *e) {
    if (!wasm_read_count(r, "types", 3, WASM_TYPES_MAX, &m->type_count, e))
        return false;
    m->types = arena_calloc(a, m->type_count, sizeof *m->types);
    for (uint32_t i = 0; i < m->type_count; i++) {
        struct wasm_functype *t = &m->types[i];
        uint64_t where = wasm_offset(r);
        uint8_t form = 0;
        if (!wasm_read_byte(r, &form, e))
            return false;
        if (form != 0x60)
            return wasm_refuse(e, ERR_INVALID, where, "type %u is not a plain function type, it stands", i);
        if (!read_valtypes(r, &t->params, &t->param_count, e) || !read_valtypes(r, &t->results, &t->result_count, e))
            return false;
    }
    return true;
}

static bool read_type_index(struct wasm_reader *r, const struct wasm_module *m, uint32_t *out, struct err *e) {
    uint64_t where = wasm_offset(r);
    if (!wasm_read_u32(r, out, e))
        return false;
    return *out < m->type_count || wasm_refuse(e, ERR_INVALID, where, "type %u does not exist; it is named", *out);
}

// Limits of a table or memory in 32-bit form. Other forms (shared, 64 bit, custom pages) are refused.
static bool read_limits(struct wasm_reader *r, uint32_t *min, uint32_t *max, bool *has_max, struct err *e) {
    uint64_t where = wasm_offset(r);
    uint8_t flags = 0;
    if (!wasm_read_byte(r, &flags, e))
        return false;
    if (flags > 1)
        return wasm_refuse(e, ERR_INVALID, where,
                           flags & 4   ? "64-bit memories and tables are not accepted, one is declared"
                           : flags & 2 ? "shared memories are not accepted, one is declared"
                                       : "limits of an unknown form");
    *has_max = flags == 1;
    *max = UINT32_MAX;
    return wasm_read_u32(r, min, e) && (!*has_max || wasm_read_u32(r, max, e));
}

static bool read_table(struct wasm_reader *r, struct wasm_module *m, bool imported, struct err *e) {
    uint64_t where = wasm_offset(r);
    if (m->table_count == WASM_TABLES_MAX)
        return wasm_refuse(e, ERR_LIMIT, where, "more than %u tables", WASM_TABLES_MAX);
    struct wasm_table *t = &m->tables[m->table_count++];
    t->imported = imported;
    if (!wasm_read_byte(r, &t->type, e))
        return false;
    if (t->type != WASM_FUNCREF && t->type != WASM_EXTERNREF)
        return wasm_refuse(e, ERR_INVALID, where, "table of a type that is not accepted");
    return read_limits(r, &t->min, &t->max, &t->has_max, e);
}

static bool read_memory(struct wasm_reader *r, struct wasm_module *m, bool imported, struct err *e) {
    if (m->memory_count)
        return wasm_refuse(e, ERR_INVALID, wasm_offset(r), "a second memory is not accepted, it is declared");
    m->memory_count = 1;
    m->imported_memory = imported;
    uint32_t min, max;
    bool has_max;
    return read_limits(r, &min, &max, &has_max, e);
}

static bool read_globaltype(struct wasm_reader *r, uint8_t *type, struct err *e) {
    uint8_t mutable = 0;
    if (!read_valtype(r, type, e))
        return false;
    uint64_t where = wasm_offset(r);
    return wasm_read_byte(r, &mutable, e) &&
           (mutable <= 1 || wasm_refuse(e, ERR_INVALID, where, "global of an unknown form"));
}

static bool read_import(struct wasm_reader *r, struct wasm_module *m, struct err *e) {
    struct slice module, name;
    uint8_t kind = 0;
    if (!wasm_read_vec(r, &module, e) || !wasm_read_vec(r, &name, e))
        return false;
    uint64_t where = wasm_offset(r);
    if (!wasm_read_byte(r, &kind, e))
        return false;
    if (kind == 0) {
        m->import_names[m->function_count] = name;
        return read_type_index(r, m, &m->functions[m->function_count++], e);
    }
    if (kind == 1)
        return read_table(r, m, true, e);
    if (kind == 2)
        return read_memory(r, m, true, e);
    if (kind == 3)
        return read_globaltype(r, &m->globals[m->global_count++], e);
    return wasm_refuse(e, ERR_INVALID, where,
                       kind == 4      ? "exception handling is not accepted, a tag is imported"
                       : kind == 0x20 ? "exact types are not accepted, a function is imported as exactly one"
                                      : "import of an unknown kind");
}

// Functions and globals of the import section are followed by those of their own sections: room for both is made here.
static bool parse_imports(struct arena *a, struct wasm_reader *r, struct wasm_module *m, struct err *e) {
    uint32_t count = 0, functions = 0, globals = 0;
    if (r->start && !wasm_read_count(r, "imports", 4, WASM_FUNCTIONS_MAX, &count, e))
        return false;
    struct wasm_section *s = m->known;
    struct wasm_reader f = wasm_reader_of(s[WASM_SECTION_FUNCTION].body, s[WASM_SECTION_FUNCTION].offset);
    struct wasm_reader g = wasm_reader_of(s[WASM_SECTION_GLOBAL].body, s[WASM_SECTION_GLOBAL].offset);
    if (f.start && !wasm_read_count(&f, "functions", 1, WASM_FUNCTIONS_MAX - count, &functions, e))
        return false;
    if (g.start && !wasm_read_count(&g, "globals", 4, WASM_FUNCTIONS_MAX - count, &globals, e))
        return false;
    m->functions = arena_calloc(a, (size_t)count + functions, sizeof *m->functions);
    m->import_names = arena_calloc(a, count, sizeof *m->import_names);
    m->globals = arena_calloc(a, (size_t)count + globals, 1);
    for (uint32_t i = 0; i < count; i++)
        if (!read_import(r, m, e))
            return false;
    m->imported_functions = m->function_count;
    m->imported_globals = m->global_count;
    return true;
}

static bool parse_functions(struct wasm_reader *r, struct wasm_module *m, struct err *e) {
    uint32_t count;
    if (!wasm_read_u32(r, &count, e))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!read_type_index(r, m, &m->functions[m->function_count++], e))
            return false;
    return true;
}

static bool parse_tables(struct wasm_reader *r, struct wasm_module *m, struct err *e) {
    uint32_t count;
    if (!wasm_read_count(r, "tables", 3, WASM_TABLES_MAX, &count, e))
        return false;
    uint64_t elements = 0, where = wasm_offset(r);
    for (uint32_t i = 0; i < count; i++) {
        if (!read_table(r, m, false, e))
            return false;
        elements += m->tables[m->table_count - 1].min;
    }
    if (elements > WASM_TABLE_ELEMENTS_MAX)
        return wasm_refuse(e, ERR_LIMIT, where, "tables of %llu elements are declared, at most %u are accepted,",
                           (unsigned long long)elements, WASM_TABLE_ELEMENTS_MAX);
    return true;
}

static bool parse_memories(struct wasm_reader *r, struct wasm_module *m, struct err *e) {
    uint32_t count;
    if (!wasm_read_count(r, "memories", 2, 100, &count, e))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!read_memory(r, m, false, e))
            return false;
    return true;
}

// A constant expression, up to and including its `end`.
static bool skip_constant(struct wasm_reader *r, struct wasm_module *m, struct err *e) {
    for (;;) {
        uint64_t where = wasm_offset(r);
        struct wasm_instr in;
        if (!wasm_read_instr(r, &in, e))
            return false;
        if (in.code == WASM_OP_END)
            return true;
        bool extended = (in.code >= WASM_OP_I32_ADD && in.code <= WASM_OP_I32_MUL) ||
                        (in.code >= WASM_OP_I64_ADD && in.code <= WASM_OP_I64_MUL);
        bool constant = (in.code >= WASM_OP_I32_CONST && in.code <= WASM_OP_F64_CONST) || extended ||
                        in.code == WASM_OP_GLOBAL_GET || in.code == WASM_OP_REF_NULL || in.code == WASM_OP_REF_FUNC ||
                        in.code == WASM_OP_V128_CONST;
        m->extended_constants |= extended;
        if (!constant)
            return wasm_refuse(e, ERR_INVALID, where, "operator 0x%x in a constant expression", in.code);
    }
}

static bool parse_globals(struct wasm_reader *r, struct wasm_module *m, struct err *e) {
    uint32_t count;
    if (!wasm_read_u32(r, &count, e))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!read_globaltype(r, &m->globals[m->global_count++], e) || !skip_constant(r, m, e))
            return false;
    return true;
}

static bool parse_known(struct arena *a, struct wasm_module *m, unsigned id, struct err *e) {
    const struct wasm_section *s = &m->known[id];
    if (!s->header.ptr && id != WASM_SECTION_IMPORT)
        return true;
    struct wasm_reader r = wasm_reader_of(s->body, s->offset);
    bool ok = false;
    switch (id) {
    case WASM_SECTION_TYPE: ok = parse_types(a, &r, m, e); break;
    case WASM_SECTION_IMPORT: ok = parse_imports(a, &r, m, e); break;
    case WASM_SECTION_FUNCTION: ok = parse_functions(&r, m, e); break;
    case WASM_SECTION_TABLE: ok = parse_tables(&r, m, e); break;
    case WASM_SECTION_MEMORY: ok = parse_memories(&r, m, e); break;
    case WASM_SECTION_GLOBAL: ok = parse_globals(&r, m, e); break;
    }
    if (!ok)
        return false;
    return r.at == r.end ||
           wasm_refuse(e, ERR_INVALID, wasm_offset(&r), "malformed module: a section goes on after its last entry");
}

// Sections stand in the order of their ids, but that the data count precedes the code.
static unsigned rank_of(unsigned id) { return id == WASM_SECTION_DATA_COUNT ? 2 * WASM_SECTION_ELEMENT + 1 : 2 * id; }

static bool split(struct arena *a, struct wasm_module *m, struct err *e) {
    struct wasm_reader r = wasm_reader_of(slice_skip(m->bytes, 8), m->offset + 8);
    size_t room = 16;
    m->sections = arena_alloc(a, room * sizeof *m->sections);
    for (unsigned last = 0; r.at != r.end;) {
        struct wasm_section s;
        uint64_t where = wasm_offset(&r);
        if (!wasm_read_section(&r, &s, e))
            return false;
        if (s.id >= WASM_SECTIONS)
            return wasm_refuse(e, ERR_INVALID, where,
                               s.id == 13 ? "exception handling is not accepted, a tag section stands"
                                          : "section of the unknown kind %u",
                               s.id);
        if (s.id != WASM_SECTION_CUSTOM) {
            if (rank_of(s.id) <= last)
                return wasm_refuse(e, ERR_INVALID, where, "malformed module: section %u out of order", s.id);
            last = rank_of(s.id);
            m->known[s.id] = s;
        }
        if (m->section_count == WASM_SECTIONS_MAX)
            return wasm_refuse(e, ERR_LIMIT, where, "more than %u sections", WASM_SECTIONS_MAX);
        if (m->section_count == room) {
            struct wasm_section *more = arena_alloc(a, 2 * room * sizeof *more);
            memcpy(more, m->sections, room * sizeof *more);
            m->sections = more;
            room *= 2;
        }
        m->sections[m->section_count++] = s;
    }
    return true;
}

bool wasm_module_parse(struct wasm_module *out, struct arena *a, struct slice bytes, uint64_t offset, struct err *e) {
    static const unsigned order[] = {WASM_SECTION_TYPE,  WASM_SECTION_IMPORT, WASM_SECTION_FUNCTION,
                                     WASM_SECTION_TABLE, WASM_SECTION_MEMORY, WASM_SECTION_GLOBAL};
    *out = (struct wasm_module){.bytes = bytes, .offset = offset};
    if (!split(a, out, e))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(order); i++)
        if (!parse_known(a, out, order[i], e))
            return false;
    return true;
}
