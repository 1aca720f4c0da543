// SPDX-License-Identifier: Apache-2.0
#include "worker/coordinator_client.h"

#include "base/clock.h"
#include "base/test.h"
#include "http/test_server.h"
#include <pthread.h>

#define ROUNDS 1000
#define BEATS 3
#define UNNAMED_MS 5000 // longer than some calls take, however busy the machine is

// What the server answers to everything.
static struct {
    int status;
    const char *body;
    const char *type;
    const char *date; // NULL: now
    char path[200];
    const char *unknown; // a member that it does not know; NULL: none
    char body_got[200];
    unsigned told;
} fake;
static const char *said_now; // what announcements are answered; NULL: as everything
static struct http_server *server;
static struct api *api;
static struct api_settings settings;

static void serve(struct http_request *r, void *ctx) {
    (void)ctx;
    const char *key = http_param(r, "key");
    if (key)
        snprintf(fake.path, sizeof fake.path, "%s", key);
    if (fake.date)
        http_add_header(r, "Date", fake.date);
    http_reply(r, fake.status, fake.type, slice_str(fake.body));
}

static void serve_announcement(struct http_request *r, void *ctx) {
    if (said_now)
        http_reply(r, 200, "application/json", slice_str(said_now));
    else
        serve(r, ctx);
}

// A coordinator that leases nothing. It may be one that knows no `at_hand`.
static struct {
    bool is_older;
    unsigned asked;
    char at_hand[100]; // as the last poll named it; "-": not at all
} coordinator;

static void serve_poll(struct http_request *r, void *ctx) {
    (void)ctx;
    const char *at_hand = http_query(r, "at_hand");
    struct err e;
    coordinator.asked++;
    snprintf(coordinator.at_hand, sizeof coordinator.at_hand, "%s", at_hand ? at_hand : "-");
    if (!at_hand || !coordinator.is_older) {
        http_reply_empty(r, 204);
        return;
    }
    err_set(&e, ERR_INVALID, "'at_hand' is no parameter of this path");
    http_reply_err(r, &e);
}

static void serve_complete(struct http_request *r, void *ctx) {
    struct slice body = http_body(r);
    bool knows = !fake.unknown || !memmem(body.ptr, body.len, fake.unknown, strlen(fake.unknown));
    fake.told++;
    snprintf(fake.body_got, sizeof fake.body_got, "%.*s", (int)body.len, (const char *)body.ptr);
    if (knows)
        serve(r, ctx);
    else
        http_reply(r, 400, "application/json",
                   SLICE_LIT("{\"error\":{\"code\":\"invalid_input\",\"message\":\"unknown field\"}}"));
}

static const struct http_route routes[] = {
    {.method = HTTP_GET, .path = "/tasks/poll", .handler = serve_poll},
    {.method = HTTP_POST, .path = "/tasks/heartbeat", .handler = serve, .max_body = 1 << 16},
    {.method = HTTP_POST, .path = "/workers/heartbeat", .handler = serve_announcement, .max_body = 1 << 16},
    {.method = HTTP_POST, .path = "/tasks/complete", .handler = serve_complete, .max_body = 1 << 16},
    {.method = HTTP_GET, .path = "/wasm/{hash}", .handler = serve},
    {.method = HTTP_GET, .path = "/builds/{key}", .handler = serve},
    {.method = HTTP_DELETE, .path = "/locks/release/{key}", .handler = serve},
};

static void answers(int status, const char *type, const char *body) {
    fake.status = status, fake.type = type, fake.body = body;
}

static const struct lease_id id = {"c.near", "token", 7};

static enum err_code beat(struct arena *a) {
    struct err e = {0};
    return api_heartbeat(api, a, &id, "run", 0, &e) ? ERR_INTERNAL : e.code;
}

// If this fails, a proxy that restarts makes a worker drop its leases, or build anew what is there.
static void a_status_is_not_the_coordinators_word(void **state) {
    (void)state;
    static const int statuses[] = {400, 401, 403, 404, 405, 409, 410, 413, 429, 500, 502, 503, 504};
    static const char *const bodies[][2] = {{"text/html", "<html>nginx</html>"},
                                            {"application/json", ""},
                                            {"application/json", "{\"error\":\"conflict\"}"},
                                            {"application/json", "{\"error\":{\"message\":\"gone\"}}"},
                                            {"application/json", "{\"code\":\"lease_lost\"}"}};
    struct hash h = {0};
    struct slice wasm;
    struct build_record *records;
    size_t count;
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
        for (size_t k = 0; k < ARRAY_LEN(bodies); k++) {
            SCOPED_ARENA(a);
            struct err e = {0};
            SCOPED_JSON(report) = json_object();
            answers(statuses[i], bodies[k][0], bodies[k][1]);
            assert_int_equal(beat(a), ERR_UNAVAILABLE);
            assert_err(api_complete(api, a, &id, report, &e), &e, ERR_UNAVAILABLE, "");
            assert_err(api_wasm_get(api, a, &h, &wasm, &e), &e, ERR_UNAVAILABLE, "");
            assert_err(api_records_get(api, a, &h, &records, &count, &e), &e, ERR_UNAVAILABLE, "");
        }
}

// If this fails, a worker goes on with what somebody else has.
static void the_coordinators_own_words(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e = {0};
    struct hash h = {0};
    struct slice wasm;
    answers(409, "application/json", "{\"error\":{\"code\":\"lease_lost\",\"message\":\"it is over\"}}");
    assert_err(api_heartbeat(api, a, &id, NULL, 0, &e), &e, ERR_LEASE_LOST, "it is over");
    answers(404, "application/json", "{\"error\":{\"code\":\"not_found\",\"message\":\"nobody has it\"}}");
    assert_err(api_wasm_get(api, a, &h, &wasm, &e), &e, ERR_NOT_FOUND, "nobody has it");
    answers(200, "application/wasm", "other");
    assert_err(api_wasm_get(api, a, &h, &wasm, &e), &e, ERR_CORRUPT, "other bytes");
}

// If this fails, a request that was answered is done again, since an older coordinator does not take what it does not
// know.
static void an_older_coordinator_is_told_the_end(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e = {0};
    SCOPED_JSON(report) = json_pack("{s:s, s:{s:s}}", "outcome", "success", "attestation", "engine", "x");
    answers(200, "application/json", "{\"changed\":true}");
    assert_ok(api_complete(api, a, &id, report, &e), &e);
    assert_non_null(strstr(fake.body_got, "attestation"));
    fake.unknown = "attestation";
    assert_ok(api_complete(api, a, &id, report, &e), &e);
    assert_null(strstr(fake.body_got, "attestation"));
    assert_non_null(strstr(fake.body_got, "success"));
    fake.unknown = "outcome"; // what is wrong otherwise stays wrong
    assert_err(api_complete(api, a, &id, report, &e), &e, ERR_INVALID, "unknown field");
    fake.unknown = NULL;
}

// If this fails, a worker that is upgraded before its coordinator can report no end.
static void a_coordinator_of_before_logs(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e = {0};
    SCOPED_JSON(report) = json_pack("{s:s, s:s, s:s, s:{}}", "outcome", "success", REPORT_BUILD_LOG, "x", REPORT_STDERR,
                                    "y", "attestation");
    answers(200, "application/json", "{}");
    fake.told = 0;
    assert_ok(api_complete(api, a, &id, report, &e), &e);
    assert_int_equal(fake.told, 1);
    assert_non_null(strstr(fake.body_got, REPORT_STDERR));
    fake.unknown = REPORT_BUILD_LOG;
    assert_ok(api_complete(api, a, &id, report, &e), &e);
    assert_int_equal(fake.told, 3);
    assert_null(strstr(fake.body_got, REPORT_STDERR));
    assert_non_null(strstr(fake.body_got, "attestation"));   // which that one knew
    assert_non_null(json_object_get(report, REPORT_STDERR)); // it is the caller's
    fake.unknown = NULL;
}

// If this fails, a lock whose name has a slash, a space or a percent sign is never released.
static void names_in_paths(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e = {0};
    answers(200, "application/json", "{}");
    assert_ok(api_unlock(api, a, "build/a b%2f\xc3\xa4?x&y#z~_", &e), &e);
    assert_string_equal(fake.path, "build/a b%2f\xc3\xa4?x&y#z~_");
}

// If this fails, a worker whose clock is wrong has requests called too late that are not, or that nobody can serve in
// time handed out.
static void deadlines_are_told_by_the_coordinators_clock(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e = {0};
    const uint64_t told = 2216246400ull * 1000;
    assert_in_range(api_now_ms(api), clock_wall_ms() - 60000, clock_wall_ms() + 60000);
    fake.date = "Sun, 25 Mar 2040 00:00:00 GMT";
    answers(503, "text/html", "<html>nginx</html>"); // whose clock is whose?
    assert_int_equal(beat(a), ERR_UNAVAILABLE);
    assert_in_range(api_now_ms(api), clock_wall_ms() - 60000, clock_wall_ms() + 60000);
    answers(200, "application/json", "{\"expires_in_ms\":15000}");
    assert_ok(api_heartbeat(api, a, &id, NULL, 0, &e), &e);
    assert_in_range(api_now_ms(api), told, told + 60000);
    fake.date = "some day";
    assert_ok(api_heartbeat(api, a, &id, NULL, 0, &e), &e);
    assert_in_range(api_now_ms(api), told, told + 60000);
    // A coordinator's own word is the clock of its database; its date, that of its machine.
    const uint64_t said = told + 3600000;
    answers(200, "application/json", "{\"ok\":true,\"now_ms\":2216250000000}");
    const struct worker_state state_of = {.capabilities = ""};
    fake.date = "Sun, 25 Mar 2040 03:00:00 GMT";
    assert_ok(api_announce(api, a, &state_of, &e), &e);
    assert_in_range(api_now_ms(api), said, said + 60000);
    answers(200, "application/json", "{\"expires_in_ms\":15000}");
    assert_ok(api_heartbeat(api, a, &id, NULL, 0, &e), &e);
    assert_in_range(api_now_ms(api), said, said + 60000);
    answers(200, "application/json", "{\"ok\":true,\"now_ms\":\"soon\"}");
    assert_ok(api_announce(api, a, &state_of, &e), &e);
    assert_in_range(api_now_ms(api), said, said + 60000);
    fake.date = NULL;
}

static void *beat_on(void *ctx) {
    struct api *other = ctx;
    struct err e;
    SCOPED_ARENA(a);
    for (int i = 0; i < BEATS; i++)
        assert_ok(api_heartbeat(other, a, &id, NULL, 0, &e), &e);
    return NULL;
}

// If this fails, a worker goes by the coordinator's machine's clock for a while, since a date came when its word did.
static void a_date_takes_no_words_place(void **state) {
    (void)state;
    const struct worker_state state_of = {.capabilities = ""};
    const uint64_t said = 2216250000000;
    answers(200, "application/json", "{}");
    fake.date = "Sun, 25 Mar 2040 03:00:00 GMT";
    said_now = "{\"ok\":true,\"now_ms\":2216250000000}";
    for (int i = 0; i < ROUNDS; i++) {
        SCOPED_ARENA(a);
        struct api *other;
        struct err e;
        pthread_t thread[2];
        assert_ok(api_new(&other, &settings, &e), &e);
        for (size_t k = 0; k < ARRAY_LEN(thread); k++)
            assert_int_equal(pthread_create(&thread[k], NULL, beat_on, other), 0);
        assert_ok(api_announce(other, a, &state_of, &e), &e);
        for (size_t k = 0; k < ARRAY_LEN(thread); k++)
            pthread_join(thread[k], NULL);
        assert_in_range(api_now_ms(other), said, said + 60000);
        api_free(other);
    }
    fake.date = said_now = NULL;
}

static void poll_naming(const char *at_hand, const char *named, unsigned asked) {
    SCOPED_ARENA(a);
    static const atomic_bool never;
    const struct poll_wish wish = {.at_hand = at_hand, .stop = &never};
    struct lease lease;
    struct err e;
    bool got;
    coordinator.asked = 0;
    assert_ok(api_poll(api, a, &wish, &lease, &got, &e), &e);
    assert_false(got);
    assert_string_equal(coordinator.at_hand, named);
    assert_int_equal(coordinator.asked, asked);
}

// If this fails, workers that are newer than a coordinator get no work from it.
static void an_older_coordinator_takes_polls(void **state) {
    (void)state;
    poll_naming("", "-", 1);
    poll_naming("0123456789abcdef", "0123456789abcdef", 1);
    coordinator.is_older = true;
    uint64_t since = clock_mono_ms();
    poll_naming("0123456789abcdef", "-", 2);
    coordinator.is_older = false;
    poll_naming("0123456789abcdef", "-", 1);
    while (clock_mono_ms() < since + UNNAMED_MS + 100)
        ;
    poll_naming("0123456789abcdef", "0123456789abcdef", 1);
}

static int set_up(void **state) {
    (void)state;
    static char url[64];
    struct err e = {0};
    server = test_server(routes, ARRAY_LEN(routes), 2);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", http_server_port(server));
    settings = (struct api_settings){.base_url = url,
                                     .token = "t",
                                     .worker_id = "w 1",
                                     .version = "1",
                                     .network = "devnet",
                                     .contract_id = "c.near",
                                     .unnamed_ms = UNNAMED_MS};
    assert_ok(api_new(&api, &settings, &e), &e);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    api_free(api);
    http_server_stop(server);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_status_is_not_the_coordinators_word),
                                       cmocka_unit_test(the_coordinators_own_words),
                                       cmocka_unit_test(an_older_coordinator_is_told_the_end),
                                       cmocka_unit_test(names_in_paths),
                                       cmocka_unit_test(a_coordinator_of_before_logs),
                                       cmocka_unit_test(deadlines_are_told_by_the_coordinators_clock),
                                       cmocka_unit_test(a_date_takes_no_words_place),
                                       cmocka_unit_test(an_older_coordinator_takes_polls)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
