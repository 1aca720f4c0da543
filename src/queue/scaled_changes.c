// SPDX-License-Identifier: Apache-2.0
// What has changed, as the rows say it: each has the number of the transaction that changed it last. Numbers are given
// out when transactions begin and not when they end, so that `seq` is no number but what had ended when somebody
// looked: DATABASE.SNAPSHOT, the latter as PostgreSQL writes it, xmin:xmax:those under way. What that snapshot does not
// see, and this one does, has changed since.
#include "base/clock.h"
#include "base/text.h"
#include "queue/list.h"
#include "queue/scaled.h"
#include "queue/scaled_sql.h"
#include <inttypes.h>

#define SNAPSHOT_MAX (QUEUE_SEQ_MAX - DATABASE_ID_LEN - 1)
#define MOST "101"
_Static_assert(QUEUE_CHANGES_MAX == 100, "MOST is one more");

// A row of another server's, as a restored backup has them, may name a transaction that is still to come here.
#define IS_NEW                                                                                                         \
    "changed >= :from AND changed < (SELECT CAST(CAST(pg_snapshot_xmax(now) AS TEXT) AS BIGINT) FROM looks) AND NOT "  \
    "pg_visible_in_snapshot(CAST(CAST(changed AS TEXT) AS xid8), (SELECT was FROM looks))"
#define NEWEST " ORDER BY changed DESC LIMIT " MOST
static const char changes_sql[] =
    "WITH looks AS (SELECT pg_current_snapshot() AS now, CAST(:since AS pg_snapshot) AS was),"
    " found AS ((SELECT execution_id AS id, changed FROM queue_items WHERE " IS_NEW NEWEST ") UNION ALL"
    " (SELECT id, changed FROM executions WHERE changed IS NOT NULL AND " IS_NEW NEWEST ")),"
    " first AS (SELECT id, max(changed) AS changed FROM found GROUP BY id ORDER BY 2 DESC, 1 DESC LIMIT " MOST ")"
    " SELECT CAST(looks.now AS TEXT) AS seq, CAST(pg_snapshot_xmax(was) > pg_snapshot_xmax(now) AS INTEGER) AS later,"
    " " LIST_COLUMNS ", coalesce(e.state, q.stage, 'queued') AS state, coalesce(e.worker_id, q.worker_id) AS worker_id,"
    " coalesce(q.attempt, 0) AS attempt FROM looks LEFT JOIN first ON true LEFT JOIN executions e ON e.id = first.id"
    " LEFT JOIN queue_items q ON q.execution_id = e.id ORDER BY first.changed DESC, first.id DESC";

static bool next_number(struct slice *at, char end, uint64_t *out) {
    const uint8_t *stop = memchr(at->ptr, end, at->len);
    size_t n = stop ? (size_t)(stop - at->ptr) : at->len;
    bool ok = text_u64(slice_of(at->ptr, n), out) && *out <= INT64_MAX;
    *at = slice_skip(*at, stop ? n + 1 : n);
    return ok;
}

// As PostgreSQL takes it: anything else would be an error of the statement.
static bool snapshot_read(const char *text, uint64_t *xmin) {
    struct slice at = slice_str(text);
    uint64_t xmax, last, one;
    if (!strchr(text, ':') || !next_number(&at, ':', xmin) || !memchr(at.ptr, ':', at.len) ||
        !next_number(&at, ':', &xmax) || !*xmin || *xmin > xmax)
        return false;
    for (last = *xmin; at.len; last = one)
        if (!next_number(&at, ',', &one) || one < last || one >= xmax)
            return false;
    return true;
}

static const char *snapshot_of(const struct scaled *s, const char *since, uint64_t *xmin) {
    if (!since || strlen(since) > QUEUE_SEQ_MAX || strncmp(since, s->database, DATABASE_ID_LEN) != 0 ||
        since[DATABASE_ID_LEN] != '.' || !snapshot_read(since + DATABASE_ID_LEN + 1, xmin))
        return NULL;
    return since + DATABASE_ID_LEN + 1;
}

// Where so many transactions are under way that they have no room, none of those that began later counts as seen.
static void seq_put(const struct scaled *s, const char *snapshot, struct queue_changes *x) {
    int first = (int)strcspn(snapshot, ":");
    if (strlen(snapshot) <= SNAPSHOT_MAX)
        snprintf(x->seq, sizeof x->seq, "%s.%s", s->database, snapshot);
    else
        snprintf(x->seq, sizeof x->seq, "%s.%.*s:%.*s:", s->database, first, snapshot, first, snapshot);
}

static void read_row(struct arena *a, struct db *db, struct db_stmt *q, struct queue_changes *x, struct buf *out) {
    x->unknown |= db_int(db, q, "later") != 0;
    if (x->unknown || !db_text(db, q, "contract_id"))
        return;
    x->more = x->count == QUEUE_CHANGES_MAX;
    if (x->more)
        return;
    list_add(
        out, a, db, q,
        &(struct list_shown){db_text(db, q, "state"), db_text(db, q, "worker_id"), (unsigned)db_int(db, q, "attempt")});
    x->count++;
}

static bool look(struct scaled *s, struct db *db, const char *sql, const char *since, uint64_t xmin,
                 struct queue_changes *x, struct arena *a, struct buf *out, struct err *e) {
    struct db_stmt *q;
    bool row = false, ok, first = true;
    if (!db_query(db, sql, &q, e))
        return false;
    if (since) {
        db_bind_text(db, q, ":since", since);
        db_bind_int(db, q, ":from", (int64_t)xmin);
    }
    for (; (ok = db_step(db, q, &row, e)) && row; first = false) {
        if (first)
            seq_put(s, db_text(db, q, "seq"), x);
        if (since)
            read_row(a, db, q, x, out);
    }
    db_done(db, q);
    return ok;
}

bool scaled_changes(struct queue *q, struct db *db, struct queue_changes *x, struct arena *a, struct buf *out,
                    struct err *e) {
    struct scaled *s = (struct scaled *)q;
    uint64_t xmin = 0;
    const char *since = snapshot_of(s, x->since, &xmin);
    x->unknown = !since;
    buf_add_byte(out, '[');
    bool ok = look(s, db, since ? changes_sql : "SELECT CAST(pg_current_snapshot() AS TEXT) AS seq", since, xmin, x, a,
                   out, e);
    buf_add_byte(out, ']');
    return ok;
}

// --- telling

void scaled_changed(struct scaled *s) {
    uint64_t now = clock_mono_ms();
    if (s->config.changed)
        s->config.changed(s->config.ctx);
    if (!s->bell)
        return;
    pthread_mutex_lock(&s->mutex);
    bool rings = now - s->rung_ms >= CHANGED_RING_MS;
    s->rung_ms = rings ? now : s->rung_ms;
    pthread_mutex_unlock(&s->mutex);
    if (rings)
        bell_ring(s->bell, SLICE_LIT(CHANGED_WORD));
}
