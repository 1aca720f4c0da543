// SPDX-License-Identifier: Apache-2.0
// What the operator may do, on the listener of his own and with his token: queue an execution again, end it, keep a
// worker from new leases. Each act stands in the log. Context of the handlers is the struct status.
#include "coordinator/routes.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "http/status.h"
#include <inttypes.h>

#define BENCH_MAX_S (30u * 86400)
#define REASON_MAX 300

static json_t *read_body(struct http_request *r, const char *const *keys, struct err *e) {
    json_t *j = task_body(r, SMALL_BODY_MAX, e);
    if (!j || json_only_keys(j, keys, e))
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

static void forget_over(struct coordinator *c, uint64_t now) {
    for (size_t i = c->bench_count; i-- > 0;)
        if (c->bench[i].until_ms <= now)
            c->bench[i] = c->bench[--c->bench_count];
}

static struct benched *find(struct coordinator *c, const char *worker_id) {
    for (size_t i = 0; i < c->bench_count; i++)
        if (strcmp(c->bench[i].worker_id, worker_id) == 0)
            return &c->bench[i];
    return NULL;
}

uint64_t coordinator_benched(struct coordinator *c) {
    pthread_mutex_lock(&c->bench_mutex);
    forget_over(c, clock_mono_ms());
    uint64_t n = c->bench_count;
    pthread_mutex_unlock(&c->bench_mutex);
    return n;
}

bool coordinator_is_benched(struct coordinator *c, const char *worker_id, uint64_t *left_s) {
    pthread_mutex_lock(&c->bench_mutex);
    uint64_t now = clock_mono_ms();
    forget_over(c, now);
    const struct benched *b = find(c, worker_id);
    *left_s = b ? (b->until_ms - now) / 1000 + 1 : 0;
    pthread_mutex_unlock(&c->bench_mutex);
    return b;
}

static bool add(struct coordinator *c, const char *worker_id, uint64_t seconds, struct err *e) {
    pthread_mutex_lock(&c->bench_mutex);
    uint64_t now = clock_mono_ms();
    forget_over(c, now);
    struct benched *b = find(c, worker_id);
    if (!b && c->bench_count < BENCHED_MAX) {
        b = &c->bench[c->bench_count++];
        snprintf(b->worker_id, sizeof b->worker_id, "%s", worker_id);
    }
    if (b)
        b->until_ms = now + seconds * 1000;
    pthread_mutex_unlock(&c->bench_mutex);
    if (b)
        return true;
    err_set(e, ERR_CONFLICT, "%d workers are benched already", BENCHED_MAX);
    return err_hint(e, "DELETE /admin/bench/WORKER_ID takes one off");
}

void admin_bench(struct http_request *r, void *status) {
    static const char *const keys[] = {"worker_id", "seconds", NULL};
    struct coordinator *c = status_ctx(status);
    const char *worker = "";
    uint64_t seconds = 3600;
    struct err e;
    SCOPED_JSON(j) = read_body(r, keys, &e);
    bool ok = j && json_get_text(j, "worker_id", &worker, &e) && json_opt_u64(j, "seconds", &seconds, &e);
    if (ok && (!worker[0] || strlen(worker) > WORKER_ID_MAX || !seconds || seconds > BENCH_MAX_S))
        ok = err_set(&e, ERR_INVALID, "'worker_id' has 1 to %d characters, 'seconds' is 1 to %u", WORKER_ID_MAX,
                     BENCH_MAX_S);
    if (!ok || !add(c, worker, seconds, &e)) {
        http_reply_err(r, &e);
        return;
    }
    log_warn("worker %s is benched by the operator for %" PRIu64 " s", worker, seconds);
    http_reply_json(r, 200, json_pack("{s:s,s:I}", "worker_id", worker, "seconds", (json_int_t)seconds));
}

void admin_unbench(struct http_request *r, void *status) {
    struct coordinator *c = status_ctx(status);
    const char *worker = http_param(r, "worker_id");
    struct err e;
    pthread_mutex_lock(&c->bench_mutex);
    forget_over(c, clock_mono_ms());
    struct benched *b = find(c, worker);
    if (b)
        *b = c->bench[--c->bench_count];
    pthread_mutex_unlock(&c->bench_mutex);
    if (!b) {
        err_set(&e, ERR_NOT_FOUND, "worker '%.128s' is not benched", worker);
        err_hint(&e, "GET /admin/bench lists those that are");
        http_reply_err(r, &e);
        return;
    }
    log_warn("worker %s may take leases again, by the operator", worker);
    http_reply_empty(r, 204);
}

void admin_list_bench(struct http_request *r, void *status) {
    struct coordinator *c = status_ctx(status);
    json_t *all = json_array();
    pthread_mutex_lock(&c->bench_mutex);
    uint64_t now = clock_mono_ms();
    forget_over(c, now);
    for (size_t i = 0; i < c->bench_count; i++) {
        json_t *one = json_object();
        json_set_text(one, "worker_id", c->bench[i].worker_id);
        json_set_u64(one, "seconds", (c->bench[i].until_ms - now) / 1000 + 1);
        json_array_append_new(all, one);
    }
    pthread_mutex_unlock(&c->bench_mutex);
    http_reply_json(r, 200, all);
}
