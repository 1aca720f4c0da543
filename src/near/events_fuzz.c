// SPDX-License-Identifier: Apache-2.0
// Logs are written by any contract's caller: what is understood as a request, and written again, is the same request.
// Canary: the seed `requested` reaches a request.
#include "near/events.h"

static bool same(const struct event *a, const struct event *b) {
    const struct event_request *x = &a->request, *y = &b->request;
    return a->request_id == b->request_id && x->payment == y->payment && x->timestamp == y->timestamp &&
           x->max_instructions == y->max_instructions && x->max_memory_mb == y->max_memory_mb &&
           x->max_execution_seconds == y->max_execution_seconds && hash_eq(&x->data_id, &y->data_id) &&
           !strcmp(x->sender_id, y->sender_id) && !strcmp(x->repo, y->repo) && !strcmp(x->commit, y->commit) &&
           !strcmp(x->build_target, y->build_target) && !strcmp(x->input_data, y->input_data) &&
           !strcmp(x->response_format, y->response_format) && !x->secrets_ref == !y->secrets_ref;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    SCOPED_ARENA(a);
    struct event first, second;
    struct err e;
    if (!event_parse(a, slice_of(data, size), &first, &e) || first.kind != EVENT_REQUESTED)
        return 0;
    const char *text = event_request_text(a, first.request_id, &first.request);
    if (strlen(text) > EVENT_LOG_MAX)
        return 0; // escaping made it longer than a log can be
    BUG_ON(!event_parse(a, slice_str(text), &second, &e) || second.kind != EVENT_REQUESTED || !same(&first, &second));
    return 0;
}
