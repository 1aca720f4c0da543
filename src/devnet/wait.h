// SPDX-License-Identifier: Apache-2.0
// Requests that wait for a block: parked without a thread, looked at again whenever a block is there, given up at their
// deadline. A waiter is added while the chain's lock is held for reading, after the look that found nothing; so no
// block can come between the look and the list.
#pragma once
#include "base/err.h"
#include <sys/queue.h>

#define WAIT_MAX 4096 // parked requests; beyond that a request is answered as if its time were over

enum wait_why { WAIT_BLOCK, WAIT_DEADLINE, WAIT_STOP };

struct waiter {
    // Answers the request if it can (always, when `why` is not WAIT_BLOCK) and says whether it did; the waiter may be
    // gone then. Called by one thread at a time, with no lock of the list held.
    bool (*look)(struct waiter *w, enum wait_why why);
    uint64_t deadline_ms; // of the monotonic clock
    TAILQ_ENTRY(waiter) link;
};

struct wait_list;
struct wait_list *wait_list_new(void);
void wait_list_free(struct wait_list *l); // must be empty

// false: the list is full or stopped; the caller answers at once.
[[nodiscard]] bool wait_add(struct wait_list *l, struct waiter *w);
// Looks at all waiters, in the order in which they came: with WAIT_BLOCK at each when there is a new block, with
// WAIT_DEADLINE at those past their deadline. Gives the earliest deadline left (UINT64_MAX: none).
uint64_t wait_look(struct wait_list *l, bool new_block);
// Ends all and takes no more.
void wait_stop(struct wait_list *l);
size_t wait_count(struct wait_list *l);
