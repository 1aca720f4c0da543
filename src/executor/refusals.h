// SPDX-License-Identifier: Apache-2.0
// Modules that could not be made into machine code, and why, so that the next request for one has the same answer at
// once. Kept in memory: what is forgotten at a restart costs one more try, which the request that causes it pays, and
// nothing has to be believed from a file. Engine and price list are this process's own, so the module's hash is the
// whole key. The least recently used goes first. Safe for several threads. Inner part of exec.h.
#pragma once
#include "base/arena.h"
#include "crypto/hash.h"

#define REFUSALS_MAX 1024

struct refusal {
    bool invalid; // not a module that may run; otherwise compiling it takes more than there is
    // The try was given so much time and was not done; UINT64_MAX: more would not help; 0: the same may.
    uint64_t took_ms;
    char why[480]; // a sentence's second half, for people
};

struct refusals;
struct refusals *refusals_new(void);
void refusals_free(struct refusals *r); // NULL is fine
// True when a try with budget_ms can but end the same way.
bool refusals_find(struct refusals *r, const struct hash *wasm, uint64_t budget_ms, struct refusal *out);
void refusals_keep(struct refusals *r, const struct hash *wasm, const struct refusal *n);
