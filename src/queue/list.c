// SPDX-License-Identifier: Apache-2.0
#include "queue/list.h"

#include "codec/json.h"
#include "queue/timeline.h"
#include <inttypes.h>

#define OUT_OF_ORDER 1000 // ids, at most, between two that were recorded at the same moment

// The first or last id by the moment of recording; `otherwise` where there is none.
static bool id_at(struct db *db, const char *sql, uint64_t ms, int64_t otherwise, int64_t *out, struct err *e) {
    struct db_stmt *s;
    bool row = false;
    if (!db_query(db, sql, &s, e))
        return false;
    db_bind_int(db, s, ":ms", (int64_t)ms);
    bool ok = db_step(db, s, &row, e);
    *out = ok && row ? db_int(db, s, "id") : otherwise;
    db_done(db, s);
    return ok;
}

bool list_bounds(struct db *db, const struct queue_filter *f, struct list_bounds *out, struct err *e) {
    int64_t first = OUT_OF_ORDER, last = INT64_MAX - OUT_OF_ORDER;
    if (f->from_ms && !id_at(db, "SELECT id FROM executions WHERE created_ms >= :ms ORDER BY created_ms, id LIMIT 1",
                             f->from_ms, INT64_MAX, &first, e))
        return false;
    if (f->to_ms != INT64_MAX &&
        !id_at(db, "SELECT id FROM executions WHERE created_ms < :ms ORDER BY created_ms DESC, id DESC LIMIT 1",
               f->to_ms, -OUT_OF_ORDER, &last, e))
        return false;
    int64_t before = last + OUT_OF_ORDER;
    out->after = first - OUT_OF_ORDER;
    out->before = before < (int64_t)f->before ? before : (int64_t)f->before;
    return true;
}

bool list_is_of_open(const struct queue_filter *f) {
    return f->state && strcmp(f->state, execution_text(EXECUTION_SETTLED)) != 0 &&
           strcmp(f->state, execution_text(EXECUTION_EXPIRED)) != 0;
}

void list_bind(struct db *db, struct db_stmt *s, const struct queue_filter *f, const struct list_bounds *bounds,
               uint64_t limit, uint64_t offset) {
    db_bind_text(db, s, ":transaction", f->transaction_hash);
    db_bind_text(db, s, ":module", f->wasm_hash);
    db_bind_text(db, s, ":sender", f->sender_id);
    db_bind_text(db, s, ":payer", f->payer_id);
    db_bind_text(db, s, ":repo", f->repo);
    db_bind_text(db, s, ":worker", f->worker_id);
    db_bind_text(db, s, ":failure", f->failure);
    db_bind_text(db, s, ":contract", f->contract_id);
    db_bind_text(db, s, ":outcome", f->outcome);
    db_bind_text(db, s, ":state", f->state);
    if (f->has_request)
        db_bind_int(db, s, ":request", (int64_t)f->request_id);
    db_bind_int(db, s, ":from", (int64_t)f->from_ms);
    db_bind_int(db, s, ":to", (int64_t)f->to_ms);
    db_bind_int(db, s, ":after", bounds->after);
    db_bind_int(db, s, ":before", bounds->before);
    db_bind_int(db, s, ":limit", (int64_t)limit);
    db_bind_int(db, s, ":offset", (int64_t)offset);
}

// The fields of a stored object, inside another.
static void add_fields(struct buf *out, const char *object) {
    size_t n = object ? strlen(object) : 0;
    if (n <= 2)
        return;
    buf_add_byte(out, ',');
    buf_add(out, object + 1, n - 2);
}

void list_add(struct buf *out, struct arena *a, struct db *db, struct db_stmt *s, const struct list_shown *now) {
    const char *outcome = db_text(db, s, "outcome");
    int64_t ended = db_int(db, s, "ended_ms");
    SCOPED_JSON(worker) = now->worker_id && now->worker_id[0] ? json_string(now->worker_id) : json_null();
    buf_printf(out, "%s\"id\":%" PRId64 ",\"state\":\"%s\",\"attempt\":%u,\"worker_id\":%s", out->len > 1 ? ",{" : "{",
               db_int(db, s, "id"), now->state, now->attempt, json_text(a, worker));
    buf_printf(out, ",\"contract_id\":\"%s\",\"request_id\":%" PRIu64 ",\"created_at\":%" PRId64,
               db_text(db, s, "contract_id"), (uint64_t)db_int(db, s, "request_id"), db_int(db, s, "created_ms"));
    if (ended)
        buf_printf(out, ",\"outcome\":\"%s\",\"completed_at\":%" PRId64, outcome ? outcome : "", ended);
    else
        buf_add_str(out, ",\"outcome\":null,\"completed_at\":null");
    add_fields(out, db_text(db, s, "about"));
    add_fields(out, db_text(db, s, "report"));
    buf_add_byte(out, '}');
}

void detail_bind(struct db *db, struct db_stmt *s, const struct execution_key *key) {
    db_bind_text(db, s, ":contract", key->contract_id);
    db_bind_int(db, s, ":request", (int64_t)key->request_id);
}

#define ROW_MAX (1u << 20)

void detail_read(struct arena *a, struct db *db, struct db_stmt *s, const struct list_shown *now, const char *timeline,
                 struct queue_detail *out) {
    SCOPED_BUF(row, ROW_MAX);
    list_add(&row, a, db, s, now);
    BUG_ON(row.full);
    out->row = arena_text(a, buf_slice(&row));
    out->task = arena_strdup(a, db_text(db, s, "task"));
    out->evidence = db_text(db, s, "evidence") ? arena_strdup(a, db_text(db, s, "evidence")) : NULL;
    out->timeline = timeline_json(a, (uint64_t)db_int(db, s, "created_ms"), timeline);
}
