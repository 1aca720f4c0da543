// SPDX-License-Identifier: Apache-2.0
// A growable buffer with a hard cap. Appending beyond the cap drops the whole appended piece and sets `full`, once and
// for good: check it once at the end. There is always room for a NUL behind the bytes (buf_str).
#pragma once
#include "base/slice.h"

struct buf {
    uint8_t *ptr;
    size_t len, size, cap;
    bool full, wiped;
};

// Nothing is allocated before the first byte.
static inline struct buf buf_init(size_t cap) { return (struct buf){.cap = cap}; }
// For secrets: what it held is overwritten before its memory goes back, when it grows and when it is freed.
static inline struct buf buf_init_wiped(size_t cap) { return (struct buf){.cap = cap, .wiped = true}; }
void buf_free(struct buf *b);       // and back to empty, cap kept
void buf_free_wiped(struct buf *b); // wipes what it holds now; only buf_init_wiped also wiped what it grew out of
void buf_clear(struct buf *b);      // length 0, not full, memory kept
bool buf_add(struct buf *b, const void *p, size_t n);
bool buf_add_slice(struct buf *b, struct slice s);
bool buf_add_str(struct buf *b, const char *s);
bool buf_add_byte(struct buf *b, uint8_t c);
// Not for secrets: the C library may keep pieces of the text on the stack.
bool buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
// Room for n more bytes at the end, for reading into; then buf_commit what came. NULL when over the cap.
uint8_t *buf_room(struct buf *b, size_t n);
void buf_commit(struct buf *b, size_t n);
// Removes the first n bytes.
void buf_drop(struct buf *b, size_t n);
// NUL-terminated view, valid until the next change.
const char *buf_str(struct buf *b);
static inline struct slice buf_slice(const struct buf *b) { return slice_of(b->ptr, b->len); }

static inline void buf_cleanup_(struct buf *b) { buf_free(b); }
#define SCOPED_BUF(name, cap) __attribute__((cleanup(buf_cleanup_))) struct buf name = buf_init(cap)
#define SCOPED_WIPED_BUF(name, cap) __attribute__((cleanup(buf_cleanup_))) struct buf name = buf_init_wiped(cap)
