// SPDX-License-Identifier: Apache-2.0
// The log that goes to the contract with a quote. An event that is lost or moved on the way would not end in RTMR3, and
// a machine that is in order would be turned away.
#include "base/test.h"

#include "base/file.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "tee/compose.h"
#include "tee/event_log.h"

static void read_log(struct event_log *out, struct arena *a) {
    struct slice text = {0};
    struct err e;
    assert_ok(file_read(a, "tests/vectors/dcap/dstack_sim055.eventlog.json", 1 << 20, &text, &e), &e);
    assert_ok(event_log_parse(out, a, arena_text(a, text), &e), &e);
}

// All events of RTMR3 and no others, in order: they give the register of the quote that was made with this log.
static void keeps_what_was_measured(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct event_log log;
    struct td_register r = {0};
    struct slice quote = {0};
    struct td_view td;
    struct err e;
    read_log(&log, a);
    for (size_t i = 0; i < log.count; i++)
        register_extend(&r, log.events[i].name, log.events[i].payload);
    assert_ok(file_read(a, "tests/vectors/dcap/dstack_sim055.quote.bin", 1 << 20, &quote, &e), &e);
    assert_true(td_view(&td, quote));
    assert_memory_equal(r.b, td.rtmr[3], TD_REGISTER_SIZE);
    SCOPED_JSON(j) = event_log_json(&log, a);
    assert_int_equal(json_integer_value(json_object_get(j, "version")), 1);
    const json_t *third = json_array_get(json_object_get(j, "events"), 2);
    assert_string_equal(json_string_value(json_object_get(third, "event")), "compose-hash");
    assert_string_equal(json_string_value(json_object_get(third, "payload")),
                        "ea549f02e1a25fabd1cb788380e033ec5461b2ffe4328d753642cf035452e48b");
}

// An application may add events of any name once the machine is ready: what it says then is not the machine's.
static void trusted_before_ready(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct event_log log;
    struct err e;
#define EVENT(name, payload)                                                                                           \
    "{\"imr\":3,\"event_type\":134217729,\"event\":\"" name "\",\"event_payload\":\"" payload "\"}"
    assert_ok(
        event_log_parse(
            &log, a, "[" EVENT("app-id", "aa") "," EVENT("system-ready", "") "," EVENT("compose-hash", "bb") "]", &e),
        &e);
    assert_int_equal(log.count, 3);
    assert_int_equal(event_log_payload(&log, "app-id").len, 1);
    assert_int_equal(event_log_payload(&log, "compose-hash").len, 0);
    // Without an end nothing is the machine's.
    assert_ok(event_log_parse(&log, a, "[" EVENT("compose-hash", "bb") "]", &e), &e);
    assert_int_equal(event_log_payload(&log, "compose-hash").len, 0);
    assert_ok(event_log_parse(&log, a, "", &e), &e);
    assert_int_equal(log.count, 0);
}

// Whoever changes the log beside a quote that is true must not have his compose file approved.
static void counts_only_with_its_register(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct event_log log;
    struct slice quote = {0};
    struct td_view td;
    struct err e;
    static uint8_t other[32] = {1};
    assert_ok(file_read(a, "tests/vectors/dcap/dstack_sim055.quote.bin", 1 << 20, &quote, &e), &e);
    assert_true(td_view(&td, quote));
    read_log(&log, a);
    assert_ok(event_log_holds(&log, &td, a, &e), &e);
    assert_string_equal(log.events[2].name, "compose-hash");
    log.events[2].payload = slice_of(other, sizeof other);
    assert_err(event_log_holds(&log, &td, a, &e), &e, ERR_FORBIDDEN, "does not end in the register's value");
    read_log(&log, a);
    log.events[1].name = "compose-hash";
    assert_false(event_log_holds(&log, &td, a, &e));
    log.count = 0;
    assert_false(event_log_holds(&log, &td, a, &e));
}

static void refused(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"{}", "no list"},
        {"[", "the event log"},
        {"[{\"imr\":3}]", "field 'event'"},
        {"[{\"event\":\"a\"}]", "field 'imr'"},
        {"[{\"imr\":3,\"event\":\"a\",\"event_payload\":\"0\"}]", "the event log"},
        {"[{\"imr\":3,\"event\":\"a\",\"event_payload\":\"\",\"version\":3}]", "neither 1 nor 2"},
        {"[" EVENT("a", "") ",{\"imr\":3,\"event\":\"a\",\"event_payload\":\"\",\"version\":2}]", "two versions"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct event_log log;
        struct err e = {0};
        assert_err(event_log_parse(&log, a, rows[i].text, &e), &e, ERR_INVALID, rows[i].why);
    }
    SCOPED_JSON(many) = json_array();
    for (int i = 0; i <= EVENT_LOG_EVENTS_MAX; i++)
        json_array_append_new(many, json_pack("{s:i,s:s,s:s}", "imr", 3, "event", "a", "event_payload", ""));
    struct event_log log;
    struct err e = {0};
    assert_err(event_log_parse(&log, a, json_text(a, many), &e), &e, ERR_LIMIT, "more than 64 events");
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(keeps_what_was_measured),
                                          cmocka_unit_test(trusted_before_ready),
                                          cmocka_unit_test(counts_only_with_its_register), cmocka_unit_test(refused)};
RUN_TESTS(tests)
