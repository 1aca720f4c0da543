// SPDX-License-Identifier: Apache-2.0
#include "queue/retention.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/ticker.h"
#include "queue/database.h"
#include <inttypes.h>

#define EVERY_MS 60000
#define HOUR_MS 3600000
#define STEP_US 5000 // how long a step may hold the writer; what it removes is chosen by what the last one took
#define STEP_MAX 1000
#define REST 4 // a step's time is waited so many times before the next one

struct retention {
    struct retention_limits limits;
    struct db *reading;
    struct writer *writer;
    struct ticker *ticker;
};

// What is removed, by the moment that its rows are ordered by.
struct kind {
    const char *what;
    const char *nth; // NULL: by age alone; else the moment of the row that is `:most` rows behind the newest
    // `:most` rows of before `:before`, the oldest first; of a server but those that another coordinator removes just
    // now.
    const char *remove, *remove_of_server;
};
#define BOTH_REMOVE(statement) .remove = statement("") ")", .remove_of_server = statement(" FOR UPDATE SKIP LOCKED") ")"
#define REMOVE_EXECUTIONS(passing)                                                                                     \
    "DELETE FROM executions WHERE id IN (SELECT id FROM executions WHERE ended_ms <= :before AND state IS NOT NULL "   \
    "AND ended_ms < (SELECT n FROM rollups WHERE kind = 'until' AND name = '' AND at_ms = 0) " /* rollups.h */         \
    "ORDER BY ended_ms LIMIT :most" passing
#define REMOVE_RECORDS(passing)                                                                                        \
    "DELETE FROM build_records WHERE (build_key, public_key) IN (SELECT build_key, public_key FROM build_records "     \
    "WHERE created_ms <= :before ORDER BY created_ms LIMIT :most" passing
#define REMOVE_MINUTES(passing)                                                                                        \
    "DELETE FROM rollups WHERE kind = 'minute' AND name = '' AND at_ms IN (SELECT at_ms FROM rollups WHERE kind = "    \
    "'minute' AND name = '' AND at_ms < :before ORDER BY at_ms LIMIT :most" passing
static const struct kind executions = {
    "executions that had ended",
    "SELECT ended_ms AS moment FROM executions WHERE ended_ms IS NOT NULL ORDER BY ended_ms DESC LIMIT 1 OFFSET :most",
    BOTH_REMOVE(REMOVE_EXECUTIONS)};
static const struct kind build_records = {
    "records of builds", "SELECT created_ms AS moment FROM build_records ORDER BY created_ms DESC LIMIT 1 OFFSET :most",
    BOTH_REMOVE(REMOVE_RECORDS)};
static const struct kind minutes = {.what = "sums of minutes", BOTH_REMOVE(REMOVE_MINUTES)};

// --- one step ------------------------------------------------------------------------------------------------------

struct step {
    const struct kind *kind;
    uint64_t before_ms, most;
    uint64_t removed, us; // out
};

static bool run_step(struct db *db, void *ctx, struct err *e) {
    struct step *x = ctx;
    struct db_stmt *s;
    uint64_t began = clock_mono_us();
    bool server = db_engine(db) == DB_POSTGRES;
    if (!db_query(db, server ? x->kind->remove_of_server : x->kind->remove, &s, e))
        return false;
    db_bind_int(db, s, ":before", (int64_t)x->before_ms);
    db_bind_int(db, s, ":most", (int64_t)x->most);
    if (!db_run(db, s, e))
        return false;
    x->removed = (uint64_t)db_changes(db);
    x->us = clock_mono_us() - began;
    return true;
}

// A row may have two megabytes of input, or two hundred bytes.
static uint64_t next_most(const struct step *x) {
    if (x->us > STEP_US)
        return x->most > 1 ? x->most / 2 : 1;
    return x->us < STEP_US / 2 && x->most < STEP_MAX ? x->most * 2 : x->most;
}

static bool rest(struct retention *r, uint64_t us) { return !r || ticker_rest(r->ticker, us / 1000); }

static bool remove_before(struct retention *r, const struct kind *kind, struct writer *writer, uint64_t before_ms,
                          uint64_t *removed, struct err *e) {
    struct step x = {.kind = kind, .before_ms = before_ms, .most = 1};
    uint64_t sum = 0;
    do {
        if (!writer_do(writer, run_step, &x, e))
            return false;
        sum += x.removed;
        x.most = next_most(&x);
    } while (x.removed && rest(r, x.us * REST));
    if (sum)
        log_info("%" PRIu64 " %s were removed, which were over the limits", sum, kind->what);
    *removed += sum;
    return true;
}

// --- what is too much ----------------------------------------------------------------------------------------------

// *moment is 0 where there are no more than `most`.
static bool find_nth(struct db *db, const struct kind *kind, uint64_t most, uint64_t *moment, struct err *e) {
    struct db_stmt *s;
    bool row = false;
    if (!db_query(db, kind->nth, &s, e))
        return false;
    db_bind_int(db, s, ":most", (int64_t)most);
    bool ok = db_step(db, s, &row, e);
    *moment = ok && row ? (uint64_t)db_int(db, s, "moment") : 0;
    db_done(db, s);
    return ok;
}

static bool sweep_kind(struct retention *r, const struct kind *kind, uint64_t most, uint64_t before_ms,
                       struct db *reading, struct writer *writer, uint64_t *removed, struct err *e) {
    uint64_t moment = 0;
    if (most && !find_nth(reading, kind, most, &moment, e))
        return false;
    if (moment > before_ms)
        before_ms = moment;
    return !before_ms || remove_before(r, kind, writer, before_ms, removed, e);
}

// 0: nothing is as old as that.
static uint64_t moment_before(uint64_t now_ms, uint64_t age_ms) {
    return age_ms && age_ms < now_ms ? now_ms - age_ms : 0;
}

static bool sweep(struct retention *r, const struct retention_limits *l, struct db *reading, struct writer *writer,
                  uint64_t *removed, struct err *e) {
    uint64_t now;
    *removed = 0;
    return database_now_ms(reading, &now, e) &&
           sweep_kind(r, &executions, l->executions, moment_before(now, l->executions_age_ms), reading, writer, removed,
                      e) &&
           sweep_kind(r, &build_records, l->build_records, 0, reading, writer, removed, e) &&
           sweep_kind(r, &minutes, 0, moment_before(now, l->minutes_age_ms) / HOUR_MS * HOUR_MS, reading, writer,
                      removed, e);
}

bool retention_sweep(const struct retention_limits *limits, struct db *reading, struct writer *writer,
                     uint64_t *removed, struct err *e) {
    return sweep(NULL, limits, reading, writer, removed, e);
}

// --- the thread ----------------------------------------------------------------------------------------------------

static void look(void *ctx) {
    struct retention *r = ctx;
    struct err e;
    uint64_t removed;
    if (!sweep(r, &r->limits, r->reading, r->writer, &removed, &e))
        log_err(LOG_WARN, "what is too old could not be removed, and is looked at again in a minute", &e);
}

bool retention_start(struct retention **out, const struct retention_limits *limits, struct db *reading,
                     struct writer *writer, struct err *e) {
    struct retention *r = xcalloc(1, sizeof *r);
    *r = (struct retention){.limits = *limits, .reading = reading, .writer = writer};
    if (!ticker_start(&r->ticker, EVERY_MS, look, r, e)) {
        free(r);
        return false;
    }
    *out = r;
    return true;
}

void retention_stop(struct retention *r) {
    if (!r)
        return;
    ticker_stop(r->ticker);
    free(r);
}
