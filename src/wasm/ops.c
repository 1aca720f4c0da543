// SPDX-License-Identifier: Apache-2.0
#include "wasm/ops.h"

#define OP(imm, price, traps, pops, push)                                                                              \
    { WASM_IMM_##imm, WASM_PRICE_##price, traps, pops, push }
#define PURE(pops, push) OP(NONE, PLAIN, false, pops, push)
#define MAY_TRAP(pops, push) OP(NONE, PLAIN, true, pops, push)
#define LOAD(push) OP(ACCESS, PLAIN, true, 1, push)
#define STORE OP(ACCESS, PLAIN, true, 2, 0)

static const struct wasm_op core[256] = {
    [0x00] = OP(NONE, IDLE, true, 0, 0),
    [0x01] = OP(NONE, IDLE, false, 0, 0),
    [0x02] = OP(BLOCK, FRAME, false, 0, 0),
    [0x03] = OP(BLOCK, LOOP, false, 0, 0),
    [0x04] = OP(BLOCK, PLAIN, false, 1, 0),
    [0x05] = OP(NONE, FRAME, false, 0, 0),
    [0x0b] = OP(NONE, FRAME, false, 0, 0),
    [0x0c] = OP(INDEX, PLAIN, false, 0, 0),
    [0x0d] = OP(INDEX, PLAIN, false, 1, 0),
    [0x0e] = OP(LABELS, PLAIN, false, 1, 0),
    [0x0f] = OP(NONE, IDLE, false, 0, 0),
    [0x10] = OP(INDEX, PLAIN, false, 0, 0),
    [0x11] = OP(TWO, PLAIN, true, 1, 0),
    [0x1a] = OP(NONE, IDLE, false, 1, 0),
    [0x1b] = OP(NONE, PLAIN, false, 0, 0), // select: of the type below
    [0x1c] = OP(TYPES, PLAIN, false, 0, 0),
    [0x20] = OP(INDEX, PLAIN, false, 0, 0),
    [0x21] = OP(INDEX, PLAIN, false, 1, 0),
    [0x22] = OP(INDEX, PLAIN, false, 0, 0),
    [0x23] = OP(INDEX, PLAIN, false, 0, 0),
    [0x24] = OP(INDEX, PLAIN, false, 1, 0),
    [0x25] = OP(INDEX, PLAIN, true, 1, 0),
    [0x26] = OP(INDEX, PLAIN, true, 2, 0),
    [0x28] = LOAD(WASM_I32),
    [0x29] = LOAD(WASM_I64),
    [0x2a] = LOAD(WASM_F32),
    [0x2b] = LOAD(WASM_F64),
    [0x2c ... 0x2f] = LOAD(WASM_I32),
    [0x30 ... 0x35] = LOAD(WASM_I64),
    [0x36 ... 0x3e] = STORE,
    [0x3f] = OP(MEMORY, PLAIN, false, 0, WASM_I32),
    [0x40] = OP(MEMORY, MEMORY_GROW, true, 1, WASM_I32),
    [0x41] = OP(I32, PLAIN, false, 0, WASM_I32),
    [0x42] = OP(I64, PLAIN, false, 0, WASM_I64),
    [0x43] = OP(4, PLAIN, false, 0, WASM_F32),
    [0x44] = OP(8, PLAIN, false, 0, WASM_F64),
    [0x45] = PURE(1, WASM_I32),              // i32.eqz
    [0x46 ... 0x4f] = PURE(2, WASM_I32),     // i32 comparisons
    [0x50] = PURE(1, WASM_I32),              // i64.eqz
    [0x51 ... 0x66] = PURE(2, WASM_I32),     // i64, f32, f64 comparisons
    [0x67 ... 0x69] = PURE(1, WASM_I32),     // clz, ctz, popcnt
    [0x6a ... 0x6c] = PURE(2, WASM_I32),     // add, sub, mul
    [0x6d ... 0x70] = MAY_TRAP(2, WASM_I32), // div, rem
    [0x71 ... 0x78] = PURE(2, WASM_I32),
    [0x79 ... 0x7b] = PURE(1, WASM_I64),
    [0x7c ... 0x7e] = PURE(2, WASM_I64),
    [0x7f ... 0x82] = MAY_TRAP(2, WASM_I64),
    [0x83 ... 0x8a] = PURE(2, WASM_I64),
    [0x8b ... 0x91] = PURE(1, WASM_F32),
    [0x92 ... 0x98] = PURE(2, WASM_F32),
    [0x99 ... 0x9f] = PURE(1, WASM_F64),
    [0xa0 ... 0xa6] = PURE(2, WASM_F64),
    [0xa7] = PURE(1, WASM_I32),              // i32.wrap_i64
    [0xa8 ... 0xab] = MAY_TRAP(1, WASM_I32), // i32.trunc
    [0xac ... 0xad] = PURE(1, WASM_I64),     // i64.extend_i32
    [0xae ... 0xb1] = MAY_TRAP(1, WASM_I64), // i64.trunc
    [0xb2 ... 0xb6] = PURE(1, WASM_F32),
    [0xb7 ... 0xbb] = PURE(1, WASM_F64),
    [0xbc] = PURE(1, WASM_I32), // reinterpretations
    [0xbd] = PURE(1, WASM_I64),
    [0xbe] = PURE(1, WASM_F32),
    [0xbf] = PURE(1, WASM_F64),
    [0xc0 ... 0xc1] = PURE(1, WASM_I32), // sign extensions
    [0xc2 ... 0xc4] = PURE(1, WASM_I64),
    [0xd0] = OP(REF, PLAIN, false, 0, WASM_FUNCREF),
    [0xd1] = PURE(1, WASM_I32),
    [0xd2] = OP(INDEX, PLAIN, false, 0, WASM_FUNCREF),
};

static const struct wasm_op numeric[] = {
    // 0xfc
    [0x00 ... 0x03] = PURE(1, WASM_I32), // saturating conversions
    [0x04 ... 0x07] = PURE(1, WASM_I64),
    [0x08] = OP(DATA_MEMORY, MEMORY_BULK, true, 3, 0),
    [0x09] = OP(INDEX, PLAIN, false, 0, 0), // data.drop
    [0x0a] = OP(MEMORIES, MEMORY_BULK, true, 3, 0),
    [0x0b] = OP(MEMORY, MEMORY_BULK, true, 3, 0),
    [0x0c] = OP(TWO, TABLE_BULK, true, 3, 0),
    [0x0d] = OP(INDEX, PLAIN, false, 0, 0), // elem.drop
    [0x0e] = OP(TWO, TABLE_BULK, true, 3, 0),
    [0x0f] = OP(INDEX, TABLE_BULK, true, 2, WASM_I32), // table.grow
    [0x10] = OP(INDEX, PLAIN, false, 0, WASM_I32),     // table.size
    [0x11] = OP(INDEX, TABLE_BULK, true, 3, 0),        // table.fill
};

// 0xfd. Which operand stack they leave is not needed: the price list that asks for it refuses SIMD.
static const struct wasm_op simd[256] = {
    [0x00 ... 0x0b] = OP(ACCESS, PLAIN, true, 0, 0),
    [0x0c ... 0x0d] = OP(16, PLAIN, false, 0, 0),
    [0x0e ... 0x14] = PURE(0, 0),
    [0x15 ... 0x22] = OP(LANE, PLAIN, false, 0, 0),
    [0x23 ... 0x53] = PURE(0, 0),
    [0x54 ... 0x5b] = OP(ACCESS_LANE, PLAIN, true, 0, 0),
    [0x5c ... 0x5d] = OP(ACCESS, PLAIN, true, 0, 0),
    [0x5e ... 0x99] = PURE(0, 0),
    [0x9b ... 0xa1] = PURE(0, 0),
    [0xa3 ... 0xa4] = PURE(0, 0),
    [0xa7 ... 0xae] = PURE(0, 0),
    [0xb1] = PURE(0, 0),
    [0xb5 ... 0xba] = PURE(0, 0),
    [0xbc ... 0xc1] = PURE(0, 0),
    [0xc3 ... 0xc4] = PURE(0, 0),
    [0xc7 ... 0xce] = PURE(0, 0),
    [0xd1] = PURE(0, 0),
    [0xd5 ... 0xe1] = PURE(0, 0),
    [0xe3 ... 0xed] = PURE(0, 0),
    [0xef ... 0xff] = PURE(0, 0),
};

bool wasm_is_valtype(uint8_t t) {
    return (t >= WASM_V128 && t <= WASM_I32) || t == WASM_FUNCREF || t == WASM_EXTERNREF;
}

static const char *proposal_of(uint32_t code) {
    uint32_t first = code > 0xff ? code >> 8 : code;
    if (first >= 0x06 && first <= 0x0a)
        return "exception handling";
    if (first >= 0x12 && first <= 0x13)
        return "tail calls";
    if (first == 0x14 || first == 0x15 || first == 0xd3 || first == 0xd4 || first == 0xd5 || first == 0xd6)
        return "typed function references";
    if (first >= 0x18 && first <= 0x19)
        return "exception handling";
    if (first == 0x1f)
        return "exception handling";
    if (first >= 0xe0 && first <= 0xe6)
        return "stack switching";
    if (first == 0xfb)
        return "garbage collection";
    if (first == 0xfc && (code & 0xff) >= 0x13)
        return "wide arithmetic";
    if (first == 0xfd)
        return "relaxed SIMD";
    if (first == 0xfe)
        return "threads";
    return NULL;
}

static bool refuse_op(struct err *e, uint64_t where, uint32_t code) {
    const char *what = proposal_of(code);
    if (!what)
        return wasm_refuse(e, ERR_INVALID, where, "unknown operator 0x%x", code);
    wasm_refuse(e, ERR_INVALID, where, "operator 0x%x belongs to %s, which is not accepted,", code, what);
    return err_hint(e, "build for WebAssembly 2.0 (without %s)", what);
}

static bool read_op(struct wasm_reader *r, struct wasm_instr *out, struct err *e) {
    uint64_t where = wasm_offset(r);
    uint8_t b = 0;
    if (!wasm_read_byte(r, &b, e))
        return false;
    out->code = b;
    out->op = &core[b];
    if (b >= 0xfb && b <= 0xfe) {
        uint32_t sub;
        if (!wasm_read_u32(r, &sub, e))
            return false;
        static const struct wasm_op refused;
        out->code = (uint32_t)b << 8 | (sub & 0xff);
        out->op = sub < ARRAY_LEN(numeric) && b == 0xfc ? &numeric[sub]
                  : sub < 256 && b == 0xfd              ? &simd[sub]
                                                        : &refused;
    }
    return out->op->imm != WASM_IMM_REFUSED || refuse_op(e, where, out->code);
}

static bool read_memory_index(struct wasm_reader *r, struct err *e) {
    uint64_t where = wasm_offset(r);
    uint32_t n;
    if (!wasm_read_u32(r, &n, e))
        return false;
    return n == 0 || wasm_refuse(e, ERR_INVALID, where, "memory %u is named, only memory 0 is accepted,", n);
}

static bool read_access(struct wasm_reader *r, struct err *e) {
    uint64_t where = wasm_offset(r);
    uint32_t align;
    uint64_t offset;
    if (!wasm_read_u32(r, &align, e) || !wasm_read_u64(r, &offset, e))
        return false;
    // Bit 6 announces a memory index; nothing accepted here is aligned to more than 16 bytes.
    if (align > 4)
        return wasm_refuse(e, ERR_INVALID, where, "malformed memory access, or one that names a second memory,");
    return offset <= UINT32_MAX || wasm_refuse(e, ERR_INVALID, where, "memory offset of more than 32 bits");
}

// "select" with a vector of types; the engine allows exactly one.
static bool read_types(struct wasm_reader *r, struct wasm_instr *out, struct err *e) {
    uint64_t where = wasm_offset(r);
    struct slice types;
    if (!wasm_read_vec(r, &types, e))
        return false;
    if (types.len != 1 || !wasm_is_valtype(types.ptr[0]))
        return wasm_refuse(e, ERR_INVALID, where, "malformed types of a select");
    out->index[0] = types.ptr[0];
    return true;
}

static bool read_labels(struct wasm_reader *r, struct wasm_instr *out, struct err *e) {
    if (!wasm_read_count(r, "labels of a br_table", 1, UINT32_MAX - 1, &out->index[0], e))
        return false;
    const uint8_t *start = r->at;
    for (uint32_t i = 0; i <= out->index[0]; i++) {
        uint32_t label;
        if (!wasm_read_u32(r, &label, e))
            return false;
    }
    out->labels = slice_of(start, (size_t)(r->at - start));
    return true;
}

static bool read_ref(struct wasm_reader *r, struct wasm_instr *out, struct err *e) {
    uint64_t where = wasm_offset(r);
    uint8_t t = 0;
    if (!wasm_read_byte(r, &t, e))
        return false;
    out->index[0] = t;
    return t == WASM_FUNCREF || t == WASM_EXTERNREF ||
           wasm_refuse(e, ERR_INVALID, where, "null of a reference type that is not accepted");
}

static bool read_block(struct wasm_reader *r, struct wasm_instr *out, struct err *e) {
    uint64_t where = wasm_offset(r);
    if (!wasm_read_signed(r, 33, &out->block, e))
        return false;
    return out->block >= 0 || out->block == -64 || (out->block > -64 && wasm_is_valtype((uint8_t)(out->block + 128))) ||
           wasm_refuse(e, ERR_INVALID, where, "block of a type that is not accepted");
}

static bool read_two(struct wasm_reader *r, struct wasm_instr *out, struct err *e) {
    if (!wasm_read_u32(r, &out->index[0], e))
        return false;
    const uint8_t *start = r->at;
    if (!wasm_read_u32(r, &out->index[1], e))
        return false;
    out->second = (uint32_t)(r->at - start);
    return true;
}

static bool read_immediates(struct wasm_reader *r, struct wasm_instr *out, struct err *e) {
    struct slice raw;
    int64_t number;
    uint8_t lane;
    switch ((enum wasm_imm)out->op->imm) {
    case WASM_IMM_REFUSED:
    case WASM_IMM_NONE: return true;
    case WASM_IMM_BLOCK: return read_block(r, out, e);
    case WASM_IMM_INDEX: return wasm_read_u32(r, &out->index[0], e);
    case WASM_IMM_TWO: return read_two(r, out, e);
    case WASM_IMM_LABELS: return read_labels(r, out, e);
    case WASM_IMM_TYPES: return read_types(r, out, e);
    case WASM_IMM_REF: return read_ref(r, out, e);
    case WASM_IMM_MEMORY: return read_memory_index(r, e);
    case WASM_IMM_MEMORIES: return read_memory_index(r, e) && read_memory_index(r, e);
    case WASM_IMM_DATA_MEMORY: return wasm_read_u32(r, &out->index[0], e) && read_memory_index(r, e);
    case WASM_IMM_ACCESS: return read_access(r, e);
    case WASM_IMM_ACCESS_LANE: return read_access(r, e) && wasm_read_byte(r, &lane, e);
    case WASM_IMM_LANE: return wasm_read_byte(r, &lane, e);
    case WASM_IMM_I32: return wasm_read_signed(r, 32, &number, e);
    case WASM_IMM_I64: return wasm_read_signed(r, 64, &number, e);
    case WASM_IMM_4: return wasm_read_bytes(r, 4, &raw, e);
    case WASM_IMM_8: return wasm_read_bytes(r, 8, &raw, e);
    case WASM_IMM_16: return wasm_read_bytes(r, 16, &raw, e);
    }
    return false;
}

bool wasm_read_instr(struct wasm_reader *r, struct wasm_instr *out, struct err *e) {
    return read_op(r, out, e) && read_immediates(r, out, e);
}
