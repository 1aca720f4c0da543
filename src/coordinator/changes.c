// SPDX-License-Identifier: Apache-2.0
// `seq` is QUEUE~WORKERS: the queue's own word, and a hash of what is shown of the workers. What the thread has told
// last is `seq` here, and who comes back with it waits without a look of its own: in a quiet system all have the same.
// It moves on only when something has changed, so that a look from it finds at least what those who wait have not seen.
#include "coordinator/changes.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/sync.h"
#include "codec/json.h"
#include "crypto/hash.h"
#include <inttypes.h>
#include <stdatomic.h>

#define ROWS_BYTES_MAX (8u << 20)
#define WORKERS_MS 1000 // between two looks at the workers
#define SHARED_LOOK_MS 500
#define OWN_LOOK_MS WORKERS_MS // of what no other process changes
#define SEQ_MAX (QUEUE_SEQ_MAX + 17)

struct waiting { // in the request's arena
    struct waiting *next;
    struct http_request *request;
    const char *since; // NULL: none
    uint64_t until_ms;
    bool fresh; // not looked at yet
};

struct changes {
    struct queue *queue;
    struct shared *shared;
    struct db *db;
    pthread_t thread;
    bool runs;
    atomic_bool told;      // something has changed since the last look
    pthread_mutex_t mutex; // for the next
    pthread_cond_t woken;
    struct waiting *first;
    size_t count, fresh;
    bool stop;
    // The thread's own.
    char queue_seq[QUEUE_SEQ_MAX + 1]; // "": it has not looked
    uint64_t workers;
    uint64_t gap_ms, look_ms, workers_ms; // not before; the next look
    bool fails;
};

struct changes *changes_new(void) {
    struct changes *w = xcalloc(1, sizeof *w);
    pthread_mutex_init(&w->mutex, NULL);
    cond_init(&w->woken);
    return w;
}

void changes_told(void *changes) {
    struct changes *w = changes;
    if (atomic_exchange(&w->told, true))
        return;
    pthread_mutex_lock(&w->mutex);
    if (w->count)
        pthread_cond_signal(&w->woken);
    pthread_mutex_unlock(&w->mutex);
}

// --- answers -----------------------------------------------------------------------------------------------------

static const char *seq_text(struct arena *a, const char *queue_seq, uint64_t workers) {
    return arena_printf(a, "%s~%016" PRIx64, queue_seq, workers);
}

static json_t *counts_json(struct changes *w) {
    struct queue_counts n;
    queue_counts(w->queue, &n);
    json_t *o = json_object();
    for (int s = EXECUTION_QUEUED; s <= EXECUTION_SUBMITTING; s++)
        json_set_u64(o, execution_text((enum execution_state)s), n.by_state[s]);
    json_set_u64(o, "total_executions", n.created);
    json_set_u64(o, "successful_executions", n.succeeded);
    json_set_u64(o, "failed_executions", n.guest_failed);
    json_set_u64(o, "refused_executions", n.refused);
    json_set_u64(o, "expired_executions", n.expired);
    json_set_u64(o, "active_workers", shared_alive(w->shared));
    return o;
}

// rows: taken over.
static const char *answer_text(struct changes *w, struct arena *a, const char *seq, json_t *rows, bool anew,
                               bool workers) {
    SCOPED_JSON(o) = json_object();
    json_set_text(o, "seq", seq);
    json_object_set_new(o, "anew", json_boolean(anew));
    json_object_set_new(o, "executions", rows);
    json_object_set_new(o, "workers", json_boolean(workers));
    json_object_set_new(o, "counts", counts_json(w));
    return json_text(a, o);
}

static void reply(struct http_request *r, const char *text) {
    http_add_header(r, "Cache-Control", "no-store");
    http_reply(r, 200, "application/json; charset=utf-8", slice_str(text));
}

static void reply_unchanged(struct changes *w, const struct waiting *x) {
    struct arena *a = http_arena(x->request);
    const char *seq = x->since ? x->since : seq_text(a, w->queue_seq, w->workers);
    reply(x->request, answer_text(w, a, seq, json_array(), !x->since, false));
}

static void reply_unavailable(struct http_request *r, const char *why) {
    struct err e;
    err_set(&e, ERR_UNAVAILABLE, "%s", why);
    err_hint(&e, "ask again in a few seconds, or ask for what is shown itself");
    http_add_header(r, "Retry-After", "5");
    http_reply_err(r, &e);
}

// --- looking -----------------------------------------------------------------------------------------------------

struct look {
    struct queue_changes queue;
    json_t *rows;
    bool workers; // they have changed
};

static bool has_changed(const struct look *x) { return x->queue.unknown || x->queue.count || x->workers; }

// The queue's part of `since`, and the hash behind it.
static const char *split(struct arena *a, const char *since, uint64_t *workers) {
    const char *at = since ? strrchr(since, '~') : NULL;
    char *end = NULL;
    *workers = at ? strtoull(at + 1, &end, 16) : 0;
    return at && end == at + 17 && !*end ? arena_text(a, slice_of(since, (size_t)(at - since))) : NULL;
}

static bool look(struct changes *w, const char *queue_seq, uint64_t workers, struct look *out, struct arena *a,
                 struct err *e) {
    SCOPED_BUF(rows, ROWS_BYTES_MAX);
    *out = (struct look){.queue.since = queue_seq, .workers = workers != w->workers};
    if (!queue_changes(w->queue, w->db, &out->queue, a, &rows, e))
        return false;
    if (rows.full)
        out->queue.more = true;
    out->rows = rows.full ? json_array() : json_parse_big(buf_slice(&rows), ROWS_BYTES_MAX, e);
    return out->rows != NULL;
}

// What is shown of them in words and numbers that do not change with every heartbeat. In no order: so is the list.
static uint64_t hash_of_worker(json_t *row) {
    static const char *const shown[] = {"worker_id",  "status",     "version", "capabilities", "building", "running",
                                        "submitting", "free_slots", NULL};
    SCOPED_ARENA(a);
    SCOPED_JSON(o) = json_object();
    for (size_t i = 0; shown[i]; i++)
        json_object_set(o, shown[i], json_object_get(row, shown[i]));
    struct hash h = sha256(slice_str(json_text(a, o)));
    uint64_t out;
    memcpy(&out, h.b, sizeof out);
    return out;
}

static bool look_at_workers(struct changes *w, uint64_t *hash, struct err *e) {
    size_t i;
    json_t *row;
    SCOPED_JSON(list) = NULL;
    if (!shared_workers(w->shared, w->db, &list, e))
        return false;
    *hash = 0;
    json_array_foreach(list, i, row)
        *hash ^= hash_of_worker(row);
    return true;
}

// --- who waits ---------------------------------------------------------------------------------------------------

// Takes those out that `which` says.
static struct waiting *take(struct changes *w, bool (*which)(struct changes *w, const struct waiting *x)) {
    struct waiting *out = NULL;
    pthread_mutex_lock(&w->mutex);
    for (struct waiting **at = &w->first, *x; (x = *at);) {
        if (!which(w, x)) {
            at = &x->next;
            continue;
        }
        *at = x->next;
        x->next = out;
        out = x;
        w->count--;
        w->fresh -= x->fresh;
    }
    pthread_mutex_unlock(&w->mutex);
    return out;
}

static bool any(struct changes *w, const struct waiting *x) {
    (void)w, (void)x;
    return true;
}
static bool is_fresh(struct changes *w, const struct waiting *x) {
    (void)w;
    return x->fresh;
}
static bool is_settled(struct changes *w, const struct waiting *x) {
    (void)w;
    return !x->fresh;
}
static bool is_over(struct changes *w, const struct waiting *x) {
    return !x->fresh &&
           (x->until_ms <= clock_mono_ms() || (w->count > CHANGES_WAITING_MAX / 2 && http_hung_up(x->request)));
}

static void settle(struct changes *w, struct waiting *x) {
    x->fresh = false;
    pthread_mutex_lock(&w->mutex);
    x->next = w->first;
    w->first = x;
    w->count++;
    pthread_mutex_unlock(&w->mutex);
}

// --- the thread --------------------------------------------------------------------------------------------------

static void say_once(struct changes *w, bool ok, const struct err *e) {
    if (!ok && !w->fails)
        log_err(LOG_ERROR, "nobody is told what changes", e);
    if (ok && w->fails)
        log_info("it is told again what changes");
    w->fails = !ok;
}

// For all who wait.
static bool look_for_all(struct changes *w, struct err *e) {
    SCOPED_ARENA(a);
    struct look found;
    uint64_t now = clock_mono_ms(), was = w->workers;
    bool looks = now >= w->workers_ms;
    atomic_store(&w->told, false);
    if (looks && !look_at_workers(w, &w->workers, e))
        return false;
    w->workers_ms = looks ? now + WORKERS_MS : w->workers_ms;
    if (!look(w, w->queue_seq[0] ? w->queue_seq : NULL, was, &found, a, e)) {
        w->workers = was;
        return false;
    }
    if (!has_changed(&found)) {
        json_decref(found.rows);
        return true;
    }
    memcpy(w->queue_seq, found.queue.seq, sizeof w->queue_seq);
    w->gap_ms = now + CHANGES_GAP_MS;
    const char *text = answer_text(w, a, seq_text(a, w->queue_seq, w->workers), found.rows,
                                   found.queue.unknown || found.queue.more, found.workers);
    for (struct waiting *x = take(w, is_settled), *next; x; x = next) {
        next = x->next;
        reply(x->request, text);
    }
    return true;
}

// Answers one who has come with another word than what was told last, if anything has changed since.
static void look_for_one(struct changes *w, struct waiting *x) {
    struct arena *a = http_arena(x->request);
    struct look found;
    struct err e;
    uint64_t workers;
    const char *since = split(a, x->since, &workers);
    if (!look(w, since, workers, &found, a, &e)) {
        http_reply_err(x->request, &e);
        return;
    }
    if (has_changed(&found)) {
        reply(x->request, answer_text(w, a, seq_text(a, found.queue.seq, w->workers), found.rows,
                                      found.queue.unknown || found.queue.more, found.workers));
        return;
    }
    json_decref(found.rows);
    if (x->until_ms <= clock_mono_ms())
        reply_unchanged(w, x);
    else
        settle(w, x);
}

static void take_in(struct changes *w) {
    SCOPED_ARENA(a);
    for (struct waiting *x = take(w, is_fresh), *next; x; x = next) {
        next = x->next;
        bool has_told = x->since && strcmp(x->since, seq_text(a, w->queue_seq, w->workers)) == 0;
        if (has_told && x->until_ms > clock_mono_ms())
            settle(w, x);
        else
            look_for_one(w, x);
    }
}

static void let_go(struct changes *w, bool (*which)(struct changes *w, const struct waiting *x)) {
    for (struct waiting *x = take(w, which), *next; x; x = next) {
        next = x->next;
        reply_unchanged(w, x);
    }
}

static uint64_t earlier(uint64_t a, uint64_t b) { return a < b ? a : b; }

// When there is something to do; with the lock held.
static uint64_t due_ms(struct changes *w) {
    uint64_t due = NO_DEADLINE;
    if (w->fresh)
        return 0;
    for (const struct waiting *x = w->first; x; x = x->next)
        due = earlier(due, x->until_ms);
    if (w->first)
        due = earlier(due, atomic_load(&w->told) ? w->gap_ms : w->look_ms);
    return due;
}

// Nobody is kept waiting by the gap where nobody waits: what has changed before somebody came is not told to him later.
static bool is_due(struct changes *w, uint64_t now) {
    pthread_mutex_lock(&w->mutex);
    bool nobody = w->count == w->fresh;
    pthread_mutex_unlock(&w->mutex);
    return !w->queue_seq[0] || now >= w->look_ms || (atomic_load(&w->told) && (nobody || now >= w->gap_ms));
}

static void round_of(struct changes *w) {
    uint64_t now = clock_mono_ms();
    struct err e;
    bool ok = true;
    if (is_due(w, now)) {
        ok = look_for_all(w, &e);
        w->look_ms = now + (db_engine(w->db) == DB_POSTGRES ? SHARED_LOOK_MS : OWN_LOOK_MS);
        say_once(w, ok, &e);
    }
    take_in(w);
    let_go(w, is_over);
}

static void *watch(void *ctx) {
    struct changes *w = ctx;
    pthread_mutex_lock(&w->mutex);
    while (!w->stop) {
        uint64_t due = due_ms(w);
        if (due > clock_mono_ms()) {
            cond_wait_until(&w->woken, &w->mutex, due);
            continue;
        }
        pthread_mutex_unlock(&w->mutex);
        round_of(w);
        pthread_mutex_lock(&w->mutex);
    }
    pthread_mutex_unlock(&w->mutex);
    let_go(w, any);
    return NULL;
}

bool changes_start(struct changes *w, struct queue *q, struct shared *s, struct db *db, struct err *e) {
    w->queue = q;
    w->shared = s;
    w->db = db;
    w->runs = pthread_create(&w->thread, NULL, watch, w) == 0;
    return w->runs || err_set(e, ERR_IO, "cannot start a thread");
}

void changes_wait(struct changes *w, struct http_request *r, const char *since, uint64_t timeout_s) {
    struct waiting *x = arena_calloc(http_arena(r), 1, sizeof *x);
    *x = (struct waiting){.request = r,
                          .since = since && since[0] ? since : NULL,
                          .until_ms = clock_mono_ms() + timeout_s * 1000,
                          .fresh = true};
    pthread_mutex_lock(&w->mutex);
    bool stop = w->stop, full = w->count >= CHANGES_WAITING_MAX;
    if (!stop && !full) {
        x->next = w->first;
        w->first = x;
        w->count++;
        w->fresh++;
        pthread_cond_signal(&w->woken);
    }
    pthread_mutex_unlock(&w->mutex);
    if (stop || full)
        reply_unavailable(r, stop ? "this coordinator is ending" : "too many wait for changes already");
}

void changes_figures(struct changes *w, struct buf *out) {
    pthread_mutex_lock(&w->mutex);
    uint64_t n = w->count;
    pthread_mutex_unlock(&w->mutex);
    figure_one(out, FIGURE_GAUGE, "outlayer_changes_waiting", "Who waits for changes of what lists show.", n);
}

void changes_stop(struct changes *w) {
    if (!w)
        return;
    pthread_mutex_lock(&w->mutex);
    w->stop = true;
    pthread_cond_signal(&w->woken);
    pthread_mutex_unlock(&w->mutex);
    if (w->runs)
        pthread_join(w->thread, NULL);
    w->runs = false;
}

void changes_free(struct changes *w) {
    if (!w)
        return;
    pthread_cond_destroy(&w->woken);
    pthread_mutex_destroy(&w->mutex);
    free(w);
}
