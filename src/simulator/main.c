// SPDX-License-Identifier: Apache-2.0
// outlayer-dstack-simulator: a machine with TDX and dstack that is none. Its quotes are signed by a key that everybody
// has; they are worth nothing where anything but its own root key is trusted.
#include "base/file.h"
#include "base/log.h"
#include "base/settings.h"
#include "base/sync.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "simulator/sim.h"
#include <signal.h>

#define NAME "outlayer-dstack-simulator"
#define WORKERS 4
#define QUEUE_MAX 64

struct settings {
    const char *host, *home, *network, *socket, *old_socket, *seed, *platform, *image, *version, *compose, *provider,
        *format, *log_level, *log_format;
    uint64_t port, quote_ms, at;
};
static const struct setting table[] = {
    SET_TEXT(struct settings, host, "HOST", "127.0.0.1", "address at which collateral is served"),
    SET_U64(struct settings, port, "PORT", "0", 0, 65535, "its port; 0 takes a free one"),
    SET_TEXT(struct settings, home, "OUTLAYER_HOME", NULL,
             "folder for what it writes and for control.json (~/.outlayer/<network>)"),
    SET_TEXT(struct settings, network, "OUTLAYER_NETWORK", "devnet", "devnet; there is no other network for it"),
    SET_TEXT(struct settings, socket, "SOCKET", NULL, "path of the guest agent's socket (OUTLAYER_HOME/dstack.sock)"),
    SET_TEXT(struct settings, old_socket, "TAPPD_SOCKET", NULL, "a second path at which the same agent is served"),
    SET_TEXT(struct settings, seed, "SEED", "outlayer simulator",
             "what root, authorities and the key service are made from: the same everywhere by default"),
    SET_TEXT(struct settings, platform, "PLATFORM", "a machine", "name of the machine; another one has other keys"),
    SET_TEXT(struct settings, image, "IMAGE", "an image", "name of the system image: what MRTD and RTMR0 to RTMR2 are"),
    SET_TEXT(struct settings, version, "DSTACK_VERSION", "0.5.8", "which dstack it is, from 0.3.0 to 0.6.x"),
    SET_TEXT(struct settings, compose, "APP_COMPOSE", NULL, "app-compose.json of the application (a small one)"),
    SET_TEXT(struct settings, provider, "KEY_PROVIDER", "{\"name\":\"none\",\"id\":\"\"}", "JSON with name and id"),
    SET_TEXT(struct settings, format, "QUOTE_FORMAT", "v4", "v4, v5 or v5-1.5"),
    SET_U64(struct settings, quote_ms, "QUOTE_MS", "0", 0, 600000, "how long a quote takes; one at a time"),
    SET_U64(struct settings, at, "AT", "0", 0, 4102444800,
            "its collateral is always that of this moment, in seconds since 1970; 0: of today"),
    LOG_SETTINGS(struct settings, log_level, log_format),
};
static const char small_compose[] =
    "{\"manifest_version\":2,\"name\":\"simulated\",\"runner\":\"docker-compose\",\"docker_compose_file\":"
    "\"services: {}\\n\",\"kms_enabled\":false,\"public_logs\":true,\"public_sysinfo\":true,\"allowed_envs\":[],"
    "\"no_instance_id\":true}";

struct daemon {
    struct arena *arena;
    struct settings set;
    const char *home, *socket;
    struct sim sim;
    struct http_server *agent, *old_agent, *pcs;
};

static bool read_settings(struct daemon *d, const struct daemon_args *args, struct err *e) {
    struct settings *s = &d->set;
    if (!settings_load(s, sizeof *s, d->arena, table, ARRAY_LEN(table), args->config, e) ||
        !log_init(NAME, s->log_level, s->log_format, e))
        return false;
    if (strcmp(s->network, "devnet") != 0) {
        err_set(e, ERR_SETTINGS, "OUTLAYER_NETWORK is '%s', and a simulator proves nothing there", s->network);
        return err_hint(e, "it is for devnets alone");
    }
    if (!settings_home(s->home, s->network, d->arena, &d->home, e))
        return false;
    d->socket = s->socket ? s->socket : arena_printf(d->arena, "%s/dstack.sock", d->home);
    return true;
}

static bool start_machine(struct daemon *d, struct err *e) {
    const struct settings *s = &d->set;
    struct slice compose = slice_str(small_compose);
    d->sim.at = s->at;
    if (s->compose && !file_read(d->arena, s->compose, TD_COMPOSE_MAX, &compose, e))
        return err_wrap(e, "APP_COMPOSE");
    const struct td_config c = {.seed = s->seed,
                                .platform = s->platform,
                                .image = s->image,
                                .version = s->version,
                                .compose = compose,
                                .key_provider = s->provider,
                                .quote_format = s->format,
                                .now = sim_now(&d->sim)};
    d->sim.control_path = arena_printf(d->arena, "%s/control.json", d->home);
    d->sim.quote_ms = s->quote_ms;
    d->sim.workers = deferred_new(WORKERS, QUEUE_MAX);
    pthread_mutex_init(&d->sim.lock, NULL);
    cond_init(&d->sim.changed);
    return td_start(&d->sim.td, &c, e);
}

// --- what others read

static bool write_text(struct daemon *d, const char *name, struct slice text, struct err *e) {
    return file_write_atomic(arena_printf(d->arena, "%s/%s", d->home, name), text, 0644, e);
}

static bool write_json(struct daemon *d, const char *name, json_t *j, struct err *e) {
    char *text = json_dumps(j, JSON_INDENT(2));
    json_decref(j);
    bool ok = write_text(d, name, slice_str(text), e);
    free(text);
    return ok;
}

// Root key (x and y in hexadecimal) and certificate, and the collateral of today.
static bool write_trust(struct daemon *d, struct err *e) {
    struct pki_made m;
    const struct pki_chain root = {"R", "", "", "", false};
    struct pki_world *w = arena_calloc(d->arena, 1, sizeof *w);
    td_world(w, &d->sim.td.config, d->sim.td.config.now);
    pki_make(&m, d->arena, w);
    return write_text(d, "root_key.hex", slice_str(hex_text(d->arena, slice_of(m.root_key, 64))), e) &&
           write_text(d, "root.pem", pki_chain_pem(d->arena, w, &root), e) &&
           write_json(d, "collateral.json", pki_collateral(d->arena, &m), e);
}

static json_t *description(struct daemon *d) {
    struct td *t = &d->sim.td;
    struct arena *a = d->arena;
    struct pki_key root;
    json_t *o = json_object();
    pki_key_of(&root, t->config.seed, "root");
    json_set_text(o, "socket", d->socket);
    json_object_set_new(o, "port", json_integer(http_server_port(d->pcs)));
    json_set_text(o, "pcs", arena_printf(a, "http://%s:%u", d->set.host, http_server_port(d->pcs)));
    json_set_text(o, "root_key", hex_text(a, slice_of(root.public, 64)));
    json_set_text(o, "fmspc", hex_text(a, slice_of(t->world.sgx.fmspc, 6)));
    json_set_text(o, "compose_hash", hex_text(a, hash_slice(&t->compose_hash)));
    json_set_text(o, "mrtd", hex_text(a, slice_of(t->world.quote.body + PKI_MRTD, 48)));
    json_set_text(o, "mr_config_id", hex_text(a, slice_of(t->config_id, 48)));
    for (int i = 0; i < 4; i++)
        json_set_text(o, arena_printf(a, "rtmr%d", i), hex_text(a, slice_of(t->rtmr[i], 48)));
    return o;
}

// --- servers

static bool serve_agent(struct daemon *d, struct http_server **out, const char *path, struct err *e) {
    const struct http_server_config c = {.unix_socket = path,
                                         .threads = 2,
                                         .routes = agent_routes,
                                         .route_count = agent_route_count,
                                         .refused = agent_refused,
                                         .ctx = &d->sim};
    return http_server_start(out, &c, e);
}

static bool serve(struct daemon *d, const struct daemon_args *args, struct err *e) {
    const struct http_server_config c = {.host = d->set.host,
                                         .port = (uint16_t)d->set.port,
                                         .threads = 1,
                                         .routes = pcs_routes,
                                         .route_count = pcs_route_count,
                                         .ctx = &d->sim};
    if (!write_trust(d, e) || !http_server_start(&d->pcs, &c, e) || !serve_agent(d, &d->agent, d->socket, e) ||
        (d->set.old_socket && !serve_agent(d, &d->old_agent, d->set.old_socket, e)) ||
        !write_json(d, "simulator.json", description(d), e))
        return false;
    log_info("simulating dstack %s at %s, collateral at http://%s:%u; its quotes prove nothing", d->set.version,
             d->socket, d->set.host, http_server_port(d->pcs));
    json_t *o = description(d);
    daemon_ready(args, json_text(d->arena, o));
    json_decref(o);
    return true;
}

static void close_all(struct daemon *d) {
    if (d->sim.workers) {
        sim_stop(&d->sim);
        deferred_stop(d->sim.workers);
    }
    http_server_stop(d->agent);
    http_server_stop(d->old_agent);
    http_server_stop(d->pcs);
    if (d->sim.workers)
        deferred_free(d->sim.workers);
    td_end(&d->sim.td);
    arena_free(d->arena);
}

int main(int argc, char **argv) {
    struct daemon_args args;
    struct err e;
    int status, got;
    if (!daemon_args_parse(&args, argc, argv, NAME, "a machine with TDX and dstack that is none", table,
                           ARRAY_LEN(table), &status))
        return status;
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ends, NULL); // before any thread: all of them inherit it
    signal(SIGPIPE, SIG_IGN);
    struct daemon *d = xcalloc(1, sizeof *d);
    d->arena = arena_new();
    bool ok = read_settings(d, &args, &e) && start_machine(d, &e) && serve(d, &args, &e);
    if (ok)
        sigwait(&ends, &got);
    else
        log_err(LOG_ERROR, "cannot start", &e);
    close_all(d);
    free(d);
    return ok ? 0 : 1;
}
