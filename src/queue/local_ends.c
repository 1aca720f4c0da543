// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "queue/local.h"

#define EXPIRE_AGAIN_MS 30000

struct ending {
    struct local *l;
    struct queue_end *call; // NULL: its time was over
    struct execution_key key;
    struct execution_end end;
    struct hash token; // if there is a lease
    char lease[65], worker_id[WORKER_ID_MAX + 1];
    unsigned attempt;
    uint64_t created_ms;
    struct buf timeline;   // of the item; its end is added to it
    size_t timeline_len;   // before that
    bool held;             // the item waits to hear how it went
    bool changed;          // false: it had an end already
    struct stored_end had; // that one
};

// A transaction may be tried more than once.
static void add_end(struct ending *x) {
    const struct timeline_step step = {execution_text(x->end.state), x->end.now_ms, x->worker_id, x->attempt, NULL};
    x->timeline.len = x->timeline_len;
    timeline_add(&x->timeline, &step, true);
    x->end.timeline = buf_str(&x->timeline);
}

static void copy_timeline(struct ending *x, const struct item *item) {
    buf_free(&x->timeline);
    x->timeline = buf_init(3 * TIMELINE_MAX);
    buf_add_slice(&x->timeline, buf_slice(&item->timeline));
    x->timeline_len = x->timeline.len;
    x->attempt = item->attempt;
    x->created_ms = item->created_ms;
}

static void ending_free(struct ending *x) {
    buf_free(&x->timeline);
    free(x);
}

static bool store(struct db *db, void *ctx, struct err *e) {
    struct ending *x = ctx;
    x->changed = false;
    x->end.now_ms = clock_wall_ms();
    add_end(x);
    if (x->held && !execution_store_end(db, &x->end, &x->changed, e))
        return false;
    return x->changed || execution_look_end(db, &x->key, &x->had, e);
}

static uint64_t again_ms(const struct local *l) {
    return l->config.serve_ms < EXPIRE_AGAIN_MS ? l->config.serve_ms : EXPIRE_AGAIN_MS;
}

void item_end_failed(struct local *l, struct item *x, struct queue_call **answers) {
    item_resume(l, x);
    if (x->state == EXECUTION_QUEUED) {
        uint64_t now = clock_wall_ms();
        x->dead_at_ms = x->dead_at_ms > now ? x->dead_at_ms : now + again_ms(l);
        item_set_deadline(l, x, 0);
        item_offer(l, x, answers);
    } else {
        item_set_deadline(l, x, clock_mono_ms() + LEASE_MS);
    }
    timer_wake_by(l, clock_mono_ms());
}

// The end that was there is what this one wants to be: its lease's, or, of the operator who has none, a like one.
static bool is_own(const struct ending *x) {
    return x->had.over && strcmp(x->had.lease, x->lease) == 0 &&
           (x->lease[0] || strcmp(x->had.outcome, x->end.outcome) == 0);
}

// One that is still held here, and over in its row, was ended by a try that was told that it had failed. It counts now,
// and it is this one's if that was its own.
static void finish(struct ending *x, struct item **at) {
    bool own = !x->changed && is_own(x);
    if (x->changed)
        count_end(&x->l->counts, x->end.outcome, x->end.instructions);
    else if (x->held && x->had.over)
        count_end(&x->l->counts, x->had.outcome, x->had.instructions);
    if (x->call) {
        x->call->changed = x->changed || (x->held && own);
        x->call->answer = x->changed || own ? QUEUE_OK : *at && !x->held ? QUEUE_LOST : QUEUE_UNKNOWN;
    }
    if (!x->held)
        return;
    if (x->call && x->call->token)
        hopeless_note_end(x->l, *at);
    item_forget(x->l, at);
}

static void tell_item(struct ending *x, bool ok) {
    struct local *l = x->l;
    struct queue_call *answers = NULL;
    pthread_mutex_lock(&l->mutex);
    struct item **at = item_find(l, &x->key);
    if (ok)
        finish(x, at);
    else if (x->held)
        item_end_failed(l, *at, &answers);
    pthread_mutex_unlock(&l->mutex);
    answers_send(answers);
}

static bool is_for(const struct ending *x, const struct item *item) {
    return !x->lease[0] || item_is_held_by(item, &x->token);
}

// Takes the execution from its lease, if this end's token has it, or it has none.
static void take(struct ending *x) {
    struct local *l = x->l;
    pthread_mutex_lock(&l->mutex);
    struct item *item = *item_find(l, &x->key);
    x->held = item && !item->ending && is_for(x, item);
    if (x->held) {
        item_begin_end(l, item);
        x->end.execution_id = item->execution_id;
        memcpy(x->worker_id, item->worker_id, sizeof x->worker_id);
        copy_timeline(x, item);
    }
    pthread_mutex_unlock(&l->mutex);
}

static void submit(struct ending *x);

// It came while another end of this lease was being stored, and that one failed: it is this one's turn.
static bool comes_after_all(struct ending *x) {
    pthread_mutex_lock(&x->l->mutex);
    const struct item *item = *item_find(x->l, &x->key);
    bool again = !x->held && !x->had.over && item && is_for(x, item);
    pthread_mutex_unlock(&x->l->mutex);
    if (again)
        take(x);
    return again;
}

static void stored(void *ctx, bool ok, const struct err *e) {
    struct ending *x = ctx;
    if (ok && comes_after_all(x)) {
        submit(x);
        return;
    }
    struct queue_call *call = x->call ? &x->call->call : NULL;
    if (!call) {
        log_request_of(x->key.contract_id, x->key.request_id);
        if (ok)
            log_info("request ended: no worker served it in time");
        else
            log_err(LOG_ERROR, "an end could not be stored", e);
        log_request(NULL);
    }
    if (ok && x->held && (x->changed || x->had.over))
        form_figures_end(&x->l->figures, x->created_ms, x->end.timeline);
    tell_item(x, ok);
    ending_free(x);
    if (call)
        call->done(call->ctx, ok ? NULL : e);
}

static void submit(struct ending *x) {
    const struct writer_job job = {store, stored, x};
    struct err e;
    if (!writer_submit(x->l->writer, &job, &e))
        stored(x, false, &e);
}

void local_end(struct queue *q, struct queue_end *c) {
    struct ending *x = xcalloc(1, sizeof *x);
    struct hash token = sha256(slice_str(c->token ? c->token : ""));
    *x = (struct ending){.l = (struct local *)q, .call = c, .key = c->key};
    x->end = (struct execution_end){.state = EXECUTION_SETTLED,
                                    .outcome = c->outcome,
                                    .report = c->report,
                                    .evidence = c->evidence,
                                    .worker_id = x->worker_id,
                                    .token_name = c->token_name,
                                    .lease = c->token ? hash_hex(&token, x->lease) : NULL,
                                    .instructions = c->instructions};
    x->token = token;
    take(x);
    submit(x);
}

void item_expire(struct local *l, struct item *item) {
    struct ending *x = xcalloc(1, sizeof *x);
    *x = (struct ending){.l = l, .held = true, .key = item->key}; // the item stays while its end is being stored
    x->end = (struct execution_end){.execution_id = item->execution_id,
                                    .state = EXECUTION_EXPIRED,
                                    .outcome = "expired",
                                    .report = "{\"error\":\"no worker served the request in time\"}"};
    copy_timeline(x, item);
    submit(x);
}
