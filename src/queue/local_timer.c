// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/log.h"
#include "base/sync.h"
#include "queue/local.h"
#include <inttypes.h>

void timer_wake_by(struct local *l, uint64_t deadline_ms) {
    if (deadline_ms < l->wake_ms)
        pthread_cond_signal(&l->changed);
}

static void end_leases(struct local *l, uint64_t now, struct queue_call **answers) {
    for (struct item *x = l->held.first, *following; x; x = following) {
        following = x->next;
        if (x->ending || x->deadline_ms > now)
            continue;
        log_warn("the lease of request %" PRIu64 " by %s (token %s) is lost", x->key.request_id, x->worker_id,
                 x->token_name);
        l->counts.leases_lost++;
        item_move(l, x, EXECUTION_EVENT_LOST);
        item_offer(l, x, answers);
    }
}

static void end_delays(struct local *l, uint64_t now, struct queue_call **answers) {
    for (struct item *x = l->delayed.first, *following; x; x = following) {
        following = x->next;
        if (x->deadline_ms > now)
            continue;
        item_ready(l, x);
        item_offer(l, x, answers);
    }
}

// A queued execution whose time is over; NULL: none.
static struct item *find_unserved(struct local *l, uint64_t wall) {
    struct item *x = l->queue.first;
    if (x && x->serve_until_ms <= wall) // those behind it came later
        return x;
    for (x = l->delayed.first; x && x->serve_until_ms > wall;)
        x = x->next;
    return x;
}

// Without the lock while its end is being stored.
static void end_unserved(struct local *l) {
    struct item *x;
    while (!l->stop && (x = find_unserved(l, clock_wall_ms()))) {
        item_begin_end(l, x);
        pthread_mutex_unlock(&l->mutex);
        item_expire(l, x);
        pthread_mutex_lock(&l->mutex);
    }
}

static uint64_t earlier(uint64_t a, uint64_t b) { return a < b ? a : b; }

static uint64_t serve_deadline(const struct item *x) {
    uint64_t wall = clock_wall_ms();
    return clock_mono_ms() + (x->serve_until_ms > wall ? x->serve_until_ms - wall : 0);
}

static uint64_t next_deadline(const struct local *l) {
    uint64_t next = l->queue.first ? serve_deadline(l->queue.first) : UINT64_MAX;
    for (const struct queue_call *c = l->polls; c; c = c->next)
        next = earlier(next, c->until_ms);
    for (const struct item *x = l->held.first; x; x = x->next)
        next = x->ending ? next : earlier(next, x->deadline_ms);
    for (const struct item *x = l->delayed.first; x; x = x->next)
        next = earlier(next, earlier(x->deadline_ms, serve_deadline(x)));
    return next;
}

static void rest(struct local *l, uint64_t until_ms) {
    l->wake_ms = until_ms;
    cond_wait_until(&l->changed, &l->mutex, until_ms);
    l->wake_ms = 0; // awake: it looks at everything before it sleeps again
}

static void *watch(void *ctx) {
    struct local *l = ctx;
    pthread_mutex_lock(&l->mutex);
    while (!l->stop) {
        struct queue_call *answers = NULL;
        uint64_t now = clock_mono_ms();
        polls_end(l, now, &answers); // first: what becomes free goes to those who still wait
        end_leases(l, now, &answers);
        end_delays(l, now, &answers);
        end_unserved(l);
        if (answers) {
            pthread_mutex_unlock(&l->mutex);
            answers_send(answers);
            pthread_mutex_lock(&l->mutex);
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
