// SPDX-License-Identifier: Apache-2.0
// A price API for the demo: HTTPS on a free port of this machine's loopback, with a certificate made for it.
#pragma once
#include "base/arena.h"
#include "base/err.h"

struct price_server;
// Serves until price_stop. The certificate is written to `ca_file`.
[[nodiscard]] bool price_start(struct price_server **out, const char *ca_file, struct err *e);
void price_stop(struct price_server *s);               // NULL is fine
const char *price_url(const struct price_server *s);   // "https://127.0.0.1:PORT/price?of=near"
const char *price_allow(const struct price_server *s); // the same as an exception of EGRESS_ALLOW
const char *price_now(const struct price_server *s);   // what it answers at `near.usd`
