// SPDX-License-Identifier: Apache-2.0
// `seq` is QUEUE~WORKERS: the queue's own word, and a hash of what is shown of the workers. What the thread has told
// last is `seq` here, and who comes back with it waits without a look of its own: in a quiet system all have the same.
// It moves on only when something has changed, so that a look from it finds at least what those who wait have not seen.
// Who comes with another word (a tab that slept, another coordinator's last word) is looked for half a second later,
// together with all who have the same word, and waits with the others from then on.
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
#define WORDS_MAX 64 // that are looked for in one round; who has another one is told to load anew
#define GONE_MS 1000 // between two looks whether those who wait are still there

struct waiting { // in the request's arena
    struct waiting *next;
    struct http_request *request;
    const char *since; // NULL: none
    struct seat seat;
    uint64_t come_ms, until_ms;
};

struct changes {
    struct queue *queue;
    struct shared *shared;
    struct db *db;
    struct seats *seats; // of all who wait
    pthread_t thread;
    bool runs;
    atomic_bool told;      // something has changed since the last look
    pthread_mutex_t mutex; // for the next: nobody does anything but look at them with it
    pthread_cond_t woken;
    struct waiting *come; // whom the thread has not seen yet
    bool stop;
    // The thread's own.
    struct waiting *absent, *settled, *stale; // without a word; who know what was told last; who say something else
    char queue_seq[QUEUE_SEQ_MAX + 1];        // "": it has not looked
    uint64_t workers;
    uint64_t look_ms, workers_ms, gone_ms; // the next look
    uint64_t gap_ms, words_ms;             // not before: an answer to who waits, a look for other words
    uint64_t over_ms, stale_ms;            // when the first has waited long enough, when the first other word is due
    bool fails;
    struct err why;
};

struct changes *changes_new(void) {
    struct changes *w = xcalloc(1, sizeof *w);
    pthread_mutex_init(&w->mutex, NULL);
    cond_init(&w->woken);
    w->seats = seats_new(CHANGES_WAITING_MAX);
    return w;
}

void changes_leave_room(struct changes *w, uint64_t connections) { seats_lower(w->seats, connections / 4); }

void changes_told(void *changes) {
    struct changes *w = changes;
    if (atomic_exchange(&w->told, true))
        return;
    pthread_mutex_lock(&w->mutex);
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

static void push(struct waiting **list, struct waiting *x) {
    x->next = *list;
    *list = x;
}

// Takes the first.
static struct waiting *pop(struct waiting **list) {
    struct waiting *x = *list;
    *list = x ? x->next : NULL;
    return x;
}

static void reply(struct changes *w, struct waiting *x, const char *text) {
    seats_leave(w->seats, &x->seat);
    http_add_header(x->request, "Cache-Control", "no-store");
    http_reply(x->request, 200, "application/json; charset=utf-8", slice_str(text));
}

static void reply_all(struct changes *w, struct waiting **list, const char *text) {
    for (struct waiting *x; (x = pop(list));)
        reply(w, x, text);
}

static void reply_unchanged(struct changes *w, struct waiting *x) {
    struct arena *a = http_arena(x->request);
    const char *seq = x->since ? x->since : seq_text(a, w->queue_seq, w->workers);
    reply(w, x, answer_text(w, a, seq, json_array(), !x->since, false));
}

static void refuse(struct http_request *r, const struct err *e) {
    http_add_header(r, "Retry-After", "5");
    http_reply_err(r, e);
}

static void refuse_all(struct changes *w, struct waiting **list, const struct err *e) {
    for (struct waiting *x; (x = pop(list));) {
        seats_leave(w->seats, &x->seat);
        refuse(x->request, e);
    }
}

// --- looking -----------------------------------------------------------------------------------------------------

struct look {
    struct queue_changes queue;
    json_t *rows;
    bool workers; // they have changed
};

static bool is_anew(const struct look *x) { return x->queue.unknown || x->queue.more; }
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
    out->rows = is_anew(out) ? json_array() : json_parse_big(buf_slice(&rows), ROWS_BYTES_MAX, e);
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

static void take_in(struct changes *w) {
    SCOPED_ARENA(a);
    const char *last = seq_text(a, w->queue_seq, w->workers);
    pthread_mutex_lock(&w->mutex);
    struct waiting *come = w->come;
    w->come = NULL;
    pthread_mutex_unlock(&w->mutex);
    for (struct waiting *x; (x = pop(&come));)
        push(!x->since ? &w->absent : strcmp(x->since, last) == 0 ? &w->settled : &w->stale, x);
}

// Moves those out of `list` that `which` says.
static struct waiting *take(struct waiting **list, bool (*which)(const struct waiting *x, const void *ctx),
                            const void *ctx) {
    struct waiting *out = NULL;
    for (struct waiting **at = list, *x; (x = *at);)
        if (which(x, ctx)) {
            *at = x->next;
            push(&out, x);
        } else {
            at = &x->next;
        }
    return out;
}

static bool has_gone(const struct waiting *x, const void *ctx) {
    (void)ctx;
    return http_hung_up(x->request);
}
static bool is_over(const struct waiting *x, const void *now_ms) { return x->until_ms <= *(const uint64_t *)now_ms; }
static bool is_due(const struct waiting *x, const void *now_ms) {
    return x->come_ms + CHANGES_GAP_MS <= *(const uint64_t *)now_ms;
}
static bool says(const struct waiting *x, const void *since) { return strcmp(x->since, since) == 0; }

static void let_go(struct changes *w, struct waiting *list) {
    for (struct waiting *x; (x = pop(&list));)
        reply_unchanged(w, x);
}

// Their places are somebody else's.
static void forget_the_gone(struct changes *w, uint64_t now) {
    struct waiting **const lists[] = {&w->absent, &w->settled, &w->stale};
    if (now < w->gone_ms)
        return;
    w->gone_ms = now + GONE_MS;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        let_go(w, take(lists[i], has_gone, NULL));
}

// --- the thread --------------------------------------------------------------------------------------------------

static void say_once(struct changes *w, bool ok, const struct err *e) {
    if (!ok && !w->fails)
        log_err(LOG_ERROR, "nobody is told what changes", e);
    if (ok && w->fails)
        log_info("it is told again what changes");
    w->fails = !ok;
    if (!ok)
        w->why = *e;
}

// For all who know what was told last.
static bool look_for_all(struct changes *w, uint64_t now, struct err *e) {
    SCOPED_ARENA(a);
    struct look found;
    uint64_t was = w->workers;
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
    w->gap_ms = w->settled ? now + CHANGES_GAP_MS : w->gap_ms;
    reply_all(w, &w->settled,
              answer_text(w, a, seq_text(a, w->queue_seq, w->workers), found.rows, is_anew(&found), found.workers));
    return true;
}

// For those who came with the same other word. They are told what was told last to all: the look from there was just
// before, so that they wait with the others when they come back.
static bool look_for_word(struct changes *w, struct waiting *those, struct err *e) {
    SCOPED_ARENA(a);
    struct look found;
    uint64_t workers;
    const char *since = split(a, those->since, &workers);
    if (!look(w, since, workers, &found, a, e)) {
        refuse_all(w, &those, e);
        return false;
    }
    if (has_changed(&found)) {
        reply_all(w, &those,
                  answer_text(w, a, seq_text(a, w->queue_seq, w->workers), found.rows, is_anew(&found), found.workers));
        return true;
    }
    json_decref(found.rows);
    for (struct waiting *x; (x = pop(&those));)
        push(&w->settled, x);
    return true;
}

static bool look_for_words(struct changes *w, uint64_t now, struct err *e) {
    SCOPED_ARENA(a);
    struct waiting *due = take(&w->stale, is_due, &now);
    bool ok = true;
    let_go(w, take(&due, has_gone, NULL));
    for (unsigned n = 0; due && ok && n < WORDS_MAX; n++)
        ok = look_for_word(w, take(&due, says, due->since), e);
    if (!ok)
        refuse_all(w, &due, e);
    if (due)
        reply_all(w, &due, answer_text(w, a, seq_text(a, w->queue_seq, w->workers), json_array(), true, true));
    w->words_ms = now + CHANGES_GAP_MS;
    return ok;
}

static uint64_t earlier(uint64_t a, uint64_t b) { return a < b ? a : b; }
static uint64_t later(uint64_t a, uint64_t b) { return a < b ? b : a; }

// When there is something to do.
static uint64_t due_ms(const struct changes *w) {
    uint64_t due = earlier(w->over_ms, w->stale_ms);
    if (w->settled)
        due = earlier(due, later(w->gap_ms, atomic_load(&w->told) && !w->fails ? 0 : w->look_ms));
    return due;
}

// Nobody is kept waiting by the gap where nobody waits: what has changed before somebody came is not told to him later.
static bool must_look(const struct changes *w, uint64_t now) {
    bool may = !w->settled || now >= w->gap_ms, told = atomic_load(&w->told) || !w->queue_seq[0];
    return now >= w->stale_ms || (may && (now >= w->look_ms || (told && !w->fails)));
}

static void look_around(struct changes *w, uint64_t now) {
    struct err e;
    bool ok = look_for_all(w, now, &e) && (now < w->stale_ms || look_for_words(w, now, &e));
    say_once(w, ok, &e);
    if (!ok) { // who came meanwhile waits for it no second time
        take_in(w);
        refuse_all(w, &w->stale, &w->why);
    }
    w->look_ms = clock_mono_ms() + (db_engine(w->db) == DB_POSTGRES ? SHARED_LOOK_MS : OWN_LOOK_MS);
}

static void note_what_is_due(struct changes *w) {
    w->over_ms = w->stale_ms = NO_DEADLINE;
    for (const struct waiting *x = w->settled; x; x = x->next)
        w->over_ms = earlier(w->over_ms, x->until_ms);
    for (const struct waiting *x = w->stale; x; x = x->next)
        w->stale_ms = earlier(w->stale_ms, later(x->come_ms + CHANGES_GAP_MS, later(w->words_ms, w->gap_ms)));
}

static void round_of(struct changes *w) {
    uint64_t now = clock_mono_ms();
    take_in(w);
    forget_the_gone(w, now);
    if (must_look(w, now))
        look_around(w, now);
    if (w->fails)
        refuse_all(w, &w->absent, &w->why);
    struct waiting *absent = w->absent;
    w->absent = NULL;
    let_go(w, absent);
    now = clock_mono_ms();
    let_go(w, take(&w->settled, is_over, &now));
    note_what_is_due(w);
}

static void *watch(void *ctx) {
    struct changes *w = ctx;
    note_what_is_due(w);
    pthread_mutex_lock(&w->mutex);
    while (!w->stop) {
        uint64_t due = w->come ? 0 : due_ms(w);
        if (due > clock_mono_ms()) {
            cond_wait_until(&w->woken, &w->mutex, due);
            continue;
        }
        pthread_mutex_unlock(&w->mutex);
        round_of(w);
        pthread_mutex_lock(&w->mutex);
    }
    pthread_mutex_unlock(&w->mutex);
    take_in(w);
    let_go(w, w->absent);
    let_go(w, w->settled);
    let_go(w, w->stale);
    return NULL;
}

bool changes_start(struct changes *w, struct queue *q, struct shared *s, struct db *db, struct err *e) {
    w->queue = q;
    w->shared = s;
    w->db = db;
    w->runs = pthread_create(&w->thread, NULL, watch, w) == 0;
    return w->runs || err_set(e, ERR_IO, "cannot start a thread");
}

static bool hand_over(struct changes *w, struct waiting *x) {
    pthread_mutex_lock(&w->mutex);
    bool stop = w->stop;
    if (!stop) {
        push(&w->come, x);
        pthread_cond_signal(&w->woken);
    }
    pthread_mutex_unlock(&w->mutex);
    return !stop;
}

void changes_wait(struct changes *w, struct http_request *r, const char *asker, const char *since, uint64_t timeout_s) {
    struct waiting *x = arena_calloc(http_arena(r), 1, sizeof *x);
    struct err e;
    uint64_t now = clock_mono_ms();
    *x = (struct waiting){
        .request = r, .since = since && since[0] ? since : NULL, .come_ms = now, .until_ms = now + timeout_s * 1000};
    if (!seats_enter(w->seats, asker, &x->seat, &e)) {
        refuse(r, &e);
    } else if (!hand_over(w, x)) {
        seats_leave(w->seats, &x->seat);
        err_set(&e, ERR_UNAVAILABLE, "this coordinator is ending");
        err_hint(&e, "ask again in a few seconds");
        refuse(r, &e);
    }
}

void changes_figures(struct changes *w, struct buf *out) {
    figure_one(out, FIGURE_GAUGE, "outlayer_changes_waiting", "Who waits for changes of what lists show.",
               seats_taken(w->seats));
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
    seats_free(w->seats);
    free(w);
}
