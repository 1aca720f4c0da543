// SPDX-License-Identifier: Apache-2.0
// What the devnet's outside works on: chain, history, parked requests, block producer. One for the process; its parts
// are safe for several threads.
#pragma once
#include "chain/chain.h"
#include "devnet/config_view.h"
#include "devnet/history.h"
#include "devnet/producer.h"
#include "devnet/rpc.h"
#include "devnet/rpc_param.h"
#include "devnet/wait.h"

#define DEVNET_WAIT_MS 10000 // how long a request waits for its block before it is told to come again

struct devnet {
    struct chain *chain;
    struct history *history;
    struct wait_list *waits;
    struct producer *producer;
    struct config_facts facts;
    const char *_Atomic rpc_addr; // "127.0.0.1:3030"
    uint64_t started_ms;          // monotonic
};

// The methods of the JSON-RPC interface.
extern const struct rpc_method devnet_methods[];
extern const size_t devnet_method_count;

// In rpc_chain.c
enum rpc_done rpc_status(struct rpc_call *c);
enum rpc_done rpc_health(struct rpc_call *c);
enum rpc_done rpc_network_info(struct rpc_call *c);
enum rpc_done rpc_block(struct rpc_call *c);
enum rpc_done rpc_chunk(struct rpc_call *c);
enum rpc_done rpc_gas_price(struct rpc_call *c);
enum rpc_done rpc_validators(struct rpc_call *c);
enum rpc_done rpc_protocol_config(struct rpc_call *c);
enum rpc_done rpc_genesis_config(struct rpc_call *c);
json_t *rpc_status_json(struct devnet *net, struct arena *a);
// In rpc_changes.c
enum rpc_done rpc_changes(struct rpc_call *c);
enum rpc_done rpc_changes_in_block(struct rpc_call *c);
// In rpc_query.c
enum rpc_done rpc_query(struct rpc_call *c);
enum rpc_done rpc_view(struct rpc_call *c);
// In rpc_tx.c
enum rpc_done rpc_send_tx(struct rpc_call *c);
enum rpc_done rpc_broadcast_tx_async(struct rpc_call *c);
enum rpc_done rpc_broadcast_tx_commit(struct rpc_call *c);
enum rpc_done rpc_tx(struct rpc_call *c);
enum rpc_done rpc_tx_with_receipts(struct rpc_call *c);
enum rpc_done rpc_receipt(struct rpc_call *c);
// In rpc_sandbox.c
enum rpc_done rpc_patch_state(struct rpc_call *c);
enum rpc_done rpc_fast_forward(struct rpc_call *c);

// POST /account of a faucet: {"newAccountId","newAccountPublicKey"} makes an account with money and that key.
struct http_request;
void faucet_handler(struct http_request *r, void *net);

// The stored block that a reference means; false: the call has its UNKNOWN_BLOCK already.
bool devnet_block(struct rpc_call *c, const struct block_ref *ref, struct stored_block **out);
// The same for `query`, whose UNKNOWN_BLOCK repeats the reference.
bool devnet_query_block(struct rpc_call *c, const struct block_ref *ref, struct stored_block **out);
