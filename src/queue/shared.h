// SPDX-License-Identifier: Apache-2.0
// What coordinators share beside the executions, and may lose: locks, so that no two workers build the same thing;
// which workers were seen; how often somebody may ask. Like queue.h a seam whose form (here: the memory of one process)
// no handler knows. Losing all of it costs a second build at most. Safe from several threads.
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include <jansson.h>

#define LOCKS_MAX 4096
#define LOCK_KEY_MAX 512
#define LOCK_TTL_MAX_S 3600
#define WORKERS_MAX 1000
#define WORKER_ALIVE_MS 30000 // seen less long ago: it is there

struct shared;
struct shared *shared_open_local(void);
void shared_free(struct shared *s); // NULL is fine

// --- locks: a call as those of queue.h: answered once by `done`, at once or later, from any thread

struct shared_lock {
    void (*done)(void *ctx, const struct err *e); // *e is NULL when it was served
    void *ctx;
    struct arena *arena; // for `holder`
    const char *key, *worker;
    const char *token_name; // by which it is asked for: with the worker its holder; NULL: none was needed
    uint64_t ttl_s;         // of an acquisition
    bool acquired;          // out of an acquisition; by its holder again: prolonged
    bool released;          // out of a release; false: nobody held it
    const char *holder;     // out of an acquisition
    uint64_t expires_in_s;  // likewise
};
void shared_acquire(struct shared *s, struct shared_lock *x);
void shared_release(struct shared *s, struct shared_lock *x); // another's lock is ERR_FORBIDDEN

// --- workers

// A worker's own words about itself, kept as they are.
[[nodiscard]] bool shared_seen(struct shared *s, const char *worker, const char *json, struct err *e);
// Array of what workers said, with "last_seen_ms" (ago), "last_heartbeat_at" and "status": "online", "busy" (no free
// slot) or "offline".
json_t *shared_workers(struct shared *s);
uint64_t shared_alive(struct shared *s);

// --- how often somebody may ask: a bucket of tokens for each name (an address, an account), that fills with time

#define LIMITER_NAMES 4096 // the table is of fixed size; the bucket that is fullest, which nobody needs, makes room

struct limiter;
// `burst` questions at once, then `per_minute`. `kind` names what is limited, and is a literal.
struct limiter *limiter_new(struct shared *s, const char *kind, unsigned burst, unsigned per_minute);
void limiter_free(struct limiter *l);
// Takes a token. ERR_TOO_MANY with the seconds to wait in *retry_s.
[[nodiscard]] bool limiter_take(struct limiter *l, const char *name, uint64_t now_ms, uint64_t *retry_s, struct err *e);
