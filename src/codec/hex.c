// SPDX-License-Identifier: Apache-2.0
#include "codec/hex.h"

#include <sodium.h>

#define BASE58_MAX 256

const char *hex_encode(char *out, struct slice bytes) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.len; i++) {
        out[2 * i] = digits[bytes.ptr[i] >> 4];
        out[2 * i + 1] = digits[bytes.ptr[i] & 15];
    }
    out[2 * bytes.len] = 0;
    return out;
}

char *hex_text(struct arena *a, struct slice bytes) {
    char *out = arena_alloc(a, 2 * bytes.len + 1);
    hex_encode(out, bytes);
    return out;
}

static int digit(uint8_t c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool hex_decode_exact(uint8_t *out, size_t n, struct slice text, struct err *e) {
    if (text.len != 2 * n)
        return err_set(e, ERR_INVALID, "expected %zu hex digits, got %zu characters", 2 * n, text.len);
    for (size_t i = 0; i < n; i++) {
        int hi = digit(text.ptr[2 * i]), lo = digit(text.ptr[2 * i + 1]);
        if (hi < 0 || lo < 0)
            return err_set(e, ERR_INVALID, "not a hex digit at character %zu", 2 * i + (hi >= 0));
        out[i] = (uint8_t)(hi << 4 | lo);
    }
    return true;
}

bool hex_decode(struct slice *out, struct arena *a, struct slice text, struct err *e) {
    uint8_t *bytes = arena_alloc(a, text.len / 2);
    if (text.len % 2)
        return err_set(e, ERR_INVALID, "an odd number of hex digits (%zu)", text.len);
    *out = slice_of(bytes, text.len / 2);
    return hex_decode_exact(bytes, out->len, text, e);
}

static const char alphabet58[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

// Five digits at a time, and up to four bytes: hashes are written more often than anything else.
#define LIMB_DIGITS 5
#define LIMB_BASE (58u * 58 * 58 * 58 * 58)

char *base58_text(struct arena *a, struct slice bytes) {
    BUG_ON(bytes.len > BASE58_MAX);
    uint32_t limbs[BASE58_MAX * 2 / LIMB_DIGITS + 1]; // the lowest first
    size_t zeros = 0, n = 0;
    while (zeros < bytes.len && bytes.ptr[zeros] == 0)
        zeros++;
    for (size_t i = zeros; i < bytes.len;) {
        size_t end = i + ((bytes.len - i) % 4 ? (bytes.len - i) % 4 : 4);
        unsigned shift = 8 * (unsigned)(end - i);
        uint64_t carry = 0;
        for (; i < end; i++)
            carry = carry << 8 | bytes.ptr[i];
        for (size_t j = 0; j < n || carry; j++) {
            carry += j < n ? (uint64_t)limbs[j] << shift : 0;
            limbs[j] = (uint32_t)(carry % LIMB_BASE);
            carry /= LIMB_BASE;
            if (j >= n)
                n = j + 1;
        }
    }
    char *out = arena_alloc(a, zeros + n * LIMB_DIGITS + 1), *to = out + zeros;
    memset(out, '1', zeros);
    for (size_t i = n; i-- > 0;)
        for (uint32_t base = LIMB_BASE / 58; base; base /= 58)
            if (limbs[i] / base || to > out + zeros) // none before the first digit that counts
                *to++ = alphabet58[limbs[i] / base % 58];
    *to = 0;
    sodium_memzero(limbs, sizeof limbs); // it may be a key
    return out;
}

bool base58_decode(uint8_t *out, size_t size, size_t *len, struct slice text, struct err *e) {
    uint8_t bytes[BASE58_MAX];
    size_t zeros = 0, n = 0;
    if (text.len > BASE58_MAX)
        return err_set(e, ERR_INVALID, "base58 text of %zu characters is too long", text.len);
    while (zeros < text.len && text.ptr[zeros] == '1')
        zeros++;
    for (size_t i = zeros; i < text.len; i++) {
        const char *p = text.ptr[i] ? strchr(alphabet58, text.ptr[i]) : NULL;
        if (!p)
            return err_set(e, ERR_INVALID, "not a base58 character at %zu", i);
        unsigned carry = (unsigned)(p - alphabet58);
        for (size_t j = 0; j < n || carry; j++) {
            carry += j < n ? 58u * bytes[j] : 0;
            bytes[j] = (uint8_t)carry;
            carry >>= 8;
            if (j >= n)
                n = j + 1;
        }
    }
    if (zeros + n > size)
        return err_set(e, ERR_INVALID, "base58 text holds %zu bytes, at most %zu fit", zeros + n, size);
    memset(out, 0, zeros);
    for (size_t i = 0; i < n; i++)
        out[zeros + i] = bytes[n - 1 - i];
    sodium_memzero(bytes, sizeof bytes);
    *len = zeros + n;
    return true;
}

bool base58_decode_exact(uint8_t *out, size_t n, struct slice text, struct err *e) {
    uint8_t bytes[BASE58_MAX];
    size_t len;
    if (!base58_decode(bytes, sizeof bytes, &len, text, e))
        return false;
    if (len != n)
        return err_set(e, ERR_INVALID, "expected %zu bytes in base58, got %zu", n, len);
    memcpy(out, bytes, n);
    return true;
}

char *base64_text(struct arena *a, struct slice bytes) {
    size_t size = sodium_base64_encoded_len(bytes.len, sodium_base64_VARIANT_ORIGINAL);
    char *out = arena_alloc(a, size);
    return sodium_bin2base64(out, size, bytes.ptr, bytes.len, sodium_base64_VARIANT_ORIGINAL);
}

bool base64_decode(struct slice *out, struct arena *a, struct slice text, struct err *e) {
    size_t size = text.len / 4 * 3 + 3, len = 0;
    uint8_t *bytes = arena_alloc(a, size);
    if (text.len && sodium_base642bin(bytes, size, (const char *)text.ptr, text.len, NULL, &len, NULL,
                                      sodium_base64_VARIANT_ORIGINAL) != 0)
        return err_set(e, ERR_INVALID, "not base64");
    *out = slice_of(bytes, len);
    return true;
}
