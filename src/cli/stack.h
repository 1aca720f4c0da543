// SPDX-License-Identifier: Apache-2.0
// The embedded stack: devnet, contract, keystore, coordinator and worker of one home, as children of this process.
// State stays in the home: a second start goes on where the first one ended.
#pragma once
#include "base/arena.h"
#include "cli/supervisor.h"
#include "near/types.h"
#include <jansson.h>

#define STACK_NETWORK "devnet"
#define STACK_DEVELOPERS 2

struct stack_options {
    const char *home;
    uint64_t rpc_port, coordinator_port; // 0: any free one
    uint64_t block_ms;
    const char *egress_allow, *egress_ports, *egress_ca_file; // the worker's settings; NULL: their defaults
};

struct stack_step { // what the start tells its caller as it goes
    const char *what, *detail;
    uint64_t us; // since the start
};

struct stack {
    struct arena *arena;
    const char *home;
    int lock;
    struct supervisor *supervisor;
    const char *rpc_url, *neardata_url, *coordinator_url, *coordinator_token;
    const char *keystore_url, *keystore_token_file;
    const char *dashboard, *docs;           // folders of the pages that it serves; NULL: they are not made
    json_t *status_urls;                    // by daemon: where it listens for its operator
    const char *dstack_endpoint, *pccs_url; // of the simulated TDX machine: its guest agent, and its collateral;
                                            // NULL: there is none
    const char *root_key;                   // of whoever signs for it, in hexadecimal
    struct credentials contract;            // the contract's own account, its owner
    struct credentials operator;            // full key of the operator's account; the worker gets a key of its own
    struct credentials developers[STACK_DEVELOPERS];
    void (*say)(void *ctx, const struct stack_step *step);
    void *say_ctx;
    uint64_t started_us;
};

// Starts everything and returns when it answers. On failure what was started is stopped again.
[[nodiscard]] bool stack_start(struct stack *s, const struct stack_options *o, struct err *e);
void stack_stop(struct stack *s);
// HOME/session.json, by which other commands find this stack; also what `up --json` prints.
[[nodiscard]] bool stack_publish(struct stack *s, bool print, struct err *e);
