// SPDX-License-Identifier: Apache-2.0
#include "worker/contract_view.h"

#include "base/clock.h"
#include "base/test.h"
#include "worker/completions.h"
#include "worker/digest.h"
#include <pthread.h>

#define SECOND 1000000000ull

static struct window window_at(bool has_height, uint64_t height, uint64_t timestamp_ns, uint64_t extended_ns) {
    const struct rpc_block head = {.height = 1000, .timestamp_ns = 5000 * SECOND};
    const struct yield_start start = {.has_height = has_height,
                                      .extended = extended_ns,
                                      .height = height,
                                      .timestamp_ns = timestamp_ns,
                                      .extended_ns = extended_ns == UINT64_MAX ? 0 : extended_ns};
    return window_of(&start, &head);
}

// If this fails, a worker begins what cannot reach the chain in time, or gives up what can.
static void test_window(void **state) {
    (void)state;
    assert_int_equal(window_at(true, 1000, 5000 * SECOND, 0).left_ms, 120000);
    struct window w = window_at(true, 900, 4990 * SECOND, 0); // 100 blocks in 10 s
    assert_int_equal(w.block_ms, 100);
    assert_int_equal(w.left_ms, 10000);
    w = window_at(true, 900, 5000 * SECOND, 0); // 100 blocks in no time
    assert_int_equal(w.left_ms, 100);
    w = window_at(true, 900, 4800 * SECOND, 0); // 2 s a block: they may come faster again
    assert_int_equal(w.left_ms, 60000);
    assert_int_equal(window_at(true, 800, 4880 * SECOND, 0).left_ms, 0);
    assert_int_equal(window_at(true, 1, 4880 * SECOND, 0).left_ms, 0);
    assert_int_equal(window_at(false, 0, 4940 * SECOND, 0).left_ms, 60000);
    assert_int_equal(window_at(false, 0, 1 * SECOND, 0).left_ms, 0);
    assert_int_equal(window_at(true, 2000, 5001 * SECOND, 0).left_ms, 120000); // a head that lags behind
    // Extended 5 s ago, at 100 ms a block and at a pace that is not known.
    assert_int_equal(window_at(true, 500, 4950 * SECOND, 4995 * SECOND).left_ms, 15000);
    assert_int_equal(window_at(false, 0, 1 * SECOND, 4995 * SECOND).left_ms, 115000);
    assert_int_equal(window_at(true, 500, 4950 * SECOND, 4980 * SECOND).left_ms, 0);
    assert_int_equal(window_at(true, 500, 4950 * SECOND, UINT64_MAX).left_ms, 5000); // nobody knows when
}

#define EVENT(id, success, failure)                                                                                    \
    "{\"standard\":\"near-outlayer\",\"version\":\"1.0.0\",\"event\":\"execution_completed\",\"data\":[{\"sender_"     \
    "id\":"                                                                                                            \
    "\"s.near\",\"resources_used\":{\"instructions\":5,\"time_ms\":6,\"compile_time_ms\":null},\"success\":" success   \
    ",\"error_message\":null,\"payment_charged\":\"1000000000000000000000\",\"payment_refunded\":\"9\",\"request_"     \
    "id\":" id ",\"failure\":" failure ",\"output_hash\":null}]}"

// If this fails, the coordinator is told another end than the chain's.
static void test_settlement(void **state) {
    (void)state;
    struct err e = {0};
    struct settlement s;
    assert_ok(settlement_parse(&s, 7, EVENT("7", "true", "null"), &e), &e);
    assert_true(s.success && s.charged == NEAR_ONE / 1000 && s.refunded == 9);
    assert_int_equal(s.instructions, 5);
    assert_string_equal(s.failure, "");
    assert_ok(settlement_parse(&s, 7, EVENT("7", "false", "\"build\""), &e), &e);
    assert_string_equal(s.failure, "build");
    assert_err(settlement_parse(&s, 8, EVENT("7", "true", "null"), &e), &e, ERR_NOT_FOUND, "another request");
    assert_err(settlement_parse(&s, 8, "{\"event\":\"execution_completed\",\"data\":[]}", &e), &e, ERR_INVALID, "data");
    assert_err(settlement_parse(&s, 8, "{\"event\":\"other\",\"data\":[{}]}", &e), &e, ERR_NOT_FOUND,
               "execution_completed");
}

static void *add_later(void *ctx) {
    seen_add(ctx, 7, "tx", EVENT("7", "true", "null"));
    return NULL;
}

// If this fails, a settled answer waits for its time to run out instead of for its event.
static void test_seen(void **state) {
    (void)state;
    struct seen *s = seen_new();
    struct settlement out;
    pthread_t t;
    uint64_t start = clock_mono_ms();
    assert_false(seen_wait(s, 7, 0, &out));
    pthread_create(&t, NULL, add_later, s);
    assert_true(seen_wait(s, 7, 120000, &out));
    pthread_join(t, NULL);
    assert_true(clock_mono_ms() - start < 60000);
    assert_string_equal(out.transaction, "tx");
    seen_add(s, 9, NULL, EVENT("7", "true", "null")); // not its event
    assert_false(seen_wait(s, 9, 0, &out));
    for (int i = 0; i < SEEN_MAX; i++)
        seen_add(s, 8, "tx", EVENT("8", "true", "null"));
    assert_false(seen_wait(s, 7, 0, &out)); // the oldest went
    assert_true(seen_wait(s, 8, 0, &out));
    seen_free(s);
}

static struct digest_parts parts(const struct task *t, const struct answer *n) {
    return (struct digest_parts){.network = "devnet",
                                 .task = t,
                                 .repo = "https://h/o/n",
                                 .commit = "0123456789012345678901234567890123456789",
                                 .build_key = sha256(SLICE_LIT("k")),
                                 .wasm_hash = sha256(SLICE_LIT("w")),
                                 .answer = n};
}

// If this fails, two executions that differ have one digest: the attestation says nothing.
static void test_digest(void **state) {
    (void)state;
    struct task t = {.contract_id = "c.near",
                     .request_id = 5,
                     .sender_id = "s.near",
                     .repo = "h/o/n",
                     .ref = "main",
                     .target = "wasm32-wasip1",
                     .limits = {1, 2, 3},
                     .input = SLICE_LIT("in"),
                     .context = {.has_height = true, .block_height = 9}};
    struct answer n = {.output = SLICE_LIT("out"), .instructions = 4};
    struct digest_parts p = parts(&t, &n);
    struct hash first = attestation_digest(&p), other = attestation_digest(&p);
    assert_true(hash_eq(&first, &other));
#define DIFFERS(change, back)                                                                                          \
    do {                                                                                                               \
        change;                                                                                                        \
        other = attestation_digest(&p);                                                                                \
        assert_false(hash_eq(&first, &other));                                                                         \
        back;                                                                                                          \
        other = attestation_digest(&p);                                                                                \
        assert_true(hash_eq(&first, &other));                                                                          \
    } while (0)
    DIFFERS(t.request_id = 6, t.request_id = 5);
    DIFFERS(t.sender_id = "t.near", t.sender_id = "s.near");
    DIFFERS(t.input = SLICE_LIT("i"), t.input = SLICE_LIT("in"));
    DIFFERS(t.limits.max_memory_mb = 4, t.limits.max_memory_mb = 2);
    DIFFERS(t.context.block_height = 8, t.context.block_height = 9);
    DIFFERS(p.data_id.b[3] = 1, p.data_id.b[3] = 0);
    static const struct secrets_ref some = {"p", "a.near"}, other_profile = {"q", "a.near"}, others = {"p", "b.near"};
    DIFFERS(t.secrets = some, t.secrets = (struct secrets_ref){0});
    t.secrets = some;
    first = attestation_digest(&p);
    DIFFERS(t.secrets = other_profile, t.secrets = some);
    DIFFERS(t.secrets = others, t.secrets = some);
    DIFFERS(n.output = SLICE_LIT("ou"), n.output = SLICE_LIT("out"));
    DIFFERS(n.instructions = 5, n.instructions = 4);
    DIFFERS(n.class = ANSWER_GUEST, n.class = ANSWER_SUCCESS);
    DIFFERS(p.network = "mainnet", p.network = "devnet");
    DIFFERS(p.commit = NULL, p.commit = "0123456789012345678901234567890123456789");
    DIFFERS(p.wasm_hash.b[0] ^= 1, p.wasm_hash.b[0] ^= 1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_window),
    cmocka_unit_test(test_settlement),
    cmocka_unit_test(test_seen),
    cmocka_unit_test(test_digest),
};
RUN_TESTS(tests)
