// SPDX-License-Identifier: Apache-2.0
#include "base/test.h"

#include "coordinator/readers.h"
#include "http/client.h"
#include "http/test_server.h"

#define LARGE (3u << 20) // fewer of these fit than there are places

static struct kept_answers *kept;
static char url[64];

// Makes an answer to the key: as many bytes as `size` says.
static void put(struct http_request *r, void *ctx) {
    (void)ctx;
    size_t n = strtoul(http_query(r, "size"), NULL, 10);
    char *text = arena_alloc(http_arena(r), n);
    memset(text, '1', n);
    kept_answers_put(kept, r, http_query(r, "key"), slice_of(text, n));
}

static void get(struct http_request *r, void *ctx) {
    (void)ctx;
    if (!kept_answers_reply(kept, r, http_query(r, "key")))
        http_reply_empty(r, 204);
}

static const struct http_route routes[] = {{.method = HTTP_GET, .path = "/put", .handler = put},
                                           {.method = HTTP_GET, .path = "/get", .handler = get}};

// How many bytes were answered.
static size_t ask(struct http_client *http, const char *path, unsigned key, unsigned size) {
    SCOPED_ARENA(a);
    struct http_call c = {
        .method = "GET", .url = arena_printf(a, "%s%s?key=k%u&size=%u", url, path, key, size), .max_answer = 2 * LARGE};
    struct http_answer answer;
    struct err e;
    assert_ok(http_call(http, a, &c, &answer, &e), &e);
    assert_true(answer.status == 200 || answer.status == 204);
    return answer.body.len;
}

static size_t count_kept(struct http_client *http, unsigned keys, unsigned size) {
    size_t n = 0;
    for (unsigned i = 0; i < keys; i++)
        n += ask(http, "/get", i, 0) == size;
    return n;
}

static void test_all_answers_together_are_bounded(void **state) {
    (void)state;
    struct http_server *s = test_server(routes, ARRAY_LEN(routes), 1);
    struct http_client *http = http_client_new();
    kept = kept_answers_new();
    snprintf(url, sizeof url, "http://127.0.0.1:%u", http_server_port(s));
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(ask(http, "/put", i, LARGE), LARGE);
    assert_in_range(count_kept(http, 8, LARGE), 0, 5); // 16 MiB in all; none where this took longer than they are kept
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(ask(http, "/put", i, 2), 2);
    assert_in_range(count_kept(http, 100, 2), 0, 64);
    for (unsigned i = 0; i < 8; i++) // of one key: its bytes are counted once, and go with it
        assert_int_equal(ask(http, "/put", 1, LARGE), LARGE);
    assert_int_equal(ask(http, "/put", 5, 5u << 20), 5u << 20); // too long for keeping
    assert_int_not_equal(ask(http, "/get", 5, 0), 5u << 20);
    http_server_stop(s);
    http_client_free(http);
    kept_answers_free(kept);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_answers_together_are_bounded)};
RUN_TESTS(tests)
