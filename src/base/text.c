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

// Edit distance of short names, to suggest the nearest known one (Levenshtein, two rows).
static size_t distance(const char *a, const char *b) {
    size_t n = strlen(b), prev[64], row[64];
    if (n >= ARRAY_LEN(row))
        return SIZE_MAX;
    for (size_t j = 0; j <= n; j++)
        prev[j] = j;
    for (size_t i = 0; a[i]; i++) {
        row[0] = i + 1;
        for (size_t j = 0; j < n; j++) {
            size_t best = prev[j] + (a[i] != b[j]);
            if (prev[j + 1] + 1 < best)
                best = prev[j + 1] + 1;
            if (row[j] + 1 < best)
                best = row[j] + 1;
            row[j + 1] = best;
        }
        memcpy(prev, row, (n + 1) * sizeof *row);
    }
    return prev[n];
}

void nearest_try(struct nearest *n, const char *name) {
    size_t d = distance(n->given, name);
    if (d > n->most)
        return;
    n->name = name;
    n->most = d ? d - 1 : 0; // only a nearer one takes its place
}
