// SPDX-License-Identifier: Apache-2.0
#include "crypto/hash.h"

#include "codec/hex.h"
#include <openssl/evp.h>
#include <pthread.h>
#include <sodium.h>

#define LONG 512 // from here on OpenSSL's use of the processor's own instructions is worth its call

_Static_assert(sizeof(crypto_hash_sha256_state) <= sizeof(struct sha256), "libsodium's state fits");

struct hash sha256(struct slice bytes) {
    struct hash h;
    if (bytes.len >= LONG && EVP_Digest(bytes.ptr, bytes.len, h.b, NULL, EVP_sha256(), NULL) == 1)
        return h;
    crypto_hash_sha256(h.b, bytes.len ? bytes.ptr : (const uint8_t *)"", bytes.len);
    return h;
}

bool hash_is_zero(const struct hash *h) { return sodium_is_zero(h->b, sizeof h->b); }
const char *hash_hex(const struct hash *h, char out[static 65]) { return hex_encode(out, hash_slice(h)); }
char *hash_base58(struct arena *a, const struct hash *h) { return base58_text(a, hash_slice(h)); }

bool hash_from_hex(struct hash *out, struct slice text, struct err *e) {
    return hex_decode_exact(out->b, sizeof out->b, text, e);
}

bool hash_from_base58(struct hash *out, struct slice text, struct err *e) {
    return base58_decode_exact(out->b, sizeof out->b, text, e);
}

void sha256_init(struct sha256 *s) { crypto_hash_sha256_init((crypto_hash_sha256_state *)(void *)s); }
void sha256_add(struct sha256 *s, struct slice bytes) {
    crypto_hash_sha256_update((crypto_hash_sha256_state *)(void *)s, bytes.ptr, bytes.len);
}
struct hash sha256_end(struct sha256 *s) {
    struct hash h;
    crypto_hash_sha256_final((crypto_hash_sha256_state *)(void *)s, h.b);
    return h;
}

void random_bytes(void *out, size_t n) { randombytes_buf(out, n); }

static uint8_t table_key[crypto_shorthash_KEYBYTES];
static void make_table_key(void) { random_bytes(table_key, sizeof table_key); }

static uint64_t short_hash(const void *bytes, size_t len) {
    uint64_t h;
    crypto_shorthash((uint8_t *)&h, bytes, len, table_key);
    return h;
}

uint64_t table_hash(struct slice name, uint64_t number) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_table_key);
    const uint64_t both[2] = {short_hash(name.len ? name.ptr : (const uint8_t *)"", name.len), number};
    return short_hash(both, sizeof both);
}

bool secret_eq(struct slice a, struct slice b) {
    return a.len == b.len && (a.len == 0 || sodium_memcmp(a.ptr, b.ptr, a.len) == 0);
}
