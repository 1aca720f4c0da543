// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/sync.h"
#include "queue/local.h"

#define LANES_KEPT 64 // empty ones

// --- payers ------------------------------------------------------------------------------------------------------

static struct payer **payer_find(struct local *l, const char *name) {
    struct payer **at = &l->payers[table_hash(slice_str(name), 0) % LOCAL_SLOTS];
    while (*at && strcmp((*at)->name, name) != 0)
        at = &(*at)->next_hash;
    return at;
}

struct payer *payer_join_at(struct local *l, const char *name, uint64_t turn) {
    struct payer **at = payer_find(l, name), *p = *at;
    if (!p) {
        size_t n = strlen(name) + 1;
        *at = p = xcalloc(1, sizeof *p + n);
        memcpy(p->name, name, n);
    }
    p->users++;
    p->last_turn = p->users == 1 || turn > p->last_turn ? turn : p->last_turn;
    return p;
}

struct payer *payer_join(struct local *l, const char *name, uint64_t *turn) {
    const struct payer *p = *payer_find(l, name);
    *turn = l->served_turn;
    if (p && p->last_turn >= *turn)
        *turn = p->last_turn + 1;
    return payer_join_at(l, name, *turn);
}

void payer_leave(struct local *l, struct payer *p) {
    if (--p->users)
        return;
    *payer_find(l, p->name) = p->next_hash;
    free(p);
}

// --- lanes -------------------------------------------------------------------------------------------------------

struct lane **lanes_of(struct local *l, struct slice build_target) {
    return &l->lanes[table_hash(build_target, 0) % LANE_SLOTS];
}

static struct lane *lane_of(struct local *l, enum lane_kind kind, enum queue_step step, const char *contract_id,
                            const char *build_target) {
    struct lane **slot = lanes_of(l, slice_str(build_target));
    for (struct lane *at = *slot; at; at = at->next)
        if (at->kind == kind && at->step == step && strcmp(at->build_target, build_target) == 0 &&
            strcmp(at->contract_id, contract_id) == 0)
            return at;
    struct lane *new = xcalloc(1, sizeof *new);
    *new = (struct lane){.next = *slot,
                         .kind = kind,
                         .step = step,
                         .contract_id = xstrdup(contract_id),
                         .build_target = xstrdup(build_target)};
    *slot = new;
    l->lane_count++;
    return new;
}

static void lane_free(struct lane *lane) {
    heap_release(&lane->items);
    free(lane->contract_id);
    free(lane->build_target);
    free(lane);
}

void lanes_free(struct local *l) {
    for (size_t i = 0; i < LANE_SLOTS; i++)
        for (struct lane *at = l->lanes[i], *next; at; at = next) {
            next = at->next;
            lane_free(at);
        }
}

static void lane_leave(struct local *l, struct lane **in, struct heap_node *n) {
    struct lane *lane = *in;
    if (!lane)
        return;
    heap_remove(&lane->items, n);
    *in = NULL;
    if (lane->items.count || l->lane_count <= LANES_KEPT)
        return;
    struct lane **at = lanes_of(l, slice_str(lane->build_target));
    while (*at != lane)
        at = &(*at)->next;
    *at = lane->next;
    l->lane_count--;
    lane_free(lane);
}

static struct lane *lane_join(struct local *l, enum lane_kind kind, struct item *x, struct heap_node *n) {
    bool of_step = kind == LANE_TARGET || kind == LANE_ANY;
    struct lane *lane = lane_of(l, kind, of_step ? step_of(x->handed) : QUEUE_RUN, x->key.contract_id,
                                kind == LANE_TARGET ? x->build_target : "");
    heap_add(&lane->items, n, x->turn, (uint64_t)x->execution_id);
    return lane;
}

static void lanes_join(struct local *l, struct item *x) {
    enum lane_kind kind = x->bench ? LANE_BENCHED : x->too_late ? LANE_LATE : LANE_TARGET;
    x->lane = lane_join(l, kind, x, &x->in_lane);
    if (kind == LANE_TARGET)
        x->any = lane_join(l, LANE_ANY, x, &x->in_any);
}

// --- items -------------------------------------------------------------------------------------------------------

static size_t slot_of(const struct execution_key *k) {
    return table_hash(slice_str(k->contract_id), k->request_id) % LOCAL_SLOTS;
}

struct item **item_find(struct local *l, const struct execution_key *k) {
    struct item **at = &l->slots[slot_of(k)];
    while (*at && ((*at)->key.request_id != k->request_id || strcmp((*at)->key.contract_id, k->contract_id) != 0))
        at = &(*at)->next_hash;
    return at;
}

uint64_t item_late_at(const struct item *x) {
    uint64_t all = x->dead_at_ms > x->created_ms ? x->dead_at_ms - x->created_ms : 0;
    return x->dead_at_ms - all / 10;
}

static void displace(struct local *l, struct item *x) {
    lane_leave(l, &x->lane, &x->in_lane);
    lane_leave(l, &x->any, &x->in_any);
    heap_remove(&l->timers, &x->in_timers);
    heap_remove(&l->deaths, &x->in_deaths);
    heap_remove(&l->ages, &x->in_ages);
}

// Its payer's items that wait are those that are queued.
static void count_waiting(struct local *l, struct item *x) {
    bool waits = x->state == EXECUTION_QUEUED && !x->ending;
    if (waits && !x->waits)
        x->payer = payer_join_at(l, x->payer_name, x->turn);
    if (!waits && x->waits)
        payer_leave(l, x->payer);
    x->waits = waits;
}

void item_place(struct local *l, struct item *x) {
    uint64_t id = (uint64_t)x->execution_id;
    displace(l, x);
    count_waiting(l, x);
    if (x->ending)
        return;
    if (x->deadline_ms)
        heap_add(&l->timers, &x->in_timers, x->deadline_ms, id);
    if (x->state != EXECUTION_QUEUED)
        return;
    heap_add(&l->deaths, &x->in_deaths, x->too_late ? x->dead_at_ms : item_late_at(x), id);
    heap_add(&l->ages, &x->in_ages, x->created_ms, id);
    if (!x->deadline_ms)
        lanes_join(l, x);
}

struct item *item_add(struct local *l, const struct queue_row *row, struct payer *payer) {
    struct arena *a = arena_new();
    struct item *x = arena_calloc(a, 1, sizeof *x), **at = item_find(l, &row->key);
    BUG_ON(*at);
    *x = (struct item){.arena = a,
                       .key = {arena_strdup(a, row->key.contract_id), row->key.request_id},
                       .execution_id = row->execution_id,
                       .build_target = arena_strdup(a, row->build_target),
                       .json = arena_strdup(a, row->json),
                       .payer_name = arena_strdup(a, row->payer),
                       .created_by = row->created_by ? arena_strdup(a, row->created_by) : NULL,
                       .payer = payer,
                       .waits = true,
                       .state = EXECUTION_QUEUED,
                       .attempt = row->attempt,
                       .handed = row->handed,
                       .turn = row->turn,
                       .source = row->source,
                       .created_ms = row->created_ms,
                       .dead_at_ms = row->dead_at_ms,
                       .timeline = buf_init(2 * TIMELINE_MAX)};
    if (row->timeline)
        buf_add_str(&x->timeline, row->timeline);
    x->too_late = clock_wall_ms() >= item_late_at(x);
    x->in_lane.of = x->in_any.of = x->in_timers.of = x->in_deaths.of = x->in_ages.of = x;
    *at = x;
    l->count++;
    creators_add(&l->creators, x->created_by, 1);
    l->counts.by_state[x->state]++;
    item_place(l, x);
    item_changed(l, x);
    return x;
}

uint64_t items_held(const struct local *l) {
    uint64_t n = 0;
    for (int s = EXECUTION_LEASED; s <= EXECUTION_SUBMITTING; s++)
        n += l->counts.by_state[s];
    return n;
}

// Its state is over.
static void leave_state(struct local *l, struct item *x) {
    l->counts.by_state[x->state]--;
    if (!items_held(l))
        pthread_cond_broadcast(&l->idle);
}

void item_forget(struct local *l, struct item **at) {
    struct item *x = *at;
    *at = x->next_hash;
    displace(l, x);
    item_make_clean(l, x);
    if (x->waits)
        payer_leave(l, x->payer);
    leave_state(l, x);
    item_changed(l, x);
    l->count--;
    creators_less(&l->creators, x->created_by);
    buf_free(&x->timeline);
    arena_free(x->arena);
}

void item_note(struct item *x, const char *stage, const char *reason) {
    const struct timeline_step step = {stage, clock_wall_ms(), x->worker_id, x->attempt, reason};
    timeline_add(&x->timeline, &step, false);
}

void item_move(struct local *l, struct item *x, enum execution_event event) {
    enum execution_state next = x->state;
    BUG_ON(!execution_next(x->state, event, &next));
    if (next != x->state) {
        l->counts.by_state[next]++;
        leave_state(l, x);
        x->state = next;
        item_changed(l, x);
    }
    item_set_deadline(l, x, 0);
}

void item_set_deadline(struct local *l, struct item *x, uint64_t deadline_ms) {
    x->deadline_ms = deadline_ms;
    item_place(l, x);
}

bool item_bench(struct item *x, const char *worker_id) {
    if (!worker_id[0] || item_is_benched(x, worker_id))
        return false;
    if (!x->bench)
        x->bench = arena_calloc(x->arena, 1, sizeof *x->bench);
    snprintf(x->bench->workers[x->bench->count++ % BENCH_MAX], WORKER_ID_MAX + 1, "%s", worker_id);
    return x->bench->count <= BENCH_MAX;
}

bool item_is_benched(const struct item *x, const char *worker_id) {
    size_t n = !x->bench ? 0 : x->bench->count < BENCH_MAX ? x->bench->count : BENCH_MAX;
    for (size_t i = 0; i < n; i++)
        if (strcmp(x->bench->workers[i], worker_id) == 0)
            return true;
    return false;
}

bool item_is_held_by(const struct item *x, const struct hash *token) {
    return execution_is_held(x->state) && secret_eq(hash_slice(&x->token), hash_slice(token));
}

void item_begin_end(struct local *l, struct item *x) {
    x->ending = true;
    item_place(l, x);
}

void item_resume(struct local *l, struct item *x) {
    x->ending = false;
    item_place(l, x);
}
