// SPDX-License-Identifier: Apache-2.0
// UTF-8 alone, so that what only reports errors does not link all of text.c.
#include "base/text.h"

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

void text_make_printable(char *s, bool one_line) {
    text_repair(s);
    for (uint8_t *p = (uint8_t *)s; *p; p++) {
        bool kept = !one_line && (*p == '\n' || *p == '\t');
        if ((*p < 0x20 && !kept) || *p == 0x7F)
            *p = '?';
        else if (p[0] == 0xC2 && p[1] < 0xA0) // U+0080 to U+009F: a terminal's other control characters
            p[0] = p[1] = '?';
    }
}
