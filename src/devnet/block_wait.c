// SPDX-License-Identifier: Apache-2.0
#include "devnet/block_wait.h"

#include "base/clock.h"

static bool look(struct waiter *waiter, enum wait_why why) {
    struct block_wait *w = (struct block_wait *)waiter;
    bool there = history_head(w->net->history) >= w->height;
    if (!there && why == WAIT_BLOCK)
        return false;
    w->done(w, there);
    return true;
}

void block_wait(struct block_wait *w) {
    struct chain *chain = w->net->chain;
    struct producer *producer = w->net->producer;
    w->waiter = (struct waiter){.look = look, .deadline_ms = clock_mono_ms() + DEVNET_WAIT_MS};
    chain_read_begin(chain);
    bool there = history_head(w->net->history) >= w->height;
    bool parked = !there && wait_add(w->net->waits, &w->waiter);
    chain_read_end(chain);
    if (parked)
        producer_wake(producer);
    else
        w->done(w, there);
}
