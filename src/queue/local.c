// SPDX-License-Identifier: Apache-2.0
#include "queue/local.h"

#include "base/clock.h"
#include "base/sync.h"

#define RETRY_FIRST_MS 500
#define RETRY_MAX_MS 30000

// The execution, if this token holds it; else NULL, and why.
static struct item *held_by(struct local *l, const struct execution_key *key, const char *token,
                            enum queue_answer *answer) {
    struct hash h = sha256(slice_str(token));
    struct item *x = *item_find(l, key);
    *answer = !x ? QUEUE_UNKNOWN : item_is_held_by(x, &h) ? QUEUE_OK : QUEUE_LOST;
    return *answer == QUEUE_OK ? x : NULL;
}

// How long it lasts alone is not worth a row's change: after a start it lasts LEASE_MS anyway.
static void prolong(struct local *l, struct item *x, const struct queue_beat *c) {
    uint64_t most = clock_wall_ms() + DEADLINE_MAX_MS, dead_at_ms = c->dead_at_ms < most ? c->dead_at_ms : most;
    enum execution_state before = x->state;
    bool moved = dead_at_ms > x->dead_at_ms;
    if (moved)
        x->dead_at_ms = dead_at_ms;
    if (c->event != EXECUTION_EVENT_COUNT)
        item_move(l, x, c->event);
    item_set_deadline(l, x, clock_mono_ms() + LEASE_MS);
    if (moved || x->state != before)
        item_make_dirty(l, x);
}

static void local_beat(struct queue *q, struct queue_beat *c) {
    struct local *l = (struct local *)q;
    pthread_mutex_lock(&l->mutex);
    struct item *x = held_by(l, &c->key, c->token, &c->answer);
    if (x)
        prolong(l, x, c);
    pthread_mutex_unlock(&l->mutex);
    c->expires_in_ms = LEASE_MS;
    call_served(&c->call);
}

static uint64_t retry_delay(unsigned attempt) {
    uint64_t ms = RETRY_FIRST_MS;
    for (unsigned i = 1; i < attempt && ms < RETRY_MAX_MS; i++)
        ms *= 2;
    return ms < RETRY_MAX_MS ? ms : RETRY_MAX_MS;
}

static void local_give_back(struct queue *q, struct queue_give_back *c) {
    struct local *l = (struct local *)q;
    pthread_mutex_lock(&l->mutex);
    struct item *x = held_by(l, &c->key, c->token, &c->answer);
    if (x) {
        item_move(l, x, EXECUTION_EVENT_RETRY);
        item_set_deadline(l, x, clock_mono_ms() + retry_delay(x->attempt));
        item_make_dirty(l, x);
        timer_wake_by(l, x->deadline_ms);
        timer_watch(l, x);
    }
    pthread_mutex_unlock(&l->mutex);
    call_served(&c->call);
}

static void local_counts(struct queue *q, struct queue_counts *out) {
    struct local *l = (struct local *)q;
    pthread_mutex_lock(&l->mutex);
    *out = l->counts;
    out->polls = l->poll_count;
    pthread_mutex_unlock(&l->mutex);
}

static bool local_has_room(struct queue *q, struct err *e) {
    struct local *l = (struct local *)q;
    pthread_mutex_lock(&l->mutex);
    bool room = l->count < QUEUE_OPEN_MAX;
    pthread_mutex_unlock(&l->mutex);
    if (room)
        return true;
    err_set(e, ERR_UNAVAILABLE, "%d executions are waiting already", QUEUE_OPEN_MAX);
    return err_hint(e, "try again when workers have done some");
}

static void local_stop(struct queue *q) { timer_stop((struct local *)q); }

static void local_free(struct queue *q) {
    struct local *l = (struct local *)q;
    timer_stop(l);
    leases_store_now(l);
    for (size_t i = 0; i < LOCAL_SLOTS; i++)
        while (l->slots[i])
            item_forget(l, &l->slots[i]);
    for (struct lane *at = l->lanes, *next; at; at = next) {
        next = at->next;
        lane_free(at);
    }
    heap_release(&l->timers);
    heap_release(&l->deaths);
    pthread_cond_destroy(&l->changed);
    pthread_mutex_destroy(&l->mutex);
    free(l);
}

static const struct queue_form local_form = {
    .create = local_create,
    .poll = local_poll,
    .beat = local_beat,
    .give_back = local_give_back,
    .end = local_end,
    .counts = local_counts,
    .has_room = local_has_room,
    .list = local_list,
    .stop = local_stop,
    .free = local_free,
};

bool queue_open_local(struct queue **out, const struct queue_config *config, struct writer *writer, struct err *e) {
    struct local *l = xcalloc(1, sizeof *l);
    l->queue_base.form = &local_form;
    l->config = *config;
    l->writer = writer;
    l->polls_end = &l->polls;
    l->polls_next_ms = l->dirty_until_ms = NO_DEADLINE;
    pthread_mutex_init(&l->mutex, NULL);
    cond_init(&l->changed);
    if (!local_load(l, e) || !timer_start(l, e)) {
        local_free(&l->queue_base);
        return false;
    }
    *out = &l->queue_base;
    return true;
}
