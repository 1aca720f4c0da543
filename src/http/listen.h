// SPDX-License-Identifier: Apache-2.0
// Where a server listens, as a setting says it: HOST:PORT, an IPv6 address in brackets.
#pragma once
#include "base/err.h"

struct listen_place {
    char host[64];
    uint16_t port; // 0: any free one
};
// `setting` names it in the error.
[[nodiscard]] bool listen_parse(struct listen_place *out, const char *setting, const char *text, struct err *e);
