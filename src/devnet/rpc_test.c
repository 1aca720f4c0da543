// SPDX-License-Identifier: Apache-2.0
#include "devnet/rpc.h"

#include "base/buf.h"
#include "base/test.h"

static enum rpc_done echo(struct rpc_call *c) { return rpc_ok(c, c->params ? json_incref(c->params) : json_null()); }
static enum rpc_done refuse(struct rpc_call *c) {
    return rpc_fail_text(c, "UNKNOWN_ACCOUNT", json_pack("{s:s}", "requested_account_id", "x"),
                         "account %s does not exist while viewing", "x");
}
static enum rpc_done wait(struct rpc_call *c) {
    (void)c;
    return RPC_PARKED;
}
static enum rpc_done bad_params(struct rpc_call *c) {
    struct err e;
    err_set(&e, ERR_INVALID, "field '%s' is missing", "account_id");
    return rpc_fail_params(c, &e);
}
static enum rpc_done late(struct rpc_call *c) { return rpc_fail_timeout(c); }
static enum rpc_done broken(struct rpc_call *c) {
    struct err e;
    err_set(&e, ERR_IO, "the disk is full");
    return rpc_fail_internal(c, &e);
}
static const struct rpc_method methods[] = {
    {"echo", echo, true},       {"refuse", refuse, true},  {"wait", wait, false},
    {"bad", bad_params, false}, {"broken", broken, false}, {"late", late, false},
};

static void answers(const char *body, int status, const char *want) {
    SCOPED_ARENA(a);
    struct rpc_call c = {.arena = a};
    SCOPED_JSON(answer) = NULL;
    assert_int_equal(rpc_handle(&c, slice_str(body), methods, ARRAY_LEN(methods), &answer), RPC_ANSWERED);
    assert_string_equal(json_text(a, answer), want);
    assert_int_equal(c.http_status, status);
}

// A client that cannot match an answer to its call, or a result to its shape, fails at everything.
static void test_results(void **state) {
    (void)state;
    answers("{\"jsonrpc\":\"2.0\",\"id\":\"124\",\"method\":\"echo\",\"params\":[1,\"a\"]}", 200,
            "{\"jsonrpc\":\"2.0\",\"result\":[1,\"a\"],\"id\":\"124\"}");
    answers("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"echo\",\"params\":{}}", 200,
            "{\"jsonrpc\":\"2.0\",\"result\":{},\"id\":7}");
    answers("{\"jsonrpc\":\"2.0\",\"id\":{\"a\":[null]},\"method\":\"echo\"}", 200,
            "{\"jsonrpc\":\"2.0\",\"result\":null,\"id\":{\"a\":[null]}}");
    answers("{\"jsonrpc\":\"2.0\",\"method\":\"echo\"}", 200, "{\"jsonrpc\":\"2.0\",\"result\":null,\"id\":null}");
}

// Clients choose their error class by exactly these names, codes and fields.
static void test_errors(void **state) {
    (void)state;
    answers(
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"refuse\"}", 200,
        "{\"jsonrpc\":\"2.0\",\"error\":{\"name\":\"HANDLER_ERROR\",\"cause\":{\"name\":\"UNKNOWN_ACCOUNT\",\"info\":{"
        "\"requested_account_id\":\"x\"}},\"code\":-32000,\"message\":\"Server error\",\"data\":\"account x does not "
        "exist while viewing\"},\"id\":1}");
    answers("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"nothing\"}", 400,
            "{\"jsonrpc\":\"2.0\",\"error\":{\"name\":\"REQUEST_VALIDATION_ERROR\",\"cause\":{\"name\":"
            "\"METHOD_NOT_FOUND\",\"info\":{\"method_name\":\"nothing\"}},\"code\":-32601,\"message\":\"Method not "
            "found\",\"data\":\"nothing\"},\"id\":1}");
    answers("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"bad\"}", 400,
            "{\"jsonrpc\":\"2.0\",\"error\":{\"name\":\"REQUEST_VALIDATION_ERROR\",\"cause\":{\"name\":\"PARSE_ERROR\","
            "\"info\":{\"error_message\":\"Failed parsing args: field 'account_id' is missing\"}},\"code\":-32700,"
            "\"message\":\"Parse error\",\"data\":\"Failed parsing args: field 'account_id' is missing\"},\"id\":1}");
    answers(
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"broken\"}", 500,
        "{\"jsonrpc\":\"2.0\",\"error\":{\"name\":\"INTERNAL_ERROR\",\"cause\":{\"name\":\"INTERNAL_ERROR\",\"info\":"
        "{\"error_message\":\"the disk is full\"}},\"code\":-32000,\"message\":\"Server error\",\"data\":\"the disk "
        "is full\"},\"id\":1}");
    answers("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"late\"}", 408,
            "{\"jsonrpc\":\"2.0\",\"error\":{\"name\":\"HANDLER_ERROR\",\"cause\":{\"name\":\"TIMEOUT_ERROR\"},"
            "\"code\":-32000,"
            "\"message\":\"Server error\",\"data\":\"Timeout\"},\"id\":1}");
}

// Anything that is not a call is answered, never a crash and never silence.
static void test_not_calls(void **state) {
    (void)state;
    static const char *const bodies[] = {
        "",
        "{",
        "null",
        "3",
        "\"text\"",
        "{}",
        "[]",
        "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"echo\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":5}",
        "{\"jsonrpc\":\"2.0\",\"jsonrpc\":\"2.0\",\"method\":\"echo\"}",
    };
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        SCOPED_ARENA(a);
        struct rpc_call c = {.arena = a};
        SCOPED_JSON(answer) = NULL;
        assert_int_equal(rpc_handle(&c, slice_str(bodies[i]), methods, ARRAY_LEN(methods), &answer), RPC_ANSWERED);
        assert_non_null(strstr(json_text(a, answer), "\"PARSE_ERROR\""));
        assert_int_equal(c.http_status, 400);
    }
}

// A batch runs only what may stand in one: a waiting call inside an array would hold the whole array.
static void test_batch(void **state) {
    (void)state;
    answers("[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\",\"params\":[]},7]", 200,
            "[{\"jsonrpc\":\"2.0\",\"result\":[],\"id\":1},{\"jsonrpc\":\"2.0\",\"error\":{\"name\":"
            "\"REQUEST_VALIDATION_ERROR\",\"cause\":{\"name\":\"PARSE_ERROR\",\"info\":{\"error_message\":\"a request "
            "is an object\"}},\"code\":-32700,\"message\":\"Parse error\",\"data\":\"a request is an object\"},\"id\":"
            "null}]");
    answers(
        "[{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"wait\"}]", 200,
        "[{\"jsonrpc\":\"2.0\",\"error\":{\"name\":\"REQUEST_VALIDATION_ERROR\",\"cause\":{\"name\":"
        "\"METHOD_NOT_FOUND\",\"info\":{\"method_name\":\"wait\"}},\"code\":-32601,\"message\":\"Method not found\","
        "\"data\":\"wait\"},\"id\":2}]");
    SCOPED_ARENA(a);
    SCOPED_BUF(many, 65536);
    for (int i = 0; i <= RPC_BATCH_MAX; i++)
        buf_printf(&many, "%c7", i ? ',' : '[');
    buf_add_byte(&many, ']');
    struct rpc_call c = {.arena = a};
    SCOPED_JSON(answer) = NULL;
    assert_int_equal(rpc_handle(&c, buf_slice(&many), methods, ARRAY_LEN(methods), &answer), RPC_ANSWERED);
    assert_non_null(strstr(json_text(a, answer), "a batch has 1 to 100 requests"));
}

// A parked call keeps its id until it is finished elsewhere.
static void test_parked(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct rpc_call c = {.arena = a};
    json_t *answer;
    const char *body = "{\"jsonrpc\":\"2.0\",\"id\":\"w\",\"method\":\"wait\"}";
    assert_int_equal(rpc_handle(&c, slice_str(body), methods, ARRAY_LEN(methods), &answer), RPC_PARKED);
    assert_null(answer);
    (void)rpc_ok(&c, rpc_u64(UINT64_MAX));
    answer = rpc_envelope(&c);
    assert_string_equal(json_text(a, answer), "{\"jsonrpc\":\"2.0\",\"result\":\"18446744073709551615\",\"id\":\"w\"}");
    json_decref(answer);
    json_decref(c.body);
}

static const struct CMUnitTest group[] = {
    cmocka_unit_test(test_results), cmocka_unit_test(test_errors), cmocka_unit_test(test_not_calls),
    cmocka_unit_test(test_batch),   cmocka_unit_test(test_parked),
};
RUN_TESTS(group)
