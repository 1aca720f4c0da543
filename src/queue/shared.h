// SPDX-License-Identifier: Apache-2.0
// What coordinators share beside the executions: locks, so that no two workers build the same thing; which workers were
// seen; whom the operator keeps from leases; how often somebody may ask. Like queue.h a seam whose form no handler
// knows: the memory of one process, which finds its locks and benches again after a start (shared_local.c), or rows of
// PostgreSQL for several (shared_scaled.h). Losing all of it costs a second build at most. Safe from several threads.
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include <jansson.h>

#define LOCKS_MAX 4096
#define LOCK_KEY_MAX 512
#define LOCK_TTL_MAX_S 3600
#define WORKERS_MAX 1000
#define WORKER_ALIVE_MS 30000 // seen less long ago: it is there
#define BENCHED_MAX 64
#define BENCH_MAX_S (30u * 86400)
#define SHARED_TICK_MS 1000 // so late, at most, a coordinator knows what another one was told of workers and benches

struct buf;
struct db;
struct redis;
struct shared;
struct writer;
// For one process. Its locks are stored by `writer`, behind whoever took them, so that a restart, planned or not, ends
// none of those that are in use: each lasts LEASE_MS more at least, as after a time in which this process stood still.
// The writer is freed first; NULL: nothing is stored.
[[nodiscard]] bool shared_open_local(struct shared **out, struct writer *writer, struct err *e);
// For any number of processes, on a database of PostgreSQL that is migrated. `redis`, which outlives it, counts for all
// of them; NULL: none does. ERR_SETTINGS: a coordinator that cannot share it uses it now.
[[nodiscard]] bool shared_open_scaled(struct shared **out, const char *url, struct redis *redis, struct err *e);
void shared_free(struct shared *s);             // when nobody calls any more. NULL is fine
uint64_t shared_coordinators(struct shared *s); // that use the same database now, with this one
// Now, by the clock that deadlines go by, in Unix milliseconds: the database's, where that is a server. It was asked
// less than a few seconds ago, and goes on by itself where it does not answer.
uint64_t shared_now_ms(struct shared *s);
void shared_figures(struct shared *s, struct buf *out);

// A call as those of queue.h: answered once by `done`, at once or later, from any thread, with no lock held. *e is NULL
// when it was served. An error that is not said below means "try again", and doing it once more is safe.
struct shared_call {
    void (*done)(void *ctx, const struct err *e);
    void *ctx;
    struct shared_call *next; // this and the following are the form's own
    int kind;
};

// --- locks

struct shared_lock {
    struct shared_call call;
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

// A worker's own words about itself, kept as they are. Nobody waits until they are stored.
[[nodiscard]] bool shared_seen(struct shared *s, const char *worker, const char *json, struct err *e);
// Array of what workers said, with "last_seen_ms" (ago), "last_heartbeat_at" and "status": "online", "busy" (no free
// slot) or "offline". `db` is a connection of the caller's.
[[nodiscard]] bool shared_workers(struct shared *s, struct db *db, json_t **out, struct err *e);
uint64_t shared_alive(struct shared *s);

// --- workers that the operator keeps from leases

struct shared_bench {
    struct shared_call call;
    struct arena *arena;
    const char *worker;
    uint64_t seconds; // from now on; 0: it may have leases again
    bool found;       // out of what ends a bench; false: there was none
};
void shared_bench(struct shared *s, struct shared_bench *x); // ERR_CONFLICT: BENCHED_MAX are benched
bool shared_is_benched(struct shared *s, const char *worker, uint64_t *left_s);
uint64_t shared_benched(struct shared *s); // how many
json_t *shared_benches(struct shared *s);  // array of "worker_id" and the "seconds" that are left

// --- how often somebody may ask: a bucket of tokens for each name (an address, an account), that fills with time. The
// limit is of all coordinators together (limiter.c). Nobody waits.

#define LIMITER_NAMES 4096 // the table is of fixed size; the bucket that is fullest, which nobody needs, makes room

struct limiter;
// `burst` questions at once, then `per_minute`. `kind` names what is limited, and is a literal.
struct limiter *limiter_new(struct shared *s, const char *kind, unsigned burst, unsigned per_minute);
void limiter_free(struct limiter *l); // before its `s`
// Takes a token. ERR_TOO_MANY with the seconds to wait in *retry_s.
[[nodiscard]] bool limiter_take(struct limiter *l, const char *name, uint64_t now_ms, uint64_t *retry_s, struct err *e);
