// SPDX-License-Identifier: Apache-2.0
#include "chain/chain_internal.h"

#include "codec/borsh.h"

// The head's fields in their stored order: those of 32 bytes, then numbers.
// clang-format off
#define HEAD_HASHES(X)                                                                                                 \
    X(hash)                                                                                                            \
    X(prev_hash)                                                                                                       \
    X(last_final)                                                                                                      \
    X(last_ds_final)                                                                                                   \
    X(epoch_id)                                                                                                        \
    X(next_epoch_id) X(random_value) X(block_merkle_root) X(chunk_hash) X(state_root) X(prev_state_root) X(tx_root)    \
        X(receipts_root) X(outcome_root)
// clang-format on
#define HEAD_NUMBERS(X) X(height) X(prev_height) X(ordinal) X(epoch_height) X(epoch_start) X(timestamp_ns) X(gas_used)

static struct slice head_key(struct state_key *k) {
    k->b[0] = COLUMN_HEAD;
    k->len = 1;
    return key_slice(k);
}

void head_put(struct state *s, const struct chain *c, const struct block *b) {
    struct state_key k;
    SCOPED_BUF(out, 4096);
    borsh_put_raw(&out, c->genesis_hash.b, 32);
#define X(name) borsh_put_raw(&out, b->pub.name.b, 32);
    HEAD_HASHES(X)
#undef X
#define X(name) borsh_put_u64(&out, b->pub.name);
    HEAD_NUMBERS(X)
#undef X
    borsh_put_u64(&out, b->queue_first);
    borsh_put_u64(&out, b->queue_next);
    borsh_put_u128(&out, b->pub.gas_price);
    borsh_put_u128(&out, b->pub.total_supply);
    borsh_put_u128(&out, b->pub.balance_burnt);
    BUG_ON(out.full);
    state_put(s, head_key(&k), buf_slice(&out));
}

static void get_hash(struct borsh *r, struct hash *out) {
    struct slice s = borsh_raw(r, 32);
    if (s.len)
        memcpy(out->b, s.ptr, 32);
}

bool head_get(struct trie_node *root, struct chain *c, struct block *b, struct err *e) {
    struct state_key k;
    struct borsh r = {.left = blob_slice(trie_get(root, head_key(&k)))};
    get_hash(&r, &c->genesis_hash);
#define X(name) get_hash(&r, &b->pub.name);
    HEAD_HASHES(X)
#undef X
#define X(name) b->pub.name = borsh_u64(&r);
    HEAD_NUMBERS(X)
#undef X
    b->queue_first = borsh_u64(&r);
    b->queue_next = borsh_u64(&r);
    b->pub.gas_price = borsh_u128(&r);
    b->pub.total_supply = borsh_u128(&r);
    b->pub.balance_burnt = borsh_u128(&r);
    return borsh_done(&r) || err_set(e, ERR_CORRUPT, "the stored chain's head is damaged");
}
