// SPDX-License-Identifier: Apache-2.0
#include "chain/chain.h"

#include "chain/chain_internal.h"

#include "ledger/validate.h"

#define CODES_CACHED 256
#define HISTORY_DEFAULT 10000

// --- the chain ---------------------------------------------------------------------------------------------------

static void copy_accounts(struct chain *c) {
    struct chain_config *config = &c->config;
    struct chain_genesis_account *list = arena_calloc(c->arena, config->account_count, sizeof *list);
    for (size_t i = 0; i < config->account_count; i++) {
        list[i] = config->accounts[i];
        struct public_key *keys = arena_calloc(c->arena, list[i].key_count, sizeof *keys);
        if (list[i].key_count)
            memcpy(keys, list[i].keys, list[i].key_count * sizeof *keys);
        list[i].keys = keys;
        list[i].code = arena_copy(c->arena, list[i].code);
    }
    config->accounts = list;
}

bool chain_create(struct chain **out, const struct chain_config *config, struct err *e) {
    struct vm_engine *vm;
    if (!vm_engine_new(&vm, CODES_CACHED, e))
        return false;
    struct chain *c = xcalloc(1, sizeof *c);
    c->vm = vm;
    c->arena = arena_new();
    c->patch_arena = arena_new();
    c->config = *config;
    c->config.chain_id = arena_strdup(c->arena, config->chain_id);
    if (!c->config.history)
        c->config.history = HISTORY_DEFAULT;
    copy_accounts(c);
    pthread_mutex_init(&c->making, NULL);
    pthread_rwlock_init(&c->lock, NULL);
    pthread_mutex_init(&c->patching, NULL);
    *out = c;
    return true;
}

bool chain_restore(void *chain, struct slice key, struct slice value, struct err *e) {
    struct chain *c = chain;
    if (!key.len || key.len > TRIE_KEY_MAX)
        return err_set(e, ERR_CORRUPT, "a stored key of the state has %zu bytes", key.len);
    c->restored = trie_put(c->restored, key, blob_new(value));
    return true;
}

static struct block *restored_head(struct chain *c, struct err *e) {
    struct block *b = xcalloc(1, sizeof *b);
    b->refs = 1;
    b->arena = arena_new();
    if (!head_get(c->restored, c, b, e)) {
        block_free(b);
        return NULL;
    }
    b->root = c->restored;
    c->restored = NULL;
    return b;
}

bool chain_start(struct chain *c, struct err *e) {
    struct block *b = c->restored ? restored_head(c, e)
                                  : block_make(c, NULL, c->config.genesis_height, c->config.genesis_time_ns, NULL, e);
    if (!b)
        return false;
    pthread_rwlock_wrlock(&c->lock);
    blocks_push(c, b);
    pthread_rwlock_unlock(&c->lock);
    return true;
}

void chain_destroy(struct chain *c) {
    if (!c)
        return;
    for (size_t i = 0; i < c->block_count; i++)
        chain_block_unref(&c->blocks[i]->pub);
    for (size_t i = 0; i < c->pool_count; i++)
        blob_unref(c->pool[i].bytes);
    struct hash_index *const all[] = {&c->by_hash, &c->by_tx, &c->by_execution, &c->pool_index};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        index_release(all[i]);
    trie_unref(c->restored);
    vm_engine_free(c->vm);
    pthread_mutex_destroy(&c->making);
    pthread_rwlock_destroy(&c->lock);
    pthread_mutex_destroy(&c->patching);
    arena_free(c->arena);
    arena_free(c->patch_arena);
    free(c->blocks);
    free(c->pool);
    free(c->patches);
    free(c);
}

// glibc's rwlock lets a reader in while it reads already, also when a writer waits.
void chain_read_begin(struct chain *c) { pthread_rwlock_rdlock(&c->lock); }
void chain_read_end(struct chain *c) { pthread_rwlock_unlock(&c->lock); }

// --- transactions ------------------------------------------------------------------------------------------------

// With the lock held.
static bool is_known(const struct chain *c, const struct hash *hash) {
    return index_find(&c->pool_index, hash) || index_find(&c->by_tx, hash);
}

static enum submit_result pool_add(struct chain *c, struct slice bytes, const struct hash *hash) {
    enum submit_result result = SUBMIT_ACCEPTED;
    pthread_rwlock_wrlock(&c->lock);
    if (is_known(c, hash)) {
        result = SUBMIT_KNOWN;
    } else if (c->pool_count >= CHAIN_POOL_MAX) {
        result = SUBMIT_FULL;
    } else {
        if (c->pool_count == c->pool_room) {
            c->pool_room = c->pool_room ? 2 * c->pool_room : 64;
            c->pool = xrealloc(c->pool, c->pool_room * sizeof *c->pool);
        }
        c->pool[c->pool_count++] = (struct pooled){*hash, blob_new(bytes)};
        index_add(&c->pool_index, hash, c, 0);
    }
    pthread_rwlock_unlock(&c->lock);
    return result;
}

enum submit_result chain_judge(struct chain *c, struct slice bytes, const struct signed_transaction *tx,
                               struct tx_error *why) {
    pthread_rwlock_rdlock(&c->lock);
    bool known = is_known(c, &tx->hash);
    struct block *head = head_of(c);
    chain_block_ref(&head->pub);
    pthread_rwlock_unlock(&c->lock);
    SCOPED_ARENA(a);
    enum submit_result result = SUBMIT_KNOWN;
    if (!known) {
        struct tx_context context = {.state = state_new(trie_ref(head->root), a),
                                     .arena = a,
                                     .height = head->pub.height + 1,
                                     .validity_period = c->config.tx_validity_period};
        struct tx_charge charge;
        bool good = tx_check_form(tx, bytes.len, why) && tx_check_state(&context, &tx->tx, &charge, why);
        state_free(context.state);
        result = good ? SUBMIT_ACCEPTED : SUBMIT_INVALID;
    }
    chain_block_unref(&head->pub);
    return result;
}

enum submit_result chain_submit(struct chain *c, struct slice bytes, const struct signed_transaction *tx,
                                struct tx_error *why) {
    enum submit_result judged = chain_judge(c, bytes, tx, why);
    return judged == SUBMIT_ACCEPTED ? pool_add(c, bytes, &tx->hash) : judged;
}

bool chain_busy(struct chain *c) {
    pthread_rwlock_rdlock(&c->lock);
    const struct block *head = head_of(c);
    bool busy = c->pool_count || head->queue_first < head->queue_next;
    pthread_rwlock_unlock(&c->lock);
    pthread_mutex_lock(&c->patching);
    busy = busy || c->patch_count;
    pthread_mutex_unlock(&c->patching);
    return busy;
}

// --- blocks ------------------------------------------------------------------------------------------------------

static void drop_turns(struct chain *c, const struct made *m) {
    for (size_t i = 0; i < m->txs; i++) {
        index_remove(&c->pool_index, &c->pool[i].hash, c);
        blob_unref(c->pool[i].bytes);
    }
    c->pool_count -= m->txs;
    memmove(c->pool, c->pool + m->txs, c->pool_count * sizeof *c->pool);
    pthread_mutex_lock(&c->patching);
    c->patch_count -= m->patches;
    if (c->patch_count)
        memmove(c->patches, c->patches + m->patches, c->patch_count * sizeof *c->patches);
    else
        arena_reset(c->patch_arena);
    pthread_mutex_unlock(&c->patching);
}

bool chain_produce_block(struct chain *c, uint64_t timestamp_ns, const struct chain_block **out, struct err *e) {
    pthread_mutex_lock(&c->making);
    pthread_rwlock_rdlock(&c->lock);
    struct block *prev = head_of(c); // nobody else replaces it
    uint64_t skip = c->skip;
    pthread_rwlock_unlock(&c->lock);
    if (timestamp_ns <= prev->pub.timestamp_ns)
        timestamp_ns = prev->pub.timestamp_ns + 1;
    struct made made = {0};
    struct block *b = block_make(c, prev, prev->pub.height + 1 + skip, timestamp_ns, &made, e);
    if (b) {
        if (out)
            *out = chain_block_ref(&b->pub);
        pthread_rwlock_wrlock(&c->lock);
        c->skip -= skip;
        if (made.txs || made.patches)
            drop_turns(c, &made);
        blocks_push(c, b);
        pthread_rwlock_unlock(&c->lock);
    }
    pthread_mutex_unlock(&c->making);
    return b != NULL;
}

void chain_skip(struct chain *c, uint64_t heights) {
    pthread_rwlock_wrlock(&c->lock);
    c->skip += heights;
    pthread_rwlock_unlock(&c->lock);
}

bool chain_patch(struct chain *c, const struct chain_change *change, struct err *e) {
    pthread_mutex_lock(&c->patching);
    bool room = c->patch_count < CHAIN_PATCHES_MAX;
    if (room) {
        c->patches = xrealloc(c->patches, (c->patch_count + 1) * sizeof *c->patches);
        struct chain_change *p = &c->patches[c->patch_count++];
        *p = *change;
        p->data_key = arena_copy(c->patch_arena, change->data_key);
        p->data = arena_copy(c->patch_arena, change->data);
        p->access.methods = NULL;
        const char **methods = arena_calloc(c->patch_arena, change->access.method_count, sizeof *methods);
        for (size_t i = 0; i < change->access.method_count; i++)
            methods[i] = arena_strdup(c->patch_arena, change->access.methods[i]);
        p->access.methods = methods;
    }
    pthread_mutex_unlock(&c->patching);
    return room || err_set(e, ERR_TOO_MANY, "%d changes of the state wait for a block already", CHAIN_PATCHES_MAX);
}

uint64_t chain_patch_height(struct chain *c) {
    pthread_rwlock_rdlock(&c->lock);
    uint64_t head = head_of(c)->pub.height;
    pthread_rwlock_unlock(&c->lock);
    pthread_mutex_lock(&c->patching);
    uint64_t taken = c->patched_height;
    pthread_mutex_unlock(&c->patching);
    return (taken > head ? taken : head) + 1;
}
