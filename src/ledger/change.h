// SPDX-License-Identifier: Apache-2.0
// What stands in the state, and what a block changes there: the values that state, contracts and blocks share.
#pragma once
#include "near/tx.h"

enum change_cause {
    CAUSE_INITIAL_STATE,
    CAUSE_TRANSACTION, // cause_hash: the transaction's
    CAUSE_RECEIPT,     // receipt_processing: the receipt's
    CAUSE_GAS_REWARD,  // action_receipt_gas_reward: the receipt's
    CAUSE_POSTPONED,   // postponed_receipt: the receipt's
    CAUSE_PATCH,       // sandbox_patch_state
};
enum change_kind {
    CHANGE_ACCOUNT,    // `account`
    CHANGE_ACCESS_KEY, // `key`, `access`
    CHANGE_DATA,       // `data_key`, `data`
    CHANGE_CODE,       // `data`
};
struct account_state {
    struct yocto amount, locked;
    struct hash code_hash; // zeros: no contract
    uint64_t storage_usage;
};
struct chain_change { // the last value that a cause gave a key
    enum change_cause cause;
    struct hash cause_hash;
    enum change_kind kind;
    bool removed;
    struct account_id account_id;
    struct account_state account;
    struct public_key key;
    struct access_key access;
    struct slice data_key, data;
};
struct chain_write { // an entry of the state for whoever keeps it
    struct slice key, value;
    bool removed;
};
