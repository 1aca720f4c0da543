// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "queue/executions.h"
#include "queue/local.h"
#include <inttypes.h>

#define EXPIRE_AGAIN_MS 30000

struct ending {
    struct local *l;
    struct queue_end *call; // NULL: its time was over
    struct execution_end end;
    char lease[65], worker_id[WORKER_ID_MAX + 1];
    bool held;    // the item waits to hear how it went
    bool changed; // false: it had an end already
    bool repeat;  // by this very lease
};

static bool store(struct db *db, void *ctx, struct err *e) {
    struct ending *x = ctx;
    if (!x->held) // only a repetition can be good
        return execution_ended_by(db, &x->end.key, x->lease, &x->repeat, e);
    x->end.now_ms = clock_wall_ms();
    return execution_store_end(db, &x->end, &x->changed, e);
}

static uint64_t again_ms(const struct local *l) {
    return l->config.serve_ms < EXPIRE_AGAIN_MS ? l->config.serve_ms : EXPIRE_AGAIN_MS;
}

// The end came to nothing: the worker keeps its lease, and one that could not expire may still be served meanwhile.
static void resume(struct local *l, struct item *x, struct queue_call **answers) {
    item_ready(l, x);
    if (x->state == EXECUTION_QUEUED) {
        x->serve_until_ms = clock_wall_ms() + again_ms(l);
        item_offer(l, x, answers);
    } else {
        x->deadline_ms = clock_mono_ms() + LEASE_MS;
    }
    timer_wake_by(l, clock_mono_ms());
}

static void tell_item(struct ending *x, bool ok) {
    struct local *l = x->l;
    struct queue_call *answers = NULL;
    pthread_mutex_lock(&l->mutex);
    struct item **at = item_find(l, &x->end.key);
    if (x->held && ok)
        item_forget(l, at);
    else if (x->held)
        resume(l, *at, &answers);
    else if (x->call)
        x->call->answer = x->repeat ? QUEUE_OK : *at ? QUEUE_LOST : QUEUE_UNKNOWN;
    if (ok && x->changed)
        count_end(&l->counts, x->end.outcome, x->end.instructions);
    pthread_mutex_unlock(&l->mutex);
    answers_send(answers);
}

static void stored(void *ctx, bool ok, const struct err *e) {
    struct ending *x = ctx;
    struct queue_call *call = x->call ? &x->call->call : NULL;
    if (call) {
        x->call->changed = x->changed;
        x->call->answer = QUEUE_OK;
    } else if (ok) {
        log_info("request %" PRIu64 " of %s ended: no worker served it in time", x->end.key.request_id,
                 x->end.key.contract_id);
    } else {
        log_err(LOG_ERROR, "an end could not be stored", e);
    }
    tell_item(x, ok);
    free(x);
    if (call)
        call->done(call->ctx, ok ? NULL : e);
}

static void submit(struct ending *x) {
    const struct writer_job job = {store, stored, x};
    struct err e;
    if (!writer_submit(x->l->writer, &job, &e))
        stored(x, false, &e);
}

// Takes the execution from its lease, if this token has it.
static bool take(struct local *l, struct ending *x, const struct hash *token) {
    pthread_mutex_lock(&l->mutex);
    struct item *item = *item_find(l, &x->end.key);
    bool held = item && item_is_held_by(item, token);
    if (held) {
        item_begin_end(l, item);
        (void)!text_copy(x->worker_id, sizeof x->worker_id, slice_str(item->worker_id));
    }
    pthread_mutex_unlock(&l->mutex);
    return held;
}

void local_end(struct queue *q, struct queue_end *c) {
    struct ending *x = xcalloc(1, sizeof *x);
    struct hash token = sha256(slice_str(c->token));
    *x = (struct ending){.l = (struct local *)q, .call = c};
    x->end = (struct execution_end){.key = c->key,
                                    .state = EXECUTION_SETTLED,
                                    .outcome = c->outcome,
                                    .report = c->report,
                                    .worker_id = x->worker_id,
                                    .token_name = c->token_name,
                                    .lease = hash_hex(&token, x->lease),
                                    .instructions = c->instructions};
    x->held = take(x->l, x, &token);
    submit(x);
}

void item_expire(struct local *l, struct item *item) {
    struct ending *x = xcalloc(1, sizeof *x);
    *x = (struct ending){.l = l, .held = true};
    x->end = (struct execution_end){.key = item->key, // the item stays while its end is being stored
                                    .state = EXECUTION_EXPIRED,
                                    .outcome = "expired",
                                    .report = "{\"error\":\"no worker served the request in time\"}"};
    submit(x);
}
