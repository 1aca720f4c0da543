// SPDX-License-Identifier: Apache-2.0
// RPC client and sender against servers that answer what a test says.
#include "near/rpc.h"

#include "base/clock.h"
#include "base/test.h"
#include "codec/hex.h"
#include "http/test_server.h"
#include "near/send.h"
#include <pthread.h>
#include <time.h>

#define SERVERS 2

// Two servers behind two paths. What a view returns is the server's letter.
static struct fake {
    struct http_server *server;
    pthread_mutex_t mutex; // for all below
    pthread_cond_t let_go;
    uint64_t height[SERVERS];
    unsigned asked[SERVERS];
    uint64_t nonce;
    bool holds_key;                       // whoever asks for a key waits until that is over
    const char *send_error, *send_status; // JSON: data of the error, or the outcome's status
    const char *hash;                     // of the outcome; NULL: as asked
    int keys;                             // of an account, named by their numbers
    bool loses; // the first server takes a transaction, and its answer is lost; the second one knows that it was taken
    char *took; // that one; a copy
    unsigned more;       // others than that one that were sent
    int started;         // so often `tx` is answered before the transaction is over
    bool same_page;      // whatever key the list is asked for after
    atomic_size_t large; // bytes that the first server answers to everything
} fake;
static char url[2 * 64];

static json_t *of_bytes(const char *text) {
    json_t *list = json_array();
    for (; *text; text++)
        json_array_append_new(list, json_integer(*text));
    return list;
}

static json_t *query(const json_t *params, size_t at) {
    const char *type = json_string_value(json_object_get(params, "request_type"));
    json_int_t height = (json_int_t)fake.height[at];
    if (strcmp(type, "view_access_key") == 0)
        return json_pack("{s:I,s:s,s:I}", "nonce", (json_int_t)fake.nonce, "permission", "FullAccess", "block_height",
                         height);
    return json_pack("{s:o,s:I}", "result", of_bytes(at ? "\"b\"" : "\"a\""), "block_height", height);
}

static json_t *error_of(const char *cause, const char *data) {
    return json_pack("{s:s,s:s,s:{s:s,s:{s:s},s:o}}", "jsonrpc", "2.0", "id", "outlayer", "error", "name",
                     "HANDLER_ERROR", "cause", "name", cause, "data", json_loads(data, JSON_DECODE_ANY, NULL));
}

// As a node does that gives three keys at once.
static json_t *list_keys(struct arena *a, const json_t *params) {
    const char *after = json_string_value(json_object_get(params, "after_key"));
    int first = after && !fake.same_page ? (int)strtol(after, NULL, 10) + 1 : 0;
    json_t *list = json_array();
    if (!json_object_get(params, "limit"))
        return NULL;
    for (int i = first; i < fake.keys && i < first + 3; i++)
        json_array_append_new(list, json_pack("{s:s}", "public_key", arena_printf(a, "%d", i)));
    json_t *page = json_pack("{s:o,s:i}", "keys", list, "block_height", 1);
    if (first + 3 < fake.keys)
        json_set_text(page, "last_key", arena_printf(a, "%d", first + 2));
    return page;
}

static json_t *answer(struct arena *a, const char *method, const json_t *params, size_t at) {
    struct hash zeros = {0};
    if (fake.loses && strcmp(method, "tx") == 0)
        return fake.took ? json_pack("{s:{s:{s:s}}}", "result", "status", "SuccessValue", "")
                         : error_of("UNKNOWN_TRANSACTION", "\"why\"");
    if (strcmp(method, "tx") == 0)
        return json_pack("{s:s,s:s,s:{s:o}}", "jsonrpc", "2.0", "id", "outlayer", "result", "status",
                         fake.started-- > 0 ? json_string("Started") : json_pack("{s:s}", "SuccessValue", ""));
    if (strcmp(method, "send_tx") == 0 && fake.send_error)
        return error_of(fake.send_error[0] == '"' ? "TIMEOUT_ERROR" : "INVALID_TRANSACTION", fake.send_error);
    json_t *result;
    const char *type = json_string_value(json_object_get(params, "request_type"));
    if (type && strcmp(type, "view_access_key_list") == 0) {
        if (!(result = list_keys(a, params)))
            return error_of("TOO_MANY_ACCESS_KEYS", "\"use a paginated view_access_key_list request\"");
    } else if (strcmp(method, "send_tx") == 0)
        result = json_pack("{s:o,s:{s:s}}", "status", json_loads(fake.send_status, JSON_DECODE_ANY, NULL),
                           "transaction", "hash", fake.hash ? fake.hash : "HASH");
    else if (strcmp(method, "block") == 0)
        result = json_pack("{s:{s:I,s:I,s:s}}", "header", "height", (json_int_t)fake.height[at], "timestamp",
                           (json_int_t)5, "hash", hash_base58(a, &zeros));
    else
        result = query(params, at);
    return json_pack("{s:s,s:s,s:o}", "jsonrpc", "2.0", "id", "outlayer", "result", result);
}

// With the mutex held. true: nothing is answered.
static bool lose(const json_t *params, size_t at) {
    const char *text = json_string_value(json_object_get(params, "signed_tx_base64"));
    if (!fake.loses || !text)
        return false;
    fake.more += fake.took && strcmp(fake.took, text) != 0;
    if (!fake.took)
        fake.took = xstrdup(text);
    return at == 0;
}

static void serve_at(struct http_request *r, size_t at) {
    if (fake.large && at == 0) {
        char *body = memset(arena_alloc(http_arena(r), fake.large), ' ', fake.large);
        http_reply(r, 200, "application/json", slice_of(body, fake.large));
        return;
    }
    SCOPED_JSON(call) = json_parse(http_body(r), 1 << 20, NULL);
    const json_t *params = json_object_get(call, "params");
    const char *type = json_string_value(json_object_get(params, "request_type"));
    pthread_mutex_lock(&fake.mutex);
    fake.asked[at]++;
    bool lost = lose(params, at);
    json_t *j = answer(http_arena(r), json_string_value(json_object_get(call, "method")), params, at);
    while (fake.holds_key && type && strcmp(type, "view_access_key") == 0)
        pthread_cond_wait(&fake.let_go, &fake.mutex);
    pthread_mutex_unlock(&fake.mutex);
    http_reply_json(r, lost ? 502 : 200, lost ? json_null() : j);
    if (lost)
        json_decref(j);
}
static void serve_a(struct http_request *r, void *ctx) {
    (void)ctx;
    serve_at(r, 0);
}
static void serve_b(struct http_request *r, void *ctx) {
    (void)ctx;
    serve_at(r, 1);
}

static const struct http_route routes[] = {
    {.method = HTTP_POST, .path = "/a", .handler = serve_a, .max_body = 1 << 20},
    {.method = HTTP_POST, .path = "/b", .handler = serve_b, .max_body = 1 << 20},
};

static struct rpc *client(uint64_t height_a, uint64_t height_b) {
    struct rpc *r;
    struct err e;
    pthread_mutex_lock(&fake.mutex);
    fake.height[0] = height_a;
    fake.height[1] = height_b;
    fake.asked[0] = fake.asked[1] = 0;
    fake.send_error = fake.send_status = NULL;
    pthread_mutex_unlock(&fake.mutex);
    assert_ok(rpc_new(&r, url, &e), &e);
    return r;
}

static const char *view(struct rpc *r, struct arena *a, uint64_t at_least, uint64_t ms, struct err *e) {
    const struct rpc_bounds b = {.at_least = at_least, .timeout_ms = ms};
    SCOPED_JSON(j) = rpc_view_json_at(r, a, "c.near", "get", NULL, &b, e);
    return j ? arena_strdup(a, json_string_value(j)) : NULL;
}

// If this fails, what one server sends without an end is taken for the chain's word: that something is not there.
static void test_too_large(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e = {0};
    struct rpc_account account;
    struct rpc *r, *one = client(100, 100);
    assert_ok(rpc_new(&r, arena_strdup(a, arena_printf(a, "%.*s", (int)strcspn(url, ","), url)), &e), &e);
    fake.large = (64u << 20) + 1;
    assert_err(rpc_account(r, a, "a.near", &account, &e), &e, ERR_UNAVAILABLE, "larger than");
    fake.large = 5000;
    const struct rpc_bounds b = {.max_answer = 4096};
    SCOPED_JSON(none) = rpc_view_json_at(r, a, "c.near", "get", NULL, &b, &e);
    assert_err(none != NULL, &e, ERR_TOO_LARGE, "larger than 4096 bytes");
    SCOPED_JSON(said) = rpc_view_json_at(one, a, "c.near", "get", NULL, &b, &e); // another server is asked
    fake.large = 0;
    assert_string_equal(json_string_value(said), "b");
    rpc_free(r);
    rpc_free(one);
}

// If this fails, a server that is behind makes an open request an ended one.
static void test_behind(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e;
    struct rpc *r = client(90, 100);
    assert_string_equal(view(r, a, 0, 0, &e), "a");
    assert_string_equal(view(r, a, 95, 0, &e), "b"); // who has it
    assert_null(view(r, a, 101, 2000, &e));
    assert_int_equal(e.code, ERR_UNAVAILABLE);
    assert_non_null(strstr(e.msg, "behind"));
    rpc_free(r);
    // Once a block was shown, an answer of one long before it is not believed, whoever gives it.
    r = client(90, 100);
    assert_string_equal(view(r, a, 100, 0, &e), "b");
    rpc_next_server(r);
    assert_string_equal(view(r, a, 0, 0, &e), "b");
    struct rpc_block block;
    rpc_next_server(r);
    assert_ok(rpc_final_block(r, a, &block, &e), &e);
    assert_int_equal(block.height, 100);
    pthread_mutex_lock(&fake.mutex);
    fake.height[0] = 97; // as far as servers are apart
    pthread_mutex_unlock(&fake.mutex);
    rpc_next_server(r);
    assert_string_equal(view(r, a, 0, 0, &e), "a");
    rpc_free(r);
}

static enum tx_verdict verdict_at(struct rpc *r, const char *wait_until, const char *error, const char *status,
                                  uint64_t *key_nonce) {
    SCOPED_ARENA(a);
    SCOPED_JSON(outcome) = NULL;
    struct tx_said said;
    struct err e;
    pthread_mutex_lock(&fake.mutex);
    fake.send_error = error;
    fake.send_status = status;
    pthread_mutex_unlock(&fake.mutex);
    bool ok = rpc_send_wait(r, a, SLICE_LIT("tx"), "HASH", wait_until, &said, &outcome, &e);
    assert_int_equal(ok, said.verdict == TX_TAKEN);
    assert_int_equal(ok, outcome != NULL);
    *key_nonce = said.key_nonce;
    return said.verdict;
}

static enum tx_verdict verdict(struct rpc *r, const char *error, const char *status, uint64_t *key_nonce) {
    return verdict_at(r, "INCLUDED", error, status, key_nonce);
}

// If this fails, a transaction that can never be executed is followed as one that may be.
static void test_verdicts(void **state) {
    (void)state;
    static const struct {
        const char *invalid;
        enum tx_verdict verdict;
        uint64_t key_nonce;
    } cases[] = {
        {"{\"InvalidNonce\":{\"tx_nonce\":5,\"ak_nonce\":7}}", TX_STALE, 7},
        {"{\"NonceTooLarge\":{\"tx_nonce\":5,\"upper_bound\":4}}", TX_AHEAD, 0},
        {"\"Expired\"", TX_EXPIRED, 0},
        {"\"InvalidChain\"", TX_EXPIRED, 0},
        {"{\"NotEnoughBalance\":{\"signer_id\":\"a\",\"balance\":\"1\",\"cost\":\"2\"}}", TX_UNPAID, 0},
        {"{\"LackBalanceForState\":{\"signer_id\":\"a\",\"amount\":\"1\"}}", TX_UNPAID, 0},
        {"{\"InvalidAccessKeyError\":{\"NotEnoughAllowance\":{\"account_id\":\"a\"}}}", TX_UNPAID, 0},
        {"{\"InvalidAccessKeyError\":{\"AccessKeyNotFound\":{\"account_id\":\"a\"}}}", TX_FORBIDDEN, 0},
        {"{\"InvalidAccessKeyError\":\"RequiresFullAccess\"}", TX_FORBIDDEN, 0},
        {"{\"SignerDoesNotExist\":{\"signer_id\":\"a\"}}", TX_FORBIDDEN, 0},
        {"{\"ShardCongested\":{\"shard_id\":0,\"congestion_level\":1.0}}", TX_DOUBT, 0},
        {"\"InvalidSignature\"", TX_INVALID, 0},
        {"\"OneOfTheFuture\"", TX_INVALID, 0},
        {"7", TX_DOUBT, 0},
    };
    SCOPED_ARENA(a);
    struct rpc *r = client(1, 1);
    uint64_t key_nonce;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *error = arena_printf(a, "{\"TxExecutionError\":{\"InvalidTxError\":%s}}", cases[i].invalid);
        const char *status = arena_printf(a, "{\"Failure\":{\"InvalidTxError\":%s}}", cases[i].invalid);
        assert_int_equal(verdict(r, error, NULL, &key_nonce), cases[i].verdict);
        assert_int_equal(key_nonce, cases[i].key_nonce);
        assert_int_equal(verdict(r, NULL, status, &key_nonce), cases[i].verdict);
    }
    assert_int_equal(verdict(r, "\"Timeout\"", NULL, &key_nonce), TX_DOUBT);
    assert_int_equal(verdict(r, NULL, "{\"SuccessValue\":\"\"}", &key_nonce), TX_TAKEN);
    assert_int_equal(verdict(r, NULL, "{\"Failure\":{\"ActionError\":{}}}", &key_nonce), TX_TAKEN);
    fake.hash = "OTHER"; // what a cache gave somebody else before
    assert_int_equal(verdict(r, NULL, "{\"SuccessValue\":\"\"}", &key_nonce), TX_DOUBT);
    fake.hash = NULL;
    rpc_free(r);
}

// If this fails, an answer is taken for delivered, and a request for over, that are not yet.
static void test_not_over(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    SCOPED_JSON(outcome) = NULL;
    struct err e;
    struct rpc *r = client(1, 1);
    uint64_t nonce;
    assert_int_equal(verdict_at(r, "INCLUDED", NULL, "\"Started\"", &nonce), TX_TAKEN);
    assert_int_equal(verdict_at(r, "EXECUTED_OPTIMISTIC", NULL, "\"Started\"", &nonce), TX_DOUBT);
    assert_int_equal(verdict_at(r, "FINAL", NULL, "null", &nonce), TX_DOUBT);
    assert_int_equal(verdict_at(r, "EXECUTED_OPTIMISTIC", NULL, "{\"SuccessValue\":\"\"}", &nonce), TX_TAKEN);
    fake.started = 2;
    assert_ok(rpc_tx(r, a, "HASH", "s.near", "EXECUTED", 20000, &outcome, &e), &e);
    assert_non_null(json_object_get(json_object_get(outcome, "status"), "SuccessValue"));
    fake.started = 100;
    json_t *none;
    uint64_t start = clock_mono_ms();
    assert_false(rpc_tx(r, a, "HASH", "s.near", "EXECUTED", 500, &none, &e));
    assert_int_equal(e.code, ERR_TIMEOUT);
    assert_true(clock_mono_ms() - start >= 500 && fake.started > 80); // and was not asked without a pause
    rpc_free(r);
}

static size_t keys(int count, bool same_page, struct err *e) {
    SCOPED_ARENA(a);
    struct rpc *r = client(1, 1);
    pthread_mutex_lock(&fake.mutex);
    fake.keys = count;
    fake.same_page = same_page;
    pthread_mutex_unlock(&fake.mutex);
    SCOPED_JSON(list) = rpc_access_keys(r, a, "w.near", e);
    for (size_t i = 0; i < json_array_size(list); i++)
        assert_int_equal(strtol(json_string_value(json_object_get(json_array_get(list, i), "public_key")), NULL, 10),
                         i);
    rpc_free(r);
    return list ? json_array_size(list) : SIZE_MAX;
}

// If this fails, the keys of an operator with many of them are not known, or a server keeps who asks for them for ever.
static void test_keys_by_pages(void **state) {
    (void)state;
    struct err e;
    assert_int_equal(keys(0, false, &e), 0);
    assert_int_equal(keys(3, false, &e), 3);
    assert_int_equal(keys(10, false, &e), 10);
    assert_int_equal(keys(10, true, &e), SIZE_MAX);
    assert_int_equal(e.code, ERR_UNAVAILABLE);
    assert_int_equal(keys(301, false, &e), SIZE_MAX);
    assert_int_equal(e.code, ERR_LIMIT);
}

static uint64_t sign(struct sender *s) {
    SCOPED_ARENA(a);
    struct err e;
    struct sent sent;
    struct account_id to;
    struct action call = {.kind = ACTION_FUNCTION_CALL, .method = "m", .gas = {1}};
    assert_ok(account_id_parse(&to, slice_str("c.near"), &e), &e);
    assert_ok(sender_sign(s, a, &to, &call, 1, &sent, &e), &e);
    return sent.nonce;
}

static struct sender *sender(struct rpc *r, uint64_t nonce) {
    struct sender *s;
    struct secret_key key;
    struct account_id account;
    struct err e;
    pthread_mutex_lock(&fake.mutex);
    fake.nonce = nonce;
    pthread_mutex_unlock(&fake.mutex);
    secret_key_generate(&key);
    assert_ok(account_id_parse(&account, slice_str("w.near"), &e), &e);
    assert_ok(sender_new(&s, r, &account, &key, &e), &e);
    return s;
}

#define INVALID(what) "{\"TxExecutionError\":{\"InvalidTxError\":" what "}}"

// If this fails, somebody pays twice, since the answer of a server was lost that had taken the first transaction.
static void test_lost_answer(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    SCOPED_JSON(outcome) = NULL;
    struct err e;
    struct rpc *r = client(1, 1);
    struct sender *s = sender(r, 10);
    struct account_id to;
    struct action call = {.kind = ACTION_FUNCTION_CALL, .method = "m", .gas = {1}};
    uint64_t nonce;
    assert_ok(account_id_parse(&to, slice_str("c.near"), &e), &e);
    fake.loses = true;
    fake.send_error = INVALID("{\"InvalidNonce\":{\"tx_nonce\":11,\"ak_nonce\":11}}");
    assert_ok(sender_call(s, a, &to, &call, 1, "EXECUTED", NULL, NULL, &outcome, &e), &e);
    assert_non_null(fake.took);
    assert_int_equal(fake.more, 0);
    // A server that lacks the transaction's block or the account's money says nothing about one that had both.
    rpc_free(r);
    r = client(1, 1);
    assert_int_equal(verdict(r, INVALID("\"InvalidChain\""), NULL, &nonce), TX_DOUBT);
    fake.loses = false;
    free(fake.took);
    fake.took = NULL;
    rpc_free(r);
    sender_free(s);
}

static atomic_bool warmed;

static void *warm(void *ctx) {
    SCOPED_ARENA(a);
    struct err e;
    assert_ok(sender_warm(ctx, NULL, a, NULL, &e), &e);
    warmed = true;
    return NULL;
}

// If this fails, a nonce that somebody else has used up stays in use, and each transaction dies.
static void test_nonces(void **state) {
    (void)state;
    struct rpc *r = client(1, 1);
    struct sender *s = sender(r, 10);
    struct err why = {.msg = "test"};
    assert_int_equal(sign(s), 11);
    assert_int_equal(sign(s), 12);
    sender_heed(s, &(struct tx_said){.verdict = TX_STALE, .key_nonce = 20}, &why); // as the chain itself said
    assert_int_equal(sign(s), 21);
    pthread_mutex_lock(&fake.mutex);
    fake.nonce = 30;
    pthread_mutex_unlock(&fake.mutex);
    sender_heed(s, &(struct tx_said){.verdict = TX_STALE}, &why); // read again
    assert_int_equal(sign(s), 31);
    pthread_mutex_lock(&fake.mutex);
    fake.nonce = 40;
    pthread_mutex_unlock(&fake.mutex);
    warm(s); // which reads it each time
    assert_int_equal(sign(s), 41);
    sender_skip_nonce(s, 50);
    sender_skip_nonce(s, 45);
    assert_int_equal(sign(s), 51);
    warm(s); // the chain is behind what was given out
    assert_int_equal(sign(s), 52);
    sender_skip_nonce(s, UINT64_MAX / 2); // what a server of another chain says, or one that mixes keys up
    sender_heed(s, &(struct tx_said){.verdict = TX_AHEAD}, &why);
    assert_int_equal(sign(s), 41);
    sender_free(s);
    rpc_free(r);
}

// If this fails, a slow RPC server keeps everybody from signing who needs nothing of it.
static void test_no_lock_over_the_network(void **state) {
    (void)state;
    struct rpc *r = client(1, 1);
    struct sender *s = sender(r, 10);
    pthread_t t;
    assert_int_equal(sign(s), 11);
    pthread_mutex_lock(&fake.mutex);
    fake.holds_key = true;
    warmed = false;
    unsigned before = fake.asked[0] + fake.asked[1], now = before;
    pthread_mutex_unlock(&fake.mutex);
    pthread_create(&t, NULL, warm, s);
    while (now == before) { // the call is under way
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        pthread_mutex_lock(&fake.mutex);
        now = fake.asked[0] + fake.asked[1];
        pthread_mutex_unlock(&fake.mutex);
    }
    assert_int_equal(sign(s), 12);
    assert_false(warmed); // so nobody waited for it
    pthread_mutex_lock(&fake.mutex);
    fake.holds_key = false;
    pthread_cond_broadcast(&fake.let_go);
    pthread_mutex_unlock(&fake.mutex);
    pthread_join(t, NULL);
    sender_free(s);
    rpc_free(r);
}

static int set_up(void **state) {
    (void)state;
    pthread_mutex_init(&fake.mutex, NULL);
    pthread_cond_init(&fake.let_go, NULL);
    fake.server = test_server(routes, ARRAY_LEN(routes), 2);
    unsigned port = http_server_port(fake.server);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/a , http://127.0.0.1:%u/b", port, port);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    http_server_stop(fake.server);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_behind),   cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_verdicts), cmocka_unit_test(test_keys_by_pages),
        cmocka_unit_test(test_not_over), cmocka_unit_test(test_lost_answer),
        cmocka_unit_test(test_nonces),   cmocka_unit_test(test_no_lock_over_the_network)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
