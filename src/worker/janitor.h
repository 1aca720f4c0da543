// SPDX-License-Identifier: Apache-2.0
// Compares the requests that are open on chain with those that the coordinator has. One that it lacks was missed by the
// monitor, which is told to read blocks again from the request's time on. One that has stayed open long after its
// window is cancelled, so that its sender gets the payment back. A thread of its own: it waits for the chain.
#pragma once
#include "near/send.h"

struct janitor;
struct janitor_settings {
    const char *rpc_url, *contract_id, *api_base_url;
    struct sender *sender; // NULL: the key may not cancel
    uint64_t every_ms;     // 0: 30 s
    // A request of this time (of the chain, ns) was missed; from the janitor's thread.
    void (*missed)(void *ctx, uint64_t timestamp_ns);
    void *ctx;
};
[[nodiscard]] bool janitor_start(struct janitor **out, const struct janitor_settings *s, struct err *e);
void janitor_stop(struct janitor *j); // its calls are given up. NULL is fine
