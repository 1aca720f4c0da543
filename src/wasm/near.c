// SPDX-License-Identifier: Apache-2.0
// What NEAR's VM accepts at protocol 86, and its accounting of the operand stack. A refusal's hint is the name that
// NEAR gives it (PrepareError).
#include "wasm/rewrite.h"

#include <stdarg.h>

enum {
    NEAR_FUNCTIONS = 10000,
    NEAR_LOCALS = 1000000,
    NEAR_TABLES = 1,
    NEAR_TYPES = 1024,
    NEAR_BODY = 196608,
    NEAR_BLOCKS = 5000,           // of a function
    NEAR_BLOCKS_CONTRACT = 50000, // block, loop and if
    NEAR_PARAMS = 64,
    NEAR_PARAMS_CONTRACT = 50000,
    NEAR_OPERANDS = 8192,
};

static bool refuse(struct err *e, const char *name, const char *fmt, ...) PRINTF_LIKE(3, 4);
static bool refuse(struct err *e, const char *name, const char *fmt, ...) {
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    err_set(e, ERR_INVALID, "%s", text);
    return err_hint(e, "%s", name);
}

bool meter_near_name(const struct err *e) {
    static const char *const names[] = {"Instantiate",
                                        "Memory",
                                        "TooManyFunctions",
                                        "TooManyLocals",
                                        "TooManyTables",
                                        "TooManyTableElements",
                                        "FunctionBodyTooLarge",
                                        "TooManyBlocksPerFunction",
                                        "TooManyTypes",
                                        "TooManyBlocksPerContract",
                                        "OperandStackTooLarge",
                                        "TooManyParamsPerContract",
                                        "TooManyParamsPerFunction"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (!strcmp(e->hint, names[i]))
            return true;
    return false;
}

static bool plain_types(const uint8_t *types, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        if (types[i] == WASM_V128 || types[i] == WASM_EXTERNREF)
            return false;
    return true;
}

static bool accept_types(const struct wasm_module *m, struct err *e) {
    if (m->type_count > NEAR_TYPES)
        return refuse(e, "TooManyTypes", "a contract has at most %d types, this one has %u", NEAR_TYPES, m->type_count);
    for (uint32_t i = 0; i < m->type_count; i++) {
        const struct wasm_functype *t = &m->types[i];
        if (t->result_count > 1)
            return refuse(e, "Deserialization", "type %u has several results, which NEAR does not accept", i);
        if (!plain_types(t->params, t->param_count) || !plain_types(t->results, t->result_count))
            return refuse(e, "Deserialization", "type %u uses v128 or externref, which NEAR does not accept", i);
    }
    return true;
}

static bool accept_imports(const struct wasm_module *m, struct err *e) {
    const struct wasm_section *s = &m->known[WASM_SECTION_IMPORT];
    struct wasm_reader r = wasm_reader_of(s->body, s->offset);
    uint32_t count = 0;
    if (r.start && !wasm_read_u32(&r, &count, e))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct slice module, name;
        uint8_t kind = 0;
        uint32_t type;
        if (!wasm_read_vec(&r, &module, e) || !wasm_read_vec(&r, &name, e) || !wasm_read_byte(&r, &kind, e))
            return false;
        if (!slice_eq_str(module, "env"))
            return refuse(e, "Instantiate", "import %u is of module '%.*s', a contract imports from 'env'", i,
                          module.len > 64 ? 64 : (int)module.len, (const char *)module.ptr);
        if (kind == 2)
            return refuse(e, "Memory", "a memory is imported, a contract has its own");
        if (kind != 0)
            return refuse(e, "Instantiate", "import %u is not a function", i);
        if (!wasm_read_u32(&r, &type, e))
            return false;
    }
    return true;
}

static bool accept_tables(const struct wasm_module *m, struct err *e) {
    if (m->table_count > NEAR_TABLES)
        return refuse(e, "TooManyTables", "a contract has at most one table, this one has %u", m->table_count);
    if (m->table_count && m->tables[0].min > METER_NEAR_TABLE_ELEMENTS)
        return refuse(e, "TooManyTableElements", "a table has at most %d elements, this one has %u",
                      METER_NEAR_TABLE_ELEMENTS, m->tables[0].min);
    if (m->table_count && m->tables[0].type != WASM_FUNCREF)
        return refuse(e, "Deserialization", "a table of externref, which NEAR does not accept");
    return true;
}

static bool accept_params(const struct wasm_module *m, struct err *e) {
    uint64_t total = 0;
    for (uint32_t i = m->imported_functions; i < m->function_count; i++) {
        uint32_t n = m->types[m->functions[i]].param_count;
        total += n;
        if (n > NEAR_PARAMS)
            return refuse(e, "TooManyParamsPerFunction", "function %u has %u parameters, at most %d are accepted", i, n,
                          NEAR_PARAMS);
    }
    return total <= NEAR_PARAMS_CONTRACT ||
           refuse(e, "TooManyParamsPerContract", "the functions have %llu parameters together, at most %d are accepted",
                  (unsigned long long)total, NEAR_PARAMS_CONTRACT);
}

bool meter_near_accept(const struct wasm_module *m, struct err *e) {
    if (!accept_types(m, e) || !accept_imports(m, e))
        return false;
    if (m->function_count > NEAR_FUNCTIONS)
        return refuse(e, "TooManyFunctions", "a contract has at most %d functions, this one has %u", NEAR_FUNCTIONS,
                      m->function_count);
    if (!accept_tables(m, e) || !accept_params(m, e))
        return false;
    if (m->extended_constants)
        return refuse(e, "Deserialization", "a global's value is computed, which NEAR does not accept");
    return plain_types(m->globals, m->global_count) ||
           refuse(e, "Deserialization", "a global of type v128 or externref, which NEAR does not accept");
}

bool meter_near_accept_body(struct meter_near_totals *t, const struct meter_body *b, struct err *e) {
    size_t size = b->code.len + (size_t)(b->code_offset - b->entry_offset);
    if (size > NEAR_BODY)
        return refuse(e, "FunctionBodyTooLarge", "function %u has a body of %zu bytes, at most %d are accepted",
                      b->index, size, NEAR_BODY);
    t->locals += b->locals - b->type->param_count;
    t->blocks += b->blocks;
    if (t->locals > NEAR_LOCALS)
        return refuse(e, "TooManyLocals", "the functions have more than %d locals together", NEAR_LOCALS);
    if (b->blocks > NEAR_BLOCKS)
        return refuse(e, "TooManyBlocksPerFunction", "function %u has %u blocks, at most %d are accepted", b->index,
                      b->blocks, NEAR_BLOCKS);
    if (t->blocks > NEAR_BLOCKS_CONTRACT)
        return refuse(e, "TooManyBlocksPerContract", "the functions have more than %d blocks together",
                      NEAR_BLOCKS_CONTRACT);
    return b->operands_bytes <= NEAR_OPERANDS ||
           refuse(e, "OperandStackTooLarge", "function %u needs %llu bytes of operand stack, at most %d are accepted",
                  b->index, (unsigned long long)b->operands_bytes, NEAR_OPERANDS);
}

bool meter_near_accept_instr(const struct wasm_instr *in, uint64_t offset, struct err *e) {
    const char *what = NULL;
    unsigned long long at = offset;
    if (in->code >> 8 == 0xfd)
        what = "SIMD";
    else if (in->op->imm == WASM_IMM_BLOCK && in->block >= 0)
        what = "a block with a type of several values";
    else if (in->op->imm == WASM_IMM_BLOCK && in->block != -64 && (uint8_t)(in->block + 128) == WASM_EXTERNREF)
        what = "a block of type externref";
    else if ((in->code == WASM_OP_REF_NULL || in->code == WASM_OP_SELECT_TYPES) && in->index[0] == WASM_EXTERNREF)
        what = "externref";
    else if (in->code == WASM_OP_CALL_INDIRECT && in->second != 1)
        what = "a call_indirect with a table index longer than one byte";
    return !what || refuse(e, "Deserialization", "%s, which NEAR does not accept, at offset %llu", what, at);
}

// --- the operand stack, in bytes ---------------------------------------------------------------------------------

static uint8_t size_of(uint8_t type) { return type == WASM_I32 || type == WASM_F32 ? 4 : 8; }

static struct meter_frame *top(struct meter_body *b) { return &b->frames[b->frame_count - 1]; }

static void push(struct meter_body *b, uint8_t type) {
    if (top(b)->dead)
        return;
    if (b->operand_count == b->operand_room) {
        b->operand_room = b->operand_room ? 2 * b->operand_room : 64;
        b->operands = xrealloc(b->operands, b->operand_room);
    }
    b->operands[b->operand_count++] = size_of(type);
    b->operands_now += size_of(type);
    if (b->operands_now > b->operands_bytes)
        b->operands_bytes = b->operands_now;
}

static void cut(struct meter_body *b, size_t count) {
    while (b->operand_count > count)
        b->operands_now -= b->operands[--b->operand_count];
}

static void pop(struct meter_body *b, size_t n) {
    if (!top(b)->dead)
        cut(b, b->operand_count > n ? b->operand_count - n : 0);
}

void meter_near_start_frame(struct meter_body *b, const struct wasm_instr *in) {
    struct meter_frame *f = top(b);
    f->height = b->operand_count;
    f->dead = f[-1].dead;
    f->result = in->block == -64 ? 0 : (uint8_t)(in->block + 128);
}

static void end_frame(struct meter_body *b) {
    if (b->frame_count == 1)
        return;
    struct meter_frame *f = top(b);
    cut(b, f->height);
    b->frame_count--; // the result is pushed in the frame around
    if (f->result)
        push(b, f->result);
    b->frame_count++;
}

static void call(struct meter_body *b, const struct wasm_functype *t) {
    pop(b, t->param_count);
    for (uint32_t i = 0; i < t->result_count; i++)
        push(b, t->results[i]);
}

// NEAR's analysis leaves the index of a call_indirect on the stack; so does this one.
void meter_near_step(struct meter_body *b, const struct wasm_module *m, const struct wasm_instr *in) {
    switch (in->code) {
    case WASM_OP_END: end_frame(b); return;
    case WASM_OP_ELSE:
        if (b->frame_count > 1) {
            cut(b, top(b)->height);
            top(b)->dead = top(b)[-1].dead;
        }
        return;
    case WASM_OP_BR:
    case WASM_OP_BR_TABLE:
    case WASM_OP_RETURN:
    case WASM_OP_UNREACHABLE: top(b)->dead = true; return;
    case WASM_OP_CALL:
        if (in->index[0] < m->function_count)
            call(b, &m->types[m->functions[in->index[0]]]);
        return;
    case WASM_OP_CALL_INDIRECT:
        if (in->index[0] < m->type_count)
            call(b, &m->types[in->index[0]]);
        return;
    case WASM_OP_SELECT:
    case WASM_OP_SELECT_TYPES: pop(b, 2); return;
    case WASM_OP_LOCAL_GET:
        if (in->index[0] < b->locals)
            push(b, b->local_types[in->index[0]]);
        return;
    case WASM_OP_GLOBAL_GET:
        if (in->index[0] < m->global_count)
            push(b, m->globals[in->index[0]]);
        return;
    case WASM_OP_TABLE_GET:
        pop(b, 1);
        push(b, WASM_FUNCREF);
        return;
    default: // not an enum: operators whose row in the table says it all
        pop(b, in->op->pops);
        if (in->op->push)
            push(b, in->op->push);
    }
}
