// SPDX-License-Identifier: Apache-2.0
// What a worker says that it did (protocol/attestation.h), of a task and its answer.
#pragma once
#include "protocol/attestation.h"
#include "worker/answer.h"

struct digest_parts {
    const char *network;
    const struct task *task;
    struct hash data_id;
    const char *repo, *commit; // resolved
    struct hash build_key, wasm_hash;
    const struct answer *answer;
};
struct attestation attestation_of(const struct digest_parts *p); // borrows its texts
struct hash attestation_digest(const struct digest_parts *p);
