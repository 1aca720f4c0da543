// SPDX-License-Identifier: Apache-2.0
// The attestation digest: what a worker says it did, as one hash that the chain keeps with the result. SHA-256 over
// borsh, in which every part is always there and has its length, so that no two records have the same bytes:
//   string "outlayer-attestation-v1"; string network; string contract; u64 request_id; data_id (32 bytes; of
//   the yield that the worker found: an extension makes a new one);
//   string sender; string repository; string commit; string target; build key (32); wasm hash (32); input hash (32);
//   output hash (32, zeros where there is none); u8 success; u64 instructions; limits: u64 instructions, u64 MB,
//   u64 seconds; string price list; Option of secrets_ref (string profile, string account); string engine; string
//   worker measurement ("" for none); u64 block height of the request (0 where it is not known)
// Build key and wasm hash are zeros, and repository and commit as the request names them, where no module was had.
#pragma once
#include "worker/answer.h"

struct digest_parts {
    const char *network;
    const struct task *task;
    struct hash data_id;
    const char *repo, *commit; // resolved
    struct hash build_key, wasm_hash;
    const struct answer *answer;
};
struct hash attestation_digest(const struct digest_parts *p);
