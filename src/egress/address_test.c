// SPDX-License-Identifier: Apache-2.0
#include "egress/address.h"

#include "base/test.h"
#include <arpa/inet.h>
#include <netinet/in.h>

static struct address parsed(const char *text) {
    struct address a;
    if (!address_parse(&a, text))
        fail_msg("%s is no address", text);
    return a;
}

static bool is_public(const char *text) { return address_is_public(parsed(text)); }

// If this fails, strangers reach the worker's own network, or nothing at all.
static void test_addresses(void **state) {
    (void)state;
    static const char *const open[] = {"1.1.1.1",         "8.8.8.8",          "140.82.121.3",   "172.15.255.255",
                                       "172.32.0.1",      "192.167.255.255",  "100.63.255.255", "100.128.0.1",
                                       "223.255.255.255", "2606:4700::1111",  "2a00:1450::1",   "2001:4860:4860::8888",
                                       "::ffff:8.8.8.8",  "64:ff9b::808:808", "2002:808:808::1"};
    static const char *const closed[] = {"0.0.0.0",
                                         "0.1.2.3",
                                         "10.0.0.1",
                                         "100.64.0.1",
                                         "127.0.0.1",
                                         "127.255.255.254",
                                         "169.254.169.254",
                                         "172.16.0.1",
                                         "172.31.255.255",
                                         "192.0.0.1",
                                         "192.0.2.1",
                                         "192.88.99.1",
                                         "192.168.1.1",
                                         "198.18.0.1",
                                         "198.19.255.255",
                                         "198.51.100.1",
                                         "203.0.113.80",
                                         "224.0.0.1",
                                         "240.0.0.1",
                                         "255.255.255.255",
                                         "::",
                                         "::1",
                                         "fe80::1",
                                         "fc00::1",
                                         "fd12::1",
                                         "ff02::1",
                                         "2001:db8::1",
                                         "2001::1",
                                         "2001:10::1",
                                         "3fff::1",
                                         "::ffff:127.0.0.1",
                                         "::ffff:10.0.0.1",
                                         "64:ff9b::a00:1",
                                         "64:ff9b:1::a00:1",
                                         "2002:a00:1::1",
                                         "2002:7f00:1::",
                                         "100::1",
                                         "5f00::1",
                                         "::7f00:1"};
    for (size_t i = 0; i < ARRAY_LEN(open); i++)
        if (!is_public(open[i]))
            fail_msg("%s was refused", open[i]);
    for (size_t i = 0; i < ARRAY_LEN(closed); i++)
        if (is_public(closed[i]))
            fail_msg("%s was let through", closed[i]);
    struct sockaddr local = {.sa_family = AF_UNIX};
    struct address a;
    assert_false(address_from_socket(&a, &local, sizeof local));
}

// If this fails, a guest in a cloud reads the credentials of the machine that runs it.
static void test_metadata(void **state) {
    (void)state;
    static const char *const closed[] = {"169.254.169.254",    "168.63.129.16",    "::ffff:168.63.129.16",
                                         "64:ff9b::a83f:8110", "2002:a83f:8110::", "fd00:ec2::254",
                                         "100.100.100.200"};
    for (size_t i = 0; i < ARRAY_LEN(closed); i++)
        if (!address_is_metadata(parsed(closed[i])))
            fail_msg("%s counts as a stranger's", closed[i]);
    assert_false(address_is_metadata(parsed("168.63.129.17")));
    assert_true(address_is_public(parsed("168.63.129.16"))); // so the table is what refuses it
}

static void test_forms(void **state) {
    (void)state;
    char text[ADDRESS_TEXT_MAX];
    struct address a;
    struct sockaddr_storage s;
    assert_string_equal(address_text(parsed("1.2.3.4"), text), "1.2.3.4");
    assert_string_equal(address_text(parsed("::ffff:1.2.3.4"), text), "1.2.3.4");
    assert_string_equal(address_text(parsed("[2001:db8::1]"), text), "[2001:db8::1]");
    static const char *const wrong[] = {"",     "1.2.3",  "1.2.3.4.5", "[1.2.3.4", "example.org",
                                        "[::1", "0x7f.1", "::1%lo"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_false(address_parse(&a, wrong[i]));
    assert_int_equal(address_to_socket(parsed("1.2.3.4"), 80, &s), sizeof(struct sockaddr_in));
    assert_true(address_from_socket(&a, (const void *)&s, sizeof s) && address_eq(a, parsed("1.2.3.4")));
    assert_int_equal(address_to_socket(parsed("2001:db8::1"), 80, &s), sizeof(struct sockaddr_in6));
    assert_true(address_from_socket(&a, (const void *)&s, sizeof s) && address_eq(a, parsed("2001:db8::1")));
    assert_true(address_in(parsed("10.1.2.3"), parsed("10.1.0.0"), 96 + 16));
    assert_false(address_in(parsed("10.2.2.3"), parsed("10.1.0.0"), 96 + 15 + 1));
    assert_true(address_in(parsed("10.1.2.3"), parsed("10.0.0.0"), 96 + 15));
    assert_true(address_in(parsed("fd00::1"), parsed("::"), 0));
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_addresses), cmocka_unit_test(test_metadata),
                                          cmocka_unit_test(test_forms)};
RUN_TESTS(tests)
