// SPDX-License-Identifier: Apache-2.0
// outlayer-coordinator: the one place where executions, builds and modules are shared.
#include "base/ends.h"
#include "base/file.h"
#include "base/log.h"
#include "base/settings.h"
#include "coordinator/routes.h"
#include "http/listen.h"
#include "http/status.h"
#include <unistd.h>

#define NAME "outlayer-coordinator"

struct settings {
    const char *network, *host, *home, *database_url, *redis_url, *near_rpc_url, *contract_id, *keystore_url,
        *keystore_worker_url, *keystore_token, *trusted_proxies, *repo_map, *egress_allow, *cors, *worker_listen,
        *log_level, *log_format, *status_listen, *admin_token, *modules, *dashboard, *docs, *public_url;
    uint64_t port, worker_connections, wasm_gb, serve_seconds, drain_s, executions_days, executions_max,
        build_records_max, public_per_minute, key_per_minute, db_pool_size, db_timeout_s;
    const char *register_contract, *examples, *tee_mode, *public_rpc, *explorer_transaction, *explorer_account, *faucet;
    bool require_auth, branch_lookups;
    struct http_limits limits;
};
static const struct setting table[] = {
    SET_TEXT(struct settings, network, "OUTLAYER_NETWORK", "devnet", "devnet, testnet or mainnet"),
    SET_TEXT(struct settings, host, "HOST", "127.0.0.1", "address to listen on"),
    SET_U64(struct settings, port, "PORT", "8080", 0, 65535, "port; 0 takes a free one"),
    SET_TEXT(
        struct settings, worker_listen, "WORKER_LISTEN", "off",
        "HOST:PORT of a second listener with threads and connections of its own, for workers alone: no flood on PORT "
        "keeps their leases from being confirmed; off: they use PORT"),
    SET_U64(struct settings, worker_connections, "WORKER_CONNECTIONS_MAX", "8192", 64, 1000000,
            "connections at a time of WORKER_LISTEN, from any address; each waiting worker has one"),
    HTTP_LIMIT_ROWS(struct settings, limits),
    SET_TEXT(struct settings, home, "OUTLAYER_HOME", NULL, "folder for its state (~/.outlayer/<network>)"),
    SET_SECRET(struct settings, database_url, "DATABASE_URL",
               "sqlite:///PATH, or postgres://USER:PASSWORD@HOST/NAME (coordinator.db in the home)"),
    SET_SECRET(struct settings, redis_url, "REDIS_URL",
               "redis://[[USER]:PASSWORD@]HOST[:PORT][/NUMBER]: by it the coordinators of a database of PostgreSQL "
               "wake each other and count together; none: each looks twice a second, and has its part of limits"),
    SET_U64(
        struct settings, db_pool_size, "DB_POOL_SIZE", "8", 2, READERS_MAX,
        "connections to the database for what is only read, half of them for whoever has a token; beside ten others"),
    SET_U64(struct settings, db_timeout_s, "DB_TIMEOUT_SECONDS", "15", 1, 600,
            "how long PostgreSQL may take for an answer: then whoever waits for it is told 503"),
    SET_TEXT(
        struct settings, near_rpc_url, "NEAR_RPC_URL", NULL,
        "RPC of the chain, to decide what workers disagree on, for /public/pricing, and for API keys; needed but on a "
        "devnet"),
    SET_TEXT(struct settings, contract_id, "OFFCHAINVM_CONTRACT_ID", NULL,
             "the OutLayer contract of workers that name none"),
    SET_TEXT(struct settings, keystore_url, "KEYSTORE_BASE_URL", NULL, "the keystore; none: secrets are not offered"),
    SET_TEXT(struct settings, keystore_worker_url, "KEYSTORE_WORKER_URL", NULL,
             "the keystore's WORKER_LISTEN, for what workers ask it (KEYSTORE_BASE_URL)"),
    SET_SECRET(struct settings, keystore_token, "KEYSTORE_AUTH_TOKEN", "by which the keystore knows this coordinator"),
    SET_TEXT(
        struct settings, trusted_proxies, "TRUSTED_PROXIES", NULL,
        "addresses, comma list, whose X-Forwarded-For says who asks; their connections are not limited by address"),
    SET_TEXT(struct settings, repo_map, "REPO_MAP", NULL,
             "host/owner/name=DIR,…: local repositories, to find branches"),
    SET_TEXT(
        struct settings, egress_allow, "EGRESS_ALLOW", NULL,
        "name:port, 10.0.0.0/8:port or [fd00::]/8:port, …: what finding branches may reach beside public addresses"),
    SET_TEXT(
        struct settings, modules, "WASM_CACHE_DIR", NULL,
        "folder of modules and lock files, one for all coordinators of a database (wasm and cargo-locks in the home)"),
    SET_U64(struct settings, wasm_gb, "WASM_CACHE_MAX_SIZE_GB", "10", 1, 100000,
            "modules that are kept; the least recently used go first"),
    SET_U64(struct settings, serve_seconds, "EXECUTION_EXPIRES_SECONDS", "600", 1, 86400,
            "an execution that no worker took for so long has expired"),
    SET_U64(struct settings, executions_days, "EXECUTIONS_MAX_AGE_DAYS", "90", 1, 36500,
            "how long executions are kept after their end, with their inputs and reports"),
    SET_U64(struct settings, executions_max, "EXECUTIONS_MAX_COUNT", "1000000", 1000, 1000000000,
            "executions that are kept after their end; the oldest go first"),
    SET_U64(struct settings, build_records_max, "BUILD_RECORDS_MAX_COUNT", "100000", 1000, 1000000000,
            "records of builds that are kept; the oldest go first"),
    SET_U64(struct settings, public_per_minute, "PUBLIC_PER_MINUTE", "6000", 0, 10000000,
            "questions of one address a minute, a sixth of them at once, on routes that need no token; 0: any number"),
    SET_U64(struct settings, key_per_minute, "API_KEY_PER_MINUTE", "60000", 0, 10000000,
            "the same of an account that shows an API key (X-API-Key), wherever it asks from; 0: any number"),
    SET_TEXT(
        struct settings, public_url, "PUBLIC_URL", NULL,
        "comma list of origins (https://name[:port]) as which accounts know this coordinator when they sign for API "
        "keys; none: as any address of its own machine"),
    SET_TEXT(struct settings, dashboard, "DASHBOARD_DIR", NULL,
             "folder of the dashboard's files (`make dashboard`), which are read once; none: no dashboard is served"),
    SET_TEXT(struct settings, docs, "DOCS_DIR", NULL,
             "folder of the book's files (`make book`), which are read once; none: no book is served"),
    SET_TEXT(struct settings, examples, "EXAMPLES_FILE", NULL,
             "file of JSON with the examples with which the playground begins; none: it has none"),
    SET_TEXT(struct settings, public_rpc, "PUBLIC_NEAR_RPC_URL", NULL,
             "comma list: RPC of the chain that pages may use, shown to everybody; none with a key in it"),
    SET_TEXT(struct settings, explorer_transaction, "EXPLORER_TRANSACTION_URL", NULL,
             "where pages show a transaction; {hash} stands for it"),
    SET_TEXT(struct settings, explorer_account, "EXPLORER_ACCOUNT_URL", NULL,
             "where pages show an account; {account} stands for it"),
    SET_TEXT(struct settings, faucet, "FAUCET_URL", NULL, "of a devnet: where pages have accounts made"),
    SET_TEXT(struct settings, register_contract, "REGISTER_CONTRACT_ID", NULL,
             "the contract that registers keys of TEE workers, for pages"),
    SET_TEXT(struct settings, tee_mode, "TEE_MODE", "none",
             "what workers prove here, for pages: none, simulated or tdx"),
    SET_BOOL(struct settings, branch_lookups, "BRANCH_LOOKUPS", "true",
             "whether /github/resolve-branch asks repositories"),
    SET_BOOL(struct settings, require_auth, "REQUIRE_AUTH", "true", "all but the public routes want a token"),
    SET_TEXT(struct settings, cors, "CORS_ALLOWED_ORIGINS", "*", "comma list of origins, or *"),
    STATUS_SETTING(struct settings, status_listen, "127.0.0.1:9080"),
    ADMIN_TOKEN_SETTING(struct settings, admin_token),
    SET_U64(struct settings, drain_s, "DRAIN_SECONDS", "10", 0, 86400,
            "after SIGTERM: how long it waits for leases to end; those that are left last over a restart"),
    LOG_SETTINGS(struct settings, log_level, log_format),
};

struct daemon {
    struct arena *arena;
    struct settings set;
    int lock;
    struct status *status;
    struct http_server *server, *for_workers;
    struct coordinator *c;
};

// A key in an address that everybody is shown is everybody's, and a faucet elsewhere would be asked for nothing.
static bool check_shown(const struct settings *s, struct err *e) {
    static const char *const modes[] = {"none", "simulated", "tdx"};
    bool known = false;
    for (size_t i = 0; i < ARRAY_LEN(modes); i++)
        known |= strcmp(s->tee_mode, modes[i]) == 0;
    if (!known)
        return err_set(e, ERR_SETTINGS, "TEE_MODE is '%.40s'; pages are told none, simulated or tdx", s->tee_mode);
    if (s->faucet && strcmp(s->network, "devnet") != 0)
        return err_set(e, ERR_SETTINGS, "FAUCET_URL is for a devnet, and OUTLAYER_NETWORK is '%.40s'", s->network);
    if (!s->public_rpc || !strpbrk(s->public_rpc, "@?#"))
        return true;
    err_set(e, ERR_SETTINGS, "PUBLIC_NEAR_RPC_URL has a user, a password or a key in it, and is shown to everybody");
    return err_hint(e, "name addresses that anybody may use; NEAR_RPC_URL is the coordinator's own");
}

// Of two words about a request it could believe neither, and whoever has a token could keep it from being served.
static bool check_chain(const struct settings *s, struct err *e) {
    if (s->near_rpc_url || strcmp(s->network, "devnet") == 0)
        return true;
    err_set(e, ERR_SETTINGS, "NEAR_RPC_URL is not set, and OUTLAYER_NETWORK is '%.40s'", s->network);
    return err_hint(e, "name a server of that network: it decides where what two tokens say of a request differs");
}

static bool open_state(struct daemon *d, const struct daemon_args *args, struct err *e) {
    struct settings *s = &d->set;
    const char *home;
    if (!settings_load(s, sizeof *s, d->arena, table, ARRAY_LEN(table), args->config, e) ||
        !log_init(NAME, s->log_level, s->log_format, e) || !check_shown(s, e) || !check_chain(s, e) ||
        !settings_home(s->home, s->network, d->arena, &home, e) ||
        !file_lock(arena_printf(d->arena, "%s/coordinator.lock", home), NAME, &d->lock, e))
        return false;
    const struct coordinator_config config = {.home = home,
                                              .modules = s->modules,
                                              .database_url = s->database_url,
                                              .database_ms = s->db_timeout_s * 1000,
                                              .redis_url = s->redis_url,
                                              .network = s->network,
                                              .near_rpc_url = s->near_rpc_url,
                                              .contract_id = s->contract_id,
                                              .keystore = {s->keystore_url, s->keystore_worker_url, s->keystore_token},
                                              .trusted_proxies = s->trusted_proxies,
                                              .repo_map = s->repo_map,
                                              .egress_allow = s->egress_allow,
                                              .dashboard = s->dashboard,
                                              .docs = s->docs,
                                              .require_auth = s->require_auth,
                                              .branch_lookups = s->branch_lookups,
                                              .public_url = s->public_url,
                                              .public_per_minute = (unsigned)s->public_per_minute,
                                              .key_per_minute = (unsigned)s->key_per_minute,
                                              .readers = (unsigned)s->db_pool_size,
                                              .wasm_max_bytes = s->wasm_gb << 30,
                                              .serve_ms = s->serve_seconds * 1000,
                                              .examples = s->examples,
                                              .shown = {.rpc_urls = s->public_rpc,
                                                        .explorer_transaction = s->explorer_transaction,
                                                        .explorer_account = s->explorer_account,
                                                        .faucet_url = s->faucet,
                                                        .register_contract_id = s->register_contract,
                                                        .tee_mode = s->tee_mode},
                                              .limits = {.executions_age_ms = s->executions_days * 86400000,
                                                         .executions = s->executions_max,
                                                         .build_records = s->build_records_max,
                                                         .minutes_age_ms = ROLL_MINUTES_MS + 86400000}};
    return coordinator_open(&d->c, &config, e);
}

// Workers have tokens, and a fleet may stand behind one address: only all of them together are limited.
static bool serve_workers(struct daemon *d, struct err *e) {
    struct listen_place at;
    struct coordinator_door door = {.cors_origins = d->set.cors, .limits = d->set.limits};
    if (strcmp(d->set.worker_listen, "off") == 0)
        return true;
    if (!listen_parse(&at, "WORKER_LISTEN", d->set.worker_listen, e))
        return false;
    door.host = at.host;
    door.port = at.port;
    door.limits.connections = door.limits.connections_per_address = d->set.worker_connections;
    if (!coordinator_serve(&d->for_workers, d->c, &door, e))
        return err_wrap(e, "WORKER_LISTEN");
    log_info("workers use port %u", http_server_port(d->for_workers));
    return true;
}

static bool is_ready(void *ctx, struct arena *a, struct err *e) {
    (void)a;
    return coordinator_ready(ctx, e);
}

static void show_figures(void *ctx, struct buf *out) { coordinator_figures(ctx, out); }

static bool serve_operator(struct daemon *d, struct err *e) {
    static const struct http_route admin[] = {
        {HTTP_POST, "/admin/drain", status_ask_drain, 0, NULL, 0},
        {HTTP_POST, "/admin/requeue", admin_requeue, SMALL_BODY_MAX, NULL, 0},
        {HTTP_POST, "/admin/cancel", admin_cancel, SMALL_BODY_MAX, NULL, 0},
        {HTTP_GET, "/admin/logs/{contract_id}/{request_id}", admin_logs, 0, NULL, 0},
        {HTTP_POST, "/admin/bench", admin_bench, SMALL_BODY_MAX, NULL, 0},
        {HTTP_GET, "/admin/bench", admin_list_bench, 0, NULL, 0},
        {HTTP_DELETE, "/admin/bench/{worker_id}", admin_unbench, 0, NULL, 0},
    };
    const struct status_settings s = {.listen = d->set.status_listen,
                                      .daemon = NAME,
                                      .ready = is_ready,
                                      .figures = show_figures,
                                      .ctx = d->c,
                                      .doors = {{"public", d->server}, {"workers", d->for_workers}},
                                      .admin_token = d->set.admin_token,
                                      .admin = admin,
                                      .admin_count = ARRAY_LEN(admin)};
    return status_start(&d->status, &s, e);
}

static bool serve(struct daemon *d, const struct daemon_args *args, struct err *e) {
    const struct settings *s = &d->set;
    struct coordinator_door door = {s->host, (uint16_t)s->port, s->cors, s->limits};
    if (!serve_workers(d, e) || !coordinator_serve(&d->server, d->c, &door, e) || !serve_operator(d, e))
        return false;
    if (!s->require_auth)
        log_warn("REQUIRE_AUTH is false: anybody who reaches this port may take and report executions");
    unsigned port = http_server_port(d->server), worker_port = d->for_workers ? http_server_port(d->for_workers) : port;
    log_info("serving on http://%s:%u", s->host, port);
    daemon_ready(args, arena_printf(d->arena, "{\"port\":%u,\"worker_port\":%u,\"status_port\":%u}", port, worker_port,
                                    status_port(d->status)));
    return true;
}

static void drain(void *ctx) {
    struct daemon *d = ctx;
    coordinator_drain(d->c, d->set.drain_s * 1000);
}

static void hurry(void *ctx) {
    struct daemon *d = ctx;
    coordinator_hurry(d->c);
}

static void close_all(struct daemon *d) {
    status_drain(d->status);
    if (d->server)
        ends_during(drain, hurry, d);
    status_stop(d->status);
    coordinator_stop(d->c);
    http_server_stop(d->server);
    http_server_stop(d->for_workers);
    coordinator_free(d->c);
    if (d->lock >= 0)
        close(d->lock);
    arena_free(d->arena);
}

int main(int argc, char **argv) {
    struct daemon_args args;
    struct err e;
    int status, got = 0;
    if (!daemon_args_parse(&args, argc, argv, NAME, "hands executions to workers and keeps what they share", table,
                           ARRAY_LEN(table), &status))
        return status;
    sigset_t ends;
    ends_block(&ends); // before any thread: all of them inherit it
    signal(SIGPIPE, SIG_IGN);
    struct daemon d = {.arena = arena_new(), .lock = -1};
    bool ok = open_state(&d, &args, &e) && serve(&d, &args, &e);
    if (ok)
        sigwait(&ends, &got);
    else
        log_err(LOG_ERROR, "cannot start", &e);
    close_all(&d);
    return ok ? 0 : 1;
}
