// SPDX-License-Identifier: Apache-2.0
// The coordinator's locks on what this worker builds, so that no other worker builds the same meanwhile. They last for
// seconds, not for a build: one thread prolongs those that are in use, so that what a worker held that died is soon
// free for others, and asks for those to be released that are not, until the coordinator has answered or their time is
// over. A lock saves work and no more: what is built is named by what it is made from. Safe for several threads.
#pragma once
#include "base/figures.h"
#include "worker/coordinator_client.h"

#define BUILD_LOCK_S 20 // so long after its holder's last word others wait: some more than a coordinator's start takes

struct build_locks;
struct build_lock;
struct build_locks_settings {
    struct api *api;
    uint64_t ttl_s, prolong_ms, retry_ms; // 0: BUILD_LOCK_S, a quarter of that, 1 s
};
[[nodiscard]] bool build_locks_start(struct build_locks **out, const struct build_locks_settings *s, struct err *e);
// Everything is released, also what is in use; the coordinator is waited for so long at most. The thread ends.
void build_locks_stop(struct build_locks *l, uint64_t ms);
void build_locks_free(struct build_locks *l);     // nothing is in use any more. NULL is fine
uint64_t build_locks_lost(struct build_locks *l); // in use, and another worker had it

// true: *out is held, or NULL, as another worker has it. false: the coordinator did not say; *out goes on being asked
// for while it is in use; after a stop it is NULL. Nobody else of this process uses `key` now.
[[nodiscard]] bool build_lock_take(struct build_locks *l, struct arena *a, const char *key, struct build_lock **out,
                                   struct err *e);
void build_lock_drop(struct build_locks *l, struct build_lock *x); // not in use any more. NULL is fine
