// SPDX-License-Identifier: Apache-2.0
// Every refusal as NEAR's clients parse it (near-api-js and others switch over these names), and as nodes log it.
#include "ledger/error.h"

#include "base/test.h"
#include "codec/json.h"

#define KEY "ed25519:11111111111111111111111111111111"

static struct account_id id(const char *text) {
    struct account_id a;
    struct err e;
    assert_ok(account_id_parse(&a, slice_str(text), &e), &e);
    return a;
}

static struct public_key key(void) {
    struct public_key k;
    struct err e;
    assert_ok(public_key_parse(&k, slice_str(KEY), &e), &e);
    return k;
}

static void is(json_t *j, const char *want) {
    char *got = json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    assert_non_null(got);
    assert_string_equal(got, want);
    free(got);
    json_decref(j);
}

// If this fails, a client takes one refusal of an action list for another, or for none.
static void lists_of_actions(void **state) {
    (void)state;
    static const char *const want[] = {
        [ACTIONS_DELETE_NOT_LAST] = "\"DeleteActionMustBeFinal\"",
        [ACTIONS_PREPAID_GAS] = "{\"TotalPrepaidGasExceeded\":{\"limit\":5,\"total_prepaid_gas\":7}}",
        [ACTIONS_NUMBER] = "{\"TotalNumberOfActionsExceeded\":{\"limit\":5,\"total_number_of_actions\":7}}",
        [ACTIONS_KEY_METHODS_BYTES] =
            "{\"AddKeyMethodNamesNumberOfBytesExceeded\":{\"limit\":5,\"total_number_of_bytes\":7}}",
        [ACTIONS_KEY_METHOD_LENGTH] = "{\"AddKeyMethodNameLengthExceeded\":{\"length\":7,\"limit\":5}}",
        [ACTIONS_INTEGER_OVERFLOW] = "\"IntegerOverflow\"",
        [ACTIONS_INVALID_ACCOUNT] = "{\"InvalidAccountId\":{\"account_id\":\"a.near\"}}",
        [ACTIONS_CONTRACT_SIZE] = "{\"ContractSizeExceeded\":{\"limit\":5,\"size\":7}}",
        [ACTIONS_METHOD_LENGTH] = "{\"FunctionCallMethodNameLengthExceeded\":{\"length\":7,\"limit\":5}}",
        [ACTIONS_ARGS_LENGTH] = "{\"FunctionCallArgumentsLengthExceeded\":{\"length\":7,\"limit\":5}}",
        [ACTIONS_STAKING_KEY] = "{\"UnsuitableStakingKey\":{\"public_key\":\"" KEY "\"}}",
        [ACTIONS_ZERO_GAS] = "\"FunctionCallZeroAttachedGas\"",
        [ACTIONS_DELEGATE_ONLY_ONE] = "\"DelegateActionMustBeOnlyOne\"",
    };
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        const struct actions_invalid x = {(enum actions_invalid_kind)i, 7, 5, id("a.near"), key()};
        is(actions_invalid_json(&x), want[i]);
    }
}

static const struct {
    const char *json, *text;
} of_transactions[] = {
    [TX_INVALID_CHAIN] = {"\"InvalidChain\"", "Transaction parent block hash doesn't belong to the current chain"},
    [TX_EXPIRED] = {"\"Expired\"", "Transaction has expired"},
    [TX_ACTIONS] = {"{\"ActionsValidation\":\"DeleteActionMustBeFinal\"}",
                    "Transaction actions validation error: \"DeleteActionMustBeFinal\""},
    [TX_SIZE] = {"{\"TransactionSizeExceeded\":{\"limit\":5,\"size\":7}}",
                 "Size of serialized transaction 7 exceeded the limit 5"},
    [TX_INVALID_SIGNER] = {"{\"InvalidSignerId\":{\"signer_id\":\"s.near\"}}",
                           "Invalid signer account ID \"s.near\" according to requirements"},
    [TX_INVALID_RECEIVER] = {"{\"InvalidReceiverId\":{\"receiver_id\":\"r.near\"}}",
                             "Invalid receiver account ID \"r.near\" according to requirements"},
    [TX_INVALID_SIGNATURE] = {"\"InvalidSignature\"", "Transaction is not signed with the given public key"},
    [TX_COST_OVERFLOW] = {"\"CostOverflow\"", "Transaction gas or balance cost is too high"},
    [TX_NO_SIGNER] = {"{\"SignerDoesNotExist\":{\"signer_id\":\"s.near\"}}", "Signer \"s.near\" does not exist"},
    [TX_NONCE] = {"{\"InvalidNonce\":{\"ak_nonce\":5,\"tx_nonce\":7}}",
                  "Transaction nonce 7 must be larger than nonce of the used access key 5"},
    [TX_NONCE_TOO_LARGE] = {"{\"NonceTooLarge\":{\"tx_nonce\":7,\"upper_bound\":5}}",
                            "Transaction nonce 7 must be smaller than the access key nonce upper bound 5"},
    [TX_BALANCE] = {"{\"NotEnoughBalance\":{\"balance\":\"3\",\"cost\":\"9\",\"signer_id\":\"s.near\"}}",
                    "Sender \"s.near\" does not have enough balance 3 for operation costing 9"},
    [TX_STORAGE] = {"{\"LackBalanceForState\":{\"amount\":\"9\",\"signer_id\":\"s.near\"}}",
                    "The account s.near wouldn't have enough balance to cover storage, required to have 9 "
                    "yoctoNEAR more"},
    [TX_KEY_NOT_FOUND] = {"{\"InvalidAccessKeyError\":{\"AccessKeyNotFound\":{\"account_id\":\"s.near\","
                          "\"public_key\":\"" KEY "\"}}}",
                          "Signer \"s.near\" doesn't have access key with the given public_key " KEY},
    [TX_KEY_RECEIVER] = {"{\"InvalidAccessKeyError\":{\"ReceiverMismatch\":{\"ak_receiver\":\"k.near\","
                         "\"tx_receiver\":\"r.near\"}}}",
                         "Transaction receiver_id \"r.near\" doesn't match the access key receiver_id "
                         "\"k.near\""},
    [TX_KEY_METHOD] = {"{\"InvalidAccessKeyError\":{\"MethodNameMismatch\":{\"method_name\":\"m\"}}}",
                       "Transaction method name \"m\" isn't allowed by the access key"},
    [TX_KEY_FULL_ACCESS] = {"{\"InvalidAccessKeyError\":\"RequiresFullAccess\"}",
                            "Invalid access key type. Full-access keys are required for transactions that have "
                            "multiple or non-function-call actions"},
    [TX_KEY_ALLOWANCE] = {"{\"InvalidAccessKeyError\":{\"NotEnoughAllowance\":{\"account_id\":\"s.near\","
                          "\"allowance\":\"3\",\"cost\":\"9\",\"public_key\":\"" KEY "\"}}}",
                          "Access Key \"s.near\":" KEY " does not have enough balance 3 for transaction "
                          "costing 9"},
    [TX_KEY_DEPOSIT] = {"{\"InvalidAccessKeyError\":\"DepositWithFunctionCall\"}",
                        "Having a deposit with a function call action is not allowed with a function call access "
                        "key."},
};

// The same of a transaction, with what nodes log.
static void transactions(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct tx_error x = {.signer = id("s.near"),
                         .receiver = id("r.near"),
                         .key_receiver = id("k.near"),
                         .key = key(),
                         .value = 7,
                         .limit = 5,
                         .balance = {3},
                         .cost = {9},
                         .text = "m"};
    for (size_t i = 0; i < ARRAY_LEN(of_transactions); i++) {
        x.kind = (enum tx_error_kind)i;
        is(tx_error_json(&x), of_transactions[i].json);
        assert_string_equal(tx_error_text(a, &x), of_transactions[i].text);
    }
}

#define KIND(json) "{\"index\":2,\"kind\":" json "}"

// The same of an action.
static void actions(void **state) {
    (void)state;
    static const char *const want[] = {
        [ACTION_ERR_ACCOUNT_EXISTS] = KIND("{\"AccountAlreadyExists\":{\"account_id\":\"a.near\"}}"),
        [ACTION_ERR_NO_ACCOUNT] = KIND("{\"AccountDoesNotExist\":{\"account_id\":\"a.near\"}}"),
        [ACTION_ERR_REGISTRAR_ONLY] =
            KIND("{\"CreateAccountOnlyByRegistrar\":{\"account_id\":\"a.near\",\"predecessor_id\":\"o.near\","
                 "\"registrar_account_id\":\"registrar\"}}"),
        [ACTION_ERR_CREATE_NOT_ALLOWED] =
            KIND("{\"CreateAccountNotAllowed\":{\"account_id\":\"a.near\",\"predecessor_id\":\"o.near\"}}"),
        [ACTION_ERR_NO_PERMISSION] =
            KIND("{\"ActorNoPermission\":{\"account_id\":\"a.near\",\"actor_id\":\"o.near\"}}"),
        [ACTION_ERR_NO_KEY] =
            KIND("{\"DeleteKeyDoesNotExist\":{\"account_id\":\"a.near\",\"public_key\":\"" KEY "\"}}"),
        [ACTION_ERR_KEY_EXISTS] =
            KIND("{\"AddKeyAlreadyExists\":{\"account_id\":\"a.near\",\"public_key\":\"" KEY "\"}}"),
        [ACTION_ERR_DELETE_STAKING] = KIND("{\"DeleteAccountStaking\":{\"account_id\":\"a.near\"}}"),
        [ACTION_ERR_STORAGE] = KIND("{\"LackBalanceForState\":{\"account_id\":\"a.near\",\"amount\":\"1\"}}"),
        [ACTION_ERR_UNSTAKE] = KIND("{\"TriesToUnstake\":{\"account_id\":\"a.near\"}}"),
        [ACTION_ERR_STAKE] = KIND("{\"TriesToStake\":{\"account_id\":\"a.near\",\"balance\":\"3\",\"locked\":\"2\","
                                  "\"stake\":\"1\"}}"),
        [ACTION_ERR_CALL] = KIND("{\"FunctionCallError\":{\"ExecutionError\":\"no luck\"}}"),
        [ACTION_ERR_NEW_RECEIPT] = KIND("{\"NewReceiptValidationError\":{\"ActionsValidation\":\"IntegerOverflow\"}}"),
        [ACTION_ERR_IMPLICIT_ONLY] = KIND("{\"OnlyImplicitAccountCreationAllowed\":{\"account_id\":\"a.near\"}}"),
        [ACTION_ERR_DELETE_LARGE] = KIND("{\"DeleteAccountWithLargeState\":{\"account_id\":\"a.near\"}}"),
        [ACTION_ERR_DELEGATE_SIGNATURE] = KIND("\"DelegateActionInvalidSignature\""),
        [ACTION_ERR_DELEGATE_SENDER] =
            KIND("{\"DelegateActionSenderDoesNotMatchTxReceiver\":{\"receiver_id\":\"o.near\","
                 "\"sender_id\":\"a.near\"}}"),
        [ACTION_ERR_DELEGATE_EXPIRED] = KIND("\"DelegateActionExpired\""),
        [ACTION_ERR_DELEGATE_KEY] = KIND("{\"DelegateActionAccessKeyError\":\"DepositWithFunctionCall\"}"),
        [ACTION_ERR_DELEGATE_NONCE] = KIND("{\"DelegateActionInvalidNonce\":{\"ak_nonce\":5,\"delegate_nonce\":7}}"),
        [ACTION_ERR_DELEGATE_NONCE_LARGE] =
            KIND("{\"DelegateActionNonceTooLarge\":{\"delegate_nonce\":7,\"upper_bound\":5}}"),
    };
    struct action_error x = {.has_index = true,
                             .index = 2,
                             .account = id("a.near"),
                             .other = id("o.near"),
                             .registrar = id("registrar"),
                             .key = key(),
                             .amount = {1},
                             .locked = {2},
                             .balance = {3},
                             .value = 7,
                             .limit = 5,
                             .call = {.kind = CALL_EXECUTION, .text = "no luck"},
                             .actions = {.kind = ACTIONS_INTEGER_OVERFLOW},
                             .delegate = {.kind = TX_KEY_DEPOSIT}};
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        x.kind = (enum action_error_kind)i;
        is(action_error_json(&x), want[i]);
    }
    x = (struct action_error){.kind = ACTION_ERR_DELEGATE_EXPIRED};
    is(action_error_json(&x), "{\"index\":null,\"kind\":\"DelegateActionExpired\"}");
}

// The same of a contract's call.
static void calls(void **state) {
    (void)state;
    static const char *const want[] = {
        [CALL_EXECUTION] = "{\"ExecutionError\":\"why\"}",
        [CALL_METHOD_NOT_FOUND] = "{\"MethodResolveError\":\"MethodNotFound\"}",
        [CALL_METHOD_EMPTY] = "{\"MethodResolveError\":\"MethodEmptyName\"}",
        [CALL_METHOD_SIGNATURE] = "{\"MethodResolveError\":\"MethodInvalidSignature\"}",
        [CALL_NO_CODE] = "{\"CompilationError\":{\"CodeDoesNotExist\":{\"account_id\":\"a.near\"}}}",
        [CALL_PREPARE] = "{\"CompilationError\":{\"PrepareError\":\"why\"}}",
        [CALL_COMPILE] = "{\"CompilationError\":{\"WasmtimeCompileError\":{\"msg\":\"why\"}}}",
    };
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        const struct call_error x = {.kind = (enum call_error_kind)i, .text = "why", .account = id("a.near")};
        is(call_error_json(&x), want[i]);
    }
}

// As Rust's {:?} has it: what it escapes, and what it leaves as it is.
static void debug_texts(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    assert_string_equal(rust_debug(a, SLICE_LIT("a\"b\\c\n\t\r")), "a\\\"b\\\\c\\n\\t\\r");
    assert_string_equal(rust_debug(a, SLICE_LIT("\x01\x7f")), "\\u{1}\\u{7f}");
    assert_string_equal(rust_debug(a, SLICE_LIT("\xc3\xa4 ok")), "\xc3\xa4 ok");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(lists_of_actions), cmocka_unit_test(transactions),
                                       cmocka_unit_test(actions), cmocka_unit_test(calls),
                                       cmocka_unit_test(debug_texts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
