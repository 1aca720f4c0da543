// SPDX-License-Identifier: Apache-2.0
// The rows of `executions`, as the statements of a transaction see them. An execution is inserted once, and changed
// once, at its end.
#pragma once
#include "queue/queue.h"

// *created is false when it was there.
[[nodiscard]] bool execution_insert(struct db *db, const struct queue_create *x, uint64_t now_ms, bool *created,
                                    struct err *e);

struct execution_end {
    struct execution_key key;
    enum execution_state state;
    const char *outcome, *report, *worker_id, *token_name;
    const char *lease; // SHA-256 of the token that ends it, in hexadecimal digits. NULL: none does
    uint64_t instructions, now_ms;
};
// *changed is false when it was over already.
[[nodiscard]] bool execution_store_end(struct db *db, const struct execution_end *x, bool *changed, struct err *e);
// *by_it: the execution is over, and this lease ended it.
[[nodiscard]] bool execution_ended_by(struct db *db, const struct execution_key *key, const char *lease, bool *by_it,
                                      struct err *e);

// Each that is not over, oldest first.
[[nodiscard]] bool executions_open(struct db *db, void (*each)(void *ctx, const char *json, uint64_t created_ms),
                                   void *ctx, struct err *e);
// The counts since the database began.
[[nodiscard]] bool executions_count(struct db *db, struct queue_counts *out, struct err *e);
void count_end(struct queue_counts *c, const char *outcome, uint64_t instructions);
