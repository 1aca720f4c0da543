// SPDX-License-Identifier: Apache-2.0
#include "ledger/receipt.h"

#include "base/text.h"
#include "codec/borsh.h"

#define BYTES_MAX (8u << 20) // of one value in a receipt; the chain's own limits are lower

static void put_hash(struct buf *b, const struct hash *h) { borsh_put_raw(b, h->b, sizeof h->b); }

static void put_action_part(struct buf *b, const struct receipt *r) {
    borsh_put_text(b, r->signer.s);
    borsh_put_u8(b, (uint8_t)r->signer_key.type);
    borsh_put_raw(b, r->signer_key.bytes, sizeof r->signer_key.bytes);
    borsh_put_u8(b, r->has_refund_to);
    borsh_put_text(b, r->refund_to.s);
    borsh_put_u128(b, r->gas_price);
    borsh_put_u32(b, (uint32_t)r->output_count);
    for (size_t i = 0; i < r->output_count; i++) {
        put_hash(b, &r->outputs[i].data_id);
        borsh_put_text(b, r->outputs[i].receiver.s);
    }
    borsh_put_u32(b, (uint32_t)r->input_count);
    for (size_t i = 0; i < r->input_count; i++)
        put_hash(b, &r->inputs[i]);
    borsh_put_u8(b, r->is_yield);
    borsh_put_u32(b, (uint32_t)r->action_count);
    for (size_t i = 0; i < r->action_count; i++)
        action_encode(b, &r->actions[i]);
}

void receipt_encode(struct buf *b, const struct receipt *r) {
    borsh_put_u8(b, (uint8_t)r->kind);
    put_hash(b, &r->id);
    put_hash(b, &r->tx_hash);
    borsh_put_text(b, r->predecessor.s);
    borsh_put_text(b, r->receiver.s);
    switch (r->kind) {
    case RECEIPT_ACTION: put_action_part(b, r); return;
    case RECEIPT_DATA:
        put_hash(b, &r->data_id);
        borsh_put_u8(b, r->is_resume);
        borsh_put_u8(b, r->has_data);
        borsh_put_bytes(b, r->data);
        return;
    }
}

static struct hash get_hash(struct borsh *r) {
    struct hash h = {0};
    struct slice s = borsh_raw(r, sizeof h.b);
    if (s.len)
        memcpy(h.b, s.ptr, s.len);
    return h;
}

static struct account_id get_account(struct borsh *r) {
    struct account_id id = {0};
    if (!text_copy(id.s, sizeof id.s, borsh_text(r, NEAR_ACCOUNT_MAX)))
        r->bad = true;
    return id;
}

static void get_lists(struct receipt *out, struct arena *a, struct borsh *r) {
    out->output_count = borsh_count(r, 36);
    struct data_output *outputs = arena_calloc(a, out->output_count, sizeof *outputs);
    for (size_t i = 0; i < out->output_count; i++) {
        outputs[i].data_id = get_hash(r);
        outputs[i].receiver = get_account(r);
    }
    out->outputs = outputs;
    out->input_count = borsh_count(r, 32);
    struct hash *inputs = arena_calloc(a, out->input_count, sizeof *inputs);
    for (size_t i = 0; i < out->input_count; i++)
        inputs[i] = get_hash(r);
    out->inputs = inputs;
}

static void get_action_part(struct receipt *out, struct arena *a, struct borsh *r) {
    out->signer = get_account(r);
    uint8_t type = borsh_u8(r);
    if (type > KEY_SECP256K1)
        r->bad = true;
    out->signer_key.type = type == KEY_SECP256K1 ? KEY_SECP256K1 : KEY_ED25519;
    struct slice key = borsh_raw(r, sizeof out->signer_key.bytes);
    if (key.len)
        memcpy(out->signer_key.bytes, key.ptr, key.len);
    out->has_refund_to = borsh_bool(r);
    out->refund_to = get_account(r);
    out->gas_price = borsh_u128(r);
    get_lists(out, a, r);
    out->is_yield = borsh_bool(r);
    out->actions = actions_decode(r, a, BYTES_MAX, &out->action_count);
}

bool receipt_decode(struct receipt *out, struct arena *a, struct slice bytes, struct err *e) {
    struct borsh r = {.left = bytes};
    *out = (struct receipt){0};
    uint8_t kind = borsh_u8(&r);
    out->id = get_hash(&r);
    out->tx_hash = get_hash(&r);
    out->predecessor = get_account(&r);
    out->receiver = get_account(&r);
    if (kind == RECEIPT_ACTION) {
        get_action_part(out, a, &r);
    } else {
        out->kind = RECEIPT_DATA;
        out->data_id = get_hash(&r);
        out->is_resume = borsh_bool(&r);
        out->has_data = borsh_bool(&r);
        out->data = borsh_bytes(&r, BYTES_MAX);
    }
    if (kind > RECEIPT_DATA || !borsh_done(&r))
        return err_set(e, ERR_CORRUPT, "not a receipt of the chain's store (%zu bytes)", bytes.len);
    return true;
}

struct receipt *receipt_copy(struct arena *a, const struct receipt *r) {
    SCOPED_BUF(b, 64u << 20);
    struct receipt *copy = arena_alloc(a, sizeof *copy);
    struct err e;
    receipt_encode(&b, r);
    bool ok = !b.full && receipt_decode(copy, a, arena_copy(a, buf_slice(&b)), &e);
    BUG_ON(!ok);
    return copy;
}
