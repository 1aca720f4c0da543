// SPDX-License-Identifier: Apache-2.0
// Signed transactions come from strangers: what decodes, encodes to the very bytes it came from.
// Canary: the seeds reach an accepted transaction with all kinds of action.
#include "near/tx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    SCOPED_ARENA(a);
    struct signed_transaction tx;
    struct err e;
    if (!signed_transaction_decode(&tx, a, slice_of(data, size), &e))
        return 0;
    SCOPED_BUF(again, size + 1024);
    transaction_encode(&again, &tx.tx);
    BUG_ON(again.full || again.len >= size || memcmp(again.ptr, data, again.len) != 0);
    return 0;
}
