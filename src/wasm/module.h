// SPDX-License-Identifier: Apache-2.0
// A core module taken apart: its sections and the index spaces that a rewriter needs. Everything points into the
// module's own bytes or into the arena it was parsed with.
#pragma once
#include "base/arena.h"
#include "wasm/ops.h"

// The engine's own limits, kept with room for what is added.
#define WASM_TYPES_MAX 100000
#define WASM_FUNCTIONS_MAX 200000
#define WASM_LOCALS_MAX 49990 // of one function, parameters included
#define WASM_BODY_MAX 7600000 // bytes of one function, also after rewriting
#define WASM_TABLES_MAX 64
#define WASM_TABLE_ELEMENTS_MAX 1000000 // of all tables of a module together
#define WASM_SECTIONS_MAX 10000

enum wasm_section_id {
    WASM_SECTION_CUSTOM,
    WASM_SECTION_TYPE,
    WASM_SECTION_IMPORT,
    WASM_SECTION_FUNCTION,
    WASM_SECTION_TABLE,
    WASM_SECTION_MEMORY,
    WASM_SECTION_GLOBAL,
    WASM_SECTION_EXPORT,
    WASM_SECTION_START,
    WASM_SECTION_ELEMENT,
    WASM_SECTION_CODE,
    WASM_SECTION_DATA,
    WASM_SECTION_DATA_COUNT,
    WASM_SECTIONS
};

struct wasm_functype {
    const uint8_t *params, *results; // one value type a byte
    uint32_t param_count, result_count;
};

struct wasm_table {
    uint8_t type; // WASM_FUNCREF or WASM_EXTERNREF
    bool imported, has_max;
    uint32_t min, max;
};

struct wasm_module {
    struct slice bytes;
    uint64_t offset; // of its first byte in the file
    struct wasm_section *sections;
    size_t section_count;
    struct wasm_section known[WASM_SECTIONS]; // body.ptr NULL: not there

    struct wasm_functype *types;
    uint32_t type_count;
    uint32_t *functions; // type of each, imported ones first
    uint32_t function_count, imported_functions;
    struct slice *import_names; // of the imported functions
    struct wasm_table tables[WASM_TABLES_MAX];
    uint32_t table_count;
    uint32_t memory_count; // 0 or 1
    bool imported_memory;
    bool extended_constants; // a global is computed
    uint8_t *globals;        // value type of each, imported ones first
    uint32_t global_count, imported_globals;
};

// `offset` is that of the module's first byte in the file, for messages. On success bodies are not looked at yet.
[[nodiscard]] bool wasm_module_parse(struct wasm_module *out, struct arena *a, struct slice bytes, uint64_t offset,
                                     struct err *e);
