// SPDX-License-Identifier: Apache-2.0
// A request's own event, read on the chain by the worker itself: for a lease whose words cannot be used. The
// coordinator says in which transaction it is to be found, and no more than that.
#pragma once
#include "near/rpc.h"
#include "protocol/events.h"
#include "worker/lease.h"

enum event_lookup {
    LOOKUP_READ,       // *out has it
    LOOKUP_UNREADABLE, // it is there, and *why says what is wrong with it
    LOOKUP_NOT_FOUND,  // the transaction has no such event, or its hash or signer is not known
};
// false: the chain could not be asked.
[[nodiscard]] bool event_lookup(enum event_lookup *found, struct event *out, const char **why, struct rpc *rpc,
                                struct arena *a, const struct task *t, struct err *e);
