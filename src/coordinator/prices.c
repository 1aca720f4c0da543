// SPDX-License-Identifier: Apache-2.0
#include "coordinator/prices.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/sync.h"
#include "protocol/contract.h"
#include <pthread.h>

struct prices {
    struct rpc *rpc; // NULL: none is configured
    char *contract;
    pthread_t thread;
    bool runs;
    atomic_bool cancel;
    pthread_mutex_t mutex; // for all below
    pthread_cond_t asked;
    bool stop;
    struct http_request *waiting[PRICES_WAITING_MAX];
    size_t count;
    char *text; // the last answer; NULL: `error` is it
    struct err error;
    uint64_t until_ms, asked_ms; // and is given until then; when it was asked for
};

static void reply(struct http_request *r, const char *text, const struct err *e) {
    if (text)
        http_reply(r, 200, "application/json; charset=utf-8", slice_str(text));
    else
        http_reply_err(r, e);
}

// Everybody's answer, with the lock held: replies never wait.
static void reply_all(struct prices *p) {
    for (size_t i = 0; i < p->count; i++)
        reply(p->waiting[i], p->text, &p->error);
    p->count = 0;
}

// A view's list at that block, each of its values under a name, the numbers as the contract gives them.
static bool ask_list(struct prices *p, const struct rpc_bounds *at, const char *view, const char *const *names,
                     size_t count, json_t *out, struct err *e) {
    SCOPED_ARENA(a);
    SCOPED_JSON(list) = rpc_view_json_at(p->rpc, a, p->contract, view, NULL, at, e);
    if (!list)
        return false;
    if (json_array_size(list) != count)
        return err_set(e, ERR_CHAIN, "the contract's %s does not give %zu values", view, count);
    for (size_t i = 0; i < count; i++)
        json_object_set(out, names[i], json_array_get(list, i));
    return true;
}

static char *ask(struct prices *p, struct err *e) {
    static const char *const prices[] = {"base_fee", "per_instruction_fee", "per_ms_fee", "per_compile_ms_fee"};
    static const char *const limits[] = {"max_instructions", "max_execution_seconds", "max_compilation_seconds"};
    SCOPED_ARENA(a);
    SCOPED_JSON(out) = json_object();
    struct rpc_block block;
    if (!rpc_final_block(p->rpc, a, &block, e))
        return NULL;
    const struct rpc_bounds at = {.height = block.height};
    if (!ask_list(p, &at, VIEW_PRICING, prices, ARRAY_LEN(prices), out, e) ||
        !ask_list(p, &at, VIEW_MAX_LIMITS, limits, ARRAY_LEN(limits), out, e))
        return NULL;
    json_t *memory = rpc_view_json_at(p->rpc, a, p->contract, VIEW_MEMORY_LIMIT, NULL, &at, e);
    if (!memory)
        return NULL;
    json_set_u64(out, "block_height", block.height);
    json_object_set_new(out, "max_memory_mb", memory);
    return xstrdup(json_text(a, out));
}

static void *ask_for_all(void *arg) {
    struct prices *p = arg;
    pthread_mutex_lock(&p->mutex);
    while (!p->stop) {
        if (!p->count) {
            pthread_cond_wait(&p->asked, &p->mutex);
            continue;
        }
        struct err e;
        pthread_mutex_unlock(&p->mutex);
        char *text = ask(p, &e);
        pthread_mutex_lock(&p->mutex);
        free(p->text);
        p->text = text;
        p->asked_ms = clock_mono_ms();
        p->until_ms = p->asked_ms + (text ? PRICES_KEPT_MS : PRICES_FAILED_MS);
        if (!text) {
            p->error = e;
            log_err(LOG_WARN, "the contract's prices are not known", &e);
        }
        reply_all(p);
    }
    pthread_mutex_unlock(&p->mutex);
    return NULL;
}

bool prices_new(struct prices **out, const char *rpc_urls, const char *contract, struct err *e) {
    struct prices *p = xcalloc(1, sizeof *p);
    pthread_mutex_init(&p->mutex, NULL);
    cond_init(&p->asked);
    if (rpc_urls && contract) {
        p->contract = xstrdup(contract);
        if (!rpc_new(&p->rpc, rpc_urls, e)) {
            prices_free(p);
            return false;
        }
        rpc_set_cancel(p->rpc, &p->cancel);
        p->runs = pthread_create(&p->thread, NULL, ask_for_all, p) == 0;
        if (!p->runs) {
            prices_free(p);
            return err_set(e, ERR_INTERNAL, "cannot start a thread");
        }
    }
    *out = p;
    return true;
}

static bool can_wait(const struct prices *p, struct err *e) {
    if (!p->rpc) {
        err_set(e, ERR_UNAVAILABLE, "no contract is configured");
        return err_hint(e, "set NEAR_RPC_URL and OFFCHAINVM_CONTRACT_ID");
    }
    if (p->stop)
        return err_set(e, ERR_UNAVAILABLE, "the coordinator is stopping");
    return p->count < PRICES_WAITING_MAX || err_set(e, ERR_UNAVAILABLE, "too many wait for the chain's answer");
}

static void reply_until(struct prices *p, struct http_request *r, uint64_t most_ms) {
    struct err e;
    uint64_t now = clock_mono_ms();
    pthread_mutex_lock(&p->mutex);
    if (now < p->until_ms && now - p->asked_ms < most_ms) {
        reply(r, p->text, &p->error);
    } else if (!can_wait(p, &e)) {
        http_reply_err(r, &e);
    } else {
        p->waiting[p->count++] = r;
        pthread_cond_signal(&p->asked);
    }
    pthread_mutex_unlock(&p->mutex);
}

void prices_reply(struct prices *p, struct http_request *r) { reply_until(p, r, PRICES_KEPT_MS); }
void prices_refresh(struct prices *p, struct http_request *r) { reply_until(p, r, PRICES_REFRESH_MS); }

void prices_stop(struct prices *p) {
    pthread_mutex_lock(&p->mutex);
    p->stop = true;
    atomic_store(&p->cancel, true);
    pthread_cond_signal(&p->asked);
    pthread_mutex_unlock(&p->mutex);
    if (p->runs)
        pthread_join(p->thread, NULL);
    p->runs = false;
    pthread_mutex_lock(&p->mutex);
    struct err e;
    err_set(&e, ERR_UNAVAILABLE, "the coordinator is stopping");
    for (size_t i = 0; i < p->count; i++)
        http_reply_err(p->waiting[i], &e);
    p->count = 0;
    pthread_mutex_unlock(&p->mutex);
}

void prices_free(struct prices *p) {
    if (!p)
        return;
    prices_stop(p);
    if (p->rpc)
        rpc_free(p->rpc);
    pthread_mutex_destroy(&p->mutex);
    pthread_cond_destroy(&p->asked);
    free(p->contract);
    free(p->text);
    free(p);
}
