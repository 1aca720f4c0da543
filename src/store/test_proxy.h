// SPDX-License-Identifier: Apache-2.0
// For tests: stands between a client and PostgreSQL, and breaks the connection at the moment that a test names.
#pragma once
#include "base/clock.h"
#include "store/test_database.h"
#include <poll.h>
#include <postgresql/libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>

#define PROXY_CONNECTIONS 64 // in all

enum proxy_fault {
    PROXY_PASS,
    PROXY_CUT_BEFORE, // what holds the words does not reach the server
    PROXY_CUT_AFTER,  // it does, and the answer does not come back
    PROXY_SILENT,     // nothing passes any more, and nothing is closed
};

struct test_proxy {
    char folder[64], upstream[300], url[400];
    _Atomic(const char *) words; // the fault waits for them; it happens once
    _Atomic int fault;
    atomic_bool stop;
    int listener;
    _Atomic unsigned connections, ended;
    _Atomic uint64_t late_ms; // new connections are served so much later
    pthread_t thread, serving[PROXY_CONNECTIONS];
};

struct test_proxy_client {
    struct test_proxy *proxy;
    int fd;
};

static inline int test_proxy_upstream(const struct test_proxy *p) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    memcpy(to.sun_path, p->upstream, strlen(p->upstream));
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static inline bool test_proxy_write(int fd, const char *bytes, size_t n) {
    while (n) {
        ssize_t done = send(fd, bytes, n, MSG_NOSIGNAL);
        if (done <= 0)
            return false;
        bytes += done;
        n -= (size_t)done;
    }
    return true;
}

// false: the connection is over. *cut: with the server's next answer it is.
static inline bool test_proxy_pump(struct test_proxy *p, int from, int to, bool from_client, bool *cut) {
    char bytes[65536];
    ssize_t n = recv(from, bytes, sizeof bytes, 0);
    if (n <= 0 || (!from_client && *cut))
        return false;
    int fault = atomic_load(&p->fault); // first: the words are set before it
    const char *words = atomic_load(&p->words);
    bool here = from_client && words && memmem(bytes, (size_t)n, words, strlen(words));
    if (fault == PROXY_SILENT)
        return true;
    if (here && fault != PROXY_PASS) {
        atomic_store(&p->fault, PROXY_PASS);
        if (fault == PROXY_CUT_BEFORE)
            return false;
        *cut = true;
    }
    return test_proxy_write(to, bytes, (size_t)n);
}

static inline void *test_proxy_serve(void *ctx) {
    struct test_proxy *p = ((struct test_proxy_client *)ctx)->proxy;
    int client = ((struct test_proxy_client *)ctx)->fd;
    free(ctx);
    for (uint64_t end = clock_mono_ms() + p->late_ms; clock_mono_ms() < end && !atomic_load(&p->stop);)
        poll(NULL, 0, 10);
    struct pollfd fds[] = {{.fd = client, .events = POLLIN}, {.fd = test_proxy_upstream(p), .events = POLLIN}};
    bool cut = false, on = true;
    while (on && !atomic_load(&p->stop)) {
        poll(fds, 2, 50);
        if (fds[0].revents)
            on = test_proxy_pump(p, client, fds[1].fd, true, &cut);
        if (on && fds[1].revents)
            on = test_proxy_pump(p, fds[1].fd, client, false, &cut);
    }
    close(client);
    close(fds[1].fd);
    atomic_fetch_add(&p->ended, 1);
    return NULL;
}

static inline void *test_proxy_run(void *ctx) {
    struct test_proxy *p = ctx;
    while (!atomic_load(&p->stop)) {
        struct pollfd fd = {.fd = p->listener, .events = POLLIN};
        if (poll(&fd, 1, 50) <= 0)
            continue;
        struct test_proxy_client *client = xcalloc(1, sizeof *client);
        *client = (struct test_proxy_client){p, accept4(p->listener, NULL, NULL, SOCK_CLOEXEC)};
        unsigned n = atomic_fetch_add(&p->connections, 1);
        BUG_ON(n >= PROXY_CONNECTIONS);
        BUG_ON(pthread_create(&p->serving[n], NULL, test_proxy_serve, client) != 0);
    }
    for (unsigned i = 0; i < p->connections; i++)
        pthread_join(p->serving[i], NULL);
    return NULL;
}

// `url` of it leads to the database `on`.
static inline void test_proxy_start(struct test_proxy *p, const struct test_database *on) {
    const char *host = NULL, *port = NULL;
    *p = (struct test_proxy){.folder = "/tmp/outlayer-proxy-XXXXXX"};
    PQconninfoOption *options = PQconninfoParse(on->url, NULL);
    assert_non_null(options);
    for (PQconninfoOption *o = options; o->keyword; o++) {
        host = strcmp(o->keyword, "host") == 0 ? o->val : host;
        port = strcmp(o->keyword, "port") == 0 ? o->val : port;
    }
    snprintf(p->upstream, sizeof p->upstream, "%s/.s.PGSQL.%s", host, port);
    PQconninfoFree(options);
    assert_non_null(mkdtemp(p->folder));
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof at.sun_path, "%s/.s.PGSQL.5432", p->folder);
    snprintf(p->url, sizeof p->url, "postgres://outlayer:geheim@/%s?host=%s&port=5432", on->name, p->folder);
    p->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(p->listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(p->listener, 16), 0);
    assert_int_equal(pthread_create(&p->thread, NULL, test_proxy_run, p), 0);
}

static inline void test_proxy_stop(struct test_proxy *p) {
    char path[120];
    atomic_store(&p->stop, true);
    pthread_join(p->thread, NULL);
    close(p->listener);
    snprintf(path, sizeof path, "%s/.s.PGSQL.5432", p->folder);
    unlink(path);
    rmdir(p->folder);
}

// From now on: once what is sent holds the words.
static inline void test_proxy_break(struct test_proxy *p, enum proxy_fault fault, const char *words) {
    atomic_store(&p->words, words);
    atomic_store(&p->fault, fault);
}
