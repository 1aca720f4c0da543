// SPDX-License-Identifier: Apache-2.0
// What lists show of one execution. As text: what was stored as JSON is not taken apart again for each reader.
#pragma once
#include "queue/queue.h"

struct list_shown {
    const char *state, *worker_id; // worker_id NULL: nobody
    unsigned attempt;
};
// Binds what the statements of both forms name alike.
void list_bind(struct db *db, struct db_stmt *s, const struct queue_filter *f);
// Adds the row that `s` stands at to the array in `out`: its columns id, contract_id, request_id, created_ms, ended_ms,
// outcome, about and report.
void list_add(struct buf *out, struct arena *a, struct db *db, struct db_stmt *s, const struct list_shown *now);
