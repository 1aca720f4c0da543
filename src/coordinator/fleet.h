// SPDX-License-Identifier: Apache-2.0
// Workers that were seen, and the locks they take so that no two build the same thing. In memory: a lock ends with its
// time, so losing all of them costs a second build at most. Safe from several threads.
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include <jansson.h>

#define LOCKS_MAX 4096
#define LOCK_KEY_MAX 512
#define LOCK_TTL_MAX_S 3600
#define WORKERS_MAX 1000
#define WORKER_ALIVE_MS 30000 // seen less long ago: it is there

struct fleet;
struct fleet *fleet_new(void);
void fleet_free(struct fleet *f); // NULL is fine

struct lock_state {
    bool acquired;
    const char *holder; // in `a`
    uint64_t expires_in_s;
};
// Again by its holder: extended.
[[nodiscard]] bool lock_acquire(struct fleet *f, struct arena *a, const char *key, const char *worker, uint64_t ttl_s,
                                struct lock_state *out, struct err *e);
// *released is false when nobody held it; another's lock is ERR_FORBIDDEN.
[[nodiscard]] bool lock_release(struct fleet *f, const char *key, const char *worker, bool *released, struct err *e);

// A worker's own words about itself, kept as they are.
[[nodiscard]] bool fleet_seen(struct fleet *f, const char *worker, const char *json, struct err *e);
// Array of what workers said, with "last_seen_ms" (ago), "last_heartbeat_at" and "status": "online", "busy" (no free
// slot) or "offline".
json_t *fleet_workers(struct fleet *f);
uint64_t fleet_alive(struct fleet *f);
