// SPDX-License-Identifier: Apache-2.0
// All blocks that are still kept, as they were rendered when they were made: JSON-RPC and neardata answer from here,
// before and after a restart alike. A block is stored before the chain shows it, and found only once it is published.
#pragma once
#include "devnet/persist.h"
#include "devnet/render.h"

struct stored_block {
    struct block_head head;
    // In neardata's form: of the chunk [{"transaction","outcome":{"execution_outcome","receipt"}}] and the receipts;
    // "receipt_execution_outcomes"; "state_changes". Never changed; lists and their parts may be put into answers.
    json_t *txs, *receipts, *executions, *changes;
    // The same four as texts: a block is written down when it is made, for whoever asks.
    struct {
        const char *txs, *receipts, *executions, *changes;
    } text;
    struct arena *arena; // of the texts
    size_t weight;       // bytes of them
    int refs;            // atomic
};
void stored_block_unref(struct stored_block *b); // NULL is fine
static inline void stored_block_cleanup_(struct stored_block **b) { stored_block_unref(*b); }
#define SCOPED_BLOCK(name) __attribute__((cleanup(stored_block_cleanup_))) struct stored_block *name

struct history;
// `keep`: blocks to keep, 0: all. Uses p as long as it lives.
struct history *history_new(struct persist *p, uint64_t keep);
void history_free(struct history *h); // NULL is fine

// chain_config.journal, `history` is the struct history.
bool history_journal(void *history, const struct chain_block *block, struct err *e);
// Shows what the chain shows: blocks up to its head, from the same moment on. Before this call everything is shown.
void history_follow(struct history *h, struct chain *chain);
uint64_t history_head(struct history *h);   // height
uint64_t history_lowest(struct history *h); // of what is kept

// *out is a reference, NULL when there is no such block (any more, or yet).
[[nodiscard]] bool history_at(struct history *h, uint64_t height, struct stored_block **out, struct err *e);
// `position` within txs, receipts or executions, by kind; may be NULL.
[[nodiscard]] bool history_find(struct history *h, enum persist_kind kind, const struct hash *hash,
                                struct stored_block **out, size_t *position, struct err *e);
// A transaction or a receipt's outcome that a block has brought which the chain still has in memory, as it has every
// block for a while: for who looks with each of them.
bool history_has_newly(struct history *h, enum persist_kind kind, const struct hash *hash);
[[nodiscard]] bool history_knows(struct history *h, enum persist_kind kind, const struct hash *hash, bool *known,
                                 struct err *e);
