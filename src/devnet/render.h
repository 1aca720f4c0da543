// SPDX-License-Identifier: Apache-2.0
// The chain's things as the JSON that NEAR's nodes and FastNEAR's neardata give (docs/near.md). All
// return new references; the arena is for texts on the way only.
#pragma once
#include "chain/chain.h"
#include <jansson.h>

json_t *render_account_state(const struct account_state *s);
json_t *render_access_key(const struct access_key *k, struct arena *a); // {"nonce","permission"}
json_t *render_action(const struct action *x, struct arena *a);
json_t *render_transaction(const struct signed_transaction *tx, struct arena *a);
json_t *render_receipt(const struct receipt *r, struct arena *a);
// {"id","block_hash","proof":[],"outcome":{…}}; `version` of the metadata: 1 for transactions, 4 for receipts.
json_t *render_outcome(const struct outcome *o, const struct hash *block_hash, int version, struct arena *a);
// {"cause","type","change"}
json_t *render_change(const struct chain_change *c, struct arena *a);

// What is fixed in size about a block, so that one that is stored no longer needs the chain.
struct block_head {
    uint64_t height, prev_height, ordinal, timestamp_ns, epoch_height, epoch_start, gas_used;
    struct hash hash, prev_hash, last_final, last_ds_final, epoch_id, next_epoch_id, random_value, merkle_root;
    struct hash chunk_hash, state_root, prev_state_root, tx_root, receipts_root, outcome_root;
    u128 gas_price, total_supply, balance_burnt;
    struct signature signature;
};
void block_head_of(struct block_head *out, const struct chain_block *b);
void block_head_encode(struct buf *out, const struct block_head *h);
[[nodiscard]] bool block_head_decode(struct block_head *out, struct slice bytes, struct err *e);

// "block" of both interfaces: {"author","header","chunks"}
json_t *render_block(const struct block_head *h, const char *author, struct arena *a);
json_t *render_chunk_header(const struct block_head *h, struct arena *a);
