// SPDX-License-Identifier: Apache-2.0
// outlayer-keystore: keeps the master secret and opens sealed secrets for the workers that may use them.
#include "base/file.h"
#include "base/log.h"
#include "base/settings.h"
#include "codec/json.h"
#include "http/listen.h"
#include "http/status.h"
#include "keystore/guard.h"
#include "keystore/keystore.h"
#include <signal.h>
#include <unistd.h>

#define NAME "outlayer-keystore"
#define THREADS 8
#define OWNERS_THREADS 4
#define AUDITS_THREADS 2      // each reads up to AUDIT_LOOKED_BYTES at a time
#define CONDITIONS_THREADS 32 // each mostly waits for the chain
#define QUEUE_MAX 256
#define PROBES_MAX 16
#define NO_FD 65535

struct settings {
    const char *network, *host, *home, *near_rpc_url, *contract_id, *token_hashes, *tee_mode, *worker_listen,
        *trusted_proxies, *log_level, *log_format, *status_listen;
    uint64_t port, master_fd, audit_mb, audit_days;
    struct http_limits limits;
};
static const struct setting table[] = {
    SET_TEXT(struct settings, network, "OUTLAYER_NETWORK", "devnet", "devnet, testnet or mainnet"),
    SET_TEXT(struct settings, host, "SERVER_HOST", "127.0.0.1",
             "address to listen on; reach it through nothing but "
             "the coordinator"),
    SET_U64(struct settings, port, "SERVER_PORT", "8081", 0, 65535, "port; 0 takes a free one"),
    SET_TEXT(struct settings, worker_listen, "WORKER_LISTEN", "off",
             "HOST:PORT of a second listener with threads and connections of its own, for workers alone; off: they use "
             "SERVER_PORT"),
    SET_TEXT(struct settings, trusted_proxies, "TRUSTED_PROXIES", NULL,
             "addresses, comma list, that speak for many: their connections are not limited by address"),
    HTTP_LIMIT_ROWS(struct settings, limits),
    SET_TEXT(struct settings, home, "OUTLAYER_HOME", NULL, "folder for its state (~/.outlayer/<network>)"),
    SET_NEEDED(struct settings, near_rpc_url, "NEAR_RPC_URL", "RPC of the chain"),
    SET_NEEDED(struct settings, contract_id, "OFFCHAINVM_CONTRACT_ID", "the OutLayer contract"),
    SET_TEXT(struct settings, token_hashes, "ALLOWED_WORKER_TOKEN_HASHES", NULL,
             "comma list of SHA-256 (hex) of the tokens that may ask for keys: the coordinators'"),
    SET_TEXT(struct settings, tee_mode, "TEE_MODE", "none", "none: this build knows no other"),
    SET_U64(struct settings, master_fd, "MASTER_SECRET_FD", "65535", 3, NO_FD,
            "descriptor to read the master secret from instead of HOME/master.key (65535: none)"),
    SET_U64(struct settings, audit_mb, "AUDIT_MAX_SIZE_MB", "4096", 32, 1 << 24,
            "the audit log; over this its oldest files go"),
    SET_U64(struct settings, audit_days, "AUDIT_MAX_AGE_DAYS", "400", 1, 36500,
            "how long the audit log's lines are kept, where its size allows"),
    STATUS_SETTING(struct settings, status_listen, "127.0.0.1:9081"),
    LOG_SETTINGS(struct settings, log_level, log_format),
};

struct daemon {
    struct arena *arena;
    struct settings set;
    const char *home;
    int lock;
    struct http_server *server, *for_workers;
    struct client_rules proxies;
    struct status *status;
    atomic_bool abandon;
    struct keystore k;
};

static bool read_tokens(struct keystore *k, const char *list, struct err *e) {
    for (const char *p = list ? list : ""; *p;) {
        size_t n = strcspn(p, ",");
        if (k->token_count == KEYSTORE_TOKENS_MAX)
            return err_set(e, ERR_SETTINGS, "ALLOWED_WORKER_TOKEN_HASHES has more than %d entries",
                           KEYSTORE_TOKENS_MAX);
        if (!hash_from_hex(&k->tokens[k->token_count++], slice_of(p, n), e))
            return err_wrap(e, "ALLOWED_WORKER_TOKEN_HASHES");
        p += n + (p[n] == ',');
    }
    if (!k->token_count)
        log_warn("ALLOWED_WORKER_TOKEN_HASHES is empty: nobody can ask this keystore for a key");
    return true;
}

static bool read_settings(struct daemon *d, const struct daemon_args *args, struct err *e) {
    struct settings *s = &d->set;
    if (!settings_load(s, sizeof *s, d->arena, table, ARRAY_LEN(table), args->config, e) ||
        !log_init(NAME, s->log_level, s->log_format, e) || !settings_home(s->home, s->network, d->arena, &d->home, e))
        return false;
    return strcmp(s->tee_mode, "none") == 0 ||
           err_set(e, ERR_SETTINGS, "TEE_MODE is '%s'; this keystore knows 'none'", s->tee_mode);
}

// In its home, as its user.
static bool open_state(struct daemon *d, struct err *e) {
    const struct settings *s = &d->set;
    const struct audit_keep keep = {s->audit_mb << 20, s->audit_days * 86400000};
    d->k.network = s->network;
    d->k.home = ".";
    d->k.contract = d->k.sight.contract = s->contract_id;
    d->k.sight.rests = strcmp(s->network, "devnet") == 0;
    d->k.sessions = sessions_new();
    tally_init(&d->k.reasons);
    if (!file_lock("./keystore.lock", NAME, &d->lock, e) ||
        !master_open(&d->k.master, ".", s->master_fd == NO_FD ? -1 : (int)s->master_fd, e) ||
        !audit_open(&d->k.audit, ".", &keep, e))
        return err_wrap(e, "home %s", d->home);
    return read_tokens(&d->k, s->token_hashes, e) && rpc_new(&d->k.sight.rpc, s->near_rpc_url, e);
}

static bool is_ready(void *ctx, struct arena *a, struct err *e) { return keystore_ready(ctx, a, e); }
static void show_figures(void *ctx, struct buf *out) { keystore_figures(ctx, out); }

static bool serve_operator(struct daemon *d, struct err *e) {
    const struct status_settings s = {.listen = d->set.status_listen,
                                      .daemon = NAME,
                                      .ready = is_ready,
                                      .figures = show_figures,
                                      .ctx = &d->k,
                                      .doors = {{"public", d->server}, {"workers", d->for_workers}}};
    return status_start(&d->status, &s, e);
}

static bool serve_workers(struct daemon *d, struct err *e) {
    struct listen_place at;
    if (strcmp(d->set.worker_listen, "off") == 0)
        return true;
    if (!listen_parse(&at, "WORKER_LISTEN", d->set.worker_listen, e))
        return false;
    if (!keystore_serve(&d->for_workers, &d->k, at.host, at.port, &d->set.limits, e))
        return err_wrap(e, "WORKER_LISTEN");
    log_info("workers use port %u", http_server_port(d->for_workers));
    return true;
}

static bool listen_all(struct daemon *d, struct err *e) {
    struct settings *s = &d->set;
    if (!client_rules_parse(&d->proxies, s->trusted_proxies, e))
        return false;
    s->limits.proxies = &d->proxies;
    return serve_workers(d, e) && keystore_serve(&d->server, &d->k, s->host, (uint16_t)s->port, &s->limits, e);
}

static bool serve(struct daemon *d, const struct daemon_args *args, struct err *e) {
    rpc_set_cancel(d->k.sight.rpc, &d->abandon);
    d->k.deferred = deferred_new(THREADS, QUEUE_MAX);
    d->k.for_owners = deferred_new(OWNERS_THREADS, QUEUE_MAX);
    d->k.audits = deferred_new(AUDITS_THREADS, QUEUE_MAX);
    d->k.conditions = deferred_new(CONDITIONS_THREADS, QUEUE_MAX);
    d->k.probes = deferred_new(1, PROBES_MAX);
    if (!listen_all(d, e) || !serve_operator(d, e))
        return false;
    struct public_key identity = master_identity(d->k.master);
    const char *key = public_key_text(d->arena, &identity);
    unsigned port = http_server_port(d->server);
    unsigned status = status_port(d->status), worker_port = d->for_workers ? http_server_port(d->for_workers) : port;
    log_info("serving on http://%s:%u, identity %s, generation %u", d->set.host, port, key,
             master_generation(d->k.master));
    daemon_ready(args, arena_printf(d->arena, "{\"port\":%u,\"worker_port\":%u,\"identity\":\"%s\",\"status_port\":%u}",
                                    port, worker_port, key, status));
    return true;
}

// Whether there is a new generation is one thing, whether all of it could be written down another: the log says both.
static void rotate(struct daemon *d) {
    struct err e, unwritten;
    uint32_t before = master_generation(d->k.master);
    bool ok = master_rotate(d->k.master, &e);
    uint32_t now = master_generation(d->k.master);
    const struct audit_entry entry = {
        .what = "rotate", .verdict = now != before ? "allowed" : "failed", .why = ok ? NULL : e.msg};
    if (now == before)
        log_err(LOG_ERROR, "no new generation", &e);
    else
        log_info("generation %u: secrets are sealed with it from now on", now);
    if (now != before && !ok)
        log_err(LOG_ERROR, "the new generation is in force; keystore.json, which the next start mends, lacks it", &e);
    if (!audit_write(d->k.audit, &entry, &unwritten))
        log_err(LOG_ERROR, "a rotation is not in the audit log", &unwritten);
}

static void close_all(struct daemon *d) {
    atomic_store(&d->abandon, true); // what waits for the chain waits no longer
    status_stop(d->status);
    struct deferred *const pools[] = {d->k.deferred, d->k.for_owners, d->k.audits, d->k.conditions, d->k.probes};
    for (size_t i = 0; i < ARRAY_LEN(pools); i++)
        deferred_stop(pools[i]);
    http_server_stop(d->server);
    http_server_stop(d->for_workers);
    for (size_t i = 0; i < ARRAY_LEN(pools); i++)
        deferred_free(pools[i]);
    rpc_free(d->k.sight.rpc);
    audit_close(d->k.audit);
    sessions_free(d->k.sessions);
    master_free(d->k.master);
    if (d->lock >= 0)
        close(d->lock);
    arena_free_wiped(d->arena); // settings, which may hold what came from a file of secrets
}

// SIGUSR1 makes a new generation of the master secret.
static void run(struct daemon *d, const sigset_t *signals) {
    for (int got = 0; sigwait(signals, &got) == 0 && got == SIGUSR1;)
        rotate(d);
}

int main(int argc, char **argv) {
    struct daemon_args args;
    struct err e;
    int status;
    if (!daemon_args_parse(&args, argc, argv, NAME,
                           "keeps the master secret; opens secrets for workers that may use them", table,
                           ARRAY_LEN(table), &status))
        return status;
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); // before any thread: all of them inherit it
    signal(SIGPIPE, SIG_IGN);
    json_wipe_memory();
    struct daemon d = {.arena = arena_new(), .lock = -1};
    bool ok = guard_early(&e) && read_settings(&d, &args, &e);
    if (ok)
        guard_memory();
    ok = ok && guard_user(d.home, &e) && open_state(&d, &e) && guard_rest(&e) && serve(&d, &args, &e);
    if (ok)
        run(&d, &signals);
    else
        log_err(LOG_ERROR, "cannot start", &e);
    close_all(&d);
    return ok ? 0 : 1;
}
