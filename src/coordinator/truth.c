// SPDX-License-Identifier: Apache-2.0
// How it works: `waiting` has the calls in their order. A thread takes the first whose asker no thread works for, so
// that one who doubts much does not hold all; asks the chain without the lock; keeps what it heard in `kept`, a ring;
// and answers, beside that call, all others that `kept` can answer now.
#include "coordinator/truth.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/sync.h"
#include "near/rpc.h"
#include <inttypes.h>
#include <pthread.h>

struct kept {
    char *contract_id; // NULL: free
    uint64_t request_id, at_least, until_ms;
    enum truth_said said; // OPEN or NONE
    json_t *view;         // NULL: NONE
};

struct truth {
    struct rpc *rpc; // NULL: none is configured
    atomic_bool cancel;
    pthread_t threads[TRUTH_AT_WORK];
    size_t thread_count;
    pthread_mutex_t mutex; // for all below
    pthread_cond_t asked;
    bool stop;
    struct truth_call *waiting;
    const struct truth_call *at_work[TRUTH_AT_WORK];
    size_t count; // waiting and at work
    struct kept kept[TRUTH_KEPT];
    size_t next_kept;
};

// --- what is kept

static bool is_about(const struct kept *k, const struct truth_call *c) {
    return k->contract_id && k->request_id == c->request_id && strcmp(k->contract_id, c->contract_id) == 0;
}

// What a request says never changes; that there is none says nothing of later blocks.
static bool answer_by(const struct truth *t, struct truth_call *c) {
    uint64_t now = clock_mono_ms();
    for (const struct kept *k = t->kept; k < t->kept + TRUTH_KEPT; k++) {
        if (!is_about(k, c) || k->until_ms <= now || (k->said == TRUTH_NONE && k->at_least < c->at_least))
            continue;
        c->said = k->said;
        if (k->view)
            chain_request_take(&c->request, c->arena, k->view);
        return true;
    }
    return false;
}

// A larger view is heard and not kept, so that a server that answers with much fills no memory. Of its bytes as JSON,
// of which the memory is some times more.
#define VIEW_BYTES_MAX (64u << 10)

static void forget(struct kept *k) {
    free(k->contract_id);
    json_decref(k->view);
    *k = (struct kept){0};
}

// Drops what is over. The moment at which the next one is; NO_DEADLINE: none is kept.
static uint64_t forget_old(struct truth *t) {
    uint64_t now = clock_mono_ms(), next = NO_DEADLINE;
    for (struct kept *k = t->kept; k < t->kept + TRUTH_KEPT; k++) {
        if (k->contract_id && k->until_ms <= now)
            forget(k);
        if (k->contract_id && k->until_ms < next)
            next = k->until_ms;
    }
    return next;
}

// Takes the view.
static void keep(struct truth *t, const struct truth_call *c, json_t *view) {
    struct kept *place = &t->kept[t->next_kept++ % TRUTH_KEPT];
    for (struct kept *k = t->kept; k < t->kept + TRUTH_KEPT; k++)
        if (is_about(k, c))
            forget(k);
    forget(place);
    *place = (struct kept){.contract_id = xstrdup(c->contract_id),
                           .request_id = c->request_id,
                           .at_least = c->at_least,
                           .until_ms = clock_mono_ms() + TRUTH_KEPT_MS,
                           .said = view ? TRUTH_OPEN : TRUTH_NONE,
                           .view = view};
}

// Takes the view; NULL: there is none.
static void hear(struct truth *t, struct truth_call *c, json_t *view) {
    c->said = view ? TRUTH_OPEN : TRUTH_NONE;
    if (view)
        chain_request_take(&c->request, c->arena, view);
    if (view && json_dumpb(view, NULL, 0, JSON_COMPACT) > VIEW_BYTES_MAX)
        json_decref(view);
    else
        keep(t, c, view);
}

// --- at work

static bool is_served(const struct truth *t, const struct truth_call *c) {
    for (size_t i = 0; i < TRUTH_AT_WORK; i++)
        if (t->at_work[i] && strcmp(t->at_work[i]->asker, c->asker) == 0)
            return true;
    return false;
}

static struct truth_call *take_next(struct truth *t) {
    struct truth_call **at = &t->waiting;
    while (*at && is_served(t, *at))
        at = &(*at)->next;
    struct truth_call *c = *at;
    if (c)
        *at = c->next;
    return c;
}

// Also a view that is of another request is no answer.
static bool ask(struct truth *t, struct arena *a, const struct truth_call *c, json_t **view, struct err *e) {
    const struct rpc_bounds bounds = {.at_least = c->at_least, .timeout_ms = TRUTH_MS, .max_answer = 4u << 20};
    struct chain_request r;
    SCOPED_JSON(args) = json_object();
    json_set_u64(args, "request_id", c->request_id);
    *view = rpc_view_json_at(t->rpc, a, c->contract_id, VIEW_REQUEST, args, &bounds, e);
    if (!*view)
        return false;
    if (json_is_null(*view)) {
        *view = NULL;
        return true;
    }
    chain_request_take(&r, a, *view);
    if (r.unreadable || r.request_id == c->request_id)
        return true;
    json_decref(*view);
    *view = NULL;
    rpc_next_server(t->rpc);
    return err_set(e, ERR_UNAVAILABLE, "the RPC server answered " VIEW_REQUEST " for another request");
}

// Takes out of those who wait whom `kept` can answer now.
static struct truth_call *take_answered(struct truth *t) {
    struct truth_call *out = NULL;
    for (struct truth_call **at = &t->waiting; *at;) {
        struct truth_call *c = *at;
        if (!answer_by(t, c)) {
            at = &c->next;
            continue;
        }
        *at = c->next;
        c->next = out;
        out = c;
        t->count--;
    }
    return out;
}

static void done_all(struct truth_call *list) {
    for (struct truth_call *c = list, *next; c; c = next) {
        next = c->next; // the call goes with its answer
        c->done(c->ctx);
    }
}

// With the lock held, and when it returns; without it meanwhile.
static void work_for(struct truth *t, const struct truth_call **place, struct truth_call *c) {
    SCOPED_ARENA(a);
    json_t *view;
    *place = c;
    pthread_mutex_unlock(&t->mutex);
    bool ok = ask(t, a, c, &view, &c->why);
    if (!ok)
        log_err(LOG_WARN, arena_printf(a, "what the chain says of request %" PRIu64 " is not known", c->request_id),
                &c->why);
    pthread_mutex_lock(&t->mutex);
    *place = NULL;
    t->count--;
    c->said = TRUTH_UNKNOWN;
    if (ok)
        hear(t, c, view);
    c->next = take_answered(t);
    pthread_cond_broadcast(&t->asked); // whose asker's turn it was may have one more
    pthread_mutex_unlock(&t->mutex);
    done_all(c);
    pthread_mutex_lock(&t->mutex);
}

struct thread_start {
    struct truth *truth;
    size_t place;
};

static void *work(void *arg) {
    struct thread_start *s = arg;
    struct truth *t = s->truth;
    const struct truth_call **place = &t->at_work[s->place];
    free(s);
    pthread_mutex_lock(&t->mutex);
    while (!t->stop) {
        uint64_t next_end = forget_old(t);
        struct truth_call *c = take_next(t);
        if (c)
            work_for(t, place, c);
        else
            (void)cond_wait_until(&t->asked, &t->mutex, next_end);
    }
    pthread_mutex_unlock(&t->mutex);
    return NULL;
}

static bool start_threads(struct truth *t, struct err *e) {
    for (; t->thread_count < TRUTH_AT_WORK; t->thread_count++) {
        struct thread_start *s = xcalloc(1, sizeof *s);
        *s = (struct thread_start){t, t->thread_count};
        if (pthread_create(&t->threads[t->thread_count], NULL, work, s) != 0) {
            free(s);
            return err_set(e, ERR_INTERNAL, "cannot start a thread");
        }
    }
    return true;
}

bool truth_new(struct truth **out, const char *rpc_urls, struct err *e) {
    struct truth *t = xcalloc(1, sizeof *t);
    pthread_mutex_init(&t->mutex, NULL);
    cond_init(&t->asked);
    bool ok = !rpc_urls || rpc_new(&t->rpc, rpc_urls, e);
    if (t->rpc)
        rpc_set_cancel(t->rpc, &t->cancel);
    if (!ok || (t->rpc && !start_threads(t, e))) {
        truth_free(t);
        return false;
    }
    *out = t;
    return true;
}

bool truth_can_ask(const struct truth *t) { return t->rpc; }

// --- asking

static bool stopping(struct err *e) {
    err_set(e, ERR_UNAVAILABLE, "the coordinator is stopping");
    return err_hint(e, "ask another one, or this one when it is back");
}

static bool can_wait(const struct truth *t, const struct truth_call *c, struct err *e) {
    size_t of_one = 0;
    if (!t->rpc) {
        err_set(e, ERR_UNAVAILABLE, "the coordinator cannot ask the chain");
        return err_hint(e, "set NEAR_RPC_URL of the coordinator");
    }
    if (t->stop)
        return stopping(e);
    for (const struct truth_call *w = t->waiting; w; w = w->next)
        of_one += strcmp(w->asker, c->asker) == 0;
    if (t->count < TRUTH_WAITING && of_one < TRUTH_OF_ONE)
        return true;
    err_set(e, ERR_UNAVAILABLE, "too many wait for the chain's word already");
    return err_hint(e, "ask again in a few seconds");
}

void truth_ask(struct truth *t, struct truth_call *c) {
    pthread_mutex_lock(&t->mutex);
    bool answered = answer_by(t, c);
    bool waits = !answered && can_wait(t, c, &c->why);
    if (waits) {
        struct truth_call **end = &t->waiting;
        while (*end)
            end = &(*end)->next;
        c->next = NULL;
        *end = c;
        t->count++;
        pthread_cond_signal(&t->asked);
    } else if (!answered) {
        c->said = TRUTH_UNKNOWN;
    }
    pthread_mutex_unlock(&t->mutex);
    if (!waits)
        c->done(c->ctx);
}

void truth_stop(struct truth *t) {
    if (!t)
        return;
    pthread_mutex_lock(&t->mutex);
    t->stop = true;
    atomic_store(&t->cancel, true);
    struct truth_call *left = t->waiting;
    t->waiting = NULL;
    for (struct truth_call *c = left; c; c = c->next) {
        c->said = TRUTH_UNKNOWN;
        (void)stopping(&c->why);
        t->count--;
    }
    pthread_cond_broadcast(&t->asked);
    pthread_mutex_unlock(&t->mutex);
    done_all(left);
    for (size_t i = 0; i < t->thread_count; i++)
        pthread_join(t->threads[i], NULL);
    t->thread_count = 0;
}

void truth_free(struct truth *t) {
    if (!t)
        return;
    truth_stop(t);
    rpc_free(t->rpc);
    for (struct kept *k = t->kept; k < t->kept + TRUTH_KEPT; k++)
        forget(k);
    pthread_mutex_destroy(&t->mutex);
    pthread_cond_destroy(&t->asked);
    free(t);
}
