// SPDX-License-Identifier: Apache-2.0
// Whom sealed secrets belong to. A key is derived for (network, contract, owner, repository, branch or none) and a
// generation of the master secret; a blob is bound to these and its profile by HPKE's info.
//   blob = 01, generation (u32, little endian), HPKE sealed (crypto/hpke.h); on chain in standard base64
//   info = borsh("outlayer-secrets-v1", network, contract, owner, repository, Option<branch>, profile, generation)
// The plaintext is a JSON object {"NAME":"value",…} (secrets/values.h).
#pragma once
#include "crypto/hpke.h"
#include "near/types.h"

#define BRANCH_MAX 255
#define PROFILE_MAX 64
#define BLOB_MAX (96u << 10) // bytes of a blob

struct scope {
    const char *network, *contract, *owner;
    const char *repo;    // normal form
    const char *branch;  // NULL: secrets for any branch that has none of its own
    const char *profile; // not part of the key's derivation
};

// Lengths, characters, normal form; ERR_INVALID says which. `profile` NULL is fine (it is not known when a key is
// asked).
[[nodiscard]] bool scope_check(const struct scope *s, struct err *e);

[[nodiscard]] bool blob_seal(struct arena *a, const struct scope *s, uint32_t generation,
                             const uint8_t public[static HPKE_KEY], struct slice plain, struct slice *blob,
                             struct err *e);
// What can be read without a key. ERR_INVALID: not a blob.
[[nodiscard]] bool blob_generation(struct slice blob, uint32_t *generation, struct err *e);
// *plain is in `a`, which must be freed wiped.
[[nodiscard]] bool blob_open(struct arena *a, const struct scope *s, const struct hpke_pair *pair, struct slice blob,
                             struct slice *plain, struct err *e);
