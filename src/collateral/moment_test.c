// SPDX-License-Identifier: Apache-2.0
#include "base/test.h"

#include "collateral/moment.h"

static void moments(void **state) {
    (void)state;
    struct err e;
    uint64_t t;
    char text[MOMENT_TEXT];
    static const struct {
        const char *text;
        uint64_t moment;
        const char *again;
    } good[] = {{"2025-07-01T12:34:56Z", 1751373296, "2025-07-01T12:34:56Z"},
                {"2024-02-29", 1709164800, "2024-02-29T00:00:00Z"},
                {"0", 0, "1970-01-01T00:00:00Z"},
                {"1751373296", 1751373296, "2025-07-01T12:34:56Z"},
                {"253402300799", 253402300799, "9999-12-31T23:59:59Z"}};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_ok(moment_read(&t, good[i].text, &e), &e);
        assert_int_equal(t, good[i].moment);
        assert_string_equal(moment_text(t, text), good[i].again);
    }
    // A chain may say anything.
    assert_string_equal(moment_text(UINT64_MAX, text), "9999-12-31T23:59:59Z");
    static const char *const bad[] = {"",
                                      "tomorrow",
                                      "2025-02-30",
                                      "2025-07-01T12:34:56",
                                      "2025-07-01 12:34:56Z",
                                      "-1",
                                      "253402300800",
                                      "2025-07-01T12:34:56Z and more"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_err(moment_read(&t, bad[i], &e), &e, ERR_USAGE, "is no moment");
}

static void spans(void **state) {
    (void)state;
    char text[MOMENT_TEXT];
    assert_string_equal(span_text(0, text), "0 seconds");
    assert_string_equal(span_text(61, text), "1 minute");
    assert_string_equal(span_text(7200, text), "2 hours");
    assert_string_equal(span_text(27 * DAY_S + 5, text), "27 days");
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(moments), cmocka_unit_test(spans)};
RUN_TESTS(tests)
