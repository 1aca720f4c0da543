// SPDX-License-Identifier: Apache-2.0
#include "devnet/producer.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/sync.h"
#include "devnet/devnet.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>

#define USUAL_BLOCK_MS 600 // of NEAR, for a chain that makes blocks on demand

struct producer {
    struct devnet *net;
    struct producer_config config;
    void (*fatal)(void *ctx);
    void *fatal_ctx;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t woken;
    bool wake, stop, demand;
    uint64_t shift_ns; // as producer_config begins it; time that was skipped comes on top
};

// Until the time, a wake-up or the end. true: go on.
static bool rest(struct producer *p, uint64_t until_ms) {
    pthread_mutex_lock(&p->mutex);
    while (!p->wake && !p->stop && cond_wait_until(&p->woken, &p->mutex, until_ms))
        ;
    p->wake = false;
    bool on = !p->stop;
    pthread_mutex_unlock(&p->mutex);
    return on;
}

static bool make_block(struct producer *p) {
    struct err e;
    const struct chain_block *b;
    pthread_mutex_lock(&p->mutex);
    uint64_t now = clock_wall_ns() + p->shift_ns;
    p->demand = false;
    pthread_mutex_unlock(&p->mutex);
    if (!chain_produce_block(p->net->chain, now, &b, &e)) {
        log_err(LOG_ERROR, "no further block can be made", &e);
        p->fatal(p->fatal_ctx);
        return false;
    }
    if (b->tx_count || b->execution_count)
        log_debug("block %llu: %zu transactions, %zu receipts executed, %llu gas", (unsigned long long)b->height,
                  b->tx_count, b->execution_count, (unsigned long long)b->gas_used);
    chain_block_unref(b);
    return true;
}

// When the next block is due if nothing else happens.
static uint64_t due_ms(struct producer *p, uint64_t last_ms) {
    pthread_mutex_lock(&p->mutex);
    bool demand = p->demand;
    pthread_mutex_unlock(&p->mutex);
    if (demand)
        return 0;
    uint64_t ms = p->config.block_ms ? p->config.block_ms : p->config.idle_ms;
    if (!p->config.block_ms && chain_busy(p->net->chain))
        return 0;
    return ms ? last_ms + ms : UINT64_MAX;
}

static void *work(void *ctx) {
    struct producer *p = ctx;
    uint64_t last = clock_mono_ms(), deadline = UINT64_MAX;
    for (bool on = true; on;) {
        uint64_t due = due_ms(p, last), now = clock_mono_ms();
        bool make = due <= now;
        if (make) {
            if (!make_block(p))
                return NULL;
            // On time even when making the block took a while, without a burst after a long pause.
            last = now - due < p->config.block_ms ? due : now;
        }
        deadline = wait_look(p->net->waits, make);
        due = due_ms(p, last);
        uint64_t until = due < deadline ? due : deadline;
        on = rest(p, until);
    }
    return NULL;
}

bool producer_start(struct producer **out, struct devnet *net, const struct producer_config *config,
                    void (*fatal)(void *ctx), void *fatal_ctx, struct err *e) {
    struct producer *p = xcalloc(1, sizeof *p);
    p->net = net;
    p->config = *config;
    p->shift_ns = config->shift_ns;
    p->fatal = fatal;
    p->fatal_ctx = fatal_ctx;
    pthread_mutex_init(&p->mutex, NULL);
    cond_init(&p->woken);
    *out = p;
    if (pthread_create(&p->thread, NULL, work, p) == 0)
        return true;
    *out = NULL;
    free(p);
    return err_set(e, ERR_INTERNAL, "cannot start the thread that makes blocks");
}

void producer_stop(struct producer *p) {
    if (!p)
        return;
    pthread_mutex_lock(&p->mutex);
    p->stop = true;
    pthread_cond_signal(&p->woken);
    pthread_mutex_unlock(&p->mutex);
    pthread_join(p->thread, NULL);
}

void producer_free(struct producer *p) {
    if (!p)
        return;
    pthread_cond_destroy(&p->woken);
    pthread_mutex_destroy(&p->mutex);
    free(p);
}

void producer_wake(struct producer *p) {
    pthread_mutex_lock(&p->mutex);
    p->wake = true;
    pthread_cond_signal(&p->woken);
    pthread_mutex_unlock(&p->mutex);
}

void producer_demand(struct producer *p) {
    pthread_mutex_lock(&p->mutex);
    p->demand = true;
    pthread_cond_signal(&p->woken);
    p->wake = true;
    pthread_mutex_unlock(&p->mutex);
}

void producer_fast_forward(struct producer *p, uint64_t heights) {
    uint64_t block_ms = p->config.block_ms ? p->config.block_ms : USUAL_BLOCK_MS;
    pthread_mutex_lock(&p->mutex);
    p->shift_ns += heights * block_ms * 1000000;
    pthread_mutex_unlock(&p->mutex);
    chain_skip(p->net->chain, heights);
    producer_demand(p);
}
