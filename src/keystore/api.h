// SPDX-License-Identifier: Apache-2.0
// What the handlers share.
#pragma once
#include "keystore/keystore.h"
#include "keystore/question.h"

struct question_place api_place(const struct keystore *k);
// {repo_normalized, branch, owner, pubkey, generation, identity, signature} and, for the nonce of a client (NULL:
// none), fresh_signature
[[nodiscard]] bool api_pubkey(struct keystore *k, struct arena *a, const struct scope *s, const uint8_t *nonce,
                              json_t **out, struct err *e);
void api_put_signature(struct keystore *k, struct arena *a, json_t *o, const struct hash *record);
