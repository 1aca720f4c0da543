// SPDX-License-Identifier: Apache-2.0
// Decides a condition of access for a caller. Every doubt (a question that fails, an answer that is malformed, a
// pattern that is none) is an error with its reason: never true, and never made true by Not.
#pragma once
#include "near/chain_view.h"
#include "secrets/access.h"

// Whom the evaluation asks; tests put their own answers here.
struct access_chain {
    void *ctx;
    bool (*balance)(void *ctx, const char *account, u128 *out, struct err *e);
    // The view's answer, released by the caller; NULL: failed.
    json_t *(*view)(void *ctx, const char *contract, const char *method, const json_t *args, struct err *e);
};
struct access_chain access_chain_of_view(struct chain_view *v); // all of it at the view's one block

// Sets *allowed to whether the condition `c` holds for `caller`. Where it does not, *why says in `a` for whom it would.
[[nodiscard]] bool access_eval(const struct access_chain *chain, struct arena *a, const struct access *c,
                               const char *caller, bool *allowed, const char **why, struct err *e);
