// SPDX-License-Identifier: Apache-2.0
// Between a contract and its host: memory, registers, and the types that are made of them. The fee comes first, the
// check of bounds after it.
#include "base/text.h"
#include "nearvm/vm_internal.h"

static bool memory_at(struct vm *vm, uint64_t ptr, uint64_t len, uint8_t **out) {
    size_t size = wasmtime_memory_data_size(vm->context, &vm->memory);
    uint64_t end;
    if (ckd_add(&end, ptr, len) || end > size)
        return vm_fail_memory(vm);
    *out = wasmtime_memory_data(vm->context, &vm->memory) + ptr;
    return true;
}

bool read_memory(struct vm *vm, uint64_t ptr, uint64_t len, struct slice *out) {
    uint8_t *at = NULL;
    if (!pay(vm, EXT_READ_MEMORY_BASE) || !pay_times(vm, EXT_READ_MEMORY_BYTE, len) || !memory_at(vm, ptr, len, &at))
        return false;
    *out = slice_of(at, len);
    return true;
}

bool write_memory(struct vm *vm, uint64_t ptr, struct slice bytes) {
    uint8_t *at = NULL;
    if (!pay(vm, EXT_WRITE_MEMORY_BASE) || !pay_times(vm, EXT_WRITE_MEMORY_BYTE, bytes.len) ||
        !memory_at(vm, ptr, bytes.len, &at))
        return false;
    if (bytes.len)
        memcpy(at, bytes.ptr, bytes.len);
    return true;
}

const struct vm_register *register_find(const struct vm *vm, uint64_t id) {
    for (size_t i = 0; i < vm->register_count; i++)
        if (vm->registers[i].id == id)
            return &vm->registers[i];
    return NULL;
}

static bool read_register(struct vm *vm, uint64_t id, struct slice *out) {
    const struct vm_register *r = register_find(vm, id);
    if (!r) {
        char *text = arena_printf(vm->call->arena, "Accessed invalid register id: %llu", (unsigned long long)id);
        return vm_failf(vm, text, "InvalidRegisterId { register_id: %llu }", (unsigned long long)id);
    }
    *out = slice_of(r->ptr, r->len);
    return pay(vm, EXT_READ_REGISTER_BASE) && pay_times(vm, EXT_READ_REGISTER_BYTE, r->len);
}

bool read_input(struct vm *vm, uint64_t len, uint64_t ptr, struct slice *out) {
    return len == UINT64_MAX ? read_register(vm, ptr, out) : read_memory(vm, ptr, len, out);
}

bool read_u128(struct vm *vm, uint64_t ptr, u128 *out) {
    struct slice s;
    if (!read_memory(vm, ptr, sizeof *out, &s))
        return false;
    memcpy(out, s.ptr, sizeof *out);
    return true;
}

bool write_u128(struct vm *vm, uint64_t ptr, u128 v) { return write_memory(vm, ptr, slice_of(&v, sizeof v)); }

bool register_put(struct vm *vm, uint64_t id, struct slice bytes) {
    struct vm_register *old = (struct vm_register *)(uintptr_t)register_find(vm, id);
    uint64_t total = vm->register_bytes - (old ? old->len + 8 : 0) + bytes.len + 8;
    // NEAR counts the registers before it looks whether this one replaces another.
    if (bytes.len > REGISTER_MAX || vm->register_count >= REGISTERS_MAX || total > REGISTERS_BYTES_MAX)
        return vm_fail_memory(vm);
    struct vm_register *r = old ? old : &vm->registers[vm->register_count++];
    uint8_t *copy = xmalloc(bytes.len + 1);
    if (bytes.len)
        memcpy(copy, bytes.ptr, bytes.len);
    if (old)
        free(old->ptr);
    *r = (struct vm_register){id, copy, bytes.len};
    vm->register_bytes = total;
    return true;
}

void vm_release_registers(struct vm *vm) {
    for (size_t i = 0; i < vm->register_count; i++)
        free(vm->registers[i].ptr);
    vm->register_count = 0;
}

bool write_register_base(struct vm *vm, uint64_t id, struct slice bytes) {
    return pay(vm, EXT_WRITE_REGISTER_BASE) && register_put(vm, id, bytes);
}

bool write_register(struct vm *vm, uint64_t id, struct slice bytes) {
    return pay(vm, EXT_WRITE_REGISTER_BASE) && pay_times(vm, EXT_WRITE_REGISTER_BYTE, bytes.len) &&
           register_put(vm, id, bytes);
}

bool read_account(struct vm *vm, uint64_t len, uint64_t ptr, struct account_id *out) {
    struct slice s;
    if (!read_input(vm, len, ptr, &s) || !pay(vm, EXT_UTF8_DECODING_BASE) ||
        !pay_times(vm, EXT_UTF8_DECODING_BYTE, s.len))
        return false;
    if (!text_is_utf8(s))
        return vm_fail(vm, "String encoding is bad UTF-8 sequence.", "BadUTF8");
    if (!account_id_valid(s) || !text_copy(out->s, sizeof out->s, s))
        return vm_fail(vm, "VM Logic returned an invalid account id", "InvalidAccountId");
    return true;
}

bool read_public_key(struct vm *vm, uint64_t len, uint64_t ptr, struct slice *out) {
    return read_input(vm, len, ptr, out);
}

bool parse_public_key(struct vm *vm, struct slice bytes, struct public_key *out) {
    *out = (struct public_key){0};
    if (bytes.len && bytes.ptr[0] <= KEY_SECP256K1) {
        out->type = (enum key_type)bytes.ptr[0];
        if (bytes.len == 1 + public_key_len(out)) {
            memcpy(out->bytes, bytes.ptr + 1, bytes.len - 1);
            return true;
        }
    }
    return vm_fail(vm, "VM Logic provided an invalid public key", "InvalidPublicKey");
}
