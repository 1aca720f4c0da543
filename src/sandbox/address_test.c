// SPDX-License-Identifier: Apache-2.0
#include "sandbox/address.h"

#include "base/test.h"
#include <arpa/inet.h>
#include <netinet/in.h>

static bool is_public(const char *text) {
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
        return address_is_public((struct sockaddr *)&in, sizeof in);
    assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
    return address_is_public((struct sockaddr *)&in6, sizeof in6);
}

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
    assert_false(address_is_public(&local, sizeof local));
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_addresses)};
RUN_TESTS(tests)
