// SPDX-License-Identifier: Apache-2.0
#include "base/buf.h"

#include "base/err.h"
#include <stdarg.h>

void buf_free(struct buf *b) {
    if (b->wiped && b->ptr)
        explicit_bzero(b->ptr, b->size);
    free(b->ptr);
    *b = (struct buf){.cap = b->cap, .wiped = b->wiped};
}

void buf_free_wiped(struct buf *b) {
    if (b->ptr)
        explicit_bzero(b->ptr, b->size);
    buf_free(b);
}

void buf_clear(struct buf *b) {
    b->len = 0;
    b->full = false;
}

// realloc would leave what was there in memory that somebody else gets.
static uint8_t *moved(struct buf *b, size_t size) {
    if (!b->wiped)
        return xrealloc(b->ptr, size);
    uint8_t *to = xmalloc(size);
    if (b->ptr) {
        memcpy(to, b->ptr, b->len);
        explicit_bzero(b->ptr, b->size);
    }
    free(b->ptr);
    return to;
}

uint8_t *buf_room(struct buf *b, size_t n) {
    if (b->full || n > b->cap - b->len) {
        b->full = true;
        return NULL;
    }
    if (b->size < b->len + n + 1) {
        size_t size = b->size ? b->size : 64;
        while (size < b->len + n + 1)
            size *= 2;
        if (size > b->cap + 1)
            size = b->cap + 1;
        b->ptr = moved(b, size);
        b->size = size;
    }
    return b->ptr + b->len;
}

void buf_commit(struct buf *b, size_t n) {
    BUG_ON(n > b->size - b->len);
    b->len += n;
}

bool buf_add(struct buf *b, const void *p, size_t n) {
    uint8_t *to = buf_room(b, n);
    if (!to)
        return false;
    if (n)
        memcpy(to, p, n);
    b->len += n;
    return true;
}

bool buf_add_slice(struct buf *b, struct slice s) { return buf_add(b, s.ptr, s.len); }
bool buf_add_str(struct buf *b, const char *s) { return buf_add(b, s, strlen(s)); }
bool buf_add_byte(struct buf *b, uint8_t c) { return buf_add(b, &c, 1); }

bool buf_printf(struct buf *b, const char *fmt, ...) {
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    BUG_ON(n < 0);
    uint8_t *to = buf_room(b, (size_t)n);
    if (to) {
        vsnprintf((char *)to, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    }
    va_end(again);
    return to;
}

void buf_drop(struct buf *b, size_t n) {
    BUG_ON(n > b->len);
    if (n)
        memmove(b->ptr, b->ptr + n, b->len - n);
    b->len -= n;
}

const char *buf_str(struct buf *b) {
    if (!b->ptr)
        return "";
    b->ptr[b->len] = 0;
    return (const char *)b->ptr;
}
