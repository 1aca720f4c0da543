// SPDX-License-Identifier: Apache-2.0
// Who asks, for counting: the address of the connection, or, where that is a proxy of this deployment, the one that the
// proxy names. X-Forwarded-For of anybody else is only what a stranger wrote.
#pragma once
#include "base/err.h"
#include <netinet/in.h>

#define ASKER_MAX 64
#define ASKER_PROXIES_MAX 16

struct asker_rules {
    struct in6_addr proxies[ASKER_PROXIES_MAX]; // IPv4 as ::ffff:a.b.c.d
    size_t count;
};
// Comma list of addresses; NULL or "": none. ERR_SETTINGS.
[[nodiscard]] bool asker_rules_parse(struct asker_rules *out, const char *list, struct err *e);
// forwarded: X-Forwarded-For, NULL: absent. An IPv6 address counts as its network of 64 bits: whoever has one address
// of it has them all.
void asker_name(const struct asker_rules *rules, const char *peer, const char *forwarded, char out[static ASKER_MAX]);
