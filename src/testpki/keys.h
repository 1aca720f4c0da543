// SPDX-License-Identifier: Apache-2.0
// Keys and signatures of the test PKI: P-256 throughout, the same ones each time for the same seed, so that what it
// signs can be compared byte by byte. A signature's nonce comes from key and message, never twice from two messages.
#pragma once
#include "base/slice.h"

struct pki_key {
    uint8_t secret[32], public[64]; // x ‖ y, big endian
};
// The key that `seed` and `name` stand for.
void pki_key_of(struct pki_key *out, const char *seed, const char *name);
// out = r ‖ s, big endian, over SHA-256 of the message.
void pki_sign(uint8_t out[64], const struct pki_key *k, struct slice message);
// Bytes that look random and are the same each time.
void pki_bytes(uint8_t *out, size_t n, const char *seed, const char *name);
