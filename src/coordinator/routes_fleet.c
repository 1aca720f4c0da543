// SPDX-License-Identifier: Apache-2.0
// /locks/… and /workers/…
#include "coordinator/routes.h"

#include "base/text.h"

static bool check_text(const char *name, const char *text, size_t max, struct err *e) {
    size_t n = text ? strlen(text) : 0;
    return (n > 0 && n <= max) || err_set(e, ERR_INVALID, "'%s' has 1 to %zu characters", name, max);
}

void locks_acquire(struct http_request *r, void *ctx) {
    static const char *const keys[] = {"lock_key", "worker_id", "ttl_seconds", NULL};
    struct coordinator *c = ctx;
    const char *key, *worker;
    uint64_t ttl;
    struct lock_state state;
    struct err e;
    SCOPED_JSON(j) = task_body(r, SMALL_BODY_MAX, &e);
    bool ok = j && json_only_keys(j, keys, &e) && json_get_text(j, "lock_key", &key, &e) &&
              json_get_text(j, "worker_id", &worker, &e) && json_get_u64(j, "ttl_seconds", &ttl, &e) &&
              check_text("lock_key", key, LOCK_KEY_MAX, &e) && check_text("worker_id", worker, WORKER_ID_MAX, &e);
    if (ok && (!ttl || ttl > LOCK_TTL_MAX_S))
        ok = err_set(&e, ERR_INVALID, "field 'ttl_seconds' is 1 to %d", LOCK_TTL_MAX_S);
    if (!ok || !lock_acquire(c->fleet, http_arena(r), key, worker, ttl, &state, &e)) {
        http_reply_err(r, &e);
        return;
    }
    http_reply_json(r, 200,
                    json_pack("{s:b, s:s, s:I}", "acquired", state.acquired, "holder", state.holder,
                              "expires_in_seconds", (json_int_t)state.expires_in_s));
}

void locks_release(struct http_request *r, void *ctx) {
    struct coordinator *c = ctx;
    const char *key = http_param(r, "key"), *worker = http_query(r, "worker_id");
    bool released;
    struct err e;
    if (!check_text("lock_key", key, LOCK_KEY_MAX, &e) || !check_text("worker_id", worker, WORKER_ID_MAX, &e) ||
        !lock_release(c->fleet, key, worker, &released, &e))
        http_reply_err(r, &e);
    else
        http_reply_json(r, 200, json_pack("{s:b}", "released", released));
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
        !check_text("worker_id", worker, WORKER_ID_MAX, &e) ||
        !fleet_seen(c->fleet, worker, json_text(http_arena(r), j), &e)) {
        http_reply_err(r, &e);
        return;
    }
    http_reply_json(r, 200, json_pack("{s:b}", "ok", 1));
}

void public_workers(struct http_request *r, void *ctx) {
    struct coordinator *c = ctx;
    http_reply_json(r, 200, fleet_workers(c->fleet));
}
