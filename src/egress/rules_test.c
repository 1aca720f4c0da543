// SPDX-License-Identifier: Apache-2.0
#include "egress/rules.h"

#include "base/test.h"

static struct egress_rules *rules(const char *allow, const char *ports) {
    struct egress_rules *r;
    struct err e;
    assert_ok(egress_rules_new(&r, allow, ports, &e), &e);
    return r;
}

static bool may(const struct egress_rules *r, enum egress_kind kind, const char *name, const char *ip, uint16_t port) {
    struct address a;
    assert_true(address_parse(&a, ip));
    return egress_rules_port(r, kind, name, port) && egress_rules_judge(r, kind, name, a, port, false);
}

// If this fails, a guest sends mail, speaks SSH or DNS, or reaches what stands beside the worker.
static void test_guests(void **state) {
    (void)state;
    struct egress_rules *r = rules(NULL, NULL);
    static const uint16_t open[] = {80, 443, 1024, 8443, 65535}, closed[] = {1, 22, 25, 53, 79, 81, 465, 587, 1023};
    for (size_t i = 0; i < ARRAY_LEN(open); i++)
        assert_true(may(r, EGRESS_GUEST, "x.org", "8.8.8.8", open[i]));
    for (size_t i = 0; i < ARRAY_LEN(closed); i++)
        assert_false(may(r, EGRESS_GUEST, "x.org", "8.8.8.8", closed[i]));
    assert_false(may(r, EGRESS_GUEST, "x.org", "127.0.0.1", 443));
    assert_false(may(r, EGRESS_GUEST, "x.org", "168.63.129.16", 80));
    struct address near;
    assert_true(address_parse(&near, "93.184.216.34"));
    assert_true(egress_rules_judge(r, EGRESS_GUEST, "x", near, 443, false));
    assert_false(egress_rules_judge(r, EGRESS_GUEST, "x", near, 443, true));
    egress_rules_free(r);
    r = rules(NULL, "25,2000-3000");
    assert_true(may(r, EGRESS_GUEST, "x.org", "8.8.8.8", 25) && may(r, EGRESS_GUEST, "x.org", "8.8.8.8", 2500));
    assert_false(may(r, EGRESS_GUEST, "x.org", "8.8.8.8", 443));
    egress_rules_free(r);
}

// A fetch has https alone, and the registry wherever its mirror stands.
static void test_fetches(void **state) {
    (void)state;
    struct egress_rules *r = rules("git.lan:8443", NULL);
    assert_true(may(r, EGRESS_FETCH, "x.org", "8.8.8.8", 443));
    assert_false(may(r, EGRESS_FETCH, "x.org", "8.8.8.8", 80));
    assert_false(may(r, EGRESS_FETCH, "x.org", "10.0.0.1", 443));
    assert_true(may(r, EGRESS_FETCH, "Index.Crates.io.", "10.0.0.1", 443));
    assert_false(may(r, EGRESS_FETCH, "index.crates.io", "10.0.0.1", 80));
    assert_false(may(r, EGRESS_GUEST, "index.crates.io", "10.0.0.1", 443));
    assert_true(may(r, EGRESS_FETCH, "git.lan", "10.0.0.1", 8443));
    egress_rules_free(r);
}

// An exception is what it says, not a prefix of it.
static void test_exceptions(void **state) {
    (void)state;
    struct egress_rules *r = rules(
        " 127.0.0.1:8080, [::1]:80,10.0.0.0/8:25 ,[fd00::]/8:443,api.lan:9,0.0.0.0/0:80,169.254.169.254:81", NULL);
    static const struct {
        const char *name, *ip;
        uint16_t port;
        bool may;
    } cases[] = {
        {"127.0.0.1", "127.0.0.1", 8080, true},
        {"127.0.0.1", "127.0.0.1", 808, false},
        {"127.0.0.1", "127.0.0.1", 443, false},
        {"[::1]", "::1", 80, true},
        {"[::1]", "::1", 8080, false},
        {"x", "10.255.0.1", 25, true},
        {"x", "11.0.0.1", 25, false},
        {"x", "fdff::1", 443, true},
        {"x", "fe00::1", 443, false},
        {"api.lan", "192.168.7.7", 9, true},
        {"API.LAN.", "192.168.7.7", 9, true},
        {"api.lan.org", "192.168.7.7", 9, false},
        {"x.api.lan", "192.168.7.7", 9, false},
        {"x", "192.168.1.1", 80, true},
        {"x", "169.254.169.254", 80, false},
        {"x", "169.254.169.254", 81, true},
        {"x", "::1", 443, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (may(r, EGRESS_GUEST, cases[i].name, cases[i].ip, cases[i].port) != cases[i].may)
            fail_msg("%s at %s, port %u", cases[i].name, cases[i].ip, cases[i].port);
    egress_rules_free(r);
}

// What cannot be read is refused with its own words, however far back it stands.
static void test_refusals(void **state) {
    (void)state;
    static const char *const wrong[] = {"x",         "x:",       "x:0",           "x:65536",    "x:http",
                                        ":80",       "1.2.3:80", "1.2.3.4/33:80", "fd00::1:80", "[fd00::]/129:80",
                                        "a b:80",    "-x:80",    "1.2.3.4/:80",   "[::1]80",    "x:80 y:80",
                                        "10.0.0.0/8"};
    struct egress_rules *r;
    struct err e;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        char list[4096];
        size_t n = 0;
        while (n < 2000)
            n += (size_t)snprintf(list + n, sizeof list - n, "10.0.0.1:1,");
        snprintf(list + n, sizeof list - n, "%s", wrong[i]);
        assert_err(egress_rules_new(&r, list, NULL, &e), &e, ERR_SETTINGS, "EGRESS_ALLOW: '");
        if (!strstr(e.msg, wrong[i]))
            fail_msg("'%s' is not named: %s", wrong[i], e.msg);
    }
    assert_err(egress_rules_new(&r, NULL, "80,x", &e), &e, ERR_SETTINGS, "'x' is no port");
    assert_err(egress_rules_new(&r, NULL, "90-80", &e), &e, ERR_SETTINGS, "EGRESS_PORTS: '90-80'");
}

// A list of any length that a person would write is taken whole: the last entry counts like the first.
static void test_long_list(void **state) {
    (void)state;
    static char list[1000 * 24];
    size_t n = 0;
    for (unsigned i = 0; i < 1000; i++)
        n += (size_t)snprintf(list + n, sizeof list - n, "%shost%u.lan:443", i ? "," : "", i);
    struct egress_rules *r = rules(list, NULL);
    assert_true(may(r, EGRESS_GUEST, "host0.lan", "10.0.0.1", 443));
    assert_true(may(r, EGRESS_GUEST, "host999.lan", "10.0.0.1", 443));
    egress_rules_free(r);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_guests), cmocka_unit_test(test_fetches),
                                          cmocka_unit_test(test_exceptions), cmocka_unit_test(test_refusals),
                                          cmocka_unit_test(test_long_list)};
RUN_TESTS(tests)
