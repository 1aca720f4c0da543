// SPDX-License-Identifier: Apache-2.0
// Two real quotes, one byte changed at each place, or cut off at each length: never a crash, never a status. The same
// of the collateral at a sample of places.
#include "dcap/vectors_test.h"

struct subject {
    const char *quote, *collateral;
    uint64_t at;
};
static const struct subject subjects[] = {
    {"qvl_tdx_v4_b0c06f.quote.bin", "qvl_tdx_v4_b0c06f.collateral.json", 1751624191},
    {"qvl_sgx_v3_00a067110000.quote.bin", "qvl_sgx_v3_00a067110000.collateral.json", 1751624924},
};
static _Alignas(8) uint8_t memory[DCAP_MEMORY], scratch[DCAP_MEMORY];

// Parts are verified once, so that each of thousands of changes costs little.
static void open_parts(struct arena *a, struct dcap_parts *parts, struct dcap_trust *trust, const struct subject *s) {
    struct dcap_collateral c = vector_collateral(a, s->collateral);
    struct dcap_arena arena = {memory, sizeof memory, 0};
    struct dcap_fault f;
    dcap_trust_intel(trust);
    if (!dcap_collateral_verify(parts, &c, trust, s->at, &arena, &f))
        fail_msg("%s: %s", s->collateral, dcap_code_name(f.code));
}

static bool holds(struct bytes quote, const struct dcap_parts *parts, struct dcap_trust *trust, uint64_t at,
                  struct dcap_fault *f) {
    struct dcap_arena arena = {scratch, sizeof scratch, 0};
    struct dcap_verdict v;
    bool ok = dcap_verify(&v, quote, parts, trust, at, &arena, f);
    if (ok != (v.judgement.status != DCAP_NONE))
        fail_msg("a status without a verdict, or the other way round");
    return ok;
}

// Where the quote ends; what is behind it is nobody's.
static size_t end_of(struct bytes quote) {
    struct dcap_quote q;
    struct dcap_fault f;
    assert_true(dcap_quote_parse(&q, quote, &f));
    return quote.len - q.trailing;
}

static void each_byte_of_a_quote(void **state) {
    (void)state;
    static const uint8_t changes[] = {0x01, 0x80, 0xff};
    for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++) {
        SCOPED_ARENA(a);
        struct dcap_parts parts;
        struct dcap_trust trust;
        struct dcap_fault f;
        struct bytes real = vector_quote(a, subjects[i].quote);
        size_t end = end_of(real);
        uint8_t *quote = arena_alloc(a, end);
        memcpy(quote, real.ptr, end);
        open_parts(a, &parts, &trust, &subjects[i]);
        assert_true(holds((struct bytes){quote, end}, &parts, &trust, subjects[i].at, &f));
        for (size_t at = 0; at < end; at++) {
            struct dcap_trust fresh = trust;
            quote[at] ^= changes[at % sizeof changes];
            if (holds((struct bytes){quote, end}, &parts, &fresh, subjects[i].at, &f))
                fail_msg("%s holds with byte %zu changed", subjects[i].quote, at);
            quote[at] ^= changes[at % sizeof changes];
        }
        assert_true(holds((struct bytes){quote, end}, &parts, &trust, subjects[i].at, &f));
    }
}

static void each_length_of_a_quote(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++) {
        SCOPED_ARENA(a);
        struct dcap_parts parts;
        struct dcap_trust trust;
        struct dcap_fault f;
        struct bytes real = vector_quote(a, subjects[i].quote);
        size_t end = end_of(real);
        open_parts(a, &parts, &trust, &subjects[i]);
        for (size_t len = 0; len < end; len++) {
            // Memory of this size, so that a sanitizer sees who reads behind it.
            uint8_t *cut = malloc(len ? len : 1);
            assert_non_null(cut);
            memcpy(cut, real.ptr, len);
            if (holds((struct bytes){cut, len}, &parts, &trust, subjects[i].at, &f))
                fail_msg("%s holds with %zu bytes", subjects[i].quote, len);
            assert_int_equal(dcap_code_class(f.code), DCAP_UNCHECKABLE);
            free(cut);
        }
    }
}

// Also the quote's end alone: bytes behind it change nothing, whatever they are.
static void bytes_behind(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct dcap_parts parts;
    struct dcap_trust trust;
    struct dcap_fault f;
    struct bytes real = vector_quote(a, subjects[0].quote);
    uint8_t *quote = arena_alloc(a, real.len);
    memcpy(quote, real.ptr, real.len);
    open_parts(a, &parts, &trust, &subjects[0]);
    for (size_t at = end_of(real); at < real.len; at++)
        quote[at] ^= 0xa5;
    assert_true(holds((struct bytes){quote, real.len}, &parts, &trust, subjects[0].at, &f));
}

// A signature's other form (n - s for s) is as good as the first: a quote's bytes, and so their hash, are no name for
// it.
static void the_other_signature(void **state) {
    (void)state;
    static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
                                      0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
                                      0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
    SCOPED_ARENA(a);
    struct dcap_parts parts;
    struct dcap_trust trust;
    struct dcap_fault f;
    struct bytes real = vector_quote(a, subjects[0].quote);
    uint8_t *quote = arena_alloc(a, real.len), *s = quote + 636 + 32;
    memcpy(quote, real.ptr, real.len);
    open_parts(a, &parts, &trust, &subjects[0]);
    for (int i = 31, borrow = 0; i >= 0; i--) {
        int left = order[i] - s[i] - borrow;
        borrow = left < 0;
        s[i] = (uint8_t)left;
    }
    assert_memory_not_equal(quote, real.ptr, real.len);
    assert_true(holds((struct bytes){quote, real.len}, &parts, &trust, subjects[0].at, &f));
}

// A byte of the collateral object: either it is one that nothing depends on (a blank of JSON, the case of a digit), or
// the verification fails.
static void bytes_of_collateral(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++) {
        SCOPED_ARENA(a);
        struct slice real = vector_bytes(a, subjects[i].collateral);
        struct bytes quote = vector_quote(a, subjects[i].quote);
        uint8_t *text = arena_alloc(a, real.len);
        for (size_t at = i; at < real.len; at += 13) {
            struct dcap_collateral c;
            struct dcap_verdict v;
            struct dcap_fault f;
            struct dcap_trust trust;
            memcpy(text, real.ptr, real.len);
            uint8_t was = text[at];
            text[at] ^= 0x01;
            dcap_trust_intel(&trust);
            if (!dcap_collateral_read(&c, text, real.len, &f))
                continue;
            if (vector_verify(&v, quote, &c, subjects[i].at, &trust, memory, &f))
                fail_msg("%s holds with byte %zu ('%c') changed", subjects[i].collateral, at, was);
        }
    }
}

// Lent memory of any size: a verdict or NO_MEMORY (or PEM_FORMAT, where a chain did not fit), and nothing behind it is
// written.
static void any_memory(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct dcap_collateral c = vector_collateral(a, subjects[0].collateral);
    struct bytes quote = vector_quote(a, subjects[0].quote);
    bool held = false;
    for (size_t size = 0; size < 40000; size += 96) {
        uint8_t *lent = malloc(size ? size : 1);
        struct dcap_arena arena = {lent, size, 0};
        struct dcap_parts parts;
        struct dcap_trust trust;
        struct dcap_verdict v;
        struct dcap_fault f = {.code = DCAP_OK};
        assert_non_null(lent);
        dcap_trust_intel(&trust);
        held = dcap_collateral_verify(&parts, &c, &trust, subjects[0].at, &arena, &f) &&
               dcap_verify(&v, quote, &parts, &trust, subjects[0].at, &arena, &f);
        if (!held)
            assert_int_equal(dcap_code_class(f.code), DCAP_UNCHECKABLE);
        free(lent);
        if (held)
            break;
    }
    assert_true(held);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(each_byte_of_a_quote), cmocka_unit_test(each_length_of_a_quote),
    cmocka_unit_test(bytes_behind),         cmocka_unit_test(bytes_of_collateral),
    cmocka_unit_test(any_memory),           cmocka_unit_test(the_other_signature),
};
RUN_TESTS(tests)
