// SPDX-License-Identifier: Apache-2.0
// The two things that the core asks of the program around it; which one it gets is decided when the program is linked:
// src/dcap/backend_openssl.c natively, host functions in the contract, imports in a browser. What is asked has been
// looked at before: r and s are within 1..n-1 and the key is a point of the curve, so that every back
// end gives the same answer.
#pragma once
#include "dcap/bytes.h"

void dcap_sha256(uint8_t out[32], const void *bytes, size_t len);
// Is r ‖ s, big endian, an ECDSA signature by the key x ‖ y of what has this SHA-256?
[[nodiscard]] bool dcap_p256_verify(const uint8_t key[64], const uint8_t digest[32], const uint8_t sig[64]);
