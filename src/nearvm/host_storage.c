// SPDX-License-Identifier: Apache-2.0
// A contract's own records. Reading pays for no trie nodes, writing pays for those that a look visits in the state
// before the block, unless the key was changed in this block already.
#include "nearvm/vm_internal.h"

#define LARGE_READ 4000 // bytes above which a value is not stored beside its key

static bool read_key(struct vm *vm, uint64_t len, uint64_t ptr, struct slice *key, struct state_key *k) {
    if (!read_input(vm, len, ptr, key))
        return false;
    if (key->len > STORAGE_KEY_MAX)
        return vm_fail_limit(vm, "length of a storage key", key->len, STORAGE_KEY_MAX, "KeyLengthExceeded", "length");
    key_of_part(k, COLUMN_DATA, vm->call->current, *key);
    return true;
}

static bool pay_nodes(struct vm *vm, const struct state_key *k, const struct blob *old) {
    struct state *s = vm->call->state;
    if (state_touched(s, key_slice(k)))
        return true;
    return pay_times(vm, EXT_TOUCHING_TRIE_NODE, state_depth(s, key_slice(k)) + (old ? 1u : 0));
}

static bool count_storage(struct vm *vm, int64_t change) {
    uint64_t *usage = &vm->storage_usage;
    if (change < 0 ? ckd_sub(usage, *usage, (uint64_t)-change) : ckd_add(usage, *usage, (uint64_t)change))
        return vm_fail_overflow(vm);
    return true;
}

static bool storage_write(struct vm *vm, const uint64_t *p, uint64_t *r) {
    struct state *s = vm->call->state;
    struct state_key k;
    struct slice key, value;
    if (!pay(vm, EXT_STORAGE_WRITE_BASE) || !read_key(vm, p[0], p[1], &key, &k) || !read_input(vm, p[2], p[3], &value))
        return false;
    if (value.len > VALUE_MAX)
        return vm_fail_limit(vm, "length of a storage value", value.len, VALUE_MAX, "ValueLengthExceeded", "length");
    if (!pay_times(vm, EXT_STORAGE_WRITE_KEY_BYTE, key.len) || !pay_times(vm, EXT_STORAGE_WRITE_VALUE_BYTE, value.len))
        return false;
    struct blob *old = state_get(s, key_slice(&k));
    if ((old && !pay_times(vm, EXT_STORAGE_WRITE_EVICTED_BYTE, old->len)) || !pay_nodes(vm, &k, old))
        return false;
    state_put(s, key_slice(&k), value);
    *r = old != NULL;
    if (!old)
        return count_storage(vm, (int64_t)(key.len + value.len + STORAGE_RECORD));
    return count_storage(vm, (int64_t)value.len - (int64_t)old->len) && write_register(vm, p[4], blob_slice(old));
}

static bool storage_read(struct vm *vm, const uint64_t *p, uint64_t *r) {
    struct state_key k;
    struct slice key;
    if (!pay(vm, EXT_STORAGE_READ_BASE) || !read_key(vm, p[0], p[1], &key, &k) ||
        !pay_times(vm, EXT_STORAGE_READ_KEY_BYTE, key.len))
        return false;
    struct blob *value = state_get(vm->call->state, key_slice(&k));
    *r = value != NULL;
    if (!value)
        return true;
    if (value->len > LARGE_READ && (!pay(vm, EXT_STORAGE_LARGE_READ_OVERHEAD_BASE) ||
                                    !pay_times(vm, EXT_STORAGE_LARGE_READ_OVERHEAD_BYTE, value->len)))
        return false;
    return pay_times(vm, EXT_STORAGE_READ_VALUE_BYTE, value->len) && write_register(vm, p[2], blob_slice(value));
}

static bool storage_remove(struct vm *vm, const uint64_t *p, uint64_t *r) {
    struct state *s = vm->call->state;
    struct state_key k;
    struct slice key;
    if (!pay(vm, EXT_STORAGE_REMOVE_BASE) || !read_key(vm, p[0], p[1], &key, &k) ||
        !pay_times(vm, EXT_STORAGE_REMOVE_KEY_BYTE, key.len))
        return false;
    struct blob *old = state_get(s, key_slice(&k));
    if ((old && !pay_times(vm, EXT_STORAGE_REMOVE_RET_VALUE_BYTE, old->len)) || !pay_nodes(vm, &k, old))
        return false;
    *r = old != NULL;
    state_remove(s, key_slice(&k));
    if (!old)
        return true;
    return count_storage(vm, -(int64_t)(key.len + old->len + STORAGE_RECORD)) &&
           write_register(vm, p[2], blob_slice(old));
}

static bool storage_has_key(struct vm *vm, const uint64_t *p, uint64_t *r) {
    struct state_key k;
    struct slice key;
    if (!pay(vm, EXT_STORAGE_HAS_KEY_BASE) || !read_key(vm, p[0], p[1], &key, &k) ||
        !pay_times(vm, EXT_STORAGE_HAS_KEY_BYTE, key.len))
        return false;
    *r = state_get(vm->call->state, key_slice(&k)) != NULL;
    return true;
}

static bool deprecated(struct vm *vm, const char *name) {
    char *text = arena_printf(vm->call->arena, "Attempted to call deprecated host function %s", name);
    return vm_failf(vm, text, "Deprecated { method_name: \"%s\" }", name);
}
static bool storage_iter_prefix(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)p, (void)r;
    return deprecated(vm, "storage_iter_prefix");
}
static bool storage_iter_range(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)p, (void)r;
    return deprecated(vm, "storage_iter_range");
}
static bool storage_iter_next(struct vm *vm, const uint64_t *p, uint64_t *r) {
    (void)p, (void)r;
    return deprecated(vm, "storage_iter_next");
}

static const struct host_function storage[] = {
    {"storage_write", "IIIII", "I", true, storage_write, true},
    {"storage_read", "III", "I", false, storage_read, true},
    {"storage_remove", "III", "I", true, storage_remove, true},
    {"storage_has_key", "II", "I", false, storage_has_key, true},
    {"storage_iter_prefix", "II", "I", false, storage_iter_prefix, false},
    {"storage_iter_range", "IIII", "I", false, storage_iter_range, false},
    {"storage_iter_next", "III", "I", false, storage_iter_next, false},
};
const struct host_group host_storage = {storage, ARRAY_LEN(storage)};
