// SPDX-License-Identifier: Apache-2.0
#include "ledger/trie.h"

#include "base/err.h"

#define NIBBLES_MAX (2 * TRIE_KEY_MAX)

// `prefix`, then one of `mask`'s half bytes leads on to its child; `value` belongs to the key that ends here.
struct trie_node {
    atomic_uint refs;
    uint16_t mask, prefix_len;
    struct blob *value;
    struct trie_node *child[]; // one for each bit of mask, then prefix_len bytes of prefix
};

struct blob *blob_new(struct slice bytes) {
    struct blob *b = xmalloc(sizeof *b + bytes.len);
    atomic_init(&b->refs, 1);
    b->len = bytes.len;
    if (bytes.len)
        memcpy(b->bytes, bytes.ptr, bytes.len);
    return b;
}

struct blob *blob_ref(struct blob *b) {
    if (b)
        atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    return b;
}

void blob_unref(struct blob *b) {
    if (b && atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) == 1)
        free(b);
}

static unsigned child_count(const struct trie_node *n) { return (unsigned)__builtin_popcount(n->mask); }
static uint8_t *prefix_of(const struct trie_node *n) { return (uint8_t *)(uintptr_t)&n->child[child_count(n)]; }
static unsigned child_at(const struct trie_node *n, unsigned nibble) {
    return (unsigned)__builtin_popcount(n->mask & ((1u << nibble) - 1));
}
static bool has_child(const struct trie_node *n, unsigned nibble) { return n->mask >> nibble & 1; }

struct trie_node *trie_ref(struct trie_node *n) {
    if (n)
        atomic_fetch_add_explicit(&n->refs, 1, memory_order_relaxed);
    return n;
}

void trie_unref(struct trie_node *n) {
    if (!n || atomic_fetch_sub_explicit(&n->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (unsigned i = 0; i < child_count(n); i++)
        trie_unref(n->child[i]);
    blob_unref(n->value);
    free(n);
}

static bool is_ours(struct trie_node *n) { return atomic_load_explicit(&n->refs, memory_order_acquire) == 1; }

static struct trie_node *node_alloc(uint16_t mask, const uint8_t *prefix, size_t prefix_len) {
    size_t children = (size_t)__builtin_popcount(mask);
    struct trie_node *n = xmalloc(sizeof *n + children * sizeof n->child[0] + prefix_len);
    atomic_init(&n->refs, 1);
    n->mask = mask;
    n->prefix_len = (uint16_t)prefix_len;
    n->value = NULL;
    if (prefix_len)
        memmove(prefix_of(n), prefix, prefix_len);
    return n;
}

static struct trie_node *leaf_new(const uint8_t *nibbles, size_t n, struct blob *value) {
    struct trie_node *leaf = node_alloc(0, nibbles, n);
    leaf->value = value;
    return leaf;
}

// The same node with other prefix and mask; children of both masks are carried over, new slots are NULL. Takes `n`.
static struct trie_node *node_rebuild(struct trie_node *n, uint16_t mask, const uint8_t *prefix, size_t prefix_len) {
    struct trie_node *copy = node_alloc(mask, prefix, prefix_len);
    copy->value = blob_ref(n->value);
    for (unsigned nibble = 0, i = 0; nibble < 16; nibble++) {
        if (!(mask >> nibble & 1))
            continue;
        copy->child[i++] = has_child(n, nibble) ? trie_ref(n->child[child_at(n, nibble)]) : NULL;
    }
    trie_unref(n);
    return copy;
}

// A node that may be changed in place. Takes `n`.
static struct trie_node *node_own(struct trie_node *n) {
    return is_ours(n) ? n : node_rebuild(n, n->mask, prefix_of(n), n->prefix_len);
}

static size_t to_nibbles(uint8_t *out, struct slice key) {
    BUG_ON(key.len > TRIE_KEY_MAX);
    for (size_t i = 0; i < key.len; i++) {
        out[2 * i] = key.ptr[i] >> 4;
        out[2 * i + 1] = key.ptr[i] & 15;
    }
    return 2 * key.len;
}

static size_t common(const struct trie_node *n, const uint8_t *key, size_t len) {
    const uint8_t *prefix = prefix_of(n);
    size_t i = 0;
    while (i < n->prefix_len && i < len && prefix[i] == key[i])
        i++;
    return i;
}

struct blob *trie_get(const struct trie_node *n, struct slice key) {
    uint8_t nibbles[NIBBLES_MAX];
    size_t len = to_nibbles(nibbles, key), at = 0;
    while (n) {
        if (common(n, nibbles + at, len - at) != n->prefix_len)
            return NULL;
        at += n->prefix_len;
        if (at == len)
            return n->value;
        unsigned next = nibbles[at++];
        n = has_child(n, next) ? n->child[child_at(n, next)] : NULL;
    }
    return NULL;
}

unsigned trie_depth(const struct trie_node *n, struct slice key) {
    uint8_t nibbles[NIBBLES_MAX];
    size_t len = to_nibbles(nibbles, key), at = 0;
    unsigned visited = 0;
    while (n) {
        visited++; // the leaf, the extension, or the branch where there is no prefix
        if (common(n, nibbles + at, len - at) != n->prefix_len || !n->mask)
            return visited;
        visited += n->prefix_len > 0;
        at += n->prefix_len;
        if (at == len)
            return visited;
        unsigned next = nibbles[at++];
        n = has_child(n, next) ? n->child[child_at(n, next)] : NULL;
    }
    return visited;
}

// Splits `n` after `at` half bytes of its prefix: what comes out has the first `at`, and `n`'s rest as only child.
static struct trie_node *node_split(struct trie_node *n, size_t at) {
    const uint8_t *prefix = prefix_of(n);
    uint16_t mask = (uint16_t)(1u << prefix[at]);
    struct trie_node *top = node_alloc(mask, prefix, at);
    top->child[0] = node_rebuild(n, n->mask, prefix + at + 1, n->prefix_len - at - 1);
    return top;
}

static struct trie_node *put(struct trie_node *n, const uint8_t *key, size_t len, struct blob *value) {
    if (!n)
        return leaf_new(key, len, value);
    size_t same = common(n, key, len);
    n = same < n->prefix_len ? node_split(n, same) : node_own(n);
    if (same == len) {
        blob_unref(n->value);
        n->value = value;
        return n;
    }
    unsigned next = key[same];
    if (!has_child(n, next))
        n = node_rebuild(n, (uint16_t)(n->mask | 1u << next), prefix_of(n), n->prefix_len);
    struct trie_node **slot = &n->child[child_at(n, next)];
    *slot = put(*slot, key + same + 1, len - same - 1, value);
    return n;
}

struct trie_node *trie_put(struct trie_node *root, struct slice key, struct blob *value) {
    uint8_t nibbles[NIBBLES_MAX];
    size_t len = to_nibbles(nibbles, key);
    return put(root, nibbles, len, value);
}

// A node without a value and with one child becomes one with that child. Not inlined: its buffer would stand in each
// frame of the recursion.
__attribute__((noinline)) static struct trie_node *node_join(struct trie_node *n) {
    struct trie_node *child = trie_ref(n->child[0]);
    uint8_t prefix[NIBBLES_MAX + 1];
    size_t len = n->prefix_len;
    memcpy(prefix, prefix_of(n), len);
    prefix[len++] = (uint8_t)__builtin_ctz(n->mask);
    memcpy(prefix + len, prefix_of(child), child->prefix_len);
    len += child->prefix_len;
    trie_unref(n);
    return node_rebuild(child, child->mask, prefix, len);
}

// What a node that lost something has to become.
static struct trie_node *node_settle(struct trie_node *n) {
    if (n->value || child_count(n) > 1)
        return n;
    if (child_count(n) == 1)
        return node_join(n);
    trie_unref(n);
    return NULL;
}

// The key is there.
static struct trie_node *take(struct trie_node *n, const uint8_t *key, size_t len) {
    n = node_own(n);
    if (len == n->prefix_len) {
        blob_unref(n->value);
        n->value = NULL;
        return node_settle(n);
    }
    unsigned next = key[n->prefix_len];
    struct trie_node **slot = &n->child[child_at(n, next)];
    size_t used = (size_t)n->prefix_len + 1;
    *slot = take(*slot, key + used, len - used);
    if (*slot)
        return n;
    uint16_t mask = (uint16_t)(n->mask & ~(1u << next));
    return node_settle(node_rebuild(n, mask, prefix_of(n), n->prefix_len));
}

struct trie_node *trie_remove(struct trie_node *root, struct slice key) {
    if (!trie_get(root, key))
        return root;
    uint8_t nibbles[NIBBLES_MAX];
    size_t len = to_nibbles(nibbles, key);
    return take(root, nibbles, len);
}

struct walk {
    trie_each_fn *each;
    void *ctx;
    uint8_t nibbles[NIBBLES_MAX]; // on the way to the node in hand
    uint8_t after[NIBBLES_MAX];   // only keys behind this one
    size_t after_len;
};

static bool walk_entry(struct walk *w, size_t len, struct blob *value) {
    uint8_t key[TRIE_KEY_MAX];
    for (size_t i = 0; i < len / 2; i++)
        key[i] = (uint8_t)(w->nibbles[2 * i] << 4 | w->nibbles[2 * i + 1]);
    return w->each(w->ctx, slice_of(key, len / 2), value);
}

// How the way to the node in hand stands to `after`: below 0, all below the node comes before it; 0, the way is a part
// of it; above 0, all comes behind it.
static int way_to_after(const struct walk *w, size_t len) {
    int order = memcmp(w->nibbles, w->after, len < w->after_len ? len : w->after_len);
    return order ? order : len > w->after_len;
}

static bool walk_node(struct walk *w, const struct trie_node *n, size_t len) {
    memcpy(w->nibbles + len, prefix_of(n), n->prefix_len);
    len += n->prefix_len;
    int way = w->after_len ? way_to_after(w, len) : 1;
    if (way < 0)
        return true;
    if (way > 0 && n->value && !walk_entry(w, len, n->value))
        return false;
    for (unsigned nibble = 0; nibble < 16; nibble++) {
        if (!has_child(n, nibble))
            continue;
        w->nibbles[len] = (uint8_t)nibble;
        if (!walk_node(w, n->child[child_at(n, nibble)], len + 1))
            return false;
    }
    return true;
}

bool trie_walk(const struct trie_node *root, struct slice prefix, trie_each_fn *each, void *ctx) {
    return trie_walk_after(root, prefix, (struct slice){0}, each, ctx);
}

bool trie_walk_after(const struct trie_node *n, struct slice prefix, struct slice after, trie_each_fn *each,
                     void *ctx) {
    struct walk w = {.each = each, .ctx = ctx};
    w.after_len = to_nibbles(w.after, after);
    uint8_t want[NIBBLES_MAX];
    size_t len = to_nibbles(want, prefix), at = 0;
    while (n) {
        size_t same = common(n, want + at, len - at);
        if (at + same == len) {
            memcpy(w.nibbles, want, at);
            return walk_node(&w, n, at);
        }
        if (same < n->prefix_len)
            return true;
        at += n->prefix_len;
        unsigned next = want[at++];
        n = has_child(n, next) ? n->child[child_at(n, next)] : NULL;
    }
    return true;
}
