// SPDX-License-Identifier: Apache-2.0
// /locks/… and /workers/…
#include "coordinator/routes.h"

#include "base/text.h"

static bool check_text(const char *name, const char *text, size_t max, struct err *e) {
    size_t n = text ? strlen(text) : 0;
    return (n > 0 && n <= max) || err_set(e, ERR_INVALID, "'%s' has 1 to %zu characters", name, max);
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
    static const char *const keys[] = {"lock_key", "worker_id", "ttl_seconds", NULL};
    struct coordinator *c = ctx;
    struct locking *x = locking_new(r, acquired);
    const char *key, *worker = NULL;
    struct err e;
    SCOPED_JSON(j) = task_body(r, SMALL_BODY_MAX, &e);
    bool ok = j && json_only_keys(j, keys, &e) && json_get_text(j, "lock_key", &key, &e) &&
              json_opt_text(j, "worker_id", &worker, &e) && coordinator_worker_id(r, &worker, &e) &&
              json_get_u64(j, "ttl_seconds", &x->lock.ttl_s, &e) && check_text("lock_key", key, LOCK_KEY_MAX, &e) &&
              check_text("worker_id", worker, WORKER_ID_MAX, &e);
    if (ok && (!x->lock.ttl_s || x->lock.ttl_s > LOCK_TTL_MAX_S))
        ok = err_set(&e, ERR_INVALID, "field 'ttl_seconds' is 1 to %d", LOCK_TTL_MAX_S);
    if (!ok) {
        http_reply_err(r, &e);
        return;
    }
    x->lock.key = arena_strdup(http_arena(r), key);
    x->lock.worker = arena_strdup(http_arena(r), worker);
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
    if (!coordinator_worker_id(r, &x->lock.worker, &e) || !check_text("lock_key", x->lock.key, LOCK_KEY_MAX, &e) ||
        !check_text("worker_id", x->lock.worker, WORKER_ID_MAX, &e))
        http_reply_err(r, &e);
    else
        shared_release(c->shared, &x->lock);
}

// What a worker says is shown to everybody: plain values and lists of them, under names of its choice.
static bool check_plain(const json_t *j, struct err *e) {
    const char *key;
    json_t *v, *one;
    size_t i;
    json_object_foreach((json_t *)(uintptr_t)j, key, v) {
        bool plain = !json_is_object(v);
        json_array_foreach(v, i, one)
            plain &= !json_is_object(one) && !json_is_array(one);
        if (!plain)
            return err_set(e, ERR_INVALID, "field '%.80s' is not a plain value", key);
    }
    return true;
}

void workers_heartbeat(struct http_request *r, void *ctx) {
    struct coordinator *c = ctx;
    const char *worker;
    struct err e;
    SCOPED_JSON(j) = task_body(r, WORKER_BODY_MAX, &e);
    if (!j || !check_plain(j, &e) || !json_get_text(j, "worker_id", &worker, &e) ||
        !coordinator_worker_id(r, &worker, &e) || !check_text("worker_id", worker, WORKER_ID_MAX, &e) ||
        !shared_seen(c->shared, worker, json_text(http_arena(r), j), &e)) {
        http_reply_err(r, &e);
        return;
    }
    http_reply_json(r, 200, json_pack("{s:b}", "ok", 1));
}
