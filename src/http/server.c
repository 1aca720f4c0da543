// SPDX-License-Identifier: Apache-2.0
#include "http/server.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/sync.h"
#include "http/listen.h"
#include "http/request.h"
#include <inttypes.h>
#include <sys/random.h>

// Headers and buffers of a connection. Twice what request_accept takes: what the library finds too long it answers in
// its own form, not in ours.
#define CONNECTION_MEMORY 65536
#define DISCARD_MAX (128u << 20) // how much of a refused body is read, so that the client gets to see the answer
#define FILES_MAX 512            // that are being sent at a time: each is open until its client has it
#define RETRY_AFTER_S "1"        // of answers 503 whose handler says no other time
#define DRAIN_MS 5000            // at stop: how long parked requests may take before they are answered 503

// --- life

static void server_drop(struct http_server *s) {
    if (atomic_fetch_sub(&s->owners, 1) != 1)
        return;
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->drained);
    free(s);
}

static void drop_owner(struct http_request *r) {
    pthread_mutex_lock(&r->lock);
    bool last = --r->owners == 0;
    pthread_mutex_unlock(&r->lock);
    if (!last)
        return;
    if (r->response)
        MHD_destroy_response(r->response);
    if (r->has_file)
        atomic_fetch_sub(&r->server->files, 1);
    buf_free(&r->body);
    json_decref(r->json);
    pthread_mutex_destroy(&r->lock);
    arena_free(r->arena);
    server_drop(r->server);
    free(r);
}

static void waiting_add(struct http_request *r) {
    struct http_server *s = r->server;
    pthread_mutex_lock(&s->lock);
    r->next = s->waiting;
    if (r->next)
        r->next->prev = r;
    s->waiting = r;
    r->waits = true;
    pthread_mutex_unlock(&s->lock);
}

// false: it was answered already, while the server stopped.
static bool waiting_remove(struct http_request *r) {
    struct http_server *s = r->server;
    pthread_mutex_lock(&s->lock);
    bool waits = r->waits;
    BUG_ON(!waits && !r->given_up);
    if (waits) {
        *(r->prev ? &r->prev->next : &s->waiting) = r->next;
        if (r->next)
            r->next->prev = r->prev;
        r->waits = false;
        s->sending++;
    }
    pthread_mutex_unlock(&s->lock);
    return waits;
}

static void sent(struct http_server *s) {
    pthread_mutex_lock(&s->lock);
    s->sending--;
    pthread_cond_signal(&s->drained);
    pthread_mutex_unlock(&s->lock);
}

// The server's prefix and the next number in hexadecimal digits; by hand, since this is done for each answer.
static const char *id_new(const struct http_request *r) {
    const struct http_server *s = r->server;
    uint64_t n = atomic_fetch_add(&r->server->id_count, 1);
    size_t digits = 1, prefix = sizeof s->id_prefix - 1;
    while (digits < 16 && n >> 4 * digits)
        digits++;
    char *id = arena_alloc(r->arena, prefix + 1 + digits + 1), *at = id + prefix + 1;
    memcpy(id, s->id_prefix, prefix);
    id[prefix] = '-';
    at[digits] = 0;
    for (size_t i = digits; i-- > 0; n >>= 4)
        at[i] = "0123456789abcdef"[n & 15];
    return id;
}

// The visitor's own X-Request-Id where it is one, so that our logs and his speak of the same.
static const char *id_of(const struct http_request *r) {
    const char *own = http_header(r, "X-Request-Id");
    if (own && log_is_id(own))
        return arena_strdup(r->arena, own);
    return id_new(r);
}

static struct http_request *request_new(struct http_server *s, struct MHD_Connection *c, const char *url) {
    struct http_request *r = xcalloc(1, sizeof *r);
    r->server = s;
    atomic_fetch_add(&s->owners, 1);
    r->connection = c;
    r->arena = arena_new();
    r->path = arena_strdup(r->arena, url);
    r->id = id_of(r);
    r->started_us = clock_mono_us();
    r->owners = 1;
    pthread_mutex_init(&r->lock, NULL);
    r->door = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    return r;
}

static void refuse(struct http_request *r, const struct err *e) {
    r->refused = true;
    r->error = *e;
}

static void take_piece(struct http_request *r, const char *data, size_t n) {
    struct err e;
    r->received += n;
    if (r->refused || !r->route)
        return;
    if (r->received > r->route->max_body) {
        err_set(&e, ERR_TOO_LARGE, "the body is too large here");
        err_hint(&e, "at most %zu bytes", r->route->max_body);
        refuse(r, &e);
    } else if (r->route->stream) {
        if (!r->route->stream->piece(r, r->server->config.ctx, &r->stream_state, slice_of(data, n), &e))
            refuse(r, &e);
    } else {
        buf_add(&r->body, data, n);
    }
}

// --- dispatch

static void answer_options(struct http_request *r) {
    if (r->origin) {
        http_add_header(r, "Access-Control-Allow-Methods", "GET, POST, PUT, DELETE, OPTIONS");
        http_add_header(r, "Access-Control-Allow-Headers", "*, authorization, content-type, if-none-match, x-api-key");
        http_add_header(r, "Access-Control-Max-Age", "86400");
    }
    http_reply_empty(r, 204);
}

static bool body_ok(struct http_request *r, struct err *e) {
    const struct http_server_config *c = &r->server->config;
    return !c->whole || r->route->stream || c->whole(r, c->ctx, r->route, e);
}

static void dispatch(struct http_request *r) {
    struct err e;
    waiting_add(r);
    if (r->refused && r->server->config.refused) {
        r->server->config.refused(r, r->route, &r->error);
    } else if (r->refused) {
        http_reply_err(r, &r->error);
    } else if (r->method == HTTP_OPTIONS) {
        answer_options(r);
    } else if (atomic_load(&r->server->stopping)) {
        err_set(&e, ERR_UNAVAILABLE, "the server is stopping");
        err_hint(&e, "try again in a moment");
        http_reply_err(r, &e);
    } else if (!body_ok(r, &e)) {
        http_reply_err(r, &e);
    } else {
        r->route->handler(r, r->server->config.ctx);
    }
}

static void request_is(const struct http_request *r, enum connection_part part) {
    connection_is(r->server->connections, r->door, part);
}

static enum MHD_Result queue_response(struct http_request *r) {
    request_is(r, CONNECTION_ANSWER);
    enum MHD_Result ok = MHD_queue_response(r->connection, (unsigned)r->status, r->response);
    const struct http_server_config *c = &r->server->config;
    if (c->after)
        c->after(c->ctx, r->route, r->status, clock_mono_us() - r->started_us, r->why);
    return ok;
}

// The whole request is here: hands it to its handler, once, and then queues the answer or parks the connection.
static enum MHD_Result finish(struct http_request *r) {
    if (!r->dispatched) {
        r->dispatched = true;
        r->owners++;
        request_is(r, CONNECTION_WORK);
        dispatch(r);
    }
    pthread_mutex_lock(&r->lock);
    bool replied = r->replied;
    if (!replied) {
        MHD_suspend_connection(r->connection);
        r->suspended = true;
    }
    pthread_mutex_unlock(&r->lock);
    return replied ? queue_response(r) : MHD_YES;
}

static enum MHD_Result take_part(struct http_request *r, const char *data, size_t *size) {
    if (*size) {
        take_piece(r, data, *size);
        *size = 0;
        return r->received <= DISCARD_MAX ? MHD_YES : MHD_NO;
    }
    return finish(r);
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *c, const char *url, const char *method,
                                  const char *version, const char *data, size_t *size, void **state) {
    struct http_request *r = *state;
    enum MHD_Result ok = MHD_YES;
    if (!r) {
        struct err e;
        *state = r = request_new(ctx, c, url);
        log_call(r->id);
        request_is(r, CONNECTION_BODY);
        if (!request_accept(r, method, version, &e))
            refuse(r, &e);
    } else {
        log_call(r->id);
        ok = take_part(r, data, size);
    }
    log_call(NULL); // the thread has others' requests, too
    log_request(NULL);
    return ok;
}

static void on_completed(void *ctx, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode code) {
    (void)c, (void)code;
    struct http_server *s = ctx;
    struct http_request *r = *state;
    if (!r)
        return;
    if (r->route && r->route->stream && r->stream_state)
        r->route->stream->drop(s->config.ctx, r->stream_state);
    if (r->response) // nobody answers any more: a connection completes after its answer, or unanswered at its client's
                     // end
        sent(s);
    request_is(r, CONNECTION_IDLE);
    drop_owner(r);
    *state = NULL;
}

static enum MHD_Result on_accept(void *ctx, const struct sockaddr *from, socklen_t size) {
    struct http_server *s = ctx;
    const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    if (atomic_load(&s->stopping))
        return MHD_NO;
    return connections_admit(s->connections, size >= sizeof nobody ? from : &nobody) ? MHD_YES : MHD_NO;
}

static void on_connection(void *ctx, struct MHD_Connection *c, void **door, enum MHD_ConnectionNotificationCode what) {
    struct http_server *s = ctx;
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        *door =
            connection_begin(s->connections, MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
    else
        connection_end(s->connections, *door);
}

// Paths and queries are decoded by us, after they have been taken apart.
static size_t leave_raw(void *ctx, struct MHD_Connection *c, char *text) {
    (void)ctx, (void)c;
    return strlen(text);
}

static void library_log(void *ctx, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);
static void library_log(void *ctx, const char *fmt, va_list ap) {
    (void)ctx;
    char text[256];
    vsnprintf(text, sizeof text, fmt, ap);
    log_debug("http: %s", text);
}

// --- start and stop

static unsigned thread_count(const struct http_server_config *c) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned n = c->threads ? c->threads : cores > 4 ? 4 : cores > 0 ? (unsigned)cores : 1;
    return n;
}

static bool start_daemon(struct http_server *s, const struct sockaddr_storage *address, bool v6, int fd) {
    const struct http_server_config *config = &s->config;
    unsigned threads = thread_count(config), flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
                                                     MHD_USE_ERROR_LOG | MHD_USE_ITC | (v6 ? MHD_USE_IPv6 : 0);
    struct MHD_OptionItem where[] = {{MHD_OPTION_SOCK_ADDR, 0, (void *)(uintptr_t)address}, {MHD_OPTION_END, 0, NULL}};
    if (fd >= 0)
        where[0] = (struct MHD_OptionItem){MHD_OPTION_LISTEN_SOCKET, fd, NULL};
    // Each thread may have all of them: who comes in, we say ourselves.
    unsigned most = (unsigned)connections_max(s->connections) * threads;
    unsigned idle_s = (unsigned)(config->limits.idle_s ? config->limits.idle_s : HTTP_IDLE_S_DEFAULT);
    s->daemon = MHD_start_daemon(flags, config->port, on_accept, s, on_request, s, MHD_OPTION_EXTERNAL_LOGGER,
                                 library_log, NULL, MHD_OPTION_ARRAY, where, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
                                 s, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_UNESCAPE_CALLBACK,
                                 leave_raw, NULL, MHD_OPTION_STRICT_FOR_CLIENT, 0, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                                 (size_t)CONNECTION_MEMORY, MHD_OPTION_LISTEN_BACKLOG_SIZE,
                                 1024u, // a port has one server: no ADDRESS_REUSE
                                 MHD_OPTION_CONNECTION_TIMEOUT, idle_s, MHD_OPTION_CONNECTION_LIMIT, most,
                                 threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, threads, MHD_OPTION_END);
    return s->daemon != NULL;
}

static void not_listening(const struct http_server_config *config, struct err *e) {
    if (config->unix_socket) {
        err_errno(e, "cannot listen on '%s'", config->unix_socket);
    } else {
        err_errno(e, "cannot listen on %s port %u", config->host, config->port);
        err_hint(e, "is another program there? PORT=0 takes any free one");
    }
}

bool http_server_start(struct http_server **out, const struct http_server_config *config, struct err *e) {
    struct sockaddr_storage address;
    bool v6 = false;
    int fd;
    struct connections *connections;
    if ((!config->unix_socket && !listen_address(&address, &v6, config->host, config->port, e)) ||
        !connections_new(&connections, &config->limits, e))
        return false;
    if (!listen_unix(&fd, config->unix_socket, e)) {
        connections_free(connections);
        return false;
    }
    struct http_server *s = xcalloc(1, sizeof *s);
    atomic_init(&s->owners, 1);
    s->config = *config;
    s->connections = connections;
    uint32_t prefix = 0;
    (void)!getrandom(&prefix, sizeof prefix, GRND_NONBLOCK); // ids need to differ, not to be secret
    snprintf(s->id_prefix, sizeof s->id_prefix, "%08" PRIx32, prefix);
    pthread_mutex_init(&s->lock, NULL);
    cond_init(&s->drained);
    if (!start_daemon(s, &address, v6, fd)) {
        not_listening(config, e);
        if (fd >= 0) {
            unlink(config->unix_socket);
            close(fd);
        }
        connections_free(connections);
        free(s);
        return false;
    }
    s->port = fd >= 0 ? 0 : MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
    *out = s;
    return true;
}

uint16_t http_server_port(const struct http_server *s) { return s->port; }
void http_server_count(struct http_server *s, struct connections_counts *out) {
    connections_count(s->connections, out);
}

// Gives up one owner's share of the request: the connection's own thread sends the response, woken up where it is
// parked.
static void hand_over(struct http_request *r, int status, struct MHD_Response *response) {
    if (!waiting_remove(r)) {
        MHD_destroy_response(response);
        drop_owner(r);
        return;
    }
    pthread_mutex_lock(&r->lock);
    BUG_ON(r->replied);
    r->response = response;
    r->status = status;
    r->replied = true;
    if (r->suspended) {
        r->suspended = false;
        MHD_resume_connection(r->connection);
    }
    pthread_mutex_unlock(&r->lock);
    drop_owner(r);
}

static struct MHD_Response *stopping_response(void) {
    static char text[] = "{\"error\":{\"code\":\"unavailable\",\"message\":\"the server is stopping\",\"hint\":"
                         "\"try again in a moment\"}}";
    struct MHD_Response *response = MHD_create_response_from_buffer(sizeof text - 1, text, MHD_RESPMEM_PERSISTENT);
    MHD_add_response_header(response, "Content-Type", "application/json; charset=utf-8");
    MHD_add_response_header(response, "Connection", "close");
    MHD_add_response_header(response, "Retry-After", RETRY_AFTER_S);
    return response;
}

// One that still waits, owned by the caller, too: its handler may still come.
static struct http_request *give_up_one(struct http_server *s) {
    pthread_mutex_lock(&s->lock);
    struct http_request *left = s->waiting;
    if (left) {
        left->given_up = true;
        pthread_mutex_lock(&left->lock);
        left->owners++;
        pthread_mutex_unlock(&left->lock);
    }
    pthread_mutex_unlock(&s->lock);
    return left;
}

// Waits until every handler has answered and the answers are out; what is still parked then is answered here, or the
// library could not stop.
static void drain(struct http_server *s) {
    uint64_t end = deadline_in(DRAIN_MS);
    pthread_mutex_lock(&s->lock);
    while ((s->waiting || s->sending) && cond_wait_until(&s->drained, &s->lock, end))
        ;
    pthread_mutex_unlock(&s->lock);
    for (struct http_request *left; (left = give_up_one(s));) {
        log_warn("http: %s was not answered by its handler", left->path);
        hand_over(left, 503, stopping_response()); // its arena and headers are its handler's
    }
}

void http_server_stop(struct http_server *s) {
    if (!s)
        return;
    atomic_store(&s->stopping, true);
    if (s->config.unix_socket) // while it is served: afterwards another server may have taken its place
        unlink(s->config.unix_socket);
    // on_accept turns away who comes now. MHD_quiesce_daemon would do so, too, but races with the library's own threads
    // about the listener's place in their epoll sets, and the loser ends the process.
    drain(s);
    MHD_stop_daemon(s->daemon);
    connections_free(s->connections);
    server_drop(s);
}

// --- replies

void http_add_header(struct http_request *r, const char *name, const char *value) {
    struct header *h = arena_alloc(r->arena, sizeof *h);
    *h = (struct header){r->headers, arena_strdup(r->arena, name), arena_strdup(r->arena, value)};
    r->headers = h;
}

static void reply(struct http_request *r, int status, const char *content_type, struct MHD_Response *response) {
    BUG_ON(!response);
    for (struct header *h = r->headers; h; h = h->next)
        MHD_add_response_header(response, h->name, h->value);
    if (content_type)
        MHD_add_response_header(response, "Content-Type", content_type);
    // Some of what is served came from strangers: nobody guesses another type out of its bytes.
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(response, "X-Request-Id", r->id);
    if (r->origin) {
        MHD_add_response_header(response, "Access-Control-Allow-Origin", r->origin);
        MHD_add_response_header(response, "Access-Control-Expose-Headers", "ETag, Link, Retry-After, X-Request-Id");
        if (strcmp(r->origin, "*") != 0)
            MHD_add_response_header(response, "Vary", "Origin");
    }
    hand_over(r, status, response);
}

void http_reply(struct http_request *r, int status, const char *content_type, struct slice body) {
    reply(r, status, content_type,
          MHD_create_response_from_buffer(body.len, (void *)(uintptr_t)(body.len ? body.ptr : (const uint8_t *)""),
                                          MHD_RESPMEM_MUST_COPY));
}

void http_reply_json(struct http_request *r, int status, json_t *j) {
    char *text = json_dumps(j, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(j);
    BUG_ON(!text);
    reply(r, status, "application/json; charset=utf-8",
          MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE));
}

static bool has_header(const struct http_request *r, const char *name) {
    const struct header *h = r->headers;
    while (h && strcasecmp(h->name, name) != 0)
        h = h->next;
    return h;
}

void http_reply_err(struct http_request *r, const struct err *e) {
    json_t *j = json_pack("{s:{s:s,s:s,s:s}}", "error", "code", err_slug(e->code), "message", e->msg, "hint", e->hint);
    if (!j) // a message that is not UTF-8
        j = json_pack("{s:{s:s,s:s,s:s}}", "error", "code", err_slug(e->code), "message", "bad request", "hint", "");
    r->why = arena_strdup(r->arena, e->msg);
    if (e->code == ERR_UNAUTHORIZED)
        http_add_header(r, "WWW-Authenticate", "Bearer");
    if (e->code == ERR_TOO_LARGE || e->code == ERR_UNAVAILABLE)
        http_add_header(r, "Connection", "close");
    if (e->code == ERR_UNAVAILABLE && !has_header(r, "Retry-After"))
        http_add_header(r, "Retry-After", RETRY_AFTER_S);
    http_reply_json(r, err_http_status(e->code), j);
}

void http_reply_empty(struct http_request *r, int status) {
    reply(r, status, NULL, MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT));
}

void http_reply_file(struct http_request *r, int status, const char *content_type, int fd, uint64_t size) {
    struct err e;
    r->has_file = true;
    if (atomic_fetch_add(&r->server->files, 1) < FILES_MAX) {
        reply(r, status, content_type, MHD_create_response_from_fd64(size, fd));
        return;
    }
    close(fd);
    err_set(&e, ERR_UNAVAILABLE, "%d files are being sent here already", FILES_MAX);
    err_hint(&e, "ask again in a few seconds");
    http_reply_err(r, &e);
}

static ssize_t read_cut(void *ctx, uint64_t at, char *out, size_t max) {
    const struct slice left = slice_skip(*(const struct slice *)ctx, at);
    size_t n = left.len < max ? left.len : max;
    if (!n)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    memcpy(out, left.ptr, n);
    return (ssize_t)n;
}

void http_reply_cut(struct http_request *r, int status, const char *content_type, struct slice body, uint64_t length) {
    struct slice *own = arena_alloc(r->arena, sizeof *own);
    *own = arena_copy(r->arena, body);
    reply(r, status, content_type, MHD_create_response_from_callback(length, 4096, read_cut, own, NULL));
}

void http_redirect(struct http_request *r, const char *location) {
    http_add_header(r, "Location", location);
    http_reply_empty(r, 302);
}
