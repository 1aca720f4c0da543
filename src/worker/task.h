// SPDX-License-Identifier: Apache-2.0
// What a worker is asked to do, from its two sources: the lease that the coordinator hands out, and the request as the
// contract shows it. Nothing runs before both agree: the coordinator is not trusted with what is executed for whom.
#pragma once
#include "codec/json.h"
#include "crypto/hash.h"
#include "near/types.h"

#define TASK_TARGET_DEFAULT "wasm32-wasip1"
#define TASK_INPUT_MAX (1u << 20)
#define TASK_NUMBER_MAX ((uint64_t)INT64_MAX) // of what is handed on as a JSON number

enum answer_format { FORMAT_BYTES, FORMAT_TEXT, FORMAT_JSON };
const char *answer_format_text(enum answer_format f); // "Bytes", "Text", "Json"

struct task_limits {
    uint64_t max_instructions, max_memory_mb, max_execution_seconds;
};

// Where the request came from on chain. Told by the coordinator: it goes into the guest's environment, and is used for
// finding things, never for deciding. NULL and `has_…` false: not told.
struct task_context {
    bool has_height, has_timestamp, has_gas;
    uint64_t block_height, block_timestamp, gas_burnt;
    const char *transaction_hash, *receipt_id, *predecessor_id, *signer_id, *signer_public_key;
};

// Whose secrets the guest gets: `account_id`'s, of the request's repository, under the name `profile`. Empty (both
// NULL) where the request asks for none.
struct secrets_ref {
    const char *profile, *account_id;
};
static inline bool secrets_wanted(const struct secrets_ref *r) { return r->profile; }

// All texts are in the arena that it was parsed into.
struct task {
    const char *contract_id;
    uint64_t request_id;
    struct hash data_id;
    const char *sender_id, *payer_id; // payer NULL: the sender
    const char *repo, *ref, *target;  // target: TASK_TARGET_DEFAULT where the request names none
    struct task_limits limits;
    struct slice input;
    struct secrets_ref secrets;
    enum answer_format format;
    u128 payment;
    struct task_context context;
};

struct lease {
    struct task task;
    const char *token;
    uint64_t expires_in_ms, confirm_within_ms, attempt;
};

// The answer of /tasks/poll. ERR_INVALID names the field that is missing or malformed; lease->task.contract_id,
// request_id and token are set as far as they could be read, so that the lease can be given back.
[[nodiscard]] bool lease_parse(struct lease *out, struct arena *a, const json_t *answer, struct err *e);

// The contract's view get_request.
struct chain_request {
    uint64_t request_id, timestamp_ns, build_seconds;
    uint64_t extensions, extensions_left; // how often its yield has been renewed, and may still be
    uint64_t extended_ns;                 // when it was last; 0: not known, as always when it has just been read
    struct hash data_id;                  // of its present yield
    const char *sender_id, *payer_id;
    const char *repo, *ref, *target;
    struct task_limits limits;
    struct secrets_ref secrets;
    bool answered, output_submitted;
    enum answer_format format;
    u128 payment;
    bool has_input;
    struct hash input_hash;
    uint64_t input_length;
};
[[nodiscard]] bool chain_request_parse(struct chain_request *out, struct arena *a, const json_t *view, struct err *e);

// The first field in which they differ, NULL when they are the same request.
const char *task_mismatch(const struct task *t, const struct chain_request *c);
