// SPDX-License-Identifier: Apache-2.0
// Arguments of calls: anybody may send any bytes, so what is taken and what is refused, and with which words.
#include "base/test.h"
#include "sdk/mock/mock.h"

struct inner {
    uint32_t n;
    struct text s;
};
struct all {
    uint64_t u64;
    uint32_t u32;
    bool flag;
    struct text text;
    struct yocto amount;
    struct account account;
    struct maybe_u64 maybe_u64;
    struct maybe_u32 maybe_u32;
    struct maybe_yocto maybe_amount;
    struct maybe_hash maybe_hash;
    struct json_raw raw;
    struct inner inner;
    uint8_t choice;
};
static const char *const colours[] = {"Red", "Green"};
static const struct json_choices colour_choices = {colours, 2};
static const struct json_field inner_fields[] = {REQUIRED(struct inner, n), OPTIONAL(struct inner, s)};
static const struct json_shape inner_shape = JSON_SHAPE(inner_fields, OPEN);
static const struct json_field fields[] = {
    OPTIONAL(struct all, u64),
    OPTIONAL(struct all, u32),
    OPTIONAL(struct all, flag),
    OPTIONAL(struct all, text),
    OPTIONAL(struct all, amount),
    OPTIONAL(struct all, account),
    OPTIONAL(struct all, maybe_u64),
    OPTIONAL(struct all, maybe_u32),
    OPTIONAL(struct all, maybe_amount),
    OPTIONAL(struct all, maybe_hash),
    OPTIONAL(struct all, raw),
    OPTIONAL_BY(struct all, inner, json_read_shape, &inner_shape),
    OPTIONAL_BY(struct all, choice, json_read_choice, &colour_choices),
};
static const struct json_shape shape = JSON_SHAPE(fields, CLOSED);
static struct all in; // of the last call

METHOD(VIEW, take_all) {
    in = (struct all){0};
    json_arguments(&in, &shape);
}

static void takes(const char *args) {
    if (!mock_view("take_all", args))
        fail_msg("%s: %s", args, mock.error);
}

static void refuses(const char *args, const char *words) {
    if (mock_view("take_all", args))
        fail_msg("%s should have been refused", args);
    char want[512];
    snprintf(want, sizeof want, "Smart contract panicked: Failed to deserialize input from JSON. %s", words);
    assert_string_equal(mock.error, want);
}

static void is_text(struct text t, const char *want) {
    assert_non_null(t.ptr);
    assert_int_equal(t.len, strlen(want));
    assert_memory_equal(t.ptr, want, t.len);
}

// Each type of member, at its largest.
static void every_type_is_read(void **state) {
    (void)state;
    takes(" {\"u64\" : 18446744073709551615 ,\n\t\"u32\":4294967295,\r\"flag\":true,\"text\":\"t\","
          "\"amount\":\"340282366920938463463374607431768211455\",\"account\":\"a-b.c_d\",\"maybe_u64\":0,"
          "\"maybe_u32\":7,\"maybe_amount\":\"0\",\"raw\": [1, {\"a\" : \"\\\"\"}] ,\"choice\":\"Green\","
          "\"maybe_hash\":\"00000000000000000000000000000000000000000000000000000000000000ff\","
          "\"inner\":{\"n\":3,\"s\":\"x\"}} ");
    assert_true(in.u64 == UINT64_MAX && in.u32 == UINT32_MAX && in.flag);
    is_text(in.text, "t");
    assert_true(in.amount.v == ~(u128)0);
    is_text(account_text(&in.account), "a-b.c_d");
    assert_true(in.maybe_u64.given && in.maybe_u64.value == 0 && in.maybe_u32.given && in.maybe_u32.value == 7);
    assert_true(in.maybe_amount.given && in.maybe_amount.value.v == 0);
    assert_true(in.maybe_hash.given && in.maybe_hash.value.b[31] == 255 && in.maybe_hash.value.b[0] == 0);
    is_text(in.raw.text, "[1, {\"a\" : \"\\\"\"}]");
    assert_int_equal(in.inner.n, 3);
    is_text(in.inner.s, "x");
    assert_int_equal(in.choice, 1);
}

// Missing, null and empty: clients leave optional members out in each of these ways.
static void optional_members_may_be_null_or_missing(void **state) {
    (void)state;
    static const char *const forms[] = {
        "", "{}", " { } ",
        ("{\"u64\":null,\"text\":null,\"amount\":null,\"maybe_u64\":null,\"maybe_u32\":null,\"maybe_amount\":null,"
         "\"maybe_hash\":null,\"raw\":null,\"inner\":null,\"choice\":null,\"account\":null,\"flag\":null}")};
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        takes(forms[i]);
        assert_null(in.text.ptr);
        assert_null(in.raw.text.ptr);
        assert_false(in.maybe_u64.given || in.maybe_u32.given || in.maybe_amount.given || in.maybe_hash.given);
        assert_int_equal(in.account.len, 0);
    }
    takes("{\"text\":\"\"}");
    is_text(in.text, "");
}

// Objects: braces, names, twice the same, unknown ones; inside an open shape these are read over.
static void objects_are_strict(void **state) {
    (void)state;
    refuses("[]", "The arguments: expected '{' here");
    refuses("{", "The arguments: expected a string");
    refuses("{\"u64\":1", "The arguments: expected '}' here");
    refuses("{\"u64\":1,}", "The arguments: expected a string");
    refuses("{\"u64\" 1}", "The arguments: expected ':' here");
    refuses("{u64:1}", "The arguments: expected a string");
    refuses("{\"u64\":1}}", "The arguments: something follows the last brace");
    refuses("{\"u64\":1}{}", "The arguments: something follows the last brace");
    refuses("{\"u64\":1,\"u64\":1}", "duplicate field \"u64\"");
    refuses("{\"u64\":null,\"u64\":1}", "duplicate field \"u64\"");
    refuses("{\"u64\":1,\"\\u0075\\u0036\\u0034\":1}", "duplicate field \"u64\"");
    refuses("{\"U64\":1}", "unknown field \"U64\"");
    refuses("{\"\":1}", "unknown field \"\"");
    refuses("{\"a\\nb\":1}", "unknown field \"a\\nb\"");
    refuses("{\"inner\":{}}", "missing field \"n\"");
    refuses("{\"inner\":{\"n\":null}}", "\"n\": expected a whole number from 0 to 4294967295");
    refuses("{\"inner\":{\"n\":1,\"n\":1}}", "duplicate field \"n\"");
    refuses("{\"inner\":{\"n\":1,\"more\":}}", "\"inner\": not a JSON value");
    takes("{\"inner\":{\"n\":1,\"more\":{\"n\":[2]},\"more\":true}}");
    assert_int_equal(in.inner.n, 1);
}

// A foreign name is repeated up to 64 bytes and never cut inside a character.
static void long_names_are_cut(void **state) {
    (void)state;
    char name[64] = "", args[300], words[300];
    memset(name, 'n', 63);
    snprintf(args, sizeof args, "{\"%s\xc3\xbc\":1}", name);
    snprintf(words, sizeof words, "unknown field \"%s\"", name);
    refuses(args, words);
}

// Numbers: whole, in range, as JSON writes them.
static void numbers_are_strict(void **state) {
    (void)state;
    static const char *const bad[] = {"-1",
                                      "01",
                                      "1.0",
                                      "1e3",
                                      "1E3",
                                      "\"1\"",
                                      "+1",
                                      "",
                                      "true",
                                      "[]",
                                      "4294967296",
                                      "99999999999999999999999999",
                                      "18446744073709551617"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char args[64];
        snprintf(args, sizeof args, "{\"u32\":%s}", bad[i]);
        refuses(args, "\"u32\": expected a whole number from 0 to 4294967295");
    }
    refuses("{\"u32\":0x1}", "The arguments: expected '}' here");
    refuses("{\"u64\":18446744073709551616}", "\"u64\": expected a whole number from 0 to 18446744073709551615");
    refuses("{\"maybe_u64\":18446744073709551616}",
            "\"maybe_u64\": expected a whole number from 0 to 18446744073709551615");
    refuses("{\"maybe_u32\":4294967296}", "\"maybe_u32\": expected a whole number from 0 to 4294967295");
    takes("{\"u32\":0,\"u64\":0}");
}

// Each escape, also of characters that take two of them.
static void strings_are_decoded(void **state) {
    (void)state;
    takes("{\"text\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00fc\\u20AC\\ud83d\\uDE00 "
          "\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80 end\"}");
    is_text(in.text, "\"\\/\b\f\n\r\tA\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80 \xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80 end");
    takes("{\"text\":\"a\\u0000b\"}");
    assert_int_equal(in.text.len, 3);
    assert_memory_equal(in.text.ptr, "a\0b", 3);
    takes("{\"text\":\"\x7f/\"}");
    is_text(in.text, "\x7f/");
    takes("{\"text\":\"\\uffff\\ud7ff\\ue000\\udbff\\udfff\"}");
    is_text(in.text, "\xef\xbf\xbf\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf");
}

// What is no JSON string is refused: what gets through goes into events, which must be UTF-8.
static void strings_are_strict(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"\"a", ": a string does not end"},
        {"\"a\\", ": a bad escape in a string"},
        {"\"\\x\"", ": a bad escape in a string"},
        {"\"\\u00g0\"", ": a bad escape in a string"},
        {"\"\\u00", ": a bad escape in a string"},
        {"\"\\ud800\"", ": a bad escape in a string"},
        {"\"\\ud800\\n\"", ": a bad escape in a string"},
        {"\"\\udc00\\ud800\"", ": a bad escape in a string"},
        {"\"\\ud800\\ud800\"", ": a bad escape in a string"},
        {"\"a\nb\"", ": a control character in a string"},
        {"\"long enough for a word\x1f\"", ": a control character in a string"},
        {"\"\x80\"", ": a string is not UTF-8"},
        {"\"\xc0\x80\"", ": a string is not UTF-8"},
        {"\"\xed\xa0\x80\"", ": a string is not UTF-8"},
        {"\"\xe0\x9f\xbf\"", ": a string is not UTF-8"},
        {"\"\xf0\x8f\xbf\xbf\"", ": a string is not UTF-8"},
        {"\"\xf4\x90\x80\x80\"", ": a string is not UTF-8"},
        {"\"\xf5\x80\x80\x80\"", ": a string is not UTF-8"},
        {"\"\xe2\x82\"", ": a string is not UTF-8"},
        {"\"\xc3", ": a string is not UTF-8"},
        {"5", ": expected a string"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char args[100], words[160];
        bool ends = cases[i][0][strlen(cases[i][0]) - 1] == '"' && strlen(cases[i][0]) > 1;
        snprintf(args, sizeof args, "{\"text\":%s%s", cases[i][0], ends ? "}" : "");
        snprintf(words, sizeof words, "\"text\"%s", cases[i][1]);
        refuses(args, words);
    }
}

// Decoding in place must not disturb what follows, wherever the escapes stand relative to whole words of eight bytes.
static void decoding_in_place_is_exact(void **state) {
    (void)state;
    for (size_t before = 0; before < 20; before++) {
        for (size_t after = 0; after < 20; after++) {
            char args[160], want[64];
            snprintf(args, sizeof args, "{\"text\":\"%.*s\\n%.*s\\u00fc\xc3\xbc\",\"u64\":5,\"raw\":\"\\n\"}",
                     (int)before, "abcdefghijklmnopqrst", (int)after, "ABCDEFGHIJKLMNOPQRST");
            snprintf(want, sizeof want, "%.*s\n%.*s\xc3\xbc\xc3\xbc", (int)before, "abcdefghijklmnopqrst", (int)after,
                     "ABCDEFGHIJKLMNOPQRST");
            takes(args);
            is_text(in.text, want);
            assert_int_equal(in.u64, 5);
            is_text(in.raw.text, "\"\\n\"");
        }
    }
}

// A value that is handed on as it stands is JSON, whatever is inside.
static void raw_values_are_checked(void **state) {
    (void)state;
    static const char *const good[] = {"0",
                                       "-0",
                                       "-1.5e+10",
                                       "1E5",
                                       "1e-5",
                                       "0.25",
                                       "true",
                                       "false",
                                       "\"\"",
                                       "[]",
                                       "{}",
                                       "[[],{}]",
                                       "{\"a\":{\"b\":[1,2,{\"c\":null}]},\"a\":1}",
                                       "[ 1 , 2 ]",
                                       "123456789012345678901234567890"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        char args[128];
        snprintf(args, sizeof args, "{\"raw\": %s ,\"u64\":9}", good[i]);
        takes(args);
        is_text(in.raw.text, good[i]);
        assert_int_equal(in.u64, 9);
    }
    static const char *const bad[][2] = {
        {"-", ": not a JSON value"},
        {"01", ": not a JSON value"},
        {"1.", ": not a JSON value"},
        {"1e", ": not a JSON value"},
        {"1e+", ": not a JSON value"},
        {".5", ": not a JSON value"},
        {"+1", ": not a JSON value"},
        {"NaN", ": not a JSON value"},
        {"tru", ": not a JSON value"},
        {"[1,]", ": not a JSON value"},
        {"[1 2]", ": expected ']' here"},
        {"[1}", ": expected ']' here"},
        {"{\"a\"}", ": expected ':' here"},
        {"{\"a\":1,}", ": expected a string"},
        {"{1:1}", ": expected a string"},
        {"'a'", ": not a JSON value"},
        {"[\"\\x\"]", ": a bad escape in a string"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char args[128], words[128];
        snprintf(args, sizeof args, "{\"raw\":%s}", bad[i][0]);
        snprintf(words, sizeof words, "\"raw\"%s", bad[i][1]);
        refuses(args, words);
    }
}

// 128 levels are taken and 129 refused; nothing recurses, so no depth exhausts the stack.
static void depth_is_bounded(void **state) {
    (void)state;
    static char args[200000];
    for (int levels = 128; levels <= 129; levels++) {
        size_t at = (size_t)snprintf(args, sizeof args, "{\"raw\":");
        for (int i = 0; i < levels; i++)
            at += (size_t)snprintf(args + at, 8, "%s", i % 2 ? "{\"\":" : "[");
        args[at++] = '1';
        for (int i = levels - 1; i >= 0; i--)
            args[at++] = i % 2 ? '}' : ']';
        snprintf(args + at, 8, "}");
        if (levels == 128)
            takes(args);
        else
            refuses(args, "\"raw\": nested too deeply");
    }
    memset(args + 7, '[', 190000);
    args[190007] = 0;
    refuses(args, "\"raw\": nested too deeply");
}

// A choice as serde writes it: the name, or an object with the name and null.
static void choices_have_names(void **state) {
    (void)state;
    takes("{\"choice\":{\"Green\":null}}");
    assert_int_equal(in.choice, 1);
    takes("{\"choice\":\"Red\"}");
    assert_int_equal(in.choice, 0);
    refuses("{\"choice\":\"red\"}", "unknown variant \"red\"");
    refuses("{\"choice\":\"\"}", "unknown variant \"\"");
    refuses("{\"choice\":{\"Green\":1}}", "\"choice\": expected null");
    refuses("{\"choice\":{\"Green\":null,\"Red\":null}}", "\"choice\": expected '}' here");
    refuses("{\"choice\":1}", "\"choice\": expected a string");
}

static void other_members_are_strict(void **state) {
    (void)state;
    static const char *const digits = "expected 64 lower-case hexadecimal digits";
    static const char *const amount = "expected yoctoNEAR as a string of digits";
    static const char *const cases[][2] = {
        {"flag", "1"},
        {"flag", "\"true\""},
        {"account", "\"A\""},
        {"account", "\"a\""},
        {"amount", "5"},
        {"amount", "\"\""},
        {"amount", "\"1e3\""},
        {"maybe_amount", "\"-1\""},
        {"maybe_hash", "\"00\""},
        {"maybe_hash", "\"00000000000000000000000000000000000000000000000000000000000000FF\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char args[128], words[128];
        const char *name = cases[i][0];
        snprintf(args, sizeof args, "{\"%s\":%s}", name, cases[i][1]);
        snprintf(words, sizeof words, "\"%s\": %s", name,
                 strcmp(name, "flag") == 0         ? "expected true or false"
                 : strcmp(name, "account") == 0    ? "not an account id"
                 : strcmp(name, "maybe_hash") == 0 ? digits
                                                   : amount);
        refuses(args, words);
    }
}

static int world(void **state) {
    (void)state;
    mock_reset("sdk.near");
    return 0;
}

static int gone(void **state) {
    (void)state;
    mock_release();
    return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, world, gone)
static const struct CMUnitTest tests[] = {
    TEST(every_type_is_read),     TEST(optional_members_may_be_null_or_missing),
    TEST(objects_are_strict),     TEST(long_names_are_cut),
    TEST(numbers_are_strict),     TEST(strings_are_decoded),
    TEST(strings_are_strict),     TEST(decoding_in_place_is_exact),
    TEST(raw_values_are_checked), TEST(depth_is_bounded),
    TEST(choices_have_names),     TEST(other_members_are_strict),
};
RUN_TESTS(tests)
