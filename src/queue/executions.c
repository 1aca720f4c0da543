// SPDX-License-Identifier: Apache-2.0
#include "queue/executions.h"

bool execution_insert(struct db *db, const struct queue_create *x, uint64_t now_ms, bool *created, struct err *e) {
    struct db_stmt *s;
    if (!db_query(db,
                  "INSERT INTO executions (contract_id, request_id, transaction_hash, created_ms, about, task) "
                  "VALUES (:contract, :request, :transaction, :now, :about, :task) ON CONFLICT DO NOTHING",
                  &s, e))
        return false;
    db_bind_text(db, s, ":contract", x->key.contract_id);
    db_bind_int(db, s, ":request", (int64_t)x->key.request_id);
    db_bind_text(db, s, ":transaction", x->transaction_hash);
    db_bind_text(db, s, ":task", x->json);
    db_bind_text(db, s, ":about", x->about);
    db_bind_int(db, s, ":now", (int64_t)now_ms);
    if (!db_run(db, s, e))
        return false;
    *created = db_changes(db) > 0;
    return true;
}

bool execution_store_end(struct db *db, const struct execution_end *x, bool *changed, struct err *e) {
    struct db_stmt *s;
    if (!db_query(db,
                  "UPDATE executions SET state = :state, outcome = :outcome, report = :report, worker_id = :worker, "
                  "token_name = :token, lease = :lease, ended_ms = :now, instructions = :instructions WHERE "
                  "contract_id = :contract AND "
                  "request_id = :request AND state IS NULL",
                  &s, e))
        return false;
    db_bind_text(db, s, ":state", execution_text(x->state));
    db_bind_text(db, s, ":outcome", x->outcome);
    db_bind_text(db, s, ":report", x->report);
    db_bind_text(db, s, ":worker", x->worker_id && x->worker_id[0] ? x->worker_id : NULL);
    db_bind_text(db, s, ":token", x->token_name && x->token_name[0] ? x->token_name : NULL);
    db_bind_text(db, s, ":lease", x->lease);
    db_bind_int(db, s, ":now", (int64_t)x->now_ms);
    db_bind_int(db, s, ":instructions", (int64_t)x->instructions);
    db_bind_text(db, s, ":contract", x->key.contract_id);
    db_bind_int(db, s, ":request", (int64_t)x->key.request_id);
    if (!db_run(db, s, e))
        return false;
    *changed = db_changes(db) > 0;
    return true;
}

bool execution_ended_by(struct db *db, const struct execution_key *key, const char *lease, bool *by_it, struct err *e) {
    struct db_stmt *s;
    bool row;
    if (!db_query(db, "SELECT lease FROM executions WHERE contract_id = :contract AND request_id = :request", &s, e))
        return false;
    db_bind_text(db, s, ":contract", key->contract_id);
    db_bind_int(db, s, ":request", (int64_t)key->request_id);
    bool ok = db_step(db, s, &row, e);
    const char *stored = ok && row ? db_text(db, s, "lease") : NULL;
    *by_it = stored && strcmp(stored, lease) == 0;
    db_done(db, s);
    return ok;
}

bool executions_open(struct db *db, void (*each)(void *ctx, const char *json, uint64_t created_ms), void *ctx,
                     struct err *e) {
    struct db_stmt *s;
    bool row = false, ok;
    if (!db_query(db, "SELECT task, created_ms FROM executions WHERE state IS NULL ORDER BY id", &s, e))
        return false;
    while ((ok = db_step(db, s, &row, e)) && row)
        each(ctx, db_text(db, s, "task"), (uint64_t)db_int(db, s, "created_ms"));
    db_done(db, s);
    return ok;
}

bool executions_count(struct db *db, struct queue_counts *out, struct err *e) {
    struct db_stmt *s;
    bool row = false;
    if (!db_query(db,
                  "SELECT count(*) AS created, sum(outcome = 'success') AS good, sum(outcome = 'guest_failed') AS "
                  "failed, sum(outcome = 'refused') AS refused, sum(outcome = 'expired') AS expired, "
                  "CAST(total(instructions) AS INTEGER) AS instructions FROM executions",
                  &s, e))
        return false;
    bool ok = db_step(db, s, &row, e);
    if (ok && row) {
        out->created = (uint64_t)db_int(db, s, "created");
        out->succeeded = (uint64_t)db_int(db, s, "good");
        out->guest_failed = (uint64_t)db_int(db, s, "failed");
        out->refused = (uint64_t)db_int(db, s, "refused");
        out->expired = (uint64_t)db_int(db, s, "expired");
        out->instructions = (uint64_t)db_int(db, s, "instructions");
    }
    db_done(db, s);
    return ok;
}

void count_end(struct queue_counts *c, const char *outcome, uint64_t instructions) {
    uint64_t *counter = !strcmp(outcome, "success")        ? &c->succeeded
                        : !strcmp(outcome, "guest_failed") ? &c->guest_failed
                        : !strcmp(outcome, "refused")      ? &c->refused
                                                           : &c->expired;
    (*counter)++;
    c->instructions += instructions;
}
