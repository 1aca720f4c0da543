// SPDX-License-Identifier: Apache-2.0
#include "base/test.h"

#include "crypto/hash.h"

// The hash is not SHA-256 (vector: FIPS 180-4, "abc"), or hashing in pieces gives something else.
static void sha256_known_answer(void **state) {
    (void)state;
    char hex[65];
    struct hash h = sha256(SLICE_LIT("abc"));
    assert_string_equal(hash_hex(&h, hex), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    struct sha256 s;
    sha256_init(&s);
    sha256_add(&s, SLICE_LIT("a"));
    sha256_add(&s, SLICE_LIT("bc"));
    struct hash again = sha256_end(&s);
    assert_true(hash_eq(&h, &again));
    h = sha256(slice_of(NULL, 0));
    assert_string_equal(hash_hex(&h, hex), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

// A hash does not survive its text forms.
static void text_forms(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e;
    struct hash h, back;
    char hex[65];
    for (int i = 0; i < 100; i++) {
        random_bytes(&h, sizeof h);
        if (i % 3 == 0)
            memset(h.b, 0, (size_t)i % 32);
        assert_ok(hash_from_hex(&back, slice_str(hash_hex(&h, hex)), &e), &e);
        assert_true(hash_eq(&h, &back));
        assert_ok(hash_from_base58(&back, slice_str(hash_base58(a, &h)), &e), &e);
        assert_true(hash_eq(&h, &back));
    }
    memset(&h, 0, sizeof h);
    assert_true(hash_is_zero(&h));
    assert_string_equal(hash_base58(a, &h), "11111111111111111111111111111111");
    assert_false(secret_eq(SLICE_LIT("a"), SLICE_LIT("b")));
    assert_true(secret_eq(SLICE_LIT("a"), SLICE_LIT("a")));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(sha256_known_answer),
    cmocka_unit_test(text_forms),
};
RUN_TESTS(tests)
