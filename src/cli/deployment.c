// SPDX-License-Identifier: Apache-2.0
#include "cli/deployment.h"

#include "base/text.h"
#include "near/send.h"
#include "protocol/contract.h"

#define STORAGE_PRICE_PER_BYTE ((u128)10000000000000000000ull) // 1e19 yocto, docs/near.md
#define GAS_PRICE ((u128)1000000000)                           // what a transaction reserves at, yocto per gas
#define INIT_GAS (30 * TGAS)
#define DEPLOY_GAS_PER_BYTE 112256659ull // send and execution of deploy_contract, per byte
#define STEP_GAS (2 * TGAS)              // everything else of a step, generously

// What a worker's key may call, and nothing else.
static const char *const worker_methods[] = {
#define M(name) name,
    WORKER_METHODS(M)
#undef M
};

extern const uint8_t cli_outlayer_wasm[], cli_outlayer_wasm_end[], cli_asker_wasm[], cli_asker_wasm_end[];
struct slice contract_outlayer_wasm(void) {
    return slice_of(cli_outlayer_wasm, (size_t)(cli_outlayer_wasm_end - cli_outlayer_wasm));
}
struct slice contract_asker_wasm(void) {
    return slice_of(cli_asker_wasm, (size_t)(cli_asker_wasm_end - cli_asker_wasm));
}

// Is the contract initialised, and with which operator?
static bool look_at_config(const struct deployment *d, struct rpc *rpc, struct arena *a, struct deployment_plan *out,
                           struct err *e) {
    SCOPED_JSON(config) = rpc_view_json(rpc, a, d->contract->account.s, VIEW_CONFIG, NULL, e);
    if (!config) {
        out->init = strstr(e->msg, "not initialized") || e->code == ERR_NOT_FOUND;
        return out->init;
    }
    const char *operator_id = json_string_value(json_array_get(config, 1));
    out->operator_differs = operator_id && strcmp(operator_id, d->operator_id.s) != 0;
    return true;
}

static bool look_at_key(const struct deployment *d, struct rpc *rpc, struct arena *a, struct deployment_plan *out,
                        struct err *e) {
    struct rpc_access_key key;
    if (!d->operator_key || rpc_access_key(rpc, a, d->operator_id.s, &d->worker_key, &key, e))
        return true;
    out->key = e->code == ERR_NOT_FOUND;
    return out->key;
}

static bool look(const struct deployment *d, struct rpc *rpc, struct arena *a, struct deployment_plan *out,
                 struct err *e) {
    struct rpc_account account;
    struct hash code = sha256(d->code);
    *out = (struct deployment_plan){.code_bytes = d->code.len};
    if (!rpc_account(rpc, a, d->contract->account.s, &account, e))
        return false;
    bool empty = hash_is_zero(&account.code_hash);
    out->code = !hash_eq(&account.code_hash, &code);
    out->init = empty;
    if (!empty && !look_at_config(d, rpc, a, out, e))
        return false;
    if (!look_at_key(d, rpc, a, out, e))
        return false;
    u128 gas = (out->code ? (u128)d->code.len * DEPLOY_GAS_PER_BYTE + STEP_GAS : 0) + (out->init ? STEP_GAS : 0) +
               (out->key ? STEP_GAS : 0);
    out->gas.v = gas * GAS_PRICE;
    out->storage.v = out->code ? (u128)d->code.len * STORAGE_PRICE_PER_BYTE : 0;
    return true;
}

bool deployment_look(const struct deployment *d, struct arena *a, struct deployment_plan *out, struct err *e) {
    struct rpc *rpc;
    if (!rpc_new(&rpc, d->rpc_url, e))
        return false;
    bool ok = look(d, rpc, a, out, e);
    rpc_free(rpc);
    return ok;
}

static void add_costs(struct deployment_result *out, const json_t *outcome) {
    size_t i;
    json_t *one;
    u128 tokens = 0;
    uint64_t gas = 0;
    const json_t *first = json_object_get(json_object_get(outcome, "transaction_outcome"), "outcome");
    if (json_get_u64(first, "gas_burnt", &gas, NULL) && json_get_u128(first, "tokens_burnt", &tokens, NULL)) {
        out->gas_burnt += gas;
        out->tokens_burnt.v += tokens;
    }
    json_array_foreach(json_object_get(outcome, "receipts_outcome"), i, one) {
        const json_t *o = json_object_get(one, "outcome");
        if (json_get_u64(o, "gas_burnt", &gas, NULL) && json_get_u128(o, "tokens_burnt", &tokens, NULL)) {
            out->gas_burnt += gas;
            out->tokens_burnt.v += tokens;
        }
    }
}

static const char *hash_of(struct arena *a, const json_t *outcome) {
    const char *hash = json_string_value(json_object_get(json_object_get(outcome, "transaction"), "hash"));
    return arena_strdup(a, hash ? hash : "");
}

// Code and initialisation in one transaction of the contract's account to itself: both or neither.
static bool deploy_code(const struct deployment *d, const struct deployment_plan *plan, struct rpc *rpc,
                        struct arena *a, struct deployment_result *out, struct err *e) {
    struct action actions[2];
    size_t n = 0;
    const char *args = arena_printf(a, "{\"owner_id\":\"%s\",\"operator_id\":\"%s\"}", d->owner.s, d->operator_id.s);
    if (plan->code)
        actions[n++] = (struct action){.kind = ACTION_DEPLOY_CONTRACT, .code = d->code};
    if (plan->init)
        actions[n++] =
            (struct action){.kind = ACTION_FUNCTION_CALL, .method = "new", .args = slice_str(args), .gas = {INIT_GAS}};
    if (!n)
        return true;
    struct sender *s;
    if (!sender_new(&s, rpc, &d->contract->account, &d->contract->secret, e))
        return false;
    SCOPED_JSON(outcome) = NULL;
    bool ok = sender_call(s, a, &d->contract->account, actions, n, "FINAL", NULL, NULL, &outcome, e);
    sender_free(s);
    if (!ok)
        return err_wrap(e, "deploying to '%s'", d->contract->account.s);
    add_costs(out, outcome);
    out->deploy_transaction = hash_of(a, outcome);
    return true;
}

static bool add_worker_key(const struct deployment *d, struct rpc *rpc, struct arena *a, struct deployment_result *out,
                           struct err *e) {
    struct action action = {.kind = ACTION_ADD_KEY,
                            .key = d->worker_key,
                            .access = {.has_allowance = true,
                                       .allowance = d->allowance,
                                       .receiver = d->contract->account,
                                       .methods = worker_methods,
                                       .method_count = ARRAY_LEN(worker_methods)}};
    struct sender *s;
    if (!sender_new(&s, rpc, &d->operator_id, &d->operator_key->secret, e))
        return false;
    SCOPED_JSON(outcome) = NULL;
    bool ok = sender_call(s, a, &d->operator_id, &action, 1, "FINAL", NULL, NULL, &outcome, e);
    sender_free(s);
    if (!ok)
        return err_wrap(e, "adding the worker's key to '%s'", d->operator_id.s);
    add_costs(out, outcome);
    out->key_transaction = hash_of(a, outcome);
    return true;
}

bool deployment_do(const struct deployment *d, const struct deployment_plan *plan, struct arena *a,
                   struct deployment_result *out, struct err *e) {
    *out = (struct deployment_result){0};
    if (plan->operator_differs) {
        err_set(e, ERR_CONFLICT, "the contract at '%s' has another operator than '%s'", d->contract->account.s,
                d->operator_id.s);
        return err_hint(e, "give the operator that it has, or deploy to another account");
    }
    struct rpc *rpc;
    if (!rpc_new(&rpc, d->rpc_url, e))
        return false;
    bool ok = deploy_code(d, plan, rpc, a, out, e) && (!plan->key || add_worker_key(d, rpc, a, out, e));
    rpc_free(rpc);
    return ok;
}

static bool publish(struct rpc *rpc, const struct credentials *owner, const char *key, struct arena *a, struct err *e) {
    SCOPED_JSON(now) = rpc_view_json(rpc, a, owner->account.s, VIEW_KEYSTORE_KEY, NULL, e);
    if (!now)
        return false;
    if (json_is_string(now) && strcmp(json_string_value(now), key) == 0)
        return true;
    const char *args = arena_printf(a, "{\"public_key\":\"%s\"}", key);
    struct action action = {
        .kind = ACTION_FUNCTION_CALL, .method = "set_keystore_key", .args = slice_str(args), .gas = {INIT_GAS}};
    struct sender *s;
    if (!sender_new(&s, rpc, &owner->account, &owner->secret, e))
        return false;
    SCOPED_JSON(outcome) = NULL;
    bool ok = sender_call(s, a, &owner->account, &action, 1, "FINAL", NULL, NULL, &outcome, e);
    sender_free(s);
    return ok;
}

bool deployment_publish_keystore(const char *rpc_url, const struct credentials *owner, const char *key, struct arena *a,
                                 struct err *e) {
    struct rpc *rpc;
    if (!rpc_new(&rpc, rpc_url, e))
        return false;
    bool ok = publish(rpc, owner, key, a, e);
    rpc_free(rpc);
    return ok || err_wrap(e, "publishing the keystore's key");
}
