// SPDX-License-Identifier: Apache-2.0
#include "queue/rows.h"

#include "base/text.h"
#include "queue/database.h"

// --- executions --------------------------------------------------------------------------------------------------

static void bind_key(struct db *db, struct db_stmt *s, const struct execution_key *key) {
    db_bind_text(db, s, ":contract", key->contract_id);
    db_bind_int(db, s, ":request", (int64_t)key->request_id);
}

// The id that a change of at most one row gives back; 0: of none. Gives the statement back, too.
static bool changed_id(struct db *db, struct db_stmt *s, int64_t *id, struct err *e) {
    bool row = false, ok = db_step(db, s, &row, e);
    *id = ok && row ? db_int(db, s, "id") : 0;
    db_done(db, s);
    return ok;
}

bool execution_insert(struct db *db, const struct queue_create *x, uint64_t now_ms, int64_t *id, struct err *e) {
    struct db_stmt *s;
    if (!db_query(
            db,
            "INSERT INTO executions (contract_id, request_id, transaction_hash, created_ms, created_by, about, task) "
            "VALUES (:contract, :request, :transaction, :now, :creator, :about, :task) ON CONFLICT DO NOTHING "
            "RETURNING id",
            &s, e))
        return false;
    bind_key(db, s, &x->key);
    db_bind_text(db, s, ":transaction", x->transaction_hash);
    db_bind_text(db, s, ":task", x->json);
    db_bind_text(db, s, ":about", x->about);
    db_bind_text(db, s, ":creator", if_any(x->token_name));
    db_bind_int(db, s, ":now", (int64_t)now_ms);
    return changed_id(db, s, id, e);
}

static bool row_delete(struct db *db, int64_t execution_id, struct err *e) {
    struct db_stmt *s;
    if (!db_query(db, "DELETE FROM queue_items WHERE execution_id = :id", &s, e))
        return false;
    db_bind_int(db, s, ":id", execution_id);
    return db_run(db, s, e);
}

bool execution_store_end(struct db *db, const struct execution_end *x, bool *changed, struct err *e) {
    struct db_stmt *s;
    if (!db_query(db,
                  "UPDATE executions SET state = :state, outcome = :outcome, report = :report, evidence = :evidence, "
                  "worker_id = :worker, "
                  "token_name = :token, "
                  "lease = :lease, ended_ms = :now, instructions = :instructions, timeline = :timeline WHERE id = :id "
                  "AND state IS NULL",
                  &s, e))
        return false;
    db_bind_text(db, s, ":state", execution_text(x->state));
    db_bind_text(db, s, ":outcome", x->outcome);
    db_bind_text(db, s, ":report", x->report);
    db_bind_text(db, s, ":evidence", x->evidence);
    db_bind_text(db, s, ":worker", if_any(x->worker_id));
    db_bind_text(db, s, ":token", if_any(x->token_name));
    db_bind_text(db, s, ":lease", x->lease);
    db_bind_int(db, s, ":now", (int64_t)x->now_ms);
    db_bind_int(db, s, ":instructions", (int64_t)x->instructions);
    db_bind_text(db, s, ":timeline", x->timeline);
    db_bind_int(db, s, ":id", x->execution_id);
    if (!db_run(db, s, e))
        return false;
    *changed = db_changes(db) > 0;
    return row_delete(db, x->execution_id, e);
}

bool execution_look_end(struct db *db, const struct execution_key *key, struct stored_end *out, struct err *e) {
    struct db_stmt *s;
    bool row = false;
    *out = (struct stored_end){0};
    if (!db_query(db,
                  "SELECT state, outcome, lease, instructions FROM executions WHERE " IS_KEY(":contract", ":request"),
                  &s, e))
        return false;
    bind_key(db, s, key);
    bool ok = db_step(db, s, &row, e);
    if (ok && row && db_text(db, s, "state")) {
        out->over = text_copy(out->lease, sizeof out->lease, slice_str(db_text(db, s, "lease"))) &&
                    text_copy(out->outcome, sizeof out->outcome, slice_str(db_text(db, s, "outcome")));
        out->instructions = (uint64_t)db_int(db, s, "instructions");
    }
    db_done(db, s);
    return ok;
}

// PostgreSQL has several rows, whose sum may be more than BIGINT holds.
static const char totals_sql[] =
    "SELECT CAST(sum(created) AS BIGINT) AS created, CAST(sum(succeeded) AS BIGINT) AS succeeded,"
    " CAST(sum(guest_failed) AS BIGINT) AS guest_failed, CAST(sum(refused) AS BIGINT) AS refused,"
    " CAST(sum(expired) AS BIGINT) AS expired, CAST(CASE WHEN sum(instructions) > " INSTRUCTIONS_MAX
    " THEN " INSTRUCTIONS_MAX " ELSE sum(instructions) END AS BIGINT) AS instructions FROM totals";

bool executions_count(struct db *db, struct queue_counts *out, struct err *e) {
    struct db_stmt *s;
    bool row = false;
    if (!db_query(db, totals_sql, &s, e))
        return false;
    bool ok = db_step(db, s, &row, e);
    if (ok && row) {
        out->created = (uint64_t)db_int(db, s, "created");
        out->succeeded = (uint64_t)db_int(db, s, "succeeded");
        out->guest_failed = (uint64_t)db_int(db, s, "guest_failed");
        out->refused = (uint64_t)db_int(db, s, "refused");
        out->expired = (uint64_t)db_int(db, s, "expired");
        out->instructions = (uint64_t)db_int(db, s, "instructions");
    }
    db_done(db, s);
    return ok;
}

bool execution_look(struct db *db, const struct execution_key *key, struct arena *a, const char **task, bool *over,
                    struct err *e) {
    struct db_stmt *s;
    bool row = false;
    if (!db_query(db, "SELECT task, state FROM executions WHERE " IS_KEY(":contract", ":request"), &s, e))
        return false;
    bind_key(db, s, key);
    bool ok = db_step(db, s, &row, e);
    *task = ok && row ? arena_strdup(a, db_text(db, s, "task")) : NULL;
    *over = ok && row && db_text(db, s, "state");
    db_done(db, s);
    return ok;
}

bool execution_replace(struct db *db, const struct queue_replace *x, uint64_t now_ms, int64_t *id, struct err *e) {
    struct db_stmt *s;
    if (!db_query(
            db,
            "UPDATE executions SET transaction_hash = :transaction, created_ms = :now, created_by = :creator, about = "
            ":about, task = :task, state = NULL, outcome = NULL, report = NULL, evidence = NULL, worker_id = NULL, "
            "lease = NULL, ended_ms = NULL, instructions = NULL, timeline = NULL WHERE contract_id = :contract AND "
            "request_id = :request AND task = :was RETURNING id",
            &s, e))
        return false;
    bind_key(db, s, &x->key);
    db_bind_text(db, s, ":was", x->was);
    db_bind_text(db, s, ":transaction", x->transaction_hash);
    db_bind_text(db, s, ":about", x->about);
    db_bind_text(db, s, ":task", x->json);
    db_bind_text(db, s, ":creator", if_any(x->token_name));
    db_bind_int(db, s, ":now", (int64_t)now_ms);
    return changed_id(db, s, id, e) && (!*id || row_delete(db, *id, e));
}

static uint64_t *counter_of(struct queue_counts *c, const char *outcome) {
    return !strcmp(outcome, "success")        ? &c->succeeded
           : !strcmp(outcome, "guest_failed") ? &c->guest_failed
           : !strcmp(outcome, "refused")      ? &c->refused
                                              : &c->expired;
}

bool totals_uncount(struct db *db, const struct stored_end *was, struct err *e) {
    struct queue_counts less = {0};
    struct db_stmt *s;
    count_end(&less, was->outcome, was->instructions);
    if (!db_query(db,
                  "UPDATE totals SET succeeded = succeeded - :good, guest_failed = guest_failed - :failed, refused = "
                  "refused - :refused, expired = expired - :expired, instructions = instructions - :used WHERE "
                  "shard = 0",
                  &s, e))
        return false;
    db_bind_int(db, s, ":good", (int64_t)less.succeeded);
    db_bind_int(db, s, ":failed", (int64_t)less.guest_failed);
    db_bind_int(db, s, ":refused", (int64_t)less.refused);
    db_bind_int(db, s, ":expired", (int64_t)less.expired);
    db_bind_int(db, s, ":used", (int64_t)less.instructions);
    return db_run(db, s, e);
}

void count_end(struct queue_counts *c, const char *outcome, uint64_t instructions) {
    ++*counter_of(c, outcome);
    c->instructions += instructions;
}

void uncount_end(struct queue_counts *c, const char *outcome, uint64_t instructions) {
    --*counter_of(c, outcome);
    c->instructions -= instructions;
}

// --- queue_items -------------------------------------------------------------------------------------------------

static enum execution_state held_state(const char *stage) {
    for (enum execution_state s = EXECUTION_LEASED; stage && s <= EXECUTION_SUBMITTING; s++)
        if (strcmp(stage, execution_text(s)) == 0)
            return s;
    return EXECUTION_QUEUED;
}

static struct queue_row row_of(struct db *db, struct db_stmt *s) {
    return (struct queue_row){.execution_id = db_int(db, s, "id"),
                              .key = {db_text(db, s, "contract_id"), (uint64_t)db_int(db, s, "request_id")},
                              .json = db_text(db, s, "task"),
                              .created_ms = (uint64_t)db_int(db, s, "created_ms"),
                              .stored = db_text(db, s, "payer") != NULL,
                              .build_target = db_text(db, s, "build_target"),
                              .payer = db_text(db, s, "payer"),
                              .created_by = db_text(db, s, "created_by"),
                              .source = (uint64_t)db_int(db, s, "source"),
                              .turn = (uint64_t)db_int(db, s, "turn"),
                              .dead_at_ms = (uint64_t)db_int(db, s, "dead_at_ms"),
                              .not_before_ms = (uint64_t)db_int(db, s, "not_before_ms"),
                              .until_ms = (uint64_t)db_int(db, s, "until_ms"),
                              .attempt = (unsigned)db_int(db, s, "attempt"),
                              .handed = (unsigned)db_int(db, s, "handed"),
                              .state = held_state(db_text(db, s, "stage")),
                              .worker_id = db_text(db, s, "worker_id"),
                              .token_name = db_text(db, s, "token_name"),
                              .lease = db_text(db, s, "lease_hash"),
                              .timeline = db_text(db, s, "timeline")};
}

#define SELECT_OPEN                                                                                                    \
    "SELECT e.id AS id, e.contract_id AS contract_id, e.request_id AS request_id, e.task AS task, e.created_ms AS "    \
    "created_ms, q.build_target AS build_target, q.payer AS payer, q.created_by AS created_by, q.source AS source, "   \
    "q.turn AS turn, q.dead_at_ms "                                                                                    \
    "AS dead_at_ms, "                                                                                                  \
    "q.not_before_ms AS not_before_ms, q.until_ms AS until_ms, q.attempt AS attempt, q.handed AS handed, q.stage AS "  \
    "stage, q.worker_id "                                                                                              \
    "AS worker_id, q.token_name AS token_name, q.lease_hash AS lease_hash, q.timeline AS timeline "                    \
    "FROM executions e LEFT JOIN queue_items q ON q.execution_id = e.id WHERE e.state IS NULL"

bool queue_rows_read(struct db *db, const struct execution_key *key,
                     void (*each)(void *ctx, const struct queue_row *row), void *ctx, struct err *e) {
    struct db_stmt *s;
    bool row = false, ok;
    if (!db_query(db,
                  key ? SELECT_OPEN " AND e.contract_id = :contract AND e.request_id = :request"
                      : SELECT_OPEN " ORDER BY e.id",
                  &s, e))
        return false;
    if (key)
        bind_key(db, s, key);
    while ((ok = db_step(db, s, &row, e)) && row) {
        const struct queue_row one = row_of(db, s);
        each(ctx, &one);
    }
    db_done(db, s);
    return ok;
}

bool queue_row_insert(struct db *db, const struct queue_row *row, struct err *e) {
    struct db_stmt *s;
    if (!db_query(
            db,
            "INSERT INTO queue_items (execution_id, contract_id, request_id, build_target, payer, created_by, source, "
            "turn, dead_at_ms) VALUES (:id, :contract, :request, :target, :payer, :creator, :source, :turn, "
            ":dead) ON CONFLICT DO NOTHING",
            &s, e))
        return false;
    db_bind_int(db, s, ":id", row->execution_id);
    bind_key(db, s, &row->key);
    db_bind_text(db, s, ":target", row->build_target);
    db_bind_text(db, s, ":payer", row->payer);
    db_bind_text(db, s, ":creator", if_any(row->created_by));
    db_bind_int(db, s, ":source", (int64_t)row->source);
    db_bind_int(db, s, ":turn", (int64_t)row->turn);
    db_bind_int(db, s, ":dead", (int64_t)row->dead_at_ms);
    return db_run(db, s, e);
}

bool queue_row_update(struct db *db, const struct queue_row *row, struct err *e) {
    struct db_stmt *s;
    bool held = execution_is_held(row->state);
    if (!db_query(
            db,
            "UPDATE queue_items SET dead_at_ms = :dead, not_before_ms = :not_before, until_ms = :until, attempt = "
            ":attempt, handed = :handed, stage = :stage, worker_id = :worker, token_name = :token, lease_hash = "
            ":lease, "
            "timeline = :timeline WHERE "
            "execution_id = :id",
            &s, e))
        return false;
    db_bind_int(db, s, ":dead", (int64_t)row->dead_at_ms);
    db_bind_int(db, s, ":not_before", (int64_t)row->not_before_ms);
    db_bind_int(db, s, ":until", (int64_t)row->until_ms);
    db_bind_int(db, s, ":attempt", row->attempt);
    db_bind_int(db, s, ":handed", row->handed);
    db_bind_text(db, s, ":stage", held ? execution_text(row->state) : NULL);
    db_bind_text(db, s, ":worker", held ? row->worker_id : NULL);
    db_bind_text(db, s, ":token", held ? row->token_name : NULL);
    db_bind_text(db, s, ":lease", held ? row->lease : NULL);
    db_bind_text(db, s, ":timeline", row->timeline ? row->timeline : "");
    db_bind_int(db, s, ":id", row->execution_id);
    return db_run(db, s, e);
}

bool queue_rows_clean(struct db *db, struct err *e) {
    return db_exec(db,
                   "DELETE FROM queue_items WHERE NOT EXISTS "
                   "(SELECT 1 FROM executions e WHERE e.id = queue_items.execution_id AND e.state IS NULL)",
                   e);
}
