// SPDX-License-Identifier: Apache-2.0
// Executing one action receipt: its actions on its receiver's account, then refunds, data for who waits, the outcome.
#pragma once
#include "chain/chunk.h"

struct execution {
    struct chunk *chunk;
    const struct receipt *receipt;
    const struct promise_result *results;
    size_t result_count;

    struct account_id actor; // who may change the account: the predecessor, or itself once it has been created
    bool exists;
    struct account_state account;
    bool created; // by this receipt

    uint64_t gas_burnt, gas_used;
    uint64_t vm_burnt; // by contracts: what the reward is part of
    u128 minted, tokens_burnt;
    uint64_t ext_gas[EXT_COUNT], action_gas[COST_COUNT], wasm_gas;
    struct slice *logs;
    size_t log_count, log_room;
    struct receipt *out; // new receipts: of actions, yields, data; ids are given in this order
    size_t out_count, out_room;

    // of the last action
    enum vm_return returned;
    struct slice value;
    size_t returned_receipt; // index in `out`

    bool failed;
    struct action_error error;
};

// Runs it in the chunk. `results` are in the order of its inputs.
void execute_receipt(struct chunk *c, const struct receipt *r, const struct promise_result *results, size_t count);

// In action.c: one action. false: x->error says why.
bool action_apply(struct execution *x, size_t index);
void execution_add(struct execution *x, const struct receipt *r);
