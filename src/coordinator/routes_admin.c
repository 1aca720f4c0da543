// SPDX-License-Identifier: Apache-2.0
// What the operator may do, on the listener of his own and with his token: queue an execution again, end it, keep a
// worker from new leases. Each act stands in the log. Context of the handlers is the struct status.
#include "coordinator/routes.h"

#include "base/log.h"
#include "base/text.h"
#include "http/status.h"
#include <inttypes.h>

#define REASON_MAX 300

static json_t *read_body(struct http_request *r, const char *const *keys, struct err *e) {
    json_t *j = json_parse(http_body(r), SMALL_BODY_MAX, e);
    if (j && !json_is_object(j))
        err_set(e, ERR_INVALID, "the body is not a JSON object");
    else if (!j || json_only_keys(j, keys, e))
        return j;
    json_decref(j);
    return NULL;
}

static bool read_key(struct execution_key *key, struct arena *a, const json_t *j, struct err *e) {
    const char *contract;
    if (!json_get_text(j, "contract_id", &contract, e) || !json_get_u64(j, "request_id", &key->request_id, e))
        return false;
    if (key->request_id > INT64_MAX)
        return err_set(e, ERR_INVALID, "field 'request_id' is too large");
    key->contract_id = arena_strdup(a, contract);
    return true;
}

static void tell(struct http_request *r, const struct execution_key *key, enum queue_answer answer, const char *act,
                 const struct err *failure) {
    struct err e;
    log_call(http_id(r));
    log_request_of(key->contract_id, key->request_id);
    if (failure) {
        log_err(LOG_ERROR, act, failure);
        http_reply_err(r, failure);
    } else if (answer == QUEUE_OK) {
        log_warn("%s by the operator", act);
        http_reply_json(r, 200, json_pack("{s:s}", "done", act));
    } else {
        err_set(&e, answer == QUEUE_UNKNOWN ? ERR_NOT_FOUND : ERR_CONFLICT, "%s",
                answer == QUEUE_UNKNOWN ? "this execution is over, or was never here" : "its end is being stored");
        err_hint(&e, "GET /public/jobs?contract_id=…&request_id=… says what is known of it");
        http_reply_err(r, &e);
    }
    log_call(NULL);
    log_request(NULL);
}

// --- requeue, cancel

struct requeueing {
    struct http_request *request;
    struct queue_give_back give;
};

static void requeued(void *ctx, const struct err *e) {
    struct requeueing *x = ctx;
    tell(x->request, &x->give.key, x->give.answer, "queued again", e);
}

void admin_requeue(struct http_request *r, void *status) {
    static const char *const keys[] = {"contract_id", "request_id", NULL};
    struct coordinator *c = status_ctx(status);
    struct requeueing *x = arena_calloc(http_arena(r), 1, sizeof *x);
    struct err e;
    SCOPED_JSON(j) = read_body(r, keys, &e);
    if (!j || !read_key(&x->give.key, http_arena(r), j, &e)) {
        http_reply_err(r, &e);
        return;
    }
    x->request = r;
    x->give.call = (struct queue_call){.done = requeued, .ctx = x};
    queue_give_back(c->queue, &x->give);
}

struct cancelling {
    struct http_request *request;
    struct queue_end end;
};

static void cancelled(void *ctx, const struct err *e) {
    struct cancelling *x = ctx;
    tell(x->request, &x->end.key, x->end.answer, "cancelled", e);
}

void admin_cancel(struct http_request *r, void *status) {
    static const char *const keys[] = {"contract_id", "request_id", "reason", NULL};
    struct coordinator *c = status_ctx(status);
    struct arena *a = http_arena(r);
    struct cancelling *x = arena_calloc(a, 1, sizeof *x);
    const char *reason = "no reason given";
    struct err e;
    SCOPED_JSON(j) = read_body(r, keys, &e);
    if (!j || !read_key(&x->end.key, a, j, &e) || !json_opt_text(j, "reason", &reason, &e)) {
        http_reply_err(r, &e);
        return;
    }
    const char *text = arena_printf(a, "cancelled by the operator: %.*s", (int)text_cut(reason, REASON_MAX), reason);
    SCOPED_JSON(about) = json_object();
    json_set_text(about, "error", text);
    x->request = r;
    x->end.call = (struct queue_call){.done = cancelled, .ctx = x};
    x->end.outcome = "refused";
    x->end.report = json_text(a, about);
    x->end.token_name = "operator";
    queue_end(c->queue, &x->end);
}

// --- the bench

struct benching {
    struct http_request *request;
    struct shared_bench bench;
};

static void set_bench(struct coordinator *c, struct http_request *r, const char *worker, uint64_t seconds,
                      void (*done)(void *ctx, const struct err *e)) {
    struct benching *x = arena_calloc(http_arena(r), 1, sizeof *x);
    *x = (struct benching){r,
                           {.call = {.done = done, .ctx = x},
                            .arena = http_arena(r),
                            .worker = arena_strdup(http_arena(r), worker),
                            .seconds = seconds}};
    shared_bench(c->shared, &x->bench);
}

static void benched(void *ctx, const struct err *e) {
    const struct benching *x = ctx;
    const struct shared_bench *b = &x->bench;
    if (e) {
        http_reply_err(x->request, e);
        return;
    }
    log_warn("worker %s is benched by the operator for %" PRIu64 " s", b->worker, b->seconds);
    http_reply_json(x->request, 200, json_pack("{s:s,s:I}", "worker_id", b->worker, "seconds", (json_int_t)b->seconds));
}

void admin_bench(struct http_request *r, void *status) {
    static const char *const keys[] = {"worker_id", "seconds", NULL};
    const char *worker = "";
    uint64_t seconds = 3600;
    struct err e;
    SCOPED_JSON(j) = read_body(r, keys, &e);
    bool ok = j && json_get_text(j, "worker_id", &worker, &e) && json_opt_u64(j, "seconds", &seconds, &e);
    if (ok && (!worker[0] || strlen(worker) > WORKER_ID_MAX || !seconds || seconds > BENCH_MAX_S))
        ok = err_set(&e, ERR_INVALID, "'worker_id' has 1 to %d characters, 'seconds' is 1 to %u", WORKER_ID_MAX,
                     BENCH_MAX_S);
    if (ok)
        set_bench(status_ctx(status), r, worker, seconds, benched);
    else
        http_reply_err(r, &e);
}

static void unbenched(void *ctx, const struct err *failure) {
    const struct benching *x = ctx;
    struct err e;
    if (failure) {
        http_reply_err(x->request, failure);
    } else if (!x->bench.found) {
        err_set(&e, ERR_NOT_FOUND, "worker '%.128s' is not benched", x->bench.worker);
        err_hint(&e, "GET /admin/bench lists those that are");
        http_reply_err(x->request, &e);
    } else {
        log_warn("worker %s may take leases again, by the operator", x->bench.worker);
        http_reply_empty(x->request, 204);
    }
}

void admin_unbench(struct http_request *r, void *status) {
    set_bench(status_ctx(status), r, http_param(r, "worker_id"), 0, unbenched);
}

void admin_list_bench(struct http_request *r, void *status) {
    struct coordinator *c = status_ctx(status);
    http_reply_json(r, 200, shared_benches(c->shared));
}
