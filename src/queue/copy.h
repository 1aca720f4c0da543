// SPDX-License-Identifier: Apache-2.0
// Moves the tables of a stopped coordinator from SQLite to PostgreSQL.
#pragma once
#include "store/db.h"

#define COPY_LEASE_MS 60000 // how long leases last after a copy, so that a coordinator can be started on it meanwhile

// What a copy says while it works: so many rows of a table are done.
struct copy_progress {
    void (*row)(void *ctx, const char *table, uint64_t rows);
    void *ctx;
};
struct copied {
    uint64_t tables, rows, executions, open, leased;
};
// Copies all rows of the SQLite file at `from` (sqlite:///path or a path) into the database `to`, which is made ready
// and must have no rows, reads both again and compares them: all in one transaction of the target, so that a copy that
// ended early has stored nothing and may be repeated. Leases last COPY_LEASE_MS from then on. ERR_CONFLICT: a
// coordinator uses the source, or the target has rows. ERR_SETTINGS: the source is of another version. ERR_IN_DOUBT:
// all of it is stored, or nothing. Holds no more than some rows in memory.
[[nodiscard]] bool database_copy(const char *from, const char *to, const struct copy_progress *progress,
                                 struct copied *out, struct err *e);
