// SPDX-License-Identifier: Apache-2.0
// Each import below is a function of http.wit in the form of the component model's canonical ABI: handles of resources
// and numbers are numbers, a string is an address and a length, and what is too large for one number is written to the
// address that is given last. Sizes and places of these answers follow from the types in http.wit.
#include "http.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))
#define TYPES "wasi:http/types@0.2.0"
#define STREAMS "wasi:io/streams@0.2.0"
typedef int32_t handle;

IMPORT(TYPES, "[constructor]fields") handle fields_new(void);
IMPORT(TYPES, "[constructor]outgoing-request") handle request_new(handle headers);
IMPORT(TYPES, "[method]fields.append")
void fields_append(handle fields, const char *name, size_t name_len, const char *value, size_t value_len,
                   uint8_t result[2]);
// A method: 0 is GET, 2 is POST, in the order of http.wit.
IMPORT(TYPES, "[method]outgoing-request.set-method")
int request_method(handle request, int method, const char *other, size_t other_len);
// A scheme, an authority, a path: `some` is 1. 0 comes back when it was taken.
IMPORT(TYPES, "[method]outgoing-request.set-scheme")
int request_scheme(handle request, int some, int scheme, const char *other, size_t other_len);
IMPORT(TYPES, "[method]outgoing-request.set-authority")
int request_authority(handle request, int some, const char *text, size_t len);
IMPORT(TYPES, "[method]outgoing-request.set-path-with-query")
int request_path(handle request, int some, const char *text, size_t len);
IMPORT(TYPES, "[resource-drop]outgoing-request") void request_drop(handle request);
struct made { // result<own<something>>
    uint8_t failed;
    handle it;
};
IMPORT(TYPES, "[method]outgoing-request.body") void request_body(handle request, struct made *body);
IMPORT(TYPES, "[method]outgoing-body.write") void body_write(handle body, struct made *stream);
// Takes the body; without trailers. The result's error is as in struct handled.
IMPORT(TYPES, "[static]outgoing-body.finish")
void body_finish(handle body, int some, handle trailers, void *result);
IMPORT(TYPES, "[resource-drop]outgoing-body") void outgoing_drop(handle body);
// result<_, stream-error>
struct written {
    uint8_t failed;
    struct {
        uint8_t closed;
        handle error;
    } error __attribute__((aligned(4)));
};
#define WRITE_MAX 4096 // of one call, as WASI has it
IMPORT(STREAMS, "[method]output-stream.blocking-write-and-flush")
void stream_write(handle stream, const char *bytes, size_t len, struct written *out);
IMPORT(STREAMS, "[resource-drop]output-stream") void output_drop(handle stream);

// result<own<future>, error-code>: 0 ok and the handle, or 1 and the error
struct handled {
    uint8_t failed;
    union {
        handle future;
        struct {
            uint8_t code;
        } error;
    } u __attribute__((aligned(8)));
    uint8_t rest[24]; // what some errors say beside their code
};
IMPORT("wasi:http/outgoing-handler@0.2.0", "handle")
void handle_request(handle request, int some, handle options, struct handled *out);

// option<result<result<own<response>, error-code>>>
struct arrived {
    uint8_t some;
    uint8_t taken __attribute__((aligned(8))); // 1: it has been taken before
    uint8_t failed __attribute__((aligned(8)));
    union {
        handle response;
        struct {
            uint8_t code;
        } error;
    } u __attribute__((aligned(8)));
    uint8_t rest[24];
};
_Static_assert(sizeof(struct handled) == 40 && sizeof(struct arrived) == 56, "as the canonical ABI has them");
IMPORT(TYPES, "[method]future-incoming-response.subscribe") handle future_subscribe(handle future);
IMPORT(TYPES, "[method]future-incoming-response.get") void future_get(handle future, struct arrived *out);
IMPORT(TYPES, "[resource-drop]future-incoming-response") void future_drop(handle future);
IMPORT("wasi:io/poll@0.2.0", "[method]pollable.block") void pollable_block(handle pollable);
IMPORT("wasi:io/poll@0.2.0", "[resource-drop]pollable") void pollable_drop(handle pollable);

IMPORT(TYPES, "[method]incoming-response.status") int response_status(handle response);
IMPORT(TYPES, "[method]incoming-response.consume") void response_consume(handle response, struct made *body);
IMPORT(TYPES, "[resource-drop]incoming-response") void response_drop(handle response);
IMPORT(TYPES, "[method]incoming-body.stream") void body_stream(handle body, struct made *stream);
IMPORT(TYPES, "[resource-drop]incoming-body") void body_drop(handle body);

// result<list<u8>, stream-error>
struct piece {
    uint8_t failed;
    union {
        struct {
            uint8_t *bytes;
            size_t len;
        } list;
        struct {
            uint8_t closed; // 1: the end; 0: an error, with a handle that tells more
            handle error;
        } error;
    } u;
};
IMPORT(STREAMS, "[method]input-stream.blocking-read") void stream_read(handle stream, uint64_t len, struct piece *out);
IMPORT(STREAMS, "[resource-drop]input-stream") void stream_drop(handle stream);
IMPORT("wasi:io/error@0.2.0", "[resource-drop]error") void error_drop(handle error);

// How the host gets memory for lists and strings that it returns.
__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, size_t old_len, size_t align, size_t len) {
    (void)old_len;
    if (len == 0)
        return (void *)align;
    void *p = realloc(old, len);
    if (!p)
        abort();
    return p;
}

// error-code, in the order of http.wit
static const char *const codes[] = {
    "DNS-timeout",
    "DNS-error",
    "destination-not-found",
    "destination-unavailable",
    "destination-IP-prohibited",
    "destination-IP-unroutable",
    "connection-refused",
    "connection-terminated",
    "connection-timeout",
    "connection-read-timeout",
    "connection-write-timeout",
    "connection-limit-reached",
    "TLS-protocol-error",
    "TLS-certificate-error",
    "TLS-alert-received",
    "HTTP-request-denied",
};
static const char *code_text(unsigned code) {
    return code < sizeof codes / sizeof *codes ? codes[code] : "HTTP-protocol-error";
}

static bool fail(struct http_answer *out, const char *why) {
    *out = (struct http_answer){.error = why};
    return false;
}

// What goes with a request beside its address. json NULL: it is a GET.
struct content {
    const char *json, *bearer;
};

static void add_header(handle fields, const char *name, const char *value) {
    uint8_t result[2];
    fields_append(fields, name, strlen(name), value, strlen(value), result);
}

static handle make_fields(const struct content *c) {
    handle fields = fields_new();
    char *bearer = c->bearer ? malloc(strlen(c->bearer) + 8) : NULL;
    if (c->json) { // many services take no body whose length they are not told
        char len[24];
        snprintf(len, sizeof len, "%zu", strlen(c->json));
        add_header(fields, "content-type", "application/json");
        add_header(fields, "content-length", len);
    }
    if (bearer) {
        strcpy(bearer, "Bearer ");
        strcpy(bearer + 7, c->bearer);
        add_header(fields, "authorization", bearer);
        free(bearer);
    }
    return fields;
}

// Whether the other side has taken all of it. The body is gone afterwards.
static bool write_body(handle body, const char *text) {
    struct made stream;
    struct written w = {0};
    struct handled result; // as long as the longest error
    body_write(body, &stream);
    for (size_t len = strlen(text), n; len && !w.failed; text += n, len -= n) {
        n = len < WRITE_MAX ? len : WRITE_MAX;
        stream_write(stream.it, text, n, &w);
    }
    output_drop(stream.it);
    if (w.failed) {
        if (!w.error.closed)
            error_drop(w.error.error);
        outgoing_drop(body);
        return false;
    }
    body_finish(body, 0, 0, &result);
    return !result.failed;
}

static bool address_request(handle request, const char *url) {
    int scheme = strncmp(url, "https://", 8) == 0;
    const char *host = url + (scheme ? 8 : 7);
    if (!scheme && strncmp(url, "http://", 7) != 0)
        return false;
    size_t host_len = strcspn(host, "/?");
    const char *path = host[host_len] ? host + host_len : "/";
    return !request_scheme(request, 1, scheme, NULL, 0) && !request_authority(request, 1, host, host_len) &&
           !request_path(request, 1, path, strlen(path));
}

static bool send_request(const char *url, const struct content *c, handle *future, struct http_answer *out) {
    struct made body;
    struct handled sent;
    handle request = request_new(make_fields(c));
    if (!address_request(request, url) || (c->json && request_method(request, 2, NULL, 0))) {
        request_drop(request);
        return fail(out, "HTTP-request-URI-invalid");
    }
    if (c->json)
        request_body(request, &body);
    handle_request(request, 0, 0, &sent); // the request is the host's from here on
    *future = sent.u.future;
    if (sent.failed) {
        if (c->json)
            outgoing_drop(body.it);
        return fail(out, code_text(sent.u.error.code));
    }
    if (c->json)
        write_body(body.it, c->json); // what went wrong with it, the answer tells
    return true;
}

static bool await_response(handle future, handle *response, struct http_answer *out) {
    struct arrived a;
    handle ready = future_subscribe(future);
    pollable_block(ready);
    pollable_drop(ready);
    future_get(future, &a);
    future_drop(future);
    *response = a.u.response;
    return (a.some && !a.taken && !a.failed) || fail(out, code_text(a.u.error.code));
}

static bool read_stream(handle stream, size_t max, struct http_answer *out) {
    for (;;) {
        struct piece p;
        stream_read(stream, 65536, &p);
        if (p.failed && p.u.error.closed)
            return true;
        if (p.failed) {
            error_drop(p.u.error.error);
            return false;
        }
        char *more = p.u.list.len > max - out->len ? NULL : realloc(out->body, out->len + p.u.list.len + 1);
        if (more) {
            memcpy(more + out->len, p.u.list.bytes, p.u.list.len);
            out->body = more;
            out->len += p.u.list.len;
            more[out->len] = 0;
        }
        if (p.u.list.len)
            free(p.u.list.bytes);
        if (!more)
            return false;
    }
}

static bool ask(const char *url, const struct content *c, size_t max, struct http_answer *out) {
    handle future, response;
    struct made body, stream;
    *out = (struct http_answer){0};
    if (!send_request(url, c, &future, out) || !await_response(future, &response, out))
        return false;
    out->status = response_status(response);
    out->body = calloc(1, 1);
    response_consume(response, &body);
    body_stream(body.it, &stream);
    bool whole = out->body && read_stream(stream.it, max, out);
    stream_drop(stream.it);
    body_drop(body.it);
    response_drop(response);
    if (whole)
        return true;
    free(out->body);
    return fail(out, "HTTP-response-incomplete");
}

bool http_get(const char *url, size_t max, struct http_answer *out) {
    const struct content none = {0};
    return ask(url, &none, max, out);
}

bool http_post_json(const char *url, const char *json, const char *bearer, size_t max, struct http_answer *out) {
    const struct content c = {json, bearer};
    return ask(url, &c, max, out);
}
