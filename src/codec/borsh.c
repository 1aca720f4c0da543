// SPDX-License-Identifier: Apache-2.0
#include "codec/borsh.h"

#include "base/text.h"

static void put_le(struct buf *b, u128 v, size_t n) {
    uint8_t bytes[16];
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)(v >> (8 * i));
    buf_add(b, bytes, n);
}

void borsh_put_u8(struct buf *b, uint8_t v) { put_le(b, v, 1); }
void borsh_put_u16(struct buf *b, uint16_t v) { put_le(b, v, 2); }
void borsh_put_u32(struct buf *b, uint32_t v) { put_le(b, v, 4); }
void borsh_put_u64(struct buf *b, uint64_t v) { put_le(b, v, 8); }
void borsh_put_u128(struct buf *b, u128 v) { put_le(b, v, 16); }
void borsh_put_raw(struct buf *b, const void *p, size_t n) { buf_add(b, p, n); }
void borsh_put_text(struct buf *b, const char *s) { borsh_put_bytes(b, slice_str(s)); }

void borsh_put_bytes(struct buf *b, struct slice s) {
    if (s.len > UINT32_MAX) {
        b->full = true;
        return;
    }
    borsh_put_u32(b, (uint32_t)s.len);
    buf_add_slice(b, s);
}

struct slice borsh_raw(struct borsh *r, size_t n) {
    if (r->bad || r->left.len < n) {
        r->bad = true;
        return (struct slice){NULL, 0};
    }
    struct slice s = slice_of(r->left.ptr, n);
    r->left = slice_of(r->left.ptr + n, r->left.len - n);
    return s;
}

static u128 get_le(struct borsh *r, size_t n) {
    struct slice s = borsh_raw(r, n);
    u128 v = 0;
    for (size_t i = s.len; i-- > 0;)
        v = v << 8 | s.ptr[i];
    return v;
}

uint8_t borsh_u8(struct borsh *r) { return (uint8_t)get_le(r, 1); }
uint16_t borsh_u16(struct borsh *r) { return (uint16_t)get_le(r, 2); }
uint32_t borsh_u32(struct borsh *r) { return (uint32_t)get_le(r, 4); }
uint64_t borsh_u64(struct borsh *r) { return (uint64_t)get_le(r, 8); }
u128 borsh_u128(struct borsh *r) { return get_le(r, 16); }

bool borsh_bool(struct borsh *r) {
    uint8_t v = borsh_u8(r);
    r->bad |= v > 1;
    return v == 1;
}

struct slice borsh_bytes(struct borsh *r, size_t max) {
    uint32_t n = borsh_u32(r);
    if (n > max)
        r->bad = true;
    return borsh_raw(r, n);
}

struct slice borsh_text(struct borsh *r, size_t max) {
    struct slice s = borsh_bytes(r, max);
    r->bad |= !text_is_utf8(s);
    return r->bad ? (struct slice){NULL, 0} : s;
}

uint32_t borsh_count(struct borsh *r, size_t min_element) {
    uint32_t n = borsh_u32(r);
    if (min_element && n > r->left.len / min_element)
        r->bad = true;
    return r->bad ? 0 : n;
}

bool borsh_done(const struct borsh *r) { return !r->bad && !r->left.len; }
