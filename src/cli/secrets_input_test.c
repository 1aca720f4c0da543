// SPDX-License-Identifier: Apache-2.0
#include "base/test.h"
#include "cli/secrets_access.h"
#include "cli/secrets_input.h"
#include "codec/json.h"

static void is(const struct secrets *s, size_t i, const char *name, const char *value) {
    assert_true(i < s->count);
    assert_string_equal(s->items[i].name, name);
    assert_string_equal(s->items[i].value, value);
}

// What people have in their .env files must arrive as they mean it: a secret with quotes around it does not log in.
static void env_files_as_people_write_them(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct secrets s;
    struct err e;
    static const char text[] = "# a comment\n\nPLAIN=value\n  SPACED =  two words  \r\nexport EXPORTED=x=y\nEMPTY=\n"
                               "SINGLE='a \"b\" \\n'\nDOUBLE=\"line\\nnext \\\"q\\\" \\$x \\x\"\nHASH=a#b";
    assert_true(secrets_from_env(&s, a, slice_str(text), &e));
    assert_int_equal(s.count, 7);
    is(&s, 0, "PLAIN", "value");
    is(&s, 1, "SPACED", "two words");
    is(&s, 2, "EXPORTED", "x=y");
    is(&s, 3, "EMPTY", "");
    is(&s, 4, "SINGLE", "a \"b\" \\n");
    is(&s, 5, "DOUBLE", "line\nnext \"q\" $x \\x");
    is(&s, 6, "HASH", "a#b");
}

static void refuses(const char *text, size_t len, const char *sentence) {
    SCOPED_ARENA(a);
    struct secrets s;
    struct err e = {0};
    assert_false(secrets_from_env(&s, a, slice_of(text, len), &e));
    if (!strstr(e.msg, sentence))
        fail_msg("'%s' does not say '%s'", e.msg, sentence);
    assert_true(len || strstr(e.hint, "NAME=value"));
    assert_null(strstr(e.msg, "geheim"));
}

// An error names the place and never the value: it may stand in a terminal's history or a log.
static void bad_lines_are_named_without_their_values(void **state) {
    (void)state;
#define REFUSES(text, sentence) refuses(text, sizeof text - 1, sentence)
    REFUSES("", "no secrets");
    REFUSES("# only this\n", "no secrets");
    REFUSES("A=1\ngeheim\n", "line 2 has no '='");
    REFUSES("A='geheim\n", "line 1 has a quote");
    REFUSES("A=\"geheim\" x\n", "line 1 has a quote");
    REFUSES("A=\"geheim\\\"\n", "line 1 has a quote");
    REFUSES("A=gehe\0im\n", "line 1 contains a NUL");
    REFUSES("A=1\nA=geheim\n", "given twice");
    REFUSES("1A=geheim\n", "not a name");
    REFUSES("NEAR_SENDER_ID=geheim\n", "NEAR_SENDER_ID");
    REFUSES("PROTECTED_X=geheim\n", "PROTECTED_");
    REFUSES("A=\xff\n", "not UTF-8");
}

static void becomes(struct access_options o, const char *json) {
    SCOPED_ARENA(a);
    struct access *c;
    struct err e = {0};
    if (!access_from_options(&o, a, &c, &e))
        fail_msg("%s: %s", json, e.msg);
    if (!json) {
        assert_null(c);
        return;
    }
    SCOPED_JSON(got) = access_json(c);
    assert_string_equal(json_text(a, got), json);
}

static void options_become_conditions(void **state) {
    (void)state;
    becomes((struct access_options){0}, NULL);
    becomes((struct access_options){.all = true}, "\"AllowAll\"");
    becomes((struct access_options){.allow = "alice.near, bob.near"},
            "{\"Whitelist\":{\"accounts\":[\"alice.near\",\"bob.near\"]}}");
    becomes((struct access_options){.min_balance = "5 NEAR"},
            "{\"NearBalance\":{\"operator\":\"Gte\",\"value\":\"5000000000000000000000000\"}}");
    becomes((struct access_options){.min_ft = "ft.near:100"},
            "{\"FtBalance\":{\"contract\":\"ft.near\",\"operator\":\"Gte\",\"value\":\"100\"}}");
    becomes((struct access_options){.nft = "nft.near"}, "{\"NftOwned\":{\"contract\":\"nft.near\",\"token_id\":null}}");
    becomes((struct access_options){.nft = "nft.near:a:b"},
            "{\"NftOwned\":{\"contract\":\"nft.near\",\"token_id\":\"a:b\"}}");
    becomes((struct access_options){.dao = "dao.near:council"},
            "{\"DaoMember\":{\"dao_contract\":\"dao.near\",\"role\":\"council\"}}");
    becomes((struct access_options){.json = "{\"Not\":{\"condition\":\"AllowAll\"}}"},
            "{\"Not\":{\"condition\":\"AllowAll\"}}");
    becomes((struct access_options){.allow = "alice.near", .pattern = ".*\\.x"},
            "{\"Logic\":{\"operator\":\"Or\",\"conditions\":[{\"Whitelist\":{\"accounts\":[\"alice.near\"]}},"
            "{\"AccountPattern\":{\"pattern\":\".*\\\\.x\"}}]}}");
}

// A mistyped condition must not become another one that lets more people in.
static void wrong_options_are_refused(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct access *c;
    struct err e;
    const struct access_options wrong[] = {{.allow = "Alice"},       {.pattern = "("},    {.min_balance = "five"},
                                           {.min_ft = "ft.near"},    {.min_ft = "f:x"},   {.nft = "N"},
                                           {.dao = "dao.near"},      {.json = "{"},       {.json = "\"Nobody\""},
                                           {.min_ft = "ft.near:-1"}, {.dao = "dao.near:"}};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        if (access_from_options(&wrong[i], a, &c, &e))
            fail_msg("option %zu was taken", i);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(env_files_as_people_write_them),
        cmocka_unit_test(bad_lines_are_named_without_their_values),
        cmocka_unit_test(options_become_conditions),
        cmocka_unit_test(wrong_options_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
