// SPDX-License-Identifier: Apache-2.0
// How it works: each execution is one `item`, found by its key in `slots` and linked into one of three lists. `queue`
// has those that wait for a worker; `delayed` those that wait for their next attempt; `held` those that a worker has
// leased or whose end is being stored. move() is the only place where an item changes its state and its list. A worker
// that polls while the queue is empty is parked in `polls`, and gets the next item. The timer thread (watch) ends
// polls, leases and delays when their time is over, and sleeps until the next of these deadlines. Replies are collected
// while the lock is held and sent after it is released (send_all).
#include "coordinator/board.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/sync.h"
#include "base/text.h"
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>

#define SLOTS 65536
#define RETRY_FIRST_MS 500
#define RETRY_MAX_MS 30000
#define EXPIRE_AGAIN_MS 30000

struct item {
    struct item *next_hash;
    struct item *prev, *next; // of the list that it is in
    struct arena *arena;
    struct board_task task;
    enum execution_state state;
    bool ending; // its end is being stored; meanwhile it is in `held`, and nobody else may end or lease it
    unsigned attempt;
    struct hash token; // SHA-256 of the lease's
    char worker_id[WORKER_ID_MAX + 1];
    uint64_t deadline_ms;    // monotonic: of the lease, or of the delay
    uint64_t serve_until_ms; // wall clock: over if it is still queued then
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
    uint64_t by_state[EXECUTION_STATE_COUNT], leases_lost;
    uint64_t wake_ms; // the timer sleeps until then
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
    if (x->state != EXECUTION_QUEUED || x->ending)
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
    b->by_state[x->state]--;
    b->count--;
    arena_free(x->arena);
    free(x);
}

static void move(struct board *b, struct item *x, enum execution_event event) {
    enum execution_state next = x->state;
    BUG_ON(!execution_next(x->state, event, &next));
    list_remove(list_of(b, x), x);
    b->by_state[x->state]--;
    b->by_state[next]++;
    x->state = next;
    x->deadline_ms = 0;
    list_add(list_of(b, x), x, next == EXECUTION_QUEUED);
}

// The timer thread must look at the board again at `deadline_ms`. It is woken only if it sleeps for longer than that.
static void wake_by(struct board *b, uint64_t deadline_ms) {
    if (deadline_ms < b->wake_ms)
        pthread_cond_signal(&b->changed);
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
    move(b, x, EXECUTION_EVENT_LEASE);
    x->deadline_ms = clock_mono_ms() + LEASE_CONFIRM_MS;
    wake_by(b, x->deadline_ms);
    log_debug("request %" PRIu64 " of %s leased to %s, attempt %u", x->task.key.request_id, x->task.key.contract_id,
              x->worker_id, x->attempt);
    return arena_printf(http_arena(r),
                        "{\"task\":%s,\"lease\":{\"token\":\"%s\",\"expires_in_ms\":%d,\"confirm_within_ms\":%d},"
                        "\"attempt\":%u}",
                        x->task.json, token, LEASE_MS, LEASE_CONFIRM_MS, x->attempt);
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

static struct poll *take_poll(struct board *b, struct poll **at) {
    struct poll *p = *at;
    *at = p->next;
    b->poll_count--;
    return p;
}

// Gives an execution that has just become free to the longest waiting poll that can do it. So no poll ever waits while
// something for it is queued. Those who hung up are let go: a lease would only come back after its confirmation time.
static void offer(struct board *b, struct item *x, struct answer **out) {
    for (struct poll **at = &b->polls; *at;) {
        if (!can((*at)->capabilities, x->task.build_target)) {
            at = &(*at)->next;
            continue;
        }
        struct poll *p = take_poll(b, at);
        bool gone = http_hung_up(p->request);
        note(out, p->request, gone ? NULL : lease(b, x, p->request, p->worker_id));
        if (!gone)
            return;
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
        wake_by(b, p->deadline_ms);
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
        execution_is_held((**out)->state) && !(**out)->ending && secret_eq(hash_slice(&(**out)->token), hash_slice(&h));
    return right ? BOARD_OK : BOARD_LOST;
}

enum board_answer board_heartbeat(struct board *b, const struct board_key *key, const char *token,
                                  enum execution_event event, uint64_t *expires_in_ms) {
    struct item **at;
    pthread_mutex_lock(&b->mutex);
    enum board_answer answer = held_by(b, key, token, &at);
    if (answer == BOARD_OK) {
        if (event != EXECUTION_EVENT_COUNT)
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
        move(b, x, EXECUTION_EVENT_RETRY);
        list_remove(&b->queue, x);
        x->deadline_ms = clock_mono_ms() + retry_delay(x->attempt);
        list_add(&b->delayed, x, false);
        wake_by(b, x->deadline_ms);
    }
    pthread_mutex_unlock(&b->mutex);
    return answer;
}

static void begin_end(struct board *b, struct item *x) {
    list_remove(list_of(b, x), x);
    x->ending = true;
    list_add(list_of(b, x), x, false);
}

enum board_answer board_end(struct board *b, const struct board_key *key, const char *token, char *worker_id,
                            size_t size) {
    struct item **at;
    pthread_mutex_lock(&b->mutex);
    enum board_answer answer = held_by(b, key, token, &at);
    if (answer == BOARD_OK) {
        begin_end(b, *at);
        (void)!text_copy(worker_id, size, slice_str((*at)->worker_id));
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
    struct answer *out = NULL;
    pthread_mutex_lock(&b->mutex);
    struct item *x = *find(b, key);
    if (x) {
        list_remove(&b->held, x);
        x->ending = false;
        x->deadline_ms = x->state == EXECUTION_QUEUED ? 0 : clock_mono_ms() + LEASE_MS;
        list_add(list_of(b, x), x, true);
    }
    if (x && x->state == EXECUTION_QUEUED) { // it could not expire: it may still be served meanwhile
        x->serve_until_ms = clock_wall_ms() + EXPIRE_AGAIN_MS;
        offer(b, x, &out);
    }
    pthread_cond_signal(&b->changed);
    pthread_mutex_unlock(&b->mutex);
    send_all(out);
}

// --- adding and looking ----------------------------------------------------------------------------------------------

static struct item *item_new(const struct board *b, const struct board_task *t) {
    struct item *x = xcalloc(1, sizeof *x);
    x->arena = arena_new();
    x->task = *t;
    x->task.key.contract_id = arena_strdup(x->arena, t->key.contract_id);
    x->task.transaction_hash = t->transaction_hash ? arena_strdup(x->arena, t->transaction_hash) : NULL;
    x->task.build_target = arena_strdup(x->arena, t->build_target);
    x->task.json = arena_strdup(x->arena, t->json);
    x->state = EXECUTION_QUEUED;
    x->serve_until_ms = t->created_ms + b->config.serve_ms;
    return x;
}

void board_add(struct board *b, const struct board_task *t) {
    struct answer *out = NULL;
    pthread_mutex_lock(&b->mutex);
    struct item **at = find(b, &t->key);
    if (!*at) {
        struct item *x = *at = item_new(b, t);
        list_add(&b->queue, x, false);
        b->count++;
        b->by_state[x->state]++;
        offer(b, x, &out);
        if (b->queue.first == x) // any item before it has an earlier end, for which the timer is set already
            wake_by(b, clock_mono_ms() + b->config.serve_ms);
    }
    pthread_mutex_unlock(&b->mutex);
    send_all(out);
}

bool board_has_room(struct board *b, struct err *e) {
    pthread_mutex_lock(&b->mutex);
    bool room = b->count < BOARD_MAX;
    pthread_mutex_unlock(&b->mutex);
    if (room)
        return true;
    err_set(e, ERR_UNAVAILABLE, "%d executions are waiting already", BOARD_MAX);
    return err_hint(e, "try again when workers have done some");
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
        if (execution_is_held(x->state))
            memcpy(out->worker_id, x->worker_id, sizeof out->worker_id);
    }
    pthread_mutex_unlock(&b->mutex);
    return x != NULL;
}

void board_counts(struct board *b, struct board_counts *out) {
    pthread_mutex_lock(&b->mutex);
    *out = (struct board_counts){.polls = b->poll_count, .leases_lost = b->leases_lost};
    memcpy(out->by_state, b->by_state, sizeof out->by_state);
    pthread_mutex_unlock(&b->mutex);
}

// --- time --------------------------------------------------------------------------------------------------------

static void end_polls(struct board *b, uint64_t now, struct answer **out) {
    for (struct poll **at = &b->polls; *at;) {
        if ((*at)->deadline_ms <= now)
            note(out, take_poll(b, at)->request, NULL);
        else
            at = &(*at)->next;
    }
}

static void end_leases(struct board *b, uint64_t now, struct answer **out) {
    for (struct item *x = b->held.first, *following; x; x = following) {
        following = x->next;
        if (x->ending || x->deadline_ms > now)
            continue;
        log_warn("the lease of request %" PRIu64 " by %s is lost", x->task.key.request_id, x->worker_id);
        b->leases_lost++;
        move(b, x, EXECUTION_EVENT_LOST);
        offer(b, x, out);
    }
}

static void end_delays(struct board *b, uint64_t now, struct answer **out) {
    for (struct item *x = b->delayed.first, *following; x; x = following) {
        following = x->next;
        if (x->deadline_ms > now)
            continue;
        list_remove(&b->delayed, x);
        x->deadline_ms = 0;
        list_add(&b->queue, x, true);
        offer(b, x, out);
    }
}

// A queued execution whose time is over; NULL: none.
static struct item *find_unserved(struct board *b, uint64_t wall) {
    struct item *x = b->queue.first;
    if (x && x->serve_until_ms <= wall) // those behind it came later
        return x;
    for (x = b->delayed.first; x && x->serve_until_ms > wall;)
        x = x->next;
    return x;
}

// Without the lock while it is told.
static void end_unserved(struct board *b) {
    struct item *x;
    while (!b->stop && (x = find_unserved(b, clock_wall_ms()))) {
        begin_end(b, x);
        pthread_mutex_unlock(&b->mutex);
        b->config.expired(b->config.ctx, &x->task.key);
        pthread_mutex_lock(&b->mutex);
    }
}

static uint64_t earlier(uint64_t a, uint64_t b) { return a < b ? a : b; }

static uint64_t serve_deadline(const struct item *x) {
    uint64_t wall = clock_wall_ms();
    return clock_mono_ms() + (x->serve_until_ms > wall ? x->serve_until_ms - wall : 0);
}

static uint64_t next_deadline(const struct board *b) {
    uint64_t next = b->queue.first ? serve_deadline(b->queue.first) : UINT64_MAX;
    for (const struct poll *p = b->polls; p; p = p->next)
        next = earlier(next, p->deadline_ms);
    for (const struct item *x = b->held.first; x; x = x->next)
        next = x->ending ? next : earlier(next, x->deadline_ms);
    for (const struct item *x = b->delayed.first; x; x = x->next)
        next = earlier(next, earlier(x->deadline_ms, serve_deadline(x)));
    return next;
}

static void rest(struct board *b, uint64_t until_ms) {
    b->wake_ms = until_ms;
    cond_wait_until(&b->changed, &b->mutex, until_ms);
    b->wake_ms = 0; // awake: it looks at everything before it sleeps again
}

static void *watch(void *ctx) {
    struct board *b = ctx;
    pthread_mutex_lock(&b->mutex);
    while (!b->stop) {
        struct answer *out = NULL;
        uint64_t now = clock_mono_ms();
        end_polls(b, now, &out); // first: what becomes free goes to those who still wait
        end_leases(b, now, &out);
        end_delays(b, now, &out);
        end_unserved(b);
        if (out) {
            pthread_mutex_unlock(&b->mutex);
            send_all(out);
            pthread_mutex_lock(&b->mutex);
        }
        if (!b->stop)
            rest(b, next_deadline(b));
    }
    pthread_mutex_unlock(&b->mutex);
    return NULL;
}

bool board_new(struct board **out, const struct board_config *config, struct err *e) {
    struct board *b = xcalloc(1, sizeof *b);
    b->config = *config;
    pthread_mutex_init(&b->mutex, NULL);
    cond_init(&b->changed);
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
