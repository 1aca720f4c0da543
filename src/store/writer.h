// SPDX-License-Identifier: Apache-2.0
// One thread that writes: what many requests want to change goes into one commit, and each is told after it. A job that
// fails is rolled back alone; when the commit itself fails, all of its jobs have failed.
#pragma once
#include "base/figures.h"
#include "store/db.h"

#define WRITER_WAITING_MAX 16384 // changes

struct writer;

struct writer_job {
    // Changes the database, inside the transaction; false with *e undoes this job's changes. Run once more, from the
    // same database, where another job of the same commit failed: what it leaves in `ctx` is set and not added to.
    bool (*run)(struct db *db, void *ctx, struct err *e);
    // Told after the commit (ok) or after the failure; on the writer's thread. ERR_IN_DOUBT: it is stored, or not.
    void (*done)(void *ctx, bool ok, const struct err *e);
    void *ctx;
};

// The writer takes the connection over: nobody else uses it until writer_free.
[[nodiscard]] bool writer_new(struct writer **out, struct db *db, struct err *e);
// Finishes what was submitted, and stops. Does not close the connection.
void writer_free(struct writer *w);
size_t writer_waiting(struct writer *w); // changes, with those for which there is no room yet
// How much waits, how long transactions take, how many changes failed: for operators. Beside its own what was stored by
// other connections: a transaction that took so long, and of whose changes so many failed.
void writer_note(struct writer *w, uint64_t took_us, size_t failed);
// others: changes that wait for them.
void writer_figures(struct writer *w, size_t others, struct buf *out);
// false (ERR_UNAVAILABLE) when too much is waiting already; then `done` is not called.
[[nodiscard]] bool writer_submit(struct writer *w, const struct writer_job *job, struct err *e);
// The same, and waits for the end.
[[nodiscard]] bool writer_do(struct writer *w, bool (*run)(struct db *db, void *ctx, struct err *e), void *ctx,
                             struct err *e);
// The same, and waits for room, too: when it returns, all that was submitted before is over and told.
[[nodiscard]] bool writer_do_after_all(struct writer *w, bool (*run)(struct db *db, void *ctx, struct err *e),
                                       void *ctx, struct err *e);
