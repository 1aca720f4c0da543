// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/log.h"
#include "base/sync.h"
#include "queue/local.h"
#include <inttypes.h>

#define LOOK_MS 1000

void timer_wake_by(struct local *l, uint64_t deadline_ms) {
    if (deadline_ms >= l->wake_ms)
        return;
    uint64_t now = clock_mono_ms();
    l->look_ms = now < l->look_ms ? now : l->look_ms;
    pthread_cond_signal(&l->changed);
}

// A moment of the wall clock on the monotonic one.
static uint64_t mono_of(uint64_t wall_ms) {
    uint64_t wall = clock_wall_ms();
    return clock_mono_ms() + (wall_ms > wall ? wall_ms - wall : 0);
}

void timer_watch(struct local *l, const struct item *x) { timer_wake_by(l, mono_of(x->in_deaths.first)); }

// While this process stood still (a paused machine, a disk that hangs) nobody could confirm a lease, so that none may
// run out for it.
static void spare_leases(struct local *l, uint64_t now) {
    uint64_t was_due = l->look_ms;
    l->look_ms = now;
    if (now < was_due || now - was_due <= OUTAGE_MS || !items_held(l))
        return;
    for (size_t i = 0; i < LOCAL_SLOTS; i++)
        for (struct item *x = l->slots[i]; x; x = x->next_hash)
            if (execution_is_held(x->state))
                item_set_deadline(l, x, now + LEASE_MS);
    log_info("%" PRIu64 " leases last on, which nobody could confirm meanwhile", items_held(l));
}

// Leases that were not confirmed or ran out, and delays that are over.
static void end_deadlines(struct local *l, uint64_t now, struct queue_call **answers) {
    for (struct item *x; (x = heap_first(&l->timers)) && x->deadline_ms <= now;) {
        if (execution_is_held(x->state)) {
            log_request_of(x->key.contract_id, x->key.request_id);
            log_warn("the lease by %s (token %s) is lost", x->worker_id, x->token_name);
            log_request(NULL);
            l->counts.leases_lost++;
            form_figures_lost(&l->figures, x->worker_id);
            item_note(x, "lost", NULL);
            item_move(l, x, EXECUTION_EVENT_LOST);
            item_make_dirty(l, x);
        } else {
            item_set_deadline(l, x, 0);
        }
        item_offer(l, x, answers);
    }
}

static void become_late(struct local *l, struct item *x, struct queue_call **answers) {
    x->too_late = true;
    item_set_deadline(l, x, 0);
    item_offer(l, x, answers);
}

// Without the lock while an end is being stored.
static void end_times(struct local *l, struct queue_call **answers) {
    struct item *x;
    while (!l->stop && (x = heap_first(&l->deaths)) && x->in_deaths.first <= clock_wall_ms()) {
        if (!x->too_late) {
            become_late(l, x, answers);
            continue;
        }
        item_begin_end(l, x);
        pthread_mutex_unlock(&l->mutex);
        item_expire(l, x);
        pthread_mutex_lock(&l->mutex);
    }
}

static uint64_t earlier(uint64_t a, uint64_t b) { return a < b ? a : b; }

static uint64_t next_deadline(const struct local *l) {
    const struct item *timed = heap_first(&l->timers), *dying = heap_first(&l->deaths);
    uint64_t next = earlier(earlier(l->polls_next_ms, l->dirty_until_ms), hopeless_next_ms(l));
    if (items_held(l))
        next = earlier(next, clock_mono_ms() + LOOK_MS);
    if (timed)
        next = earlier(next, timed->deadline_ms);
    return dying ? earlier(next, mono_of(dying->in_deaths.first)) : next;
}

static void rest(struct local *l, uint64_t until_ms) {
    l->wake_ms = l->look_ms = until_ms;
    cond_wait_until(&l->changed, &l->mutex, until_ms);
    l->wake_ms = 0; // awake: it looks at everything before it sleeps again
}

static void *watch(void *ctx) {
    struct local *l = ctx;
    pthread_mutex_lock(&l->mutex);
    l->look_ms = clock_mono_ms();
    while (!l->stop) {
        struct queue_call *answers = NULL;
        uint64_t now = clock_mono_ms();
        spare_leases(l, now);
        polls_end(l, now, &answers); // before the next: what becomes free goes to those who still wait
        end_deadlines(l, now, &answers);
        end_times(l, &answers);
        hopeless_judge(l, now, &answers);
        bool store = l->dirty_until_ms <= now;
        if (answers || store) {
            pthread_mutex_unlock(&l->mutex);
            answers_send(answers);
            if (store)
                leases_store(l);
            pthread_mutex_lock(&l->mutex);
            continue; // what came meanwhile is looked at before it sleeps
        }
        if (!l->stop)
            rest(l, next_deadline(l));
    }
    pthread_mutex_unlock(&l->mutex);
    return NULL;
}

bool timer_start(struct local *l, struct err *e) {
    l->timer_runs = pthread_create(&l->timer, NULL, watch, l) == 0;
    return l->timer_runs || err_set(e, ERR_IO, "cannot start a thread");
}

void timer_stop(struct local *l) {
    struct queue_call *answers = NULL;
    pthread_mutex_lock(&l->mutex);
    l->stop = true;
    polls_end(l, UINT64_MAX, &answers);
    pthread_cond_signal(&l->changed);
    pthread_mutex_unlock(&l->mutex);
    answers_send(answers);
    if (l->timer_runs)
        pthread_join(l->timer, NULL);
    l->timer_runs = false;
}
