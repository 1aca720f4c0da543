// SPDX-License-Identifier: Apache-2.0
// What has changed, as the rows say it: each has the number of the transaction that changed it last. Numbers are given
// out when transactions begin and not when they end, so that `seq` is no number but what was over when somebody
// looked: DATABASE.SNAPSHOT. What was not over then, and has a row that this look sees, has changed since: those whose
// numbers were still to come, and those that were running. By index, and the newest MOST of each, so that it costs the
// same whatever `since` says, and however long somebody else's transaction lasts.
#include "base/clock.h"
#include "queue/list.h"
#include "queue/scaled.h"
#include "queue/scaled_sql.h"
#include "queue/snapshots.h"
#include <inttypes.h>

#define MOST "101"
_Static_assert(QUEUE_CHANGES_MAX == 100, "MOST is one more");
_Static_assert(QUEUE_SEQ_MAX >= DATABASE_ID_LEN + 1 + SNAPSHOT_TEXT_MAX, "a seq has room");
// A `since` that so many transactions have followed is not known any more: entries of the index that nobody sees any
// more are looked at, too, until they are swept away.
#define FAR "100000"

// A row of another server's, as a restored backup has them, may name a transaction that is still to come here.
#define OF_THOSE(id, table)                                                                                            \
    "(SELECT " id " AS id, changed FROM " table " WHERE changed >= (SELECT first FROM looks) AND changed < (SELECT "   \
    "next FROM looks) ORDER BY changed DESC LIMIT " MOST ") UNION ALL (SELECT x.id, x.changed FROM "                   \
    "unnest(CAST(:running AS BIGINT[])) AS r(n) CROSS JOIN LATERAL (SELECT " id " AS id, changed FROM " table          \
    " WHERE changed = r.n LIMIT " MOST ") AS x LIMIT " MOST ")"
#define LOOKS                                                                                                          \
    "WITH now AS (SELECT pg_current_snapshot() AS seen), ends AS (SELECT seen, CAST(CAST(pg_snapshot_xmax(seen) AS "   \
    "TEXT) AS BIGINT) AS next FROM now), looks AS (SELECT seen, next, greatest(CAST(:next AS BIGINT), next - " FAR     \
    ") AS first FROM ends)"
#define FOUND "found AS (" OF_THOSE("execution_id", "queue_items") " UNION ALL " OF_THOSE("id", "executions") ")"
static const char changes_sql[] = LOOKS
    ", " FOUND
    ", first AS (SELECT id, max(changed) AS changed FROM found GROUP BY id ORDER BY 2 DESC, 1 DESC LIMIT " MOST ")"
    " SELECT CAST(looks.seen AS TEXT) AS seq, CAST(CAST(:next AS BIGINT) NOT BETWEEN looks.next - " FAR
    " AND looks.next AS INTEGER) AS unknown, " LIST_COLUMNS
    ", coalesce(e.state, q.stage, 'queued') AS state, coalesce(e.worker_id, q.worker_id) AS worker_id,"
    " coalesce(q.attempt, 0) AS attempt FROM looks LEFT JOIN first ON true LEFT JOIN executions e ON e.id = first.id"
    " LEFT JOIN queue_items q ON q.execution_id = e.id ORDER BY first.changed DESC, first.id DESC";

static bool since_read(const struct scaled *s, const char *since, struct snapshot *out, struct arena *a) {
    return since && strncmp(since, s->database, DATABASE_ID_LEN) == 0 && since[DATABASE_ID_LEN] == '.' &&
           snapshot_unpack(out, a, since + DATABASE_ID_LEN + 1);
}

static bool seq_put(const struct scaled *s, const char *seen, struct queue_changes *x, struct err *e) {
    char text[SNAPSHOT_TEXT_MAX + 1];
    if (!snapshot_pack(text, seen))
        return err_set(e, ERR_UNAVAILABLE, "the database says '%.100s' for a snapshot", seen);
    snprintf(x->seq, sizeof x->seq, "%s.%s", s->database, text);
    return true;
}

static void read_row(struct arena *a, struct db *db, struct db_stmt *q, struct queue_changes *x, struct buf *out) {
    x->unknown |= db_int(db, q, "unknown") != 0;
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

// since: NULL: what is now is asked alone.
static bool look(struct scaled *s, struct db *db, const struct snapshot *since, struct queue_changes *x,
                 struct arena *a, struct buf *out, struct err *e) {
    struct db_stmt *q;
    bool row = false, ok, first = true;
    if (!db_query(db, since ? changes_sql : "SELECT CAST(pg_current_snapshot() AS TEXT) AS seq", &q, e))
        return false;
    if (since) {
        db_bind_int(db, q, ":next", (int64_t)since->next);
        db_bind_text(db, q, ":running", since->running);
    }
    for (; (ok = db_step(db, q, &row, e)) && row; first = false) {
        if (first && !(ok = seq_put(s, db_text(db, q, "seq"), x, e)))
            break;
        if (since)
            read_row(a, db, q, x, out);
    }
    db_done(db, q);
    return ok;
}

bool scaled_changes(struct queue *q, struct db *db, struct queue_changes *x, struct arena *a, struct buf *out,
                    struct err *e) {
    struct scaled *s = (struct scaled *)q;
    struct snapshot since;
    x->unknown = !since_read(s, x->since, &since, a);
    buf_add_byte(out, '[');
    bool ok = look(s, db, x->unknown ? NULL : &since, x, a, out, e);
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
