// SPDX-License-Identifier: Apache-2.0
// What builds and guests said: for the account that asked for the execution, by its key, and for the operator.
#include "coordinator/routes.h"

#include "base/text.h"
#include "coordinator/account_keys.h"
#include "coordinator/execution_logs.h"
#include "http/status.h"

static struct execution_key key_of(const struct http_request *r) {
    struct execution_key key = {http_param(r, "contract_id"), 0};
    (void)!text_u64(slice_str(http_param(r, "request_id")), &key.request_id);
    return key;
}

static json_t *shown(const struct execution_logs *x) {
    json_t *o = json_object();
    json_set_text(o, "build_log", x->build_log);
    json_set_text(o, "guest_stderr", x->guest_stderr);
    return o;
}

static void reply(struct http_request *r, const struct execution_logs *x) {
    http_add_header(r, "Cache-Control", "no-store");
    http_reply_json(r, 200, shown(x));
}

// --- the sender's

static bool is_senders(struct http_request *r, const char *sender, struct err *e) {
    const char *account = coordinator_account(r);
    if (sender && strcmp(sender, account) == 0)
        return true;
    err_set(e, ERR_FORBIDDEN, "what a build and a guest said is shown to who asked for the execution alone");
    return err_hint(e, "this key is of %s", account);
}

static void show_logs(struct http_request *r, void *ctx) {
    struct coordinator *c = ctx;
    struct execution_logs x = {.key = key_of(r)};
    const char *sender;
    struct err e;
    struct db *db = readers_take(c->readers);
    bool ok = execution_logs_read(db, http_arena(r), &x, &sender, &e);
    readers_put(c->readers, db);
    if (ok && is_senders(r, sender, &e))
        reply(r, &x);
    else
        http_reply_err(r, &e);
}

void execution_logs(struct http_request *r, void *ctx) {
    struct coordinator *c = ctx;
    struct err e;
    if (coordinator_account(r)) {
        readers_run(c->readers, r, false, show_logs, c);
        return;
    }
    err_set(&e, ERR_UNAUTHORIZED, "this needs a key of the account that asked for the execution");
    err_hint(&e, "send `X-API-Key: " ACCOUNT_KEY_PREFIX "…`; POST /public/api-keys makes one");
    http_reply_err(r, &e);
}

// --- the operator's

void admin_logs(struct http_request *r, void *status) {
    struct coordinator *c = status_ctx(status);
    struct execution_logs x = {.key = key_of(r)};
    const char *sender;
    struct err e;
    pthread_mutex_lock(&c->reading_mutex);
    bool ok = execution_logs_read(c->reading, http_arena(r), &x, &sender, &e);
    pthread_mutex_unlock(&c->reading_mutex);
    if (ok)
        reply(r, &x);
    else
        http_reply_err(r, &e);
}
