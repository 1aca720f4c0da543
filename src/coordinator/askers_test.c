// SPDX-License-Identifier: Apache-2.0
#include "base/test.h"
#include "coordinator/askers.h"

static bool ask(struct askers *a, const char *name) {
    struct err e;
    uint64_t retry_s;
    return askers_take(a, name, 1000, &retry_s, &e);
}

// Whoever rents one machine has 65,536 networks of 64 bits, and asks as often as that many visitors; or a customer of
// the same company is refused for it.
static void a_wide_network_has_its_share(void **state) {
    (void)state;
    struct shared *s;
    struct askers a;
    struct err e;
    char name[CLIENT_MAX];
    unsigned answered = 0;
    assert_ok(shared_open_local(&s, NULL, &e), &e);
    askers_init(&a, s, "test", "test of a network", 2, 60);
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "2001:db8:7:%x::/64", i);
        answered += ask(&a, name);
    }
    assert_int_equal(answered, 2 * ASKERS_WIDE);
    assert_true(ask(&a, "2001:db8:8:1::/64"));
    assert_true(ask(&a, "192.0.2.1") && ask(&a, "192.0.2.1"));
    assert_false(ask(&a, "192.0.2.1"));
    assert_true(ask(&a, "192.0.2.2"));
    askers_release(&a);
    askers_init(&a, s, "test", "test of a network", 2, 0);
    for (unsigned i = 0; i < 100; i++)
        assert_true(ask(&a, "192.0.2.1"));
    askers_release(&a);
    askers_init(&a, s, "test", "test of a network", 0, 5); // a sixth of five at once
    assert_true(ask(&a, "192.0.2.1"));
    assert_false(ask(&a, "192.0.2.1"));
    askers_release(&a);
    shared_free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_wide_network_has_its_share)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
