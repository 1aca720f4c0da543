// SPDX-License-Identifier: Apache-2.0
#include "coordinator/branches.h"

#include "base/clock.h"
#include "base/log.h"
#include "builder/branch.h"
#include "codec/json.h"
#include "coordinator/coordinator.h"
#include "http/deferred.h"
#include "secrets/repo.h"

#define THREADS 2
#define QUEUE_MAX 64
#define WAITING_MAX 64 // requests that wait for one answer
#define KEPT_MS (7ull * 24 * 3600 * 1000)
#define LOOK_MS 30000
#define REF_MAX 200

// A question that is being asked, and who waits for its answer.
struct running {
    const char *repo, *ref; // of the first request; NULL: free
    struct http_request *waiting[WAITING_MAX];
    size_t count;
};
struct branches {
    struct branches_config set;
    struct builder *builder;
    struct deferred *deferred;
    atomic_bool cancel;
    pthread_mutex_t mutex; // over running
    struct running running[THREADS];
};

bool branches_new(struct branches **out, const struct branches_config *c, struct err *e) {
    struct branches *b = xcalloc(1, sizeof *b);
    b->set = *c;
    pthread_mutex_init(&b->mutex, NULL);
    const struct build_settings s = {.repo_map = c->repo_map, .egress_allow = c->egress_allow, .cancel = &b->cancel};
    if (!builder_new(&b->builder, &s, e)) {
        branches_free(b);
        return false;
    }
    b->deferred = deferred_new(THREADS, QUEUE_MAX);
    *out = b;
    return true;
}

void branches_stop(struct branches *b) {
    if (!b)
        return;
    atomic_store(&b->cancel, true);
    deferred_stop(b->deferred);
}

void branches_free(struct branches *b) {
    if (!b)
        return;
    deferred_free(b->deferred);
    builder_free(b->builder);
    pthread_mutex_destroy(&b->mutex);
    free(b);
}

// --- what is kept

struct kept {
    const char *repo, *ref, *branch;
};

static bool find_kept(struct branches *b, struct arena *a, struct kept *k, struct err *e) {
    struct db *db = b->set.reading;
    struct db_stmt *s;
    bool row = false;
    pthread_mutex_lock(b->set.reading_mutex);
    bool ok =
        db_query(db, "SELECT branch FROM branches WHERE repo = :repo AND ref = :ref AND found_ms > :since", &s, e);
    if (ok) {
        db_bind_text(db, s, ":repo", k->repo);
        db_bind_text(db, s, ":ref", k->ref);
        db_bind_int(db, s, ":since", (int64_t)(clock_wall_ms() - KEPT_MS));
        ok = db_step(db, s, &row, e);
        k->branch = ok && row ? arena_strdup(a, db_text(db, s, "branch")) : NULL;
        db_done(db, s);
    }
    pthread_mutex_unlock(b->set.reading_mutex);
    return ok;
}

// What is too old goes with each new answer, so the table is as large as a week's questions.
static bool store_kept(struct db *db, void *ctx, struct err *e) {
    const struct kept *k = ctx;
    struct db_stmt *s;
    int64_t now = (int64_t)clock_wall_ms();
    if (!db_query(db, "DELETE FROM branches WHERE found_ms < :since", &s, e))
        return false;
    db_bind_int(db, s, ":since", now - (int64_t)KEPT_MS);
    if (!db_run(db, s, e) ||
        !db_query(db,
                  "INSERT OR REPLACE INTO branches (repo, ref, branch, found_ms) VALUES (:repo, :ref, :branch, :now)",
                  &s, e))
        return false;
    db_bind_text(db, s, ":repo", k->repo);
    db_bind_text(db, s, ":ref", k->ref);
    db_bind_text(db, s, ":branch", k->branch);
    db_bind_int(db, s, ":now", now);
    return db_run(db, s, e);
}

// --- answers

static void reply(struct http_request *r, const struct kept *k, bool cached) {
    json_t *o = json_object();
    json_set_text(o, "branch", k->branch);
    json_set_text(o, "repo_normalized", k->repo);
    json_object_set_new(o, "cached", json_boolean(cached));
    http_reply_json(r, 200, o);
}

static bool read_question(struct http_request *r, struct kept *k, struct err *e) {
    const char *repo = http_query(r, "repo"), *ref = http_query(r, "commit");
    *k = (struct kept){.ref = ref};
    if (!repo || !ref || !ref[0] || strlen(ref) > REF_MAX)
        return err_set(e, ERR_INVALID,
                       repo ? "'commit' must name a branch, tag or commit in 1 to %d bytes"
                            : "'repo' is missing (and 'commit', of 1 to %d bytes)",
                       REF_MAX);
    return repo_normal(http_arena(r), slice_str(repo), &k->repo, e);
}

// --- asking once

static bool same(const struct running *q, const struct kept *k) {
    return q->repo && strcmp(q->repo, k->repo) == 0 && strcmp(q->ref, k->ref) == 0;
}

// The question that this request asks for all; NULL: the request waits for another one's answer, or was refused.
static struct running *join(struct branches *b, struct http_request *r, const struct kept *k) {
    struct running *mine = NULL, *other = NULL;
    pthread_mutex_lock(&b->mutex);
    for (size_t i = 0; i < THREADS; i++) {
        if (same(&b->running[i], k))
            other = &b->running[i];
        else if (!b->running[i].repo)
            mine = &b->running[i];
    }
    BUG_ON(!other && !mine); // as many places as threads
    bool room = !other || other->count < WAITING_MAX;
    if (other && room)
        other->waiting[other->count++] = r;
    if (!other)
        *mine = (struct running){.repo = k->repo, .ref = k->ref};
    pthread_mutex_unlock(&b->mutex);
    if (!room) {
        struct err e;
        err_set(&e, ERR_UNAVAILABLE, "too many requests wait for this answer");
        http_reply_err(r, &e);
    }
    return other ? NULL : mine;
}

static void answer_all(struct branches *b, struct running *q, struct http_request *first, const struct kept *k,
                       const struct err *e) {
    struct http_request *all[WAITING_MAX + 1];
    size_t n = 0;
    pthread_mutex_lock(&b->mutex);
    for (; n < q->count; n++)
        all[n] = q->waiting[n];
    *q = (struct running){0};
    pthread_mutex_unlock(&b->mutex);
    all[n++] = first; // last: its arena holds the answer
    for (size_t i = 0; i < n; i++) {
        if (k->branch)
            reply(all[i], k, false);
        else
            http_reply_err(all[i], e);
    }
}

static void look(struct http_request *r, void *ctx) {
    struct branches *b = ctx;
    struct kept k;
    struct err e;
    SCOPED_ARENA(a);
    if (!read_question(r, &k, &e)) {
        http_reply_err(r, &e);
        return;
    }
    struct running *q = join(b, r, &k);
    if (!q)
        return;
    const struct build_source source = {.repo = arena_printf(a, "https://%s", k.repo), .ref = k.ref};
    if (builder_branch(b->builder, a, &source, LOOK_MS, &k.branch, &e)) {
        struct err unwritten;
        if (!writer_do(b->set.writer, store_kept, &k, &unwritten))
            log_err(LOG_WARN, "a branch was not kept", &unwritten);
    }
    answer_all(b, q, r, &k, &e);
}

void branches_ask(struct branches *b, struct http_request *r) {
    struct kept k;
    struct err e;
    if (!read_question(r, &k, &e) || !find_kept(b, http_arena(r), &k, &e))
        http_reply_err(r, &e);
    else if (k.branch)
        reply(r, &k, true);
    else
        deferred_run(b->deferred, r, look, b);
}

void github_resolve_branch(struct http_request *r, void *coordinator) {
    branches_ask(((struct coordinator *)coordinator)->branches, r);
}
