// SPDX-License-Identifier: Apache-2.0
#include "crypto/hpke.h"

#include "crypto/hpke_internal.h"
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <sodium.h>

#define HASH 32
#define LABELED_MAX 512 // bytes of a label and its surroundings

// --- HKDF (RFC 5869) by OpenSSL

static void hkdf(int mode, uint8_t *out, size_t n, struct slice salt, struct slice key, struct slice info) {
    static const uint8_t none[1];
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(salt.len ? salt.ptr : none), salt.len),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(key.len ? key.ptr : none), key.len),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)(info.len ? info.ptr : none), info.len),
        OSSL_PARAM_construct_end(),
    };
    BUG_ON(!ctx || EVP_KDF_derive(ctx, out, n, params) != 1); // no input makes it fail, only a missing algorithm
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
}

void hkdf_sha256(uint8_t *out, size_t n, struct slice salt, struct slice ikm, struct slice info) {
    hkdf(EVP_KDF_HKDF_MODE_EXTRACT_AND_EXPAND, out, n, salt, ikm, info);
}

// --- LabeledExtract and LabeledExpand (RFC 9180 §4)

struct joined { // pieces one behind the other
    uint8_t *at;
    size_t len;
};

static void join(struct joined *j, const void *p, size_t n) {
    if (n)
        memcpy(j->at + j->len, p, n);
    j->len += n;
}

static void join_label(struct joined *j, struct slice suite, const char *label) {
    join(j, "HPKE-v1", 7);
    join(j, suite.ptr, suite.len);
    join(j, label, strlen(label));
}

static void labeled_extract(struct slice suite, uint8_t out[static HASH], struct slice salt, const char *label,
                            struct slice ikm) {
    struct joined j = {xmalloc(LABELED_MAX + ikm.len), 0};
    join_label(&j, suite, label);
    join(&j, ikm.ptr, ikm.len);
    hkdf(EVP_KDF_HKDF_MODE_EXTRACT_ONLY, out, HASH, salt, slice_of(j.at, j.len), (struct slice){0});
    sodium_memzero(j.at, j.len);
    free(j.at);
}

static void labeled_expand(struct slice suite, uint8_t *out, uint8_t n, const uint8_t prk[static HASH],
                           const char *label, struct slice info) {
    uint8_t bytes[LABELED_MAX], length[2] = {0, n};
    struct joined j = {bytes, 0};
    BUG_ON(info.len > LABELED_MAX - 64);
    join(&j, length, 2);
    join_label(&j, suite, label);
    join(&j, info.ptr, info.len);
    hkdf(EVP_KDF_HKDF_MODE_EXPAND_ONLY, out, n, (struct slice){0}, slice_of(prk, HASH), slice_of(j.at, j.len));
}

// --- the suite: KEM 0x0020, KDF 0x0001, AEAD 0x0003

static const uint8_t kem_id[] = {'K', 'E', 'M', 0x00, 0x20};
static const uint8_t suite_id[] = {'H', 'P', 'K', 'E', 0x00, 0x20, 0x00, 0x01, 0x00, 0x03};
#define KEM slice_of(kem_id, sizeof kem_id)
#define SUITE slice_of(suite_id, sizeof suite_id)

struct context {
    uint8_t key[crypto_aead_chacha20poly1305_IETF_KEYBYTES], nonce[crypto_aead_chacha20poly1305_IETF_NPUBBYTES];
};

// Both halves of the KEM: dh, then ExtractAndExpand over enc and the recipient's key. false: a low-order point.
static bool shared_secret(uint8_t out[static HASH], const uint8_t secret[static HPKE_KEY],
                          const uint8_t other[static HPKE_KEY], const uint8_t enc[static HPKE_KEY],
                          const uint8_t recipient[static HPKE_KEY]) {
    uint8_t dh[HPKE_KEY], prk[HASH], kem_context[2 * HPKE_KEY];
    bool ok = crypto_scalarmult(dh, secret, other) == 0; // -1 for the all-zero result
    if (ok) {
        memcpy(kem_context, enc, HPKE_KEY);
        memcpy(kem_context + HPKE_KEY, recipient, HPKE_KEY);
        labeled_extract(KEM, prk, (struct slice){0}, "eae_prk", slice_of(dh, sizeof dh));
        labeled_expand(KEM, out, HASH, prk, "shared_secret", slice_of(kem_context, sizeof kem_context));
    }
    sodium_memzero(dh, sizeof dh);
    sodium_memzero(prk, sizeof prk);
    return ok;
}

// KeySchedule of mode_base (RFC 9180 §5.1).
static void key_schedule(struct context *c, const uint8_t shared[static HASH], struct slice info) {
    uint8_t schedule[1 + 2 * HASH] = {0}, secret[HASH];
    labeled_extract(SUITE, schedule + 1, (struct slice){0}, "psk_id_hash", (struct slice){0});
    labeled_extract(SUITE, schedule + 1 + HASH, (struct slice){0}, "info_hash", info);
    labeled_extract(SUITE, secret, slice_of(shared, HASH), "secret", (struct slice){0});
    labeled_expand(SUITE, c->key, sizeof c->key, secret, "key", slice_of(schedule, sizeof schedule));
    labeled_expand(SUITE, c->nonce, sizeof c->nonce, secret, "base_nonce", slice_of(schedule, sizeof schedule));
    sodium_memzero(secret, sizeof secret);
}

// --- keys

void hpke_pair_of(struct hpke_pair *out, const uint8_t secret[static HPKE_KEY]) {
    memcpy(out->secret, secret, HPKE_KEY);
    BUG_ON(crypto_scalarmult_base(out->public, out->secret) != 0);
}

void hpke_pair_new(struct hpke_pair *out) {
    uint8_t secret[HPKE_KEY];
    randombytes_buf(secret, sizeof secret);
    hpke_pair_of(out, secret);
    sodium_memzero(secret, sizeof secret);
}

void hpke_pair_wipe(struct hpke_pair *p) { sodium_memzero(p, sizeof *p); }

// --- Seal and Open

bool hpke_seal_with(struct arena *a, const struct hpke_pair *ephemeral, const uint8_t public[static HPKE_KEY],
                    const struct hpke_texts *t, struct slice *out, struct err *e) {
    uint8_t shared[HASH];
    struct context c;
    if (!shared_secret(shared, ephemeral->secret, public, ephemeral->public, public))
        return err_set(e, ERR_INVALID, "the public key is a point of low order, which protects nothing");
    key_schedule(&c, shared, t->info);
    uint8_t *sealed = arena_alloc(a, t->plain.len + HPKE_OVERHEAD);
    unsigned long long n;
    memcpy(sealed, ephemeral->public, HPKE_KEY);
    crypto_aead_chacha20poly1305_ietf_encrypt(sealed + HPKE_KEY, &n, t->plain.ptr, t->plain.len, t->aad.ptr, t->aad.len,
                                              NULL, c.nonce, c.key);
    *out = slice_of(sealed, HPKE_KEY + (size_t)n);
    sodium_memzero(shared, sizeof shared);
    sodium_memzero(&c, sizeof c);
    return true;
}

bool hpke_seal(struct arena *a, const uint8_t public[static HPKE_KEY], struct slice info, struct slice plain,
               struct slice *out, struct err *e) {
    struct hpke_pair ephemeral;
    struct hpke_texts texts = {.info = info, .plain = plain};
    hpke_pair_new(&ephemeral);
    bool ok = hpke_seal_with(a, &ephemeral, public, &texts, out, e);
    hpke_pair_wipe(&ephemeral);
    return ok;
}

bool hpke_open(struct arena *a, const struct hpke_pair *pair, struct slice info, struct slice sealed, struct slice *out,
               struct err *e) {
    uint8_t shared[HASH];
    struct context c;
    if (sealed.len < HPKE_OVERHEAD)
        return err_set(e, ERR_CORRUPT, "%zu bytes are too short for sealed data", sealed.len);
    if (!shared_secret(shared, pair->secret, sealed.ptr, sealed.ptr, pair->public))
        return err_set(e, ERR_CORRUPT, "sealed data begin with a point of low order");
    key_schedule(&c, shared, info);
    uint8_t *plain = arena_alloc(a, sealed.len);
    unsigned long long n;
    bool ok = crypto_aead_chacha20poly1305_ietf_decrypt(plain, &n, NULL, sealed.ptr + HPKE_KEY, sealed.len - HPKE_KEY,
                                                        NULL, 0, c.nonce, c.key) == 0;
    sodium_memzero(shared, sizeof shared);
    sodium_memzero(&c, sizeof c);
    if (!ok)
        return err_set(e, ERR_CORRUPT, "sealed data do not open: changed, or sealed for something else");
    *out = slice_of(plain, (size_t)n);
    return true;
}
