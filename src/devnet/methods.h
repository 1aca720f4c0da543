// SPDX-License-Identifier: Apache-2.0
// The methods of the JSON-RPC interface. Each handler answers its call with rpc_ok or an rpc_fail function, or parks
// it.
#pragma once
#include "devnet/devnet.h"

extern const struct rpc_method devnet_methods[];
extern const size_t devnet_method_count;

// --- method_chain.c: the chain itself
enum rpc_done method_status(struct rpc_call *c);
enum rpc_done method_health(struct rpc_call *c);
enum rpc_done method_network_info(struct rpc_call *c);
enum rpc_done method_block(struct rpc_call *c);
enum rpc_done method_chunk(struct rpc_call *c);
enum rpc_done method_gas_price(struct rpc_call *c);
enum rpc_done method_validators(struct rpc_call *c);
enum rpc_done method_protocol_config(struct rpc_call *c);
enum rpc_done method_genesis_config(struct rpc_call *c);
// What `status` answers, for GET /status. NULL: there is no block.
json_t *status_json(struct devnet *net, struct arena *a);
// The stored block that `ref` means; false: the call has its UNKNOWN_BLOCK already.
bool devnet_block(struct rpc_call *c, const struct block_ref *ref, struct stored_block **out);
// The same for `query`, whose UNKNOWN_BLOCK repeats the reference.
bool devnet_query_block(struct rpc_call *c, const struct block_ref *ref, struct stored_block **out);

// --- method_changes.c: what a block changed in the state
enum rpc_done method_changes(struct rpc_call *c);
enum rpc_done method_changes_in_block(struct rpc_call *c);

// --- method_query.c: looking at the state
enum rpc_done method_query(struct rpc_call *c);
// EXPERIMENTAL_view_… and EXPERIMENTAL_call_function: the call's method says what is looked at.
enum rpc_done method_view(struct rpc_call *c);

// --- method_tx.c: sending transactions and looking at them
enum rpc_done method_send_tx(struct rpc_call *c);
enum rpc_done method_broadcast_tx_async(struct rpc_call *c);
enum rpc_done method_broadcast_tx_commit(struct rpc_call *c);
enum rpc_done method_tx(struct rpc_call *c);
enum rpc_done method_tx_with_receipts(struct rpc_call *c);
enum rpc_done method_receipt(struct rpc_call *c);

// --- method_sandbox.c: what only a chain for development can do
enum rpc_done method_patch_state(struct rpc_call *c);
enum rpc_done method_fast_forward(struct rpc_call *c);
// POST /account of a faucet: {"newAccountId","newAccountPublicKey"} makes an account with money and that key.
struct http_request;
void faucet_handler(struct http_request *r, void *net);
