// SPDX-License-Identifier: Apache-2.0
#include "devnet/config_view.h"

#include "codec/json.h"

const char *config_time_text(uint64_t wall_ns, char out[static 40]) {
    time_t seconds = (time_t)(wall_ns / 1000000000);
    struct tm t;
    gmtime_r(&seconds, &t);
    size_t n = strftime(out, 24, "%Y-%m-%dT%H:%M:%S", &t);
    snprintf(out + n, 40 - n, ".%09uZ", (unsigned)(wall_ns % 1000000000));
    return out;
}

// What both configurations have.
static json_t *common_json(const struct config_facts *f) {
    char when[40];
    json_t *o =
        json_pack("{s:s, s:I, s:s, s:i, s:i, s:I, s:s, s:s, s:[i, i], s:i, s:[i, i], s:i}", "chain_id", f->chain_id,
                  "genesis_height", (json_int_t)f->genesis_height, "genesis_time",
                  config_time_text(f->genesis_time_ns, when), "protocol_version", CHAIN_PROTOCOL_VERSION,
                  "epoch_length", (int)f->epoch_length, "gas_limit", (json_int_t)CHAIN_GAS_LIMIT, "min_gas_price",
                  DEVNET_GAS_PRICE, "max_gas_price", DEVNET_GAS_PRICE, "gas_price_adjustment_rate", 0, 1,
                  "transaction_validity_period", 86400, "minimum_stake_ratio", 1, 6250, "minimum_stake_divisor", 10);
    json_t *more = json_pack("{s:i, s:[i], s:[i], s:i, s:i, s:s, s:[i, i], s:i, s:[i, i], s:[i, i], s:[i, i]}",
                             "num_block_producer_seats", 1, "num_block_producer_seats_per_shard", 1,
                             "avg_hidden_validator_seats_per_shard", 0, "block_producer_kickout_threshold", 0,
                             "chunk_producer_kickout_threshold", 0, "fishermen_threshold", "0", "max_inflation_rate", 0,
                             1, "num_blocks_per_year", 52560000, "online_min_threshold", 9, 10, "online_max_threshold",
                             99, 100, "protocol_reward_rate", 0, 1);
    json_t *rest = json_pack("{s:s, s:[i, i], s:i, s:i, s:{s:{s:i, s:i}}, s:b, s:i, s:b}", "protocol_treasury_account",
                             f->validator.s, "protocol_upgrade_stake_threshold", 4, 5, "max_kickout_stake_perc", 0,
                             "minimum_validators_per_shard", 1, "shard_layout", "V0", "num_shards", 1, "version", 0,
                             "shuffle_shard_assignment_for_chunk_producers", 0, "target_validator_mandates_per_shard",
                             1, "dynamic_resharding", 0);
    BUG_ON(!o || !more || !rest || json_object_update(o, more) != 0 || json_object_update(o, rest) != 0);
    json_decref(more);
    json_decref(rest);
    return o;
}

json_t *config_protocol_json(const struct config_facts *f, json_t *runtime_config) {
    json_t *o = common_json(f);
    BUG_ON(!runtime_config || json_object_set_new(o, "runtime_config", runtime_config) != 0);
    return o;
}

json_t *config_genesis_json(const struct config_facts *f, struct arena *a) {
    json_t *o = common_json(f);
    json_set_u128(o, "total_supply", f->total_supply);
    json_set_u64(o, "num_chunk_producer_seats", 1);
    json_object_set_new(o, "use_production_config", json_false());
    json_t *validator = json_pack("{s:s, s:s, s:s}", "account_id", f->validator.s, "public_key",
                                  public_key_text(a, &f->validator_key), "amount", "0");
    json_object_set_new(o, "validators", json_pack("[o]", validator));
    return o;
}
