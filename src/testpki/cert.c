// SPDX-License-Identifier: Apache-2.0
#include "testpki/cert.h"

#include "base/err.h"
#include "codec/hex.h"
#include "testpki/der_write.h"
#include <openssl/sha.h>

#define SGX_OID "1.2.840.113741.1.13.1"

struct slice pki_edited(struct arena *a, struct slice text, const struct pki_edit edits[PKI_EDITS]) {
    for (size_t i = 0; i < PKI_EDITS && edits[i].find.len; i++) {
        const uint8_t *at = memmem(text.ptr, text.len, edits[i].find.ptr, edits[i].find.len);
        BUG_ON(!at);
        size_t before = (size_t)(at - text.ptr), after = text.len - before - edits[i].find.len,
               with = edits[i].with.len;
        uint8_t *out = arena_alloc(a, before + with + after + 1);
        memcpy(out, text.ptr, before);
        if (with)
            memcpy(out + before, edits[i].with.ptr, with);
        memcpy(out + before + with, at + edits[i].find.len, after);
        text = slice_of(out, before + with + after);
    }
    return text;
}

// --- the pieces that certificates and lists share

static struct slice algorithm(struct arena *a, bool other) {
    return DER(a, DER_SEQ, pki_der_oid(a, other ? "1.2.840.10045.4.3.3" : "1.2.840.10045.4.3.2"));
}

static struct slice name_part(struct arena *a, const char *oid, unsigned tag, const char *text) {
    return DER(a, DER_SET, DER(a, DER_SEQ, pki_der_oid(a, oid), DER(a, tag, slice_str(text))));
}

static struct slice name(struct arena *a, const char *common) {
    return DER(a, DER_SEQ, name_part(a, "2.5.4.3", DER_UTF8, common),
               name_part(a, "2.5.4.10", DER_UTF8, "OutLayer test keys, worth nothing"),
               name_part(a, "2.5.4.7", DER_UTF8, "Nowhere"), name_part(a, "2.5.4.8", DER_UTF8, "NA"),
               name_part(a, "2.5.4.6", DER_PRINTABLE, "ZZ"));
}

static struct slice extension(struct arena *a, const char *oid, bool critical, struct slice value) {
    return DER(a, DER_SEQ, pki_der_oid(a, oid), critical ? pki_der_bool(a, true) : slice_of(NULL, 0),
               DER(a, DER_OCTETS, value));
}

static struct slice public_point(struct arena *a, const char *seed, const char *key_name, bool bad) {
    struct pki_key k;
    pki_key_of(&k, seed, key_name);
    k.public[63] ^= bad;
    uint8_t *out = arena_alloc(a, 65);
    out[0] = 4;
    memcpy(out + 1, k.public, 64);
    return slice_of(out, 65);
}

static struct slice key_id(struct arena *a, const char *seed, const char *key_name) {
    struct slice point = public_point(a, seed, key_name, false);
    uint8_t *id = arena_alloc(a, SHA_DIGEST_LENGTH);
    SHA1(point.ptr, point.len, id);
    return slice_of(id, SHA_DIGEST_LENGTH);
}

static struct slice authority_id(struct arena *a, const char *seed, const char *signer) {
    return extension(a, "2.5.29.35", false, DER(a, DER_SEQ, DER(a, DER_CONTEXT, key_id(a, seed, signer))));
}

static struct slice signed_by(struct arena *a, const char *seed, const char *signer, struct slice body, bool other,
                              uint8_t spoil, bool zero_r) {
    struct pki_key k;
    uint8_t raw[64];
    pki_key_of(&k, seed, signer);
    pki_sign(raw, &k, body);
    raw[63] ^= spoil;
    if (zero_r)
        memset(raw, 0, 32);
    return DER(a, DER_SEQ, body, algorithm(a, other), pki_der_bits(a, 0, pki_der_ecdsa(a, raw)));
}

// --- the SGX extension

static struct slice sgx_item(struct arena *a, const char *number, struct slice value) {
    return DER(a, DER_SEQ, pki_der_oid(a, arena_printf(a, SGX_OID ".%s", number)), value);
}

// The CPUSVN is the components in one, as in all of Intel's certificates.
static struct slice sgx_tcb(struct arena *a, const struct pki_sgx *s) {
    struct slice parts[18];
    uint8_t cpusvn[16];
    size_t n = 0;
    for (size_t i = 0; i < sizeof cpusvn; i++)
        cpusvn[i] = s->other_cpusvn ? 0 : (uint8_t)s->components[i];
    for (; n < s->component_count; n++)
        parts[n] = sgx_item(a, arena_printf(a, "2.%zu", n + 1), pki_der_number(a, DER_INT, s->components[n]));
    parts[n++] = sgx_item(a, "2.17", pki_der_number(a, DER_INT, s->pcesvn));
    parts[n++] = sgx_item(a, "2.18", DER(a, DER_OCTETS, slice_of(cpusvn, sizeof cpusvn)));
    return pki_der_of(a, DER_SEQ, n, parts);
}

static struct slice sgx_configuration(struct arena *a, const struct pki_sgx *s) {
    return DER(a, DER_SEQ, sgx_item(a, "7.1", pki_der_bool(a, s->dynamic)),
               sgx_item(a, "7.2", pki_der_bool(a, s->cached_keys)), sgx_item(a, "7.3", pki_der_bool(a, s->smt)));
}

static struct slice sgx_value(struct arena *a, const struct pki_sgx *s, char item) {
    switch (item) {
    case '1': return DER(a, DER_OCTETS, slice_of(s->ppid, sizeof s->ppid));
    case '2': return sgx_tcb(a, s);
    case '3': return DER(a, DER_OCTETS, slice_of(s->pceid, sizeof s->pceid));
    case '4': return DER(a, DER_OCTETS, slice_of(s->fmspc, sizeof s->fmspc));
    case '5': return pki_der_number(a, DER_ENUM, s->type);
    case '6': return DER(a, DER_OCTETS, slice_of(s->instance, sizeof s->instance));
    default: return sgx_configuration(a, s);
    }
}

static struct slice sgx_extension(struct arena *a, const struct pki_sgx *s) {
    struct slice parts[12];
    size_t n = strlen(s->items);
    BUG_ON(n > ARRAY_LEN(parts));
    for (size_t i = 0; i < n; i++)
        parts[i] = sgx_item(a, (char[]){s->items[i], 0}, sgx_value(a, s, s->items[i]));
    return extension(a, SGX_OID, false, pki_der_of(a, DER_SEQ, n, parts));
}

// --- certificates

static struct slice constraints(struct arena *a, const struct pki_cert *c) {
    struct slice none = slice_of(NULL, 0);
    return extension(a, "2.5.29.19", true,
                     DER(a, DER_SEQ, c->ca ? pki_der_bool(a, true) : none,
                         c->path_length >= 0 ? pki_der_number(a, DER_INT, (uint64_t)c->path_length) : none));
}

static struct slice usage(struct arena *a, const struct pki_cert *c) {
    uint8_t bits = (uint8_t)c->usage;
    unsigned unused = bits ? (unsigned)__builtin_ctz(bits) : 0;
    return extension(a, "2.5.29.15", true, pki_der_bits(a, unused, slice_of(&bits, 1)));
}

// Where nobody fetches it from: the name cannot exist.
static struct slice distribution_point(struct arena *a) {
    struct slice uri = DER(a, DER_CONTEXT + 6, SLICE_LIT("https://certificates.outlayer-test.invalid/crl.der"));
    return extension(a, "2.5.29.31", false,
                     DER(a, DER_SEQ, DER(a, DER_SEQ, DER(a, DER_CONTEXT_NESTED, DER(a, DER_CONTEXT_NESTED, uri)))));
}

static struct slice extensions(struct arena *a, const char *seed, const struct pki_cert *c) {
    struct slice parts[10];
    size_t n = 0;
    if (!c->without_key_ids) {
        parts[n++] = authority_id(a, seed, c->signer_id ? c->signer_id : c->signer);
        parts[n++] = extension(a, "2.5.29.14", false, DER(a, DER_OCTETS, key_id(a, seed, c->key)));
    }
    parts[n++] = distribution_point(a);
    if (!c->without_usage)
        parts[n++] = usage(a, c);
    if (!c->without_constraints)
        parts[n++] = constraints(a, c);
    if (c->twice)
        parts[n++] = constraints(a, c);
    if (c->unknown_critical)
        parts[n++] = extension(a, "1.2.3.4", true, DER(a, DER_OCTETS, SLICE_LIT("?")));
    if (c->sgx)
        parts[n++] = sgx_extension(a, c->sgx);
    return DER(a, DER_CONTEXT_NESTED + 3, pki_der_of(a, DER_SEQ, n, parts));
}

static struct slice key_info(struct arena *a, const char *seed, const struct pki_cert *c) {
    return DER(a, DER_SEQ, DER(a, DER_SEQ, pki_der_oid(a, "1.2.840.10045.2.1"), pki_der_oid(a, "1.2.840.10045.3.1.7")),
               pki_der_bits(a, 0, public_point(a, seed, c->key, c->bad_point)));
}

struct slice pki_cert_der(struct arena *a, const char *seed, const struct pki_cert *c) {
    if (c->raw.len)
        return c->raw;
    struct slice body =
        DER(a, DER_SEQ, DER(a, DER_CONTEXT_NESTED, pki_der_number(a, DER_INT, 2)),
            pki_der_integer(a, slice_of(c->serial, sizeof c->serial)), algorithm(a, false), name(a, c->issuer),
            DER(a, DER_SEQ, pki_der_time(a, c->not_before), pki_der_time(a, c->not_after)), name(a, c->subject),
            key_info(a, seed, c), extensions(a, seed, c));
    return signed_by(a, seed, c->signer, pki_edited(a, body, c->edits), c->other_algorithm, c->spoil, c->zero_r);
}

// --- revocation lists

static struct slice revoked(struct arena *a, const struct pki_crl *c) {
    struct slice parts[ARRAY_LEN(c->revoked)];
    for (size_t i = 0; i < c->revoked_count; i++)
        parts[i] = DER(a, DER_SEQ, pki_der_integer(a, slice_of(c->revoked[i], 20)), pki_der_time(a, c->this_update),
                       DER(a, DER_SEQ, extension(a, "2.5.29.21", false, pki_der_number(a, DER_ENUM, 1))));
    return c->revoked_count ? pki_der_of(a, DER_SEQ, c->revoked_count, parts) : slice_of(NULL, 0);
}

static struct slice crl_extensions(struct arena *a, const char *seed, const struct pki_crl *c) {
    struct slice parts[2];
    size_t n = 0;
    if (!c->without_number)
        parts[n++] = extension(a, "2.5.29.20", false, pki_der_number(a, DER_INT, c->number));
    if (!c->without_key_id)
        parts[n++] = authority_id(a, seed, c->signer_id);
    return DER(a, DER_CONTEXT_NESTED, pki_der_of(a, DER_SEQ, n, parts));
}

struct slice pki_crl_der(struct arena *a, const char *seed, const struct pki_crl *c) {
    if (c->raw.len)
        return c->raw;
    struct slice none = slice_of(NULL, 0);
    struct slice body =
        DER(a, DER_SEQ, c->version_1 ? none : pki_der_number(a, DER_INT, 1), algorithm(a, false), name(a, c->issuer),
            pki_der_time(a, c->this_update), c->without_next ? none : pki_der_time(a, c->next_update), revoked(a, c),
            c->version_1 ? none : crl_extensions(a, seed, c));
    return signed_by(a, seed, c->signer, pki_edited(a, body, c->edits), c->other_algorithm, c->spoil, c->zero_r);
}

struct slice pki_pem(struct arena *a, struct slice der, const char *before, const char *after) {
    const char *text = base64_text(a, der);
    size_t n = strlen(text), lines = (n + 63) / 64;
    char *broken = arena_alloc(a, n + lines + 1), *p = broken;
    for (size_t i = 0; i < n; i += 64) {
        size_t piece = n - i < 64 ? n - i : 64;
        memcpy(p, text + i, piece);
        p += piece;
        *p++ = '\n';
    }
    *p = 0;
    return slice_str(
        arena_printf(a, "%s-----BEGIN CERTIFICATE-----\n%s-----END CERTIFICATE-----\n%s", before, broken, after));
}
