// SPDX-License-Identifier: Apache-2.0
#include "ledger/state.h"

#include "base/text.h"

static void key_add(struct state_key *k, const void *p, size_t n) {
    BUG_ON(n > sizeof k->b - k->len);
    if (n)
        memcpy(k->b + k->len, p, n);
    k->len += n;
}

static void key_start(struct state_key *k, enum state_column column) {
    k->b[0] = (uint8_t)column;
    k->len = 1;
}

struct slice key_of_account(struct state_key *k, enum state_column column, const struct account_id *id) {
    key_start(k, column);
    key_add(k, id->s, strlen(id->s));
    return key_slice(k);
}

struct slice key_of_access(struct state_key *k, const struct account_id *id, const struct public_key *key) {
    key_of_account(k, COLUMN_ACCESS_KEY, id);
    uint8_t parts[2] = {COLUMN_ACCESS_KEY, (uint8_t)key->type};
    key_add(k, parts, 2);
    key_add(k, key->bytes, public_key_len(key));
    return key_slice(k);
}

struct slice key_of_part(struct state_key *k, enum state_column column, const struct account_id *id,
                         struct slice rest) {
    key_of_account(k, column, id);
    key_add(k, ",", 1);
    key_add(k, rest.ptr, rest.len);
    return key_slice(k);
}

struct slice key_of_number(struct state_key *k, enum state_column column, uint64_t n) {
    key_start(k, column);
    uint64_t big = __builtin_bswap64(n);
    key_add(k, &big, sizeof big);
    return key_slice(k);
}

struct slice key_of_hash(struct state_key *k, enum state_column column, const struct hash *hash) {
    key_start(k, column);
    key_add(k, hash->b, sizeof hash->b);
    return key_slice(k);
}

bool account_decode(struct account_state *out, struct slice bytes) {
    struct borsh r = {.left = bytes};
    out->amount.v = borsh_u128(&r);
    out->locked.v = borsh_u128(&r);
    struct slice h = borsh_raw(&r, sizeof out->code_hash.b);
    if (h.len)
        memcpy(out->code_hash.b, h.ptr, h.len);
    out->storage_usage = borsh_u64(&r);
    return borsh_done(&r);
}

bool account_get(struct state *s, const struct account_id *id, struct account_state *out) {
    struct state_key k;
    struct blob *b = state_get(s, key_of_account(&k, COLUMN_ACCOUNT, id));
    if (!b)
        return false;
    BUG_ON(!account_decode(out, blob_slice(b)));
    return true;
}

void account_put(struct state *s, const struct account_id *id, const struct account_state *v) {
    struct state_key k;
    SCOPED_BUF(b, 128);
    borsh_put_u128(&b, v->amount.v);
    borsh_put_u128(&b, v->locked.v);
    borsh_put_raw(&b, v->code_hash.b, sizeof v->code_hash.b);
    borsh_put_u64(&b, v->storage_usage);
    state_put(s, key_of_account(&k, COLUMN_ACCOUNT, id), buf_slice(&b));
}

static bool remove_entry(void *ctx, struct slice key, struct blob *value) {
    (void)value;
    state_remove(ctx, key);
    return true;
}

void account_remove(struct state *s, const struct account_id *id) {
    struct state_key k;
    state_remove(s, key_of_account(&k, COLUMN_ACCOUNT, id));
    if (state_get(s, key_of_account(&k, COLUMN_CODE, id)))
        state_remove(s, key_slice(&k));
    key_of_account(&k, COLUMN_ACCESS_KEY, id);
    uint8_t end = COLUMN_ACCESS_KEY;
    key_add(&k, &end, 1);
    state_walk(s, key_slice(&k), remove_entry, s);
    state_walk(s, key_of_part(&k, COLUMN_DATA, id, (struct slice){0}), remove_entry, s);
}

bool access_get(struct state *s, struct arena *a, const struct account_id *id, const struct public_key *key,
                struct access_key *out) {
    struct state_key k;
    struct blob *b = state_get(s, key_of_access(&k, id, key));
    if (!b)
        return false;
    struct borsh r = {.left = blob_slice(b)};
    *out = access_key_decode(&r, a);
    BUG_ON(!borsh_done(&r));
    return true;
}

void access_put(struct state *s, const struct account_id *id, const struct public_key *key,
                const struct access_key *v) {
    struct state_key k;
    SCOPED_BUF(b, NEAR_TX_MAX);
    access_key_encode(&b, v);
    state_put(s, key_of_access(&k, id, key), buf_slice(&b));
}

void access_remove(struct state *s, const struct account_id *id, const struct public_key *key) {
    struct state_key k;
    state_remove(s, key_of_access(&k, id, key));
}

uint64_t access_storage(const struct public_key *key, const struct access_key *v) {
    SCOPED_BUF(b, NEAR_TX_MAX);
    access_key_encode(&b, v);
    return public_key_len(key) + 1 + b.len + STORAGE_RECORD;
}

bool access_key_of(struct public_key *out, struct slice state_key, size_t account_len) {
    struct slice rest = slice_skip(state_key, account_len + 2);
    if (!rest.len || rest.ptr[0] > KEY_SECP256K1)
        return false;
    *out = (struct public_key){.type = (enum key_type)rest.ptr[0]};
    if (rest.len != 1 + public_key_len(out))
        return false;
    memcpy(out->bytes, rest.ptr + 1, rest.len - 1);
    return true;
}

u128 storage_lack(const struct account_state *v) {
    u128 have, need = STORAGE_BYTE_PRICE * v->storage_usage; // 2^64 * 2^64 fits
    if (v->storage_usage <= STORAGE_FREE || ckd_add(&have, v->amount.v, v->locked.v))
        return 0;
    return have >= need ? 0 : need - have;
}
