// SPDX-License-Identifier: Apache-2.0
#include "worker/leases.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/sync.h"
#include "worker/held_file.h"
#include <inttypes.h>
#include <pthread.h>

#define UNHEARD_MS 1000 // then a heartbeat is said again that nobody took: another coordinator may
#define BEATERS 8       // so many heartbeats are under way at once: a coordinator may be silent to some
#define OWED_MAX 256
#define OWED_MS 30000     // by then what nobody keeps alive has run out
#define OWED_AGAIN_MS 500 // between two tries
#define OWED_TURN_MS 500  // then the heart's other duties have their turn
#define NEWS_MS 100       // a stage that lasts so long is news, and a lease is noted: most runs are over before

struct held_lease {
    char *contract_id, *token;
    uint64_t request_id, due_ms, changed_ms; // when it is kept alive next; when its stage changed
    uint64_t taken_ms;
    uint64_t dead_at_ms; // that the coordinator was not told yet; 0: none
    enum stage stage;
    atomic_bool lost;
    bool changed;   // its stage is news to the coordinator
    bool beating;   // a beater says it just now
    unsigned users; // the worker's thread, and the beater
    struct held_lease *next;
};

// A lease that was given back, of which the coordinator could not be told.
struct owed {
    char *contract_id, *token, *reason;
    uint64_t request_id, until_ms;
    bool retry;
    bool telling; // somebody tells it just now
    struct owed *next;
};

struct held {
    struct held_settings set;
    uint64_t beat_ms;
    pthread_t threads[1 + BEATERS]; // the heart, and those who keep leases alive for it
    size_t started;
    pthread_mutex_t lock; // guards what follows, and the leases
    pthread_cond_t news;  // for the heart and the beater that looks: the first lease, or stop
    pthread_cond_t turn;  // for the other beaters: none looks
    pthread_cond_t gone;  // a lease is held no more
    bool stop, hurried;
    bool looked_after; // a beater looks for what is due
    struct held_lease *list;
    struct owed *owed;
    size_t owed_count;
    uint64_t owed_tried_ms;
    uint64_t announced_ms, heard_ms, lost_count;
    uint64_t noted; // a hash of what stands in the file; 0: there is none
};

// NULL: nothing to say yet but that it is held.
static const char *stage_text(enum stage s) {
    switch (s) {
    case STAGE_LEASED: return NULL;
    case STAGE_BUILDING: return "building";
    case STAGE_RUNNING: return "running";
    case STAGE_SUBMITTING:
    case STAGE_ENDED: return "submitting";
    }
    return NULL;
}

static void free_lease(struct held_lease *l) {
    free(l->contract_id);
    free(l->token);
    free(l);
}

// With the lock held.
static void release(struct held_lease *l) {
    if (--l->users == 0)
        free_lease(l);
}

struct lease_id held_id(const struct held_lease *l) {
    return (struct lease_id){l->contract_id, l->token, l->request_id};
}

// One heartbeat without the lock; the lease cannot go away meanwhile.
static void beat(struct held *h, struct arena *a, struct held_lease *l, enum stage stage, uint64_t dead_at_ms) {
    struct lease_id id = held_id(l);
    struct err e;
    bool ok = api_heartbeat(h->set.api, a, &id, stage_text(stage), dead_at_ms, &e);
    bool unknown = !ok && e.code == ERR_LEASE_LOST, lost;
    pthread_mutex_lock(&h->lock);
    lost = unknown && l->stage != STAGE_ENDED && !l->lost; // two may say it at once
    h->lost_count += lost;
    l->lost = l->lost || lost;
    if (ok && l->dead_at_ms == dead_at_ms)
        l->dead_at_ms = 0;
    if (!ok && !unknown)
        l->due_ms = clock_mono_ms() + UNHEARD_MS;
    pthread_mutex_unlock(&h->lock);
    if (lost)
        log_warn("lease lost request=%llu contract=%s", (unsigned long long)id.request_id, id.contract_id);
    else if (!ok && !unknown)
        log_err(LOG_WARN, "heartbeat", &e);
}

// News is said before the regular heartbeat.
static uint64_t due_at(const struct held_lease *l) {
    const uint64_t news_ms = l->changed_ms + NEWS_MS;
    return l->changed && news_ms < l->due_ms ? news_ms : l->due_ms;
}

// The lease that is overdue for the longest time, with a user counted for it: those that are due again soon, since
// nobody takes their heartbeats, keep none from its turn.
static struct held_lease *next_due(struct held *h, uint64_t now, enum stage *stage, uint64_t *dead_at_ms) {
    struct held_lease *first = NULL;
    for (struct held_lease *l = h->list; l; l = l->next)
        if (!l->lost && !l->beating && now >= due_at(l) && (!first || due_at(l) < due_at(first)))
            first = l;
    if (!first)
        return NULL;
    first->changed = false;
    first->beating = true;
    first->due_ms = now + h->beat_ms;
    first->users++;
    *stage = first->stage;
    *dead_at_ms = first->dead_at_ms;
    return first;
}

static void announce(struct held *h, struct arena *a) {
    struct worker_state s = {.capabilities = h->set.capabilities};
    struct err e;
    unsigned busy = 0;
    pthread_mutex_lock(&h->lock);
    for (const struct held_lease *l = h->list; l; l = l->next) {
        s.building += l->stage == STAGE_BUILDING;
        s.running += l->stage == STAGE_RUNNING;
        s.submitting += l->stage == STAGE_SUBMITTING || l->stage == STAGE_ENDED;
        busy += l->stage == STAGE_LEASED || l->stage == STAGE_RUNNING;
    }
    pthread_mutex_unlock(&h->lock);
    if (h->set.stands)
        h->set.stands(h->set.ctx, &s.block_height, &s.blocks_behind);
    s.free_slots = busy < h->set.slots ? h->set.slots - busy : 0;
    if (!api_announce(h->set.api, a, &s, &e)) {
        log_err(LOG_WARN, "announcing this worker", &e);
        return;
    }
    pthread_mutex_lock(&h->lock);
    h->heard_ms = clock_mono_ms();
    pthread_mutex_unlock(&h->lock);
}

// Called and returns with the lock held.
static void regular_duties(struct held *h, struct arena *a) {
    uint64_t now = clock_mono_ms();
    if (h->announced_ms && now - h->announced_ms < h->beat_ms)
        return;
    h->announced_ms = now;
    pthread_mutex_unlock(&h->lock);
    announce(h, a);
    arena_reset(a);
    pthread_mutex_lock(&h->lock);
}

// --- what the coordinator could not be told

static void free_owed(struct owed *o) {
    free(o->contract_id);
    free(o->token);
    free(o->reason);
    free(o);
}

// Whether there is no use in telling it again: it was heard, or it is over or somebody else's by now.
static bool tell_back(struct held *h, struct arena *a, const struct lease_id *id, const char *reason, bool retry) {
    struct err e;
    if (api_fail(h->set.api, a, id, reason, retry, &e) || e.code == ERR_LEASE_LOST)
        return true;
    log_err(LOG_WARN, "returning a lease", &e);
    return false;
}

// With the lock held.
static void put_owed(struct held *h, struct owed *o) {
    struct owed **at = &h->owed;
    while (*at)
        at = &(*at)->next;
    o->next = NULL;
    *at = o;
}

// With the lock held.
static void take_owed(struct held *h, const struct owed *o) {
    struct owed **at = &h->owed;
    while (*at != o)
        at = &(*at)->next;
    *at = o->next;
}

// The one that waits longest, of those that nobody tells just now. With the lock held.
static struct owed *next_owed(struct held *h) {
    struct owed *o = h->owed;
    while (o && o->telling)
        o = o->next;
    return o;
}

// It stays in the list meanwhile, and so in the file: this life may be ended before there is an answer. Called and
// returns with the lock held.
static void tell(struct held *h, struct arena *a, struct owed *o) {
    const struct lease_id id = {o->contract_id, o->token, o->request_id};
    o->telling = true;
    pthread_mutex_unlock(&h->lock);
    const bool over = tell_back(h, a, &id, o->reason, o->retry) || clock_mono_ms() > o->until_ms;
    arena_reset(a);
    pthread_mutex_lock(&h->lock);
    o->telling = false;
    take_owed(h, o);
    if (over) {
        free_owed(o);
        h->owed_count--;
    } else {
        put_owed(h, o);
        h->owed_tried_ms = clock_mono_ms(); // the others would not be heard either
    }
}

// Called and returns with the lock held.
static void tell_owed(struct held *h, struct arena *a) {
    const uint64_t end = deadline_in(OWED_TURN_MS);
    for (struct owed *o; !h->stop && clock_mono_ms() - h->owed_tried_ms >= OWED_AGAIN_MS && clock_mono_ms() <= end &&
                         (o = next_owed(h));)
        tell(h, a, o);
}

// With the lock held. Where there is no room it runs out by itself.
static void put_new_owed(struct held *h, const struct lease_id *id, const char *reason, bool retry) {
    if (h->owed_count == OWED_MAX)
        return;
    struct owed *o = xcalloc(1, sizeof *o);
    *o = (struct owed){.contract_id = xstrdup(id->contract_id),
                       .token = xstrdup(id->token),
                       .reason = xstrdup(reason),
                       .request_id = id->request_id,
                       .until_ms = deadline_in(OWED_MS),
                       .retry = retry};
    put_owed(h, o);
    h->owed_count++;
}

static void owe(struct held *h, const struct lease_id *id, const char *reason, bool retry) {
    pthread_mutex_lock(&h->lock);
    put_new_owed(h, id, reason, retry);
    pthread_mutex_unlock(&h->lock);
}

void held_give_back(struct held *h, struct arena *a, const struct lease_id *id, const char *reason, bool retry) {
    if (!tell_back(h, a, id, reason, retry))
        owe(h, id, reason, retry);
}

static void owe_earlier(struct held *h, struct arena *a) {
    struct held_note *notes;
    size_t n = held_file_take(h->set.file, h->set.pending_dir, a, &notes);
    for (size_t i = 0; i < n; i++) {
        const struct lease_id *id = &notes[i].id;
        log_info("given back request=%" PRIu64 " contract=%s: it was not given back when the worker ended",
                 id->request_id, id->contract_id);
        owe(h, id, "the worker that held it has ended, and has started anew", !notes[i].for_good);
    }
    arena_reset(a);
}

// --- what the next life is told, should this one end

// Of one whose answer is made the journal knows.
static bool is_to_be_noted(const struct held_lease *l, uint64_t now) {
    return !l->lost && l->stage != STAGE_SUBMITTING && l->stage != STAGE_ENDED && now - l->taken_ms >= NEWS_MS;
}

// Of one; their sum is of all, in whatever order: what cannot be told goes to the end of its list.
static uint64_t hash_of(uint64_t since_ms, uint64_t request_id) {
    uint64_t x = (since_ms ^ request_id << 32) * 0x9e3779b97f4a7c15ull;
    return (x ^ x >> 29) * 0xbf58476d1ce4e5b9ull;
}

static struct held_note note_of(struct arena *a, const char *contract_id, const char *token, uint64_t request_id,
                                bool retry) {
    return (struct held_note){{arena_strdup(a, contract_id), arena_strdup(a, token), request_id}, !retry};
}

// Both what is held and what is owed. Called and returns with the lock held.
static void note_held(struct held *h, struct arena *a, uint64_t now) {
    uint64_t hash = 0;
    size_t count = 0, n = 0;
    for (const struct held_lease *l = h->list; l; l = l->next, count++)
        hash += is_to_be_noted(l, now) ? hash_of(l->taken_ms, l->request_id) : 0;
    for (const struct owed *o = h->owed; o; o = o->next, count++)
        hash += hash_of(o->until_ms, o->request_id);
    if (hash == h->noted)
        return;
    h->noted = hash;
    struct held_note *notes = arena_calloc(a, count + 1, sizeof *notes);
    for (const struct held_lease *l = h->list; l; l = l->next)
        if (is_to_be_noted(l, now))
            notes[n++] = note_of(a, l->contract_id, l->token, l->request_id, true);
    for (const struct owed *o = h->owed; o; o = o->next)
        notes[n++] = note_of(a, o->contract_id, o->token, o->request_id, o->retry);
    pthread_mutex_unlock(&h->lock);
    held_file_write(h->set.file, a, notes, n);
    arena_reset(a);
    pthread_mutex_lock(&h->lock);
}

// --- keeping leases alive

// Until it is time to look again. With the lock held.
static void rest(struct held *h) {
    const bool idle = !h->list;
    const uint64_t end = deadline_in(idle ? 1000 : NEWS_MS);
    while (!h->stop && idle == !h->list && cond_wait_until(&h->news, &h->lock, end))
        ;
}

// Called and returns with the lock held.
static void beat_next(struct held *h, struct arena *a) {
    struct held_lease *l;
    enum stage stage;
    uint64_t dead_at_ms;
    h->looked_after = true;
    while (!(l = next_due(h, clock_mono_ms(), &stage, &dead_at_ms)) && !h->stop)
        rest(h);
    h->looked_after = false;
    pthread_cond_signal(&h->turn);
    if (!l)
        return;
    pthread_mutex_unlock(&h->lock);
    beat(h, a, l, stage, dead_at_ms);
    arena_reset(a);
    pthread_mutex_lock(&h->lock);
    l->beating = false;
    release(l);
}

// One of the beaters looks for what is due. While it waits for an answer another one looks.
static void *beater(void *ctx) {
    struct held *h = ctx;
    SCOPED_ARENA(a);
    pthread_mutex_lock(&h->lock);
    while (!h->stop)
        if (h->looked_after)
            cond_wait_until(&h->turn, &h->lock, NO_DEADLINE);
        else
            beat_next(h, a);
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

// --- the heart

static void *heart(void *ctx) {
    struct held *h = ctx;
    SCOPED_ARENA(a);
    owe_earlier(h, a);
    pthread_mutex_lock(&h->lock);
    while (!h->stop) {
        note_held(h, a, clock_mono_ms());
        tell_owed(h, a);
        regular_duties(h, a);
        rest(h);
    }
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

bool held_start(struct held **out, const struct held_settings *s, struct err *e) {
    struct held *h = xcalloc(1, sizeof *h);
    h->set = *s;
    h->beat_ms = s->beat_ms ? s->beat_ms : HELD_BEAT_MS;
    pthread_mutex_init(&h->lock, NULL);
    cond_init(&h->news);
    cond_init(&h->turn);
    cond_init(&h->gone);
    *out = h;
    while (h->started < ARRAY_LEN(h->threads) &&
           pthread_create(&h->threads[h->started], NULL, h->started ? beater : heart, h) == 0)
        h->started++;
    return h->started == ARRAY_LEN(h->threads) || err_set(e, ERR_INTERNAL, "cannot start a thread");
}

void held_stop(struct held *h) {
    if (!h)
        return;
    pthread_mutex_lock(&h->lock);
    h->stop = true;
    pthread_cond_broadcast(&h->news);
    pthread_cond_broadcast(&h->turn);
    pthread_mutex_unlock(&h->lock);
    while (h->started)
        pthread_join(h->threads[--h->started], NULL);
    SCOPED_ARENA(a);
    pthread_mutex_lock(&h->lock);
    note_held(h, a, NO_DEADLINE); // however young
    pthread_mutex_unlock(&h->lock);
    while (h->list) {
        struct held_lease *l = h->list;
        h->list = l->next;
        free_lease(l);
    }
    while (h->owed) {
        struct owed *o = h->owed;
        h->owed = o->next;
        free_owed(o);
    }
    pthread_cond_destroy(&h->news);
    pthread_cond_destroy(&h->turn);
    pthread_cond_destroy(&h->gone);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

struct held_lease *held_take(struct held *h, struct arena *a, const struct lease *lease, struct err *e) {
    struct lease_id id = {lease->task.contract_id, lease->token, lease->task.request_id};
    if (!api_heartbeat(h->set.api, a, &id, stage_text(STAGE_LEASED), 0, e))
        return NULL;
    struct held_lease *l = xcalloc(1, sizeof *l);
    l->contract_id = xstrdup(id.contract_id);
    l->token = xstrdup(id.token);
    l->request_id = id.request_id;
    l->taken_ms = clock_mono_ms();
    l->due_ms = l->taken_ms + h->beat_ms;
    l->users = 1;
    pthread_mutex_lock(&h->lock);
    l->next = h->list;
    if (!h->list)
        pthread_cond_broadcast(&h->news);
    h->list = l;
    pthread_mutex_unlock(&h->lock);
    return l;
}

void held_stage(struct held *h, struct held_lease *l, enum stage stage) {
    pthread_mutex_lock(&h->lock);
    l->changed = stage != STAGE_ENDED && (l->changed || stage != l->stage);
    l->changed_ms = clock_mono_ms();
    l->stage = stage;
    pthread_mutex_unlock(&h->lock);
}

void held_dead_at(struct held *h, struct held_lease *l, uint64_t dead_at_ms) {
    pthread_mutex_lock(&h->lock);
    l->dead_at_ms = dead_at_ms;
    l->changed = true;
    l->changed_ms = clock_mono_ms();
    pthread_mutex_unlock(&h->lock);
}

void held_tell_dead_at(struct held *h, struct arena *a, struct held_lease *l) {
    pthread_mutex_lock(&h->lock);
    const uint64_t dead_at_ms = l->lost ? 0 : l->dead_at_ms;
    const enum stage stage = l->stage;
    pthread_mutex_unlock(&h->lock);
    if (dead_at_ms)
        beat(h, a, l, stage, dead_at_ms);
}

bool held_is_lost(const struct held_lease *l) { return l->lost; }

const atomic_bool *held_lost(const struct held_lease *l) { return &l->lost; }

void held_drop(struct held *h, struct held_lease *l) {
    if (!l)
        return;
    pthread_mutex_lock(&h->lock);
    for (struct held_lease **at = &h->list; *at; at = &(*at)->next)
        if (*at == l) {
            *at = l->next;
            break;
        }
    release(l);
    pthread_cond_broadcast(&h->gone);
    pthread_mutex_unlock(&h->lock);
}

void held_return_all(struct held *h, const char *reason, uint64_t ms) {
    SCOPED_ARENA(a);
    const uint64_t end = deadline_in(ms);
    pthread_mutex_lock(&h->lock);
    for (struct held_lease *l = h->list; l; l = l->next) {
        if (l->stage == STAGE_SUBMITTING || l->stage == STAGE_ENDED || l->lost)
            continue;
        const struct lease_id id = held_id(l);
        put_new_owed(h, &id, reason, true);
        l->lost = true; // whoever works on it sends nothing any more
    }
    struct owed *o;
    for (size_t n = h->owed_count; n > 0 && clock_mono_ms() <= end && (o = next_owed(h)); n--)
        tell(h, a, o);
    pthread_mutex_unlock(&h->lock);
}

void held_stages(struct held *h, uint64_t by_stage[static STAGE_ENDED + 1]) {
    pthread_mutex_lock(&h->lock);
    for (const struct held_lease *l = h->list; l; l = l->next)
        by_stage[l->stage]++;
    pthread_mutex_unlock(&h->lock);
}

uint64_t held_lost_count(struct held *h) {
    pthread_mutex_lock(&h->lock);
    uint64_t n = h->lost_count;
    pthread_mutex_unlock(&h->lock);
    return n;
}

uint64_t held_heard_ms(struct held *h) {
    pthread_mutex_lock(&h->lock);
    uint64_t ms = h->heard_ms;
    pthread_mutex_unlock(&h->lock);
    return ms;
}

size_t held_count(struct held *h) {
    size_t n = 0;
    pthread_mutex_lock(&h->lock);
    for (const struct held_lease *l = h->list; l; l = l->next)
        n++;
    pthread_mutex_unlock(&h->lock);
    return n;
}

bool held_wait_empty(struct held *h, uint64_t ms) {
    uint64_t end = deadline_in(ms);
    pthread_mutex_lock(&h->lock);
    while (h->list && !h->hurried && cond_wait_until(&h->gone, &h->lock, end))
        ;
    bool empty = !h->list;
    pthread_mutex_unlock(&h->lock);
    return empty;
}

void held_hurry(struct held *h) {
    pthread_mutex_lock(&h->lock);
    h->hurried = true;
    pthread_cond_broadcast(&h->gone);
    pthread_mutex_unlock(&h->lock);
}
