// SPDX-License-Identifier: Apache-2.0
// Watches the chain's final blocks: records new requests with the coordinator, and tells of requests that ended.
#pragma once
#include "base/err.h"
#include "worker/coordinator_client.h"

struct monitor;
struct monitor_settings {
    const char *neardata_url, *contract_id, *cursor_file, *api_base_url; // neardata_url: several separated by commas
    const char *api_token, *network;
    // Where to begin: without a cursor, or where this differs from what it was when the cursor was made, so that people
    // can set the scan back. 0: the latest block, or the cursor.
    uint64_t start_height;
    // Each execution_completed event seen; from a thread of the monitor.
    void (*completed)(void *ctx, uint64_t request_id, const char *transaction_hash, const char *event_json);
    void (*took)(void *ctx, uint64_t height); // each block that was taken whole, likewise; NULL: nobody asks
    void *ctx;
    const struct api *api; // by whose clock deadlines are told; NULL: by this machine's
};
[[nodiscard]] bool monitor_start(const struct monitor_settings *s, struct monitor **m, struct err *e);
// A request of this time (of the chain, ns) was missed: the scan goes back to before it. Repeating blocks changes
// nothing, since a request is recorded once. From any thread.
void monitor_go_back(struct monitor *m, uint64_t timestamp_ns);
// The last block that was taken whole; 0: none yet. From any thread.
uint64_t monitor_cursor(const struct monitor *m);
void monitor_stop(struct monitor *m); // NULL is fine
