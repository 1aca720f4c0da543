// SPDX-License-Identifier: Apache-2.0
// What all of src/dcap is written with: runs of bytes that belong to somebody else, a reader and a writer that never
// leave their bounds, the caller's memory, hexadecimal text and dates. This is freestanding C: natively, in a contract
// and in a browser the same code runs without a heap, a clock or a C library.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#if __STDC_HOSTED__
#include <string.h>
#else
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
#endif

struct bytes {
    const uint8_t *ptr;
    size_t len;
};
#define DCAP_LIT(text) ((struct bytes){(const uint8_t *)(text), sizeof(text) - 1})
struct bytes dcap_bytes_of(const char *text); // without its NUL

static inline bool dcap_bytes_eq(struct bytes a, struct bytes b) {
    return a.len == b.len && (!a.len || memcmp(a.ptr, b.ptr, a.len) == 0);
}

// Takes exactly these bytes off the front of *b; false: it begins otherwise, and stays.
[[nodiscard]] bool dcap_bytes_take(struct bytes *b, struct bytes literal);

// Reads from the front. What is asked for beyond the end is NULL or 0 and leaves the cursor `failed`, where it stays.
struct dcap_cursor {
    const uint8_t *at, *end;
    bool failed;
};
struct dcap_cursor dcap_cursor_over(struct bytes b);
static inline size_t dcap_cursor_left(const struct dcap_cursor *c) { return (size_t)(c->end - c->at); }
const uint8_t *dcap_take(struct dcap_cursor *c, size_t n);
struct bytes dcap_take_bytes(struct dcap_cursor *c, size_t n); // exactly n, or {NULL, 0}
uint64_t dcap_take_le(struct dcap_cursor *c, size_t n);        // a number of n bytes, up to 8
uint64_t dcap_take_be(struct dcap_cursor *c, size_t n);

// Memory that the caller lends. Nothing is given back; whoever wants it back keeps `used` and sets it again.
struct dcap_arena {
    uint8_t *base; // aligned to 8
    size_t size, used;
};
void *dcap_arena_take(struct dcap_arena *a, size_t n); // NULL when there is not as much left

// Writes to the end of what the arena has left. What no longer fits leaves it `failed`.
struct dcap_writer {
    struct dcap_arena *arena;
    uint8_t *start, *at, *end;
    bool failed;
};
struct dcap_writer dcap_write_into(struct dcap_arena *a);
void dcap_put(struct dcap_writer *w, const void *from, size_t n);
void dcap_put_le(struct dcap_writer *w, uint64_t value, size_t n);
struct bytes dcap_written(struct dcap_writer *w); // keeps what was written; {NULL, 0} when it has failed

// 2 * n hexadecimal digits of either case as n bytes; `out` may be where the text is.
[[nodiscard]] bool dcap_hex_decode(uint8_t *out, struct bytes text, size_t n);

// Behind the text, where the bytes begin with it, or NULL. A program whose texts are packed brings its own.
const uint8_t *dcap_text_behind(const char *text, const uint8_t *at, const uint8_t *end);
bool dcap_text_is(const char *text, const uint8_t *ptr, size_t len); // whether it is all of them
// The n-th of texts that stand one behind the other, each with its NUL: a table of them without pointers.
const char *dcap_nth(const char *texts, unsigned n);
// Which of the first `count` of them it is; count: none.
unsigned dcap_index_of(struct bytes text, const char *texts, unsigned count);

// Seconds since 1970 of YYYYMMDDhhmmss, 14 digits, in the calendar of ISO 8601 from 1970 to 9999.
[[nodiscard]] bool dcap_time_of_digits(uint64_t *out, const uint8_t digits[14]);
// The same of YYYY-MM-DDThh:mm:ssZ.
[[nodiscard]] bool dcap_time_of_iso(uint64_t *out, struct bytes text);
// And back, up to the year 9999 and without a NUL.
enum { DCAP_ISO_SIZE = 20 };
void dcap_iso_of_time(char out[DCAP_ISO_SIZE], uint64_t seconds);
