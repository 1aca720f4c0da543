// SPDX-License-Identifier: Apache-2.0
// Finds the route of a path. Paths are matched segment by segment before percent-decoding, so that an encoded slash
// stays inside its segment; parameters are decoded. Inner part of the server.
#pragma once
#include "base/arena.h"
#include "http/server.h"

#define HTTP_PARAMS_MAX 4

struct http_params {
    size_t count;
    struct {
        const char *name; // in the arena, like the value
        const char *value;
    } at[HTTP_PARAMS_MAX];
};

// The route for method and raw path; a path that a route has letter by letter is none of one with parameters. NULL:
// *allowed holds the methods that the path has (0: no such path), or ERR_INVALID is set for a path that cannot be
// decoded.
const struct http_route *http_route_find(const struct http_route *routes, size_t count, enum http_method method,
                                         const char *raw_path, struct arena *a, struct http_params *out,
                                         unsigned *allowed, struct err *e);
// Percent-decoding; false for a broken escape or a NUL.
bool http_percent_decode(const char **out, struct arena *a, struct slice raw);
const char *http_method_name(enum http_method m);
