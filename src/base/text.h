// SPDX-License-Identifier: Apache-2.0
// Text: UTF-8, numbers in decimal, units that people write.
#pragma once
#include "base/err.h"
#include "base/slice.h"

// Largest n <= max that does not cut a character of the NUL-terminated (or longer than max) text s.
size_t text_cut(const char *s, size_t max);
bool text_is_utf8(struct slice s);
// Makes foreign or cut bytes UTF-8, in place and never longer: a character that the end cuts off goes, whatever else is
// broken becomes '?'.
void text_repair(char *s);
// The same, and nothing that a terminal would obey: control characters become '?', too. one_line: ends of lines and
// tabs are none of the text's business either.
void text_make_printable(char *s, bool one_line);
// Whole text is a decimal number without sign, leading zeros allowed, within range; false leaves *out alone.
bool text_u64(struct slice s, uint64_t *out);
bool text_u128(struct slice s, u128 *out);
#define U128_TEXT_MAX 40 // digits and NUL
const char *u128_text(u128 v, char out[static U128_TEXT_MAX]);
// Copies into a fixed array; false (and "") when it does not fit.
[[nodiscard]] bool text_copy(char *out, size_t size, struct slice s);
// "1.2 s", "350 ms", "12 us": a duration for people.
const char *text_duration(uint64_t us, char out[static 24]);
// The name nearest to what somebody typed: set `given` and `most` (letters that may differ), then try each name there
// is.
struct nearest {
    const char *given, *name; // name NULL: none is near enough
    size_t most;
};
void nearest_try(struct nearest *n, const char *name);
// "12,345,678": digits in groups of three.
const char *text_grouped(uint64_t v, char out[static 32]);
