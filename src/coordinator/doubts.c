// SPDX-License-Identifier: Apache-2.0
// Where one worker's word stands against another's, or against what is stored, the chain decides: get_request at
// `final`. What differs from it is refused, what agrees takes the place of what does not. While it cannot be asked
// nobody is believed: the answer is 503, and a worker that doubts its lease leaves it to others.
#include "coordinator/api.h"
#include "coordinator/routes.h"

#include "base/log.h"
#include "base/text.h"
#include <inttypes.h>

// --- comparing

static json_t *parse(const char *task) { return json_parse_big(slice_str(task), TASK_BODY_MAX * 2, NULL); }

#define DEADLINE "\"dead_at_ms\":"

// How long the text is up to the number of its own deadline, not of an inner object's; or all of it.
static size_t before_deadline(const char *task) {
    const char *at = task;
    bool quoted = false;
    for (int depth = 0; *at; at++) {
        if (*at == '"' && !quoted && depth == 1 && strncmp(at, DEADLINE, strlen(DEADLINE)) == 0)
            return (size_t)(at - task) + strlen(DEADLINE);
        if (*at == '"')
            quoted = !quoted;
        else if (*at == '\\' && quoted && at[1])
            at++;
        else if (!quoted)
            depth += *at == '{' || *at == '[' ? 1 : *at == '}' || *at == ']' ? -1 : 0;
    }
    return (size_t)(at - task);
}

// What almost all workers post: the same text but for its deadline, which each reckons for itself.
static bool is_same_text(const char *a, const char *b) {
    size_t n = before_deadline(a), m = before_deadline(b);
    if (n != m || memcmp(a, b, n) != 0)
        return false;
    return strcmp(a + n + strspn(a + n, "0123456789"), b + n + strspn(b + n, "0123456789")) == 0;
}

bool task_is_same(const char *a, const char *b) {
    if (is_same_text(a, b))
        return true;
    SCOPED_JSON(x) = parse(a);
    SCOPED_JSON(y) = parse(b);
    (void)json_object_del(x, "dead_at_ms"); // each reckons that for itself
    (void)json_object_del(y, "dead_at_ms");
    return x && y && json_equal(x, y);
}

// What the task says of where it came from; 0: nothing.
static uint64_t context_number(const json_t *task, const char *name) {
    uint64_t n = 0;
    (void)!json_opt_u64(json_object_get(task, "context"), name, &n, NULL);
    return n;
}

// What a stored or posted task is against the chain's request.
struct verdict {
    bool comparable;   // false: its event could not be read, or the chain's request cannot
    const char *field; // where it differs; NULL: nowhere
    bool right_block;  // its context names the moment of the chain's request
};

static struct verdict judge(struct arena *a, const char *task, const struct chain_request *chain) {
    struct verdict v = {0};
    struct request_task t;
    struct err e;
    SCOPED_JSON(j) = parse(task);
    if (!j || api_text(j, "refused") || chain->unreadable)
        return v;
    v.comparable = true;
    if (!request_task_read(&t, a, j, &e)) {
        v.field = arena_strdup(a, e.msg);
        return v;
    }
    v.field = request_mismatch(&t, chain);
    v.right_block = context_number(j, "block_timestamp") == chain->timestamp_ns;
    return v;
}

static void ask(struct coordinator *c, struct http_request *r, struct truth_call *t, const struct execution_key *key,
                const char *task) {
    SCOPED_JSON(j) = parse(task);
    t->arena = http_arena(r);
    t->contract_id = key->contract_id;
    t->request_id = key->request_id;
    t->at_least = context_number(j, "block_height");
    t->asker = coordinator_token_name(r); // the connection, with its token, may be gone by now
    truth_ask(c->truth, t);
}

static void reply_unknown(struct http_request *r, const struct truth_call *t, const char *what) {
    struct err e = t->why;
    e.code = ERR_UNAVAILABLE;
    err_wrap(&e, "%s, and what the chain says of it is not known now", what);
    http_reply_err(r, &e);
}

// --- a create that differs from what is stored

struct doubted_create {
    struct coordinator *c;
    struct http_request *request;
    const struct queue_create *create;
    struct truth_call truth;
    struct queue_replace replace;
};

static void reply_known(struct http_request *r, const struct execution_key *key, bool replaced) {
    json_t *answer = json_pack("{s:I, s:b}", "request_id", (json_int_t)key->request_id, "created", 0);
    if (replaced)
        json_object_set_new(answer, "replaced", json_true());
    http_reply_json(r, 200, answer);
}

static void replaced(void *ctx, const struct err *e) {
    struct doubted_create *x = ctx;
    struct err later;
    if (!e && x->replace.replaced) {
        log_warn("what was recorded of request %" PRIu64
                 " of %s differed from the chain, and was replaced by what the token '%s' told",
                 x->replace.key.request_id, x->replace.key.contract_id, x->replace.token_name);
        reply_known(x->request, &x->replace.key, true);
        return;
    }
    if (e) {
        task_reply_later(x->request, e, "what differs from the chain could not be replaced");
        return;
    }
    err_set(&later, ERR_UNAVAILABLE, "the execution has changed meanwhile");
    err_hint(&later, "try again in a moment");
    http_reply_err(x->request, &later);
}

static void replace(struct doubted_create *x) {
    const struct queue_create *n = x->create;
    x->replace = (struct queue_replace){.call = {.done = replaced, .ctx = x},
                                        .key = n->key,
                                        .was = n->known,
                                        .token_name = n->token_name,
                                        .transaction_hash = n->transaction_hash,
                                        .build_target = n->build_target,
                                        .payer = n->payer,
                                        .source = n->source,
                                        .dead_at_ms = n->dead_at_ms,
                                        .json = n->json,
                                        .about = n->about};
    queue_replace(x->c->queue, &x->replace);
}

static void judge_create(struct doubted_create *x) {
    struct arena *a = http_arena(x->request);
    const struct chain_request *chain = &x->truth.request;
    struct verdict posted = judge(a, x->create->json, chain), stored = judge(a, x->create->known, chain);
    struct err e;
    if (posted.field) {
        err_set(&e, ERR_INVALID, "the task differs from the request on chain: %s", posted.field);
        err_hint(&e, "do NEAR_RPC_URL and NEARDATA_API_URL of the worker belong to this coordinator's network?");
        log_err(LOG_WARN, "a create is refused", &e);
        http_reply_err(x->request, &e);
        return;
    }
    bool stored_false = !stored.comparable || stored.field || (posted.right_block && !stored.right_block);
    if (posted.comparable && stored_false && !chain->answered)
        replace(x);
    else
        reply_known(x->request, &x->create->key, false);
}

static void create_heard(void *ctx) {
    struct doubted_create *x = ctx;
    switch (x->truth.said) {
    case TRUTH_OPEN: judge_create(x); return;
    case TRUTH_NONE: reply_known(x->request, &x->create->key, false); return; // whichever is true: it is over
    case TRUTH_UNKNOWN: reply_unknown(x->request, &x->truth, "the task differs from the one that is recorded"); return;
    }
}

void doubt_create(struct coordinator *c, struct http_request *r, const struct queue_create *create) {
    struct doubted_create *x = arena_calloc(http_arena(r), 1, sizeof *x);
    *x = (struct doubted_create){.c = c, .request = r, .create = create};
    x->truth.done = create_heard;
    x->truth.ctx = x;
    ask(c, r, &x->truth, &create->key, create->json);
}

// --- a lease whose worker says that there is no such request

struct doubted_lease {
    struct coordinator *c;
    struct http_request *request;
    const struct report *report;
    const char *about, *reason; // about NULL: the lease differs
    struct queue_look look;
    struct truth_call truth;
    struct queue_give_back give;
};

static void end_it(struct doubted_lease *x, const char *why) {
    SCOPED_JSON(about) = json_pack("{s:s%}", "error", why, text_cut(why, REPORT_ERROR_MAX));
    task_end(x->c, x->request, x->report, x->about ? x->about : json_text(http_arena(x->request), about));
}

static void given_back(void *ctx, const struct err *e) {
    struct doubted_lease *x = ctx;
    if (e) {
        task_reply_later(x->request, e, "a lease that is in doubt could not be given back");
    } else if (x->give.answer != QUEUE_OK) {
        task_reply_lost(x->request, x->give.answer);
    } else if (x->truth.said == TRUTH_UNKNOWN) {
        reply_unknown(x->request, &x->truth, "the execution was left to other workers");
    } else {
        http_reply_json(x->request, 200, json_pack("{s:b, s:b}", "retried", 1, "benched", 1));
    }
}

static void bench(struct doubted_lease *x) {
    x->give = (struct queue_give_back){.call = {.done = given_back, .ctx = x},
                                       .key = x->report->claim.key,
                                       .token = x->report->claim.token,
                                       .reason = x->reason,
                                       .bench = true};
    queue_give_back(x->c->queue, &x->give);
}

static void lease_heard(void *ctx) {
    struct doubted_lease *x = ctx;
    struct arena *a = http_arena(x->request);
    if (x->truth.said == TRUTH_NONE) {
        end_it(x, arena_printf(a, "the request is not open on chain: %s", x->reason));
        return;
    }
    if (x->about && x->truth.said == TRUTH_OPEN && x->truth.request.answered) {
        end_it(x, x->reason);
        return;
    }
    struct verdict v = {0};
    if (x->truth.said == TRUTH_OPEN)
        v = judge(a, x->look.json, &x->truth.request);
    if (v.field) {
        end_it(x, arena_printf(a, "what was recorded differs from the request on chain: %s", v.field));
        return;
    }
    if (x->truth.said == TRUTH_OPEN)
        log_warn("a worker refuses request %" PRIu64
                 " of %s, which is as the chain has it; is its setting right? %.300s",
                 x->report->claim.key.request_id, x->report->claim.key.contract_id, x->reason);
    bench(x);
}

static void looked(void *ctx, const struct err *e) {
    struct doubted_lease *x = ctx;
    if (e) {
        task_reply_later(x->request, e, "a lease that is in doubt could not be looked up");
    } else if (x->look.answer == QUEUE_OK) {
        ask(x->c, x->request, &x->truth, &x->report->claim.key, x->look.json);
    } else {
        end_it(x, x->reason); // which tells whoever does not hold it, or repeats what it said
    }
}

void doubt_lease(struct coordinator *c, struct http_request *r, const struct report *report, const char *about,
                 const char *reason) {
    struct doubted_lease *x = arena_calloc(http_arena(r), 1, sizeof *x);
    *x = (struct doubted_lease){
        .c = c, .request = r, .report = report, .about = about, .reason = arena_strdup(http_arena(r), reason)};
    x->truth.done = lease_heard;
    x->truth.ctx = x;
    x->look = (struct queue_look){.call = {.done = looked, .ctx = x},
                                  .key = report->claim.key,
                                  .token = report->claim.token,
                                  .arena = http_arena(r)};
    queue_look(c->queue, &x->look);
}
