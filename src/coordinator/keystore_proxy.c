// SPDX-License-Identifier: Apache-2.0
#include "coordinator/keystore_proxy.h"

#include "base/clock.h"
#include "base/log.h"
#include "codec/json.h"
#include "coordinator/api.h"
#include "coordinator/routes.h"
#include "http/client.h"
#include "http/deferred.h"

#define THREADS 8
#define AUDITS_THREADS 4
#define WORKERS_THREADS 64 // a decision may wait for its owner's contracts, and holds one meanwhile
#define QUEUE_MAX 256
#define ANSWER_MAX (1u << 20)
#define TIMEOUT_MS 20000
// Of one address: a person at a keyboard never meets these.
#define BURST 60
#define PER_MINUTE 120
// Of one account, whoever asks in its name: nothing proves that it is the account itself, so a visitor who asks as
// often as he may must not keep it out.
#define ACCOUNT_BURST (10 * BURST)
#define ACCOUNT_PER_MINUTE (10 * PER_MINUTE)
// Of one address with a worker's token: a fleet behind one address asks for each request that wants secrets.
#define WORKER_BURST 2000
#define WORKER_PER_MINUTE 30000

struct keystore_proxy {
    char *base_url, *worker_url, *token; // NULL: none; worker_url: where workers' questions go
    struct http_client *http;
    // Whoever floods the public routes does not keep workers waiting, nor do those who read the audit log keep others
    // from sealing.
    struct deferred *deferred, *audits, *for_workers;
    struct askers addresses, workers;
    struct limiter *accounts;
    atomic_bool cancel;
};

static bool check_url(const char *name, const char *url, struct err *e) {
    return !url || strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0 ||
           err_set(e, ERR_SETTINGS, "%s must begin with http:// or https://", name);
}

bool keystore_proxy_new(struct keystore_proxy **out, struct shared *shared, const struct keystore_proxy_config *config,
                        struct err *e) {
    const char *for_workers = config->worker_url ? config->worker_url : config->base_url;
    if (!check_url("KEYSTORE_BASE_URL", config->base_url, e) ||
        !check_url("KEYSTORE_WORKER_URL", config->worker_url, e))
        return false;
    struct keystore_proxy *p = xcalloc(1, sizeof *p);
    p->base_url = config->base_url ? xstrdup(config->base_url) : NULL;
    p->worker_url = p->base_url ? xstrdup(for_workers) : NULL;
    p->token = config->token ? xstrdup(config->token) : NULL;
    p->http = http_client_new();
    p->deferred = deferred_new(THREADS, QUEUE_MAX);
    p->audits = deferred_new(AUDITS_THREADS, QUEUE_MAX);
    p->for_workers = deferred_new(WORKERS_THREADS, QUEUE_MAX);
    askers_init(&p->addresses, shared, "secrets of an address", "secrets of a network", BURST, PER_MINUTE);
    p->accounts = limiter_new(shared, "secrets of an account", ACCOUNT_BURST, ACCOUNT_PER_MINUTE);
    askers_init(&p->workers, shared, "secrets of a worker", "secrets of a network of workers", WORKER_BURST,
                WORKER_PER_MINUTE);
    *out = p;
    return true;
}

void keystore_proxy_stop(struct keystore_proxy *p) {
    if (!p)
        return;
    atomic_store(&p->cancel, true);
    deferred_stop(p->deferred);
    deferred_stop(p->audits);
    deferred_stop(p->for_workers);
}

void keystore_proxy_free(struct keystore_proxy *p) {
    if (!p)
        return;
    deferred_free(p->deferred);
    deferred_free(p->audits);
    deferred_free(p->for_workers);
    http_client_free(p->http);
    askers_release(&p->addresses);
    limiter_free(p->accounts);
    askers_release(&p->workers);
    free(p->base_url);
    free(p->worker_url);
    if (p->token)
        explicit_bzero(p->token, strlen(p->token));
    free(p->token);
    free(p);
}

// --- who asks how often

static const char *account_of(struct http_request *r, json_t *body) {
    static const char *const names[] = {"owner", "account_id"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *in_body = json_string_value(json_object_get(body, names[i])), *in_query = http_query(r, names[i]);
        if (in_body || in_query)
            return in_body ? in_body : in_query;
    }
    return NULL;
}

static bool may_ask(struct coordinator *c, struct http_request *r, bool worker, struct err *e) {
    struct keystore_proxy *p = c->secrets;
    char asker[CLIENT_MAX];
    coordinator_client(c, r, asker);
    if (worker)
        return coordinator_may_come(r, &p->workers, asker, e);
    if (!coordinator_may_come(r, &p->addresses, asker, e))
        return false;
    SCOPED_JSON(body) = http_body(r).len ? json_parse(http_body(r), SECRETS_BODY_MAX, NULL) : NULL;
    const char *account = account_of(r, body);
    return !account || coordinator_may_ask(r, p->accounts, account, e);
}

// --- passing on

// The query anew, from what the keystore knows.
static const char *query_of(struct http_request *r) {
    static const char *const names[] = {"repo", "owner", "branch"};
    struct arena *a = http_arena(r);
    const char *query = "";
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *value = http_query(r, names[i]);
        if (value)
            query = arena_printf(a, "%s%c%s=%s", query, query[0] ? '&' : '?', names[i], http_percent_encode(a, value));
    }
    return query;
}

// The routes that take our token refuse other things with 401, too: signatures of the visitor.
static bool is_about_token(struct slice body) {
    SCOPED_JSON(j) = json_parse(body, ANSWER_MAX, NULL);
    const char *hint = json_string_value(json_object_get(json_object_get(j, "error"), "hint"));
    return hint && strstr(hint, "ALLOWED_WORKER_TOKEN_HASHES");
}

struct passing {
    const char *url;
    struct slice body;
};

static void pass_on(struct http_request *r, void *ctx) {
    struct keystore_proxy *p = ctx;
    const struct passing *x = http_user(r);
    struct arena *a = http_arena(r);
    struct http_answer answer;
    struct err e;
    bool get = http_method(r) == HTTP_GET;
    struct http_call call = {.method = get ? "GET" : "POST",
                             .url = arena_printf(a, "%s%s", x->url, query_of(r)),
                             .bearer = p->token,
                             .request_id = log_trace(),
                             .body = x->body,
                             .timeout_ms = TIMEOUT_MS,
                             .max_answer = ANSWER_MAX,
                             .cancel = &p->cancel};
    if (!http_call(p->http, a, &call, &answer, &e)) {
        log_err(LOG_WARN, "keystore", &e);
        e.code = e.code == ERR_TIMEOUT ? ERR_TIMEOUT : ERR_UNAVAILABLE;
        snprintf(e.msg, sizeof e.msg, "the keystore does not answer");
        err_hint(&e, "ask again in a few seconds; the operator sees more in the coordinator's log");
        http_reply_err(r, &e);
        return;
    }
    if (answer.status == 401 && is_about_token(answer.body)) { // ours, not the visitor's
        log_error("the keystore does not take KEYSTORE_AUTH_TOKEN");
        err_set(&e, ERR_UNAVAILABLE, "the keystore refuses this coordinator");
        http_reply_err(r, &e);
        return;
    }
    http_reply(r, answer.status, "application/json; charset=utf-8", answer.body);
}

static bool is_offered(const struct keystore_proxy *p, struct err *e) {
    if (p->base_url)
        return true;
    err_set(e, ERR_UNAVAILABLE, "secrets are not offered by this deployment");
    return err_hint(e, "its operator starts outlayer-keystore and sets KEYSTORE_BASE_URL");
}

static void set_passing(struct http_request *r, const char *base_url, const char *path, struct slice body) {
    struct passing *x = arena_alloc(http_arena(r), sizeof *x);
    *x = (struct passing){arena_printf(http_arena(r), "%s%s", base_url, path), body};
    http_set_user(r, x);
}

static void pass(struct coordinator *c, struct http_request *r, const char *path, bool worker) {
    struct err e;
    struct keystore_proxy *p = c->secrets;
    if (!is_offered(p, &e) || !may_ask(c, r, worker, &e)) {
        http_reply_err(r, &e);
        return;
    }
    set_passing(r, worker ? p->worker_url : p->base_url, path, http_body(r));
    deferred_run(worker ? p->for_workers : p->deferred, r, pass_on, p);
}

#define PASS(name, path, worker)                                                                                       \
    void name(struct http_request *r, void *ctx) { pass(ctx, r, path, worker); }
PASS(secrets_pubkey, "/pubkey", false)
PASS(secrets_add_generated, "/add_generated_secret", false)
PASS(secrets_challenge, "/challenge", true)
PASS(secrets_session, "/session", true)
PASS(secrets_decrypt, "/decrypt", true)

// --- what the keystore's audit log has of an account's secrets

// Of an account: the keystore answers as many of one owner.
static const struct deferred_share audits_share = {.at_once = 1, .waiting_each = 3};

struct audit_act {
    struct account_act act; // first: it is what `ask_audit` gets
    const char *nonce;
    uint64_t before;
};

static struct slice audit_body(struct arena *a, const struct audit_act *x, const char *owner) {
    SCOPED_JSON(o) = json_object();
    json_set_text(o, "owner", owner);
    json_set_text(o, "nonce", x->nonce);
    if (x->before)
        json_set_u64(o, "before", x->before);
    return slice_str(json_text(a, o));
}

// Whoever asks has shown that he is the account: by its key, or by its word.
static void ask_for(struct http_request *r, struct audit_act *x, const char *account) {
    struct keystore_proxy *p = x->act.c->secrets;
    char asker[CLIENT_MAX];
    struct err e;
    coordinator_client(x->act.c, r, asker);
    if (!is_offered(p, &e) || !coordinator_may_come(r, &p->addresses, asker, &e) ||
        !coordinator_may_ask(r, p->accounts, account, &e)) {
        http_reply_err(r, &e);
        return;
    }
    set_passing(r, p->base_url, "/audit", audit_body(http_arena(r), x, account));
    deferred_run_for(p->audits, r, pass_on, p, account, &audits_share);
}

static void ask_audit(struct http_request *r, void *ctx) {
    struct audit_act *x = ctx;
    ask_for(r, x, x->act.word.account);
}

void secrets_audit(struct http_request *r, void *ctx) {
    struct audit_act *x = arena_calloc(http_arena(r), 1, sizeof *x);
    SCOPED_JSON(j) = http_take_json(r);
    x->act.c = ctx;
    x->act.act = "show who asked for secrets";
    x->act.then = ask_audit;
    x->nonce = arena_strdup(http_arena(r), api_text(j, "nonce"));
    x->before = api_u64(j, "before", 0);
    if (coordinator_account(r))
        ask_for(r, x, arena_strdup(http_arena(r), coordinator_account(r)));
    else
        account_act_run(r, &x->act);
}
