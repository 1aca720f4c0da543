// SPDX-License-Identifier: Apache-2.0
#include "http/request.h"

#define HEADERS_MAX 32768 // bytes of a request's line and headers

struct counts {
    unsigned content_length, transfer_encoding, host;
};

static enum MHD_Result count_header(void *ctx, enum MHD_ValueKind kind, const char *name, const char *value) {
    (void)kind, (void)value;
    struct counts *n = ctx;
    n->content_length += strcasecmp(name, "Content-Length") == 0;
    n->transfer_encoding += strcasecmp(name, "Transfer-Encoding") == 0;
    n->host += strcasecmp(name, "Host") == 0;
    return MHD_YES;
}

// What is no address, others on the way here may have read as another one. In a query it is a space, as '+' is there.
static bool path_ok(struct http_request *r, struct err *e) {
    return !strchr(r->path, ' ') || err_set(e, ERR_INVALID, "the request has a space in its path") ||
           err_hint(e, "a space in a path is written as %%20");
}

static bool host_ok(unsigned hosts, const char *version, struct err *e) {
    if (hosts > 1)
        return err_set(e, ERR_INVALID, "the request has two Host headers");
    return hosts || strcmp(version, "HTTP/1.1") != 0 || err_set(e, ERR_INVALID, "the request has no Host header") ||
           err_hint(e, "HTTP/1.1 wants one");
}

static bool headers_ok(struct http_request *r, struct err *e) {
    const union MHD_ConnectionInfo *i = MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    size_t n = i ? i->header_size : 0;
    return n <= HEADERS_MAX || err_set(e, ERR_TOO_LARGE, "the request has %zu bytes of line and headers", n) ||
           err_hint(e, "at most %d bytes", HEADERS_MAX);
}

// Two lengths, or a length and a transfer coding, are how one request is smuggled inside another.
static bool framing_ok(struct http_request *r, const char *version, struct err *e) {
    struct counts n = {0};
    MHD_get_connection_values(r->connection, MHD_HEADER_KIND, count_header, &n);
    bool ok =
        n.content_length + n.transfer_encoding <= 1 ||
        err_set(e, ERR_INVALID, "the request's framing is ambiguous: one Content-Length or one Transfer-Encoding");
    ok = ok && host_ok(n.host, version, e) && path_ok(r, e) && headers_ok(r, e);
    if (!ok)
        http_add_header(r, "Connection", "close"); // where the next request begins is anybody's guess
    return ok;
}

static bool body_announced_ok(struct http_request *r, struct err *e) {
    const char *text = http_header(r, "Content-Length");
    char *end;
    unsigned long long n = text ? strtoull(text, &end, 10) : 0;
    if (n <= r->route->max_body)
        return true;
    err_set(e, ERR_TOO_LARGE, "a body of %llu bytes is too large here", n);
    return err_hint(e, "at most %zu bytes", r->route->max_body);
}

static bool method_of(const char *name, enum http_method *out) {
    for (int m = HTTP_GET; m <= HTTP_OPTIONS; m <<= 1) {
        if (strcmp(name, http_method_name((enum http_method)m)) == 0) {
            *out = (enum http_method)m;
            return true;
        }
    }
    return false;
}

// The request's own Origin when it is allowed, so that it can be repeated in the answer.
static const char *allowed_origin(struct http_request *r) {
    const char *list = r->server->config.cors_origins, *origin = http_header(r, "Origin");
    if (!list || !origin)
        return NULL;
    if (strcmp(list, "*") == 0)
        return "*";
    size_t n = strlen(origin);
    for (const char *p = list; *p; p += strcspn(p, ","), p += *p == ',') {
        while (*p == ' ')
            p++;
        if (strncmp(p, origin, n) == 0 && (p[n] == ',' || p[n] == ' ' || p[n] == 0))
            return origin;
    }
    return NULL;
}

// RFC 9110: a refusal of a method names those that the path has.
static void say_allowed(struct http_request *r, unsigned allowed) {
    const char *list = "OPTIONS";
    allowed |= allowed & HTTP_GET ? HTTP_HEAD : 0;
    for (int m = HTTP_GET; m < HTTP_OPTIONS; m <<= 1)
        if (allowed & (unsigned)m)
            list = arena_printf(r->arena, "%s, %s", http_method_name((enum http_method)m), list);
    http_add_header(r, "Allow", list);
}

static const struct http_route *find_route(struct http_request *r, enum http_method method, struct err *e) {
    const struct http_server_config *c = &r->server->config;
    unsigned allowed;
    const struct http_route *found =
        http_route_find(c->routes, c->route_count, method, r->path, r->arena, &r->params, &allowed, e);
    if (!found && allowed)
        say_allowed(r, allowed);
    return found;
}

static bool refuse_method(struct http_request *r, const char *method, struct err *e) {
    if (!find_route(r, HTTP_OPTIONS, e) && e->code == ERR_METHOD) // no route has that one: what there is
        err_set(e, ERR_METHOD, "unknown method '%.16s'", method);
    return false;
}

bool request_accept(struct http_request *r, const char *method, const char *version, struct err *e) {
    r->origin = allowed_origin(r);
    bool known = method_of(method, &r->method);
    if (!known)
        r->method = HTTP_GET;       // it is answered with a body
    if (!framing_ok(r, version, e)) // whatever its method: where the next request begins depends on it
        return false;
    if (!known)
        return refuse_method(r, method, e);
    if (r->method == HTTP_OPTIONS)
        return true;
    r->route = find_route(r, r->method, e);
    if (!r->route)
        return false;
    const struct http_server_config *c = &r->server->config;
    if (c->before && !c->before(r, c->ctx, r->route, e))
        return false;
    r->body = buf_init(r->route->max_body);
    return body_announced_ok(r, e);
}
