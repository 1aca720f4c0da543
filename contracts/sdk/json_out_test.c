// SPDX-License-Identifier: Apache-2.0
// JSON that the contract writes: events and values that others parse, so each byte counts.
#include "base/test.h"
#include "sdk/mock/mock.h"
#include <stdlib.h>

static void is(const struct out *o, const char *want) {
    if (o->len != strlen(want) || memcmp(o->buf, want, o->len) != 0)
        fail_msg("'%.*s', not '%s'", (int)o->len, o->buf, want);
}

static void numbers_are_decimal(void **state) {
    (void)state;
    char buffer[256];
    struct out o = OUT(buffer);
    put_open(&o, '[');
    put_number(&o, 0);
    put_number(&o, 10);
    put_number(&o, UINT64_MAX);
    put_amount(&o, YOCTO(0));
    put_amount(&o, YOCTO_MAX);
    put_close(&o, ']');
    is(&o, "[0,10,18446744073709551615,\"0\",\"340282366920938463463374607431768211455\"]");
}

// Commas stand between values and nowhere else.
static void commas_are_set(void **state) {
    (void)state;
    char buffer[512];
    struct out o = OUT(buffer);
    put_open(&o, '{');
    member_null(&o, "a");
    member_bool(&o, "b", true);
    member_bool(&o, "c", false);
    member_string(&o, "d", TEXT("x:[{ "));
    member_string(&o, "e", TEXT(""));
    member_string(&o, "f", (struct text){0});
    member_open(&o, "g", '[');
    put_open(&o, '{');
    put_close(&o, '}');
    put_open(&o, '[');
    put_close(&o, ']');
    put_value(&o, TEXT("{\"raw\":1}"));
    put_null(&o);
    put_close(&o, ']');
    member_amount(&o, "h", YOCTO(5));
    member_hex(&o, "i", NULL);
    put_close(&o, '}');
    is(&o, "{\"a\":null,\"b\":true,\"c\":false,\"d\":\"x:[{ \",\"e\":\"\",\"f\":null,\"g\":[{},[],{\"raw\":1},null],"
           "\"h\":\"5\",\"i\":null}");
}

// Each character that JSON does not carry as it is, once and twice escaped, and all others as they are.
static void strings_are_escaped(void **state) {
    (void)state;
    static const struct {
        struct text t;
        const char *once, *twice;
    } cases[] = {
        {TEXT("\""), "\"\\\"\"", "\\\"\\\\\\\"\\\""},
        {TEXT("\\"), "\"\\\\\"", "\\\"\\\\\\\\\\\""},
        {TEXT("\b\f\n\r\t"), "\"\\b\\f\\n\\r\\t\"", "\\\"\\\\b\\\\f\\\\n\\\\r\\\\t\\\""},
        {TEXT("\0\x01\x1f\x0b"), "\"\\u0000\\u0001\\u001f\\u000b\"", "\\\"\\\\u0000\\\\u0001\\\\u001f\\\\u000b\\\""},
        {TEXT("/\x7f' "), "\"/\x7f' \"", "\\\"/\x7f' \\\""},
        {TEXT("\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80"), "\"\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80\"",
         "\\\"\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80\\\""},
        {TEXT("eight plain bytes \"and\" more of them\n"), "\"eight plain bytes \\\"and\\\" more of them\\n\"",
         "\\\"eight plain bytes \\\\\\\"and\\\\\\\" more of them\\\\n\\\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char buffer[256], want[300];
        struct out o = OUT(buffer);
        put_string(&o, cases[i].t);
        is(&o, cases[i].once);
        assert_int_equal(json_quoted_length(cases[i].t), strlen(cases[i].once));
        o = OUT(buffer);
        put_quoted_open(&o);
        member_string(&o, "k", cases[i].t);
        put_quoted_close(&o);
        snprintf(want, sizeof want, "\"{\\\"k\\\":%s}\"", cases[i].twice);
        is(&o, want);
    }
}

// An object inside a string: names and quotes of all kinds of members are escaped, and afterwards no longer.
static void quoted_objects_end(void **state) {
    (void)state;
    char buffer[512];
    struct out o = OUT(buffer);
    struct hash h = {{0xab}};
    put_open(&o, '{');
    put_key(&o, "text");
    put_quoted_open(&o);
    member_number(&o, "n", 1);
    member_amount(&o, "a", YOCTO(2));
    member_open(&o, "o", '{');
    member_hex(&o, "h", &h);
    put_close(&o, '}');
    put_quoted_close(&o);
    member_string(&o, "after", TEXT("\""));
    put_close(&o, '}');
    is(&o, "{\"text\":\"{\\\"n\\\":1,\\\"a\\\":\\\"2\\\",\\\"o\\\":{\\\"h\\\":\\\""
           "ab00000000000000000000000000000000000000000000000000000000000000\\\"}}\",\"after\":\"\\\"\"}");
}

static void bytes_are_arrays_and_base64(void **state) {
    (void)state;
    static const struct {
        struct text bytes;
        const char *array, *base64;
    } cases[] = {
        {TEXT(""), "[]", "\"\""},
        {TEXT("\0"), "[0]", "\"AA==\""},
        {TEXT("\x09\x0a"), "[9,10]", "\"CQo=\""},
        {TEXT("\x63\x64\xff"), "[99,100,255]", "\"Y2T/\""},
        {TEXT("\xfb\xef\xbe\xff"), "[251,239,190,255]", "\"++++/w==\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char buffer[64];
        struct out o = OUT(buffer);
        put_bytes(&o, cases[i].bytes);
        is(&o, cases[i].array);
        o = OUT(buffer);
        put_base64(&o, cases[i].bytes);
        is(&o, cases[i].base64);
    }
}

// The buffer's last byte is used, the one behind it never written: the call stops with a sentence instead.
static size_t given;
static bool passed;
static char *own; // a call that stops does not return
METHOD(VIEW, fill) {
    free(own);
    char *buffer = own = malloc(given); // so that writing behind it is seen
    struct out o = out_into(buffer, given);
    passed = false;
    put_open(&o, '{');
    member_string(&o, "text", TEXT("a\n\x01\""));
    member_amount(&o, "amount", YOCTO(12));
    put_key(&o, "bytes");
    put_bytes(&o, TEXT("\x01\xff"));
    put_key(&o, "base64");
    put_base64(&o, TEXT("1234"));
    put_quoted_open(&o);
    member_string(&o, "k", TEXT("\x01"));
    put_quoted_close(&o);
    put_close(&o, '}');
    passed = true;
    answer_json(&o);
}

static void buffers_are_never_left(void **state) {
    (void)state;
    given = 512;
    assert_true(mock_view("fill", ""));
    size_t whole = mock.value_len;
    given = whole;
    assert_true(mock_view("fill", "") && passed);
    assert_int_equal(mock.value_len, whole);
    for (given = 1; given < whole; given++) {
        assert_false(mock_view("fill", ""));
        assert_string_equal(mock.error, "Smart contract panicked: Longer than this contract can take");
        assert_false(passed);
    }
}

// Texts are cut between characters only: the node refuses logs that are not UTF-8.
static void texts_are_cut_between_characters(void **state) {
    (void)state;
    struct text t = TEXT("a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80z");
    static const size_t want[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};
    for (size_t max = 0; max < ARRAY_LEN(want); max++)
        assert_int_equal(text_cut(t, max).len, want[max]);
    assert_null(text_cut((struct text){0}, 5).ptr);
}

static int world(void **state) {
    (void)state;
    mock_reset("sdk.near");
    return 0;
}

static int gone(void **state) {
    (void)state;
    mock_release();
    free(own);
    own = NULL;
    return 0;
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(numbers_are_decimal),
    cmocka_unit_test(commas_are_set),
    cmocka_unit_test(strings_are_escaped),
    cmocka_unit_test(quoted_objects_end),
    cmocka_unit_test(bytes_are_arrays_and_base64),
    cmocka_unit_test_setup_teardown(buffers_are_never_left, world, gone),
    cmocka_unit_test(texts_are_cut_between_characters),
};
RUN_TESTS(tests)
