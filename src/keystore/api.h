// SPDX-License-Identifier: Apache-2.0
// What the handlers share.
#pragma once
#include "codec/json.h"
#include "keystore/keystore.h"

// The request's body as a JSON object of the given members only; released by the caller. NULL: answered already.
json_t *api_body(struct http_request *r, const char *const *keys);
// Texts of the scope that a question names; repository made normal. They live as long as `o` and the request.
[[nodiscard]] bool api_scope(struct keystore *k, struct arena *a, const json_t *o, struct scope *out, struct err *e);
// {repo_normalized, branch, owner, pubkey, generation, identity, signature}
[[nodiscard]] bool api_pubkey(struct keystore *k, struct arena *a, const struct scope *s, json_t **out, struct err *e);
void api_put_signature(struct keystore *k, struct arena *a, json_t *o, const struct hash *record);
