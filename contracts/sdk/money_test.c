// SPDX-License-Identifier: Apache-2.0
// Amounts: nothing wraps around, and text and number say the same.
#include "base/test.h"
#include "sdk/mock/mock.h"

static struct yocto a, b, result;
static uint64_t times;
METHOD(VIEW, add) { result = yocto_add(a, b); }
METHOD(VIEW, sub) { result = yocto_sub(a, b); }
METHOD(VIEW, mul) { result = yocto_mul(a, times); }

static void gives(const char *what, u128 want) {
    if (!mock_view(what, ""))
        fail_msg("%s: %s", what, mock.error);
    assert_true(result.v == want);
}

static void stops(const char *what, const char *sentence) {
    char want[128];
    assert_false(mock_view(what, ""));
    snprintf(want, sizeof want, "Smart contract panicked: %s", sentence);
    assert_string_equal(mock.error, want);
}

#define MAX YOCTO_MAX.v

// At the edge the last amount is right and the next one stops the call.
static void arithmetic_stops_at_the_edge(void **state) {
    (void)state;
    mock_reset("sdk.near");
    a = YOCTO(MAX - 1), b = YOCTO(1);
    gives("add", MAX);
    b = YOCTO(2);
    stops("add", "An amount is out of range");
    a = YOCTO(5), b = YOCTO(5);
    gives("sub", 0);
    b = YOCTO(6);
    stops("sub", "An amount is out of range");
    a = YOCTO(0), b = YOCTO_MAX;
    stops("sub", "An amount is out of range");
    a = YOCTO((u128)1 << 64), times = UINT64_MAX;
    gives("mul", ((u128)1 << 64) * UINT64_MAX);
    a = YOCTO(((u128)1 << 64) + 1);
    gives("mul", MAX);
    a = YOCTO(((u128)1 << 64) + 2);
    stops("mul", "An amount is out of range");
    a = YOCTO_MAX, times = 0;
    gives("mul", 0);
    times = 1;
    gives("mul", MAX);
    mock_release();
}

// A settlement must not fail: here the largest amount is the answer.
static void capped_arithmetic_stays_at_the_largest(void **state) {
    (void)state;
    assert_true(yocto_add_capped(YOCTO(MAX - 1), YOCTO(1)).v == MAX);
    assert_true(yocto_add_capped(YOCTO_MAX, YOCTO_MAX).v == MAX);
    assert_true(yocto_add_capped(YOCTO(2), YOCTO(3)).v == 5);
    assert_true(yocto_mul_capped(YOCTO_MAX, 2).v == MAX);
    assert_true(yocto_mul_capped(YOCTO_MAX, 0).v == 0);
    assert_true(yocto_mul_capped(YOCTO((u128)1 << 100), UINT64_MAX).v == MAX);
    assert_true(yocto_mul_capped(YOCTO(7), 6).v == 42);
    assert_true(yocto_min(YOCTO(1), YOCTO(2)).v == 1 && yocto_min(YOCTO(2), YOCTO(1)).v == 1);
    assert_true(yocto_less(YOCTO(1), YOCTO(2)) && !yocto_less(YOCTO(2), YOCTO(2)));
}

static void check_text(struct yocto amount, const char *want) {
    char digits[YOCTO_DIGITS];
    struct text t = yocto_text(amount, digits);
    struct yocto back;
    if (t.len != strlen(want) || memcmp(t.ptr, want, t.len) != 0)
        fail_msg("'%.*s', not '%s'", (int)t.len, t.ptr, want);
    assert_true(yocto_parse(&back, t) && back.v == amount.v);
}

// Digits are made nine at a time: each boundary of nine, and zeros inside.
static void amounts_are_written_and_read(void **state) {
    (void)state;
    check_text(YOCTO(0), "0");
    check_text(YOCTO(9), "9");
    check_text(YOCTO(10), "10");
    check_text(YOCTO(MILLI_NEAR), "1000000000000000000000");
    check_text(YOCTO(1000 * MILLI_NEAR + 1), "1000000000000000000000001");
    check_text(YOCTO_MAX, "340282366920938463463374607431768211455");
    char tens[YOCTO_DIGITS + 1] = "1", nines[YOCTO_DIGITS + 1] = "";
    u128 power = 1;
    for (size_t i = 1; i < YOCTO_DIGITS; i++) {
        power *= 10;
        tens[i] = '0';
        nines[i - 1] = '9';
        check_text(YOCTO(power), tens);
        check_text(YOCTO(power - 1), nines);
    }
}

// Only digits, at least one, in range: an amount misread is money lost.
static void foreign_amounts_are_checked(void **state) {
    (void)state;
    static const char *const bad[] = {"",
                                      "-1",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "1.0",
                                      "1e3",
                                      "0x1",
                                      "1_000",
                                      "a",
                                      "/",
                                      ":",
                                      "340282366920938463463374607431768211456",
                                      "999999999999999999999999999999999999999",
                                      "1000000000000000000000000000000000000000"};
    struct yocto out = YOCTO(7);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (yocto_parse(&out, text_of(bad[i])))
            fail_msg("'%s' was read as an amount", bad[i]);
    assert_true(out.v == 7); // untouched
    assert_false(yocto_parse(&out, (struct text){"1\0", 2}));
    assert_true(yocto_parse(&out, TEXT("000000000000000000000000000000000000005")) && out.v == 5);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(arithmetic_stops_at_the_edge),
    cmocka_unit_test(capped_arithmetic_stays_at_the_largest),
    cmocka_unit_test(amounts_are_written_and_read),
    cmocka_unit_test(foreign_amounts_are_checked),
};
RUN_TESTS(tests)
