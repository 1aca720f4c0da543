// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/settings.h"
#include "queue/columns.h"
#include "queue/database.h"
#include "queue/scaled_sql.h"
#include "queue/shared_scaled.h"

#define LOCKS_MAX_TEXT NUMBER_TEXT(LOCKS_MAX)
#define WORKERS_MAX_TEXT NUMBER_TEXT(WORKERS_MAX)
#define BENCHED_MAX_TEXT NUMBER_TEXT(BENCHED_MAX)
#define WORKER_ALIVE_TEXT NUMBER_TEXT(WORKER_ALIVE_MS)
#define COORDINATOR_ALIVE_TEXT NUMBER_TEXT(COORDINATOR_ALIVE_MS)

// The first row's numbers, by the names of their columns; zeros where there is none.
static bool read_numbers(struct db *db, struct db_stmt *q, const char *const *names, uint64_t *out, size_t n,
                         struct err *e) {
    bool row = false, ok = db_step(db, q, &row, e);
    for (size_t i = 0; i < n; i++)
        out[i] = ok && row ? (uint64_t)db_int(db, q, names[i]) : 0;
    db_done(db, q);
    return ok;
}

// --- locks

// A statement that waited for another one's row began before that one's moment.
#define THIS_MS "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"
// Its holder by the same token prolongs it; anybody takes one whose time is over. A row that came after this statement
// had begun is seen by neither half.
static const char acquire_sql[] =
    "WITH got AS (INSERT INTO build_locks AS l (lock_key, worker_id, token_name, until_ms)"
    " SELECT :key, :worker, :token, " NOW_MS " + CAST(:ttl AS BIGINT)"
    " WHERE EXISTS (SELECT 1 FROM build_locks WHERE lock_key = :key) OR"
    " (SELECT count(*) FROM build_locks WHERE until_ms > " NOW_MS ") < " LOCKS_MAX_TEXT
    " ON CONFLICT (lock_key) DO UPDATE SET worker_id = excluded.worker_id, token_name = excluded.token_name,"
    " until_ms = excluded.until_ms WHERE l.until_ms <= " NOW_MS
    " OR (l.worker_id = excluded.worker_id AND l.token_name = excluded.token_name) RETURNING worker_id, until_ms)"
    " SELECT worker_id AS holder, 1 AS acquired, greatest((until_ms - " THIS_MS " + 999) / 1000, 0) AS left_s FROM got"
    // One that was held when this statement began may be over by now: whoever asks comes again in a second.
    " UNION ALL SELECT worker_id, 0, greatest((until_ms - " THIS_MS
    " + 999) / 1000, 1) FROM build_locks WHERE lock_key = :key AND until_ms > " NOW_MS
    " AND NOT EXISTS (SELECT 1 FROM got)";

static bool count_locks(struct db *db, bool *full, struct err *e) {
    static const char *const names[] = {"n"};
    struct db_stmt *q;
    uint64_t n;
    if (!db_query(db, "SELECT count(*) AS n FROM build_locks WHERE until_ms > " NOW_MS, &q, e) ||
        !read_numbers(db, q, names, &n, 1, e))
        return false;
    *full = n >= LOCKS_MAX;
    return true;
}

static void bind_lock(struct db *db, struct db_stmt *q, const struct shared_lock *x) {
    db_bind_text(db, q, ":key", database_text(x->arena, x->key));
    db_bind_text(db, q, ":worker", database_text(x->arena, x->worker));
    db_bind_text(db, q, ":token", lock_token(x));
}

bool lock_row_acquire(struct db *db, struct shared_lock *x, bool *full, struct err *e) {
    struct db_stmt *q;
    bool row = false;
    x->holder = NULL;
    *full = false;
    if (!db_query(db, acquire_sql, &q, e))
        return false;
    bind_lock(db, q, x);
    db_bind_int(db, q, ":ttl", (int64_t)x->ttl_s * 1000);
    bool ok = db_step(db, q, &row, e);
    if (ok && row) {
        x->acquired = db_int(db, q, "acquired");
        x->holder = arena_strdup(x->arena, x->acquired ? x->worker : db_text(db, q, "holder"));
        x->expires_in_s = (uint64_t)db_int(db, q, "left_s");
    }
    db_done(db, q);
    return ok && (row || count_locks(db, full, e));
}

static const char release_sql[] =
    "WITH gone AS (DELETE FROM build_locks WHERE lock_key = :key AND worker_id = :worker AND token_name = :token"
    " AND until_ms > " NOW_MS " RETURNING lock_key)"
    " SELECT (SELECT count(*) FROM gone) AS gone, (SELECT count(*) FROM build_locks WHERE lock_key = :key"
    " AND until_ms > " NOW_MS " AND NOT (worker_id = :worker AND token_name = :token)) AS others";

bool lock_row_release(struct db *db, struct shared_lock *x, bool *foreign, struct err *e) {
    static const char *const names[] = {"gone", "others"};
    struct db_stmt *q;
    uint64_t n[2];
    if (!db_query(db, release_sql, &q, e))
        return false;
    bind_lock(db, q, x);
    if (!read_numbers(db, q, names, n, 2, e))
        return false;
    x->released = n[0];
    *foreign = n[1];
    return true;
}

// --- workers

// In one order, so that no two coordinators wait for each other.
static const char seen_sql[] =
    "INSERT INTO workers_seen AS w (worker_id, said, seen_ms) SELECT worker_id, said, " NOW_MS " - ago_ms FROM"
    " unnest(CAST(:worker AS TEXT[]), CAST(:said AS TEXT[]), CAST(:ago AS BIGINT[])) AS x (worker_id, said, ago_ms)"
    " ORDER BY worker_id ON CONFLICT (worker_id) DO UPDATE SET said = excluded.said, seen_ms = excluded.seen_ms"
    " WHERE w.seen_ms <= excluded.seen_ms";

bool worker_rows_store(struct db *db, const struct seen_worker *x, size_t n, struct err *e) {
    SCOPED_BUF(worker, COLUMN_MAX);
    SCOPED_BUF(said, COLUMN_MAX);
    SCOPED_BUF(ago, COLUMN_MAX);
    struct db_stmt *q;
    uint64_t now = clock_mono_ms();
    if (!db_query(db, seen_sql, &q, e))
        return false;
    for (size_t i = 0; i < n; i++) {
        column_add_text(&worker, x[i].id);
        column_add_text(&said, x[i].said);
        column_add_int(&ago, (int64_t)(now - x[i].seen_ms));
    }
    column_bind(db, q, ":worker", &worker);
    column_bind(db, q, ":said", &said);
    column_bind(db, q, ":ago", &ago);
    return db_run(db, q, e);
}

bool worker_rows_list(struct db *db, const json_t *own, json_t *list, struct err *e) {
    struct db_stmt *q;
    bool row = false, ok;
    if (!db_query(db,
                  "SELECT worker_id, said, greatest(" NOW_MS " - seen_ms, 0) AS ago FROM workers_seen"
                  " ORDER BY seen_ms DESC LIMIT " WORKERS_MAX_TEXT,
                  &q, e))
        return false;
    while ((ok = db_step(db, q, &row, e)) && row)
        if (!json_object_get(own, db_text(db, q, "worker_id")))
            json_array_append_new(list, shared_worker_row(db_text(db, q, "said"), (uint64_t)db_int(db, q, "ago")));
    db_done(db, q);
    return ok;
}

// --- benches

static const char bench_sql[] =
    "INSERT INTO worker_benches (worker_id, until_ms) SELECT :worker, " NOW_MS " + CAST(:time AS BIGINT)"
    " WHERE EXISTS (SELECT 1 FROM worker_benches WHERE worker_id = :worker) OR"
    " (SELECT count(*) FROM worker_benches WHERE until_ms > " NOW_MS ") < " BENCHED_MAX_TEXT
    " ON CONFLICT (worker_id) DO UPDATE SET until_ms = excluded.until_ms";

static bool bench_row_end(struct db *db, struct shared_bench *x, struct err *e) {
    struct db_stmt *q;
    if (!db_query(db, "DELETE FROM worker_benches WHERE worker_id = :worker AND until_ms > " NOW_MS, &q, e))
        return false;
    db_bind_text(db, q, ":worker", database_text(x->arena, x->worker));
    if (!db_run(db, q, e))
        return false;
    x->found = db_changes(db) > 0;
    return true;
}

bool bench_row_store(struct db *db, struct shared_bench *x, bool *full, struct err *e) {
    struct db_stmt *q;
    *full = false;
    if (!x->seconds)
        return bench_row_end(db, x, e);
    if (!db_query(db, bench_sql, &q, e))
        return false;
    db_bind_text(db, q, ":worker", database_text(x->arena, x->worker));
    db_bind_int(db, q, ":time", (int64_t)x->seconds * 1000);
    if (!db_run(db, q, e))
        return false;
    *full = db_changes(db) == 0;
    return true;
}

bool bench_rows_read(struct db *db, struct benched out[BENCHED_MAX], size_t *count, struct err *e) {
    struct db_stmt *q;
    bool row = false, ok;
    uint64_t now = clock_mono_ms();
    *count = 0;
    if (!db_query(db,
                  "SELECT worker_id, until_ms - " NOW_MS " AS left_ms FROM worker_benches WHERE until_ms > " NOW_MS
                  " ORDER BY worker_id LIMIT " BENCHED_MAX_TEXT,
                  &q, e))
        return false;
    while ((ok = db_step(db, q, &row, e)) && row) {
        struct benched *b = &out[(*count)++];
        snprintf(b->worker_id, sizeof b->worker_id, "%s", db_text(db, q, "worker_id"));
        b->until_ms = now + (uint64_t)db_int(db, q, "left_ms");
    }
    db_done(db, q);
    return ok;
}

// --- coordinators

static bool find_foreign(struct db *db, struct err *e) {
    struct db_stmt *q;
    bool row = false;
    if (!db_query(
            db,
            "SELECT form, version, greatest(seen_ms + " COORDINATOR_ALIVE_TEXT " - " NOW_MS
            ", 0) / 1000 + 1 AS left_s FROM coordinators WHERE form <> 'scaled' AND seen_ms + " COORDINATOR_ALIVE_TEXT
            " > " NOW_MS " LIMIT 1",
            &q, e))
        return false;
    bool ok = db_step(db, q, &row, e);
    if (ok && row) {
        err_set(
            e, ERR_SETTINGS,
            "a coordinator of version %.40s, whose form is '%.40s', uses this database: it keeps in its memory what "
            "others would have to know",
            db_text(db, q, "version"), db_text(db, q, "form"));
        err_hint(e, "stop it first, and start this one %d s later", (int)db_int(db, q, "left_s"));
    }
    db_done(db, q);
    return ok && !row;
}

static bool enter(struct db *db, const char *id, struct err *e) {
    struct db_stmt *q;
    if (!db_exec(db, "LOCK TABLE coordinators IN SHARE ROW EXCLUSIVE MODE", e) || !find_foreign(db, e) ||
        !db_query(
            db,
            "INSERT INTO coordinators (id, form, version, started_ms, seen_ms) VALUES (:id, 'scaled', :version, " NOW_MS
            ", " NOW_MS ")",
            &q, e))
        return false;
    db_bind_text(db, q, ":id", id);
    db_bind_text(db, q, ":version", PROGRAM_VERSION);
    return db_run(db, q, e);
}

bool coordinator_row_enter(struct db *db, const char *id, struct err *e) {
    if (!db_begin(db, e))
        return false;
    if (enter(db, id, e))
        return db_commit(db, e);
    db_rollback(db);
    return false;
}

// One that was away for so long that its row was swept comes back.
static const char stay_sql[] =
    "WITH own AS (INSERT INTO coordinators (id, form, version, started_ms, seen_ms) VALUES (:id, 'scaled', "
    ":version, " NOW_MS ", " NOW_MS ") ON CONFLICT (id) DO UPDATE SET seen_ms = excluded.seen_ms)"
    " SELECT (SELECT count(*) FROM coordinators WHERE id <> :id AND seen_ms + " COORDINATOR_ALIVE_TEXT " > " NOW_MS
    ") + 1 AS coordinators,"
    " (SELECT count(*) FROM workers_seen WHERE seen_ms + " WORKER_ALIVE_TEXT " > " NOW_MS ") AS workers, " NOW_MS
    " AS now_ms";

bool coordinator_row_stay(struct db *db, const char *id, struct shared_counts *out, struct err *e) {
    static const char *const names[] = {"coordinators", "workers", "now_ms"};
    struct db_stmt *q;
    uint64_t n[3];
    if (!db_query(db, stay_sql, &q, e))
        return false;
    db_bind_text(db, q, ":id", id);
    db_bind_text(db, q, ":version", PROGRAM_VERSION);
    if (!read_numbers(db, q, names, n, 3, e))
        return false;
    *out = (struct shared_counts){n[0], n[1], n[2]};
    return true;
}

bool coordinator_row_leave(struct db *db, const char *id, struct err *e) {
    struct db_stmt *q;
    if (!db_query(db, "DELETE FROM coordinators WHERE id = :id", &q, e))
        return false;
    db_bind_text(db, q, ":id", id);
    return db_run(db, q, e);
}

// --- what is over

bool shared_rows_sweep(struct db *db, struct err *e) {
    static const char *const sweeps[] = {
        "DELETE FROM build_locks WHERE until_ms <= " NOW_MS, "DELETE FROM worker_benches WHERE until_ms <= " NOW_MS,
        "DELETE FROM workers_seen WHERE seen_ms + " WORKER_ALIVE_TEXT " <= " NOW_MS
        " AND worker_id IN (SELECT worker_id FROM workers_seen ORDER BY seen_ms DESC OFFSET " WORKERS_MAX_TEXT ")",
        "DELETE FROM coordinators WHERE seen_ms + 3600000 <= " NOW_MS};
    struct db_stmt *q;
    for (size_t i = 0; i < ARRAY_LEN(sweeps); i++)
        if (!db_query(db, sweeps[i], &q, e) || !db_run(db, q, e))
            return false;
    return true;
}
