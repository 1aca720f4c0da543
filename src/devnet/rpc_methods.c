// SPDX-License-Identifier: Apache-2.0
// The table of JSON-RPC methods; names with and without EXPERIMENTAL_ as nodes have had them over time.
#include "devnet/devnet.h"

const struct rpc_method devnet_methods[] = {
    {"status", rpc_status, false},
    {"health", rpc_health, false},
    {"network_info", rpc_network_info, false},
    {"block", rpc_block, false},
    {"chunk", rpc_chunk, false},
    {"gas_price", rpc_gas_price, false},
    {"validators", rpc_validators, false},
    {"query", rpc_query, true},
    {"EXPERIMENTAL_view_account", rpc_view, false},
    {"EXPERIMENTAL_view_access_key", rpc_view, false},
    {"EXPERIMENTAL_view_access_key_list", rpc_view, false},
    {"EXPERIMENTAL_view_code", rpc_view, false},
    {"EXPERIMENTAL_view_state", rpc_view, false},
    {"EXPERIMENTAL_call_function", rpc_view, false},
    {"send_tx", rpc_send_tx, false},
    {"broadcast_tx_async", rpc_broadcast_tx_async, false},
    {"broadcast_tx_commit", rpc_broadcast_tx_commit, false},
    {"tx", rpc_tx, false},
    {"tx_status", rpc_tx_with_receipts, false},
    {"EXPERIMENTAL_tx_status", rpc_tx_with_receipts, false},
    {"EXPERIMENTAL_receipt", rpc_receipt, false},
    {"EXPERIMENTAL_protocol_config", rpc_protocol_config, false},
    {"genesis_config", rpc_genesis_config, false},
    {"EXPERIMENTAL_genesis_config", rpc_genesis_config, false},
    {"changes", rpc_changes, false},
    {"EXPERIMENTAL_changes", rpc_changes, false},
    {"block_effects", rpc_changes_in_block, false},
    {"EXPERIMENTAL_changes_in_block", rpc_changes_in_block, false},
    {"sandbox_patch_state", rpc_patch_state, false},
    {"sandbox_fast_forward", rpc_fast_forward, false},
};
const size_t devnet_method_count = ARRAY_LEN(devnet_methods);
