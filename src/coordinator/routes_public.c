// SPDX-License-Identifier: Apache-2.0
// What anybody may look at.
#include "coordinator/api.h"
#include "coordinator/routes.h"

#include "base/clock.h"
#include "base/settings.h"
#include "base/text.h"
#include <inttypes.h>

// --- workers -----------------------------------------------------------------------------------------------------

// Of all that it ended, whatever it says of itself.
static void put_ended(json_t *row, const struct figures *f) {
    json_set_u64(row, "ended_executions", f->executions);
    json_set_u64(row, "successful_executions", f->success);
    json_set_u64(row, "failed_executions", f->guest_failed);
    json_set_u64(row, "refused_executions", f->refused);
    json_set_u64(row, "expired_executions", f->expired);
    // The reference's names.
    json_set_text(row, "worker_name", api_text(row, "worker_id"));
    json_object_set_new(row, "current_task_id", json_null()); // it may have many
    json_set_u64(row, "total_tasks_completed", f->success);
    json_set_u64(row, "total_tasks_failed", f->executions - f->success);
    uint64_t started = api_u64(row, "started_at_ms", 0), now = clock_wall_ms();
    json_object_set_new(row, "uptime_seconds",
                        started && started <= now ? json_integer((json_int_t)((now - started) / 1000)) : json_null());
}

static bool add_ended(struct db *db, struct arena *a, const json_t *list, struct err *e) {
    size_t n = json_array_size(list), i;
    const char **names = arena_calloc(a, n + 1, sizeof *names);
    struct figures *ended = arena_calloc(a, n + 1, sizeof *ended);
    json_t *row;
    json_array_foreach(list, i, row)
        names[i] = api_text(row, "worker_id") ? api_text(row, "worker_id") : "";
    if (!rollups_of_all(db, ROLLUP_WORKER, names, n, ended, e))
        return false;
    json_array_foreach(list, i, row)
        put_ended(row, &ended[i]);
    return true;
}

static void list_workers(struct http_request *r, void *ctx) {
    struct coordinator *c = ctx;
    struct err e;
    SCOPED_JSON(list) = NULL;
    struct db *db = readers_take(c->readers);
    bool ok = shared_workers(c->shared, db, &list, &e) && add_ended(db, http_arena(r), list, &e);
    readers_put(c->readers, db);
    if (ok)
        kept_answers_put(c->kept, r, "workers", slice_str(json_text(http_arena(r), list)));
    else
        http_reply_err(r, &e);
}

void public_workers(struct http_request *r, void *ctx) {
    struct coordinator *c = ctx;
    if (!kept_answers_reply(c->kept, r, "workers"))
        readers_run(c->readers, r, coordinator_has_token(r), list_workers, c);
}

// --- changes -----------------------------------------------------------------------------------------------------

void public_changes(struct http_request *r, void *ctx) {
    struct coordinator *c = ctx;
    char asker[CLIENT_MAX];
    coordinator_client(c, r, asker);
    changes_wait(c->changes, r, coordinator_has_token(r) ? NULL : asker, http_query(r, "since"),
                 api_number(r, "timeout", CHANGES_WAIT_MAX_S));
}

// --- prices ------------------------------------------------------------------------------------------------------

void public_pricing(struct http_request *r, void *ctx) {
    struct coordinator *c = ctx;
    prices_reply(c->prices, r);
}

void public_pricing_refresh(struct http_request *r, void *ctx) {
    struct coordinator *c = ctx;
    prices_refresh(c->prices, r);
}

// --- the deployment ----------------------------------------------------------------------------------------------

static json_t *list_of(const char *comma_list) {
    json_t *list = json_array();
    for (const char *at = comma_list ? comma_list : ""; *at; at += strcspn(at, ","), at += *at == ',')
        if (strcspn(at, ","))
            json_array_append_new(list, json_stringn(at, strcspn(at, ",")));
    return list;
}

char *shown_text(const struct coordinator_config *config) {
    const struct coordinator_shown *s = &config->shown;
    SCOPED_JSON(o) = json_object();
    json_t *explorer = json_object();
    json_set_text(o, "network", config->network);
    json_set_text(o, "contract_id", config->contract_id);
    json_set_text(o, "register_contract_id", s->register_contract_id);
    json_object_set_new(o, "rpc_urls", list_of(s->rpc_urls));
    json_set_text(explorer, "transaction", s->explorer_transaction);
    json_set_text(explorer, "account", s->explorer_account);
    json_object_set_new(o, "explorer", explorer);
    json_set_text(o, "faucet_url", s->faucet_url);
    json_set_text(o, "docs_url", config->docs ? BOOK_PATH : NULL);
    json_set_text(o, "version", PROGRAM_VERSION);
    json_object_set_new(o, "keystore", json_boolean(config->keystore.base_url));
    json_object_set_new(o, "api_keys", json_boolean(config->near_rpc_url));
    json_set_text(o, "tee_mode", s->tee_mode ? s->tee_mode : "none");
    char *text = json_dumps(o, JSON_COMPACT);
    BUG_ON(!text);
    return text;
}

void public_config(struct http_request *r, void *ctx) {
    const struct coordinator *c = ctx;
    http_reply(r, 200, "application/json; charset=utf-8", slice_str(c->shown));
}

void public_examples(struct http_request *r, void *ctx) {
    const struct coordinator *c = ctx;
    public_reply(r, slice_str(c->examples));
}

// --- health ------------------------------------------------------------------------------------------------------

void health(struct http_request *r, void *ctx) {
    (void)ctx;
    http_reply(r, 200, "text/plain", SLICE_LIT("OK"));
}

void healthz(struct http_request *r, void *ctx) {
    (void)ctx;
    http_reply(r, 200, "text/plain", SLICE_LIT("ok\n"));
}

// Ready: what answers depend on works.
bool coordinator_ready(struct coordinator *c, struct err *e) {
    struct db_stmt *s;
    bool row;
    pthread_mutex_lock(&c->reading_mutex);
    bool ok = db_query(c->reading, "SELECT 1 AS one", &s, e);
    if (ok) {
        ok = db_step(c->reading, s, &row, e);
        db_done(c->reading, s);
    }
    pthread_mutex_unlock(&c->reading_mutex);
    return ok;
}

// On the thread of probes: strangers' questions cost one read a second in all.
void readyz(struct http_request *r, void *ctx) {
    struct coordinator *c = ctx;
    struct err draining;
    if (atomic_load(&c->draining)) {
        err_set(&draining, ERR_UNAVAILABLE, "draining");
        err_hint(&draining, "it takes no new work, finishes what it has and ends");
        http_reply_err(r, &draining);
        return;
    }
    if (clock_mono_ms() >= c->ready.until_ms) {
        c->ready.ok = coordinator_ready(c, &c->ready.why);
        c->ready.until_ms = clock_mono_ms() + ANSWER_KEPT_MS;
    }
    if (c->ready.ok)
        http_reply(r, 200, "text/plain", SLICE_LIT("ready\n"));
    else
        http_reply_err(r, &c->ready.why);
}
