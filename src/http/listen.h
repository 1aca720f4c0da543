// SPDX-License-Identifier: Apache-2.0
// Where a server listens, as a setting says it: HOST:PORT, an IPv6 address in brackets.
#pragma once
#include "base/err.h"
#include <sys/socket.h>

struct listen_place {
    char host[64];
    uint16_t port; // 0: any free one
};
// `setting` names it in the error.
[[nodiscard]] bool listen_parse(struct listen_place *out, const char *setting, const char *text, struct err *e);
// The same as the system wants it.
[[nodiscard]] bool listen_address(struct sockaddr_storage *out, bool *v6, const char *host, uint16_t port,
                                  struct err *e);
// A socket at a path, which its owner alone may use. *fd is -1 where path is NULL: the server listens on TCP.
[[nodiscard]] bool listen_unix(int *fd, const char *path, struct err *e);
