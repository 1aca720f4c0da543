// SPDX-License-Identifier: Apache-2.0
#include "queue/local.h"

#include "base/clock.h"
#include "base/sync.h"
#include <inttypes.h>

#define RETRY_FIRST_MS 500
#define RETRY_MAX_MS 30000

// The execution, if this token holds it; else NULL, and why. Whose own end is being stored holds it still: that may
// come to nothing.
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
    if (moved) {
        x->dead_at_ms = dead_at_ms;
        x->too_late = x->hopeless = false;
    }
    if (c->event != EXECUTION_EVENT_COUNT)
        item_move(l, x, c->event);
    if (x->state != before)
        item_note(x, execution_text(x->state), NULL);
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

static void local_look(struct queue *q, struct queue_look *c) {
    struct local *l = (struct local *)q;
    pthread_mutex_lock(&l->mutex);
    const struct item *x = held_by(l, &c->key, c->token, &c->answer);
    c->json = x ? arena_strdup(c->arena, x->json) : NULL;
    pthread_mutex_unlock(&l->mutex);
    call_served(&c->call);
}

static uint64_t retry_delay(unsigned attempt) {
    uint64_t ms = RETRY_FIRST_MS;
    for (unsigned i = 1; i < attempt && ms < RETRY_MAX_MS; i++)
        ms *= 2;
    return ms < RETRY_MAX_MS ? ms : RETRY_MAX_MS;
}

// The operator's: whoever holds it does so no more, and it waits for nothing but a worker.
static void take_back(struct local *l, struct queue_give_back *c) {
    struct queue_call *answers = NULL;
    pthread_mutex_lock(&l->mutex);
    struct item *x = *item_find(l, &c->key);
    c->answer = !x ? QUEUE_UNKNOWN : x->ending ? QUEUE_LOST : QUEUE_OK;
    if (c->answer == QUEUE_OK) {
        if (execution_is_held(x->state)) {
            item_note(x, "taken_back", c->reason);
            item_move(l, x, EXECUTION_EVENT_LOST);
        }
        item_set_deadline(l, x, 0);
        item_make_dirty(l, x);
        item_offer(l, x, &answers);
        timer_watch(l, x);
    }
    pthread_mutex_unlock(&l->mutex);
    answers_send(answers);
    call_served(&c->call);
}

// Whether it waits for nothing but a worker. What is handed over was no failed attempt.
static bool goes_at_once(struct item *x, const struct queue_give_back *c) {
    unsigned handed = x->handed + (step_of(x->handed) == c->step ? 2 : 1);
    if (c->hand && handed <= HANDED_MAX) {
        x->handed = handed;
        x->attempt--;
        x->too_late = x->hopeless = false; // says who held it: those who can do the next step come first
        return true;
    }
    return c->bench && item_bench(x, x->worker_id);
}

static void local_give_back(struct queue *q, struct queue_give_back *c) {
    struct local *l = (struct local *)q;
    struct queue_call *answers = NULL;
    if (!c->token) {
        take_back(l, c);
        return;
    }
    pthread_mutex_lock(&l->mutex);
    struct item *x = held_by(l, &c->key, c->token, &c->answer);
    if (x && x->ending) {
        x = NULL;
        c->answer = QUEUE_LOST; // it has said how it ended
    }
    struct timeline_step step = {"given_back", clock_wall_ms(), x ? x->worker_id : NULL, x ? x->attempt : 0, c->reason};
    unsigned handed = x ? x->handed : 0;
    bool at_once = x && goes_at_once(x, c);
    if (x) {
        step.stage = x->handed != handed ? "handed_over" : step.stage;
        timeline_add(&x->timeline, &step, false);
        item_move(l, x, EXECUTION_EVENT_RETRY);
        item_set_deadline(l, x, at_once ? 0 : clock_mono_ms() + retry_delay(x->attempt));
        item_make_dirty(l, x);
        if (!at_once)
            timer_wake_by(l, x->deadline_ms);
        timer_watch(l, x);
    }
    if (at_once)
        item_offer(l, x, &answers);
    pthread_mutex_unlock(&l->mutex);
    answers_send(answers);
    call_served(&c->call);
}

static void local_counts(struct queue *q, struct queue_counts *out) {
    struct local *l = (struct local *)q;
    pthread_mutex_lock(&l->mutex);
    *out = l->counts;
    out->polls = l->poll_count;
    pthread_mutex_unlock(&l->mutex);
}

static bool local_has_room(struct queue *q, const char *token_name, struct err *e) {
    struct local *l = (struct local *)q;
    pthread_mutex_lock(&l->mutex);
    bool room = creators_have_room(&l->creators, token_name, l->count, e);
    pthread_mutex_unlock(&l->mutex);
    return room;
}

// The longest wait of those that are queued, in ms.
static uint64_t oldest_ms(const struct local *l) {
    uint64_t now = clock_wall_ms();
    const struct item *oldest = heap_first(&l->ages);
    return oldest && oldest->created_ms < now ? now - oldest->created_ms : 0;
}

static void local_figures(struct queue *q, struct buf *out) {
    struct local *l = (struct local *)q;
    pthread_mutex_lock(&l->mutex);
    uint64_t oldest = oldest_ms(l), hopeless = l->hopeless_count;
    pthread_mutex_unlock(&l->mutex);
    form_figures_show(&l->figures, oldest, hopeless, out);
}

static bool local_drain(struct queue *q, uint64_t ms) {
    struct local *l = (struct local *)q;
    struct queue_call *answers = NULL;
    uint64_t end = deadline_in(ms);
    pthread_mutex_lock(&l->mutex);
    l->cordoned = true;
    unsigned call = ++l->drains;
    pthread_cond_broadcast(&l->idle);
    polls_end(l, UINT64_MAX, &answers);
    pthread_mutex_unlock(&l->mutex);
    answers_send(answers);
    pthread_mutex_lock(&l->mutex);
    while (items_held(l) && call == l->drains && cond_wait_until(&l->idle, &l->mutex, end))
        ;
    bool idle = !items_held(l);
    pthread_mutex_unlock(&l->mutex);
    return idle;
}

static void local_stop(struct queue *q) { timer_stop((struct local *)q); }

static void local_free(struct queue *q) {
    struct local *l = (struct local *)q;
    timer_stop(l);
    leases_store_now(l);
    for (size_t i = 0; i < LOCAL_SLOTS; i++)
        while (l->slots[i])
            item_forget(l, &l->slots[i]);
    lanes_free(l);
    creators_clear(&l->creators);
    heap_release(&l->timers);
    heap_release(&l->deaths);
    heap_release(&l->ages);
    pthread_cond_destroy(&l->changed);
    pthread_cond_destroy(&l->idle);
    pthread_mutex_destroy(&l->mutex);
    free(l);
}

static const struct queue_form local_form = {
    .create = local_create,
    .replace = local_replace,
    .look = local_look,
    .poll = local_poll,
    .beat = local_beat,
    .give_back = local_give_back,
    .end = local_end,
    .counts = local_counts,
    .has_room = local_has_room,
    .list = local_list,
    .detail = local_detail,
    .changes = local_changes,
    .figures = local_figures,
    .drain = local_drain,
    .stop = local_stop,
    .free = local_free,
};

bool queue_open_local(struct queue **out, const struct queue_config *config, struct writer *writer, struct err *e) {
    struct local *l = xcalloc(1, sizeof *l);
    l->queue_base.form = &local_form;
    l->config = *config;
    l->config.confirm_ms = config->confirm_ms ? config->confirm_ms : LEASE_CONFIRM_MS;
    l->writer = writer;
    l->polls_end = &l->polls;
    uint64_t name;
    random_bytes(&name, sizeof name);
    snprintf(l->since_start, sizeof l->since_start, "%016" PRIx64, name);
    l->polls_next_ms = l->dirty_until_ms = NO_DEADLINE;
    pthread_mutex_init(&l->mutex, NULL);
    cond_init(&l->changed);
    cond_init(&l->idle);
    form_figures_init(&l->figures);
    if (!local_load(l, e) || !timer_start(l, e)) {
        local_free(&l->queue_base);
        return false;
    }
    *out = &l->queue_base;
    return true;
}
