// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"
#include "queue/list.h"
#include "queue/scaled.h"

// A statement for each filter that has an index. What is not over is in few rows of another table.
#define SELECT_JOBS                                                                                                    \
    "SELECT " LIST_COLUMNS ", coalesce(e.state, q.stage, 'queued') AS state, coalesce(e.worker_id, q.worker_id) AS "   \
    "worker_id, coalesce(q.attempt, 0) AS attempt FROM executions e LEFT JOIN queue_items q ON q.execution_id = e.id " \
    "WHERE "
#define SELECT_OPEN                                                                                                    \
    "SELECT " LIST_COLUMNS ", coalesce(q.stage, 'queued') AS state, q.worker_id AS worker_id, q.attempt AS attempt "   \
    "FROM queue_items q JOIN executions e ON e.id = q.execution_id WHERE "
#define NARROW                                                                                                         \
    LIST_NARROW(POSTGRES_MEMBER)                                                                                       \
    " AND (CAST(:state AS TEXT) IS NULL OR coalesce(e.state, q.stage, 'queued') = :state)"
#define REST NARROW LIST_ORDER
// The index of requests does not end with the row's number: its few rows are sorted. Where the order is that of an
// index, PostgreSQL goes through all executions rather than sort anything (see pages_by_index).
static const char by_request[] = SELECT_JOBS "e.request_id = :request" NARROW LIST_ORDER_BY("e.id + 0");

const char *scaled_list_statement(const struct queue_filter *f) {
    if (f->has_request && !f->transaction_hash)
        return by_request;
#define X(field, test)                                                                                                 \
    if (f->field)                                                                                                      \
        return SELECT_JOBS test REST;
    LIST_LEADS(X, POSTGRES_MEMBER)
#undef X
    return list_is_of_open(f) ? SELECT_OPEN "coalesce(q.stage, 'queued') = :state" REST : SELECT_JOBS "true" REST;
}

// Text that PostgreSQL does not take stands in no row.
static bool can_be(const struct queue_filter *f) {
    const char *const texts[] = {f->transaction_hash, f->contract_id, f->sender_id, f->payer_id,  f->repo,
                                 f->worker_id,        f->outcome,     f->failure,   f->wasm_hash, f->state};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (texts[i] && !text_is_utf8(slice_str(texts[i])))
            return false;
    return true;
}

bool scaled_list(struct queue *q, struct db *db, const struct queue_filter *f, struct arena *a, struct buf *out,
                 struct err *e) {
    (void)q;
    struct db_stmt *s;
    struct list_bounds bounds;
    bool row = false, ok = true;
    buf_clear(out);
    buf_add_byte(out, '[');
    if (can_be(f)) {
        if (!list_bounds(db, f, &bounds, e) || !db_query(db, scaled_list_statement(f), &s, e))
            return false;
        list_bind(db, s, f, &bounds, f->limit, f->offset);
        while ((ok = db_step(db, s, &row, e)) && row)
            list_add(out, a, db, s,
                     &(struct list_shown){db_text(db, s, "state"), db_text(db, s, "worker_id"),
                                          (unsigned)db_int(db, s, "attempt")});
        db_done(db, s);
    }
    buf_add_byte(out, ']');
    return ok;
}

bool scaled_detail(struct queue *q, struct db *db, const struct execution_key *key, struct arena *a,
                   struct queue_detail *out, struct err *e) {
    (void)q;
    struct db_stmt *s;
    bool row = false;
    if (!db_query(db,
                  "SELECT " LIST_COLUMNS ", coalesce(e.state, q.stage, 'queued') AS state, coalesce(e.worker_id, "
                  "q.worker_id) AS worker_id, coalesce(q.attempt, 0) AS attempt, e.task AS task, e.evidence AS "
                  "evidence, coalesce(e.timeline, "
                  "q.timeline) AS timeline FROM executions e LEFT JOIN queue_items q ON q.execution_id = e.id WHERE "
                  "e.request_id = :request AND e.contract_id || '' = :contract",
                  &s, e))
        return false;
    detail_bind(db, s, key);
    bool ok = db_step(db, s, &row, e);
    out->found = ok && row;
    if (out->found)
        detail_read(a, db, s,
                    &(struct list_shown){db_text(db, s, "state"), db_text(db, s, "worker_id"),
                                         (unsigned)db_int(db, s, "attempt")},
                    db_text(db, s, "timeline"), out);
    db_done(db, s);
    return ok;
}
