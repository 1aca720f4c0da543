// SPDX-License-Identifier: Apache-2.0
// Waits for the chain to reach a height.
#pragma once
#include "devnet/devnet.h"

struct block_wait {
    struct waiter waiter;
    struct devnet *net;
    uint64_t height;
    // Ends the request. `there`: the height is reached.
    void (*done)(struct block_wait *w, bool there);
};
// `w` lives in the request's arena; net, height and done are set. Calls done now or later, exactly once.
void block_wait(struct block_wait *w);
