// SPDX-License-Identifier: Apache-2.0
#include "queue/list.h"

#include "codec/json.h"
#include <inttypes.h>

void list_bind(struct db *db, struct db_stmt *s, const struct queue_filter *f) {
    db_bind_text(db, s, ":transaction", f->transaction_hash);
    db_bind_text(db, s, ":contract", f->contract_id);
    if (f->has_request)
        db_bind_int(db, s, ":request", (int64_t)f->request_id);
    db_bind_int(db, s, ":limit", (int64_t)f->limit);
    db_bind_int(db, s, ":before", (int64_t)f->before);
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
