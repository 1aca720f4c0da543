// SPDX-License-Identifier: Apache-2.0
#include "near/blocks.h"

#include "base/file.h"
#include "base/test.h"

static bool parse(struct arena *a, const char *seed, struct block_logs *out, struct err *e) {
    struct slice body;
    const char *path = arena_printf(a, "src/near/seeds/blocks/%s", seed);
    if (!file_read(a, path, BLOCK_BODY_MAX, &body, e))
        fail_msg("%s: %s", path, e->msg);
    return block_logs_parse(a, body, "outlayer.near", out, e);
}

// Logs of the contract's own successful receipts, with what stands around them; never those of failed receipts, whose
// requests do not exist.
static void test_logs(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct block_logs b;
    struct err e;
    assert_ok(parse(a, "one_log", &b, &e), &e);
    assert_int_equal(b.height, 5);
    assert_true(b.timestamp_ns == 1767225600000000001ull);
    assert_int_equal(b.log_count, 2);
    assert_slice(b.logs[0].text, "hello");
    assert_string_equal(b.logs[1].tx_hash, "TX");
    assert_string_equal(b.logs[1].receipt_id, "RID");
    assert_string_equal(b.logs[1].predecessor_id, "client.near");
    assert_string_equal(b.logs[1].signer_id, "a.near");
    assert_int_equal(b.logs[1].gas_burnt, 5);
}

// A skipped height is none that is missing: the scan goes on.
static void test_skipped_and_bad(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct block_logs b;
    struct err e;
    assert_ok(parse(a, "skipped", &b, &e), &e);
    assert_true(b.skipped);
    assert_ok(parse(a, "empty", &b, &e), &e);
    assert_int_equal(b.log_count, 0);
    assert_err(parse(a, "no_header", &b, &e), &e, ERR_INVALID, "header");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_logs), cmocka_unit_test(test_skipped_and_bad)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
