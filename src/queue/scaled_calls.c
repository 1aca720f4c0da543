// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"
#include "crypto/hash.h"
#include "queue/columns.h"
#include "queue/database.h"
#include "queue/rollups.h"
#include "queue/rows.h"
#include "queue/scaled.h"
#include "queue/scaled_sql.h"
#include "queue/timeline.h"
#include <inttypes.h>

// Where two statements touch the same rows they take them in one order, so that no two coordinators wait for each
// other. A call without a token is the operator's, whoever holds the execution: its lease is null.
#define IS_OF_LEASE                                                                                                    \
    "q.contract_id = x.contract_id AND q.request_id = x.request_id AND"                                                \
    " (x.lease IS NULL OR (q.lease_hash = x.lease AND q.stage IS NOT NULL))"

static void columns_init(struct buf *c, size_t n) {
    for (size_t i = 0; i < n; i++)
        c[i] = buf_init(COLUMN_MAX);
}

static void columns_bind(struct db *db, struct db_stmt *q, const char *const *names, struct buf *c, size_t n) {
    for (size_t i = 0; i < n; i++) {
        column_bind(db, q, names[i], &c[i]);
        buf_free(&c[i]);
    }
}

// NULL: the operator's.
static const char *lease_text(const char *token, char out[static 65]) {
    struct hash h = sha256(slice_str(token ? token : ""));
    return token ? hash_hex(&h, out) : NULL;
}

// --- creations

static const char create_sql[] =
    "WITH x AS (SELECT * FROM unnest(CAST(:contract AS TEXT[]), CAST(:request AS BIGINT[]), CAST(:transaction AS "
    "TEXT[]),"
    " CAST(:about AS TEXT[]), CAST(:task AS TEXT[]), CAST(:target AS TEXT[]), CAST(:payer AS TEXT[]),"
    " CAST(:dead AS BIGINT[]), CAST(:source AS BIGINT[]), CAST(:creator AS TEXT[])) WITH ORDINALITY AS x (contract_id,"
    " request_id, transaction_hash, about, task, build_target, payer, dead_at_ms, source, created_by, n)),"
    // Of two in one statement the first one is made, as if it had come alone.
    " made AS (INSERT INTO executions (contract_id, request_id, transaction_hash, created_ms, created_by, about, task)"
    " SELECT contract_id, request_id, transaction_hash, " NOW_MS ", created_by, about, task FROM x"
    " ORDER BY contract_id, request_id, n ON CONFLICT DO NOTHING RETURNING id, contract_id, request_id),"
    " new AS (SELECT DISTINCT ON (made.id) made.id, x.* FROM made JOIN x USING (contract_id, request_id)"
    " ORDER BY made.id, x.n),"
    // The turn that is served: the highest that somebody holds, or the lowest that waits.
    " served AS (SELECT coalesce((SELECT max(turn) FROM queue_items WHERE stage IS NOT NULL),"
    " (SELECT min(turn) FROM queue_items WHERE stage IS NULL AND turn >= 0), 0) AS turn),"
    " placed AS (INSERT INTO queue_items (execution_id, contract_id, request_id, build_target, payer, source,"
    " created_by, turn, dead_at_ms)"
    " SELECT new.id, contract_id, request_id, build_target, payer, source, created_by, greatest((SELECT turn FROM "
    "served),"
    " (SELECT max(q.turn) + 1 FROM queue_items q WHERE q.payer = new.payer AND q.stage IS NULL))"
    " + row_number() OVER (PARTITION BY payer ORDER BY new.n) - 1,"
    " CASE WHEN dead_at_ms <= " NOW_MS " THEN " NOW_MS " + CAST(:serve AS BIGINT)"
    " ELSE least(dead_at_ms, " NOW_MS " + CAST(:most AS BIGINT)) END FROM new)"
    " SELECT n FROM new";

bool scaled_store_creates(struct scaled *s, struct queue_create **x, size_t n, struct err *e) {
    struct db *db = s->durable;
    struct db_stmt *q;
    bool row = false, ok;
    struct buf c[10];
    if (!db_query(db, create_sql, &q, e))
        return false;
    columns_init(c, ARRAY_LEN(c));
    for (size_t i = 0; i < n; i++) {
        x[i]->created = false;
        column_add_text(&c[0], x[i]->key.contract_id);
        column_add_int(&c[1], (int64_t)x[i]->key.request_id);
        column_add_text(&c[2], x[i]->transaction_hash);
        column_add_text(&c[3], x[i]->about);
        column_add_text(&c[4], x[i]->json);
        column_add_text(&c[5], x[i]->build_target);
        column_add_text(&c[6], x[i]->payer);
        column_add_int(&c[7], (int64_t)x[i]->dead_at_ms);
        column_add_int(&c[8], (int64_t)x[i]->source);
        column_add_text(&c[9], if_any(x[i]->token_name));
    }
    static const char *const names[] = {":contract", ":request", ":transaction", ":about",  ":task",
                                        ":target",   ":payer",   ":dead",        ":source", ":creator"};
    columns_bind(db, q, names, c, ARRAY_LEN(c));
    db_bind_int(db, q, ":serve", (int64_t)s->config.serve_ms);
    db_bind_int(db, q, ":most", DEADLINE_MAX_MS);
    while ((ok = db_step(db, q, &row, e)) && row)
        x[db_int(db, q, "n") - 1]->created = true;
    db_done(db, q);
    for (size_t i = 0; ok && i < n; i++)
        ok = x[i]->created || !x[i]->arena || execution_look(db, &x[i]->key, x[i]->arena, &x[i]->known, &x[i]->over, e);
    return ok;
}

// --- a task in the place of a false one

// Who refused the false one may have been right.
static bool forget_benches(struct db *db, int64_t id, struct err *e) {
    struct db_stmt *q;
    if (!db_query(db, "DELETE FROM queue_benches WHERE execution_id = :id", &q, e))
        return false;
    db_bind_int(db, q, ":id", id);
    return db_run(db, q, e);
}

static bool replace(struct scaled *s, struct queue_replace *x, struct err *e) {
    int64_t id;
    uint64_t now;
    struct stored_end was;
    const struct ended *end;
    SCOPED_ARENA(a);
    if (!database_now_ms(s->durable, &now, e) || !execution_look_end(s->durable, &x->key, &was, e) ||
        !rollups_find_end(s->durable, &x->key, a, &end, e) || !execution_replace(s->durable, x, now, &id, e) ||
        !forget_benches(s->durable, id, e) || (id && was.over && !totals_uncount(s->durable, &was, e)) ||
        (id && !rollups_take_back(s->durable, end, e)))
        return false;
    x->replaced = id != 0;
    uint64_t most = now + DEADLINE_MAX_MS, dead = x->dead_at_ms > now ? x->dead_at_ms : now + s->config.serve_ms;
    const struct queue_row row = {.execution_id = id,
                                  .key = x->key,
                                  .build_target = x->build_target,
                                  .payer = x->payer,
                                  .source = x->source,
                                  .created_by = x->token_name,
                                  .dead_at_ms = dead < most ? dead : most};
    return !id || queue_row_insert(s->durable, &row, e); // it has waited: its turn is the first
}

bool scaled_store_replace(struct scaled *s, struct queue_replace *x, struct err *e) {
    x->replaced = false;
    if (!db_begin(s->durable, e))
        return false;
    if (replace(s, x, e))
        return db_commit(s->durable, e);
    db_rollback(s->durable);
    return false;
}

bool scaled_look(struct scaled *s, struct queue_look *x, struct err *e) {
    struct db *db = s->soft;
    struct db_stmt *q;
    bool row = false;
    char hex[65];
    if (!db_query(db,
                  "SELECT q.lease_hash AS lease, e.task AS task FROM queue_items q JOIN executions e ON e.id = "
                  "q.execution_id WHERE q.contract_id = :contract AND q.request_id = :request",
                  &q, e))
        return false;
    db_bind_text(db, q, ":contract", x->key.contract_id);
    db_bind_int(db, q, ":request", (int64_t)x->key.request_id);
    bool ok = db_step(db, q, &row, e);
    if (ok) {
        const char *lease = row ? db_text(db, q, "lease") : NULL, *own = lease_text(x->token, hex);
        x->answer = !row ? QUEUE_UNKNOWN : lease && own && strcmp(lease, own) == 0 ? QUEUE_OK : QUEUE_LOST;
        x->json = x->answer == QUEUE_OK ? arena_strdup(x->arena, db_text(db, q, "task")) : NULL;
    }
    db_done(db, q);
    return ok;
}

// --- ends

// The state is compared in a way that the index of open executions is not for: of a young table the planner believes
// that reading all of that index costs nothing (see IS_KEY).
static const char end_sql[] =
    "WITH x AS (SELECT * FROM unnest(CAST(:contract AS TEXT[]), CAST(:request AS BIGINT[]), CAST(:lease AS TEXT[]),"
    " CAST(:outcome AS TEXT[]), CAST(:report AS TEXT[]), CAST(:instructions AS BIGINT[]), CAST(:token AS TEXT[]),"
    " CAST(:evidence AS TEXT[]))"
    " WITH ORDINALITY AS x (contract_id, request_id, lease, outcome, report, instructions, token_name, evidence, n)),"
    " held AS (SELECT q.execution_id, q.worker_id, q.attempt, q.timeline, x.* FROM queue_items q JOIN x ON " IS_OF_LEASE
    " ORDER BY q.execution_id FOR UPDATE OF q),"
    " gone AS (DELETE FROM queue_items q USING held WHERE q.execution_id = held.execution_id"
    " RETURNING q.execution_id),"
    " unbenched AS (DELETE FROM queue_benches b USING held WHERE b.execution_id = held.execution_id),"
    " done AS (UPDATE executions e SET state = 'settled', outcome = held.outcome, report = held.report, evidence = "
    "held.evidence,"
    " worker_id = held.worker_id, token_name = held.token_name, lease = held.lease, ended_ms = " NOW_MS
    ", instructions = held.instructions, timeline = held.timeline || CAST(json_strip_nulls(json_build_object("
    "'stage', 'settled', 'at_ms', " NOW_MS ", 'worker_id', nullif(held.worker_id, ''), 'attempt', nullif(held.attempt, "
    "0))) AS TEXT) || ',', changed = " THIS_TRANSACTION
    " FROM held JOIN gone USING (execution_id) WHERE e.id = held.execution_id AND coalesce(e.state, '') = ''"
    " RETURNING held.n AS n, e.created_ms AS created_ms, e.timeline AS timeline)"
    " SELECT x.n AS n, CAST(done.n IS NOT NULL AS INTEGER) AS changed, done.created_ms AS created_ms,"
    " done.timeline AS timeline,"
    // The end that was there is its lease's; or, of the operator who has none, a like one.
    " CAST(coalesce(e.lease = x.lease, x.lease IS NULL AND e.lease IS NULL AND e.outcome = x.outcome, false) AS "
    "INTEGER)"
    " AS own, CAST(e.state IS NOT NULL AS INTEGER) AS over,"
    " CAST(q.execution_id IS NOT NULL AS INTEGER) AS open"
    " FROM x LEFT JOIN done ON done.n = x.n"
    " LEFT JOIN LATERAL (SELECT id, lease, outcome, state FROM executions WHERE " IS_KEY(
        "x.contract_id", "x.request_id") ") e ON true LEFT JOIN queue_items q ON q.execution_id = e.id";

static void read_end(struct db *db, struct db_stmt *q, struct queue_end *x, size_t *unsure) {
    bool own = db_int(db, q, "own"), over = db_int(db, q, "over");
    x->changed = db_int(db, q, "changed");
    x->answer = x->changed || own ? QUEUE_OK : !over && db_int(db, q, "open") ? QUEUE_LOST : QUEUE_UNKNOWN;
    *unsure += x->answer != QUEUE_OK && !over;
}

bool scaled_store_ends(struct scaled *s, struct queue_end **x, size_t n, size_t *unsure, struct err *e) {
    struct db *db = s->durable;
    struct db_stmt *q;
    bool row = false, ok;
    struct buf c[8];
    *unsure = 0;
    if (!db_query(db, end_sql, &q, e))
        return false;
    columns_init(c, ARRAY_LEN(c));
    for (size_t i = 0; i < n; i++) {
        char hex[65];
        column_add_text(&c[0], x[i]->key.contract_id);
        column_add_int(&c[1], (int64_t)x[i]->key.request_id);
        column_add_text(&c[2], lease_text(x[i]->token, hex));
        column_add_text(&c[3], x[i]->outcome);
        column_add_text(&c[4], x[i]->report);
        column_add_int(&c[5], (int64_t)x[i]->instructions);
        column_add_text(&c[6], if_any(x[i]->token_name));
        column_add_text(&c[7], x[i]->evidence);
    }
    static const char *const names[] = {":contract", ":request",      ":lease", ":outcome",
                                        ":report",   ":instructions", ":token", ":evidence"};
    columns_bind(db, q, names, c, ARRAY_LEN(c));
    while ((ok = db_step(db, q, &row, e)) && row) {
        struct queue_end *one = x[db_int(db, q, "n") - 1];
        read_end(db, q, one, unsure);
        if (one->changed)
            form_figures_end(&s->figures, (uint64_t)db_int(db, q, "created_ms"), db_text(db, q, "timeline"));
    }
    db_done(db, q);
    return ok;
}

// --- heartbeats, and what is given back: of those that a token holds

#define OF_LEASES                                                                                                      \
    "WITH x AS (SELECT * FROM unnest(CAST(:contract AS TEXT[]), CAST(:request AS BIGINT[]), CAST(:lease AS TEXT[]),"   \
    " CAST(:stage AS TEXT[]), CAST(:dead AS BIGINT[]), CAST(:reason AS TEXT[])) WITH ORDINALITY AS"                    \
    " x (contract_id, request_id, lease, stage, dead_at_ms, reason, n)),"                                              \
    " rows AS (SELECT q.execution_id, q.contract_id, q.request_id, q.lease_hash, q.stage FROM queue_items q JOIN x"    \
    " ON " IS_OF_LEASE " ORDER BY q.execution_id FOR UPDATE OF q),"                                                    \
    " held AS (SELECT q.execution_id, x.lease, max(x.stage) AS stage, max(x.dead_at_ms) AS dead_at_ms, max(x.reason) " \
    "AS reason"                                                                                                        \
    " FROM rows q JOIN x ON " IS_OF_LEASE " GROUP BY q.execution_id, x.lease),"
#define SAY_WHOSE                                                                                                      \
    " SELECT x.n AS n, CAST(done.execution_id IS NOT NULL AS INTEGER) AS held,"                                        \
    " CAST(q.execution_id IS NOT NULL AS INTEGER) AS open FROM x"                                                      \
    " LEFT JOIN queue_items q ON q.contract_id = x.contract_id AND q.request_id = x.request_id"                        \
    " LEFT JOIN done ON done.execution_id = q.execution_id AND done.lease IS NOT DISTINCT FROM x.lease"

static const char beat_sql[] = OF_LEASES
    " done AS (UPDATE queue_items q SET until_ms = " NOW_MS " + CAST(:until AS BIGINT),"
    " timeline = CASE WHEN coalesce(held.stage, q.stage) IS NOT DISTINCT FROM q.stage THEN q.timeline ELSE " WITH_STEP(
        "q.timeline",
        "'stage', held.stage, 'at_ms', " NOW_MS
        ", 'worker_id', nullif(q.worker_id, ''), 'attempt', q.attempt") " END, changed = CASE WHEN "
                                                                        "coalesce(held.stage, q.stage) IS NOT DISTINCT "
                                                                        "FROM q.stage THEN q.changed "
                                                                        "ELSE " THIS_TRANSACTION
                                                                        " END, stage = coalesce(held.stage, q.stage), "
                                                                        "dead_at_ms = greatest(q.dead_at_ms, "
                                                                        "least(held.dead_at_ms, " NOW_MS
                                                                        " + CAST(:most AS BIGINT))),"
                                                                        // One that is extended is not too late any
                                                                        // more; it has waited, so that its turn is the
                                                                        // first.
                                                                        " turn = CASE WHEN held.dead_at_ms > "
                                                                        "q.dead_at_ms THEN greatest(q.turn, 0) ELSE "
                                                                        "q.turn END"
                                                                        " FROM held WHERE q.execution_id = "
                                                                        "held.execution_id RETURNING q.execution_id, "
                                                                        "held.lease)" SAY_WHOSE;
// One that is handed over was no failed attempt, and waits for nothing but a worker.
#define HANDED_THEN "q.handed + CASE WHEN (held.stage = 'to build') = (q.handed % 2 = 1) THEN 2 ELSE 1 END"
#define IS_HANDED "(held.stage IN ('to build', 'to run') AND " HANDED_THEN " <= " NUMBER_TEXT(HANDED_MAX) ")"
// Who says no name cannot be told from others that say none.
#define IS_BENCHED "(held.stage = 'bench' AND q.worker_id <> '')"
// The delay doubles with each attempt, from half a second to half a minute; the operator's waits for nothing.
static const char give_back_sql[] = OF_LEASES
    " benched AS (INSERT INTO queue_benches (execution_id, worker_id) SELECT q.execution_id, q.worker_id "
    "FROM"
    " queue_items q JOIN held ON held.execution_id = q.execution_id WHERE " IS_BENCHED " ON CONFLICT DO NOTHING),"
    " done AS (UPDATE queue_items q SET timeline = CASE WHEN q.stage IS NULL THEN q.timeline "
    "ELSE " WITH_STEP("q.timeline",
                      "'stage', CASE WHEN held.lease IS NULL THEN 'taken_back' WHEN " IS_HANDED
                      " THEN 'handed_over' ELSE 'given_back' END, 'at_ms', " NOW_MS
                      ", 'worker_id', nullif(q.worker_id, ''), 'attempt', q.attempt, 'reason', "
                      "held.reason") " END, changed = " THIS_TRANSACTION
                                     ", stage = NULL, worker_id = NULL, token_name = NULL, "
                                     "lease_hash = NULL,"
                                     " until_ms = NULL, not_before_ms = CASE WHEN held.lease IS NULL OR " IS_BENCHED
                                     " OR " IS_HANDED " THEN 0 ELSE " NOW_MS
                                     " + CAST(least(30000, 500 * power(2, least(q.attempt, 10) - 1)) AS "
                                     "BIGINT) END,"
                                     " attempt = CASE WHEN " IS_HANDED " THEN q.attempt - 1 ELSE q.attempt END,"
                                     " handed = CASE WHEN " IS_HANDED " THEN " HANDED_THEN " ELSE q.handed END,"
                                     // Says who held it: those who can do the next step come first.
                                     " turn = CASE WHEN " IS_HANDED " THEN greatest(q.turn, 0) ELSE q.turn END"
                                     " FROM held WHERE q.execution_id = held.execution_id RETURNING "
                                     "q.execution_id, held.lease)" SAY_WHOSE;

struct holder {
    const struct execution_key *key;
    const char *token, *stage, *reason;
    uint64_t dead_at_ms;
    enum queue_answer *answer;
};

static bool for_holders(struct scaled *s, const char *sql, const struct holder *x, size_t n, struct err *e) {
    struct db *db = s->soft;
    struct db_stmt *q;
    bool row = false, ok;
    struct buf c[6];
    if (!db_query(db, sql, &q, e))
        return false;
    columns_init(c, ARRAY_LEN(c));
    for (size_t i = 0; i < n; i++) {
        char hex[65];
        column_add_text(&c[0], x[i].key->contract_id);
        column_add_int(&c[1], (int64_t)x[i].key->request_id);
        column_add_text(&c[2], lease_text(x[i].token, hex));
        column_add_text(&c[3], x[i].stage);
        column_add_int(&c[4], (int64_t)x[i].dead_at_ms);
        column_add_text(&c[5], x[i].reason);
    }
    static const char *const names[] = {":contract", ":request", ":lease", ":stage", ":dead", ":reason"};
    columns_bind(db, q, names, c, ARRAY_LEN(c));
    if (sql == beat_sql) {
        db_bind_int(db, q, ":until", LEASE_MS);
        db_bind_int(db, q, ":most", DEADLINE_MAX_MS);
    }
    while ((ok = db_step(db, q, &row, e)) && row)
        *x[db_int(db, q, "n") - 1].answer = db_int(db, q, "held")   ? QUEUE_OK
                                            : db_int(db, q, "open") ? QUEUE_LOST
                                                                    : QUEUE_UNKNOWN;
    db_done(db, q);
    return ok;
}

static const char *stage_of(enum execution_event event) {
    switch (event) {
    case EXECUTION_EVENT_BUILD: return execution_text(EXECUTION_BUILDING);
    case EXECUTION_EVENT_RUN: return execution_text(EXECUTION_RUNNING);
    case EXECUTION_EVENT_SUBMIT: return execution_text(EXECUTION_SUBMITTING);
    case EXECUTION_EVENT_RECORD:
    case EXECUTION_EVENT_LEASE:
    case EXECUTION_EVENT_LOST:
    case EXECUTION_EVENT_RETRY:
    case EXECUTION_EVENT_COMPLETE:
    case EXECUTION_EVENT_TIMEOUT:
    case EXECUTION_EVENT_COUNT: break;
    }
    return NULL;
}

bool scaled_store_beats(struct scaled *s, struct queue_beat **x, size_t n, struct err *e) {
    struct holder h[SCALED_BATCH];
    for (size_t i = 0; i < n; i++) {
        h[i] = (struct holder){&x[i]->key, x[i]->token, stage_of(x[i]->event), NULL, x[i]->dead_at_ms, &x[i]->answer};
        x[i]->expires_in_ms = LEASE_MS;
    }
    return for_holders(s, beat_sql, h, n, e);
}

static const char *how_given(const struct queue_give_back *x) {
    if (x->hand)
        return x->step == QUEUE_BUILD ? "to build" : "to run";
    return x->bench ? "bench" : NULL;
}

// As PostgreSQL takes it.
static const char *short_reason(const char *reason, char out[static TIMELINE_REASON_MAX + 1]) {
    if (!reason || !reason[0])
        return NULL;
    snprintf(out, TIMELINE_REASON_MAX + 1, "%s", reason);
    text_repair(out);
    return out;
}

bool scaled_store_give_backs(struct scaled *s, struct queue_give_back **x, size_t n, struct err *e) {
    struct holder h[SCALED_BATCH];
    char reasons[SCALED_BATCH][TIMELINE_REASON_MAX + 1];
    for (size_t i = 0; i < n; i++)
        h[i] = (struct holder){&x[i]->key, x[i]->token,  how_given(x[i]), short_reason(x[i]->reason, reasons[i]),
                               0,          &x[i]->answer};
    return for_holders(s, give_back_sql, h, n, e);
}

// --- claims

// `free` is as many rows as there are polls, at most: each of them is leased to one. `pairs` says to which. What one of
// them does not get none gets: the others are asked for alone while there is such (scaled.c). `whose` is a condition of
// its own for one contract, so that an index finds its rows in their order and none of another one is read; it says in
// words that the index of all contracts is not for that nobody holds them, as the planner believes that most rows are
// of any contract that is asked for.
#define OF_ANY "stage IS NULL AND CAST(:contract AS TEXT) IS NULL"
#define OF_ONE "coalesce(stage, '') = '' AND contract_id = CAST(:contract AS TEXT)"
#define CLAIM(recursive, whose, pairs)                                                                                 \
    "WITH " recursive                                                                                                  \
    "x AS (SELECT worker_id, token_name, lease, CAST(string_to_array(at_hand, ',') AS BIGINT[]) AS at_hand, n FROM"    \
    " unnest(CAST(:worker AS TEXT[]), CAST(:token AS TEXT[]), CAST(:lease AS TEXT[]), CAST(:at_hand AS TEXT[]))"       \
    " WITH ORDINALITY AS x (worker_id, token_name, lease, at_hand, n)),"                                               \
    " free AS (SELECT execution_id, turn, source FROM queue_items WHERE " whose " AND not_before_ms <= " NOW_MS        \
    " AND dead_at_ms > " NOW_MS                                                                                        \
    " AND (turn < 0 OR ((CAST(:all AS BIGINT) = 1 OR build_target = ANY (string_to_array(:targets, ',')))"             \
    " AND CASE WHEN handed % 2 = 1 THEN CAST(:builds AS BIGINT) ELSE CAST(:runs AS BIGINT) END = 1))"                  \
    " AND NOT EXISTS (SELECT 1 FROM queue_benches b JOIN x ON x.worker_id = b.worker_id WHERE"                         \
    " b.execution_id = queue_items.execution_id)"                                                                      \
    " ORDER BY turn, execution_id LIMIT :n FOR UPDATE SKIP LOCKED)," pairs                                             \
    " UPDATE queue_items q SET timeline = " WITH_STEP(                                                                 \
        "q.timeline",                                                                                                  \
        "'stage', 'leased', 'at_ms', " NOW_MS ", 'worker_id', nullif(x.worker_id, ''), 'attempt', q.attempt "          \
        "+ 1") ", changed = " THIS_TRANSACTION ", stage = 'leased', worker_id = x.worker_id, "                         \
               "token_name = x.token_name,"                                                                            \
               " lease_hash = x.lease, until_ms = " NOW_MS " + CAST(:confirm AS BIGINT), attempt = q.attempt + 1"      \
               " FROM pairs JOIN x ON x.n = pairs.n JOIN executions e "                                                \
               "ON e.id = pairs.execution_id"                                                                          \
               " WHERE q.execution_id = pairs.execution_id"                                                            \
               " RETURNING x.n AS n, q.attempt AS attempt, q.turn AS "                                                 \
               "turn, q.handed AS handed, e.task AS task"

#define IN_TURN " pairs AS (SELECT execution_id, row_number() OVER (ORDER BY turn, execution_id) AS n FROM free)"

// Each row in turn takes the first poll that is left whose worker has its source at hand, or else the first that is
// left. Those that nobody has at hand come last, and take nobody's place.
#define AT_HAND_FIRST                                                                                                  \
    " ranked AS MATERIALIZED (SELECT execution_id, source, row_number() OVER (ORDER BY EXISTS"                         \
    " (SELECT 1 FROM x WHERE free.source = ANY (x.at_hand)) DESC, turn, execution_id) AS i"                            \
    " FROM free),"                                                                                                     \
    " pairs AS (SELECT CAST(NULL AS BIGINT) AS execution_id, CAST(0 AS BIGINT) AS i,"                                  \
    " CAST(NULL AS BIGINT) AS n, CAST('{}' AS BIGINT[]) AS taken"                                                      \
    " UNION ALL SELECT ranked.execution_id, ranked.i, best.n, pairs.taken || best.n"                                   \
    " FROM pairs JOIN ranked ON ranked.i = pairs.i + 1 CROSS JOIN LATERAL (SELECT x.n FROM x"                          \
    " WHERE x.n <> ALL (pairs.taken)"                                                                                  \
    " ORDER BY coalesce(ranked.source = ANY (x.at_hand), false) DESC, x.n LIMIT 1) best)"

// By whether it is for one contract, and whether one of the workers has something at hand.
static const char *const claims[2][2] = {{CLAIM("", OF_ANY, IN_TURN), CLAIM("RECURSIVE ", OF_ANY, AT_HAND_FIRST)},
                                         {CLAIM("", OF_ONE, IN_TURN), CLAIM("RECURSIVE ", OF_ONE, AT_HAND_FIRST)}};

#define NUMBER_ROOM 22 // a comma, a sign, 19 digits and the end

// NULL: nothing.
static const char *at_hand_list(const struct queue_poll *p, char out[static AT_HAND_MAX * NUMBER_ROOM]) {
    size_t len = 0;
    for (size_t i = 0; i < p->at_hand_count && i < AT_HAND_MAX; i++)
        if (p->at_hand[i]) // 0 is that of no source
            len += (size_t)snprintf(out + len, NUMBER_ROOM, "%s%" PRId64, len ? "," : "", (int64_t)p->at_hand[i]);
    return len ? out : NULL;
}

// Where there is one poll there is nobody to prefer.
static const char *claim_statement(const struct scaled_lease *x, size_t n) {
    bool any = false;
    for (size_t i = 0; n > 1 && i < n; i++)
        any |= x[i].poll->at_hand_count > 0;
    return claims[x[0].poll->contract_id != NULL][any];
}

static void read_lease(struct db *db, struct db_stmt *q, struct scaled_lease *x) {
    struct queue_poll *p = x->poll;
    p->leased = true;
    p->hopeless = db_int(db, q, "turn") == HOPELESS;
    p->too_late = p->hopeless || db_int(db, q, "turn") == TOO_LATE;
    p->attempt = (unsigned)db_int(db, q, "attempt");
    p->handed = (unsigned)db_int(db, q, "handed");
    p->json = arena_strdup(p->arena, db_text(db, q, "task"));
    memcpy(p->token, x->token, sizeof p->token);
}

bool scaled_claim(struct scaled *s, struct scaled_lease *x, size_t n, struct err *e) {
    struct db *db = s->soft;
    struct db_stmt *q;
    bool row = false, ok;
    const struct queue_poll *p = x[0].poll;
    if (!db_query(db, claim_statement(x, n), &q, e))
        return false;
    struct buf c[4];
    columns_init(c, ARRAY_LEN(c));
    for (size_t i = 0; i < n; i++) {
        char at_hand[AT_HAND_MAX * NUMBER_ROOM];
        column_add_text(&c[0], x[i].poll->worker_id);
        column_add_text(&c[1], if_any(x[i].poll->token_name));
        column_add_text(&c[2], x[i].hash);
        column_add_text(&c[3], at_hand_list(x[i].poll, at_hand));
    }
    static const char *const names[] = {":worker", ":token", ":lease", ":at_hand"};
    columns_bind(db, q, names, c, ARRAY_LEN(c));
    db_bind_text(db, q, ":contract", p->contract_id);
    db_bind_text(db, q, ":targets", p->capabilities);
    db_bind_int(db, q, ":all", !p->capabilities);
    db_bind_int(db, q, ":builds", !p->cannot[QUEUE_BUILD]);
    db_bind_int(db, q, ":runs", !p->cannot[QUEUE_RUN]);
    db_bind_int(db, q, ":n", (int64_t)n);
    db_bind_int(db, q, ":confirm", (int64_t)s->config.confirm_ms);
    while ((ok = db_step(db, q, &row, e)) && row)
        read_lease(db, q, &x[db_int(db, q, "n") - 1]);
    db_done(db, q);
    return ok;
}
