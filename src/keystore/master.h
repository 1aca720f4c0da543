// SPDX-License-Identifier: Apache-2.0
// The master secret, from which every key is derived, and the identity key that signs what the keystore says.
//   HOME/master.key    "identity HEX" and a line "GENERATION HEX" per generation, newest last; mode 0600
//   HOME/keystore.json what belongs to it and is no secret: identity, a check value of each generation
// Both are made on the first start. A master.key that others can read or write is refused. Facts without their secret
// stop the start: a new secret would make everything that was sealed unreadable, silently. In memory the secrets are
// locked and guarded (sodium_malloc). key of a scope = HKDF-SHA256(salt "outlayer-keystore-v1", the generation's
// secret,
//                              borsh("recipient", network, contract, owner, repository, Option<branch>, generation))
// Safe for several threads.
#pragma once
#include "secrets/scope.h"

#define GENERATIONS_MAX 64

struct master;
// fd: where to read the contents of master.key from instead of the file (it is closed); -1: the file.
[[nodiscard]] bool master_open(struct master **out, const char *home, int fd, struct err *e);
void master_free(struct master *m);
uint32_t master_generation(struct master *m); // the newest
struct public_key master_identity(const struct master *m);
struct signature master_sign(const struct master *m, const struct hash *record);
// ERR_NOT_FOUND: there is no such generation. Wipe *out.
[[nodiscard]] bool master_derive(struct master *m, const struct scope *s, uint32_t generation, struct hpke_pair *out,
                                 struct err *e);
// A new secret for what is sealed from now on; what was sealed before stays readable. Only where the file is ours. It
// can fail after the generation is in force (master_generation tells): the facts are brought up to date at the next
// start.
[[nodiscard]] bool master_rotate(struct master *m, struct err *e);
