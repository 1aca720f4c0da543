// SPDX-License-Identifier: Apache-2.0
// SHA-384, in parts as they come: what runtime measurement registers are extended with. Small rather than fast; for
// little-endian machines.
#pragma once
#include "dcap/bytes.h"

enum { DCAP_SHA384_SIZE = 48, DCAP_SHA384_CONSTANTS = 80 };
struct dcap_sha384 {
    uint64_t state[8];
    uint64_t length;    // of what was given so far, in bytes
    uint64_t block[16]; // 128 bytes of the text, or words of it
};
// One for each step. A program for which the table is too large brings its own.
const uint64_t *dcap_sha384_constants(void);
void dcap_sha384_init(struct dcap_sha384 *hash);
void dcap_sha384_add(struct dcap_sha384 *hash, const void *bytes, size_t len);
// After this nothing more is added.
void dcap_sha384_end(struct dcap_sha384 *hash, uint8_t out[DCAP_SHA384_SIZE]);
