// SPDX-License-Identifier: Apache-2.0
// What comes over the wire from a box is a stranger's: its shape, and every descriptor.
#include "sandbox/wire.h"

#include "base/clock.h"
#include "base/test.h"
#include <dirent.h>
#include <pthread.h>
#include <sys/socket.h>

static int pair[2];
static struct wire w;

static int set_up(void **state) {
    (void)state;
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
}

static int tear_down(void **state) {
    (void)state;
    close(pair[0]), close(pair[1]);
    return 0;
}

static size_t open_descriptors(void) {
    size_t n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

// As whoever has the other end may: any bytes with any number of descriptors.
static void send_raw(const void *bytes, size_t len, size_t fds) {
    struct iovec iov = {(void *)(uintptr_t)bytes, len};
    union {
        char bytes[CMSG_SPACE(16 * sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
    if (fds) {
        m.msg_control = control.bytes, m.msg_controllen = CMSG_SPACE(fds * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_RIGHTS, c->cmsg_len = CMSG_LEN(fds * sizeof(int));
        for (size_t i = 0; i < fds; i++)
            memcpy(CMSG_DATA(c) + i * sizeof(int), &(int){0}, sizeof(int));
    }
    assert_int_equal(sendmsg(pair[1], &m, 0), len);
}

// If this fails, each answer of a box can leave descriptors open in the worker, until it has none.
static void descriptors_are_counted(void **state) {
    (void)state;
    for (size_t most = 0; most <= 1; most++) {
        for (size_t fds = 0; fds <= 16; fds++) {
            struct wire_fds got = {.count = 99};
            struct err e = {0};
            size_t before = open_descriptors();
            wire_init(&w, WIRE_READ);
            send_raw(&w, offsetof(struct wire, text), fds);
            bool ok = wire_receive(pair[0], &w, most ? &got : NULL, most, &e);
            if (ok != (fds <= most) || (!ok && e.code != ERR_CORRUPT))
                fail_msg("%zu descriptors where %zu are expected: %d %s", fds, most, ok, e.msg);
            if (most)
                wire_close(&got);
            assert_int_equal(open_descriptors(), before);
        }
    }
}

static void messages_are_whole_or_refused(void **state) {
    (void)state;
    struct err e = {0};
    struct wire_fds got;
    size_t before = open_descriptors(), head = offsetof(struct wire, text);
    wire_init(&w, WIRE_READ);
    assert_true(wire_add(&w, "text"));
    const size_t lengths[] = {1, head - 1, head, head + 4, head + 6, sizeof w};
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        send_raw(&w, lengths[i], 1);
        assert_err(wire_receive(pair[0], &w, &got, 1, &e), &e, ERR_CORRUPT, "malformed");
        wire_init(&w, WIRE_READ);
        assert_true(wire_add(&w, "text"));
    }
    w.text_len = UINT32_MAX;
    send_raw(&w, head + 5, 0);
    assert_err(wire_receive(pair[0], &w, &got, 1, &e), &e, ERR_CORRUPT, "malformed");
    w.text_len = 5, w.failed = 12345; // a failure that does not exist
    send_raw(&w, head + 5, 0);
    assert_ok(wire_receive(pair[0], &w, &got, 1, &e), &e);
    assert_err(wire_succeeded(&w, &e), &e, ERR_IO, "text");
    close(pair[1]);
    assert_err(wire_receive(pair[0], &w, &got, 1, &e), &e, ERR_UNAVAILABLE, "has ended");
    pair[1] = dup(pair[0]);
    assert_int_equal(open_descriptors(), before);
}

static void *set_later(void *arg) {
    atomic_store((atomic_bool *)arg, true);
    return NULL;
}

// If this fails, a box that does not answer holds a thread for ever; one that does not read, too.
static void waiting_has_an_end(void **state) {
    (void)state;
    struct err e = {0};
    pthread_t setter;
    atomic_bool cancel = false;
    uint64_t start = clock_mono_ms();
    assert_err(wire_wait(pair[0], start + 300, &cancel, &e), &e, ERR_TIMEOUT, "does not answer");
    assert_true(clock_mono_ms() - start >= 300);
    assert_int_equal(pthread_create(&setter, NULL, set_later, &cancel), 0);
    assert_err(wire_wait(pair[0], start + 60000, &cancel, &e), &e, ERR_UNAVAILABLE, "was cancelled");
    pthread_join(setter, NULL);
    wire_init(&w, WIRE_READ);
    bool sent = true;
    for (int i = 0; i < 100000 && sent; i++)
        sent = wire_send(pair[0], &w, NULL, &e);
    assert_false(sent);
    assert_int_equal(e.code, ERR_UNAVAILABLE);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(descriptors_are_counted, set_up, tear_down),
    cmocka_unit_test_setup_teardown(messages_are_whole_or_refused, set_up, tear_down),
    cmocka_unit_test_setup_teardown(waiting_has_an_end, set_up, tear_down),
};
RUN_TESTS(tests)
