// SPDX-License-Identifier: Apache-2.0
#include "testpki/der_write.h"

#include "base/err.h"

static size_t put_length(uint8_t out[5], size_t n) {
    if (n < 0x80) {
        out[0] = (uint8_t)n;
        return 1;
    }
    size_t bytes = n < 0x100 ? 1 : n < 0x10000 ? 2 : 3;
    BUG_ON(n >= 1u << 24);
    out[0] = (uint8_t)(0x80 | bytes);
    for (size_t i = 0; i < bytes; i++)
        out[1 + i] = (uint8_t)(n >> 8 * (bytes - 1 - i));
    return 1 + bytes;
}

struct slice pki_der_of(struct arena *a, unsigned tag, size_t n, const struct slice *parts) {
    size_t len = 0, used;
    uint8_t head[6] = {(uint8_t)tag};
    for (size_t i = 0; i < n; i++)
        len += parts[i].len;
    used = 1 + put_length(head + 1, len);
    uint8_t *out = arena_alloc(a, used + len);
    memcpy(out, head, used);
    for (size_t i = 0; i < n; used += parts[i++].len)
        if (parts[i].len)
            memcpy(out + used, parts[i].ptr, parts[i].len);
    return slice_of(out, used);
}

struct slice pki_der_integer(struct arena *a, struct slice n) {
    while (n.len > 1 && !n.ptr[0])
        n = slice_skip(n, 1);
    bool high = !n.len || n.ptr[0] & 0x80;
    return DER(a, DER_INT, slice_of("", high), n);
}

struct slice pki_der_number(struct arena *a, unsigned tag, uint64_t n) {
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(n >> 8 * (7 - i));
    struct slice out = pki_der_integer(a, slice_of(bytes, sizeof bytes));
    *(uint8_t *)(uintptr_t)out.ptr = (uint8_t)tag;
    return out;
}

struct slice pki_der_bool(struct arena *a, bool value) {
    return DER(a, DER_BOOL, slice_of(value ? "\xff" : "\0", 1));
}

static size_t put_base128(uint8_t *out, unsigned long n) {
    size_t digits = 1;
    for (unsigned long rest = n >> 7; rest; rest >>= 7)
        digits++;
    for (size_t i = 0; i < digits; i++)
        out[i] = (uint8_t)((n >> 7 * (digits - 1 - i) & 0x7f) | (i + 1 < digits ? 0x80 : 0));
    return digits;
}

struct slice pki_der_oid(struct arena *a, const char *dotted) {
    uint8_t out[64];
    size_t n = 0;
    char *end;
    unsigned long first = strtoul(dotted, &end, 10);
    n += put_base128(out, first * 40 + strtoul(end + 1, &end, 10));
    while (*end == '.') {
        BUG_ON(n + 5 > sizeof out);
        n += put_base128(out + n, strtoul(end + 1, &end, 10));
    }
    return DER(a, DER_OID, slice_of(out, n));
}

struct slice pki_der_bits(struct arena *a, unsigned unused, struct slice bytes) {
    uint8_t head = (uint8_t)unused;
    return DER(a, DER_BITS, slice_of(&head, 1), bytes);
}

struct slice pki_der_time(struct arena *a, int64_t seconds) {
    struct tm t;
    char text[32];
    time_t when = (time_t)seconds;
    BUG_ON(!gmtime_r(&when, &t));
    size_t n = strftime(text, sizeof text, "%Y%m%d%H%M%SZ", &t), century = t.tm_year < 150 ? 2 : 0;
    return DER(a, century ? DER_UTC_TIME : DER_TIME, slice_of(text + century, n - century));
}

struct slice pki_der_ecdsa(struct arena *a, const uint8_t raw[64]) {
    return DER(a, DER_SEQ, pki_der_integer(a, slice_of(raw, 32)), pki_der_integer(a, slice_of(raw + 32, 32)));
}
