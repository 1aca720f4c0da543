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
