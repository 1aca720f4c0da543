// SPDX-License-Identifier: Apache-2.0
// How it works: each request that this worker holds has a `watch`, with the time at which the window of its yield ends.
// One thread (loop) sleeps until the next of them needs something: when EXTEND_BLOCKS or fewer are left, it sends an
// extension (once; the signed bytes are kept for a repeat), then it asks the contract until the new window shows, and
// asks what became of the transaction when nothing shows for DOUBT_MS. A request that the contract refuses to extend is
// tried no more.
#include "worker/extender.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/sync.h"
#include <inttypes.h>
#include <pthread.h>
#include <time.h>

#define EXTEND_GAS (60 * TGAS)
#define LOOK_MS 5000        // how often the windows are reckoned anew: blocks change their pace
#define CONFIRM_STEP_MS 400 // nothing tells a client of an RPC server that the contract has yielded anew
#define DOUBT_MS 3000       // some blocks: then it is asked why nothing shows
#define CONFIRM_MS 10000
#define RETRY_MS 2000

struct watch {
    const struct task *task;
    struct chain_request request; // texts are not kept
    uint64_t end_ms, block_ms;    // of the window; clock_mono_ms()
    uint64_t retry_ms;            // no try before
    bool refused;                 // the contract said no: no more tries
    bool waits;                   // nothing is bought for it
    bool on_its_way;
    bool asked; // why nothing of it shows
    uint64_t sent_ms;
    char hash[48];  // of the transaction that is on its way
    uint8_t *bytes; // the same, signed; NULL: none yet
    size_t bytes_len;
    void (*extended)(void *ctx, uint64_t left_ms); // NULL: nobody is told
    void *ctx;
    struct watch *next;
};

struct extender {
    struct extender_settings set;
    pthread_t thread;
    pthread_mutex_t lock; // guards what follows, and the watches
    pthread_cond_t news;  // for the thread
    pthread_cond_t done;  // an extension is not on its way any more
    bool stop;
    struct watch *list;
    uint64_t looked_ms;
};

// --- what the thread does. The lock is not held while the chain is asked; a watch that is on its way is not freed
// meanwhile, and only the thread changes that.

static bool is_due(const struct watch *w, uint64_t now) {
    return !w->on_its_way && !w->refused && !w->waits && w->request.extensions_left && now >= w->retry_ms &&
           now < w->end_ms && w->end_ms - now <= EXTEND_BLOCKS * w->block_ms;
}

// With the lock held.
static void set_window(struct watch *w, const struct window *window) {
    w->end_ms = clock_mono_ms() + window->left_ms;
    w->block_ms = window->block_ms;
}

static void settle(struct extender *x, struct watch *w) {
    w->on_its_way = false;
    pthread_cond_broadcast(&x->done);
}

// Signs one and hands it over. What the chain makes of it is asked when nothing comes of it.
static bool send_one(struct extender *x, struct arena *a, struct watch *w, struct err *e) {
    struct account_id contract;
    struct sent sent;
    const char *args = arena_printf(a, "{\"request_id\":%" PRIu64 "}", w->task->request_id);
    struct action action = {
        .kind = ACTION_FUNCTION_CALL, .method = METHOD_EXTEND, .args = slice_str(args), .gas = {EXTEND_GAS}};
    if (!account_id_parse(&contract, slice_str(w->task->contract_id), e) ||
        !sender_sign(x->set.sender, a, &contract, &action, 1, &sent, e))
        return false;
    memcpy(w->hash, sent.hash, sizeof w->hash);
    free(w->bytes);
    w->asked = false;
    w->bytes_len = sent.bytes.len;
    w->bytes = xmalloc(w->bytes_len);
    memcpy(w->bytes, sent.bytes.ptr, w->bytes_len);
    if (!rpc_send(x->set.rpc, a, sent.bytes, e))
        log_err(LOG_WARN, METHOD_EXTEND " is in doubt", e); // the chain is looked at
    return true;
}

// With the lock held, and when it returns.
static void extend(struct extender *x, struct arena *a, struct watch *w) {
    struct err e;
    w->on_its_way = true;
    pthread_mutex_unlock(&x->lock);
    bool sent = send_one(x, a, w, &e);
    if (sent)
        log_info(METHOD_EXTEND " request=%" PRIu64 " transaction=%s", w->task->request_id, w->hash);
    else
        log_err(LOG_WARN, METHOD_EXTEND, &e);
    pthread_mutex_lock(&x->lock);
    w->sent_ms = clock_mono_ms();
    w->retry_ms = w->sent_ms + (sent ? CONFIRM_STEP_MS : RETRY_MS);
    if (!sent)
        settle(x, w);
}

// What became of the transaction, which shows nowhere: the same bytes are given to the chain again, which then says
// whether they can still be executed.
enum doubt {
    DOUBT_WAIT,    // it may still come
    DOUBT_AGAIN,   // it never will; another one may
    DOUBT_REFUSED, // no other one would fare better: words
};

static enum doubt ask_why(struct extender *x, struct arena *a, const struct watch *w, const char **words) {
    SCOPED_JSON(outcome) = NULL;
    struct tx_said said;
    struct err e = {0};
    if (!rpc_send_wait(x->set.rpc, a, slice_of(w->bytes, w->bytes_len), w->hash, "INCLUDED", &said, &outcome, &e)) {
        sender_heed(x->set.sender, &said, &e);
        *words = arena_strdup(a, e.msg);
    }
    switch (said.verdict) {
    case TX_TAKEN: *words = rpc_failure_text(a, json_object_get(outcome, "status")); break;
    case TX_STALE:
    case TX_AHEAD:
    case TX_EXPIRED:
    case TX_UNPAID: rpc_next_server(x->set.rpc); return DOUBT_AGAIN;
    case TX_FORBIDDEN:
    case TX_INVALID: return DOUBT_REFUSED;
    case TX_DOUBT: rpc_next_server(x->set.rpc); return DOUBT_WAIT;
    }
    return *words ? DOUBT_REFUSED : DOUBT_WAIT;
}

// The contract's words about an extension that failed, NULL: none are known.
static const char *refusal_of(struct extender *x, struct arena *a, const struct watch *w) {
    SCOPED_JSON(outcome) = NULL;
    struct err e;
    if (!rpc_tx(x->set.rpc, a, w->hash, sender_account(x->set.sender)->s, "NONE", 0, &outcome, &e))
        return NULL;
    return rpc_failure_text(a, json_object_get(outcome, "status"));
}

enum seen { SEEN_NOTHING, SEEN_EXTENDED, SEEN_OVER };

// Since when the yield is the present one, at least: the contract does not say.
static uint64_t sent_ns(const struct watch *w, const struct rpc_block *head) {
    uint64_t ago_ns = (clock_mono_ms() - w->sent_ms) * 1000000;
    return head->timestamp_ns > ago_ns ? head->timestamp_ns - ago_ns : 1;
}

static enum seen look_at(struct extender *x, struct arena *a, const struct watch *w, struct chain_request *now,
                         struct window *window) {
    enum chain_answer answer;
    struct rpc_block head;
    struct err e;
    if (!chain_request(x->set.chain, a, w->task, &answer, now, &e))
        return SEEN_NOTHING;
    if (answer == CHAIN_ENDED || now->answered)
        return SEEN_OVER;
    if (now->extensions <= w->request.extensions || !rpc_final_block(x->set.rpc, a, &head, &e))
        return SEEN_NOTHING;
    now->extended_ns = sent_ns(w, &head);
    struct yield_start start = yield_start_of(w->task, now);
    *window = window_of(&start, &head);
    return SEEN_EXTENDED;
}

// Nothing of it shows. true: it is not waited for any more.
static bool gave_up(struct extender *x, struct watch *w, enum doubt doubt, const char *words) {
    uint64_t now = clock_mono_ms();
    w->refused = doubt == DOUBT_REFUSED;
    if (words)
        log_warn(METHOD_EXTEND " request=%" PRIu64 ": %s", w->task->request_id, words);
    if (doubt == DOUBT_AGAIN)
        w->retry_ms = now + RETRY_MS;
    return doubt != DOUBT_WAIT || now - w->sent_ms >= CONFIRM_MS || *x->set.abandon;
}

// With the lock held, and when it returns.
static void confirm(struct extender *x, struct arena *a, struct watch *w) {
    struct chain_request now;
    struct window window;
    const char *words = NULL;
    enum doubt doubt = DOUBT_WAIT;
    pthread_mutex_unlock(&x->lock);
    enum seen seen = look_at(x, a, w, &now, &window);
    if (seen == SEEN_NOTHING && (words = refusal_of(x, a, w)))
        doubt = DOUBT_REFUSED;
    else if (seen == SEEN_NOTHING && !w->asked && clock_mono_ms() - w->sent_ms >= DOUBT_MS) {
        w->asked = true;
        doubt = ask_why(x, a, w, &words);
    }
    pthread_mutex_lock(&x->lock);
    w->retry_ms = clock_mono_ms() + CONFIRM_STEP_MS;
    if (seen == SEEN_EXTENDED) {
        w->request = now;
        set_window(w, &window);
        log_info("extended request=%" PRIu64 " window_ms=%" PRIu64 " extensions_left=%" PRIu64, w->task->request_id,
                 window.left_ms, now.extensions_left);
        if (w->extended)
            w->extended(w->ctx, window.left_ms);
    } else if (seen == SEEN_OVER) {
        w->refused = true;
        log_warn(METHOD_EXTEND " request=%" PRIu64 ": it has ended", w->task->request_id);
    } else if (!gave_up(x, w, doubt, words)) {
        return;
    }
    settle(x, w);
}

// Reckons all windows anew, by one look at the chain. With the lock held, and when it returns.
static void look(struct extender *x, struct arena *a) {
    struct rpc_block head;
    struct err e;
    pthread_mutex_unlock(&x->lock);
    bool ok = rpc_final_block(x->set.rpc, a, &head, &e);
    pthread_mutex_lock(&x->lock);
    x->looked_ms = clock_mono_ms();
    for (struct watch *w = x->list; ok && w; w = w->next) {
        struct yield_start start = yield_start_of(w->task, &w->request);
        struct window window = window_of(&start, &head);
        set_window(w, &window);
    }
}

static bool step(struct extender *x, struct arena *a) {
    uint64_t now = clock_mono_ms();
    if (x->list && now - x->looked_ms >= LOOK_MS) {
        look(x, a);
        return true;
    }
    for (struct watch *w = x->list; w; w = w->next) {
        log_request_of(w->task->contract_id, w->task->request_id);
        if (w->on_its_way && now >= w->retry_ms) {
            confirm(x, a, w);
            return true;
        }
        if (!*x->set.abandon && is_due(w, now)) {
            extend(x, a, w);
            return true;
        }
    }
    log_request(NULL);
    return false;
}

// Until when nothing is to be done.
static uint64_t next_ms(const struct extender *x) {
    uint64_t next = x->looked_ms + LOOK_MS;
    for (const struct watch *w = x->list; w; w = w->next) {
        uint64_t spare = EXTEND_BLOCKS * w->block_ms, due = w->end_ms > spare ? w->end_ms - spare : 0;
        uint64_t at = w->on_its_way ? w->retry_ms : due > w->retry_ms ? due : w->retry_ms;
        bool may_send = !w->refused && !w->waits && !*x->set.abandon && w->request.extensions_left && at < w->end_ms;
        if ((w->on_its_way || may_send) && at < next)
            next = at;
    }
    return next;
}

static void *loop(void *ctx) {
    struct extender *x = ctx;
    SCOPED_ARENA(a);
    pthread_mutex_lock(&x->lock);
    while (!x->stop) {
        arena_reset(a);
        if (step(x, a))
            continue;
        cond_wait_until(&x->news, &x->lock, x->list ? next_ms(x) : NO_DEADLINE);
    }
    pthread_mutex_unlock(&x->lock);
    return NULL;
}

// --- what others call

static void free_watch(struct watch *w) {
    free(w->bytes);
    free(w);
}

bool extender_start(struct extender **out, const struct extender_settings *s, struct err *e) {
    struct extender *x = xcalloc(1, sizeof *x);
    x->set = *s;
    pthread_mutex_init(&x->lock, NULL);
    cond_init(&x->news);
    cond_init(&x->done);
    if (pthread_create(&x->thread, NULL, loop, x) != 0) {
        free(x);
        return err_set(e, ERR_INTERNAL, "cannot start a thread");
    }
    *out = x;
    return true;
}

void extender_stop(struct extender *x) {
    if (!x)
        return;
    pthread_mutex_lock(&x->lock);
    x->stop = true;
    pthread_cond_broadcast(&x->news);
    pthread_mutex_unlock(&x->lock);
    pthread_join(x->thread, NULL);
    while (x->list) {
        struct watch *w = x->list;
        x->list = w->next;
        free_watch(w);
    }
    pthread_cond_destroy(&x->news);
    pthread_cond_destroy(&x->done);
    pthread_mutex_destroy(&x->lock);
    free(x);
}

struct watch *extender_watch(struct extender *x, const struct task *t, const struct chain_request *r,
                             const struct window *w, void (*extended)(void *ctx, uint64_t left_ms), void *ctx) {
    struct watch *out = xcalloc(1, sizeof *out);
    *out = (struct watch){.task = t, .request = *r, .extended = extended, .ctx = ctx};
    set_window(out, w);
    pthread_mutex_lock(&x->lock);
    if (!x->list)
        x->looked_ms = clock_mono_ms();
    out->next = x->list;
    x->list = out;
    pthread_cond_signal(&x->news);
    pthread_mutex_unlock(&x->lock);
    return out;
}

static uint64_t left_of(const struct watch *w, uint64_t more_ms) {
    uint64_t now = clock_mono_ms(), end = w->end_ms + more_ms;
    return w->end_ms && now < end ? end - now : 0;
}

uint64_t extender_left(struct extender *x, const struct watch *w) {
    pthread_mutex_lock(&x->lock);
    uint64_t ms = left_of(w, 0);
    pthread_mutex_unlock(&x->lock);
    return ms;
}

uint64_t extender_left_most(struct extender *x, const struct watch *w) {
    pthread_mutex_lock(&x->lock);
    uint64_t more = w->refused ? 0 : w->request.extensions_left * (YIELD_BLOCKS - EXTEND_BLOCKS) * w->block_ms;
    uint64_t ms = left_of(w, more);
    pthread_mutex_unlock(&x->lock);
    return ms;
}

void extender_hold(struct extender *x, struct watch *w, bool waits) {
    if (!w)
        return;
    pthread_mutex_lock(&x->lock);
    w->waits = waits;
    pthread_cond_signal(&x->news);
    pthread_mutex_unlock(&x->lock);
}

// With the lock held.
static void wait_until_settled(struct extender *x, const struct watch *w) {
    while (w->on_its_way)
        pthread_cond_wait(&x->done, &x->lock);
}

void extender_settle(struct extender *x, struct watch *w) {
    if (!w)
        return;
    pthread_mutex_lock(&x->lock);
    wait_until_settled(x, w);
    pthread_mutex_unlock(&x->lock);
}

void extender_drop(struct extender *x, struct watch *w) {
    if (!w)
        return;
    pthread_mutex_lock(&x->lock);
    wait_until_settled(x, w);
    for (struct watch **at = &x->list; *at; at = &(*at)->next)
        if (*at == w) {
            *at = w->next;
            break;
        }
    pthread_mutex_unlock(&x->lock);
    free_watch(w);
}
