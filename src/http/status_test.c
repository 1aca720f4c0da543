// SPDX-License-Identifier: Apache-2.0
// The operator's listener: what it says of a daemon that works, that cannot, and that drains; and who may act.
#include "base/test.h"

#include "http/client.h"
#include "http/listen.h"
#include "http/status.h"
#include <sys/resource.h>

static bool able = true;
static unsigned acts;

static bool ready(void *ctx, struct arena *a, struct err *e) {
    (void)ctx, (void)a;
    return able || (err_set(e, ERR_CHAIN, "the chain does not answer"), err_hint(e, "wait"));
}
static void figures(void *ctx, struct buf *out) {
    figure_one(out, FIGURE_GAUGE, "test_value", "A value.", *(int *)ctx);
}
static void act(struct http_request *r, void *ctx) {
    acts += *(int *)status_ctx(ctx) == 42;
    http_reply_empty(r, 204);
}
static const struct http_route admin[] = {{HTTP_POST, "/admin/act", act, 0, NULL, 0}};
static int value = 42;

static struct status *start(const char *token) {
    struct err e = {0};
    struct status *s;
    const struct status_settings set = {.listen = "127.0.0.1:0",
                                        .daemon = "outlayer-test",
                                        .ready = ready,
                                        .figures = figures,
                                        .ctx = &value,
                                        .admin_token = token,
                                        .admin = admin,
                                        .admin_count = ARRAY_LEN(admin)};
    assert_ok(status_start(&s, &set, &e), &e);
    return s;
}

static int ask(struct status *s, const char *method, const char *path, const char *bearer, const char *wants) {
    SCOPED_ARENA(a);
    struct http_client *c = http_client_new();
    struct http_answer answer;
    struct err e = {0};
    const struct http_call call = {
        .method = method, .url = arena_printf(a, "http://127.0.0.1:%u%s", status_port(s), path), .bearer = bearer};
    assert_ok(http_call(c, a, &call, &answer, &e), &e);
    if (wants && !strstr((const char *)answer.body.ptr, wants))
        fail_msg("'%s' is not in: %s", wants, (const char *)answer.body.ptr);
    http_client_free(c);
    return answer.status;
}

static void it_says_whether_work_can_be_done(void **state) {
    (void)state;
    struct status *s = start(NULL);
    assert_int_equal(ask(s, "GET", "/healthz", NULL, "ok"), 200);
    assert_int_equal(ask(s, "GET", "/readyz", NULL, "ready"), 200);
    able = false;
    assert_int_equal(ask(s, "GET", "/readyz", NULL, "the chain does not answer"), 503);
    assert_int_equal(ask(s, "GET", "/healthz", NULL, "ok"), 200); // it lives, and needs no restart
    able = true;
    assert_int_equal(ask(s, "GET", "/metrics", NULL, "outlayer_draining 0\n"), 200);
    assert_int_equal(ask(s, "GET", "/metrics", NULL, "# TYPE test_value gauge\ntest_value 42\n"), 200);
    status_drain(s);
    assert_int_equal(ask(s, "GET", "/readyz", NULL, "draining"), 503);
    assert_int_equal(ask(s, "GET", "/metrics", NULL, "outlayer_draining 1\n"), 200);
    status_stop(s);
}

// Whoever reaches the listener stops the daemon, or learns that it could be stopped.
static void without_the_token_nobody_acts(void **state) {
    (void)state;
    struct status *s = start(NULL);
    assert_int_equal(ask(s, "POST", "/admin/act", NULL, NULL), 404);
    assert_int_equal(ask(s, "POST", "/admin/act", "", NULL), 404);
    status_stop(s);
    s = start("");
    assert_int_equal(ask(s, "POST", "/admin/act", "", NULL), 404);
    status_stop(s);
    s = start("right-token");
    assert_int_equal(ask(s, "POST", "/admin/act", NULL, "ADMIN_BEARER_TOKEN"), 401);
    assert_int_equal(ask(s, "POST", "/admin/act", "right-toke", NULL), 401);
    assert_int_equal(ask(s, "POST", "/admin/act", "right-token2", NULL), 401);
    assert_int_equal(acts, 0);
    assert_int_equal(ask(s, "POST", "/admin/act", "right-token", NULL), 204);
    assert_int_equal(acts, 1);
    status_stop(s);
}

static void a_port_that_is_taken_is_said(void **state) {
    (void)state;
    struct status *s = start(NULL), *other;
    char at[32];
    struct err e = {0};
    snprintf(at, sizeof at, "127.0.0.1:%u", status_port(s));
    struct status_settings set = {.listen = at, .daemon = "outlayer-test"};
    assert_false(status_start(&other, &set, &e));
    assert_non_null(strstr(e.msg, "STATUS_LISTEN"));
    assert_non_null(strstr(e.hint, "STATUS_LISTEN=off"));
    assert_null(other);
    set.listen = "off";
    assert_ok(status_start(&other, &set, &e), &e);
    assert_null(other);
    assert_int_equal(status_port(other), 0);
    status_drain(other);
    status_stop(other);
    status_stop(s);
}

static void places_are_an_address_and_a_port(void **state) {
    (void)state;
    static const char *const bad[] = {"",         "9080",       ":9080",       "localhost:9080", "127.0.0.1",
                                      "1.2.3.4:", "1.2.3.4:-1", "1.2.3.4:x",   "1.2.3.4:65536",  "::1:9080",
                                      "[::1]",    "[::1:9080",  "[1.2.3.4]:1", "1.2.3.4 :1",     "[]:1"};
    struct listen_place at;
    struct err e = {0};
    assert_ok(listen_parse(&at, "X", "127.0.0.1:9080", &e), &e);
    assert_string_equal(at.host, "127.0.0.1");
    assert_int_equal(at.port, 9080);
    assert_ok(listen_parse(&at, "X", "[::1]:0", &e), &e);
    assert_string_equal(at.host, "::1");
    assert_int_equal(at.port, 0);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (listen_parse(&at, "SOME_LISTEN", bad[i], &e))
            fail_msg("'%s' was taken", bad[i]);
        assert_non_null(strstr(e.msg, "SOME_LISTEN"));
    }
}

// An operator whose system allows too few open files looks for another program on the port. The last test: the hard
// limit of a process does not rise again.
static void too_few_files_are_said(void **state) {
    (void)state;
    const struct rlimit few = {300, 300};
    const struct status_settings set = {.listen = "127.0.0.1:0", .daemon = "outlayer-test"};
    struct status *s;
    struct err e = {0};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    assert_false(status_start(&s, &set, &e));
    assert_non_null(strstr(e.msg, "STATUS_LISTEN"));
    assert_non_null(strstr(e.hint, "LimitNOFILE"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_says_whether_work_can_be_done), cmocka_unit_test(without_the_token_nobody_acts),
        cmocka_unit_test(a_port_that_is_taken_is_said),     cmocka_unit_test(places_are_an_address_and_a_port),
        cmocka_unit_test(too_few_files_are_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
