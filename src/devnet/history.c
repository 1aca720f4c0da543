// SPDX-License-Identifier: Apache-2.0
#include "devnet/history.h"

#include "codec/json.h"
#include <pthread.h>

#define CACHE_SLOTS 512
#define CACHE_WEIGHT_MAX (32u << 20) // text bytes; as trees they take a few times that
#define BODY_MAX (1u << 30)
#define HEAD_MAX 1024

struct history {
    struct persist *persist;
    uint64_t keep;
    pthread_mutex_t mutex; // of the cache
    struct stored_block *slots[CACHE_SLOTS];
    size_t weight;
    struct chain *chain; // NULL until it has a head
};

static struct stored_block *ref(struct stored_block *b) {
    __atomic_add_fetch(&b->refs, 1, __ATOMIC_RELAXED);
    return b;
}

void stored_block_unref(struct stored_block *b) {
    if (!b || __atomic_sub_fetch(&b->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    json_decref(b->txs);
    json_decref(b->receipts);
    json_decref(b->executions);
    json_decref(b->changes);
    arena_free(b->arena);
    free(b);
}

struct history *history_new(struct persist *p, uint64_t keep) {
    struct history *h = xcalloc(1, sizeof *h);
    h->persist = p;
    h->keep = keep;
    pthread_mutex_init(&h->mutex, NULL);
    return h;
}

void history_free(struct history *h) {
    if (!h)
        return;
    for (size_t i = 0; i < CACHE_SLOTS; i++)
        stored_block_unref(h->slots[i]);
    pthread_mutex_destroy(&h->mutex);
    free(h);
}

// --- the cache: one slot for each height modulo its size
static void clear_slot(struct history *h, size_t i) {
    if (h->slots[i])
        h->weight -= h->slots[i]->weight;
    stored_block_unref(h->slots[i]);
    h->slots[i] = NULL;
}

static void cache_put(struct history *h, struct stored_block *b) {
    size_t at = b->head.height % CACHE_SLOTS;
    pthread_mutex_lock(&h->mutex);
    clear_slot(h, at);
    // The slots behind `at` hold the oldest blocks.
    for (size_t i = 1; i < CACHE_SLOTS && h->weight + b->weight > CACHE_WEIGHT_MAX; i++)
        clear_slot(h, (at + i) % CACHE_SLOTS);
    if (b->weight <= CACHE_WEIGHT_MAX) {
        h->slots[at] = ref(b);
        h->weight += b->weight;
    }
    pthread_mutex_unlock(&h->mutex);
}

static struct stored_block *cache_get(struct history *h, uint64_t height) {
    pthread_mutex_lock(&h->mutex);
    struct stored_block *b = h->slots[height % CACHE_SLOTS];
    b = b && b->head.height == height ? ref(b) : NULL;
    pthread_mutex_unlock(&h->mutex);
    return b;
}

// --- rendering what was made -----------------------------------------------------------------------------------------
static json_t *txs_json(const struct chain_block *b, struct arena *a) {
    json_t *list = json_array();
    for (size_t i = 0; i < b->tx_count; i++) {
        const struct chain_tx *t = &b->txs[i];
        json_t *receipt = t->receipt ? render_receipt(t->receipt, a) : json_null();
        json_array_append_new(list, json_pack("{s:o, s:{s:o, s:o}}", "transaction", render_transaction(t->tx, a),
                                              "outcome", "execution_outcome",
                                              render_outcome(&t->outcome, &b->hash, 1, a), "receipt", receipt));
    }
    return list;
}

static json_t *executions_json(const struct chain_block *b, struct arena *a) {
    json_t *list = json_array();
    for (size_t i = 0; i < b->execution_count; i++) {
        const struct chain_execution *x = &b->executions[i];
        json_t *tx_hash =
            hash_is_zero(&x->receipt->tx_hash) ? json_null() : json_string(hash_base58(a, &x->receipt->tx_hash));
        json_array_append_new(list, json_pack("{s:o, s:o, s:o}", "execution_outcome",
                                              render_outcome(&x->outcome, &b->hash, 4, a), "receipt",
                                              render_receipt(x->receipt, a), "tx_hash", tx_hash));
    }
    return list;
}

static void set_texts(struct stored_block *s) {
    s->arena = arena_new();
    s->text.txs = json_text(s->arena, s->txs);
    s->text.receipts = json_text(s->arena, s->receipts);
    s->text.executions = json_text(s->arena, s->executions);
    s->text.changes = json_text(s->arena, s->changes);
}

static struct stored_block *render(const struct chain_block *b, struct arena *a) {
    struct stored_block *s = xcalloc(1, sizeof *s);
    s->refs = 1;
    block_head_of(&s->head, b);
    s->txs = txs_json(b, a);
    s->executions = executions_json(b, a);
    s->receipts = json_array();
    s->changes = json_array();
    for (size_t i = 0; i < b->receipt_count; i++)
        json_array_append_new(s->receipts, render_receipt(b->receipts[i], a));
    for (size_t i = 0; i < b->change_count; i++)
        json_array_append_new(s->changes, render_change(&b->changes[i], a));
    set_texts(s);
    return s;
}

// The four lists as text; empty where all are empty, as in most blocks of a quiet chain.
static struct slice body_text(const struct stored_block *s, struct arena *a) {
    if (!json_array_size(s->txs) && !json_array_size(s->receipts) && !json_array_size(s->executions) &&
        !json_array_size(s->changes))
        return (struct slice){NULL, 0};
    return slice_str(arena_printf(a, "{\"txs\":%s,\"receipts\":%s,\"executions\":%s,\"changes\":%s}", s->text.txs,
                                  s->text.receipts, s->text.executions, s->text.changes));
}

static struct stored_block *parse(struct slice head, struct slice body, struct err *e) {
    struct stored_block *s = xcalloc(1, sizeof *s);
    s->refs = 1;
    s->weight = head.len + body.len;
    json_error_t why;
    SCOPED_JSON(j) = body.len ? json_loadb((const char *)body.ptr, body.len, JSON_ALLOW_NUL, &why)
                              : json_pack("{s:[], s:[], s:[], s:[]}", "txs", "receipts", "executions", "changes");
    s->txs = json_incref(json_object_get(j, "txs"));
    s->receipts = json_incref(json_object_get(j, "receipts"));
    s->executions = json_incref(json_object_get(j, "executions"));
    s->changes = json_incref(json_object_get(j, "changes"));
    bool ok = block_head_decode(&s->head, head, e) && ((json_is_array(s->txs) && json_is_array(s->receipts) &&
                                                        json_is_array(s->executions) && json_is_array(s->changes)) ||
                                                       err_set(e, ERR_CORRUPT, "a stored block has a damaged body"));
    if (ok) {
        set_texts(s);
        return s;
    }
    stored_block_unref(s);
    return NULL;
}

static size_t refunds(const struct outcome *o, struct persist_name *out) {
    size_t n = 0;
    for (size_t i = o->receipt_count - o->refund_count; i < o->receipt_count; i++)
        out[n++] = (struct persist_name){PERSIST_REFUND, o->receipt_ids[i], 0};
    return n;
}

static struct persist_name *names_of(const struct chain_block *b, struct arena *a, size_t *count) {
    size_t room = 2 + b->tx_count + b->receipt_count + b->execution_count, n = 0;
    for (size_t i = 0; i < b->execution_count; i++)
        room += b->executions[i].outcome.refund_count;
    struct persist_name *out = arena_alloc(a, room * sizeof *out);
    out[n++] = (struct persist_name){PERSIST_BLOCK, b->hash, 0};
    out[n++] = (struct persist_name){PERSIST_CHUNK, b->chunk_hash, 0};
    for (size_t i = 0; i < b->tx_count; i++)
        out[n++] = (struct persist_name){PERSIST_TX, b->txs[i].outcome.id, (uint32_t)i};
    for (size_t i = 0; i < b->receipt_count; i++)
        out[n++] = (struct persist_name){PERSIST_RECEIPT, b->receipts[i]->id, (uint32_t)i};
    for (size_t i = 0; i < b->execution_count; i++) {
        out[n++] = (struct persist_name){PERSIST_RECEIPT_OUTCOME, b->executions[i].outcome.id, (uint32_t)i};
        n += refunds(&b->executions[i].outcome, &out[n]);
    }
    *count = n;
    return out;
}

static struct persist_change *writes_of(const struct chain_block *b, struct arena *a) {
    struct persist_change *out = arena_alloc(a, (b->write_count + 1) * sizeof *out);
    for (size_t i = 0; i < b->write_count; i++)
        out[i] = (struct persist_change){b->writes[i].key, b->writes[i].value, b->writes[i].removed};
    return out;
}

bool history_journal(void *history, const struct chain_block *block, struct err *e) {
    struct history *h = history;
    SCOPED_ARENA(a);
    SCOPED_BUF(head, HEAD_MAX);
    SCOPED_BLOCK(s) = render(block, a);
    block_head_encode(&head, &s->head);
    struct persist_block row = {.height = block->height,
                                .head = buf_slice(&head),
                                .body = body_text(s, a),
                                .changes = writes_of(block, a),
                                .change_count = block->write_count};
    row.names = names_of(block, a, &row.name_count);
    if (row.body.len > BODY_MAX)
        return err_set(e, ERR_TOO_LARGE, "block %llu is too large to be stored", (unsigned long long)block->height);
    if (!persist_write(h->persist, &row, h->keep, e))
        return false;
    s->weight = row.head.len + row.body.len;
    cache_put(h, s);
    return true;
}

// --- finding ---------------------------------------------------------------------------------------------------------
void history_follow(struct history *h, struct chain *chain) { h->chain = chain; }

uint64_t history_head(struct history *h) {
    if (!h->chain)
        return UINT64_MAX;
    const struct chain_block *head = chain_head(h->chain);
    uint64_t height = head->height;
    chain_block_unref(head);
    return height;
}

uint64_t history_lowest(struct history *h) {
    bool any;
    uint64_t lowest = 0, highest;
    return persist_range(h->persist, &any, &lowest, &highest, NULL) && any ? lowest : 0;
}

bool history_at(struct history *h, uint64_t height, struct stored_block **out, struct err *e) {
    *out = NULL;
    if (height > history_head(h))
        return true;
    *out = cache_get(h, height);
    if (*out)
        return true;
    SCOPED_ARENA(a);
    bool found;
    struct slice head, body;
    if (!persist_read(h->persist, height, a, &found, &head, &body, e))
        return false;
    if (found)
        *out = parse(head, body, e);
    if (*out)
        cache_put(h, *out);
    return *out || !found;
}

static uint32_t position_of(const void *one, const void *first, size_t size) {
    return (uint32_t)((size_t)((const char *)one - (const char *)first) / size);
}

// What the chain has in memory needs no look into the database; kinds and receipts that it has no place of do.
static bool recent(struct history *h, enum persist_kind kind, const struct hash *hash, struct persist_place *out) {
    const struct chain_block *b = NULL;
    const struct chain_tx *tx;
    const struct chain_execution *x;
    *out = (struct persist_place){0};
    if (h->chain && kind == PERSIST_TX && (b = chain_find_tx(h->chain, hash, &tx)))
        out->position = position_of(tx, b->txs, sizeof *tx);
    else if (h->chain && kind == PERSIST_RECEIPT_OUTCOME && (b = chain_find_execution(h->chain, hash, &x)))
        out->position = position_of(x, b->executions, sizeof *x);
    if (b) {
        out->found = true;
        out->height = b->height;
    }
    chain_block_unref(b);
    return out->found;
}

static bool find(struct history *h, enum persist_kind kind, const struct hash *hash, struct persist_place *out,
                 struct err *e) {
    return recent(h, kind, hash, out) || persist_find(h->persist, kind, hash, out, e);
}

bool history_has_newly(struct history *h, enum persist_kind kind, const struct hash *hash) {
    struct persist_place place;
    return recent(h, kind, hash, &place);
}

bool history_find(struct history *h, enum persist_kind kind, const struct hash *hash, struct stored_block **out,
                  size_t *position, struct err *e) {
    struct persist_place place;
    *out = NULL;
    if (!find(h, kind, hash, &place, e))
        return false;
    if (position)
        *position = place.position;
    return !place.found || history_at(h, place.height, out, e);
}

bool history_knows(struct history *h, enum persist_kind kind, const struct hash *hash, bool *known, struct err *e) {
    struct persist_place place;
    bool ok = find(h, kind, hash, &place, e);
    *known = ok && place.found && place.height <= history_head(h);
    return ok;
}
