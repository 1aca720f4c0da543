// SPDX-License-Identifier: Apache-2.0
#include "protocol/build_record.h"

#include "base/test.h"

// If this fails, a build of somebody else could be slipped in, or our own is not believed.
static void test_record(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e = {0};
    struct secret_key key;
    uint8_t seed[32] = {1};
    secret_key_from_seed(&key, seed);
    struct build_record r = {.build_key = sha256(SLICE_LIT("k")),
                             .wasm_hash = sha256(SLICE_LIT("w")),
                             .repo = "https://h/o/n",
                             .commit = "0123456789012345678901234567890123456789",
                             .target = "wasm32-wasip1",
                             .toolchain = "abc",
                             .built_at = 1790000000,
                             .build_ms = 1234,
                             .lock_hash = sha256(SLICE_LIT("l")),
                             .lock_made = 1789999999};
    record_sign(&r, &key);
    assert_true(record_signature_good(&r));
    SCOPED_JSON(j) = record_json(a, &r);
    struct build_record got;
    assert_ok(record_parse(&got, a, j, &e), &e);
    assert_true(record_signature_good(&got) && hash_eq(&got.wasm_hash, &r.wasm_hash));
    assert_string_equal(got.commit, r.commit);
    got.build_ms++;
    assert_false(record_signature_good(&got));
    got.build_ms--;
    got.wasm_hash.b[0] ^= 1;
    assert_false(record_signature_good(&got));
    got.wasm_hash.b[0] ^= 1;
    assert_true(record_signature_good(&got));
    got.lock_hash.b[31] ^= 1;
    assert_false(record_signature_good(&got));
    got.lock_hash.b[31] ^= 1;
    got.lock_made--;
    assert_false(record_signature_good(&got));
    json_set_text(j, "signature", "AAAA");
    assert_err(record_parse(&got, a, j, &e), &e, ERR_INVALID, "signature");
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_record)};
RUN_TESTS(tests)
