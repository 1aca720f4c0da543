// SPDX-License-Identifier: Apache-2.0
// The leases that this worker holds, kept alive by threads that ask nobody but the coordinator: every 5 s, and when
// a stage has changed and lasts, so that people see what is going on. A lease that the coordinator does not know any
// more is lost: whoever works on it looks before it sends anything. Safe for several threads.
#pragma once
#include "worker/coordinator_client.h"
#include <stdatomic.h>

struct held;
struct held_lease;

// ENDED: the coordinator is being told how it ended, and may know the lease no more.
enum stage { STAGE_LEASED, STAGE_BUILDING, STAGE_RUNNING, STAGE_SUBMITTING, STAGE_ENDED };

#define HELD_BEAT_MS 5000 // so often each lease is kept alive, and the worker says that it is there

struct held_settings {
    struct api *api;
    const char *capabilities;
    unsigned slots;
    // Where the monitor stands, for what is said of this worker. NULL: it has none.
    void (*stands)(void *ctx, uint64_t *block_height, uint64_t *blocks_behind);
    void *ctx;
    const char *file, *pending_dir; // what lasts is noted in it (held_file.h); the journal's folder
    uint64_t beat_ms;               // instead of HELD_BEAT_MS; 0: that
};
// First of all it gives back what an earlier life held.
[[nodiscard]] bool held_start(struct held **out, const struct held_settings *s, struct err *e);
void held_stop(struct held *h); // the threads end; what the coordinator does not know to be given back the file names

// Takes the lease in and confirms it with its first heartbeat; NULL when it is somebody else's already or the
// coordinator cannot be reached.
struct held_lease *held_take(struct held *h, struct arena *a, const struct lease *lease, struct err *e);
void held_stage(struct held *h, struct held_lease *l, enum stage stage);
// No answer counts after this moment of the coordinator's clock: the coordinator is told with the next heartbeat.
void held_dead_at(struct held *h, struct held_lease *l, uint64_t dead_at_ms);
// Tells it now, where it was not told yet and is not lost: for whoever hands the lease on, since those who come next
// are chosen by it.
void held_tell_dead_at(struct held *h, struct arena *a, struct held_lease *l);
bool held_is_lost(const struct held_lease *l);
const atomic_bool *held_lost(const struct held_lease *l); // the same, for what waits; lives as long as it is held
struct lease_id held_id(const struct held_lease *l);      // lives as long as it is held
void held_drop(struct held *h, struct held_lease *l);
// Gives a lease back, which may be dropped already. Where the coordinator cannot be told now, the heart tells it as
// soon as it can, until the lease has run out there by itself.
void held_give_back(struct held *h, struct arena *a, const struct lease_id *id, const char *reason, bool retry);
// Shutdown: every lease but those whose answer is on its way goes back to the queue. They stay in the list. What the
// coordinator was not told within `ms` it is told while the threads live, or by the next life (held_file.h).
void held_return_all(struct held *h, const char *reason, uint64_t ms);
size_t held_count(struct held *h);
// Adds each lease to the count of its stage.
void held_stages(struct held *h, uint64_t by_stage[static STAGE_ENDED + 1]);
uint64_t held_lost_count(struct held *h); // since the start
uint64_t held_heard_ms(struct held *h);   // when the coordinator answered last, clock_mono_ms(); 0: never
// Until nothing is held any more, or nobody is to wait any more (held_hurry), at most ms. Returns whether nothing is
// held.
bool held_wait_empty(struct held *h, uint64_t ms);
void held_hurry(struct held *h);
