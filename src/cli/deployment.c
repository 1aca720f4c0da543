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

#define CONTRACT(name)                                                                                                 \
    extern const uint8_t cli_##name##_wasm[], cli_##name##_wasm_end[];                                                 \
    struct slice contract_##name##_wasm(void) {                                                                        \
        return slice_of(cli_##name##_wasm, (size_t)(cli_##name##_wasm_end - cli_##name##_wasm));                       \
    }
CONTRACT(outlayer)
CONTRACT(register)
CONTRACT(asker)

// --- what is still to be done

// What an account has of a contract. *config is what its view get_config says, NULL where it is not set up yet; the
// caller releases it.
static bool look_at_contract(struct rpc *rpc, struct arena *a, const char *account, struct slice code, bool *deploy,
                             bool *init, json_t **config, struct err *e) {
    struct rpc_account there;
    struct hash want = sha256(code);
    *config = NULL;
    if (!rpc_account(rpc, a, account, &there, e))
        return false;
    *deploy = !hash_eq(&there.code_hash, &want);
    *init = hash_is_zero(&there.code_hash);
    if (*init)
        return true;
    *config = rpc_view_json(rpc, a, account, VIEW_CONFIG, NULL, e);
    *init = !*config && (strstr(e->msg, "initialized") || e->code == ERR_NOT_FOUND);
    return *config || *init;
}

static bool look_at_main(const struct deployment *d, struct rpc *rpc, struct arena *a, struct deployment_plan *out,
                         struct err *e) {
    SCOPED_JSON(config) = NULL;
    if (!look_at_contract(rpc, a, d->contract->account.s, d->code, &out->code, &out->init, &config, e))
        return false;
    const char *operator_id = json_string_value(json_array_get(config, 1));
    out->operator_differs = operator_id && strcmp(operator_id, d->operator_id.s) != 0;
    return true;
}

static bool look_at_register(const struct deployment *d, struct rpc *rpc, struct arena *a, struct deployment_plan *out,
                             struct err *e) {
    SCOPED_JSON(config) = NULL;
    if (!d->registering)
        return true;
    out->register_bytes = d->registering->code.len;
    if (!look_at_contract(rpc, a, d->operator_id.s, d->registering->code, &out->register_code, &out->register_init,
                          &config, e))
        return false;
    const char *of = json_string_value(json_object_get(config, "outlayer_contract_id"));
    if (!of || strcmp(of, d->contract->account.s) == 0)
        return true;
    err_set(e, ERR_CONFLICT, "the register contract at '%s' makes keys for '%s', not for '%s'", d->operator_id.s, of,
            d->contract->account.s);
    return err_hint(e, "its owner calls set_outlayer_contract, or give another --operator");
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
    *out = (struct deployment_plan){.code_bytes = d->code.len};
    if (!look_at_main(d, rpc, a, out, e) || !look_at_register(d, rpc, a, out, e) || !look_at_key(d, rpc, a, out, e))
        return false;
    const size_t bytes = (out->code ? out->code_bytes : 0) + (out->register_code ? out->register_bytes : 0);
    const unsigned steps = out->code + out->init + out->register_code + out->register_init + out->key;
    out->gas.v = ((u128)bytes * DEPLOY_GAS_PER_BYTE + (u128)steps * STEP_GAS) * GAS_PRICE;
    out->storage.v = (u128)bytes * STORAGE_PRICE_PER_BYTE;
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

// --- doing it

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

// One transaction of an account to itself. *transaction stays NULL where there was nothing to do.
static bool act(struct rpc *rpc, const struct credentials *account, struct action *actions, size_t n, struct arena *a,
                struct deployment_result *out, const char **transaction, struct err *e) {
    struct sender *s;
    SCOPED_JSON(outcome) = NULL;
    if (!n)
        return true;
    if (!sender_new(&s, rpc, &account->account, &account->secret, e))
        return false;
    bool ok = sender_call(s, a, &account->account, actions, n, "FINAL", NULL, NULL, &outcome, e);
    sender_free(s);
    if (!ok)
        return false;
    add_costs(out, outcome);
    *transaction = hash_of(a, outcome);
    return true;
}

// Code and initialisation in one transaction: both or neither. `args` are those of `new`, NULL: it is done already.
static bool bring(struct rpc *rpc, const struct credentials *account, const struct slice *code, const char *args,
                  struct arena *a, struct deployment_result *out, const char **transaction, struct err *e) {
    struct action actions[2];
    size_t n = 0;
    if (code)
        actions[n++] = (struct action){.kind = ACTION_DEPLOY_CONTRACT, .code = *code};
    if (args)
        actions[n++] =
            (struct action){.kind = ACTION_FUNCTION_CALL, .method = "new", .args = slice_str(args), .gas = {INIT_GAS}};
    return act(rpc, account, actions, n, a, out, transaction, e) ||
           err_wrap(e, "deploying to '%s'", account->account.s);
}

static bool deploy_main(const struct deployment *d, const struct deployment_plan *plan, struct rpc *rpc,
                        struct arena *a, struct deployment_result *out, struct err *e) {
    const char *args = arena_printf(a, "{\"owner_id\":\"%s\",\"operator_id\":\"%s\"}", d->owner.s, d->operator_id.s);
    return bring(rpc, d->contract, plan->code ? &d->code : NULL, plan->init ? args : NULL, a, out,
                 &out->deploy_transaction, e);
}

static bool deploy_register(const struct deployment *d, const struct deployment_plan *plan, struct rpc *rpc,
                            struct arena *a, struct deployment_result *out, struct err *e) {
    const struct register_terms *t = d->registering;
    if (!t)
        return true;
    SCOPED_JSON(args) = json_object();
    json_set_text(args, "owner_id", d->owner.s);
    json_set_text(args, "outlayer_contract_id", d->contract->account.s);
    json_set_u64(args, "min_tcb_eval", t->min_tcb_eval);
    json_set_u64(args, "min_qe_eval", t->min_qe_eval);
    if (t->registrar)
        json_set_text(args, "init_worker_account", t->registrar);
    if (t->root_key)
        json_set_text(args, "root_public_key", t->root_key);
    return bring(rpc, d->operator_key, plan->register_code ? &t->code : NULL,
                 plan->register_init ? json_text(a, args) : NULL, a, out, &out->register_transaction, e);
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
    return act(rpc, d->operator_key, &action, 1, a, out, &out->key_transaction, e) ||
           err_wrap(e, "adding the worker's key to '%s'", d->operator_id.s);
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
    bool ok = deploy_main(d, plan, rpc, a, out, e) && deploy_register(d, plan, rpc, a, out, e) &&
              (!plan->key || add_worker_key(d, rpc, a, out, e));
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
