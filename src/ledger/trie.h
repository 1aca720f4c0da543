// SPDX-License-Identifier: Apache-2.0
// The state: byte keys in order, byte values, as a Patricia trie over half bytes that shares what did not change
// between versions. A root is a version; holding a reference keeps all of it, whatever happens to newer ones. Reading a
// held version needs no lock. NULL is the empty trie.
#pragma once
#include "base/slice.h"
#include <stdatomic.h>

// A shared immutable value.
struct blob {
    atomic_uint refs;
    size_t len;
    uint8_t bytes[];
};
struct blob *blob_new(struct slice bytes);
struct blob *blob_ref(struct blob *b);
void blob_unref(struct blob *b); // NULL is fine
static inline struct slice blob_slice(const struct blob *b) {
    return b ? slice_of(b->bytes, b->len) : (struct slice){0};
}

#define TRIE_KEY_MAX 4096

struct trie_node;
struct trie_node *trie_ref(struct trie_node *root);
void trie_unref(struct trie_node *root);

// Borrowed from the version; NULL when the key is not there.
struct blob *trie_get(const struct trie_node *root, struct slice key);
// The nodes that a look for the key visits, counted as NEAR counts its trie's (extension, branch and leaf one each).
unsigned trie_depth(const struct trie_node *root, struct slice key);
// Both take the caller's reference to `root` and give one to the version that comes out. Parts of `root` that nobody
// else holds are changed in place. trie_put takes over the reference to `value`.
struct trie_node *trie_put(struct trie_node *root, struct slice key, struct blob *value);
struct trie_node *trie_remove(struct trie_node *root, struct slice key);
// Entries whose key starts with `prefix`, in the order of keys. false from `each` stops; then false comes back.
typedef bool trie_each_fn(void *ctx, struct slice key, struct blob *value);
bool trie_walk(const struct trie_node *root, struct slice prefix, trie_each_fn *each, void *ctx);
// The same from the first key behind `after` on, which costs no look at those before it.
bool trie_walk_after(const struct trie_node *root, struct slice prefix, struct slice after, trie_each_fn *each,
                     void *ctx);
