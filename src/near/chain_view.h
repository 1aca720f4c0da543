// SPDX-License-Identifier: Apache-2.0
// What one decision sees of the chain: one final block, by a bounded number of questions of bounded size, until a
// deadline. Rows, conditions and contracts come from strangers; none of them may keep the keystore from others' work.
#pragma once
#include "near/rpc.h"

#define DECISION_MS 10000        // for all questions of one decision
#define FOREIGN_QUESTIONS_MAX 32 // to contracts and accounts that a condition names
#define BEHIND_MAX 5             // blocks that a server may be behind the newest one seen
#define SEEN_MS 60000            // how long that one counts: a server that made a height up is forgotten
#define AGE_MAX_S 60             // of the newest final block, except on a local chain, which rests without work

struct chain_sight { // what is known from earlier decisions; shared by threads
    struct rpc *rpc;
    const char *contract;                      // ours
    bool rests;                                // a local chain: its newest block may be old
    atomic_uint_fast64_t newest_seen, seen_ms; // height; when, clock_mono_ms()
};
struct chain_view { // of one thread
    struct chain_sight *sight;
    struct rpc_bounds bounds; // height 0: not known yet
    uint64_t deadline_ms;
    unsigned foreign;    // questions to others
    uint64_t foreign_ms; // that those which were answered took
};
void chain_view_init(struct chain_view *v, struct chain_sight *sight);

// Errors of the first kind are a server's trouble, or ours, and say nothing: ERR_UNAVAILABLE, ERR_TIMEOUT, ERR_IO,
// ERR_INTERNAL. All others are what the chain or a contract said: ERR_NOT_FOUND, ERR_CHAIN, ERR_TOO_LARGE
// (of another contract's view), ERR_LIMIT (too many questions to others, or too slow ones).
bool chain_view_is_trouble(const struct err *e);

// Views of our own contract; the caller releases the answer.
[[nodiscard]] json_t *chain_view_own(struct chain_view *v, struct arena *a, const char *method, const json_t *args,
                                     struct err *e);
// Views of any other, counted.
[[nodiscard]] json_t *chain_view_foreign(struct chain_view *v, const char *contract, const char *method,
                                         const json_t *args, struct err *e);
[[nodiscard]] bool chain_view_balance(struct chain_view *v, const char *account, u128 *out, struct err *e);
[[nodiscard]] bool chain_view_key(struct chain_view *v, struct arena *a, const char *account,
                                  const struct public_key *key, struct rpc_access_key *out, struct err *e);
// Whether the key is a full access key of the account: it speaks for it. ERR_FORBIDDEN says what is missing.
[[nodiscard]] bool chain_view_speaks_for(struct chain_view *v, struct arena *a, const char *account,
                                         const struct public_key *key, struct err *e);
