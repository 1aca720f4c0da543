// SPDX-License-Identifier: Apache-2.0
// Promises: receipts to others, what waits for them, and yields that a later call resumes.
#include "base/text.h"
#include "nearvm/vm_internal.h"
#include <inttypes.h>

static bool bad_promise(struct vm *vm, uint64_t i) {
    char *text = arena_printf(vm->call->arena, "%" PRIu64 " does not correspond to existing promises", i);
    return vm_failf(vm, text, "InvalidPromiseIndex { promise_idx: %" PRIu64 " }", i);
}

static const struct vm_promise *promise_at(struct vm *vm, uint64_t i) {
    if (i < vm->promise_count)
        return &vm->promises[i];
    bad_promise(vm, i);
    return NULL;
}

bool promise_add(struct vm *vm, bool joint, const uint32_t *receipts, size_t n, uint64_t *out) {
    VM_GROW(vm, vm->promises, vm->promise_count, vm->promise_room);
    uint32_t *copy = arena_calloc(vm->call->arena, n, sizeof *copy);
    if (n)
        memcpy(copy, receipts, n * sizeof *copy);
    *out = vm->promise_count;
    vm->promises[vm->promise_count++] = (struct vm_promise){joint, copy, n};
    if (vm->promise_count <= PROMISES_MAX)
        return true;
    char *text = arena_printf(vm->call->arena, "The number of promises within a FunctionCall %zu exceeds the limit %u",
                              vm->promise_count, PROMISES_MAX);
    return vm_failf(vm, text, "NumberPromisesExceeded { number_of_promises: %zu, limit: %u }", vm->promise_count,
                    PROMISES_MAX);
}

// --- receipts

static bool is_current(const struct vm *vm, const struct account_id *id) {
    return strcmp(id->s, vm->call->current->s) == 0;
}

// Sending is burnt, executing set aside; for data that it waits for both are burnt.
static bool pay_receipt(struct vm *vm, const struct account_id *receiver, const bool *dep_sir, size_t deps) {
    uint64_t burn = fee_send(COST_NEW_ACTION_RECEIPT, is_current(vm, receiver));
    for (size_t i = 0; i < deps; i++)
        burn += fee_send(COST_NEW_DATA_RECEIPT_BASE, dep_sir[i]) + fees[COST_NEW_DATA_RECEIPT_BASE].exec;
    if (!gas_deduct(vm, burn, burn + fees[COST_NEW_ACTION_RECEIPT].exec))
        return false;
    vm->out->action_gas[COST_NEW_ACTION_RECEIPT] += burn;
    return true;
}

static struct hash new_data_id(struct vm *vm) {
    uint8_t bytes[48];
    memcpy(bytes, vm->call->action_hash.b, 32);
    memcpy(bytes + 32, &vm->call->height, 8);
    memcpy(bytes + 40, &vm->data_ids, 8);
    vm->data_ids++;
    return sha256(slice_of(bytes, sizeof bytes));
}

static struct vm_receipt *receipt_new(struct vm *vm, const struct account_id *receiver, size_t inputs, uint32_t *out) {
    VM_GROW(vm, vm->receipts, vm->receipt_count, vm->receipt_room);
    struct vm_receipt *r = &vm->receipts[vm->receipt_count];
    *r = (struct vm_receipt){.receiver = *receiver, .input_count = inputs};
    r->inputs = arena_calloc(vm->call->arena, inputs, sizeof *r->inputs);
    *out = (uint32_t)vm->receipt_count++;
    return r;
}

bool receipt_add(struct vm *vm, const struct account_id *receiver, const uint32_t *deps, size_t n, uint32_t *out) {
    bool dep_sir[INPUTS_MAX];
    BUG_ON(n > INPUTS_MAX);
    for (size_t i = 0; i < n; i++)
        dep_sir[i] = strcmp(vm->receipts[deps[i]].receiver.s, receiver->s) == 0;
    if (!pay_receipt(vm, receiver, dep_sir, n))
        return false;
    struct vm_receipt *r = receipt_new(vm, receiver, n, out);
    for (size_t i = 0; i < n; i++) {
        struct vm_receipt *dep = &vm->receipts[deps[i]];
        r->inputs[i] = new_data_id(vm);
        VM_GROW(vm, dep->outputs, dep->output_count, dep->output_room);
        dep->outputs[dep->output_count++] = (struct data_output){r->inputs[i], *receiver};
    }
    return true;
}

bool receipt_of_promise(struct vm *vm, uint64_t promise, struct vm_receipt **out, bool *sir) {
    const struct vm_promise *x = promise_at(vm, promise);
    if (!x)
        return false;
    if (x->joint)
        return vm_fail(vm, "Actions can only be appended to non-joint promise.", "CannotAppendActionToJointPromise");
    *out = &vm->receipts[x->receipts[0]];
    *sir = is_current(vm, &(*out)->receiver);
    return true;
}

static bool batch_create(struct vm *vm, const uint64_t *p, uint64_t *r) {
    struct account_id id;
    uint32_t receipt;
    return read_account(vm, p[0], p[1], &id) && receipt_add(vm, &id, NULL, 0, &receipt) &&
           promise_add(vm, false, &receipt, 1, r);
}

static bool batch_then(struct vm *vm, const uint64_t *p, uint64_t *r) {
    struct account_id id;
    uint32_t receipt;
    if (!read_account(vm, p[1], p[2], &id))
        return false;
    const struct vm_promise *x = promise_at(vm, p[0]);
    return x && receipt_add(vm, &id, x->receipts, x->receipt_count, &receipt) && promise_add(vm, false, &receipt, 1, r);
}

bool take_deposit(struct vm *vm, u128 amount) {
    if (amount == 1 && vm->balance == 0) { // one yocto proves a full-access key: the protocol gives it
        vm->out->subsidy++;
        return true;
    }
    if (amount > vm->balance)
        return vm_fail(vm, "Exceeded the account balance.", "BalanceExceeded");
    vm->balance -= amount;
    return true;
}

bool read_call(struct vm *vm, const uint64_t *p, struct slice *method, struct slice *args) {
    if (!read_input(vm, p[0], p[1], method))
        return false;
    if (!method->len)
        return vm_fail(vm, "Tried to call an empty method name.", "EmptyMethodName");
    return read_input(vm, p[2], p[3], args);
}

// The action itself; paid for already.
static bool call_append(struct vm *vm, struct vm_receipt *r, struct slice method, struct slice args, u128 deposit,
                        uint64_t gas, uint64_t weight) {
    struct arena *a = vm->call->arena;
    if (!text_is_utf8(method) || memchr(method.ptr, 0, method.len))
        return vm_fail(vm, "VM Logic returned an invalid method name", "InvalidMethodName");
    struct action *x = action_add(vm, r, ACTION_FUNCTION_CALL);
    x->method = arena_text(a, method);
    x->args = arena_copy(a, args);
    x->deposit.v = deposit;
    x->gas.v = gas;
    if (!weight)
        return true;
    VM_GROW(vm, vm->weights, vm->weight_count, vm->weight_room);
    vm->weights[vm->weight_count++] =
        (struct vm_weight){(uint32_t)(r - vm->receipts), (uint32_t)(r->action_count - 1), weight};
    return true;
}

static bool pay_call(struct vm *vm, bool sir, struct slice method, struct slice args) {
    return pay_action(vm, COST_FUNCTION_CALL_BASE, 1, sir) &&
           pay_action(vm, COST_FUNCTION_CALL_BYTE, method.len + args.len, sir);
}

bool call_add(struct vm *vm, struct vm_receipt *r, bool sir, struct slice method, struct slice args, u128 deposit,
              uint64_t gas, uint64_t weight) {
    return pay_call(vm, sir, method, args) && gas_reserve(vm, gas) && take_deposit(vm, deposit) &&
           call_append(vm, r, method, args, deposit, gas, weight);
}

// idx, method, args, amount, gas, weight
static bool append_call(struct vm *vm, const uint64_t *p, uint64_t weight) {
    u128 deposit;
    struct slice method, args;
    struct vm_receipt *receipt;
    bool sir;
    return read_u128(vm, p[5], &deposit) && read_call(vm, p + 1, &method, &args) &&
           receipt_of_promise(vm, p[0], &receipt, &sir) &&
           call_add(vm, receipt, sir, method, args, deposit, p[6], weight);
}

static bool function_call(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)r;
    return append_call(vm, p, 0);
}
static bool function_call_weight(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)r;
    return append_call(vm, p, p[7]);
}

// A promise and its one call in one; both pay their base.
static bool create(struct vm *vm, const uint64_t *p, uint64_t *r) {
    if (!batch_create(vm, p, r) || !pay(vm, EXT_BASE))
        return false;
    uint64_t q[7] = {*r, p[2], p[3], p[4], p[5], p[6], p[7]};
    return append_call(vm, q, 0);
}
static bool then(struct vm *vm, const uint64_t *p, uint64_t *r) {
    if (!batch_then(vm, p, r) || !pay(vm, EXT_BASE))
        return false;
    uint64_t q[7] = {*r, p[3], p[4], p[5], p[6], p[7], p[8]};
    return append_call(vm, q, 0);
}

static bool join(struct vm *vm, const uint64_t *p, uint64_t *r) {
    uint64_t bytes;
    struct slice list;
    if (!pay(vm, EXT_PROMISE_AND_BASE))
        return false;
    if (ckd_mul(&bytes, p[1], 8u))
        return vm_fail_overflow(vm);
    if (!pay_times(vm, EXT_PROMISE_AND_PER_PROMISE, bytes) || !read_memory(vm, p[0], bytes, &list))
        return false;
    uint32_t receipts[INPUTS_MAX];
    size_t n = 0;
    for (uint64_t i = 0; i < p[1]; i++) {
        uint64_t index;
        memcpy(&index, list.ptr + 8 * i, sizeof index);
        const struct vm_promise *x = promise_at(vm, index);
        if (!x)
            return false;
        if (n + x->receipt_count > INPUTS_MAX) {
            char *text = arena_printf(vm->call->arena, "The number of input data dependencies %zu exceeds the limit %u",
                                      n + x->receipt_count, INPUTS_MAX);
            return vm_failf(vm, text,
                            "NumberInputDataDependenciesExceeded { number_of_input_data_dependencies: %zu, limit: %u }",
                            n + x->receipt_count, INPUTS_MAX);
        }
        memcpy(receipts + n, x->receipts, x->receipt_count * sizeof *receipts);
        n += x->receipt_count;
    }
    return promise_add(vm, true, receipts, n, r);
}

static bool set_refund_to(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)r;
    struct account_id id;
    if (!read_account(vm, p[1], p[2], &id))
        return false;
    const struct vm_promise *x = promise_at(vm, p[0]);
    if (!x)
        return false;
    if (x->joint)
        return vm_fail(vm, "Cannot set refund_to on joint promise.", "CannotSetRefundToOnJointPromise");
    struct vm_receipt *receipt = &vm->receipts[x->receipts[0]];
    receipt->has_refund_to = true;
    receipt->refund_to = id;
    return true;
}

static bool return_(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)r;
    if (!pay(vm, EXT_PROMISE_RETURN))
        return false;
    const struct vm_promise *x = promise_at(vm, p[0]);
    if (!x)
        return false;
    if (x->joint)
        return vm_fail(vm, "Returning joint promise is currently prohibited.", "CannotReturnJointPromise");
    vm->returned = VM_RETURN_RECEIPT;
    vm->return_receipt = x->receipts[0];
    return true;
}

static bool results_count(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)p;
    *r = vm->call->result_count;
    return true;
}

static bool result(struct vm *vm, const uint64_t *p, uint64_t *r) {
    if (p[0] >= vm->call->result_count) {
        char *text = arena_printf(vm->call->arena, "Accessed invalid promise result index: %" PRIu64, p[0]);
        return vm_failf(vm, text, "InvalidPromiseResultIndex { result_idx: %" PRIu64 " }", p[0]);
    }
    const struct promise_result *x = &vm->call->results[p[0]];
    *r = x->ok ? 1 : 2;
    return !x->ok || write_register_base(vm, p[1], x->data);
}

// --- yields

// The receipt that waits for `data_id`; its call, paid for as one to this contract.
static bool yield_add(struct vm *vm, struct slice method, struct slice args, uint64_t gas, struct hash *data_id,
                      struct vm_receipt **out, uint64_t *promise) {
    bool sir = true;
    uint32_t at;
    if (!gas_reserve(vm, gas) || !pay_receipt(vm, vm->call->current, &sir, 1))
        return false;
    struct vm_receipt *r = receipt_new(vm, vm->call->current, 1, &at);
    r->is_yield = true;
    *data_id = r->inputs[0] = new_data_id(vm);
    struct state_key k;
    state_put(vm->call->state, key_of_part(&k, COLUMN_YIELD_STATUS, vm->call->current, hash_slice(data_id)),
              SLICE_LIT(YIELD_WAITS));
    *out = r;
    return promise_add(vm, false, &at, 1, promise) && pay_call(vm, true, method, args);
}

static bool yield_create(struct vm *vm, const uint64_t *p, uint64_t *r) {
    struct slice method, args;
    struct hash data_id;
    struct vm_receipt *receipt;
    return pay(vm, EXT_YIELD_CREATE_BASE) && read_call(vm, p, &method, &args) &&
           pay_times(vm, EXT_YIELD_CREATE_BYTE, method.len + args.len) &&
           yield_add(vm, method, args, p[4], &data_id, &receipt, r) &&
           call_append(vm, receipt, method, args, 0, p[4], p[5]) && write_register(vm, p[6], hash_slice(&data_id));
}

static bool bad_yield_id(struct vm *vm, const char *debug) {
    return vm_fail(vm, "yield resumption data id is malformed", debug);
}

// m_len, m_ptr, a_len, a_ptr, amount_ptr, gas, weight, yid_len, yid_ptr
static bool yield_create_with_id(struct vm *vm, const uint64_t *p, uint64_t *r) {
    struct slice method, args, id;
    struct hash data_id;
    struct vm_receipt *receipt;
    u128 deposit;
    if (!pay(vm, EXT_YIELD_CREATE_WITH_ID_BASE) || !read_u128(vm, p[4], &deposit) ||
        !read_call(vm, p, &method, &args) || !read_input(vm, p[7], p[8], &id))
        return false;
    if (id.len != 32)
        return bad_yield_id(vm, "YieldIdMalformed");
    if (!pay_times(vm, EXT_YIELD_CREATE_BYTE, method.len + args.len))
        return false;
    struct state *s = vm->call->state;
    struct state_key k;
    key_of_part(&k, COLUMN_YIELD_ID, vm->call->current, id);
    if (state_get(s, key_slice(&k))) {
        *r = UINT64_MAX;
        return true;
    }
    if (!yield_add(vm, method, args, p[5], &data_id, &receipt, r) || !take_deposit(vm, deposit) ||
        !call_append(vm, receipt, method, args, deposit, p[5], p[6]))
        return false;
    state_put(s, key_slice(&k), hash_slice(&data_id));
    struct slice copy = arena_copy(vm->call->arena, id);
    state_put(s, key_of_part(&k, COLUMN_YIELD_ID_BACK, vm->call->current, hash_slice(&data_id)), copy);
    return true;
}

// Marks the yield as resumed and sends it the payload. *r: whether there is such a yield.
static bool resume(struct vm *vm, struct slice data_id, struct slice payload, uint64_t *r) {
    struct state *s = vm->call->state;
    struct state_key k;
    key_of_part(&k, COLUMN_YIELD_STATUS, vm->call->current, data_id);
    *r = state_get(s, key_slice(&k)) != NULL;
    if (!*r)
        return true;
    state_put(s, key_slice(&k), SLICE_LIT(YIELD_RESUMED));
    VM_GROW(vm, vm->resumes, vm->resume_count, vm->resume_room);
    struct receipt *x = &vm->resumes[vm->resume_count++];
    *x = (struct receipt){.kind = RECEIPT_DATA,
                          .tx_hash = vm->call->tx_hash,
                          .predecessor = *vm->call->current,
                          .receiver = *vm->call->current,
                          .has_data = true,
                          .data = arena_copy(vm->call->arena, payload),
                          .is_resume = true};
    memcpy(x->data_id.b, data_id.ptr, sizeof x->data_id.b);
    return true;
}

static bool read_resume(struct vm *vm, const uint64_t *p, struct slice *id, struct slice *payload,
                        const char *id_debug) {
    if (!pay(vm, EXT_YIELD_RESUME_BASE) || !pay_times(vm, EXT_YIELD_RESUME_BYTE, p[2]) ||
        !read_input(vm, p[0], p[1], id) || !read_input(vm, p[2], p[3], payload))
        return false;
    if (payload->len > YIELD_PAYLOAD_MAX) {
        char *text = arena_printf(vm->call->arena, "Yield resume payload is %zu bytes which exceeds the %u byte limit",
                                  payload->len, YIELD_PAYLOAD_MAX);
        return vm_failf(vm, text, "YieldPayloadLength { length: %zu, limit: %u }", payload->len, YIELD_PAYLOAD_MAX);
    }
    return id->len == 32 || bad_yield_id(vm, id_debug);
}

static bool yield_resume(struct vm *vm, const uint64_t *p, uint64_t *r) {
    struct slice id, payload;
    return read_resume(vm, p, &id, &payload, "DataIdMalformed") && resume(vm, id, payload, r);
}

static bool yield_resume_with_id(struct vm *vm, const uint64_t *p, uint64_t *r) {
    struct slice id, payload;
    struct state_key k;
    if (!read_resume(vm, p, &id, &payload, "YieldIdMalformed"))
        return false;
    struct blob *data_id = state_get(vm->call->state, key_of_part(&k, COLUMN_YIELD_ID, vm->call->current, id));
    *r = 0;
    return !data_id || resume(vm, blob_slice(data_id), payload, r);
}

static const struct host_function promises[] = {
    {"promise_create", "IIIIIIII", "I", true, create, true},
    {"promise_then", "IIIIIIIII", "I", true, then, true},
    {"promise_and", "II", "I", true, join, true},
    {"promise_batch_create", "II", "I", true, batch_create, true},
    {"promise_batch_then", "III", "I", true, batch_then, true},
    {"promise_set_refund_to", "III", "", true, set_refund_to, true},
    {"promise_batch_action_function_call", "IIIIIII", "", true, function_call, true},
    {"promise_batch_action_function_call_weight", "IIIIIIII", "", true, function_call_weight, true},
    {"promise_return", "I", "", true, return_, true},
    {"promise_results_count", "", "I", true, results_count, true},
    {"promise_result", "II", "I", true, result, true},
    {"promise_yield_create", "IIIIIII", "I", true, yield_create, true},
    {"promise_yield_resume", "IIII", "i", true, yield_resume, true},
    {"promise_yield_create_with_id", "IIIIIIIII", "I", true, yield_create_with_id, true},
    {"promise_yield_resume_with_yield_id", "IIII", "i", true, yield_resume_with_id, true},
};
const struct host_group host_promises = {promises, ARRAY_LEN(promises)};
