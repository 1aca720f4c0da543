// SPDX-License-Identifier: Apache-2.0
#include "json_out.h"
#include "env.h"

struct out out_into(char *buf, size_t cap) {
    return (struct out){.buf = buf, .cap = cap};
}

struct text out_text(const struct out *o) {
    return (struct text){o->buf, o->len};
}

// Room for n bytes, counted as written.
static char *room(struct out *o, size_t n) {
    if (n > o->cap - o->len)
        stop("Longer than this contract can take");
    char *at = o->buf + o->len;
    o->len += n;
    return at;
}

void out_char(struct out *o, char c) { *room(o, 1) = c; }

void out_raw(struct out *o, struct text t) {
    if (t.len)
        memcpy(room(o, t.len), t.ptr, t.len);
}

[[gnu::weak]] void out_str(struct out *o, const char *s) { out_raw(o, text_of(s)); }

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

// A value is written: a comma where one is due, and from now on.
static void comma(struct out *o) {
    if (o->due)
        out_char(o, ',');
    o->due = true;
}

void put_open(struct out *o, char bracket) {
    comma(o);
    out_char(o, bracket);
    o->due = false;
}

void put_close(struct out *o, char bracket) {
    out_char(o, bracket);
    o->due = true;
}

// A quote, escaped where the whole text stands inside a string; gives the place behind it.
static char *quote_at(const struct out *o, char *at) {
    if (o->quoted)
        *at++ = '\\';
    *at++ = '"';
    return at;
}

static void quote(struct out *o) { quote_at(o, room(o, 1u + o->quoted)); }

void put_quoted_open(struct out *o) {
    comma(o);
    out_raw(o, TEXT("\"{"));
    o->quoted = true;
    o->due = false;
}

void put_quoted_close(struct out *o) {
    out_raw(o, TEXT("}\""));
    o->quoted = false;
}

static void put_name(struct out *o, const char *name, size_t n) {
    comma(o);
    char *at = quote_at(o, room(o, n + 3 + 2u * o->quoted));
    memcpy(at, name, n);
    *quote_at(o, at + n) = ':';
    o->due = false;
}

[[gnu::weak]] void put_key(struct out *o, const char *name) { put_name(o, name, strlen(name)); }

void put_value(struct out *o, struct text value) {
    comma(o);
    out_raw(o, value);
}

void put_null(struct out *o) { put_value(o, TEXT("null")); }

void put_bool(struct out *o, bool b) { put_value(o, b ? TEXT("true") : TEXT("false")); }

void put_number(struct out *o, uint64_t n) {
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

size_t json_quoted_length(struct text t) {
    size_t n = 2;
    for (const char *p = t.ptr, *end = p + t.len; p < end;) {
        size_t run = text_plain(p, end);
        p += run;
        n += run;
        if (p < end) {
            char e = escape_of(*p++);
            n += e == 'u' ? 6 : e ? 2 : 1;
        }
    }
    return n;
}

static void escaped(struct out *o, char c) {
    static const char hex[] = "0123456789abcdef";
    char e = escape_of(c);
    out_char(o, '\\');
    if (o->quoted) {
        out_char(o, '\\');
        if (e == c) // a quote or a backslash, which needs an escape of its own
            out_char(o, '\\');
    }
    out_char(o, e);
    if (e == 'u') {
        char *at = room(o, 4);
        at[0] = at[1] = '0';
        at[2] = hex[(uint8_t)c >> 4];
        at[3] = hex[c & 15];
    }
}

// A contract whose texts are all plain may bring its own.
[[gnu::weak]] void put_string(struct out *o, struct text t) {
    if (!t.ptr) {
        put_null(o);
        return;
    }
    comma(o);
    quote(o);
    const char *from = t.ptr, *p = from, *end = p + t.len;
    for (;;) {
        p += text_plain(p, end);
        if (p < end && (uint8_t)*p >= 0x80) { // a byte of a longer character
            p++;
            continue;
        }
        out_raw(o, (struct text){from, (size_t)(p - from)});
        if (p == end)
            break;
        escaped(o, *p++);
        from = p;
    }
    quote(o);
}

void put_amount(struct out *o, struct yocto a) {
    comma(o);
    quote(o);
    out_amount(o, a);
    quote(o);
}

void put_bare_amount(struct out *o, struct yocto a) {
    comma(o);
    out_amount(o, a);
}

void put_bytes(struct out *o, struct text bytes) {
    put_open(o, '[');
    char *at = room(o, 4 * bytes.len);
    for (const char *p = bytes.ptr, *end = p + bytes.len; p < end; p++) {
        uint32_t v = (uint8_t)*p;
        if (v > 99)
            *at++ = (char)('0' + v / 100);
        if (v > 9)
            *at++ = (char)('0' + v / 10 % 10);
        *at++ = (char)('0' + v % 10);
        *at++ = ',';
    }
    o->len = (size_t)(at - o->buf) - (bytes.len > 0); // without the last comma
    put_close(o, ']');
}

[[gnu::weak]] void put_hex(struct out *o, const struct hash *h) {
    static const char hex[] = "0123456789abcdef";
    if (!h) {
        put_null(o);
        return;
    }
    char digits[2 * HASH_SIZE];
    for (size_t i = 0; i < HASH_SIZE; i++) {
        digits[2 * i] = hex[h->b[i] >> 4];
        digits[2 * i + 1] = hex[h->b[i] & 15];
    }
    put_string(o, (struct text){digits, sizeof digits});
}

void put_base64(struct out *o, struct text bytes) {
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    comma(o);
    quote(o);
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
    quote(o);
}

void member_null(struct out *o, const char *key) {
    put_key(o, key);
    put_null(o);
}

void member_bool(struct out *o, const char *key, bool b) {
    put_key(o, key);
    put_bool(o, b);
}

void member_number(struct out *o, const char *key, uint64_t n) {
    put_key(o, key);
    put_number(o, n);
}

void member_string(struct out *o, const char *key, struct text t) {
    put_key(o, key);
    put_string(o, t);
}

void member_amount(struct out *o, const char *key, struct yocto a) {
    put_key(o, key);
    put_amount(o, a);
}

void member_hex(struct out *o, const char *key, const struct hash *h) {
    put_key(o, key);
    put_hex(o, h);
}

void member_open(struct out *o, const char *key, char bracket) {
    put_key(o, key);
    put_open(o, bracket);
}

static void put_u64_text(struct out *o, uint64_t n) {
    char digits[20];
    struct out text = OUT(digits);
    out_number(&text, n);
    put_string(o, out_text(&text));
}

static void put_member(struct out *o, enum json_kind kind, const void *m) {
    const struct maybe_u64 *number = m;
    const struct maybe_hash *hash = m;
    switch (kind) {
    case JSON_U8: put_number(o, *(const uint8_t *)m); break;
    case JSON_U32: put_number(o, *(const uint32_t *)m); break;
    case JSON_U64: put_number(o, *(const uint64_t *)m); break;
    case JSON_U64_TEXT: put_u64_text(o, *(const uint64_t *)m); break;
    case JSON_MAYBE_U64:
        if (number->given)
            put_number(o, number->value);
        else
            put_null(o);
        break;
    case JSON_BOOL: put_bool(o, *(const uint8_t *)m); break;
    case JSON_TEXT: put_string(o, *(const struct text *)m); break;
    case JSON_ACCOUNT: put_string(o, account_text(m)); break;
    case JSON_AMOUNT: put_amount(o, *(const struct yocto *)m); break;
    case JSON_BARE_AMOUNT: put_bare_amount(o, *(const struct yocto *)m); break;
    case JSON_HASH_BYTES: put_bytes(o, HASH_TEXT(*(const struct hash *)m)); break;
    case JSON_MAYBE_HASH: put_hex(o, hash->given ? &hash->value : NULL); break;
    case JSON_OPEN: put_open(o, '{'); break;
    case JSON_CLOSE: put_close(o, '}'); break;
    }
}

void put_members(struct out *o, const struct json_member *members, size_t count, const void *from) {
    for (const struct json_member *m = members; m < members + count; m++) {
        if (m->name_len)
            put_name(o, m->name, m->name_len);
        put_member(o, m->kind, (const char *)from + m->offset);
    }
}
