// SPDX-License-Identifier: Apache-2.0
// The register contract's walks over all keys: a call gets as far as its gas, and the next one goes on there.
#pragma once
#include "tee/registry.h"
#include <stdatomic.h>

// What became of the keys, in as many calls as it took.
struct key_walk {
    uint64_t checked, removed;
    uint64_t next;           // where the next call goes on; KEY_WALK_END: all have been looked at
    const char *transaction; // the last one; NULL: none was sent
};
#define KEY_WALK_END UINT64_MAX

// Takes what one call answered. ERR_CHAIN: it looked at no key and is not at the end, so that the next would not
// either.
[[nodiscard]] bool key_walk_take(struct key_walk *w, const json_t *answer, struct err *e);
// Calls `method` (METHOD_RECHECK_KEYS or METHOD_REMOVE_EXPIRED) until all keys have been looked at. On failure *out is
// what was done, and the error says how far it came; once *cancel (which may be NULL) is true, no further call is sent
// (ERR_UNAVAILABLE).
[[nodiscard]] bool key_walk_run(struct key_walk *out, const struct registry *r, struct arena *a, const char *method,
                                const atomic_bool *cancel, struct err *e);

// How many keys the contract has, and of what is to be said of them.
struct key_census {
    uint64_t all;
    uint64_t expired;    // only a call removes them
    uint64_t failing;    // their platform is in its grace
    uint64_t unapproved; // their image is not approved any more
};
[[nodiscard]] bool key_census_take(struct key_census *out, const struct registry *r, struct arena *a, struct err *e);
