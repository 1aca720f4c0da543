// SPDX-License-Identifier: Apache-2.0
#include "json_out.h"
#include "env.h"

struct text out_text(const struct out *o) {
    return (struct text){o->buf, o->len};
}

void out_char(struct out *o, char c) {
    require(o->len < o->cap, "The text is too long for this contract");
    o->buf[o->len++] = c;
}

void out_raw(struct out *o, struct text t) {
    if (t.len == 0)
        return;
    require(t.len <= o->cap - o->len, "The text is too long for this contract");
    memcpy(o->buf + o->len, t.ptr, t.len);
    o->len += t.len;
}

void out_str(struct out *o, const char *s) { out_raw(o, text_of(s)); }

void out_number(struct out *o, uint64_t n) {
    char digits[20];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + n % 10);
    while (n /= 10);
    out_raw(o, (struct text){digits + at, sizeof digits - at});
}

void out_amount(struct out *o, struct yocto a) {
    char digits[YOCTO_DIGITS];
    out_raw(o, yocto_text(a, digits));
}

// A value ends with a quote, digit, letter or closing bracket; only after one of these is a comma due.
static void comma(struct out *o) {
    char last = o->len ? o->buf[o->len - 1] : '[';
    if (last != '{' && last != '[' && last != ':')
        out_char(o, ',');
}

void json_open(struct out *o, char bracket) {
    comma(o);
    out_char(o, bracket);
}

void json_close(struct out *o, char bracket) { out_char(o, bracket); }

void json_key(struct out *o, const char *name) {
    comma(o);
    out_char(o, '"');
    out_str(o, name);
    out_raw(o, TEXT("\":"));
}

void json_value(struct out *o, struct text value) {
    comma(o);
    out_raw(o, value);
}

void json_null(struct out *o) { json_value(o, TEXT("null")); }

void json_bool(struct out *o, bool b) { json_value(o, b ? TEXT("true") : TEXT("false")); }

void json_number(struct out *o, uint64_t n) {
    comma(o);
    out_number(o, n);
}

// The letter after the backslash; 'u' for a control character that has none; 0 for what stands as it is.
static char escape_of(char c) {
    switch (c) {
    case '"': return '"';
    case '\\': return '\\';
    case '\b': return 'b';
    case '\f': return 'f';
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    default: return (uint8_t)c < 0x20 ? 'u' : 0;
    }
}

static bool is_plain(char c) { return (uint8_t)c >= 0x20 && c != '"' && c != '\\'; }

size_t json_string_length(struct text t) {
    size_t n = 2;
    for (size_t i = 0; i < t.len; i++) {
        char e = is_plain(t.ptr[i]) ? 0 : escape_of(t.ptr[i]);
        n += e == 'u' ? 6 : e ? 2 : 1;
    }
    return n;
}

static void escaped(struct out *o, char c) {
    static const char hex[] = "0123456789abcdef";
    char e = escape_of(c);
    out_char(o, '\\');
    out_char(o, e);
    if (e == 'u') {
        out_raw(o, TEXT("00"));
        out_char(o, hex[(uint8_t)c >> 4]);
        out_char(o, hex[c & 15]);
    }
}

void json_string(struct out *o, struct text t) {
    if (!t.ptr) {
        json_null(o);
        return;
    }
    comma(o);
    out_char(o, '"');
    for (size_t i = 0, from = 0; i <= t.len; i++) {
        if (i < t.len && is_plain(t.ptr[i]))
            continue;
        out_raw(o, (struct text){t.ptr + from, i - from});
        if (i < t.len)
            escaped(o, t.ptr[i]);
        from = i + 1;
    }
    out_char(o, '"');
}

void json_amount(struct out *o, struct yocto a) {
    comma(o);
    out_char(o, '"');
    out_amount(o, a);
    out_char(o, '"');
}

void json_bytes(struct out *o, struct text bytes) {
    json_open(o, '[');
    for (size_t i = 0; i < bytes.len; i++)
        json_number(o, (uint8_t)bytes.ptr[i]);
    json_close(o, ']');
}

void json_hex(struct out *o, const struct hash *h) {
    static const char hex[] = "0123456789abcdef";
    char digits[2 * HASH_SIZE];
    for (size_t i = 0; i < HASH_SIZE; i++) {
        digits[2 * i] = hex[h->b[i] >> 4];
        digits[2 * i + 1] = hex[h->b[i] & 15];
    }
    json_string(o, (struct text){digits, sizeof digits});
}

void json_base64(struct out *o, struct text bytes) {
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    comma(o);
    out_char(o, '"');
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t n = bytes.len - i < 3 ? bytes.len - i : 3;
        uint32_t v = 0;
        for (size_t k = 0; k < 3; k++)
            v = v << 8 | (k < n ? (uint8_t)bytes.ptr[i + k] : 0);
        out_char(o, digit[v >> 18]);
        out_char(o, digit[v >> 12 & 63]);
        out_char(o, n > 1 ? digit[v >> 6 & 63] : '=');
        out_char(o, n > 2 ? digit[v & 63] : '=');
    }
    out_char(o, '"');
}

void json_put_null(struct out *o, const char *key) {
    json_key(o, key);
    json_null(o);
}

void json_put_bool(struct out *o, const char *key, bool b) {
    json_key(o, key);
    json_bool(o, b);
}

void json_put_number(struct out *o, const char *key, uint64_t n) {
    json_key(o, key);
    json_number(o, n);
}

void json_put_string(struct out *o, const char *key, struct text t) {
    json_key(o, key);
    json_string(o, t);
}

void json_put_amount(struct out *o, const char *key, struct yocto a) {
    json_key(o, key);
    json_amount(o, a);
}

void json_put_hex(struct out *o, const char *key, const struct hash *h) {
    json_key(o, key);
    if (h)
        json_hex(o, h);
    else
        json_null(o);
}

void json_put_open(struct out *o, const char *key, char bracket) {
    json_key(o, key);
    json_open(o, bracket);
}
