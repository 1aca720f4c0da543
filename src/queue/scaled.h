// SPDX-License-Identifier: Apache-2.0
// The queue's form for several coordinators: PostgreSQL's rows are the authority on who waits and who holds what, and
// its clock is the only one. No coordinator leads, and none keeps what another would have to know.
//
// How it works: calls are gathered while a statement is under way, and one statement serves all of a kind, with a
// column of each of their fields. Two threads have a connection each. What is promised (creations and ends) is answered
// after a durable commit by the first; the second does what may be lost with the machine (polls, leases, heartbeats),
// and what time brings about: leases that ran out, executions that are too late or over. Whoever waits for an execution
// is parked here; a claim takes as many rows at a time as there are polls for them, and passes over those that another
// coordinator is taking (SKIP LOCKED). What another one has queued is found by the claim that runs every CLAIM_MS while
// polls wait; or at once, where Redis carries the word (scaled_wake.c). Nothing depends on that word.
#pragma once
#include "queue/creators.h"
#include "queue/database.h"
#include "queue/form.h"
#include "queue/form_figures.h"
#include "queue/service.h"
#include "redis/bell.h"
#include <pthread.h>

#define SCALED_BATCH 128 // calls in one statement
_Static_assert(SCALED_BATCH <= AT_HAND_POLLS_MAX, "no more polls are compared than are promised");
#define CLAIM_MS 500
// Turns of what cannot begin any more, before all others and for any worker: its time is over, or too many wait before
// it.
#define TOO_LATE (-1)
#define HOPELESS (-2)
#define LEASES_KNOWN 1024 // of which it is known since when they are held

struct call_list {
    struct queue_call *first, *last;
    size_t count;
};

struct scaled {
    struct queue queue_base;
    struct queue_config config;
    struct db *durable, *soft; // connections of the two threads
    pthread_t durable_thread, soft_thread;
    bool durable_runs, soft_runs;
    pthread_mutex_t mutex; // for all below
    pthread_cond_t promised, asked, answered;
    bool stop, closing; // no more polls; no more calls
    struct call_list creates, replaces, ends;
    struct call_list beats, give_backs, looks, fresh, parked; // polls are fresh until they were looked at once
    size_t polls;                                             // that are not answered yet
    bool claim;                                               // something may be there for those that are parked
    bool benches;                                             // somebody does not get something; the second thread's
    uint64_t swept_ms; // when it last swept (clock_mono_ms); 0: never. The second thread's, too
    uint64_t judge_ms; // the next look for what is hopeless; the second thread's
    struct queue_counts counts;
    struct creators creators;
    uint64_t changes; // of the counts by this process, so that what was read before one is not believed at once
    unsigned unbelieved;
    uint64_t oldest_ms;
    char database[DATABASE_ID_LEN + 1];
    struct form_figures figures;
    struct bell *bell; // NULL: there is no Redis
    uint64_t rung_ms;  // when the others were told last that something has changed
    struct service service;
    uint64_t hopeless_count;
    struct known_lease { // by the hash of its token
        uint64_t hash, since_ms;
    } leases[LEASES_KNOWN]; // of this process, in no order: a later one takes an earlier one's place
};

// --- scaled_calls.c: one statement for all; each is answered by its fields

struct scaled_lease { // a poll with the token that it gets if something is there
    struct queue_poll *poll;
    char token[65], hash[65];
};
[[nodiscard]] bool scaled_store_creates(struct scaled *s, struct queue_create **x, size_t n, struct err *e);
[[nodiscard]] bool scaled_store_replace(struct scaled *s, struct queue_replace *x, struct err *e);
[[nodiscard]] bool scaled_look(struct scaled *s, struct queue_look *x, struct err *e);
// *unsure: how many are neither over nor held by their tokens, as far as this statement saw.
[[nodiscard]] bool scaled_store_ends(struct scaled *s, struct queue_end **x, size_t n, size_t *unsure, struct err *e);
[[nodiscard]] bool scaled_store_beats(struct scaled *s, struct queue_beat **x, size_t n, struct err *e);
[[nodiscard]] bool scaled_store_give_backs(struct scaled *s, struct queue_give_back **x, size_t n, struct err *e);
// All ask for the same contract and capabilities. What one of their workers does not get, none of them gets.
[[nodiscard]] bool scaled_claim(struct scaled *s, struct scaled_lease *x, size_t n, struct err *e);

// --- scaled_time.c: what time brings about

[[nodiscard]] bool scaled_sweep(struct scaled *s, struct err *e);
// The counts, as all coordinators have made them, who created what is not over, and how long the oldest that is queued
// waits. `creators` is the caller's to clear, also after a failure.
[[nodiscard]] bool scaled_count(struct scaled *s, struct queue_counts *out, struct creators *creators,
                                uint64_t *oldest_ms, struct err *e);

// Finds what is hopeless, where each that waits before another one costs it so many microseconds.
[[nodiscard]] bool scaled_judge(struct scaled *s, uint64_t each_us, uint64_t *found, struct err *e);

// Whether there is something that somebody does not get.
[[nodiscard]] bool scaled_look_benches(struct scaled *s, bool *any, struct err *e);

// --- scaled_wake.c: what can be leased at this moment, told to the other coordinators and heard from them

// Tells that an execution of this contract with this build target can be leased; NULL: of any.
void scaled_ring(struct scaled *s, const char *contract_id, const char *build_target);
void scaled_ring_creates(struct scaled *s, struct queue_create *const *x, size_t n);
void scaled_heard(void *ctx, struct slice text);        // of a bell; ctx: the queue
bool scaled_wants(struct scaled *s, struct slice text); // whether a poll wants what the text says

// --- scaled_changes.c

#define CHANGED_WORD "! !"  // to those who look at lists: no poll wants it
#define CHANGED_RING_MS 100 // between two of them; what comes meanwhile the others find by themselves
// Something has changed of what lists show. Without the lock.
void scaled_changed(struct scaled *s);
bool scaled_changes(struct queue *q, struct db *db, struct queue_changes *x, struct arena *a, struct buf *out,
                    struct err *e);

// --- scaled_older.c

[[nodiscard]] bool scaled_take_older(struct scaled *s, struct err *e);

// --- scaled_list.c

const char *scaled_list_statement(const struct queue_filter *f);
bool scaled_detail(struct queue *q, struct db *db, const struct execution_key *key, struct arena *a,
                   struct queue_detail *out, struct err *e);
bool scaled_list(struct queue *q, struct db *db, const struct queue_filter *f, struct arena *a, struct buf *out,
                 struct err *e);
