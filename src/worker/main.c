// SPDX-License-Identifier: Apache-2.0
// outlayer-worker: takes leases, builds, runs, answers on chain.
#include "base/clock.h"
#include "base/ends.h"
#include "base/file.h"
#include "base/log.h"
#include "base/settings.h"
#include "codec/json.h"
#include "egress/egress.h"
#include "executor/exec.h"
#include "http/status.h"
#include "protocol/resolvers.h"
#include "sandbox/confine.h"
#include "sandbox/sandbox.h"
#include "worker/janitor.h"
#include "worker/journal.h"
#include "worker/monitor.h"
#include "worker/worker.h"
#include <pthread.h>
#include <sys/resource.h>

#define NAME "outlayer-worker"
#define VERSION "1.0.0"
#define SLOTS_MAX 256

struct settings {
    const char *home, *network, *api_url, *api_token, *rpc_url, *neardata_url, *contract, *operator_id, *operator_key,
        *worker_id, *keystore_url, *repo_map, *egress_allow, *egress_ports, *egress_ca, *toolchains, *isolation,
        *log_level, *log_format, *status_listen, *admin_token;
    uint64_t start_height, slots, build_slots, poll_s, wasm_cache_mb, crates_mb, code_cache_mb, build_memory_mb,
        build_disk_mb, drain_s;
    bool monitor, builds, runs;
};
static const struct setting table[] = {
    SET_NEEDED(struct settings, api_url, "API_BASE_URL", "the coordinator's address"),
    SET_SECRET(struct settings, api_token, "API_AUTH_TOKEN", "this worker's token at the coordinator"),
    SET_TEXT(struct settings, keystore_url, "KEYSTORE_BASE_URL", NULL,
             "the keystore's address, for a worker in its private network (through the coordinator)"),
    SET_NEEDED(struct settings, rpc_url, "NEAR_RPC_URL", "NEAR RPC; several separated by commas"),
    SET_TEXT(struct settings, neardata_url, "NEARDATA_API_URL", NULL,
             "where finalised blocks are read (the monitor); several separated by commas"),
    SET_NEEDED(struct settings, contract, "OFFCHAINVM_CONTRACT_ID", "account of the OutLayer contract"),
    SET_NEEDED(struct settings, operator_id, "OPERATOR_ACCOUNT_ID", "account that answers requests"),
    SET_SECRET(struct settings, operator_key, "OPERATOR_PRIVATE_KEY", "its key, ed25519:…"),
    SET_TEXT(struct settings, worker_id, "WORKER_ID", NULL, "name of this worker (a random one)"),
    SET_TEXT(struct settings, home, "OUTLAYER_HOME", NULL, "folder for caches and the journal (~/.outlayer/<network>)"),
    SET_TEXT(struct settings, network, "OUTLAYER_NETWORK", "devnet", "devnet, testnet or mainnet"),
    SET_BOOL(struct settings, monitor, "ENABLE_EVENT_MONITOR", "false", "watch the chain and record new requests"),
    SET_U64(struct settings, start_height, "START_BLOCK_HEIGHT", "0", 0, UINT64_MAX,
            "where the monitor begins: without a cursor, or once after this was changed; 0: the latest block"),
    SET_U64(struct settings, slots, "MAX_CONCURRENT_RUNS", "0", 0, SLOTS_MAX, "executions at a time; 0: one per core"),
    SET_U64(struct settings, build_slots, "MAX_CONCURRENT_BUILDS", "0", 0, SLOTS_MAX,
            "builds, and compilations of modules, at a time; 0: as many as runs"),
    SET_U64(struct settings, poll_s, "POLL_TIMEOUT_SECONDS", "20", 1, 60, "how long one call waits for work"),
    SET_TEXT(struct settings, isolation, "ISOLATION", "full",
             "the least that strangers' code is kept apart: full, user or process; docs/operate.md"),
    SET_BOOL(struct settings, builds, "COMPILATION_ENABLED", "true", "build repositories here"),
    SET_BOOL(struct settings, runs, "EXECUTION_ENABLED", "true", "run modules here"),
    SET_TEXT(struct settings, toolchains, "TOOLCHAIN_DIR", NULL,
             "the system that guests are built in, as `make toolchains` makes it (../guest beside the program)"),
    SET_U64(struct settings, build_memory_mb, "COMPILE_MEMORY_LIMIT_MB", "0", 0, 1048576,
            "memory of one build; 0: 4096, or half of the machine's"),
    SET_U64(struct settings, build_disk_mb, "COMPILE_DISK_LIMIT_MB", "0", 0, 1048576,
            "files of one build, kept in memory; 0: 1024, or a quarter of the machine's memory"),
    SET_U64(struct settings, wasm_cache_mb, "WASM_CACHE_MAX_SIZE_MB", "1024", 1, 1048576, "modules kept on disk"),
    SET_U64(struct settings, crates_mb, "CRATES_CACHE_MAX_SIZE_MB", "1024", 1, 1048576,
            "downloads of Rust's registry kept on disk, by their hash"),
    SET_U64(struct settings, code_cache_mb, "CODE_CACHE_MAX_SIZE_MB", "2048", 1, 1048576,
            "precompiled modules kept on disk"),
    SET_TEXT(struct settings, repo_map, "REPO_MAP", NULL,
             "local repositories: host/owner/name=DIR or host=DIR, separated by commas"),
    SET_TEXT(
        struct settings, egress_allow, "EGRESS_ALLOW", NULL,
        "name:port, 10.0.0.0/8:port or [fd00::]/8:port, …: what guests and fetches may reach beside public addresses"),
    SET_TEXT(struct settings, egress_ports, "EGRESS_PORTS", "80,443,1024-65535", "ports that guests may reach"),
    SET_TEXT(struct settings, egress_ca, "EGRESS_CA_FILE", NULL,
             "certificates (PEM) that guests trust beside the built-in ones"),
    STATUS_SETTING(struct settings, status_listen, "127.0.0.1:9082"),
    ADMIN_TOKEN_SETTING(struct settings, admin_token),
    SET_U64(struct settings, drain_s, "DRAIN_SECONDS", "75", 0, 86400,
            "after SIGTERM: how long executions at work may take; what is left then, or at a second SIGTERM, goes back "
            "to the queue"),
    LOG_SETTINGS(struct settings, log_level, log_format),
};

struct daemon {
    struct arena *arena;
    struct settings set;
    const char *home;
    bool online; // this machine has a way to the Internet and a resolver
    int lock;
    struct account_id operator_id;
    struct secret_key key;
    struct egress *egress;
    struct builder *builder;
    struct status *status;
    struct monitor *monitor;
    struct janitor *janitor;
    bool may_cancel; // the key may call cancel_stale_execution
    struct worker worker;
};

static bool missing(struct err *e, const char *name) {
    err_set(e, ERR_SETTINGS, "%s is not set", name);
    return err_hint(e, "give it in the environment, or a file with it as %s_FILE", name);
}

static bool read_settings(struct daemon *d, const struct daemon_args *args, struct err *e) {
    struct settings *s = &d->set;
    if (!settings_load(s, sizeof *s, d->arena, table, ARRAY_LEN(table), args->config, e) ||
        !log_init(NAME, s->log_level, s->log_format, e))
        return false;
    if (!s->api_token || !s->operator_key)
        return missing(e, s->api_token ? "OPERATOR_PRIVATE_KEY" : "API_AUTH_TOKEN");
    if (s->monitor && !s->neardata_url) {
        err_set(e, ERR_SETTINGS, "ENABLE_EVENT_MONITOR needs NEARDATA_API_URL");
        return err_hint(e, "such as https://mainnet.neardata.xyz");
    }
    if (!s->builds && !s->runs) {
        err_set(e, ERR_SETTINGS, "COMPILATION_ENABLED and EXECUTION_ENABLED are both false: nothing is left to do");
        return err_hint(e, "set one of them to true; a worker that does neither is not needed");
    }
    if (!account_id_parse(&d->operator_id, slice_str(s->operator_id), e))
        return err_wrap(e, "OPERATOR_ACCOUNT_ID");
    if (!account_id_valid(slice_str(s->contract)))
        return err_set(e, ERR_SETTINGS, "OFFCHAINVM_CONTRACT_ID is not an account id");
    return secret_key_parse(&d->key, slice_str(s->operator_key), e) || err_wrap(e, "OPERATOR_PRIVATE_KEY");
}

static bool open_home(struct daemon *d, struct err *e) {
    struct settings *s = &d->set;
    if (!settings_home(s->home, s->network, d->arena, &d->home, e) ||
        !file_lock(arena_printf(d->arena, "%s/worker.lock", d->home), NAME, &d->lock, e))
        return false;
    if (!s->worker_id) {
        uint8_t id[8];
        random_bytes(id, sizeof id);
        uint64_t n;
        memcpy(&n, id, sizeof n);
        s->worker_id = arena_printf(d->arena, "worker-%016llx", (unsigned long long)n);
    }
    if (!s->slots)
        s->slots = (uint64_t)sysconf(_SC_NPROCESSORS_ONLN);
    if (s->slots > SLOTS_MAX)
        s->slots = SLOTS_MAX;
    if (!s->build_slots)
        s->build_slots = s->slots;
    return true;
}

// What cannot be contained is refused, unless a setting says that less will do.
static bool check_isolation(struct daemon *d, struct err *e) {
    const struct sandbox_offer *o = sandbox_probe(NULL);
    if (!sandbox_require(o, d->set.isolation, e))
        return false;
    if (o->degree == SANDBOX_FULL)
        log_info("isolation full: %s", o->text);
    else
        log_warn("isolation %s, as ISOLATION=%s allows: %s; missing: %s", sandbox_degree_name(o->degree),
                 d->set.isolation, o->text, o->missing);
    return true;
}

// How guests and fetches reach the world. What this machine itself lacks is said now: it would be found by the first
// who asks, and is never theirs to pay.
static bool open_egress(struct daemon *d, struct err *e) {
    const struct settings *s = &d->set;
    const struct egress_settings g = {.allow = s->egress_allow, .ports = s->egress_ports, .ca_file = s->egress_ca};
    struct egress_state state;
    if (!egress_new(&d->egress, &g, e) || !egress_state(d->egress, NULL, &state, e))
        return false;
    if (state.text[0])
        log_warn("%s; requests that need it go to other workers or are not charged", state.text);
    if (s->egress_allow)
        log_warn("guests may reach beside public addresses: %s", s->egress_allow);
    d->online = state.network && state.resolver;
    return true;
}

static bool open_builder(struct daemon *d, struct err *e) {
    struct settings *s = &d->set;
    const char *dir = s->toolchains;
    if (!dir)
        dir = arena_printf(d->arena, "%s/../guest", file_program_dir(d->arena));
    struct build_settings b = {.guest_dir = dir,
                               .repo_map = s->repo_map,
                               .crates_dir = arena_printf(d->arena, "%s/crates", d->home),
                               .crates_bytes = s->crates_mb << 20,
                               .egress = d->egress,
                               .disk_bytes = s->build_disk_mb << 20,
                               .memory_bytes = s->build_memory_mb << 20};
    if (!builder_new(&d->builder, &b, e))
        return false;
    const char *how;
    bool isolates = builder_can_isolate(d->builder, &how);
    if (!s->builds)
        log_info("builds are off (COMPILATION_ENABLED=false): only modules that others built are run");
    else if (isolates)
        log_info("builds are isolated: %s; toolchain %s", how, builder_toolchain(d->builder));
    else if (!s->runs) {
        err_set(e, ERR_SETTINGS, "this worker is to build only (EXECUTION_ENABLED=false), and cannot: %s", how);
        return err_hint(e, "mend that, or set EXECUTION_ENABLED to true");
    } else
        log_warn("builds are refused, only modules that others built are run: %s", how);
    d->worker.set.capabilities = arena_printf(
        d->arena, "%s%s%sisolation-%s", s->builds && isolates ? "compilation," : "", s->runs ? "execution," : "",
        d->online ? "network," : "", sandbox_degree_name(sandbox_probe(NULL)->degree));
    return true;
}

static bool open_modules(struct daemon *d, struct err *e) {
    struct modules_settings m = {.builder = d->builder,
                                 .api = d->worker.api,
                                 .chain = d->worker.chain,
                                 .key = &d->key,
                                 .dir = arena_printf(d->arena, "%s/modules", d->home),
                                 .max_bytes = d->set.wasm_cache_mb << 20,
                                 .may_build = d->set.builds,
                                 .for_others = !d->set.runs,
                                 .builds = (unsigned)d->set.build_slots};
    if (!modules_new(&d->worker.modules, &m, e))
        return false;
    d->worker.at_hand = at_hand_new(m.dir);
    return true;
}

static bool open_keystore(struct daemon *d, struct err *e) {
    const struct settings *s = &d->set;
    bool direct = s->keystore_url && s->keystore_url[0];
    struct keystore_settings k = {.base_url = direct ? s->keystore_url : s->api_url,
                                  .path = direct ? "" : "/secrets",
                                  .token = direct ? NULL : s->api_token,
                                  .network = s->network,
                                  .contract_id = s->contract,
                                  .account_id = d->operator_id.s,
                                  .key = &d->key,
                                  .rpc = d->worker.rpc};
    return keystore_new(&d->worker.keystore, &k, e) &&
           branches_new(&d->worker.branches, d->builder, d->worker.rpc, s->contract, e);
}

static bool open_executors(struct daemon *d, struct err *e) {
    const char *dir = arena_printf(d->arena, "%s/code", d->home);
    struct exec_settings x = {.program = arena_printf(d->arena, "%s/outlayer-executor", file_program_dir(d->arena)),
                              .cache_dir = dir,
                              .cache_max_bytes = d->set.code_cache_mb << 20,
                              .prestarted = (unsigned)d->set.slots,
                              .runs = (unsigned)d->set.slots,
                              .compiles = (unsigned)d->set.build_slots,
                              .egress = d->egress};
    return file_make_dirs(dir, 0700, e) && exec_pool_new(&d->worker.exec, &x, e);
}

static bool open_worker(struct daemon *d, struct err *e) {
    struct worker *w = &d->worker;
    struct settings *s = &d->set;
    struct public_key public = secret_key_public(&d->key);
    struct api_settings api = {.base_url = s->api_url,
                               .token = s->api_token,
                               .worker_id = s->worker_id,
                               .version = VERSION,
                               .network = s->network,
                               .contract_id = s->contract,
                               .role = !s->runs     ? "compilation"
                                       : !s->builds ? "execution"
                                                    : NULL,
                               .operator_id = d->operator_id.s,
                               .public_key = public_key_text(d->arena, &public),
                               .started_ms = clock_wall_ms(),
                               .cancel = &w->abandon};
    w->set.network = s->network;
    w->set.contract_id = s->contract;
    w->set.held_file = arena_printf(d->arena, "%s/held", d->home);
    w->set.slots = (unsigned)s->slots;
    w->set.poll_s = s->poll_s;
    w->set.monitored = s->monitor;
    w->set.runs = s->runs;
    w->seen = seen_new();
    return check_isolation(d, e) && journal_open(d->arena, d->home, &w->set.pending_dir, e) &&
           api_new(&w->api, &api, e) && rpc_new(&w->rpc, s->rpc_url, e) &&
           sender_new(&w->sender, w->rpc, &d->operator_id, &d->key, e) &&
           chain_new(&w->chain, w->rpc, s->contract, &public, e) && open_egress(d, e) && open_builder(d, e) &&
           open_modules(d, e) && open_keystore(d, e) && open_executors(d, e);
}

// Wrong settings are found out now, not by the first result that cannot be sent.
static bool check_key(struct daemon *d, struct arena *a, struct err *e) {
    struct public_key public = secret_key_public(&d->key);
    struct rpc_access_key key;
    if (!rpc_access_key(d->worker.rpc, a, d->operator_id.s, &public, &key, e)) {
        err_wrap(e, "key %s of account '%s'", public_key_text(a, &public), d->operator_id.s);
        return e->code == ERR_NOT_FOUND ? err_hint(e, "add the key to the account, or use another one") : false;
    }
    if (!key.full_access && strcmp(key.receiver.s, d->set.contract) != 0) {
        err_set(e, ERR_SETTINGS, "OPERATOR_PRIVATE_KEY may only call '%s', not '%s'", key.receiver.s, d->set.contract);
        return err_hint(e, "add a function-call key for the contract to '%s'", d->operator_id.s);
    }
    d->may_cancel = key_may_call(&key, d->set.contract, METHOD_CANCEL_STALE);
    if (!d->may_cancel && d->set.monitor)
        log_warn("OPERATOR_PRIVATE_KEY may not call %s, as keys of earlier versions: requests that stay open after "
                 "their time are not cancelled; make a new key (outlayer deploy), or add one with that method to '%s'",
                 METHOD_CANCEL_STALE, d->operator_id.s);
    return sender_warm(d->worker.sender, NULL, a, NULL, e);
}

static bool check_operator(struct daemon *d, struct arena *a, struct err *e) {
    const char **operators;
    size_t n;
    if (!operators_read(d->worker.rpc, a, d->set.contract, &operators, &n, e))
        return err_hint(e, "is OFFCHAINVM_CONTRACT_ID the OutLayer contract's account, and NEAR_RPC_URL its network?");
    for (size_t i = 0; i < n; i++)
        if (strcmp(operators[i], d->operator_id.s) == 0)
            return true;
    err_set(e, ERR_SETTINGS, "the operator of '%s' is '%s', not '%s'", d->set.contract, n ? operators[0] : "nobody",
            d->operator_id.s);
    return err_hint(e, "set OPERATOR_ACCOUNT_ID to an operator of the contract, or have its owner add the account");
}

static bool check_chain(struct daemon *d, struct err *e) {
    SCOPED_ARENA(a);
    return check_operator(d, a, e) && check_key(d, a, e);
}

static void missed(void *ctx, uint64_t timestamp_ns) { monitor_go_back(ctx, timestamp_ns); }

// Whoever watches the chain keeps house there, too.
static bool start_monitor(struct daemon *d, struct err *e) {
    const struct settings *s = &d->set;
    const struct monitor_settings m = {.neardata_url = s->neardata_url,
                                       .network = s->network,
                                       .contract_id = s->contract,
                                       .cursor_file = arena_printf(d->arena, "%s/cursor", d->home),
                                       .api_base_url = s->api_url,
                                       .api_token = s->api_token,
                                       .start_height = s->start_height,
                                       .api = d->worker.api,
                                       .completed = worker_completed,
                                       .took = worker_followed,
                                       .ctx = &d->worker};
    if (!monitor_start(&m, &d->monitor, e))
        return false;
    const struct janitor_settings j = {.rpc_url = s->rpc_url,
                                       .contract_id = s->contract,
                                       .api_base_url = s->api_url,
                                       .sender = d->may_cancel ? d->worker.sender : NULL,
                                       .missed = missed,
                                       .ctx = d->monitor};
    return janitor_start(&d->janitor, &j, e);
}

static bool is_ready(void *ctx, struct arena *a, struct err *e) {
    struct daemon *d = ctx;
    (void)a;
    return worker_ready(&d->worker, d->monitor, e);
}

static void show_figures(void *ctx, struct buf *out) {
    struct daemon *d = ctx;
    worker_figures(&d->worker, d->monitor, out);
}

static bool serve_operator(struct daemon *d, struct err *e) {
    static const struct http_route admin[] = {{HTTP_POST, "/admin/drain", status_ask_drain, 0, NULL, 0}};
    const struct status_settings s = {.listen = d->set.status_listen,
                                      .daemon = NAME,
                                      .ready = is_ready,
                                      .figures = show_figures,
                                      .ctx = d,
                                      .admin_token = d->set.admin_token,
                                      .admin = admin,
                                      .admin_count = ARRAY_LEN(admin)};
    return status_start(&d->status, &s, e);
}

static bool start(struct daemon *d, const struct daemon_args *args, struct err *e) {
    struct settings *s = &d->set;
    if (!worker_start(&d->worker, e) || (s->monitor && !start_monitor(d, e)) || !serve_operator(d, e) ||
        !worker_take_leases(&d->worker, e))
        return false;
    log_info("worker %s for %s as %s: %u at a time, capabilities %s", s->worker_id, s->contract, d->operator_id.s,
             d->worker.set.slots, d->worker.set.capabilities);
    daemon_ready(args, arena_printf(d->arena, "{\"port\":0,\"status_port\":%u}", status_port(d->status)));
    return true;
}

// The monitor goes on: it sees how requests end.
static void drain(void *ctx) {
    struct daemon *d = ctx;
    status_drain(d->status);
    worker_drain(&d->worker, d->set.drain_s * 1000);
}

static void hurry(void *ctx) {
    struct daemon *d = ctx;
    worker_hurry(&d->worker);
}

static void close_all(struct daemon *d, int status) {
    struct worker *w = &d->worker;
    if (status == 0)
        ends_during(drain, hurry, d);
    status_stop(d->status);
    janitor_stop(d->janitor);
    monitor_stop(d->monitor);
    if (!worker_stop(w)) {
        // Some guest or build still runs. The kernel ends both with us; the journal holds what was sent.
        log_info("ending with executions at work");
        secret_key_wipe(&d->key);
        _exit(status);
    }
    exec_pool_free(w->exec);
    branches_free(w->branches);
    keystore_free(w->keystore);
    modules_free(w->modules);
    at_hand_free(w->at_hand);
    builder_free(d->builder);
    egress_free(d->egress);
    chain_free(w->chain);
    sender_free(w->sender);
    rpc_free(w->rpc);
    api_free(w->api);
    seen_free(w->seen);
    secret_key_wipe(&d->key);
    if (d->lock >= 0)
        close(d->lock);
    arena_free_wiped(d->arena);
}

// The thread that waits for the signal to end. Before it serves, a worker looks over its toolchain and waits for the
// chain, which may take long, and ending at once loses nothing: the kernel ends its processes with it.
struct ending {
    sigset_t signals;
    atomic_bool serves;
    pthread_t thread;
};

static void *await_end(void *ctx) {
    struct ending *end = ctx;
    int got;
    sigwait(&end->signals, &got);
    if (!atomic_load(&end->serves)) {
        log_info("ending before it has started");
        _exit(0);
    }
    return NULL;
}

// The signals are blocked before there is any other thread: all of them inherit it.
static bool watch_for_end(struct ending *end, struct err *e) {
    ends_block(&end->signals);
    return pthread_create(&end->thread, NULL, await_end, end) == 0 || err_set(e, ERR_IO, "cannot start a thread");
}

// Values of secrets pass through: no memory of ours in a file, none for others of the same user to read.
static bool keep_memory_private(struct err *e) {
    json_wipe_memory();
    return confine_not_dumpable(e) && confine_limit(RLIMIT_CORE, 0, e);
}

int main(int argc, char **argv) {
    struct daemon_args args;
    struct err e;
    int status;
    if (!daemon_args_parse(&args, argc, argv, NAME, "builds and runs what contracts ask for", table, ARRAY_LEN(table),
                           &status))
        return status;
    static struct ending end;
    signal(SIGPIPE, SIG_IGN);
    struct daemon d = {.arena = arena_new(), .lock = -1};
    bool ok = watch_for_end(&end, &e) && keep_memory_private(&e) && read_settings(&d, &args, &e) && open_home(&d, &e) &&
              open_worker(&d, &e) && check_chain(&d, &e);
    atomic_store(&end.serves, true);
    ok = ok && start(&d, &args, &e);
    if (ok)
        pthread_join(end.thread, NULL);
    else
        log_err(LOG_ERROR, "cannot start", &e);
    close_all(&d, ok ? 0 : 1);
    return ok ? 0 : 1;
}
