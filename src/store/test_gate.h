// SPDX-License-Identifier: Apache-2.0
// For tests: a gate at which other threads stand until the test opens it; the test can wait until one stands there.
#pragma once
#include "base/sync.h"
#include "base/test.h"

struct test_gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool open;
    size_t reached;
};

static inline void gate_init(struct test_gate *g) {
    *g = (struct test_gate){.lock = PTHREAD_MUTEX_INITIALIZER};
    cond_init(&g->changed);
}

static inline void gate_pass(struct test_gate *g) {
    pthread_mutex_lock(&g->lock);
    g->reached++;
    pthread_cond_broadcast(&g->changed);
    while (!g->open)
        cond_wait_until(&g->changed, &g->lock, NO_DEADLINE);
    pthread_mutex_unlock(&g->lock);
}

static inline void gate_await(struct test_gate *g) {
    uint64_t end = deadline_in(60000);
    pthread_mutex_lock(&g->lock);
    while (!g->reached)
        assert_true(cond_wait_until(&g->changed, &g->lock, end));
    pthread_mutex_unlock(&g->lock);
}

static inline void gate_open(struct test_gate *g) {
    pthread_mutex_lock(&g->lock);
    g->open = true;
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
}
