// SPDX-License-Identifier: Apache-2.0
// The arguments of the contract's methods, decoded by the table in methods.h.
#pragma once
#include "methods.h"
#include "price.h"
#include "repo/rules.h"

// Why an execution did not succeed, by the names of failure_names. A worker reports the first four.
enum failure { FAILURE_GUEST, FAILURE_BUILD, FAILURE_ACCESS, FAILURE_PLATFORM, FAILURE_TIMEOUT, FAILURE_CANCELLED };
extern const char *const failure_names[];

struct output {
    uint8_t kind;           // enum output_kind
    struct text bytes;      // of Json: the value's text
    struct maybe_hash hash; // where it is known already
};
// A worker's answer to a request.
struct answer {
    bool success;
    uint8_t failure; // enum failure, where not successful; a worker that does not say means the guest's
    struct output output;
    struct text error, compilation_note; // cut to ANSWER_ERROR_MAX and ANSWER_NOTE_MAX
    struct usage resources_used;
    struct maybe_hash wasm_hash, attestation_digest;
    // Of the end of its request, for the event and the caller's value (answer_end).
    struct yocto charged, refunded;
    struct text failure_name, preview;
    uint64_t request_id, ended_at;
    uint32_t output_length;
};

// What a call was given; what was not is zero, NULL or not `given`.
struct args {
    struct maybe_u64 request_id;
    struct text repo, commit, build_target, branch, profile;
    struct limits_given {
        struct maybe_u64 max_instructions;
        struct maybe_u32 max_memory_mb;
        struct maybe_u64 max_execution_seconds;
    } limits;
    struct text input_data, encrypted_secrets_base64;
    struct json_raw access, public_key;
    uint8_t response_format; // default Text
    bool result_envelope, paused;
    struct account account_id, payer_account_id, sender_id, owner_id, operator_id; // length 0: not given
    struct maybe_yocto prices[PRICES], amount;
    struct maybe_hash code_hash;
    struct maybe_u64 from_index, limit;
    struct answer answer;
};
// Begins a method: checks the caller and the deposit by its kind, and decodes its arguments. A list begins with the
// kind and ends with ARG_END; without arguments any input is taken. The result lives until the next call.
const struct args *entry_begin(const uint8_t *list, const char *name);
struct limits limits_of(const struct limits_given *given); // null takes the default
// By the rules that the programs have, too (repo/rules.h).
bool repo_valid(const char *p, size_t len); // the name of a repository
bool ref_valid(const char *p, size_t len);  // what could be that of a branch, a tag or a commit
// 1 to max characters of that kind or later ones.
bool text_valid(const char *p, size_t len, size_t max, enum rule_kind least);

#include "sdk/entry.h"
