// SPDX-License-Identifier: Apache-2.0
// Inside the VM: one call in progress, its gas counter and registers, and what host functions are made of.
#pragma once
#include "nearvm/vm.h"

#include <sys/queue.h>
#include <wasmtime.h>

// --- gas -------------------------------------------------------------------------------------------------------------
struct gas_counter {
    uint64_t prepaid;
    uint64_t burnt;    // gone
    uint64_t promised; // set aside for new receipts
    uint64_t wasm;     // burnt by instructions
    int64_t shown;     // what the contract's counter was last set to
};

struct vm_register {
    uint64_t id;
    uint8_t *ptr;
    size_t len;
};

// A receipt in the making.
struct vm_receipt {
    struct account_id receiver;
    bool has_refund_to, is_yield;
    struct account_id refund_to;
    struct action *actions;
    size_t action_count, action_room;
    struct data_output *outputs;
    size_t output_count, output_room;
    struct hash *inputs;
    size_t input_count;
};
struct vm_promise { // one receipt, or several that are waited for together
    bool joint;
    uint32_t *receipts;
    size_t receipt_count;
};
struct vm_weight {
    uint32_t receipt, action;
    uint64_t weight;
};

struct vm {
    const struct vm_call *call;
    struct vm_outcome *out;
    struct gas_counter gas;
    wasmtime_context_t *context;
    wasmtime_global_t gas_global, stack_global;
    wasmtime_memory_t memory;
    bool failed; // out->error is set

    struct vm_register registers[REGISTERS_MAX];
    size_t register_count;
    uint64_t register_bytes;

    u128 balance; // what is not on promises yet
    uint64_t storage_usage;
    size_t log_bytes, log_count;
    struct slice logs[LOGS_MAX];

    struct vm_receipt *receipts;
    size_t receipt_count, receipt_room;
    struct vm_promise *promises;
    size_t promise_count, promise_room;
    struct vm_weight *weights;
    size_t weight_count, weight_room;
    struct receipt *resumes;
    size_t resume_count, resume_room;
    uint64_t data_ids; // made so far

    enum vm_return returned;
    struct slice value;
    size_t return_receipt;
};

// Doubles a list in the call's arena when it is full.
#define VM_GROW(vm, list, count, room)                                                                                 \
    do {                                                                                                               \
        if ((count) == (room)) {                                                                                       \
            size_t larger_ = (room) ? 2 * (room) : 4;                                                                  \
            void *moved_ = arena_calloc((vm)->call->arena, larger_, sizeof *(list));                                   \
            if (count)                                                                                                 \
                memcpy(moved_, (list), (count) * sizeof *(list));                                                      \
            (list) = moved_;                                                                                           \
            (room) = larger_;                                                                                          \
        }                                                                                                              \
    } while (0)

// --- failing: all return false

// The first error stays. `text` as clients get it, `debug` as view calls print it behind "HostError(".
bool vm_fail(struct vm *vm, const char *text, const char *debug);
bool vm_failf(struct vm *vm, const char *text, const char *debug_fmt, ...) PRINTF_LIKE(3, 4);
bool vm_fail_panic(struct vm *vm, struct slice message);
// "The <what> <n> exceeds the limit <limit>" with debug name and its fields.
bool vm_fail_limit(struct vm *vm, const char *what, uint64_t n, uint64_t limit, const char *debug, const char *field);
bool vm_fail_memory(struct vm *vm);   // MemoryAccessViolation
bool vm_fail_overflow(struct vm *vm); // IntegerOverflow
bool vm_fail_prohibited(struct vm *vm, const char *function);
bool vm_fail_trap(struct vm *vm, const char *text, const char *debug);

// --- paying
bool gas_burn(struct vm *vm, uint64_t amount);
// `burn` now, and `use` - `burn` set aside.
bool gas_deduct(struct vm *vm, uint64_t burn, uint64_t use);
bool gas_reserve(struct vm *vm, uint64_t amount); // for new receipts, at the end of the call too
bool pay(struct vm *vm, enum ext_cost cost);
bool pay_times(struct vm *vm, enum ext_cost cost, uint64_t n);
bool pay_action(struct vm *vm, enum action_cost cost, uint64_t times, bool sir); // send burnt, execution set aside
uint64_t gas_used(const struct vm *vm);

// --- the contract's memory, registers, texts

// Pays and gives a view of guest memory, valid until the guest runs again.
bool read_memory(struct vm *vm, uint64_t ptr, uint64_t len, struct slice *out);
bool write_memory(struct vm *vm, uint64_t ptr, struct slice bytes);
// Memory, or the register `ptr` when len is UINT64_MAX (GMR).
bool read_input(struct vm *vm, uint64_t len, uint64_t ptr, struct slice *out);
bool read_u128(struct vm *vm, uint64_t ptr, u128 *out);
bool write_u128(struct vm *vm, uint64_t ptr, u128 v);
bool write_register(struct vm *vm, uint64_t id, struct slice bytes);      // pays base and bytes
bool write_register_base(struct vm *vm, uint64_t id, struct slice bytes); // pays the base only
bool register_put(struct vm *vm, uint64_t id, struct slice bytes);        // pays nothing
const struct vm_register *register_find(const struct vm *vm, uint64_t id);
bool read_account(struct vm *vm, uint64_t len, uint64_t ptr, struct account_id *out);
bool read_public_key(struct vm *vm, uint64_t len, uint64_t ptr, struct slice *out);
bool parse_public_key(struct vm *vm, struct slice bytes, struct public_key *out);
void vm_release_registers(struct vm *vm);

// --- host functions

// p: parameters, i32 ones as unsigned. *r: the result, where there is one. false: the call has failed.
typedef bool host_fn(struct vm *vm, const uint64_t *p, uint64_t *r);
struct host_function {
    const char *name, *params, *results; // 'I' i64, 'i' i32
    bool prohibited_in_view;
    host_fn *run; // base fee is paid and the view check made before
    bool pays_base;
};
#define HOST_PARAMS_MAX 12

struct host_group {
    const struct host_function *list;
    size_t count;
};
extern const struct host_group host_registers, host_context, host_storage, host_promises, host_actions, host_math,
    host_output;

// --- engine
struct vm_method {
    const char *name;
    bool callable; // no parameters, no results
};
struct vm_code { // a prepared contract; shared, never changed
    struct hash hash;
    size_t refs;
    size_t size; // of the contract
    bool broken; // `error` says why; `text`s are static or live in `arena`
    bool link_broken;
    struct call_error error;
    struct arena *arena;
    wasmtime_instance_pre_t *pre;
    struct vm_method *methods;
    size_t method_count;
    bool has_start;
    TAILQ_ENTRY(vm_code) link;
};
// What the engine calls for every import; `env` is the struct host_function.
wasm_trap_t *vm_host_call(void *env, wasmtime_caller_t *caller, wasmtime_val_raw_t *args, size_t count);
// NULL only when the account has no code. The caller gives it back.
const struct vm_code *vm_code_get(struct vm_engine *v, const struct hash *hash, struct slice code);
void vm_code_put(struct vm_engine *v, const struct vm_code *c);
wasm_engine_t *vm_engine_wasm(struct vm_engine *v);

// --- receipts in the making, for promises and actions

// A new receipt behind the promises of `deps`; pays for it. false: the call has failed.
bool receipt_add(struct vm *vm, const struct account_id *receiver, const uint32_t *deps, size_t dep_count,
                 uint32_t *out);
// The one receipt of a promise, for adding an action; `sir`: its receiver is this contract.
bool receipt_of_promise(struct vm *vm, uint64_t promise, struct vm_receipt **out, bool *sir);
struct action *action_add(struct vm *vm, struct vm_receipt *r, enum action_kind kind);
bool promise_add(struct vm *vm, bool joint, const uint32_t *receipts, size_t n, uint64_t *out);
// Takes a deposit for a promise from the balance.
bool take_deposit(struct vm *vm, u128 amount);
// A function call's name and arguments; an empty name fails.
bool read_call(struct vm *vm, const uint64_t *p, struct slice *method, struct slice *args);
// Adds it to a receipt: pays, sets its gas aside. The name is checked here.
bool call_add(struct vm *vm, struct vm_receipt *r, bool sir, struct slice method, struct slice args, u128 deposit,
              uint64_t gas, uint64_t weight);
