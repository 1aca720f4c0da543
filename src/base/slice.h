// SPDX-License-Identifier: Apache-2.0
// A borrowed run of bytes: pointer and length travel together. Who owns the bytes is said where the slice comes from.
#pragma once
#include "base/compat.h"
#include <string.h>

struct slice {
    const uint8_t *ptr;
    size_t len;
};

static inline struct slice slice_of(const void *ptr, size_t len) { return (struct slice){ptr, len}; }
static inline struct slice slice_str(const char *s) { return (struct slice){(const uint8_t *)s, s ? strlen(s) : 0}; }
#define SLICE_LIT(s) ((struct slice){(const uint8_t *)(s), sizeof(s) - 1})
static inline bool slice_eq(struct slice a, struct slice b) {
    return a.len == b.len && (!a.len || memcmp(a.ptr, b.ptr, a.len) == 0);
}
static inline bool slice_eq_str(struct slice a, const char *s) { return slice_eq(a, slice_str(s)); }
static inline bool slice_starts(struct slice a, struct slice prefix) {
    return a.len >= prefix.len && (!prefix.len || memcmp(a.ptr, prefix.ptr, prefix.len) == 0);
}
// The part of `a` behind its first n bytes; empty when there are not as many.
static inline struct slice slice_skip(struct slice a, size_t n) {
    return n >= a.len ? (struct slice){NULL, 0} : (struct slice){a.ptr + n, a.len - n};
}
// Without the blanks and tabs at both ends.
static inline struct slice slice_trim(struct slice a) {
    while (a.len && (a.ptr[0] == ' ' || a.ptr[0] == '\t'))
        a = slice_skip(a, 1);
    while (a.len && (a.ptr[a.len - 1] == ' ' || a.ptr[a.len - 1] == '\t'))
        a.len--;
    return a;
}
// Without the white space at its end, line ends included.
static inline struct slice slice_trim_end(struct slice a) {
    while (a.len && isspace(a.ptr[a.len - 1]))
        a.len--;
    return a;
}
// For printf's "%.*s".
#define SLICE_FMT(s) (int)(s).len, (const char *)(s).ptr
