// SPDX-License-Identifier: Apache-2.0
// What a contract leaves behind: its value, logs, panics.
#include "base/text.h"
#include "nearvm/vm_internal.h"
#include <inttypes.h>

static bool bad_utf8(struct vm *vm) { return vm_fail(vm, "String encoding is bad UTF-8 sequence.", "BadUTF8"); }
static bool bad_utf16(struct vm *vm) { return vm_fail(vm, "String encoding is bad UTF-16 sequence.", "BadUTF16"); }

static bool value_return(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)r;
    const struct vm_call *c = vm->call;
    struct slice s;
    if (!read_input(vm, p[0], p[1], &s))
        return false;
    if (s.len > VALUE_MAX)
        return vm_fail_limit(vm, "length of a returned value", s.len, VALUE_MAX, "ReturnedValueLengthExceeded",
                             "length");
    uint64_t gas = 0; // whoever waits for the value is paid for at once, also for its execution
    for (size_t i = 0; i < c->output_count; i++) {
        bool sir = strcmp(c->outputs[i].receiver.s, c->current->s) == 0;
        const struct fee *f = &fees[COST_NEW_DATA_RECEIPT_BYTE];
        gas += (fee_send(COST_NEW_DATA_RECEIPT_BYTE, sir) + f->exec) * s.len; // 128 receivers, 4 MiB: fits
    }
    if (!gas_burn(vm, gas))
        return false;
    vm->out->action_gas[COST_NEW_DATA_RECEIPT_BYTE] += gas;
    vm->returned = VM_RETURN_VALUE;
    vm->value = arena_copy(c->arena, s);
    return true;
}

// --- texts -----------------------------------------------------------------------------------------------------------

static bool too_much_log(struct vm *vm, uint64_t more) {
    uint64_t total;
    if (ckd_add(&total, (uint64_t)vm->log_bytes, more))
        total = UINT64_MAX;
    return vm_fail_limit(vm, "length of a log message", total, LOGS_BYTES_MAX, "TotalLogLengthExceeded", "length");
}

static bool log_has_room(struct vm *vm) {
    if (vm->log_count < LOGS_MAX)
        return true;
    return vm_failf(vm, "The number of logs will exceed the limit 100", "NumberOfLogsExceeded { limit: %u }", LOGS_MAX);
}

// Up to a NUL; every byte is a read of its own.
static bool terminated_text(struct vm *vm, uint64_t ptr, unsigned width, struct slice *out) {
    uint64_t max = LOGS_BYTES_MAX - vm->log_bytes, at, end;
    struct slice s;
    for (at = 0; at <= max; at += width) {
        if (ckd_add(&end, ptr, at))
            return vm_fail_memory(vm);
        if (!read_memory(vm, end, width, &s))
            return false;
        if (!s.ptr[0] && (width == 1 || !s.ptr[1])) {
            *out = slice_of(s.ptr - at, at);
            return true;
        }
    }
    return too_much_log(vm, at);
}

static bool read_utf8(struct vm *vm, uint64_t len, uint64_t ptr, struct slice *out) {
    if (!pay(vm, EXT_UTF8_DECODING_BASE))
        return false;
    if (len == UINT64_MAX) {
        if (!terminated_text(vm, ptr, 1, out))
            return false;
    } else if (len > LOGS_BYTES_MAX - vm->log_bytes) {
        return too_much_log(vm, len);
    } else if (!read_memory(vm, ptr, len, out)) {
        return false;
    }
    return pay_times(vm, EXT_UTF8_DECODING_BYTE, out->len) && (text_is_utf8(*out) || bad_utf8(vm));
}

static size_t put_utf8(uint8_t *out, uint32_t c) {
    if (c < 0x80) {
        out[0] = (uint8_t)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        out[i] = (uint8_t)(0x80 | (c & 0x3f));
    out[0] = (uint8_t)((0xf00 >> n) | c);
    return n;
}

// UTF-16 little endian as UTF-8; false: a surrogate without its other half.
static bool convert_utf16(struct slice in, struct arena *a, struct slice *out) {
    uint8_t *text = arena_alloc(a, in.len / 2 * 3 + 1);
    size_t n = 0;
    for (size_t i = 0; i + 1 < in.len; i += 2) {
        uint32_t c = (uint32_t)in.ptr[i] | (uint32_t)in.ptr[i + 1] << 8;
        if (c >= 0xdc00 && c < 0xe000)
            return false;
        if (c >= 0xd800 && c < 0xdc00) {
            uint32_t low = i + 3 < in.len ? (uint32_t)in.ptr[i + 2] | (uint32_t)in.ptr[i + 3] << 8 : 0;
            if (low < 0xdc00 || low >= 0xe000)
                return false;
            c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
            i += 2;
        }
        n += put_utf8(text + n, c);
    }
    *out = slice_of(text, n);
    return true;
}

static bool read_utf16(struct vm *vm, uint64_t len, uint64_t ptr, struct slice *out) {
    struct slice raw;
    if (!pay(vm, EXT_UTF16_DECODING_BASE))
        return false;
    if (len == UINT64_MAX ? !terminated_text(vm, ptr, 2, &raw) : !read_memory(vm, ptr, len, &raw))
        return false;
    if (raw.len % 2)
        return bad_utf16(vm);
    if (raw.len > 2 * (uint64_t)LOGS_BYTES_MAX)
        return too_much_log(vm, raw.len);
    return pay_times(vm, EXT_UTF16_DECODING_BYTE, raw.len) &&
           (convert_utf16(raw, vm->call->arena, out) || bad_utf16(vm));
}

static bool push_log(struct vm *vm, struct slice text) {
    if (text.len > LOGS_BYTES_MAX - vm->log_bytes)
        return too_much_log(vm, text.len);
    vm->log_bytes += text.len;
    vm->logs[vm->log_count++] = arena_copy(vm->call->arena, text);
    return true;
}

static bool pay_log(struct vm *vm, struct slice text) {
    return pay(vm, EXT_LOG_BASE) && pay_times(vm, EXT_LOG_BYTE, text.len);
}

static bool log_utf8(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)r;
    struct slice s;
    return log_has_room(vm) && read_utf8(vm, p[0], p[1], &s) && pay_log(vm, s) && push_log(vm, s);
}

static bool log_utf16(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)r;
    struct slice s;
    return log_has_room(vm) && read_utf16(vm, p[0], p[1], &s) && pay_log(vm, s) && push_log(vm, s);
}

static bool panic_(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)p, (void)r;
    return vm_fail_panic(vm, SLICE_LIT("explicit guest panic"));
}

static bool panic_utf8(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)r;
    struct slice s;
    return read_utf8(vm, p[0], p[1], &s) && vm_fail_panic(vm, s);
}

static bool read_u32(struct vm *vm, uint64_t ptr, uint32_t *out) {
    struct slice s;
    if (!read_memory(vm, ptr, sizeof *out, &s))
        return false;
    memcpy(out, s.ptr, sizeof *out);
    return true;
}

// AssemblyScript's: texts are UTF-16 with their length in bytes before them.
static bool abort_(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)r;
    uint32_t message_len, file_len;
    struct slice message, file;
    if (p[0] < 4 || p[1] < 4)
        return bad_utf16(vm);
    if (!log_has_room(vm) || !read_u32(vm, p[0] - 4, &message_len) || !read_u32(vm, p[1] - 4, &file_len) ||
        !read_utf16(vm, message_len, p[0], &message) || !read_utf16(vm, file_len, p[1], &file))
        return false;
    struct arena *a = vm->call->arena;
    char *text = arena_printf(a, "%.*s, filename: \"%.*s\" line: %" PRIu64 " col: %" PRIu64, SLICE_FMT(message),
                              SLICE_FMT(file), p[2], p[3]);
    return pay_log(vm, slice_str(text)) && push_log(vm, slice_str(arena_printf(a, "ABORT: %s", text))) &&
           vm_fail_panic(vm, slice_str(text));
}

static bool gas_(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)r;
    uint64_t amount = p[0] * GAS_PER_OP; // 32 bits times 20 bits
    vm->gas.wasm += amount;
    return gas_burn(vm, amount);
}

static const struct host_function output[] = {
    {"value_return", "II", "", false, value_return, true},
    {"log_utf8", "II", "", false, log_utf8, true},
    {"log_utf16", "II", "", false, log_utf16, true},
    {"panic", "", "", false, panic_, true},
    {"panic_utf8", "II", "", false, panic_utf8, true},
    {"abort", "iiii", "", false, abort_, true},
    {"gas", "i", "", false, gas_, false},
};
const struct host_group host_output = {output, ARRAY_LEN(output)};
