// SPDX-License-Identifier: Apache-2.0
// Requests whose answers wait for others (a chain, another server): a few threads of their own answer them, so that the
// server's threads never wait. More requests than the queue holds are refused at once (ERR_UNAVAILABLE, 503).
#pragma once
#include "http/server.h"

struct deferred;
struct deferred *deferred_new(unsigned threads, size_t queue_max);
// Runs handler(r, ctx) on one of the threads, unless whoever asked has hung up until its turn comes. When there is no
// room the request is answered here with the error.
void deferred_run(struct deferred *d, struct http_request *r, http_handler handler, void *ctx);
// The same on behalf of `key` (an account, say): of one key only `at_once` run at a time, and `waiting_each` wait, so
// that a key whose requests are slow leaves the other threads to others. The longest waiting of those that may run is
// next.
struct deferred_share {
    unsigned at_once;
    size_t waiting_each;
};
#define DEFERRED_KEY_MAX 128
void deferred_run_for(struct deferred *d, struct http_request *r, http_handler handler, void *ctx, const char *key,
                      const struct deferred_share *share);
// Answers what is queued with 503, waits for what runs. Before http_server_stop. NULL is fine.
void deferred_stop(struct deferred *d);
void deferred_free(struct deferred *d); // after http_server_stop
