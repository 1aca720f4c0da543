// SPDX-License-Identifier: Apache-2.0
// What comes over a keeper's socket, as whoever had it could send it.
// Canary: the seed `failed` is a note whose text is read.
#include "sandbox/slot_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct slot_note n;
    memset(&n, 0xAA, sizeof n); // what an earlier message left there
    if (size > sizeof n)
        return 0;
    memcpy(&n, data, size);
    if (!slot_note_valid(&n, size))
        return 0;
    BUG_ON(strlen(n.text) >= sizeof n.text || n.kind < SLOT_FORKED || n.kind > SLOT_FAILED);
    return 0;
}
