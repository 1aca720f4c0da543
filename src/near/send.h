// SPDX-License-Identifier: Apache-2.0
// Sends transactions of one key from any number of threads: nonces are given out in order from a local counter (read
// from the chain once, and again when the chain says it is used up), the recent block hash is kept for a minute. The
// hash of a transaction is known before it is sent, so that the caller can write it down first and ask the chain after
// any doubt.
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

// Signs without sending. Refreshes nonce and block hash from the chain where needed.
[[nodiscard]] bool sender_sign(struct sender *s, struct arena *a, const struct account_id *receiver,
                               struct action *actions, size_t count, struct sent *out, struct err *e);
// Reads nonce and block hash ahead of time, so that the next sender_sign makes no call.
[[nodiscard]] bool sender_warm(struct sender *s, struct arena *a, struct err *e);
// The chain said that the nonce is used up: read it anew at the next sender_sign.
void sender_forget_nonce(struct sender *s);

// Signs, sends, and waits for the outcome at `wait_until`. A used-up nonce is tried again with the next one (nothing
// was executed then). A transaction that failed on chain is ERR_CHAIN with the contract's words; *outcome is given then
// too (NULL when there is none); the caller releases it. `noted` is called with the hash before anything is sent, NULL:
// not.
[[nodiscard]] bool sender_call(struct sender *s, struct arena *a, const struct account_id *receiver,
                               struct action *actions, size_t count, const char *wait_until,
                               bool (*noted)(void *ctx, const struct sent *sent, struct err *e), void *ctx,
                               json_t **outcome, struct err *e);
