// SPDX-License-Identifier: Apache-2.0
#include "executor/egress.h"

#include "base/test.h"
#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>

// In the executor the linker puts libc's connect() behind __real_connect; here it is a fake that notes the call.
int __real_connect(int fd, const struct sockaddr *address, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t len);
static int connected;
int __real_connect(int fd, const struct sockaddr *address, socklen_t len) {
    (void)fd, (void)address, (void)len;
    connected++;
    return 0;
}

static bool may(const char *ip, uint16_t port) {
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    bool is_v4 = inet_pton(AF_INET, ip, &v4.sin_addr) == 1;
    assert_true(is_v4 || inet_pton(AF_INET6, ip, &v6.sin6_addr) == 1);
    int before = connected;
    errno = 0;
    int rc =
        is_v4 ? __wrap_connect(-1, (const void *)&v4, sizeof v4) : __wrap_connect(-1, (const void *)&v6, sizeof v6);
    assert_int_equal(rc, connected > before ? 0 : -1);
    assert_int_equal(errno, connected > before ? 0 : ECONNREFUSED);
    return connected > before;
}

// If this fails, a guest reaches what stands beside the worker: its loopback, its network, a cloud's metadata service.
static void test_only_public(void **state) {
    (void)state;
    static const char *const refused[] = {"127.0.0.1",
                                          "127.8.9.1",
                                          "10.0.0.1",
                                          "172.16.0.1",
                                          "192.168.1.1",
                                          "169.254.169.254",
                                          "100.64.0.1",
                                          "0.0.0.0",
                                          "224.0.0.1",
                                          "255.255.255.255",
                                          "::1",
                                          "::",
                                          "fe80::1",
                                          "fc00::1",
                                          "::ffff:127.0.0.1",
                                          "::ffff:10.0.0.1",
                                          "64:ff9b::7f00:1",
                                          "2002:7f00:1::",
                                          "ff02::1"};
    egress_allow(NULL);
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        if (may(refused[i], 443))
            fail_msg("%s was reached", refused[i]);
    assert_true(may("8.8.8.8", 443));
    assert_true(may("2606:4700:4700::1111", 443));
}

// An exception is one address and one port, not a prefix of either.
static void test_exceptions(void **state) {
    (void)state;
    egress_allow("127.0.0.1:8080,[::1]:80");
    assert_true(may("127.0.0.1", 8080));
    assert_true(may("::1", 80));
    assert_false(may("127.0.0.1", 808));
    assert_false(may("127.0.0.1", 80));
    assert_false(may("10.0.0.1", 8080));
    assert_false(may("::1", 8080));
    egress_allow(NULL);
    assert_false(may("127.0.0.1", 8080));
}

// Local sockets and unknown families are no way around.
static void test_other_families(void **state) {
    (void)state;
    struct sockaddr local = {.sa_family = AF_UNIX};
    int before = connected;
    assert_int_equal(__wrap_connect(-1, &local, sizeof local), -1);
    assert_int_equal(connected, before);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_only_public), cmocka_unit_test(test_exceptions),
                                       cmocka_unit_test(test_other_families)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
