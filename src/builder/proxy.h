// SPDX-License-Identifier: Apache-2.0
// The only way out of a box's first phase: an HTTP proxy (CONNECT, port 443) that a thread of ours serves on the box's
// own loopback. The broker looks names up and connects to public addresses alone (egress/rules.h), so that what a
// stranger writes into a repository's address or a Cargo.toml reaches nothing of the worker's own network. The package
// registry's hosts are connected wherever this machine's names say they are (mirrors have private addresses).
#pragma once
#include "egress/egress.h"
#include "sandbox/sandbox.h"

struct proxy;
// egress: kept; NULL: nothing is connected.
[[nodiscard]] bool proxy_start(struct proxy **out, struct sandbox *box, struct egress *egress, struct err *e);
void proxy_stop(struct proxy *p); // NULL is fine; ends open connections, waits for no name server
unsigned proxy_port(const struct proxy *p);
// What went wrong last on the way out, for people: "host x is unknown", …; NULL when nothing did. A copy in `a`.
const char *proxy_trouble(struct proxy *p, struct arena *a);
// It was this machine's own trouble (no network, no resolver), not the host's.
bool proxy_trouble_is_ours(struct proxy *p);
