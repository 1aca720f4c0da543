// SPDX-License-Identifier: Apache-2.0
// /tasks/…: executions come, are handed out, and end. Answers that promise something are given after the commit.
#include "coordinator/api.h"
#include "coordinator/routes.h"

#include "base/log.h"
#include "base/text.h"
#include "coordinator/execution_logs.h"
#include "near/types.h"
#include "protocol/source_mark.h"
#include <inttypes.h>

// Says to the log which request this thread is about: it may be another one than the server's, which knows by itself.
static void log_key(struct http_request *r, const struct execution_key *k) {
    log_call(http_id(r));
    log_request_of(k->contract_id, k->request_id);
}

static void log_nothing(void) {
    log_call(NULL);
    log_request(NULL);
}

// What the database cannot take now, it may take later: the client tries again.
static struct err not_stored(const struct err *e) {
    struct err out = *e;
    if (e->code == ERR_IN_DOUBT) {
        err_set(&out, ERR_UNAVAILABLE, "it is not known whether it was stored");
        err_hint(&out, "try again in a moment: doing it once more is safe");
    } else if (e->code != ERR_UNAVAILABLE) {
        err_set(&out, ERR_UNAVAILABLE, "it could not be stored");
        err_hint(&out, "try again in a moment: doing it once more is safe");
    }
    return out;
}

static void reply_error(struct http_request *r, const struct err *e) {
    http_reply_err(r, e);
    log_nothing();
}

void task_reply_later(struct http_request *r, const struct err *e, const char *what) {
    struct err later = not_stored(e);
    log_err(LOG_ERROR, what, e);
    reply_error(r, &later);
}

// --- create ------------------------------------------------------------------------------------------------------

struct creation {
    struct coordinator *c;
    struct http_request *request;
    struct queue_create create; // texts in the request's arena
    const char *refused;
};

static void created(void *ctx, const struct err *e) {
    struct creation *x = ctx;
    log_key(x->request, &x->create.key);
    if (e) {
        task_reply_later(x->request, e, "a request could not be stored");
        return;
    }
    const char *token = x->create.token_name;
    if (x->create.created)
        log_info("request of %s recorded%s%s%s%.300s", x->create.key.contract_id, token[0] ? ", told by token " : "",
                 token, x->refused ? ", whose event a worker could not read: " : "", x->refused ? x->refused : "");
    if (!x->create.created && !task_is_same(x->create.json, x->create.known)) {
        doubt_create(x->c, x->request, &x->create);
        log_nothing();
        return;
    }
    json_t *answer =
        json_pack("{s:I, s:b}", "request_id", (json_int_t)x->create.key.request_id, "created", x->create.created);
    http_reply_json(x->request, x->create.created ? 201 : 200, answer);
    log_nothing();
}

static const char *copy(struct arena *a, const char *text) { return text ? arena_strdup(a, text) : NULL; }

// A coordinator works for one network: whoever means another one is told so, and nothing of it is taken or given.
static bool check_network(const struct coordinator *c, struct http_request *r, struct err *e) {
    const char *named = http_query(r, "network");
    if (!named || !c->network || strcmp(named, c->network) == 0)
        return true;
    err_set(e, ERR_INVALID, "this coordinator works for the network '%s', not '%.40s'", c->network, named);
    return err_hint(e, "set OUTLAYER_NETWORK to '%s', or API_BASE_URL to the other network's coordinator", c->network);
}

// What could not be read is queued, too: somebody has paid for it, and a worker looks for itself and answers.
void tasks_create(struct http_request *r, void *ctx) {
    struct coordinator *c = ctx;
    struct arena *a = http_arena(r);
    struct posted_task task;
    struct err e;
    SCOPED_JSON(j) = http_take_json(r);
    if (!check_network(c, r, &e) || !queue_has_room(c->queue, coordinator_token_name(r), &e)) {
        reply_error(r, &e);
        return;
    }
    task_read(&task, j);
    SCOPED_JSON(about) = task_about(&task, j);
    struct creation *x = arena_calloc(a, 1, sizeof *x);
    x->c = c;
    x->request = r;
    x->refused = copy(a, task.refused);
    x->create = (struct queue_create){.call = {.done = created, .ctx = x},
                                      .key = {arena_strdup(a, task.key.contract_id), task.key.request_id},
                                      .token_name = coordinator_token_name(r),
                                      .transaction_hash = copy(a, task.transaction_hash),
                                      .build_target = arena_strdup(a, task.build_target),
                                      .payer = arena_strdup(a, task.payer),
                                      .source = task.source,
                                      .dead_at_ms = task.dead_at_ms,
                                      .json = json_text(a, j),
                                      .about = json_text(a, about),
                                      .arena = a};
    queue_create(c->queue, &x->create);
}

// --- poll, heartbeat ---------------------------------------------------------------------------------------------

struct polling {
    struct coordinator *coordinator;
    struct http_request *request;
    struct queue_poll poll;
};

static bool is_gone(void *ctx) {
    struct polling *x = ctx;
    uint64_t left_s;
    return http_hung_up(x->request) || shared_is_benched(x->coordinator->shared, x->poll.worker_id, &left_s);
}

static bool may_poll(struct coordinator *c, struct http_request *r, const char *worker, struct err *e) {
    uint64_t left_s = 5;
    bool draining = atomic_load(&c->draining);
    if (!draining && (!worker || !shared_is_benched(c->shared, worker, &left_s)))
        return true;
    http_add_header(r, "Retry-After", arena_printf(http_arena(r), "%" PRIu64, left_s));
    if (!draining) {
        err_set(e, ERR_UNAVAILABLE, "the operator keeps this worker from new leases");
        return err_hint(e, "it may have some in %" PRIu64 " s, or when the operator ends that", left_s);
    }
    err_set(e, ERR_UNAVAILABLE, "this coordinator drains");
    return err_hint(e, "it gives out no more leases; ask another one, or this one when it is back");
}

static void polled(void *ctx, const struct err *e) {
    struct polling *x = ctx;
    const struct queue_poll *p = &x->poll;
    if (e)
        task_reply_later(x->request, e, "a poll could not be served");
    else if (!p->leased)
        http_reply_empty(x->request, 204);
    else
        http_reply(x->request, 200, "application/json",
                   slice_str(arena_printf(p->arena,
                                          "{\"task\":%s,\"lease\":{\"token\":\"%s\",\"expires_in_ms\":%d,"
                                          "\"confirm_within_ms\":%d},\"attempt\":%u,\"handed\":%u%s}",
                                          p->json, p->token, LEASE_MS, LEASE_CONFIRM_MS, p->attempt, p->handed,
                                          p->hopeless   ? ",\"too_late\":true,\"hopeless\":true"
                                          : p->too_late ? ",\"too_late\":true"
                                                        : "")));
}

// Whose executions a poll is for: the contract that it names, or the one that the coordinator has a setting for. "":
// any.
static const char *contract_of(const struct coordinator *c, struct http_request *r, struct err *e) {
    const char *named = http_query(r, "contract_id");
    if (!named)
        return c->contract_id ? c->contract_id : "";
    if (account_id_valid(slice_str(named)))
        return named;
    err_set(e, ERR_INVALID, "contract_id is not a NEAR account: '%.80s'", named);
    return NULL;
}

// What a worker does, as it says among its capabilities; the other words are build targets. One that says neither does
// both, and one that names no target builds and runs all.
static void read_capabilities(struct queue_poll *p, const char *list) {
    bool builds = false, runs = false;
    char *targets = arena_alloc(p->arena, list ? strlen(list) + 2 : 1), *end = targets;
    for (const char *at = list; at && *at;) {
        size_t n = strcspn(at, ",");
        struct slice word = slice_of(at, n);
        bool build = slice_eq(word, slice_str("compilation")), run = slice_eq(word, slice_str("execution"));
        builds |= build;
        runs |= run;
        if (!build && !run && n) {
            memcpy(end, at, n);
            end[n] = ',';
            end += n + 1;
        }
        at += n + (at[n] == ',');
    }
    *end = 0;
    p->cannot[QUEUE_BUILD] = runs && !builds;
    p->cannot[QUEUE_RUN] = builds && !runs;
    p->capabilities = targets[0] ? targets : builds || runs ? NULL : list;
}

_Static_assert(SOURCE_MARKS_MAX <= AT_HAND_MAX, "the queue takes as many as a poll may name");

void tasks_poll(struct http_request *r, void *ctx) {
    struct coordinator *c = ctx;
    struct err e;
    uint64_t timeout = 0;
    const char *text = http_query(r, "timeout"), *worker = http_query(r, "worker_id"), *contract;
    uint64_t *at_hand = arena_alloc(http_arena(r), AT_HAND_MAX * sizeof *at_hand);
    size_t at_hand_count;
    if (text && !text_u64(slice_str(text), &timeout))
        timeout = text[0] == '-' ? 0 : QUEUE_POLL_MAX_S; // any value is taken
    bool ok = !worker || strlen(worker) <= WORKER_ID_MAX ||
              err_set(&e, ERR_INVALID, "worker_id is longer than %d characters", WORKER_ID_MAX);
    ok = ok && source_marks_parse(at_hand, &at_hand_count, http_query(r, "at_hand"), &e);
    if (!ok || !coordinator_worker_id(r, &worker, &e) || !may_poll(c, r, worker, &e) || !check_network(c, r, &e) ||
        !(contract = contract_of(c, r, &e))) {
        reply_error(r, &e);
        return;
    }
    struct polling *x = arena_calloc(http_arena(r), 1, sizeof *x);
    x->coordinator = c;
    x->request = r;
    x->poll = (struct queue_poll){.call = {.done = polled, .ctx = x},
                                  .arena = http_arena(r),
                                  .worker_id = worker ? worker : "",
                                  .token_name = coordinator_token_name(r),
                                  .contract_id = contract[0] ? contract : NULL,
                                  .at_hand = at_hand,
                                  .at_hand_count = at_hand_count,
                                  .wait_s = timeout,
                                  .gone = is_gone};
    read_capabilities(&x->poll, http_query(r, "capabilities"));
    queue_poll(c->queue, &x->poll);
}

void task_reply_lost(struct http_request *r, enum queue_answer answer) {
    struct err e;
    if (answer == QUEUE_UNKNOWN)
        err_set(&e, ERR_LEASE_LOST, "this execution is over, or was never here");
    else
        err_set(&e, ERR_LEASE_LOST, "this token does not hold the execution, or not any more");
    err_hint(&e, "drop it: the report changed nothing");
    reply_error(r, &e);
}

static enum execution_event event_of(const char *stage) {
    return !stage || !strcmp(stage, "leased") ? EXECUTION_EVENT_COUNT // only that the worker lives
           : !strcmp(stage, "building")       ? EXECUTION_EVENT_BUILD
           : !strcmp(stage, "running")        ? EXECUTION_EVENT_RUN
                                              : EXECUTION_EVENT_SUBMIT;
}

struct beating {
    struct http_request *request;
    struct queue_beat beat;
};

static void beaten(void *ctx, const struct err *e) {
    struct beating *x = ctx;
    if (e)
        task_reply_later(x->request, e, "a heartbeat could not be taken");
    else if (x->beat.answer != QUEUE_OK)
        task_reply_lost(x->request, x->beat.answer);
    else
        http_reply_json(x->request, 200, json_pack("{s:I}", "expires_in_ms", (json_int_t)x->beat.expires_in_ms));
}

void tasks_heartbeat(struct http_request *r, void *ctx) {
    struct coordinator *c = ctx;
    SCOPED_JSON(j) = http_take_json(r);
    struct claim claim = claim_of(http_arena(r), j);
    struct beating *x = arena_calloc(http_arena(r), 1, sizeof *x);
    x->request = r;
    x->beat = (struct queue_beat){.call = {.done = beaten, .ctx = x},
                                  .key = claim.key,
                                  .token = claim.token,
                                  .event = event_of(api_text(j, "stage")),
                                  .dead_at_ms = api_u64(j, "dead_at_ms", 0)};
    queue_beat(c->queue, &x->beat);
}

// --- ends --------------------------------------------------------------------------------------------------------

struct ending {
    struct coordinator *c;
    struct http_request *request;
    struct queue_end end;
    struct execution_logs logs;
};

// They promise nothing: an end is told as such, whatever became of what was said.
static void logs_stored(void *ctx, bool ok, const struct err *e) {
    struct ending *x = ctx;
    log_key(x->request, &x->end.key);
    if (!ok)
        log_err(LOG_WARN, "what a build or a guest said could not be stored", e);
    http_reply_json(x->request, 200, json_pack("{s:b}", "changed", x->end.changed));
    log_nothing();
}

// The same report again may be of one whose logs were not stored.
static void store_logs(struct ending *x) {
    struct err e;
    bool some = x->logs.build_log || x->logs.guest_stderr;
    if (!some || !execution_logs_store(x->c->writer, &x->logs, logs_stored, x, &e))
        logs_stored(x, !some, &e);
}

static void ended(void *ctx, const struct err *e) {
    struct ending *x = ctx;
    log_key(x->request, &x->end.key);
    if (e) {
        task_reply_later(x->request, e, "an end could not be stored");
        return;
    }
    if (x->end.changed)
        log_info("request ended: %s, told by token %s", x->end.outcome, x->end.token_name);
    if (x->end.answer == QUEUE_OK)
        store_logs(x);
    else
        task_reply_lost(x->request, x->end.answer);
    log_nothing();
}

void task_end(struct coordinator *c, struct http_request *r, const struct report *report, const char *about) {
    struct ending *x = arena_calloc(http_arena(r), 1, sizeof *x);
    x->c = c;
    x->request = r;
    x->logs = (struct execution_logs){report->claim.key, report->build_log, report->guest_stderr};
    x->end = (struct queue_end){.call = {.done = ended, .ctx = x},
                                .key = report->claim.key,
                                .token = report->claim.token,
                                .token_name = coordinator_token_name(r),
                                .outcome = report->outcome,
                                .report = about,
                                .evidence = report->evidence,
                                .instructions = report->instructions};
    queue_end(c->queue, &x->end);
}

// That a request ended without an answer of the worker's own is its word alone.
static bool is_hearsay(const struct report *report, const json_t *j) {
    return strcmp(report->outcome, "expired") == 0 && !api_text(j, "resolve_transaction");
}

void tasks_complete(struct http_request *r, void *ctx) {
    struct coordinator *c = ctx;
    struct arena *a = http_arena(r);
    struct report *report = arena_alloc(a, sizeof *report);
    struct err e;
    SCOPED_JSON(j) = http_take_json(r);
    if (!report_read(report, a, j, &e)) {
        reply_error(r, &e);
        return;
    }
    SCOPED_JSON(about) = report_about(j);
    if (is_hearsay(report, j) && truth_can_ask(c->truth))
        doubt_lease(c, r, report, json_text(a, about), "the worker says that the request has ended");
    else
        task_end(c, r, report, json_text(a, about));
}

struct giving {
    struct http_request *request;
    struct queue_give_back give;
};

static void given_back(void *ctx, const struct err *e) {
    struct giving *x = ctx;
    if (e)
        task_reply_later(x->request, e, "a lease could not be given back");
    else if (x->give.answer != QUEUE_OK)
        task_reply_lost(x->request, x->give.answer);
    else
        http_reply_json(x->request, 200, json_pack("{s:b}", "retried", 1));
}

// next QUEUE_STEP_COUNT: whatever it was.
static void give_back(struct coordinator *c, struct http_request *r, const struct claim *claim, enum queue_step next,
                      const char *reason) {
    struct giving *x = arena_calloc(http_arena(r), 1, sizeof *x);
    x->request = r;
    x->give = (struct queue_give_back){.call = {.done = given_back, .ctx = x},
                                       .key = claim->key,
                                       .token = claim->token,
                                       .reason = arena_strdup(http_arena(r), reason),
                                       .hand = next != QUEUE_STEP_COUNT,
                                       .step = next};
    queue_give_back(c->queue, &x->give);
}

void tasks_fail(struct http_request *r, void *ctx) {
    SCOPED_JSON(j) = http_take_json(r);
    const char *reason = api_text(j, "reason");
    struct report *own = arena_alloc(http_arena(r), sizeof *own);
    *own = (struct report){.claim = claim_of(http_arena(r), j), .outcome = "refused"};
    log_key(r, &own->claim.key);
    log_warn("a worker gave it back: %.300s", reason);
    if (!json_is_false(json_object_get(j, "retry")))
        give_back(ctx, r, &own->claim, QUEUE_STEP_COUNT, reason);
    else
        doubt_lease(ctx, r, own, NULL, reason);
    log_nothing();
}

// A worker has done its part, and the next one is for those who do that.
void tasks_hand_over(struct http_request *r, void *ctx) {
    SCOPED_JSON(j) = http_take_json(r);
    const char *reason = api_text(j, "reason"), *next = api_text(j, "next");
    struct claim claim = claim_of(http_arena(r), j);
    log_key(r, &claim.key);
    log_info("a worker hands it over to those who %s: %.300s", next, reason);
    give_back(ctx, r, &claim, strcmp(next, "build") == 0 ? QUEUE_BUILD : QUEUE_RUN, reason);
    log_nothing();
}
