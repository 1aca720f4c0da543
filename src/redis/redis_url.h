// SPDX-License-Identifier: Apache-2.0
// Where a server of Redis is, as operators write it: redis://[[USER]:PASSWORD@]HOST[:PORT][/NUMBER].
#pragma once
#include "base/err.h"

#define REDIS_PORT 6379
#define REDIS_DATABASE_MAX 65535

struct redis_url {
    char *host;            // a name or an address
    char *user, *password; // NULL: none
    uint16_t port;
    unsigned database;
};
// ERR_SETTINGS, whose text has no password in it. After a failure there is nothing to release.
[[nodiscard]] bool redis_url_parse(struct redis_url *out, const char *url, struct err *e);
void redis_url_release(struct redis_url *u); // the password is wiped. A zeroed one is fine
