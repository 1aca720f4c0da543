// SPDX-License-Identifier: Apache-2.0
// HTTP server on libmicrohttpd. A handler answers a request with exactly one http_reply… call, at once or later from
// any thread (long polls, group commits): until then the request is parked and costs no thread. Strict to clients: TE
// together with CL, repeated Content-Length, a missing Host and oversized headers are refused.
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "http/limits.h"
#include <jansson.h>

struct http_server;
struct http_request;

enum http_method { HTTP_GET = 1, HTTP_POST = 2, HTTP_PUT = 4, HTTP_DELETE = 8, HTTP_HEAD = 16, HTTP_OPTIONS = 32 };

typedef void (*http_handler)(struct http_request *r, void *ctx);

// Streamed body (uploads): called with each piece before the handler runs; false refuses the request with *e.
// `state` starts NULL for each request, belongs to the handler, and is given to `drop` when the request ends early or
// late.
struct http_stream {
    bool (*piece)(struct http_request *r, void *ctx, void **state, struct slice piece, struct err *e);
    void (*drop)(void *ctx, void *state);
};

struct http_route {
    enum http_method method;
    const char
        *path; // "/wasm/{sha256}": a part in braces matches one segment, "{rest*}" at the end matches all the rest
    http_handler handler;
    size_t max_body;                  // bytes; 0: no body allowed
    const struct http_stream *stream; // NULL: the body is collected
    int tag;                          // for the `before` hook (kind of authorisation, metrics)
};

struct http_server_config {
    const char *host;        // "127.0.0.1"
    uint16_t port;           // 0: any free one
    const char *unix_socket; // path of a socket that is made instead (0600); NULL: TCP
    unsigned threads;        // 0: one per core, at most 4
    struct http_limits limits;
    const struct http_route *routes;
    size_t route_count;
    void *ctx; // given to all handlers
    // Runs before the handler (and before a streamed body is taken): false refuses with *e. NULL: none.
    bool (*before)(struct http_request *r, void *ctx, const struct http_route *route, struct err *e);
    // Runs when the whole body is here, before the handler, but where a stream took it: false refuses with *e. NULL:
    // none.
    bool (*whole)(struct http_request *r, void *ctx, const struct http_route *route, struct err *e);
    // Answers a request that is refused before its handler ran (its body is too large, say); `route` is NULL when there
    // is none for it. NULL: http_reply_err.
    void (*refused)(struct http_request *r, const struct http_route *route, const struct err *e);
    // Called after each answer, for metrics. why: the message of http_reply_err, NULL for other answers. NULL: none.
    void (*after)(void *ctx, const struct http_route *route, int status, uint64_t us, const char *why);
    const char *cors_origins; // NULL: no CORS headers; "*": any; else comma list of exact origins
};

[[nodiscard]] bool http_server_start(struct http_server **out, const struct http_server_config *c, struct err *e);
uint16_t http_server_port(const struct http_server *s);
struct connections_counts; // connections.h
void http_server_count(struct http_server *s, struct connections_counts *out);
// Takes no new requests and waits for running ones, 5 s at most: those are answered 503 then, and what their handlers
// answer later is dropped.
void http_server_stop(struct http_server *s); // and frees; NULL is fine

// The request, valid until the reply.
struct arena *http_arena(struct http_request *r);
enum http_method http_method(const struct http_request *r);
const char *http_path(const struct http_request *r);
// By what logs name it, and the answer, as X-Request-Id: what the visitor sent as such, or a new one. The threads of
// the server and of `deferred` say it to the log (log_call); whoever answers from another thread does so himself.
const char *http_id(const struct http_request *r);
const char *http_param(const struct http_request *r,
                       const char *name); // from {name}, percent-decoded; never NULL for a known name
const char *http_query(const struct http_request *r, const char *name); // percent-decoded; NULL when absent
// Each parameter of the query; value NULL: it cannot be decoded. One without '=' has the value "".
void http_each_query(const struct http_request *r, void (*each)(void *ctx, const char *name, const char *value),
                     void *ctx);
const char *http_header(const struct http_request *r, const char *name); // NULL when absent
// Of a header that may be repeated: all its values as one comma list, in the request's arena. NULL when absent.
const char *http_header_list(struct http_request *r, const char *name);
const char *http_bearer(const struct http_request *r); // token of "Authorization: Bearer …", or NULL
struct slice http_body(const struct http_request *r);
// What the `whole` hook made of the body: it gives the document, whose reference the request takes, and the handler
// takes it over. NULL: none was given.
void http_set_json(struct http_request *r, json_t *body);
[[nodiscard]] json_t *http_take_json(struct http_request *r);
void *http_stream_state(const struct http_request *r);
void *http_stream_take(struct http_request *r);      // and `drop` will not be called for it
const char *http_peer(const struct http_request *r); // address as text
bool http_hung_up(struct http_request *r);           // of a parked one: its client has closed, nobody reads the reply
// Room for the `before` hook to leave something for the handler (who is asking).
void http_set_user(struct http_request *r, void *user);
void *http_user(const struct http_request *r);

// Replies. Each ends the request; extra headers are set before. Never waits, from any thread.
void http_add_header(struct http_request *r, const char *name, const char *value);
void http_reply(struct http_request *r, int status, const char *content_type, struct slice body);
void http_reply_json(struct http_request *r, int status, json_t *j); // takes the reference
void http_reply_err(struct http_request *r, const struct err *e);    // {"error":{"code","message","hint"}}
void http_reply_empty(struct http_request *r, int status);
void http_reply_file(struct http_request *r, int status, const char *content_type, int fd, uint64_t size); // takes fd
// For what plays a broken server: announces `length` bytes, sends the shorter body, and ends the connection.
void http_reply_cut(struct http_request *r, int status, const char *content_type, struct slice body, uint64_t length);
void http_redirect(struct http_request *r, const char *location); // 302
