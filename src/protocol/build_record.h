// SPDX-License-Identifier: Apache-2.0
// A signed build record: whose word it is that this module is what this commit builds to. Signed is SHA-256 over borsh
// (string "outlayer-build-v2", build key, wasm hash, string repo (with //folder where the guest is in one), string
// commit, string target, string toolchain, u64 built_at, u64 build_ms, lock hash, u64 lock_made). The lock is the
// Cargo.lock that was made for a repository without one; zeros and 0: the repository's own. A record is believed only
// when its key is an operator's key on chain.
#pragma once
#include "codec/json.h"
#include "crypto/hash.h"
#include "near/types.h"

struct build_record {
    struct hash build_key, wasm_hash;
    const char *repo, *commit, *target, *toolchain; // in the arena
    uint64_t built_at, build_ms;                    // seconds of the wall clock, duration
    struct hash lock_hash;
    uint64_t lock_made; // seconds of the wall clock
    struct public_key key;
    struct signature signature;
};

struct hash record_hash(const struct build_record *r); // what is signed
void record_sign(struct build_record *r, const struct secret_key *key);
bool record_signature_good(const struct build_record *r);
json_t *record_json(struct arena *a, const struct build_record *r); // the caller releases it
extern const char *const record_keys[];                             // all of its fields, for json_only_keys
#define RECORDS_MAX 64                                              // of one build key, each by another key
[[nodiscard]] bool record_parse(struct build_record *out, struct arena *a, const json_t *j, struct err *e);
// What a coordinator has of one build key: {"records":[…]}, or from an older one the record itself. Of a list those
// that cannot be read are left out. *out lives in `a`.
[[nodiscard]] bool records_parse(struct build_record **out, size_t *count, struct arena *a, const json_t *j,
                                 struct err *e);
