// SPDX-License-Identifier: Apache-2.0
// The broker as a process of its own, asked by clients that behave and by such as do not.
#include "egress/egress.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/test.h"
#include "egress/client.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>

// --- helpers

static int listener(uint16_t *port) {
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof in;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (void *)&in, sizeof in), 0);
    assert_int_equal(listen(fd, 64), 0);
    assert_int_equal(getsockname(fd, (void *)&in, &len), 0);
    *port = ntohs(in.sin_port);
    return fd;
}

static struct egress *start(const char *allow) {
    struct egress_settings s = {.allow = allow};
    struct egress *g;
    struct err e;
    assert_ok(egress_new(&g, &s, &e), &e);
    return g;
}

static struct egress_way open_way(struct egress *g, enum egress_kind kind) {
    struct egress_way w;
    struct err e;
    assert_ok(egress_open(g, kind, &w, &e), &e);
    return w;
}

static enum egress_end ask(struct egress_client *c, const char *host, uint16_t port, int *fd) {
    struct egress_question q = {.timeout_ms = 60000, .port = port};
    struct address to;
    snprintf(q.host, sizeof q.host, "%s", host);
    return egress_ask(c, &q, &to, fd);
}

static enum egress_end end_of(struct egress_client *c, const char *host, uint16_t port) {
    int fd;
    enum egress_end end = ask(c, host, port, &fd);
    if (fd >= 0)
        close(fd);
    return end;
}

static bool connects(int fd) {
    struct pollfd f = {fd, POLLOUT, 0};
    int error = -1;
    socklen_t n = sizeof error;
    return poll(&f, 1, 60000) == 1 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) == 0 && error == 0;
}

static struct egress_client *client_of(struct egress_way *w) {
    struct egress_client *c = egress_client_new(w->fd);
    w->fd = -1;
    return c;
}

static int broker_pid(void) {
    char path[64], text[64] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0 && read(fd, text, sizeof text - 1) > 0);
    close(fd);
    return (int)strtol(text, NULL, 10);
}

// --- tests

// If this fails, guests reach nothing, or what they may not.
static void test_connects(void **state) {
    (void)state;
    uint16_t port, other;
    char allow[64];
    int server = listener(&port), shut = listener(&other), fd;
    snprintf(allow, sizeof allow, "127.0.0.1:%u,localhost:%u,127.0.0.1:1", port, port);
    struct egress *g = start(allow);
    struct egress_way way = open_way(g, EGRESS_GUEST);
    struct egress_client *c = client_of(&way);
    assert_int_equal(ask(c, "127.0.0.1", port, &fd), EGRESS_STARTED);
    assert_true(connects(fd) && (fcntl(fd, F_GETFL) & O_NONBLOCK) && (fcntl(fd, F_GETFD) & FD_CLOEXEC));
    close(fd);
    assert_int_equal(ask(c, "localhost", port, &fd), EGRESS_STARTED); // through the machine's own names
    close(fd);
    assert_int_equal(end_of(c, "127.0.0.1", other), EGRESS_PROHIBITED);
    assert_int_equal(end_of(c, "[::1]", port), EGRESS_PROHIBITED);
    assert_int_equal(end_of(c, "0x7f.1", other), EGRESS_PROHIBITED); // what a resolver makes of it is judged
    assert_int_equal(end_of(c, "169.254.169.254", 80), EGRESS_PROHIBITED);
    assert_int_equal(end_of(c, "168.63.129.16", 80), EGRESS_PROHIBITED);
    assert_int_equal(end_of(c, "8.8.8.8", 53), EGRESS_PORT);
    assert_int_equal(end_of(c, "8.8.8.8", 25), EGRESS_PORT);
    assert_int_equal(end_of(c, "[::1", 443), EGRESS_UNKNOWN_NAME);
    struct egress_facts facts;
    egress_close(g, &way, NULL, &facts);
    assert_false(facts.lost);
    assert_int_equal(end_of(c, "127.0.0.1", port), EGRESS_TROUBLE); // the worker ended it
    egress_client_free(c);
    egress_free(g);
    close(server), close(shut);
}

// An address that did not answer is not given again.
static void test_next_address(void **state) {
    (void)state;
    struct egress *g = start("127.0.0.1:1");
    struct egress_way way = open_way(g, EGRESS_GUEST);
    struct egress_client *c = client_of(&way);
    struct egress_question q = {.timeout_ms = 5000, .port = 1, .host = "127.0.0.1"};
    int fd;
    enum egress_end end = egress_ask(c, &q, &q.tried[0], &fd);
    assert_true(end == EGRESS_STARTED || end == EGRESS_REFUSED); // loopback may say no at once
    if (fd >= 0)
        close(fd);
    assert_true(address_parse(&q.tried[0], "127.0.0.1"));
    q.tried_count = 1;
    assert_int_equal(egress_ask(c, &q, &q.tried[1], &fd), EGRESS_REFUSED);
    egress_client_free(c);
    egress_close(g, &way, NULL, NULL);
    egress_free(g);
}

struct asker {
    struct egress_client *client;
    uint16_t port;
    int started;
};
static void *ask_often(void *arg) {
    struct asker *a = arg;
    for (int i = 0; i < 200; i++) {
        int fd;
        if (ask(a->client, i % 2 ? "localhost" : "127.0.0.1", a->port, &fd) == EGRESS_STARTED)
            a->started++, close(fd);
    }
    return NULL;
}

// Threads of one client get each its own answer.
static void test_threads(void **state) {
    (void)state;
    uint16_t port;
    char allow[64];
    int server = listener(&port);
    snprintf(allow, sizeof allow, "127.0.0.1:%u,localhost:%u", port, port);
    struct egress *g = start(allow);
    struct egress_way way = open_way(g, EGRESS_GUEST);
    struct asker askers[8];
    pthread_t threads[8];
    struct egress_client *c = client_of(&way);
    for (size_t i = 0; i < 8; i++) {
        askers[i] = (struct asker){c, port, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &askers[i]), 0);
    }
    for (size_t i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(askers[i].started, 200);
    }
    egress_client_free(c);
    egress_close(g, &way, NULL, NULL);
    egress_free(g);
    close(server);
}

// A client that says what no client says is cut off, and nobody else notices.
static void test_hostile(void **state) {
    (void)state;
    struct egress *g = start(NULL);
    struct egress_way good = open_way(g, EGRESS_GUEST);
    struct egress_client *c = client_of(&good);
    struct egress_question q = {.timeout_ms = 1, .port = 443, .host = "8.8.8.8"};
    struct egress_question no_port = q, no_end = q, tried = q, space = q;
    no_port.port = 0, tried.tried_count = 8;
    memset(no_end.host, 'a', sizeof no_end.host);
    snprintf(space.host, sizeof space.host, "a b");
    static char huge[4096];
    const struct {
        const void *bytes;
        size_t len;
        int fd;
    } cases[] = {{&q, 5, -1},
                 {huge, sizeof huge, -1},
                 {&no_port, sizeof q, -1},
                 {&no_end, sizeof q, -1},
                 {&tried, sizeof q, -1},
                 {&space, sizeof q, -1},
                 {&q, sizeof q, 0}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct egress_way way = open_way(g, EGRESS_GUEST);
        char answer[64];
        assert_true(egress_send(way.fd, cases[i].bytes, cases[i].len, cases[i].fd));
        assert_int_equal(recv(way.fd, answer, sizeof answer, 0), 0);
        egress_close(g, &way, NULL, NULL);
        assert_int_equal(end_of(c, "10.0.0.1", 443), EGRESS_PROHIBITED);
    }
    // One that asks and never reads is cut off, too.
    struct egress_way deaf = open_way(g, EGRESS_GUEST);
    snprintf(q.host, sizeof q.host, "10.0.0.1");
    for (int i = 0; i < 100000 && egress_send(deaf.fd, &q, sizeof q, -1); i++)
        (void)poll(NULL, 0, i % 64 ? 0 : 1);
    egress_close(g, &deaf, NULL, NULL);
    assert_int_equal(end_of(c, "10.0.0.1", 443), EGRESS_PROHIBITED);
    egress_client_free(c);
    egress_close(g, &good, NULL, NULL);
    egress_free(g);
}

// A broker that dies is started anew; whoever it served is told that it was lost.
static void test_death(void **state) {
    (void)state;
    struct egress *g = start(NULL);
    struct egress_way way = open_way(g, EGRESS_GUEST), idle = open_way(g, EGRESS_GUEST);
    struct egress_client *c = client_of(&way);
    assert_int_equal(kill(broker_pid(), SIGKILL), 0);
    assert_int_equal(end_of(c, "10.0.0.1", 443), EGRESS_TROUBLE);
    struct egress_way next = open_way(g, EGRESS_GUEST);
    struct egress_client *n = client_of(&next);
    assert_int_equal(end_of(n, "10.0.0.1", 443), EGRESS_PROHIBITED);
    struct egress_facts facts;
    egress_close(g, &way, NULL, &facts);
    assert_true(facts.lost);
    egress_close(g, &idle, NULL, &facts);
    assert_true(facts.lost);
    egress_close(g, &next, NULL, &facts);
    assert_false(facts.lost);
    egress_client_free(c);
    egress_client_free(n);
    egress_free(g);
}

// What no broker could be asked is answered here, and costs a guest none of its later questions.
static void test_odd_names(void **state) {
    (void)state;
    struct egress *g = start(NULL);
    struct egress_way way = open_way(g, EGRESS_GUEST);
    struct egress_client *c = client_of(&way);
    static const char *const odd[] = {"exa~mple.org", "a,b", "-x.example", "%31", ""};
    for (size_t i = 0; i < ARRAY_LEN(odd); i++)
        assert_int_equal(end_of(c, odd[i], 443), EGRESS_UNKNOWN_NAME);
    assert_int_equal(end_of(c, "example.org", 0), EGRESS_PORT);
    assert_int_equal(end_of(c, "10.0.0.1", 443), EGRESS_PROHIBITED);
    egress_close(g, &way, NULL, NULL);
    egress_client_free(c);
    egress_free(g);
}

// A service or a terminal's job that is ended with all its processes at once: the worker lets its runs come to an end.
static void test_signals(void **state) {
    (void)state;
    struct egress *g = start(NULL);
    struct egress_way way = open_way(g, EGRESS_GUEST);
    struct egress_client *c = client_of(&way);
    assert_int_equal(end_of(c, "10.0.0.1", 443), EGRESS_PROHIBITED);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(kill(broker_pid(), (int[]){SIGTERM, SIGINT, SIGHUP}[i]), 0);
    assert_int_equal(end_of(c, "10.0.0.1", 443), EGRESS_PROHIBITED);
    struct egress_facts facts;
    egress_close(g, &way, NULL, &facts);
    assert_false(facts.lost);
    egress_client_free(c);
    egress_free(g);
}

struct stuck {
    struct egress_client *client;
    enum egress_end end;
};
static void *ask_once(void *arg) {
    struct stuck *s = arg;
    s->end = end_of(s->client, "example.org", 443);
    return NULL;
}

// Nobody waits for ever: a wait ends when its client is stopped, when its time is over, when the broker goes; and what
// comes for nobody is closed.
static void test_waits(void **state) {
    (void)state;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    struct stuck s[2] = {{egress_client_new(pair[0]), EGRESS_STARTED}};
    s[1] = s[0];
    pthread_t threads[2];
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_once, &s[i]), 0);
    struct egress_question q;
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(recv(pair[1], &q, sizeof q, 0), sizeof q);
    struct egress_answer stray = {.id = 999, .end = EGRESS_STARTED};
    int pipes[2];
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    assert_true(egress_send(pair[1], &stray, sizeof stray, pipes[1]));
    close(pipes[1]);
    struct pollfd f = {pipes[0], POLLIN, 0};
    assert_int_equal(poll(&f, 1, 60000), 1); // the last writer has gone
    egress_client_stop(s[0].client);
    for (size_t i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(s[i].end, EGRESS_TROUBLE);
    }
    egress_client_free(s[0].client);
    close(pair[1]), close(pipes[0]);

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    struct egress_client *c = egress_client_new(pair[0]);
    struct egress_question late = {.timeout_ms = 10, .port = 443, .host = "x"};
    struct address to;
    int fd;
    assert_int_equal(egress_ask(c, &late, &to, &fd), EGRESS_NAME_LATE);
    close(pair[1]);
    assert_int_equal(egress_ask(c, &late, &to, &fd), EGRESS_TROUBLE);
    egress_client_free(c);
}

struct patient {
    struct egress *g;
    atomic_bool cancel;
    bool ok;
    struct err e;
};
static void *ask_state(void *arg) {
    struct patient *p = arg;
    struct egress_state now;
    p->ok = egress_state(p->g, &p->cancel, &now, &p->e);
    return NULL;
}

// If this fails, a broker that does not answer one (its resolver is silent, say) stops all others that start or end,
// and nobody can call off the wait.
static void test_deaf_broker(void **state) {
    (void)state;
    char path[] = "/tmp/egress-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0 && file_write_all(fd, slice_str("#!/bin/sh\nexec /bin/sleep 1000\n"), NULL));
    assert_int_equal(fchmod(fd, 0700), 0);
    close(fd);
    const struct egress_settings s = {.program = path};
    struct patient p[2] = {0};
    pthread_t threads[2];
    struct err e;
    assert_ok(egress_new(&p[0].g, &s, &e), &e);
    uint64_t start = clock_mono_ms();
    for (size_t i = 0; i < 2; i++) {
        p[i].g = p[0].g;
        assert_int_equal(pthread_create(&threads[i], NULL, ask_state, &p[i]), 0);
    }
    for (int i = 0; i < 100; i++) {
        struct egress_way way = open_way(p[0].g, EGRESS_GUEST);
        egress_close(p[0].g, &way, NULL, NULL);
    }
    struct egress_way way = open_way(p[0].g, EGRESS_GUEST);
    struct egress_facts facts;
    atomic_bool cancel = true;
    egress_close(p[0].g, &way, &cancel, &facts);
    assert_false(facts.lost || facts.no_way);
    for (size_t i = 2; i-- > 0;) {
        atomic_store(&p[i].cancel, true);
        pthread_join(threads[i], NULL);
        assert_err(p[i].ok, &p[i].e, ERR_UNAVAILABLE, "");
    }
    assert_true(clock_mono_ms() - start < 15000); // of 20 s, and 5 s for each of the hundred
    egress_free(p[0].g);
    unlink(path);
}

// Settings that cannot be read are refused before anything starts.
static void test_settings(void **state) {
    (void)state;
    char path[] = "/tmp/egress-test-XXXXXX";
    int fd = mkstemp(path);
    struct egress *g;
    struct err e;
    assert_true(fd >= 0 && file_write_all(fd, slice_str("no certificate\n"), NULL));
    close(fd);
    struct egress_settings s = {.ca_file = path};
    assert_err(egress_new(&g, &s, &e), &e, ERR_SETTINGS, "there is no certificate in");
    unlink(path);
    assert_err(egress_new(&g, &s, &e), &e, ERR_NOT_FOUND, "EGRESS_CA_FILE");
    s = (struct egress_settings){.allow = "10.0.0.0/8"};
    assert_err(egress_new(&g, &s, &e), &e, ERR_SETTINGS, "'10.0.0.0/8' is no host and port");
    s = (struct egress_settings){.program = "/nowhere/outlayer-broker"};
    assert_err(egress_new(&g, &s, &e), &e, ERR_UNAVAILABLE, "cannot start");
    uint64_t len;
    struct stat st;
    g = start(NULL);
    assert_true(fstat(egress_roots(g, &len), &st) == 0 && st.st_size == 0 && len == 0);
    struct egress_state now;
    assert_ok(egress_state(g, NULL, &now, &e), &e);
    assert_int_equal(now.text[0] == 0, now.network && now.resolver);
    egress_free(g);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_connects),    cmocka_unit_test(test_next_address),
                                          cmocka_unit_test(test_threads),     cmocka_unit_test(test_hostile),
                                          cmocka_unit_test(test_death),       cmocka_unit_test(test_waits),
                                          cmocka_unit_test(test_deaf_broker), cmocka_unit_test(test_settings),
                                          cmocka_unit_test(test_signals),     cmocka_unit_test(test_odd_names)};
RUN_TESTS(tests)
