// SPDX-License-Identifier: Apache-2.0
// Blocks in memory: references, order, indexes.
#include "chain/chain_internal.h"

const struct chain_block *chain_block_ref(const struct chain_block *b) {
    atomic_fetch_add(&block_of(b)->refs, 1);
    return b;
}

void chain_block_unref(const struct chain_block *b) {
    if (b && atomic_fetch_sub(&block_of(b)->refs, 1) == 1)
        block_free(block_of(b));
}

static void index_block(struct chain *c, struct block *b) {
    const struct chain_block *p = &b->pub;
    index_add(&c->by_hash, &p->hash, b, 0);
    for (size_t i = 0; i < p->tx_count; i++)
        index_add(&c->by_tx, &p->txs[i].tx->hash, b, i);
    for (size_t i = 0; i < p->execution_count; i++)
        index_add(&c->by_execution, &p->executions[i].outcome.id, b, i);
}

static void forget_block(struct chain *c, struct block *b) {
    const struct chain_block *p = &b->pub;
    index_remove(&c->by_hash, &p->hash, b);
    for (size_t i = 0; i < p->tx_count; i++)
        index_remove(&c->by_tx, &p->txs[i].tx->hash, b);
    for (size_t i = 0; i < p->execution_count; i++)
        index_remove(&c->by_execution, &p->executions[i].outcome.id, b);
    chain_block_unref(p);
}

void blocks_push(struct chain *c, struct block *b) {
    if (c->block_count == c->block_room) {
        c->block_room = c->block_room ? 2 * c->block_room : 64;
        c->blocks = xrealloc(c->blocks, c->block_room * sizeof(struct block *));
    }
    c->blocks[c->block_count++] = b;
    index_block(c, b);
    if (c->block_count <= c->config.history)
        return;
    forget_block(c, c->blocks[0]);
    memmove(c->blocks, c->blocks + 1, --c->block_count * sizeof(struct block *));
}

const struct chain_block *chain_head(struct chain *c) {
    pthread_rwlock_rdlock(&c->lock);
    const struct chain_block *b = chain_block_ref(&head_of(c)->pub);
    pthread_rwlock_unlock(&c->lock);
    return b;
}

static const struct chain_block *look_up(struct chain *c, const struct hash_index *x, const struct hash *hash,
                                         uint64_t *at) {
    pthread_rwlock_rdlock(&c->lock);
    const struct index_entry *found = index_find(x, hash);
    const struct block *b = found ? found->where : NULL;
    if (b) {
        chain_block_ref(&b->pub);
        *at = found->at;
    }
    pthread_rwlock_unlock(&c->lock);
    return b ? &b->pub : NULL;
}

const struct chain_block *chain_block_by_hash(struct chain *c, const struct hash *hash) {
    uint64_t at;
    return look_up(c, &c->by_hash, hash, &at);
}

const struct chain_block *chain_find_tx(struct chain *c, const struct hash *hash, const struct chain_tx **tx) {
    uint64_t at = 0;
    const struct chain_block *b = look_up(c, &c->by_tx, hash, &at);
    if (b)
        *tx = &b->txs[at];
    return b;
}

const struct chain_block *chain_find_execution(struct chain *c, const struct hash *id,
                                               const struct chain_execution **execution) {
    uint64_t at = 0;
    const struct chain_block *b = look_up(c, &c->by_execution, id, &at);
    if (b)
        *execution = &b->executions[at];
    return b;
}

struct hash chain_genesis_hash(struct chain *c) {
    return c->genesis_hash;
}
