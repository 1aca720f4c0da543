// SPDX-License-Identifier: Apache-2.0
#include "worker/journal.h"

#include "base/file.h"
#include "base/test.h"
#include "crypto/hash.h"
#include <stdlib.h>

static char home[] = "/tmp/outlayer-journal-XXXXXX";

static struct journal_entry entry(const json_t *report) {
    return (struct journal_entry){.contract_id = "c.near",
                                  .request_id = 9223372036854775807ull,
                                  .data_id = sha256(SLICE_LIT("d")),
                                  .token = "token",
                                  .signer_id = "o.near",
                                  .public_key = "ed25519:abc",
                                  .sender_id = "s.near",
                                  .repo = "r",
                                  .ref = "main",
                                  .target = "wasm32-wasip1",
                                  .has_height = true,
                                  .block_height = 99,
                                  .hash = "hash",
                                  .nonce = 7,
                                  .bytes = slice_of("\0\1\2", 3),
                                  .report = report};
}

// If this fails, a worker that comes back does not know what it sent, and pays again or not at all.
static void test_round_trip(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e = {0};
    const char *dir, **paths;
    size_t count;
    SCOPED_JSON(report) = json_pack("{s:s}", "outcome", "success");
    struct journal_entry in = entry(report), out;
    assert_ok(journal_open(a, home, &dir, &e), &e);
    assert_ok(journal_write(dir, a, &in, &e), &e);
    in.nonce = 8; // the same request again replaces it
    assert_ok(journal_write(dir, a, &in, &e), &e);
    assert_ok(journal_list(dir, a, &paths, &count, &e), &e);
    assert_int_equal(count, 1);
    SCOPED_JSON(got) = NULL;
    assert_ok(journal_read(&out, &got, a, paths[0], &e), &e);
    assert_string_equal(out.contract_id, "c.near");
    assert_true(out.request_id == in.request_id && out.nonce == 8 && out.has_height && out.block_height == 99);
    assert_true(hash_eq(&out.data_id, &in.data_id));
    assert_string_equal(out.hash, "hash");
    assert_true(slice_eq(out.bytes, in.bytes));
    assert_null(out.request_transaction);
    assert_string_equal(out.repo, "r");
    assert_string_equal(out.ref, "main");
    assert_string_equal(out.target, "wasm32-wasip1");
    assert_string_equal(json_string_value(json_object_get(got, "outcome")), "success");
    journal_remove(dir, a, "other.near", in.request_id);
    assert_ok(journal_list(dir, a, &paths, &count, &e), &e);
    assert_int_equal(count, 1);
    journal_remove(dir, a, "c.near", in.request_id);
    journal_remove(dir, a, "c.near", in.request_id); // a second time is fine
    assert_ok(journal_list(dir, a, &paths, &count, &e), &e);
    assert_int_equal(count, 0);
}

// If this fails, half a file is taken for a transaction.
static void test_damage(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e = {0};
    const char *dir, **paths;
    size_t count;
    SCOPED_JSON(report) = json_object();
    struct journal_entry in = entry(report), out;
    assert_ok(journal_open(a, home, &dir, &e), &e);
    assert_ok(journal_write(dir, a, &in, &e), &e);
    assert_ok(journal_list(dir, a, &paths, &count, &e), &e);
    struct slice text;
    assert_ok(file_read(a, paths[0], 1u << 20, &text, &e), &e);
    for (size_t len = 0; len < text.len; len++) {
        json_t *got;
        if (journal_parse(&out, &got, a, slice_of(text.ptr, len), &e))
            fail_msg("the first %zu bytes are taken for the whole", len);
        assert_null(got);
    }
    journal_remove(dir, a, "c.near", in.request_id);
}

static int before(void **state) {
    (void)state;
    return mkdtemp(home) ? 0 : -1;
}
static int after(void **state) {
    (void)state;
    struct err e;
    return file_remove_tree(home, &e) ? 0 : -1;
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip), cmocka_unit_test(test_damage)};
int main(void) { return cmocka_run_group_tests(tests, before, after); }
