// SPDX-License-Identifier: Apache-2.0
#include "queue/shared.h"

#include "base/clock.h"
#include "codec/json.h"
#include "queue/shared_form.h"

void shared_init(struct shared *s, const struct shared_form *form) {
    s->form = form;
    s->coordinators = 1;
    s->heard_ms = clock_mono_ms();
    pthread_mutex_init(&s->mutex, NULL);
}

static void worker_drop(struct shared *s, size_t i) {
    free(s->workers[i].id);
    free(s->workers[i].said);
    s->workers[i] = s->workers[--s->worker_count];
}

void shared_release_base(struct shared *s) {
    while (s->worker_count)
        worker_drop(s, 0);
    windows_free(s->windows);
    pthread_mutex_destroy(&s->mutex);
}

void shared_free(struct shared *s) {
    if (s)
        s->form->free(s);
}

uint64_t shared_coordinators(struct shared *s) {
    pthread_mutex_lock(&s->mutex);
    uint64_t n = s->coordinators;
    pthread_mutex_unlock(&s->mutex);
    return n;
}

uint64_t shared_now_ms(struct shared *s) {
    pthread_mutex_lock(&s->mutex);
    int64_t ahead_ms = s->ahead_ms;
    pthread_mutex_unlock(&s->mutex);
    return ahead_ms ? (uint64_t)((int64_t)clock_mono_ms() + ahead_ms) : clock_wall_ms();
}

void shared_figures(struct shared *s, struct buf *out) {
    if (s->windows)
        windows_figures(s->windows, out);
}

// --- locks

void shared_acquire(struct shared *s, struct shared_lock *x) { s->form->acquire(s, x); }
void shared_release(struct shared *s, struct shared_lock *x) { s->form->release(s, x); }

bool lock_none_free(struct err *e) { return err_set(e, ERR_UNAVAILABLE, "%d locks are held already", LOCKS_MAX); }

bool lock_is_foreign(const char *key, struct err *e) {
    return err_set(e, ERR_FORBIDDEN, "another worker holds the lock '%.200s'", key);
}

// --- workers

static struct seen_worker *find_worker(struct shared *s, const char *id) {
    for (size_t i = 0; i < s->worker_count; i++)
        if (strcmp(s->workers[i].id, id) == 0)
            return &s->workers[i];
    return NULL;
}

// Gives a free place for worker `id`. Where all are taken, the worker that was seen longest ago loses its place, if it
// has not been heard of for WORKER_ALIVE_MS; NULL if it has.
static struct seen_worker *new_worker(struct shared *s, const char *id) {
    if (s->worker_count == WORKERS_MAX) {
        size_t oldest = 0;
        for (size_t i = 1; i < s->worker_count; i++)
            if (s->workers[i].seen_ms < s->workers[oldest].seen_ms)
                oldest = i;
        if (s->workers[oldest].seen_ms + WORKER_ALIVE_MS > clock_mono_ms())
            return NULL;
        worker_drop(s, oldest);
    }
    struct seen_worker *w = &s->workers[s->worker_count++];
    *w = (struct seen_worker){.id = xstrdup(id), .uncounted = true};
    return w;
}

void shared_hear(struct shared *s, uint64_t now_ms) {
    if (now_ms - s->heard_ms > SILENCE_MS)
        s->spare_ms = now_ms + LEASE_MS;
    s->heard_ms = now_ms;
}

bool shared_seen(struct shared *s, const char *worker, const char *json, struct err *e) {
    pthread_mutex_lock(&s->mutex);
    shared_hear(s, clock_mono_ms());
    struct seen_worker *w = find_worker(s, worker);
    if (!w)
        w = new_worker(s, worker);
    if (w) {
        free(w->said);
        w->said = xstrdup(json);
        w->seen_ms = clock_mono_ms();
        w->unwritten = true;
    }
    pthread_mutex_unlock(&s->mutex);
    return w || err_set(e, ERR_UNAVAILABLE, "%d workers are known already", WORKERS_MAX);
}

static bool has_no_slot(const json_t *worker) {
    const json_t *free_slots = json_object_get(worker, "free_slots");
    return json_is_integer(free_slots) && json_integer_value(free_slots) == 0;
}

json_t *shared_worker_row(const char *said, uint64_t ago_ms) {
    char text[32];
    json_t *one = json_loads(said, JSON_ALLOW_NUL, NULL);
    if (!json_is_object(one)) { // by somebody else's hand
        json_decref(one);
        one = json_object();
    }
    json_object_set_new(one, "last_seen_ms", json_integer((json_int_t)ago_ms));
    json_set_text(one, "last_heartbeat_at", clock_iso8601(clock_wall_ms() - ago_ms, text));
    json_set_text(one, "status", ago_ms >= WORKER_ALIVE_MS ? "offline" : has_no_slot(one) ? "busy" : "online");
    return one;
}

// What this process alone knows, by worker.
static json_t *own_workers(struct shared *s) {
    json_t *own = json_object();
    uint64_t now = clock_mono_ms();
    pthread_mutex_lock(&s->mutex);
    for (size_t i = 0; i < s->worker_count; i++)
        if (s->workers[i].unwritten)
            json_object_set_new(own, s->workers[i].id,
                                shared_worker_row(s->workers[i].said, now - s->workers[i].seen_ms));
    pthread_mutex_unlock(&s->mutex);
    return own;
}

bool shared_workers(struct shared *s, struct db *db, json_t **out, struct err *e) {
    const char *id;
    json_t *row;
    SCOPED_JSON(own) = own_workers(s);
    json_t *list = json_array();
    if (s->form->workers && !s->form->workers(db, own, list, e)) {
        json_decref(list);
        return false;
    }
    json_object_foreach(own, id, row)
        json_array_append(list, row);
    *out = list;
    return true;
}

uint64_t shared_alive(struct shared *s) {
    uint64_t now = clock_mono_ms();
    pthread_mutex_lock(&s->mutex);
    uint64_t n = s->alive_stored;
    for (size_t i = 0; i < s->worker_count; i++)
        n += s->workers[i].uncounted && now - s->workers[i].seen_ms < WORKER_ALIVE_MS;
    pthread_mutex_unlock(&s->mutex);
    return n;
}

// --- benches

void shared_bench(struct shared *s, struct shared_bench *x) { s->form->bench(s, x); }

bool bench_is_full(struct err *e) {
    err_set(e, ERR_CONFLICT, "%d workers are benched already", BENCHED_MAX);
    return err_hint(e, "DELETE /admin/bench/WORKER_ID takes one off");
}

bool shared_is_benched(struct shared *s, const char *worker, uint64_t *left_s) {
    uint64_t now = clock_mono_ms();
    bool is = false;
    *left_s = 0;
    pthread_mutex_lock(&s->mutex);
    for (size_t i = 0; i < s->bench_count && !is; i++) {
        const struct benched *b = &s->bench[i];
        is = b->until_ms > now && strcmp(b->worker_id, worker) == 0;
        *left_s = is ? (b->until_ms - now) / 1000 + 1 : 0;
    }
    pthread_mutex_unlock(&s->mutex);
    return is;
}

uint64_t shared_benched(struct shared *s) {
    SCOPED_JSON(list) = shared_benches(s);
    return json_array_size(list);
}

json_t *shared_benches(struct shared *s) {
    json_t *list = json_array();
    uint64_t now = clock_mono_ms();
    pthread_mutex_lock(&s->mutex);
    for (size_t i = 0; i < s->bench_count; i++) {
        if (s->bench[i].until_ms <= now)
            continue;
        json_t *one = json_object();
        json_set_text(one, "worker_id", s->bench[i].worker_id);
        json_set_u64(one, "seconds", (s->bench[i].until_ms - now) / 1000 + 1);
        json_array_append_new(list, one);
    }
    pthread_mutex_unlock(&s->mutex);
    return list;
}
