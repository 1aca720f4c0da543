// SPDX-License-Identifier: Apache-2.0
// Why a transaction, an action or a contract call was refused: structured, as NEAR's clients parse it (docs/near.md,
// JSON-RPC). The JSON and display forms are made here too, so that nobody else has to know the names.
#pragma once
#include "near/tx.h"
#include <jansson.h>

// --- a contract call ---------------------------------------------------------------------------------------------
enum call_error_kind {
    CALL_EXECUTION,        // {"ExecutionError": text}
    CALL_METHOD_NOT_FOUND, // {"MethodResolveError":"MethodNotFound"}
    CALL_METHOD_EMPTY,     // {"MethodResolveError":"MethodEmptyName"}
    CALL_METHOD_SIGNATURE, // {"MethodResolveError":"MethodInvalidSignature"}
    CALL_NO_CODE,          // {"CompilationError":{"CodeDoesNotExist":{"account_id"}}}
    CALL_PREPARE,          // {"CompilationError":{"PrepareError": text}}
    CALL_COMPILE,          // {"CompilationError":{"WasmtimeCompileError":{"msg": text}}}
};
struct call_error {
    enum call_error_kind kind;
    const char *text;  // EXECUTION: the display text; PREPARE: the variant; COMPILE: the message
    const char *debug; // the same error as nodes print it in answers to view calls: HostError(GuestPanic { … })
    struct account_id account; // NO_CODE
};
// The value of "FunctionCallError".
json_t *call_error_json(const struct call_error *x);
// A text as Rust's {:?} prints it, without the quotes around.
char *rust_debug(struct arena *a, struct slice text);

// --- an action list that no transaction or receipt may have -------------------------------------------------------
enum actions_invalid_kind {
    ACTIONS_DELETE_NOT_LAST,   // "DeleteActionMustBeFinal"
    ACTIONS_PREPAID_GAS,       // TotalPrepaidGasExceeded{total_prepaid_gas,limit}
    ACTIONS_NUMBER,            // TotalNumberOfActionsExceeded{total_number_of_actions,limit}
    ACTIONS_KEY_METHODS_BYTES, // AddKeyMethodNamesNumberOfBytesExceeded{total_number_of_bytes,limit}
    ACTIONS_KEY_METHOD_LENGTH, // AddKeyMethodNameLengthExceeded{length,limit}
    ACTIONS_INTEGER_OVERFLOW,  // "IntegerOverflow"
    ACTIONS_INVALID_ACCOUNT,   // InvalidAccountId{account_id}
    ACTIONS_CONTRACT_SIZE,     // ContractSizeExceeded{size,limit}
    ACTIONS_METHOD_LENGTH,     // FunctionCallMethodNameLengthExceeded{length,limit}
    ACTIONS_ARGS_LENGTH,       // FunctionCallArgumentsLengthExceeded{length,limit}
    ACTIONS_STAKING_KEY,       // UnsuitableStakingKey{public_key}
    ACTIONS_ZERO_GAS,          // "FunctionCallZeroAttachedGas"
    ACTIONS_DELEGATE_ONLY_ONE, // "DelegateActionMustBeOnlyOne"
};
struct actions_invalid {
    enum actions_invalid_kind kind;
    uint64_t value, limit;
    struct account_id account;
    struct public_key key;
};
json_t *actions_invalid_json(const struct actions_invalid *x);

// --- a transaction ------------------------------------------------------------------------------------------------
enum tx_error_kind {
    TX_INVALID_CHAIN,     // "InvalidChain": its block hash is of no block of this chain
    TX_EXPIRED,           // "Expired"
    TX_ACTIONS,           // ActionsValidation: `actions`
    TX_SIZE,              // TransactionSizeExceeded{size,limit}: value, limit
    TX_INVALID_SIGNER,    // InvalidSignerId{signer_id}
    TX_INVALID_RECEIVER,  // InvalidReceiverId{receiver_id}
    TX_INVALID_SIGNATURE, // "InvalidSignature"
    TX_COST_OVERFLOW,     // "CostOverflow"
    TX_NO_SIGNER,         // SignerDoesNotExist{signer_id}
    TX_NONCE,             // InvalidNonce{tx_nonce,ak_nonce}: value, limit
    TX_NONCE_TOO_LARGE,   // NonceTooLarge{tx_nonce,upper_bound}: value, limit
    TX_BALANCE,           // NotEnoughBalance{signer_id,balance,cost}
    TX_STORAGE,           // LackBalanceForState{signer_id,amount}: cost
    TX_KEY_NOT_FOUND,     // InvalidAccessKeyError: AccessKeyNotFound{account_id,public_key}
    TX_KEY_RECEIVER,      // … ReceiverMismatch{tx_receiver,ak_receiver}
    TX_KEY_METHOD,        // … MethodNameMismatch{method_name}: text
    TX_KEY_FULL_ACCESS,   // … "RequiresFullAccess"
    TX_KEY_ALLOWANCE,     // … NotEnoughAllowance{account_id,public_key,allowance,cost}: balance, cost
    TX_KEY_DEPOSIT,       // … "DepositWithFunctionCall"
};
struct tx_error {
    enum tx_error_kind kind;
    struct account_id signer, receiver;
    struct account_id key_receiver;
    struct public_key key;
    uint64_t value, limit;
    struct yocto balance, cost;
    char text[257]; // a method name, cut where it is longer
    struct actions_invalid actions;
};
// The value of "InvalidTxError".
json_t *tx_error_json(const struct tx_error *x);
// What nodes log for it: "Transaction nonce 1 must be larger than nonce of the used access key 5".
char *tx_error_text(struct arena *a, const struct tx_error *x);

// --- an action ----------------------------------------------------------------------------------------------------
enum action_error_kind {
    ACTION_ERR_ACCOUNT_EXISTS,       // AccountAlreadyExists{account_id}
    ACTION_ERR_NO_ACCOUNT,           // AccountDoesNotExist{account_id}
    ACTION_ERR_REGISTRAR_ONLY,       // CreateAccountOnlyByRegistrar{account_id,registrar_account_id,predecessor_id}
    ACTION_ERR_CREATE_NOT_ALLOWED,   // CreateAccountNotAllowed{account_id,predecessor_id}
    ACTION_ERR_NO_PERMISSION,        // ActorNoPermission{account_id,actor_id}
    ACTION_ERR_NO_KEY,               // DeleteKeyDoesNotExist{account_id,public_key}
    ACTION_ERR_KEY_EXISTS,           // AddKeyAlreadyExists{account_id,public_key}
    ACTION_ERR_DELETE_STAKING,       // DeleteAccountStaking{account_id}
    ACTION_ERR_STORAGE,              // LackBalanceForState{account_id,amount}; no index
    ACTION_ERR_UNSTAKE,              // TriesToUnstake{account_id}
    ACTION_ERR_STAKE,                // TriesToStake{account_id,stake,locked,balance}
    ACTION_ERR_CALL,                 // FunctionCallError: `call`
    ACTION_ERR_NEW_RECEIPT,          // NewReceiptValidationError: {"ActionsValidation": `actions`}
    ACTION_ERR_IMPLICIT_ONLY,        // OnlyImplicitAccountCreationAllowed{account_id}
    ACTION_ERR_DELETE_LARGE,         // DeleteAccountWithLargeState{account_id}
    ACTION_ERR_DELEGATE_SIGNATURE,   // "DelegateActionInvalidSignature"
    ACTION_ERR_DELEGATE_SENDER,      // DelegateActionSenderDoesNotMatchTxReceiver{sender_id,receiver_id}
    ACTION_ERR_DELEGATE_EXPIRED,     // "DelegateActionExpired"
    ACTION_ERR_DELEGATE_KEY,         // DelegateActionAccessKeyError: as TX_KEY_…, in `delegate`
    ACTION_ERR_DELEGATE_NONCE,       // DelegateActionInvalidNonce{delegate_nonce,ak_nonce}
    ACTION_ERR_DELEGATE_NONCE_LARGE, // DelegateActionNonceTooLarge{delegate_nonce,upper_bound}
};
struct action_error {
    bool has_index;
    uint64_t index;
    enum action_error_kind kind;
    struct account_id account, other, registrar; // other: predecessor, actor or receiver
    struct public_key key;
    struct yocto amount, locked, balance;
    uint64_t value, limit;
    struct call_error call;
    struct actions_invalid actions;
    struct tx_error delegate;
};
// The value of "ActionError": {"index":n|null,"kind":…}.
json_t *action_error_json(const struct action_error *x);
