// SPDX-License-Identifier: Apache-2.0
#include "simulator/k256.h"

#include <secp256k1.h>
#include <secp256k1_recovery.h>

bool k256_public(uint8_t out[33], const uint8_t secret[32]) {
    secp256k1_context *c = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    secp256k1_pubkey key;
    size_t n = 33;
    bool ok = secp256k1_ec_pubkey_create(c, &key, secret) == 1 &&
              secp256k1_ec_pubkey_serialize(c, out, &n, &key, SECP256K1_EC_COMPRESSED) == 1;
    secp256k1_context_destroy(c);
    return ok;
}

bool k256_sign(uint8_t out[65], const uint8_t secret[32], const uint8_t digest[32]) {
    secp256k1_context *c = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    secp256k1_ecdsa_recoverable_signature s;
    int number = 0;
    bool ok = secp256k1_ecdsa_sign_recoverable(c, &s, digest, secret, NULL, NULL) == 1 &&
              secp256k1_ecdsa_recoverable_signature_serialize_compact(c, out, &number, &s) == 1;
    out[64] = (uint8_t)number;
    secp256k1_context_destroy(c);
    return ok;
}

bool k256_verify(struct slice public_key, const uint8_t digest[32], const uint8_t signature[64]) {
    secp256k1_pubkey key;
    secp256k1_ecdsa_signature s;
    const secp256k1_context *c = secp256k1_context_static;
    return secp256k1_ec_pubkey_parse(c, &key, public_key.ptr, public_key.len) == 1 &&
           secp256k1_ecdsa_signature_parse_compact(c, &s, signature) == 1 &&
           secp256k1_ecdsa_verify(c, &s, digest, &key) == 1;
}
