// SPDX-License-Identifier: Apache-2.0
#include "dcap/pem.h"

static bool take(struct bytes *text, struct bytes word) {
    if (text->len < word.len || memcmp(text->ptr, word.ptr, word.len) != 0)
        return false;
    text->ptr += word.len, text->len -= word.len;
    return true;
}

static bool take_line_end(struct bytes *text) { return take(text, DCAP_LIT("\n")) || take(text, DCAP_LIT("\r\n")); }

// By a table, since which kind of character comes next is as random as what it stands for.
static uint32_t value_of(uint8_t c) {
    static const uint8_t values[] = {// of '+' to 'z'
                                     62, 64, 64, 64, 63, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 64, 64, 64, 64, 64,
                                     64, 64, 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17,
                                     18, 19, 20, 21, 22, 23, 24, 25, 64, 64, 64, 64, 64, 64, 26, 27, 28, 29, 30, 31,
                                     32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51};
    uint8_t i = (uint8_t)(c - '+');
    return i < sizeof values ? values[i] : 64;
}

// A group of four characters as up to three bytes; fewer are the last ones, and the bits that they leave are zero.
static bool take_group(uint8_t out[3], size_t *n, struct bytes *text) {
    const uint8_t *p = text->ptr;
    if (text->len < 4)
        return false;
    *n = p[3] != '=' ? 3 : p[2] != '=' ? 2 : 1;
    uint32_t bits = 0;
    for (size_t i = 0; i < 4; i++) {
        uint32_t value = i <= *n ? value_of(p[i]) : 0;
        if (value > 63)
            return false;
        bits = bits << 6 | value;
    }
    for (size_t i = 0; i < 3; i++, bits <<= 8)
        out[i] = (uint8_t)(bits >> 16);
    text->ptr += 4, text->len -= 4;
    return (*n == 3 || out[*n] == 0) && (*n != 1 || out[2] == 0);
}

static bool take_certificate(struct dcap_writer *w, struct bytes *text) {
    if (!take(text, DCAP_LIT("-----BEGIN CERTIFICATE-----")) || !take_line_end(text))
        return false;
    for (size_t n = 3; !take(text, DCAP_LIT("-----END CERTIFICATE-----"));) {
        uint8_t group[3];
        do {
            if (n != 3 || !take_group(group, &n, text))
                return false;
            dcap_put(w, group, n);
        } while (!take_line_end(text));
    }
    return true;
}

bool dcap_pem_certificates(struct bytes *certificates, size_t *count, struct dcap_arena *arena, struct bytes text,
                           size_t max, bool nul_tail) {
    if (nul_tail && text.len > 0 && text.ptr[text.len - 1] == 0)
        text.len--;
    for (*count = 0; text.len > 0; ++*count) {
        struct dcap_writer w = dcap_write_into(arena);
        if (*count >= max || !take_certificate(&w, &text) || (text.len > 0 && !take_line_end(&text)))
            return false;
        certificates[*count] = dcap_written(&w);
        if (!certificates[*count].ptr)
            return false;
    }
    return *count > 0;
}
