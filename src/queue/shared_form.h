// SPDX-License-Identifier: Apache-2.0
// What a form of shared.h provides, and what both have in the memory of their process: the workers that this process
// has heard, and whom the operator benched as far as it knows.
#pragma once
#include "queue/queue.h"
#include "queue/shared.h"
#include "queue/windows.h"
#include <pthread.h>

struct shared_form {
    void (*acquire)(struct shared *s, struct shared_lock *x);
    void (*release)(struct shared *s, struct shared_lock *x);
    void (*bench)(struct shared *s, struct shared_bench *x);
    // Adds what is stored of workers that are not in `own`; NULL: nothing is stored.
    bool (*workers)(struct db *db, const json_t *own, json_t *list, struct err *e);
    void (*free)(struct shared *s);
};

struct seen_worker {
    char *id, *said;
    uint64_t seen_ms;
    bool unwritten; // what it said is not stored, or nothing is
    bool uncounted; // it is not in alive_stored
};
struct benched {
    char worker_id[WORKER_ID_MAX + 1];
    uint64_t until_ms;
};
struct shared { // a form's own struct begins with it
    const struct shared_form *form;
    pthread_mutex_t mutex; // over all below
    struct seen_worker workers[WORKERS_MAX];
    size_t worker_count;
    uint64_t heard_ms;     // when a worker was heard last, or this was opened
    uint64_t spare_ms;     // until then nothing ends that workers prolong: nobody listened to them (shared_hear)
    uint64_t alive_stored; // as many are alive by what is stored
    struct benched bench[BENCHED_MAX];
    size_t bench_count;
    uint64_t coordinators;
    int64_t ahead_ms;        // of the monotonic clock is the database's; 0: this process' clock counts
    struct windows *windows; // NULL: each process counts alone. Not the mutex', but of the start
};

void shared_init(struct shared *s, const struct shared_form *form);
void shared_release_base(struct shared *s);
// A worker is heard, with the mutex held. Workers that live say so every 5 s: whoever has heard none for SILENCE_MS has
// stood still, or there was none.
#define SILENCE_MS 10000
void shared_hear(struct shared *s, uint64_t now_ms);
// One of the list that shared_workers makes.
json_t *shared_worker_row(const char *said, uint64_t ago_ms);

static inline const char *lock_token(const struct shared_lock *x) { return x->token_name ? x->token_name : ""; }
static inline void shared_answer(struct shared_call *c, bool ok, const struct err *e) {
    c->done(c->ctx, ok ? NULL : e);
}
// What both forms refuse alike. false.
bool lock_none_free(struct err *e);
bool lock_is_foreign(const char *key, struct err *e);
bool bench_is_full(struct err *e);
