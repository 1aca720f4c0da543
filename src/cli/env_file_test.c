// SPDX-License-Identifier: Apache-2.0
#include "cli/env_file.h"

#include "base/test.h"

struct entry {
    const char *name, *value;
};

static void reads(const char *text, size_t len, const struct entry *want, size_t count) {
    SCOPED_ARENA(a);
    struct secrets s;
    struct err e = {0};
    if (!env_file_read(&s, a, slice_of(text, len), GIVEN_BY_USER, &e))
        fail_msg("'%s': %s", text, e.msg);
    assert_int_equal(s.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(s.items[i].name, want[i].name);
        assert_string_equal(s.items[i].value, want[i].value);
    }
}
#define READS(text, ...)                                                                                               \
    do {                                                                                                               \
        const struct entry want[] = {__VA_ARGS__};                                                                     \
        reads(text, sizeof text - 1, want, ARRAY_LEN(want));                                                           \
    } while (0)

// What people and programs write: if this fails, a guest logs in with a quote, a comment or a byte order mark in its
// password.
static void test_as_people_write_them(void **state) {
    (void)state;
    READS("\xef\xbb\xbf"
          "A=abc\r\nB=2\r\n",
          {"A", "abc"}, {"B", "2"});
    READS("\n# A=1\n   # B=2\n\t\nA=1", {"A", "1"});
    READS("export A=1\nexport\tB=2\nexport=3\nexported=4", {"A", "1"}, {"B", "2"}, {"export", "3"}, {"exported", "4"});
    READS("  A =  two words  \nB\t=\t3", {"A", "two words"}, {"B", "3"});
    READS("A=\nB=''\nC=\"\"\nD= # nothing", {"A", ""}, {"B", ""}, {"C", ""}, {"D", ""});
    READS("A=x # comment\nB=a#b\nC='x # y' # z\nD=\"x # y\"\t# z\nE=#", {"A", "x"}, {"B", "a#b"}, {"C", "x # y"},
          {"D", "x # y"}, {"E", ""});
    READS("A='a \"b\" \\n $x'\nB=\"l\\nm\\t\\r \\\"q\\\" \\\\ \\$x \\x\"", {"A", "a \"b\" \\n $x"},
          {"B", "l\nm\t\r \"q\" \\ $x \\x"});
    READS("A=it's\nB=a\"b\"c\nC=$HOME\nD=a=b=", {"A", "it's"}, {"B", "a\"b\"c"}, {"C", "$HOME"}, {"D", "a=b="});
    READS("A=gr\xc3\xbc\xc3\x9f"
          "e\nB=-----END\r",
          {"A", "gr\xc3\xbc\xc3\x9f"
                "e"},
          {"B", "-----END"});
    READS("A=1\\\nB=2", {"A", "1\\"}, {"B", "2"});
    reads("# nothing\n", 10, NULL, 0);
    reads("", 0, NULL, 0);
}

static void refuses(const char *text, size_t len, const char *sentence, const char *hint) {
    SCOPED_ARENA(a);
    struct secrets s;
    struct err e = {0};
    assert_false(env_file_read(&s, a, slice_of(text, len), GIVEN_BY_USER, &e));
    if (!strstr(e.msg, sentence) || !strstr(e.hint, hint))
        fail_msg("'%s' (%s) does not say '%s' (%s)", e.msg, e.hint, sentence, hint);
    assert_null(strstr(e.msg, "geheim"));
    assert_null(strstr(e.hint, "geheim"));
}
#define REFUSES(text, sentence, hint) refuses(text, sizeof text - 1, sentence, hint)

// If this fails, half a key is stored as a secret, or stands in a terminal or a log.
static void test_values_over_lines(void **state) {
    (void)state;
    REFUSES("A=1\nKEY=\"-----BEGIN X-----\ngeheim==\n-----END X-----\"\n", "line 2 has a quote that does not end",
            "\\n");
    REFUSES("KEY='geheim\nmore'", "line 1 has a quote", "\\n");
    REFUSES("KEY=-----BEGIN X-----\ngeheim=\n-----END X-----\n", "line 1 begins a key", "\\n");
    REFUSES("A=1\n+geheim/==\n", "line 2 begins with what is not a name", "letters");
    REFUSES("geheim\n", "line 1 has no '='", "NAME=value");
}

static void test_refusals(void **state) {
    (void)state;
    REFUSES("A=1\n\nA=geheim\n", "line 3 names 'A' again", "take one of them out");
    REFUSES("A=1\n\nA=geheim\n", "line 1 has it", "");
    REFUSES("\nNEAR_SENDER_ID=geheim\n", "line 2: the name 'NEAR_SENDER_ID' is reserved", "another name");
    REFUSES("PROTECTED_A=geheim\n", "PROTECTED_A", "");
    REFUSES("A=ge\0heim\n", "line 1 contains a NUL", "UTF-8");
    REFUSES("A=\xff\n", "not UTF-8", "");
    REFUSES("\xff\xfe"
            "A\0=\0",
            "UTF-16", "UTF-8");
    REFUSES("A='geheim'x\n", "line 1 has a quote that does not end at its end", "quotes");
    REFUSES("A='geheim'#x\n", "line 1 has a quote that does not end at its end", "quotes");
    REFUSES("1A=geheim\n", "line 1 begins with what is not a name", "letters");
    REFUSES("=geheim\n", "line 1 begins with what is not a name", "letters");
}

// A guest is tried out here with what only a keystore can make for it elsewhere.
static void test_protected_names(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct secrets s;
    struct err e;
    assert_ok(env_file_read(&s, a, SLICE_LIT("PROTECTED_A=1"), MADE_BY_KEYSTORE, &e), &e);
    assert_int_equal(s.count, 1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_as_people_write_them),
    cmocka_unit_test(test_values_over_lines),
    cmocka_unit_test(test_refusals),
    cmocka_unit_test(test_protected_names),
};
RUN_TESTS(tests)
