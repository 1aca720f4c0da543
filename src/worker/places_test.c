// SPDX-License-Identifier: Apache-2.0
#include "worker/places.h"

#include "base/test.h"
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#define HANG_MS 60000 // what comes by itself has come long before, however busy the machine is

struct visitor {
    struct places *places;
    atomic_int state; // 1 entered, 2 turned away
    bool ahead;
};

static void *enter(void *ctx) {
    struct visitor *v = ctx;
    atomic_store(&v->state, places_enter(v->places, &v->ahead) ? 1 : 2);
    return NULL;
}

static bool comes(struct visitor *v, int state, unsigned ms) {
    for (unsigned i = 0; i < ms && atomic_load(&v->state) != state; i++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL); // another thread's step: nothing here tells of it
    return atomic_load(&v->state) == state;
}

// If this fails, what waits stops what could run, or a worker takes on more than it may.
static void test_parking(void **state) {
    (void)state;
    struct places *p = places_new(1, 2, PLACES_FLOW_MS);
    struct visitor v[3] = {{.places = p}, {.places = p}, {.places = p}};
    pthread_t t[3];
    bool ahead;
    assert_true(places_enter(p, &ahead));
    assert_int_equal(pthread_create(&t[0], NULL, enter, &v[0]), 0);
    assert_false(comes(&v[0], 1, 50)); // one works
    assert_true(places_park(p));
    assert_true(comes(&v[0], 1, HANG_MS)); // it waits: another one works
    places_return(p);                      // at once, though the place is taken
    assert_true(places_park(p));
    assert_true(places_park(p)); // both wait
    assert_int_equal(pthread_create(&t[1], NULL, enter, &v[1]), 0);
    assert_true(comes(&v[1], 1, HANG_MS));
    assert_false(places_park(p)); // no room for a third one, which works on or gives its lease back
    assert_int_equal(places_parked(p), 2);
    assert_int_equal(pthread_create(&t[2], NULL, enter, &v[2]), 0);
    assert_false(comes(&v[2], 1, 50));
    places_leave(p, 5000); // what is parked stops nobody
    assert_true(comes(&v[2], 1, HANG_MS));
    places_return(p);
    assert_true(places_park(p)); // there is room again
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    places_stop(p);
    assert_false(places_enter(p, &ahead));
    places_free(p);
}

// If this fails, a place is idle while its next lease is made ready, or leases wait here behind what is slow that
// another worker could do.
static void test_ahead(void **state) {
    (void)state;
    struct places *p = places_new(1, 3, HANG_MS);
    struct visitor v = {.places = p};
    pthread_t t;
    bool ahead;
    assert_true(places_enter(p, &ahead));
    assert_false(ahead);
    places_leave(p, PLACES_QUICK_MS);
    assert_true(places_enter(p, &ahead));
    assert_false(ahead);
    assert_true(places_enter(p, &ahead)); // the last one was quick
    assert_true(ahead);
    assert_int_equal(pthread_create(&t, NULL, enter, &v), 0);
    assert_false(comes(&v, 1, 50)); // as many again, no more
    places_leave(p, UINT64_MAX);    // there was no lease: nothing is known from that
    assert_true(comes(&v, 1, HANG_MS));
    assert_true(v.ahead);
    pthread_join(t, NULL);
    v.state = 0;
    places_leave(p, PLACES_QUICK_MS + 1);
    assert_int_equal(pthread_create(&t, NULL, enter, &v), 0);
    assert_false(comes(&v, 1, 50)); // the last one was slow
    places_leave(p, UINT64_MAX);
    assert_true(comes(&v, 1, HANG_MS));
    assert_false(v.ahead);
    pthread_join(t, NULL);
    places_stop(p);
    places_free(p);
}

// If this fails, a worker that was busy once takes leases ahead for ever.
static void test_flow_ends(void **state) {
    (void)state;
    struct places *p = places_new(1, 3, 1);
    struct visitor v = {.places = p};
    pthread_t t;
    bool ahead;
    assert_true(places_enter(p, &ahead));
    places_leave(p, 0);
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL); // time is what it is about
    assert_true(places_enter(p, &ahead));
    assert_int_equal(pthread_create(&t, NULL, enter, &v), 0);
    assert_false(comes(&v, 1, 50)); // the last quick one is long ago
    places_stop(p);
    assert_true(comes(&v, 2, HANG_MS));
    pthread_join(t, NULL);
    places_free(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_parking), cmocka_unit_test(test_ahead),
                                       cmocka_unit_test(test_flow_ends)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
