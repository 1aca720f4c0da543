// SPDX-License-Identifier: Apache-2.0
#include "queue/list.h"
#include "queue/local.h"

struct shown {
    enum execution_state state;
    unsigned attempt;
    char worker_id[WORKER_ID_MAX + 1];
};

static bool look(struct local *l, const struct execution_key *key, struct shown *out) {
    pthread_mutex_lock(&l->mutex);
    const struct item *x = *item_find(l, key);
    if (x) {
        *out = (struct shown){.state = x->state, .attempt = x->attempt};
        if (execution_is_held(x->state))
            memcpy(out->worker_id, x->worker_id, sizeof out->worker_id);
    }
    pthread_mutex_unlock(&l->mutex);
    return x != NULL;
}

// `state` is what the database says; one that is not over is as the index has it. *unsure: neither knows, as its end
// was stored in between, or its beginning a moment ago.
static void add_row(struct local *l, struct arena *a, struct buf *out, struct db *db, struct db_stmt *s, bool *unsure) {
    const struct execution_key key = {db_text(db, s, "contract_id"), (uint64_t)db_int(db, s, "request_id")};
    struct list_shown shown = {db_text(db, s, "state"), db_text(db, s, "worker_id"), 0};
    struct shown now = {.state = EXECUTION_QUEUED};
    if (!shown.state) {
        *unsure |= !look(l, &key, &now);
        shown = (struct list_shown){execution_text(now.state), now.worker_id, now.attempt};
    }
    list_add(out, a, db, s, &shown);
}

// A statement for each filter that has an index; what else was asked for narrows what that gives.
#define SELECT_JOBS                                                                                                    \
    "SELECT id, contract_id, request_id, created_ms, ended_ms, state, outcome, worker_id, about, report FROM "         \
    "executions "                                                                                                      \
    "WHERE "
#define REST                                                                                                           \
    " AND (:transaction IS NULL OR transaction_hash = :transaction) AND (:contract IS NULL OR contract_id = "          \
    ":contract) "                                                                                                      \
    "AND (:request IS NULL OR request_id = :request) AND id < :before ORDER BY id DESC LIMIT :limit"
const char *list_statement(const struct queue_filter *f) {
    if (f->transaction_hash)
        return SELECT_JOBS "transaction_hash = :transaction" REST;
    if (f->has_request)
        return SELECT_JOBS "request_id = :request" REST;
    if (f->contract_id)
        return SELECT_JOBS "contract_id = :contract" REST;
    return SELECT_JOBS "id > 0" REST;
}

static bool list_once(struct local *l, struct db *db, const struct queue_filter *f, struct arena *a, struct buf *out,
                      bool *unsure, struct err *e) {
    struct db_stmt *s;
    bool row = false, ok;
    if (!db_query(db, list_statement(f), &s, e))
        return false;
    list_bind(db, s, f);
    *unsure = false;
    buf_clear(out);
    buf_add_byte(out, '[');
    while ((ok = db_step(db, s, &row, e)) && row)
        add_row(l, a, out, db, s, unsure);
    db_done(db, s);
    buf_add_byte(out, ']');
    return ok;
}

// The second look sees the end that the first one missed; a beginning is shown as queued.
bool local_list(struct queue *q, struct db *db, const struct queue_filter *f, struct arena *a, struct buf *out,
                struct err *e) {
    struct local *l = (struct local *)q;
    bool unsure;
    return list_once(l, db, f, a, out, &unsure, e) && (!unsure || list_once(l, db, f, a, out, &unsure, e));
}
