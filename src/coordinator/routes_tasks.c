// SPDX-License-Identifier: Apache-2.0
// /tasks/…: executions come, are handed out, and end. Answers that promise something are given after the commit.
#include "coordinator/routes.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include <inttypes.h>

static void log_key(const struct board_key *k) {
    char id[24];
    snprintf(id, sizeof id, "%" PRIu64, k->request_id);
    log_request(id);
}

// What the database cannot take now, it may take later: the client tries again.
static struct err not_stored(const struct err *e) {
    struct err out = *e;
    if (e->code != ERR_UNAVAILABLE) {
        err_set(&out, ERR_UNAVAILABLE, "it could not be stored");
        err_hint(&out, "nothing has changed; try again in a moment");
    }
    return out;
}

static void reply_error(struct http_request *r, const struct err *e) {
    http_reply_err(r, e);
    log_request(NULL);
}

// --- create ------------------------------------------------------------------------------------------------------

struct creation {
    struct coordinator *c;
    struct http_request *request;
    struct posted_task task; // texts in the request's arena
    const char *json, *about;
    uint64_t now_ms;
    bool created;
};

static bool store_creation(struct db *db, void *ctx, struct err *e) {
    struct creation *x = ctx;
    struct db_stmt *s;
    if (!db_query(
            db,
            "INSERT OR IGNORE INTO executions (contract_id, request_id, transaction_hash, created_ms, about, task) "
            "VALUES (:contract, :request, :transaction, :now, :about, :task)",
            &s, e))
        return false;
    db_bind_text(db, s, ":contract", x->task.key.contract_id);
    db_bind_int(db, s, ":request", (int64_t)x->task.key.request_id);
    db_bind_text(db, s, ":transaction", x->task.transaction_hash);
    db_bind_text(db, s, ":task", x->json);
    db_bind_text(db, s, ":about", x->about);
    db_bind_int(db, s, ":now", (int64_t)x->now_ms);
    if (!db_run(db, s, e))
        return false;
    x->created = db_changes(db) > 0;
    return true;
}

static void creation_done(void *ctx, bool ok, const struct err *e) {
    struct creation *x = ctx;
    log_key(&x->task.key);
    if (!ok) {
        struct err later = not_stored(e);
        log_err(LOG_ERROR, "a request could not be stored", e);
        reply_error(x->request, &later);
        return;
    }
    struct board_task t = {x->task.key, x->task.transaction_hash, x->task.build_target, x->json, x->now_ms};
    if (x->created) {
        atomic_fetch_add(&x->c->totals.created, 1);
        log_info("request of %s recorded%s%.300s", x->task.key.contract_id,
                 x->task.refused ? ", whose event a worker could not read: " : "",
                 x->task.refused ? x->task.refused : "");
    }
    // On the board only after the commit: no worker gets what a crash could forget. What could not be read is there,
    // too: somebody has paid for it, and a worker looks for itself and answers.
    if (x->created)
        board_add(x->c->board, &t);
    json_t *answer = json_pack("{s:I, s:b}", "request_id", (json_int_t)x->task.key.request_id, "created", x->created);
    http_reply_json(x->request, x->created ? 201 : 200, answer);
    log_request(NULL);
}

void tasks_create(struct http_request *r, void *ctx) {
    struct coordinator *c = ctx;
    struct arena *a = http_arena(r);
    struct err e;
    struct creation *x = arena_calloc(a, 1, sizeof *x);
    SCOPED_JSON(j) = task_body(r, TASK_BODY_MAX, &e);
    if (!j || !task_read(&x->task, j, &e) || !board_has_room(c->board, &e)) {
        reply_error(r, &e);
        return;
    }
    SCOPED_JSON(about) = task_about(&x->task, j);
    x->c = c;
    x->request = r;
    x->json = json_text(a, j);
    x->about = json_text(a, about);
    x->now_ms = clock_wall_ms();
    x->task.key.contract_id = arena_strdup(a, x->task.key.contract_id);
    x->task.build_target = arena_strdup(a, x->task.build_target);
    if (x->task.transaction_hash)
        x->task.transaction_hash = arena_strdup(a, x->task.transaction_hash);
    if (x->task.refused)
        x->task.refused = arena_strdup(a, x->task.refused);
    struct writer_job job = {store_creation, creation_done, x};
    if (!writer_submit(c->writer, &job, &e))
        reply_error(r, &e);
}

// --- poll, heartbeat, fail ---------------------------------------------------------------------------------------

void tasks_poll(struct http_request *r, void *ctx) {
    struct coordinator *c = ctx;
    struct err e;
    uint64_t timeout = 0;
    const char *text = http_query(r, "timeout"), *worker = http_query(r, "worker_id");
    if (text && !text_u64(slice_str(text), &timeout))
        timeout = text[0] == '-' ? 0 : BOARD_POLL_MAX_S; // any value is taken
    if (worker && strlen(worker) > WORKER_ID_MAX) {
        err_set(&e, ERR_INVALID, "worker_id is longer than %d characters", WORKER_ID_MAX);
        reply_error(r, &e);
        return;
    }
    board_poll(c->board, r, worker ? worker : "", http_query(r, "capabilities"), timeout);
}

static void reply_lost(struct http_request *r, enum board_answer answer) {
    struct err e;
    if (answer == BOARD_UNKNOWN)
        err_set(&e, ERR_LEASE_LOST, "this execution is over, or was never here");
    else
        err_set(&e, ERR_LEASE_LOST, "this token does not hold the execution, or not any more");
    err_hint(&e, "drop it: the report changed nothing");
    reply_error(r, &e);
}

// No stage: only that the worker lives.
static bool stage_event(const char *stage, enum execution_event *out, struct err *e) {
    *out = EXECUTION_EVENT_COUNT;
    if (!stage || !strcmp(stage, "leased"))
        return true;
    *out = EXECUTION_EVENT_BUILD;
    if (!strcmp(stage, "building"))
        return true;
    *out = EXECUTION_EVENT_RUN;
    if (!strcmp(stage, "running"))
        return true;
    *out = EXECUTION_EVENT_SUBMIT;
    return !strcmp(stage, "submitting") ||
           err_set(e, ERR_INVALID, "field 'stage' is building, running or submitting, not '%.40s'", stage);
}

void tasks_heartbeat(struct http_request *r, void *ctx) {
    static const char *const keys[] = {"contract_id", "request_id", "token", "stage", NULL};
    struct coordinator *c = ctx;
    struct claim claim;
    struct err e;
    const char *stage = NULL;
    enum execution_event event;
    uint64_t expires;
    SCOPED_JSON(j) = task_body(r, SMALL_BODY_MAX, &e);
    if (!j || !json_only_keys(j, keys, &e) || !claim_read(&claim, j, &e) || !json_opt_text(j, "stage", &stage, &e) ||
        !stage_event(stage, &event, &e)) {
        reply_error(r, &e);
        return;
    }
    enum board_answer answer = board_heartbeat(c->board, &claim.key, claim.token, event, &expires);
    if (answer != BOARD_OK)
        reply_lost(r, answer);
    else
        http_reply_json(r, 200, json_pack("{s:I}", "expires_in_ms", (json_int_t)expires));
}

// --- ends --------------------------------------------------------------------------------------------------------

struct ending {
    struct coordinator *c;
    struct http_request *request; // NULL: nobody waits
    struct board_key key;
    const char *json, *outcome;
    char lease[65]; // SHA-256 of the token
    char worker_id[WORKER_ID_MAX + 1];
    enum execution_state state;
    uint64_t instructions;
    bool held;    // the board waits to hear how it went
    bool changed; // false: it had this end already
    bool repeat;  // by this very lease
};

static bool look_stored(struct db *db, struct ending *x, struct err *e) {
    struct db_stmt *s;
    bool row;
    if (!db_query(db, "SELECT lease FROM executions WHERE contract_id = :contract AND request_id = :request", &s, e))
        return false;
    db_bind_text(db, s, ":contract", x->key.contract_id);
    db_bind_int(db, s, ":request", (int64_t)x->key.request_id);
    bool ok = db_step(db, s, &row, e);
    const char *lease = ok && row ? db_text(db, s, "lease") : NULL;
    x->repeat = lease && x->lease[0] && strcmp(lease, x->lease) == 0;
    db_done(db, s);
    return ok;
}

static bool store_ending(struct db *db, void *ctx, struct err *e) {
    struct ending *x = ctx;
    struct db_stmt *s;
    if (!x->held) // only a repetition can be good
        return look_stored(db, x, e);
    if (!db_query(db,
                  "UPDATE executions SET state = :state, outcome = :outcome, report = :report, worker_id = :worker, "
                  "lease = :lease, ended_ms = :now, instructions = :instructions WHERE contract_id = :contract AND "
                  "request_id = :request AND state IS NULL",
                  &s, e))
        return false;
    db_bind_text(db, s, ":state", execution_text(x->state));
    db_bind_text(db, s, ":outcome", x->outcome);
    db_bind_text(db, s, ":report", x->json);
    db_bind_text(db, s, ":worker", x->worker_id[0] ? x->worker_id : NULL);
    db_bind_text(db, s, ":lease", x->lease[0] ? x->lease : NULL);
    db_bind_int(db, s, ":now", (int64_t)clock_wall_ms());
    db_bind_int(db, s, ":instructions", (int64_t)x->instructions);
    db_bind_text(db, s, ":contract", x->key.contract_id);
    db_bind_int(db, s, ":request", (int64_t)x->key.request_id);
    if (!db_run(db, s, e))
        return false;
    x->changed = db_changes(db) > 0;
    return true;
}

static void count_end(struct totals *t, const struct ending *x) {
    _Atomic uint64_t *counter = !strcmp(x->outcome, "success")        ? &t->succeeded
                                : !strcmp(x->outcome, "guest_failed") ? &t->guest_failed
                                : !strcmp(x->outcome, "refused")      ? &t->refused
                                                                      : &t->expired;
    atomic_fetch_add(counter, 1);
    atomic_fetch_add(&t->instructions, x->instructions);
}

static void reply_ending(struct ending *x) {
    if (x->held || x->repeat)
        http_reply_json(x->request, 200, json_pack("{s:b}", "changed", x->changed));
    else
        reply_lost(x->request, board_has(x->c->board, &x->key) ? BOARD_LOST : BOARD_UNKNOWN);
}

static void ending_done(void *ctx, bool ok, const struct err *e) {
    struct ending *x = ctx;
    log_key(&x->key);
    if (x->held) {
        if (ok)
            board_ended(x->c->board, &x->key);
        else
            board_end_failed(x->c->board, &x->key);
    }
    if (ok && x->changed) {
        count_end(&x->c->totals, x);
        log_info("request ended: %s", x->outcome);
    }
    if (!ok)
        log_err(LOG_ERROR, "an end could not be stored", e);
    if (!x->request) {
        free(x);
    } else if (!ok) {
        struct err later = not_stored(e);
        http_reply_err(x->request, &later);
    } else {
        reply_ending(x);
    }
    log_request(NULL);
}

static void submit_ending(struct ending *x) {
    struct writer_job job = {store_ending, ending_done, x};
    struct err e;
    if (!writer_submit(x->c->writer, &job, &e))
        ending_done(x, false, &e);
}

// Takes the execution from its lease, if this token has it.
static struct ending *begin_ending(struct coordinator *c, struct http_request *r, const struct board_key *key,
                                   const char *token) {
    struct ending *x = arena_calloc(http_arena(r), 1, sizeof *x);
    struct hash h = sha256(slice_str(token));
    *x = (struct ending){.c = c, .request = r, .key = *key, .state = EXECUTION_SETTLED};
    x->key.contract_id = arena_strdup(http_arena(r), key->contract_id);
    hash_hex(&h, x->lease);
    x->held = board_end(c->board, key, token, x->worker_id, sizeof x->worker_id) == BOARD_OK;
    return x;
}

void tasks_complete(struct http_request *r, void *ctx) {
    struct coordinator *c = ctx;
    struct report report;
    struct err e;
    SCOPED_JSON(j) = task_body(r, SMALL_BODY_MAX, &e);
    if (!j || !report_read(&report, j, &e)) {
        reply_error(r, &e);
        return;
    }
    struct ending *x = begin_ending(c, r, &report.key, report.token);
    x->outcome = arena_strdup(http_arena(r), report.outcome);
    x->instructions = report.instructions;
    SCOPED_JSON(about) = report_about(j);
    x->json = json_text(http_arena(r), about);
    submit_ending(x);
}

void tasks_fail(struct http_request *r, void *ctx) {
    static const char *const keys[] = {"contract_id", "request_id", "token", "reason", "retry", NULL};
    struct coordinator *c = ctx;
    struct claim claim;
    struct err e;
    const char *reason = "";
    bool retry = true;
    SCOPED_JSON(j) = task_body(r, SMALL_BODY_MAX, &e);
    if (!j || !json_only_keys(j, keys, &e) || !claim_read(&claim, j, &e) || !json_get_text(j, "reason", &reason, &e) ||
        !json_opt_bool(j, "retry", &retry, &e)) {
        reply_error(r, &e);
        return;
    }
    log_key(&claim.key);
    log_warn("a worker gave it back: %.300s", reason);
    if (retry) {
        enum board_answer answer = board_give_back(c->board, &claim.key, claim.token);
        if (answer != BOARD_OK)
            reply_lost(r, answer);
        else
            http_reply_json(r, 200, json_pack("{s:b}", "retried", 1));
    } else {
        struct ending *x = begin_ending(c, r, &claim.key, claim.token);
        SCOPED_JSON(report) = json_pack("{s:s%}", "error", reason, text_cut(reason, REPORT_ERROR_MAX));
        x->outcome = "refused";
        x->json = json_text(http_arena(r), report);
        submit_ending(x);
    }
    log_request(NULL);
}

void tasks_expired(void *ctx, const struct board_key *key) {
    struct coordinator *c = ctx;
    size_t n = strlen(key->contract_id) + 1;
    struct ending *x = xcalloc(1, sizeof *x + n);
    *x = (struct ending){.c = c, .key = *key, .state = EXECUTION_EXPIRED, .outcome = "expired", .held = true};
    x->json = "{\"error\":\"no worker served the request in time\"}";
    memcpy(x + 1, key->contract_id, n);
    x->key.contract_id = (const char *)(x + 1);
    submit_ending(x);
}

// --- start -------------------------------------------------------------------------------------------------------

// One that cannot be read (a damaged file) must not keep the others from being served.
static void load_one(struct coordinator *c, struct db *db, struct db_stmt *s) {
    struct err e;
    struct posted_task task;
    const char *text = db_text(db, s, "task");
    SCOPED_JSON(j) = json_parse_big(slice_str(text), TASK_BODY_MAX * 2, &e);
    if (!j || !task_read(&task, j, &e)) {
        log_err(LOG_ERROR, "a stored execution cannot be read and is left alone", &e);
        return;
    }
    struct board_task t = {task.key, task.transaction_hash, task.build_target, text,
                           (uint64_t)db_int(db, s, "created_ms")};
    board_add(c->board, &t);
}

static bool load_open(struct coordinator *c, struct err *e) {
    struct db *db = c->reading;
    struct db_stmt *s;
    bool row = false, ok;
    if (!db_query(db, "SELECT task, created_ms FROM executions WHERE state IS NULL ORDER BY id", &s, e))
        return false;
    while ((ok = db_step(db, s, &row, e)) && row)
        load_one(c, db, s);
    db_done(db, s);
    return ok;
}

static bool load_totals(struct coordinator *c, struct err *e) {
    struct db *db = c->reading;
    struct db_stmt *s;
    bool row = false;
    struct totals *t = &c->totals;
    if (!db_query(db,
                  "SELECT count(*) AS created, sum(outcome = 'success') AS good, sum(outcome = 'guest_failed') AS "
                  "failed, sum(outcome = 'refused') AS refused, sum(outcome = 'expired') AS expired, "
                  "CAST(total(instructions) AS INTEGER) AS instructions FROM executions",
                  &s, e))
        return false;
    bool ok = db_step(db, s, &row, e);
    if (ok && row) {
        t->created = (uint64_t)db_int(db, s, "created");
        t->succeeded = (uint64_t)db_int(db, s, "good");
        t->guest_failed = (uint64_t)db_int(db, s, "failed");
        t->refused = (uint64_t)db_int(db, s, "refused");
        t->expired = (uint64_t)db_int(db, s, "expired");
        t->instructions = (uint64_t)db_int(db, s, "instructions");
    }
    db_done(db, s);
    return ok;
}

bool tasks_load(struct coordinator *c, struct err *e) { return load_totals(c, e) && load_open(c, e); }
