// SPDX-License-Identifier: Apache-2.0
// NEAR JSON-RPC over one or more URLs (comma list: the next one is asked when one cannot be reached or is in trouble of
// its own). Answers of the chain are typed errors: an account, key or method that is not there is ERR_NOT_FOUND, a
// contract's panic ERR_CHAIN with its words. What a server cannot answer (it is behind, busy, or makes no sense) is
// ERR_UNAVAILABLE or ERR_TIMEOUT: it says nothing about the chain. Safe for several threads. docs/near.md, JSON-RPC.
#pragma once
#include "base/figures.h"
#include "codec/json.h"
#include "near/types.h"
#include <stdatomic.h>

#define RPC_BEHIND_MAX 5

struct rpc;

// urls: as in NEAR_RPC_URL.
[[nodiscard]] bool rpc_new(struct rpc **out, const char *urls, struct err *e);
void rpc_free(struct rpc *r);
// Calls give up within 100 ms once *cancel is true (shutdown); NULL: never.
void rpc_set_cancel(struct rpc *r, const atomic_bool *cancel);

// One call; *result (whole numbers beyond 63 bits as texts) is the caller's. `timeout_ms` 0: 30,000.
[[nodiscard]] bool rpc_call(struct rpc *r, struct arena *a, const char *method, json_t *params, uint64_t timeout_ms,
                            json_t **result, struct err *e); // takes params

// Calls a view method of the contract at `final`, with `args` or, where that is NULL, with none. The caller releases
// what it returned.
[[nodiscard]] json_t *rpc_view_json(struct rpc *r, struct arena *a, const char *contract, const char *method,
                                    const json_t *args, struct err *e);

// What one question may take, and which block it is about. Zeros: as above.
struct rpc_bounds {
    uint64_t height;     // an answer of another block is ERR_UNAVAILABLE; a server that does not have it yet is asked
                         // again within the time-out. 0: the newest final block
    uint64_t at_least;   // where height is 0: an answer of a lower block is not believed, whatever it says, and the
                         // servers are asked in turn until one has it, 10 s at most; then ERR_UNAVAILABLE
    uint64_t timeout_ms; // of all servers together; 0: 30,000 each
    size_t max_answer;   // bytes of the answer's JSON (an array of numbers for a view's value): where all servers give
                         // more, ERR_TOO_LARGE. 0: 64 MiB, and more is ERR_UNAVAILABLE
};
[[nodiscard]] json_t *rpc_view_json_at(struct rpc *r, struct arena *a, const char *contract, const char *method,
                                       const json_t *args, const struct rpc_bounds *b, struct err *e);

struct rpc_account {
    struct yocto amount, locked;
    struct hash code_hash; // zeros: no contract
    uint64_t storage_usage;
};
[[nodiscard]] bool rpc_account(struct rpc *r, struct arena *a, const char *account, struct rpc_account *out,
                               struct err *e);

[[nodiscard]] bool rpc_account_at(struct rpc *r, struct arena *a, const char *account, const struct rpc_bounds *b,
                                  struct rpc_account *out, struct err *e);

struct rpc_access_key {
    uint64_t block_height; // of the answer
    uint64_t nonce;
    bool full_access;
    bool has_allowance;
    struct yocto allowance;
    struct account_id receiver;
    const char **methods; // in the arena; none: any
    size_t method_count;
};
[[nodiscard]] bool rpc_access_key(struct rpc *r, struct arena *a, const char *account, const struct public_key *key,
                                  struct rpc_access_key *out, struct err *e);
[[nodiscard]] bool rpc_access_key_at(struct rpc *r, struct arena *a, const char *account, const struct public_key *key,
                                     const struct rpc_bounds *b, struct rpc_access_key *out, struct err *e);

// The same from the JSON of such an answer.
[[nodiscard]] bool rpc_access_key_read(struct rpc_access_key *out, struct arena *a, const json_t *j, struct err *e);
// The account's keys as the chain lists them, [{"public_key":…,"access_key":{…}}], asked for page by page within 30 s;
// ERR_LIMIT: there are more than 100 pages of them. The caller releases it.
[[nodiscard]] json_t *rpc_access_keys(struct rpc *r, struct arena *a, const char *account, struct err *e);

struct rpc_block {
    uint64_t height, timestamp_ns;
    struct hash hash;
};
[[nodiscard]] bool rpc_final_block(struct rpc *r, struct arena *a, struct rpc_block *out, struct err *e);
// The same within bounds, whose height is not looked at.
[[nodiscard]] bool rpc_final_block_within(struct rpc *r, struct arena *a, const struct rpc_bounds *b,
                                          struct rpc_block *out, struct err *e);
// Another server is asked first from now on: the one that answered last is behind, or says what is doubted.
void rpc_next_server(struct rpc *r);
size_t rpc_server_count(const struct rpc *r);
// The newest final block that any server has shown, and how long ago. false: none yet.
bool rpc_newest(const struct rpc *r, uint64_t *height, uint64_t *age_ms);
// Calls and failures by server: what the chain says is none, what a server cannot answer is.
void rpc_figures(const struct rpc *r, struct buf *out);

// Hands a signed transaction over and returns at once. A server says nothing then about whether it is valid: that is
// what rpc_send_wait is for.
[[nodiscard]] bool rpc_send(struct rpc *r, struct arena *a, struct slice signed_tx, struct err *e);

// What the chain makes of a transaction that it was given.
enum tx_verdict {
    TX_TAKEN,     // it is valid and has come as far as was waited for
    TX_STALE,     // its nonce is used up: it can never be executed, unless it was already
    TX_AHEAD,     // its nonce is higher than any that the chain takes now: what was known of the key was wrong
    TX_EXPIRED,   // it names a block that is too old for it, or that the server does not have yet
    TX_UNPAID,    // the key's allowance or the account's balance does not cover it
    TX_FORBIDDEN, // the key is not there, or may not do that
    TX_INVALID,   // it never was valid
    TX_DOUBT,     // nobody knows: no answer, a time-out, a server's own trouble, a congested shard
};
// It can be executed no more, unless it was already (sender_was_taken), and another one with a new nonce and block may.
static inline bool tx_may_be_signed_anew(enum tx_verdict v) {
    return v == TX_STALE || v == TX_AHEAD || v == TX_EXPIRED;
}
struct tx_said {
    enum tx_verdict verdict;
    uint64_t key_nonce; // TX_STALE: the last nonce that the chain took from the key; 0: not said
};
// Sends it and waits until it has come as far as `wait_until` ("INCLUDED", "EXECUTED_OPTIMISTIC", …), as long as a
// server waits (10 s). The same bytes may be sent as often as one likes: one that was executed already gives its
// outcome again. hash_base58 is its hash: an outcome of another transaction is not believed. true: TX_TAKEN, and
// *outcome is the caller's; it may be that of an execution that failed. One that should be over and is not is TX_DOUBT.
// false: *outcome is NULL and *e says why.
[[nodiscard]] bool rpc_send_wait(struct rpc *r, struct arena *a, struct slice signed_tx, const char *hash_base58,
                                 const char *wait_until, struct tx_said *said, json_t **outcome, struct err *e);

// Outcome of a transaction (docs/near.md, Outcomes), waiting up to the server's own limit per call and `timeout_ms` in
// all. wait_until: "INCLUDED", "EXECUTED", "FINAL", … ERR_NOT_FOUND: the server does not know it, which it says at once
// where wait_until is "NONE"; otherwise it waits for it and says ERR_TIMEOUT.
[[nodiscard]] bool rpc_tx(struct rpc *r, struct arena *a, const char *hash_base58, const char *signer,
                          const char *wait_until, uint64_t timeout_ms, json_t **outcome, struct err *e);
// The words of a failed status (`{"Failure":…}`), NULL when it did not fail. In the arena.
const char *rpc_failure_text(struct arena *a, const json_t *status);
// The SuccessValue's bytes; false when the status is no success.
bool rpc_success_value(struct arena *a, const json_t *outcome, struct slice *out);
