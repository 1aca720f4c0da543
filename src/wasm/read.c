// SPDX-License-Identifier: Apache-2.0
#include "wasm/read.h"

#include <stdarg.h>

bool wasm_refuse(struct err *e, enum err_code code, uint64_t offset, const char *fmt, ...) {
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return err_set(e, code, "%s at offset %llu", text, (unsigned long long)offset);
}

static bool cut_short(const struct wasm_reader *r, struct err *e) {
    return wasm_refuse(e, ERR_INVALID, wasm_offset(r), "malformed module: the bytes end too early");
}

static bool bad_number(const struct wasm_reader *r, struct err *e) {
    return wasm_refuse(e, ERR_INVALID, wasm_offset(r), "malformed module: a number is too long");
}

bool wasm_read_byte(struct wasm_reader *r, uint8_t *out, struct err *e) {
    if (r->at == r->end)
        return cut_short(r, e);
    *out = *r->at++;
    return true;
}

// Unsigned LEB128; the unused bits of the last byte are zero.
static bool read_unsigned(struct wasm_reader *r, unsigned bits, uint64_t *out, struct err *e) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < bits; shift += 7) {
        uint8_t b = 0;
        if (!wasm_read_byte(r, &b, e))
            return false;
        if (bits - shift < 7 && (b >> (bits - shift)))
            return bad_number(r, e);
        value |= (uint64_t)(b & 0x7f) << shift;
        if (!(b & 0x80)) {
            *out = value;
            return true;
        }
    }
    return bad_number(r, e);
}

bool wasm_read_u32(struct wasm_reader *r, uint32_t *out, struct err *e) {
    if (r->at != r->end && *r->at < 0x80) { // nearly always
        *out = *r->at++;
        return true;
    }
    uint64_t value;
    if (!read_unsigned(r, 32, &value, e))
        return false;
    *out = (uint32_t)value;
    return true;
}

bool wasm_read_u64(struct wasm_reader *r, uint64_t *out, struct err *e) { return read_unsigned(r, 64, out, e); }

bool wasm_read_signed(struct wasm_reader *r, unsigned bits, int64_t *out, struct err *e) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < bits; shift += 7) {
        uint8_t b = 0;
        if (!wasm_read_byte(r, &b, e))
            return false;
        unsigned used = bits - shift < 7 ? bits - shift : 7;
        value |= (uint64_t)(b & 0x7f) << shift;
        if (b & 0x80)
            continue;
        bool negative = b & 0x40;
        if (used < 7) { // the bits beyond the width repeat the sign
            uint8_t rest = (uint8_t)((b & 0x7f) >> (used - 1)), all = (uint8_t)(0x7f >> (used - 1));
            if (rest != 0 && rest != all)
                return bad_number(r, e);
        }
        if (negative && shift + 7 < 64)
            value |= ~(uint64_t)0 << (shift + 7);
        *out = (int64_t)value;
        return true;
    }
    return bad_number(r, e);
}

bool wasm_read_bytes(struct wasm_reader *r, size_t n, struct slice *out, struct err *e) {
    if (n > wasm_left(r))
        return cut_short(r, e);
    *out = slice_of(r->at, n);
    r->at += n;
    return true;
}

bool wasm_read_vec(struct wasm_reader *r, struct slice *out, struct err *e) {
    uint32_t n;
    return wasm_read_u32(r, &n, e) && wasm_read_bytes(r, n, out, e);
}

bool wasm_read_count(struct wasm_reader *r, const char *what, size_t entry, uint32_t max, uint32_t *out,
                     struct err *e) {
    uint64_t where = wasm_offset(r);
    if (!wasm_read_u32(r, out, e))
        return false;
    if (*out > max)
        return wasm_refuse(e, ERR_LIMIT, where, "too many %s: %u, at most %u are accepted,", what, *out, max);
    if (*out > wasm_left(r) / entry)
        return wasm_refuse(e, ERR_INVALID, where, "malformed module: %u %s do not fit into what follows", *out, what);
    return true;
}

bool wasm_read_section(struct wasm_reader *r, struct wasm_section *out, struct err *e) {
    const uint8_t *header = r->at;
    uint32_t n;
    if (!wasm_read_byte(r, &out->id, e) || !wasm_read_u32(r, &n, e))
        return false;
    out->header = slice_of(header, (size_t)(r->at - header));
    out->offset = wasm_offset(r);
    return wasm_read_bytes(r, n, &out->body, e);
}
