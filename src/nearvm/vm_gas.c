// SPDX-License-Identifier: Apache-2.0
#include "nearvm/vm_internal.h"

uint64_t gas_used(const struct vm *vm) { return vm->gas.burnt + vm->gas.promised; }

// Out of gas: all that may be burnt is burnt. `burnt` and `used` are what they would have become.
static bool exhausted(struct vm *vm, u128 burnt, u128 used) {
    struct gas_counter *g = &vm->gas;
    g->burnt = g->prepaid < GAS_MAX ? g->prepaid : GAS_MAX;
    uint64_t total = used < g->prepaid ? (uint64_t)used : g->prepaid;
    g->promised = total > g->burnt ? total - g->burnt : 0;
    if (burnt > GAS_MAX)
        return vm_fail(vm, "Exceeded the maximum amount of gas allowed to burn per contract.", "GasLimitExceeded");
    return vm_fail(vm, "Exceeded the prepaid gas.", "GasExceeded");
}

bool gas_deduct(struct vm *vm, uint64_t burn, uint64_t use) {
    struct gas_counter *g = &vm->gas;
    u128 burnt = (u128)g->burnt + burn, promised = (u128)g->promised + (use - burn);
    if (burnt > GAS_MAX || burnt + promised > g->prepaid)
        return exhausted(vm, burnt, burnt + promised);
    g->burnt = (uint64_t)burnt;
    g->promised = (uint64_t)promised;
    return true;
}

bool gas_burn(struct vm *vm, uint64_t amount) { return gas_deduct(vm, amount, amount); }
bool gas_reserve(struct vm *vm, uint64_t amount) { return gas_deduct(vm, 0, amount); }

bool pay_times(struct vm *vm, enum ext_cost cost, uint64_t n) {
    uint64_t amount;
    if (ckd_mul(&amount, ext_costs[cost], n))
        return vm_fail_overflow(vm);
    uint64_t before = vm->gas.burnt;
    bool ok = gas_burn(vm, amount);
    vm->out->ext_gas[cost] += vm->gas.burnt - before;
    return ok;
}

bool pay(struct vm *vm, enum ext_cost cost) { return pay_times(vm, cost, 1); }

bool pay_action(struct vm *vm, enum action_cost cost, uint64_t times, bool sir) {
    uint64_t send, exec, both;
    if (ckd_mul(&send, fee_send(cost, sir), times) || ckd_mul(&exec, fees[cost].exec, times) ||
        ckd_add(&both, send, exec))
        return vm_fail_overflow(vm);
    uint64_t before = vm->gas.burnt;
    bool ok = gas_deduct(vm, send, both);
    vm->out->action_gas[cost] += vm->gas.burnt - before;
    return ok;
}
