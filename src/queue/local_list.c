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
// was stored in between, or its beginning a moment ago. false: it is in another state than is asked for.
static bool shown_now(struct local *l, struct db *db, struct db_stmt *s, const char *wanted, struct shown *now,
                      struct list_shown *out, bool *unsure) {
    const struct execution_key key = {db_text(db, s, "contract_id"), (uint64_t)db_int(db, s, "request_id")};
    *out = (struct list_shown){db_text(db, s, "state"), db_text(db, s, "worker_id"), 0};
    if (!out->state) {
        *now = (struct shown){.state = EXECUTION_QUEUED};
        *unsure |= !look(l, &key, now);
        *out = (struct list_shown){execution_text(now->state), now->worker_id, now->attempt};
    }
    return !wanted || strcmp(wanted, out->state) == 0;
}

// A statement for each filter that has an index.
#define SELECT_JOBS "SELECT " LIST_COLUMNS ", e.state AS state, e.worker_id AS worker_id FROM executions e WHERE "
// What is not over is in a state that this process alone knows.
#define REST                                                                                                           \
    LIST_NARROW(SQLITE_MEMBER) " AND (CAST(:state AS TEXT) IS NULL OR coalesce(e.state, :state) = :state)" LIST_ORDER
const char *list_statement(const struct queue_filter *f) {
#define X(field, test)                                                                                                 \
    if (f->field)                                                                                                      \
        return SELECT_JOBS test REST;
    LIST_LEADS(X, SQLITE_MEMBER)
#undef X
    return list_is_of_open(f) ? SELECT_JOBS "e.state IS NULL" REST : SELECT_JOBS "e.id > 0" REST;
}

static bool list_once(struct local *l, struct db *db, const struct queue_filter *f, struct arena *a, struct buf *out,
                      bool *unsure, struct err *e) {
    struct db_stmt *s;
    struct list_bounds bounds;
    bool row = false, ok = true, of_open = list_is_of_open(f);
    uint64_t passed = 0, added = 0;
    if (!list_bounds(db, f, &bounds, e) || !db_query(db, list_statement(f), &s, e))
        return false;
    // Of what is not over the statement knows too little to count.
    list_bind(db, s, f, &bounds, of_open ? INT64_MAX : f->limit, of_open ? 0 : f->offset);
    *unsure = false;
    buf_clear(out);
    buf_add_byte(out, '[');
    while (added < f->limit && (ok = db_step(db, s, &row, e)) && row) {
        struct shown now;
        struct list_shown shown;
        if (!shown_now(l, db, s, f->state, &now, &shown, unsure) || (of_open && passed++ < f->offset))
            continue;
        list_add(out, a, db, s, &shown);
        added++;
    }
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

static bool ids_once(struct local *l, struct db *db, const int64_t *ids, size_t n, struct arena *a, struct buf *out,
                     bool *unsure, struct err *e) {
    struct db_stmt *s;
    bool row = false, ok = true;
    *unsure = false;
    buf_clear(out);
    buf_add_byte(out, '[');
    for (size_t i = 0; ok && i < n; i++) {
        struct shown now;
        struct list_shown shown;
        if (!db_query(db, SELECT_JOBS "e.id = :id", &s, e))
            return false;
        db_bind_int(db, s, ":id", ids[i]);
        ok = db_step(db, s, &row, e);
        if (ok && row && shown_now(l, db, s, NULL, &now, &shown, unsure))
            list_add(out, a, db, s, &shown);
        db_done(db, s);
    }
    buf_add_byte(out, ']');
    return ok;
}

bool local_list_ids(struct local *l, struct db *db, const int64_t *ids, size_t n, struct arena *a, struct buf *out,
                    struct err *e) {
    bool unsure;
    return ids_once(l, db, ids, n, a, out, &unsure, e) && (!unsure || ids_once(l, db, ids, n, a, out, &unsure, e));
}

static const char *timeline_now(struct local *l, const struct execution_key *key, struct arena *a) {
    pthread_mutex_lock(&l->mutex);
    const struct item *x = *item_find(l, key);
    const char *text = x ? arena_text(a, buf_slice(&x->timeline)) : NULL;
    pthread_mutex_unlock(&l->mutex);
    return text;
}

static bool detail_once(struct local *l, struct db *db, const struct execution_key *key, struct arena *a,
                        struct queue_detail *out, bool *unsure, struct err *e) {
    struct db_stmt *s;
    struct shown now;
    struct list_shown shown;
    bool row = false;
    if (!db_query(db,
                  "SELECT " LIST_COLUMNS ", e.state AS state, e.worker_id AS worker_id, e.task AS task, e.evidence AS "
                  "evidence, e.timeline AS timeline FROM executions e WHERE " IS_KEY(":contract", ":request"),
                  &s, e))
        return false;
    detail_bind(db, s, key);
    bool ok = db_step(db, s, &row, e);
    *unsure = false;
    out->found = ok && row;
    if (out->found) {
        shown_now(l, db, s, NULL, &now, &shown, unsure);
        const char *timeline = db_text(db, s, "state") ? db_text(db, s, "timeline") : timeline_now(l, key, a);
        detail_read(a, db, s, &shown, timeline, out);
    }
    db_done(db, s);
    return ok;
}

bool local_detail(struct queue *q, struct db *db, const struct execution_key *key, struct arena *a,
                  struct queue_detail *out, struct err *e) {
    struct local *l = (struct local *)q;
    bool unsure;
    return detail_once(l, db, key, a, out, &unsure, e) && (!unsure || detail_once(l, db, key, a, out, &unsure, e));
}
