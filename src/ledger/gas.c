// SPDX-License-Identifier: Apache-2.0
#include "ledger/gas.h"

const struct fee fees[COST_COUNT] = {
#define X(name, sir, not_sir, exec) [COST_##name] = {sir, not_sir, exec},
    ACTION_COSTS(X)
#undef X
};
const uint64_t ext_costs[EXT_COUNT] = {
#define X(name, lower, gas) [EXT_##name] = gas,
    EXT_COSTS(X)
#undef X
};

// One fee of an action: so many times.
struct share {
    enum action_cost cost;
    uint64_t times;
};
#define SHARES_MAX 4

static uint64_t key_method_bytes(const struct access_key *k) {
    uint64_t n = 0;
    for (size_t i = 0; i < k->method_count; i++)
        n += strlen(k->methods[i]) + 1;
    return n;
}

// What a transfer costs more where the receiver's id is one of those that a transfer can bring into being.
static size_t implicit_shares(const struct account_id *receiver, struct share *out) {
    bool near = account_id_is_near_implicit(receiver->s);
    size_t n = 0;
    if (near || account_id_is_eth_implicit(receiver->s))
        out[n++] = (struct share){COST_CREATE_ACCOUNT, 1};
    if (near)
        out[n++] = (struct share){COST_ADD_FULL_ACCESS_KEY, 1};
    return n;
}

static size_t action_shares(const struct action *a, const struct account_id *receiver, struct share out[SHARES_MAX]) {
    size_t n = 0;
    switch (a->kind) {
    case ACTION_CREATE_ACCOUNT: out[n++] = (struct share){COST_CREATE_ACCOUNT, 1}; break;
    case ACTION_DEPLOY_CONTRACT:
        out[n++] = (struct share){COST_DEPLOY_CONTRACT_BASE, 1};
        out[n++] = (struct share){COST_DEPLOY_CONTRACT_BYTE, a->code.len};
        break;
    case ACTION_FUNCTION_CALL:
        out[n++] = (struct share){COST_FUNCTION_CALL_BASE, 1};
        out[n++] = (struct share){COST_FUNCTION_CALL_BYTE, strlen(a->method) + a->args.len};
        break;
    case ACTION_TRANSFER:
        out[n++] = (struct share){COST_TRANSFER, 1};
        n += implicit_shares(receiver, out + n);
        break;
    case ACTION_STAKE: out[n++] = (struct share){COST_STAKE, 1}; break;
    case ACTION_ADD_KEY:
        if (a->access.full_access) {
            out[n++] = (struct share){COST_ADD_FULL_ACCESS_KEY, 1};
            break;
        }
        out[n++] = (struct share){COST_ADD_FUNCTION_CALL_KEY_BASE, 1};
        out[n++] = (struct share){COST_ADD_FUNCTION_CALL_KEY_BYTE, key_method_bytes(&a->access)};
        break;
    case ACTION_DELETE_KEY: out[n++] = (struct share){COST_DELETE_KEY, 1}; break;
    case ACTION_DELETE_ACCOUNT: out[n++] = (struct share){COST_DELETE_ACCOUNT, 1}; break;
    case ACTION_DELEGATE: out[n++] = (struct share){COST_DELEGATE, 1}; break;
    }
    return n;
}

// No list element is larger than a receipt: these products fit.
uint64_t action_exec_fee(const struct action *a, const struct account_id *receiver) {
    struct share shares[SHARES_MAX];
    uint64_t gas = 0;
    for (size_t i = 0, n = action_shares(a, receiver, shares); i < n; i++)
        gas += fees[shares[i].cost].exec * shares[i].times;
    return gas;
}

uint64_t action_send_fee(const struct action *a, bool sir, const struct account_id *receiver) {
    struct share shares[SHARES_MAX];
    uint64_t gas = 0;
    for (size_t i = 0, n = action_shares(a, receiver, shares); i < n; i++)
        gas += fee_send(shares[i].cost, sir) * shares[i].times;
    return gas;
}

void action_profile(uint64_t profile[static COST_COUNT], const struct action *a, const struct account_id *receiver) {
    struct share shares[SHARES_MAX];
    for (size_t i = 0, n = action_shares(a, receiver, shares); i < n; i++)
        profile[shares[i].cost] += fees[shares[i].cost].exec * shares[i].times;
}

static const struct delegate_action *delegated(const struct action *a) {
    return a->kind == ACTION_DELEGATE ? a->delegate : NULL;
}

bool gas_send_fees(const struct action *list, size_t n, bool sir, const struct account_id *receiver, uint64_t *out) {
    *out = 0;
    for (size_t i = 0; i < n; i++) {
        const struct delegate_action *d = delegated(&list[i]);
        uint64_t inner = 0;
        if (d && !gas_send_fees(d->actions, d->action_count, sir, &d->receiver, &inner))
            return false;
        if (ckd_add(out, *out, action_send_fee(&list[i], sir, receiver)) || ckd_add(out, *out, inner))
            return false;
    }
    return true;
}

bool gas_exec_fees(const struct action *list, size_t n, const struct account_id *receiver, uint64_t *out) {
    *out = 0;
    for (size_t i = 0; i < n; i++) {
        const struct delegate_action *d = delegated(&list[i]);
        uint64_t inner = 0;
        if (d && (!gas_exec_fees(d->actions, d->action_count, &d->receiver, &inner) ||
                  ckd_add(&inner, inner, fees[COST_NEW_ACTION_RECEIPT].exec)))
            return false;
        if (ckd_add(out, *out, action_exec_fee(&list[i], receiver)) || ckd_add(out, *out, inner))
            return false;
    }
    return true;
}

bool gas_prepaid(const struct action *list, size_t n, uint64_t *out) {
    *out = 0;
    for (size_t i = 0; i < n; i++) {
        const struct delegate_action *d = delegated(&list[i]);
        uint64_t inner = list[i].kind == ACTION_FUNCTION_CALL ? list[i].gas.v : 0;
        if (d && !gas_prepaid(d->actions, d->action_count, &inner))
            return false;
        if (ckd_add(out, *out, inner))
            return false;
    }
    return true;
}

bool gas_delegated_send(const struct action *list, size_t n, uint64_t *out) {
    *out = 0;
    for (size_t i = 0; i < n; i++) {
        const struct delegate_action *d = delegated(&list[i]);
        if (!d)
            continue;
        bool sir = strcmp(d->sender.s, d->receiver.s) == 0;
        uint64_t inner;
        if (!gas_send_fees(d->actions, d->action_count, sir, &d->receiver, &inner) || ckd_add(out, *out, inner) ||
            ckd_add(out, *out, fee_send(COST_NEW_ACTION_RECEIPT, sir)))
            return false;
    }
    return true;
}

bool actions_deposit(const struct action *list, size_t n, u128 *out) {
    *out = 0;
    for (size_t i = 0; i < n; i++) {
        const struct delegate_action *d = delegated(&list[i]);
        u128 one = 0;
        if (list[i].kind == ACTION_TRANSFER || list[i].kind == ACTION_FUNCTION_CALL)
            one = list[i].deposit.v;
        if ((d && !actions_deposit(d->actions, d->action_count, &one)) || ckd_add(out, *out, one))
            return false;
    }
    return true;
}

bool tx_cost(const struct transaction *tx, struct tx_cost *out) {
    const struct action *list = tx->actions;
    size_t n = tx->action_count;
    bool sir = strcmp(tx->signer.s, tx->receiver.s) == 0;
    uint64_t send, prepaid, delegated_send, exec;
    u128 deposit, reserved;
    *out = (struct tx_cost){.gas_price = GAS_PRICE > GAS_PURCHASE_PRICE ? GAS_PRICE : GAS_PURCHASE_PRICE};
    if (!gas_send_fees(list, n, sir, &tx->receiver, &send) || !gas_prepaid(list, n, &prepaid) ||
        !gas_delegated_send(list, n, &delegated_send) || !gas_exec_fees(list, n, &tx->receiver, &exec) ||
        !actions_deposit(list, n, &deposit))
        return false;
    uint64_t *reserve = &out->gas_reserved;
    if (ckd_add(&out->gas_burnt, send, fee_send(COST_NEW_ACTION_RECEIPT, sir)) ||
        ckd_add(reserve, prepaid, delegated_send) || ckd_add(reserve, *reserve, exec) ||
        ckd_add(reserve, *reserve, fees[COST_NEW_ACTION_RECEIPT].exec))
        return false;
    out->burnt = (u128)GAS_PRICE * out->gas_burnt; // 64 bits times 64 bits fits
    reserved = out->gas_price * out->gas_reserved;
    return !ckd_add(&out->total, out->burnt, reserved) && !ckd_add(&out->total, out->total, deposit);
}
