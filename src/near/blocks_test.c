// SPDX-License-Identifier: Apache-2.0
#include "near/blocks.h"

#include "base/file.h"
#include "base/test.h"

static bool parse(struct arena *a, const char *seed, struct block_logs *out, struct err *e) {
    struct slice body;
    const char *path = arena_printf(a, "src/near/seeds/blocks/%s", seed);
    if (!file_read(a, path, BLOCK_BODY_MAX, &body, e))
        fail_msg("%s: %s", path, e->msg);
    return block_logs_parse(out, a, body, "outlayer.near", e);
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

// What is not looked at may hold anything: brackets in texts, other contracts' logs, a member of the same name further
// inside. If this fails, a request in a busy block is not seen, or somebody else's is.
static void test_looks_past_the_rest(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct block_logs b;
    struct err e;
    static const char body[] =
        " {\"x\" : [1, -2.5e3, {\"shards\": [\"]}\\\"{\"]}], \"block\":{\"header\":{\"height\":9,\"timestamp_nanosec\":"
        "\"3\"},\"y\":\"}\\\\\"},\n\"shards\":[{\"state_changes\":[{\"a\":\"c.near\"}]}, "
        "{\"receipt_execution_outcomes\":["
        "{\"execution_outcome\":{\"outcome\":{\"executor_id\":\"d.near\",\"logs\":[\"c.near\"],\"status\":{"
        "\"SuccessValue\":"
        "\"\"}}}}, "
        "{\"execution_outcome\":{\"id\":\"R\",\"outcome\":{\"executor_id\":\"c.near\",\"logs\":[\"one\",\"]\"],"
        "\"status\":{\"SuccessValue\":\"\"}}}}]}]}\n";
    assert_ok(block_logs_parse(&b, a, slice_str(body), "c.near", &e), &e);
    assert_int_equal(b.height, 9);
    assert_int_equal(b.log_count, 2);
    assert_slice(b.logs[0].text, "one");
    assert_slice(b.logs[1].text, "]");
    for (size_t n = 0; n + 2 < sizeof body - 1; n++) // cut off anywhere it is no block
        if (block_logs_parse(&b, a, slice_of(body, n), "c.near", &e))
            fail_msg("%zu bytes are a block", n);
    static const char *const bad[] = {
        "{}",
        "[]",
        "{\"block\":{},\"shards\":[]} x",
        "{\"block\":{}\"shards\":[]}",
        "{\"block\":{\"header\":{\"height\":1,\"timestamp_nanosec\":\"1\"}},\"shards\":{}}",
        "{\"block\":{\"header\":{\"height\":1,\"timestamp_nanosec\":\"1\"}},\"shards\":[],\"shards\":[]}",
        "{\"block\":,\"shards\":[]}"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (block_logs_parse(&b, a, slice_str(bad[i]), "c.near", &e))
            fail_msg("'%s' is a block", bad[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_logs), cmocka_unit_test(test_skipped_and_bad),
                                       cmocka_unit_test(test_looks_past_the_rest)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
