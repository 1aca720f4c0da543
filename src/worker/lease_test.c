// SPDX-License-Identifier: Apache-2.0
#include "worker/lease.h"

#include "base/test.h"
#include "worker/branches.h"
#include "worker/guest_env.h"

#define DATA_ID "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
#define DATA_LIST "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32]"
#define TASK                                                                                                           \
    "\"contract_id\":\"c.near\",\"request_id\":5,\"data_id\":\"" DATA_ID "\",\"sender_id\":\"s.near\",\"payer_id\":"   \
    "\"s.near\",\"code_source\":{\"repo\":\"https://h/o/n\",\"commit\":\"main\",\"build_target\":\"wasm32-wasip1\"},"  \
    "\"resource_limits\":{\"max_instructions\":1000,\"max_memory_mb\":64,\"max_execution_seconds\":9},"                \
    "\"input_data\":\"in put\",\"secrets_ref\":null,\"response_format\":\"Json\","                                     \
    "\"payment\":\"100000000000000000000000\",\"timestamp\":7"
#define LEASE(task, context)                                                                                           \
    "{\"task\":{" task context "},\"lease\":{\"token\":\"t\",\"expires_in_ms\":15000,\"confirm_within_ms\":2000},"     \
    "\"attempt\":3}"

static bool parse(struct lease *out, struct arena *a, const char *text, struct err *e) {
    SCOPED_JSON(j) = json_parse(slice_str(text), 65536, e);
    return j && lease_parse(out, a, j, e);
}

// If this fails, the worker misreads what it is to do.
static void test_lease(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e = {0};
    struct lease l;
    assert_ok(parse(&l, a, LEASE(TASK, ",\"context\":{\"block_height\":9,\"transaction_hash\":\"abc\"}"), &e), &e);
    assert_string_equal(l.token, "t");
    assert_int_equal(l.attempt, 3);
    assert_int_equal(l.task.request_id, 5);
    assert_int_equal(l.task.data_id.b[31], 32);
    assert_slice(l.task.input, "in put");
    assert_int_equal(l.task.format, FORMAT_JSON);
    assert_true(l.task.payment == NEAR_ONE / 10);
    assert_true(l.task.context.has_height && l.task.context.block_height == 9 && !l.task.context.has_gas);
    assert_string_equal(l.task.context.transaction_hash, "abc");
    assert_null(l.task.context.signer_id);
    assert_false(secrets_wanted(&l.task.secrets));
}

// If this fails, a broken lease is worked on, or cannot be given back because nobody read whose it is.
static void test_broken_leases(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e = {0};
    struct lease l;
    assert_err(parse(&l, a, "{\"task\":{}}", &e), &e, ERR_INVALID, "lease");
    assert_err(parse(&l, a, LEASE("\"request_id\":5", ""), &e), &e, ERR_INVALID, "contract_id");
    assert_string_equal(l.token, "t");
    assert_int_equal(l.task.request_id, 5);
    assert_err(parse(&l, a, LEASE("\"request_id\":5,\"contract_id\":\"c.near\"", ""), &e), &e, ERR_INVALID, "data_id");
    assert_string_equal(l.task.contract_id, "c.near");
    assert_err(parse(&l, a, LEASE("\"request_id\":5,\"contract_id\":\"NO\"", ""), &e), &e, ERR_INVALID, "account");
    // A number that our JSON cannot carry must not come further than this.
    assert_err(parse(&l, a, LEASE("\"contract_id\":\"c.near\",\"request_id\":\"18446744073709551615\"", ""), &e), &e,
               ERR_INVALID, "request_id");
    assert_err(parse(&l, a, LEASE(TASK, ",\"context\":{\"block_height\":\"x\"}"), &e), &e, ERR_INVALID, "block_height");
}

static struct chain_request view(struct arena *a, const char *more) {
    struct err e = {0};
    struct chain_request c = {0};
    SCOPED_JSON(j) = json_parse_big(
        slice_str(arena_printf(
            a,
            "{\"request_id\":5,\"data_id\":" DATA_LIST ",\"sender_id\":\"s.near\",\"code_source\":{\"repo\":"
            "\"https://h/o/n\",\"commit\":\"main\",\"build_target\":null},\"resource_limits\":{\"max_instructions\":"
            "1000,\"max_memory_mb\":64,\"max_execution_seconds\":9},\"payment\":100000000000000000000000,"
            "\"timestamp\":1790000000000000000,\"secrets_ref\":null,\"response_format\":\"Json\",\"input_data\":null,"
            "\"payer_account_id\":\"s.near\",\"pending_output\":null,\"output_submitted\":false,\"build_seconds\":100,"
            "\"answered\":false%s}",
            more)),
        65536, &e);
    assert_ok(j && chain_request_parse(&c, a, j, &e), &e);
    return c;
}

static const char *input_is(struct arena *a, const char *bytes, size_t len) {
    struct hash h = sha256(slice_of(bytes, len));
    char hex[65];
    return arena_printf(a, ",\"input_hash\":\"%s\",\"input_length\":%zu", hash_hex(&h, hex), len);
}

// If this fails, something is run that nobody asked for, or nothing is run at all.
static void test_comparison(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e = {0};
    struct lease l;
    assert_ok(parse(&l, a, LEASE(TASK, ""), &e), &e);
    struct chain_request c = view(a, input_is(a, "in puT", 6));
    assert_string_equal(task_mismatch(&l.task, &c), "input_data");
    c = view(a, input_is(a, "in put", 7)); // another length
    assert_string_equal(task_mismatch(&l.task, &c), "input_data");
    c = view(a, input_is(a, "in put", 6));
    assert_null(task_mismatch(&l.task, &c));
    c = view(a, "");
    assert_string_equal(task_mismatch(&l.task, &c), "input_data");
    l.task.input = slice_of("", 0);
    assert_null(task_mismatch(&l.task, &c));
    c.build_seconds = 1; // not the caller's to say
    assert_null(task_mismatch(&l.task, &c));
    c.payer_id = "other.near";
    assert_string_equal(task_mismatch(&l.task, &c), "payer_id");
    l.task.payer_id = NULL;
    assert_null(task_mismatch(&l.task, &c));
    c.data_id.b[0] ^= 1;
    assert_string_equal(task_mismatch(&l.task, &c), "data_id");
    c.extensions = 1; // by an earlier worker: the contract has yielded anew since
    assert_null(task_mismatch(&l.task, &c));
}

#define REF(profile, account) "{\"profile\":\"" profile "\",\"account_id\":\"" account "\"}"

static bool parse_ref(struct task *out, struct arena *a, const char *ref, struct err *e) {
    struct lease l;
    SCOPED_JSON(j) = json_parse(slice_str(LEASE(TASK, "")), 65536, e);
    json_t *parsed = json_loads(ref, JSON_DECODE_ANY, NULL);
    json_object_set_new(json_object_get(j, "task"), "secrets_ref", parsed);
    bool ok = lease_parse(&l, a, j, e);
    *out = l.task;
    return ok;
}

// If this fails, a guest gets other secrets than those that its request names on chain, or runs without any.
static void test_secrets_ref(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e = {0};
    struct task t;
    struct chain_request c = view(a, "");
    assert_ok(parse_ref(&t, a, REF("prod", "a.near"), &e), &e);
    assert_string_equal(t.secrets.profile, "prod");
    assert_string_equal(t.secrets.account_id, "a.near");
    t.input = slice_of("", 0);
    assert_string_equal(task_mismatch(&t, &c), "secrets_ref"); // the chain knows of none
    c.secrets = (struct secrets_ref){"prod", "a.near"};
    assert_null(task_mismatch(&t, &c));
    c.secrets.profile = "test";
    assert_string_equal(task_mismatch(&t, &c), "secrets_ref");
    c.secrets = (struct secrets_ref){"prod", "b.near"};
    assert_string_equal(task_mismatch(&t, &c), "secrets_ref");
    t.secrets = (struct secrets_ref){0};
    assert_string_equal(task_mismatch(&t, &c), "secrets_ref"); // the coordinator leaves it out
    assert_err(parse_ref(&t, a, "\"prod\"", &e), &e, ERR_INVALID, "secrets_ref");
    assert_err(parse_ref(&t, a, REF("", "a.near"), &e), &e, ERR_INVALID, "empty profile");
    assert_err(parse_ref(&t, a, REF("prod", "A"), &e), &e, ERR_INVALID, "account id");
    assert_err(parse_ref(&t, a, "{\"profile\":\"prod\"}", &e), &e, ERR_INVALID, "account_id");
}

static const char *value(const struct exec_env *env, size_t n, const char *name) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(env[i].name, name) == 0)
            return env[i].value;
    return NULL;
}

// If this fails, guests read wrong or missing variables: the names are what the documents teach.
static void test_environment(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e = {0};
    struct lease l;
    struct exec_env *env;
    assert_ok(parse(&l, a,
                    LEASE(TASK, ",\"context\":{\"block_height\":9,\"block_timestamp\":77,\"transaction_hash\":\"abc\","
                                "\"receipt_id\":\"r\",\"predecessor_id\":\"p.near\",\"signer_id\":\"g.near\","
                                "\"signer_public_key\":\"ed25519:x\",\"gas_burnt\":12}"),
                    &e),
              &e);
    size_t n = guest_env(a, &l.task, "testnet", &(struct secrets){0}, &env);
    static const char *const want[][2] = {{"NEAR_SENDER_ID", "s.near"},
                                          {"NEAR_CONTRACT_ID", "c.near"},
                                          {"NEAR_BLOCK_HEIGHT", "9"},
                                          {"NEAR_BLOCK_TIMESTAMP", "77"},
                                          {"NEAR_RECEIPT_ID", "r"},
                                          {"NEAR_PREDECESSOR_ID", "p.near"},
                                          {"NEAR_SIGNER_PUBLIC_KEY", "ed25519:x"},
                                          {"NEAR_GAS_BURNT", "12"},
                                          {"NEAR_USER_ACCOUNT_ID", "s.near"},
                                          {"NEAR_PAYMENT_YOCTO", "100000000000000000000000"},
                                          {"NEAR_TRANSACTION_HASH", "abc"},
                                          {"NEAR_MAX_INSTRUCTIONS", "1000"},
                                          {"NEAR_MAX_MEMORY_MB", "64"},
                                          {"NEAR_MAX_EXECUTION_SECONDS", "9"},
                                          {"NEAR_REQUEST_ID", "5"},
                                          {"NEAR_NETWORK_ID", "testnet"}};
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        const char *got = value(env, n, want[i][0]);
        if (!got || strcmp(got, want[i][1]) != 0)
            fail_msg("%s is %s, not %s", want[i][0], got ? got : "not set", want[i][1]);
    }
    assert_ok(parse(&l, a, LEASE(TASK, ""), &e), &e);
    n = guest_env(a, &l.task, "testnet", &(struct secrets){0}, &env);
    assert_null(value(env, n, "NEAR_TRANSACTION_HASH"));
    assert_null(value(env, n, "NEAR_BLOCK_HEIGHT"));
}

// If this fails, whoever stores secrets can tell a guest lies about its caller: later entries win, and a system
// variable that this request does not set is not the owner's to set either.
static void test_environment_with_secrets(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e = {0};
    struct lease l;
    struct exec_env *env;
    struct secret items[] = {{"API_KEY", "x"}, {"NEAR_SENDER_ID", "m.near"}, {"NEAR_BLOCK_HEIGHT", "1"}};
    assert_ok(parse(&l, a, LEASE(TASK, ""), &e), &e);
    size_t n = guest_env(a, &l.task, "testnet", &(struct secrets){items, ARRAY_LEN(items)}, &env);
    assert_string_equal(env[0].name, "API_KEY");
    assert_string_equal(value(env, n, "API_KEY"), "x");
    assert_string_equal(value(env, n, "NEAR_SENDER_ID"), "s.near");
    assert_null(value(env, n, "NEAR_BLOCK_HEIGHT"));
}

// If this fails, each request with secrets fetches a repository's history, or a commit keeps the branch that it left.
static void test_branches_kept(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e;
    struct branches *b;
    char ref[16];
    assert_ok(branches_new(&b, NULL, NULL, "c.near", &e), &e);
    assert_null(branches_kept(b, a, "r", "v1", 5));
    branches_keep(b, "r", "v1", "main", 5);
    branches_keep(b, "r", "v2", "dev", 5);
    assert_string_equal(branches_kept(b, a, "r", "v1", 6), "main");
    assert_null(branches_kept(b, a, "rv", "1", 6));
    branches_keep(b, "r", "v1", "dev", 7);
    assert_string_equal(branches_kept(b, a, "r", "v1", 8), "dev");
    assert_null(branches_kept(b, a, "r", "v1", 7 + BRANCHES_FRESH_MS));
    for (int i = 0; i < BRANCHES_MAX - 1; i++) {
        snprintf(ref, sizeof ref, "x%d", i);
        branches_keep(b, "r", ref, "main", 8);
    }
    assert_string_equal(branches_kept(b, a, "r", "v1", 8), "dev"); // used last
    assert_null(branches_kept(b, a, "r", "v2", 8));
    branches_free(b);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_lease),         cmocka_unit_test(test_broken_leases),
    cmocka_unit_test(test_comparison),    cmocka_unit_test(test_secrets_ref),
    cmocka_unit_test(test_environment),   cmocka_unit_test(test_environment_with_secrets),
    cmocka_unit_test(test_branches_kept),
};
RUN_TESTS(tests)
