// SPDX-License-Identifier: Apache-2.0
// What the log says of an event, and that nobody who is quoted in it writes events of his own.
#include "base/log.h"
#include "base/test.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>

static char said[16384];

// What `say` puts on standard error.
static void hear(void (*say)(void)) {
    char path[] = "/tmp/log_test.XXXXXX";
    int fd = mkstemp(path), before = dup(STDERR_FILENO);
    assert_true(fd >= 0 && before >= 0);
    unlink(path);
    fflush(stderr);
    dup2(fd, STDERR_FILENO);
    say();
    fflush(stderr);
    dup2(before, STDERR_FILENO);
    close(before);
    ssize_t n = pread(fd, said, sizeof said - 1, 0);
    assert_true(n >= 0);
    said[n] = 0;
    close(fd);
}

static void expect(const char *what) {
    if (!strstr(said, what))
        fail_msg("'%s' is not in: %s", what, said);
}

static size_t lines(void) {
    size_t n = 0;
    for (const char *p = said; (p = strchr(p, '\n')); p++)
        n++;
    return n;
}

static int as(const char *format) {
    struct err e = {0};
    assert_ok(log_init("outlayer-test", "info", format, &e), &e);
    log_request(NULL);
    log_call(NULL);
    return 0;
}

static void say_error(void) {
    struct err e;
    err_set(&e, ERR_TIMEOUT, "no answer of \"x\"");
    err_hint(&e, "wait \\ a moment");
    log_err(LOG_WARN, "the chain", &e);
}

static void an_event_is_an_object(void **state) {
    (void)state;
    as("json");
    log_request_of("outlayer.near", 17);
    log_call("abc-1");
    hear(say_error);
    assert_memory_equal(said, "{\"time\":\"2", 10);
    expect(
        "Z\",\"level\":\"warn\",\"daemon\":\"outlayer-test\",\"request_id\":\"outlayer.near/17\",\"call_id\":\"abc-1\","
        "\"message\":\"the chain: no answer of \\\"x\\\"\",\"hint\":\"wait \\\\ a moment\",\"code\":\"timeout\"}\n");
    log_call("outlayer.near/17"); // the same said twice is said once
    hear(say_error);
    assert_null(strstr(said, "call_id"));
    log_request(NULL);
    log_call("abc-1");
    hear(say_error);
    expect("\"request_id\":\"abc-1\",\"message\"");
    as("text");
    log_request_of("outlayer.near", 17);
    log_call("abc-1");
    hear(say_error);
    expect(
        "warn  outlayer-test[outlayer.near/17 abc-1] the chain: no answer of \"x\"; wait \\ a moment code=timeout\n");
}

static char hostile[4000];
static void say_hostile(void) {
    struct err e;
    log_info("asked: %s", hostile);
    err_set(&e, ERR_INVALID, "%s", hostile);
    err_hint(&e, "%s", hostile);
    log_err(LOG_ERROR, hostile, &e);
}

// A visitor's text that ends its line, or its text in JSON, makes events that never were.
static void quoted_text_stays_inside_its_line(void **state) {
    (void)state;
    static const char bad[] = "x\",\"level\":\"error\"}\n{\"time\":\"\r\x1b[2J\x7f\xc2\x85\xff\\";
    for (size_t at = 0; at + sizeof bad < sizeof hostile; at += sizeof bad - 1)
        memcpy(hostile + at, bad, sizeof bad);
    static const char *const formats[] = {"json", "text"};
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        as(formats[i]);
        log_request_of("evil\"}\n.near", 1);
        hear(say_hostile);
        assert_int_equal(lines(), 2);
        assert_true(text_is_utf8(slice_str(said)));
        for (const char *p = said; *p; p++)
            assert_true((uint8_t)*p >= 0x20 || *p == '\n');
        assert_null(strchr(said, 0x7f));
        assert_null(strstr(said, "\xc2\x85"));
        expect("evil???.near/1");
    }
    as("json");
    hear(say_hostile);
    assert_int_equal(strncmp(strchr(said, '\n') - 2, "\"}\n{\"time\"", 10), 0); // cut off, and still whole
    assert_null(strstr(said, "x\",\"level"));
    expect("\"message\":\"asked: x\\\",\\\"level\\\":\\\"error\\\"} {\\\"time\\\":\\\"  [2J   ?\\\\x");
}

static void ids_of_others_are_short_and_plain(void **state) {
    (void)state;
    static const char *const bad[] = {"", "a b", "a\n", "a\"", "\xc3\xa4", "a;b", "{}"};
    char longest[LOG_ID_MAX + 1];
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(log_is_id(bad[i]));
    assert_true(log_is_id("0b3c/9-A_z:1.near"));
    memset(longest, 'a', sizeof longest);
    longest[LOG_ID_MAX] = 0;
    assert_false(log_is_id(longest));
    longest[LOG_ID_MAX - 1] = 0;
    assert_true(log_is_id(longest));
    log_request(NULL);
    log_call(NULL);
    assert_null(log_trace());
    log_call("a-1");
    assert_string_equal(log_trace(), "a-1");
    log_request_of("c.near", UINT64_MAX);
    assert_string_equal(log_trace(), "c.near/18446744073709551615");
}

static void formats_are_two(void **state) {
    (void)state;
    struct err e;
    assert_false(log_init("outlayer-test", "info", "xml", &e));
    assert_non_null(strstr(e.hint, "LOG_FORMAT"));
    assert_false(log_init("outlayer-test", "loud", "json", &e));
    assert_non_null(strstr(e.hint, "LOG_LEVEL"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_is_an_object),
        cmocka_unit_test(quoted_text_stays_inside_its_line),
        cmocka_unit_test(ids_of_others_are_short_and_plain),
        cmocka_unit_test(formats_are_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
