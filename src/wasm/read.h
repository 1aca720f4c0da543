// SPDX-License-Identifier: Apache-2.0
// Reading WebAssembly's binary format: a bounded cursor. Every failure names the byte's offset in the whole file.
#pragma once
#include "base/err.h"
#include "base/slice.h"

struct wasm_reader {
    const uint8_t *start, *at, *end;
    uint64_t base; // offset of `start` in the file
};

static inline struct wasm_reader wasm_reader_of(struct slice s, uint64_t base) {
    return (struct wasm_reader){s.ptr, s.ptr, s.ptr ? s.ptr + s.len : s.ptr, base};
}
static inline size_t wasm_left(const struct wasm_reader *r) { return (size_t)(r->end - r->at); }
static inline uint64_t wasm_offset(const struct wasm_reader *r) { return r->base + (uint64_t)(r->at - r->start); }

[[nodiscard]] bool wasm_read_byte(struct wasm_reader *r, uint8_t *out, struct err *e);
[[nodiscard]] bool wasm_read_u32(struct wasm_reader *r, uint32_t *out, struct err *e);
[[nodiscard]] bool wasm_read_u64(struct wasm_reader *r, uint64_t *out, struct err *e);
// A signed LEB128 of at most `bits` bits; 33 for block types.
[[nodiscard]] bool wasm_read_signed(struct wasm_reader *r, unsigned bits, int64_t *out, struct err *e);
// A run of n bytes, borrowed.
[[nodiscard]] bool wasm_read_bytes(struct wasm_reader *r, size_t n, struct slice *out, struct err *e);
// A name or a byte vector: length, then bytes. Not checked to be UTF-8 (the engine does that).
[[nodiscard]] bool wasm_read_vec(struct wasm_reader *r, struct slice *out, struct err *e);
// A count of entries of at least `entry` bytes each: refused when as many cannot follow, or when over `max`.
[[nodiscard]] bool wasm_read_count(struct wasm_reader *r, const char *what, size_t entry, uint32_t max, uint32_t *out,
                                   struct err *e);

struct wasm_section {
    uint8_t id;
    struct slice header; // id and length, as they stand
    struct slice body;
    uint64_t offset; // of the body
};
// The next section of a module or component behind its 8 bytes of preamble.
[[nodiscard]] bool wasm_read_section(struct wasm_reader *r, struct wasm_section *out, struct err *e);

// err_set with " at offset N" behind the text.
bool wasm_refuse(struct err *e, enum err_code code, uint64_t offset, const char *fmt, ...) PRINTF_LIKE(4, 5);
