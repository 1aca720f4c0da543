// SPDX-License-Identifier: Apache-2.0
#include "worker/worker.h"

#include "base/clock.h"
#include "base/log.h"
#include "worker/settler.h"
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#define ERROR_WAIT_MS 1000
#define ERROR_WAIT_MAX_MS 15000
#define LAST_CALLS_MS 3000
#define AHEAD_POLL_S 1 // leases ahead are for the moment
// Leases that wait. Each is kept alive by the one heart, every 5 s, by a call that may take 30 ms.
#define PARKED_PER_SLOT 32
#define PARKED_MAX 128
#define UNABLE_MS 15000
#define UNABLE_MAX_MS 600000

struct lease_thread {
    pthread_t thread;
    struct worker *worker;
    atomic_bool ended;
};

// Ends at once on shutdown.
static void rest_until(struct worker *w, uint64_t end_ms) {
    while (!flag_is_set(&w->stopping) && clock_mono_ms() < end_ms) {
        struct timespec t = {0, 50000000};
        nanosleep(&t, NULL);
    }
}

// Between failed polls.
static void pause_after_error(struct worker *w, unsigned failures) {
    uint64_t ms = (uint64_t)ERROR_WAIT_MS << (failures < 4 ? failures : 4);
    rest_until(w, clock_mono_ms() + (ms > ERROR_WAIT_MAX_MS ? ERROR_WAIT_MAX_MS : ms));
}

void worker_unable(struct worker *w) {
    unsigned times = atomic_fetch_add(&w->unable_times, 1);
    uint64_t ms = (uint64_t)UNABLE_MS << (times < 6 ? times : 6);
    ms = ms < UNABLE_MAX_MS ? ms : UNABLE_MAX_MS;
    atomic_store(&w->unable_until_ms, clock_mono_ms() + ms);
    log_error("no leases are taken for %u s: the chain takes no answer of this worker's key", (unsigned)(ms / 1000));
}

void worker_able(struct worker *w) {
    atomic_store(&w->unable_times, 0);
    atomic_store(&w->unable_until_ms, 0);
}

// One poll, and what comes of it. false: the coordinator could not be asked, or said what cannot be read.
static bool take_one(struct worker *w, struct arena *a, bool ahead, uint64_t *lease_ms, struct err *e) {
    struct lease lease;
    const struct poll_wish wish = {.timeout_s = ahead ? AHEAD_POLL_S : w->set.poll_s,
                                   .at_hand = w->set.runs ? at_hand_text(w->at_hand, a) : "",
                                   .stop = &w->stopping};
    bool got, ok = api_poll(w->api, a, &wish, &lease, &got, e);
    uint64_t start = clock_mono_ms();
    if (ok && got && flag_is_set(&w->stopping)) // handed out while we stopped: not confirmed, so it goes back
        return true;
    if (got && !ok) // the chain has words of its own
        lease.task.unread = arena_strdup(a, e->msg);
    if (got) {
        job_do(w, &lease);
        *lease_ms = clock_mono_ms() - start;
    }
    return ok || got;
}

// Who rests has no place at work: it is others' who come back to theirs.
static bool enter(struct worker *w, bool *ahead) {
    for (;;) {
        rest_until(w, atomic_load(&w->unable_until_ms));
        if (!places_enter(w->places, ahead))
            return false;
        if (clock_mono_ms() >= atomic_load(&w->unable_until_ms))
            return true;
        places_leave(w->places, UINT64_MAX);
    }
}

static void *lease_loop(void *ctx) {
    struct lease_thread *t = ctx;
    struct worker *w = t->worker;
    SCOPED_ARENA(a);
    unsigned failures = 0;
    bool ahead;
    while (enter(w, &ahead)) {
        struct err e;
        uint64_t lease_ms = UINT64_MAX;
        arena_reset(a);
        bool ok = take_one(w, a, ahead, &lease_ms, &e);
        if (ok || flag_is_set(&w->stopping))
            failures = 0;
        else {
            atomic_fetch_add(&w->counts.polls_failed, 1);
            log_err(LOG_WARN, "no lease", &e);
            pause_after_error(w, failures++);
        }
        places_leave(w->places, lease_ms);
    }
    atomic_store(&t->ended, true);
    return NULL;
}

void worker_completed(void *ctx, uint64_t request_id, const char *transaction_hash, const char *event_json) {
    struct worker *w = ctx;
    seen_add(w->seen, request_id, transaction_hash, event_json);
}

static unsigned parked_most(const struct worker *w) {
    unsigned most = w->set.slots * PARKED_PER_SLOT;
    return most < PARKED_MAX ? most : PARKED_MAX;
}

static unsigned most_threads(const struct worker *w) { return 2 * w->set.slots + parked_most(w); }

// As many threads as leases may be at work, those ahead included, beside those that are parked. A thread that is idle
// costs little, so none ends before the worker does.
void worker_parked(struct worker *w) {
    pthread_mutex_lock(&w->spawning);
    unsigned wanted = 2 * w->set.slots + places_parked(w->places);
    while (w->thread_count < wanted && !flag_is_set(&w->stopping)) {
        struct lease_thread *t = &w->threads[w->thread_count];
        t->worker = w;
        if (pthread_create(&t->thread, NULL, lease_loop, t) != 0) {
            log_warn("no more threads can be started: %u leases are taken at a time", w->thread_count);
            break;
        }
        w->thread_count++;
    }
    pthread_mutex_unlock(&w->spawning);
}

void worker_followed(void *ctx, uint64_t height) { atomic_store(&((struct worker *)ctx)->followed, height); }

static void stands(void *ctx, uint64_t *block_height, uint64_t *blocks_behind) {
    struct worker *w = ctx;
    uint64_t newest, age_ms;
    *block_height = atomic_load(&w->followed);
    *blocks_behind = rpc_newest(w->rpc, &newest, &age_ms) && newest > *block_height ? newest - *block_height : 0;
}

bool worker_start(struct worker *w, struct err *e) {
    struct held_settings held = {.api = w->api,
                                 .capabilities = w->set.capabilities,
                                 .slots = w->set.slots,
                                 .stands = stands,
                                 .ctx = w,
                                 .file = w->set.held_file,
                                 .pending_dir = w->set.pending_dir};
    struct extender_settings extender = {w->rpc, w->sender, w->chain, &w->abandon};
    struct upkeep_settings upkeep = {w->rpc, w->sender};
    rpc_set_cancel(w->rpc, &w->abandon);
    if (!held_start(&w->held, &held, e) || !upkeep_start(&w->upkeep, &upkeep, e) ||
        !extender_start(&w->extender, &extender, e) || !settler_start(&w->settler, w, e) ||
        !settler_recover(w->settler, e))
        return false;
    tally_init(&w->counts.answers);
    tally_init(&w->counts.runs);
    pthread_mutex_init(&w->spawning, NULL);
    w->places = places_new(w->set.slots, parked_most(w), PLACES_FLOW_MS);
    w->threads = xcalloc(most_threads(w), sizeof *w->threads);
    return true;
}

bool worker_take_leases(struct worker *w, struct err *e) {
    worker_parked(w);
    return w->thread_count || err_set(e, ERR_INTERNAL, "cannot start threads");
}

static bool join_all(struct worker *w) {
    pthread_mutex_lock(&w->spawning); // none is started any more: the worker stops
    unsigned count = w->thread_count;
    pthread_mutex_unlock(&w->spawning);
    for (unsigned i = 0; i < count; i++)
        if (!atomic_load(&w->threads[i].ended))
            return false;
    for (unsigned i = 0; i < count; i++)
        pthread_join(w->threads[i].thread, NULL);
    w->thread_count = 0;
    return true;
}

void worker_drain(struct worker *w, uint64_t ms) {
    flag_set(&w->stopping);
    if (w->places)
        places_stop(w->places);
    if (!w->held || held_wait_empty(w->held, 0))
        return;
    log_info("draining: %zu leases are at work, %u s at most", held_count(w->held), (unsigned)(ms / 1000));
    (void)!held_wait_empty(w->held, ms);
}

void worker_hurry(struct worker *w) {
    log_info("told again to end: leases at work are not waited for");
    held_hurry(w->held);
}

bool worker_stop(struct worker *w) {
    worker_drain(w, 0);
    bool empty = !w->held || held_wait_empty(w->held, 0);
    if (!empty) {
        log_info("giving back what is still at work");
        held_return_all(w->held, "the worker stops", LAST_CALLS_MS);
    }
    modules_stop(w->modules, LAST_CALLS_MS);
    flag_set(&w->abandon);
    uint64_t end = clock_mono_ms() + LAST_CALLS_MS;
    bool ended = settler_stop(w->settler, LAST_CALLS_MS);
    while (w->threads && !(empty = join_all(w)) && clock_mono_ms() < end) {
        struct timespec t = {0, 10000000};
        nanosleep(&t, NULL);
    }
    if (!ended || (w->threads && !empty))
        return false;
    held_stop(w->held);
    extender_stop(w->extender);
    upkeep_stop(w->upkeep);
    settler_free(w->settler); // lease threads ask it to their end
    places_free(w->places);
    w->places = NULL;
    if (w->threads)
        pthread_mutex_destroy(&w->spawning);
    free(w->threads);
    w->threads = NULL;
    w->held = NULL;
    w->extender = NULL;
    w->upkeep = NULL;
    w->settler = NULL;
    return true;
}
