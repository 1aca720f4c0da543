// SPDX-License-Identifier: Apache-2.0
#include "base/test.h"
#include "http/client_address.h"

// If this fails, a stranger chooses whom its questions are counted for, or everybody behind a proxy counts as one.
static void who_asks(void **state) {
    (void)state;
    static const struct {
        const char *proxies, *peer, *forwarded, *want;
    } table[] = {
        {NULL, "192.0.2.1", NULL, "192.0.2.1"},
        {NULL, "192.0.2.1", "198.51.100.7", "192.0.2.1"},
        {"10.0.0.1", "192.0.2.1", "198.51.100.7", "192.0.2.1"},
        {"10.0.0.1", "10.0.0.1", "198.51.100.7", "198.51.100.7"},
        {"10.0.0.1", "::ffff:10.0.0.1", "198.51.100.7", "198.51.100.7"},
        {"10.0.0.1", "10.0.0.1", NULL, "10.0.0.1"},
        {"10.0.0.1", "10.0.0.1", "", "10.0.0.1"},
        {"10.0.0.1", "10.0.0.1", "203.0.113.9, 198.51.100.7", "198.51.100.7"}, // only the last was written by the proxy
        {"10.0.0.1,10.0.0.2", "10.0.0.1", "203.0.113.9, 198.51.100.7, 10.0.0.2", "198.51.100.7"},
        {"10.0.0.1,10.0.0.2", "10.0.0.1", "10.0.0.2", "10.0.0.2"},
        {"10.0.0.1", "10.0.0.1", "203.0.113.9, nonsense", "10.0.0.1"},
        {"10.0.0.1", "10.0.0.1", "198.51.100.7:5000", "198.51.100.7"},
        {"::1", "::1", "[2001:db8:1:2:3:4:5:6]:443", "2001:db8:1:2::/64"},
        {NULL, "2001:db8:1:2:ffff:4:5:6", NULL, "2001:db8:1:2::/64"},
        {NULL, "fe80::1%eth0", NULL, "fe80::/64"},
        {NULL, "", NULL, "?"},
        {NULL, "1.2.3", NULL, "?"},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct client_rules rules;
        struct err e = {0};
        char name[CLIENT_MAX];
        assert_ok(client_rules_parse(&rules, table[i].proxies, &e), &e);
        client_name(&rules, table[i].peer, table[i].forwarded, name);
        if (strcmp(name, table[i].want) != 0)
            fail_msg("%s, %s: got %s, want %s", table[i].peer, table[i].forwarded, name, table[i].want);
    }
}

static void bad_lists(void **state) {
    (void)state;
    static const char *const bad[] = {"x", "1.2.3.4,", "1.2.3.4,,::1", "10.0.0.0/8",
                                      "::1,::1,::1,::1,::1,::1,::1,::1,::1,::1,::1,::1,::1,::1,::1,::1,::1"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct client_rules rules;
        struct err e = {0};
        if (i == 1) // a comma at the end adds nothing
            assert_ok(client_rules_parse(&rules, bad[i], &e), &e);
        else
            assert_err(client_rules_parse(&rules, bad[i], &e), &e, ERR_SETTINGS, "TRUSTED_PROXIES");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(who_asks), cmocka_unit_test(bad_lists)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
