// SPDX-License-Identifier: Apache-2.0
// Hashes and signatures. They pay a base of their own instead of the general one.
#include "crypto/keccak.h"
#include "nearvm/vm_internal.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <secp256k1.h>
#include <secp256k1_recovery.h>
#include <sodium.h>

static bool sha256_(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)r;
    struct slice s;
    if (!pay(vm, EXT_SHA256_BASE) || !read_input(vm, p[0], p[1], &s) || !pay_times(vm, EXT_SHA256_BYTE, s.len))
        return false;
    struct hash h = sha256(s);
    return write_register(vm, p[2], hash_slice(&h));
}

static bool keccak_(struct vm *vm, const uint64_t *p, enum ext_cost base, enum ext_cost byte, size_t len) {
    struct slice s;
    uint8_t out[64];
    if (!pay(vm, base) || !read_input(vm, p[0], p[1], &s) || !pay_times(vm, byte, s.len))
        return false;
    keccak(s, out, len);
    return write_register(vm, p[2], slice_of(out, len));
}
static bool keccak256_(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)r;
    return keccak_(vm, p, EXT_KECCAK256_BASE, EXT_KECCAK256_BYTE, 32);
}
static bool keccak512_(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)r;
    return keccak_(vm, p, EXT_KECCAK512_BASE, EXT_KECCAK512_BYTE, 64);
}

static bool ripemd160_(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)r;
    struct slice s;
    uint8_t out[20];
    if (!pay(vm, EXT_RIPEMD160_BASE) || !read_input(vm, p[0], p[1], &s) ||
        !pay_times(vm, EXT_RIPEMD160_BLOCK, (s.len + 8) / 64 + 1))
        return false;
    BUG_ON(!EVP_Digest(s.ptr ? (const void *)s.ptr : "", s.len, out, NULL, EVP_ripemd160(), NULL));
    return write_register(vm, p[2], slice_of(out, sizeof out));
}

// --- signatures: 1 good, 0 not ---------------------------------------------------------------------------------------

static bool bad_input(struct vm *vm, const char *kind, const char *what) {
    char *text = arena_printf(vm->call->arena, "%s: invalid %s length", kind, what);
    return vm_failf(vm, text, "%sInvalidInput { msg: \"invalid %s length\" }", kind, what);
}

static bool ed25519_verify(struct vm *vm, const uint64_t *p, uint64_t *r) {
    struct slice sig, message, key;
    *r = 0;
    if (!pay(vm, EXT_ED25519_VERIFY_BASE) || !read_input(vm, p[0], p[1], &sig))
        return false;
    if (sig.len != 64)
        return bad_input(vm, "Ed25519Verify", "signature");
    if (sig.ptr[63] & 0xe0)
        return true;
    if (!read_input(vm, p[2], p[3], &message) || !pay_times(vm, EXT_ED25519_VERIFY_BYTE, message.len) ||
        !read_input(vm, p[4], p[5], &key))
        return false;
    if (key.len != 32)
        return bad_input(vm, "Ed25519Verify", "public key");
    *r = crypto_sign_verify_detached(sig.ptr, message.ptr, message.len, key.ptr) == 0;
    return true;
}

static EVP_PKEY *p256_point(struct slice bytes) {
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char[]){"prime256v1"}, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)bytes.ptr, bytes.len),
        OSSL_PARAM_construct_end()};
    if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 || EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    return key;
}

// The prefix of a key that names the smaller of its two y, which the protocol takes besides 02 and 03.
#define P256_COMPACT 5

// y is more than half of the field.
static bool p256_y_is_larger(EVP_PKEY *key) {
    static const uint8_t half[32] = {0x7f, 0xff, 0xff, 0xff, 0x80, 0,    0,    0,    0x80, 0,    0,
                                     0,    0,    0,    0,    0,    0,    0,    0,    0,    0x7f, 0xff,
                                     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}; // (p - 1) / 2
    BIGNUM *y = NULL;
    uint8_t bytes[32];
    BUG_ON(!EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_Y, &y) || BN_bn2binpad(y, bytes, sizeof bytes) < 0);
    BN_free(y);
    return memcmp(bytes, half, sizeof bytes) > 0;
}

static EVP_PKEY *p256_key(struct slice bytes) {
    if (bytes.ptr[0] != P256_COMPACT)
        return p256_point(bytes);
    uint8_t even[33] = {2};
    memcpy(even + 1, bytes.ptr + 1, 32);
    EVP_PKEY *key = p256_point(slice_of(even, sizeof even));
    if (!key || !p256_y_is_larger(key))
        return key;
    EVP_PKEY_free(key);
    even[0] = 3;
    return p256_point(slice_of(even, sizeof even));
}

// 1 to n - 1, as both halves of a signature have to be.
static bool p256_scalar(const uint8_t s[static 32]) {
    static const uint8_t n[32] = {0xff, 0xff, 0xff, 0xff, 0,    0,    0,    0,    0xff, 0xff, 0xff,
                                  0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
                                  0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
    static const uint8_t zero[32];
    return memcmp(s, zero, sizeof zero) != 0 && memcmp(s, n, sizeof n) < 0;
}

static bool p256_check(struct slice sig, struct slice digest, struct slice key_bytes) {
    EVP_PKEY *key = p256_key(key_bytes);
    if (!key)
        return false;
    ECDSA_SIG *s = ECDSA_SIG_new();
    uint8_t *der = NULL;
    BUG_ON(!s || !ECDSA_SIG_set0(s, BN_bin2bn(sig.ptr, 32, NULL), BN_bin2bn(sig.ptr + 32, 32, NULL)));
    int len = i2d_ECDSA_SIG(s, &der);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    bool good = len > 0 && ctx && EVP_PKEY_verify_init(ctx) == 1 &&
                EVP_PKEY_verify(ctx, der, (size_t)len, digest.ptr, digest.len) == 1;
    EVP_PKEY_CTX_free(ctx);
    OPENSSL_free(der);
    ECDSA_SIG_free(s);
    EVP_PKEY_free(key);
    return good;
}

// The message is a hash already: its leftmost 32 bytes count, a shorter one is filled up on the left.
static bool p256_verify(struct vm *vm, const uint64_t *p, uint64_t *r) {
    struct slice sig, message, key;
    *r = 0;
    if (!pay(vm, EXT_P256_VERIFY_BASE) || !read_input(vm, p[0], p[1], &sig))
        return false;
    if (sig.len != 64)
        return bad_input(vm, "P256Verify", "signature");
    if (!p256_scalar(sig.ptr) || !p256_scalar(sig.ptr + 32))
        return true;
    if (!read_input(vm, p[2], p[3], &message) || !pay_times(vm, EXT_P256_VERIFY_BYTE, message.len) ||
        !read_input(vm, p[4], p[5], &key))
        return false;
    if (key.len != 33)
        return bad_input(vm, "P256Verify", "public key");
    if (message.len < 16)
        return true;
    uint8_t digest[32] = {0};
    size_t n = message.len < sizeof digest ? message.len : sizeof digest;
    memcpy(digest + sizeof digest - n, message.ptr, n);
    *r = p256_check(sig, slice_of(digest, sizeof digest), key);
    return true;
}

static bool recover_error(struct vm *vm, const char *what) {
    char *text = arena_printf(vm->call->arena, "ECDSA recover error: %s", what);
    return vm_failf(vm, text, "ECRecoverError { msg: \"%s\" }", what);
}

static bool recover(struct slice hash, struct slice sig, int v, bool low_s, uint8_t out[65]) {
    const secp256k1_context *ctx = secp256k1_context_static;
    secp256k1_ecdsa_recoverable_signature both;
    secp256k1_ecdsa_signature plain, normal;
    secp256k1_pubkey key;
    size_t len = 65;
    if (!secp256k1_ecdsa_recoverable_signature_parse_compact(ctx, &both, sig.ptr, v))
        return false;
    secp256k1_ecdsa_recoverable_signature_convert(ctx, &plain, &both);
    if (low_s && secp256k1_ecdsa_signature_normalize(ctx, &normal, &plain))
        return false;
    return secp256k1_ecdsa_recover(ctx, &key, &both, hash.ptr) &&
           secp256k1_ec_pubkey_serialize(ctx, out, &len, &key, SECP256K1_EC_UNCOMPRESSED);
}

// hash, signature, v, malleability flag, register
static bool ecrecover(struct vm *vm, const uint64_t *p, uint64_t *r) {
    struct slice hash, sig;
    uint8_t key[65];
    *r = 0;
    if (!pay(vm, EXT_ECRECOVER_BASE) || !read_input(vm, p[2], p[3], &sig))
        return false;
    if (sig.len != 64)
        return recover_error(vm, "invalid signature length");
    if (p[4] > 3)
        return recover_error(vm, "V recovery byte 0 through 3 are valid");
    if (!read_input(vm, p[0], p[1], &hash))
        return false;
    if (hash.len != 32)
        return recover_error(vm, "invalid hash length");
    if (p[5] > 1)
        return recover_error(vm, "malleability flag must be 0 or 1");
    *r = recover(hash, sig, (int)p[4], p[5] == 1, key);
    return !*r || write_register(vm, p[6], slice_of(key + 1, 64));
}

static const struct host_function math[] = {
    {"sha256", "III", "", false, sha256_, false},
    {"keccak256", "III", "", false, keccak256_, false},
    {"keccak512", "III", "", false, keccak512_, false},
    {"ripemd160", "III", "", false, ripemd160_, false},
    {"ed25519_verify", "IIIIII", "I", false, ed25519_verify, false},
    {"p256_verify", "IIIIII", "I", false, p256_verify, false},
    {"ecrecover", "IIIIIII", "I", false, ecrecover, false},
};
const struct host_group host_math = {math, ARRAY_LEN(math)};
