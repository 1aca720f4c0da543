// SPDX-License-Identifier: Apache-2.0
#include "devnet/persist.h"

#include "base/file.h"
#include "base/test.h"

static char folder[] = "/tmp/persist-test-XXXXXX";

static int make(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/persist-test-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}
static int drop(void **state) {
    (void)state;
    return file_remove_tree(folder, NULL) ? 0 : -1;
}

static struct hash hash_of(uint8_t n) {
    struct hash h = {{0}};
    h.b[0] = n;
    return h;
}

static bool add(struct persist *p, uint64_t height, uint64_t keep, struct err *e) {
    struct persist_change changes[] = {{SLICE_LIT("a"), slice_of(&height, sizeof height), false},
                                       {SLICE_LIT("b"), SLICE_LIT("x"), height % 2 == 0}};
    struct persist_name names[] = {{PERSIST_BLOCK, hash_of((uint8_t)height), 0}, {PERSIST_TX, hash_of(200), 9}};
    struct persist_block b = {height, SLICE_LIT("head"),  SLICE_LIT("{\"n\":1}"), changes, 2,
                              names,  height == 7 ? 2 : 1};
    return persist_write(p, &b, keep, e);
}

static bool count(void *ctx, struct slice key, struct slice value, struct err *e) {
    (void)e;
    (void)key;
    *(size_t *)ctx += value.len;
    return true;
}

// What was written is there after closing and opening, and nothing else is.
static void test_reopen(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct persist *p;
    struct err e;
    bool any, found;
    uint64_t low, high;
    struct persist_place at;
    assert_ok(persist_open(&p, folder, "devnet", &e), &e);
    assert_ok(persist_range(p, &any, &low, &high, &e), &e);
    assert_false(any);
    for (uint64_t h = 5; h <= 8; h++)
        assert_ok(add(p, h, 0, &e), &e);
    persist_close(p);
    assert_ok(persist_open(&p, folder, "devnet", &e), &e);
    assert_ok(persist_range(p, &any, &low, &high, &e), &e);
    assert_true(any && low == 5 && high == 8);
    size_t bytes = 0;
    assert_ok(persist_state(p, count, &bytes, &e), &e);
    assert_int_equal(bytes, 8); // "b" was removed by block 8
    struct hash tx = hash_of(200), none = hash_of(99);
    assert_ok(persist_find(p, PERSIST_TX, &tx, &at, &e), &e);
    assert_true(at.found && at.height == 7 && at.position == 9);
    assert_ok(persist_find(p, PERSIST_RECEIPT, &tx, &at, &e), &e);
    assert_false(at.found);
    assert_ok(persist_find(p, PERSIST_TX, &none, &at, &e), &e);
    assert_false(at.found);
    struct slice head, body;
    assert_ok(persist_read(p, 6, a, &found, &head, &body, &e), &e);
    assert_true(found);
    assert_slice(head, "head");
    assert_slice(body, "{\"n\":1}");
    assert_ok(persist_read(p, 9, a, &found, &head, &body, &e), &e);
    assert_false(found);
    persist_close(p);
}

// A block that cannot be written changes nothing: half a block would be a state that never was.
static void test_whole_or_nothing(void **state) {
    (void)state;
    struct persist *p;
    struct err e;
    assert_ok(persist_open(&p, folder, "devnet", &e), &e);
    assert_ok(add(p, 1, 0, &e), &e);
    struct persist_change change = {SLICE_LIT("a"), SLICE_LIT("a longer value"), false};
    struct persist_block again = {1, SLICE_LIT(""), SLICE_LIT("{}"), &change, 1, NULL, 0}; // the height is taken
    assert_err(persist_write(p, &again, 0, &e), &e, ERR_CONFLICT, "cannot write the chain's database");
    size_t bytes = 0;
    assert_ok(persist_state(p, count, &bytes, &e), &e);
    assert_int_equal(bytes, 9);
    assert_ok(add(p, 2, 0, &e), &e);
    persist_close(p);
}

// Old blocks go, the newest `keep` stay; otherwise the file of a chain that runs for weeks fills the disk.
static void test_forget(void **state) {
    (void)state;
    struct persist *p;
    struct err e;
    bool any;
    uint64_t low, high;
    struct persist_place at;
    assert_ok(persist_open(&p, folder, "devnet", &e), &e);
    for (uint64_t h = 1; h <= 200; h++)
        assert_ok(add(p, h, 10, &e), &e);
    assert_ok(persist_range(p, &any, &low, &high, &e), &e);
    assert_true(any && low == 191 && high == 200);
    struct hash old = hash_of(100), new = hash_of(195);
    assert_ok(persist_find(p, PERSIST_BLOCK, &old, &at, &e), &e);
    assert_false(at.found);
    assert_ok(persist_find(p, PERSIST_BLOCK, &new, &at, &e), &e);
    assert_true(at.found);
    persist_close(p);
}

// A home of another chain or of a newer program must not be overwritten.
static void test_refused(void **state) {
    (void)state;
    struct persist *p;
    struct err e;
    assert_ok(persist_open(&p, folder, "devnet", &e), &e);
    persist_close(p);
    assert_err(persist_open(&p, folder, "other", &e), &e, ERR_CONFLICT, "holds the chain 'devnet', not 'other'");
    assert_null(p);
    assert_err(persist_open(&p, "/nonexistent/folder", "devnet", &e), &e, ERR_IO, "cannot open");
}

#define WITH_FOLDER(t) cmocka_unit_test_setup_teardown(t, make, drop)
static const struct CMUnitTest group[] = {WITH_FOLDER(test_reopen), WITH_FOLDER(test_whole_or_nothing),
                                          WITH_FOLDER(test_forget), WITH_FOLDER(test_refused)};
RUN_TESTS(group)
