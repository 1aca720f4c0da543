// SPDX-License-Identifier: Apache-2.0
#include "worker/event_lookup.h"

struct search {
    struct arena *arena;
    uint64_t request_id;
    enum event_lookup found;
    struct event event;
    struct err why;
};

static bool take(void *ctx, const char *log) {
    struct search *s = ctx;
    bool good = event_parse(&s->event, s->arena, slice_str(log), &s->why);
    if (s->event.kind != EVENT_REQUESTED || !s->event.has_request_id || s->event.request_id != s->request_id)
        return false;
    s->found = good ? LOOKUP_READ : LOOKUP_UNREADABLE;
    return true;
}

bool event_lookup(enum event_lookup *found, struct event *out, const char **why, struct rpc *rpc, struct arena *a,
                  const struct task *t, struct err *e) {
    SCOPED_JSON(outcome) = NULL;
    struct search s = {.arena = a, .request_id = t->request_id, .found = LOOKUP_NOT_FOUND};
    *found = s.found;
    if (!t->context.transaction_hash || !t->context.signer_id)
        return true;
    if (!rpc_tx(rpc, a, t->context.transaction_hash, t->context.signer_id, "NONE", 0, &outcome, e))
        return e->code == ERR_NOT_FOUND;
    if (!event_find(outcome, t->contract_id, take, &s))
        return true;
    *found = s.found;
    *out = s.event;
    *why = arena_strdup(a, s.why.msg);
    return true;
}
