// SPDX-License-Identifier: Apache-2.0
#include "ledger/error.h"

#include "base/text.h"
#include "codec/json.h"
#include <inttypes.h>

// {"name": value}; takes `value`.
static json_t *one(const char *name, json_t *value) {
    json_t *o = json_object();
    json_object_set_new(o, name, value);
    return o;
}

static void set_key(json_t *o, const struct public_key *k) {
    SCOPED_ARENA(a);
    json_set_text(o, "public_key", public_key_text(a, k));
}

static json_t *account_only(const char *field, const struct account_id *id) {
    json_t *o = json_object();
    json_set_text(o, field, id->s);
    return o;
}

static json_t *account_key(const struct account_id *id, const struct public_key *k) {
    json_t *o = account_only("account_id", id);
    set_key(o, k);
    return o;
}

// Numbers that strangers chose can be beyond what JSON's reader holds: those go as text.
static void set_number(json_t *o, const char *field, uint64_t v) {
    if (v <= INT64_MAX)
        json_set_u64(o, field, v);
    else
        json_set_u128(o, field, v);
}

// {"value_name": n, "limit_name": n}
static json_t *numbers(const char *value_name, uint64_t value, const char *limit_name, uint64_t limit) {
    json_t *o = json_object();
    set_number(o, value_name, value);
    set_number(o, limit_name, limit);
    return o;
}

char *rust_debug(struct arena *a, struct slice s) {
    char *out = arena_alloc(a, 8 * s.len + 1), *at = out;
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.ptr[i];
        const char *name = c == '"' ? "\\\"" : c == '\\' ? "\\\\" : c == '\n' ? "\\n" : c == '\r' ? "\\r" : NULL;
        name = c == '\t' ? "\\t" : c == 0 ? "\\0" : name;
        if (name)
            at += snprintf(at, 3, "%s", name);
        else if (c < 0x20 || c == 0x7f)
            at += snprintf(at, 8, "\\u{%x}", c);
        else
            *at++ = (char)c;
    }
    *at = 0;
    return out;
}

json_t *call_error_json(const struct call_error *x) {
    switch (x->kind) {
    case CALL_EXECUTION: return one("ExecutionError", json_of_bytes(x->text));
    case CALL_METHOD_NOT_FOUND: return one("MethodResolveError", json_string("MethodNotFound"));
    case CALL_METHOD_EMPTY: return one("MethodResolveError", json_string("MethodEmptyName"));
    case CALL_METHOD_SIGNATURE: return one("MethodResolveError", json_string("MethodInvalidSignature"));
    case CALL_NO_CODE: return one("CompilationError", one("CodeDoesNotExist", account_only("account_id", &x->account)));
    case CALL_PREPARE: return one("CompilationError", one("PrepareError", json_of_bytes(x->text)));
    case CALL_COMPILE: return one("CompilationError", one("WasmtimeCompileError", one("msg", json_of_bytes(x->text))));
    }
    return json_null();
}

json_t *actions_invalid_json(const struct actions_invalid *x) {
    switch (x->kind) {
    case ACTIONS_DELETE_NOT_LAST: return json_string("DeleteActionMustBeFinal");
    case ACTIONS_PREPAID_GAS:
        return one("TotalPrepaidGasExceeded", numbers("total_prepaid_gas", x->value, "limit", x->limit));
    case ACTIONS_NUMBER:
        return one("TotalNumberOfActionsExceeded", numbers("total_number_of_actions", x->value, "limit", x->limit));
    case ACTIONS_KEY_METHODS_BYTES:
        return one("AddKeyMethodNamesNumberOfBytesExceeded",
                   numbers("total_number_of_bytes", x->value, "limit", x->limit));
    case ACTIONS_KEY_METHOD_LENGTH:
        return one("AddKeyMethodNameLengthExceeded", numbers("length", x->value, "limit", x->limit));
    case ACTIONS_INTEGER_OVERFLOW: return json_string("IntegerOverflow");
    case ACTIONS_INVALID_ACCOUNT: return one("InvalidAccountId", account_only("account_id", &x->account));
    case ACTIONS_CONTRACT_SIZE: return one("ContractSizeExceeded", numbers("size", x->value, "limit", x->limit));
    case ACTIONS_METHOD_LENGTH:
        return one("FunctionCallMethodNameLengthExceeded", numbers("length", x->value, "limit", x->limit));
    case ACTIONS_ARGS_LENGTH:
        return one("FunctionCallArgumentsLengthExceeded", numbers("length", x->value, "limit", x->limit));
    case ACTIONS_STAKING_KEY: {
        json_t *o = json_object();
        set_key(o, &x->key);
        return one("UnsuitableStakingKey", o);
    }
    case ACTIONS_ZERO_GAS: return json_string("FunctionCallZeroAttachedGas");
    case ACTIONS_DELEGATE_ONLY_ONE: return json_string("DelegateActionMustBeOnlyOne");
    }
    return json_null();
}

static json_t *money_error(const char *id_field, const struct tx_error *x, const char *balance_field) {
    json_t *o = account_only(id_field, &x->signer);
    json_set_u128(o, balance_field, x->balance.v);
    json_set_u128(o, "cost", x->cost.v);
    return o;
}

static json_t *key_error_json(const struct tx_error *x) {
    switch (x->kind) {
    case TX_KEY_NOT_FOUND: return one("AccessKeyNotFound", account_key(&x->signer, &x->key));
    case TX_KEY_RECEIVER: {
        json_t *o = account_only("tx_receiver", &x->receiver);
        json_set_text(o, "ak_receiver", x->key_receiver.s);
        return one("ReceiverMismatch", o);
    }
    case TX_KEY_METHOD: {
        json_t *o = json_object();
        json_set_text(o, "method_name", x->text);
        return one("MethodNameMismatch", o);
    }
    case TX_KEY_ALLOWANCE: {
        json_t *o = money_error("account_id", x, "allowance");
        set_key(o, &x->key);
        return one("NotEnoughAllowance", o);
    }
    case TX_KEY_DEPOSIT: return json_string("DepositWithFunctionCall");
    case TX_KEY_FULL_ACCESS:
    case TX_INVALID_CHAIN:
    case TX_EXPIRED:
    case TX_ACTIONS:
    case TX_SIZE:
    case TX_INVALID_SIGNER:
    case TX_INVALID_RECEIVER:
    case TX_INVALID_SIGNATURE:
    case TX_COST_OVERFLOW:
    case TX_NO_SIGNER:
    case TX_NONCE:
    case TX_NONCE_TOO_LARGE:
    case TX_BALANCE:
    case TX_STORAGE: break;
    }
    return json_string("RequiresFullAccess");
}

static json_t *size_and_account_json(const struct tx_error *x) {
    json_t *o = account_only("signer_id", &x->signer);
    json_set_u128(o, "amount", x->cost.v);
    return one("LackBalanceForState", o);
}

json_t *tx_error_json(const struct tx_error *x) {
    switch (x->kind) {
    case TX_INVALID_CHAIN: return json_string("InvalidChain");
    case TX_EXPIRED: return json_string("Expired");
    case TX_ACTIONS: return one("ActionsValidation", actions_invalid_json(&x->actions));
    case TX_SIZE: return one("TransactionSizeExceeded", numbers("size", x->value, "limit", x->limit));
    case TX_INVALID_SIGNER: return one("InvalidSignerId", account_only("signer_id", &x->signer));
    case TX_INVALID_RECEIVER: return one("InvalidReceiverId", account_only("receiver_id", &x->receiver));
    case TX_INVALID_SIGNATURE: return json_string("InvalidSignature");
    case TX_COST_OVERFLOW: return json_string("CostOverflow");
    case TX_NO_SIGNER: return one("SignerDoesNotExist", account_only("signer_id", &x->signer));
    case TX_NONCE: return one("InvalidNonce", numbers("tx_nonce", x->value, "ak_nonce", x->limit));
    case TX_NONCE_TOO_LARGE: return one("NonceTooLarge", numbers("tx_nonce", x->value, "upper_bound", x->limit));
    case TX_BALANCE: return one("NotEnoughBalance", money_error("signer_id", x, "balance"));
    case TX_STORAGE: return size_and_account_json(x);
    case TX_KEY_NOT_FOUND:
    case TX_KEY_RECEIVER:
    case TX_KEY_METHOD:
    case TX_KEY_FULL_ACCESS:
    case TX_KEY_ALLOWANCE:
    case TX_KEY_DEPOSIT: return one("InvalidAccessKeyError", key_error_json(x));
    }
    return json_null();
}

char *tx_error_text(struct arena *a, const struct tx_error *x) {
    char balance[U128_TEXT_MAX], cost[U128_TEXT_MAX];
    u128_text(x->balance.v, balance);
    u128_text(x->cost.v, cost);
    const char *signer = x->signer.s;
    switch (x->kind) {
    case TX_INVALID_CHAIN: return arena_strdup(a, "Transaction parent block hash doesn't belong to the current chain");
    case TX_EXPIRED: return arena_strdup(a, "Transaction has expired");
    case TX_ACTIONS: {
        json_t *j = actions_invalid_json(&x->actions);
        char *text = arena_printf(a, "Transaction actions validation error: %s", json_text(a, j));
        json_decref(j);
        return text;
    }
    case TX_SIZE:
        return arena_printf(a, "Size of serialized transaction %" PRIu64 " exceeded the limit %" PRIu64, x->value,
                            x->limit);
    case TX_INVALID_SIGNER:
        return arena_printf(a, "Invalid signer account ID \"%s\" according to requirements", signer);
    case TX_INVALID_RECEIVER:
        return arena_printf(a, "Invalid receiver account ID \"%s\" according to requirements", x->receiver.s);
    case TX_INVALID_SIGNATURE: return arena_strdup(a, "Transaction is not signed with the given public key");
    case TX_COST_OVERFLOW: return arena_strdup(a, "Transaction gas or balance cost is too high");
    case TX_NO_SIGNER: return arena_printf(a, "Signer \"%s\" does not exist", signer);
    case TX_NONCE:
        return arena_printf(a,
                            "Transaction nonce %" PRIu64 " must be larger than nonce of the used access key %" PRIu64,
                            x->value, x->limit);
    case TX_NONCE_TOO_LARGE:
        return arena_printf(
            a, "Transaction nonce %" PRIu64 " must be smaller than the access key nonce upper bound %" PRIu64, x->value,
            x->limit);
    case TX_BALANCE:
        return arena_printf(a, "Sender \"%s\" does not have enough balance %s for operation costing %s", signer,
                            balance, cost);
    case TX_STORAGE:
        return arena_printf(
            a, "The account %s wouldn't have enough balance to cover storage, required to have %s yoctoNEAR more",
            signer, cost);
    case TX_KEY_NOT_FOUND:
        return arena_printf(a, "Signer \"%s\" doesn't have access key with the given public_key %s", signer,
                            public_key_text(a, &x->key));
    case TX_KEY_RECEIVER:
        return arena_printf(a, "Transaction receiver_id \"%s\" doesn't match the access key receiver_id \"%s\"",
                            x->receiver.s, x->key_receiver.s);
    case TX_KEY_METHOD:
        return arena_printf(a, "Transaction method name \"%s\" isn't allowed by the access key", x->text);
    case TX_KEY_FULL_ACCESS:
        return arena_strdup(a, "Invalid access key type. Full-access keys are required for transactions that have "
                               "multiple or non-function-call actions");
    case TX_KEY_ALLOWANCE:
        return arena_printf(a, "Access Key \"%s\":%s does not have enough balance %s for transaction costing %s",
                            signer, public_key_text(a, &x->key), balance, cost);
    case TX_KEY_DEPOSIT:
        return arena_strdup(a, "Having a deposit with a function call action is not allowed with a function call "
                               "access key.");
    }
    return arena_strdup(a, "");
}

// Kinds whose content is one account id.
static const char *account_error_name(enum action_error_kind kind) {
    switch (kind) {
    case ACTION_ERR_ACCOUNT_EXISTS: return "AccountAlreadyExists";
    case ACTION_ERR_NO_ACCOUNT: return "AccountDoesNotExist";
    case ACTION_ERR_DELETE_STAKING: return "DeleteAccountStaking";
    case ACTION_ERR_UNSTAKE: return "TriesToUnstake";
    case ACTION_ERR_IMPLICIT_ONLY: return "OnlyImplicitAccountCreationAllowed";
    case ACTION_ERR_DELETE_LARGE: return "DeleteAccountWithLargeState";
    case ACTION_ERR_REGISTRAR_ONLY:
    case ACTION_ERR_CREATE_NOT_ALLOWED:
    case ACTION_ERR_NO_PERMISSION:
    case ACTION_ERR_NO_KEY:
    case ACTION_ERR_KEY_EXISTS:
    case ACTION_ERR_STORAGE:
    case ACTION_ERR_STAKE:
    case ACTION_ERR_CALL:
    case ACTION_ERR_NEW_RECEIPT:
    case ACTION_ERR_DELEGATE_SIGNATURE:
    case ACTION_ERR_DELEGATE_SENDER:
    case ACTION_ERR_DELEGATE_EXPIRED:
    case ACTION_ERR_DELEGATE_KEY:
    case ACTION_ERR_DELEGATE_NONCE:
    case ACTION_ERR_DELEGATE_NONCE_LARGE: break;
    }
    return NULL;
}

static json_t *stake_json(const struct action_error *x) {
    json_t *o = account_only("account_id", &x->account);
    json_set_u128(o, "stake", x->amount.v);
    json_set_u128(o, "locked", x->locked.v);
    json_set_u128(o, "balance", x->balance.v);
    return one("TriesToStake", o);
}

static json_t *two_accounts(const char *name, const char *field, const char *other_field,
                            const struct action_error *x) {
    json_t *o = account_only(field, &x->account);
    json_set_text(o, other_field, x->other.s);
    return one(name, o);
}

static json_t *kind_json(const struct action_error *x) {
    switch (x->kind) {
    case ACTION_ERR_ACCOUNT_EXISTS:
    case ACTION_ERR_NO_ACCOUNT:
    case ACTION_ERR_DELETE_STAKING:
    case ACTION_ERR_UNSTAKE:
    case ACTION_ERR_IMPLICIT_ONLY:
    case ACTION_ERR_DELETE_LARGE: return one(account_error_name(x->kind), account_only("account_id", &x->account));
    case ACTION_ERR_REGISTRAR_ONLY: {
        json_t *o = account_only("account_id", &x->account);
        json_set_text(o, "registrar_account_id", x->registrar.s);
        json_set_text(o, "predecessor_id", x->other.s);
        return one("CreateAccountOnlyByRegistrar", o);
    }
    case ACTION_ERR_CREATE_NOT_ALLOWED:
        return two_accounts("CreateAccountNotAllowed", "account_id", "predecessor_id", x);
    case ACTION_ERR_NO_PERMISSION: return two_accounts("ActorNoPermission", "account_id", "actor_id", x);
    case ACTION_ERR_NO_KEY: return one("DeleteKeyDoesNotExist", account_key(&x->account, &x->key));
    case ACTION_ERR_KEY_EXISTS: return one("AddKeyAlreadyExists", account_key(&x->account, &x->key));
    case ACTION_ERR_STORAGE: {
        json_t *o = account_only("account_id", &x->account);
        json_set_u128(o, "amount", x->amount.v);
        return one("LackBalanceForState", o);
    }
    case ACTION_ERR_STAKE: return stake_json(x);
    case ACTION_ERR_CALL: return one("FunctionCallError", call_error_json(&x->call));
    case ACTION_ERR_NEW_RECEIPT:
        return one("NewReceiptValidationError", one("ActionsValidation", actions_invalid_json(&x->actions)));
    case ACTION_ERR_DELEGATE_SIGNATURE: return json_string("DelegateActionInvalidSignature");
    case ACTION_ERR_DELEGATE_SENDER:
        return two_accounts("DelegateActionSenderDoesNotMatchTxReceiver", "sender_id", "receiver_id", x);
    case ACTION_ERR_DELEGATE_EXPIRED: return json_string("DelegateActionExpired");
    case ACTION_ERR_DELEGATE_KEY: return one("DelegateActionAccessKeyError", key_error_json(&x->delegate));
    case ACTION_ERR_DELEGATE_NONCE:
        return one("DelegateActionInvalidNonce", numbers("delegate_nonce", x->value, "ak_nonce", x->limit));
    case ACTION_ERR_DELEGATE_NONCE_LARGE:
        return one("DelegateActionNonceTooLarge", numbers("delegate_nonce", x->value, "upper_bound", x->limit));
    }
    return json_null();
}

json_t *action_error_json(const struct action_error *x) {
    json_t *o = json_object();
    json_object_set_new(o, "index", x->has_index ? json_integer((json_int_t)x->index) : json_null());
    json_object_set_new(o, "kind", kind_json(x));
    return o;
}
