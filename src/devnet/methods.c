// SPDX-License-Identifier: Apache-2.0
// The table of JSON-RPC methods; names with and without EXPERIMENTAL_ as nodes have had them over time.
#include "devnet/methods.h"

const struct rpc_method devnet_methods[] = {
    {"status", method_status, false},
    {"health", method_health, false},
    {"network_info", method_network_info, false},
    {"block", method_block, false},
    {"chunk", method_chunk, false},
    {"gas_price", method_gas_price, false},
    {"validators", method_validators, false},
    {"query", method_query, true},
    {"EXPERIMENTAL_view_account", method_view, false},
    {"EXPERIMENTAL_view_access_key", method_view, false},
    {"EXPERIMENTAL_view_access_key_list", method_view, false},
    {"EXPERIMENTAL_view_code", method_view, false},
    {"EXPERIMENTAL_view_state", method_view, false},
    {"EXPERIMENTAL_call_function", method_view, false},
    {"send_tx", method_send_tx, false},
    {"broadcast_tx_async", method_broadcast_tx_async, false},
    {"broadcast_tx_commit", method_broadcast_tx_commit, false},
    {"tx", method_tx, false},
    {"tx_status", method_tx_with_receipts, false},
    {"EXPERIMENTAL_tx_status", method_tx_with_receipts, false},
    {"EXPERIMENTAL_receipt", method_receipt, false},
    {"EXPERIMENTAL_protocol_config", method_protocol_config, false},
    {"genesis_config", method_genesis_config, false},
    {"EXPERIMENTAL_genesis_config", method_genesis_config, false},
    {"changes", method_changes, false},
    {"EXPERIMENTAL_changes", method_changes, false},
    {"block_effects", method_changes_in_block, false},
    {"EXPERIMENTAL_changes_in_block", method_changes_in_block, false},
    {"sandbox_patch_state", method_patch_state, false},
    {"sandbox_fast_forward", method_fast_forward, false},
};
const size_t devnet_method_count = ARRAY_LEN(devnet_methods);
