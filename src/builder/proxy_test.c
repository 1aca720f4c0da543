// SPDX-License-Identifier: Apache-2.0
#include "builder/proxy.h"

#include "base/clock.h"
#include "base/test.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define HELD_MAX 4096

// A client in the box, which connects to a socket of the test's first and does what that says.
struct client {
    struct sandbox *box;
    struct arena *arena;
    const char *script;
    struct sandbox_result result;
    pthread_t thread;
};

static void *run(void *ctx) {
    struct client *c = ctx;
    struct err e = {0};
    const char *const argv[] = {"/bin/bash", "-c", c->script, NULL}, *const env[] = {"PATH=/usr/bin:/bin", NULL};
    const struct sandbox_command command = {.argv = argv,
                                            .env = env,
                                            .network = true,
                                            .deadline_ms = clock_mono_ms() + 60000,
                                            .cpu_seconds = 20,
                                            .output_max = 4096};
    if (!sandbox_run(c->box, c->arena, &command, &c->result, &e))
        c->result.output = slice_str("no run");
    return NULL;
}

// All descriptors that this process may have are taken; gives how many there were.
static size_t take_all(int *taken) {
    struct rlimit limit;
    size_t n = 0;
    int next = dup(0);
    assert_true(next >= 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0);
    taken[n++] = next;
    limit.rlim_cur = (rlim_t)next + 64;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    while (n < HELD_MAX && (taken[n] = dup(0)) >= 0)
        n++;
    assert_int_equal(errno, EMFILE);
    return n;
}

static uint64_t used_us(void) {
    struct rusage r;
    assert_int_equal(getrusage(RUSAGE_SELF, &r), 0);
    return (uint64_t)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1000000 +
           (uint64_t)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

// If this fails, a worker that has no descriptor left for a moment spends a processor on that, or the connection that
// waited is lost.
static void it_rests_without_descriptors(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    static int taken[HELD_MAX];
    struct err e = {0};
    struct sandbox *box;
    struct proxy *p;
    struct rlimit before;
    unsigned port = 0;
    int signs = -1, sign;
    char byte;
    const struct sandbox_spec spec = {
        .work_bytes = 1 << 20, .tmp_bytes = 1 << 20, .memory_bytes = 256u << 20, .processes = 64};
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    assert_ok(sandbox_open(&box, &spec, &e) && sandbox_listen(box, &signs, &port, &e), &e);
    assert_ok(proxy_start(&p, box, NULL, &e), &e);
    struct client c = {.box = box, .arena = a};
    c.script = arena_printf(a,
                            "exec 3<>/dev/tcp/127.0.0.1/%u; read -n 1 go <&3; exec 4<>/dev/tcp/127.0.0.1/%u; "
                            "printf 'GET / HTTP/1.1\\r\\n\\r\\n' >&4; printf c >&3; head -n 1 <&4",
                            port, proxy_port(p));
    assert_int_equal(pthread_create(&c.thread, NULL, run, &c), 0);
    sign = accept(signs, NULL, NULL);
    assert_true(sign >= 0);
    size_t n = take_all(taken);
    assert_int_equal(send(sign, "g", 1, MSG_NOSIGNAL), 1);
    assert_int_equal(recv(sign, &byte, 1, 0), 1); // it has connected, and nobody can take that
    uint64_t used = used_us();
    (void)poll(NULL, 0, 500);
    used = used_us() - used;
    while (n)
        close(taken[--n]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    pthread_join(c.thread, NULL);
    assert_slice(c.result.output, "HTTP/1.1 403 Forbidden\r\n");
    assert_true(used < 50000); // a few looks, and all that a processor has to give where it does not rest
    close(sign), close(signs);
    proxy_stop(p);
    sandbox_close(box);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(it_rests_without_descriptors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
