// SPDX-License-Identifier: Apache-2.0
// For tests alone: certificates and revocation lists of any content, built element by element and signed with OpenSSL,
// so that one thing at a time can be wrong; and what is in the folder of real quotes and collateral.
#pragma once
#include "base/arena.h"
#include "base/file.h"
#include "dcap/chain.h"
#include "dcap/crl.h"
#include "dcap/der.h"
#include "dcap/pem.h"
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#define FORGE_LIST(...)                                                                                                \
    (const struct bytes[]){__VA_ARGS__}, sizeof((struct bytes[]){__VA_ARGS__}) / sizeof(struct bytes)
#define FORGE_TLV(a, tag, ...) forge_tlv(a, tag, FORGE_LIST(__VA_ARGS__))
#define FORGE_JOIN(a, ...) forge_join(a, FORGE_LIST(__VA_ARGS__))

static inline struct bytes forge_join(struct arena *a, const struct bytes *parts, size_t n) {
    size_t len = 0;
    for (size_t i = 0; i < n; i++)
        len += parts[i].len;
    uint8_t *out = arena_alloc(a, len + 1), *p = out;
    for (size_t i = 0; i < n; i++) {
        if (parts[i].len)
            memcpy(p, parts[i].ptr, parts[i].len);
        p += parts[i].len;
    }
    return (struct bytes){out, len};
}

static inline struct bytes forge_tlv(struct arena *a, unsigned tag, const struct bytes *parts, size_t n) {
    struct bytes content = forge_join(a, parts, n);
    uint8_t head[4] = {(uint8_t)tag, (uint8_t)content.len};
    size_t len = 2;
    if (content.len > 0xff)
        head[1] = 0x82, head[2] = (uint8_t)(content.len >> 8), head[3] = (uint8_t)content.len, len = 4;
    else if (content.len > 0x7f)
        head[1] = 0x81, head[2] = (uint8_t)content.len, len = 3;
    return FORGE_JOIN(a, {head, len}, content);
}

// Hexadecimal, spaces left out.
static inline struct bytes forge_hex(struct arena *a, const char *text) {
    uint8_t *out = arena_alloc(a, strlen(text) / 2 + 1);
    size_t n = 0;
    for (; *text; text += *text == ' ' ? 1 : 2) {
        BUG_ON(*text != ' ' && !dcap_hex_decode(out + n++, (struct bytes){(const uint8_t *)text, 2}, 1));
    }
    return (struct bytes){out, n};
}

static inline struct bytes forge_text(const char *text) { return (struct bytes){(const uint8_t *)text, strlen(text)}; }

// The first bytes by themselves, so that sanitizers see who reads beyond; to be freed.
static inline struct bytes forge_cut(struct bytes b, size_t len) {
    uint8_t *out = malloc(len ? len : 1);
    BUG_ON(!out);
    memcpy(out, b.ptr, len);
    return (struct bytes){out, len};
}
static inline void forge_drop(struct bytes b) { free((void *)(uintptr_t)b.ptr); }

// --- pieces

static inline struct bytes forge_oid(struct arena *a, const char *hex) {
    return FORGE_TLV(a, DER_OID, forge_hex(a, hex));
}

static inline struct bytes forge_name(struct arena *a, const char *common_name) {
    struct bytes set = FORGE_TLV(
        a, DER_SET, FORGE_TLV(a, DER_SEQUENCE, forge_oid(a, "550403"), FORGE_TLV(a, 0x0c, forge_text(common_name))));
    struct bytes more = FORGE_TLV(
        a, DER_SET,
        FORGE_TLV(a, DER_SEQUENCE, forge_oid(a, "55040a"), FORGE_TLV(a, 0x0c, forge_text("Intel Corporation"))));
    return FORGE_TLV(a, DER_SEQUENCE, set, more);
}

static inline struct bytes forge_utc(struct arena *a, const char *text) {
    return FORGE_TLV(a, DER_UTC_TIME, forge_text(text));
}

static inline struct bytes forge_key_bytes(struct arena *a, EVP_PKEY *key) {
    uint8_t point[65];
    size_t len;
    BUG_ON(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &len) != 1 || len != 65);
    return FORGE_JOIN(a, {point + 1, 64});
}

static inline struct bytes forge_key_id(struct arena *a, EVP_PKEY *key) {
    struct bytes xy = forge_key_bytes(a, key);
    uint8_t hash[32];
    SHA256(xy.ptr, xy.len, hash);
    return FORGE_JOIN(a, {hash, 20});
}

static inline struct bytes forge_algorithm(struct arena *a) { return forge_hex(a, "300a06082a8648ce3d040302"); }

static inline struct bytes forge_signature(struct arena *a, EVP_PKEY *key, struct bytes over) {
    uint8_t out[80];
    size_t len = sizeof out;
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    BUG_ON(EVP_DigestSignInit(c, NULL, EVP_sha256(), NULL, key) != 1 ||
           EVP_DigestSign(c, out, &len, over.ptr, over.len) != 1);
    EVP_MD_CTX_free(c);
    return FORGE_JOIN(a, {out, len});
}

// An extension; `critical` is hex of what stands between, for what must not.
static inline struct bytes forge_extension(struct arena *a, const char *oid, const char *critical, struct bytes value) {
    return FORGE_TLV(a, DER_SEQUENCE, forge_oid(a, oid), forge_hex(a, critical), FORGE_TLV(a, DER_OCTET_STRING, value));
}
#define FORGE_CRITICAL "0101ff"

static inline struct bytes forge_issuer_id(struct arena *a, EVP_PKEY *key) {
    return forge_extension(a, "551d23", "",
                           FORGE_TLV(a, DER_SEQUENCE, FORGE_TLV(a, DER_CONTEXT, forge_key_id(a, key))));
}

// --- certificates

// Each member is the DER of a field; what is changed in it is signed.
struct forge_cert {
    EVP_PKEY *key, *signer;
    struct bytes version, serial, algorithm, issuer, validity, subject, public_key;
    struct bytes issuer_id, key_id, usage, constraints, more;   // extensions
    struct bytes extensions;                                    // in place of these, where set
    struct bytes behind;                                        // the last of what is signed
    struct bytes outer_algorithm, unused_bits, signature, tail; // a signature that is set stands as it is
};

static inline struct forge_cert forge_cert(struct arena *a, EVP_PKEY *key, const char *subject, EVP_PKEY *signer,
                                           const char *issuer, const char *usage, const char *constraints) {
    struct bytes point = FORGE_TLV(a, DER_BIT_STRING, forge_hex(a, "0004"), forge_key_bytes(a, key));
    return (struct forge_cert){
        .key = key,
        .signer = signer,
        .version = forge_hex(a, "a003020102"),
        .serial = forge_hex(a, "020600f122334455"),
        .algorithm = forge_algorithm(a),
        .issuer = forge_name(a, issuer),
        .validity = FORGE_TLV(a, DER_SEQUENCE, forge_utc(a, "200101000000Z"), forge_utc(a, "300101000000Z")),
        .subject = forge_name(a, subject),
        .public_key = FORGE_TLV(a, DER_SEQUENCE, forge_hex(a, "301306072a8648ce3d020106082a8648ce3d030107"), point),
        .issuer_id = forge_issuer_id(a, signer),
        .key_id = forge_extension(a, "551d0e", "", FORGE_TLV(a, DER_OCTET_STRING, forge_key_id(a, key))),
        .usage = forge_extension(a, "551d0f", FORGE_CRITICAL, forge_hex(a, usage)),
        .constraints = forge_extension(a, "551d13", FORGE_CRITICAL, forge_hex(a, constraints)),
        .outer_algorithm = forge_algorithm(a),
        .unused_bits = forge_hex(a, "00"),
    };
}

static inline struct bytes forge_sign(struct arena *a, EVP_PKEY *signer, struct bytes tbs, struct bytes algorithm,
                                      struct bytes unused_bits, struct bytes signature, struct bytes tail) {
    if (!signature.ptr)
        signature = forge_signature(a, signer, tbs);
    return FORGE_JOIN(
        a, FORGE_TLV(a, DER_SEQUENCE, tbs, algorithm, FORGE_TLV(a, DER_BIT_STRING, unused_bits, signature)), tail);
}

static inline struct bytes forge_cert_der(struct arena *a, const struct forge_cert *c) {
    struct bytes list = FORGE_JOIN(a, c->issuer_id, c->key_id, c->usage, c->constraints, c->more);
    struct bytes extensions =
        c->extensions.ptr ? c->extensions : FORGE_TLV(a, DER_EXPLICIT + 3, FORGE_TLV(a, DER_SEQUENCE, list));
    struct bytes tbs = FORGE_TLV(a, DER_SEQUENCE, c->version, c->serial, c->algorithm, c->issuer, c->validity,
                                 c->subject, c->public_key, extensions, c->behind);
    return forge_sign(a, c->signer, tbs, c->outer_algorithm, c->unused_bits, c->signature, c->tail);
}

static inline struct bytes forge_pem(struct arena *a, struct bytes der) {
    char *text = arena_alloc(a, der.len * 2 + 80);
    EVP_ENCODE_CTX *c = EVP_ENCODE_CTX_new();
    int n = 0, len = snprintf(text, 40, "-----BEGIN CERTIFICATE-----\n");
    EVP_EncodeInit(c);
    EVP_EncodeUpdate(c, (unsigned char *)text + len, &n, der.ptr, (int)der.len);
    len += n;
    EVP_EncodeFinal(c, (unsigned char *)text + len, &n);
    len += n;
    EVP_ENCODE_CTX_free(c);
    len += snprintf(text + len, 40, "-----END CERTIFICATE-----\n");
    return (struct bytes){(const uint8_t *)text, (size_t)len};
}

// --- revocation lists

struct forge_crl {
    EVP_PKEY *signer;
    struct bytes version, algorithm, issuer, this_update, next_update, entries, number, issuer_id, more, extensions,
        behind;
    struct bytes outer_algorithm, unused_bits, signature, tail;
};

static inline struct bytes forge_entry(struct arena *a, const char *serial, const char *more) {
    return FORGE_TLV(a, DER_SEQUENCE, FORGE_TLV(a, DER_INTEGER, forge_hex(a, serial)), forge_utc(a, "250101000000Z"),
                     forge_hex(a, more));
}
#define FORGE_REASON "300c300a0603551d1504030a0101"

static inline struct forge_crl forge_crl(struct arena *a, EVP_PKEY *signer, const char *issuer) {
    return (struct forge_crl){
        .signer = signer,
        .version = forge_hex(a, "020101"),
        .algorithm = forge_algorithm(a),
        .issuer = forge_name(a, issuer),
        .this_update = forge_utc(a, "250101000000Z"),
        .next_update = forge_utc(a, "250201000000Z"),
        .number = forge_extension(a, "551d14", "", forge_hex(a, "020107")),
        .issuer_id = forge_issuer_id(a, signer),
        .outer_algorithm = forge_algorithm(a),
        .unused_bits = forge_hex(a, "00"),
    };
}

static inline struct bytes forge_crl_der(struct arena *a, const struct forge_crl *c) {
    struct bytes list = FORGE_JOIN(a, c->number, c->issuer_id, c->more);
    struct bytes extensions =
        c->extensions.ptr ? c->extensions : FORGE_TLV(a, DER_EXPLICIT + 0, FORGE_TLV(a, DER_SEQUENCE, list));
    struct bytes tbs = FORGE_TLV(a, DER_SEQUENCE, c->version, c->algorithm, c->issuer, c->this_update, c->next_update,
                                 c->entries, extensions, c->behind);
    return forge_sign(a, c->signer, tbs, c->outer_algorithm, c->unused_bits, c->signature, c->tail);
}

// --- real ones

static inline struct bytes forge_vector(struct arena *a, const char *name) {
    struct slice s;
    struct err e;
    BUG_ON(!file_read(a, arena_printf(a, "tests/vectors/dcap/%s", name), 1u << 20, &s, &e));
    return (struct bytes){s.ptr, s.len};
}

// A string member of a collateral object.
static inline struct bytes forge_member(struct arena *a, const char *vector, const char *member) {
    const char *text = arena_text(a, slice_of(forge_vector(a, vector).ptr, forge_vector(a, vector).len));
    const char *p = strstr(text, arena_printf(a, "\"%s\": \"", member));
    BUG_ON(!p);
    p += strlen(member) + 5;
    uint8_t *out = arena_alloc(a, strlen(p) + 1);
    size_t n = 0;
    for (; *p != '"'; p++) {
        if (*p == '\\')
            p++;
        out[n++] = p[-1] == '\\' && *p == 'n' ? '\n' : (uint8_t)*p;
    }
    return (struct bytes){out, n};
}

// The chain that a quote carries, with the NUL behind it if there is one.
static inline struct bytes forge_quote_chain(struct arena *a, const char *vector) {
    struct bytes quote = forge_vector(a, vector);
    const uint8_t *begin = memmem(quote.ptr, quote.len, "-----BEGIN", 10), *at = begin, *end = NULL;
    while (at && (at = memmem(at, (size_t)(quote.ptr + quote.len - at), "-----END CERTIFICATE-----\n", 26)))
        end = at += 26;
    BUG_ON(!end);
    uint32_t size = (uint32_t)begin[-4] | (uint32_t)begin[-3] << 8;
    return (struct bytes){begin, size};
}
