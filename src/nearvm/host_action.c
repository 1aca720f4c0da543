// SPDX-License-Identifier: Apache-2.0
// The actions that a contract adds to a promise, function calls excepted (host_promise.c). Fees first, then the key is
// looked at.
#include "base/text.h"
#include "nearvm/vm_internal.h"

struct action *action_add(struct vm *vm, struct vm_receipt *r, enum action_kind kind) {
    VM_GROW(vm, r->actions, r->action_count, r->action_room);
    struct action *a = &r->actions[r->action_count++];
    *a = (struct action){.kind = kind};
    return a;
}

static bool create_account(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)r;
    struct vm_receipt *receipt;
    bool sir;
    if (!receipt_of_promise(vm, p[0], &receipt, &sir) || !pay_action(vm, COST_CREATE_ACCOUNT, 1, sir))
        return false;
    action_add(vm, receipt, ACTION_CREATE_ACCOUNT);
    return true;
}

static bool deploy_contract(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)r;
    struct slice code;
    struct vm_receipt *receipt;
    bool sir;
    if (!read_input(vm, p[1], p[2], &code))
        return false;
    if (code.len > CONTRACT_MAX)
        return vm_fail_limit(vm, "size of a contract code in DeployContract action", code.len, CONTRACT_MAX,
                             "ContractSizeExceeded", "size");
    if (!receipt_of_promise(vm, p[0], &receipt, &sir) || !pay_action(vm, COST_DEPLOY_CONTRACT_BASE, 1, sir) ||
        !pay_action(vm, COST_DEPLOY_CONTRACT_BYTE, code.len, sir))
        return false;
    action_add(vm, receipt, ACTION_DEPLOY_CONTRACT)->code = arena_copy(vm->call->arena, code);
    return true;
}

static bool transfer(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)r;
    u128 amount;
    struct vm_receipt *receipt;
    bool sir;
    if (!read_u128(vm, p[1], &amount) || !receipt_of_promise(vm, p[0], &receipt, &sir))
        return false;
    struct action x = {.kind = ACTION_TRANSFER, .deposit = {amount}};
    uint64_t send = action_send_fee(&x, sir, &receipt->receiver), exec = action_exec_fee(&x, &receipt->receiver);
    if (!gas_deduct(vm, send, send + exec))
        return false;
    vm->out->action_gas[COST_TRANSFER] += send;
    if (amount > vm->balance)
        return vm_fail(vm, "Exceeded the account balance.", "BalanceExceeded");
    vm->balance -= amount;
    *action_add(vm, receipt, ACTION_TRANSFER) = x;
    return true;
}

static bool stake(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)r;
    u128 amount;
    struct slice bytes;
    struct public_key key;
    struct vm_receipt *receipt;
    bool sir;
    if (!read_u128(vm, p[1], &amount) || !read_public_key(vm, p[2], p[3], &bytes) ||
        !receipt_of_promise(vm, p[0], &receipt, &sir) || !pay_action(vm, COST_STAKE, 1, sir) ||
        !parse_public_key(vm, bytes, &key))
        return false;
    struct action *x = action_add(vm, receipt, ACTION_STAKE);
    x->deposit.v = amount;
    x->key = key;
    return true;
}

static bool add_full_key(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)r;
    struct slice bytes;
    struct public_key key;
    struct vm_receipt *receipt;
    bool sir;
    if (!read_public_key(vm, p[1], p[2], &bytes) || !receipt_of_promise(vm, p[0], &receipt, &sir) ||
        !pay_action(vm, COST_ADD_FULL_ACCESS_KEY, 1, sir) || !parse_public_key(vm, bytes, &key))
        return false;
    struct action *x = action_add(vm, receipt, ACTION_ADD_KEY);
    x->key = key;
    x->access = (struct access_key){.nonce = p[3], .full_access = true};
    return true;
}

// Comma-separated names. An empty text means any method.
static bool split_methods(struct vm *vm, struct slice text, struct access_key *k, uint64_t *bytes) {
    struct arena *a = vm->call->arena;
    *bytes = 0;
    if (!text.len)
        return true;
    size_t count = 1;
    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] == ',';
    const char **names = arena_calloc(a, count, sizeof *names);
    k->methods = names;
    while (k->method_count < count) {
        const uint8_t *comma = memchr(text.ptr, ',', text.len);
        struct slice name = slice_of(text.ptr, comma ? (size_t)(comma - text.ptr) : text.len);
        if (!name.len)
            return vm_fail(vm, "Tried to call an empty method name.", "EmptyMethodName");
        if (!text_is_utf8(name) || memchr(name.ptr, 0, name.len))
            return vm_fail(vm, "VM Logic returned an invalid method name", "InvalidMethodName");
        names[k->method_count++] = arena_text(a, name);
        *bytes += name.len + 1;
        text = slice_of(name.ptr + name.len + 1, comma ? text.len - name.len - 1 : 0);
        if (comma && !text.len && k->method_count < count)
            return vm_fail(vm, "Tried to call an empty method name.", "EmptyMethodName");
    }
    return true;
}

// idx, pk, nonce, allowance_ptr, receiver, names
static bool add_call_key(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)r;
    struct slice bytes, names;
    struct public_key key;
    struct access_key access = {.nonce = p[3]};
    struct vm_receipt *receipt;
    uint64_t name_bytes;
    bool sir;
    if (!read_public_key(vm, p[1], p[2], &bytes) || !read_u128(vm, p[4], &access.allowance.v) ||
        !read_account(vm, p[5], p[6], &access.receiver) || !read_input(vm, p[7], p[8], &names) ||
        !split_methods(vm, names, &access, &name_bytes) || !receipt_of_promise(vm, p[0], &receipt, &sir) ||
        !pay_action(vm, COST_ADD_FUNCTION_CALL_KEY_BASE, 1, sir) ||
        !pay_action(vm, COST_ADD_FUNCTION_CALL_KEY_BYTE, name_bytes, sir) || !parse_public_key(vm, bytes, &key))
        return false;
    access.has_allowance = access.allowance.v != 0;
    struct action *x = action_add(vm, receipt, ACTION_ADD_KEY);
    x->key = key;
    x->access = access;
    return true;
}

static bool delete_key(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)r;
    struct slice bytes;
    struct public_key key;
    struct vm_receipt *receipt;
    bool sir;
    if (!read_public_key(vm, p[1], p[2], &bytes) || !receipt_of_promise(vm, p[0], &receipt, &sir) ||
        !pay_action(vm, COST_DELETE_KEY, 1, sir) || !parse_public_key(vm, bytes, &key))
        return false;
    action_add(vm, receipt, ACTION_DELETE_KEY)->key = key;
    return true;
}

static bool delete_account(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)r;
    struct account_id id;
    struct vm_receipt *receipt;
    bool sir;
    if (!read_account(vm, p[1], p[2], &id) || !receipt_of_promise(vm, p[0], &receipt, &sir) ||
        !pay_action(vm, COST_DELETE_ACCOUNT, 1, sir))
        return false;
    action_add(vm, receipt, ACTION_DELETE_ACCOUNT)->account = id;
    return true;
}

static const struct host_function actions[] = {
    {"promise_batch_action_create_account", "I", "", true, create_account, true},
    {"promise_batch_action_deploy_contract", "III", "", true, deploy_contract, true},
    {"promise_batch_action_transfer", "II", "", true, transfer, true},
    {"promise_batch_action_stake", "IIII", "", true, stake, true},
    {"promise_batch_action_add_key_with_full_access", "IIII", "", true, add_full_key, true},
    {"promise_batch_action_add_key_with_function_call", "IIIIIIIII", "", true, add_call_key, true},
    {"promise_batch_action_delete_key", "III", "", true, delete_key, true},
    {"promise_batch_action_delete_account", "III", "", true, delete_account, true},
};
const struct host_group host_actions = {actions, ARRAY_LEN(actions)};
