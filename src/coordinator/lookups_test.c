// SPDX-License-Identifier: Apache-2.0
#include "base/test.h"

#include "coordinator/lookups.h"
#include "http/client.h"
#include <pthread.h>

#define MANY 12
#define ARRIVE_MS 60000

static struct world {
    struct branch_lookups *lookups;
    struct http_server *server;
    struct http_client *http;
    char url[64];
    pthread_mutex_t mutex; // for all below
    pthread_cond_t changed;
    bool open; // `find` may return
    unsigned found, arrived;
} w = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static bool find(void *ctx, struct arena *a, const char *repo, const char *ref, const char **branch, struct err *e) {
    (void)ctx;
    pthread_mutex_lock(&w.mutex);
    w.found++;
    pthread_cond_broadcast(&w.changed);
    while (!w.open)
        pthread_cond_wait(&w.changed, &w.mutex);
    pthread_mutex_unlock(&w.mutex);
    *branch = arena_printf(a, "%s of %s", ref, repo);
    return strcmp(ref, "bad") != 0 || err_set(e, ERR_NOT_FOUND, "'%s' is nothing", ref);
}

static void answer(void *ctx, struct http_request *r, const char *repo, const char *ref, const char *branch) {
    (void)ctx, (void)repo, (void)ref;
    http_reply(r, 200, "text/plain", slice_str(branch));
}

static void ask(struct http_request *r, void *ctx) {
    (void)ctx;
    branch_lookups_ask(w.lookups, r, http_query(r, "asker"), http_query(r, "repo"), http_query(r, "ref"));
    pthread_mutex_lock(&w.mutex);
    w.arrived++;
    pthread_cond_broadcast(&w.changed);
    pthread_mutex_unlock(&w.mutex);
}

static void await(const unsigned *what, unsigned count) {
    pthread_mutex_lock(&w.mutex);
    while (*what < count)
        pthread_cond_wait(&w.changed, &w.mutex);
    pthread_mutex_unlock(&w.mutex);
}

static void let_go(void) {
    pthread_mutex_lock(&w.mutex);
    w.open = true;
    pthread_cond_broadcast(&w.changed);
    pthread_mutex_unlock(&w.mutex);
}

struct client {
    char query[64], text[256];
    int status;
    pthread_t thread;
};

static void *call(void *arg) {
    struct client *c = arg;
    SCOPED_ARENA(a);
    struct http_call call = {
        .method = "GET", .url = arena_printf(a, "%s/?%s", w.url, c->query), .timeout_ms = ARRIVE_MS};
    struct http_answer answer;
    struct err e;
    if (http_call(w.http, a, &call, &answer, &e)) {
        c->status = answer.status;
        snprintf(c->text, sizeof c->text, "%.*s", SLICE_FMT(answer.body));
    }
    return NULL;
}

static void begin(struct client *c, const char *asker, const char *repo, const char *ref) {
    *c = (struct client){0};
    snprintf(c->query, sizeof c->query, "asker=%s&repo=%s&ref=%s", asker, repo, ref);
    assert_int_equal(pthread_create(&c->thread, NULL, call, c), 0);
}

static void is(struct client *c, int status, const char *words) {
    pthread_join(c->thread, NULL);
    if (c->status != status || !strstr(c->text, words))
        fail_msg("%s: %d %s", c->query, c->status, c->text);
}

// If this fails, a page that many open asks its repository as often, or one of them gets another's answer.
static void equal_questions_are_one(void **state) {
    (void)state;
    struct client equal[MANY], other, bad[2];
    for (int i = 0; i < MANY; i++)
        begin(&equal[i], i % 2 ? "a" : "b", "x", "1");
    begin(&other, "a", "y", "1");
    for (int i = 0; i < 2; i++)
        begin(&bad[i], "a", "x", "bad");
    await(&w.arrived, MANY + 3);
    let_go();
    for (int i = 0; i < MANY; i++)
        is(&equal[i], 200, "1 of x");
    is(&other, 200, "1 of y");
    for (int i = 0; i < 2; i++)
        is(&bad[i], 404, "'bad' is nothing");
    assert_int_equal(w.found, 3);
    begin(&other, "a", "x", "bad"); // an error is not kept
    is(&other, 404, "is nothing");
    assert_int_equal(w.found, 4);
}

// If this fails, one stranger's questions keep everybody else from asking.
static void one_asker_has_some_places(void **state) {
    (void)state;
    struct client mine[LOOKUPS_OF_ONE], more, joins, others;
    char repo[16];
    for (unsigned i = 0; i < LOOKUPS_OF_ONE; i++) {
        snprintf(repo, sizeof repo, "r%u", i);
        begin(&mine[i], "a", repo, "1");
    }
    await(&w.arrived, LOOKUPS_OF_ONE);
    begin(&more, "a", "another", "1");
    is(&more, 429, "too_many_requests");
    begin(&joins, "a", "r0", "1");
    begin(&others, "b", "another", "1");
    await(&w.arrived, LOOKUPS_OF_ONE + 3);
    await(&w.found, 2); // one of the first's, and the other one's, who does not wait for all of those
    let_go();
    is(&joins, 200, "1 of r0");
    is(&others, 200, "1 of another");
    for (unsigned i = 0; i < LOOKUPS_OF_ONE; i++)
        is(&mine[i], 200, "1 of r");
}

// If this fails, questions without bound pile up behind slow repositories.
static void places_are_bounded(void **state) {
    (void)state;
    static struct client all[LOOKUPS_MAX];
    struct client more;
    char repo[16], asker[16];
    for (unsigned i = 0; i < LOOKUPS_MAX; i++) {
        snprintf(repo, sizeof repo, "r%u", i);
        snprintf(asker, sizeof asker, "a%u", i);
        begin(&all[i], asker, repo, "1");
    }
    await(&w.arrived, LOOKUPS_MAX);
    begin(&more, "b", "another", "1");
    is(&more, 503, "unavailable");
    let_go();
    for (unsigned i = 0; i < LOOKUPS_MAX; i++)
        is(&all[i], 200, "1 of r");
}

// If this fails, a coordinator that stops leaves those who wait without an answer.
static void stopping_answers_all(void **state) {
    (void)state;
    struct client some[4], late;
    for (int i = 0; i < 4; i++)
        begin(&some[i], i % 2 ? "a" : "b", i % 2 ? "x" : "y", i < 2 ? "1" : "2");
    await(&w.arrived, 4);
    await(&w.found, 2); // one of each asker
    let_go();
    branch_lookups_stop(w.lookups);
    for (int i = 0; i < 4; i++) {
        pthread_join(some[i].thread, NULL);
        assert_true(some[i].status == 503 || some[i].status == 200);
    }
    begin(&late, "a", "x", "1");
    is(&late, 503, "stopping");
}

static int setup(void **state) {
    (void)state;
    static const struct http_route routes[] = {{HTTP_GET, "/", ask, 0, NULL, 0}};
    const struct http_server_config config = {.host = "127.0.0.1", .routes = routes, .route_count = 1};
    const struct branch_lookups_config lookups = {find, answer, NULL};
    struct err e = {0};
    w.open = false;
    w.found = w.arrived = 0;
    assert_ok(branch_lookups_new(&w.lookups, &lookups, &e), &e);
    assert_ok(http_server_start(&w.server, &config, &e), &e);
    snprintf(w.url, sizeof w.url, "http://127.0.0.1:%u", (unsigned)http_server_port(w.server));
    w.http = http_client_new();
    return 0;
}

static int teardown(void **state) {
    (void)state;
    http_client_free(w.http);
    let_go();
    branch_lookups_stop(w.lookups);
    http_server_stop(w.server);
    branch_lookups_free(w.lookups);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(equal_questions_are_one, setup, teardown),
        cmocka_unit_test_setup_teardown(one_asker_has_some_places, setup, teardown),
        cmocka_unit_test_setup_teardown(places_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(stopping_answers_all, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
