// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/log.h"
#include "queue/rows.h"
#include "queue/scaled.h"
#include "queue/scaled_sql.h"

#define SWEEP_MAX "256" // rows at a time

// Every coordinator does this; who comes second to a row passes over it.
static const char lost_sql[] =
    "WITH lost AS (SELECT execution_id, worker_id, token_name FROM queue_items WHERE stage IS NOT NULL"
    " AND until_ms <= " NOW_MS " ORDER BY until_ms LIMIT " SWEEP_MAX " FOR UPDATE SKIP LOCKED)"
    " UPDATE queue_items q SET timeline = " WITH_STEP(
        "q.timeline",
        "'stage', 'lost', 'at_ms', " NOW_MS
        ", 'worker_id', nullif(q.worker_id, ''), 'attempt', q.attempt") ", changed = " THIS_TRANSACTION
                                                                        ", stage = NULL, worker_id = NULL, token_name "
                                                                        "= NULL, lease_hash = NULL, until_ms = NULL"
                                                                        " FROM lost WHERE q.execution_id = "
                                                                        "lost.execution_id RETURNING q.contract_id AS "
                                                                        "contract_id,"
                                                                        " q.request_id AS request_id, lost.worker_id "
                                                                        "AS worker_id, coalesce(lost.token_name, '') "
                                                                        "AS token_name";
// What no worker began in the first nine tenths of its time.
static const char late_sql[] = "UPDATE queue_items SET turn = -1, not_before_ms = 0 WHERE execution_id IN"
                               " (SELECT q.execution_id FROM queue_items q JOIN executions e ON e.id = q.execution_id"
                               " JOIN (SELECT execution_id FROM queue_items WHERE stage IS NULL AND turn >= 0"
                               " ORDER BY dead_at_ms LIMIT " SWEEP_MAX ") dying ON dying.execution_id = q.execution_id"
                               " WHERE q.stage IS NULL AND q.dead_at_ms - (q.dead_at_ms - e.created_ms) / 10 <= " NOW_MS
                               " FOR UPDATE OF q SKIP LOCKED)";
static const char over_sql[] =
    "WITH gone AS (DELETE FROM queue_items WHERE execution_id IN"
    " (SELECT execution_id FROM queue_items WHERE stage IS NULL AND dead_at_ms <= " NOW_MS
    " ORDER BY dead_at_ms LIMIT " SWEEP_MAX " FOR UPDATE SKIP LOCKED) RETURNING execution_id, timeline, attempt),"
    " unbenched AS (DELETE FROM queue_benches b USING gone WHERE b.execution_id = gone.execution_id),"
    " done AS (UPDATE executions SET state = 'expired', outcome = 'expired', ended_ms = " NOW_MS ","
    " report = '{\"error\":\"no worker served the request in time\"}', timeline = gone.timeline || CAST("
    "json_strip_nulls(json_build_object('stage', 'expired', 'at_ms', " NOW_MS ", 'attempt', nullif(gone.attempt, 0)))"
    " AS TEXT) || ',', changed = " THIS_TRANSACTION " FROM gone"
    " WHERE id = gone.execution_id AND state IS NULL RETURNING created_ms, executions.timeline)"
    " SELECT created_ms, timeline FROM done";

// Of those that wait only the ones that the same workers would take before it count: turns of others may put more
// before it, and never fewer.
static const char hopeless_sql[] = "UPDATE queue_items SET turn = " NUMBER_TEXT(
    HOPELESS) " WHERE execution_id IN"
              " (SELECT q.execution_id FROM queue_items q JOIN executions e ON e.id = q.execution_id JOIN"
              " (SELECT execution_id, row_number() OVER (PARTITION BY contract_id, build_target, handed % 2"
              " ORDER BY turn, execution_id) - 1 AS ahead FROM queue_items WHERE stage IS NULL AND turn >= 0"
              " AND not_before_ms <= " NOW_MS ") waiting ON waiting.execution_id = q.execution_id"
              " WHERE q.stage IS NULL AND q.turn >= 0 AND e.created_ms <= " NOW_MS
              " - " NUMBER_TEXT(HOPELESS_WAITED_MS) " AND waiting.ahead * CAST(:each AS BIGINT)"
                                                    " > (q.dead_at_ms - (q.dead_at_ms - e.created_ms) / 10 - " NOW_MS
                                                    ") * 1000"
                                                    " FOR UPDATE OF q SKIP LOCKED)";

static bool change(struct db *db, const char *sql, uint64_t *rows, struct err *e) {
    struct db_stmt *q;
    if (!db_query(db, sql, &q, e) || !db_run(db, q, e))
        return false;
    *rows = (uint64_t)db_changes(db);
    return true;
}

static bool end_leases(struct scaled *s, uint64_t *rows, struct err *e) {
    struct db *db = s->soft;
    struct db_stmt *q;
    bool row = false, ok;
    *rows = 0;
    if (!db_query(db, lost_sql, &q, e))
        return false;
    while ((ok = db_step(db, q, &row, e)) && row) {
        const char *worker = db_text(db, q, "worker_id");
        log_request_of(db_text(db, q, "contract_id"), (uint64_t)db_int(db, q, "request_id"));
        log_warn("the lease by %s (token %s) is lost", worker ? worker : "", db_text(db, q, "token_name"));
        log_request(NULL);
        form_figures_lost(&s->figures, worker);
        ++*rows;
    }
    db_done(db, q);
    return ok;
}

static bool end_times(struct scaled *s, uint64_t *rows, struct err *e) {
    struct db *db = s->soft;
    struct db_stmt *q;
    bool row = false, ok;
    *rows = 0;
    if (!db_query(db, over_sql, &q, e))
        return false;
    while ((ok = db_step(db, q, &row, e)) && row) {
        form_figures_end(&s->figures, (uint64_t)db_int(db, q, "created_ms"), db_text(db, q, "timeline"));
        ++*rows;
    }
    db_done(db, q);
    return ok;
}

// What ran out and still is held, nobody was there to sweep, and so nobody either to whom its worker could have
// confirmed it: no coordinator ran, or none reached the database. After an outage those are spared, too, that are about
// to.
static const char spare_sql[] = "UPDATE queue_items SET until_ms = " NOW_MS " + CAST(:lasts AS BIGINT)"
                                " WHERE stage IS NOT NULL AND until_ms <= " NOW_MS " + CAST(:within AS BIGINT)";

// Here the database was away, or this process stood still.
static bool spare_leases(struct scaled *s, struct err *e) {
    struct db *db = s->soft;
    struct db_stmt *q;
    bool starts = !s->swept_ms;
    if (!starts && clock_mono_ms() - s->swept_ms < OUTAGE_MS)
        return true;
    if (!db_query(db, spare_sql, &q, e))
        return false;
    db_bind_int(db, q, ":lasts", LEASE_MS);
    db_bind_int(db, q, ":within", starts ? 0 : LEASE_MS);
    if (!db_run(db, q, e))
        return false;
    if (db_changes(db))
        log_info("%d leases last on, which nobody could confirm meanwhile", (int)db_changes(db));
    return true;
}

bool scaled_judge(struct scaled *s, uint64_t each_us, uint64_t *found, struct err *e) {
    struct db_stmt *q;
    if (!db_query(s->soft, hopeless_sql, &q, e))
        return false;
    db_bind_int(s->soft, q, ":each", (int64_t)each_us);
    if (!db_run(s->soft, q, e))
        return false;
    *found = (uint64_t)db_changes(s->soft);
    if (*found)
        log_warn("%d executions are hopeless: too many wait before them", (int)*found);
    return true;
}

bool scaled_sweep(struct scaled *s, struct err *e) {
    uint64_t lost, late, over;
    if (!spare_leases(s, e) || !end_leases(s, &lost, e) || !change(s->soft, late_sql, &late, e) ||
        !end_times(s, &over, e))
        return false;
    if (over)
        log_info("%d requests ended: no worker served them in time", (int)over);
    s->swept_ms = clock_mono_ms();
    pthread_mutex_lock(&s->mutex);
    s->counts.leases_lost += lost;
    pthread_mutex_unlock(&s->mutex);
    if (lost || over)
        scaled_changed(s);
    if (lost || late)
        scaled_ring(s, NULL, NULL);
    return true;
}

// --- counts

static const char states_sql[] = "SELECT coalesce(stage, 'queued') AS name, created_by, count(*) AS n FROM queue_items"
                                 " GROUP BY 1, 2";
static const char oldest_sql[] = "SELECT greatest(" NOW_MS " - created_ms, 0) AS ms FROM executions WHERE id ="
                                 " (SELECT min(execution_id) FROM queue_items WHERE stage IS NULL)";

static uint64_t *state_of(struct queue_counts *c, const char *name) {
    for (int i = 0; i < EXECUTION_STATE_COUNT; i++)
        if (strcmp(execution_text((enum execution_state)i), name) == 0)
            return &c->by_state[i];
    return &c->by_state[EXECUTION_QUEUED];
}

static bool read_states(struct db *db, struct queue_counts *out, struct creators *creators, struct err *e) {
    struct db_stmt *q;
    bool row = false, ok;
    if (!db_query(db, states_sql, &q, e))
        return false;
    while ((ok = db_step(db, q, &row, e)) && row) {
        uint64_t n = (uint64_t)db_int(db, q, "n");
        *state_of(out, db_text(db, q, "name")) += n;
        creators_add(creators, db_text(db, q, "created_by"), n);
    }
    db_done(db, q);
    return ok;
}

static bool read_oldest(struct db *db, uint64_t *ms, struct err *e) {
    struct db_stmt *q;
    bool row = false;
    if (!db_query(db, oldest_sql, &q, e))
        return false;
    bool ok = db_step(db, q, &row, e);
    *ms = ok && row ? (uint64_t)db_int(db, q, "ms") : 0;
    db_done(db, q);
    return ok;
}

bool scaled_look_benches(struct scaled *s, bool *any, struct err *e) {
    struct db_stmt *q;
    bool row = false;
    if (!db_query(s->soft, "SELECT execution_id FROM queue_benches LIMIT 1", &q, e))
        return false;
    bool ok = db_step(s->soft, q, &row, e);
    *any = ok && row;
    db_done(s->soft, q);
    return ok;
}

bool scaled_count(struct scaled *s, struct queue_counts *out, struct creators *creators, uint64_t *oldest_ms,
                  struct err *e) {
    *out = (struct queue_counts){0};
    *creators = (struct creators){0};
    return read_states(s->soft, out, creators, e) && executions_count(s->soft, out, e) &&
           read_oldest(s->soft, oldest_ms, e);
}
