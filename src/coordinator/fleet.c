// SPDX-License-Identifier: Apache-2.0
#include "coordinator/fleet.h"

#include "base/clock.h"
#include "codec/json.h"
#include <pthread.h>

struct lock {
    char *key, *holder;
    uint64_t until_ms;
};
struct worker {
    char *id;
    json_t *said;
    uint64_t seen_ms;
};
struct fleet {
    pthread_mutex_t mutex; // for all
    struct lock locks[LOCKS_MAX];
    size_t lock_count;
    struct worker workers[WORKERS_MAX];
    size_t worker_count;
};

struct fleet *fleet_new(void) {
    struct fleet *f = xcalloc(1, sizeof *f);
    pthread_mutex_init(&f->mutex, NULL);
    return f;
}

static void lock_drop(struct fleet *f, size_t i) {
    free(f->locks[i].key);
    free(f->locks[i].holder);
    f->locks[i] = f->locks[--f->lock_count];
}

static void worker_drop(struct fleet *f, size_t i) {
    free(f->workers[i].id);
    json_decref(f->workers[i].said);
    f->workers[i] = f->workers[--f->worker_count];
}

void fleet_free(struct fleet *f) {
    if (!f)
        return;
    while (f->lock_count)
        lock_drop(f, 0);
    while (f->worker_count)
        worker_drop(f, 0);
    pthread_mutex_destroy(&f->mutex);
    free(f);
}

// --- locks ---------------------------------------------------------------------------------------------------------

// Drops those whose time is over on the way.
static struct lock *find_lock(struct fleet *f, const char *key) {
    uint64_t now = clock_mono_ms();
    struct lock *found = NULL;
    for (size_t i = 0; i < f->lock_count;) {
        if (f->locks[i].until_ms <= now) {
            lock_drop(f, i);
            continue;
        }
        i++;
    }
    for (size_t i = 0; i < f->lock_count && !found; i++)
        if (strcmp(f->locks[i].key, key) == 0)
            found = &f->locks[i];
    return found;
}

static struct lock *add_lock(struct fleet *f, const char *key, const char *worker) {
    if (f->lock_count == LOCKS_MAX)
        return NULL;
    struct lock *l = &f->locks[f->lock_count++];
    *l = (struct lock){xstrdup(key), xstrdup(worker), 0};
    return l;
}

bool lock_acquire(struct fleet *f, struct arena *a, const char *key, const char *worker, uint64_t ttl_s,
                  struct lock_state *out, struct err *e) {
    uint64_t now = clock_mono_ms();
    pthread_mutex_lock(&f->mutex);
    struct lock *l = find_lock(f, key);
    if (!l)
        l = add_lock(f, key, worker);
    if (l) {
        out->acquired = strcmp(l->holder, worker) == 0;
        if (out->acquired)
            l->until_ms = now + ttl_s * 1000;
        out->holder = arena_strdup(a, l->holder);
        out->expires_in_s = (l->until_ms - now + 999) / 1000;
    }
    pthread_mutex_unlock(&f->mutex);
    return l || err_set(e, ERR_UNAVAILABLE, "%d locks are held already", LOCKS_MAX);
}

bool lock_release(struct fleet *f, const char *key, const char *worker, bool *released, struct err *e) {
    pthread_mutex_lock(&f->mutex);
    struct lock *l = find_lock(f, key);
    bool foreign = l && strcmp(l->holder, worker) != 0;
    *released = l && !foreign;
    if (*released)
        lock_drop(f, (size_t)(l - f->locks));
    pthread_mutex_unlock(&f->mutex);
    return !foreign || err_set(e, ERR_FORBIDDEN, "another worker holds the lock '%.200s'", key);
}

// --- workers -------------------------------------------------------------------------------------------------------

static struct worker *find_worker(struct fleet *f, const char *id) {
    for (size_t i = 0; i < f->worker_count; i++)
        if (strcmp(f->workers[i].id, id) == 0)
            return &f->workers[i];
    return NULL;
}

// Gives a free place for worker `id`. Where all are taken, the worker that was seen longest ago loses its place, if it
// has not been heard of for WORKER_ALIVE_MS; NULL if it has.
static struct worker *new_worker(struct fleet *f, const char *id) {
    if (f->worker_count == WORKERS_MAX) {
        size_t oldest = 0;
        for (size_t i = 1; i < f->worker_count; i++)
            if (f->workers[i].seen_ms < f->workers[oldest].seen_ms)
                oldest = i;
        if (f->workers[oldest].seen_ms + WORKER_ALIVE_MS > clock_mono_ms())
            return NULL;
        worker_drop(f, oldest);
    }
    struct worker *w = &f->workers[f->worker_count++];
    *w = (struct worker){.id = xstrdup(id)};
    return w;
}

bool fleet_seen(struct fleet *f, const char *worker, const char *json, struct err *e) {
    json_t *said = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
    pthread_mutex_lock(&f->mutex);
    struct worker *w = find_worker(f, worker);
    if (!w)
        w = new_worker(f, worker);
    if (w) {
        json_decref(w->said);
        w->said = said;
        w->seen_ms = clock_mono_ms();
    }
    pthread_mutex_unlock(&f->mutex);
    if (w)
        return true;
    json_decref(said);
    return err_set(e, ERR_UNAVAILABLE, "%d workers are known already", WORKERS_MAX);
}

static bool has_no_slot(const json_t *worker) {
    const json_t *free_slots = json_object_get(worker, "free_slots");
    return json_is_integer(free_slots) && json_integer_value(free_slots) == 0;
}

json_t *fleet_workers(struct fleet *f) {
    json_t *list = json_array();
    char text[32];
    uint64_t now = clock_mono_ms();
    pthread_mutex_lock(&f->mutex);
    for (size_t i = 0; i < f->worker_count; i++) {
        json_t *one = json_deep_copy(f->workers[i].said);
        uint64_t ago = now - f->workers[i].seen_ms;
        json_object_set_new(one, "last_seen_ms", json_integer((json_int_t)ago));
        json_set_text(one, "last_heartbeat_at", clock_iso8601(clock_wall_ms() - ago, text));
        json_set_text(one, "status", ago >= WORKER_ALIVE_MS ? "offline" : has_no_slot(one) ? "busy" : "online");
        json_array_append_new(list, one);
    }
    pthread_mutex_unlock(&f->mutex);
    return list;
}

uint64_t fleet_alive(struct fleet *f) {
    uint64_t n = 0, now = clock_mono_ms();
    pthread_mutex_lock(&f->mutex);
    for (size_t i = 0; i < f->worker_count; i++)
        n += now - f->workers[i].seen_ms < WORKER_ALIVE_MS;
    pthread_mutex_unlock(&f->mutex);
    return n;
}
