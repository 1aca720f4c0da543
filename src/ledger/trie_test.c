// SPDX-License-Identifier: Apache-2.0
#include "ledger/trie.h"

#include "base/test.h"

#define KEYS 584 // 8 of one byte, 64 of two, 512 of three: many are prefixes of others

static uint64_t seed = 88172645463325252ull;
static uint64_t next_random(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

static struct slice key_of(unsigned i, uint8_t out[3]) {
    size_t len = i < 8 ? 1 : i < 72 ? 2 : 3;
    unsigned v = i < 8 ? i : i < 72 ? i - 8 : i - 72;
    for (size_t k = len; k-- > 0; v /= 8)
        out[k] = (uint8_t)(v % 8 * 36); // shares high half bytes as well as low ones
    return slice_of(out, len);
}

struct walked {
    size_t seen;
    uint8_t last[3];
    size_t last_len;
    uint64_t sum;
};

static bool check_entry(void *ctx, struct slice key, struct blob *value) {
    struct walked *w = ctx;
    size_t n = key.len < w->last_len ? key.len : w->last_len;
    int order = memcmp(w->last, key.ptr, n);
    assert_true(w->seen == 0 || order < 0 || (order == 0 && w->last_len < key.len));
    memcpy(w->last, key.ptr, key.len);
    w->last_len = key.len;
    w->seen++;
    uint64_t v;
    memcpy(&v, value->bytes, sizeof v);
    w->sum += v;
    return true;
}

static void check_against(const struct trie_node *root, const uint64_t *model, struct slice prefix) {
    struct walked w = {0};
    size_t count = 0;
    uint64_t sum = 0;
    for (unsigned i = 0; i < KEYS; i++) {
        uint8_t bytes[3];
        struct slice key = key_of(i, bytes);
        struct blob *b = trie_get(root, key);
        assert_int_equal(b != NULL, model[i] != 0);
        if (!model[i] || !slice_starts(key, prefix))
            continue;
        count++;
        sum += model[i];
    }
    assert_true(trie_walk(root, prefix, check_entry, &w));
    assert_int_equal(w.seen, count);
    assert_int_equal(w.sum, sum);
}

// A wrong answer here is a wrong balance: random changes, compared with a plain list, while an old version is held.
static void random_changes_match_a_list(void **state) {
    (void)state;
    uint64_t model[KEYS] = {0}, old_model[KEYS] = {0};
    struct trie_node *root = NULL, *old = NULL;
    for (uint64_t step = 1; step <= 30000; step++) {
        uint8_t bytes[3];
        unsigned i = (unsigned)(next_random() % KEYS);
        struct slice key = key_of(i, bytes);
        bool add = next_random() % 100 < (step / 5000 % 2 ? 30 : 70);
        root = add ? trie_put(root, key, blob_new(slice_of(&step, sizeof step))) : trie_remove(root, key);
        model[i] = add ? step : 0;
        if (step % 1000 == 0) {
            check_against(root, model, (struct slice){0});
            check_against(root, model, key_of(9, bytes));
            check_against(old, old_model, (struct slice){0});
            trie_unref(old);
            old = trie_ref(root);
            memcpy(old_model, model, sizeof model);
        }
    }
    for (unsigned i = 0; i < KEYS; i++) {
        uint8_t bytes[3];
        root = trie_remove(root, key_of(i, bytes));
    }
    assert_null(root);
    trie_unref(old);
}

static bool is_behind(struct slice key, struct slice after) {
    int order = memcmp(key.ptr, after.ptr, key.len < after.len ? key.len : after.len);
    return order > 0 || (order == 0 && key.len > after.len);
}

struct behind {
    struct slice after;
    size_t seen;
};
static bool check_behind(void *ctx, struct slice key, struct blob *value) {
    struct behind *w = ctx;
    (void)value;
    assert_true(is_behind(key, w->after));
    w->seen++;
    return true;
}

// A page that leaves out or repeats an entry is a list that nobody can trust.
static void a_walk_goes_on_behind_any_key(void **state) {
    (void)state;
    uint64_t model[KEYS] = {0};
    struct trie_node *root = NULL;
    for (uint64_t step = 1; step <= 200; step++) {
        uint8_t bytes[3];
        unsigned i = (unsigned)(next_random() % KEYS);
        root = trie_put(root, key_of(i, bytes), blob_new(slice_of(&step, sizeof step)));
        model[i] = step;
    }
    for (unsigned i = 0; i < KEYS; i++) { // also behind keys that are not there
        uint8_t bytes[3], other[3];
        struct behind w = {.after = key_of(i, bytes)};
        size_t want = 0;
        for (unsigned j = 0; j < KEYS; j++)
            want += model[j] && is_behind(key_of(j, other), w.after);
        assert_true(trie_walk_after(root, (struct slice){0}, w.after, check_behind, &w));
        assert_int_equal(w.seen, want);
    }
    trie_unref(root);
}

// The fee of storage_write counts these nodes as NEAR's trie has them: extension, branch and leaf.
static void depth_counts_nodes(void **state) {
    (void)state;
    struct trie_node *root = NULL;
    assert_int_equal(trie_depth(root, SLICE_LIT("ab")), 0);
    root = trie_put(root, SLICE_LIT("ab"), blob_new(SLICE_LIT("1")));
    assert_int_equal(trie_depth(root, SLICE_LIT("ab")), 1);
    root = trie_put(root, SLICE_LIT("ac"), blob_new(SLICE_LIT("2"))); // extension, branch, two leaves
    assert_int_equal(trie_depth(root, SLICE_LIT("ab")), 3);
    assert_int_equal(trie_depth(root, SLICE_LIT("ad")), 2);
    assert_int_equal(trie_depth(root, SLICE_LIT("zz")), 1);
    trie_unref(root);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(random_changes_match_a_list),
    cmocka_unit_test(a_walk_goes_on_behind_any_key),
    cmocka_unit_test(depth_counts_nodes),
};
RUN_TESTS(tests)
