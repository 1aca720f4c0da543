// SPDX-License-Identifier: Apache-2.0
// Blocks come from a server that is not ours: whatever it sends is refused or understood, and understood twice alike.
// Canary: the seed `one_log` reaches a log.
#include "near/blocks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    SCOPED_ARENA(a);
    struct block_logs b, again;
    struct err e;
    if (!block_logs_parse(&b, a, slice_of(data, size), "outlayer.near", &e))
        return 0;
    BUG_ON(!block_logs_parse(&again, a, slice_of(data, size), "outlayer.near", &e));
    BUG_ON(b.log_count != again.log_count || b.height != again.height || b.skipped != again.skipped);
    for (size_t i = 0; i < b.log_count; i++)
        BUG_ON(!b.logs[i].receipt_id || !slice_eq(b.logs[i].text, again.logs[i].text));
    return 0;
}
