// SPDX-License-Identifier: Apache-2.0
// Redis, as several coordinators that share a database use it: to tell each other something, and to count together. It
// may be emptied, stopped, frozen, read-only or absent at any moment. So nothing is kept there alone, no call here
// waits for it, and whoever asks goes on without an answer.
//
// One thread with one connection sends what is asked and reads the answers, many at a time. A connection that was lost
// is made anew, with pauses that grow to RECONNECT_MAX_MS. What comes while there is none is refused at once.
#pragma once
#include "base/buf.h"
#include "redis/redis_url.h"

#define REDIS_NAME_LEN 16   // of what all keys and channels begin with
#define REDIS_NUMBERS_MAX 4 // that are read of an answer
#define REDIS_ASKS_MAX 1024 // that wait
#define REDIS_ASK_BYTES_MAX 4096
#define REDIS_LATE_MS 250 // without an answer for so long, it is as good as absent

struct redis;
struct redis_config {
    const char *url;
    const char *name; // of the database that is shared, REDIS_NAME_LEN characters: others may use the same server
};
// ERR_SETTINGS: the URL is none. A server that cannot be reached is no failure.
[[nodiscard]] bool redis_open(struct redis **out, const struct redis_config *config, struct err *e);
void redis_free(struct redis *r); // when nobody asks any more: what waits is told NULL. NULL is fine
const char *redis_name(const struct redis *r);
bool redis_up(struct redis *r); // a connection is there, and no answer is late

// What came back. Whoever reads it believes neither that it is an error nor how many numbers there are.
struct redis_answer {
    bool refused;
    size_t count; // of the numbers at its beginning
    int64_t numbers[REDIS_NUMBERS_MAX];
};
// `a` NULL: there is no answer, and whether it was carried out is not known. On the thread of the connection.
typedef void redis_answered(void *ctx, const struct redis_answer *a);
// `words`: a command and what belongs to it, copied. Never waits. false: there is no connection, or no room; then
// `done` is not called, otherwise exactly once. done NULL: nobody wants to know.
bool redis_ask(struct redis *r, const struct slice *words, size_t count, redis_answered *done, void *ctx);

// Whether it is there, and what failed, for operators.
void redis_figures(struct redis *r, struct buf *out);
