// SPDX-License-Identifier: Apache-2.0
// The rows of `executions` (the record: inserted once, and changed once, at an end) and of `queue_items` (one for each
// execution that is not over), as the statements of a transaction see them.
#pragma once
#include "queue/queue.h"

struct queue_row {
    int64_t execution_id;
    struct execution_key key;
    const char *json; // of the execution
    uint64_t created_ms;
    bool stored; // false: an older program made the execution, and what follows is not known
    const char *build_target, *payer;
    const char *created_by;                             // name of the token by which it came; "" or NULL: nobody's
    uint64_t source;                                    // a mark of what it runs; 0: not known
    uint64_t turn, dead_at_ms, not_before_ms, until_ms; // wall clock
    unsigned attempt, handed;
    enum execution_state state; // QUEUED, or held
    const char *worker_id;      // NULL where nobody holds it
    const char *token_name;     // by which the worker took it; likewise
    const char *lease;          // SHA-256 of the token, in hexadecimal digits; likewise
    const char *timeline;       // NULL: nothing happened yet
};

// As a column has it: NULL for what is not said.
static inline const char *if_any(const char *text) { return text && text[0] ? text : NULL; }

// *id: 0 when it was there.
[[nodiscard]] bool execution_insert(struct db *db, const struct queue_create *x, uint64_t now_ms, int64_t *id,
                                    struct err *e);

// What is stored, in the arena; NULL: nothing.
[[nodiscard]] bool execution_look(struct db *db, const struct execution_key *key, struct arena *a, const char **task,
                                  bool *over, struct err *e);

struct execution_end {
    int64_t execution_id;
    enum execution_state state;
    const char *outcome, *report, *evidence, *worker_id, *token_name;
    const char *lease; // SHA-256 of the token that ends it, in hexadecimal digits. NULL: none does
    uint64_t instructions, now_ms;
    const char *timeline; // with its end
};
// Takes it from the queue, too. *changed is false when it was over already.
[[nodiscard]] bool execution_store_end(struct db *db, const struct execution_end *x, bool *changed, struct err *e);

struct stored_end {
    bool over;
    char lease[65]; // "": none ended it
    char outcome[16];
    uint64_t instructions;
};
[[nodiscard]] bool execution_look_end(struct db *db, const struct execution_key *key, struct stored_end *out,
                                      struct err *e);
// The counts since the database began.
[[nodiscard]] bool executions_count(struct db *db, struct queue_counts *out, struct err *e);
// *id: 0 when what is stored is not x->was. It is in the queue no more, whether it had ended or not.
[[nodiscard]] bool execution_replace(struct db *db, const struct queue_replace *x, uint64_t now_ms, int64_t *id,
                                     struct err *e);
// One that had ended is open again: its end, when it comes, is counted anew.
[[nodiscard]] bool totals_uncount(struct db *db, const struct stored_end *was, struct err *e);
void uncount_end(struct queue_counts *c, const char *outcome, uint64_t instructions);
void count_end(struct queue_counts *c, const char *outcome, uint64_t instructions);

// Of what is not over: all, oldest first, or the one of `key`.
[[nodiscard]] bool queue_rows_read(struct db *db, const struct execution_key *key,
                                   void (*each)(void *ctx, const struct queue_row *row), void *ctx, struct err *e);
[[nodiscard]] bool queue_row_insert(struct db *db, const struct queue_row *row, struct err *e);
// What changes while it is not over: lease, stage, attempt, deadline.
[[nodiscard]] bool queue_row_update(struct db *db, const struct queue_row *row, struct err *e);
// Those of executions that an older program has ended.
[[nodiscard]] bool queue_rows_clean(struct db *db, struct err *e);
