// SPDX-License-Identifier: Apache-2.0
#include "chain/index.h"

static size_t slot_of(const struct hash_index *x, const struct hash *key) {
    uint64_t v;
    memcpy(&v, key->b, sizeof v);
    return (size_t)v & (x->size - 1);
}

void index_release(struct hash_index *x) {
    free(x->slots);
    *x = (struct hash_index){0};
}

// The key's slot, or the free one where it would stand.
static struct index_entry *look(const struct hash_index *x, const struct hash *key) {
    size_t i = slot_of(x, key);
    while (x->slots[i].where && !hash_eq(&x->slots[i].key, key))
        i = (i + 1) & (x->size - 1);
    return &x->slots[i];
}

static void grow(struct hash_index *x) {
    struct hash_index old = *x;
    x->size = old.size ? 2 * old.size : 1024;
    x->slots = xcalloc(x->size, sizeof *x->slots);
    for (size_t i = 0; i < old.size; i++)
        if (old.slots[i].where)
            *look(x, &old.slots[i].key) = old.slots[i];
    free(old.slots);
}

bool index_add(struct hash_index *x, const struct hash *key, const void *where, uint64_t at) {
    if (2 * x->count >= x->size)
        grow(x);
    struct index_entry *slot = look(x, key);
    if (slot->where)
        return false;
    *slot = (struct index_entry){*key, where, at};
    x->count++;
    return true;
}

const struct index_entry *index_find(const struct hash_index *x, const struct hash *key) {
    if (!x->size)
        return NULL;
    const struct index_entry *slot = look(x, key);
    return slot->where ? slot : NULL;
}

// Later entries of the same run move up, so that no look stops at the gap.
void index_remove(struct hash_index *x, const struct hash *key, const void *where) {
    struct index_entry *slot = x->size ? look(x, key) : NULL;
    if (!slot || slot->where != where || !where)
        return;
    size_t mask = x->size - 1, gap = (size_t)(slot - x->slots);
    x->slots[gap].where = NULL;
    x->count--;
    for (size_t i = (gap + 1) & mask; x->slots[i].where; i = (i + 1) & mask) {
        size_t home = slot_of(x, &x->slots[i].key);
        if (((i - home) & mask) < ((i - gap) & mask))
            continue;
        x->slots[gap] = x->slots[i];
        x->slots[i].where = NULL;
        gap = i;
    }
}
