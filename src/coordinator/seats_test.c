// SPDX-License-Identifier: Apache-2.0
#include "base/test.h"
#include "coordinator/seats.h"

struct world {
    struct seats *seats;
    struct seat got[1024];
    size_t count;
};

static enum err_code enter(struct world *w, const char *name) {
    struct err e;
    if (!seats_enter(w->seats, name, &w->got[w->count], &e))
        return e.code;
    w->count++;
    return 0;
}

static void end(struct world *w) {
    assert_int_equal(seats_taken(w->seats), w->count);
    while (w->count)
        seats_leave(w->seats, &w->got[--w->count]);
    assert_int_equal(seats_taken(w->seats), 0);
    seats_free(w->seats);
}

// If this fails, one visitor takes all places, and everybody else's page asks again and again instead of waiting.
static void a_share_each(void **state) {
    (void)state;
    struct world w = {.seats = seats_new(1000)};
    for (int i = 0; i < SEATS_OF_ONE; i++)
        assert_int_equal(enter(&w, "192.0.2.1"), 0);
    assert_int_equal(enter(&w, "192.0.2.1"), ERR_TOO_MANY);
    assert_int_equal(enter(&w, "192.0.2.2"), 0);
    assert_int_equal(enter(&w, NULL), 0);
    seats_leave(w.seats, &w.got[0]);
    w.got[0] = w.got[--w.count];
    assert_int_equal(enter(&w, "192.0.2.1"), 0);
    assert_int_equal(enter(&w, "192.0.2.1"), ERR_TOO_MANY);
    end(&w);
}

// If this fails, whoever rents a machine with 65,536 networks takes all places.
static void a_share_of_a_wide_network(void **state) {
    (void)state;
    struct world w = {.seats = seats_new(1000)};
    struct client_rules none = {0};
    char name[CLIENT_MAX], peer[64];
    unsigned took = 0;
    for (unsigned i = 0; i < 2 * SEATS_OF_WIDE; i++) {
        snprintf(peer, sizeof peer, "2001:db8:1:%x::1", i);
        client_name(&none, peer, NULL, name);
        took += enter(&w, name) == 0;
    }
    assert_int_equal(took, SEATS_OF_WIDE);
    end(&w);
}

// If this fails, strangers keep the operator's own pages from being told, or take the connections that workers need.
static void some_are_kept(void **state) {
    (void)state;
    struct world w = {.seats = seats_new(1000)};
    char name[CLIENT_MAX];
    seats_lower(w.seats, 80);
    seats_lower(w.seats, 90); // it was fewer
    for (unsigned i = 0; i < 70; i++) {
        snprintf(name, sizeof name, "192.0.2.%u", i);
        assert_int_equal(enter(&w, name), 0);
    }
    assert_int_equal(enter(&w, "198.51.100.1"), ERR_UNAVAILABLE);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(enter(&w, NULL), 0);
    assert_int_equal(enter(&w, NULL), ERR_UNAVAILABLE);
    end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_share_each), cmocka_unit_test(a_share_of_a_wide_network),
                                       cmocka_unit_test(some_are_kept)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
