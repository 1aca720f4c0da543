// SPDX-License-Identifier: Apache-2.0
// Where a hash is found: a table from 32-byte hashes, evenly spread as SHA-256 makes them, to a pointer and a number.
// Not for threads.
#pragma once
#include "crypto/hash.h"

struct index_entry {
    struct hash key;
    const void *where; // NULL: free
    uint64_t at;
};
struct hash_index {
    struct index_entry *slots;
    size_t count, size; // size: a power of two
};
void index_release(struct hash_index *x);
// The first entry of a key stays; false when it was there.
bool index_add(struct hash_index *x, const struct hash *key, const void *where, uint64_t at);
const struct index_entry *index_find(const struct hash_index *x, const struct hash *key);
// Removes the key if it leads to `where`.
void index_remove(struct hash_index *x, const struct hash *key, const void *where);
