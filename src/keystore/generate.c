// SPDX-License-Identifier: Apache-2.0
#include "keystore/generate.h"

#include "base/text.h"
#include "codec/hex.h"
#include <sodium.h>

#define BYTES_MAX 64
#define PASSWORD_MIN 8
#define PASSWORD_MAX 256
#define PASSWORD_DEFAULT 32

static const char *random_hex(struct arena *a, size_t n) {
    uint8_t bytes[BYTES_MAX];
    randombytes_buf(bytes, n);
    const char *text = hex_text(a, slice_of(bytes, n));
    sodium_memzero(bytes, sizeof bytes);
    return text;
}

static const char *random_key(struct arena *a) {
    uint8_t seed[32];
    randombytes_buf(seed, sizeof seed);
    const char *text = arena_printf(a, "ed25519:%s", base58_text(a, slice_of(seed, sizeof seed)));
    sodium_memzero(seed, sizeof seed);
    return text;
}

static const char *random_password(struct arena *a, size_t n) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    char *text = arena_alloc(a, n + 1);
    for (size_t i = 0; i < n; i++)
        text[i] = letters[randombytes_uniform(sizeof letters - 1)];
    text[n] = 0;
    return text;
}

static bool password(struct arena *a, struct slice length, const char **out, struct err *e) {
    uint64_t n = PASSWORD_DEFAULT;
    if (length.ptr && (!text_u64(length, &n) || n < PASSWORD_MIN || n > PASSWORD_MAX))
        return err_set(e, ERR_INVALID, "Invalid password length: '%.*s' (%d to %d)",
                       length.len < 40 ? (int)length.len : 40, (const char *)length.ptr, PASSWORD_MIN, PASSWORD_MAX);
    *out = random_password(a, n);
    return true;
}

bool secret_generate(struct arena *a, const char *type, const char **out, struct err *e) {
    static const struct {
        const char *name;
        size_t bytes;
    } hexes[] = {{"hex16", 16}, {"hex32", 32}, {"hex64", 64}, {"ed25519_seed", 32}};
    for (size_t i = 0; i < ARRAY_LEN(hexes); i++) {
        if (strcmp(type, hexes[i].name) == 0) {
            *out = random_hex(a, hexes[i].bytes);
            return true;
        }
    }
    if (strcmp(type, "ed25519") == 0) {
        *out = random_key(a);
        return true;
    }
    if (strcmp(type, "password") == 0)
        return password(a, (struct slice){0}, out, e);
    if (strncmp(type, "password:", 9) == 0)
        return password(a, slice_str(type + 9), out, e);
    err_set(e, ERR_INVALID, "Unknown secret type: '%.40s'", type);
    return err_hint(e, "hex16, hex32, hex64, ed25519, ed25519_seed, password or password:N");
}
