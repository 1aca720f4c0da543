// SPDX-License-Identifier: Apache-2.0
// What anybody may look at.
#include "coordinator/routes.h"

#include "base/clock.h"
#include "base/text.h"
#include <inttypes.h>

#define JOBS_DEFAULT 50
#define JOBS_MAX 200
#define JOBS_BYTES_MAX (16u << 20)

// --- jobs --------------------------------------------------------------------------------------------------------

static bool read_number(struct http_request *r, const char *name, uint64_t max, bool *given, uint64_t *out,
                        struct err *e) {
    const char *text = http_query(r, name);
    *given = text != NULL;
    return !text || (text_u64(slice_str(text), out) && *out <= max) ||
           err_set(e, ERR_INVALID, "'%s' is a number up to %" PRIu64, name, max);
}

void public_jobs(struct http_request *r, void *ctx) {
    struct coordinator *c = ctx;
    struct queue_filter f = {http_query(r, "transaction_hash"), http_query(r, "contract_id"), .limit = JOBS_DEFAULT};
    struct err e;
    bool given;
    SCOPED_BUF(out, JOBS_BYTES_MAX);
    bool ok = read_number(r, "request_id", INT64_MAX, &f.has_request, &f.request_id, &e) &&
              read_number(r, "limit", JOBS_MAX, &given, &f.limit, &e);
    if (ok) {
        pthread_mutex_lock(&c->reading_mutex);
        ok = queue_list(c->queue, c->reading, &f, http_arena(r), &out, &e);
        pthread_mutex_unlock(&c->reading_mutex);
    }
    if (ok && out.full)
        ok = err_set(&e, ERR_TOO_LARGE, "these executions are too many for one answer") ||
             err_hint(&e, "ask with limit=");
    if (ok)
        http_reply(r, 200, "application/json; charset=utf-8", buf_slice(&out));
    else
        http_reply_err(r, &e);
}

// --- counts and prices -------------------------------------------------------------------------------------------

void public_stats(struct http_request *r, void *ctx) {
    struct coordinator *c = ctx;
    struct queue_counts n;
    json_t *o = json_object();
    queue_counts(c->queue, &n);
    json_set_u64(o, "total_executions", n.created);
    json_set_u64(o, "successful_executions", n.succeeded);
    json_set_u64(o, "failed_executions", n.guest_failed);
    json_set_u64(o, "refused_executions", n.refused);
    json_set_u64(o, "expired_executions", n.expired);
    json_set_u64(o, "instructions_used", n.instructions);
    json_set_u64(o, "active_workers", shared_alive(c->shared));
    for (int s = EXECUTION_QUEUED; s <= EXECUTION_SUBMITTING; s++)
        json_set_u64(o, execution_text((enum execution_state)s), n.by_state[s]);
    http_reply_json(r, 200, o);
}

void public_pricing(struct http_request *r, void *ctx) {
    struct coordinator *c = ctx;
    prices_reply(c->prices, r);
}

// --- health ------------------------------------------------------------------------------------------------------

void health(struct http_request *r, void *ctx) {
    (void)ctx;
    http_reply(r, 200, "text/plain", SLICE_LIT("OK"));
}

void healthz(struct http_request *r, void *ctx) {
    (void)ctx;
    http_reply(r, 200, "text/plain", SLICE_LIT("ok\n"));
}

// Ready: what answers depend on works.
void readyz(struct http_request *r, void *ctx) {
    struct coordinator *c = ctx;
    struct db_stmt *s;
    struct err e;
    bool row;
    pthread_mutex_lock(&c->reading_mutex);
    bool ok = db_query(c->reading, "SELECT 1 AS one", &s, &e);
    if (ok) {
        ok = db_step(c->reading, s, &row, &e);
        db_done(c->reading, s);
    }
    pthread_mutex_unlock(&c->reading_mutex);
    if (ok)
        http_reply(r, 200, "text/plain", SLICE_LIT("ready\n"));
    else
        http_reply_err(r, &e);
}

static void metric(struct buf *b, const char *type, const char *name, const char *help, uint64_t v) {
    buf_printf(b, "# HELP outlayer_%s %s\n# TYPE outlayer_%s %s\noutlayer_%s %" PRIu64 "\n", name, help, name, type,
               name, v);
}

void metrics(struct http_request *r, void *ctx) {
    struct coordinator *c = ctx;
    struct queue_counts n;
    SCOPED_BUF(b, 16384);
    queue_counts(c->queue, &n);
    metric(&b, "counter", "executions_created_total", "Executions recorded.", n.created);
    buf_printf(&b, "# HELP outlayer_executions_ended_total Executions that ended, by outcome.\n"
                   "# TYPE outlayer_executions_ended_total counter\n");
    buf_printf(&b, "outlayer_executions_ended_total{outcome=\"success\"} %" PRIu64 "\n", n.succeeded);
    buf_printf(&b, "outlayer_executions_ended_total{outcome=\"guest_failed\"} %" PRIu64 "\n", n.guest_failed);
    buf_printf(&b, "outlayer_executions_ended_total{outcome=\"refused\"} %" PRIu64 "\n", n.refused);
    buf_printf(&b, "outlayer_executions_ended_total{outcome=\"expired\"} %" PRIu64 "\n", n.expired);
    buf_printf(&b, "# HELP outlayer_executions Executions that are not over, by state.\n"
                   "# TYPE outlayer_executions gauge\n");
    for (int s = EXECUTION_QUEUED; s <= EXECUTION_SUBMITTING; s++)
        buf_printf(&b, "outlayer_executions{state=\"%s\"} %" PRIu64 "\n", execution_text((enum execution_state)s),
                   n.by_state[s]);
    metric(&b, "counter", "instructions_total", "Instructions that guests used.", n.instructions);
    metric(&b, "counter", "leases_lost_total", "Leases not confirmed or run out, since the start.", n.leases_lost);
    buf_printf(&b, "# HELP outlayer_http_answers_total Answers since the start, by class of status.\n"
                   "# TYPE outlayer_http_answers_total counter\n");
    for (unsigned i = 2; i < ARRAY_LEN(c->answers); i++)
        buf_printf(&b, "outlayer_http_answers_total{class=\"%uxx\"} %" PRIu64 "\n", i, c->answers[i]);
    metric(&b, "gauge", "polls_waiting", "Workers that wait for an execution.", n.polls);
    metric(&b, "gauge", "workers_alive", "Workers seen in the last 30 seconds.", shared_alive(c->shared));
    metric(&b, "counter", "branch_questions_total", "Questions about branches that a repository was asked.",
           c->branch_questions);
    metric(&b, "gauge", "wasm_bytes", "Bytes of stored modules.", blobs_bytes(c->blobs));
    http_reply(r, 200, "text/plain; version=0.0.4", buf_slice(&b));
}
