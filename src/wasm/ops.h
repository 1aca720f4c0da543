// SPDX-License-Identifier: Apache-2.0
// The operators that are accepted: MVP, sign extension, saturating conversion, bulk memory, reference types,
// multi-value, SIMD. For each: its immediates, what it costs by class, whether it can trap, what it does to the
// operand stack. Everything else is refused by name.
#pragma once
#include "wasm/read.h"

enum wasm_imm {
    WASM_IMM_REFUSED,
    WASM_IMM_NONE,
    WASM_IMM_BLOCK,       // block type
    WASM_IMM_INDEX,       // one index: local, global, function, label, table, segment
    WASM_IMM_TWO,         // two indices: call_indirect (type, table), table.init, table.copy
    WASM_IMM_LABELS,      // br_table
    WASM_IMM_TYPES,       // select with types
    WASM_IMM_REF,         // ref.null: a reference type
    WASM_IMM_MEMORY,      // one memory index, which is 0
    WASM_IMM_MEMORIES,    // two of them: memory.copy
    WASM_IMM_DATA_MEMORY, // memory.init: segment, memory
    WASM_IMM_ACCESS,      // alignment, offset
    WASM_IMM_ACCESS_LANE, // and a lane
    WASM_IMM_LANE,
    WASM_IMM_I32,
    WASM_IMM_I64,
    WASM_IMM_4,
    WASM_IMM_8,
    WASM_IMM_16,
};

// What a price list distinguishes.
enum wasm_price {
    WASM_PRICE_PLAIN,
    WASM_PRICE_FRAME, // block, else, end
    WASM_PRICE_LOOP,
    WASM_PRICE_IDLE,        // nop, drop, return, unreachable
    WASM_PRICE_MEMORY_BULK, // by the byte
    WASM_PRICE_MEMORY_GROW, // by the page
    WASM_PRICE_TABLE_BULK,  // by the element, growing included
    WASM_PRICE_CLASSES
};

enum {
    WASM_OP_UNREACHABLE = 0x00,
    WASM_OP_NOP = 0x01,
    WASM_OP_BLOCK = 0x02,
    WASM_OP_LOOP = 0x03,
    WASM_OP_IF = 0x04,
    WASM_OP_ELSE = 0x05,
    WASM_OP_END = 0x0b,
    WASM_OP_BR = 0x0c,
    WASM_OP_BR_IF = 0x0d,
    WASM_OP_BR_TABLE = 0x0e,
    WASM_OP_RETURN = 0x0f,
    WASM_OP_CALL = 0x10,
    WASM_OP_CALL_INDIRECT = 0x11,
    WASM_OP_DROP = 0x1a,
    WASM_OP_SELECT = 0x1b,
    WASM_OP_SELECT_TYPES = 0x1c,
    WASM_OP_LOCAL_GET = 0x20,
    WASM_OP_LOCAL_SET = 0x21,
    WASM_OP_LOCAL_TEE = 0x22,
    WASM_OP_GLOBAL_GET = 0x23,
    WASM_OP_GLOBAL_SET = 0x24,
    WASM_OP_TABLE_GET = 0x25,
    WASM_OP_TABLE_SET = 0x26,
    WASM_OP_MEMORY_GROW = 0x40,
    WASM_OP_I32_CONST = 0x41,
    WASM_OP_F64_CONST = 0x44,
    WASM_OP_I32_ADD = 0x6a,
    WASM_OP_I32_MUL = 0x6c,
    WASM_OP_I64_ADD = 0x7c,
    WASM_OP_I64_MUL = 0x7e,
    WASM_OP_REF_NULL = 0xd0,
    WASM_OP_REF_FUNC = 0xd2,
    WASM_OP_MEMORY_INIT = 0xfc08,
    WASM_OP_TABLE_INIT = 0xfc0c,
    WASM_OP_V128_CONST = 0xfd0c,
};

enum { WASM_I32 = 0x7f, WASM_I64 = 0x7e, WASM_F32 = 0x7d, WASM_F64 = 0x7c, WASM_V128 = 0x7b };
enum { WASM_FUNCREF = 0x70, WASM_EXTERNREF = 0x6f };

struct wasm_op {
    uint8_t imm;   // enum wasm_imm
    uint8_t price; // enum wasm_price
    bool traps;    // by itself: calls and branches are not meant
    uint8_t pops;  // operands taken, where the operator alone says so
    uint8_t push;  // value type of the one result, 0: none, or not said by the operator alone
};

// One operator with its immediates, as they stand at r->at.
struct wasm_instr {
    uint32_t code; // opcode; behind a prefix byte: prefix << 8 | opcode
    const struct wasm_op *op;
    uint32_t second;     // bytes that index[1] takes
    int64_t block;       // WASM_IMM_BLOCK: -64 none, other negatives a value type - 128, else a type index
    uint32_t index[2];   // the indices in their order of writing; the memory access's alignment flags are not kept
    struct slice labels; // WASM_IMM_LABELS: index[0] + 1 LEB128 numbers, the default last
};
[[nodiscard]] bool wasm_read_instr(struct wasm_reader *r, struct wasm_instr *out, struct err *e);
[[nodiscard]] bool wasm_is_valtype(uint8_t t);
