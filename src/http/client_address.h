// SPDX-License-Identifier: Apache-2.0
// Who asks, for counting: the address of the connection, or, where that is a proxy of this deployment, the one that the
// proxy names. X-Forwarded-For of anybody else is only what a stranger wrote.
#pragma once
#include "base/err.h"
#include <netinet/in.h>

#define CLIENT_MAX 64
#define CLIENT_PROXIES_MAX 16

struct client_rules {
    struct in6_addr proxies[CLIENT_PROXIES_MAX]; // IPv4 as ::ffff:a.b.c.d
    size_t count;
};
// Comma list of addresses; NULL or "": none. ERR_SETTINGS.
[[nodiscard]] bool client_rules_parse(struct client_rules *out, const char *list, struct err *e);
bool client_is_proxy(const struct client_rules *rules, const struct in6_addr *a); // rules NULL: none is
bool client_of_socket(const struct sockaddr *from, struct in6_addr *out); // false: it has no address (a Unix socket)
void client_network(struct in6_addr *a); // what counts as one: of IPv6 the network of 64 bits
// Of a name of client_name: the network of 48 bits that it is in. false: it is no IPv6 network.
bool client_wide(const char *name, char out[static CLIENT_MAX]);
// forwarded: X-Forwarded-For, NULL: absent. An IPv6 address counts as its network of 64 bits: whoever has one address
// of it has them all.
void client_name(const struct client_rules *rules, const char *peer, const char *forwarded,
                 char out[static CLIENT_MAX]);
