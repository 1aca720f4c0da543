// SPDX-License-Identifier: Apache-2.0
// The routes, and who may use them.
#include "base/clock.h"
#include "base/log.h"
#include "builder/build.h"
#include "coordinator/account_keys.h"
#include "coordinator/api_tables.h"
#include "coordinator/routes.h"
#include "http/connections.h"
#include "http/router.h"
#include <inttypes.h>

// Whom a route is for. Everybody with a token may look.
#define MAY_LOOK (TOKEN_WORKER | TOKEN_BUILD | TOKEN_RUN | TOKEN_MONITOR | TOKEN_READ)
#define MAY_RECORD (TOKEN_WORKER | TOKEN_MONITOR)
#define MAY_LEASE (TOKEN_WORKER | TOKEN_BUILD | TOKEN_RUN)
#define MAY_BUILD (TOKEN_WORKER | TOKEN_BUILD)
#define MAY_RUN (TOKEN_WORKER | TOKEN_RUN)

// Those that read the database or a file are off the threads that confirm leases.
#define OFF_LOOP(name)                                                                                                 \
    static void read_##name(struct http_request *r, void *ctx) {                                                       \
        readers_run(((struct coordinator *)ctx)->readers, r, coordinator_has_token(r), name, ctx);                     \
    }
OFF_LOOP(wasm_get)
OFF_LOOP(wasm_exists)
OFF_LOOP(cargo_lock_get)
OFF_LOOP(builds_get)
OFF_LOOP(github_resolve_branch)
OFF_LOOP(public_wasm_info)
OFF_LOOP(public_builds)
OFF_LOOP(public_build)
OFF_LOOP(attestation)

// A balancer asks it, whoever floods the rest: it waits in nobody else's queue, and has no limit.
static void probe_readyz(struct http_request *r, void *ctx) {
    readers_probe(((struct coordinator *)ctx)->readers, r, readyz, ctx);
}

static void openapi(struct http_request *r, void *ctx);

// Method, path, handler, bytes of the body, its stream, who may, and which of the tables of api_tables.h is about it.
// clang-format off
#define ROUTES(X) \
    X(HTTP_POST, "/tasks/create", tasks_create, TASK_BODY_MAX, NULL, MAY_RECORD, tasks_create) \
    X(HTTP_GET, "/tasks/poll", tasks_poll, 0, NULL, MAY_LEASE, tasks_poll) \
    X(HTTP_POST, "/tasks/heartbeat", tasks_heartbeat, SMALL_BODY_MAX, NULL, MAY_LEASE, tasks_heartbeat) \
    X(HTTP_POST, "/tasks/complete", tasks_complete, REPORT_BODY_MAX, NULL, MAY_LEASE, tasks_complete) \
    X(HTTP_POST, "/tasks/fail", tasks_fail, SMALL_BODY_MAX, NULL, MAY_LEASE, tasks_fail) \
    X(HTTP_POST, "/tasks/hand-over", tasks_hand_over, SMALL_BODY_MAX, NULL, MAY_LEASE, tasks_hand_over) \
    X(HTTP_POST, "/locks/acquire", locks_acquire, SMALL_BODY_MAX, NULL, MAY_BUILD, locks_acquire) \
    X(HTTP_DELETE, "/locks/release/{key*}", locks_release, 0, NULL, MAY_BUILD, locks_release) \
    X(HTTP_GET, "/wasm/exists/{sha256}", read_wasm_exists, 0, NULL, MAY_LOOK, wasm_exists) \
    X(HTTP_POST, "/wasm/upload", upload_end, MODULE_BYTES_MAX, &wasm_stream, MAY_BUILD, wasm_upload) \
    X(HTTP_GET, "/wasm/{sha256}", read_wasm_get, 0, NULL, ROUTE_PUBLIC, wasm_get) \
    X(HTTP_POST, "/cargo-lock/upload", upload_end, BUILD_LOCK_MAX, &cargo_lock_stream, MAY_BUILD, cargo_lock_upload) \
    X(HTTP_GET, "/cargo-lock/{sha256}", read_cargo_lock_get, 0, NULL, ROUTE_PUBLIC, cargo_lock_get) \
    X(HTTP_GET, "/builds/{build_key}", read_builds_get, 0, NULL, MAY_LOOK, builds_get) \
    X(HTTP_PUT, "/builds/{build_key}", builds_put, SMALL_BODY_MAX, NULL, MAY_BUILD, builds_put) \
    X(HTTP_POST, "/workers/heartbeat", workers_heartbeat, WORKER_BODY_MAX, NULL, MAY_LEASE | TOKEN_MONITOR, workers_heartbeat) \
    X(HTTP_GET, "/github/resolve-branch", read_github_resolve_branch, 0, NULL, ROUTE_PUBLIC, resolve_branch) \
    X(HTTP_GET, "/secrets/pubkey", secrets_pubkey, 0, NULL, ROUTE_PUBLIC, secrets_pubkey_get) \
    X(HTTP_POST, "/secrets/pubkey", secrets_pubkey, SMALL_BODY_MAX, NULL, ROUTE_PUBLIC, secrets_pubkey) \
    X(HTTP_POST, "/secrets/add_generated_secret", secrets_add_generated, SECRETS_BODY_MAX, NULL, ROUTE_PUBLIC, secrets_add_generated) \
    X(HTTP_POST, "/secrets/audit", secrets_audit, SMALL_BODY_MAX, NULL, ROUTE_PUBLIC, secrets_audit) \
    X(HTTP_POST, "/secrets/challenge", secrets_challenge, SMALL_BODY_MAX, NULL, MAY_RUN, secrets_challenge) \
    X(HTTP_POST, "/secrets/session", secrets_session, SMALL_BODY_MAX, NULL, MAY_RUN, secrets_session) \
    X(HTTP_POST, "/secrets/decrypt", secrets_decrypt, SMALL_BODY_MAX, NULL, MAY_RUN, secrets_decrypt) \
    X(HTTP_POST, "/public/api-keys", keys_create, KEY_BODY_MAX, NULL, ROUTE_PUBLIC, keys_create) \
    X(HTTP_GET, "/public/api-keys", keys_list, 0, NULL, ROUTE_PUBLIC, keys_list) \
    X(HTTP_DELETE, "/public/api-keys/{id}", keys_revoke, 0, NULL, ROUTE_PUBLIC, keys_revoke) \
    X(HTTP_GET, "/public/workers", public_workers, 0, NULL, ROUTE_PUBLIC, public_workers) \
    X(HTTP_GET, "/public/jobs", public_jobs, 0, NULL, ROUTE_PUBLIC, public_jobs) \
    X(HTTP_GET, "/public/executions", public_executions, 0, NULL, ROUTE_PUBLIC, public_executions) \
    X(HTTP_GET, "/public/executions/{contract_id}/{request_id}", public_execution, 0, NULL, ROUTE_PUBLIC, public_execution) \
    X(HTTP_GET, "/public/changes", public_changes, 0, NULL, ROUTE_PUBLIC, public_changes) \
    X(HTTP_GET, "/public/executions/{contract_id}/{request_id}/logs", execution_logs, 0, NULL, ROUTE_PUBLIC, execution_logs) \
    X(HTTP_GET, "/public/examples", public_examples, 0, NULL, ROUTE_PUBLIC, public_examples) \
    X(HTTP_GET, "/public/config", public_config, 0, NULL, ROUTE_PUBLIC, public_config) \
    X(HTTP_GET, "/public/stats", public_stats, 0, NULL, ROUTE_PUBLIC, public_stats) \
    X(HTTP_GET, "/public/stats/series", public_series, 0, NULL, ROUTE_PUBLIC, public_series) \
    X(HTTP_GET, "/public/accounts/{account_id}/usage", public_usage, 0, NULL, ROUTE_PUBLIC, public_usage) \
    X(HTTP_GET, "/public/users/{account_id}/earnings", public_earnings, 0, NULL, ROUTE_PUBLIC, public_earnings) \
    X(HTTP_GET, "/public/repos", public_repos, 0, NULL, ROUTE_PUBLIC, public_repos) \
    X(HTTP_GET, "/public/repos/popular", public_repos, 0, NULL, ROUTE_PUBLIC, public_repos_popular) \
    X(HTTP_GET, "/public/pricing", public_pricing, 0, NULL, ROUTE_PUBLIC, public_pricing) \
    X(HTTP_POST, "/public/pricing/refresh", public_pricing_refresh, 0, NULL, ROUTE_PUBLIC, public_pricing_refresh) \
    X(HTTP_GET, "/public/builds", read_public_builds, 0, NULL, ROUTE_PUBLIC, public_builds) \
    X(HTTP_GET, "/public/builds/{build_key}", read_public_build, 0, NULL, ROUTE_PUBLIC, public_build) \
    X(HTTP_GET, "/public/wasm/info", read_public_wasm_info, 0, NULL, ROUTE_PUBLIC, public_wasm_info) \
    X(HTTP_GET, "/attestations/{request_id}", read_attestation, 0, NULL, ROUTE_PUBLIC, attestation) \
    X(HTTP_GET, "/openapi.json", openapi, 0, NULL, ROUTE_PUBLIC, openapi) \
    X(HTTP_GET, "/", page_document, 0, NULL, ROUTE_PUBLIC, page) \
    X(HTTP_GET, "/executions", page_document, 0, NULL, ROUTE_PUBLIC, page) \
    X(HTTP_GET, "/executions/{contract_id}/{request_id}", page_document, 0, NULL, ROUTE_PUBLIC, page) \
    X(HTTP_GET, "/executions/{contract_id}/{request_id}/verification", page_verification, 0, NULL, ROUTE_PUBLIC, page) \
    X(HTTP_GET, "/playground", page_document, 0, NULL, ROUTE_PUBLIC, page) \
    X(HTTP_GET, "/secrets", page_document, 0, NULL, ROUTE_PUBLIC, page) \
    X(HTTP_GET, "/stats", page_document, 0, NULL, ROUTE_PUBLIC, page) \
    X(HTTP_GET, "/workers", page_document, 0, NULL, ROUTE_PUBLIC, page) \
    X(HTTP_GET, "/settings", page_document, 0, NULL, ROUTE_PUBLIC, page) \
    X(HTTP_GET, "/assets/{file}", page_asset, 0, NULL, ROUTE_PUBLIC, page) \
    X(HTTP_GET, "/favicon.svg", page_icon, 0, NULL, ROUTE_PUBLIC, page) \
    X(HTTP_GET, "/wallet.html", page_wallets, 0, NULL, ROUTE_PUBLIC, page) \
    X(HTTP_GET, "/wallets.json", page_wallet_list, 0, NULL, ROUTE_PUBLIC, page) \
    X(HTTP_GET, "/docs", book_folder, 0, NULL, ROUTE_PUBLIC, page) \
    X(HTTP_GET, BOOK_PATH, book_index, 0, NULL, ROUTE_PUBLIC, page) \
    X(HTTP_GET, BOOK_PATH "{file}", book_file, 0, NULL, ROUTE_PUBLIC, page) \
    X(HTTP_GET, "/llms.txt", book_for_programs, 0, NULL, ROUTE_PUBLIC, page) \
    X(HTTP_GET, "/llms-full.txt", book_for_programs_full, 0, NULL, ROUTE_PUBLIC, page) \
    X(HTTP_GET, "/health", health, 0, NULL, ROUTE_FREE, health) \
    X(HTTP_GET, "/healthz", healthz, 0, NULL, ROUTE_FREE, healthz) \
    X(HTTP_GET, "/readyz", probe_readyz, 0, NULL, ROUTE_FREE, readyz) \
    X(HTTP_GET, "/metrics", metrics, 0, NULL, ROUTE_PUBLIC, metrics)
// clang-format on
static const struct http_route routes[] = {
#define X(method, path, handler, max_body, stream, tag, about) {method, path, handler, max_body, stream, tag},
    ROUTES(X)
#undef X
};
static const struct api_about *const abouts[] = {
#define X(method, path, handler, max_body, stream, tag, about) &about_##about,
    ROUTES(X)
#undef X
};

// One that was not seen before may be made up: how often one address may have the database asked for such is limited,
// too, and beyond that they count as none.
static bool may_show(struct coordinator *c, struct tokens *kind, const char *token, const char *asker) {
    uint64_t retry_s;
    struct err e;
    return tokens_seen(kind, token) || askers_take(&c->token_askers, asker, clock_mono_ms(), &retry_s, &e);
}

// A key that is not good is told, so that nobody who was revoked wonders; one of which the database does not say
// whether it is good counts as none.
static bool may_hold(struct coordinator *c, struct http_request *r, const char *key, const char *asker,
                     struct token *known, struct err *e) {
    if (!account_key_is_one(key)) {
        err_set(e, ERR_UNAUTHORIZED, "X-API-Key is not an API key");
        return err_hint(e, "one has " ACCOUNT_KEY_PREFIX " and 64 hexadecimal digits; POST /public/api-keys makes it");
    }
    if (!may_show(c, c->keys, key, asker))
        return true;
    if (!tokens_check(c->keys, key, known, e))
        return e->code == ERR_UNAVAILABLE;
    http_set_user(r, known);
    return true;
}

// Whoever has a token is not limited, and waits for no stranger.
static bool may_look(struct coordinator *c, struct http_request *r, const char *token, struct token *known,
                     struct err *e) {
    struct err unknown;
    char asker[CLIENT_MAX];
    coordinator_client(c, r, asker);
    if (token && may_show(c, c->tokens, token, asker) && tokens_check(c->tokens, token, known, &unknown)) {
        http_set_user(r, known);
        return true;
    }
    const char *key = http_header(r, "X-API-Key");
    if (key && key[0] && !may_hold(c, r, key, asker, known, e))
        return false;
    if (known->account_id[0])
        return !c->key_holders || (coordinator_may_ask(r, c->key_holders, known->account_id, e) &&
                                   coordinator_may_come(r, &c->key_askers, asker, e));
    return coordinator_may_come(r, &c->public_askers, asker, e);
}

static bool may_use(struct http_request *r, struct coordinator *c, const struct http_route *route, struct err *e) {
    const char *token = http_bearer(r);
    struct token *known = arena_calloc(http_arena(r), 1, sizeof *known);
    if (route->tag == ROUTE_FREE)
        return true;
    if (route->tag == ROUTE_PUBLIC)
        return may_look(c, r, token, known, e);
    if (!c->require_auth)
        return true;
    if (!token) {
        err_set(e, ERR_UNAUTHORIZED, "this needs a token");
        return err_hint(e, "send `Authorization: Bearer TOKEN`; `outlayer token create NAME` makes one");
    }
    if (!tokens_check(c->tokens, token, known, e))
        return false;
    http_set_user(r, known);
    if (known->scopes & (unsigned)route->tag)
        return true;
    err_set(e, ERR_FORBIDDEN, "the token '%s' is for %s; this wants one for %s", known->name,
            token_scopes_text(http_arena(r), known->scopes), token_scopes_text(http_arena(r), (unsigned)route->tag));
    return err_hint(e, "`outlayer token create NAME --scope …` makes one");
}

// Whoever may not ask is not told what would be wrong with the question.
static bool authorise(struct http_request *r, void *ctx, const struct http_route *route, struct err *e) {
    return may_use(r, ctx, route, e) && api_check(r, abouts[route - routes], e);
}

static bool check_body(struct http_request *r, void *ctx, const struct http_route *route, struct err *e) {
    (void)ctx;
    return api_check_body(r, abouts[route - routes], e);
}

json_t *coordinator_document(struct arena *a) {
    struct api_route described[ARRAY_LEN(routes)];
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(routes); i++)
        if (!abouts[i]->page)
            described[n++] = (struct api_route){
                &routes[i], abouts[i], routes[i].tag > 0 ? token_scopes_text(a, (unsigned)routes[i].tag) : NULL,
                routes[i].tag == ROUTE_PUBLIC};
    return api_document(described, n);
}

static void openapi(struct http_request *r, void *ctx) {
    (void)ctx;
    http_reply_json(r, 200, coordinator_document(http_arena(r)));
}

bool coordinator_has_token(const struct http_request *r) { return http_user(r) && !coordinator_account(r); }

const char *coordinator_account(const struct http_request *r) {
    const struct token *t = http_user(r);
    return t && t->account_id[0] ? t->account_id : NULL;
}

const char *coordinator_token_name(const struct http_request *r) {
    const struct token *t = http_user(r);
    return t ? t->name : "";
}

bool coordinator_worker_id(const struct http_request *r, const char **id, struct err *e) {
    const struct token *t = http_user(r);
    if (!t || !t->worker_id[0])
        return true;
    if (!*id)
        *id = t->worker_id;
    if (strcmp(*id, t->worker_id) == 0)
        return true;
    err_set(e, ERR_FORBIDDEN, "the token '%s' is that of worker '%s', not of '%.128s'", t->name, t->worker_id, *id);
    return err_hint(e, "every worker has a token of its own; the one that it may call itself is its WORKER_ID");
}

bool coordinator_route_name(size_t route, char out[static TALLY_NAME_MAX + 1]) {
    if (route >= ARRAY_LEN(routes))
        return false;
    snprintf(out, TALLY_NAME_MAX + 1, "%s %s", http_method_name(routes[route].method), routes[route].path);
    return true;
}

static void count_answer(void *ctx, const struct http_route *route, int status, uint64_t us, const char *why) {
    _Static_assert(ARRAY_LEN(routes) <= COORDINATOR_ROUTES_MAX, "each route has a histogram");
    coordinator_count_answer(ctx, route ? (size_t)(route - routes) : COORDINATOR_ROUTES_MAX, status, us, why);
    log_debug("%s: status %d after %" PRIu64 " us", route ? route->path : "no route", status, us);
}

void coordinator_client(const struct coordinator *c, struct http_request *r, char out[static CLIENT_MAX]) {
    client_name(&c->askers, http_peer(r), http_header_list(r, "X-Forwarded-For"), out);
}

static bool refuse_for(struct http_request *r, uint64_t seconds) {
    http_add_header(r, "Retry-After", arena_printf(http_arena(r), "%" PRIu64, seconds));
    return false;
}

bool coordinator_may_ask(struct http_request *r, struct limiter *l, const char *name, struct err *e) {
    uint64_t retry_s = 1;
    return limiter_take(l, name, clock_mono_ms(), &retry_s, e) || refuse_for(r, retry_s);
}

bool coordinator_may_come(struct http_request *r, struct askers *a, const char *name, struct err *e) {
    uint64_t retry_s = 1;
    return askers_take(a, name, clock_mono_ms(), &retry_s, e) || refuse_for(r, retry_s);
}

bool coordinator_serve(struct http_server **out, struct coordinator *c, const struct coordinator_door *door,
                       struct err *e) {
    struct http_server_config config = {.host = door->host,
                                        .port = door->port,
                                        .routes = routes,
                                        .route_count = ARRAY_LEN(routes),
                                        .ctx = c,
                                        .before = authorise,
                                        .whole = check_body,
                                        .after = count_answer,
                                        .cors_origins = door->cors_origins,
                                        .limits = door->limits};
    config.limits.proxies = &c->askers;
    if (!http_server_start(out, &config, e))
        return false;
    struct connections_counts n;
    http_server_count(*out, &n);
    changes_leave_room(c->changes, n.max);
    return true;
}
