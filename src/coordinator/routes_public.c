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

// `state` is what the database says; one that is not over is as the board has it. *unsure: neither knows, as its end
// was stored in between, or its beginning a moment ago.
static void add_state(struct coordinator *c, struct arena *a, struct buf *out, const struct board_key *key,
                      const char *state, const char *worker, bool *unsure) {
    struct board_state now = {.state = EXECUTION_QUEUED};
    *unsure = false;
    if (!state) {
        *unsure = !board_look(c->board, key, &now);
        state = execution_text(now.state);
        worker = now.worker_id[0] ? now.worker_id : NULL;
    }
    SCOPED_JSON(name) = worker ? json_string(worker) : json_null();
    buf_printf(out, "\"state\":\"%s\",\"attempt\":%u,\"worker_id\":%s", state, now.attempt, json_text(a, name));
}

// The fields of a stored object, inside another.
static void add_fields(struct buf *out, const char *object) {
    size_t n = object ? strlen(object) : 0;
    if (n <= 2)
        return;
    buf_add_byte(out, ',');
    buf_add(out, object + 1, n - 2);
}

// As text: what was stored as JSON is not taken apart again for each reader.
static void add_row(struct coordinator *c, struct arena *a, struct buf *out, struct db_stmt *s, bool *unsure) {
    struct db *db = c->reading;
    const struct board_key key = {db_text(db, s, "contract_id"), (uint64_t)db_int(db, s, "request_id")};
    const char *outcome = db_text(db, s, "outcome");
    int64_t ended = db_int(db, s, "ended_ms");
    buf_add_str(out, out->len > 1 ? ",{" : "{");
    add_state(c, a, out, &key, db_text(db, s, "state"), db_text(db, s, "worker_id"), unsure);
    buf_printf(out, ",\"contract_id\":\"%s\",\"request_id\":%" PRIu64 ",\"created_at\":%" PRId64, key.contract_id,
               key.request_id, db_int(db, s, "created_ms"));
    if (ended)
        buf_printf(out, ",\"outcome\":\"%s\",\"completed_at\":%" PRId64, outcome ? outcome : "", ended);
    else
        buf_add_str(out, ",\"outcome\":null,\"completed_at\":null");
    add_fields(out, db_text(db, s, "about"));
    add_fields(out, db_text(db, s, "report"));
    buf_add_byte(out, '}');
}

struct job_filter {
    const char *transaction, *contract;
    bool has_request;
    uint64_t request, limit;
};

// A statement for each filter that has an index; what else was asked for narrows what that gives.
#define SELECT_JOBS                                                                                                    \
    "SELECT contract_id, request_id, created_ms, ended_ms, state, outcome, worker_id, about, report FROM executions "  \
    "WHERE "
#define REST                                                                                                           \
    " AND (:transaction IS NULL OR transaction_hash = :transaction) AND (:contract IS NULL OR contract_id = "          \
    ":contract) "                                                                                                      \
    "AND (:request IS NULL OR request_id = :request) ORDER BY id DESC LIMIT :limit"
static const char *statement(const struct job_filter *f) {
    if (f->transaction)
        return SELECT_JOBS "transaction_hash = :transaction" REST;
    if (f->has_request)
        return SELECT_JOBS "request_id = :request" REST;
    if (f->contract)
        return SELECT_JOBS "contract_id = :contract" REST;
    return SELECT_JOBS "1" REST;
}

static bool list_jobs(struct coordinator *c, const struct job_filter *f, struct arena *a, struct buf *out, bool *unsure,
                      struct err *e) {
    struct db *db = c->reading;
    struct db_stmt *s;
    bool row = false, ok, one;
    if (!db_query(db, statement(f), &s, e))
        return false;
    db_bind_text(db, s, ":transaction", f->transaction);
    db_bind_text(db, s, ":contract", f->contract);
    if (f->has_request)
        db_bind_int(db, s, ":request", (int64_t)f->request);
    db_bind_int(db, s, ":limit", (int64_t)f->limit);
    *unsure = false;
    buf_clear(out);
    buf_add_byte(out, '[');
    while ((ok = db_step(db, s, &row, e)) && row) {
        add_row(c, a, out, s, &one);
        *unsure |= one;
    }
    db_done(db, s);
    buf_add_byte(out, ']');
    return ok;
}

static bool read_number(struct http_request *r, const char *name, uint64_t max, bool *given, uint64_t *out,
                        struct err *e) {
    const char *text = http_query(r, name);
    *given = text != NULL;
    return !text || (text_u64(slice_str(text), out) && *out <= max) ||
           err_set(e, ERR_INVALID, "'%s' is a number up to %" PRIu64, name, max);
}

void public_jobs(struct http_request *r, void *ctx) {
    struct coordinator *c = ctx;
    struct job_filter f = {http_query(r, "transaction_hash"), http_query(r, "contract_id"), .limit = JOBS_DEFAULT};
    struct err e;
    bool given, unsure = false;
    SCOPED_BUF(out, JOBS_BYTES_MAX);
    bool ok = read_number(r, "request_id", INT64_MAX, &f.has_request, &f.request, &e) &&
              read_number(r, "limit", JOBS_MAX, &given, &f.limit, &e);
    if (ok) {
        pthread_mutex_lock(&c->reading_mutex);
        ok = list_jobs(c, &f, http_arena(r), &out, &unsure, &e);
        if (ok && unsure) // the second look sees the end that the first one missed; a beginning is shown as queued
            ok = list_jobs(c, &f, http_arena(r), &out, &unsure, &e);
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
    struct board_counts counts;
    struct totals *t = &c->totals;
    json_t *o = json_object();
    board_counts(c->board, &counts);
    json_set_u64(o, "total_executions", t->created);
    json_set_u64(o, "successful_executions", t->succeeded);
    json_set_u64(o, "failed_executions", t->guest_failed);
    json_set_u64(o, "refused_executions", t->refused);
    json_set_u64(o, "expired_executions", t->expired);
    json_set_u64(o, "instructions_used", t->instructions);
    json_set_u64(o, "active_workers", fleet_alive(c->fleet));
    for (int s = EXECUTION_QUEUED; s <= EXECUTION_SUBMITTING; s++)
        json_set_u64(o, execution_text((enum execution_state)s), counts.by_state[s]);
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
    struct board_counts n;
    struct totals *t = &c->totals;
    SCOPED_BUF(b, 16384);
    board_counts(c->board, &n);
    metric(&b, "counter", "executions_created_total", "Executions recorded.", t->created);
    buf_printf(&b, "# HELP outlayer_executions_ended_total Executions that ended, by outcome.\n"
                   "# TYPE outlayer_executions_ended_total counter\n");
    buf_printf(&b, "outlayer_executions_ended_total{outcome=\"success\"} %" PRIu64 "\n", t->succeeded);
    buf_printf(&b, "outlayer_executions_ended_total{outcome=\"guest_failed\"} %" PRIu64 "\n", t->guest_failed);
    buf_printf(&b, "outlayer_executions_ended_total{outcome=\"refused\"} %" PRIu64 "\n", t->refused);
    buf_printf(&b, "outlayer_executions_ended_total{outcome=\"expired\"} %" PRIu64 "\n", t->expired);
    buf_printf(&b, "# HELP outlayer_executions Executions that are not over, by state.\n"
                   "# TYPE outlayer_executions gauge\n");
    for (int s = EXECUTION_QUEUED; s <= EXECUTION_SUBMITTING; s++)
        buf_printf(&b, "outlayer_executions{state=\"%s\"} %" PRIu64 "\n", execution_text((enum execution_state)s),
                   n.by_state[s]);
    metric(&b, "counter", "instructions_total", "Instructions that guests used.", t->instructions);
    metric(&b, "counter", "leases_lost_total", "Leases not confirmed or run out, since the start.", n.leases_lost);
    buf_printf(&b, "# HELP outlayer_http_answers_total Answers since the start, by class of status.\n"
                   "# TYPE outlayer_http_answers_total counter\n");
    for (unsigned i = 2; i < ARRAY_LEN(c->answers); i++)
        buf_printf(&b, "outlayer_http_answers_total{class=\"%uxx\"} %" PRIu64 "\n", i, c->answers[i]);
    metric(&b, "gauge", "polls_waiting", "Workers that wait for an execution.", n.polls);
    metric(&b, "gauge", "workers_alive", "Workers seen in the last 30 seconds.", fleet_alive(c->fleet));
    metric(&b, "counter", "branch_questions_total", "Questions about branches that a repository was asked.",
           c->branch_questions);
    metric(&b, "gauge", "wasm_bytes", "Bytes of stored modules.", blobs_bytes(c->blobs));
    http_reply(r, 200, "text/plain; version=0.0.4", buf_slice(&b));
}
