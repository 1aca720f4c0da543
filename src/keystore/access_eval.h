// SPDX-License-Identifier: Apache-2.0
// Decides a condition of access for a caller, asking the chain at one block. Every doubt (a question that fails, an
// answer that is malformed or of another block, a pattern that is none) is an error with its reason: never true, and
// never made true by Not.
#pragma once
#include "near/rpc.h"
#include "secrets/access.h"

// Whom the evaluation asks; tests put their own answers here.
struct access_chain {
    void *ctx;
    // The final block that all that follows is asked at; called once, before the first question.
    bool (*block)(void *ctx, struct arena *a, uint64_t *height, struct err *e);
    bool (*balance)(void *ctx, struct arena *a, uint64_t height, const char *account, u128 *out, struct err *e);
    // The view's answer, released by the caller; NULL: failed.
    json_t *(*view)(void *ctx, struct arena *a, uint64_t height, const char *contract, const char *method,
                    const json_t *args, struct err *e);
};
struct access_chain access_chain_of_rpc(struct rpc *r);

// *why: for whom it would have been true, when it is not; in `a`.
[[nodiscard]] bool access_eval(const struct access_chain *chain, struct arena *a, const struct access *c,
                               const char *caller, bool *allowed, const char **why, struct err *e);
