// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "queue/local.h"
#include <inttypes.h>

static struct queue_poll *poll_of(struct queue_call *c) { return (struct queue_poll *)c; } // its first member

static bool can(const char *capabilities, const char *target) {
    size_t n = strlen(target);
    for (const char *at = capabilities; at && n; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        if (strncmp(at, target, n) == 0 && (at[n] == ',' || !at[n]))
            return true;
    return !capabilities;
}

static struct item *first_for(struct local *l, const struct queue_poll *p) {
    struct item *x = l->queue.first;
    while (x && !can(p->capabilities, x->build_target))
        x = x->next;
    return x;
}

// The task's text goes into the poll's arena: the answer is sent after the lock is released.
static void lease(struct local *l, struct item *x, struct queue_poll *p) {
    struct hash secret;
    random_bytes(secret.b, sizeof secret.b);
    hash_hex(&secret, p->token);
    x->token = sha256(slice_str(p->token));
    x->attempt++;
    if (!text_copy(x->worker_id, sizeof x->worker_id, slice_str(p->worker_id)))
        x->worker_id[0] = 0;
    if (!text_copy(x->token_name, sizeof x->token_name, slice_str(p->token_name)))
        x->token_name[0] = 0;
    item_move(l, x, EXECUTION_EVENT_LEASE);
    x->deadline_ms = clock_mono_ms() + LEASE_CONFIRM_MS;
    timer_wake_by(l, x->deadline_ms);
    p->leased = true;
    p->attempt = x->attempt;
    p->json = arena_strdup(p->arena, x->json);
    log_debug("request %" PRIu64 " of %s leased to %s, attempt %u", x->key.request_id, x->key.contract_id, x->worker_id,
              x->attempt);
}

static void note(struct queue_call **answers, struct queue_call *c) {
    c->next = *answers;
    *answers = c;
}

void answers_send(struct queue_call *answers) {
    for (struct queue_call *c = answers, *next; c; c = next) {
        next = c->next; // what it is in goes with the answer
        call_served(c);
    }
}

static struct queue_call *take(struct local *l, struct queue_call **at) {
    struct queue_call *c = *at;
    *at = c->next;
    l->poll_count--;
    return c;
}

// Those who hung up are let go: a lease would only come back after its confirmation time.
void item_offer(struct local *l, struct item *x, struct queue_call **answers) {
    for (struct queue_call **at = &l->polls; *at;) {
        if (!can(poll_of(*at)->capabilities, x->build_target)) {
            at = &(*at)->next;
            continue;
        }
        struct queue_call *c = take(l, at);
        bool gone = poll_of(c)->gone && poll_of(c)->gone(c->ctx);
        note(answers, c);
        if (gone)
            continue;
        lease(l, x, poll_of(c));
        return;
    }
}

static void park(struct local *l, struct queue_call *c, uint64_t wait_s) {
    struct queue_call **end = &l->polls;
    while (*end)
        end = &(*end)->next;
    *end = c;
    c->next = NULL;
    c->until_ms = clock_mono_ms() + wait_s * 1000;
    l->poll_count++;
    timer_wake_by(l, c->until_ms);
}

void local_poll(struct queue *q, struct queue_poll *p) {
    struct local *l = (struct local *)q;
    struct queue_call *answers = NULL;
    uint64_t wait_s = p->wait_s < QUEUE_POLL_MAX_S ? p->wait_s : QUEUE_POLL_MAX_S;
    p->leased = false;
    pthread_mutex_lock(&l->mutex);
    struct item *x = l->stop ? NULL : first_for(l, p);
    if (x)
        lease(l, x, p);
    if (x || !wait_s || l->stop || l->poll_count >= QUEUE_POLLS_MAX)
        note(&answers, &p->call);
    else
        park(l, &p->call, wait_s);
    pthread_mutex_unlock(&l->mutex);
    answers_send(answers);
}

void polls_end(struct local *l, uint64_t until_ms, struct queue_call **answers) {
    for (struct queue_call **at = &l->polls; *at;) {
        if ((*at)->until_ms <= until_ms)
            note(answers, take(l, at));
        else
            at = &(*at)->next;
    }
}
