// SPDX-License-Identifier: Apache-2.0
// What the server's files alone know of itself and of a request: server.c lives it, accept.c says what is refused
// before anything else looks at it, request.c is what handlers read of it.
#pragma once
#include "http/connections.h"
#include "http/router.h"
#include "http/server.h"
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

// Lives until it is stopped and the last handler has answered: one may come late, after a commit that stalled.
struct http_server {
    atomic_size_t owners; // whoever started it, and each request
    struct http_server_config config;
    struct MHD_Daemon *daemon;
    struct connections *connections;
    atomic_uint files; // that are being sent
    uint16_t port;
    atomic_bool stopping;
    char id_prefix[9]; // of requests that bring no id of their own
    _Atomic uint64_t id_count;
    pthread_mutex_t lock; // guards what follows
    pthread_cond_t drained;
    struct http_request *waiting; // for their handler's answer
    unsigned sending;             // answered, not yet out
};

// Owned by two: the connection (until it completes) and the handler (until it replies). The last one frees it.
struct http_request {
    struct http_server *server;
    struct MHD_Connection *connection;
    struct connection *door;
    struct arena *arena;
    enum http_method method;
    const char *path;          // raw
    const char *id;            // for logs
    _Atomic(const char *) why; // it was refused; NULL: it was not. A handler that was given up may still write it
    struct http_params params;
    const struct http_route *route;
    struct buf body;
    json_t *json; // of the body; NULL: none, or its handler has it
    uint64_t received;
    void *stream_state, *user;
    bool refused; // answered with `error` once the body has been read away
    struct err error;
    uint64_t started_us;
    const char *origin; // allowed CORS origin, NULL: none
    struct header {
        struct header *next;
        const char *name, *value;
    } * headers;
    bool has_file;

    pthread_mutex_t lock; // guards what follows: the reply may come from any thread
    bool dispatched, replied, suspended;
    bool waits, given_up; // both under server->lock: in its list; answered for its handler, whose own answer is dropped
    struct MHD_Response *response;
    int status;
    unsigned owners;
    struct http_request *next, *prev; // in server->waiting
};

// Whether it may go on: its framing, method, route, the hook `before`, and the length that its body announces.
[[nodiscard]] bool request_accept(struct http_request *r, const char *method, const char *version, struct err *e);
