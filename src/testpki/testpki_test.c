// SPDX-License-Identifier: Apache-2.0
// What the test PKI makes is what OpenSSL, which knows nothing of it, takes for well-formed and rightly signed: else a
// verifier that refuses it would be right.
#include "testpki/testpki.h"

#include "base/test.h"
#include "crypto/hash.h"
#include "testpki/der_write.h"
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define NOW 1790000000

static struct pki_world world;

static X509 *cert(struct slice pem, int nth) {
    BIO *b = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    X509 *x = NULL;
    for (int i = 0; i <= nth; i++) {
        X509_free(x);
        x = PEM_read_bio_X509(b, NULL, NULL, NULL);
        assert_non_null(x);
    }
    BIO_free(b);
    return x;
}

static X509_CRL *crl(struct slice der) {
    const unsigned char *p = der.ptr;
    X509_CRL *c = d2i_X509_CRL(NULL, &p, (long)der.len);
    assert_non_null(c);
    assert_ptr_equal(p, der.ptr + der.len);
    return c;
}

static void add_cert(X509_STORE *s, X509 *x) { // takes it
    X509_STORE_add_cert(s, x);
    X509_free(x);
}

static void add_crl(X509_STORE *s, X509_CRL *c) { // takes it
    X509_STORE_add_crl(s, c);
    X509_CRL_free(c);
}

static X509_STORE *store_of(const struct pki_made *m, int64_t at) {
    X509_STORE *s = X509_STORE_new();
    add_cert(s, cert(m->pck_crl_issuer_chain, 1));
    add_crl(s, crl(m->root_ca_crl));
    add_crl(s, crl(m->pck_crl));
    X509_VERIFY_PARAM *p = X509_STORE_get0_param(s);
    X509_VERIFY_PARAM_set_time(p, (time_t)at);
    X509_VERIFY_PARAM_set_flags(p, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    return s;
}

// OpenSSL's verdict on the leaf of a chain, both lists looked at.
static int verdict(const struct pki_made *m, struct slice chain, int intermediates, int64_t at) {
    X509_STORE *s = store_of(m, at);
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    STACK_OF(X509) *more = sk_X509_new_null();
    X509 *leaf = cert(chain, 0);
    for (int i = 1; i <= intermediates; i++)
        sk_X509_push(more, cert(chain, i));
    X509_STORE_CTX_init(ctx, s, leaf, more);
    X509_verify_cert(ctx);
    int code = X509_STORE_CTX_get_error(ctx);
    sk_X509_pop_free(more, X509_free);
    X509_free(leaf);
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(s);
    return code;
}

static bool verifies(EVP_PKEY *key, struct slice message, const uint8_t raw[64]) {
    SCOPED_ARENA(a);
    struct slice der = pki_der_ecdsa(a, raw);
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestVerifyInit(c, NULL, EVP_sha256(), NULL, key), 1);
    int ok = EVP_DigestVerify(c, der.ptr, der.len, message.ptr, message.len);
    EVP_MD_CTX_free(c);
    return ok == 1;
}

static EVP_PKEY *key_of(const uint8_t point[64]) {
    // SubjectPublicKeyInfo of P-256 up to the point.
    static const uint8_t head[27] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
                                     0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};
    uint8_t der[91];
    const unsigned char *p = der;
    memcpy(der, head, 27);
    memcpy(der + 27, point, 64);
    EVP_PKEY *k = d2i_PUBKEY(NULL, &p, sizeof der);
    assert_non_null(k);
    return k;
}

static void chains_and_lists_verify(void **state) {
    (void)state;
    for (int processor = 0; processor < 2; processor++) {
        SCOPED_ARENA(a);
        struct pki_made m;
        pki_world_init(&world, PKI_TDX_V4, "unit test", "one machine", NOW);
        if (processor)
            pki_world_processor(&world);
        pki_make(&m, a, &world);
        struct slice chain = slice_of(m.quote.ptr + m.at.chain, m.at.end - m.at.chain);
        assert_int_equal(verdict(&m, chain, 1, NOW), X509_V_OK);
        assert_int_equal(verdict(&m, m.tcb_info_issuer_chain, 0, NOW), X509_V_OK);
        assert_int_equal(verdict(&m, m.qe_identity_issuer_chain, 0, NOW), X509_V_OK);
        assert_int_equal(verdict(&m, chain, 1, NOW + 26 * 86400), X509_V_ERR_CRL_HAS_EXPIRED);
    }
}

static void revocation_is_seen(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct pki_made m;
    pki_world_init(&world, PKI_TDX_V4, "unit test", "one machine", NOW);
    memcpy(world.pck_crl.revoked[1], world.leaf.serial, 20);
    pki_make(&m, a, &world);
    struct slice chain = slice_of(m.quote.ptr + m.at.chain, m.at.end - m.at.chain);
    assert_int_equal(verdict(&m, chain, 1, NOW), X509_V_ERR_CERT_REVOKED);
}

// The signatures inside a quote, each by the key that the layout says.
static void quotes_are_signed(void **state) {
    (void)state;
    for (int kind = PKI_SGX_V3; kind <= PKI_TDX15X_V5; kind++) {
        SCOPED_ARENA(a);
        struct pki_made m;
        pki_world_init(&world, (enum pki_kind)kind, "unit test", "one machine", NOW);
        pki_make(&m, a, &world);
        const uint8_t *q = m.quote.ptr;
        EVP_PKEY *attestation = key_of(q + m.at.key);
        assert_true(verifies(attestation, slice_of(q, m.at.length), q + m.at.signature));
        X509 *leaf = cert(slice_of(q + m.at.chain, m.at.end - m.at.chain), 0);
        EVP_PKEY *pck = X509_get0_pubkey(leaf);
        assert_true(verifies(pck, slice_of(q + m.at.qe_report, 384), q + m.at.qe_signature));
        assert_false(verifies(pck, slice_of(q, m.at.length), q + m.at.signature));
        X509 *signer = cert(m.tcb_info_issuer_chain, 0);
        assert_true(verifies(X509_get0_pubkey(signer), m.tcb_info, m.tcb_info_signature.ptr));
        assert_true(verifies(X509_get0_pubkey(signer), m.qe_identity, m.qe_identity_signature.ptr));
        X509_free(signer);
        X509_free(leaf);
        EVP_PKEY_free(attestation);
    }
}

// Offsets of the TDX 1.0 quote, as Intel's specification and real quotes have them.
static void a_v4_quote_has_its_layout(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct pki_made m;
    pki_world_init(&world, PKI_TDX_V4, "unit test", "one machine", NOW);
    pki_make(&m, a, &world);
    assert_int_equal(m.at.length, 632);
    assert_int_equal(m.at.signature, 636);
    assert_int_equal(m.at.key, 700);
    assert_int_equal(m.at.outer, 764);
    assert_int_equal(m.at.qe_report, 770);
    assert_int_equal(m.at.qe_signature, 1154);
    assert_int_equal(m.at.auth_data, 1218);
    pki_world_init(&world, PKI_TDX15_V5, "unit test", "one machine", NOW);
    pki_make(&m, a, &world);
    assert_int_equal(m.at.length, 702);
    assert_int_equal(m.at.signature, 706);
}

static struct hash digest_of(const struct pki_made *m) {
    SCOPED_ARENA(a);
    json_t *o = pki_collateral(a, m);
    char *text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(o);
    struct sha256 s;
    sha256_init(&s);
    sha256_add(&s, m->quote);
    sha256_add(&s, slice_str(text));
    free(text);
    return sha256_end(&s);
}

// The table of cases is compared between programs: the same seed gives the same bytes, another seed another root.
static void a_seed_gives_the_same_bytes(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct pki_made one, again, other;
    pki_world_init(&world, PKI_TDX_V4, "unit test", "one machine", NOW);
    pki_make(&one, a, &world);
    pki_world_init(&world, PKI_TDX_V4, "unit test", "one machine", NOW);
    pki_make(&again, a, &world);
    pki_world_init(&world, PKI_TDX_V4, "another test", "one machine", NOW);
    pki_make(&other, a, &world);
    struct hash d1 = digest_of(&one), d2 = digest_of(&again);
    assert_true(hash_eq(&d1, &d2));
    assert_memory_not_equal(one.root_key, other.root_key, 64);
    pki_world_init(&world, PKI_TDX_V4, "unit test", "another machine", NOW);
    pki_make(&other, a, &world);
    assert_memory_equal(one.root_key, other.root_key, 64);
    assert_false(slice_eq(one.quote, other.quote));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(chains_and_lists_verify),     cmocka_unit_test(revocation_is_seen),
    cmocka_unit_test(quotes_are_signed),           cmocka_unit_test(a_v4_quote_has_its_layout),
    cmocka_unit_test(a_seed_gives_the_same_bytes),
};
RUN_TESTS(tests)
