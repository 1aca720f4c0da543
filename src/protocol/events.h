// SPDX-License-Identifier: Apache-2.0
// The contract's events as they stand in a receipt's logs: NEP-297, standard "near-outlayer", version 1.x. Strict about
// what is needed, indifferent to fields that later versions add.
#pragma once
#include "protocol/request.h"

#define EVENT_LOG_MAX 65536 // a receipt's logs have 16 kB together

enum event_kind {
    EVENT_OTHER, // not an event of ours
    EVENT_REQUESTED,
    EVENT_COMPLETED,
};
struct event_request { // execution_requested; texts in the arena
    struct request_terms terms;
    struct slice input;
    struct hash data_id;
};
struct event {
    enum event_kind kind;
    bool has_request_id; // also where the rest is malformed; the first form's ends have none
    uint64_t request_id;
    struct event_request request;
    const char *text; // EVENT_COMPLETED: the whole event as JSON
};
// false: an event of ours that cannot be understood; *e says why.
[[nodiscard]] bool event_parse(struct event *out, struct arena *a, struct slice log, struct err *e);
// Hands the logs of an outcome (of a transaction, as RPC servers give it) to `take` until it returns true: those that
// the contract wrote in receipts which succeeded; others did not happen. false: it took none.
bool event_find(const json_t *outcome, const char *contract_id, bool (*take)(void *ctx, const char *log), void *ctx);
// The data object of the first event of this name that the contract wrote; of this request, where one is given. NULL:
// there is none. The caller releases it.
json_t *event_find_named(const json_t *outcome, const char *contract_id, const char *name, const uint64_t *request_id);
// Sets the request's terms and its input_data, as the event and the coordinator have them.
void event_request_put(json_t *o, const struct event_request *r);
// The log line of an execution_requested.
const char *event_request_text(struct arena *a, uint64_t request_id, const struct event_request *r);
