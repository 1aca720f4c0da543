// SPDX-License-Identifier: Apache-2.0
#include "near/tx.h"

#include "base/text.h"
#include "codec/borsh.h"

#define METHOD_MAX 2048
#define DELEGATE_PREFIX (0x40000000u + 366u) // NEP-366: tells its signature from a transaction's

void public_key_encode(struct buf *out, const struct public_key *k) {
    borsh_put_u8(out, (uint8_t)k->type);
    borsh_put_raw(out, k->bytes, public_key_len(k));
}

static void put_signature(struct buf *b, const struct signature *s) {
    borsh_put_u8(b, (uint8_t)s->type);
    borsh_put_raw(b, s->bytes, s->type == KEY_ED25519 ? 64 : 65);
}

void access_key_encode(struct buf *b, const struct access_key *k) {
    borsh_put_u64(b, k->nonce);
    borsh_put_u8(b, k->full_access ? 1 : 0);
    if (k->full_access)
        return;
    borsh_put_u8(b, k->has_allowance);
    if (k->has_allowance)
        borsh_put_u128(b, k->allowance.v);
    borsh_put_text(b, k->receiver.s);
    borsh_put_u32(b, (uint32_t)k->method_count);
    for (size_t i = 0; i < k->method_count; i++)
        borsh_put_text(b, k->methods[i]);
}

static void put_delegate(struct buf *b, const struct delegate_action *d) {
    borsh_put_text(b, d->sender.s);
    borsh_put_text(b, d->receiver.s);
    borsh_put_u32(b, (uint32_t)d->action_count);
    for (size_t i = 0; i < d->action_count; i++)
        action_encode(b, &d->actions[i]);
    borsh_put_u64(b, d->nonce);
    borsh_put_u64(b, d->max_block_height);
    public_key_encode(b, &d->key);
}

void action_encode(struct buf *b, const struct action *a) {
    borsh_put_u8(b, (uint8_t)a->kind);
    switch (a->kind) {
    case ACTION_CREATE_ACCOUNT: return;
    case ACTION_DEPLOY_CONTRACT: borsh_put_bytes(b, a->code); return;
    case ACTION_FUNCTION_CALL:
        borsh_put_text(b, a->method);
        borsh_put_bytes(b, a->args);
        borsh_put_u64(b, a->gas.v);
        borsh_put_u128(b, a->deposit.v);
        return;
    case ACTION_TRANSFER: borsh_put_u128(b, a->deposit.v); return;
    case ACTION_STAKE:
        borsh_put_u128(b, a->deposit.v);
        public_key_encode(b, &a->key);
        return;
    case ACTION_ADD_KEY:
        public_key_encode(b, &a->key);
        access_key_encode(b, &a->access);
        return;
    case ACTION_DELETE_KEY: public_key_encode(b, &a->key); return;
    case ACTION_DELETE_ACCOUNT: borsh_put_text(b, a->account.s); return;
    case ACTION_DELEGATE:
        put_delegate(b, a->delegate);
        put_signature(b, &a->delegate_signature);
        return;
    }
}

void transaction_encode(struct buf *b, const struct transaction *tx) {
    borsh_put_text(b, tx->signer.s);
    public_key_encode(b, &tx->key);
    borsh_put_u64(b, tx->nonce);
    borsh_put_text(b, tx->receiver.s);
    borsh_put_raw(b, tx->block_hash.b, sizeof tx->block_hash.b);
    borsh_put_u32(b, (uint32_t)tx->action_count);
    for (size_t i = 0; i < tx->action_count; i++)
        action_encode(b, &tx->actions[i]);
}

void transaction_sign(struct buf *out, struct hash *hash, const struct transaction *tx, const struct secret_key *key) {
    size_t start = out->len;
    transaction_encode(out, tx);
    *hash = sha256(slice_of(out->ptr + start, out->len - start));
    struct signature s = secret_key_sign(key, hash_slice(hash));
    put_signature(out, &s);
}

// --- decoding: views into the input, lists in the arena ----------------------------------------------------------

struct decoder {
    struct borsh r;
    struct arena *arena;
    size_t bytes_max; // of code and arguments
};

static struct account_id get_account(struct decoder *d) {
    struct account_id id = {0};
    struct slice s = borsh_text(&d->r, NEAR_ACCOUNT_MAX);
    // The grammar is the chain's affair (InvalidSignerId …): here only what cannot be held is bad.
    if (!text_copy(id.s, sizeof id.s, s))
        d->r.bad = true;
    return id;
}

static struct public_key get_key(struct decoder *d) {
    struct public_key k = {0};
    uint8_t type = borsh_u8(&d->r);
    if (type > KEY_SECP256K1) {
        d->r.bad = true;
        return k;
    }
    k.type = (enum key_type)type;
    struct slice s = borsh_raw(&d->r, public_key_len(&k));
    if (s.len)
        memcpy(k.bytes, s.ptr, s.len);
    return k;
}

static struct signature get_signature(struct decoder *d) {
    struct signature g = {0};
    uint8_t type = borsh_u8(&d->r);
    if (type > KEY_SECP256K1) {
        d->r.bad = true;
        return g;
    }
    g.type = (enum key_type)type;
    struct slice s = borsh_raw(&d->r, type == KEY_ED25519 ? 64 : 65);
    if (s.len)
        memcpy(g.bytes, s.ptr, s.len);
    return g;
}

// A text that may not hold NUL: C strings carry it on.
static const char *get_name(struct decoder *d, size_t max) {
    struct slice s = borsh_text(&d->r, max);
    if (s.len && memchr(s.ptr, 0, s.len))
        d->r.bad = true;
    return arena_text(d->arena, s);
}

static struct access_key get_access_key(struct decoder *d) {
    struct access_key k = {.nonce = borsh_u64(&d->r)};
    uint8_t permission = borsh_u8(&d->r);
    if (permission > 1)
        d->r.bad = true;
    k.full_access = permission == 1;
    if (k.full_access || d->r.bad)
        return k;
    k.has_allowance = borsh_bool(&d->r);
    if (k.has_allowance)
        k.allowance.v = borsh_u128(&d->r);
    k.receiver = get_account(d);
    k.method_count = borsh_count(&d->r, 4);
    const char **methods = arena_calloc(d->arena, k.method_count, sizeof *methods);
    for (size_t i = 0; i < k.method_count && !d->r.bad; i++)
        methods[i] = get_name(d, METHOD_MAX);
    k.methods = methods;
    return k;
}

static void get_action(struct decoder *d, struct action *a, bool in_delegate);

static struct action *get_actions(struct decoder *d, size_t *count, bool in_delegate) {
    *count = borsh_count(&d->r, 1);
    // More than the chain takes is still read, so that the chain can say how many; far more is not worth the memory.
    if (*count > 10 * NEAR_ACTIONS_MAX) {
        d->r.bad = true;
        *count = 0;
    }
    struct action *list = arena_calloc(d->arena, *count, sizeof *list);
    for (size_t i = 0; i < *count && !d->r.bad; i++)
        get_action(d, &list[i], in_delegate);
    return list;
}

static void get_delegate(struct decoder *d, struct action *a) {
    struct delegate_action *g = arena_calloc(d->arena, 1, sizeof *g);
    const uint8_t *start = d->r.left.ptr;
    g->sender = get_account(d);
    g->receiver = get_account(d);
    g->actions = get_actions(d, &g->action_count, true);
    g->nonce = borsh_u64(&d->r);
    g->max_block_height = borsh_u64(&d->r);
    g->key = get_key(d);
    struct sha256 s;
    uint8_t prefix[4] = {DELEGATE_PREFIX & 255, DELEGATE_PREFIX >> 8 & 255, DELEGATE_PREFIX >> 16 & 255,
                         DELEGATE_PREFIX >> 24};
    sha256_init(&s);
    sha256_add(&s, slice_of(prefix, sizeof prefix));
    if (!d->r.bad)
        sha256_add(&s, slice_of(start, (size_t)(d->r.left.ptr - start)));
    g->signed_hash = sha256_end(&s);
    a->delegate = g;
    a->delegate_signature = get_signature(d);
}

static void get_call(struct decoder *d, struct action *a) {
    a->method = get_name(d, NEAR_TX_MAX);
    a->args = borsh_bytes(&d->r, d->bytes_max);
    a->gas.v = borsh_u64(&d->r);
    a->deposit.v = borsh_u128(&d->r);
}

static void get_action(struct decoder *d, struct action *a, bool in_delegate) {
    uint8_t kind = borsh_u8(&d->r);
    if (kind > ACTION_DELEGATE || (in_delegate && kind == ACTION_DELEGATE)) {
        d->r.bad = true;
        return;
    }
    a->kind = (enum action_kind)kind;
    switch (a->kind) {
    case ACTION_CREATE_ACCOUNT: return;
    case ACTION_DEPLOY_CONTRACT: a->code = borsh_bytes(&d->r, d->bytes_max); return;
    case ACTION_FUNCTION_CALL: get_call(d, a); return;
    case ACTION_TRANSFER: a->deposit.v = borsh_u128(&d->r); return;
    case ACTION_STAKE:
        a->deposit.v = borsh_u128(&d->r);
        a->key = get_key(d);
        return;
    case ACTION_ADD_KEY:
        a->key = get_key(d);
        a->access = get_access_key(d);
        return;
    case ACTION_DELETE_KEY: a->key = get_key(d); return;
    case ACTION_DELETE_ACCOUNT: a->account = get_account(d); return;
    case ACTION_DELEGATE: get_delegate(d, a); return;
    }
}

bool signed_transaction_decode(struct signed_transaction *out, struct arena *a, struct slice bytes, struct err *e) {
    struct decoder d = {{.left = bytes}, a, NEAR_TX_MAX};
    *out = (struct signed_transaction){0};
    // A versioned transaction starts with a small tag; the length of a signer id has zeros in its upper bytes.
    if (bytes.len < 4 || bytes.ptr[1] != 0)
        return err_set(e, ERR_INVALID, "not a version 0 transaction in borsh");
    struct transaction *tx = &out->tx;
    tx->signer = get_account(&d);
    tx->key = get_key(&d);
    tx->nonce = borsh_u64(&d.r);
    tx->receiver = get_account(&d);
    struct slice block = borsh_raw(&d.r, sizeof tx->block_hash.b);
    if (block.len)
        memcpy(tx->block_hash.b, block.ptr, block.len);
    tx->actions = get_actions(&d, &tx->action_count, false);
    size_t signed_len = bytes.len - d.r.left.len;
    out->signature = get_signature(&d);
    if (!borsh_done(&d.r))
        return err_set(e, ERR_INVALID, "not a signed transaction in borsh (%zu bytes)", bytes.len);
    out->hash = sha256(slice_of(bytes.ptr, signed_len));
    return true;
}

struct access_key access_key_decode(struct borsh *r, struct arena *a) {
    struct decoder d = {*r, a, 0};
    struct access_key k = get_access_key(&d);
    *r = d.r;
    return k;
}

struct action *actions_decode(struct borsh *r, struct arena *a, size_t bytes_max, size_t *count) {
    struct decoder d = {*r, a, bytes_max};
    struct action *list = get_actions(&d, count, false);
    *r = d.r;
    return list;
}
