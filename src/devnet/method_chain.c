// SPDX-License-Identifier: Apache-2.0
// Methods about the chain itself.
#include "devnet/methods.h"

#include "base/clock.h"

// Nodes tell a block that never comes from one that is not there yet: above the head it may still come.
static void unknown_block(struct rpc_call *c, const struct block_ref *ref, json_t *info, const char *end) {
    const char *which = ref->kind == BLOCK_REF_HASH
                            ? arena_printf(c->arena, "BLOCK HEADER: %s", hash_base58(c->arena, &ref->hash))
                            : arena_printf(c->arena, "BLOCK HEIGHT: %llu", (unsigned long long)ref->height);
    (void)rpc_fail_text(c, "UNKNOWN_BLOCK", info, "DB Not Found Error: %s%s", which, end);
    if (ref->kind == BLOCK_REF_HASH || ref->height <= history_head(c->net->history))
        c->http_status = 422;
}

// *out NULL: no such block is kept. false: the call has its internal error already.
static bool find_block(struct rpc_call *c, const struct block_ref *ref, struct stored_block **out) {
    struct history *h = c->net->history;
    struct err e;
    bool ok = true;
    *out = NULL;
    switch (ref->kind) {
    case BLOCK_REF_LATEST: ok = history_at(h, history_head(h), out, &e); break;
    case BLOCK_REF_EARLIEST: ok = history_at(h, history_lowest(h), out, &e); break;
    case BLOCK_REF_HEIGHT: ok = history_at(h, ref->height, out, &e); break;
    case BLOCK_REF_HASH: ok = history_find(h, PERSIST_BLOCK, &ref->hash, out, NULL, &e); break;
    }
    if (!ok)
        (void)rpc_fail_internal(c, &e);
    return ok;
}

bool devnet_block(struct rpc_call *c, const struct block_ref *ref, struct stored_block **out) {
    if (find_block(c, ref, out) && !*out)
        unknown_block(c, ref, json_object(), " \n Cause: Unknown");
    return *out != NULL;
}

bool devnet_query_block(struct rpc_call *c, const struct block_ref *ref, struct stored_block **out) {
    if (find_block(c, ref, out) && !*out)
        unknown_block(c, ref, json_pack("{s:o}", "block_reference", block_ref_json(ref, c->arena)),
                      ref->kind == BLOCK_REF_HASH ? "" : " \n Cause: Unknown");
    return *out != NULL;
}

// Reads the reference and finds its block; false: the call is answered.
static bool block_of(struct rpc_call *c, bool needed, struct stored_block **out) {
    struct block_ref ref;
    struct err e;
    *out = NULL;
    if (param_block_ref(c->params, needed, &ref, &e))
        return devnet_block(c, &ref, out);
    (void)rpc_fail_params(c, &e);
    return false;
}

static json_t *sync_info(struct devnet *net, const struct stored_block *head, const struct stored_block *low,
                         struct arena *a) {
    char head_time[40], low_time[40];
    return json_pack("{s:s, s:I, s:s, s:s, s:s, s:I, s:s, s:s, s:I, s:b}", "latest_block_hash",
                     hash_base58(a, &head->head.hash), "latest_block_height", (json_int_t)head->head.height,
                     "latest_state_root", hash_base58(a, &head->head.state_root), "latest_block_time",
                     config_time_text(head->head.timestamp_ns, head_time), "earliest_block_hash",
                     hash_base58(a, &low->head.hash), "earliest_block_height", (json_int_t)low->head.height,
                     "earliest_block_time", config_time_text(low->head.timestamp_ns, low_time), "epoch_id",
                     hash_base58(a, &head->head.epoch_id), "epoch_start_height", (json_int_t)head->head.epoch_start,
                     "syncing", net->chain == NULL);
}

json_t *status_json(struct devnet *net, struct arena *a) {
    SCOPED_BLOCK(head) = NULL;
    SCOPED_BLOCK(low) = NULL;
    if (!history_at(net->history, history_head(net->history), &head, NULL) || !head ||
        !history_at(net->history, history_lowest(net->history), &low, NULL) || !low)
        return NULL;
    struct hash genesis = chain_genesis_hash(net->chain);
    const char *key = public_key_text(a, &net->facts.validator_key);
    return json_pack("{s:s, s:s, s:i, s:i, s:n, s:s, s:s, s:o, s:I, s:s, s:s, s:[{s:s}], s:{s:s, s:s, s:s, s:s}, s:n}",
                     "chain_id", net->facts.chain_id, "genesis_hash", hash_base58(a, &genesis), "protocol_version",
                     CHAIN_PROTOCOL_VERSION, "latest_protocol_version", CHAIN_PROTOCOL_VERSION, "node_key",
                     "node_public_key", key, "rpc_addr", net->rpc_addr, "sync_info", sync_info(net, head, low, a),
                     "uptime_sec", (json_int_t)((clock_mono_ms() - net->started_ms) / 1000), "validator_account_id",
                     net->facts.validator.s, "validator_public_key", key, "validators", "account_id",
                     net->facts.validator.s, "version", "version", "outlayer-devnet", "build", "outlayer-devnet",
                     "commit", "", "rustc_version", "", "detailed_debug_status");
}

enum rpc_done method_status(struct rpc_call *c) {
    json_t *status = status_json(c->net, c->arena);
    return status ? rpc_ok(c, status) : rpc_fail_text(c, "NOT_SYNCED_YET", NULL, "there is no block");
}

enum rpc_done method_health(struct rpc_call *c) { return rpc_ok(c, json_null()); }

enum rpc_done method_network_info(struct rpc_call *c) {
    return rpc_ok(c,
                  json_pack("{s:[], s:i, s:i, s:i, s:i, s:[]}", "active_peers", "num_active_peers", 0, "peer_max_count",
                            0, "sent_bytes_per_sec", 0, "received_bytes_per_sec", 0, "known_producers"));
}

enum rpc_done method_block(struct rpc_call *c) {
    SCOPED_BLOCK(b) = NULL;
    if (!block_of(c, true, &b))
        return RPC_ANSWERED;
    return rpc_ok(c, render_block(&b->head, c->net->facts.validator.s, c->arena));
}

static json_t *chunk_json(const struct stored_block *b, const char *author, struct arena *a) {
    json_t *txs = json_array(), *one;
    size_t i;
    json_array_foreach(b->txs, i, one)
        json_array_append(txs, json_object_get(one, "transaction"));
    return json_pack("{s:s, s:o, s:o, s:O}", "author", author, "header", render_chunk_header(&b->head, a),
                     "transactions", txs, "receipts", b->receipts);
}

static enum rpc_done chunk_by_hash(struct rpc_call *c, const char *text) {
    struct hash hash;
    struct err e;
    SCOPED_BLOCK(b) = NULL;
    if (!hash_from_base58(&hash, slice_str(text), NULL)) {
        err_set(&e, ERR_INVALID, "the chunk's hash must be base58");
        return rpc_fail_params(c, &e);
    }
    if (!history_find(c->net->history, PERSIST_CHUNK, &hash, &b, NULL, &e))
        return rpc_fail_internal(c, &e);
    if (!b)
        return rpc_fail_text(c, "UNKNOWN_CHUNK", json_pack("{s:s}", "chunk_hash", text),
                             "Chunk Missing (unavailable on the node): ChunkHash(`%s`) \n Cause: Unknown", text);
    return rpc_ok(c, chunk_json(b, c->net->facts.validator.s, c->arena));
}

static enum rpc_done chunk_of_block(struct rpc_call *c, const json_t *block_id, const json_t *shard) {
    struct block_ref ref;
    struct err e;
    SCOPED_BLOCK(b) = NULL;
    if (!param_block_id(block_id, &ref, &e))
        return rpc_fail_params(c, &e);
    if (!json_is_integer(shard)) {
        err_set(&e, ERR_INVALID, "field 'shard_id' must be a whole number");
        return rpc_fail_params(c, &e);
    }
    if (json_integer_value(shard) != CHAIN_SHARD)
        return rpc_fail_text(c, "INVALID_SHARD_ID", json_pack("{s:I}", "shard_id", json_integer_value(shard)),
                             "Shard id %lld does not exist", (long long)json_integer_value(shard));
    if (!devnet_block(c, &ref, &b))
        return RPC_ANSWERED;
    return rpc_ok(c, chunk_json(b, c->net->facts.validator.s, c->arena));
}

// {chunk_id}, {block_id, shard_id}, [hash], [[block, shard]]
enum rpc_done method_chunk(struct rpc_call *c) {
    const json_t *first = json_array_get(c->params, 0), *id = json_object_get(c->params, "chunk_id");
    if (json_is_array(first))
        return chunk_of_block(c, json_array_get(first, 0), json_array_get(first, 1));
    if (json_is_string(first) || json_is_string(id))
        return chunk_by_hash(c, json_string_value(first ? first : id));
    return chunk_of_block(c, json_object_get(c->params, "block_id"), json_object_get(c->params, "shard_id"));
}

enum rpc_done method_gas_price(struct rpc_call *c) {
    SCOPED_BLOCK(b) = NULL;
    if (!block_of(c, false, &b))
        return RPC_ANSWERED;
    json_t *o = json_object();
    json_set_u128(o, "gas_price", b->head.gas_price);
    return rpc_ok(c, o);
}

static json_t *validator_json(const struct devnet *net, const struct block_head *head, struct arena *a) {
    json_int_t made = (json_int_t)(head->height - head->epoch_start + 1);
    json_t *o = json_pack("{s:s, s:s, s:s, s:[i], s:[], s:b}", "account_id", net->facts.validator.s, "public_key",
                          public_key_text(a, &net->facts.validator_key), "stake", DEVNET_STAKE, "shards", CHAIN_SHARD,
                          "shards_endorsed", "is_slashed", 0);
    static const char *const counts[] = {"num_produced_blocks",       "num_expected_blocks",
                                         "num_produced_chunks",       "num_expected_chunks",
                                         "num_produced_endorsements", "num_expected_endorsements"};
    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        json_object_set_new(o, counts[i], json_integer(made));
    static const char *const lists[] = {"num_produced_chunks_per_shard", "num_expected_chunks_per_shard",
                                        "num_produced_endorsements_per_shard", "num_expected_endorsements_per_shard"};
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        json_object_set_new(o, lists[i], json_pack("[I]", made));
    return o;
}

// "latest", [null], [id], {block_id}, {epoch_id}: there is only one validator, in every epoch.
enum rpc_done method_validators(struct rpc_call *c) {
    struct hash epoch;
    struct err e;
    SCOPED_BLOCK(b) = NULL;
    if (json_object_get(c->params, "epoch_id")) {
        if (!param_hash(c->params, "epoch_id", &epoch, &e))
            return rpc_fail_params(c, &e);
    } else if (!json_is_string(c->params) && !block_of(c, false, &b)) {
        return RPC_ANSWERED;
    }
    if (!b && (!history_at(c->net->history, history_head(c->net->history), &b, &e) || !b))
        return rpc_fail_text(c, "NOT_SYNCED_YET", NULL, "there is no block");
    json_t *next = json_pack("{s:s, s:s, s:s, s:[i]}", "account_id", c->net->facts.validator.s, "public_key",
                             public_key_text(c->arena, &c->net->facts.validator_key), "stake", DEVNET_STAKE, "shards",
                             CHAIN_SHARD);
    return rpc_ok(c,
                  json_pack("{s:[o], s:[o], s:[], s:[], s:[], s:[], s:I, s:I}", "current_validators",
                            validator_json(c->net, &b->head, c->arena), "next_validators", next, "current_fishermen",
                            "next_fishermen", "current_proposals", "prev_epoch_kickout", "epoch_height",
                            (json_int_t)b->head.epoch_height, "epoch_start_height", (json_int_t)b->head.epoch_start));
}

enum rpc_done method_protocol_config(struct rpc_call *c) {
    SCOPED_BLOCK(b) = NULL;
    if (!block_of(c, false, &b))
        return RPC_ANSWERED;
    return rpc_ok(c, config_protocol_json(&c->net->facts, chain_runtime_config(c->net->chain)));
}

enum rpc_done method_genesis_config(struct rpc_call *c) {
    return rpc_ok(c, config_genesis_json(&c->net->facts, c->arena));
}
