// SPDX-License-Identifier: Apache-2.0
// Whether a transaction may enter the chain, and what entering takes from its signer (docs/near.md, Transactions, in
// its order).
#pragma once
#include "ledger/error.h"
#include "ledger/gas.h"
#include "ledger/state.h"

// The rules for every list of actions, in transactions and in receipts that contracts make.
[[nodiscard]] bool actions_validate(const struct action *list, size_t n, struct actions_invalid *why);

// What can be judged without the state: size, actions, ids, signature.
[[nodiscard]] bool tx_check_form(const struct signed_transaction *tx, size_t size, struct tx_error *why);

// Where the chain stands, for the rest.
struct tx_context {
    struct state *state;
    struct arena *arena;
    uint64_t height; // of the block that would take it
    uint64_t validity_period;
};
struct tx_charge { // what tx_charge_apply writes
    struct tx_cost cost;
    struct account_state signer;
    struct access_key access;
};
[[nodiscard]] bool tx_check_state(const struct tx_context *c, const struct transaction *tx, struct tx_charge *out,
                                  struct tx_error *why);
// Takes the cost from the signer and notes the nonce.
void tx_charge_apply(const struct tx_context *c, const struct transaction *tx, const struct tx_charge *charge);

// The limits of a function-call key on what it signs. false: *why says which.
[[nodiscard]] bool key_permits(const struct access_key *k, const struct account_id *receiver, const struct action *list,
                               size_t n, struct tx_error *why);
