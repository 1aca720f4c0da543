// SPDX-License-Identifier: Apache-2.0
// The queue's form for one process: an index in memory over the rows of `executions` and `queue_items`, rebuilt from
// them at a start.
//
// How it works: each execution that is not over is one `item`, found by its key in `slots`. One that waits for a worker
// stands in a lane: a heap by turn of those of which the same workers can do the next step. Targets are whatever payers
// write, so there may be as many lanes as items: a poll looks at those of the targets that it names, which it finds by
// name, and one that names none at those of whole contracts. One that waits for its next attempt, or is held by a
// worker, stands in `timers` until that is over; one whose end is being stored stands nowhere. item_place() is the only
// place that puts an item anywhere. A worker that polls while nothing is there for it is parked in `polls`, and gets
// the next item. The timer thread ends what is over, and sleeps until the next of the deadlines; while
// something is held it looks each second, so as to find that the process stood still. Answers are collected
// while the lock is held and sent after it is released (answers_send). An item whose lease has changed is `dirty` until
// its row is written (local_leases.c).
#pragma once
#include "crypto/hash.h"
#include "queue/creators.h"
#include "queue/form.h"
#include "queue/form_figures.h"
#include "queue/heap.h"
#include "queue/rows.h"
#include "queue/service.h"
#include "queue/timeline.h"
#include "store/writer.h"
#include <pthread.h>

struct payer {
    struct payer *next_hash;
    uint64_t last_turn; // that one of its items was given
    size_t users;       // items that wait, or are about to
    char name[];
};

enum lane_kind {
    LANE_TARGET,  // of one build target
    LANE_ANY,     // the same once more, of all targets
    LANE_LATE,    // those that are too late, which every worker can answer
    LANE_BENCHED, // those that somebody does not get
};
struct lane {
    struct lane *next; // of its slot
    struct heap items;
    enum lane_kind kind;
    enum queue_step step;             // of a LANE_TARGET or LANE_ANY
    char *contract_id, *build_target; // "": of all
};

#define BENCH_MAX 8 // workers; the oldest makes room
struct bench {
    size_t count;
    char workers[BENCH_MAX][WORKER_ID_MAX + 1];
};

struct item {
    struct item *next_hash;
    struct arena *arena; // of the item and its texts
    struct execution_key key;
    int64_t execution_id;
    const char *build_target, *json, *payer_name, *created_by; // created_by: a token's name; NULL: nobody's
    struct payer *payer;                                       // while it waits
    struct bench *bench;                                       // who does not get it; NULL: nobody
    enum execution_state state;
    bool ending;   // its end is being stored; meanwhile nobody else may end or lease it
    bool too_late; // nobody began it in time
    bool hopeless; // nobody could, since too many wait before it; it is too_late, too
    bool waits;    // it counts among its payer's
    unsigned attempt, handed;
    uint64_t turn, source;
    uint64_t created_ms, dead_at_ms; // wall clock
    uint64_t deadline_ms;            // monotonic: of the lease, or of the delay; 0: none
    uint64_t leased_ms;              // monotonic; 0: before this process
    struct hash token;               // SHA-256 of the lease's
    char worker_id[WORKER_ID_MAX + 1];
    char token_name[TOKEN_NAME_MAX + 1]; // by which the worker took it
    struct lane *lane, *any;             // `any` beside a LANE_TARGET
    struct heap_node in_lane, in_any, in_timers, in_deaths, in_ages;
    struct item *next_dirty, *prev_dirty;
    bool dirty;
    struct buf timeline;
};

#define LOCAL_SLOTS 65536
#define LANE_SLOTS 4096
#define LOCAL_CHANGES 1024 // the last ones; who asks for older ones starts anew
struct local {
    struct queue queue_base;
    struct queue_config config;
    struct writer *writer;
    pthread_mutex_t mutex; // for all below
    pthread_cond_t changed;
    pthread_t timer;
    bool timer_runs, stop;
    struct item *slots[LOCAL_SLOTS];
    struct payer *payers[LOCAL_SLOTS];
    struct creators creators;
    size_t count;
    struct lane *lanes[LANE_SLOTS]; // by build target
    size_t lane_count;
    uint64_t lanes_seen; // by polls, since the start
    struct heap timers;  // by deadline_ms
    struct heap deaths;  // of those that are queued: by when they become too late, or are over
    struct heap ages;    // of the same: by created_ms
    uint64_t served_turn;
    struct queue_call *polls, **polls_end; // oldest first
    size_t poll_count;
    uint64_t polls_next_ms; // none of them ends before
    struct item *dirty;
    uint64_t dirty_until_ms; // their rows are written by then; NO_DEADLINE: none is dirty, or it is being done
    struct service service;
    uint64_t judge_ms; // the next look for what is hopeless
    uint64_t hopeless_count;
    struct queue_counts counts;
    bool cordoned;                  // nothing is leased
    unsigned drains;                // the last one may wait
    pthread_cond_t idle;            // nothing is held any more
    int64_t changes[LOCAL_CHANGES]; // ids, the n-th at n % LOCAL_CHANGES
    uint64_t change_count;          // since the start
    char since_start[17];           // names this process among all
    struct form_figures figures;
    uint64_t wake_ms; // the timer sleeps until then
    uint64_t look_ms; // the timer looks again by then, if this process does not stand still
};

// --- local_index.c: items, with the lock held

struct item **item_find(struct local *l, const struct execution_key *k);
// A queued one; its payer is already counted (payer_join) and its row is stored. Texts are copied.
struct item *item_add(struct local *l, const struct queue_row *row, struct payer *payer);
void item_forget(struct local *l, struct item **at);
uint64_t items_held(const struct local *l);
// Puts it where its state, its deadline and its time belong. After every change of these.
void item_place(struct local *l, struct item *x);
void item_move(struct local *l, struct item *x, enum execution_event event); // and places it, without a deadline
void item_set_deadline(struct local *l, struct item *x, uint64_t deadline_ms);
// What happened to it, for its timeline; reason NULL: none.
void item_note(struct item *x, const char *stage, const char *reason);
// Before it is placed. false: this worker may get it again, or another one that was benched: too many are, or it says
// no name.
bool item_bench(struct item *x, const char *worker_id);
bool item_is_benched(const struct item *x, const char *worker_id);
bool item_is_held_by(const struct item *x, const struct hash *token); // also while its end is being stored
// Its end begins: nobody else can end it or lease it until it is forgotten, or item_resume.
void item_begin_end(struct local *l, struct item *x);
void item_resume(struct local *l, struct item *x);
// When it becomes too late; its last tenth is for the answer.
uint64_t item_late_at(const struct item *x);

// Whoever pays has one waiting item more. Gives that item's turn.
struct payer *payer_join(struct local *l, const char *name, uint64_t *turn);
struct payer *payer_join_at(struct local *l, const char *name, uint64_t turn); // where the turn is known
void payer_leave(struct local *l, struct payer *p);
// The first of the slot in which those of `build_target` are, and others.
struct lane **lanes_of(struct local *l, struct slice build_target);
void lanes_free(struct local *l);

// --- local_changes.c

void item_changed(struct local *l, const struct item *x); // what lists show of it; with the lock held
bool local_changes(struct queue *q, struct db *db, struct queue_changes *x, struct arena *a, struct buf *out,
                   struct err *e);

// --- local_polls.c: with the lock held, but answers_send

void local_poll(struct queue *q, struct queue_poll *x); // takes the lock itself
// Gives an execution that has just become free to the longest waiting poll that can do it: of those whose workers have
// its source at hand, if there is one. So no poll ever waits while something for it is queued.
void item_offer(struct local *l, struct item *x, struct queue_call **answers);
void polls_end(struct local *l, uint64_t until_ms, struct queue_call **answers); // those that wait no longer than that
void answers_send(struct queue_call *answers);                                   // without the lock

// --- local_timer.c

[[nodiscard]] bool timer_start(struct local *l, struct err *e);
void timer_stop(struct local *l);
// The timer must look again at `deadline_ms`. It is woken only if it sleeps for longer than that. With the lock held.
void timer_wake_by(struct local *l, uint64_t deadline_ms);
void timer_watch(struct local *l, const struct item *x); // by the next deadline of a queued item

// --- local_hopeless.c: with the lock held

// Finds what is hopeless, now and then, and hands it to those who wait.
void hopeless_judge(struct local *l, uint64_t now, struct queue_call **answers);
uint64_t hopeless_next_ms(const struct local *l); // when to look again; NO_DEADLINE: nothing waits, or little is known
void hopeless_note_end(struct local *l, const struct item *x); // its lease ends with it

// --- local_leases.c

void item_make_dirty(struct local *l, struct item *x); // with the lock held
void item_make_clean(struct local *l, struct item *x); // likewise
void leases_store(struct local *l);                    // begins to; without the lock
void leases_store_now(struct local *l);                // and waits until all that the writer was given is over

// --- local_creates.c

void local_create(struct queue *q, struct queue_create *x);
// Queues it and hands it out. false: it is there already, and was left alone. Without the lock.
bool local_add(struct local *l, const struct queue_row *row, struct payer *payer);
uint64_t local_dead_at(const struct local *l, uint64_t said_ms, uint64_t created_ms);
[[nodiscard]] bool local_load(struct local *l, struct err *e); // what is not over, and the counts of what is

// --- local_ends.c

void local_end(struct queue *q, struct queue_end *x);
// Its end came to nothing: the worker keeps its lease, and one that could not expire may still be served meanwhile.
// With the lock held.
void item_end_failed(struct local *l, struct item *x, struct queue_call **answers);
// The item's time is over, its end has begun: that is stored. Without the lock.
void item_expire(struct local *l, struct item *x);

// --- local_replace.c

void local_replace(struct queue *q, struct queue_replace *x);

// --- local_list.c

const char *list_statement(const struct queue_filter *f);
bool local_list(struct queue *q, struct db *db, const struct queue_filter *f, struct arena *a, struct buf *out,
                struct err *e);
// Those of them that there are, in this order.
bool local_list_ids(struct local *l, struct db *db, const int64_t *ids, size_t n, struct arena *a, struct buf *out,
                    struct err *e);
bool local_detail(struct queue *q, struct db *db, const struct execution_key *key, struct arena *a,
                  struct queue_detail *out, struct err *e);
