// SPDX-License-Identifier: Apache-2.0
// The thread that makes blocks: each BLOCK_MS, or at once when something is pending. It publishes a block and then
// looks at the parked requests.
#pragma once
#include "base/err.h"

struct devnet;
struct producer;

struct producer_config {
    uint64_t block_ms; // between blocks; 0: a block as soon as a transaction or receipt is pending
    uint64_t idle_ms;  // with block_ms 0: a block after that long without one (0: never)
    uint64_t shift_ns; // how far the chain's time is before the clock's; modulo 2^64, so it may be behind
};
// Starts the thread; net->chain, history and waits must be there. A block that cannot be stored ends the process
// (`fatal` is called once, from the thread): the chain must not go on beyond what a restart would find.
[[nodiscard]] bool producer_start(struct producer **out, struct devnet *net, const struct producer_config *config,
                                  void (*fatal)(void *ctx), void *fatal_ctx, struct err *e);
// Ends the thread, after the block that it is making. The other calls stay allowed and do nothing. NULL is fine.
void producer_stop(struct producer *p);
void producer_free(struct producer *p); // stopped; NULL is fine
// A block at once, whatever is pending.
void producer_demand(struct producer *p);
// So many heights are skipped before the next block, which comes at once; its time is later by as many blocks' time.
void producer_fast_forward(struct producer *p, uint64_t heights);
// Something is pending, or a waiter with a nearer deadline came. From any thread.
void producer_wake(struct producer *p);
