// SPDX-License-Identifier: Apache-2.0
// What lists show of one execution, and the words that the statements of both forms share. As text: what was stored as
// JSON is not taken apart again for each reader.
#pragma once
#include "queue/database.h"
#include "queue/queue.h"

// The filters that have an index, those that give the fewest rows first: X(member of the filter, its test). `e` are the
// executions, `member` the engine's way to a member of an object.
#define LIST_LEADS(X, member)                                                                                          \
    X(transaction_hash, "e.transaction_hash = :transaction")                                                           \
    X(has_request, "e.request_id = :request")                                                                          \
    X(wasm_hash, member("e.report", "wasm_hash") " = :module")                                                         \
    X(sender_id, member("e.about", "sender_id") " = :sender")                                                          \
    X(payer_id, member("e.about", "payer_id") " = :payer")                                                             \
    X(repo, member("e.about", "repo") " = :repo")                                                                      \
    X(worker_id, "e.worker_id = :worker")                                                                              \
    X(failure, member("e.report", "failure") " = :failure")                                                            \
    X(contract_id, "e.contract_id = :contract")                                                                        \
    X(outcome, "e.outcome = :outcome")
// What else was asked for narrows what the first gives. The moments are compared in a way that no index is for: what
// they mean for `id` is looked up before (list_bounds), and lists go by that.
#define OR_ANY(name, test) " AND (CAST(" name " AS TEXT) IS NULL OR " test ")"
#define LIST_NARROW(member)                                                                                            \
    OR_ANY(":transaction", "e.transaction_hash = :transaction")                                                        \
    OR_ANY(":module", member("e.report", "wasm_hash") " = :module")                                                    \
    OR_ANY(":sender", member("e.about", "sender_id") " = :sender")                                                     \
    OR_ANY(":payer", member("e.about", "payer_id") " = :payer")                                                        \
    OR_ANY(":repo", member("e.about", "repo") " = :repo")                                                              \
    OR_ANY(":worker", "e.worker_id = :worker")                                                                         \
    OR_ANY(":failure", member("e.report", "failure") " = :failure")                                                    \
    OR_ANY(":contract", "e.contract_id = :contract")                                                                   \
    OR_ANY(":outcome", "e.outcome = :outcome")                                                                         \
    " AND (CAST(:request AS BIGINT) IS NULL OR e.request_id = :request)"                                               \
    " AND e.created_ms + 0 >= :from AND e.created_ms + 0 < :to"
#define LIST_ORDER LIST_ORDER_BY("e.id")
#define LIST_ORDER_BY(id) " AND " id " > :after AND " id " < :before ORDER BY " id " DESC LIMIT :limit OFFSET :offset"
// Columns of both forms' statements, besides state, worker_id and attempt.
#define LIST_COLUMNS                                                                                                   \
    "e.id AS id, e.contract_id AS contract_id, e.request_id AS request_id, e.created_ms AS created_ms, "               \
    "e.ended_ms AS ended_ms, e.outcome AS outcome, e.about AS about, e.report AS report"

struct list_bounds { // exclusive, of ids
    int64_t after, before;
};
// Between which ids the filter's moments and its cursor are. An id is taken a moment before its row is stored, so that
// some come in another order than their moments: the bounds leave room for these.
[[nodiscard]] bool list_bounds(struct db *db, const struct queue_filter *f, struct list_bounds *out, struct err *e);
// Whether it asks for what is in a state before its end.
bool list_is_of_open(const struct queue_filter *f);
// Binds what the statements of both forms name alike; limit and offset are what the statement itself is to take.
void list_bind(struct db *db, struct db_stmt *s, const struct queue_filter *f, const struct list_bounds *bounds,
               uint64_t limit, uint64_t offset);

struct list_shown {
    const char *state, *worker_id; // worker_id NULL: nobody
    unsigned attempt;
};
// Likewise for one execution, of which the statement has `task` and `evidence`, too. timeline: as its row keeps it.
void detail_bind(struct db *db, struct db_stmt *s, const struct execution_key *key);
void detail_read(struct arena *a, struct db *db, struct db_stmt *s, const struct list_shown *now, const char *timeline,
                 struct queue_detail *out);
// Adds the row that `s` stands at to the array in `out`.
void list_add(struct buf *out, struct arena *a, struct db *db, struct db_stmt *s, const struct list_shown *now);
