// SPDX-License-Identifier: Apache-2.0
#include "devnet/render.h"

#include "base/test.h"
#include "codec/json.h"

static struct arena *arena;
static int make(void **state) {
    (void)state;
    arena = arena_new();
    return 0;
}
static int drop(void **state) {
    (void)state;
    arena_free(arena);
    return 0;
}

static void is(json_t *j, const char *want) {
    assert_string_equal(json_text(arena, j), want);
    json_decref(j);
}

#define KEY_TEXT "ed25519:11111111111111111111111111111111"

// Each action has its own form in every client's type definitions.
static void test_actions(void **state) {
    (void)state;
    static const char *const methods[] = {"set"};
    const struct access_key call = {
        .has_allowance = true, .allowance = {7}, .receiver = {"c.near"}, .methods = methods, .method_count = 1};
    const struct {
        struct action x;
        const char *want;
    } table[] = {
        {{.kind = ACTION_CREATE_ACCOUNT}, "\"CreateAccount\""},
        {{.kind = ACTION_DEPLOY_CONTRACT, .code = SLICE_LIT("")},
         "{\"DeployContract\":{\"code\":\"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\"}}"},
        {{.kind = ACTION_FUNCTION_CALL, .method = "m", .args = SLICE_LIT("{}"), .gas = {30 * TGAS}, .deposit = {1}},
         "{\"FunctionCall\":{\"method_name\":\"m\",\"args\":\"e30=\",\"gas\":30000000000000,\"deposit\":\"1\"}}"},
        {{.kind = ACTION_TRANSFER, .deposit = {NEAR_ONE}},
         "{\"Transfer\":{\"deposit\":\"1000000000000000000000000\"}}"},
        {{.kind = ACTION_STAKE, .deposit = {5}}, "{\"Stake\":{\"stake\":\"5\",\"public_key\":\"" KEY_TEXT "\"}}"},
        {{.kind = ACTION_ADD_KEY, .access = {.nonce = 3, .full_access = true}},
         "{\"AddKey\":{\"public_key\":\"" KEY_TEXT "\",\"access_key\":{\"nonce\":3,\"permission\":\"FullAccess\"}}}"},
        {{.kind = ACTION_ADD_KEY, .access = call},
         "{\"AddKey\":{\"public_key\":\"" KEY_TEXT "\",\"access_key\":{\"nonce\":0,\"permission\":{\"FunctionCall\":{"
         "\"allowance\":\"7\",\"receiver_id\":\"c.near\",\"method_names\":[\"set\"]}}}}}"},
        {{.kind = ACTION_DELETE_KEY}, "{\"DeleteKey\":{\"public_key\":\"" KEY_TEXT "\"}}"},
        {{.kind = ACTION_DELETE_ACCOUNT, .account = {"b.near"}}, "{\"DeleteAccount\":{\"beneficiary_id\":\"b.near\"}}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        is(render_action(&table[i].x, arena), table[i].want);
}

// A signed inner transaction of a relayer.
static void test_delegate(void **state) {
    (void)state;
    struct action inner = {.kind = ACTION_TRANSFER, .deposit = {1}};
    const struct delegate_action d = {
        .sender = {"a.near"}, .receiver = {"b.near"}, .actions = &inner, .action_count = 1, .nonce = UINT64_MAX};
    const struct action x = {.kind = ACTION_DELEGATE, .delegate = &d};
    json_t *j = render_action(&x, arena);
    json_t *body = json_object_get(json_object_get(j, "Delegate"), "delegate_action");
    // Beyond 63 bits a number becomes text, rather than a wrong number or a crash.
    assert_string_equal(json_string_value(json_object_get(body, "nonce")), "18446744073709551615");
    assert_int_equal(json_array_size(json_object_get(body, "actions")), 1);
    json_decref(j);
}

#define ZERO "11111111111111111111111111111111"

static void test_receipts(void **state) {
    (void)state;
    const struct action transfer = {.kind = ACTION_TRANSFER, .deposit = {1}};
    const struct receipt action = {.kind = RECEIPT_ACTION,
                                   .predecessor = {"system"},
                                   .receiver = {"b.near"},
                                   .signer = {"a.near"},
                                   .actions = &transfer,
                                   .action_count = 1};
    is(render_receipt(&action, arena),
       "{\"predecessor_id\":\"system\",\"receiver_id\":\"b.near\",\"receipt_id\":\"" ZERO
       "\",\"receipt\":{\"Action\":{\"signer_id\":\"a.near\",\"signer_public_key\":\"" KEY_TEXT
       "\",\"gas_price\":\"0\",\"output_data_receivers\":[],\"input_data_ids\":[],\"actions\":[{\"Transfer\":{"
       "\"deposit\":\"1\"}}],\"is_promise_yield\":false}},\"priority\":0}");
    const struct receipt data = {.kind = RECEIPT_DATA, .predecessor = {"a.near"}, .receiver = {"b.near"}};
    is(render_receipt(&data, arena), "{\"predecessor_id\":\"a.near\",\"receiver_id\":\"b.near\",\"receipt_id\":\"" ZERO
                                     "\",\"receipt\":{\"Data\":{\"data_id\":\"" ZERO
                                     "\",\"data\":null,\"is_promise_resume\":false}},\"priority\":0}");
}

// Values, receipts and failures are told apart by exactly one key.
static void test_outcomes(void **state) {
    (void)state;
    const struct slice logs[] = {SLICE_LIT("one"), SLICE_LIT("\xff\xfe")};
    const struct hash receipts[] = {{{0}}};
    const struct gas_cost profile[] = {{"WASM_HOST_COST", "BASE", 264768111}};
    struct outcome o = {.executor = {"a.near"},
                        .status = OUTCOME_VALUE,
                        .value = SLICE_LIT("x"),
                        .logs = logs,
                        .log_count = 2,
                        .receipt_ids = receipts,
                        .receipt_count = 1,
                        .gas_burnt = 5,
                        .tokens_burnt = 6,
                        .profile = profile,
                        .profile_count = 1};
    const struct hash block = {{0}};
    is(render_outcome(&o, &block, 4, arena),
       "{\"proof\":[],\"block_hash\":\"" ZERO "\",\"id\":\"" ZERO
       "\",\"outcome\":{\"logs\":[\"one\",\"//4=\"],\"receipt_ids\":[\"" ZERO
       "\"],\"gas_burnt\":5,\"tokens_burnt\":\"6\",\"executor_id\":\"a.near\",\"status\":{\"SuccessValue\":\"eA==\"},"
       "\"metadata\":{\"version\":4,\"gas_profile\":[{\"cost_category\":\"WASM_HOST_COST\",\"cost\":\"BASE\",\"gas_"
       "used\":\"264768111\"}]}}}");
    o.status = OUTCOME_RECEIPT;
    json_t *j = render_outcome(&o, &block, 1, arena);
    json_t *inner = json_object_get(j, "outcome");
    assert_non_null(json_object_get(json_object_get(inner, "status"), "SuccessReceiptId"));
    assert_true(json_is_null(json_object_get(json_object_get(inner, "metadata"), "gas_profile")));
    json_decref(j);
    const struct action_error failure = {.has_index = true, .kind = ACTION_ERR_NO_ACCOUNT, .account = {"x.near"}};
    o.status = OUTCOME_FAILURE;
    o.action_error = &failure;
    j = render_outcome(&o, &block, 4, arena);
    is(json_incref(json_object_get(json_object_get(j, "outcome"), "status")),
       "{\"Failure\":{\"ActionError\":{\"index\":0,\"kind\":{\"AccountDoesNotExist\":{\"account_id\":\"x.near\"}}}}}");
    json_decref(j);
    const struct tx_error refused = {.kind = TX_EXPIRED};
    o.tx_error = &refused;
    j = render_outcome(&o, &block, 1, arena);
    is(json_incref(json_object_get(json_object_get(j, "outcome"), "status")),
       "{\"Failure\":{\"InvalidTxError\":\"Expired\"}}");
    json_decref(j);
}

static void test_changes(void **state) {
    (void)state;
    struct chain_change c = {.cause = CAUSE_RECEIPT,
                             .kind = CHANGE_DATA,
                             .account_id = {"a.near"},
                             .data_key = SLICE_LIT("k"),
                             .data = SLICE_LIT("v")};
    is(render_change(&c, arena), "{\"cause\":{\"type\":\"receipt_processing\",\"receipt_hash\":\"" ZERO
                                 "\"},\"type\":\"data_update\",\"change\":{\"account_id\":\"a.near\",\"key_base64\":"
                                 "\"aw==\",\"value_base64\":\"dg==\"}}");
    c.removed = true;
    c.cause = CAUSE_INITIAL_STATE;
    is(render_change(&c, arena), "{\"cause\":{\"type\":\"initial_state\"},\"type\":\"data_deletion\",\"change\":{"
                                 "\"account_id\":\"a.near\",\"key_base64\":\"aw==\"}}");
    c = (struct chain_change){.cause = CAUSE_PATCH, .kind = CHANGE_ACCOUNT, .account_id = {"a.near"}};
    is(render_change(&c, arena),
       "{\"cause\":{\"type\":\"migration\"},\"type\":\"account_update\",\"change\":{\"account_id\":\"a.near\","
       "\"amount\":"
       "\"0\",\"locked\":\"0\",\"code_hash\":\"" ZERO "\",\"storage_usage\":0,\"storage_paid_at\":0}}");
}

// What is stored about a block is what comes back; a damaged row must not become a block.
static void test_head(void **state) {
    (void)state;
    struct chain_block b = {.height = 7, .timestamp_ns = 1767225600123456789ull, .gas_price = 100000000};
    b.hash.b[3] = 9;
    b.outcome_root.b[31] = 1;
    b.total_supply = (u128)1 << 100;
    struct block_head h, again;
    struct err e;
    SCOPED_BUF(bytes, 4096);
    block_head_of(&h, &b);
    block_head_encode(&bytes, &h);
    assert_ok(block_head_decode(&again, buf_slice(&bytes), &e), &e);
    SCOPED_BUF(second, 4096);
    block_head_encode(&second, &again);
    assert_true(slice_eq(buf_slice(&bytes), buf_slice(&second)));
    for (size_t n = 0; n < bytes.len; n += 31)
        assert_err(block_head_decode(&again, slice_of(bytes.ptr, n), &e), &e, ERR_CORRUPT, "damaged head");
    json_t *j = render_block(&h, "node.near", arena);
    json_t *header = json_object_get(j, "header");
    assert_int_equal(json_integer_value(json_object_get(header, "timestamp")), 1767225600123456789);
    assert_string_equal(json_string_value(json_object_get(header, "timestamp_nanosec")), "1767225600123456789");
    assert_string_equal(json_string_value(json_object_get(header, "total_supply")), "1267650600228229401496703205376");
    json_t *chunk = json_array_get(json_object_get(j, "chunks"), 0);
    assert_int_equal(json_integer_value(json_object_get(chunk, "height_included")), 7);
    json_decref(j);
}

#define WITH_ARENA(t) cmocka_unit_test_setup_teardown(t, make, drop)
static const struct CMUnitTest group[] = {WITH_ARENA(test_actions),  WITH_ARENA(test_delegate),
                                          WITH_ARENA(test_receipts), WITH_ARENA(test_outcomes),
                                          WITH_ARENA(test_changes),  WITH_ARENA(test_head)};
RUN_TESTS(group)
