// SPDX-License-Identifier: Apache-2.0
#include "worker/settler.h"

#include "base/file.h"
#include "base/test.h"
#include <stdlib.h>

#define EARLIER 300 // more than are under way at a time

static struct submission *submission(uint64_t request_id) {
    const struct task t = {.contract_id = "c.near", .request_id = request_id, .sender_id = "s.near"};
    return submission_new(&t, NULL, "token", NULL, json_object());
}

// If this fails, a lease thread that is late writes to what a stopping worker has freed.
static void test_added_late(void **state) {
    (void)state;
    struct worker w = {.abandon = true};
    struct settler *s;
    struct err e;
    assert_ok(settler_start(&s, &w, &e), &e);
    assert_true(settler_stop(s, 60000));
    assert_false(settler_has(s, "c.near", 5));
    settler_add(s, submission(5));
    assert_true(settler_has(s, "c.near", 5));
    assert_false(settler_has(s, "d.near", 5));
    settler_free(s);
}

static void write_entries(const char *dir, struct arena *a) {
    SCOPED_JSON(report) = json_object();
    struct err e;
    for (uint64_t id = 0; id < EARLIER; id++) {
        const struct journal_entry n = {.contract_id = "c.near",
                                        .request_id = id,
                                        .token = "token",
                                        .signer_id = "o.near",
                                        .public_key = "ed25519:abc",
                                        .sender_id = "s.near",
                                        .hash = "hash",
                                        .bytes = slice_of("tx", 2),
                                        .report = report};
        assert_ok(journal_write(dir, a, &n, &e), &e);
    }
}

// If this fails, a worker that had much under way cannot be started while the chain does not answer.
static void test_recovers_without_waiting(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    char home[] = "/tmp/outlayer-settler-XXXXXX";
    struct worker w = {.abandon = true};
    struct settler *s;
    struct secret_key key;
    const struct account_id operator= {.s = "o.near"};
    struct err e;
    assert_non_null(mkdtemp(home));
    assert_ok(journal_open(a, home, &w.set.pending_dir, &e), &e);
    write_entries(w.set.pending_dir, a);
    secret_key_generate(&key);
    assert_ok(sender_new(&w.sender, NULL, &operator, & key, &e), &e);
    assert_ok(settler_start(&s, &w, &e), &e);
    assert_true(settler_stop(s, 60000)); // so that nobody takes one
    assert_ok(settler_recover(s, &e), &e);
    assert_true(settler_has(s, "c.near", 0));
    assert_true(settler_has(s, "c.near", EARLIER - 1));
    settler_free(s);
    sender_free(w.sender);
    assert_ok(file_remove_tree(home, &e), &e);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_added_late),
                                          cmocka_unit_test(test_recovers_without_waiting)};
RUN_TESTS(tests)
