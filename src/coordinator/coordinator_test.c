// SPDX-License-Identifier: Apache-2.0
// The whole coordinator in this process, so that sanitizers see it: many clients at once, and a database that fails.
#include "base/test.h"

#include "base/file.h"
#include "codec/json.h"
#include "coordinator/coordinator.h"
#include "coordinator/tokens.h"
#include "http/client.h"
#include "queue/database.h"
#include <inttypes.h>
#include <signal.h>
#include <sys/resource.h>

#define CONTRACT "outlayer.test.near"
#define CLIENTS 8
#define CYCLES 25

struct fixture {
    struct arena *arena;
    const char *home, *url, *token;
    struct coordinator *c;
    struct http_server *server;
    struct http_client *http;
};

static void start(struct fixture *f) {
    struct err e;
    const struct coordinator_config config = {
        .home = f->home, .require_auth = true, .wasm_max_bytes = 1 << 20, .serve_ms = 600000};
    assert_ok(coordinator_open(&f->c, &config, &e), &e);
    assert_ok(coordinator_serve(&f->server, f->c, &(struct coordinator_door){.host = "127.0.0.1"}, &e), &e);
    f->url = arena_printf(f->arena, "http://127.0.0.1:%u", (unsigned)http_server_port(f->server));
    f->http = http_client_new();
}

static void stop(struct fixture *f) {
    http_client_free(f->http);
    coordinator_stop(f->c);
    http_server_stop(f->server);
    coordinator_free(f->c);
}

static int setup(void **state) {
    struct arena *a = arena_new();
    struct fixture *f = arena_calloc(a, 1, sizeof *f);
    struct err e;
    char *home = arena_strdup(a, "/tmp/outlayer-coordinator-XXXXXX");
    f->arena = a;
    f->home = mkdtemp(home);
    assert_non_null(f->home);
    assert_ok(
        token_create(&(struct token_place){f->home, NULL}, &(struct token_terms){.name = "test"}, a, &f->token, &e),
        &e);
    start(f);
    *state = f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    stop(f);
    (void)!file_remove_tree(f->home, NULL);
    arena_free(f->arena);
    return 0;
}

// --- calls; status 0 where no answer was had

static int call(struct fixture *f, struct arena *a, const char *method, const char *path, const char *body,
                json_t **out) {
    struct http_call c = {
        .method = method, .url = arena_printf(a, "%s%s", f->url, path), .bearer = f->token, .body = slice_str(body)};
    struct http_answer answer;
    struct err e;
    *out = NULL;
    if (!http_call(f->http, a, &c, &answer, &e))
        return 0;
    *out = answer.body.len ? json_parse_big(answer.body, JSON_MAX_BYTES, &e) : NULL;
    return answer.status;
}

static int create_with(struct fixture *f, struct arena *a, uint64_t id, const char *input) {
    const char *body = arena_printf(
        a,
        "{\"contract_id\":\"" CONTRACT "\",\"request_id\":%" PRIu64 ",\"data_id\":\"%064d\",\"sender_id\":\"a.near\","
        "\"code_source\":{\"repo\":\"r\",\"commit\":\"c\"},\"resource_limits\":{\"max_instructions\":1,"
        "\"max_memory_mb\":1,\"max_execution_seconds\":1},\"input_data\":\"%s\"}",
        id, 0, input);
    SCOPED_JSON(j) = NULL;
    return call(f, a, "POST", "/tasks/create", body, &j);
}

static int create(struct fixture *f, struct arena *a, uint64_t id) { return create_with(f, a, id, ""); }

static int lease(struct fixture *f, struct arena *a, unsigned timeout, uint64_t *id, const char **token) {
    SCOPED_JSON(j) = NULL;
    int status = call(f, a, "GET", arena_printf(a, "/tasks/poll?worker_id=w&timeout=%u", timeout), "", &j);
    if (status != 200)
        return status;
    *id = (uint64_t)json_integer_value(json_object_get(json_object_get(j, "task"), "request_id"));
    *token = arena_strdup(a, json_string_value(json_object_get(json_object_get(j, "lease"), "token")));
    return status;
}

static int report(struct fixture *f, struct arena *a, const char *kind, uint64_t id, const char *token,
                  const char *more, bool *changed) {
    const char *body = arena_printf(
        a, "{\"contract_id\":\"" CONTRACT "\",\"request_id\":%" PRIu64 ",\"token\":\"%s\"%s}", id, token, more);
    SCOPED_JSON(j) = NULL;
    int status = call(f, a, "POST", arena_printf(a, "/tasks/%s", kind), body, &j);
    *changed = json_is_true(json_object_get(j, "changed"));
    return status;
}
#define SUCCESS ",\"outcome\":\"success\",\"instructions\":3"

static uint64_t stat_of(struct fixture *f, struct arena *a, const char *name) {
    SCOPED_JSON(j) = NULL;
    assert_int_equal(call(f, a, "GET", "/public/stats", "", &j), 200);
    return (uint64_t)json_integer_value(json_object_get(j, name));
}

// --- tests

struct client {
    struct fixture *f;
    unsigned number, created, changed, others;
    pthread_t thread;
};

// Whose execution it gets is anybody's; each gives two reports at a time, so that one is a repetition.
static void *work(void *arg) {
    struct client *c = arg;
    SCOPED_ARENA(a);
    for (unsigned i = 0; i < CYCLES; i++) {
        uint64_t id;
        const char *token;
        bool changed;
        arena_reset(a);
        c->created += create(c->f, a, (uint64_t)c->number * CYCLES + i + 1) == 201;
        if (lease(c->f, a, 20, &id, &token) != 200)
            continue;
        c->others += report(c->f, a, "heartbeat", id, token, ",\"stage\":\"running\"", &changed) == 200;
        for (int n = 0; n < 2; n++) {
            c->others += report(c->f, a, "complete", id, token, SUCCESS, &changed) == 200;
            c->changed += changed;
        }
    }
    return NULL;
}

static void *look(void *arg) {
    struct client *c = arg;
    SCOPED_ARENA(a);
    static const char *const pages[] = {"/public/jobs?limit=20", "/metrics", "/public/workers", "/public/stats",
                                        "/public/jobs?contract_id=outlayer.test.near"};
    for (unsigned i = 0; i < 5 * CYCLES; i++) {
        SCOPED_JSON(j) = NULL;
        arena_reset(a);
        c->others += call(c->f, a, "GET", pages[i % ARRAY_LEN(pages)], "", &j) == 200;
    }
    return NULL;
}

// Each execution must end exactly once, whoever asks at the same time; a race here pays for a run twice.
static void test_many_clients(void **state) {
    struct fixture *f = *state;
    struct client clients[CLIENTS] = {0}, looker = {.f = f};
    unsigned created = 0, changed = 0, others = 0;
    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){.f = f, .number = i};
        assert_int_equal(pthread_create(&clients[i].thread, NULL, work, &clients[i]), 0);
    }
    assert_int_equal(pthread_create(&looker.thread, NULL, look, &looker), 0);
    pthread_join(looker.thread, NULL);
    for (unsigned i = 0; i < CLIENTS; i++) {
        pthread_join(clients[i].thread, NULL);
        created += clients[i].created;
        changed += clients[i].changed;
        others += clients[i].others;
    }
    assert_int_equal(created, CLIENTS * CYCLES);
    assert_int_equal(changed, CLIENTS * CYCLES);
    assert_int_equal(others, 3 * CLIENTS * CYCLES);
    assert_int_equal(looker.others, 5 * CYCLES);
    assert_int_equal(stat_of(f, f->arena, "successful_executions"), CLIENTS * CYCLES);
    assert_int_equal(stat_of(f, f->arena, "instructions_used"), 3 * CLIENTS * CYCLES);
    assert_int_equal(stat_of(f, f->arena, "queued"), 0);
}

static void sql(struct fixture *f, const char *text) {
    struct db *db;
    struct err e;
    assert_ok(database_open(&db, f->home, NULL, &e), &e);
    assert_ok(db_exec(db, text, &e), &e);
    db_close(db);
}

// If this fails, whoever asks with U+0000 in the input has paid for nothing.
static void test_any_input(void **state) {
    struct fixture *f = *state;
    SCOPED_ARENA(a);
    SCOPED_JSON(j) = NULL;
    assert_int_equal(create_with(f, a, 5, "a\\u0000b"), 201);
    assert_int_equal(call(f, a, "GET", "/tasks/poll?worker_id=w&timeout=1", "", &j), 200);
    const json_t *input = json_object_get(json_object_get(j, "task"), "input_data");
    assert_int_equal(json_string_length(input), 3);
    assert_memory_equal(json_string_value(input), "a\0b", 3);
}

// No file of this process can grow any more, as on a full disk.
static void fill_disk(bool full) {
    const struct rlimit limit = {full ? 1 : RLIM_INFINITY, RLIM_INFINITY};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

// A full disk must cost nothing but time: the client hears 503, keeps its lease, and its next try is good.
static void test_full_disk(void **state) {
    struct fixture *f = *state;
    struct arena *a = f->arena;
    uint64_t id;
    const char *token;
    bool changed;
    assert_int_equal(create(f, a, 1), 201);
    assert_int_equal(lease(f, a, 0, &id, &token), 200);
    fill_disk(true);
    int added = create(f, a, 2), told = report(f, a, "complete", id, token, SUCCESS, &changed);
    fill_disk(false);
    assert_int_equal(added, 503);
    assert_int_equal(told, 503);
    assert_int_equal(report(f, a, "heartbeat", id, token, "", &changed), 200);
    assert_int_equal(report(f, a, "complete", id, token, SUCCESS, &changed), 200);
    assert_true(changed);
    assert_int_equal(create(f, a, 2), 201);
    assert_int_equal(stat_of(f, a, "total_executions"), 2);
}

// One damaged row must not keep all others from being served after a start.
static void test_damaged_row(void **state) {
    struct fixture *f = *state;
    struct arena *a = f->arena;
    uint64_t id = 0;
    const char *token;
    assert_int_equal(create(f, a, 1), 201);
    assert_int_equal(create(f, a, 2), 201);
    stop(f);
    sql(f, "UPDATE executions SET task = '{\"x\"' WHERE request_id = 1");
    start(f);
    assert_int_equal(lease(f, a, 0, &id, &token), 200);
    assert_int_equal(id, 2);
    SCOPED_JSON(j) = NULL;
    assert_int_equal(call(f, a, "GET", "/public/jobs", "", &j), 200);
    assert_int_equal(json_array_size(j), 2);
}

// A newer program's home is refused: what is in there may mean something else.
static void test_newer_home(void **state) {
    struct fixture *f = *state;
    struct db *db;
    struct err e;
    sql(f, "INSERT INTO schema_version (version) VALUES (1000)");
    assert_err(database_open(&db, f->home, NULL, &e), &e, ERR_SETTINGS, "1000");
    const char *path = arena_printf(f->arena, "sqlite://%s/other.db", f->home);
    assert_ok(database_open(&db, f->home, path, &e), &e);
    db_close(db);
    assert_err(database_open(&db, f->home, "mysql://x/y", &e), &e, ERR_SETTINGS, "mysql");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_many_clients, setup, teardown),
                                       cmocka_unit_test_setup_teardown(test_any_input, setup, teardown),
                                       cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
                                       cmocka_unit_test_setup_teardown(test_damaged_row, setup, teardown),
                                       cmocka_unit_test_setup_teardown(test_newer_home, setup, teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
