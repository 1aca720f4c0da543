// SPDX-License-Identifier: Apache-2.0
#include "text.h"

#ifdef __wasm__
// Each instruction costs gas, so whole words where there are some, four at a time; the last one may overlap the one
// before.
#define MOVE(n) __builtin_memcpy_inline(t, f, n)
void *memcpy(void *restrict to, const void *restrict from, size_t n) {
    char *t = to, *end = t + n;
    const char *f = from;
    if (n >= 8) {
        for (; end - t >= 32; t += 32, f += 32)
            MOVE(32);
        for (; end - t >= 8; t += 8, f += 8)
            MOVE(8);
        f -= 8 - (end - t);
        t = end - 8;
        MOVE(8);
        return to;
    }
    if (n & 4) {
        MOVE(4);
        t += 4, f += 4;
    }
    if (n & 2) {
        MOVE(2);
        t += 2, f += 2;
    }
    if (n & 1)
        *t = *f;
    return to;
}

void *memset(void *to, int c, size_t n) {
    char *t = to;
    uint64_t word[4];
    word[0] = word[1] = word[2] = word[3] = (uint8_t)c * 0x0101010101010101ull;
    for (; n >= 32; n -= 32, t += 32)
        __builtin_memcpy_inline(t, word, 32);
    for (; n; n--)
        *t++ = (char)c;
    return to;
}

void *memmove(void *to, const void *from, size_t n) {
    char *t = to, *end = t + n;
    const char *f = from;
    if (t <= f) {
        for (; end - t >= 8; t += 8, f += 8)
            MOVE(8);
        while (t < end)
            *t++ = *f++;
    } else {
        while (n--)
            t[n] = f[n];
    }
    return to;
}

// The last word may overlap the one before.
int memcmp(const void *a, const void *b, size_t n) {
    const uint8_t *x = a, *y = b, *end = x + n;
    uint64_t u, v;
    if (n >= 8) {
        for (;; x += 8, y += 8) {
            if (end - x < 8) {
                y -= 8 - (end - x);
                x = end - 8;
            }
            __builtin_memcpy(&u, x, 8);
            __builtin_memcpy(&v, y, 8);
            if (u != v)
                break;
            if (end - x == 8)
                return 0;
        }
    }
    for (; x < end; x++, y++)
        if (*x != *y)
            return *x < *y ? -1 : 1;
    return 0;
}

// Memory goes on behind each text, so a word may be read beyond its end.
size_t strlen(const char *s) {
    uint64_t w, zero;
    const char *p = s;
    do {
        __builtin_memcpy_inline(&w, p, sizeof w);
        zero = (w - 0x0101010101010101ull) & ~w & 0x8080808080808080ull;
        p += sizeof w;
    } while (!zero);
    return (size_t)(p - s) - sizeof w + (size_t)__builtin_ctzll(zero) / 8;
}
#endif

struct text text_of(const char *s) {
    return (struct text){s, strlen(s)};
}

bool text_eq(struct text a, struct text b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

struct text text_cut(struct text t, size_t max) {
    if (t.len <= max)
        return t;
    while (max > 0 && ((uint8_t)t.ptr[max] & 0xc0) == 0x80)
        max--;
    return (struct text){t.ptr, max};
}

// A word at a time: the top bit of a byte is set where the byte is below 0x20, a quote, a backslash or not ASCII. A
// borrow can also mark bytes above such a one, so only the lowest mark counts.
static uint64_t marks(const char *p) {
    const uint64_t ones = 0x0101010101010101ull, tops = 0x8080808080808080ull;
    uint64_t w;
    __builtin_memcpy(&w, p, sizeof w);
    return (w | (w - ones * 0x20) | ((w ^ ones * '"') - ones) | ((w ^ ones * '\\') - ones)) & tops;
}

static bool is_plain(char c) { return c >= 0x20 && c != '"' && c != '\\'; }

size_t text_plain(const char *p, const char *end) {
    const char *from = p;
    uint64_t m;
    for (; end - p >= 8; p += 8)
        if ((m = marks(p)))
            return (size_t)(p - from) + (size_t)__builtin_ctzll(m) / 8;
    if (end - from >= 8) { // the last word overlaps the one before, whose bytes are plain
        m = marks(end - 8);
        return (size_t)(end - from) - (m ? 8 - (size_t)__builtin_ctzll(m) / 8 : 0);
    }
    while (p < end && is_plain(*p))
        p++;
    return (size_t)(p - from);
}

size_t utf8_length(const char *p, const char *end) {
    // The second byte's range excludes overlong forms (e0, f0), surrogates (ed) and what lies past U+10FFFF (f4).
    uint8_t c = (uint8_t)*p, low = 0x80, high = 0xbf;
    if (c < 0x80)
        return 1;
    size_t n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    if (c < 0xc2 || c > 0xf4 || (size_t)(end - p) < n)
        return 0;
    low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : low;
    high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : high;
    if ((uint8_t)p[1] < low || (uint8_t)p[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if (((uint8_t)p[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

struct text account_text(const struct account *a) {
    return (struct text){a->s, a->len};
}

bool account_eq(const struct account *a, const struct account *b) { return text_eq(account_text(a), account_text(b)); }

static bool is_separator(char c) { return c == '-' || c == '_' || c == '.'; }

bool account_valid(struct text t) {
    if (t.len < 2 || t.len > ACCOUNT_MAX || is_separator(t.ptr[t.len - 1]))
        return false;
    bool separated = true; // none may stand first
    for (size_t i = 0; i < t.len; i++) {
        char c = t.ptr[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!word && (separated || !is_separator(c)))
            return false;
        separated = !word;
    }
    return true;
}

struct account account_of(struct text valid) {
    struct account a = {.len = (uint8_t)valid.len};
    memcpy(a.s, valid.ptr, a.len);
    return a;
}

bool hash_eq(const struct hash *a, const struct hash *b) { return memcmp(a->b, b->b, HASH_SIZE) == 0; }

static int hex_digit(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

bool hash_parse(struct hash *out, struct text hex) {
    if (hex.len != 2 * HASH_SIZE)
        return false;
    for (size_t i = 0; i < HASH_SIZE; i++) {
        int high = hex_digit(hex.ptr[2 * i]), low = hex_digit(hex.ptr[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out->b[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

static unsigned base64_digit(char c) {
    if (c >= 'A' && c <= 'Z')
        return (unsigned)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (unsigned)(c - 'a' + 26);
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0' + 52);
    return c == '+' ? 62 : c == '/' ? 63 : 64;
}

bool base64_decode(char *text, size_t len, struct text *bytes) {
    size_t digits = len, n = 0;
    unsigned bits = 0, held = 0;
    if (len % 4 != 0)
        return false;
    while (digits > 0 && len - digits < 2 && text[digits - 1] == '=')
        digits--;
    for (size_t i = 0; i < digits; i++) {
        unsigned d = base64_digit(text[i]);
        if (d > 63)
            return false;
        bits = bits << 6 | d;
        held += 6;
        if (held >= 8) {
            held -= 8;
            text[n++] = (char)(bits >> held);
        }
    }
    *bytes = (struct text){text, n};
    return held < 6 && (bits & ((1u << held) - 1)) == 0;
}
