// SPDX-License-Identifier: Apache-2.0
// Receipts: what accounts send each other, one hop a block (docs/near.md).
#pragma once
#include "near/tx.h"

struct data_output { // who waits for a receipt's result
    struct hash data_id;
    struct account_id receiver;
};

enum receipt_kind { RECEIPT_ACTION, RECEIPT_DATA };

struct receipt {
    enum receipt_kind kind;
    struct hash id;
    struct hash tx_hash; // of the transaction that it comes from
    struct account_id predecessor, receiver;

    // RECEIPT_ACTION
    struct account_id signer; // gas refunds go there
    struct public_key signer_key;
    bool has_refund_to;
    struct account_id refund_to; // deposit refunds, if not to the predecessor
    u128 gas_price;              // yocto per gas at which its gas was bought; 0 for refunds
    const struct data_output *outputs;
    size_t output_count;
    const struct hash *inputs; // data ids that must have come before it runs
    size_t input_count;
    const struct action *actions;
    size_t action_count;
    bool is_yield; // waits for promise_yield_resume or its 200 blocks

    // RECEIPT_DATA
    struct hash data_id;
    bool has_data; // false: what should have made the data failed
    struct slice data;
    bool is_resume;
};

// The chain's own stored form (not NEAR's): for its queue and what it keeps over a restart.
void receipt_encode(struct buf *out, const struct receipt *r);
// Lists go to `a`, bytes point into `bytes`.
[[nodiscard]] bool receipt_decode(struct receipt *out, struct arena *a, struct slice bytes, struct err *e);
// A copy of all of it in `a`.
struct receipt *receipt_copy(struct arena *a, const struct receipt *r);
