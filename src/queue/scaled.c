// SPDX-License-Identifier: Apache-2.0
#include "queue/scaled.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/sync.h"
#include "crypto/hash.h"
#include "queue/database.h"
#include "queue/rows.h"
#include "store/writer.h"

#define CREATE_BYTES (8u << 20) // of tasks in one statement, beside the first one
#define COUNTS_UNBELIEVED_MAX 4 // in a row: under load there is always a change while they are read

static struct scaled *scaled_of(struct queue *q) { return (struct scaled *)q; }

// --- lists of calls

static void list_add_call(struct call_list *l, struct queue_call *c) {
    c->next = NULL;
    *(l->last ? &l->last->next : &l->first) = c;
    l->last = c;
    l->count++;
}

static struct queue_call *list_pop(struct call_list *l) {
    struct queue_call *c = l->first;
    l->first = c->next;
    l->last = l->first ? l->last : NULL;
    l->count--;
    return c;
}

static size_t list_take(struct call_list *l, struct queue_call **out, size_t most) {
    size_t n = 0;
    while (n < most && l->first)
        out[n++] = list_pop(l);
    return n;
}

// --- answers

static void answer_all(struct queue_call **x, size_t n, const struct err *e) {
    for (size_t i = 0; i < n; i++)
        x[i]->done(x[i]->ctx, e);
}

// A database that is away is waited for once: all who came meanwhile are told the same, or each batch would wait as
// long once more.
struct outage {
    bool is;
    struct err why;
};

// For the figures of what is stored: these connections are not the writer's.
static void note_stored(struct scaled *s, uint64_t start_us, size_t failed) {
    if (s->config.writer)
        writer_note(s->config.writer, clock_mono_us() - start_us, failed);
}

// What a whole batch cannot have, each of it may: one bad call must not fail those that came with it.
typedef bool store_fn(struct scaled *s, struct queue_call **x, size_t n, struct err *e);
static store_fn look; // changes nothing
static void serve(struct scaled *s, store_fn *store, struct queue_call **x, size_t n, struct outage *o) {
    struct err e;
    if (!n)
        return;
    uint64_t start_us = clock_mono_us();
    bool ok = !o->is && store(s, x, n, &e);
    if (o->is)
        e = o->why;
    if (!ok && e.code == ERR_UNAVAILABLE)
        *o = (struct outage){true, e};
    bool over = ok || n == 1 || e.code == ERR_UNAVAILABLE || e.code == ERR_IN_DOUBT;
    if (store != look)
        note_stored(s, start_us, over && !ok ? n : 0);
    if (over) {
        answer_all(x, n, ok ? NULL : &e);
        return;
    }
    for (size_t i = 0; i < n; i++)
        serve(s, store, x + i, 1, o);
}

static void move_list(struct call_list *to, struct call_list *from) {
    while (from->first)
        list_add_call(to, list_pop(from));
}

static void tell_outage(struct scaled *s, struct call_list *const *lists, size_t n, const struct outage *o) {
    struct call_list all = {0};
    if (!o->is)
        return;
    pthread_mutex_lock(&s->mutex);
    for (size_t i = 0; i < n; i++)
        move_list(&all, lists[i]);
    pthread_mutex_unlock(&s->mutex);
    while (all.first) {
        struct queue_call *c = list_pop(&all);
        c->done(c->ctx, &o->why);
    }
}

// --- what is promised

static void count_creates(struct scaled *s, struct queue_create *const *x, size_t n, uint64_t made) {
    pthread_mutex_lock(&s->mutex);
    for (size_t i = 0; i < n; i++)
        if (x[i]->created)
            creators_add(&s->creators, x[i]->token_name, 1);
    s->counts.created += made;
    s->counts.by_state[EXECUTION_QUEUED] += made;
    s->changes++;
    s->claim |= made > 0;
    pthread_cond_signal(&s->asked);
    pthread_mutex_unlock(&s->mutex);
}

static bool store_creates(struct scaled *s, struct queue_call **x, size_t n, struct err *e) {
    struct queue_create *c[SCALED_BATCH];
    uint64_t made = 0;
    for (size_t i = 0; i < n; i++)
        c[i] = (struct queue_create *)x[i];
    if (!scaled_store_creates(s, c, n, e))
        return false;
    for (size_t i = 0; i < n; i++)
        made += c[i]->created;
    count_creates(s, c, n, made);
    if (made)
        scaled_changed(s);
    scaled_ring_creates(s, c, n);
    return true;
}

// Leases of this process alone; with the lock held.
static struct known_lease *lease_slot(struct scaled *s, const char *token, uint64_t *hash) {
    struct hash h = sha256(slice_str(token));
    memcpy(hash, h.b, sizeof *hash);
    return &s->leases[*hash % LEASES_KNOWN];
}

static void note_lease(struct scaled *s, const struct queue_poll *p) {
    uint64_t hash;
    struct known_lease *at = lease_slot(s, p->token, &hash);
    if (!p->too_late)
        *at = (struct known_lease){hash, clock_mono_ms()};
}

static uint64_t held(const struct queue_counts *c) {
    uint64_t n = 0;
    for (int i = EXECUTION_LEASED; i <= EXECUTION_SUBMITTING; i++)
        n += c->by_state[i];
    return n;
}

static void note_end(struct scaled *s, const struct queue_end *x) {
    uint64_t hash, now = clock_mono_ms();
    const struct known_lease *at = x->token ? lease_slot(s, x->token, &hash) : NULL;
    if (at && at->since_ms && at->hash == hash)
        service_note(&s->service, now, now - at->since_ms, held(&s->counts));
}

static void count_ends(struct scaled *s, struct queue_end **x, size_t n) {
    bool changed = false;
    pthread_mutex_lock(&s->mutex);
    for (size_t i = 0; i < n; i++) {
        if (!x[i]->changed)
            continue;
        changed = true;
        note_end(s, x[i]);
        count_end(&s->counts, x[i]->outcome, x[i]->instructions);
    }
    s->changes++;
    pthread_mutex_unlock(&s->mutex);
    if (changed)
        scaled_changed(s);
}

// Somebody may have ended one of them while this statement waited for its row. A second one sees that.
static bool store_ends(struct scaled *s, struct queue_call **x, size_t n, struct err *e) {
    struct queue_end *c[SCALED_BATCH], *again[SCALED_BATCH];
    size_t unsure, m = 0;
    for (size_t i = 0; i < n; i++)
        c[i] = (struct queue_end *)x[i];
    if (!scaled_store_ends(s, c, n, &unsure, e))
        return false;
    count_ends(s, c, n);
    for (size_t i = 0; unsure && i < n; i++)
        if (c[i]->answer != QUEUE_OK)
            again[m++] = c[i];
    if (!m)
        return true;
    if (!scaled_store_ends(s, again, m, &unsure, e))
        return false;
    count_ends(s, again, m);
    return true;
}

static bool store_replaces(struct scaled *s, struct queue_call **x, size_t n, struct err *e) {
    BUG_ON(n != 1);
    struct queue_replace *c = (struct queue_replace *)x[0];
    if (!scaled_store_replace(s, c, e))
        return false;
    pthread_mutex_lock(&s->mutex);
    s->changes++;
    s->claim |= c->replaced;
    pthread_cond_signal(&s->asked);
    pthread_mutex_unlock(&s->mutex);
    if (c->replaced) {
        scaled_changed(s);
        scaled_ring(s, c->key.contract_id, c->build_target);
    }
    return true;
}

static bool look(struct scaled *s, struct queue_call **x, size_t n, struct err *e) {
    BUG_ON(n != 1);
    return scaled_look(s, (struct queue_look *)x[0], e);
}

// Tasks may be large, and a statement has a bound.
static size_t take_creates(struct call_list *l, struct queue_call **out) {
    size_t n = 0, bytes = 0;
    while (n < SCALED_BATCH && l->first && bytes < CREATE_BYTES) {
        out[n] = list_pop(l);
        bytes += strlen(((struct queue_create *)out[n++])->json);
    }
    return n;
}

static void *keep_promises(void *arg) {
    struct scaled *s = arg;
    struct queue_call *creates[SCALED_BATCH], *ends[SCALED_BATCH], *replaced[1];
    pthread_mutex_lock(&s->mutex);
    for (;;) {
        while (!s->creates.count && !s->ends.count && !s->replaces.count && !s->closing)
            cond_wait_until(&s->promised, &s->mutex, NO_DEADLINE);
        size_t n = take_creates(&s->creates, creates), m = list_take(&s->ends, ends, SCALED_BATCH);
        size_t k = list_take(&s->replaces, replaced, 1);
        if (!n && !m && !k)
            break;
        struct outage o = {0};
        pthread_mutex_unlock(&s->mutex);
        serve(s, store_creates, creates, n, &o);
        serve(s, store_ends, ends, m, &o);
        serve(s, store_replaces, replaced, k, &o);
        tell_outage(s, (struct call_list *const[]){&s->creates, &s->ends, &s->replaces}, 3, &o);
        pthread_mutex_lock(&s->mutex);
    }
    pthread_mutex_unlock(&s->mutex);
    return NULL;
}

// --- leases

static bool store_beats(struct scaled *s, struct queue_call **x, size_t n, struct err *e) {
    struct queue_beat *c[SCALED_BATCH];
    for (size_t i = 0; i < n; i++)
        c[i] = (struct queue_beat *)x[i];
    if (!scaled_store_beats(s, c, n, e))
        return false;
    for (size_t i = 0; i < n; i++)
        if (c[i]->event != EXECUTION_EVENT_COUNT && c[i]->answer == QUEUE_OK) {
            scaled_changed(s);
            break;
        }
    return true;
}

// It waits for nothing but a worker.
static bool is_free_at_once(const struct queue_give_back *x) { return !x->token || x->bench || x->hand; }

static bool store_give_backs(struct scaled *s, struct queue_call **x, size_t n, struct err *e) {
    struct queue_give_back *c[SCALED_BATCH];
    for (size_t i = 0; i < n; i++)
        c[i] = (struct queue_give_back *)x[i];
    if (!scaled_store_give_backs(s, c, n, e))
        return false;
    pthread_mutex_lock(&s->mutex);
    for (size_t i = 0; i < n; i++) {
        s->claim |= is_free_at_once(c[i]);
        s->benches |= c[i]->bench;
    }
    pthread_mutex_unlock(&s->mutex);
    scaled_changed(s);
    for (size_t i = 0; i < n; i++)
        if (is_free_at_once(c[i]))
            scaled_ring(s, c[i]->key.contract_id, NULL);
    return true;
}

static struct queue_poll *poll_of(struct queue_call *c) { return (struct queue_poll *)c; } // its first member

static bool same_text(const char *a, const char *b) { return a && b ? strcmp(a, b) == 0 : a == b; }

static bool same_wish(const struct scaled *s, const struct queue_poll *a, const struct queue_poll *b) {
    return same_text(a->contract_id, b->contract_id) && same_text(a->capabilities, b->capabilities) &&
           memcmp(a->cannot, b->cannot, sizeof a->cannot) == 0 &&
           (!s->benches || same_text(a->worker_id, b->worker_id));
}

static void prepare_lease(struct scaled_lease *x, struct queue_poll *p) {
    struct hash secret, hash;
    x->poll = p;
    random_bytes(secret.b, sizeof secret.b);
    hash_hex(&secret, x->token);
    hash = sha256(slice_str(x->token));
    hash_hex(&hash, x->hash);
}

static bool all_leased(const struct scaled_lease *x, size_t n) {
    while (n && x[n - 1].poll->leased)
        n--;
    return !n;
}

// Asks for those of `polls` that want the same as the first one, and takes them out of the list. What they wanted is
// not there any more when one of them got nothing: the rest need not be asked for.
static bool claim_like_first(struct scaled *s, struct call_list *polls, struct call_list *looked_at, struct err *e) {
    struct scaled_lease lease[SCALED_BATCH];
    struct call_list others = {0};
    const struct queue_poll *first = poll_of(polls->first);
    size_t n = 0;
    bool ok = true, more = true;
    while (polls->first) {
        struct queue_call *c = list_pop(polls);
        bool alike = same_wish(s, first, poll_of(c));
        list_add_call(alike ? looked_at : &others, c);
        if (alike && more)
            prepare_lease(&lease[n++], poll_of(c));
        if (n == SCALED_BATCH || (n && !polls->first)) {
            uint64_t start_us = clock_mono_us();
            ok = ok && scaled_claim(s, lease, n, e);
            more = ok && all_leased(lease, n);
            if (ok && lease[0].poll->leased)
                note_stored(s, start_us, 0);
            n = 0;
        }
    }
    *polls = others;
    return ok;
}

static void count_leases(struct scaled *s, uint64_t n) {
    uint64_t *queued = &s->counts.by_state[EXECUTION_QUEUED];
    *queued -= n < *queued ? n : *queued;
    s->counts.by_state[EXECUTION_LEASED] += n;
    s->changes += n > 0;
}

// Those who got something, whose time is over, or who are gone, are answered; the others are parked.
static void answer_polls(struct scaled *s, struct call_list *looked_at) {
    struct call_list answers = {0};
    uint64_t leased = 0, now = clock_mono_ms();
    pthread_mutex_lock(&s->mutex);
    while (looked_at->first) {
        struct queue_call *c = list_pop(looked_at);
        bool over = poll_of(c)->leased || s->stop || c->until_ms <= now;
        leased += poll_of(c)->leased;
        if (poll_of(c)->leased)
            note_lease(s, poll_of(c));
        list_add_call(over ? &answers : &s->parked, c);
    }
    s->polls -= answers.count;
    count_leases(s, leased);
    pthread_cond_broadcast(&s->answered);
    pthread_mutex_unlock(&s->mutex);
    if (leased)
        scaled_changed(s);
    while (answers.first) {
        struct queue_call *c = list_pop(&answers);
        c->done(c->ctx, NULL);
    }
}

// Those who hung up are let go: a lease would only come back after its confirmation time.
static void let_go(struct call_list *polls, struct call_list *looked_at) {
    struct call_list there = {0};
    while (polls->first) {
        struct queue_call *c = list_pop(polls);
        if (poll_of(c)->gone && poll_of(c)->gone(c->ctx)) {
            c->until_ms = 0;
            list_add_call(looked_at, c);
        } else {
            list_add_call(&there, c);
        }
    }
    *polls = there;
}

// A database that cannot be asked now is asked again with the next tick: whoever waits goes on waiting.
static void claim_for(struct scaled *s, struct call_list *polls, struct outage *o) {
    struct call_list looked_at = {0};
    struct err e;
    let_go(polls, &looked_at);
    while (polls->first && !o->is) {
        if (claim_like_first(s, polls, &looked_at, &e))
            continue;
        log_err(LOG_DEBUG, "executions cannot be leased", &e); // the next tick says it aloud
        if (e.code == ERR_UNAVAILABLE)
            *o = (struct outage){true, e};
    }
    move_list(&looked_at, polls);
    answer_polls(s, &looked_at);
}

// --- the second thread

struct round {
    struct queue_call *beats[SCALED_BATCH], *give_backs[SCALED_BATCH], *looks[1];
    size_t beat_count, give_back_count, look_count;
    struct call_list polls;
    bool tick;
};

static bool has_work(const struct scaled *s) {
    return s->beats.count || s->give_backs.count || s->looks.count || s->fresh.count || (s->claim && s->parked.count) ||
           (s->stop && s->parked.count);
}

// false: nothing is left to do, and nothing will come.
static bool next_round(struct scaled *s, struct round *r, uint64_t tick_ms) {
    pthread_mutex_lock(&s->mutex);
    while (!has_work(s) && !s->closing && clock_mono_ms() < tick_ms)
        cond_wait_until(&s->asked, &s->mutex, tick_ms);
    *r = (struct round){.tick = clock_mono_ms() >= tick_ms};
    r->beat_count = list_take(&s->beats, r->beats, SCALED_BATCH);
    r->give_back_count = list_take(&s->give_backs, r->give_backs, SCALED_BATCH);
    r->look_count = list_take(&s->looks, r->looks, 1);
    bool on = !s->closing || r->beat_count || r->give_back_count || r->look_count || s->fresh.count || s->parked.count;
    pthread_mutex_unlock(&s->mutex);
    return on;
}

// Not before the database has answered all else of the round: until then a drain may answer them.
static void take_polls(struct scaled *s, struct round *r) {
    pthread_mutex_lock(&s->mutex);
    if (r->tick || s->claim || s->stop) {
        s->claim = false;
        move_list(&r->polls, &s->parked);
    }
    move_list(&r->polls, &s->fresh);
    pthread_mutex_unlock(&s->mutex);
}

// What others did becomes known; what this process did since it asked stays.
static bool refresh_counts(struct scaled *s, struct err *e) {
    struct queue_counts now;
    struct creators creators;
    uint64_t oldest_ms;
    pthread_mutex_lock(&s->mutex);
    uint64_t changes = s->changes;
    pthread_mutex_unlock(&s->mutex);
    if (!scaled_count(s, &now, &creators, &oldest_ms, e)) {
        creators_clear(&creators);
        return false;
    }
    pthread_mutex_lock(&s->mutex);
    s->oldest_ms = oldest_ms;
    now.leases_lost = s->counts.leases_lost;
    bool still = changes == s->changes && !s->creates.count && !s->ends.count;
    if (still || ++s->unbelieved > COUNTS_UNBELIEVED_MAX) {
        struct creators before = s->creators;
        s->counts = now;
        s->creators = creators;
        creators = before;
        s->unbelieved = 0;
    }
    pthread_mutex_unlock(&s->mutex);
    creators_clear(&creators);
    return true;
}

// Where all that wait could begin before the first of them is late, the rows are not asked.
static bool judge(struct scaled *s, struct err *e) {
    uint64_t found, now = clock_mono_ms();
    if (now < s->judge_ms)
        return true;
    s->judge_ms = now + HOPELESS_MS;
    pthread_mutex_lock(&s->mutex);
    uint64_t each_us = service_each_us(&s->service, now, held(&s->counts));
    uint64_t all_us = s->counts.by_state[EXECUTION_QUEUED] * each_us;
    pthread_mutex_unlock(&s->mutex);
    if (all_us < HOPELESS_MS * 1000)
        return true;
    if (!scaled_judge(s, each_us, &found, e))
        return false;
    pthread_mutex_lock(&s->mutex);
    s->hopeless_count += found;
    s->claim |= found > 0;
    pthread_mutex_unlock(&s->mutex);
    return true;
}

// A database that cannot be asked is said once, and so is its return.
static void tick(struct scaled *s, struct outage *o, bool *fails) {
    struct err e = o->why;
    bool ok = !o->is && scaled_sweep(s, &e) && scaled_look_benches(s, &s->benches, &e) && refresh_counts(s, &e) &&
              judge(s, &e);
    if (!ok && e.code == ERR_UNAVAILABLE)
        *o = (struct outage){true, e};
    if (!ok && !*fails)
        log_err(LOG_ERROR, "leases and executions cannot be looked at", &e);
    if (ok && *fails)
        log_info("leases and executions are looked at again");
    *fails = !ok;
}

static void *keep_leases(void *arg) {
    struct scaled *s = arg;
    uint64_t tick_ms = clock_mono_ms() + s->config.look_ms;
    bool fails = false;
    for (struct round r; next_round(s, &r, tick_ms);) {
        struct outage o = {0};
        serve(s, store_beats, r.beats, r.beat_count, &o);
        serve(s, store_give_backs, r.give_backs, r.give_back_count, &o);
        serve(s, look, r.looks, r.look_count, &o);
        if (r.tick) {
            tick(s, &o, &fails);
            tick_ms = clock_mono_ms() + s->config.look_ms;
        }
        take_polls(s, &r);
        claim_for(s, &r.polls, &o);
        tell_outage(s, (struct call_list *const[]){&s->beats, &s->give_backs, &s->looks}, 3, &o);
    }
    return NULL;
}

// --- calls

static void add_call(struct scaled *s, struct call_list *l, struct queue_call *c, pthread_cond_t *wake) {
    pthread_mutex_lock(&s->mutex);
    list_add_call(l, c);
    pthread_cond_signal(wake);
    pthread_mutex_unlock(&s->mutex);
}

static void scaled_create(struct queue *q, struct queue_create *x) {
    struct scaled *s = scaled_of(q);
    struct err e;
    if (queue_has_room(q, x->token_name, &e))
        add_call(s, &s->creates, &x->call, &s->promised);
    else
        x->call.done(x->call.ctx, &e);
}

static void scaled_replace(struct queue *q, struct queue_replace *x) {
    add_call(scaled_of(q), &scaled_of(q)->replaces, &x->call, &scaled_of(q)->promised);
}

static void scaled_look_at(struct queue *q, struct queue_look *x) {
    add_call(scaled_of(q), &scaled_of(q)->looks, &x->call, &scaled_of(q)->asked);
}

static void scaled_end(struct queue *q, struct queue_end *x) {
    add_call(scaled_of(q), &scaled_of(q)->ends, &x->call, &scaled_of(q)->promised);
}

static void scaled_beat(struct queue *q, struct queue_beat *x) {
    add_call(scaled_of(q), &scaled_of(q)->beats, &x->call, &scaled_of(q)->asked);
}

static void scaled_give_back(struct queue *q, struct queue_give_back *x) {
    add_call(scaled_of(q), &scaled_of(q)->give_backs, &x->call, &scaled_of(q)->asked);
}

static void scaled_poll(struct queue *q, struct queue_poll *p) {
    struct scaled *s = scaled_of(q);
    uint64_t wait_s = p->wait_s < QUEUE_POLL_MAX_S ? p->wait_s : QUEUE_POLL_MAX_S;
    p->leased = false;
    p->worker_id = database_text(p->arena, p->worker_id);
    p->contract_id = database_text(p->arena, p->contract_id);
    p->capabilities = database_text(p->arena, p->capabilities);
    p->call.until_ms = clock_mono_ms() + wait_s * 1000;
    pthread_mutex_lock(&s->mutex);
    bool taken = !s->stop && s->polls < QUEUE_POLLS_MAX;
    if (taken) {
        s->polls++;
        list_add_call(&s->fresh, &p->call);
        pthread_cond_signal(&s->asked);
    }
    pthread_mutex_unlock(&s->mutex);
    if (!taken)
        call_served(&p->call);
}

static void scaled_counts(struct queue *q, struct queue_counts *out) {
    struct scaled *s = scaled_of(q);
    pthread_mutex_lock(&s->mutex);
    *out = s->counts;
    out->polls = s->polls;
    const struct call_list *const lists[] = {&s->creates, &s->replaces, &s->ends, &s->beats, &s->give_backs};
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        out->waiting += lists[i]->count;
    pthread_mutex_unlock(&s->mutex);
}

static bool scaled_has_room(struct queue *q, const char *token_name, struct err *e) {
    struct scaled *s = scaled_of(q);
    uint64_t open = 0;
    pthread_mutex_lock(&s->mutex);
    for (int i = 0; i < EXECUTION_STATE_COUNT; i++)
        open += s->counts.by_state[i];
    bool room = creators_have_room(&s->creators, token_name, open, e);
    pthread_mutex_unlock(&s->mutex);
    return room;
}

static void scaled_figures(struct queue *q, struct buf *out) {
    struct scaled *s = scaled_of(q);
    pthread_mutex_lock(&s->mutex);
    uint64_t oldest_ms = s->oldest_ms, hopeless = s->hopeless_count;
    pthread_mutex_unlock(&s->mutex);
    form_figures_show(&s->figures, oldest_ms, hopeless, out);
    if (s->bell)
        bell_figures(s->bell, out);
}

// --- life

// Leases are in the rows, and workers ask whichever coordinator they reach: there is nothing to wait for but the polls
// that are parked here.
static bool scaled_drain(struct queue *q, uint64_t ms) {
    struct scaled *s = scaled_of(q);
    struct call_list waiting = {0};
    uint64_t end = deadline_in(ms);
    pthread_mutex_lock(&s->mutex);
    s->stop = true;
    move_list(&waiting, &s->parked);
    move_list(&waiting, &s->fresh);
    s->polls -= waiting.count;
    pthread_cond_signal(&s->asked);
    pthread_mutex_unlock(&s->mutex);
    while (waiting.first) { // whether the database answers or not
        struct queue_call *c = list_pop(&waiting);
        c->done(c->ctx, NULL);
    }
    pthread_mutex_lock(&s->mutex);
    while (s->polls && cond_wait_until(&s->answered, &s->mutex, end))
        ;
    bool drained = !s->polls;
    pthread_mutex_unlock(&s->mutex);
    return drained;
}

static void scaled_stop(struct queue *q) {
    struct scaled *s = scaled_of(q);
    pthread_mutex_lock(&s->mutex);
    s->stop = true;
    pthread_cond_signal(&s->asked);
    while (s->soft_runs && s->polls)
        cond_wait_until(&s->answered, &s->mutex, NO_DEADLINE);
    pthread_mutex_unlock(&s->mutex);
}

static void scaled_free(struct queue *q) {
    struct scaled *s = scaled_of(q);
    scaled_stop(q);
    pthread_mutex_lock(&s->mutex);
    s->closing = true;
    pthread_cond_signal(&s->asked);
    pthread_cond_signal(&s->promised);
    pthread_mutex_unlock(&s->mutex);
    if (s->durable_runs)
        pthread_join(s->durable_thread, NULL);
    if (s->soft_runs)
        pthread_join(s->soft_thread, NULL);
    bell_free(s->bell);
    creators_clear(&s->creators);
    db_close(s->durable);
    db_close(s->soft);
    pthread_cond_destroy(&s->promised);
    pthread_cond_destroy(&s->asked);
    pthread_cond_destroy(&s->answered);
    pthread_mutex_destroy(&s->mutex);
    free(s);
}

static const struct queue_form scaled_form = {
    .create = scaled_create,
    .replace = scaled_replace,
    .look = scaled_look_at,
    .poll = scaled_poll,
    .beat = scaled_beat,
    .give_back = scaled_give_back,
    .end = scaled_end,
    .counts = scaled_counts,
    .has_room = scaled_has_room,
    .list = scaled_list,
    .detail = scaled_detail,
    .changes = scaled_changes,
    .figures = scaled_figures,
    .drain = scaled_drain,
    .stop = scaled_stop,
    .free = scaled_free,
};

static bool open_parts(struct scaled *s, const char *url, struct redis *redis, struct err *e) {
    struct db_keep durable = s->config.database, soft = s->config.database;
    durable.joins_by_keys = soft.joins_by_keys = soft.may_lack_last = true;
    if (!db_open_as(&s->durable, url, &durable, e) || !database_migrate(s->durable, e) || !scaled_take_older(s, e) ||
        !database_id(s->durable, s->database, e) || !db_open_as(&s->soft, url, &soft, e) ||
        !scaled_count(s, &s->counts, &s->creators, &s->oldest_ms, e) ||
        (redis && !bell_new(&s->bell, redis, scaled_heard, s, e)))
        return false;
    s->durable_runs = pthread_create(&s->durable_thread, NULL, keep_promises, s) == 0;
    s->soft_runs = s->durable_runs && pthread_create(&s->soft_thread, NULL, keep_leases, s) == 0;
    return s->soft_runs || err_set(e, ERR_IO, "cannot start a thread");
}

bool queue_open_scaled(struct queue **out, const struct queue_config *config, const char *url, struct redis *redis,
                       struct err *e) {
    struct scaled *s = xcalloc(1, sizeof *s);
    s->queue_base.form = &scaled_form;
    s->config = *config;
    form_figures_init(&s->figures);
    s->config.confirm_ms = config->confirm_ms ? config->confirm_ms : LEASE_CONFIRM_MS;
    s->config.look_ms = config->look_ms ? config->look_ms : CLAIM_MS;
    pthread_mutex_init(&s->mutex, NULL);
    cond_init(&s->promised);
    cond_init(&s->asked);
    cond_init(&s->answered);
    if (!open_parts(s, url, redis, e)) {
        scaled_free(&s->queue_base);
        return false;
    }
    *out = &s->queue_base;
    return true;
}
