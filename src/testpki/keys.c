// SPDX-License-Identifier: Apache-2.0
#include "testpki/keys.h"

#include "base/err.h"
#include "crypto/hash.h"
#include "crypto/hpke.h"
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

// The curve with what one operation on it needs.
struct curve {
    EC_GROUP *group;
    BN_CTX *ctx;
    EC_POINT *point;
    BIGNUM *x, *y;
    const BIGNUM *order;
};

static void curve_init(struct curve *c) {
    c->group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    c->ctx = BN_CTX_new();
    BUG_ON(!c->group || !c->ctx);
    BN_CTX_start(c->ctx);
    c->point = EC_POINT_new(c->group);
    c->x = BN_CTX_get(c->ctx);
    c->y = BN_CTX_get(c->ctx);
    c->order = EC_GROUP_get0_order(c->group);
    BUG_ON(!c->point || !c->y);
}

static void curve_release(struct curve *c) {
    EC_POINT_free(c->point);
    BN_CTX_end(c->ctx);
    BN_CTX_free(c->ctx);
    EC_GROUP_free(c->group);
}

// x and y of scalar·G.
static void times_base(struct curve *c, const BIGNUM *scalar) {
    BUG_ON(EC_POINT_mul(c->group, c->point, scalar, NULL, NULL, c->ctx) != 1 ||
           EC_POINT_get_affine_coordinates(c->group, c->point, c->x, c->y, c->ctx) != 1);
}

// A number from 1 to the order less one, by 48 bytes of HKDF.
static BIGNUM *scalar_of(struct curve *c, struct slice material, const char *name) {
    uint8_t wide[48];
    hkdf_sha256(wide, sizeof wide, SLICE_LIT("outlayer-test-pki"), material, slice_str(name));
    BIGNUM *k = BN_CTX_get(c->ctx), *most = BN_CTX_get(c->ctx);
    BUG_ON(!most || !BN_bin2bn(wide, sizeof wide, k) || !BN_sub(most, c->order, BN_value_one()) ||
           !BN_mod(k, k, most, c->ctx) || !BN_add_word(k, 1));
    return k;
}

void pki_key_of(struct pki_key *out, const char *seed, const char *name) {
    struct curve c;
    curve_init(&c);
    const BIGNUM *secret = scalar_of(&c, slice_str(seed), name);
    times_base(&c, secret);
    BUG_ON(BN_bn2binpad(secret, out->secret, 32) != 32 || BN_bn2binpad(c.x, out->public, 32) != 32 ||
           BN_bn2binpad(c.y, out->public + 32, 32) != 32);
    curve_release(&c);
}

void pki_sign(uint8_t out[64], const struct pki_key *k, struct slice message) {
    struct curve c;
    struct hash digest = sha256(message);
    uint8_t both[64];
    memcpy(both, k->secret, 32);
    memcpy(both + 32, digest.b, 32);
    curve_init(&c);
    BIGNUM *nonce = scalar_of(&c, slice_of(both, sizeof both), "nonce"), *s = BN_CTX_get(c.ctx);
    BIGNUM *secret = BN_CTX_get(c.ctx), *z = BN_CTX_get(c.ctx), *r = BN_CTX_get(c.ctx);
    times_base(&c, nonce);
    BUG_ON(!r || !BN_bin2bn(k->secret, 32, secret) || !BN_bin2bn(digest.b, 32, z) ||
           !BN_nnmod(r, c.x, c.order, c.ctx) || !BN_mod_mul(s, r, secret, c.order, c.ctx) ||
           !BN_mod_add(s, s, z, c.order, c.ctx) || !BN_mod_inverse(nonce, nonce, c.order, c.ctx) ||
           !BN_mod_mul(s, s, nonce, c.order, c.ctx) || BN_is_zero(r) || BN_is_zero(s));
    BUG_ON(BN_bn2binpad(r, out, 32) != 32 || BN_bn2binpad(s, out + 32, 32) != 32);
    curve_release(&c);
}

void pki_bytes(uint8_t *out, size_t n, const char *seed, const char *name) {
    hkdf_sha256(out, n, SLICE_LIT("outlayer-test-bytes"), slice_str(seed), slice_str(name));
}
