// SPDX-License-Identifier: Apache-2.0
// Sends transactions of one key from any number of threads: nonces are given out in order from a local counter, and the
// recent block hash is kept for a minute. Both are read from the chain again whenever a verdict of the chain casts
// doubt on them, and by sender_warm. The hash of a transaction is known before it is sent, so that the caller can write
// it down first and ask the chain after any doubt. No lock is held while the chain is asked.
#pragma once
#include "near/rpc.h"
#include "near/tx.h"

struct sender;

[[nodiscard]] bool sender_new(struct sender **out, struct rpc *rpc, const struct account_id *account,
                              const struct secret_key *key, struct err *e);
void sender_free(struct sender *s); // wipes the key
const struct account_id *sender_account(const struct sender *s);
const struct public_key *sender_key(const struct sender *s);

struct sent {
    char hash[48];      // base58
    struct slice bytes; // the signed transaction, in the arena
    uint64_t nonce;
};

// Signs without sending. Reads nonce and block hash from the chain where they are not known.
[[nodiscard]] bool sender_sign(struct sender *s, struct arena *a, const struct account_id *receiver,
                               struct action *actions, size_t count, struct sent *out, struct err *e);
// Reads nonce, block hash and the key ahead of time, so that the next sender_sign makes no call, and says in the log
// when somebody else uses the key. *key (NULL: not needed) is as the chain shows it. `rpc` NULL: the sender's own;
// another one where the calls must end with something of the caller's.
[[nodiscard]] bool sender_warm(struct sender *s, struct rpc *rpc, struct arena *a, struct rpc_access_key *key,
                               struct err *e);
// What the chain said of a transaction of this key (rpc_send_wait): what it casts doubt on is read again, and what only
// people can mend is logged as an error, by its kind, once a minute at most. `why`: the error that came with it.
void sender_heed(struct sender *s, const struct tx_said *said, const struct err *why);
// Of TX_STALE: the nonce may have been used up by this very transaction, which a server took whose answer was lost. All
// servers are asked. false: it cannot be told.
[[nodiscard]] bool sender_was_taken(struct sender *s, struct arena *a, const struct sent *sent, bool *taken,
                                    struct err *e);
// A transaction of an earlier life was signed with this nonce: it is not given out again.
void sender_skip_nonce(struct sender *s, uint64_t nonce);

// Signs, sends, and waits for the outcome at `wait_until`. A used-up nonce, or a block that is too old, is tried again
// with the next one (nothing was executed then). A transaction that failed on chain is ERR_CHAIN with the contract's
// words; *outcome is given then too (NULL when there is none); the caller releases it. `noted` is called with the hash
// before anything is sent, NULL: not.
[[nodiscard]] bool sender_call(struct sender *s, struct arena *a, const struct account_id *receiver,
                               struct action *actions, size_t count, const char *wait_until,
                               bool (*noted)(void *ctx, const struct sent *sent, struct err *e), void *ctx,
                               json_t **outcome, struct err *e);
