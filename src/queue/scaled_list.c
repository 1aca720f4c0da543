// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"
#include "queue/list.h"
#include "queue/scaled.h"

// A statement for each filter that has an index; what else was asked for narrows what that gives.
#define SELECT_JOBS                                                                                                    \
    "SELECT e.id AS id, e.contract_id AS contract_id, e.request_id AS request_id, e.created_ms AS created_ms, "        \
    "e.ended_ms AS "                                                                                                   \
    "ended_ms, coalesce(e.state, q.stage, 'queued') AS state, e.outcome AS outcome, coalesce(e.worker_id, "            \
    "q.worker_id) AS worker_id, coalesce(q.attempt, 0) AS attempt, e.about AS about, e.report AS report "              \
    "FROM executions e LEFT JOIN queue_items q ON q.execution_id = e.id WHERE "
#define REST                                                                                                           \
    " AND (CAST(:transaction AS TEXT) IS NULL OR e.transaction_hash = :transaction) AND (CAST(:contract AS TEXT) IS "  \
    "NULL OR e.contract_id = :contract) AND (CAST(:request AS BIGINT) IS NULL OR e.request_id = :request) "            \
    "AND e.id < :before ORDER BY e.id DESC LIMIT :limit"
static const char *statement(const struct queue_filter *f) {
    if (f->transaction_hash)
        return SELECT_JOBS "e.transaction_hash = :transaction" REST;
    if (f->has_request)
        return SELECT_JOBS "e.request_id = :request" REST;
    if (f->contract_id)
        return SELECT_JOBS "e.contract_id = :contract" REST;
    return SELECT_JOBS "true" REST;
}

// Text that PostgreSQL does not take stands in no row.
static bool can_be(const char *text) { return !text || text_is_utf8(slice_str(text)); }

bool scaled_list(struct queue *q, struct db *db, const struct queue_filter *f, struct arena *a, struct buf *out,
                 struct err *e) {
    (void)q;
    struct db_stmt *s;
    bool row = false, ok = true;
    buf_clear(out);
    buf_add_byte(out, '[');
    if (can_be(f->transaction_hash) && can_be(f->contract_id)) {
        if (!db_query(db, statement(f), &s, e))
            return false;
        list_bind(db, s, f);
        while ((ok = db_step(db, s, &row, e)) && row)
            list_add(out, a, db, s,
                     &(struct list_shown){db_text(db, s, "state"), db_text(db, s, "worker_id"),
                                          (unsigned)db_int(db, s, "attempt")});
        db_done(db, s);
    }
    buf_add_byte(out, ']');
    return ok;
}
