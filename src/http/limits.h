// SPDX-License-Identifier: Apache-2.0
// How much one client may take from a server: connections in all and from one address, and how long each part of a
// request may last. Bytes that trickle prolong nothing. When all connections are taken, the oldest one on which no
// request has come yet makes room for the next.
#pragma once
#include "base/settings.h"
#include "http/client_address.h"

#define HTTP_CONNECTIONS_DEFAULT 8192
#define HTTP_CONNECTIONS_PER_ADDRESS_DEFAULT 512
#define HTTP_IDLE_S_DEFAULT 60
#define HTTP_BODY_S_DEFAULT 120
#define HTTP_ANSWER_S_DEFAULT 120

// Each field: 0 takes the default.
struct http_limits {
    uint64_t connections;             // default: fewer where the system lets this process open fewer files
    uint64_t connections_per_address; // an IPv6 address counts as its network of 64 bits
    uint64_t idle_s;   // from a connection's begin, or the answer before, until a request's head is there
    uint64_t body_s;   // from its head until its body is there
    uint64_t answer_s; // from the answer until the client has taken it
    const struct client_rules *proxies; // are not limited: they speak for many. NULL: none. Outlives the server
};

// The rows of a daemon's table of settings; `field` is the struct http_limits in its settings.
#define HTTP_LIMIT_ROWS(s, field)                                                                                      \
    SET_U64(s, field.connections, "HTTP_CONNECTIONS_MAX", "0", 0, 1000000,                                             \
            "connections at a time; 0: 8192, or half of what the limit of open files leaves"),                         \
        SET_U64(s, field.connections_per_address, "HTTP_CONNECTIONS_PER_ADDRESS", "512", 1, 1000000,                   \
                "of them from one address (an IPv6 network of 64 bits is one)"),                                       \
        SET_U64(s, field.idle_s, "HTTP_IDLE_SECONDS", "60", 1, 3600,                                                   \
                "a connection on which no whole head of a request comes for so long is closed"),                       \
        SET_U64(s, field.body_s, "HTTP_BODY_SECONDS", "120", 1, 3600, "a request's body must be there within"),        \
        SET_U64(s, field.answer_s, "HTTP_ANSWER_SECONDS", "120", 1, 3600, "a client must have taken an answer within")
