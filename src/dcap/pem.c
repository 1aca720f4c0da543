// SPDX-License-Identifier: Apache-2.0
#include "dcap/pem.h"

static bool take_line_end(struct bytes *text) {
    return dcap_bytes_take(text, DCAP_LIT("\n")) || dcap_bytes_take(text, DCAP_LIT("\r\n"));
}

// What each character stands for; 64: nothing. A branch on what kind it is would never be foreseen.
static const uint8_t values[128] = {
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 62, 64, 64, 64, 63, 52, 53, 54, 55,
    56, 57, 58, 59, 60, 61, 64, 64, 64, 64, 64, 64, 64, 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12,
    13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 64, 64, 64, 64, 64, 64, 26, 27, 28, 29, 30, 31, 32,
    33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 64, 64, 64, 64, 64};

enum { NO_DIGIT = 64 };

static void put_group(uint8_t out[3], uint32_t bits) {
    out[0] = (uint8_t)(bits >> 16), out[1] = (uint8_t)(bits >> 8), out[2] = (uint8_t)bits;
}

// The last group, of characters below 128, whose padding stands for bytes that are not there; the bits that are left
// over are zero. How many bytes it is; 0: it is no such group.
static size_t take_padded(uint8_t out[3], const uint8_t p[4]) {
    size_t n = p[2] == '=' ? 1 : 2;
    uint32_t a = values[p[0]], b = values[p[1]], c = n > 1 ? values[p[2]] : 0, bits = a << 18 | b << 12 | c << 6;
    if (p[3] != '=' || ((a | b | c) & NO_DIGIT) || (bits << 8 * n & 0xffffff))
        return 0;
    put_group(out, bits);
    return n;
}

// A line of whole groups to `out`, where there is room for three bytes for each four of the text; *last says whether it
// ended with padding. NULL: it is no such line.
static uint8_t *take_groups(uint8_t *out, bool *last, struct bytes *text) {
    const uint8_t *p = text->ptr, *end = p + text->len;
    do {
        if (*last || end - p < 4)
            return NULL;
        uint32_t a = p[0], b = p[1], c = p[2], d = p[3];
        size_t n = 3;
        if ((a | b | c | d) & 0x80)
            return NULL;
        a = values[a], b = values[b], c = values[c], d = values[d];
        if ((a | b | c | d) & NO_DIGIT) {
            *last = true;
            n = take_padded(out, p);
            if (n == 0)
                return NULL;
        } else {
            put_group(out, a << 18 | b << 12 | c << 6 | d);
        }
        out += n, p += 4;
    } while (p < end && p[0] > '\r');
    *text = (struct bytes){p, (size_t)(end - p)};
    return out;
}

bool dcap_base64_decode(struct bytes *bytes, uint8_t *out, struct bytes text) {
    bool last = false;
    uint8_t *end = text.len ? take_groups(out, &last, &text) : out;
    *bytes = (struct bytes){out, end ? (size_t)(end - out) : 0};
    return end && !text.len;
}

static uint8_t *take_certificate(uint8_t *out, struct bytes *text) {
    if (!dcap_bytes_take(text, DCAP_LIT("-----BEGIN CERTIFICATE-----")) || !take_line_end(text))
        return NULL;
    for (bool last = false; !dcap_bytes_take(text, DCAP_LIT("-----END CERTIFICATE-----"));) {
        out = take_groups(out, &last, text);
        if (!out || !take_line_end(text))
            return NULL;
    }
    return out;
}

bool dcap_pem_certificates(struct bytes *certificates, size_t *count, struct dcap_arena *arena, struct bytes text,
                           size_t max, bool nul_tail) {
    uint8_t *out = dcap_arena_take(arena, text.len / 4 * 3);
    if (!out)
        return false;
    if (nul_tail && text.len > 0 && text.ptr[text.len - 1] == 0)
        text.len--;
    for (*count = 0; text.len > 0; ++*count) {
        uint8_t *end = *count < max ? take_certificate(out, &text) : NULL;
        if (!end || (text.len > 0 && !take_line_end(&text)))
            return false;
        certificates[*count] = (struct bytes){out, (size_t)(end - out)};
        out = end;
    }
    return *count > 0;
}
