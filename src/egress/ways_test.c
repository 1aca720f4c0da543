// SPDX-License-Identifier: Apache-2.0
#include "egress/ways.h"

#include "base/test.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/wait.h>

static bool near(struct ways *w, const char *text) {
    struct address a;
    assert_true(address_parse(&a, text));
    return ways_near(w, a);
}

// If this fails, a guest reaches this machine by one of its own addresses.
static void test_own(void **state) {
    (void)state;
    struct ways *w;
    struct err e;
    assert_ok(ways_new(&w, &e), &e);
    assert_true(near(w, "127.0.0.1"));
    assert_true(near(w, "::ffff:127.0.0.1"));
    assert_true(near(w, "64:ff9b::7f00:1"));
    assert_false(near(w, "198.51.100.77"));
    ways_free(w);
}

static int run(const char *command) {
    int rc = system(command);
    return rc;
}

// In a network namespace of its own: networks come and go while the same `ways` looks.
static int in_namespace(void) {
    struct ways *w;
    struct err e;
    if (unshare(CLONE_NEWNET) != 0)
        return 77;
    if (!ways_new(&w, &e) || ways_out(w))
        return 1;
    if (near(w, "93.184.216.9") || near(w, "2600::1"))
        return 2;
    if (run("ip link set lo up && ip link add ve0 type veth peer name ve1 && ip addr add 93.184.216.2/24 dev ve0 && "
            "ip addr add 2600::2/64 dev ve0 nodad && ip link set ve0 up && ip link set ve1 up && "
            "ip addr add 94.1.1.1 peer 94.1.1.2 dev ve1 && ip route add 95.0.0.0/16 dev ve0 && "
            "ip route add 96.0.0.0/16 via 93.184.216.1 && ip route add local 97.0.0.0/24 dev lo") != 0)
        return 77;
    struct pollfd f = {ways_fd(w), POLLIN, 0};
    if (poll(&f, 1, 60000) != 1)
        return 3;
    ways_changed(w);
    static const char *const neighbours[] = {"93.184.216.2", "93.184.216.9",     "93.184.216.255", "2600::2",
                                             "2600::99",     "94.1.1.1",         "94.1.1.2",       "95.0.200.1",
                                             "97.0.0.7",     "2002:5db8:d809::1"};
    static const char *const strangers[] = {"93.184.217.1", "2600:0:0:1::1", "94.1.1.3", "96.0.0.1", "8.8.8.8"};
    for (size_t i = 0; i < ARRAY_LEN(neighbours); i++)
        if (!near(w, neighbours[i]))
            return 10 + (int)i;
    for (size_t i = 0; i < ARRAY_LEN(strangers); i++)
        if (near(w, strangers[i]))
            return 30 + (int)i;
    if (ways_out(w) || run("ip route add default via 93.184.216.1") != 0)
        return 4;
    ways_changed(w);
    if (!ways_out(w) || near(w, "8.8.8.8"))
        return 5;
    if (run("ip route del default && ip route add default dev ve1") != 0)
        return 6;
    ways_changed(w); // a tunnel to the Internet is no neighbourhood
    if (!ways_out(w) || near(w, "8.8.8.8"))
        return 7;
    if (run("ip addr del 93.184.216.2/24 dev ve0") != 0)
        return 8;
    ways_changed(w);
    if (near(w, "93.184.216.9"))
        return 9;
    ways_free(w);
    return 0;
}

static void test_networks(void **state) {
    (void)state;
    pid_t pid = fork();
    if (pid == 0)
        _exit(in_namespace());
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        print_message("skip: a network namespace needs root\n");
        skip();
    }
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_own), cmocka_unit_test(test_networks)};
RUN_TESTS(tests)
