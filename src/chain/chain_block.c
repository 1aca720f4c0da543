// SPDX-License-Identifier: Apache-2.0
// Making one block: header, chunk, and the entries of the state that outlast it.
#include "chain/chain_internal.h"

#include "codec/borsh.h"

#define TX_GAS_SHARE (CHAIN_GAS_LIMIT / 2) // transactions take at most this of a chunk; receipts have the rest
#define OLD_HEIGHTS_MAX 1000               // forgotten at one block

void block_free(struct block *b) {
    if (!b)
        return;
    trie_unref(b->root);
    arena_free(b->arena);
    free(b);
}

static void add_hash(struct sha256 *s, const struct hash *h) { sha256_add(s, hash_slice(h)); }
static void add_number(struct sha256 *s, uint64_t v) { sha256_add(s, slice_of(&v, sizeof v)); }

// --- what happens in it ------------------------------------------------------------------------------------------

static void genesis_account(struct state *s, const struct chain_config *config, const struct chain_genesis_account *g) {
    struct account_state a = {.amount = g->balance, .locked = g->locked, .storage_usage = STORAGE_ACCOUNT};
    for (size_t i = 0; i < g->key_count; i++) {
        struct access_key k = {.full_access = true, .nonce = (config->genesis_height - 1) * NONCES_PER_BLOCK};
        access_put(s, &g->id, &g->keys[i], &k);
        a.storage_usage += access_storage(&g->keys[i], &k);
    }
    if (g->code.len) {
        struct state_key k;
        state_put(s, key_of_account(&k, COLUMN_CODE, &g->id), g->code);
        a.code_hash = sha256(g->code);
        a.storage_usage += g->code.len;
    }
    account_put(s, &g->id, &a);
}

static void apply_genesis(struct chain *c, struct chunk *k, struct block *b) {
    size_t mark = state_mark(k->state);
    for (size_t i = 0; i < c->config.account_count; i++) {
        const struct chain_genesis_account *g = &c->config.accounts[i];
        genesis_account(k->state, &c->config, g);
        b->pub.total_supply += g->balance.v + g->locked.v;
    }
    state_record(k->state, mark, CAUSE_INITIAL_STATE, NULL);
}

static void patch_account(struct state *s, const struct chain_change *p) {
    struct account_state old = {.storage_usage = STORAGE_ACCOUNT}, now = p->account;
    if (account_get(s, &p->account_id, &old))
        now.code_hash = old.code_hash;
    account_put(s, &p->account_id, &now);
}

static void patch_code(struct state *s, const struct chain_change *p) {
    struct state_key k;
    struct account_state a;
    if (!account_get(s, &p->account_id, &a))
        return;
    a.code_hash = p->removed ? (struct hash){0} : sha256(p->data);
    account_put(s, &p->account_id, &a);
    key_of_account(&k, COLUMN_CODE, &p->account_id);
    if (p->removed)
        state_remove(s, key_slice(&k));
    else
        state_put(s, key_slice(&k), p->data);
}

static void apply_patch(struct state *s, const struct chain_change *p) {
    struct state_key k;
    switch (p->kind) {
    case CHANGE_ACCOUNT:
        if (p->removed)
            account_remove(s, &p->account_id);
        else
            patch_account(s, p);
        return;
    case CHANGE_ACCESS_KEY:
        if (p->removed)
            access_remove(s, &p->account_id, &p->key);
        else
            access_put(s, &p->account_id, &p->key, &p->access);
        return;
    case CHANGE_DATA:
        key_of_part(&k, COLUMN_DATA, &p->account_id, p->data_key);
        if (p->removed)
            state_remove(s, key_slice(&k));
        else
            state_put(s, key_slice(&k), p->data);
        return;
    case CHANGE_CODE: patch_code(s, p); return;
    }
}

// One thread makes blocks and only it removes from the front: what is copied here stays in the lists.
static void take_turns(struct chain *c, struct chunk *k, size_t *patches, size_t *txs) {
    size_t mark = state_mark(k->state);
    pthread_mutex_lock(&c->patching);
    *patches = c->patch_count;
    c->patched_height = k->height;
    for (size_t i = 0; i < c->patch_count; i++)
        apply_patch(k->state, &c->patches[i]);
    pthread_mutex_unlock(&c->patching);
    pthread_rwlock_rdlock(&c->lock);
    size_t count = c->pool_count;
    struct blob **waiting = arena_calloc(k->arena, count, sizeof(struct blob *));
    for (size_t i = 0; i < count; i++)
        waiting[i] = c->pool[i].bytes;
    pthread_rwlock_unlock(&c->lock);
    state_record(k->state, mark, CAUSE_PATCH, NULL);
    for (*txs = 0; *txs < count && k->gas_used < TX_GAS_SHARE; ++*txs) {
        struct signed_transaction *tx = arena_calloc(k->arena, 1, sizeof *tx);
        struct slice bytes = arena_copy(k->arena, blob_slice(waiting[*txs]));
        struct err e;
        BUG_ON(!signed_transaction_decode(tx, k->arena, bytes, &e)); // it was decoded before it was pooled
        chunk_transaction(k, tx, bytes.len);
    }
}

// --- its header --------------------------------------------------------------------------------------------------

static void set_epoch(const struct chain *c, struct chain_block *b, const struct chain_block *prev) {
    b->epoch_id = prev->epoch_id;
    b->next_epoch_id = prev->next_epoch_id;
    b->epoch_height = prev->epoch_height;
    b->epoch_start = prev->epoch_start;
    if (b->height - prev->epoch_start < c->config.epoch_length)
        return;
    b->epoch_id = prev->next_epoch_id;
    b->next_epoch_id = prev->hash;
    b->epoch_height++;
    b->epoch_start = b->height;
}

static void set_header(const struct chain *c, struct chain_block *b, const struct chain_block *prev) {
    random_bytes(b->random_value.b, sizeof b->random_value.b);
    b->gas_price = GAS_PRICE;
    b->signature.type = KEY_ED25519;
    if (!prev) {
        b->epoch_start = b->height;
        b->ordinal = 1;
        return;
    }
    b->prev_height = prev->height;
    b->prev_hash = prev->hash;
    b->last_ds_final = prev->hash;
    b->last_final = prev->prev_hash;
    b->ordinal = prev->ordinal + 1;
    b->prev_state_root = prev->state_root;
    b->total_supply = prev->total_supply;
    struct sha256 s;
    sha256_init(&s);
    add_hash(&s, &prev->block_merkle_root);
    add_hash(&s, &prev->hash);
    b->block_merkle_root = sha256_end(&s);
    set_epoch(c, b, prev);
}

// Over what changed, the chain's own bookkeeping left out.
static struct hash state_root(struct state *state, const struct hash *before) {
    size_t n;
    bool any = false;
    const struct chain_write *w = state_writes(state, &n);
    struct sha256 s;
    sha256_init(&s);
    add_hash(&s, before);
    for (size_t i = 0; i < n; i++) {
        if (w[i].key.ptr[0] >= COLUMN_HEAD)
            continue;
        any = true;
        add_number(&s, w[i].key.len);
        sha256_add(&s, w[i].key);
        add_number(&s, w[i].removed ? UINT64_MAX : w[i].value.len);
        sha256_add(&s, w[i].value);
    }
    struct hash root = sha256_end(&s);
    return any ? root : *before;
}

static void set_roots(struct chain_block *b) {
    struct sha256 tx, receipts, outcomes;
    sha256_init(&tx);
    sha256_init(&receipts);
    sha256_init(&outcomes);
    for (size_t i = 0; i < b->tx_count; i++) {
        add_hash(&tx, &b->txs[i].tx->hash);
        add_hash(&outcomes, &b->txs[i].outcome.id);
    }
    for (size_t i = 0; i < b->receipt_count; i++)
        add_hash(&receipts, &b->receipts[i]->id);
    for (size_t i = 0; i < b->execution_count; i++)
        add_hash(&outcomes, &b->executions[i].outcome.id);
    b->tx_root = b->tx_count ? sha256_end(&tx) : (struct hash){0};
    b->receipts_root = b->receipt_count ? sha256_end(&receipts) : (struct hash){0};
    b->outcome_root = b->tx_count + b->execution_count ? sha256_end(&outcomes) : (struct hash){0};
}

static void set_hashes(struct chain_block *b) {
    const struct hash *const parts[] = {&b->prev_state_root, &b->state_root,    &b->tx_root,
                                        &b->receipts_root,   &b->outcome_root,  &b->block_merkle_root,
                                        &b->epoch_id,        &b->next_epoch_id, &b->random_value};
    struct sha256 s;
    sha256_init(&s);
    add_number(&s, b->height);
    for (size_t i = 0; i < 4; i++)
        add_hash(&s, parts[i]);
    b->chunk_hash = sha256_end(&s);
    sha256_init(&s);
    add_number(&s, b->height);
    add_number(&s, b->timestamp_ns);
    add_hash(&s, &b->prev_hash);
    add_hash(&s, &b->chunk_hash);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        add_hash(&s, parts[i]);
    b->hash = sha256_end(&s);
}

// --- what outlasts it ----------------------------------------------------------------------------------------------

// Block hashes that transactions may name; those beyond their time are forgotten.
static void put_hashes(const struct chain *c, struct state *s, const struct chain_block *b) {
    struct state_key k;
    state_put(s, key_of_hash(&k, COLUMN_BLOCK_HEIGHT, &b->hash), slice_of(&b->height, sizeof b->height));
    state_put(s, key_of_number(&k, COLUMN_BLOCK_HASH, b->height), hash_slice(&b->hash));
    uint64_t keep = c->config.tx_validity_period + 1, h = b->prev_height > keep ? b->prev_height - keep : 0;
    for (int i = 0; i < OLD_HEIGHTS_MAX && h + keep < b->height; i++, h++) {
        struct blob *old = state_get(s, key_of_number(&k, COLUMN_BLOCK_HASH, h));
        if (!old)
            continue;
        struct state_key by_hash = {.len = 1, .b = {COLUMN_BLOCK_HEIGHT}};
        memcpy(by_hash.b + 1, old->bytes, old->len);
        by_hash.len += old->len;
        state_remove(s, key_slice(&by_hash));
        state_remove(s, key_slice(&k));
    }
}

static void take_chunk(struct block *b, const struct chunk *k) {
    struct chain_block *p = &b->pub;
    p->gas_used = k->gas_used;
    p->balance_burnt = k->burnt;
    p->total_supply = p->total_supply + k->minted - k->burnt;
    p->txs = k->txs;
    p->tx_count = k->tx_count;
    p->receipts = k->receipts;
    p->receipt_count = k->receipt_count;
    p->executions = k->executions;
    p->execution_count = k->execution_count;
    p->changes = state_changes(k->state, &p->change_count);
    b->queue_first = k->queue_first;
    b->queue_next = k->queue_next;
}

static bool store(struct chain *c, struct block *b, struct state *s, struct err *e) {
    struct chain_block *p = &b->pub;
    p->state_root = state_root(s, &p->prev_state_root);
    set_roots(p);
    set_hashes(p);
    if (p->ordinal == 1)
        c->genesis_hash = p->hash;
    put_hashes(c, s, p);
    head_put(s, c, b);
    p->writes = state_writes(s, &p->write_count);
    bool ok = !c->config.journal || c->config.journal(c->config.journal_ctx, p, e);
    p->writes = NULL;
    p->write_count = 0;
    if (ok)
        b->root = state_publish(s);
    return ok;
}

struct block *block_make(struct chain *c, const struct block *prev, uint64_t height, uint64_t timestamp_ns,
                         struct made *made, struct err *e) {
    struct block *b = xcalloc(1, sizeof *b);
    b->refs = 1;
    b->arena = arena_new();
    b->pub.height = height;
    b->pub.timestamp_ns = timestamp_ns;
    set_header(c, &b->pub, prev ? &prev->pub : NULL);
    struct chunk k = {.config = &c->config,
                      .vm = c->vm,
                      .state = state_new(prev ? trie_ref(prev->root) : NULL, b->arena),
                      .arena = b->arena,
                      .height = height,
                      .prev_height = prev ? prev->pub.height : height,
                      .timestamp_ns = timestamp_ns,
                      .epoch_height = b->pub.epoch_height,
                      .random_value = b->pub.random_value,
                      .queue_first = prev ? prev->queue_first : 0,
                      .queue_end = prev ? prev->queue_next : 0,
                      .queue_next = prev ? prev->queue_next : 0};
    if (prev) {
        take_turns(c, &k, &made->patches, &made->txs);
        chunk_receipts(&k);
        chunk_timeouts(&k);
    } else {
        apply_genesis(c, &k, b);
    }
    take_chunk(b, &k);
    bool ok = store(c, b, k.state, e);
    state_free(k.state);
    if (ok)
        return b;
    block_free(b);
    return NULL;
}
