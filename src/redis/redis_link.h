// SPDX-License-Identifier: Apache-2.0
// A connection to Redis (hiredis), of one thread. Every wait has an end and can be cancelled; how many bytes the server
// may send for one answer, and how deep and wide that may be, is bounded. A connection on which anything failed is of
// no use any more.
#pragma once
#include "base/slice.h"
#include "redis/redis_url.h"
#include <hiredis/hiredis.h>

#define REDIS_ANSWER_BYTES_MAX 65536
#define REDIS_ANSWER_WIDTH_MAX 64

struct redis_link {
    redisContext *c; // NULL: there is none
    int stop_fd;     // once it can be read from, no wait goes on
    redisReplyObjectFunctions made_by;
    void *(*make_array)(const redisReadTask *, int); // hiredis' own
};

// Connects, shows the password and chooses the database. ERR_UNAVAILABLE; after a failure nothing is open.
[[nodiscard]] bool redis_link_open(struct redis_link *l, const struct redis_url *u, int stop_fd, uint64_t until_ms,
                                   struct err *e);
void redis_link_bound(struct redis_link *l); // of l->c: what an answer may be. Opening does it
void redis_link_close(struct redis_link *l); // closed already is fine
// Queues a command; it goes out with the next read.
void redis_link_put(struct redis_link *l, size_t count, const struct slice *words);
// The next answer, which the caller frees (freeReplyObject). One that refuses is an answer like others.
// ERR_TIMEOUT: it did not come in time; of this error alone the connection survives.
[[nodiscard]] bool redis_link_read(struct redis_link *l, uint64_t until_ms, redisReply **out, struct err *e);
