// SPDX-License-Identifier: Apache-2.0
// Leases in their rows. Nobody waits for these commits, so they are gathered: an execution that ends within STORE_MS
// costs none at all.
#include "base/clock.h"
#include "base/log.h"
#include "base/sync.h"
#include "base/text.h"
#include "queue/local.h"

#define STORE_MS 200
#define STORE_MAX 512 // rows at a time: between them others get their commits

struct lease_row {
    struct queue_row row;
    char contract_id[CONTRACT_ID_MAX + 1], lease[65], worker_id[WORKER_ID_MAX + 1], token_name[TOKEN_NAME_MAX + 1];
    char *timeline;
};
struct storing {
    struct local *l;
    size_t count;
    struct lease_row rows[STORE_MAX];
};

static void store_within(struct local *l, uint64_t ms) {
    uint64_t until = clock_mono_ms() + ms;
    if (until >= l->dirty_until_ms)
        return;
    l->dirty_until_ms = until;
    timer_wake_by(l, until);
}

void item_make_dirty(struct local *l, struct item *x) {
    if (x->dirty)
        return;
    x->dirty = true;
    x->prev_dirty = NULL;
    x->next_dirty = l->dirty;
    if (l->dirty)
        l->dirty->prev_dirty = x;
    l->dirty = x;
    store_within(l, STORE_MS);
}

void item_make_clean(struct local *l, struct item *x) {
    if (!x->dirty)
        return;
    *(x->prev_dirty ? &x->prev_dirty->next_dirty : &l->dirty) = x->next_dirty;
    if (x->next_dirty)
        x->next_dirty->prev_dirty = x->prev_dirty;
    x->dirty = false;
}

static uint64_t wall_of(uint64_t mono_ms) {
    uint64_t now = clock_mono_ms();
    return clock_wall_ms() + (mono_ms > now ? mono_ms - now : 0);
}

static char *text_of(const struct buf *b) {
    char *text = xcalloc(1, b->len + 1);
    if (b->len)
        memcpy(text, b->ptr, b->len);
    return text;
}

static void storing_free(struct storing *x) {
    for (size_t i = 0; i < x->count; i++)
        free(x->rows[i].timeline);
    free(x);
}

static void take(struct lease_row *out, const struct item *x) {
    bool held = execution_is_held(x->state);
    (void)!text_copy(out->contract_id, sizeof out->contract_id, slice_str(x->key.contract_id));
    memcpy(out->worker_id, x->worker_id, sizeof out->worker_id);
    memcpy(out->token_name, x->token_name, sizeof out->token_name);
    out->row = (struct queue_row){.execution_id = x->execution_id,
                                  .key = {out->contract_id, x->key.request_id},
                                  .dead_at_ms = x->dead_at_ms,
                                  .not_before_ms = !held && x->deadline_ms ? wall_of(x->deadline_ms) : 0,
                                  .until_ms = held ? wall_of(x->deadline_ms) : 0,
                                  .attempt = x->attempt,
                                  .handed = x->handed,
                                  .state = x->state,
                                  .worker_id = out->worker_id,
                                  .token_name = out->token_name,
                                  .lease = hash_hex(&x->token, out->lease),
                                  .timeline = out->timeline = text_of(&x->timeline)};
}

static void take_dirty(struct storing *x) {
    pthread_mutex_lock(&x->l->mutex);
    for (struct item *dirty; x->count < STORE_MAX && (dirty = x->l->dirty);) {
        take(&x->rows[x->count++], dirty);
        item_make_clean(x->l, dirty);
    }
    if (x->l->dirty)
        store_within(x->l, 0);
    pthread_mutex_unlock(&x->l->mutex);
}

// Only updates: of one that has ended meanwhile there is no row any more.
static bool store(struct db *db, void *ctx, struct err *e) {
    struct storing *x = ctx;
    if (!x->count)
        take_dirty(x);
    for (size_t i = 0; i < x->count; i++)
        if (!queue_row_update(db, &x->rows[i].row, e))
            return false;
    return true;
}

static void stored(void *ctx, bool ok, const struct err *e) {
    struct storing *x = ctx;
    if (!ok)
        log_err(LOG_ERROR, "leases could not be stored", e);
    pthread_mutex_lock(&x->l->mutex);
    for (size_t i = 0; !ok && i < x->count; i++) {
        struct item *item = *item_find(x->l, &x->rows[i].row.key);
        if (item)
            item_make_dirty(x->l, item);
    }
    if (x->l->dirty)
        store_within(x->l, STORE_MS);
    pthread_mutex_unlock(&x->l->mutex);
    storing_free(x);
}

static struct storing *begin(struct local *l) {
    struct storing *x = xcalloc(1, sizeof *x);
    x->l = l;
    pthread_mutex_lock(&l->mutex);
    l->dirty_until_ms = NO_DEADLINE;
    pthread_mutex_unlock(&l->mutex);
    return x;
}

void leases_store(struct local *l) {
    struct storing *x = begin(l);
    const struct writer_job job = {store, stored, x};
    struct err e;
    if (!writer_submit(l->writer, &job, &e))
        stored(x, false, &e);
}

// Once at least, however many changes wait: so the writer has come to the end of all that it was given before.
void leases_store_now(struct local *l) {
    struct err e;
    for (bool more = true; more;) {
        struct storing *x = begin(l);
        bool ok = writer_do_after_all(l->writer, store, x, &e);
        if (!ok)
            log_err(LOG_ERROR, "leases could not be stored", &e);
        more = ok && x->count == STORE_MAX;
        storing_free(x);
    }
}
