// SPDX-License-Identifier: Apache-2.0
// Follows an answer against a chain and a coordinator that say what a test says.
#include "worker/settle.h"

#include "protocol/attestation.h"

#include "base/file.h"
#include "base/test.h"
#include "codec/hex.h"
#include "http/test_server.h"
#include <pthread.h>
#include <stdlib.h>

#define ZEROS "[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]"
#define REQUEST                                                                                                        \
    "{\"request_id\":5,\"data_id\":" ZEROS ",\"sender_id\":\"s.near\",\"code_source\":{\"repo\":\"r\",\"commit\":"     \
    "\"c\"},\"resource_limits\":{\"max_instructions\":1,\"max_memory_mb\":1,\"max_execution_seconds\":1},"             \
    "\"payment\":1,\"timestamp\":1,\"extensions\":0,\"extensions_left\":0,\"answered\":false}"
#define ENDED                                                                                                          \
    "{\"standard\":\"near-outlayer\",\"version\":\"1.0.0\",\"event\":\"execution_completed\",\"data\":[{\"request_"    \
    "id\""                                                                                                             \
    ":5,\"success\":true,\"payment_charged\":\"1\",\"resources_used\":{\"instructions\":1,\"time_ms\":1}}]}"

// An open request, whose contract refuses so many answers, with these words.
static struct fake {
    struct http_server *server;
    pthread_mutex_t mutex; // for all below
    unsigned refuses, sent, completed, failed;
    const char *words;
} fake;
static char url[64];

static json_t *view(void) {
    json_t *bytes = json_array();
    for (const char *p = REQUEST; *p; p++)
        json_array_append_new(bytes, json_integer(*p));
    return json_pack("{s:o,s:I}", "result", bytes, "block_height", (json_int_t)50);
}

static json_t *answer_to(struct arena *a, const char *method, const json_t *params) {
    struct hash zeros = {0};
    const char *type = json_string_value(json_object_get(params, "request_type"));
    if (strcmp(method, "block") == 0)
        return json_pack("{s:{s:I,s:I,s:s}}", "header", "height", (json_int_t)50, "timestamp", (json_int_t)5, "hash",
                         hash_base58(a, &zeros));
    if (type && strcmp(type, "view_access_key") == 0)
        return json_pack("{s:I,s:s}", "nonce", (json_int_t)7, "permission", "FullAccess");
    if (strcmp(method, "send_tx") != 0)
        return view();
    if (++fake.sent > fake.refuses)
        return json_pack("{s:{s:s}}", "status", "SuccessValue", "");
    return json_pack("{s:{s:{s:{s:{s:{s:s}}}}}}", "status", "Failure", "ActionError", "kind", "FunctionCallError",
                     "ExecutionError", fake.words);
}

static void serve_rpc(struct http_request *r, void *ctx) {
    (void)ctx;
    SCOPED_JSON(call) = json_parse(http_body(r), 1 << 20, NULL);
    pthread_mutex_lock(&fake.mutex);
    json_t *result =
        answer_to(http_arena(r), json_string_value(json_object_get(call, "method")), json_object_get(call, "params"));
    pthread_mutex_unlock(&fake.mutex);
    http_reply_json(r, 200, json_pack("{s:s,s:s,s:o}", "jsonrpc", "2.0", "id", "outlayer", "result", result));
}

static void serve_end(struct http_request *r, void *count) {
    pthread_mutex_lock(&fake.mutex);
    ++*(unsigned *)count;
    pthread_mutex_unlock(&fake.mutex);
    http_reply_json(r, 200, json_object());
}

static void serve_complete(struct http_request *r, void *ctx) {
    (void)ctx;
    serve_end(r, &fake.completed);
}

static void serve_fail(struct http_request *r, void *ctx) {
    (void)ctx;
    serve_end(r, &fake.failed);
}

static const struct http_route routes[] = {
    {.method = HTTP_POST, .path = "/", .handler = serve_rpc, .max_body = 1 << 20},
    {.method = HTTP_POST, .path = "/tasks/complete", .handler = serve_complete, .max_body = 1 << 20},
    {.method = HTTP_POST, .path = "/tasks/fail", .handler = serve_fail, .max_body = 1 << 20},
};

static void open_worker(struct worker *w, struct arena *a, const char *home) {
    const struct api_settings api = {
        .base_url = url, .worker_id = "w", .token = "t", .network = "devnet", .contract_id = "c.near"};
    struct secret_key key;
    struct account_id operator;
    struct err e;
    secret_key_generate(&key);
    struct public_key public = secret_key_public(&key);
    *w = (struct worker){.seen = seen_new()};
    assert_ok(journal_open(a, home, &w->set.pending_dir, &e), &e);
    assert_ok(account_id_parse(&operator, slice_str("operator.near"), &e), &e);
    assert_ok(api_new(&w->api, &api, &e), &e);
    const struct held_settings held = {.api = w->api,
                                       .capabilities = "wasm32-wasip1",
                                       .slots = 1,
                                       .file = arena_printf(a, "%s/held", home),
                                       .pending_dir = home};
    assert_ok(held_start(&w->held, &held, &e), &e);
    assert_ok(rpc_new(&w->rpc, url, &e), &e);
    assert_ok(sender_new(&w->sender, w->rpc, &operator, & key, &e), &e);
    assert_ok(chain_new(&w->chain, w->rpc, "outlayer.near", &public, &e), &e);
    seen_add(w->seen, 5, NULL, ENDED);
}

static void close_worker(struct worker *w) {
    chain_free(w->chain);
    sender_free(w->sender);
    rpc_free(w->rpc);
    held_stop(w->held);
    api_free(w->api);
    seen_free(w->seen);
}

// An answer that the contract refuses so often, with these words. report: taken over; `after` looks at what became of
// it.
static void answers_as(unsigned refuses, const char *words, json_t *report, void (*after)(const struct submission *s)) {
    SCOPED_ARENA(a);
    char home[] = "/tmp/outlayer-settle-XXXXXX";
    struct worker w;
    struct err e;
    const struct task t = {.contract_id = "outlayer.near", .request_id = 5, .sender_id = "s.near"};
    const struct answer n = {.class = ANSWER_SUCCESS, .output = SLICE_LIT("out")};
    assert_non_null(mkdtemp(home));
    open_worker(&w, a, home);
    pthread_mutex_lock(&fake.mutex);
    fake.refuses = refuses;
    fake.words = words;
    fake.sent = fake.completed = fake.failed = 0;
    pthread_mutex_unlock(&fake.mutex);
    struct submission *s = submission_new(&t, NULL, "token", &n, report);
    assert_ok(settle_prepare(&w, s, &e), &e);
    settle_follow(&w, s);
    if (after)
        after(s);
    submission_free(s);
    close_worker(&w);
    assert_ok(file_remove_tree(home, &e), &e);
}

static void answers(unsigned refuses, const char *words) { answers_as(refuses, words, json_object(), NULL); }

static void attests_the_failure(const struct submission *s) {
    struct attestation x;
    struct err e;
    static const struct hash none;
    assert_ok(attestation_read(&x, json_object_get(s->report, "attestation"), &e), &e);
    assert_false(x.success);
    assert_true(hash_eq(&x.output_hash, &none));
    x.contract_id = "outlayer.near";
    x.request_id = 5;
    struct hash digest = attestation_hash(&x);
    assert_true(s->answer.has_digest && hash_eq(&s->answer.digest, &digest));
}

// If this fails, the chain has the digest of a success beside a failure, and nobody can make it again.
static void test_attests_what_is_answered(void **state) {
    (void)state;
    const struct attestation x = {.network = "devnet",
                                  .sender_id = "s.near",
                                  .repo = "r",
                                  .commit = "c",
                                  .build_target = "t",
                                  .output_hash = sha256(SLICE_LIT("out")),
                                  .success = true,
                                  .price_list = "p",
                                  .engine = "e",
                                  .measurement = ""};
    answers_as(1, "Smart contract panicked: " REFUSED_STAKE_PART,
               json_pack("{s:o}", "attestation", attestation_json(&x)), attests_the_failure);
    assert_int_equal(fake.sent, 2);
}

// If this fails, an answer that meets an extension on its way is thrown away, and all is computed once more.
static void test_crosses_an_extension(void **state) {
    (void)state;
    answers(2, "Smart contract panicked: " REFUSED_EXTENDING);
    assert_int_equal(fake.sent, 3);
    assert_int_equal(fake.completed, 1);
    assert_int_equal(fake.failed, 0);
    answers(100, "Smart contract panicked: " REFUSED_EXTENDING); // for ever: it is paid for each time
    assert_true(fake.sent > 2 && fake.sent < 10);
    assert_int_equal(fake.completed, 0);
    assert_int_equal(fake.failed, 1);
}

static void test_refused(void **state) {
    (void)state;
    answers(100, "Smart contract panicked: Only operator can call this");
    assert_int_equal(fake.sent, 1);
    assert_int_equal(fake.completed, 0);
    assert_int_equal(fake.failed, 1);
}

static int set_up(void **state) {
    (void)state;
    pthread_mutex_init(&fake.mutex, NULL);
    fake.server = test_server(routes, ARRAY_LEN(routes), 1);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", http_server_port(fake.server));
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    http_server_stop(fake.server);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_crosses_an_extension), cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_attests_what_is_answered)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
