// SPDX-License-Identifier: Apache-2.0
// The configurations that clients ask for: prices, limits and constants of the protocol version that the devnet models.
#pragma once
#include "chain/chain.h"
#include <jansson.h>

#define DEVNET_GAS_PRICE "100000000"
#define DEVNET_STAKE "50000000000000000000000000000000" // of the one validator, for clients that divide by it

struct config_facts {
    const char *chain_id;
    uint64_t genesis_height, genesis_time_ns, epoch_length;
    u128 total_supply;
    struct account_id validator;
    struct public_key validator_key;
};
// EXPERIMENTAL_protocol_config; takes runtime_config (chain_runtime_config).
json_t *config_protocol_json(const struct config_facts *f, json_t *runtime_config);
// EXPERIMENTAL_genesis_config: without the records
json_t *config_genesis_json(const struct config_facts *f, struct arena *a);
// "2026-11-24T01:58:21.123456789Z"
const char *config_time_text(uint64_t wall_ns, char out[static 40]);
