// SPDX-License-Identifier: Apache-2.0
// What an account asks of the coordinator in its own name: by its word, which its key signs here for that one act.
#pragma once
#include "cli/target.h"
#include "codec/json.h"

struct account_question {
    const char *method, *path; // "POST", "/public/api-keys"
    const char *act;           // as it stands in the message that is signed
    const json_t *body;        // NULL: none
};
// The answer's reference is the caller's. ERR_SETTINGS: no coordinator is known.
[[nodiscard]] bool account_ask(struct arena *a, const struct target *t, const struct credentials *from,
                               const struct account_question *q, json_t **out, struct err *e);
