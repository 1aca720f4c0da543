// SPDX-License-Identifier: Apache-2.0
// The contract's own prices and limits, for whoever asks. The chain is asked on a thread of its own, at most once in
// KEPT_MS: a slow RPC keeps the askers waiting, never the server's threads.
#pragma once
#include "http/server.h"
#include "near/rpc.h"

#define PRICES_KEPT_MS 30000
#define PRICES_FAILED_MS 5000  // an error is given again for so long
#define PRICES_REFRESH_MS 5000 // who wants them anew gets none that are older
#define PRICES_WAITING_MAX 256

struct prices;
// rpc_urls or contract NULL: every answer is that none is configured.
[[nodiscard]] bool prices_new(struct prices **out, const char *rpc_urls, const char *contract, struct err *e);
// Answers now or when the chain has.
void prices_reply(struct prices *p, struct http_request *r);
void prices_refresh(struct prices *p, struct http_request *r);
void prices_stop(struct prices *p); // answers those who wait, and everybody later, that it is stopping
void prices_free(struct prices *p); // NULL is fine
