// SPDX-License-Identifier: Apache-2.0
// GET /github/resolve-branch: the branch that a branch, tag or commit of any repository is of. The repository itself is
// asked; its answer is kept for a week.
#include "builder/branch.h"

#include "base/clock.h"
#include "base/log.h"
#include "builder/source.h"
#include "coordinator/routes.h"
#include "egress/egress.h"
#include "queue/database.h"
#include "repo/repo.h"
#include <inttypes.h>

#define FIND_MS 30000
#define HISTORY_BYTES (512ull << 20) // of one repository
#define HISTORY_MEMORY (1ull << 30)
#define KEPT_MS (7ull * 24 * 3600 * 1000)
#define KEPT_MAX "100000" // answers
// Answers that are kept cost nothing and are not counted.
#define BURST 30
#define PER_MINUTE 30

// --- what is kept

#define KEPT(now) "SELECT branch FROM branches WHERE repo = :repo AND ref = :ref AND found_ms > " now " - :kept"
static bool read_kept(struct db *db, struct arena *a, const char *repo, const char *ref, const char **branch,
                      struct err *e) {
    struct db_stmt *s;
    bool row = false;
    if (!db_query(db, BY_ITS_CLOCK(db, KEPT), &s, e))
        return false;
    db_bind_text(db, s, ":repo", repo);
    db_bind_text(db, s, ":ref", ref);
    db_bind_int(db, s, ":kept", KEPT_MS);
    bool ok = db_step(db, s, &row, e);
    *branch = ok && row ? arena_strdup(a, db_text(db, s, "branch")) : NULL;
    db_done(db, s);
    return ok;
}

// NULL: not kept. A database that cannot be read costs a question to the repository.
static const char *kept(struct db *db, struct arena *a, const char *repo, const char *ref) {
    const char *branch = NULL;
    struct err e;
    if (!read_kept(db, a, repo, ref, &branch, &e))
        log_err(LOG_WARN, "branches that are kept cannot be read", &e);
    return branch;
}

// On one of the readers' threads.
static const char *kept_for_reader(struct coordinator *c, struct arena *a, const char *repo, const char *ref) {
    struct db *db = readers_take(c->readers);
    const char *branch = kept(db, a, repo, ref);
    readers_put(c->readers, db);
    return branch;
}

struct found {
    const char *repo, *ref, *branch;
};

#define FORGET(now)                                                                                                    \
    "DELETE FROM branches WHERE found_ms < " now " - :kept OR found_ms <="                                             \
    " (SELECT found_ms FROM branches ORDER BY found_ms DESC LIMIT 1 OFFSET " KEPT_MAX ")"
static bool forget_old(struct db *db, struct err *e) {
    struct db_stmt *s;
    if (!db_query(db, BY_ITS_CLOCK(db, FORGET), &s, e))
        return false;
    db_bind_int(db, s, ":kept", KEPT_MS);
    return db_run(db, s, e);
}

#define KEEP(now)                                                                                                      \
    "INSERT INTO branches (repo, ref, branch, found_ms) VALUES (:repo, :ref, :branch, " now ") "                       \
    "ON CONFLICT (repo, ref) DO UPDATE SET branch = excluded.branch, found_ms = excluded.found_ms"
static bool store(struct db *db, void *ctx, struct err *e) {
    const struct found *f = ctx;
    struct db_stmt *s;
    if (!db_query(db, BY_ITS_CLOCK(db, KEEP), &s, e))
        return false;
    db_bind_text(db, s, ":repo", f->repo);
    db_bind_text(db, s, ":ref", f->ref);
    db_bind_text(db, s, ":branch", f->branch);
    return db_run(db, s, e) && forget_old(db, e);
}

// --- asking the repository

static const char *url_of(struct arena *a, const char *repo) { return arena_printf(a, "https://%s", repo); }

static bool find(void *ctx, struct arena *a, const char *repo, const char *ref, const char **branch, struct err *e) {
    struct coordinator *c = ctx;
    const struct build_source source = {.repo = url_of(a, repo), .ref = ref};
    struct err failed;
    pthread_mutex_lock(&c->reading_mutex);
    *branch = kept(c->reading, a, repo, ref); // since it was asked
    pthread_mutex_unlock(&c->reading_mutex);
    if (*branch)
        return true;
    uint64_t start = clock_mono_ms();
    const struct patience w = {start + FIND_MS, &c->stopping};
    atomic_fetch_add(&c->branch_questions, 1);
    if (!builder_branch(c->builder, a, &source, &w, branch, e)) {
        log_err(LOG_INFO, "branch", e);
        return false;
    }
    log_info("branch repo=%s ref=%s branch=%s ms=%" PRIu64, repo, ref, *branch, clock_mono_ms() - start);
    if (!writer_do(c->writer, store, &(struct found){repo, ref, *branch}, &failed))
        log_err(LOG_WARN, "a branch cannot be kept", &failed);
    return true;
}

static void reply(struct http_request *r, const char *repo, const char *branch, bool cached) {
    http_reply_json(r, 200,
                    json_pack("{s:s, s:s, s:s, s:b}", "repo_normalized", repo, "commit", http_query(r, "commit"),
                              "branch", branch, "cached", cached));
}

static void answer(void *ctx, struct http_request *r, const char *repo, const char *ref, const char *branch) {
    (void)ctx, (void)ref;
    reply(r, repo, branch, false);
}

// --- the route

static bool read_question(struct http_request *r, struct source *source, struct err *e) {
    struct arena *a = http_arena(r);
    const char *asked = http_query(r, "repo"), *ref = http_query(r, "commit");
    if (!asked || !ref || !ref[0]) {
        err_set(e, ERR_INVALID, "the query names no %s", asked ? "commit" : "repo");
        return err_hint(e, "ask /github/resolve-branch?repo=OWNER/NAME&commit=BRANCH-TAG-OR-COMMIT");
    }
    return source_parse(source, a, asked, ref, source_target_text(TARGET_P1), e);
}

void github_resolve_branch(struct http_request *r, void *ctx) {
    struct coordinator *c = ctx;
    struct source source;
    const char *branch;
    struct err e;
    char asker[CLIENT_MAX];
    if (!c->branches) {
        err_set(&e, ERR_UNAVAILABLE, "branches are not looked up by this deployment");
        err_hint(&e, "ask the repository itself; BRANCH_LOOKUPS is the operator's setting");
        http_reply_err(r, &e);
    } else if (!read_question(r, &source, &e)) {
        http_reply_err(r, &e);
    } else if ((branch = kept_for_reader(c, http_arena(r), source.name, source.ref))) {
        reply(r, source.name, branch, true);
    } else {
        coordinator_client(c, r, asker);
        if (coordinator_may_come(r, &c->branch_askers, asker, &e))
            branch_lookups_ask(c->branches, r, asker, source.name, source.ref);
        else
            http_reply_err(r, &e);
    }
}

bool branch_open(struct coordinator *c, const struct coordinator_config *config, struct err *e) {
    const struct egress_settings egress = {.allow = config->egress_allow};
    if (!config->branch_lookups)
        return true;
    if (!egress_new(&c->egress, &egress, e))
        return false;
    const struct build_settings settings = {
        .repo_map = config->repo_map, .egress = c->egress, .disk_bytes = HISTORY_BYTES, .memory_bytes = HISTORY_MEMORY};
    const struct branch_lookups_config lookups = {find, answer, c};
    const char *how;
    askers_init(&c->branch_askers, c->shared, "branches", "branches of a network", BURST, PER_MINUTE);
    if (!builder_new(&c->builder, &settings, e))
        return false;
    if (!builder_can_isolate(c->builder, &how))
        log_warn("branches cannot be looked up: %s", how);
    return branch_lookups_new(&c->branches, &lookups, e);
}

void branch_close(struct coordinator *c) {
    branch_lookups_free(c->branches);
    builder_free(c->builder);
    egress_free(c->egress);
    askers_release(&c->branch_askers);
}
