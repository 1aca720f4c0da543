// SPDX-License-Identifier: Apache-2.0
#include "cli/stack.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/deployment.h"
#include "cli/presets.h"
#include "cli/repo.h"
#include "cli/socket_place.h"
#include "cli/target.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "coordinator/tokens.h"
#include "sandbox/sandbox.h"
#include <errno.h>
#include <ftw.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <sys/stat.h>

#define READY_MS 20000
#define HOME_VERSION "1"
#define TOKEN_MAX 256
#define SIMULATOR_LINE_MAX 65536
// A worker's transactions cost about 0.001 NEAR each: this lasts for some ten thousand.
#define WORKER_ALLOWANCE (10 * NEAR_ONE)

static void say(struct stack *s, const char *what, const char *detail) {
    struct stack_step step = {what, detail, clock_mono_us() - s->started_us};
    if (s->say)
        s->say(s->say_ctx, &step);
}

// A home of a newer program is refused: its files may mean something else there.
static bool check_version(struct stack *s, struct err *e) {
    const char *path = arena_printf(s->arena, "%s/version", s->home);
    struct slice text;
    struct err missing;
    if (!file_read(s->arena, path, 64, &text, &missing))
        return missing.code == ERR_NOT_FOUND ? file_write_atomic(path, SLICE_LIT(HOME_VERSION "\n"), 0600, e)
                                             : err_set(e, missing.code, "%s", missing.msg);
    if (slice_eq_str(text, HOME_VERSION "\n"))
        return true;
    err_set(e, ERR_SETTINGS, "home '%s' has version '%.*s', this program knows " HOME_VERSION, s->home,
            (int)strcspn((const char *)text.ptr, "\n"), (const char *)text.ptr);
    return err_hint(e, "use a newer program, or another OUTLAYER_HOME");
}

static bool lock_home(struct stack *s, const char *home, struct err *e) {
    s->home = arena_strdup(s->arena, home);
    if (!file_make_dirs(arena_printf(s->arena, "%s/keys", home), 0700, e))
        return false;
    const char *who = arena_printf(s->arena, "`outlayer up`, process %d", (int)getpid());
    if (!file_lock(arena_printf(s->arena, "%s/lock", home), who, &s->lock, e))
        return err_hint(e, "stop that one first, or set OUTLAYER_HOME to another folder");
    return check_version(s, e);
}

// The key file of an account, made at the first start.
static bool key_of(struct stack *s, const char *file, const char *account, struct credentials *out, struct err *e) {
    const char *path = arena_printf(s->arena, "%s/keys/%s.json", s->home, file);
    if (access(path, F_OK) == 0)
        return credentials_read(out, path, e);
    if (!account_id_parse(&out->account, slice_str(account), e))
        return false;
    secret_key_generate(&out->secret);
    out->public = secret_key_public(&out->secret);
    return credentials_write(out, path, e);
}

static bool make_keys(struct stack *s, struct credentials *worker, struct err *e) {
    return key_of(s, "owner", "outlayer.test.near", &s->contract, e) &&
           key_of(s, "operator", "operator.test.near", &s->operator, e) &&
           key_of(s, "worker", "operator.test.near", worker, e) &&
           key_of(s, "alice", "alice.test.near", &s->developers[0], e) &&
           key_of(s, "bob", "bob.test.near", &s->developers[1], e);
}

static void add_account(struct stack *s, json_t *accounts, const struct credentials *c, u128 near) {
    json_t *j = json_object();
    json_set_text(j, "account_id", c->account.s);
    json_set_text(j, "public_key", public_key_text(s->arena, &c->public));
    json_set_u128(j, "balance", near * NEAR_ONE);
    json_array_append_new(accounts, j);
}

static bool write_genesis(struct stack *s, const char *path, struct err *e) {
    if (access(path, F_OK) == 0)
        return true;
    struct credentials root;
    if (!key_of(s, "root", "test.near", &root, e))
        return false;
    SCOPED_JSON(j) = json_object();
    json_t *accounts = json_array();
    json_set_text(j, "chain_id", STACK_NETWORK);
    add_account(s, accounts, &root, 1000000000);
    add_account(s, accounts, &s->contract, 1000);
    add_account(s, accounts, &s->operator, 10000);
    for (size_t i = 0; i < STACK_DEVELOPERS; i++)
        add_account(s, accounts, &s->developers[i], 1000000);
    json_object_set_new(j, "accounts", accounts);
    secret_key_wipe(&root.secret);
    return file_write_atomic(path, slice_str(json_text(s->arena, j)), 0600, e);
}

// A daemon that says it serves: its port (0 where it serves none) and, of the keystore, its identity.
struct started {
    uint64_t port;
    const char *identity;
};

static bool start_as(struct stack *s, const char *name, const char *port_setting, const char *const *env,
                     struct started *out, struct err *e) {
    const char *program = arena_printf(s->arena, "%s/outlayer-%s", file_program_dir(s->arena), name);
    const char *line;
    if (!supervisor_start(s->supervisor, s->arena, name, program, env, READY_MS, &line, e))
        return false;
    SCOPED_JSON(j) = json_parse(slice_str(line), TOKEN_MAX * 8, e);
    const char *identity = "";
    out->port = 0;
    uint64_t status = 0;
    if (!j || !json_opt_u64(j, "port", &out->port, e) || !json_opt_u64(j, "status_port", &status, e) ||
        !json_opt_text(j, "identity", &identity, e))
        return err_wrap(e, "%s's ready line", name);
    out->identity = arena_strdup(s->arena, identity);
    if (out->port)
        supervisor_pin(s->supervisor, name, arena_printf(s->arena, "%s=%" PRIu64, port_setting, out->port));
    if (status) {
        supervisor_pin(s->supervisor, name, arena_printf(s->arena, "STATUS_LISTEN=127.0.0.1:%" PRIu64, status));
        json_set_text(s->status_urls, name, arena_printf(s->arena, "http://127.0.0.1:%" PRIu64, status));
    }
    return true;
}

static bool start(struct stack *s, const char *name, const char *const *env, uint64_t *port, struct err *e) {
    struct started started;
    bool ok = start_as(s, name, "PORT", env, &started, e);
    *port = started.port;
    return ok;
}

static bool start_devnet(struct stack *s, const struct stack_options *o, struct err *e) {
    struct arena *a = s->arena;
    const char *home = arena_printf(a, "%s/devnet", s->home);
    const char *genesis = arena_printf(a, "%s/genesis.json", s->home);
    const char *env[] = {
        arena_printf(a, "OUTLAYER_HOME=%s", home),     "HOST=127.0.0.1",
        arena_printf(a, "PORT=%" PRIu64, o->rpc_port), arena_printf(a, "BLOCK_MS=%" PRIu64, o->block_ms),
        arena_printf(a, "GENESIS=%s", genesis),        NULL};
    uint64_t port;
    if (!file_make_dirs(home, 0700, e) || !write_genesis(s, genesis, e) || !start(s, "devnet", env, &port, e))
        return false;
    s->rpc_url = s->neardata_url = arena_printf(a, "http://127.0.0.1:%" PRIu64, port);
    say(s, "chain up", s->rpc_url);
    return true;
}

// What the simulator says when it serves.
static bool read_simulator(struct stack *s, const char *line, struct err *e) {
    SCOPED_JSON(j) = json_parse(slice_str(line), SIMULATOR_LINE_MAX, e);
    const char *root, *pcs, *socket;
    uint64_t port;
    if (!j || !json_get_text(j, "root_key", &root, e) || !json_get_text(j, "pcs", &pcs, e) ||
        !json_get_text(j, "socket", &socket, e) || !json_get_u64(j, "port", &port, e))
        return err_wrap(e, "the simulator's ready line");
    s->root_key = arena_strdup(s->arena, root);
    s->pccs_url = arena_strdup(s->arena, pcs);
    s->dstack_endpoint = arena_strdup(s->arena, socket);
    supervisor_pin(s->supervisor, "dstack-simulator", arena_printf(s->arena, "PORT=%" PRIu64, port));
    return true;
}

// A TDX machine that is none: what it signs, everybody can sign.
static bool start_simulator(struct stack *s, struct err *e) {
    struct arena *a = s->arena;
    const char *home = arena_printf(a, "%s/simulator", s->home), *line;
    const char *program = arena_printf(a, "%s/outlayer-dstack-simulator", file_program_dir(a));
    const char *socket;
    if (!file_make_dirs(home, 0700, e) || !socket_place(&socket, a, home, "dstack.sock", e))
        return err_wrap(e, "a place for the simulated machine's socket");
    const char *env[] = {arena_printf(a, "OUTLAYER_HOME=%s", home), "OUTLAYER_NETWORK=" STACK_NETWORK,
                         arena_printf(a, "SOCKET=%s", socket), NULL};
    if (!supervisor_start(s->supervisor, a, "dstack-simulator", program, env, READY_MS, &line, e) ||
        !read_simulator(s, line, e))
        return false;
    say(s, "simulated TDX", s->dstack_endpoint);
    return true;
}

static bool deploy(struct stack *s, const struct credentials *worker, struct err *e) {
    const struct register_terms registering = {.code = contract_register_wasm(), .root_key = s->root_key};
    struct deployment d = {.rpc_url = s->rpc_url,
                           .code = contract_outlayer_wasm(),
                           .contract = &s->contract,
                           .owner = s->contract.account,
                           .operator_id = s->operator.account,
                           .operator_key = &s->operator,
                           .worker_key = worker->public,
                           .allowance = {WORKER_ALLOWANCE},
                           .registering = s->root_key ? &registering : NULL};
    struct deployment_plan plan;
    struct deployment_result r = {0};
    if (!deployment_look(&d, s->arena, &plan, e) || !deployment_do(&d, &plan, s->arena, &r, e))
        return err_wrap(e, "cannot deploy the contract");
    say(s, plan.code ? "contract deployed" : "contract there",
        arena_printf(s->arena, "%s, %zu bytes, %.2f Tgas", s->contract.account.s, d.code.len,
                     (double)r.gas_burnt / 1e12));
    if (s->root_key)
        say(s, plan.register_code ? "register deployed" : "register there",
            arena_printf(s->arena, "%s, %zu bytes (simulated TDX)", s->operator.account.s, registering.code.len));
    return true;
}

// The worker's token: made once, kept in a file of the home, known to the coordinator by its hash.
static bool worker_token(struct stack *s, const char *coordinator_home, const char **path, struct err *e) {
    struct slice text;
    *path = arena_printf(s->arena, "%s/keys/worker-token", s->home);
    if (access(*path, F_OK) == 0) {
        if (!file_read_secret(s->arena, *path, TOKEN_MAX, &text, e))
            return false;
        s->coordinator_token = arena_text(s->arena, slice_of(text.ptr, strcspn((const char *)text.ptr, "\n")));
        return true;
    }
    const struct token_place at = {.home = coordinator_home};
    const struct token_terms terms = {.name = "worker"};
    if (!token_create(&at, &terms, s->arena, &s->coordinator_token, e))
        return false;
    return file_write_atomic(*path, slice_str(s->coordinator_token), 0600, e);
}

// The token by which the coordinator asks the keystore for keys: made once; the keystore knows its hash.
static bool keystore_token(struct stack *s, struct hash *hash, struct err *e) {
    struct slice text;
    uint8_t random[32];
    s->keystore_token_file = arena_printf(s->arena, "%s/keys/keystore-token", s->home);
    if (access(s->keystore_token_file, F_OK) != 0) {
        random_bytes(random, sizeof random);
        text = slice_str(hex_text(s->arena, slice_of(random, sizeof random)));
        if (!file_write_atomic(s->keystore_token_file, text, 0600, e))
            return false;
    } else if (!file_read_secret(s->arena, s->keystore_token_file, TOKEN_MAX, &text, e)) {
        return false;
    }
    *hash = sha256(text);
    return true;
}

// Whom the keystore is when we are root: a number that no account has, so that its process and files are nobody else's.
// The first lies above all that systemd, containers and subordinate ids are given (they end at 1,879,048,191), and
// below 2^31; a container that knows only 65,536 numbers has the second, in a gap between those of systemd (60706 to
// 61183).
static const unsigned keystore_users[] = {2000000734, 61034};

static unsigned new_owner;

static int give_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
    (void)st, (void)type, (void)ftw;
    return lchown(path, new_owner, new_owner);
}

// As root: the keystore's home gets an owner of its own, whom the keystore then becomes. The folder comes last: until
// then nobody but root could put anything into it, and a start that is cut short does it again. Where no number can be
// given it stays root's, which the keystore says in its log.
static void give_keystore_home(const char *home) {
    struct stat st;
    if (geteuid() != 0 || stat(home, &st) != 0 || st.st_uid != 0)
        return;
    for (size_t i = 0; i < ARRAY_LEN(keystore_users); i++) {
        new_owner = keystore_users[i];
        if (!getpwuid(new_owner) && !getgrgid(new_owner) && nftw(home, give_one, 16, FTW_DEPTH | FTW_PHYS) == 0)
            return;
    }
}

// Starts it, and has the contract publish its key.
static bool start_keystore(struct stack *s, struct err *e) {
    struct arena *a = s->arena;
    const char *home = arena_printf(a, "%s/keystore", s->home);
    struct started started;
    struct hash token;
    char hex[65];
    if (!file_make_dirs(home, 0700, e) || !keystore_token(s, &token, e))
        return false;
    give_keystore_home(home);
    const char *env[] = {arena_printf(a, "OUTLAYER_HOME=%s", home),
                         "SERVER_HOST=127.0.0.1",
                         "SERVER_PORT=0",
                         "STATUS_LISTEN=127.0.0.1:0",
                         arena_printf(a, "NEAR_RPC_URL=%s", s->rpc_url),
                         arena_printf(a, "OFFCHAINVM_CONTRACT_ID=%s", s->contract.account.s),
                         arena_printf(a, "ALLOWED_WORKER_TOKEN_HASHES=%s", hash_hex(&token, hex)),
                         NULL};
    if (!start_as(s, "keystore", "SERVER_PORT", env, &started, e) ||
        !deployment_publish_keystore(s->rpc_url, &s->contract, started.identity, a, e))
        return false;
    s->keystore_url = arena_printf(a, "http://127.0.0.1:%" PRIu64, started.port);
    say(s, "keystore up", started.identity);
    return true;
}

// An empty variable counts as absent.
static const char *setting(struct arena *a, const char *name, const char *value) {
    return arena_printf(a, "%s=%s", name, value ? value : "");
}

// What `make dashboard` and `make book` make beside the programs; NULL where they have not.
static const char *pages_folder(struct arena *a, const char *name) {
    const char *folder = arena_printf(a, "%s/../%s", file_program_dir(a), name);
    return access(arena_printf(a, "%s/index.html", folder), R_OK) == 0 ? folder : NULL;
}

// What the playground begins with, of the checkout that the programs were made in. Without it everything else works.
static const char *presets_file(struct stack *s) {
    const char *path;
    struct err why;
    if (presets_write(&path, s->arena, s->home, arena_printf(s->arena, "%s/../../examples", file_program_dir(s->arena)),
                      &why))
        return path;
    say(s, "no examples", why.msg);
    return NULL;
}

static bool start_coordinator(struct stack *s, const struct stack_options *o, const char **token_file, struct err *e) {
    struct arena *a = s->arena;
    const char *home = arena_printf(a, "%s/coordinator", s->home);
    const char *env[] = {arena_printf(a, "OUTLAYER_HOME=%s", home),
                         "HOST=127.0.0.1",
                         "DRAIN_SECONDS=0", // its worker ends before it
                         "STATUS_LISTEN=127.0.0.1:0",
                         arena_printf(a, "PORT=%" PRIu64, o->coordinator_port),
                         arena_printf(a, "NEAR_RPC_URL=%s", s->rpc_url),
                         arena_printf(a, "OFFCHAINVM_CONTRACT_ID=%s", s->contract.account.s),
                         arena_printf(a, "KEYSTORE_BASE_URL=%s", s->keystore_url),
                         arena_printf(a, "PUBLIC_NEAR_RPC_URL=%s", s->rpc_url),
                         arena_printf(a, "FAUCET_URL=%s", s->rpc_url),
                         setting(a, "REGISTER_CONTRACT_ID", s->root_key ? s->operator.account.s : NULL),
                         arena_printf(a, "KEYSTORE_AUTH_TOKEN_FILE=%s", s->keystore_token_file),
                         arena_printf(a, "REPO_MAP=" REPO_LOCAL_HOST "=%s/repos", s->home),
                         setting(a, "DASHBOARD_DIR", s->dashboard = pages_folder(a, "dashboard")),
                         setting(a, "DOCS_DIR", s->docs = pages_folder(a, "docs")),
                         setting(a, "EXAMPLES_FILE", presets_file(s)),
                         NULL};
    uint64_t port;
    if (!file_make_dirs(home, 0700, e) || !worker_token(s, home, token_file, e) ||
        !start(s, "coordinator", env, &port, e))
        return false;
    s->coordinator_url = arena_printf(a, "http://127.0.0.1:%" PRIu64, port);
    say(s, "coordinator up", s->coordinator_url);
    return true;
}

static bool start_worker(struct stack *s, const struct stack_options *o, const struct credentials *worker,
                         const char *token_file, struct err *e) {
    struct arena *a = s->arena;
    const char *home = arena_printf(a, "%s/worker", s->home);
    const char *key_file = arena_printf(a, "%s/keys/worker.key", s->home);
    const char *repos = arena_printf(a, "%s/repos", s->home);
    const char *env[] = {arena_printf(a, "OUTLAYER_HOME=%s", home),
                         arena_printf(a, "API_BASE_URL=%s", s->coordinator_url),
                         arena_printf(a, "API_AUTH_TOKEN_FILE=%s", token_file),
                         arena_printf(a, "NEAR_RPC_URL=%s", s->rpc_url),
                         arena_printf(a, "NEARDATA_API_URL=%s", s->neardata_url),
                         arena_printf(a, "OFFCHAINVM_CONTRACT_ID=%s", s->contract.account.s),
                         arena_printf(a, "OPERATOR_ACCOUNT_ID=%s", s->operator.account.s),
                         arena_printf(a, "OPERATOR_PRIVATE_KEY_FILE=%s", key_file),
                         arena_printf(a, "REPO_MAP=" REPO_LOCAL_HOST "=%s", repos),
                         "WORKER_ID=local-worker",
                         "DRAIN_SECONDS=3", // whoever ends this sits before it
                         "STATUS_LISTEN=127.0.0.1:0",
                         "ISOLATION=process", // whoever tries this out has what there is here, and is told
                         "ENABLE_EVENT_MONITOR=true",
                         "START_BLOCK_HEIGHT=1",
                         setting(a, "EGRESS_ALLOW", o->egress_allow),
                         setting(a, "EGRESS_PORTS", o->egress_ports),
                         setting(a, "EGRESS_CA_FILE", o->egress_ca_file),
                         NULL};
    uint64_t port;
    char *secret = secret_key_text(a, &worker->secret);
    bool ok = file_make_dirs(home, 0700, e) && file_make_dirs(repos, 0700, e) &&
              file_write_atomic(key_file, slice_str(secret), 0600, e);
    explicit_bzero(secret, strlen(secret));
    if (!ok || !start(s, "worker", env, &port, e))
        return false;
    const struct sandbox_offer *offer = sandbox_probe(NULL);
    say(s, "worker up", arena_printf(a, "local-worker, isolation %s", sandbox_degree_name(offer->degree)));
    return true;
}

bool stack_start(struct stack *s, const struct stack_options *o, struct err *e) {
    struct credentials worker = {0};
    const char *token_file;
    s->arena = arena_new();
    s->status_urls = json_object();
    s->lock = -1;
    s->started_us = clock_mono_us();
    bool ok = lock_home(s, o->home, e) && make_keys(s, &worker, e) &&
              supervisor_new(&s->supervisor, arena_printf(s->arena, "%s/log", s->home), e) && start_devnet(s, o, e) &&
              start_simulator(s, e) && deploy(s, &worker, e) && start_keystore(s, e) &&
              start_coordinator(s, o, &token_file, e) && start_worker(s, o, &worker, token_file, e);
    secret_key_wipe(&worker.secret);
    if (!ok)
        stack_stop(s);
    return ok;
}

void stack_stop(struct stack *s) {
    if (!s->arena)
        return;
    if (s->home)
        session_remove(s->home, s->arena);
    supervisor_stop(s->supervisor);
    if (s->dstack_endpoint)
        socket_place_leave(s->arena, s->dstack_endpoint, arena_printf(s->arena, "%s/simulator", s->home));
    if (s->lock >= 0)
        close(s->lock);
    json_decref(s->status_urls);
    secret_key_wipe(&s->contract.secret);
    secret_key_wipe(&s->operator.secret);
    for (size_t i = 0; i < STACK_DEVELOPERS; i++)
        secret_key_wipe(&s->developers[i].secret);
    arena_free_wiped(s->arena);
    *s = (struct stack){.lock = -1};
}

bool stack_publish(struct stack *s, bool print, struct err *e) {
    SCOPED_JSON(j) = json_object();
    json_set_text(j, "network_id", STACK_NETWORK);
    json_set_text(j, "rpc_url", s->rpc_url);
    json_set_text(j, "neardata_url", s->neardata_url);
    json_set_text(j, "coordinator_url", s->coordinator_url);
    json_set_text(j, "coordinator_token", s->coordinator_token);
    json_set_text(j, "dashboard_url", s->dashboard ? s->coordinator_url : NULL);
    json_set_text(j, "docs_url", s->docs ? arena_printf(s->arena, "%s/docs/", s->coordinator_url) : NULL);
    json_set_text(j, "contract_id", s->contract.account.s);
    json_set_text(j, "register_contract_id", s->root_key ? s->operator.account.s : NULL);
    json_set_text(j, "dstack_endpoint", s->dstack_endpoint);
    json_set_text(j, "pccs_url", s->pccs_url);
    json_object_set(j, "status_urls", s->status_urls);
    json_t *accounts = json_array();
    for (size_t i = 0; i < STACK_DEVELOPERS; i++) {
        json_t *one = json_object();
        json_set_text(one, "account_id", s->developers[i].account.s);
        json_set_text(one, "private_key", secret_key_text(s->arena, &s->developers[i].secret));
        json_array_append_new(accounts, one);
    }
    json_object_set_new(j, "accounts", accounts);
    const char *line = json_text(s->arena, j);
    json_set_u64(j, "pid", (uint64_t)getpid());
    if (!session_write(s->home, j, s->arena, e))
        return false;
    if (print) { // whoever reads the line finds the session there already
        printf("%s\n", line);
        fflush(stdout);
    }
    return true;
}
