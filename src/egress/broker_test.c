// SPDX-License-Identifier: Apache-2.0
// The broker in this process, with a resolver that answers when the test says so.
#include "egress/broker.h"

#include "base/test.h"
#include "egress/client.h"
#include "egress/wire.h"
#include <netdb.h>
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; // guards what follows
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool answering;
static unsigned asked;

// In the place of the C library's: names of "slow.example" are answered late, others at once, all the same way.
int getaddrinfo(const char *restrict node, const char *restrict service, const struct addrinfo *restrict hints,
                struct addrinfo **restrict list) {
    (void)service, (void)hints, (void)list;
    pthread_mutex_lock(&lock);
    asked++;
    while (!answering && strcmp(node, "slow.example") == 0)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    return EAI_NONAME;
}

static void *serve(void *arg) {
    struct egress_rules *rules;
    struct err e;
    assert_ok(egress_rules_new(&rules, NULL, NULL, &e), &e);
    assert_ok(broker_serve(*(int *)arg, rules, &e), &e);
    egress_rules_free(rules);
    return NULL;
}

static struct egress_client *client(int control, uint64_t id) {
    int pair[2];
    struct egress_order o = {.kind = EGRESS_ORDER_CLIENT, .client_kind = EGRESS_GUEST, .id = id};
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

// If this fails, one guest that gives up on its questions at once, or many that end, fill the queue of names with what
// nobody waits for any more, and no other guest or build can look a name up for as long as their name servers like.
static void test_what_nobody_waits_for_is_forgotten(void **state) {
    (void)state;
    int control[2];
    pthread_t broker;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control), 0);
    assert_int_equal(pthread_create(&broker, NULL, serve, &control[1]), 0);
    struct egress_client *greedy = client(control[0], 1001), *other = client(control[0], 1002);
    for (int i = 0; i < 1100; i++) // more than wait at a time
        assert_int_not_equal(ask(greedy, "slow.example", 0), EGRESS_STARTED);
    assert_int_equal(ask(other, "quick.example", 20000), EGRESS_UNKNOWN_NAME);
    pthread_mutex_lock(&lock);
    unsigned begun = asked;
    answering = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    assert_true(begun <= 5); // four of the one, and the other's
    egress_client_free(greedy);
    egress_client_free(other);
    close(control[0]);
    pthread_join(broker, NULL);
    close(control[1]);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_nobody_waits_for_is_forgotten)};
RUN_TESTS(tests)
