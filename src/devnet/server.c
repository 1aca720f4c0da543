// SPDX-License-Identifier: Apache-2.0
#include "devnet/server.h"

#include "devnet/methods.h"
#include "devnet/neardata.h"

void rpc_finish(struct rpc_call *c) {
    json_t *answer = rpc_envelope(c);
    json_decref(c->body);
    c->body = NULL;
    http_reply_json(c->http, c->http_status, answer);
}

static void handle_rpc(struct http_request *r, void *ctx) {
    struct rpc_call *c = arena_calloc(http_arena(r), 1, sizeof *c);
    *c = (struct rpc_call){.net = ctx, .arena = http_arena(r), .http = r};
    json_t *answer;
    // After RPC_PARKED the request may have been answered already: nothing of it is touched again.
    if (rpc_handle(c, http_body(r), devnet_methods, devnet_method_count, &answer) == RPC_ANSWERED)
        http_reply_json(r, c->http_status, answer);
}

// A client of JSON-RPC shows an error only in JSON-RPC's shape.
static void refuse_unread(struct http_request *r, const struct http_route *route, const struct err *e) {
    if (route && route->handler == handle_rpc)
        http_reply_json(r, err_http_status(e->code), rpc_unread(http_arena(r), e));
    else
        http_reply_err(r, e);
}

static void handle_status(struct http_request *r, void *ctx) {
    json_t *status = status_json(ctx, http_arena(r));
    http_reply_json(r, status ? 200 : 503, status ? status : json_object());
}

static void handle_network_info(struct http_request *r, void *ctx) {
    struct rpc_call c = {.net = ctx, .arena = http_arena(r)};
    (void)method_network_info(&c);
    http_reply_json(r, 200, c.answer);
}

static const struct http_route routes[] = {
    {.method = HTTP_POST, .path = "/", .handler = handle_rpc, .max_body = RPC_BODY_MAX},
    {.method = HTTP_GET, .path = "/status", .handler = handle_status},
    {.method = HTTP_GET, .path = "/network_info", .handler = handle_network_info},
    {.method = HTTP_GET, .path = "/health", .handler = neardata_health},
    {.method = HTTP_POST, .path = "/account", .handler = faucet_handler, .max_body = 4096},
    {.method = HTTP_GET, .path = "/v0/first_block", .handler = neardata_first_block},
    {.method = HTTP_GET, .path = "/v0/last_block/{height}", .handler = neardata_last_block},
    {.method = HTTP_GET, .path = "/v0/last_block/{height}/{rest*}", .handler = neardata_last_block},
    {.method = HTTP_GET, .path = "/v0/block/{height}", .handler = neardata_block},
    {.method = HTTP_GET, .path = "/v0/block/{height}/{rest*}", .handler = neardata_block},
    {.method = HTTP_GET, .path = "/v0/block_opt/{height}", .handler = neardata_block_opt},
    {.method = HTTP_GET, .path = "/v0/block_opt/{height}/{rest*}", .handler = neardata_block_opt},
};

bool devnet_serve(struct http_server **out, struct devnet *net, const char *host, uint16_t port, struct err *e) {
    const struct http_server_config config = {
        .host = host,
        .port = port,
        .routes = routes,
        .route_count = ARRAY_LEN(routes),
        .ctx = net,
        .cors_origins = "*",
        .refused = refuse_unread,
    };
    return http_server_start(out, &config, e);
}
