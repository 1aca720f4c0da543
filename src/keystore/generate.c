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

static const char *random_key(struct arena *a, size_t n) {
    uint8_t seed[32];
    BUG_ON(n != sizeof seed);
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

// --- types

struct recipe {
    const char *(*make)(struct arena *a, size_t n);
    size_t n; // random bytes, or letters
};

static bool password_length(struct slice text, size_t *out, struct err *e) {
    uint64_t n;
    if (!text_u64(text, &n) || n < PASSWORD_MIN || n > PASSWORD_MAX)
        return err_set(e, ERR_INVALID, "Invalid password length: '%.*s' (%d to %d)", text.len < 40 ? (int)text.len : 40,
                       (const char *)text.ptr, PASSWORD_MIN, PASSWORD_MAX);
    *out = n;
    return true;
}

static bool recipe_of(const char *type, struct recipe *out, struct err *e) {
    static const struct {
        const char *name;
        struct recipe recipe;
    } plain[] = {{"hex16", {random_hex, 16}},   {"hex32", {random_hex, 32}},
                 {"hex64", {random_hex, 64}},   {"ed25519_seed", {random_hex, 32}},
                 {"ed25519", {random_key, 32}}, {"password", {random_password, PASSWORD_DEFAULT}}};
    for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
        if (strcmp(type, plain[i].name) == 0) {
            *out = plain[i].recipe;
            return true;
        }
    }
    out->make = random_password;
    if (strncmp(type, "password:", 9) == 0 && strlen(type) <= SECRET_TYPE_MAX)
        return password_length(slice_str(type + 9), &out->n, e);
    err_set(e, ERR_INVALID, "Unknown secret type: '%.40s'", type);
    return err_hint(e, "hex16, hex32, hex64, ed25519, ed25519_seed, password or password:N");
}

bool secret_type_check(const char *type, struct err *e) {
    struct recipe unused;
    return recipe_of(type, &unused, e);
}

bool secret_generate(struct arena *a, const char *type, const char **out, struct err *e) {
    struct recipe r;
    if (!recipe_of(type, &r, e))
        return false;
    *out = r.make(a, r.n);
    return true;
}
