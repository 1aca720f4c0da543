// SPDX-License-Identifier: Apache-2.0
// What a program that knew no rows of the queue left open: it gets them at a start, and its turn is the first.
#include "base/clock.h"
#include "base/log.h"
#include "queue/rows.h"
#include "queue/scaled.h"

#define OLDER_AT_ONCE 64

static const char older_sql[] =
    "SELECT e.id AS id, e.contract_id AS contract_id, e.request_id AS request_id, e.task AS task, e.created_ms AS "
    "created_ms FROM executions e LEFT JOIN queue_items q ON q.execution_id = e.id WHERE e.state IS NULL AND "
    "q.execution_id IS NULL AND e.id > :after ORDER BY e.id LIMIT :most";

// false: nobody can make anything of what is stored.
static bool row_of(const struct scaled *s, struct arena *a, struct db_stmt *q, struct queue_row *out) {
    struct queue_stored t;
    uint64_t created = (uint64_t)db_int(s->durable, q, "created_ms"), most = created + DEADLINE_MAX_MS;
    if (!s->config.read(a, arena_strdup(a, db_text(s->durable, q, "task")), &t, NULL))
        return false;
    *out = (struct queue_row){
        .execution_id = db_int(s->durable, q, "id"),
        .key = {arena_strdup(a, db_text(s->durable, q, "contract_id")), (uint64_t)db_int(s->durable, q, "request_id")},
        .build_target = arena_strdup(a, t.build_target),
        .payer = arena_strdup(a, t.payer),
        .source = t.source,
        .dead_at_ms = t.dead_at_ms <= created ? created + s->config.serve_ms
                      : t.dead_at_ms < most   ? t.dead_at_ms
                                              : most};
    return true;
}

// *found: how many there were behind *after, which moves on.
static bool read_some(struct scaled *s, struct arena *a, int64_t *after, struct queue_row *rows, size_t *good,
                      size_t *found, struct err *e) {
    struct db_stmt *q;
    bool row = false, ok;
    *good = *found = 0;
    if (!db_query(s->durable, older_sql, &q, e))
        return false;
    db_bind_int(s->durable, q, ":after", *after);
    db_bind_int(s->durable, q, ":most", OLDER_AT_ONCE);
    while ((ok = db_step(s->durable, q, &row, e)) && row) {
        *after = db_int(s->durable, q, "id");
        *good += row_of(s, a, q, &rows[*good]);
        ++*found;
    }
    db_done(s->durable, q);
    return ok;
}

// Since they were read another coordinator may have queued one of them, and a worker have ended it: its row was gone
// when the one of here was inserted, which nobody sees before it is taken out again.
static bool insert_those_open(struct scaled *s, const struct queue_row *rows, size_t n, struct err *e) {
    bool ok = db_begin(s->durable, e);
    if (!ok)
        return false;
    for (size_t i = 0; ok && i < n; i++)
        ok = queue_row_insert(s->durable, &rows[i], e);
    if (ok && queue_rows_clean(s->durable, e))
        return db_commit(s->durable, e);
    db_rollback(s->durable);
    return false;
}

bool scaled_take_older(struct scaled *s, struct err *e) {
    size_t good, found, all = 0;
    int64_t after = 0;
    do {
        SCOPED_ARENA(a);
        struct queue_row rows[OLDER_AT_ONCE]; // in the order of their executions, in which everybody locks them
        if (!read_some(s, a, &after, rows, &good, &found, e))
            return false;
        if (good && !insert_those_open(s, rows, good, e))
            return false;
        all += good;
    } while (found == OLDER_AT_ONCE);
    if (all)
        log_info("%zu executions that an older program left are queued", all);
    return true;
}
