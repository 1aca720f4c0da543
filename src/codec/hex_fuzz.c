// SPDX-License-Identifier: Apache-2.0
// Hexadecimal, base58 and base64 text from strangers: decode, encode, decode again: equal.
// Canary: the seeds reach an accepted text of each form.
#include "codec/hex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    SCOPED_ARENA(a);
    struct slice text = slice_of(data, size), one, two;
    uint8_t b1[256], b2[256];
    size_t n1, n2;
    if (hex_decode(&one, a, text, NULL)) {
        BUG_ON(!hex_decode(&two, a, slice_str(hex_text(a, one)), NULL) || !slice_eq(one, two));
    }
    if (base64_decode(&one, a, text, NULL)) {
        BUG_ON(!base64_decode(&two, a, slice_str(base64_text(a, one)), NULL) || !slice_eq(one, two));
    }
    if (base58_decode(b1, sizeof b1, &n1, text, NULL)) {
        const char *again = base58_text(a, slice_of(b1, n1));
        BUG_ON(!slice_eq_str(text, again));
        BUG_ON(!base58_decode(b2, sizeof b2, &n2, slice_str(again), NULL) || n1 != n2 || memcmp(b1, b2, n1) != 0);
    }
    return 0;
}
