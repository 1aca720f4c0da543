// SPDX-License-Identifier: Apache-2.0
// Each import below is a function of http.wit in the form of the component model's canonical ABI: handles of resources
// and numbers are numbers, a string is an address and a length, and what is too large for one number is written to the
// address that is given last. Sizes and places of these answers follow from the types in http.wit.
#include "http.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))
#define TYPES "wasi:http/types@0.2.0"
#define STREAMS "wasi:io/streams@0.2.0"
typedef int32_t handle;

IMPORT(TYPES, "[constructor]fields") handle fields_new(void);
IMPORT(TYPES, "[constructor]outgoing-request") handle request_new(handle headers);
// A scheme, an authority, a path: `some` is 1. 0 comes back when it was taken.
IMPORT(TYPES, "[method]outgoing-request.set-scheme")
int request_scheme(handle request, int some, int scheme, const char *other, size_t other_len);
IMPORT(TYPES, "[method]outgoing-request.set-authority")
int request_authority(handle request, int some, const char *text, size_t len);
IMPORT(TYPES, "[method]outgoing-request.set-path-with-query")
int request_path(handle request, int some, const char *text, size_t len);
IMPORT(TYPES, "[resource-drop]outgoing-request") void request_drop(handle request);

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

struct made { // result<own<something>>
    uint8_t failed;
    handle it;
};
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

static bool send_request(const char *url, handle *future, struct http_answer *out) {
    int scheme = strncmp(url, "https://", 8) == 0;
    const char *host = url + (scheme ? 8 : 7);
    if (!scheme && strncmp(url, "http://", 7) != 0)
        return fail(out, "HTTP-request-URI-invalid");
    size_t host_len = strcspn(host, "/?");
    const char *path = host[host_len] ? host + host_len : "/";
    handle request = request_new(fields_new());
    if (request_scheme(request, 1, scheme, NULL, 0) || request_authority(request, 1, host, host_len) ||
        request_path(request, 1, path, strlen(path))) {
        request_drop(request);
        return fail(out, "HTTP-request-URI-invalid");
    }
    struct handled sent;
    handle_request(request, 0, 0, &sent); // the request is the host's from here on
    *future = sent.u.future;
    return !sent.failed || fail(out, code_text(sent.u.error.code));
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

bool http_get(const char *url, size_t max, struct http_answer *out) {
    handle future, response;
    struct made body, stream;
    *out = (struct http_answer){0};
    if (!send_request(url, &future, out) || !await_response(future, &response, out))
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
