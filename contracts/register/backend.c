// SPDX-License-Identifier: Apache-2.0
// The core's back end: the functions of the node.
#include "dcap/backend.h"
#include "dcap/p256_point.h"
#include "sdk/env.h"

void dcap_sha256(uint8_t out[32], const void *bytes, size_t len) {
    struct hash h = sha256_of((struct text){bytes, len});
    memcpy(out, h.b, sizeof h.b);
}

// The node takes the key compressed. The core has seen that y is x's: else another point would be meant here.
bool dcap_p256_verify(const uint8_t key[64], const uint8_t digest[32], const uint8_t sig[64]) {
    uint8_t compressed[33];
    struct hash h;
    memcpy(h.b, digest, sizeof h.b);
    dcap_p256_compress(compressed, key);
    return p256_verify(sig, &h, compressed);
}
