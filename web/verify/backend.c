// SPDX-License-Identifier: Apache-2.0
// The two questions of src/dcap/backend.h, asked of whoever runs the module. They bear the names of NEAR's host
// functions; memory is named by plain addresses, since registers would only make JavaScript copy twice and count in
// BigInt.
#include "dcap/backend.h"

#define IMPORT(name) __attribute__((import_module("env"), import_name(#name)))
IMPORT(sha256) void import_sha256(uint8_t out[32], const void *bytes, size_t len);
IMPORT(p256_verify) int import_p256_verify(const uint8_t key[64], const uint8_t digest[32], const uint8_t sig[64]);

void dcap_sha256(uint8_t out[32], const void *bytes, size_t len) { import_sha256(out, bytes, len); }

bool dcap_p256_verify(const uint8_t key[64], const uint8_t digest[32], const uint8_t sig[64]) {
    return import_p256_verify(key, digest, sig) == 1;
}
