// SPDX-License-Identifier: Apache-2.0
// What a daemon tells its operator, on a listener of its own: /healthz (it lives), /readyz (it can do its work, or why
// not), /metrics (base/figures.h), and what else it lets operators do. Public servers show none of it, and a flood on
// them does not keep the operator out.
#pragma once
#include "base/figures.h"
#include "http/doors.h"
#include "http/server.h"

#define STATUS_DOORS 2

struct status;
struct status_settings {
    const char *listen; // STATUS_LISTEN: HOST:PORT, or "off": nobody listens
    const char *daemon;
    // false: why it cannot work now. It may wait for others (a chain, a database): it is asked on a thread of its own.
    bool (*ready)(void *ctx, struct arena *a, struct err *e);
    void (*figures)(void *ctx, struct buf *out); // appended to those of the process; it waits for nothing
    void *ctx;
    struct http_door doors[STATUS_DOORS]; // the daemon's own listeners, whose connections are shown; they outlive it
    // For operators who have the token. NULL: there are no such routes, and they are not found.
    const char *admin_token;
    const struct http_route *admin; // their handlers' context is the struct status
    size_t admin_count;
};
#define STATUS_SETTING(s, field, fallback)                                                                             \
    SET_TEXT(s, field, "STATUS_LISTEN", fallback,                                                                      \
             "HOST:PORT for /healthz, /readyz and /metrics, for the operator alone; off: none")

// The settings' texts, ctx and routes must outlive it. *out stays NULL where it is off.
[[nodiscard]] bool status_start(struct status **out, const struct status_settings *s, struct err *e);
uint16_t status_port(const struct status *s); // 0 where it is off
// From now on /readyz says that the daemon drains: it takes no new work and finishes what it has. NULL is fine.
void status_drain(struct status *s);
// Handler of POST /admin/drain: the process sends itself SIGTERM, so there is one way to end.
void status_ask_drain(struct http_request *r, void *status);
#define ADMIN_TOKEN_SETTING(s, field)                                                                                  \
    SET_SECRET(s, field, "ADMIN_BEARER_TOKEN",                                                                         \
               "for the operator's acts on STATUS_LISTEN, /admin/…; none: there are none")
void *status_ctx(const struct status *s); // of the settings
void status_stop(struct status *s);       // and frees; NULL is fine
