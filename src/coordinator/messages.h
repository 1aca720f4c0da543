// SPDX-License-Identifier: Apache-2.0
// What workers send about executions, as it was checked by its tables (api.h), and what is stored and shown of it.
#pragma once
#include "codec/json.h"
#include "protocol/contract.h"
#include "queue/queue.h"

#define TASK_TEXT_MAX 1024 // bytes of each of a task's texts but its input
#define REPORT_ERROR_MAX 4096
#define REPORT_NUMBER_MAX 1000000000000000 // sums of them stay far from overflowing
#define REPORT_LOG_MAX 16384               // bytes of what a build or a guest said

struct posted_task { // /tasks/create
    struct execution_key key;
    const char *transaction_hash; // NULL: none given
    const char *build_target;
    const char *payer;
    uint64_t source;     // its mark (protocol/source_mark.h); 0: not known
    uint64_t dead_at_ms; // 0: nobody said
    const char *refused; // NULL: a good one; else why a worker could not read the event
};
// Of a task that was checked. Texts live as long as `j`.
void task_read(struct posted_task *out, const json_t *j);
// What a task that was stored as `json` says of itself; texts in `a`.
[[nodiscard]] bool task_stored(struct arena *a, const char *json, struct queue_stored *out, struct err *e);
// The part of a task that public lists show, small whatever its input.
json_t *task_about(const struct posted_task *t, const json_t *task);

struct claim { // what every report carries
    struct execution_key key;
    const char *token;
};
struct claim claim_of(struct arena *a, const json_t *j); // texts in `a`

struct report { // /tasks/complete
    struct claim claim;
    const char *outcome;
    uint64_t instructions;
    const char *evidence;                 // parts of its attestation, as JSON; NULL: it has none
    const char *build_log, *guest_stderr; // NULL: not told; lists show neither
};
// Cuts an error that is too long. All is made in `a`. false: its attestation has a number that is too large, or less
// than its parts.
[[nodiscard]] bool report_read(struct report *out, struct arena *a, json_t *j, struct err *e);
// The part of a report that public lists show, under the names that they have there: never its token.
json_t *report_about(const json_t *report);
