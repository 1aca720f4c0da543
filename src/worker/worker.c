// SPDX-License-Identifier: Apache-2.0
#include "worker/worker.h"

#include "base/clock.h"
#include "base/log.h"
#include "worker/settle.h"
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#define ERROR_WAIT_MS 1000
#define ERROR_WAIT_MAX_MS 15000
#define LAST_CALLS_MS 3000
#define LEASES_PER_SLOT 4 // those that wait included
#define LEASES_MAX 512
#define ALLOWANCE_LOW (NEAR_ONE / 2) // some hundred answers

struct lease_thread {
    pthread_t thread;
    struct worker *worker;
    atomic_bool started, ended;
};

// Between failed polls; ends at once on shutdown.
static void pause_after_error(struct worker *w, unsigned failures) {
    uint64_t ms = (uint64_t)ERROR_WAIT_MS << (failures < 4 ? failures : 4);
    if (ms > ERROR_WAIT_MAX_MS)
        ms = ERROR_WAIT_MAX_MS;
    for (uint64_t end = clock_mono_ms() + ms; !flag_is_set(&w->stopping) && clock_mono_ms() < end;) {
        struct timespec t = {0, 50000000};
        nanosleep(&t, NULL);
    }
}

// One poll, and what comes of it. false: the coordinator could not be asked, or said what cannot be read.
static bool take_one(struct worker *w, struct arena *a, struct err *e) {
    struct lease lease;
    bool got, ok = api_poll(w->api, a, w->set.poll_s, &w->stopping, &lease, &got, e);
    if (ok && got && flag_is_set(&w->stopping)) // handed out while we stopped: not confirmed, so it goes back
        return true;
    if (got && !ok) // the chain has words of its own
        lease.task.unread = arena_strdup(a, e->msg);
    if (got)
        job_do(w, &lease);
    return ok || got;
}

static void *lease_loop(void *ctx) {
    struct lease_thread *t = ctx;
    struct worker *w = t->worker;
    SCOPED_ARENA(a);
    unsigned failures = 0;
    while (places_enter(w->places)) {
        struct err e;
        arena_reset(a);
        bool ok = take_one(w, a, &e);
        if (ok || flag_is_set(&w->stopping))
            failures = 0;
        else {
            log_err(LOG_WARN, "no lease", &e);
            pause_after_error(w, failures++);
        }
        places_leave(w->places);
    }
    atomic_store(&t->ended, true);
    return NULL;
}

// A function-call key pays from its allowance; when that is used up, no answer gets on chain.
static void watch_allowance(struct worker *w, struct arena *a) {
    struct rpc_access_key key;
    struct err e;
    char left[64];
    if (rpc_access_key(w->rpc, a, sender_account(w->sender)->s, sender_key(w->sender), &key, &e) && key.has_allowance &&
        key.allowance.v < ALLOWANCE_LOW)
        log_warn("the key's allowance is nearly used up: %s left; add another key to '%s'",
                 yocto_text(key.allowance, left), sender_account(w->sender)->s);
}

// Nonce and block hash are read ahead, so that the first answer after a pause needs no call for them.
static void keep_warm(void *ctx) {
    struct worker *w = ctx;
    SCOPED_ARENA(a);
    struct err e;
    if (!sender_warm(w->sender, a, &e))
        log_err(LOG_WARN, "reading nonce and block", &e);
    watch_allowance(w, a);
}

void worker_completed(void *ctx, uint64_t request_id, const char *transaction_hash, const char *event_json) {
    struct worker *w = ctx;
    seen_add(w->seen, request_id, transaction_hash, event_json);
}

bool worker_start(struct worker *w, struct err *e) {
    struct held_settings held = {
        .api = w->api, .capabilities = w->set.capabilities, .slots = w->set.slots, .tick = keep_warm, .ctx = w};
    struct extender_settings extender = {w->rpc, w->sender, w->chain, &w->abandon};
    rpc_set_cancel(w->rpc, &w->abandon);
    if (!held_start(&w->held, &held, e) || !extender_start(&w->extender, &extender, e) ||
        !settler_start(&w->settler, w, e) || !settler_recover(w->settler, e))
        return false;
    unsigned most = w->set.slots * LEASES_PER_SLOT;
    w->thread_count = most < LEASES_MAX ? most : LEASES_MAX;
    w->places = places_new(w->set.slots, w->thread_count);
    w->threads = xcalloc(w->thread_count, sizeof *w->threads);
    for (unsigned i = 0; i < w->thread_count; i++) {
        struct lease_thread *t = &w->threads[i];
        t->worker = w;
        if (pthread_create(&t->thread, NULL, lease_loop, t) != 0)
            return err_set(e, ERR_INTERNAL, "cannot start threads");
        atomic_store(&t->started, true);
    }
    return true;
}

static bool join_all(struct worker *w) {
    for (unsigned i = 0; i < w->thread_count; i++)
        if (atomic_load(&w->threads[i].started) && !atomic_load(&w->threads[i].ended))
            return false;
    for (unsigned i = 0; i < w->thread_count; i++)
        if (atomic_load(&w->threads[i].started))
            pthread_join(w->threads[i].thread, NULL);
    return true;
}

bool worker_stop(struct worker *w, uint64_t grace_ms) {
    flag_set(&w->stopping);
    if (w->places)
        places_stop(w->places);
    bool empty = !w->held || held_wait_empty(w->held, grace_ms);
    if (!empty) {
        log_info("giving back what is still at work");
        held_return_all(w->held, "the worker stops");
    }
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
    places_free(w->places);
    w->places = NULL;
    free(w->threads);
    w->threads = NULL;
    w->held = NULL;
    w->extender = NULL;
    w->settler = NULL;
    return true;
}
