// SPDX-License-Identifier: Apache-2.0
// The register contract as the programs around it see it: what it says of itself, of keys, challenges and quotes, and
// calls that somebody pays for. Its words are the chain's, read strictly.
#pragma once
#include "near/rpc.h"
#include "tee/report_data.h"

struct registry {
    struct rpc *rpc;
    struct account_id account;       // the register contract's, to which it adds keys
    const struct credentials *payer; // who signs and pays; NULL: only views are asked for
    // Called with the hash of each transaction before it is sent; NULL: not.
    void (*sent)(void *ctx, const char *method, const char *hash);
    void *ctx;
};

// A moment as people and the chain count it: seconds since 1970 by the newest final block, whatever this machine's
// clock says.
[[nodiscard]] bool registry_now(const struct registry *r, struct arena *a, uint64_t *now, struct err *e);

// What a view of the contract says; the caller releases it.
json_t *registry_view(const struct registry *r, struct arena *a, const char *method, const json_t *args, struct err *e);

struct registry_config {
    const char *owner, *main_contract;
    uint8_t root_key[64];
    bool simulated; // which is not Intel's: what it approves proves nothing
    bool open;      // whoever pays for the storage may register; else registrars alone
};
[[nodiscard]] bool registry_config(const struct registry *r, struct arena *a, struct registry_config *out,
                                   struct err *e);

struct registry_challenge {
    bool there; // one was ever made
    struct hash hash;
    uint64_t made_at; // seconds since 1970
};
[[nodiscard]] bool registry_challenge(const struct registry *r, struct arena *a, struct registry_challenge *out,
                                      struct err *e);

// What the contract keeps of a worker's key.
struct registry_key {
    bool there;                                      // false: it is not registered (any more)
    uint64_t registered_at, renewed_at, valid_until; // seconds since 1970
    uint64_t image_id;
    const char *state; // "active", "failing" (its platform is not accepted any more) or "expired"
    const char *rtmr3, *fmspc, *tcb_status;
};
[[nodiscard]] bool registry_key(const struct registry *r, struct arena *a, const struct public_key *key,
                                struct registry_key *out, struct err *e);

// A call by the payer, waited for to its end. *transaction is its hash; *value (NULL: not wanted) what it returned,
// which the caller releases.
struct registry_call {
    const char *method;
    const json_t *args;
    struct yocto deposit;
    struct gas gas;
};
[[nodiscard]] bool registry_send(const struct registry *r, struct arena *a, const struct registry_call *call,
                                 const char **transaction, json_t **value, struct err *e);
