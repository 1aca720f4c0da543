// SPDX-License-Identifier: Apache-2.0
#include "worker/janitor.h"

#include "base/clock.h"
#include "base/test.h"
#include "codec/hex.h"
#include "http/test_server.h"
#include <pthread.h>
#include <time.h>

#define SECOND 1000000000ull
#define NOW (10000 * SECOND)
#define ZEROS "[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]"

// A chain with four open requests, and a coordinator that has one of them. 5 is stale, 6 was missed, 7 is recorded, and
// 8 is so young that it may be on its way.
struct seen {
    unsigned looks, ranges, sent, missed, asked[10];
    uint64_t missed_ns;
    bool right; // what was sent is what should be
};
static struct fake {
    struct http_server *server;
    pthread_mutex_t mutex; // for all below
    struct seen seen;
    bool idle;         // nothing is open, and much has been
    bool stuck;        // a hundred thousand have been since the oldest one that is open
    atomic_bool hangs; // nobody answers questions about keys and blocks until the end
    bool down;         // the coordinator has troubles
    bool answered;     // all are, and none of the answers has arrived
} fake;
static char url[64];

static json_t *of_bytes(const char *text) {
    json_t *list = json_array();
    for (; *text; text++)
        json_array_append_new(list, json_integer(*text));
    return json_pack("{s:o,s:I}", "result", list, "block_height", (json_int_t)50);
}

static json_t *view(struct arena *a, const json_t *params) {
    static const uint64_t age_s[] = {[5] = 700, [6] = 60, [7] = 60, [8] = 3};
    const char *method = json_string_value(json_object_get(params, "method_name"));
    struct slice args = {NULL, 0};
    struct err e;
    uint64_t id = 0, from = 0;
    assert_ok(base64_decode(&args, a, slice_str(json_string_value(json_object_get(params, "args_base64"))), &e), &e);
    SCOPED_JSON(j) = args.len ? json_parse(args, 999, NULL) : json_object();
    assert_ok(json_opt_u64(j, "request_id", &id, &e) && json_opt_u64(j, "from_index", &from, &e), &e);
    if (strcmp(method, "get_open_range") == 0) {
        fake.seen.ranges++;
        return of_bytes(fake.idle ? "[900000,900000]" : fake.stuck ? "[5,100009]" : "[5,9]");
    }
    if (strcmp(method, "get_pending_request_ids") == 0) {
        fake.seen.looks++;
        if (fake.idle)
            return of_bytes("[]");
        return of_bytes(from < 6 ? "[5,6]" : from < 8 ? "[7,8]" : "[]");
    }
    return of_bytes(arena_printf(
        a,
        "{\"request_id\":%llu,\"data_id\":" ZEROS ",\"sender_id\":\"s.near\",\"code_source\":{\"repo\":\"r\","
        "\"commit\":\"c\"},\"resource_limits\":{\"max_instructions\":1,\"max_memory_mb\":1,\"max_execution_seconds\":1}"
        ",\"payment\":1,\"timestamp\":%llu,\"extensions\":0,\"extensions_left\":0,\"answered\":%s}",
        (unsigned long long)id, (unsigned long long)(NOW - age_s[id] * SECOND), fake.answered ? "true" : "false"));
}

static json_t *answer(struct arena *a, const char *method, const json_t *params) {
    struct hash zeros = {0};
    struct slice tx;
    const char *type = json_string_value(json_object_get(params, "request_type"));
    if (strcmp(method, "block") == 0)
        return json_pack("{s:{s:I,s:I,s:s}}", "header", "height", (json_int_t)50, "timestamp", (json_int_t)NOW, "hash",
                         hash_base58(a, &zeros));
    if (strcmp(method, "send_tx") == 0) {
        const char *text = json_string_value(json_object_get(params, "signed_tx_base64"));
        fake.seen.sent++;
        fake.seen.right = base64_decode(&tx, a, slice_str(text), NULL) &&
                          memmem(tx.ptr, tx.len, "cancel_stale_execution", 22) &&
                          memmem(tx.ptr, tx.len, "{\"request_id\":5}", 16);
        return json_pack("{s:{s:s}}", "status", "SuccessValue", "");
    }
    if (type && strcmp(type, "view_access_key") == 0)
        return json_pack("{s:I,s:s}", "nonce", (json_int_t)7, "permission", "FullAccess");
    return view(a, params);
}

static _Atomic(struct http_request *) parked;

static void serve_rpc(struct http_request *r, void *ctx) {
    (void)ctx;
    SCOPED_JSON(call) = json_parse(http_body(r), 1 << 20, NULL);
    const char *type = json_string_value(json_object_get(json_object_get(call, "params"), "request_type"));
    if (fake.hangs && type && strcmp(type, "view_access_key") == 0) {
        atomic_store(&parked, r);
        return;
    }
    pthread_mutex_lock(&fake.mutex);
    json_t *result =
        answer(http_arena(r), json_string_value(json_object_get(call, "method")), json_object_get(call, "params"));
    pthread_mutex_unlock(&fake.mutex);
    http_reply_json(r, 200, json_pack("{s:s,s:s,s:o}", "jsonrpc", "2.0", "id", "outlayer", "result", result));
}

static void serve_jobs(struct http_request *r, void *ctx) {
    (void)ctx;
    uint64_t id = strtoull(http_query(r, "request_id"), NULL, 10);
    pthread_mutex_lock(&fake.mutex);
    fake.seen.asked[id < 10 ? id : 0]++;
    bool down = fake.down;
    pthread_mutex_unlock(&fake.mutex);
    if (down) {
        http_reply_json(r, 503, json_object());
        return;
    }
    assert_string_equal(http_query(r, "contract_id"), "outlayer.near");
    http_reply_json(r, 200, id == 7 ? json_pack("[{s:I}]", "request_id", (json_int_t)7) : json_array());
}

static const struct http_route routes[] = {
    {.method = HTTP_POST, .path = "/", .handler = serve_rpc, .max_body = 1 << 20},
    {.method = HTTP_GET, .path = "/public/jobs", .handler = serve_jobs},
};

static void missed(void *ctx, uint64_t ns) {
    (void)ctx;
    pthread_mutex_lock(&fake.mutex);
    fake.seen.missed++;
    fake.seen.missed_ns = ns;
    pthread_mutex_unlock(&fake.mutex);
}

// The server's thread may still be in the answer that the test before asked for.
static void set(bool *flag, bool value) {
    pthread_mutex_lock(&fake.mutex);
    *flag = value;
    pthread_mutex_unlock(&fake.mutex);
}

// Looks so often with this sender, and tells what the servers have seen meanwhile.
static struct seen looks(struct sender *s, unsigned count) {
    struct janitor *j;
    struct err e;
    struct janitor_settings set = {.rpc_url = url,
                                   .contract_id = "outlayer.near",
                                   .api_base_url = url,
                                   .sender = s,
                                   .every_ms = 5,
                                   .missed = missed};
    pthread_mutex_lock(&fake.mutex);
    fake.seen = (struct seen){0};
    pthread_mutex_unlock(&fake.mutex);
    assert_ok(janitor_start(&j, &set, &e), &e);
    unsigned n = 0;
    for (uint64_t end = clock_mono_ms() + 60000; n <= count && clock_mono_ms() < end;) {
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
        pthread_mutex_lock(&fake.mutex);
        n = fake.seen.ranges;
        pthread_mutex_unlock(&fake.mutex);
    }
    janitor_stop(j);
    assert_true(n > count);
    pthread_mutex_lock(&fake.mutex);
    struct seen seen = fake.seen;
    pthread_mutex_unlock(&fake.mutex);
    return seen;
}

static struct sender *sender(struct rpc **rpc) {
    struct sender *s;
    struct secret_key key;
    struct account_id operator;
    struct err e;
    secret_key_generate(&key);
    assert_ok(account_id_parse(&operator, slice_str("operator.near"), &e), &e);
    assert_ok(rpc_new(rpc, url, &e), &e);
    assert_ok(sender_new(&s, *rpc, &operator, & key, &e), &e);
    return s;
}

// If this fails, what the monitor missed is never served, or payments of dead requests stay where they are.
static void test_looks(void **state) {
    (void)state;
    struct rpc *rpc;
    struct sender *s = sender(&rpc);
    struct seen seen = looks(s, 8);
    assert_int_equal(seen.sent, 1); // and not again until that has had its time
    assert_true(seen.right);
    assert_int_equal(seen.missed, 3); // then others have a better chance than reading the same blocks again
    assert_int_equal(seen.missed_ns, NOW - 60 * SECOND);
    assert_int_equal(seen.asked[6], 3);
    assert_int_equal(seen.asked[7], 1);
    assert_int_equal(seen.asked[8], 0);
    assert_int_equal(seen.asked[5], 0);
    sender_free(s);
    rpc_free(rpc);
}

// A key that may not cancel does not try.
static void test_older_key(void **state) {
    (void)state;
    struct seen seen = looks(NULL, 4);
    assert_int_equal(seen.sent, 0);
    assert_true(seen.missed > 0);
}

// If this fails, the money of a request whose answer was lost on the chain stays where it is.
static void test_answered(void **state) {
    (void)state;
    struct rpc *rpc;
    struct sender *s = sender(&rpc);
    set(&fake.answered, true);
    struct seen seen = looks(s, 4);
    set(&fake.answered, false);
    assert_int_equal(seen.sent, 1);
    assert_true(seen.right);
    assert_int_equal(seen.missed, 0); // a worker has had it
    sender_free(s);
    rpc_free(rpc);
}

// If this fails, a contract that has had many requests is asked for each thousand of them, twice a minute.
static void test_idle(void **state) {
    (void)state;
    set(&fake.idle, true);
    struct seen seen = looks(NULL, 2);
    set(&fake.idle, false);
    assert_true(seen.looks <= seen.ranges);
}

// If this fails, one request that cannot be cancelled makes that happen again.
static void test_stuck(void **state) {
    (void)state;
    set(&fake.stuck, true);
    struct seen seen = looks(NULL, 20);
    set(&fake.stuck, false);
    assert_true(seen.looks < 3 * 102 + seen.ranges);
    assert_true(seen.missed > 0); // it is still looked at
}

// If this fails, a worker that ends waits for servers that do not answer.
static void test_ends_at_once(void **state) {
    (void)state;
    struct rpc *rpc;
    struct sender *s = sender(&rpc);
    struct janitor *j;
    struct err e;
    const struct janitor_settings set = {
        .rpc_url = url, .contract_id = "outlayer.near", .api_base_url = url, .sender = s, .missed = missed};
    fake.hangs = true;
    assert_ok(janitor_start(&j, &set, &e), &e);
    while (!atomic_load(&parked))
        sched_yield();
    uint64_t start = clock_mono_ms();
    janitor_stop(j);
    assert_true(clock_mono_ms() - start < 25000); // of 30 s
    fake.hangs = false;
    http_reply_empty(atomic_exchange(&parked, NULL), 204);
    sender_free(s);
    rpc_free(rpc);
}

// If this fails, a coordinator that hangs is waited for once for each open request, and no stale one is cancelled.
static void test_coordinator_away(void **state) {
    (void)state;
    set(&fake.down, true);
    struct seen seen = looks(NULL, 4);
    set(&fake.down, false);
    assert_true(seen.asked[6] > 1); // again each time
    assert_int_equal(seen.asked[7], 0);
    assert_int_equal(seen.missed, 0);
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_looks),           cmocka_unit_test(test_older_key),
                                       cmocka_unit_test(test_answered),        cmocka_unit_test(test_idle),
                                       cmocka_unit_test(test_stuck),           cmocka_unit_test(test_ends_at_once),
                                       cmocka_unit_test(test_coordinator_away)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
