// SPDX-License-Identifier: Apache-2.0
#include "nearvm/vm_internal.h"

#include "base/text.h"
#include <inttypes.h>
#include <stdarg.h>

static bool set_error(struct vm *vm, const char *text, const char *debug) {
    if (vm->failed)
        return false;
    vm->failed = true;
    vm->out->error = (struct call_error){.kind = CALL_EXECUTION, .text = text, .debug = debug};
    return false;
}

bool vm_fail(struct vm *vm, const char *text, const char *debug) {
    return set_error(vm, text, arena_printf(vm->call->arena, "HostError(%s)", debug));
}

bool vm_failf(struct vm *vm, const char *text, const char *debug_fmt, ...) {
    char debug[512];
    va_list ap;
    va_start(ap, debug_fmt);
    vsnprintf(debug, sizeof debug, debug_fmt, ap);
    va_end(ap);
    return vm_fail(vm, text, debug);
}

bool vm_fail_limit(struct vm *vm, const char *what, uint64_t n, uint64_t limit, const char *debug, const char *field) {
    char *text = arena_printf(vm->call->arena, "The %s %" PRIu64 " exceeds the limit %" PRIu64, what, n, limit);
    return vm_failf(vm, text, "%s { %s: %" PRIu64 ", limit: %" PRIu64 " }", debug, field, n, limit);
}

bool vm_fail_memory(struct vm *vm) {
    return vm_fail(vm, "Accessed memory outside the bounds.", "MemoryAccessViolation");
}
bool vm_fail_overflow(struct vm *vm) { return vm_fail(vm, "Integer overflow.", "IntegerOverflow"); }

bool vm_fail_prohibited(struct vm *vm, const char *function) {
    char *text = arena_printf(vm->call->arena, "%s is not allowed in view calls", function);
    return vm_failf(vm, text, "ProhibitedInView { method_name: \"%s\" }", function);
}

bool vm_fail_trap(struct vm *vm, const char *text, const char *debug) {
    struct arena *a = vm->call->arena;
    return set_error(vm, arena_printf(a, "WebAssembly trap: %s", text), arena_printf(a, "WasmTrap(%s)", debug));
}

// Contracts may panic with any UTF-8; as a C string it ends at a NUL, which is shown escaped instead.
static char *printable(struct arena *a, struct slice s) {
    char *text = arena_text(a, s);
    for (size_t i = 0; i < s.len; i++)
        if (!text[i])
            text[i] = ' ';
    return text;
}

bool vm_fail_panic(struct vm *vm, struct slice message) {
    struct arena *a = vm->call->arena;
    char *debug = arena_printf(a, "GuestPanic { panic_msg: \"%s\" }", rust_debug(a, message));
    return vm_fail(vm, arena_printf(a, "Smart contract panicked: %s", printable(a, message)), debug);
}
