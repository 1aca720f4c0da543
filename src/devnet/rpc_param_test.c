// SPDX-License-Identifier: Apache-2.0
#include "devnet/rpc_param.h"

#include "base/test.h"

static json_t *parse(const char *text) {
    struct err e;
    json_t *j = json_parse(slice_str(text), 4096, &e);
    assert_non_null(j);
    return j;
}

#define HASH "4GXvjMFN6wSxnU9jEVT8HbXP5Yk6yELX9faRSKp6n9fX"

// Each client has its own way of saying which block it means.
static void test_block_ref(void **state) {
    (void)state;
    static const struct {
        const char *params;
        enum block_ref_kind kind;
    } good[] = {
        {"{\"finality\":\"final\"}", BLOCK_REF_LATEST},
        {"{\"finality\":\"optimistic\",\"block_id\":null}", BLOCK_REF_LATEST},
        {"{\"block_id\":17}", BLOCK_REF_HEIGHT},
        {"{\"block_id\":\"" HASH "\"}", BLOCK_REF_HASH},
        {"{\"sync_checkpoint\":\"genesis\"}", BLOCK_REF_EARLIEST},
        {"[17]", BLOCK_REF_HEIGHT},
        {"[\"" HASH "\"]", BLOCK_REF_HASH},
        {"[null]", BLOCK_REF_LATEST},
        {"[]", BLOCK_REF_LATEST},
    };
    struct block_ref ref;
    struct err e;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        SCOPED_JSON(p) = parse(good[i].params);
        assert_ok(param_block_ref(p, json_is_object(p), &ref, &e), &e);
        assert_int_equal(ref.kind, good[i].kind);
    }
    static const char *const bad[] = {
        "{}",   "{\"finality\":\"soon\"}",      "{\"block_id\":-1}", "{\"block_id\":1.5}", "{\"block_id\":\"zz0\"}",
        "[{}]", "{\"sync_checkpoint\":\"now\"}"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        SCOPED_JSON(p) = parse(bad[i]);
        assert_false(param_block_ref(p, true, &ref, &e));
        assert_int_equal(e.code, ERR_INVALID);
    }
}

// The four forms of naming a transaction; a wrong one must not be taken for another.
static void test_tx(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct param_tx tx;
    struct err e;
    SCOPED_JSON(send) = parse("{\"signed_tx_base64\":\"AAEC\",\"wait_until\":\"FINAL\"}");
    assert_ok(param_tx(send, a, &tx, &e), &e);
    assert_int_equal(tx.bytes.len, 3);
    assert_int_equal(tx.wait, WAIT_FINAL);
    SCOPED_JSON(list) = parse("[\"AAEC\"]");
    assert_ok(param_tx(list, a, &tx, &e), &e);
    assert_int_equal(tx.wait, WAIT_EXECUTED_OPTIMISTIC);
    SCOPED_JSON(named) = parse("[\"" HASH "\",\"alice.near\"]");
    assert_ok(param_tx(named, a, &tx, &e), &e);
    assert_int_equal(tx.bytes.len, 0);
    assert_false(hash_is_zero(&tx.hash));
    SCOPED_JSON(object) =
        parse("{\"tx_hash\":\"" HASH "\",\"sender_account_id\":\"alice.near\",\"wait_until\":\"NONE\"}");
    assert_ok(param_tx(object, a, &tx, &e), &e);
    assert_int_equal(tx.wait, WAIT_NONE);
    static const char *const bad[] = {"[]",
                                      "[1]",
                                      "[\"!!\"]",
                                      "[\"\"]",
                                      "[\"" HASH "\",\"Not An Account\"]",
                                      "{\"tx_hash\":\"" HASH "\"}",
                                      "{\"signed_tx_base64\":\"AAEC\",\"wait_until\":\"SOON\"}",
                                      "{\"signed_tx_base64\":5}",
                                      "{}"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        SCOPED_JSON(p) = parse(bad[i]);
        assert_false(param_tx(p, a, &tx, &e));
    }
}

// near-cli and older libraries query by path.
static void test_legacy_query(void **state) {
    (void)state;
    static const struct {
        const char *params, *want;
    } table[] = {
        {"[\"account/a.near\",\"\"]", "{\"request_type\":\"view_account\",\"account_id\":\"a.near\"}"},
        {"[\"access_key/a.near\",\"\"]", "{\"request_type\":\"view_access_key_list\",\"account_id\":\"a.near\"}"},
        {"[\"access_key/a.near/ed25519:k\",\"\"]",
         "{\"request_type\":\"view_access_key\",\"account_id\":\"a.near\",\"public_key\":\"ed25519:k\"}"},
        {"[\"code/a.near\",\"\"]", "{\"request_type\":\"view_code\",\"account_id\":\"a.near\"}"},
        {"[\"contract/a.near\",\"\"]",
         "{\"request_type\":\"view_state\",\"account_id\":\"a.near\",\"prefix_base64\":\"\"}"},
        {"[\"call/a.near/get\",\"2g\"]",
         "{\"request_type\":\"call_function\",\"account_id\":\"a.near\",\"method_name\":"
         "\"get\",\"args_base64\":\"YQ==\"}"},
    };
    SCOPED_ARENA(a);
    struct err e;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        SCOPED_JSON(p) = parse(table[i].params);
        SCOPED_JSON(q) = param_legacy_query(p, a, &e);
        assert_non_null(q);
        assert_string_equal(json_text(a, q), table[i].want);
    }
    static const char *const bad[] = {"[\"\",\"\"]", "[\"account\",\"\"]",           "[\"call/a.near\",\"\"]", "[5]",
                                      "[]",          "[\"account/a.near\",\"0OIl\"]"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        SCOPED_JSON(p) = parse(bad[i]);
        assert_null(param_legacy_query(p, a, &e));
    }
}

static const struct CMUnitTest group[] = {
    cmocka_unit_test(test_block_ref),
    cmocka_unit_test(test_tx),
    cmocka_unit_test(test_legacy_query),
};
RUN_TESTS(group)
