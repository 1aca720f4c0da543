// SPDX-License-Identifier: Apache-2.0
#include "queue/shared.h"

#include "base/clock.h"
#include "codec/json.h"
#include <pthread.h>

struct lock {
    char *key, *holder, *token_name;
    uint64_t until_ms;
};
struct worker {
    char *id;
    json_t *said;
    uint64_t seen_ms;
};
struct shared {
    pthread_mutex_t mutex; // for all
    struct lock locks[LOCKS_MAX];
    size_t lock_count;
    struct worker workers[WORKERS_MAX];
    size_t worker_count;
};

struct shared *shared_open_local(void) {
    struct shared *s = xcalloc(1, sizeof *s);
    pthread_mutex_init(&s->mutex, NULL);
    return s;
}

static void lock_drop(struct shared *s, size_t i) {
    free(s->locks[i].key);
    free(s->locks[i].holder);
    free(s->locks[i].token_name);
    s->locks[i] = s->locks[--s->lock_count];
}

static void worker_drop(struct shared *s, size_t i) {
    free(s->workers[i].id);
    json_decref(s->workers[i].said);
    s->workers[i] = s->workers[--s->worker_count];
}

void shared_free(struct shared *s) {
    if (!s)
        return;
    while (s->lock_count)
        lock_drop(s, 0);
    while (s->worker_count)
        worker_drop(s, 0);
    pthread_mutex_destroy(&s->mutex);
    free(s);
}

// --- locks ---------------------------------------------------------------------------------------------------------

// Drops those whose time is over on the way.
static struct lock *find_lock(struct shared *s, const char *key) {
    uint64_t now = clock_mono_ms();
    struct lock *found = NULL;
    for (size_t i = 0; i < s->lock_count;) {
        if (s->locks[i].until_ms <= now) {
            lock_drop(s, i);
            continue;
        }
        i++;
    }
    for (size_t i = 0; i < s->lock_count && !found; i++)
        if (strcmp(s->locks[i].key, key) == 0)
            found = &s->locks[i];
    return found;
}

static const char *token_of(const struct shared_lock *x) { return x->token_name ? x->token_name : ""; }

static struct lock *add_lock(struct shared *s, const struct shared_lock *x) {
    if (s->lock_count == LOCKS_MAX)
        return NULL;
    struct lock *l = &s->locks[s->lock_count++];
    *l = (struct lock){xstrdup(x->key), xstrdup(x->worker), xstrdup(token_of(x)), 0};
    return l;
}

// A worker's id is what it says: whoever calls itself the same by another token did not take the lock.
static bool is_holder(const struct lock *l, const struct shared_lock *x) {
    return strcmp(l->holder, x->worker) == 0 && strcmp(l->token_name, token_of(x)) == 0;
}

static void answer(struct shared_lock *x, bool ok, const struct err *e) { x->done(x->ctx, ok ? NULL : e); }

void shared_acquire(struct shared *s, struct shared_lock *x) {
    uint64_t now = clock_mono_ms();
    struct err e;
    pthread_mutex_lock(&s->mutex);
    struct lock *l = find_lock(s, x->key);
    if (!l)
        l = add_lock(s, x);
    if (l) {
        x->acquired = is_holder(l, x);
        if (x->acquired)
            l->until_ms = now + x->ttl_s * 1000;
        x->holder = arena_strdup(x->arena, l->holder);
        x->expires_in_s = (l->until_ms - now + 999) / 1000;
    }
    pthread_mutex_unlock(&s->mutex);
    answer(x, l || err_set(&e, ERR_UNAVAILABLE, "%d locks are held already", LOCKS_MAX), &e);
}

void shared_release(struct shared *s, struct shared_lock *x) {
    struct err e;
    pthread_mutex_lock(&s->mutex);
    struct lock *l = find_lock(s, x->key);
    bool foreign = l && !is_holder(l, x);
    x->released = l && !foreign;
    if (x->released)
        lock_drop(s, (size_t)(l - s->locks));
    pthread_mutex_unlock(&s->mutex);
    answer(x, !foreign || err_set(&e, ERR_FORBIDDEN, "another worker holds the lock '%.200s'", x->key), &e);
}

// --- workers -------------------------------------------------------------------------------------------------------

static struct worker *find_worker(struct shared *s, const char *id) {
    for (size_t i = 0; i < s->worker_count; i++)
        if (strcmp(s->workers[i].id, id) == 0)
            return &s->workers[i];
    return NULL;
}

// Gives a free place for worker `id`. Where all are taken, the worker that was seen longest ago loses its place, if it
// has not been heard of for WORKER_ALIVE_MS; NULL if it has.
static struct worker *new_worker(struct shared *s, const char *id) {
    if (s->worker_count == WORKERS_MAX) {
        size_t oldest = 0;
        for (size_t i = 1; i < s->worker_count; i++)
            if (s->workers[i].seen_ms < s->workers[oldest].seen_ms)
                oldest = i;
        if (s->workers[oldest].seen_ms + WORKER_ALIVE_MS > clock_mono_ms())
            return NULL;
        worker_drop(s, oldest);
    }
    struct worker *w = &s->workers[s->worker_count++];
    *w = (struct worker){.id = xstrdup(id)};
    return w;
}

bool shared_seen(struct shared *s, const char *worker, const char *json, struct err *e) {
    json_t *said = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
    pthread_mutex_lock(&s->mutex);
    struct worker *w = find_worker(s, worker);
    if (!w)
        w = new_worker(s, worker);
    if (w) {
        json_decref(w->said);
        w->said = said;
        w->seen_ms = clock_mono_ms();
    }
    pthread_mutex_unlock(&s->mutex);
    if (w)
        return true;
    json_decref(said);
    return err_set(e, ERR_UNAVAILABLE, "%d workers are known already", WORKERS_MAX);
}

static bool has_no_slot(const json_t *worker) {
    const json_t *free_slots = json_object_get(worker, "free_slots");
    return json_is_integer(free_slots) && json_integer_value(free_slots) == 0;
}

json_t *shared_workers(struct shared *s) {
    json_t *list = json_array();
    char text[32];
    uint64_t now = clock_mono_ms();
    pthread_mutex_lock(&s->mutex);
    for (size_t i = 0; i < s->worker_count; i++) {
        json_t *one = json_deep_copy(s->workers[i].said);
        uint64_t ago = now - s->workers[i].seen_ms;
        json_object_set_new(one, "last_seen_ms", json_integer((json_int_t)ago));
        json_set_text(one, "last_heartbeat_at", clock_iso8601(clock_wall_ms() - ago, text));
        json_set_text(one, "status", ago >= WORKER_ALIVE_MS ? "offline" : has_no_slot(one) ? "busy" : "online");
        json_array_append_new(list, one);
    }
    pthread_mutex_unlock(&s->mutex);
    return list;
}

uint64_t shared_alive(struct shared *s) {
    uint64_t n = 0, now = clock_mono_ms();
    pthread_mutex_lock(&s->mutex);
    for (size_t i = 0; i < s->worker_count; i++)
        n += now - s->workers[i].seen_ms < WORKER_ALIVE_MS;
    pthread_mutex_unlock(&s->mutex);
    return n;
}
