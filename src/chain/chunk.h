// SPDX-License-Identifier: Apache-2.0
// A chunk in the making: transactions become receipts, receipts are executed and send others (docs/near.md, Receipts).
// One thread. What NEAR does and this does not: congestion control, price changes, gas keys, global contracts, state
// witnesses; stake moves at once instead of with the epochs; an account that deletes itself does so one block later.
#pragma once
#include "chain/chain.h"
#include "nearvm/vm.h"

struct chunk {
    const struct chain_config *config;
    struct vm_engine *vm;
    struct state *state;
    struct arena *arena; // of everything that stays in the block
    uint64_t height, prev_height, timestamp_ns, epoch_height;
    struct hash random_value;
    // Receipts under way are numbered (COLUMN_QUEUE): the first that waits, the first that this chunk sends, the next.
    uint64_t queue_first, queue_end, queue_next;

    uint64_t gas_used;
    u128 burnt, minted;
    struct chain_tx *txs;
    size_t tx_count, tx_room;
    const struct receipt **receipts; // delivered
    size_t receipt_count, receipt_room;
    struct chain_execution *executions;
    size_t execution_count, execution_room;
};

// Room for one more element, in the arena.
#define CHUNK_GROW(c, list, count, room)                                                                               \
    do {                                                                                                               \
        if ((count) == (room)) {                                                                                       \
            size_t larger_ = (room) ? 2 * (room) : 8;                                                                  \
            void *moved_ = arena_calloc((c)->arena, larger_, sizeof *(list));                                          \
            if (count)                                                                                                 \
                memcpy(moved_, (list), (count) * sizeof *(list));                                                      \
            (list) = moved_;                                                                                           \
            (room) = larger_;                                                                                          \
        }                                                                                                              \
    } while (0)

// A transaction's turn: charged and turned into a receipt, or refused. Its parts must live in the arena. One to oneself
// is executed at once.
void chunk_transaction(struct chunk *c, const struct signed_transaction *tx, size_t size);
// Receipts that earlier chunks sent, as far as the gas reaches; the rest stays.
void chunk_receipts(struct chunk *c);
// Yields whose time is over are resumed without data, in the next chunk.
void chunk_timeouts(struct chunk *c);

// --- for executions

// For the next chunk.
void chunk_send(struct chunk *c, const struct receipt *r);
// A yield waits from now on.
void chunk_yield(struct chunk *c, const struct receipt *r);
// sha256(of ‖ height ‖ n): ids of what comes out of `of` in this chunk.
struct hash chunk_id(const struct chunk *c, const struct hash *of, uint64_t n);
uint64_t chunk_new_key_nonce(const struct chunk *c);
// Validators' stakes, for contracts; id NULL: all together.
bool chunk_stake_of(void *chunk, const struct account_id *id, u128 *stake);
