// SPDX-License-Identifier: Apache-2.0
// The only way out of a box's first phase: an HTTP proxy (CONNECT, port 443) that a thread of ours serves on the box's
// own loopback. It looks names up outside and connects only to public addresses, so that what a stranger writes into a
// repository's address or a Cargo.toml reaches nothing of the worker's own network. The package registry's hosts are
// connected wherever this machine's names say they are (mirrors have private addresses).
#pragma once
#include "sandbox/sandbox.h"

struct proxy;
// allow: "host:port,…" that is connected wherever it is and whatever the port; kept, not copied.
[[nodiscard]] bool proxy_start(struct proxy **out, struct sandbox *box, const char *allow, struct err *e);
void proxy_stop(struct proxy *p); // NULL is fine; ends open connections
unsigned proxy_port(const struct proxy *p);
// What went wrong last on the way out, for people: "host x is unknown", …; NULL when nothing did. A copy in `a`.
const char *proxy_trouble(struct proxy *p, struct arena *a);
