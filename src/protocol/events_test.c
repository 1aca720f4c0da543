// SPDX-License-Identifier: Apache-2.0
#include "protocol/events.h"

#include "base/test.h"

static struct arena *arena;

static const struct event_request sample = {.terms = {.sender_id = "a.near",
                                                      .repo = "https://github.com/a/b",
                                                      .commit = "main",
                                                      .build_target = "wasm32-wasip1",
                                                      .format = FORMAT_JSON,
                                                      .limits = {1000000000, 128, 60},
                                                      .timestamp_ns = 1767225600000000000ull,
                                                      .payment = (u128)100000000000000ull * 1000000000ull},
                                            .input = SLICE_LIT("{\"x\":\"\xc3\xbc\"}"),
                                            .data_id = {{1, 2, 255}}};

// A request reaches workers as the contract wrote it: money beyond 64 bits and times beyond 53 stay exact.
static void test_request(void **state) {
    (void)state;
    struct event x;
    struct err e;
    assert_ok(event_parse(&x, arena, slice_str(event_request_text(arena, 7, &sample)), &e), &e);
    assert_int_equal(x.kind, EVENT_REQUESTED);
    assert_int_equal(x.request_id, 7);
    assert_true(x.request.terms.payment == sample.terms.payment);
    assert_true(x.request.terms.timestamp_ns == sample.terms.timestamp_ns);
    assert_slice(x.request.input, "{\"x\":\"\xc3\xbc\"}");
    assert_int_equal(x.request.terms.format, FORMAT_JSON);
    assert_true(hash_eq(&x.request.data_id, &sample.data_id));
    assert_false(secrets_wanted(&x.request.terms.secrets));
}

// What the contract takes is read: a source without a build target, limits that are null, no input. If this fails, a
// caller has paid, nobody looks at the request, and the answer never comes.
static void test_defaults(void **state) {
    (void)state;
    static const char *const sources[] = {"", ",\"build_target\":null"};
    static const char *const limits[] = {
        "{}", "{\"max_instructions\":null,\"max_memory_mb\":null,\"max_execution_seconds\":null}"};
    for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
        struct event x;
        struct err e;
        SCOPED_JSON(id) = json_array();
        for (int n = 0; n < 32; n++)
            json_array_append_new(id, json_integer(n));
        const char *request = arena_printf(
            arena,
            "{\"request_id\":3,\"sender_id\":\"a.near\",\"code_source\":{\"repo\":\"r\",\"commit\":\"c\"%s},"
            "\"resource_limits\":%s,\"payment\":\"1\",\"timestamp\":2}",
            sources[i], limits[i]);
        SCOPED_JSON(event) =
            json_pack("{s:s, s:s, s:s, s:[{s:s, s:O}]}", "standard", "near-outlayer", "version", "1.0.0", "event",
                      "execution_requested", "data", "request_data", request, "data_id", id);
        const char *line = arena_printf(arena, "EVENT_JSON:%s", json_text(arena, event));
        assert_ok(event_parse(&x, arena, slice_str(line), &e), &e);
        assert_string_equal(x.request.terms.build_target, "wasm32-wasip1");
        assert_int_equal(x.request.terms.limits.max_instructions, 1000000000);
        assert_int_equal(x.request.terms.limits.max_memory_mb, 128);
        assert_int_equal(x.request.terms.limits.max_execution_seconds, 60);
        assert_int_equal(x.request.terms.format, FORMAT_TEXT);
        assert_int_equal(x.request.input.len, 0);
    }
}

// Other logs pass by: another standard's events, text.
static void test_others_pass(void **state) {
    (void)state;
    static const char *const logs[] = {
        "", "hello", "EVENT_JSON:[]",
        "EVENT_JSON:{\"standard\":\"nep141\",\"version\":\"1.0.0\",\"event\":\"x\",\"data\":[{}]}",
        ("EVENT_JSON:{\"standard\":\"near-outlayer\",\"version\":\"1.0.0\",\"event\":"
         "\"refund_redirected\",\"data\":[{}]}")};
    for (size_t i = 0; i < ARRAY_LEN(logs); i++) {
        struct event x;
        struct err e;
        assert_ok(event_parse(&x, arena, slice_str(logs[i]), &e), &e);
        assert_int_equal(x.kind, EVENT_OTHER);
    }
}

// An event of the contract that cannot be read at all is said: somebody may have paid for it. None of them may stop a
// scan.
static void test_unreadable(void **state) {
    (void)state;
    static const char *const logs[] = {
        "EVENT_JSON:", "EVENT_JSON:{",
        "EVENT_JSON:{\"standard\":\"near-outlayer\",\"version\":\"2.0.0\",\"event\":\"execution_requested\",\"data\":[{"
        "}]}",
        "EVENT_JSON:{\"standard\":\"near-outlayer\",\"version\":\"1.0.0\",\"event\":\"execution_completed\",\"data\":[]"
        "}",
        "EVENT_JSON:{\"standard\":\"near-outlayer\",\"version\":\"1.0.0\",\"data\":[{}]}"};
    for (size_t i = 0; i < ARRAY_LEN(logs); i++) {
        struct event x;
        struct err e;
        assert_err(event_parse(&x, arena, slice_str(logs[i]), &e), &e, ERR_INVALID, "event");
        assert_int_equal(x.kind, EVENT_OTHER);
    }
}

// A stranger's text in an event hides nothing: an input is read whole, a preview is not looked at.
static void test_any_text(void **state) {
    (void)state;
    struct event x;
    struct err e;
    struct event_request r = sample;
    r.input = slice_of("a\0b", 3);
    assert_ok(event_parse(&x, arena, slice_str(event_request_text(arena, 5, &r)), &e), &e);
    assert_int_equal(x.request.input.len, 3);
    assert_memory_equal(x.request.input.ptr, "a\0b", 3);
    static const char line[] = "EVENT_JSON:{\"standard\":\"near-outlayer\",\"version\":\"1.0.0\",\"event\":"
                               "\"execution_completed\",\"data\":[{\"request_id\":9,\"output_preview\":\"\\u0000\"}]}";
    assert_ok(event_parse(&x, arena, slice_str(line), &e), &e);
    assert_int_equal(x.request_id, 9);
}

static void refused(const char *request_data, const char *data_id, const char *why, bool has_id) {
    struct event x;
    struct err e;
    SCOPED_JSON(event) = json_pack("{s:s, s:s, s:s, s:[{s:s}]}", "standard", "near-outlayer", "version", "1.0.0",
                                   "event", "execution_requested", "data", "request_data", request_data);
    if (data_id)
        json_object_set_new(json_array_get(json_object_get(event, "data"), 0), "data_id", json_loads(data_id, 0, NULL));
    const char *line = arena_printf(arena, "EVENT_JSON:%s", json_text(arena, event));
    assert_err(event_parse(&x, arena, slice_str(line), &e), &e, ERR_INVALID, why);
    assert_int_equal(x.kind, EVENT_REQUESTED);
    assert_int_equal(x.has_request_id, has_id);
}

// A malformed request is refused with what is wrong; where it names itself, so that it can be recorded.
static void test_malformed(void **state) {
    (void)state;
    refused("{}", NULL, "request_id", false);
    refused("not JSON", NULL, "request_data", false);
    refused("{\"request_id\":-1}", NULL, "request_id", false);
    refused("{\"request_id\":5}", NULL, "code_source", true);
    refused("{\"request_id\":5,\"code_source\":{\"repo\":1}}", NULL, "repo", true);
    const char *line = event_request_text(arena, 5, &sample);
    SCOPED_JSON(whole) = json_loads(line + strlen("EVENT_JSON:"), 0, NULL);
    const char *good =
        json_string_value(json_object_get(json_array_get(json_object_get(whole, "data"), 0), "request_data"));
    refused(good, NULL, "data_id", true);
    refused(good, "[1,2]", "not 32", true);
    refused(good, "[256,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", "byte", true);
}

// The end of a request is passed on whole.
static void test_completed(void **state) {
    (void)state;
    struct event x;
    struct err e;
    static const char line[] = "EVENT_JSON:{\"standard\":\"near-outlayer\",\"version\":\"1.0.0\",\"event\":"
                               "\"execution_completed\",\"data\":[{\"request_id\":9,\"success\":true}]}";
    assert_ok(event_parse(&x, arena, slice_str(line), &e), &e);
    assert_int_equal(x.kind, EVENT_COMPLETED);
    assert_int_equal(x.request_id, 9);
    assert_string_equal(x.text, line + strlen("EVENT_JSON:"));
}

static int setup(void **state) {
    (void)state;
    arena = arena_new();
    return 0;
}
static int teardown(void **state) {
    (void)state;
    arena_free(arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_request),     cmocka_unit_test(test_defaults),
                                       cmocka_unit_test(test_others_pass), cmocka_unit_test(test_unreadable),
                                       cmocka_unit_test(test_any_text),    cmocka_unit_test(test_malformed),
                                       cmocka_unit_test(test_completed)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
