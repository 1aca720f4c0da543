// SPDX-License-Identifier: Apache-2.0
// NEAR JSON-RPC over one or more URLs (comma list: the next one is asked when one cannot be reached or is in trouble of
// its own). Answers of the chain are typed errors: an account, key or method that is not there is ERR_NOT_FOUND, a
// contract's panic ERR_CHAIN with its words. What a server cannot answer (it is behind, busy, or makes no sense) is
// ERR_UNAVAILABLE or ERR_TIMEOUT: it says nothing about the chain. Safe for several threads. near.md §5.
#pragma once
#include "codec/json.h"
#include "near/types.h"
#include <stdatomic.h>

struct rpc;

// urls: as in NEAR_RPC_URL.
[[nodiscard]] bool rpc_new(struct rpc **out, const char *urls, struct err *e);
void rpc_free(struct rpc *r);
// Calls give up within 100 ms once *cancel is true (shutdown); NULL: never.
void rpc_set_cancel(struct rpc *r, const atomic_bool *cancel);

// One call; *result (whole numbers beyond 63 bits as texts) is the caller's. `timeout_ms` 0: 30,000.
[[nodiscard]] bool rpc_call(struct rpc *r, struct arena *a, const char *method, json_t *params, uint64_t timeout_ms,
                            json_t **result, struct err *e); // takes params

// View call of a contract at `final`; *out is what the method returned, in `a`. args NULL: none.
[[nodiscard]] bool rpc_view(struct rpc *r, struct arena *a, const char *contract, const char *method,
                            const json_t *args, struct slice *out, struct err *e);
// The same parsed; the caller releases it.
[[nodiscard]] json_t *rpc_view_json(struct rpc *r, struct arena *a, const char *contract, const char *method,
                                    const json_t *args, struct err *e);

// What one question may take, and which block it is about. Zeros: as above.
struct rpc_bounds {
    uint64_t height;     // an answer of another block is ERR_UNAVAILABLE; a server that does not have it yet is asked
                         // again within the time-out. 0: the newest final block
    uint64_t timeout_ms; // of all servers together; 0: 30,000 each
    size_t max_answer;   // bytes of the answer's JSON (an array of numbers for a view's value); 0: 64 MiB
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

struct rpc_block {
    uint64_t height, timestamp_ns;
    struct hash hash;
};
[[nodiscard]] bool rpc_final_block(struct rpc *r, struct arena *a, struct rpc_block *out, struct err *e);
// The same within bounds, whose height is not looked at.
[[nodiscard]] bool rpc_final_block_within(struct rpc *r, struct arena *a, const struct rpc_bounds *b,
                                          struct rpc_block *out, struct err *e);
// Another server is asked first from now on: the one that answered last is behind.
void rpc_next_server(struct rpc *r);
size_t rpc_server_count(const struct rpc *r);

// Sends a signed transaction and returns at once. An invalid one is ERR_CHAIN (its InvalidTxError in the message; with
// `*stale_nonce` true when only the nonce is used up). *hash as base58.
[[nodiscard]] bool rpc_send(struct rpc *r, struct arena *a, struct slice signed_tx, bool *stale_nonce, struct err *e);

// Outcome of a transaction as near.md §5.7, waiting up to the server's own limit per call and `timeout_ms` in all.
// wait_until: "INCLUDED", "EXECUTED", "FINAL", … ERR_NOT_FOUND: the chain does not know it.
[[nodiscard]] bool rpc_tx(struct rpc *r, struct arena *a, const char *hash_base58, const char *signer,
                          const char *wait_until, uint64_t timeout_ms, json_t **outcome, struct err *e);
// The words of a failed status (`{"Failure":…}`), NULL when it did not fail. In the arena.
const char *rpc_failure_text(struct arena *a, const json_t *status);
// The SuccessValue's bytes; false when the status is no success.
bool rpc_success_value(struct arena *a, const json_t *outcome, struct slice *out);
