// SPDX-License-Identifier: Apache-2.0
#include "simulator/certificate.h"

#include "base/buf.h"
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

// 04 ‖ x ‖ y of secret·G. false: the secret is no scalar.
static bool public_point(uint8_t out[65], const BIGNUM *secret) {
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    EC_POINT *p = EC_POINT_new(group);
    bool ok = !BN_is_zero(secret) && BN_cmp(secret, EC_GROUP_get0_order(group)) < 0 &&
              EC_POINT_mul(group, p, secret, NULL, NULL, NULL) == 1 &&
              EC_POINT_point2oct(group, p, POINT_CONVERSION_UNCOMPRESSED, out, 65, NULL) == 65;
    EC_POINT_free(p);
    EC_GROUP_free(group);
    return ok;
}

static EVP_PKEY *key_of(const uint8_t secret[32]) {
    EVP_PKEY *key = NULL;
    uint8_t point[65];
    BIGNUM *n = BN_bin2bn(secret, 32, NULL);
    OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    OSSL_PARAM *params = NULL;
    if (public_point(point, n) && OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) &&
        OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_PRIV_KEY, n) &&
        OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point) &&
        (params = OSSL_PARAM_BLD_to_param(b)) && EVP_PKEY_fromdata_init(ctx) == 1 &&
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) != 1)
        key = NULL;
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(b);
    EVP_PKEY_CTX_free(ctx);
    BN_free(n);
    return key;
}

static bool extend(X509 *x, int nid, const char *value) {
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    bool ok = ext && X509_add_ext(x, ext, -1) == 1;
    X509_EXTENSION_free(ext);
    return ok;
}

static bool put_name(X509_NAME *n, const char *common) {
    return X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_UTF8, (const unsigned char *)common, -1, -1, 0) == 1;
}

static X509 *begin(EVP_PKEY *key, const char *subject, uint64_t not_before, uint64_t not_after) {
    X509 *x = X509_new();
    uint8_t serial[16];
    random_bytes(serial, sizeof serial);
    serial[0] &= 0x7f;
    BIGNUM *n = BN_bin2bn(serial, sizeof serial, NULL);
    bool ok = X509_set_version(x, 2) == 1 && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) &&
              ASN1_TIME_set(X509_getm_notBefore(x), (time_t)not_before) &&
              ASN1_TIME_set(X509_getm_notAfter(x), (time_t)not_after) && X509_set_pubkey(x, key) == 1 &&
              put_name(X509_get_subject_name(x), subject) &&
              put_name(X509_get_issuer_name(x), "OutLayer simulated application");
    BN_free(n);
    if (ok)
        return x;
    X509_free(x);
    return NULL;
}

static const char *pem(struct arena *a, X509 *x, EVP_PKEY *key) {
    BIO *b = BIO_new(BIO_s_mem());
    char *text;
    bool ok = x ? PEM_write_bio_X509(b, x) == 1 : PEM_write_bio_PKCS8PrivateKey(b, key, NULL, NULL, 0, NULL, NULL) == 1;
    long n = BIO_get_mem_data(b, &text);
    const char *out = ok ? arena_text(a, slice_of(text, (size_t)n)) : NULL;
    BIO_free(b);
    return out;
}

// Names go in one by one: a text for all of them would let a name bring options along.
static bool put_names(X509 *x, const struct certificate_wish *w) {
    GENERAL_NAMES *list = sk_GENERAL_NAME_new_null();
    for (size_t i = 0; i < w->name_count; i++) {
        GENERAL_NAME *g = GENERAL_NAME_new();
        ASN1_IA5STRING *s = ASN1_IA5STRING_new();
        ASN1_STRING_set(s, w->names[i], -1);
        GENERAL_NAME_set0_value(g, GEN_DNS, s);
        sk_GENERAL_NAME_push(list, g);
    }
    bool ok = !w->name_count || X509_add1_ext_i2d(x, NID_subject_alt_name, list, 0, X509V3_ADD_DEFAULT) == 1;
    sk_GENERAL_NAME_pop_free(list, GENERAL_NAME_free);
    return ok;
}

static bool put_usage(X509 *x, const struct certificate_wish *w) {
    const char *use = w->server && w->client ? "serverAuth,clientAuth" : w->server ? "serverAuth" : "clientAuth";
    return (!w->server && !w->client) || extend(x, NID_ext_key_usage, use);
}

static bool make(struct arena *a, const struct certificate_wish *w, EVP_PKEY *own, EVP_PKEY *ca, const char **key,
                 const char *chain[2]) {
    X509 *leaf = begin(own, w->subject, w->not_before, w->not_after);
    X509 *root = begin(ca, "OutLayer simulated application", w->not_before, w->not_after);
    bool ok = leaf && root && put_names(leaf, w) && put_usage(leaf, w) &&
              extend(root, NID_basic_constraints, "critical,CA:TRUE") && X509_sign(leaf, ca, EVP_sha256()) > 0 &&
              X509_sign(root, ca, EVP_sha256()) > 0;
    if (ok) {
        *key = pem(a, NULL, own);
        chain[0] = pem(a, leaf, NULL);
        chain[1] = pem(a, root, NULL);
    }
    X509_free(leaf);
    X509_free(root);
    return ok && *key && chain[0] && chain[1];
}

bool certificate_make(const struct td *t, struct arena *a, const struct certificate_wish *w, const char **key,
                      const char *chain[2], struct err *e) {
    if (w->not_before >= w->not_after)
        return err_set(e, ERR_INVALID, "not_before must be earlier than not_after");
    uint8_t secret[32];
    pki_bytes(secret, sizeof secret, t->config.seed, "authority of the application");
    EVP_PKEY *own = key_of(w->secret), *ca = key_of(secret);
    bool ok = own && ca && make(a, w, own, ca, key, chain);
    EVP_PKEY_free(own);
    EVP_PKEY_free(ca);
    return ok || err_set(e, ERR_INVALID, "no certificate can be made of this (a subject has at most 64 characters)");
}
