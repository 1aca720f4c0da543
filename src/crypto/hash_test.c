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

#define SLOTS 4096
#define SLOT_MOST 16 // of 5,000 names that are thrown at 4,096 slots, more than 16 meet in one by less than a millionth

static unsigned fullest(const unsigned slots[static SLOTS]) {
    unsigned most = 0;
    for (size_t i = 0; i < SLOTS; i++)
        most = slots[i] > most ? slots[i] : most;
    return most;
}

// If this fails, a stranger who counts names up has them all in one place of a table, where each is compared.
static void names_alike_lie_apart(void **state) {
    (void)state;
    unsigned by_end[SLOTS] = {0}, by_start[SLOTS] = {0}, by_number[SLOTS] = {0};
    for (unsigned i = 0; i < 5000; i++) {
        char end[24], start[24];
        int len = snprintf(end, sizeof end, "made-up-%c%c", (char)(i / 256), (char)(i % 256));
        snprintf(start, sizeof start, "%04u-made-up", i);
        by_end[table_hash(slice_of(end, (size_t)len), 0) % SLOTS]++;
        by_start[table_hash(slice_str(start), 0) % SLOTS]++;
        by_number[table_hash(SLICE_LIT("a.near"), (uint64_t)i << 20) % SLOTS]++;
    }
    assert_in_range(fullest(by_end), 2, SLOT_MOST);
    assert_in_range(fullest(by_start), 2, SLOT_MOST);
    assert_in_range(fullest(by_number), 2, SLOT_MOST);
    assert_true(table_hash(SLICE_LIT("a.near"), 1) == table_hash(SLICE_LIT("a.near"), 1));
    assert_true(table_hash(slice_of(NULL, 0), 0) == table_hash(SLICE_LIT(""), 0));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(sha256_known_answer),
    cmocka_unit_test(text_forms),
    cmocka_unit_test(names_alike_lie_apart),
};
RUN_TESTS(tests)
