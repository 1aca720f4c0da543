// SPDX-License-Identifier: Apache-2.0
// What a daemon's listeners tell its operator of their connections: how many there are, and how many were refused or
// cut, by reason.
#pragma once
#include "base/figures.h"

struct http_server;
struct http_door {
    const char *name;
    struct http_server *server; // NULL: there is none, and nothing is shown
};
void http_doors_figures(struct buf *out, const struct http_door *doors, size_t count);
