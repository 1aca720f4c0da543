// SPDX-License-Identifier: Apache-2.0
// What a worker is asked to do, from its two sources: the lease that the coordinator hands out, and the request as the
// contract shows it. Nothing runs before both agree: the coordinator is not trusted with what is executed for whom.
#pragma once
#include "protocol/events.h"

#define TASK_NUMBER_MAX ((uint64_t)INT64_MAX) // the largest number that is handed on as a JSON number

// Where the request came from on chain, as the coordinator tells it. It goes into the guest's environment and helps to
// find things; nothing is decided by it. A member that is NULL, or whose `has_…` is false, was not told.
struct task_context {
    bool has_height, has_timestamp, has_gas;
    uint64_t block_height, block_timestamp, gas_burnt;
    const char *transaction_hash, *receipt_id, *predecessor_id, *signer_id, *signer_public_key;
};

// All texts are in the arena that it was parsed into.
struct task {
    const char *contract_id;
    uint64_t request_id;
    struct hash data_id;
    const char *sender_id, *payer_id; // payer NULL: the sender
    const char *repo, *ref, *target;  // target: the default where the request names none
    struct request_limits limits;
    struct slice input;
    struct secrets_ref secrets;
    enum response_format format;
    u128 payment;
    struct task_context context;
    bool first_form;    // as the contract shows the request: worker/first_form.h
    const char *unread; // NULL; else why there is nothing but contract_id, request_id and context
};

struct lease {
    struct task task;
    const char *token;
    uint64_t expires_in_ms, confirm_within_ms, attempt;
    uint64_t handed; // between those who build and those who run; odd: to those who build
    bool too_late;   // nobody began it in time: it is only answered
    bool hopeless;   // too_late since too many wait before it, though its time on chain is not over
};

// The answer of /tasks/poll. ERR_INVALID names the field that is missing or malformed; token, attempt and the task's
// contract_id, request_id and context are set as far as they could be read. So it is with a task of which the
// coordinator itself says, in `refused`, that a worker could not read its event.
[[nodiscard]] bool lease_parse(struct lease *out, struct arena *a, const json_t *answer, struct err *e);

// What the request's event says.
void task_take_event(struct task *t, const struct event_request *r);
// Sender and source alone, as far as they are known: of an event that could not be read to its end.
void task_take_names(struct task *t, const struct request_terms *r);

// The first field in which they differ, NULL when they are the same request.
const char *task_mismatch(const struct task *t, const struct chain_request *c);
