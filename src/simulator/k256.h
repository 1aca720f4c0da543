// SPDX-License-Identifier: Apache-2.0
// secp256k1 as dstack's key service uses it: signatures with a low s that the public key can be recovered from.
#pragma once
#include "base/slice.h"

// 33 bytes, compressed. false: the secret is 0 or not below the curve's order.
[[nodiscard]] bool k256_public(uint8_t out[33], const uint8_t secret[32]);
// r ‖ s ‖ recovery number. false as above.
[[nodiscard]] bool k256_sign(uint8_t out[65], const uint8_t secret[32], const uint8_t digest[32]);
// `public_key`: compressed or not. A high s does not verify.
bool k256_verify(struct slice public_key, const uint8_t digest[32], const uint8_t signature[64]);
