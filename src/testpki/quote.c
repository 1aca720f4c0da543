// SPDX-License-Identifier: Apache-2.0
// A quote as the quoting enclave writes it: header and body, their signature by the attestation key, the report of the
// enclave that vouches for this key, its signature by the PCK, and the PCK's certificates.
#include "base/buf.h"
#include "base/err.h"
#include "crypto/hash.h"
#include "testpki/testpki.h"

#define QUOTE_MAX (64u << 10)

static void put_le(struct buf *b, uint64_t n, int bytes) {
    for (int i = 0; i < bytes; i++)
        buf_add_byte(b, (uint8_t)(n >> 8 * i));
}

static void put_signature(struct buf *b, const char *seed, const char *key_name, struct slice what) {
    struct pki_key k;
    uint8_t raw[64];
    pki_key_of(&k, seed, key_name);
    pki_sign(raw, &k, what);
    buf_add(b, raw, sizeof raw);
}

// SHA-256(key ‖ auth data) and zeros.
static void report_data(uint8_t out[64], const struct pki_quote *q, const uint8_t key[64]) {
    struct sha256 s;
    sha256_init(&s);
    sha256_add(&s, slice_of(key, 64));
    sha256_add(&s, slice_of(q->auth_data, q->auth_data_len));
    struct hash h = sha256_end(&s);
    memset(out, 0, 64);
    memcpy(out, h.b, 32);
}

// From the QE's report on.
static void put_certification(struct pki_made *m, struct buf *b, struct arena *a, const struct pki_world *w,
                              const uint8_t key[64]) {
    const struct pki_quote *q = &w->quote;
    uint8_t report[384];
    memcpy(report, q->qe_report, sizeof report);
    if (!q->own_report_data)
        report_data(report + PKI_REPORT_DATA, q, key);
    m->at.qe_report = b->len;
    buf_add(b, report, sizeof report);
    m->at.qe_signature = b->len;
    put_signature(b, w->seed, q->qe_signer, slice_of(report, sizeof report));
    m->at.auth_data = b->len;
    put_le(b, q->auth_data_len + (size_t)q->auth_data_longer, 2);
    buf_add(b, q->auth_data, q->auth_data_len);
    struct slice inner = q->inner.len ? q->inner : pki_chain_pem(a, w, &w->quote_chain);
    m->at.inner = b->len;
    put_le(b, q->inner_type, 2);
    put_le(b, inner.len + (size_t)q->inner_longer, 4);
    m->at.chain = b->len;
    buf_add_slice(b, inner);
}

// Lengths are written when what they measure is there.
static void patch_le32(struct buf *b, size_t at, size_t n) {
    for (int i = 0; i < 4; i++)
        b->ptr[at + (size_t)i] = (uint8_t)(n >> 8 * i);
}

static void put_auth(struct pki_made *m, struct buf *b, struct arena *a, const struct pki_world *w,
                     const uint8_t key[64]) {
    const struct pki_quote *q = &w->quote;
    struct slice what = arena_copy(a, buf_slice(b));
    m->at.length = b->len;
    put_le(b, 0, 4);
    m->at.signature = b->len;
    put_signature(b, w->seed, q->key, what);
    m->at.key = b->len;
    buf_add(b, key, 64);
    if (!q->without_wrapper) {
        m->at.outer = b->len;
        put_le(b, q->outer_type, 2);
        put_le(b, 0, 4);
    }
    put_certification(m, b, a, w, key);
    if (!q->without_wrapper)
        patch_le32(b, m->at.outer + 2, b->len - m->at.outer - 6 + (size_t)q->outer_longer);
    patch_le32(b, m->at.length, b->len - m->at.signature + (size_t)q->auth_longer);
    m->at.end = b->len;
    buf_add_slice(b, q->trailing);
    BUG_ON(b->full);
    m->quote = arena_copy(a, buf_slice(b));
}

void pki_quote_make(struct pki_made *m, struct arena *a, const struct pki_world *w) {
    const struct pki_quote *q = &w->quote;
    struct pki_key k;
    SCOPED_BUF(b, QUOTE_MAX);
    pki_key_of(&k, w->seed, q->key);
    k.public[63] ^= q->bad_point;
    if (q->raw_key)
        memcpy(k.public, q->raw_key, sizeof k.public);
    buf_add(&b, q->header, sizeof q->header);
    if (q->body_head) {
        put_le(&b, q->body_type, 2);
        put_le(&b, q->body_size, 4);
    }
    m->at.body = b.len;
    buf_add(&b, q->body, q->body_len);
    put_auth(m, &b, a, w, k.public);
}
