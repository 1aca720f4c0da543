// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/log.h"
#include "base/sync.h"
#include "base/text.h"
#include "queue/local.h"

// No deadline is believed that nobody could wait for, and none that is over: the clock of who says it may be wrong, and
// a worker asks the chain.
uint64_t local_dead_at(const struct local *l, uint64_t said_ms, uint64_t created_ms) {
    uint64_t most = created_ms + DEADLINE_MAX_MS;
    if (said_ms <= created_ms)
        return created_ms + l->config.serve_ms;
    return said_ms < most ? said_ms : most;
}

// --- an item from its row ----------------------------------------------------------------------------------------

static uint64_t mono_of(uint64_t wall_ms) {
    uint64_t wall = clock_wall_ms();
    return wall_ms > wall ? clock_mono_ms() + (wall_ms - wall) : 0;
}

// What a worker holds it goes on holding: it could not report while nobody listened.
static void restore_lease(struct local *l, struct item *x, const struct queue_row *row) {
    struct err e;
    if (!execution_is_held(row->state) || !row->lease || !row->worker_id ||
        !hash_from_hex(&x->token, slice_str(row->lease), &e) ||
        !text_copy(x->worker_id, sizeof x->worker_id, slice_str(row->worker_id)) ||
        !text_copy(x->token_name, sizeof x->token_name, slice_str(row->token_name))) {
        item_set_deadline(l, x, mono_of(row->not_before_ms));
        return;
    }
    item_move(l, x, EXECUTION_EVENT_LEASE);
    if (row->state == EXECUTION_BUILDING)
        item_move(l, x, EXECUTION_EVENT_BUILD);
    else if (row->state == EXECUTION_RUNNING)
        item_move(l, x, EXECUTION_EVENT_RUN);
    else if (row->state == EXECUTION_SUBMITTING)
        item_move(l, x, EXECUTION_EVENT_SUBMIT);
    item_set_deadline(l, x, clock_mono_ms() + LEASE_MS);
    l->served_turn = x->turn > l->served_turn ? x->turn : l->served_turn;
}

bool local_add(struct local *l, const struct queue_row *row, struct payer *payer) {
    struct queue_call *answers = NULL;
    pthread_mutex_lock(&l->mutex);
    bool known = *item_find(l, &row->key);
    if (known) {
        payer_leave(l, payer);
    } else {
        struct item *x = item_add(l, row, payer);
        restore_lease(l, x, row);
        if (x->lane && x->dead_at_ms > clock_wall_ms())
            item_offer(l, x, &answers);
        if (x->in_deaths.at)
            timer_watch(l, x);
        if (x->deadline_ms)
            timer_wake_by(l, x->deadline_ms);
    }
    pthread_mutex_unlock(&l->mutex);
    answers_send(answers);
    return !known;
}

// --- creating ----------------------------------------------------------------------------------------------------

struct creation {
    struct local *l;
    struct queue_create *call;
    struct arena *arena;  // of what is read of one that was known
    struct queue_row row; // of what is to be queued
    struct payer *payer;
    uint64_t turn; // if `payer` is there
    uint64_t now_ms;
};

static void join(struct creation *x, const char *payer) {
    pthread_mutex_lock(&x->l->mutex);
    if (!x->payer)
        x->payer = payer_join(x->l, payer, &x->turn);
    pthread_mutex_unlock(&x->l->mutex);
}

static bool store_new(struct db *db, struct creation *x, int64_t id, struct err *e) {
    const struct queue_create *c = x->call;
    join(x, c->payer);
    x->row = (struct queue_row){.execution_id = id,
                                .key = c->key,
                                .json = c->json,
                                .created_ms = x->now_ms,
                                .build_target = c->build_target,
                                .payer = c->payer,
                                .source = c->source,
                                .created_by = c->token_name,
                                .turn = x->turn,
                                .dead_at_ms = local_dead_at(x->l, c->dead_at_ms, x->now_ms)};
    return queue_row_insert(db, &x->row, e);
}

// One that cannot be read (a damaged file) must not keep the others from being served.
static bool is_readable(struct local *l, const struct queue_row *row) {
    struct queue_stored t;
    struct err e;
    SCOPED_ARENA(a);
    if (l->config.read(a, row->json, &t, &e))
        return true;
    log_err(LOG_ERROR, "a stored execution cannot be read and is left alone", &e);
    return false;
}

static bool is_known(struct local *l, const struct execution_key *key) {
    pthread_mutex_lock(&l->mutex);
    bool known = *item_find(l, key) != NULL;
    pthread_mutex_unlock(&l->mutex);
    return known;
}

static const char *copy(struct arena *a, const char *text) { return text ? arena_strdup(a, text) : NULL; }

static struct queue_row row_copy(struct arena *a, const struct queue_row *row) {
    struct queue_row out = *row;
    out.key.contract_id = copy(a, row->key.contract_id);
    out.json = copy(a, row->json);
    out.build_target = copy(a, row->build_target);
    out.payer = copy(a, row->payer);
    out.worker_id = copy(a, row->worker_id);
    out.created_by = copy(a, row->created_by);
    out.token_name = copy(a, row->token_name);
    out.lease = copy(a, row->lease);
    out.timeline = copy(a, row->timeline);
    return out;
}

static void take_row(void *ctx, const struct queue_row *row) {
    struct creation *x = ctx;
    if (!is_readable(x->l, row))
        return;
    x->arena = arena_new();
    x->row = row_copy(x->arena, row);
}

// A first try was told that it had failed, and was stored all the same: what it began is finished here.
static bool find_lost(struct db *db, struct creation *x, struct err *e) {
    const struct queue_create *c = x->call;
    if (is_known(x->l, &c->key))
        return true;
    if (!queue_rows_read(db, &c->key, take_row, x, e))
        return false;
    if (!x->arena || x->row.stored)
        return true;
    join(x, c->payer); // an older program's: its row is missing
    x->row.build_target = c->build_target;
    x->row.payer = c->payer;
    x->row.source = c->source;
    x->row.turn = x->turn;
    x->row.dead_at_ms = local_dead_at(x->l, c->dead_at_ms, x->row.created_ms);
    return queue_row_insert(db, &x->row, e);
}

static bool store(struct db *db, void *ctx, struct err *e) {
    struct creation *x = ctx;
    int64_t id;
    arena_free(x->arena);
    x->arena = NULL;
    if (!execution_insert(db, x->call, x->now_ms, &id, e))
        return false;
    x->call->created = id != 0;
    if (id)
        return store_new(db, x, id, e);
    return find_lost(db, x, e) &&
           (!x->call->arena || execution_look(db, &x->call->key, x->call->arena, &x->call->known, &x->call->over, e));
}

// Several creates of one execution may come before the first is in the index: it counts once.
static void queue_it(struct creation *x) {
    struct local *l = x->l;
    pthread_mutex_lock(&l->mutex);
    if (!x->payer)
        x->payer = payer_join_at(l, x->row.payer, x->row.turn);
    pthread_mutex_unlock(&l->mutex);
    bool added = local_add(l, &x->row, x->payer);
    pthread_mutex_lock(&l->mutex);
    l->counts.created += added;
    pthread_mutex_unlock(&l->mutex);
}

static void drop_turn(struct creation *x) {
    pthread_mutex_lock(&x->l->mutex);
    payer_leave(x->l, x->payer);
    pthread_mutex_unlock(&x->l->mutex);
}

// In the index only after the commit: no worker gets what a crash could forget.
static void stored(void *ctx, bool ok, const struct err *e) {
    struct creation *x = ctx;
    struct queue_call *call = &x->call->call;
    if (ok && (x->call->created || x->arena))
        queue_it(x);
    else if (x->payer)
        drop_turn(x);
    arena_free(x->arena);
    free(x);
    call->done(call->ctx, ok ? NULL : e);
}

void local_create(struct queue *q, struct queue_create *c) {
    struct creation *x = xcalloc(1, sizeof *x);
    const struct writer_job job = {store, stored, x};
    struct err e;
    *x = (struct creation){.l = (struct local *)q, .call = c, .now_ms = clock_wall_ms()};
    c->created = false;
    if (!queue_has_room(q, c->token_name, &e) || !writer_submit(x->l->writer, &job, &e))
        stored(x, false, &e);
}

// --- at a start --------------------------------------------------------------------------------------------------

struct loading {
    struct local *l;
    struct arena *arena;
    struct missing *missing; // rows to write
};
struct missing {
    struct missing *next;
    struct queue_row row;
};

// What an older program made has no row yet.
static void load_older(struct loading *x, const struct queue_row *row) {
    struct missing *m = arena_calloc(x->arena, 1, sizeof *m);
    struct queue_row full = *row;
    struct queue_stored t;
    if (!x->l->config.read(x->arena, row->json, &t, NULL))
        return;
    full.build_target = t.build_target;
    full.payer = t.payer;
    full.source = t.source;
    full.dead_at_ms = local_dead_at(x->l, t.dead_at_ms, row->created_ms);
    struct payer *payer = payer_join(x->l, t.payer, &full.turn);
    m->row = row_copy(x->arena, &full);
    m->next = x->missing;
    x->missing = m;
    local_add(x->l, &full, payer);
}

static void load_one(void *ctx, const struct queue_row *row) {
    struct loading *x = ctx;
    if (!is_readable(x->l, row))
        return;
    if (row->stored)
        local_add(x->l, row, payer_join_at(x->l, row->payer, row->turn));
    else
        load_older(x, row);
}

// Nobody was served yet by this process: the first turn that waits is the one that is served.
static void find_turn(struct local *l) {
    uint64_t first = NO_DEADLINE;
    for (size_t i = 0; i < LANE_SLOTS; i++)
        for (const struct lane *at = l->lanes[i]; at; at = at->next) {
            const struct item *x = heap_first(&at->items);
            if (x && x->turn < first)
                first = x->turn;
        }
    if (first != NO_DEADLINE && first > l->served_turn)
        l->served_turn = first;
}

static bool load(struct db *db, void *ctx, struct err *e) {
    struct loading *x = ctx;
    if (!executions_count(db, &x->l->counts, e) || !queue_rows_clean(db, e) ||
        !queue_rows_read(db, NULL, load_one, x, e))
        return false;
    for (const struct missing *m = x->missing; m; m = m->next)
        if (!queue_row_insert(db, &m->row, e))
            return false;
    find_turn(x->l);
    return true;
}

bool local_load(struct local *l, struct err *e) {
    SCOPED_ARENA(a);
    struct loading x = {l, a, NULL};
    return writer_do(l->writer, load, &x, e);
}
