// SPDX-License-Identifier: Apache-2.0
// The attestation: what a worker says it did, as one hash that the chain keeps with the result, and its parts, by which
// everybody can make that hash again. It is SHA-256 over borsh, in which every part is always there and has its length,
// so that no two records have the same bytes:
//   string "outlayer-attestation-v1"; string network; string contract; u64 request_id; data_id (32 bytes; of
//   the yield that the worker found: an extension makes a new one);
//   string sender; string repository; string commit; string target; build key (32); wasm hash (32); input hash (32);
//   output hash (32, zeros where there is none); u8 success; u64 instructions; limits: u64 instructions, u64 MB,
//   u64 seconds; string price list; Option of secrets_ref (string profile, string account); string engine; string
//   worker measurement ("" for none); u64 block height of the request (0 where it is not known)
// Build key and wasm hash are zeros, and repository and commit as the request names them, where no module was had.
#pragma once
#include "codec/json.h"
#include "crypto/hash.h"

#define ATTESTATION_TEXT_MAX 1024 // bytes of each text of one that is read

struct attestation {
    const char *network, *contract_id;
    uint64_t request_id;
    struct hash data_id;
    const char *sender_id, *repo, *commit, *build_target;
    struct hash build_key, wasm_hash, input_hash, output_hash;
    bool success;
    uint64_t instructions, max_instructions, max_memory_mb, max_execution_seconds;
    const char *price_list;
    const char *secrets_profile, *secrets_account; // NULL: without secrets
    const char *engine, *measurement;
    uint64_t block_height;
};
struct hash attestation_hash(const struct attestation *x);
// The bytes of which that is the hash.
struct slice attestation_record(struct arena *a, const struct attestation *x);

// Its parts as an object, without those of the request's key, which stands beside it wherever it is sent.
json_t *attestation_json(const struct attestation *x);
// All parts, and no others. Texts live as long as `j`; the request's key is the caller's.
[[nodiscard]] bool attestation_read(struct attestation *out, const json_t *j, struct err *e);
