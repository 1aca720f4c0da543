// SPDX-License-Identifier: Apache-2.0
#include "coordinator/board.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>

#define SLOTS 65536
#define RETRY_FIRST_MS 500
#define RETRY_MAX_MS 30000

struct item {
    struct item *next_hash;
    struct item *prev, *next; // of the list that it is in
    struct arena *arena;
    struct board_task task;
    enum life_state state;
    bool ending; // its end is on its way to the database
    unsigned attempt;
    struct hash token; // SHA-256 of the lease's
    char worker_id[WORKER_ID_MAX + 1];
    uint64_t deadline_ms; // monotonic: of the lease, or of the delay
};

struct list {
    struct item *first, *last;
};

struct poll {
    struct poll *next;
    struct http_request *request;
    const char *worker_id, *capabilities;
    uint64_t deadline_ms;
};

struct board {
    struct board_config config;
    pthread_mutex_t mutex; // for all below
    pthread_cond_t changed;
    pthread_t timer;
    bool timer_runs, stop;
    struct item *slots[SLOTS];
    size_t count;
    struct list queue, delayed, held;
    struct poll *polls; // oldest first
    size_t poll_count;
    uint64_t leases_lost;
};

// --- lists and finding -------------------------------------------------------------------------------------------

static void list_add(struct list *l, struct item *x, bool front) {
    x->prev = front ? NULL : l->last;
    x->next = front ? l->first : NULL;
    *(x->prev ? &x->prev->next : &l->first) = x;
    *(x->next ? &x->next->prev : &l->last) = x;
}

static void list_remove(struct list *l, struct item *x) {
    *(x->prev ? &x->prev->next : &l->first) = x->next;
    *(x->next ? &x->next->prev : &l->last) = x->prev;
    x->prev = x->next = NULL;
}

static struct list *list_of(struct board *b, const struct item *x) {
    if (x->state != LIFE_QUEUED)
        return &b->held;
    return x->deadline_ms ? &b->delayed : &b->queue;
}

static size_t slot_of(const struct board_key *k) {
    uint64_t h = k->request_id * 0x9e3779b97f4a7c15ull;
    for (const char *c = k->contract_id; *c; c++)
        h = (h ^ (uint8_t)*c) * 0x100000001b3ull;
    return (size_t)(h >> 20) % SLOTS;
}

static struct item **find(struct board *b, const struct board_key *k) {
    struct item **at = &b->slots[slot_of(k)];
    while (*at &&
           ((*at)->task.key.request_id != k->request_id || strcmp((*at)->task.key.contract_id, k->contract_id) != 0))
        at = &(*at)->next_hash;
    return at;
}

static void forget(struct board *b, struct item **at) {
    struct item *x = *at;
    *at = x->next_hash;
    list_remove(list_of(b, x), x);
    b->count--;
    arena_free(x->arena);
    free(x);
}

static void move(struct board *b, struct item *x, enum life_event event) {
    enum life_state next = x->state;
    BUG_ON(!life_next(x->state, event, &next));
    list_remove(list_of(b, x), x);
    x->state = next;
    x->deadline_ms = 0;
    list_add(list_of(b, x), x, next == LIFE_QUEUED);
}

// --- leases ------------------------------------------------------------------------------------------------------

static bool can(const char *capabilities, const char *target) {
    size_t n = strlen(target);
    for (const char *at = capabilities; at && n; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        if (strncmp(at, target, n) == 0 && (at[n] == ',' || !at[n]))
            return true;
    return !capabilities;
}

static struct item *first_for(struct board *b, const char *capabilities) {
    struct item *x = b->queue.first;
    while (x && !can(capabilities, x->task.build_target))
        x = x->next;
    return x;
}

// The answer's text lives in the request's arena: it is sent after the lock is released.
static const char *lease(struct board *b, struct item *x, struct http_request *r, const char *worker_id) {
    struct hash secret;
    char token[65];
    random_bytes(secret.b, sizeof secret.b);
    hash_hex(&secret, token);
    x->token = sha256(slice_str(token));
    x->attempt++;
    if (!text_copy(x->worker_id, sizeof x->worker_id, slice_str(worker_id)))
        x->worker_id[0] = 0;
    move(b, x, LIFE_EVENT_LEASE);
    x->deadline_ms = clock_mono_ms() + LEASE_CONFIRM_MS;
    pthread_cond_signal(&b->changed);
    return arena_printf(http_arena(r),
                        "{\"task\":%s,\"lease\":{\"token\":\"%s\",\"expires_in_ms\":%d,\"confirm_within_ms\":%d},"
                        "\"attempt\":%u}",
                        x->task.json, token, LEASE_CONFIRM_MS, LEASE_CONFIRM_MS, x->attempt);
}

struct answer { // what is said to polls once the lock is released
    struct answer *next;
    struct http_request *request;
    const char *text; // NULL: nothing to do
};

static void note(struct answer **list, struct http_request *r, const char *text) {
    struct answer *a = arena_alloc(http_arena(r), sizeof *a);
    *a = (struct answer){*list, r, text};
    *list = a;
}

static void send_all(struct answer *list) {
    for (struct answer *a = list, *next; a; a = next) {
        next = a->next; // the request's arena goes with the reply
        if (a->text)
            http_reply(a->request, 200, "application/json", slice_str(a->text));
        else
            http_reply_empty(a->request, 204);
    }
}

// Gives queued executions to those who wait, the longest waiting first.
static void match(struct board *b, struct answer **out) {
    for (struct poll **at = &b->polls; *at && b->queue.first;) {
        struct poll *p = *at;
        struct item *x = first_for(b, p->capabilities);
        if (!x) {
            at = &p->next;
            continue;
        }
        *at = p->next;
        b->poll_count--;
        note(out, p->request, lease(b, x, p->request, p->worker_id));
    }
}

void board_poll(struct board *b, struct http_request *r, const char *worker_id, const char *capabilities,
                uint64_t timeout_s) {
    struct answer *out = NULL;
    uint64_t wait = timeout_s < BOARD_POLL_MAX_S ? timeout_s : BOARD_POLL_MAX_S;
    pthread_mutex_lock(&b->mutex);
    struct item *x = b->stop ? NULL : first_for(b, capabilities);
    if (x) {
        note(&out, r, lease(b, x, r, worker_id));
    } else if (!wait || b->stop || b->poll_count >= BOARD_POLLS_MAX) {
        note(&out, r, NULL);
    } else {
        struct poll *p = arena_alloc(http_arena(r), sizeof *p), **end = &b->polls;
        *p = (struct poll){NULL, r, worker_id, capabilities, clock_mono_ms() + wait * 1000};
        while (*end)
            end = &(*end)->next;
        *end = p;
        b->poll_count++;
        pthread_cond_signal(&b->changed);
    }
    pthread_mutex_unlock(&b->mutex);
    send_all(out);
}

// The execution if this token holds it.
static enum board_answer held_by(struct board *b, const struct board_key *key, const char *token, struct item ***out) {
    struct hash h = sha256(slice_str(token));
    *out = find(b, key);
    if (!**out)
        return BOARD_UNKNOWN;
    bool right =
        life_is_held((**out)->state) && !(**out)->ending && secret_eq(hash_slice(&(**out)->token), hash_slice(&h));
    return right ? BOARD_OK : BOARD_LOST;
}

enum board_answer board_heartbeat(struct board *b, const struct board_key *key, const char *token,
                                  enum life_event event, uint64_t *expires_in_ms) {
    struct item **at;
    pthread_mutex_lock(&b->mutex);
    enum board_answer answer = held_by(b, key, token, &at);
    if (answer == BOARD_OK) {
        if (event != LIFE_EVENT_COUNT)
            move(b, *at, event);
        (*at)->deadline_ms = clock_mono_ms() + LEASE_MS;
        *expires_in_ms = LEASE_MS;
    }
    pthread_mutex_unlock(&b->mutex);
    return answer;
}

static uint64_t retry_delay(unsigned attempt) {
    uint64_t ms = RETRY_FIRST_MS;
    for (unsigned i = 1; i < attempt && ms < RETRY_MAX_MS; i++)
        ms *= 2;
    return ms < RETRY_MAX_MS ? ms : RETRY_MAX_MS;
}

enum board_answer board_give_back(struct board *b, const struct board_key *key, const char *token) {
    struct item **at;
    pthread_mutex_lock(&b->mutex);
    enum board_answer answer = held_by(b, key, token, &at);
    if (answer == BOARD_OK) {
        struct item *x = *at;
        move(b, x, LIFE_EVENT_RETRY);
        list_remove(&b->queue, x);
        x->deadline_ms = clock_mono_ms() + retry_delay(x->attempt);
        list_add(&b->delayed, x, false);
        pthread_cond_signal(&b->changed);
    }
    pthread_mutex_unlock(&b->mutex);
    return answer;
}

enum board_answer board_end(struct board *b, const struct board_key *key, const char *token, char *worker_id,
                            size_t size) {
    struct item **at;
    pthread_mutex_lock(&b->mutex);
    enum board_answer answer = held_by(b, key, token, &at);
    if (answer == BOARD_OK) {
        (*at)->ending = true;
        answer = text_copy(worker_id, size, slice_str((*at)->worker_id)) ? BOARD_OK : BOARD_LOST;
    }
    pthread_mutex_unlock(&b->mutex);
    return answer;
}

void board_ended(struct board *b, const struct board_key *key) {
    pthread_mutex_lock(&b->mutex);
    struct item **at = find(b, key);
    if (*at)
        forget(b, at);
    pthread_mutex_unlock(&b->mutex);
}

void board_end_failed(struct board *b, const struct board_key *key) {
    pthread_mutex_lock(&b->mutex);
    struct item **at = find(b, key);
    if (*at) {
        (*at)->ending = false;
        (*at)->deadline_ms = clock_mono_ms() + LEASE_MS;
    }
    pthread_mutex_unlock(&b->mutex);
}

// --- adding and looking ----------------------------------------------------------------------------------------------

static struct item *item_new(const struct board_task *t) {
    struct item *x = xcalloc(1, sizeof *x);
    x->arena = arena_new();
    x->task = *t;
    x->task.key.contract_id = arena_strdup(x->arena, t->key.contract_id);
    x->task.transaction_hash = t->transaction_hash ? arena_strdup(x->arena, t->transaction_hash) : NULL;
    x->task.build_target = arena_strdup(x->arena, t->build_target);
    x->task.json = arena_strdup(x->arena, t->json);
    x->state = LIFE_QUEUED;
    return x;
}

bool board_add(struct board *b, const struct board_task *t, struct err *e) {
    struct answer *out = NULL;
    pthread_mutex_lock(&b->mutex);
    struct item **at = find(b, &t->key);
    bool ok = *at || b->count < BOARD_MAX;
    if (ok && !*at) {
        *at = item_new(t);
        list_add(&b->queue, *at, false);
        b->count++;
        match(b, &out);
    }
    pthread_mutex_unlock(&b->mutex);
    send_all(out);
    return ok || err_set(e, ERR_UNAVAILABLE, "%d executions wait already", BOARD_MAX);
}

bool board_has(struct board *b, const struct board_key *key) {
    pthread_mutex_lock(&b->mutex);
    bool has = *find(b, key) != NULL;
    pthread_mutex_unlock(&b->mutex);
    return has;
}

bool board_look(struct board *b, const struct board_key *key, struct board_state *out) {
    pthread_mutex_lock(&b->mutex);
    const struct item *x = *find(b, key);
    if (x) {
        *out = (struct board_state){.state = x->state, .attempt = x->attempt};
        if (life_is_held(x->state))
            memcpy(out->worker_id, x->worker_id, sizeof out->worker_id);
    }
    pthread_mutex_unlock(&b->mutex);
    return x != NULL;
}

static void count_list(const struct list *l, struct board_counts *out) {
    for (const struct item *x = l->first; x; x = x->next)
        out->by_state[x->state]++;
}

void board_counts(struct board *b, struct board_counts *out) {
    *out = (struct board_counts){0};
    pthread_mutex_lock(&b->mutex);
    count_list(&b->held, out);
    uint64_t held = 0;
    for (size_t i = 0; i < LIFE_STATE_COUNT; i++)
        held += out->by_state[i];
    out->by_state[LIFE_QUEUED] = b->count - held;
    out->polls = b->poll_count;
    out->leases_lost = b->leases_lost;
    pthread_mutex_unlock(&b->mutex);
}

// --- time --------------------------------------------------------------------------------------------------------

static uint64_t earlier(uint64_t a, uint64_t b) { return a < b ? a : b; }

static uint64_t end_polls(struct board *b, uint64_t now, struct answer **out) {
    uint64_t next = UINT64_MAX;
    for (struct poll **at = &b->polls; *at;) {
        struct poll *p = *at;
        if (p->deadline_ms > now) {
            next = earlier(next, p->deadline_ms);
            at = &p->next;
            continue;
        }
        *at = p->next;
        b->poll_count--;
        note(out, p->request, NULL);
    }
    return next;
}

static uint64_t end_leases(struct board *b, uint64_t now) {
    uint64_t next = UINT64_MAX;
    for (struct item *x = b->held.first, *following; x; x = following) {
        following = x->next;
        if (x->ending)
            continue;
        if (x->deadline_ms > now) {
            next = earlier(next, x->deadline_ms);
            continue;
        }
        log_warn("lease of request %" PRIu64 " by %s is lost", x->task.key.request_id, x->worker_id);
        b->leases_lost++;
        move(b, x, LIFE_EVENT_LOST);
    }
    return next;
}

static uint64_t end_delays(struct board *b, uint64_t now) {
    uint64_t next = UINT64_MAX;
    for (struct item *x = b->delayed.first, *following; x; x = following) {
        following = x->next;
        if (x->deadline_ms > now) {
            next = earlier(next, x->deadline_ms);
            continue;
        }
        list_remove(&b->delayed, x);
        x->deadline_ms = 0;
        list_add(&b->queue, x, true);
    }
    return next;
}

// One execution whose time is over, taken off the board; NULL: none. *next: when to look again.
static struct item *take_expired(struct board *b, struct list *l, uint64_t wall, uint64_t *next) {
    for (struct item *x = l->first; x; x = x->next) {
        uint64_t end = x->task.created_ms + b->config.serve_ms;
        if (end > wall) {
            *next = earlier(*next, clock_mono_ms() + (end - wall));
            if (l == &b->queue)
                return NULL; // those behind came later
            continue;
        }
        struct item **at = find(b, &x->task.key);
        *at = x->next_hash;
        list_remove(l, x);
        b->count--;
        return x;
    }
    return NULL;
}

// Without the lock while it is told.
static uint64_t end_unserved(struct board *b) {
    uint64_t next = UINT64_MAX, wall = clock_wall_ms();
    struct item *x;
    while ((x = take_expired(b, &b->queue, wall, &next)) || (x = take_expired(b, &b->delayed, wall, &next))) {
        pthread_mutex_unlock(&b->mutex);
        b->config.expired(b->config.ctx, &x->task.key);
        arena_free(x->arena);
        free(x);
        pthread_mutex_lock(&b->mutex);
    }
    return next;
}

static void rest(struct board *b, uint64_t until_ms) {
    struct timespec t = {(time_t)(until_ms / 1000), (long)(until_ms % 1000) * 1000000};
    if (until_ms == UINT64_MAX)
        pthread_cond_wait(&b->changed, &b->mutex);
    else
        pthread_cond_timedwait(&b->changed, &b->mutex, &t);
}

static void *watch(void *ctx) {
    struct board *b = ctx;
    pthread_mutex_lock(&b->mutex);
    while (!b->stop) {
        struct answer *out = NULL;
        uint64_t now = clock_mono_ms();
        uint64_t next = earlier(end_leases(b, now), end_delays(b, now));
        match(b, &out);
        next = earlier(next, end_polls(b, now, &out));
        next = earlier(next, end_unserved(b));
        if (out) { // leases that were just given have deadlines of their own: look again
            pthread_mutex_unlock(&b->mutex);
            send_all(out);
            pthread_mutex_lock(&b->mutex);
            continue;
        }
        if (!b->stop)
            rest(b, next);
    }
    pthread_mutex_unlock(&b->mutex);
    return NULL;
}

bool board_new(struct board **out, const struct board_config *config, struct err *e) {
    struct board *b = xcalloc(1, sizeof *b);
    pthread_condattr_t attr;
    b->config = *config;
    pthread_mutex_init(&b->mutex, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&b->changed, &attr);
    pthread_condattr_destroy(&attr);
    b->timer_runs = pthread_create(&b->timer, NULL, watch, b) == 0;
    if (!b->timer_runs) {
        board_free(b);
        return err_set(e, ERR_IO, "cannot start a thread");
    }
    *out = b;
    return true;
}

void board_stop(struct board *b) {
    struct answer *out = NULL;
    pthread_mutex_lock(&b->mutex);
    b->stop = true;
    for (struct poll *p = b->polls; p; p = p->next)
        note(&out, p->request, NULL);
    b->polls = NULL;
    b->poll_count = 0;
    pthread_cond_signal(&b->changed);
    pthread_mutex_unlock(&b->mutex);
    send_all(out);
    if (b->timer_runs)
        pthread_join(b->timer, NULL);
    b->timer_runs = false;
}

void board_free(struct board *b) {
    if (!b)
        return;
    board_stop(b);
    for (size_t i = 0; i < SLOTS; i++)
        while (b->slots[i])
            forget(b, &b->slots[i]);
    pthread_cond_destroy(&b->changed);
    pthread_mutex_destroy(&b->mutex);
    free(b);
}
