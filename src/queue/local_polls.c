// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/log.h"
#include "base/sync.h"
#include "base/text.h"
#include "queue/local.h"
#include <inttypes.h>

static struct queue_poll *poll_of(struct queue_call *c) { return (struct queue_poll *)c; } // its first member

// The next word of a comma list; false: there is none.
static bool next_word(const char **at, struct slice *word) {
    *at += strspn(*at, ",");
    *word = slice_of(*at, strcspn(*at, ","));
    *at += word->len;
    return word->len;
}

static bool can(const char *capabilities, const char *target) {
    struct slice word;
    for (const char *at = capabilities; at && next_word(&at, &word);)
        if (slice_eq(word, slice_str(target)))
            return true;
    return !capabilities;
}

// The payer of one that is too late has to be told, whatever could have run it.
static bool fits(const struct queue_poll *p, const char *contract_id, const char *target) {
    return (!p->contract_id || strcmp(p->contract_id, contract_id) == 0) && (!target || can(p->capabilities, target));
}

static bool before(const struct item *a, const struct item *b) {
    if (a->too_late != b->too_late)
        return a->too_late;
    return a->turn != b->turn ? a->turn < b->turn : a->execution_id < b->execution_id;
}

static bool fits_item(const struct queue_poll *p, const struct item *x) {
    return fits(p, x->key.contract_id, x->too_late ? NULL : x->build_target) &&
           (x->too_late || !p->cannot[step_of(x->handed)]) && !item_is_benched(x, p->worker_id);
}

// Of those that somebody does not get, which are few, the order is looked for.
static struct item *first_unless_benched(const struct lane *lane, const struct queue_poll *p) {
    struct item *best = NULL;
    for (size_t i = 0; i < lane->items.count; i++) {
        struct item *x = heap_at(&lane->items, i);
        if (fits_item(p, x) && (!best || before(x, best)))
            best = x;
    }
    return best;
}

static struct item *first_in(const struct lane *lane, const struct queue_poll *p) {
    if (p->contract_id && strcmp(p->contract_id, lane->contract_id) != 0)
        return NULL;
    switch (lane->kind) {
    case LANE_TARGET: // "": nobody says that it can
        return lane->build_target[0] && !p->cannot[lane->step] ? heap_first(&lane->items) : NULL;
    case LANE_ANY: return p->capabilities || p->cannot[lane->step] ? NULL : heap_first(&lane->items);
    case LANE_LATE: return heap_first(&lane->items);
    case LANE_BENCHED: return first_unless_benched(lane, p);
    }
    return NULL;
}

// Of the lanes of this target, "": of those of all targets, and of `best`.
static struct item *first_of(struct local *l, const struct queue_poll *p, struct slice target, struct item *best) {
    for (struct lane *at = *lanes_of(l, target); at; at = at->next) {
        l->lanes_seen++;
        struct item *x = slice_eq(slice_str(at->build_target), target) ? first_in(at, p) : NULL;
        if (x && (!best || before(x, best)))
            best = x;
    }
    return best;
}

static struct item *first_for(struct local *l, const struct queue_poll *p) {
    struct slice word;
    struct item *best = first_of(l, p, slice_str(""), NULL);
    for (const char *at = p->capabilities; at && next_word(&at, &word);)
        best = first_of(l, p, word, best);
    return best;
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
    l->served_turn = x->turn > l->served_turn ? x->turn : l->served_turn;
    item_move(l, x, EXECUTION_EVENT_LEASE);
    item_note(x, execution_text(x->state), NULL);
    x->leased_ms = clock_mono_ms();
    item_set_deadline(l, x, x->leased_ms + l->config.confirm_ms);
    item_make_dirty(l, x);
    timer_wake_by(l, x->deadline_ms);
    p->leased = true;
    x->too_late |= clock_wall_ms() >= item_late_at(x); // also one that came so late
    p->too_late = x->too_late;
    p->hopeless = x->hopeless;
    p->attempt = x->attempt;
    p->handed = x->handed;
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
    if (!c->next)
        l->polls_end = at;
    l->poll_count--;
    return c;
}

// NULL: none waits that can do it.
static struct queue_call **poll_for(struct local *l, const struct item *x) {
    struct queue_call **first = NULL;
    size_t seen = 0;
    for (struct queue_call **at = &l->polls; *at && seen < AT_HAND_POLLS_MAX; at = &(*at)->next) {
        if (!fits_item(poll_of(*at), x))
            continue;
        if (!x->source || has_at_hand(poll_of(*at), x->source))
            return at;
        first = first ? first : at;
        seen++;
    }
    return first;
}

// Those who hung up are let go: a lease would only come back after its confirmation time.
void item_offer(struct local *l, struct item *x, struct queue_call **answers) {
    for (struct queue_call **at; (at = poll_for(l, x));) {
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
    *l->polls_end = c;
    l->polls_end = &c->next;
    c->next = NULL;
    c->until_ms = clock_mono_ms() + wait_s * 1000;
    l->polls_next_ms = c->until_ms < l->polls_next_ms ? c->until_ms : l->polls_next_ms;
    l->poll_count++;
    timer_wake_by(l, c->until_ms);
}

void local_poll(struct queue *q, struct queue_poll *p) {
    struct local *l = (struct local *)q;
    struct queue_call *answers = NULL;
    uint64_t wait_s = p->wait_s < QUEUE_POLL_MAX_S ? p->wait_s : QUEUE_POLL_MAX_S;
    p->leased = false;
    pthread_mutex_lock(&l->mutex);
    bool closed = l->stop || l->cordoned;
    struct item *x = closed ? NULL : first_for(l, p);
    if (x)
        lease(l, x, p);
    if (x || !wait_s || closed || l->poll_count >= QUEUE_POLLS_MAX)
        note(&answers, &p->call);
    else
        park(l, &p->call, wait_s);
    pthread_mutex_unlock(&l->mutex);
    answers_send(answers);
}

void polls_end(struct local *l, uint64_t until_ms, struct queue_call **answers) {
    uint64_t next = NO_DEADLINE;
    if (until_ms < l->polls_next_ms)
        return;
    for (struct queue_call **at = &l->polls; *at;) {
        if ((*at)->until_ms <= until_ms) {
            note(answers, take(l, at));
            continue;
        }
        next = (*at)->until_ms < next ? (*at)->until_ms : next;
        at = &(*at)->next;
    }
    l->polls_next_ms = next;
}
