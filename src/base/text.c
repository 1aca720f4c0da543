// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include <inttypes.h>

size_t text_cut(const char *s, size_t max) {
    size_t n = strnlen(s, max + 1);
    if (n <= max)
        return n;
    n = max;
    while (n > 0 && ((uint8_t)s[n] & 0xC0) == 0x80)
        n--;
    return n;
}

// Bytes of the character that begins with this one, 0 when none does.
static size_t utf8_length(uint8_t c) {
    if (c < 0x80)
        return 1;
    return c >= 0xC2 && c <= 0xDF ? 2 : (c & 0xF0) == 0xE0 ? 3 : c >= 0xF0 && c <= 0xF4 ? 4 : 0;
}

// Whether s[i] may follow in the character that begins at s (Unicode table 3-7).
static bool utf8_goes_on(const uint8_t *s, size_t i) {
    if ((s[i] & 0xC0) != 0x80)
        return false;
    return i > 1 || !((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) || (s[0] == 0xF0 && s[1] < 0x90) ||
                      (s[0] == 0xF4 && s[1] > 0x8F));
}

// How many bytes at s belong together: a character (*whole), the beginning of one, or one that is nothing.
static size_t utf8_piece(const uint8_t *s, size_t left, bool *whole) {
    size_t n = utf8_length(s[0]), i = 1;
    while (i < n && i < left && utf8_goes_on(s, i))
        i++;
    *whole = i == n;
    return i;
}

bool text_is_utf8(struct slice s) {
    bool whole = true;
    for (size_t i = 0; whole && i < s.len;)
        i += utf8_piece(s.ptr + i, s.len - i, &whole);
    return whole;
}

void text_repair(char *s) {
    size_t len = strlen(s), to = 0;
    bool whole;
    for (size_t at = 0, n; at < len; at += n) {
        n = utf8_piece((uint8_t *)s + at, len - at, &whole);
        if (whole) {
            memmove(s + to, s + at, n);
            to += n;
        } else if (at + n < len || !utf8_length((uint8_t)s[at])) {
            s[to++] = '?';
        }
    }
    s[to] = 0;
}

bool text_u128(struct slice s, u128 *out) {
    u128 v = 0;
    if (!s.len)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
        if (ckd_mul(&v, v, (u128)10) || ckd_add(&v, v, (u128)(s.ptr[i] - '0')))
            return false;
    }
    *out = v;
    return true;
}

bool text_u64(struct slice s, uint64_t *out) {
    u128 v;
    if (!text_u128(s, &v) || v > UINT64_MAX)
        return false;
    *out = (uint64_t)v;
    return true;
}

const char *u128_text(u128 v, char out[static U128_TEXT_MAX]) {
    char digits[U128_TEXT_MAX];
    size_t n = 0;
    do {
        digits[n++] = (char)('0' + (int)(v % 10));
        v /= 10;
    } while (v);
    for (size_t i = 0; i < n; i++)
        out[i] = digits[n - 1 - i];
    out[n] = 0;
    return out;
}

bool text_copy(char *out, size_t size, struct slice s) {
    bool fits = s.len < size && (!s.len || !memchr(s.ptr, 0, s.len));
    if (fits && s.len)
        memcpy(out, s.ptr, s.len);
    out[fits ? s.len : 0] = 0;
    return fits;
}

const char *text_duration(uint64_t us, char out[static 24]) {
    if (us < 1000)
        snprintf(out, 24, "%" PRIu64 " us", us);
    else if (us < 1000000)
        snprintf(out, 24, "%" PRIu64 ".%" PRIu64 " ms", us / 1000, us % 1000 / 100);
    else
        snprintf(out, 24, "%" PRIu64 ".%02" PRIu64 " s", us / 1000000, us % 1000000 / 10000);
    return out;
}

const char *text_grouped(uint64_t v, char out[static 32]) {
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%" PRIu64, v), at = 0;
    for (int i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = 0;
    return out;
}
