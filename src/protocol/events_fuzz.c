// SPDX-License-Identifier: Apache-2.0
// Logs are written by any contract's caller: what is understood as a request, and written again, is the same request.
// Canary: the seed `requested` reaches a request.
#include "protocol/events.h"

static bool same_text(const char *a, const char *b) { return a && b ? !strcmp(a, b) : a == b; }

static bool same(const struct event *a, const struct event *b) {
    const struct request_terms *x = &a->request.terms, *y = &b->request.terms;
    return a->request_id == b->request_id && x->payment == y->payment && x->timestamp_ns == y->timestamp_ns &&
           x->limits.max_instructions == y->limits.max_instructions &&
           x->limits.max_memory_mb == y->limits.max_memory_mb &&
           x->limits.max_execution_seconds == y->limits.max_execution_seconds && x->format == y->format &&
           hash_eq(&a->request.data_id, &b->request.data_id) && same_text(x->sender_id, y->sender_id) &&
           same_text(x->repo, y->repo) && same_text(x->commit, y->commit) &&
           same_text(x->build_target, y->build_target) && slice_eq(a->request.input, b->request.input) &&
           same_text(x->secrets.profile, y->secrets.profile) && same_text(x->secrets.account_id, y->secrets.account_id);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    SCOPED_ARENA(a);
    struct event first, second;
    struct err e;
    if (!event_parse(&first, a, slice_of(data, size), &e) || first.kind != EVENT_REQUESTED)
        return 0;
    const char *text = event_request_text(a, first.request_id, &first.request);
    if (strlen(text) > EVENT_LOG_MAX)
        return 0; // escaping made it longer than a log can be
    BUG_ON(!event_parse(&second, a, slice_str(text), &e) || second.kind != EVENT_REQUESTED || !same(&first, &second));
    return 0;
}
