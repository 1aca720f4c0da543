// SPDX-License-Identifier: Apache-2.0
// The arguments of the contract's methods, decoded and checked.
#pragma once
#include "price.h"

#define REPO_MAX 256
#define COMMIT_MAX 128
#define TARGET_MAX 64
#define ERROR_MAX 512 // bytes of an error text that are kept
#define NOTE_MAX 192  // bytes of a compilation note that are kept

struct code_source {
    struct text repo, commit, build_target;
};
struct limits_given {
    struct maybe_u64 max_instructions;
    struct maybe_u32 max_memory_mb;
    struct maybe_u64 max_execution_seconds;
};
struct request_call {
    struct code_source code_source;
    struct limits_given resource_limits;
    struct text input_data;
    struct secrets_ref {
        struct text profile; // NULL: none
        struct account account_id;
    } secrets_ref;
    uint8_t response_format;
    struct account payer_account_id; // length 0: the sender
};
struct request_call request_call_read(void);
struct limits limits_read(void);                           // of estimate_execution_cost
struct limits limits_of(const struct limits_given *given); // null takes the default

// Why an execution did not succeed, by the names of failure_choices. A worker reports the first four.
enum failure { FAILURE_GUEST, FAILURE_BUILD, FAILURE_ACCESS, FAILURE_PLATFORM, FAILURE_TIMEOUT, FAILURE_CANCELLED };
extern const char *const failure_names[];

struct output {
    enum output_kind kind;
    struct text bytes;      // of Json: the value's text
    struct maybe_hash hash; // where it is known already
};
// A worker's answer to a request.
struct answer {
    uint64_t request_id;
    bool success;
    uint8_t failure; // enum failure, where not successful; a worker that does not say means the guest's
    struct output output;
    struct text error, compilation_note; // cut to ERROR_MAX and NOTE_MAX
    struct usage resources_used;
    struct maybe_hash wasm_hash, attestation_digest;
};
struct answer resolve_read(void);            // resolve_execution: all but the id inside `response`
struct answer submit_and_resolve_read(void); // the same fields side by side, output required
struct answer submit_read(void);             // only id and output
uint64_t request_id_read(void);

struct new_call {
    struct account owner_id, operator_id; // operator: length 0 when not given
};
struct new_call new_call_read(void);
struct pricing_call {
    struct maybe_yocto base_fee, per_million_instructions_fee, per_ms_fee, per_compile_ms_fee;
};
struct pricing_call pricing_call_read(void);
bool paused_read(void);
