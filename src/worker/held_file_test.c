// SPDX-License-Identifier: Apache-2.0
#include "worker/held_file.h"

#include "base/file.h"
#include "base/test.h"
#include "http/test_server.h"
#include "worker/journal.h"

static struct {
    char told[400]; // tokens that were given back
    int status;
    const char *answer;
} coordinator;

static void serve_fail(struct http_request *r, void *ctx) {
    (void)ctx;
    struct err e;
    SCOPED_JSON(j) = json_parse(http_body(r), 4096, &e);
    size_t n = strlen(coordinator.told);
    snprintf(coordinator.told + n, sizeof coordinator.told - n, "%s ", json_string_value(json_object_get(j, "token")));
    http_reply(r, coordinator.status, "application/json", slice_str(coordinator.answer));
}

struct world {
    char home[40];
    const char *file, *pending;
    struct http_server *server;
    struct api *api;
};

static void world_open(struct world *w, struct arena *a) {
    static const struct http_route routes[] = {
        {.method = HTTP_POST, .path = "/tasks/fail", .handler = serve_fail, .max_body = 1 << 16}};
    struct err e;
    snprintf(w->home, sizeof w->home, "/tmp/outlayer-held-XXXXXX");
    assert_non_null(mkdtemp(w->home));
    assert_ok(journal_open(a, w->home, &w->pending, &e), &e);
    w->file = arena_printf(a, "%s/held", w->home);
    w->server = test_server(routes, ARRAY_LEN(routes), 2);
    const struct api_settings s = {.base_url = arena_printf(a, "http://127.0.0.1:%u", http_server_port(w->server)),
                                   .token = "t",
                                   .worker_id = "w"};
    assert_ok(api_new(&w->api, &s, &e), &e);
    coordinator.told[0] = 0;
    coordinator.status = 200;
    coordinator.answer = "{\"retried\":true}";
}

static void world_close(struct world *w) {
    struct err e;
    api_free(w->api);
    http_server_stop(w->server);
    assert_ok(file_remove_tree(w->home, &e), &e);
}

static void assert_returned(struct world *w, const char *told) {
    held_file_return(w->file, w->pending, w->api);
    assert_string_equal(coordinator.told, told);
    assert_int_not_equal(access(w->file, F_OK), 0);
    coordinator.told[0] = 0;
}

static const struct lease_id ids[] = {{"a.near", "one", 1}, {"a.near", "two", 2}, {"b.near", "three", 1}};

// If this fails, what a worker had when it was killed waits for a quarter of a minute though the worker is back; or an
// answer that is on its way is made once more.
static void what_was_held_is_given_back(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct world w;
    struct err e;
    world_open(&w, a);
    assert_returned(&w, ""); // there was nothing
    held_file_write(w.file, a, ids, 3);
    assert_returned(&w, "one two three ");
    held_file_write(w.file, a, ids, 3);
    SCOPED_JSON(report) = json_object();
    const struct journal_entry sent = {.contract_id = "a.near", .request_id = 2, .token = "two", .report = report};
    assert_ok(journal_write(w.pending, a, &sent, &e), &e);
    assert_returned(&w, "one three ");
    coordinator.status = 409;
    coordinator.answer = "{\"error\":{\"code\":\"lease_lost\",\"message\":\"it is over\"}}";
    held_file_write(w.file, a, ids, 1);
    assert_returned(&w, "one ");
    coordinator.status = 502; // the others run out
    coordinator.answer = "<html>nginx</html>";
    held_file_write(w.file, a, ids, 3);
    assert_returned(&w, "one ");
    world_close(&w);
}

// If this fails, a file that was cut off keeps a worker from starting, or is looked at for ever.
static void what_cannot_be_read_is_removed(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct world w;
    struct err e;
    world_open(&w, a);
    static const char *const texts[] = {"", "[", "{}", "[7,{},{\"token\":\"x\"}]", "\xff"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        assert_ok(file_write_atomic(w.file, slice_str(texts[i]), 0600, &e), &e);
        assert_returned(&w, "");
    }
    held_file_write(w.file, a, ids, 2);
    held_file_write(w.file, a, NULL, 0);
    assert_int_not_equal(access(w.file, F_OK), 0);
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_was_held_is_given_back),
                                       cmocka_unit_test(what_cannot_be_read_is_removed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
