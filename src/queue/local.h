// SPDX-License-Identifier: Apache-2.0
// The queue's form for one process: an index in memory over the rows of `executions`, rebuilt from them at a start.
//
// How it works: each execution that is not over is one `item`, found by its key in `slots` and linked into one of three
// lists. `queue` has those that wait for a worker; `delayed` those that wait for their next attempt; `held` those that
// a worker has leased or whose end is being stored. item_move() is the only place where an item changes its state and
// its list. A worker that polls while nothing is there for it is parked in `polls`, and gets the next item. The timer
// thread ends polls, leases and delays when their time is over, and sleeps until the next of these deadlines. Answers
// are collected while the lock is held and sent after it is released (answers_send).
#pragma once
#include "crypto/hash.h"
#include "queue/form.h"
#include "store/writer.h"
#include <pthread.h>

struct item {
    struct item *next_hash;
    struct item *prev, *next; // of the list that it is in
    struct arena *arena;      // of the item and its texts
    struct execution_key key;
    const char *build_target, *json;
    enum execution_state state;
    bool ending; // its end is being stored; meanwhile it is in `held`, and nobody else may end or lease it
    unsigned attempt;
    struct hash token; // SHA-256 of the lease's
    char worker_id[WORKER_ID_MAX + 1];
    char token_name[TOKEN_NAME_MAX + 1]; // by which the worker took it
    uint64_t deadline_ms;                // monotonic: of the lease, or of the delay
    uint64_t serve_until_ms;             // wall clock: over if it is still queued then
};

struct item_list {
    struct item *first, *last;
};

#define LOCAL_SLOTS 65536
struct local {
    struct queue queue_base;
    struct queue_config config;
    struct writer *writer;
    pthread_mutex_t mutex; // for all below
    pthread_cond_t changed;
    pthread_t timer;
    bool timer_runs, stop;
    struct item *slots[LOCAL_SLOTS];
    size_t count;
    struct item_list queue, delayed, held;
    struct queue_call *polls; // oldest first
    size_t poll_count;
    struct queue_counts counts;
    uint64_t wake_ms; // the timer sleeps until then
};

// --- local_index.c: items, with the lock held

struct item **item_find(struct local *l, const struct execution_key *k);
// At the queue's end, copied. NULL: it is there already.
struct item *item_add(struct local *l, const struct queue_stored *t, const char *json, uint64_t created_ms);
void item_forget(struct local *l, struct item **at);
void item_move(struct local *l, struct item *x, enum execution_event event);
bool item_is_held_by(const struct item *x, const struct hash *token);
// Its end begins: nobody else can end it or lease it until it is forgotten, or item_ready.
void item_begin_end(struct local *l, struct item *x);
// It is queued, but not before `deadline_ms`.
void item_delay(struct local *l, struct item *x, uint64_t deadline_ms);
// Its delay is over, or its end came to nothing: it is in its state's list again, first.
void item_ready(struct local *l, struct item *x);

// --- local_polls.c: with the lock held, but answers_send

void local_poll(struct queue *q, struct queue_poll *x); // takes the lock itself
// Gives an execution that has just become free to the longest waiting poll that can do it. So no poll ever waits while
// something for it is queued.
void item_offer(struct local *l, struct item *x, struct queue_call **answers);
void polls_end(struct local *l, uint64_t until_ms, struct queue_call **answers); // those that wait no longer than that
void answers_send(struct queue_call *answers);                                   // without the lock

// --- local_timer.c

[[nodiscard]] bool timer_start(struct local *l, struct err *e);
void timer_stop(struct local *l);
// The timer must look again at `deadline_ms`. It is woken only if it sleeps for longer than that. With the lock held.
void timer_wake_by(struct local *l, uint64_t deadline_ms);

// --- local_creates.c

void local_create(struct queue *q, struct queue_create *x);
// Queues what is not over in the database, and counts what is.
[[nodiscard]] bool local_load(struct local *l, struct db *db, struct err *e);

// --- local_ends.c

void local_end(struct queue *q, struct queue_end *x);
// The item's time is over, its end has begun: that is stored. Without the lock.
void item_expire(struct local *l, struct item *x);

// --- local_list.c

bool local_list(struct queue *q, struct db *db, const struct queue_filter *f, struct arena *a, struct buf *out,
                struct err *e);
