// SPDX-License-Identifier: Apache-2.0
#include "repo/repo.h"

#include "base/test.h"
#include "repo/spellings.h"

// If this fails, one repository has several names, and so several build keys, and secrets that are stored are not
// found; or a stranger passes options to git, reads local files, uses logins or other protocols.
static void each_spelling_has_its_meaning(void **state) {
    (void)state;
    for (size_t i = 0; i < SPELLINGS; i++) {
        SCOPED_ARENA(a);
        const struct spelling *s = &spellings[i];
        struct err e = {0};
        struct repo r;
        bool ok = repo_read(&r, a, s->text, &e);
        if (ok != (s->name != NULL) || (ok && strcmp(r.name, s->name) != 0))
            fail_msg("'%s' became '%s'", s->text, ok ? r.name : e.msg);
        if (!ok && (e.code != ERR_INVALID || !e.hint[0]))
            fail_msg("'%s': %s, %s", s->text, e.msg, e.hint);
        if (!ok)
            continue;
        if (strcmp(r.folder ? r.folder : "", s->folder ? s->folder : "") != 0)
            fail_msg("'%s' has the folder '%s'", s->text, r.folder ? r.folder : "");
        assert_string_equal(r.url, arena_printf(a, "https://%s", s->name));
        assert_string_equal(r.place, s->folder ? arena_printf(a, "%s//%s", r.url, s->folder) : r.url);
    }
}

// If this fails, a name that was made once becomes another one where it is read again: a key would be derived for one
// repository and asked for another.
static void what_was_read_is_read_as_itself(void **state) {
    (void)state;
    for (size_t i = 0; i < SPELLINGS; i++) {
        SCOPED_ARENA(a);
        struct repo r, again;
        struct err e = {0};
        if (!repo_read(&r, a, spellings[i].text, &e))
            continue;
        assert_true(repo_name_ok(r.name, strlen(r.name)));
        assert_ok(repo_read(&again, a, r.name, &e), &e);
        assert_string_equal(again.name, r.name);
        assert_ok(repo_read(&again, a, r.place, &e), &e);
        assert_string_equal(again.place, r.place);
    }
}

// If this fails, what is written another way than it is stored is taken for a name.
static void only_names_are_names(void **state) {
    (void)state;
    for (size_t i = 0; i < SPELLINGS; i++) {
        const struct spelling *s = &spellings[i];
        bool is_name = s->name && strcmp(s->name, s->text) == 0;
        if (repo_name_ok(s->text, strlen(s->text)) != is_name)
            fail_msg("'%s' %s a name", s->text, is_name ? "is not" : "is");
    }
}

static void names_are_bounded(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e = {0};
    struct repo r;
    char text[REPO_MAX + 2];
    memset(text, 'x', sizeof text);
    memcpy(text, "h.x/a/", 6);
    text[REPO_MAX] = 0;
    assert_ok(repo_read(&r, a, text, &e), &e);
    text[REPO_MAX] = 'x', text[REPO_MAX + 1] = 0;
    assert_err(repo_read(&r, a, text, &e), &e, ERR_INVALID, "more than 256 bytes");
    text[REPO_MAX] = 0;
    assert_err(repo_read(&r, a, text + 4, &e), &e, ERR_INVALID, "more than 256 bytes"); // with github.com before it
    assert_err(repo_read(&r, a, NULL, &e), &e, ERR_INVALID, "empty");
}

// If this fails, who wrote a repository the way other tools show it is not told how to write it here.
static void refusals_say_what_to_write(void **state) {
    (void)state;
    static const char *const cases[][3] = {
        {"git@github.com:a/b.git", "without a login", "write https://github.com/a/b.git"},
        {"https://token@github.com/a/b", "without a login", "write https://github.com/a/b"},
        {"http://github.com/a/b", "over https only", "write https://github.com/a/b"},
        {"https://github.com/a/b/tree/main", "an owner and a name", "owner/name//folder"},
        {"https://h.example/a/y.git.git", "twice", "write https://host/owner/name"},
        {"a/b//../c", "not a folder", "host/owner/name//examples/guest"},
        {"https://github/a/b", "no host", "write https://host/owner/name"},
        {"gitlab.com/a", "not an owner and a name", "write https://host/owner/name"},
    };
    SCOPED_ARENA(a);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = {0};
        struct repo r;
        assert_err(repo_read(&r, a, cases[i][0], &e), &e, ERR_INVALID, cases[i][1]);
        if (!strstr(e.hint, cases[i][2]))
            fail_msg("'%s': %s", cases[i][0], e.hint);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(each_spelling_has_its_meaning), cmocka_unit_test(what_was_read_is_read_as_itself),
    cmocka_unit_test(only_names_are_names),          cmocka_unit_test(names_are_bounded),
    cmocka_unit_test(refusals_say_what_to_write),
};
RUN_TESTS(tests)
