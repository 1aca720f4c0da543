// SPDX-License-Identifier: Apache-2.0
// One worker: lease threads (each: wait for a lease, check it against the chain, build, run, sign, send), settlers
// (each: follow one sent answer until its fate is known, then tell the coordinator), and a heart that keeps leases.
// Nothing is sent before it is in the journal; nothing is sent twice without asking the chain.
#pragma once
#include "near/send.h"
#include "worker/at_hand.h"
#include "worker/branches.h"
#include "worker/completions.h"
#include "worker/extender.h"
#include "worker/figures.h"
#include "worker/keystore_client.h"
#include "worker/leases.h"
#include "worker/modules.h"
#include "worker/places.h"
#include "worker/upkeep.h"
#include <pthread.h>
#include <stdatomic.h>

struct settler;

struct worker_settings {
    const char *network, *contract_id, *pending_dir, *held_file, *capabilities;
    unsigned slots; // runs at a time
    uint64_t poll_s;
    bool runs;      // false: it only builds, and hands over what is built to those who run
    bool monitored; // execution_completed events come in (worker_completed)
};

// Everything a worker works with; the parts belong to whoever made them, `held`, `extender`,
// `seen`, `settler`, `upkeep` and `places` to the worker.
struct worker {
    struct worker_settings set;
    struct api *api;
    struct rpc *rpc;
    struct sender *sender;
    struct chain *chain;
    struct keystore *keystore;
    struct branches *branches;
    struct modules *modules;
    struct at_hand *at_hand;
    struct exec_pool *exec;
    struct held *held;
    struct extender *extender;
    struct seen *seen;
    struct settler *settler;
    struct upkeep *upkeep;
    atomic_uint_fast64_t followed;        // the last block that the monitor took whole; 0: none, or it has no monitor
    atomic_uint_fast64_t unable_until_ms; // no leases before: the key cannot pay; clock_mono_ms()
    atomic_uint unable_times;             // in a row
    struct worker_counts counts;
    atomic_bool stopping;  // no new leases
    atomic_bool abandon;   // calls end, nothing is sent any more
    struct places *places; // for leases
    struct lease_thread *threads;
    pthread_mutex_t spawning; // for the count
    unsigned thread_count;
};

// Flags that one thread sets and others look at, the http client among them.
static inline bool flag_is_set(const atomic_bool *f) { return atomic_load_explicit(f, memory_order_relaxed); }
static inline void flag_set(atomic_bool *f) { atomic_store_explicit(f, true, memory_order_relaxed); }

// Recovers what the journal holds. Leases are taken from worker_take_leases on: whoever cannot start takes none.
[[nodiscard]] bool worker_start(struct worker *w, struct err *e);
[[nodiscard]] bool worker_take_leases(struct worker *w, struct err *e);
// Takes no more leases, and waits for those at work to end, so long at most, or until worker_hurry.
void worker_drain(struct worker *w, uint64_t ms);
void worker_hurry(struct worker *w);
// Gives back what is still at work. Returns whether all threads have ended: where not, the process must end without
// freeing what they use.
bool worker_stop(struct worker *w);
// Monitor's callback: `ctx` is the worker.
void worker_followed(void *ctx, uint64_t height); // likewise
void worker_completed(void *ctx, uint64_t request_id, const char *transaction_hash, const char *event_json);

// The chain takes no transaction of this worker's key: leases are left to others for a while, longer each time in a
// row.
void worker_unable(struct worker *w);
// It took one.
void worker_able(struct worker *w);

// A lease is parked: there is another thread to take leases, where one is needed.
void worker_parked(struct worker *w);

// job.c: one lease, until its answer is on its way or it has been given back.
void job_do(struct worker *w, const struct lease *lease);
