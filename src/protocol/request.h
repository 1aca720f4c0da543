// SPDX-License-Identifier: Apache-2.0
// A request as JSON has it in three places that have to agree: the contract's event, the contract's view get_request,
// and the task that the coordinator keeps. What they have in common is read and written here (protocol/contract.h names
// the members), and so is the whole of the view.
#pragma once
#include "codec/json.h"
#include "crypto/hash.h"
#include "near/types.h"
#include "protocol/contract.h"

const char *response_format_text(enum response_format f); // "Bytes", "Text", "Json"

struct request_limits {
    uint64_t max_instructions, max_memory_mb, max_execution_seconds;
};

// Whose secrets the guest gets: `account_id`'s, of the request's repository, under the name `profile`. Empty (both
// NULL) where the request asks for none.
struct secrets_ref {
    const char *profile, *account_id;
};
static inline bool secrets_wanted(const struct secrets_ref *r) { return r->profile; }

// What is asked for; texts in the arena. What a request may leave out has its default here.
struct request_terms {
    const char *sender_id, *repo, *commit, *build_target;
    struct request_limits limits;
    struct secrets_ref secrets;
    enum response_format format;
    u128 payment;
    uint64_t timestamp_ns;
};
// ERR_INVALID names the member that is missing or malformed.
[[nodiscard]] bool request_terms_read(struct request_terms *out, struct arena *a, const json_t *o, struct err *e);
void request_terms_put(json_t *o, const struct request_terms *t);
// input_data: null and missing are the empty input.
[[nodiscard]] bool request_input_read(struct slice *out, struct arena *a, const json_t *o, struct err *e);
// A request as the coordinator keeps it and hands it out (a task); texts in the arena.
struct request_task {
    uint64_t request_id;
    struct hash data_id;
    const char *payer_id; // NULL: the sender
    struct request_terms terms;
    struct slice input;
};
[[nodiscard]] bool request_task_read(struct request_task *out, struct arena *a, const json_t *o, struct err *e);
// data_id, as the contract writes it: the yield's handle as a list of 32 numbers.
[[nodiscard]] bool request_data_id_read(struct hash *out, const json_t *o, struct err *e);

#define REQUEST_INPUT_MAX (1u << 20)

// The contract's view get_request.
struct chain_request {
    uint64_t request_id, timestamp_ns, build_seconds;
    uint64_t extensions, extensions_left; // how often its yield has been renewed, and may still be
    uint64_t extended_ns;                 // when it was last; 0: not known, as always when it has just been read
    struct hash data_id;                  // of its present yield
    const char *sender_id, *payer_id;
    const char *repo, *ref, *target;
    struct request_limits limits;
    struct secrets_ref secrets;
    bool answered, output_submitted;
    enum response_format format;
    u128 payment;
    bool has_input;
    struct hash input_hash;
    uint64_t input_length;
    bool first_form;        // of a contract of near-outlayer 1.0.0 itself: worker/first_form.h
    const char *unreadable; // NULL; else why nothing else of it is known, though it is there
};
[[nodiscard]] bool chain_request_parse(struct chain_request *out, struct arena *a, const json_t *view, struct err *e);
// The same of a view that may be of another kind: then `unreadable` says what is wrong.
void chain_request_take(struct chain_request *out, struct arena *a, const json_t *view);

// The first member in which they differ, NULL when they are the same request.
const char *request_mismatch(const struct request_task *t, const struct chain_request *c);
