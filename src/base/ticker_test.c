// SPDX-License-Identifier: Apache-2.0
#include "base/ticker.h"

#include "base/sync.h"
#include "base/test.h"

struct world {
    struct ticker *ticker;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    unsigned ticks;
    uint64_t rest_ms; // of each tick
    bool rests, was_cut_short;
};

static void tick(void *ctx) {
    struct world *w = ctx;
    pthread_mutex_lock(&w->mutex);
    w->ticks++;
    w->rests = true;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->mutex);
    bool whole = ticker_rest(w->ticker, w->rest_ms);
    pthread_mutex_lock(&w->mutex);
    w->was_cut_short |= !whole;
    w->rests = false;
    pthread_mutex_unlock(&w->mutex);
}

static void start(struct world *w, uint64_t every_ms, uint64_t rest_ms) {
    struct err e;
    *w = (struct world){.rest_ms = rest_ms};
    pthread_mutex_init(&w->mutex, NULL);
    cond_init(&w->changed);
    assert_ok(ticker_start(&w->ticker, every_ms, tick, w, &e), &e);
}

static void wait_for_ticks(struct world *w, unsigned count) {
    pthread_mutex_lock(&w->mutex);
    while (w->ticks < count)
        pthread_cond_wait(&w->changed, &w->mutex);
    pthread_mutex_unlock(&w->mutex);
}

static void stop(struct world *w) {
    ticker_stop(w->ticker);
    assert_false(w->rests); // a tick that is under way has returned
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->mutex);
}

// If this fails, what is to be done again and again is done once, or a program does not end before a long pause is
// over.
static void it_goes_on_until_it_is_stopped(void **state) {
    (void)state;
    struct world w;
    start(&w, 1, 0);
    wait_for_ticks(&w, 3);
    stop(&w);
    start(&w, 3600000, 0);
    wait_for_ticks(&w, 1);
    stop(&w);
    assert_int_equal(w.ticks, 1);
}

// If this fails, a program does not end while a long tick rests, or the tick goes on as if nothing had been said.
static void a_rest_ends_with_it(void **state) {
    (void)state;
    struct world w;
    start(&w, 1, 3600000);
    wait_for_ticks(&w, 1);
    stop(&w);
    assert_true(w.was_cut_short);
    ticker_stop(NULL);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(it_goes_on_until_it_is_stopped),
                                          cmocka_unit_test(a_rest_ends_with_it)};
RUN_TESTS(tests)
