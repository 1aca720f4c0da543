// SPDX-License-Identifier: Apache-2.0
// The native back end. EVP's ways to a key from x and y and to a signature from r and s take as long as a third of the
// verification itself (they build parameters, encode and decode again), so the calls below EVP are used, which are
// marked as outdated but stay for this; they are used in this file alone.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "dcap/backend.h"
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/obj_mac.h>
#include <openssl/sha.h>
#include <pthread.h>

// SHA256() looks its algorithm up by name each time.
void dcap_sha256(uint8_t out[32], const void *bytes, size_t len) {
    SHA256_CTX c;
    SHA256_Init(&c);
    SHA256_Update(&c, bytes, len);
    SHA256_Final(out, &c);
}

static bool verify(EC_KEY *key, ECDSA_SIG *sig, const uint8_t xy[64], const uint8_t digest[32], const uint8_t rs[64]) {
    uint8_t point[65] = {POINT_CONVERSION_UNCOMPRESSED};
    memcpy(point + 1, xy, 64);
    BIGNUM *r = BN_bin2bn(rs, 32, NULL), *s = BN_bin2bn(rs + 32, 32, NULL);
    if (!r || !s || !ECDSA_SIG_set0(sig, r, s)) {
        BN_free(r);
        BN_free(s);
        return false;
    }
    // The order of the arguments is OpenSSL's; it refuses a point that is not on the curve.
    return EC_KEY_oct2key(key, point, sizeof point, NULL) == 1 && ECDSA_do_verify(digest, 32, sig, key) == 1;
}

// Making the curve's group takes a fifth of a verification, so it is made once and only read from then on.
static EC_GROUP *group;
static void make_group(void) { group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1); }

bool dcap_p256_verify(const uint8_t key[64], const uint8_t digest[32], const uint8_t sig[64]) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_group);
    EC_KEY *k = EC_KEY_new();
    ECDSA_SIG *s = ECDSA_SIG_new();
    bool ok = k && s && group && EC_KEY_set_group(k, group) == 1 && verify(k, s, key, digest, sig);
    ECDSA_SIG_free(s);
    EC_KEY_free(k);
    return ok;
}
