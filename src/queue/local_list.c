// SPDX-License-Identifier: Apache-2.0
// What lists show of executions. As text: what was stored as JSON is not taken apart again for each reader.
#include "codec/json.h"
#include "queue/local.h"
#include <inttypes.h>

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
static void add_state(struct local *l, struct arena *a, struct buf *out, const struct execution_key *key,
                      const char *state, const char *worker, bool *unsure) {
    struct shown now = {.state = EXECUTION_QUEUED};
    if (!state) {
        *unsure |= !look(l, key, &now);
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

static void add_row(struct local *l, struct arena *a, struct buf *out, struct db *db, struct db_stmt *s, bool *unsure) {
    const struct execution_key key = {db_text(db, s, "contract_id"), (uint64_t)db_int(db, s, "request_id")};
    const char *outcome = db_text(db, s, "outcome");
    int64_t ended = db_int(db, s, "ended_ms");
    buf_printf(out, "%s\"id\":%" PRId64 ",", out->len > 1 ? ",{" : "{", db_int(db, s, "id"));
    add_state(l, a, out, &key, db_text(db, s, "state"), db_text(db, s, "worker_id"), unsure);
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
    db_bind_text(db, s, ":transaction", f->transaction_hash);
    db_bind_text(db, s, ":contract", f->contract_id);
    if (f->has_request)
        db_bind_int(db, s, ":request", (int64_t)f->request_id);
    db_bind_int(db, s, ":limit", (int64_t)f->limit);
    db_bind_int(db, s, ":before", (int64_t)f->before);
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
