// SPDX-License-Identifier: Apache-2.0
// For tests: a server of Redis of the test program's own, which ends with it; and one that answers what a test wants.
#pragma once
#include "base/clock.h"
#include "base/patience.h"
#include "base/sync.h"
#include "base/test_server.h"
#include "redis/redis_link.h"
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

static char test_redis_server_url[200];

static inline const char *test_redis_url(void) {
    char what[] = "redis";
    if (!test_redis_server_url[0])
        test_server_start(what, test_redis_server_url, sizeof test_redis_server_url);
    return test_redis_server_url;
}

// What the server answers to an operator: the text, or the number as one.
static inline void test_redis_do(char out[static 200], size_t count, const char *const *words) {
    struct redis_url url;
    struct redis_link l;
    struct slice said[16];
    redisReply *r;
    struct err e;
    for (size_t i = 0; i < count; i++)
        said[i] = slice_str(words[i]);
    assert_ok(redis_url_parse(&url, test_redis_url(), &e), &e);
    assert_ok(redis_link_open(&l, &url, -1, deadline_in(60000), &e), &e);
    redis_link_put(&l, count, said);
    assert_ok(redis_link_read(&l, deadline_in(60000), &r, &e), &e);
    if (r->type == REDIS_REPLY_INTEGER)
        snprintf(out, 200, "%lld", r->integer);
    else
        snprintf(out, 200, "%.*s", r->str ? (int)r->len : 0, r->str ? r->str : "");
    freeReplyObject(r);
    redis_link_close(&l);
    redis_url_release(&url);
}
#define TEST_REDIS_DO(out, ...)                                                                                        \
    test_redis_do(out, ARRAY_LEN(((const char *const[]){__VA_ARGS__})), (const char *const[]){__VA_ARGS__})

// A server that says the same to whatever comes, on every connection.
struct test_liar {
    char url[64];
    int listener;
    _Atomic(const char *) says; // NULL: nothing; "": it closes the connection
    atomic_bool stop;
    _Atomic unsigned connections;
    pthread_t thread;
};

static inline void test_liar_serve(struct test_liar *s, int fd) {
    char bytes[4096];
    struct pollfd p = {.fd = fd, .events = POLLIN};
    while (!atomic_load(&s->stop)) {
        if (poll(&p, 1, 20) <= 0)
            continue;
        const char *says = atomic_load(&s->says);
        if (recv(fd, bytes, sizeof bytes, 0) <= 0 || (says && !says[0]))
            break;
        if (says && send(fd, says, strlen(says), MSG_NOSIGNAL) < 0)
            break;
    }
    close(fd);
}

static inline void *test_liar_run(void *ctx) {
    struct test_liar *s = ctx;
    while (!atomic_load(&s->stop)) {
        struct pollfd p = {.fd = s->listener, .events = POLLIN};
        if (poll(&p, 1, 20) <= 0)
            continue;
        int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
        atomic_fetch_add(&s->connections, 1);
        test_liar_serve(s, fd);
    }
    return NULL;
}

static inline void test_liar_start(struct test_liar *s, const char *says) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    *s = (struct test_liar){.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    atomic_store(&s->says, says);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&at, sizeof at) | listen(s->listener, 16), 0);
    assert_int_equal(getsockname(s->listener, (struct sockaddr *)&at, &size), 0);
    snprintf(s->url, sizeof s->url, "redis://127.0.0.1:%u", ntohs(at.sin_port));
    assert_int_equal(pthread_create(&s->thread, NULL, test_liar_run, s), 0);
}

static inline void test_liar_stop(struct test_liar *s) {
    atomic_store(&s->stop, true);
    pthread_join(s->thread, NULL);
    close(s->listener);
}

// Waits for what comes by itself.
#define TEST_UNTIL(condition)                                                                                          \
    do {                                                                                                               \
        uint64_t until_ = deadline_in(60000);                                                                          \
        while (!(condition)) {                                                                                         \
            if (clock_mono_ms() > until_)                                                                              \
                fail_msg("never: %s", #condition);                                                                     \
            (void)patience_pause(&(struct patience){0}, 1);                                                            \
        }                                                                                                              \
    } while (0)
