// SPDX-License-Identifier: Apache-2.0
// What has ended, added up: by the minute and the hour in which it ended, since the beginning, by who paid, by who
// asked, by repository, and by the worker that ended it. It stays when the executions themselves are removed; single
// minutes do for ROLL_MINUTES_MS and a day, which is retention.h's to do. A thread adds up what ended ROLL_AFTER_MS ago
// or longer, from the rows by the moment of their end, a few seconds of them at a time; of several coordinators each
// moment is done by one. What ended since then is added by whoever asks, up to ROLL_RECENT_MAX executions.
#pragma once
#include "base/arena.h"
#include "base/compat.h"
#include "queue/queue.h"
#include "store/writer.h"
#include <jansson.h>

#define ROLL_AFTER_MS 60000 // a commit that is later than this after its moment would be missed
#define ROLL_RECENT_MAX 20000
#define ROLL_MINUTES_MS (90 * 86400000ull) // so far back a series of steps that are no whole hours may begin
#define ROLL_BUCKETS 128

#define ROLLUP_KINDS(X)                                                                                                \
    X(ROLLUP_TOTAL, "total")                                                                                           \
    X(ROLLUP_MINUTE, "minute")                                                                                         \
    X(ROLLUP_HOUR, "hour")                                                                                             \
    X(ROLLUP_PAYER, "payer")                                                                                           \
    X(ROLLUP_SENDER, "sender")                                                                                         \
    X(ROLLUP_REPO, "repo")                                                                                             \
    X(ROLLUP_WORKER, "worker")
enum rollup_kind {
#define X(name, text) name,
    ROLLUP_KINDS(X)
#undef X
        ROLLUP_KIND_COUNT
};

struct figures {
    uint64_t executions, success, guest_failed, refused, expired; // by outcome
    uint64_t guest, build, access, platform;                      // by class of failure
    uint64_t instructions, run_ms, runs, build_ms, builds;
    u128 paid, charged, refunded;
    uint32_t run[ROLL_BUCKETS], built[ROLL_BUCKETS]; // how many took how long
    char last[65];                                   // commit, of a repository
};
void figures_add(struct figures *to, const struct figures *x);
// The time that this part of all runs (builds) stayed below, in ms, at most a quarter too long; 0: there were none.
uint64_t figures_quantile(const uint32_t *buckets, unsigned percent);

struct rollups;
[[nodiscard]] bool rollups_start(struct rollups **out, struct db *reading, struct writer *writer, struct err *e);
void rollups_stop(struct rollups *r); // NULL is fine
// Adds up everything that is old enough, now: for tests.
[[nodiscard]] bool rollups_sweep(struct db *reading, struct writer *writer, uint64_t now_ms, struct err *e);

// An execution that is replaced ends anew: its first end is taken back, in the transaction that replaces it. *out is
// what there was before, NULL: none.
struct ended;
[[nodiscard]] bool rollups_find_end(struct db *db, const struct execution_key *key, struct arena *a,
                                    const struct ended **out, struct err *e);
[[nodiscard]] bool rollups_take_back(struct db *db, const struct ended *was, struct err *e);

// What is known of one name ("" of a total), with what ended a moment ago.
[[nodiscard]] bool rollups_of(struct db *db, enum rollup_kind kind, const char *name, struct figures *out,
                              struct err *e);
// The same of `count` names at once, a sum for each in `out`.
[[nodiscard]] bool rollups_of_all(struct db *db, enum rollup_kind kind, const char *const *names, size_t count,
                                  struct figures *out, struct err *e);
// By the step: each calls with the moment at which it begins, in ms. step_ms is whole minutes.
[[nodiscard]] bool rollups_series(struct db *db, uint64_t from_ms, uint64_t to_ms, uint64_t step_ms,
                                  void (*each)(void *ctx, uint64_t at_ms, const struct figures *f), void *ctx,
                                  struct err *e);
// Those with the most executions.
[[nodiscard]] bool rollups_most(struct db *db, enum rollup_kind kind, uint64_t limit,
                                void (*each)(void *ctx, const char *name, const struct figures *f), void *ctx,
                                struct err *e);
[[nodiscard]] bool rollups_count(struct db *db, enum rollup_kind kind, uint64_t *out, struct err *e); // names
