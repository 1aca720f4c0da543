// SPDX-License-Identifier: Apache-2.0
// Borsh (NEAR's binary format: little endian, u32 lengths). Writing appends to a capped buffer; reading moves a cursor
// that turns bad at the first short read or broken rule and then gives zeros: check `bad` once at the end.
#pragma once
#include "base/buf.h"

void borsh_put_u8(struct buf *b, uint8_t v);
void borsh_put_u16(struct buf *b, uint16_t v);
void borsh_put_u32(struct buf *b, uint32_t v);
void borsh_put_u64(struct buf *b, uint64_t v);
void borsh_put_u128(struct buf *b, u128 v);
void borsh_put_bytes(struct buf *b, struct slice s); // u32 length and the bytes
void borsh_put_text(struct buf *b, const char *s);
void borsh_put_raw(struct buf *b, const void *p, size_t n);

struct borsh {
    struct slice left;
    bool bad;
};

uint8_t borsh_u8(struct borsh *r);
uint16_t borsh_u16(struct borsh *r);
uint32_t borsh_u32(struct borsh *r);
uint64_t borsh_u64(struct borsh *r);
u128 borsh_u128(struct borsh *r);
bool borsh_bool(struct borsh *r); // 0 or 1, anything else is bad
struct slice borsh_raw(struct borsh *r, size_t n);
struct slice borsh_bytes(struct borsh *r, size_t max);
struct slice borsh_text(struct borsh *r, size_t max); // UTF-8
// A list's length; each element takes at least min_element bytes, so a lying length is bad before anything is
// allocated.
uint32_t borsh_count(struct borsh *r, size_t min_element);
// Nothing left and nothing bad.
bool borsh_done(const struct borsh *r);
