// SPDX-License-Identifier: Apache-2.0
// Inside the chain: its blocks in memory and what finds them.
#pragma once
#include "chain/chunk.h"
#include "chain/index.h"
#include <pthread.h>

struct block {
    struct chain_block pub;
    atomic_uint refs;
    struct arena *arena;    // of everything that `pub` points to
    struct trie_node *root; // the state behind it
    uint64_t queue_first, queue_next;
};
static inline struct block *block_of(const struct chain_block *b) { return (struct block *)(uintptr_t)b; }

struct pooled {
    struct hash hash;
    struct blob *bytes;
};

struct chain {
    struct chain_config config;
    struct arena *arena; // of the configuration
    struct vm_engine *vm;
    struct trie_node *restored; // before the start
    pthread_mutex_t making;     // who holds it makes a block
    struct hash genesis_hash;

    pthread_rwlock_t lock; // all up to the next lock
    struct block **blocks; // oldest first, the head last
    size_t block_count, block_room;
    struct hash_index by_hash, by_tx, by_execution;
    struct pooled *pool;
    size_t pool_count, pool_room;
    struct hash_index pool_index;
    uint64_t skip;

    pthread_mutex_t patching; // all below; taken inside `lock`
    struct chain_change *patches;
    size_t patch_count;
    struct arena *patch_arena;
    uint64_t patched_height; // the last block that took patches
};
#define CHAIN_PATCHES_MAX 10000

// Both with the lock held.
static inline struct block *head_of(const struct chain *c) { return c->blocks[c->block_count - 1]; }
void blocks_push(struct chain *c, struct block *b); // and forgets those beyond config.history

void block_free(struct block *b);
// In chain_head.c: the head as an entry of the state, so that a restart finds it.
void head_put(struct state *s, const struct chain *c, const struct block *b);
[[nodiscard]] bool head_get(struct trie_node *root, struct chain *c, struct block *b, struct err *e);
// In chain_block.c: the block on top of `prev` (NULL: the genesis), journalled. NULL: the journal failed.
struct made { // what it took from the front of the lists
    size_t patches, txs;
};
struct block *block_make(struct chain *c, const struct block *prev, uint64_t height, uint64_t timestamp_ns,
                         struct made *made, struct err *e);
