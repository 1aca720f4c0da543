// SPDX-License-Identifier: Apache-2.0
#include "http/status.h"

#include "base/clock.h"
#include "base/log.h"
#include "http/deferred.h"
#include "http/listen.h"
#include <signal.h>
#include <sodium.h>

#define ROUTES_MAX 16
#define PROBES_MAX 16
#define CONNECTIONS_MAX 64

enum status_tag { STATUS_OPEN, STATUS_ADMIN };

struct status {
    struct status_settings set;
    struct listen_place at;
    struct http_server *server;
    struct deferred *probes;
    uint64_t started_ms;
    atomic_bool draining;
    struct http_route routes[ROUTES_MAX];
    size_t route_count;
};

static void show_health(struct http_request *r, void *ctx) {
    (void)ctx;
    http_reply(r, 200, "text/plain", SLICE_LIT("ok\n"));
}

static void show_ready(struct http_request *r, void *ctx) {
    struct status *s = ctx;
    struct err e;
    bool ok = !atomic_load(&s->draining);
    if (!ok) {
        err_set(&e, ERR_UNAVAILABLE, "draining");
        err_hint(&e, "it takes no new work, finishes what it has and ends");
    } else {
        ok = !s->set.ready || s->set.ready(s->set.ctx, http_arena(r), &e);
        e.code = ERR_UNAVAILABLE;
    }
    if (ok)
        http_reply(r, 200, "text/plain", SLICE_LIT("ready\n"));
    else
        http_reply_err(r, &e);
}

static void ask_ready(struct http_request *r, void *ctx) {
    struct status *s = ctx;
    deferred_run(s->probes, r, show_ready, s);
}

static void show_figures(struct http_request *r, void *ctx) {
    struct status *s = ctx;
    struct err e;
    SCOPED_BUF(out, FIGURES_MAX);
    figures_of_process(&out, s->set.daemon, s->started_ms);
    figure_one(&out, FIGURE_GAUGE, "outlayer_draining", "1 while it takes no new work and finishes what it has.",
               atomic_load(&s->draining));
    if (s->set.doors[0].server)
        http_doors_figures(&out, s->set.doors, STATUS_DOORS);
    if (s->set.figures)
        s->set.figures(s->set.ctx, &out);
    if (!out.full) {
        http_reply(r, 200, FIGURES_TYPE, buf_slice(&out));
        return;
    }
    err_set(&e, ERR_INTERNAL, "the figures are longer than %u bytes", FIGURES_MAX);
    http_reply_err(r, &e);
}

void status_ask_drain(struct http_request *r, void *ctx) {
    struct status *s = ctx;
    log_info("%s asks this process to drain", http_peer(r));
    http_reply_json(r, 202, json_pack("{s:b}", "draining", 1));
    if (!atomic_exchange(&s->draining, true)) // a second signal would end the drain
        kill(getpid(), SIGTERM);
}

// Hashes of both are compared, so that the time taken tells neither a byte nor the length of ours.
static bool is_token(const char *own, const char *given) {
    uint8_t a[crypto_hash_sha256_BYTES], b[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(a, (const uint8_t *)own, strlen(own));
    crypto_hash_sha256(b, (const uint8_t *)given, strlen(given));
    return sodium_memcmp(a, b, sizeof a) == 0;
}

static bool authorise(struct http_request *r, void *ctx, const struct http_route *route, struct err *e) {
    const struct status *s = ctx;
    const char *token = http_bearer(r);
    if (route->tag == STATUS_OPEN || (token && is_token(s->set.admin_token, token)))
        return true;
    log_warn("%s asked for %s with %s token", http_peer(r), route->path, token ? "a wrong" : "no");
    err_set(e, ERR_UNAUTHORIZED, token ? "this is not the operator's token" : "this needs the operator's token");
    return err_hint(e, "send `Authorization: Bearer TOKEN` with what ADMIN_BEARER_TOKEN says");
}

static void add_routes(struct status *s) {
    static const struct http_route own[] = {
        {HTTP_GET, "/healthz", show_health, 0, NULL, STATUS_OPEN},
        {HTTP_GET, "/readyz", ask_ready, 0, NULL, STATUS_OPEN},
        {HTTP_GET, "/metrics", show_figures, 0, NULL, STATUS_OPEN},
    };
    size_t admin = s->set.admin_token && s->set.admin_token[0] ? s->set.admin_count : 0;
    BUG_ON(ARRAY_LEN(own) + admin > ROUTES_MAX);
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        s->routes[s->route_count++] = own[i];
    for (size_t i = 0; i < admin; i++) {
        s->routes[s->route_count] = s->set.admin[i];
        s->routes[s->route_count++].tag = STATUS_ADMIN;
    }
}

bool status_start(struct status **out, const struct status_settings *settings, struct err *e) {
    struct listen_place at;
    *out = NULL;
    if (strcmp(settings->listen, "off") == 0)
        return true;
    if (!listen_parse(&at, "STATUS_LISTEN", settings->listen, e))
        return false;
    struct status *s = xcalloc(1, sizeof *s);
    s->set = *settings;
    s->at = at;
    s->started_ms = clock_wall_ms();
    s->probes = deferred_new(1, PROBES_MAX);
    add_routes(s);
    const struct http_server_config c = {.host = s->at.host,
                                         .port = s->at.port,
                                         .threads = 1,
                                         .limits = {.connections = CONNECTIONS_MAX, .idle_s = 15},
                                         .routes = s->routes,
                                         .route_count = s->route_count,
                                         .ctx = s,
                                         .before = authorise};
    if (!http_server_start(&s->server, &c, e)) {
        status_stop(s);
        err_wrap(e, "STATUS_LISTEN");
        if (e->code == ERR_IO)
            err_hint(e, "each daemon of a machine needs a port of its own: STATUS_LISTEN=127.0.0.1:0 takes a free one, "
                        "STATUS_LISTEN=off none");
        return false;
    }
    log_info("operators ask %s for /healthz, /readyz and /metrics: port %u", settings->listen,
             http_server_port(s->server));
    *out = s;
    return true;
}

uint16_t status_port(const struct status *s) { return s ? http_server_port(s->server) : 0; }

void status_drain(struct status *s) {
    if (s)
        atomic_store(&s->draining, true);
}

void *status_ctx(const struct status *s) { return s->set.ctx; }

void status_stop(struct status *s) {
    if (!s)
        return;
    deferred_stop(s->probes);
    http_server_stop(s->server);
    deferred_free(s->probes);
    free(s);
}
