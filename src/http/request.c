// SPDX-License-Identifier: Apache-2.0
#include "http/request.h"

#include <errno.h>

struct arena *http_arena(struct http_request *r) {
    return r->arena;
}
enum http_method http_method(const struct http_request *r) { return r->method; }
const char *http_path(const struct http_request *r) { return r->path; }
const char *http_id(const struct http_request *r) { return r->id; }
struct slice http_body(const struct http_request *r) {
    return buf_slice(&r->body);
}
void http_set_json(struct http_request *r, json_t *body) {
    json_decref(r->json);
    r->json = body;
}

json_t *http_take_json(struct http_request *r) {
    json_t *body = r->json;
    r->json = NULL;
    return body;
}

void *http_stream_state(const struct http_request *r) { return r->stream_state; }
void *http_stream_take(struct http_request *r) {
    void *state = r->stream_state;
    r->stream_state = NULL;
    return state;
}
const char *http_peer(const struct http_request *r) { return connection_peer(r->door); }

// The library does not look at a suspended connection's socket, so we do. One that was answered may be closed.
bool http_hung_up(struct http_request *r) {
    char c;
    pthread_mutex_lock(&r->lock);
    bool gone = r->replied;
    if (!gone) {
        int fd = MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        ssize_t n = recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT);
        gone = n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
    }
    pthread_mutex_unlock(&r->lock);
    return gone;
}

void http_set_user(struct http_request *r, void *user) { r->user = user; }
void *http_user(const struct http_request *r) { return r->user; }

const char *http_param(const struct http_request *r, const char *name) {
    for (size_t i = 0; i < r->params.count; i++)
        if (strcmp(r->params.at[i].name, name) == 0)
            return r->params.at[i].value;
    BUG_ON(!"the route has no such parameter");
    return NULL;
}

const char *http_query(const struct http_request *r, const char *name) {
    const char *raw = MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, name), *out;
    return raw && http_percent_decode(&out, r->arena, slice_str(raw)) ? out : NULL;
}

struct query_look {
    const struct http_request *request;
    void (*each)(void *ctx, const char *name, const char *value);
    void *ctx;
};

static enum MHD_Result look_at_query(void *ctx, enum MHD_ValueKind kind, const char *name, const char *value) {
    const struct query_look *x = ctx;
    const char *decoded;
    (void)kind;
    if (!http_percent_decode(&decoded, x->request->arena, slice_str(value ? value : "")))
        decoded = NULL;
    x->each(x->ctx, name, decoded);
    return MHD_YES;
}

void http_each_query(const struct http_request *r, void (*each)(void *ctx, const char *name, const char *value),
                     void *ctx) {
    struct query_look x = {r, each, ctx};
    MHD_get_connection_values(r->connection, MHD_GET_ARGUMENT_KIND, look_at_query, &x);
}

const char *http_header(const struct http_request *r, const char *name) {
    return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

struct header_list {
    struct http_request *request;
    const char *name, *text;
};

static enum MHD_Result add_to_list(void *ctx, enum MHD_ValueKind kind, const char *name, const char *value) {
    struct header_list *l = ctx;
    (void)kind;
    if (value && strcasecmp(name, l->name) == 0)
        l->text = l->text ? arena_printf(l->request->arena, "%s, %s", l->text, value) : value;
    return MHD_YES;
}

const char *http_header_list(struct http_request *r, const char *name) {
    struct header_list l = {r, name, NULL};
    MHD_get_connection_values(r->connection, MHD_HEADER_KIND, add_to_list, &l);
    return l.text;
}

const char *http_bearer(const struct http_request *r) {
    const char *value = http_header(r, "Authorization");
    if (!value || strncasecmp(value, "Bearer ", 7) != 0)
        return NULL;
    value += 7;
    return value + strspn(value, " ");
}
