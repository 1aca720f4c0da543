// SPDX-License-Identifier: Apache-2.0
// What a worker looks after beside its leases, on a thread of its own, because all of it waits for the chain: nonce and
// block hash are read ahead, and the key's allowance and the account's balance are watched.
#pragma once
#include "base/figures.h"
#include "near/send.h"

struct upkeep;
struct upkeep_settings {
    struct rpc *rpc;
    struct sender *sender;
};
[[nodiscard]] bool upkeep_start(struct upkeep **out, const struct upkeep_settings *s, struct err *e);
void upkeep_figures(const struct upkeep *u, struct buf *out);
// Ends the thread; a call to the chain that it makes ends by the cancel of `rpc`. NULL is fine.
void upkeep_stop(struct upkeep *u);
