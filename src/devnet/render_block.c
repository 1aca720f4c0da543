// SPDX-License-Identifier: Apache-2.0
#include "devnet/render.h"

#include "codec/borsh.h"
#include "codec/json.h"
#include "devnet/rpc.h"

void block_head_of(struct block_head *out, const struct chain_block *b) {
    *out = (struct block_head){
        .height = b->height,
        .prev_height = b->prev_height,
        .ordinal = b->ordinal,
        .timestamp_ns = b->timestamp_ns,
        .epoch_height = b->epoch_height,
        .epoch_start = b->epoch_start,
        .gas_used = b->gas_used,
        .hash = b->hash,
        .prev_hash = b->prev_hash,
        .last_final = b->last_final,
        .last_ds_final = b->last_ds_final,
        .epoch_id = b->epoch_id,
        .next_epoch_id = b->next_epoch_id,
        .random_value = b->random_value,
        .merkle_root = b->block_merkle_root,
        .chunk_hash = b->chunk_hash,
        .state_root = b->state_root,
        .prev_state_root = b->prev_state_root,
        .tx_root = b->tx_root,
        .receipts_root = b->receipts_root,
        .outcome_root = b->outcome_root,
        .gas_price = b->gas_price,
        .total_supply = b->total_supply,
        .balance_burnt = b->balance_burnt,
        .signature = b->signature,
    };
}

// The three groups of fields of one type, in the order in which they are stored.
#define HEAD_U64(X) X(height) X(prev_height) X(ordinal) X(timestamp_ns) X(epoch_height) X(epoch_start) X(gas_used)
// clang-format off
#define HEAD_HASH(X)                                                                                                   \
    X(hash)                                                                                                            \
    X(prev_hash)                                                                                                       \
    X(last_final)                                                                                                      \
    X(last_ds_final)                                                                                                   \
    X(epoch_id)                                                                                                        \
    X(next_epoch_id)                                                                                                   \
    X(random_value)                                                                                                    \
    X(merkle_root) X(chunk_hash) X(state_root) X(prev_state_root) X(tx_root) X(receipts_root) X(outcome_root)
// clang-format on
#define HEAD_U128(X) X(gas_price) X(total_supply) X(balance_burnt)
#define HEAD_VERSION 1

void block_head_encode(struct buf *out, const struct block_head *h) {
    borsh_put_u8(out, HEAD_VERSION);
#define X(f) borsh_put_u64(out, h->f);
    HEAD_U64(X)
#undef X
#define X(f) borsh_put_raw(out, h->f.b, sizeof h->f.b);
    HEAD_HASH(X)
#undef X
#define X(f) borsh_put_u128(out, h->f);
    HEAD_U128(X)
#undef X
    borsh_put_u8(out, (uint8_t)h->signature.type);
    borsh_put_raw(out, h->signature.bytes, sizeof h->signature.bytes);
}

static void read_hash(struct borsh *r, struct hash *out) {
    struct slice s = borsh_raw(r, sizeof out->b);
    if (s.len == sizeof out->b)
        memcpy(out->b, s.ptr, sizeof out->b);
}

bool block_head_decode(struct block_head *out, struct slice bytes, struct err *e) {
    struct borsh r = {bytes, false};
    memset(out, 0, sizeof *out);
    uint8_t version = borsh_u8(&r);
#define X(f) out->f = borsh_u64(&r);
    HEAD_U64(X)
#undef X
#define X(f) read_hash(&r, &out->f);
    HEAD_HASH(X)
#undef X
#define X(f) out->f = borsh_u128(&r);
    HEAD_U128(X)
#undef X
    uint8_t type = borsh_u8(&r);
    struct slice signature = borsh_raw(&r, sizeof out->signature.bytes);
    if (!borsh_done(&r) || version != HEAD_VERSION || type > KEY_SECP256K1)
        return err_set(e, ERR_CORRUPT, "a stored block has a damaged head");
    out->signature.type = (enum key_type)type;
    memcpy(out->signature.bytes, signature.ptr, signature.len);
    return true;
}

struct named_hash {
    const char *name;
    const struct hash *hash;
};
static void set_hashes(json_t *o, const struct named_hash *list, size_t n, struct arena *a) {
    for (size_t i = 0; i < n; i++)
        json_set_text(o, list[i].name, hash_base58(a, list[i].hash));
}

static const struct hash zero_hash;

static json_t *header_json(const struct block_head *h, struct arena *a) {
    char time[32];
    snprintf(time, sizeof time, "%llu", (unsigned long long)h->timestamp_ns);
    json_t *o = json_pack("{s:I, s:I, s:I, s:I, s:s, s:i, s:i, s:s, s:s, s:n, s:s}", "height", (json_int_t)h->height,
                          "prev_height", (json_int_t)h->prev_height, "block_ordinal", (json_int_t)h->ordinal,
                          "timestamp", (json_int_t)h->timestamp_ns, "timestamp_nanosec", time, "chunks_included", 1,
                          "latest_protocol_version", CHAIN_PROTOCOL_VERSION, "rent_paid", "0", "validator_reward", "0",
                          "epoch_sync_data_hash", "signature", signature_text(a, &h->signature));
    const struct named_hash hashes[] = {
        {"hash", &h->hash},
        {"prev_hash", &h->prev_hash},
        {"prev_state_root", &h->prev_state_root},
        {"last_final_block", &h->last_final},
        {"last_ds_final_block", &h->last_ds_final},
        {"epoch_id", &h->epoch_id},
        {"next_epoch_id", &h->next_epoch_id},
        {"next_bp_hash", &zero_hash},
        {"random_value", &h->random_value},
        {"block_merkle_root", &h->merkle_root},
        {"block_body_hash", &zero_hash},
        {"chunk_headers_root", &h->chunk_hash},
        {"chunk_tx_root", &h->tx_root},
        {"chunk_receipts_root", &h->receipts_root},
        {"challenges_root", &zero_hash},
        {"outcome_root", &h->outcome_root},
    };
    BUG_ON(!o);
    set_hashes(o, hashes, ARRAY_LEN(hashes), a);
    json_set_u128(o, "gas_price", h->gas_price);
    json_set_u128(o, "total_supply", h->total_supply);
    static const char *const empty[] = {"approvals", "challenges_result", "validator_proposals"};
    for (size_t i = 0; i < ARRAY_LEN(empty); i++)
        json_object_set_new(o, empty[i], json_array());
    json_object_set_new(o, "chunk_mask", json_pack("[b]", 1));
    json_object_set_new(o, "chunk_endorsements", json_pack("[[i]]", 1));
    return o;
}

json_t *render_chunk_header(const struct block_head *h, struct arena *a) {
    json_t *congestion = json_pack("{s:i, s:s, s:s, s:i}", "allowed_shard", 0, "buffered_receipts_gas", "0",
                                   "delayed_receipts_gas", "0", "receipt_bytes", 0);
    json_t *o =
        json_pack("{s:I, s:I, s:i, s:I, s:I, s:i, s:s, s:s, s:[], s:n, s:o, s:s}", "height_created",
                  (json_int_t)h->height, "height_included", (json_int_t)h->height, "shard_id", CHAIN_SHARD, "gas_used",
                  (json_int_t)h->gas_used, "gas_limit", (json_int_t)CHAIN_GAS_LIMIT, "encoded_length", 0, "rent_paid",
                  "0", "validator_reward", "0", "validator_proposals", "bandwidth_requests", "congestion_info",
                  congestion, "signature", signature_text(a, &h->signature));
    BUG_ON(!o);
    const struct named_hash hashes[] = {
        {"chunk_hash", &h->chunk_hash},
        {"prev_block_hash", &h->prev_hash},
        {"prev_state_root", &h->prev_state_root},
        {"outcome_root", &h->outcome_root},
        {"outgoing_receipts_root", &h->receipts_root},
        {"tx_root", &h->tx_root},
        {"encoded_merkle_root", &zero_hash},
    };
    set_hashes(o, hashes, ARRAY_LEN(hashes), a);
    json_set_u128(o, "balance_burnt", h->balance_burnt);
    return o;
}

json_t *render_block(const struct block_head *h, const char *author, struct arena *a) {
    json_t *chunks = json_array(), *o = json_object();
    json_array_append_new(chunks, render_chunk_header(h, a));
    json_set_text(o, "author", author);
    json_object_set_new(o, "header", header_json(h, a));
    json_object_set_new(o, "chunks", chunks);
    return o;
}
