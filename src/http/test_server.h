// SPDX-License-Identifier: Apache-2.0
// For tests: a server with these routes on a free port of this machine's loopback.
#pragma once
#include "base/test.h"
#include "http/server.h"

// Fails the test when it cannot listen. The caller ends it with http_server_stop.
static inline struct http_server *test_server(const struct http_route *routes, size_t count, unsigned threads) {
    struct http_server *s = NULL;
    struct err e = {0};
    const struct http_server_config c = {
        .host = "127.0.0.1", .threads = threads, .routes = routes, .route_count = count};
    assert_ok(http_server_start(&s, &c, &e), &e);
    return s;
}
