// SPDX-License-Identifier: Apache-2.0
// What a contract asks about the call it is in, and its registers.
#include "nearvm/vm_internal.h"

static bool read_register_(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)r;
    struct slice s;
    return read_input(vm, UINT64_MAX, p[0], &s) && write_memory(vm, p[1], s);
}

static bool register_len(struct vm *vm, const uint64_t *p, uint64_t *r) {
    const struct vm_register *x = register_find(vm, p[0]);
    *r = x ? x->len : UINT64_MAX;
    return true;
}

static bool write_register_(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)r;
    struct slice s;
    return read_memory(vm, p[2], p[1], &s) && write_register(vm, p[0], s);
}

static const struct host_function registers[] = {
    {"read_register", "II", "", false, read_register_, true},
    {"register_len", "I", "I", false, register_len, true},
    {"write_register", "III", "", false, write_register_, true},
};
const struct host_group host_registers = {registers, ARRAY_LEN(registers)};

static bool give_account(struct vm *vm, uint64_t reg, const struct account_id *id) {
    return write_register(vm, reg, slice_str(id->s));
}

static bool current_account_id(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)r;
    return give_account(vm, p[0], vm->call->current);
}
static bool signer_account_id(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)r;
    return give_account(vm, p[0], vm->call->signer);
}
static bool predecessor_account_id(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)r;
    return give_account(vm, p[0], vm->call->predecessor);
}
static bool refund_to_account_id(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)r;
    return give_account(vm, p[0], vm->call->refund_to);
}

static bool signer_account_pk(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)r;
    const struct public_key *k = vm->call->signer_key;
    uint8_t bytes[1 + sizeof k->bytes] = {(uint8_t)k->type};
    memcpy(bytes + 1, k->bytes, public_key_len(k));
    return write_register(vm, p[0], slice_of(bytes, 1 + public_key_len(k)));
}

static bool current_contract_code(struct vm *vm, const uint64_t *p, uint64_t *r) {
    *r = 1; // code of its own, named by its hash
    return write_register(vm, p[0], hash_slice(&vm->call->code_hash));
}

static bool chain_id(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)r;
    return write_register(vm, p[0], slice_str(vm->call->chain_id));
}

static bool input(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)r;
    return write_register_base(vm, p[0], vm->call->args);
}

static bool block_index(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)p;
    *r = vm->call->height;
    return true;
}
static bool block_timestamp(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)p;
    *r = vm->call->timestamp_ns;
    return true;
}
static bool epoch_height(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)p;
    *r = vm->call->epoch_height;
    return true;
}
static bool storage_usage(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)p;
    *r = vm->storage_usage;
    return true;
}

static bool account_balance(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)r;
    return write_u128(vm, p[0], vm->balance);
}
static bool account_locked_balance(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)r;
    return write_u128(vm, p[0], vm->call->locked);
}
static bool attached_deposit(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)r;
    return write_u128(vm, p[0], vm->call->deposit);
}

static bool prepaid_gas(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)p;
    *r = vm->call->gas;
    return true;
}
static bool used_gas(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)p;
    *r = gas_used(vm);
    return true;
}

static bool random_seed(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)r;
    return write_register(vm, p[0], hash_slice(&vm->call->random_seed));
}

static bool validator_stake(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)r;
    struct account_id id;
    u128 stake = 0;
    if (!read_account(vm, p[0], p[1], &id) || !pay(vm, EXT_VALIDATOR_STAKE_BASE))
        return false;
    if (!vm->call->stake_of(vm->call->stake_ctx, &id, &stake))
        stake = 0;
    return write_u128(vm, p[2], stake);
}

static bool validator_total_stake(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)r;
    u128 stake = 0;
    if (!pay(vm, EXT_VALIDATOR_TOTAL_STAKE_BASE))
        return false;
    if (!vm->call->stake_of(vm->call->stake_ctx, NULL, &stake))
        stake = 0;
    return write_u128(vm, p[0], stake);
}

static const struct host_function context[] = {
    {"current_account_id", "I", "", false, current_account_id, true},
    {"current_contract_code", "I", "I", false, current_contract_code, true},
    {"chain_id", "I", "", false, chain_id, true},
    {"signer_account_id", "I", "", true, signer_account_id, true},
    {"signer_account_pk", "I", "", true, signer_account_pk, true},
    {"predecessor_account_id", "I", "", true, predecessor_account_id, true},
    {"refund_to_account_id", "I", "", true, refund_to_account_id, true},
    {"input", "I", "", false, input, true},
    {"block_index", "", "I", false, block_index, true},
    {"block_timestamp", "", "I", false, block_timestamp, true},
    {"epoch_height", "", "I", false, epoch_height, true},
    {"storage_usage", "", "I", false, storage_usage, true},
    {"account_balance", "I", "", false, account_balance, true},
    {"account_locked_balance", "I", "", false, account_locked_balance, true},
    {"attached_deposit", "I", "", false, attached_deposit, true},
    {"prepaid_gas", "", "I", true, prepaid_gas, true},
    {"used_gas", "", "I", true, used_gas, true},
    {"random_seed", "I", "", false, random_seed, true},
    {"validator_stake", "III", "", false, validator_stake, true},
    {"validator_total_stake", "I", "", false, validator_total_stake, true},
};
const struct host_group host_context = {context, ARRAY_LEN(context)};
