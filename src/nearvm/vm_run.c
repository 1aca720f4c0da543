// SPDX-License-Identifier: Apache-2.0
// One contract call: gas that the contract and its host count together, what ends it, and what it leaves.
#include "nearvm/vm_internal.h"

#include "wasm/meter.h"
#include <pthread.h>

#define CALL_STACK (4u << 20)

// --- the gas counter, which the contract decrements by itself ------------------------------------------------------

static int64_t gas_left(const struct vm *vm) {
    const struct gas_counter *g = &vm->gas;
    uint64_t limit = g->prepaid - g->promised < GAS_MAX ? g->prepaid - g->promised : GAS_MAX;
    return (int64_t)(limit - g->burnt);
}

static void show_gas(struct vm *vm) {
    int64_t left = gas_left(vm);
    if (left == vm->gas.shown)
        return;
    vm->gas.shown = left;
    wasmtime_val_t v = {.kind = WASMTIME_I64, .of.i64 = left};
    wasmtime_error_t *error = wasmtime_global_set(vm->context, &vm->gas_global, &v);
    BUG_ON(error != NULL);
}

static int64_t read_global(struct vm *vm, const wasmtime_global_t *g) {
    wasmtime_val_t v;
    wasmtime_global_get(vm->context, g, &v);
    return v.of.i64;
}

// Burns what instructions took since the counter was shown. false: more than there was.
static bool take_wasm_gas(struct vm *vm) {
    uint64_t before = vm->gas.burnt, spent = (uint64_t)vm->gas.shown - (uint64_t)read_global(vm, &vm->gas_global);
    vm->gas.shown -= (int64_t)spent;
    bool ok = gas_burn(vm, spent);
    vm->gas.wasm += vm->gas.burnt - before;
    return ok;
}

wasm_trap_t *vm_host_call(void *env, wasmtime_caller_t *caller, wasmtime_val_raw_t *args, size_t count) {
    const struct host_function *f = env;
    wasmtime_context_t *context = wasmtime_caller_context(caller);
    struct vm *vm = wasmtime_context_get_data(context);
    (void)count;
    uint64_t p[HOST_PARAMS_MAX], r = 0;
    for (size_t i = 0; f->params[i]; i++)
        p[i] = f->params[i] == 'I' ? (uint64_t)args[i].i64 : (uint32_t)args[i].i32;
    bool ok = take_wasm_gas(vm) && (!f->pays_base || pay(vm, EXT_BASE)) &&
              (!vm->call->view || !f->prohibited_in_view || vm_fail_prohibited(vm, f->name)) && f->run(vm, p, &r);
    if (!ok)
        return wasmtime_trap_new("host", 4);
    show_gas(vm);
    if (f->results[0] == 'I')
        args[0].i64 = (int64_t)r;
    else if (f->results[0] == 'i')
        args[0].i32 = (int32_t)r;
    return NULL;
}

// --- how the contract ended ------------------------------------------------------------------------------------------

static bool fail_trap_code(struct vm *vm, wasmtime_trap_code_t code) {
    switch (code) {
    case WASMTIME_TRAP_CODE_STACK_OVERFLOW: return vm_fail_trap(vm, "Stack overflow.", "StackOverflow");
    case WASMTIME_TRAP_CODE_MEMORY_OUT_OF_BOUNDS:
    case WASMTIME_TRAP_CODE_TABLE_OUT_OF_BOUNDS:
        return vm_fail_trap(vm, "Memory out of bounds trap.", "MemoryOutOfBounds");
    case WASMTIME_TRAP_CODE_INDIRECT_CALL_TO_NULL:
        return vm_fail_trap(vm, "Indirect call to null.", "IndirectCallToNull");
    case WASMTIME_TRAP_CODE_BAD_SIGNATURE:
        return vm_fail_trap(vm, "Call indirect incorrect signature trap.", "IncorrectCallIndirectSignature");
    case WASMTIME_TRAP_CODE_INTEGER_OVERFLOW:
    case WASMTIME_TRAP_CODE_INTEGER_DIVISION_BY_ZERO:
    case WASMTIME_TRAP_CODE_BAD_CONVERSION_TO_INTEGER:
        return vm_fail_trap(vm, "An arithmetic exception, e.g. divided by zero.", "IllegalArithmetic");
    default: return vm_fail_trap(vm, "An `unreachable` opcode was executed.", "Unreachable"); // the engine has others
    }
}

static bool ended_by_trap(struct vm *vm, wasm_trap_t *trap) {
    wasmtime_trap_code_t code = WASMTIME_TRAP_CODE_UNREACHABLE_CODE_REACHED;
    bool known = wasmtime_trap_code(trap, &code);
    wasm_trap_delete(trap);
    if (vm->failed) // a host function did it
        return false;
    if (!take_wasm_gas(vm))
        return false;
    if (read_global(vm, &vm->stack_global) < 0)
        return vm_fail_memory(vm);
    return fail_trap_code(vm, known ? code : WASMTIME_TRAP_CODE_UNREACHABLE_CODE_REACHED);
}

static bool ended_by_error(struct vm *vm, wasmtime_error_t *error) {
    wasmtime_error_delete(error);
    return vm->failed ? false : vm_fail_trap(vm, "An `unreachable` opcode was executed.", "Unreachable");
}

static bool call_export(struct vm *vm, const wasmtime_instance_t *instance, const char *name) {
    wasmtime_extern_t f;
    wasm_trap_t *trap = NULL;
    BUG_ON(!wasmtime_instance_export_get(vm->context, instance, name, strlen(name), &f) ||
           f.kind != WASMTIME_EXTERN_FUNC);
    wasmtime_error_t *error = wasmtime_func_call(vm->context, &f.of.func, NULL, 0, NULL, 0, &trap);
    if (error)
        return ended_by_error(vm, error);
    if (trap)
        return ended_by_trap(vm, trap);
    return take_wasm_gas(vm);
}

static void find_export(struct vm *vm, const wasmtime_instance_t *instance, const char *name, wasmtime_extern_t *out) {
    BUG_ON(!wasmtime_instance_export_get(vm->context, instance, name, strlen(name), out));
}

static bool run_instance(struct vm *vm, const struct vm_code *code) {
    wasmtime_instance_t instance;
    wasmtime_extern_t x;
    wasm_trap_t *trap = NULL;
    wasmtime_error_t *error = wasmtime_instance_pre_instantiate(code->pre, vm->context, &instance, &trap);
    if (error)
        return ended_by_error(vm, error);
    if (trap) { // an element or data segment out of bounds: nothing has run yet
        wasm_trap_delete(trap);
        return fail_trap_code(vm, WASMTIME_TRAP_CODE_MEMORY_OUT_OF_BOUNDS);
    }
    find_export(vm, &instance, METER_NEAR_GAS, &x);
    vm->gas_global = x.of.global;
    find_export(vm, &instance, METER_NEAR_STACK, &x);
    vm->stack_global = x.of.global;
    find_export(vm, &instance, METER_NEAR_MEMORY, &x);
    vm->memory = x.of.memory;
    vm->gas.shown = -1;
    show_gas(vm);
    char *method = arena_printf(vm->call->arena, METER_NEAR_PREFIX "%s", vm->call->method);
    return (!code->has_start || call_export(vm, &instance, METER_NEAR_START)) && call_export(vm, &instance, method);
}

static const struct vm_method *find_method(const struct vm_code *code, const char *name) {
    for (size_t i = 0; i < code->method_count; i++)
        if (strcmp(code->methods[i].name, name) == 0)
            return &code->methods[i];
    return NULL;
}

// Refused before anything ran: costs nothing.
static bool fail_free(struct vm *vm, enum call_error_kind kind, const char *text, const char *debug) {
    vm->failed = true;
    vm->gas.burnt = 0;
    memset(vm->out->ext_gas, 0, sizeof vm->out->ext_gas);
    struct arena *a = vm->call->arena;
    vm->out->error = (struct call_error){.kind = kind,
                                         .text = text ? arena_strdup(a, text) : NULL,
                                         .debug = debug ? arena_strdup(a, debug) : NULL,
                                         .account = *vm->call->current};
    return false;
}

static bool run_code(struct vm *vm, const struct vm_code *code) {
    if (!code)
        return fail_free(vm, CALL_NO_CODE, NULL,
                         arena_printf(vm->call->arena, "CompilationError(CodeDoesNotExist { account_id: \"%s\" })",
                                      vm->call->current->s));
    if (!vm->call->method[0])
        return fail_free(vm, CALL_METHOD_EMPTY, NULL, "MethodResolveError(MethodEmptyName)");
    if (!pay(vm, EXT_CONTRACT_LOADING_BASE) || !pay_times(vm, EXT_CONTRACT_LOADING_BYTES, code->size))
        return false;
    if (code->broken)
        return fail_free(vm, code->error.kind, code->error.text, code->error.debug);
    if (code->link_broken) {
        struct arena *a = vm->call->arena;
        vm->failed = true;
        vm->out->error = code->error;
        vm->out->error.text = arena_strdup(a, code->error.text);
        vm->out->error.debug = arena_strdup(a, code->error.debug);
        return false;
    }
    const struct vm_method *m = find_method(code, vm->call->method);
    if (!m)
        return fail_free(vm, CALL_METHOD_NOT_FOUND, NULL, "MethodResolveError(MethodNotFound)");
    if (!m->callable)
        return fail_free(vm, CALL_METHOD_SIGNATURE, NULL, "MethodResolveError(MethodInvalidSignature)");
    wasmtime_store_t *store = wasmtime_store_new(vm_engine_wasm(vm->call->engine), vm, NULL);
    vm->context = wasmtime_store_context(store);
    bool ok = run_instance(vm, code);
    wasmtime_store_delete(store);
    return ok;
}

// --- what it leaves ----------------------------------------------------------------------------------------------

// Gas that is left goes to the calls that asked for a share; the last one takes the remainder.
static void share_gas(struct vm *vm) {
    u128 sum = 0;
    for (size_t i = 0; i < vm->weight_count; i++)
        sum += vm->weights[i].weight;
    uint64_t left = vm->gas.prepaid - gas_used(vm), given = 0;
    if (!sum)
        return;
    for (size_t i = 0; i < vm->weight_count; i++) {
        const struct vm_weight *w = &vm->weights[i];
        uint64_t part = (uint64_t)((u128)left * w->weight / sum);
        if (i + 1 == vm->weight_count)
            part = left - given;
        given += part;
        vm->receipts[w->receipt].actions[w->action].gas.v += part;
    }
    vm->gas.promised += left;
}

static void give_receipts(struct vm *vm) {
    struct vm_outcome *out = vm->out;
    const struct vm_call *c = vm->call;
    out->receipts = arena_calloc(c->arena, vm->receipt_count, sizeof *out->receipts);
    out->receipt_count = vm->receipt_count;
    for (size_t i = 0; i < vm->receipt_count; i++) {
        const struct vm_receipt *r = &vm->receipts[i];
        out->receipts[i] = (struct receipt){.kind = RECEIPT_ACTION,
                                            .tx_hash = c->tx_hash,
                                            .predecessor = *c->current,
                                            .receiver = r->receiver,
                                            .signer = *c->signer,
                                            .signer_key = *c->signer_key,
                                            .has_refund_to = r->has_refund_to,
                                            .refund_to = r->refund_to,
                                            .gas_price = c->gas_price,
                                            .outputs = r->outputs,
                                            .output_count = r->output_count,
                                            .inputs = r->inputs,
                                            .input_count = r->input_count,
                                            .actions = r->actions,
                                            .action_count = r->action_count,
                                            .is_yield = r->is_yield};
    }
}

static void finish(struct vm *vm) {
    struct vm_outcome *out = vm->out;
    out->failed = vm->failed;
    out->logs = arena_calloc(vm->call->arena, vm->log_count, sizeof *out->logs);
    out->log_count = vm->log_count;
    if (vm->log_count)
        memcpy(out->logs, vm->logs, vm->log_count * sizeof *out->logs);
    out->gas_burnt = vm->gas.burnt;
    out->wasm_gas = vm->gas.wasm;
    if (vm->failed) {
        out->gas_used = vm->gas.burnt;
        return;
    }
    share_gas(vm);
    out->gas_used = gas_used(vm);
    out->balance = vm->balance;
    out->storage_usage = vm->storage_usage;
    out->returned = vm->returned;
    out->value = vm->value;
    out->receipt = vm->return_receipt;
    out->resumes = vm->resumes;
    out->resume_count = vm->resume_count;
    give_receipts(vm);
}

static void *run(void *ctx) {
    struct vm *vm = ctx;
    const struct vm_call *c = vm->call;
    struct state_key k;
    struct slice bytes = {0};
    if (!hash_is_zero(&c->code_hash))
        bytes = blob_slice(state_get(c->state, key_of_account(&k, COLUMN_CODE, c->current)));
    const struct vm_code *code = bytes.len ? vm_code_get(c->engine, &c->code_hash, bytes) : NULL;
    run_code(vm, code);
    if (code)
        vm_code_put(c->engine, code);
    finish(vm);
    return NULL;
}

// Whether this thread has enough of its stack left.
static bool has_stack(void) {
    static _Thread_local uintptr_t lowest;
    if (!lowest) {
        pthread_attr_t attr;
        void *base = NULL;
        size_t size = 0;
        if (pthread_getattr_np(pthread_self(), &attr) == 0) {
            pthread_attr_getstack(&attr, &base, &size);
            pthread_attr_destroy(&attr);
        }
        lowest = base ? (uintptr_t)base : UINTPTR_MAX;
    }
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    return here > lowest && here - lowest >= CALL_STACK;
}

static void run_with_stack(struct vm *vm) {
    pthread_attr_t attr;
    pthread_t thread;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, CALL_STACK + (1u << 20));
    BUG_ON(pthread_create(&thread, &attr, run, vm) != 0);
    pthread_attr_destroy(&attr);
    pthread_join(thread, NULL);
}

void vm_run(const struct vm_call *call, struct vm_outcome *out) {
    *out = (struct vm_outcome){0};
    struct vm *vm = xcalloc(1, sizeof *vm);
    vm->call = call;
    vm->out = out;
    vm->gas.prepaid = call->gas;
    vm->balance = call->balance;
    vm->storage_usage = call->storage_usage;
    if (has_stack())
        run(vm);
    else
        run_with_stack(vm);
    vm_release_registers(vm);
    free(vm);
}
