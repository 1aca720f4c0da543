// SPDX-License-Identifier: Apache-2.0
// Requests that wait for others, against a real server.
#include "base/test.h"
#include "http/client.h"
#include "http/deferred.h"
#include "http/test_server.h"
#include <pthread.h>
#include <semaphore.h>

static struct deferred *deferred;
static sem_t entered, leave, refused;

static void slow(struct http_request *r, void *ctx) {
    (void)ctx;
    sem_post(&entered);
    sem_wait(&leave);
    http_reply(r, 200, "text/plain", SLICE_LIT("slow"));
}
static void defer(struct http_request *r, void *ctx) { deferred_run(deferred, r, slow, ctx); }
static void quick(struct http_request *r, void *ctx) {
    (void)ctx;
    http_reply(r, 200, "text/plain", SLICE_LIT("quick"));
}
static void defer_for(struct http_request *r, void *ctx) {
    static const struct deferred_share share = {2, 3};
    const char *key = http_query(r, "key");
    (void)ctx;
    deferred_run_for(deferred, r, strcmp(key, "slow") == 0 ? slow : quick, NULL, key, &share);
}
static const struct http_route routes[] = {{HTTP_GET, "/for", defer_for, 0, NULL, 0},
                                           {HTTP_GET, "/slow", defer, 0, NULL, 0},
                                           {HTTP_GET, "/quick", quick, 0, NULL, 0}};

struct asked {
    struct http_client *client;
    char url[64];
    int status;
    pthread_t thread;
};

static void *ask(void *arg) {
    struct asked *q = arg;
    SCOPED_ARENA(a);
    struct http_call call = {.method = "GET", .url = q->url};
    struct http_answer answer = {0};
    struct err e;
    q->status = http_call(q->client, a, &call, &answer, &e) ? answer.status : -1;
    if (q->status == 503)
        sem_post(&refused);
    return NULL;
}

static void *stop(void *arg) {
    deferred_stop(deferred);
    return arg;
}

// A keystore that waits for the chain must still say that it lives; and what it cannot take it must refuse at once, not
// keep without bound. One thread and room for one: one runs, one waits, one is refused, the quick one is answered.
static void slow_ones_are_bounded_and_hold_nobody_up(void **state) {
    (void)state;
    struct http_server *server;
    struct err e;
    sem_init(&entered, 0, 0);
    sem_init(&leave, 0, 0);
    sem_init(&refused, 0, 0);
    deferred = deferred_new(1, 1);
    const struct http_server_config config = {
        .host = "127.0.0.1", .threads = 1, .routes = routes, .route_count = ARRAY_LEN(routes)};
    assert_true(http_server_start(&server, &config, &e));
    struct asked q[4] = {0}, stopper;
    for (size_t i = 0; i < ARRAY_LEN(q); i++) {
        q[i].client = http_client_new();
        snprintf(q[i].url, sizeof q[i].url, "http://127.0.0.1:%u/%s", http_server_port(server),
                 i < 3 ? "slow" : "quick");
    }
    pthread_create(&q[0].thread, NULL, ask, &q[0]);
    sem_wait(&entered); // runs, the queue is empty
    pthread_create(&q[1].thread, NULL, ask, &q[1]);
    pthread_create(&q[2].thread, NULL, ask, &q[2]);
    sem_wait(&refused); // one of the two waits, the other one is refused
    ask(&q[3]);
    assert_int_equal(q[3].status, 200);
    pthread_create(&stopper.thread, NULL, stop, NULL);
    sem_post(&leave);
    sem_post(&leave);
    pthread_join(stopper.thread, NULL);
    for (size_t i = 0; i < 3; i++)
        pthread_join(q[i].thread, NULL);
    assert_int_equal(q[0].status, 200);
    assert_true(q[1].status == 503 || q[2].status == 503);
    assert_true(q[1].status > 0 && q[2].status > 0); // the waiting one was answered, too
    http_server_stop(server);
    deferred_free(deferred);
    for (size_t i = 0; i < ARRAY_LEN(q); i++)
        http_client_free(q[i].client);
}

static void begin(struct asked *q, struct http_client *client, struct http_server *server, const char *path) {
    q->client = client;
    snprintf(q->url, sizeof q->url, "http://127.0.0.1:%u/%s", http_server_port(server), path);
    pthread_create(&q->thread, NULL, ask, q);
}

// Whoever asks for many slow things at once takes all threads, and nobody else is served; or its share of the queue has
// no end.
static void a_slow_key_holds_nobody_up(void **state) {
    (void)state;
    struct http_server *server = test_server(routes, ARRAY_LEN(routes), 2);
    struct http_client *client = http_client_new();
    struct asked q[8] = {0}, other;
    sem_init(&entered, 0, 0);
    sem_init(&leave, 0, 0);
    sem_init(&refused, 0, 0);
    deferred = deferred_new(4, 100);
    for (size_t i = 0; i < ARRAY_LEN(q); i++)
        begin(&q[i], client, server, "for?key=slow");
    sem_wait(&entered);
    sem_wait(&entered);
    for (size_t i = 0; i < 3; i++) // two run and three wait
        sem_wait(&refused);
    for (int i = 0; i < 10; i++) {
        begin(&other, client, server, "for?key=other");
        pthread_join(other.thread, NULL);
        assert_int_equal(other.status, 200);
    }
    int begun;
    sem_getvalue(&entered, &begun);
    assert_int_equal(begun, 0); // no third one
    for (size_t i = 0; i < 5; i++)
        sem_post(&leave);
    unsigned answered = 0;
    for (size_t i = 0; i < ARRAY_LEN(q); i++) {
        pthread_join(q[i].thread, NULL);
        answered += q[i].status == 200;
    }
    assert_int_equal(answered, 5);
    deferred_stop(deferred);
    http_server_stop(server);
    deferred_free(deferred);
    http_client_free(client);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(slow_ones_are_bounded_and_hold_nobody_up),
                                       cmocka_unit_test(a_slow_key_holds_nobody_up)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
