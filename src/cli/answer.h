// SPDX-License-Identifier: Apache-2.0
// What became of a request, read from the outcome of its transaction: the contract's events and the callback's value.
#pragma once
#include "base/arena.h"
#include "codec/json.h"
#include "near/types.h"

struct chain_answer {
    bool known; // the contract took the request: request_id is right
    uint64_t request_id;
    bool settled; // the contract has ended it, one way or another
    bool success;
    const char *error;   // NULL on success
    const char *failure; // "guest", "build", "access", "platform", or NULL
    json_t *output;      // what the caller's callback gets; released by answer_release
    struct yocto payment, charged, refunded;
    uint64_t instructions, time_ms, compile_time_ms;
    const char *wasm_hash; // NULL where not said
    const char *note;      // the worker's note about the build
};

// Texts live in `a`. contract: whose events count.
[[nodiscard]] bool answer_read(struct chain_answer *out, struct arena *a, const json_t *outcome, const char *contract,
                               struct err *e);
void answer_release(struct chain_answer *w);
