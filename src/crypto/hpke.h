// SPDX-License-Identifier: Apache-2.0
// HPKE, base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305 (RFC 9180 §4-§6), one message per key:
// what `aad`-less Seal and Open of §6.1 give. Sealed = encapsulated key (32) and ciphertext with its tag (16).
// Keys are raw X25519 keys. Low-order public keys are refused (RFC 9180 §7.1.4).
#pragma once
#include "base/arena.h"
#include "base/err.h"

#define HPKE_KEY 32
#define HPKE_OVERHEAD (HPKE_KEY + 16)

struct hpke_pair {
    uint8_t secret[HPKE_KEY], public[HPKE_KEY];
};
void hpke_pair_new(struct hpke_pair *out);
void hpke_pair_of(struct hpke_pair *out, const uint8_t secret[static HPKE_KEY]); // the public half is computed
void hpke_pair_wipe(struct hpke_pair *p);

// *out is in `a` (ciphertext only, nothing to wipe).
[[nodiscard]] bool hpke_seal(struct arena *a, const uint8_t public[static HPKE_KEY], struct slice info,
                             struct slice plain, struct slice *out, struct err *e);
// *out is in `a`: give an arena that is freed with arena_free_wiped. ERR_CORRUPT: not sealed to this key for this info,
// or changed.
[[nodiscard]] bool hpke_open(struct arena *a, const struct hpke_pair *pair, struct slice info, struct slice sealed,
                             struct slice *out, struct err *e);
// HKDF-SHA256 (RFC 5869): `n` <= 8160 bytes.
void hkdf_sha256(uint8_t *out, size_t n, struct slice salt, struct slice ikm, struct slice info);
