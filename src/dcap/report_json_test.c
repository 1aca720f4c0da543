// SPDX-License-Identifier: Apache-2.0
// What reads a report reads it wrongly, or not at all, where commas, escapes or dates are wrong; and what is written
// into lent memory must never leave it.
#include "base/test.h"

#include <string.h>
#include <time.h>

#include "dcap/report_json.h"

static _Alignas(8) uint8_t memory[4096];

static struct bytes example(struct dcap_arena *a) {
    struct dcap_out o = dcap_out_into(a);
    dcap_out_open(&o, NULL, '{');
    dcap_out_text(&o, "a", DCAP_LIT("say \"x\\\"\n\x7f\xff"));
    dcap_out_open(&o, "list", '[');
    dcap_out_number(&o, NULL, 0);
    dcap_out_number(&o, NULL, UINT64_MAX);
    dcap_out_open(&o, NULL, '{');
    dcap_out_close(&o, '}');
    dcap_out_close(&o, ']');
    dcap_out_hex(&o, "hex", DCAP_LIT("\x01\xfe"));
    dcap_out_hex(&o, "none", (struct bytes){0});
    dcap_out_flag(&o, "yes", true);
    dcap_out_begin(&o, "until");
    dcap_out_piece(&o, "it ends ");
    dcap_out_iso(&o, 951827696);
    dcap_out_end(&o);
    dcap_out_close(&o, '}');
    return dcap_written(&o.w);
}

static const char wanted[] =
    "{\"a\":\"say \\u0022x\\u005c\\u0022\\u000a\\u007f\\u00ff\",\"list\":[0,18446744073709551615,{}],"
    "\"hex\":\"01fe\",\"none\":null,\"yes\":true,\"until\":\"it ends 2000-02-29T12:34:56Z\"}";

static void members_and_escapes(void **state) {
    (void)state;
    struct dcap_arena a = {memory, sizeof memory, 0};
    struct bytes got = example(&a);
    assert_int_equal(got.len, sizeof wanted - 1);
    assert_memory_equal(got.ptr, wanted, got.len);
}

// A report that does not fit must not be given out cut off.
static void too_small_is_nothing(void **state) {
    (void)state;
    for (size_t size = 0; size < sizeof wanted - 1; size++) {
        memset(memory, 0x55, sizeof memory);
        struct dcap_arena a = {memory, size, 0};
        assert_null(example(&a).ptr);
        assert_int_equal(memory[size], 0x55);
    }
    struct dcap_arena a = {memory, sizeof wanted - 1, 0};
    assert_non_null(example(&a).ptr);
}

// Every day from 1970 on for 450 years, as the C library's calendar has it.
static void dates_are_the_calendars(void **state) {
    (void)state;
    for (uint64_t day = 0; day < 450 * 366; day++) {
        time_t at = (time_t)(day * 86400 + day % 86400);
        struct tm tm;
        char want[32];
        struct dcap_arena a = {memory, sizeof memory, 0};
        struct dcap_out o = dcap_out_into(&a);
        dcap_out_date(&o, NULL, (uint64_t)at);
        struct bytes got = dcap_written(&o.w);
        strftime(want, sizeof want, "\"%Y-%m-%dT%H:%M:%SZ\"", gmtime_r(&at, &tm));
        assert_int_equal(got.len, strlen(want));
        assert_memory_equal(got.ptr, want, got.len);
    }
    struct dcap_arena a = {memory, sizeof memory, 0};
    struct dcap_out o = dcap_out_into(&a);
    dcap_out_date(&o, NULL, UINT64_MAX);
    assert_true(dcap_bytes_eq(dcap_written(&o.w), DCAP_LIT("\"9999-12-31T23:59:59Z\"")));
}

static const struct CMUnitTest report_json_tests[] = {
    cmocka_unit_test(members_and_escapes),
    cmocka_unit_test(too_small_is_nothing),
    cmocka_unit_test(dates_are_the_calendars),
};
RUN_TESTS(report_json_tests)
