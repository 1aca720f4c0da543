// SPDX-License-Identifier: Apache-2.0
#include "worker/extender.h"

#include "base/clock.h"
#include "base/test.h"
#include "codec/hex.h"
#include "http/test_server.h"
#include <pthread.h>
#include <time.h>

#define SECOND 1000000000ull
#define ZEROS "[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]"
#define MADE_AT 1000 // the request's height

// A chain of one request, as an RPC server shows it. Blocks come every 100 ms, or block_ns, of its own time, which
// stands still.
static struct fake {
    struct http_server *server;
    pthread_mutex_t mutex; // for all below
    uint64_t height, block_ns;
    unsigned extensions, extensions_left, sent, takes; // takes: views until the contract has yielded anew
    bool refuses, answered;
    const char *invalid; // JSON: transactions are taken and never seen again, and what a node says of one that it is
                         // given once more; NULL: they are executed
} fake;
static char url[64];

static uint64_t now_ns(void) { return 1000 * SECOND + fake.height * fake.block_ns; }

static json_t *request_view(struct arena *a) {
    if (fake.sent && !fake.refuses && !fake.invalid && fake.takes && --fake.takes == 0) {
        fake.extensions++;
        fake.extensions_left--;
    }
    char *text = arena_printf(
        a,
        "{\"request_id\":5,\"data_id\":" ZEROS ",\"sender_id\":\"s.near\",\"code_source\":{\"repo\":\"r\",\"commit\":"
        "\"c\"},\"resource_limits\":{\"max_instructions\":1,\"max_memory_mb\":1,\"max_execution_seconds\":1},"
        "\"payment\":1,\"timestamp\":%llu,\"extensions\":%u,\"extensions_left\":%u,\"answered\":%"
        "s}",
        (unsigned long long)(1000 * SECOND + MADE_AT * fake.block_ns), fake.extensions, fake.extensions_left,
        fake.answered ? "true" : "false");
    json_t *bytes = json_array();
    for (const char *p = text; *p; p++)
        json_array_append_new(bytes, json_integer(*p));
    return json_pack("{s:o,s:[],s:I}", "result", bytes, "logs", "block_height", (json_int_t)fake.height);
}

static json_t *answer(struct arena *a, const char *method, const json_t *params) {
    struct hash zeros = {0};
    const char *type = json_string_value(json_object_get(params, "request_type"));
    if (strcmp(method, "block") == 0)
        return json_pack("{s:{s:I,s:I,s:s}}", "header", "height", (json_int_t)fake.height, "timestamp",
                         (json_int_t)now_ns(), "hash", hash_base58(a, &zeros));
    if (strcmp(method, "broadcast_tx_async") == 0) {
        fake.sent++;
        return json_string("hash");
    }
    if (strcmp(method, "tx") == 0 && fake.refuses)
        return json_pack("{s:{s:{s:{s:{s:{s:s}}}}}}", "status", "Failure", "ActionError", "kind", "FunctionCallError",
                         "ExecutionError", "Smart contract panicked: no gas is left for that");
    if (strcmp(method, "tx") == 0)
        return json_pack("{s:{s:s}}", "status", "SuccessValue", "");
    if (type && strcmp(type, "view_access_key") == 0)
        return json_pack("{s:I,s:s}", "nonce", (json_int_t)7, "permission", "FullAccess");
    return request_view(a);
}

// What a node says about a transaction that is lost; NULL: that is not the question.
static json_t *error_of(const char *method) {
    bool again = strcmp(method, "send_tx") == 0;
    if (!fake.invalid || (!again && strcmp(method, "tx") != 0))
        return NULL;
    json_t *data = again ? json_pack("{s:{s:o}}", "TxExecutionError", "InvalidTxError",
                                     json_loads(fake.invalid, JSON_DECODE_ANY, NULL))
                         : json_string("no such transaction");
    return json_pack("{s:s,s:s,s:{s:s,s:{s:s},s:o}}", "jsonrpc", "2.0", "id", "outlayer", "error", "name",
                     "HANDLER_ERROR", "cause", "name", again ? "INVALID_TRANSACTION" : "UNKNOWN_TRANSACTION", "data",
                     data);
}

static void serve(struct http_request *r, void *ctx) {
    (void)ctx;
    SCOPED_JSON(call) = json_parse(http_body(r), 1 << 20, NULL);
    const char *method = json_string_value(json_object_get(call, "method"));
    pthread_mutex_lock(&fake.mutex);
    json_t *error = error_of(method);
    json_t *result = error ? NULL : answer(http_arena(r), method, json_object_get(call, "params"));
    pthread_mutex_unlock(&fake.mutex);
    if (error) {
        http_reply_json(r, 200, error);
        return;
    }
    http_reply_json(r, 200, json_pack("{s:s,s:s,s:o}", "jsonrpc", "2.0", "id", "outlayer", "result", result));
}

static const struct http_route routes[] = {
    {.method = HTTP_POST, .path = "/", .handler = serve, .max_body = 1 << 20},
};

struct world {
    struct rpc *rpc;
    struct sender *sender;
    struct chain *chain;
    struct extender *x;
    atomic_bool abandon;
    struct task task;
};

static void start(struct world *w, uint64_t height, unsigned extensions_left) {
    struct err e;
    struct secret_key key;
    struct account_id operator;
    *w = (struct world){.task = {.contract_id = "outlayer.near",
                                 .request_id = 5,
                                 .context = {.has_height = true, .block_height = MADE_AT}}};
    pthread_mutex_lock(&fake.mutex);
    fake.height = height;
    fake.extensions_left = extensions_left;
    fake.sent = fake.extensions = 0;
    fake.takes = 2;
    fake.refuses = fake.answered = false;
    fake.invalid = NULL;
    fake.block_ns = SECOND / 10;
    pthread_mutex_unlock(&fake.mutex);
    secret_key_generate(&key);
    struct public_key public = secret_key_public(&key);
    assert_ok(account_id_parse(&operator, slice_str("operator.near"), &e), &e);
    assert_ok(rpc_new(&w->rpc, url, &e), &e);
    assert_ok(sender_new(&w->sender, w->rpc, &operator, & key, &e), &e);
    assert_ok(chain_new(&w->chain, w->rpc, "outlayer.near", &public, &e), &e);
    struct extender_settings s = {w->rpc, w->sender, w->chain, &w->abandon};
    assert_ok(extender_start(&w->x, &s, &e), &e);
}

static void end(struct world *w) {
    extender_stop(w->x);
    chain_free(w->chain);
    sender_free(w->sender);
    rpc_free(w->rpc);
}

static struct watch *watch(struct world *w) {
    SCOPED_ARENA(a);
    struct err e;
    enum chain_answer answer;
    struct chain_request r;
    struct window window;
    assert_ok(chain_request(w->chain, a, &w->task, &answer, &r, &e), &e);
    assert_ok(chain_window(w->chain, a, &w->task, &r, &window, &e), &e);
    return extender_watch(w->x, &w->task, &r, &window, NULL, NULL);
}

static unsigned sent(void) {
    pthread_mutex_lock(&fake.mutex);
    unsigned n = fake.sent;
    pthread_mutex_unlock(&fake.mutex);
    return n;
}

static void pause_ms(uint64_t ms) {
    nanosleep(&(struct timespec){(time_t)(ms / 1000), (long)(ms % 1000) * 1000000}, NULL);
}

// Waits until so many transactions were sent: the fake has nothing else to tell.
static void sends(unsigned want) {
    for (uint64_t end = clock_mono_ms() + 60000; sent() < want && clock_mono_ms() < end;)
        pause_ms(5);
    assert_int_equal(sent(), want);
}

// If this fails, long builds and runs meet the end of their window, or the contract is asked again and again.
static void test_extends(void **state) {
    (void)state;
    struct world w;
    start(&w, MADE_AT + 150, 2); // 50 blocks are left
    struct watch *x = watch(&w);
    assert_true(extender_left_most(w.x, x) > 5000 + 2 * 13000);
    sends(1);
    for (uint64_t end = clock_mono_ms() + 60000; extender_left(w.x, x) < 15000 && clock_mono_ms() < end;)
        pause_ms(5);
    uint64_t left = extender_left(w.x, x);
    assert_true(left > 15000 && left <= 20000); // 200 blocks from the extension on
    pause_ms(1000);
    assert_int_equal(sent(), 1);
    extender_drop(w.x, x);
    end(&w);
}

// If this fails, a worker that takes over a request that another one has extended gives it up, or runs into its end.
static void test_takes_over(void **state) {
    (void)state;
    struct world w;
    start(&w, MADE_AT + 300, 2); // its first 200 blocks are over
    pthread_mutex_lock(&fake.mutex);
    fake.extensions = 1;
    pthread_mutex_unlock(&fake.mutex);
    struct watch *x = watch(&w);
    assert_true(extender_left(w.x, x) > 0);
    sends(1); // when the other one did is not known: the window could be nearly over
    for (uint64_t end = clock_mono_ms() + 60000; extender_left(w.x, x) < 15000 && clock_mono_ms() < end;)
        pause_ms(5);
    assert_true(extender_left(w.x, x) > 15000);
    extender_drop(w.x, x);
    end(&w);
}

// If this fails, time is bought for requests that only wait for others.
static void test_waits_without_buying(void **state) {
    (void)state;
    struct world w;
    start(&w, MADE_AT + 130, 2); // 70 blocks are left: it is due in a second
    struct watch *x = watch(&w);
    extender_hold(w.x, x, true);
    extender_hold(w.x, NULL, true); // one that is not watched
    pause_ms(1500);
    assert_int_equal(sent(), 0);
    extender_hold(w.x, x, false);
    sends(1);
    extender_drop(w.x, x);
    end(&w);
}

// If this fails, each request costs an extension that it does not need.
static void test_leaves_alone(void **state) {
    (void)state;
    struct world w;
    start(&w, MADE_AT + 100, 2); // 100 blocks: time enough
    struct watch *x = watch(&w);
    pause_ms(300);
    assert_int_equal(sent(), 0);
    extender_drop(w.x, x);
    end(&w);
    start(&w, MADE_AT + 150, 0); // the contract allows none
    x = watch(&w);
    assert_true(extender_left_most(w.x, x) <= 5000);
    pause_ms(300);
    assert_int_equal(sent(), 0);
    extender_drop(w.x, x);
    end(&w);
    start(&w, MADE_AT + 200, 2); // too late
    x = watch(&w);
    assert_int_equal(extender_left(w.x, x), 0);
    pause_ms(300);
    assert_int_equal(sent(), 0);
    extender_drop(w.x, x);
    end(&w);
}

// If this fails, an extension that the contract refuses is sent for as long as the work goes on.
static void test_refused(void **state) {
    (void)state;
    struct world w;
    start(&w, MADE_AT + 150, 2);
    pthread_mutex_lock(&fake.mutex);
    fake.refuses = true;
    pthread_mutex_unlock(&fake.mutex);
    struct watch *x = watch(&w);
    sends(1);
    for (uint64_t end = clock_mono_ms() + 60000; extender_left_most(w.x, x) > 5000 && clock_mono_ms() < end;)
        pause_ms(5);
    assert_true(extender_left_most(w.x, x) <= 5000);
    pause_ms(300);
    assert_int_equal(sent(), 1);
    extender_drop(w.x, x);
    end(&w);
}

static void lose(const char *invalid) {
    pthread_mutex_lock(&fake.mutex);
    fake.invalid = invalid;
    pthread_mutex_unlock(&fake.mutex);
}

// If this fails, an extension that was lost on its way is waited for until the window is over; or one that can never be
// taken is sent again and again.
static void test_lost_on_its_way(void **state) {
    (void)state;
    struct world w;
    start(&w, MADE_AT + 150, 2);
    pthread_mutex_lock(&fake.mutex);
    fake.block_ns = SECOND / 3; // 50 blocks are left: 16 s
    pthread_mutex_unlock(&fake.mutex);
    lose("{\"InvalidNonce\":{\"tx_nonce\":8,\"ak_nonce\":9}}");
    struct watch *x = watch(&w);
    sends(1);
    sends(2); // signed anew, with another nonce
    lose(NULL);
    for (uint64_t end = clock_mono_ms() + 60000; extender_left(w.x, x) < 20000 && clock_mono_ms() < end;)
        pause_ms(5);
    assert_true(extender_left(w.x, x) > 20000);
    extender_drop(w.x, x);
    end(&w);
    start(&w, MADE_AT + 150, 2);
    lose("{\"InvalidAccessKeyError\":{\"AccessKeyNotFound\":{\"account_id\":\"operator.near\",\"public_key\":\"x\"}}}");
    x = watch(&w);
    sends(1);
    for (uint64_t end = clock_mono_ms() + 60000; extender_left_most(w.x, x) > 5000 && clock_mono_ms() < end;)
        pause_ms(5);
    assert_true(extender_left_most(w.x, x) <= 5000); // it is known that there will be no more
    assert_int_equal(sent(), 1);
    extender_drop(w.x, x);
    end(&w);
}

// If this fails, who asks whether there is time gives up a request for which more is being bought at that moment.
static void test_what_is_bought_counts(void **state) {
    (void)state;
    struct world w;
    start(&w, MADE_AT + 150, 1); // 5 s are left
    struct watch *x = watch(&w);
    sends(1);
    extender_settle(w.x, x);
    extender_settle(w.x, NULL); // one that is not watched
    assert_true(extender_left(w.x, x) > 15000);
    extender_drop(w.x, x);
    end(&w);
}

// If this fails, an answer is sent while the contract yields anew, and is refused; or a worker that stops hangs.
static void test_waits_for_its_end(void **state) {
    (void)state;
    struct world w;
    start(&w, MADE_AT + 150, 1);
    struct watch *x = watch(&w);
    sends(1);
    extender_drop(w.x, x);
    pthread_mutex_lock(&fake.mutex);
    assert_int_equal(fake.extensions_left, 0);
    pthread_mutex_unlock(&fake.mutex);
    end(&w);
    start(&w, MADE_AT + 150, 1);
    pthread_mutex_lock(&fake.mutex);
    fake.takes = 1000; // never shows
    pthread_mutex_unlock(&fake.mutex);
    x = watch(&w);
    sends(1);
    atomic_store(&w.abandon, true);
    uint64_t before = clock_mono_ms();
    extender_drop(w.x, x);
    assert_true(clock_mono_ms() - before < 9000); // it is waited for 10 s where nobody stops
    end(&w);
}

static int set_up(void **state) {
    (void)state;
    pthread_mutex_init(&fake.mutex, NULL);
    fake.server = test_server(routes, ARRAY_LEN(routes), 1);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", http_server_port(fake.server));
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    http_server_stop(fake.server);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_extends),           cmocka_unit_test(test_waits_without_buying),
        cmocka_unit_test(test_takes_over),        cmocka_unit_test(test_leaves_alone),
        cmocka_unit_test(test_refused),           cmocka_unit_test(test_lost_on_its_way),
        cmocka_unit_test(test_waits_for_its_end), cmocka_unit_test(test_what_is_bought_counts)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
