// SPDX-License-Identifier: Apache-2.0
// /locks/… and /workers/…
#include "coordinator/api_tables.h"
#include "coordinator/routes.h"

// Who it is: as it says, or as its token does.
static bool name_worker(const struct http_request *r, const char **worker, struct err *e) {
    return coordinator_worker_id(r, worker, e) && (*worker || err_set(e, ERR_INVALID, "'worker_id' is missing"));
}

struct locking {
    struct shared_lock lock;
    struct http_request *request;
};

static struct locking *locking_new(struct http_request *r, void (*done)(void *ctx, const struct err *e)) {
    struct locking *x = arena_calloc(http_arena(r), 1, sizeof *x);
    *x = (struct locking){
        {.call = {.done = done, .ctx = x}, .arena = http_arena(r), .token_name = coordinator_token_name(r)}, r};
    return x;
}

static void acquired(void *ctx, const struct err *e) {
    struct locking *x = ctx;
    if (e)
        http_reply_err(x->request, e);
    else
        http_reply_json(x->request, 200,
                        json_pack("{s:b, s:s, s:I}", "acquired", x->lock.acquired, "holder", x->lock.holder,
                                  "expires_in_seconds", (json_int_t)x->lock.expires_in_s));
}

void locks_acquire(struct http_request *r, void *ctx) {
    struct coordinator *c = ctx;
    struct locking *x = locking_new(r, acquired);
    struct err e;
    SCOPED_JSON(j) = http_take_json(r);
    const char *worker = api_text(j, "worker_id");
    if (!name_worker(r, &worker, &e)) {
        http_reply_err(r, &e);
        return;
    }
    x->lock.key = arena_strdup(http_arena(r), api_text(j, "lock_key"));
    x->lock.worker = arena_strdup(http_arena(r), worker);
    x->lock.ttl_s = api_u64(j, "ttl_seconds", 0);
    shared_acquire(c->shared, &x->lock);
}

static void released(void *ctx, const struct err *e) {
    struct locking *x = ctx;
    if (e)
        http_reply_err(x->request, e);
    else
        http_reply_json(x->request, 200, json_pack("{s:b}", "released", x->lock.released));
}

void locks_release(struct http_request *r, void *ctx) {
    struct coordinator *c = ctx;
    struct locking *x = locking_new(r, released);
    struct err e;
    x->lock.key = http_param(r, "key");
    x->lock.worker = http_query(r, "worker_id");
    if (name_worker(r, &x->lock.worker, &e))
        shared_release(c->shared, &x->lock);
    else
        http_reply_err(r, &e);
}

void workers_heartbeat(struct http_request *r, void *ctx) {
    struct coordinator *c = ctx;
    struct err e;
    SCOPED_JSON(j) = http_take_json(r);
    api_settle_object(j, &worker_says_schema); // readers of /public/workers count on its description
    const char *worker = api_text(j, "worker_id");
    if (!coordinator_worker_id(r, &worker, &e) || !shared_seen(c->shared, worker, json_text(http_arena(r), j), &e)) {
        http_reply_err(r, &e);
        return;
    }
    http_reply_json(r, 200, json_pack("{s:b, s:I}", "ok", 1, "now_ms", (json_int_t)shared_now_ms(c->shared)));
}
