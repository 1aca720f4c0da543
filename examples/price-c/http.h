// SPDX-License-Identifier: Apache-2.0
// Requests over WASI's HTTP client. To use it in a project of your own, take http.c, http.h and http.wit, and the
// Makefile's line that names http.wit to the linker; the target is wasm32-wasip2.
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct http_answer {
    int status; // 200, 404, …
    char *body; // NUL-terminated; free() it
    size_t len;
    const char *error; // why there is no answer: "connection-refused", "TLS-certificate-error", …
};
// http:// or https://; at most `max` bytes of body are taken. False: only `error` is set.
bool http_get(const char *url, size_t max, struct http_answer *out);
// POST with a body of JSON. bearer: the token of an Authorization header; NULL: there is none.
bool http_post_json(const char *url, const char *json, const char *bearer, size_t max, struct http_answer *out);
