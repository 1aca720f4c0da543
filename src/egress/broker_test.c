// SPDX-License-Identifier: Apache-2.0
// The broker in this process, with a resolver that answers when the test says so.
#include "egress/broker.h"

#include "base/clock.h"
#include "base/test.h"
#include "egress/client.h"
#include "egress/wire.h"
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <resolv.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; // guards what follows
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool answering;
static unsigned asked, waiting, longest_s; // longest: what a server's silence holds a look-up up

// In the place of the C library's: names of "slow.example" are answered late, others at once, all the same way.
int getaddrinfo(const char *restrict node, const char *restrict service, const struct addrinfo *restrict hints,
                struct addrinfo **restrict list) {
    (void)service, (void)hints, (void)list;
    struct __res_state given = {0};
    pthread_mutex_lock(&lock);
    asked++;
    if (res_ninit(&given) == 0)
        longest_s = (unsigned)(given.retrans * given.retry);
    res_nclose(&given);
    waiting++;
    while (!answering && strcmp(node, "slow.example") == 0)
        pthread_cond_wait(&changed, &lock);
    waiting--;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return EAI_NONAME;
}

// Whether the resolver answers at all: it does.
int res_nquery(res_state state, const char *name, int class, int type, unsigned char *answer, int size) {
    (void)state, (void)name, (void)class, (void)type, (void)answer, (void)size;
    return 12;
}

static void *serve(void *arg) {
    struct egress_rules *rules;
    struct err e;
    assert_ok(egress_rules_new(&rules, NULL, NULL, &e), &e);
    assert_ok(broker_serve(*(int *)arg, rules, &e), &e);
    egress_rules_free(rules);
    return NULL;
}

static struct egress_client *client(int control, enum egress_kind kind, uint64_t id) {
    int pair[2];
    struct egress_order o = {.kind = EGRESS_ORDER_CLIENT, .client_kind = kind, .id = id};
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    assert_true(egress_send(control, &o, sizeof o, pair[1]));
    close(pair[1]);
    return egress_client_new(pair[0]);
}

static enum egress_end ask(struct egress_client *c, const char *host, uint32_t timeout_ms) {
    struct egress_question q = {.timeout_ms = timeout_ms, .port = 443};
    struct address to;
    int fd;
    snprintf(q.host, sizeof q.host, "%s", host);
    return egress_ask(c, &q, &to, &fd);
}

struct broker {
    int control[2];
    pthread_t thread;
};

static struct broker start(void) {
    struct broker b;
    pthread_mutex_lock(&lock);
    answering = false;
    asked = 0;
    pthread_mutex_unlock(&lock);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, b.control), 0);
    return b;
}

static void answer_all(void) {
    pthread_mutex_lock(&lock);
    answering = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static unsigned number_asked(void) {
    pthread_mutex_lock(&lock);
    unsigned n = asked;
    pthread_mutex_unlock(&lock);
    return n;
}

// The broker's look-ups run in threads that outlive it, and none of them may meet the next test's silence.
static void end(struct broker *b) {
    close(b->control[0]);
    pthread_join(b->thread, NULL);
    close(b->control[1]);
    pthread_mutex_lock(&lock);
    while (waiting != 0)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

// If this fails, one guest that gives up on its questions at once, or many that end, fill the queue of names with what
// nobody waits for any more, and no other guest or build can look a name up for as long as their name servers like.
static void test_what_nobody_waits_for_is_forgotten(void **state) {
    (void)state;
    struct broker b = start();
    assert_int_equal(pthread_create(&b.thread, NULL, serve, &b.control[1]), 0);
    struct egress_client *greedy = client(b.control[0], EGRESS_GUEST, 1001),
                         *other = client(b.control[0], EGRESS_GUEST, 1002);
    for (int i = 0; i < 1100; i++) // more than wait at a time
        assert_int_not_equal(ask(greedy, "slow.example", 0), EGRESS_STARTED);
    assert_int_equal(ask(other, "quick.example", 60000), EGRESS_UNKNOWN_NAME);
    assert_true(number_asked() <= 5); // four of the one, and the other's
    pthread_mutex_lock(&lock);
    assert_in_range(longest_s, 1, 4); // what has begun cannot be called off
    pthread_mutex_unlock(&lock);
    answer_all();
    egress_client_free(greedy);
    egress_client_free(other);
    end(&b);
}

// If this fails, guests that ask for names whose servers are silent have the worker take its broker for dead, and end
// it, and with it every other guest's way out; or they stop all fetches of builds.
static void test_worker_and_fetches_are_always_answered(void **state) {
    (void)state;
    struct broker b = start();
    assert_int_equal(pthread_create(&b.thread, NULL, serve, &b.control[1]), 0);
    int guests[16];
    for (uint32_t i = 0; i < ARRAY_LEN(guests) * 4; i++) {
        struct egress_order o = {.kind = EGRESS_ORDER_CLIENT, .client_kind = EGRESS_GUEST, .id = 2000 + i / 4};
        struct egress_question q = {.id = i, .timeout_ms = 60000, .port = 443, .host = "slow.example"};
        int pair[2];
        if (i % 4 == 0) {
            assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
            assert_true(egress_send(b.control[0], &o, sizeof o, pair[1]));
            close(pair[1]);
            guests[i / 4] = pair[0];
        }
        assert_true(egress_send(guests[i / 4], &q, sizeof q, -1));
    }
    for (uint64_t until = clock_mono_ms() + 60000; number_asked() < 23 && clock_mono_ms() < until;)
        poll(NULL, 0, 5);
    struct egress_order o = {.kind = EGRESS_ORDER_STATE};
    struct pollfd f = {b.control[0], POLLIN, 0};
    assert_true(egress_send(b.control[0], &o, sizeof o, -1));
    int told = poll(&f, 1, 60000);
    struct egress_client *fetch = client(b.control[0], EGRESS_FETCH, 3000);
    enum egress_end fetched = ask(fetch, "quick.example", 60000);
    answer_all();
    assert_int_equal(told, 1);
    assert_int_equal(fetched, EGRESS_UNKNOWN_NAME);
    egress_client_free(fetch);
    for (size_t i = 0; i < ARRAY_LEN(guests); i++)
        close(guests[i]);
    end(&b);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_nobody_waits_for_is_forgotten),
                                          cmocka_unit_test(test_worker_and_fetches_are_always_answered)};
RUN_TESTS(tests)
