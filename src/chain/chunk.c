// SPDX-License-Identifier: Apache-2.0
#include "chain/chunk.h"

#include "base/text.h"
#include "chain/execute.h"
#include "codec/borsh.h"
#include "ledger/validate.h"

#define RECEIPT_STORED_MAX (16u << 20)

struct hash chunk_id(const struct chunk *c, const struct hash *of, uint64_t n) {
    uint8_t bytes[48];
    memcpy(bytes, of->b, 32);
    memcpy(bytes + 32, &c->height, 8);
    memcpy(bytes + 40, &n, 8);
    return sha256(slice_of(bytes, sizeof bytes));
}

uint64_t chunk_new_key_nonce(const struct chunk *c) { return (c->height - 1) * NONCES_PER_BLOCK; }

bool chunk_stake_of(void *ctx, const struct account_id *id, u128 *stake) {
    struct chunk *c = ctx;
    struct account_state a;
    const struct account_id *validator = &c->config->validator;
    if ((id && strcmp(id->s, validator->s) != 0) || !account_get(c->state, validator, &a))
        return false;
    *stake = a.locked.v;
    return true;
}

// --- receipts in the state -----------------------------------------------------------------------------------------

static void put_receipt(struct chunk *c, struct slice key, const struct receipt *r) {
    SCOPED_BUF(b, RECEIPT_STORED_MAX);
    receipt_encode(&b, r);
    BUG_ON(b.full); // the limits of values and actions are far below
    state_put(c->state, key, buf_slice(&b));
}

// A copy in the arena, or NULL.
static struct receipt *get_receipt(struct chunk *c, struct slice key) {
    struct blob *b = state_get(c->state, key);
    struct receipt *r = arena_calloc(c->arena, 1, sizeof *r);
    struct err e;
    if (!b)
        return NULL;
    BUG_ON(!receipt_decode(r, c->arena, arena_copy(c->arena, blob_slice(b)), &e)); // we wrote it
    return r;
}

void chunk_send(struct chunk *c, const struct receipt *r) {
    struct state_key k;
    put_receipt(c, key_of_number(&k, COLUMN_QUEUE, c->queue_next++), r);
}

static void deliver(struct chunk *c, const struct receipt *r) {
    CHUNK_GROW(c, c->receipts, c->receipt_count, c->receipt_room);
    c->receipts[c->receipt_count++] = r;
}

void chunk_yield(struct chunk *c, const struct receipt *r) {
    struct state_key k;
    struct slice id = hash_slice(&r->inputs[0]);
    deliver(c, receipt_copy(c->arena, r));
    put_receipt(c, key_of_part(&k, COLUMN_YIELD, &r->receiver, id), r);
    // Behind the height stands the data id: timeouts of one block have keys of their own.
    key_of_number(&k, COLUMN_YIELD_TIMEOUT, c->height + CHAIN_YIELD_BLOCKS);
    memcpy(k.b + k.len, id.ptr, id.len);
    k.len += id.len;
    state_put(c->state, key_slice(&k), slice_str(r->receiver.s));
}

// --- waiting for data --------------------------------------------------------------------------------------------

static void put_data(struct chunk *c, const struct receipt *r) {
    struct state_key k;
    SCOPED_BUF(b, RECEIPT_STORED_MAX);
    borsh_put_u8(&b, r->has_data);
    borsh_put_bytes(&b, r->data);
    BUG_ON(b.full);
    state_put(c->state, key_of_part(&k, COLUMN_RECEIVED_DATA, &r->receiver, hash_slice(&r->data_id)), buf_slice(&b));
}

// Takes the data of an input out of the state.
static struct promise_result take_data(struct chunk *c, const struct account_id *account, const struct hash *id) {
    struct state_key k;
    struct slice key = key_of_part(&k, COLUMN_RECEIVED_DATA, account, hash_slice(id));
    struct borsh r = {.left = arena_copy(c->arena, blob_slice(state_get(c->state, key)))};
    struct promise_result out = {.ok = borsh_bool(&r)};
    out.data = borsh_bytes(&r, RECEIPT_STORED_MAX);
    BUG_ON(!borsh_done(&r));
    state_remove(c->state, key);
    return out;
}

static void execute_ready(struct chunk *c, const struct receipt *r) {
    struct promise_result *results = arena_calloc(c->arena, r->input_count, sizeof *results);
    for (size_t i = 0; i < r->input_count; i++)
        results[i] = take_data(c, &r->receiver, &r->inputs[i]);
    execute_receipt(c, r, results, r->input_count);
}

static void postpone(struct chunk *c, const struct receipt *r, const bool *missing, uint64_t count) {
    struct state_key k;
    size_t mark = state_mark(c->state);
    for (size_t i = 0; i < r->input_count; i++)
        if (missing[i])
            state_put(c->state, key_of_part(&k, COLUMN_POSTPONED_ID, &r->receiver, hash_slice(&r->inputs[i])),
                      hash_slice(&r->id));
    state_put(c->state, key_of_part(&k, COLUMN_PENDING_COUNT, &r->receiver, hash_slice(&r->id)),
              slice_of(&count, sizeof count));
    put_receipt(c, key_of_part(&k, COLUMN_POSTPONED, &r->receiver, hash_slice(&r->id)), r);
    state_record(c->state, mark, CAUSE_POSTPONED, &r->id);
}

static void action_receipt(struct chunk *c, const struct receipt *r) {
    bool missing[INPUTS_MAX];
    uint64_t count = 0;
    struct state_key k;
    BUG_ON(r->input_count > INPUTS_MAX);
    for (size_t i = 0; i < r->input_count; i++) {
        key_of_part(&k, COLUMN_RECEIVED_DATA, &r->receiver, hash_slice(&r->inputs[i]));
        missing[i] = !state_get(c->state, key_slice(&k));
        count += missing[i];
    }
    if (count)
        postpone(c, r, missing, count);
    else
        execute_ready(c, r);
}

static void data_receipt(struct chunk *c, const struct receipt *r) {
    struct state_key waiting, pending, postponed;
    put_data(c, r);
    key_of_part(&waiting, COLUMN_POSTPONED_ID, &r->receiver, hash_slice(&r->data_id));
    struct blob *id = state_get(c->state, key_slice(&waiting));
    if (!id)
        return;
    key_of_part(&pending, COLUMN_PENDING_COUNT, &r->receiver, blob_slice(id));
    key_of_part(&postponed, COLUMN_POSTPONED, &r->receiver, blob_slice(id));
    state_remove(c->state, key_slice(&waiting));
    uint64_t count;
    memcpy(&count, state_get(c->state, key_slice(&pending))->bytes, sizeof count);
    if (--count) {
        state_put(c->state, key_slice(&pending), slice_of(&count, sizeof count));
        return;
    }
    struct receipt *ready = get_receipt(c, key_slice(&postponed));
    state_remove(c->state, key_slice(&pending));
    state_remove(c->state, key_slice(&postponed));
    execute_ready(c, ready);
}

// Only the first one finds the yield.
static void resume_receipt(struct chunk *c, const struct receipt *r) {
    struct state_key k, back;
    struct slice id = hash_slice(&r->data_id);
    struct receipt *yield = get_receipt(c, key_of_part(&k, COLUMN_YIELD, &r->receiver, id));
    if (!yield)
        return;
    state_remove(c->state, key_slice(&k));
    state_remove(c->state, key_of_part(&k, COLUMN_YIELD_STATUS, &r->receiver, id));
    struct blob *chosen = state_get(c->state, key_of_part(&back, COLUMN_YIELD_ID_BACK, &r->receiver, id));
    if (chosen) {
        state_remove(c->state, key_of_part(&k, COLUMN_YIELD_ID, &r->receiver, blob_slice(chosen)));
        state_remove(c->state, key_slice(&back));
    }
    put_data(c, r);
    execute_ready(c, yield);
}

static void process(struct chunk *c, const struct receipt *r) {
    deliver(c, r);
    switch (r->kind) {
    case RECEIPT_ACTION: action_receipt(c, r); return;
    case RECEIPT_DATA:
        if (r->is_resume)
            resume_receipt(c, r);
        else
            data_receipt(c, r);
        return;
    }
}

static bool next_receipt(void *ctx, struct slice key, struct blob *value) {
    struct chunk *c = ctx;
    uint64_t number;
    (void)value;
    memcpy(&number, key.ptr + 1, sizeof number);
    number = __builtin_bswap64(number);
    if (c->gas_used >= CHAIN_GAS_LIMIT || number >= c->queue_end)
        return false;
    c->queue_first = number + 1;
    struct receipt *r = get_receipt(c, key);
    state_remove(c->state, key);
    process(c, r);
    return true;
}

void chunk_receipts(struct chunk *c) {
    uint8_t column = COLUMN_QUEUE;
    state_walk(c->state, slice_of(&column, 1), next_receipt, c);
}

// --- timeouts ----------------------------------------------------------------------------------------------------

static bool time_out(void *ctx, struct slice key, struct blob *value) {
    struct chunk *c = ctx;
    struct state_key k;
    struct receipt r = {.kind = RECEIPT_DATA, .is_resume = true};
    uint64_t at;
    memcpy(&at, key.ptr + 1, sizeof at);
    if (__builtin_bswap64(at) > c->height)
        return false;
    memcpy(r.data_id.b, key.ptr + 1 + sizeof at, sizeof r.data_id.b);
    BUG_ON(!text_copy(r.receiver.s, sizeof r.receiver.s, blob_slice(value)));
    state_remove(c->state, key);
    struct blob *status =
        state_get(c->state, key_of_part(&k, COLUMN_YIELD_STATUS, &r.receiver, hash_slice(&r.data_id)));
    if (!status || !slice_eq(blob_slice(status), SLICE_LIT(YIELD_WAITS)))
        return true;
    struct receipt *yield = get_receipt(c, key_of_part(&k, COLUMN_YIELD, &r.receiver, hash_slice(&r.data_id)));
    if (!yield)
        return true;
    r.predecessor = r.receiver;
    r.tx_hash = yield->tx_hash;
    r.id = chunk_id(c, &r.data_id, 0);
    chunk_send(c, &r);
    return true;
}

void chunk_timeouts(struct chunk *c) {
    struct state_key k;
    if (c->height - c->prev_height > CHAIN_YIELD_BLOCKS) { // after a long skip: all of them, in their order
        uint8_t column = COLUMN_YIELD_TIMEOUT;
        state_walk(c->state, slice_of(&column, 1), time_out, c);
        return;
    }
    for (uint64_t h = c->prev_height + 1; h <= c->height; h++)
        state_walk(c->state, key_of_number(&k, COLUMN_YIELD_TIMEOUT, h), time_out, c);
}

// --- transactions ------------------------------------------------------------------------------------------------

static struct receipt *receipt_of(struct chunk *c, const struct signed_transaction *s, u128 gas_price) {
    struct receipt *r = arena_calloc(c->arena, 1, sizeof *r);
    const struct transaction *tx = &s->tx;
    *r = (struct receipt){.kind = RECEIPT_ACTION,
                          .id = chunk_id(c, &s->hash, 0),
                          .tx_hash = s->hash,
                          .predecessor = tx->signer,
                          .receiver = tx->receiver,
                          .signer = tx->signer,
                          .signer_key = tx->key,
                          .gas_price = gas_price,
                          .actions = tx->actions,
                          .action_count = tx->action_count};
    return r;
}

static struct chain_tx *new_tx(struct chunk *c, const struct signed_transaction *s, size_t size) {
    CHUNK_GROW(c, c->txs, c->tx_count, c->tx_room);
    struct chain_tx *t = &c->txs[c->tx_count++];
    *t = (struct chain_tx){.tx = s, .size = size, .outcome = {.id = s->hash, .executor = s->tx.signer}};
    return t;
}

static void refuse(struct chunk *c, struct chain_tx *t, const struct tx_error *why) {
    struct tx_error *copy = arena_alloc(c->arena, sizeof *copy);
    *copy = *why;
    t->outcome.status = OUTCOME_FAILURE;
    t->outcome.tx_error = copy;
}

void chunk_transaction(struct chunk *c, const struct signed_transaction *s, size_t size) {
    struct tx_context context = {c->state, c->arena, c->height, c->config->tx_validity_period};
    struct tx_charge charge;
    struct tx_error why;
    struct chain_tx *t = new_tx(c, s, size);
    if (!tx_check_state(&context, &s->tx, &charge, &why)) {
        refuse(c, t, &why);
        return;
    }
    size_t mark = state_mark(c->state);
    tx_charge_apply(&context, &s->tx, &charge);
    state_record(c->state, mark, CAUSE_TRANSACTION, &s->hash);
    struct receipt *r = receipt_of(c, s, charge.cost.gas_price);
    struct hash *ids = arena_alloc(c->arena, sizeof *ids);
    *ids = r->id;
    t->receipt = r;
    t->outcome.status = OUTCOME_RECEIPT;
    t->outcome.next = r->id;
    t->outcome.receipt_ids = ids;
    t->outcome.receipt_count = 1;
    t->outcome.gas_burnt = charge.cost.gas_burnt;
    t->outcome.tokens_burnt = charge.cost.burnt;
    c->gas_used += charge.cost.gas_burnt;
    c->burnt += charge.cost.burnt;
    if (strcmp(s->tx.signer.s, s->tx.receiver.s) == 0)
        process(c, r);
    else
        chunk_send(c, r);
}
