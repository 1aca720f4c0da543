// SPDX-License-Identifier: Apache-2.0
#include "dcap/pem.h"

static bool take(struct bytes *text, struct bytes word) {
    if (text->len < word.len || memcmp(text->ptr, word.ptr, word.len) != 0)
        return false;
    text->ptr += word.len, text->len -= word.len;
    return true;
}

static bool take_line_end(struct bytes *text) { return take(text, DCAP_LIT("\n")) || take(text, DCAP_LIT("\r\n")); }

static uint32_t value_of(uint8_t c) {
    uint8_t letter = (uint8_t)((c & 0xdf) - 'A'), digit = (uint8_t)(c - '0');
    if (letter < 26)
        return letter + (c & 0x20 ? 26u : 0u);
    if (digit < 10)
        return digit + 52u;
    return c == '+' ? 62 : c == '/' ? 63 : 64;
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
