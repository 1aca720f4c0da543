// SPDX-License-Identifier: Apache-2.0
// The form of shared.h for several coordinators: rows of PostgreSQL, whose clock is the only one. A thread with a
// connection of its own serves calls in their order, and every SHARED_TICK_MS stores what workers said meanwhile, in
// one statement, and reads what other coordinators were told. This file's functions are the statements (shared_rows.c).
#pragma once
#include "queue/shared_form.h"
#include "store/db.h"

#define COORDINATOR_ID_LEN 16
#define COORDINATOR_ALIVE_MS 10000 // a coordinator that was seen less long ago is there

// *full: nobody holds it, and there are LOCKS_MAX. Neither acquired nor a holder: it changed hands just now.
[[nodiscard]] bool lock_row_acquire(struct db *db, struct shared_lock *x, bool *full, struct err *e);
[[nodiscard]] bool lock_row_release(struct db *db, struct shared_lock *x, bool *foreign, struct err *e);

[[nodiscard]] bool worker_rows_store(struct db *db, const struct seen_worker *x, size_t n, struct err *e);
[[nodiscard]] bool worker_rows_list(struct db *db, const json_t *own, json_t *list, struct err *e);

// *full: there are BENCHED_MAX already.
[[nodiscard]] bool bench_row_store(struct db *db, struct shared_bench *x, bool *full, struct err *e);
[[nodiscard]] bool bench_rows_read(struct db *db, struct benched out[BENCHED_MAX], size_t *count, struct err *e);

// This coordinator's own row. ERR_SETTINGS: one is there that keeps in its memory what others would have to know.
[[nodiscard]] bool coordinator_row_enter(struct db *db, const char *id, struct err *e);
struct shared_counts {
    uint64_t coordinators, workers; // that are there now
    uint64_t now_ms;                // by the database's clock
};
[[nodiscard]] bool coordinator_row_stay(struct db *db, const char *id, struct shared_counts *out, struct err *e);
[[nodiscard]] bool coordinator_row_leave(struct db *db, const char *id, struct err *e);
// What is over, of all of these.
[[nodiscard]] bool shared_rows_sweep(struct db *db, struct err *e);
