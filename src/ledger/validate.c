// SPDX-License-Identifier: Apache-2.0
#include "ledger/validate.h"

#include "base/text.h"

static bool invalid(struct actions_invalid *why, enum actions_invalid_kind kind, uint64_t value, uint64_t limit) {
    *why = (struct actions_invalid){.kind = kind, .value = value, .limit = limit};
    return false;
}

static bool account_is_invalid(struct actions_invalid *why, const struct account_id *id) {
    *why = (struct actions_invalid){.kind = ACTIONS_INVALID_ACCOUNT, .account = *id};
    return false;
}

static bool id_valid(const struct account_id *id) { return account_id_valid(slice_str(id->s)); }

static bool call_valid(const struct action *a, struct actions_invalid *why) {
    size_t name = strlen(a->method);
    if (a->gas.v == 0)
        return invalid(why, ACTIONS_ZERO_GAS, 0, 0);
    if (name > METHOD_NAME_MAX)
        return invalid(why, ACTIONS_METHOD_LENGTH, name, METHOD_NAME_MAX);
    return a->args.len <= ARGS_MAX || invalid(why, ACTIONS_ARGS_LENGTH, a->args.len, ARGS_MAX);
}

static bool key_valid(const struct access_key *k, struct actions_invalid *why) {
    uint64_t total = 0;
    if (k->full_access)
        return true;
    if (!id_valid(&k->receiver))
        return account_is_invalid(why, &k->receiver);
    for (size_t i = 0; i < k->method_count; i++) {
        size_t n = strlen(k->methods[i]);
        if (n > METHOD_NAME_MAX)
            return invalid(why, ACTIONS_KEY_METHOD_LENGTH, n, METHOD_NAME_MAX);
        total += n + 1;
    }
    return total <= KEY_METHODS_MAX || invalid(why, ACTIONS_KEY_METHODS_BYTES, total, KEY_METHODS_MAX);
}

static bool action_valid(const struct action *a, struct actions_invalid *why) {
    switch (a->kind) {
    case ACTION_CREATE_ACCOUNT:
    case ACTION_TRANSFER:
    case ACTION_DELETE_KEY: return true;
    case ACTION_DEPLOY_CONTRACT:
        return a->code.len <= CONTRACT_MAX || invalid(why, ACTIONS_CONTRACT_SIZE, a->code.len, CONTRACT_MAX);
    case ACTION_FUNCTION_CALL: return call_valid(a, why);
    case ACTION_STAKE:
        if (a->key.type == KEY_ED25519)
            return true;
        *why = (struct actions_invalid){.kind = ACTIONS_STAKING_KEY, .key = a->key};
        return false;
    case ACTION_ADD_KEY: return key_valid(&a->access, why);
    case ACTION_DELETE_ACCOUNT: return id_valid(&a->account) || account_is_invalid(why, &a->account);
    case ACTION_DELEGATE:
        if (!id_valid(&a->delegate->receiver))
            return account_is_invalid(why, &a->delegate->receiver);
        return actions_validate(a->delegate->actions, a->delegate->action_count, why);
    }
    return true;
}

bool actions_validate(const struct action *list, size_t n, struct actions_invalid *why) {
    if (n > ACTIONS_MAX)
        return invalid(why, ACTIONS_NUMBER, n, ACTIONS_MAX);
    size_t delegates = 0;
    for (size_t i = 0; i < n; i++) {
        if (list[i].kind == ACTION_DELETE_ACCOUNT && i + 1 < n)
            return invalid(why, ACTIONS_DELETE_NOT_LAST, 0, 0);
        if (list[i].kind == ACTION_DELEGATE && ++delegates > 1)
            return invalid(why, ACTIONS_DELEGATE_ONLY_ONE, 0, 0);
        if (!action_valid(&list[i], why))
            return false;
    }
    uint64_t gas;
    if (!gas_prepaid(list, n, &gas))
        return invalid(why, ACTIONS_INTEGER_OVERFLOW, 0, 0);
    return gas <= GAS_MAX || invalid(why, ACTIONS_PREPAID_GAS, gas, GAS_MAX);
}

// --- transactions --------------------------------------------------------------------------------------------------

static bool refuse(struct tx_error *why, const struct transaction *tx, enum tx_error_kind kind) {
    struct actions_invalid actions = why->actions;
    *why = (struct tx_error){
        .kind = kind, .signer = tx->signer, .receiver = tx->receiver, .key = tx->key, .actions = actions};
    return false;
}

static bool refuse_numbers(struct tx_error *why, const struct transaction *tx, enum tx_error_kind kind, uint64_t value,
                           uint64_t limit) {
    refuse(why, tx, kind);
    why->value = value;
    why->limit = limit;
    return false;
}

static bool refuse_money(struct tx_error *why, const struct transaction *tx, enum tx_error_kind kind, u128 balance,
                         u128 cost) {
    refuse(why, tx, kind);
    why->balance.v = balance;
    why->cost.v = cost;
    return false;
}

bool tx_check_form(const struct signed_transaction *s, size_t size, struct tx_error *why) {
    const struct transaction *tx = &s->tx;
    why->actions = (struct actions_invalid){.kind = ACTIONS_NUMBER};
    if (!id_valid(&tx->signer))
        return refuse(why, tx, TX_INVALID_SIGNER);
    if (!id_valid(&tx->receiver))
        return refuse(why, tx, TX_INVALID_RECEIVER);
    if (!actions_validate(tx->actions, tx->action_count, &why->actions))
        return refuse(why, tx, TX_ACTIONS);
    if (size > NEAR_TX_MAX)
        return refuse_numbers(why, tx, TX_SIZE, size, NEAR_TX_MAX);
    if (!signature_verify(&s->signature, &tx->key, hash_slice(&s->hash)))
        return refuse(why, tx, TX_INVALID_SIGNATURE);
    struct tx_cost cost;
    return tx_cost(tx, &cost) || refuse(why, tx, TX_COST_OVERFLOW);
}

static bool check_block(const struct tx_context *c, const struct transaction *tx, struct tx_error *why) {
    struct state_key k;
    struct blob *b = state_get(c->state, key_of_hash(&k, COLUMN_BLOCK_HEIGHT, &tx->block_hash));
    if (!b)
        return refuse(why, tx, TX_EXPIRED); // what nodes say of a block that they do not know
    struct borsh r = {.left = blob_slice(b)};
    uint64_t named = borsh_u64(&r);
    return c->height - named <= c->validity_period || refuse(why, tx, TX_EXPIRED);
}

static bool check_nonce(const struct tx_context *c, const struct transaction *tx, uint64_t last, struct tx_error *why) {
    if (tx->nonce <= last)
        return refuse_numbers(why, tx, TX_NONCE, tx->nonce, last);
    uint64_t bound;
    if (ckd_mul(&bound, c->height, NONCES_PER_BLOCK))
        return true;
    return tx->nonce < bound || refuse_numbers(why, tx, TX_NONCE_TOO_LARGE, tx->nonce, bound);
}

bool key_permits(const struct access_key *k, const struct account_id *receiver, const struct action *list, size_t n,
                 struct tx_error *why) {
    why->key_receiver = k->receiver;
    why->receiver = *receiver;
    why->kind = TX_KEY_FULL_ACCESS;
    if (k->full_access)
        return true;
    if (n != 1 || list[0].kind != ACTION_FUNCTION_CALL)
        return false;
    if (list[0].deposit.v) {
        why->kind = TX_KEY_DEPOSIT;
        return false;
    }
    if (strcmp(receiver->s, k->receiver.s) != 0) {
        why->kind = TX_KEY_RECEIVER;
        return false;
    }
    for (size_t i = 0; i < k->method_count; i++)
        if (strcmp(list[0].method, k->methods[i]) == 0)
            return true;
    snprintf(why->text, sizeof why->text, "%s", list[0].method);
    why->kind = TX_KEY_METHOD;
    return k->method_count == 0;
}

static bool take_cost(const struct transaction *tx, struct tx_charge *out, struct tx_error *why) {
    u128 cost = out->cost.total;
    struct yocto *balance = &out->signer.amount, *allowance = &out->access.allowance;
    if (balance->v < cost)
        return refuse_money(why, tx, TX_BALANCE, balance->v, cost);
    balance->v -= cost;
    if (!out->access.full_access && out->access.has_allowance) {
        if (allowance->v < cost)
            return refuse_money(why, tx, TX_KEY_ALLOWANCE, allowance->v, cost);
        allowance->v -= cost;
    }
    u128 lack = storage_lack(&out->signer);
    return !lack || refuse_money(why, tx, TX_STORAGE, 0, lack);
}

bool tx_check_state(const struct tx_context *c, const struct transaction *tx, struct tx_charge *out,
                    struct tx_error *why) {
    if (!check_block(c, tx, why))
        return false;
    if (!tx_cost(tx, &out->cost))
        return refuse(why, tx, TX_COST_OVERFLOW);
    if (!account_get(c->state, &tx->signer, &out->signer))
        return refuse(why, tx, TX_NO_SIGNER);
    if (!access_get(c->state, c->arena, &tx->signer, &tx->key, &out->access))
        return refuse(why, tx, TX_KEY_NOT_FOUND);
    if (!check_nonce(c, tx, out->access.nonce, why) || !take_cost(tx, out, why))
        return false;
    refuse(why, tx, TX_KEY_FULL_ACCESS);
    if (!key_permits(&out->access, &tx->receiver, tx->actions, tx->action_count, why))
        return false;
    out->access.nonce = tx->nonce;
    return true;
}

void tx_charge_apply(const struct tx_context *c, const struct transaction *tx, const struct tx_charge *charge) {
    account_put(c->state, &tx->signer, &charge->signer);
    access_put(c->state, &tx->signer, &tx->key, &charge->access);
}
