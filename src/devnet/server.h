// SPDX-License-Identifier: Apache-2.0
// The devnet's one port: JSON-RPC, neardata, status, faucet.
#pragma once
#include "devnet/devnet.h"
#include "http/server.h"

[[nodiscard]] bool devnet_serve(struct http_server **out, struct devnet *net, const char *host, uint16_t port,
                                struct err *e);
