// SPDX-License-Identifier: Apache-2.0
#include "store/writer.h"

#include "base/clock.h"
#include "base/sync.h"
#include <pthread.h>

#define BATCH_MAX 256

struct writer {
    struct db *db;
    pthread_t thread;
    pthread_mutex_t lock; // guards the queue
    pthread_cond_t wake, room;
    struct writer_job queue[WRITER_WAITING_MAX];
    size_t head, count, patient; // patient: who waits for room
    bool stopping;
    struct histogram took;   // transactions
    _Atomic uint64_t failed; // jobs
};

static size_t take_batch(struct writer *w, struct writer_job *out) {
    pthread_mutex_lock(&w->lock);
    while (!w->count && !w->stopping)
        pthread_cond_wait(&w->wake, &w->lock);
    size_t n = w->count < BATCH_MAX ? w->count : BATCH_MAX;
    for (size_t i = 0; i < n; i++)
        out[i] = w->queue[(w->head + i) % WRITER_WAITING_MAX];
    w->head = (w->head + n) % WRITER_WAITING_MAX;
    w->count -= n;
    pthread_cond_broadcast(&w->room);
    pthread_mutex_unlock(&w->lock);
    return n;
}

struct outcome {
    bool ok;
    struct err e;
};

static void fail_all(struct outcome *outcomes, size_t n, const struct err *e) {
    for (size_t i = 0; i < n; i++)
        if (outcomes[i].ok)
            outcomes[i] = (struct outcome){false, *e};
}

// Says `e` to those that have not failed by themselves.
static void commit(struct db *db, struct outcome *outcomes, size_t n) {
    struct err e;
    if (!db_commit(db, &e))
        fail_all(outcomes, n, &e);
}

// Most batches have no job that fails: these need no savepoints, which cost two statements a job. false: one of several
// failed, and nothing has changed.
static bool run_together(struct db *db, const struct writer_job *jobs, size_t n, struct outcome *outcomes) {
    bool ok = db_begin(db, &outcomes[0].e);
    for (size_t i = 0; ok && i < n; i++)
        ok = outcomes[i].ok = jobs[i].run(db, jobs[i].ctx, &outcomes[i].e);
    if (!ok) {
        outcomes[0].ok = false;
        db_rollback(db);
        return n == 1;
    }
    commit(db, outcomes, n);
    return true;
}

// *whole is false where its savepoint cannot be ended: then nothing of the transaction may stay, as it would be stored
// and told as a failure.
static bool run_alone(struct db *db, const struct writer_job *job, bool *whole, struct err *e) {
    if (!db_exec(db, "SAVEPOINT job", e))
        return false;
    bool ran = job->run(db, job->ctx, e);
    *whole = db_exec(db, ran ? "RELEASE job" : "ROLLBACK TO job; RELEASE job", ran ? e : NULL);
    return ran && *whole;
}

// One transaction, in which what fails is undone alone. Gives how many jobs it has dealt with: fewer than `n` where the
// transaction itself ended when a job failed. What the jobs before that one had changed is gone then, too, and the next
// would write without one.
static size_t run_some(struct db *db, const struct writer_job *jobs, size_t n, struct outcome *outcomes) {
    struct err e;
    size_t i = 0;
    if (!db_begin(db, &e)) {
        for (; i < n; i++)
            outcomes[i] = (struct outcome){false, e};
        return n;
    }
    bool whole = true;
    while (i < n && whole && db_in_transaction(db)) {
        outcomes[i].ok = run_alone(db, &jobs[i], &whole, &outcomes[i].e);
        i++;
    }
    if (whole && db_in_transaction(db)) {
        commit(db, outcomes, i);
    } else {
        fail_all(outcomes, i, &outcomes[i - 1].e);
        db_rollback(db);
    }
    return i;
}

static void run_batch(struct writer *w, const struct writer_job *jobs, size_t n) {
    static _Thread_local struct outcome outcomes[BATCH_MAX];
    uint64_t start_us = clock_mono_us();
    if (!run_together(w->db, jobs, n, outcomes))
        for (size_t ran = 0; ran < n;)
            ran += run_some(w->db, jobs + ran, n - ran, outcomes + ran);
    histogram_add(&w->took, clock_mono_us() - start_us);
    for (size_t i = 0; i < n; i++)
        atomic_fetch_add(&w->failed, !outcomes[i].ok);
    for (size_t i = 0; i < n; i++)
        jobs[i].done(jobs[i].ctx, outcomes[i].ok, &outcomes[i].e);
}

static void *write_all(void *arg) {
    struct writer *w = arg;
    static _Thread_local struct writer_job batch[BATCH_MAX];
    for (size_t n; (n = take_batch(w, batch)) > 0;)
        run_batch(w, batch, n);
    return NULL;
}

bool writer_new(struct writer **out, struct db *db, struct err *e) {
    struct writer *w = xcalloc(1, sizeof *w);
    w->db = db;
    pthread_mutex_init(&w->lock, NULL);
    cond_init(&w->wake);
    cond_init(&w->room);
    if (pthread_create(&w->thread, NULL, write_all, w) != 0) {
        free(w);
        return err_set(e, ERR_INTERNAL, "cannot start a thread");
    }
    *out = w;
    return true;
}

void writer_free(struct writer *w) {
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->wake);
    pthread_cond_destroy(&w->room);
    free(w);
}

size_t writer_waiting(struct writer *w) {
    pthread_mutex_lock(&w->lock);
    size_t n = w->count + w->patient;
    pthread_mutex_unlock(&w->lock);
    return n;
}

void writer_note(struct writer *w, uint64_t took_us, size_t failed) {
    histogram_add(&w->took, took_us);
    atomic_fetch_add(&w->failed, failed);
}

void writer_figures(struct writer *w, size_t others, struct buf *out) {
    figure_one(out, FIGURE_GAUGE, "outlayer_writer_waiting", "Changes that wait for the database.",
               writer_waiting(w) + others);
    figure_head(out, FIGURE_HISTOGRAM, "outlayer_writer_commit_seconds",
                "How long a transaction took, its commit included; it holds the changes that waited.");
    figure_histogram(out, "outlayer_writer_commit_seconds", NULL, &w->took);
    figure_one(out, FIGURE_COUNTER, "outlayer_writer_failed_total", "Changes that were not stored.", w->failed);
}

static bool submit(struct writer *w, const struct writer_job *job, bool patient, struct err *e) {
    pthread_mutex_lock(&w->lock);
    w->patient += patient;
    while (patient && w->count == WRITER_WAITING_MAX && !w->stopping)
        pthread_cond_wait(&w->room, &w->lock);
    w->patient -= patient;
    bool room = w->count < WRITER_WAITING_MAX && !w->stopping;
    if (room) {
        w->queue[(w->head + w->count++) % WRITER_WAITING_MAX] = *job;
        pthread_cond_signal(&w->wake);
    }
    pthread_mutex_unlock(&w->lock);
    if (room)
        return true;
    err_set(e, ERR_UNAVAILABLE, "too many changes are waiting for the database");
    return err_hint(e, "try again in a moment");
}

bool writer_submit(struct writer *w, const struct writer_job *job, struct err *e) { return submit(w, job, false, e); }

struct waiter {
    bool (*run)(struct db *db, void *ctx, struct err *e);
    void *ctx;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool done, ok;
    struct err e;
};

static bool waiter_run(struct db *db, void *ctx, struct err *e) {
    struct waiter *t = ctx;
    return t->run(db, t->ctx, e);
}

static void waiter_done(void *ctx, bool ok, const struct err *e) {
    struct waiter *t = ctx;
    pthread_mutex_lock(&t->lock);
    t->ok = ok;
    t->e = *e;
    t->done = true;
    pthread_cond_signal(&t->ended);
    pthread_mutex_unlock(&t->lock);
}

static bool do_job(struct writer *w, bool (*run)(struct db *db, void *ctx, struct err *e), void *ctx, bool patient,
                   struct err *e) {
    struct waiter t = {.run = run, .ctx = ctx, .lock = PTHREAD_MUTEX_INITIALIZER};
    struct writer_job job = {waiter_run, waiter_done, &t};
    cond_init(&t.ended);
    bool submitted = submit(w, &job, patient, e);
    pthread_mutex_lock(&t.lock);
    while (submitted && !t.done)
        pthread_cond_wait(&t.ended, &t.lock);
    pthread_mutex_unlock(&t.lock);
    pthread_cond_destroy(&t.ended);
    if (submitted && !t.ok && e)
        *e = t.e;
    return t.ok;
}

bool writer_do(struct writer *w, bool (*run)(struct db *db, void *ctx, struct err *e), void *ctx, struct err *e) {
    return do_job(w, run, ctx, false, e);
}

bool writer_do_after_all(struct writer *w, bool (*run)(struct db *db, void *ctx, struct err *e), void *ctx,
                         struct err *e) {
    return do_job(w, run, ctx, true, e);
}
