// SPDX-License-Identifier: Apache-2.0
#include "builder/source.h"

#include "base/test.h"

static bool parse(struct source *s, struct arena *a, const char *repo, const char *ref, const char *target) {
    struct err e = {0};
    bool ok = source_parse(s, a, repo, ref, target, &e);
    if (!ok && (e.code != ERR_INVALID || !e.msg[0]))
        fail_msg("'%s' '%s': %s %s", repo, ref, err_slug(e.code), e.msg);
    return ok;
}

// If this fails, one repository has several names, and so several build keys, or a right one is refused.
static void test_repositories_become_one_name(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"https://github.com/owner/name", "https://github.com/owner/name"},
        {"https://github.com/owner/name.git", "https://github.com/owner/name"},
        {"https://github.com/owner/name/", "https://github.com/owner/name"},
        {"https://GitHub.COM/Owner/Name", "https://github.com/Owner/Name"},
        {"github.com/owner/name", "https://github.com/owner/name"},
        {"owner/name", "https://github.com/owner/name"},
        {"owner/na.me-x_y", "https://github.com/owner/na.me-x_y"},
        {"gitlab.com/group/sub/name", "https://gitlab.com/group/sub/name"},
        {"https://git.example.org:8443/a/b", "https://git.example.org:8443/a/b"},
        {"https://127.0.0.1:4433/a/b", "https://127.0.0.1:4433/a/b"},
        {"https://folder.invalid/0123456789ab/my-app", "https://folder.invalid/0123456789ab/my-app"},
        {"local/0123/name", "https://local/0123/name"},
    };
    SCOPED_ARENA(a);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct source s;
        if (!parse(&s, a, cases[i][0], "main", "wasm32-wasip1"))
            fail_msg("%s was refused", cases[i][0]);
        assert_string_equal(s.url, cases[i][1]);
        assert_string_equal(s.name, cases[i][1] + 8);
    }
}

static const char *const refused[] = {"",
                                      "name",
                                      "owner/",
                                      "/owner/name",
                                      "owner//name",
                                      "../name",
                                      "owner/..",
                                      "owner/.git",
                                      "./a/b",
                                      "--upload-pack=x",
                                      "-u/x",
                                      "owner/-x",
                                      "https://-x/owner/name",
                                      "https://github.com/-o/name",
                                      "file:///etc/passwd",
                                      "/etc/passwd",
                                      "http://github.com/owner/name",
                                      "ssh://git@github.com/owner/name",
                                      "git@github.com:owner/name",
                                      "git://github.com/owner/name",
                                      "ext::sh -c x",
                                      "HTTPS://github.com/owner/name",
                                      "https://user:pass@github.com/owner/name",
                                      "https://token@github.com/owner/name",
                                      "https://github.com/owner/name?x=y",
                                      "https://github.com/owner/name#x",
                                      "https://github.com/owner/name/extra",
                                      "https://github.com/owner",
                                      "https://github.com",
                                      "https:///owner/name",
                                      "https://github/owner/name",
                                      "https://github.com:/a/b",
                                      "https://github.com:99999999/a/b",
                                      "https://github.com:x/a/b",
                                      "https://git..com/a/b",
                                      "https://.com/a/b",
                                      "https://a-.com/a/b",
                                      "https://github.com./a/b",
                                      "owner/name with space",
                                      "owner/name\n",
                                      "owner/na\tme",
                                      "owner/n$(id)",
                                      "owner/n;id",
                                      "owner/n%2e",
                                      "owner/näme",
                                      "owner/name\\x",
                                      "owner/'name'",
                                      "a/b/c/d/e/f/g/h/i/j/k",
                                      ".git",
                                      "https://github.com/owner/.git",
                                      "https://[::1]/a/b"};

// If this fails, a stranger passes options to git, reads local files, uses logins or other protocols.
static void test_repositories_refused(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct source s;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        if (parse(&s, a, refused[i], "main", "wasm32-wasip1"))
            fail_msg("'%s' became %s", refused[i], s.url);
    char *many = arena_printf(a, "owner/%0300d", 1);
    assert_false(parse(&s, a, many, "main", "wasm32-wasip1"));
    assert_false(parse(&s, a, NULL, "main", "wasm32-wasip1"));
}

// If this fails, a ref is taken for an option or another object of git than a branch, tag or commit.
static void test_refs(void **state) {
    (void)state;
    static const char *const good[] = {"main",
                                       "v1.0",
                                       "feature/a_b-c",
                                       "release+1",
                                       "refs/heads/main",
                                       "refs/tags/v1",
                                       "HEAD",
                                       "0123456789abcdef0123456789abcdef01234567",
                                       "0123456",
                                       "user@thing",
                                       "1"};
    static const char *const bad[] = {"-x",
                                      "--upload-pack=id",
                                      "a..b",
                                      "a b",
                                      "a~1",
                                      "a^",
                                      "a:b",
                                      "a?",
                                      "a*",
                                      "a[",
                                      "a\\b",
                                      "/a",
                                      "a/",
                                      "a//b",
                                      ".a",
                                      "a/.b",
                                      "a.lock",
                                      "a.lock/b",
                                      "a@{1}",
                                      "refs/pull/1/head",
                                      "refs/remotes/x/y",
                                      "refs/stash",
                                      "a\n",
                                      "é",
                                      "a.",
                                      "refs/heads/"};
    SCOPED_ARENA(a);
    struct source s;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_true(parse(&s, a, "o/n", good[i], "wasm32-wasip1"));
        assert_int_equal(s.is_commit, strlen(good[i]) == 40);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (parse(&s, a, "o/n", bad[i], "wasm32-wasip1"))
            fail_msg("ref '%s' was taken", bad[i]);
    assert_true(parse(&s, a, "o/n", "ABCDEF6789abcdef0123456789abcdef01234567", "wasm32-wasip1"));
    assert_string_equal(s.ref, "abcdef6789abcdef0123456789abcdef01234567");
    assert_true(parse(&s, a, "o/n", NULL, "wasm32-wasip1"));
    assert_string_equal(s.ref, "HEAD");
}

// If this fails, a module of the wrong kind is built, or the old name of WASI P1 is not known.
static void test_targets(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct source s;
    assert_true(parse(&s, a, "o/n", "main", "wasm32-wasi"));
    assert_string_equal(source_target_text(s.target), "wasm32-wasip1");
    assert_true(parse(&s, a, "o/n", "main", "wasm32-wasip2"));
    assert_string_equal(source_target_text(s.target), "wasm32-wasip2");
    assert_false(parse(&s, a, "o/n", "main", "x86_64-unknown-linux-gnu"));
    assert_false(parse(&s, a, "o/n", "main", ""));
    assert_false(parse(&s, a, "o/n", "main", NULL));
}

// If this fails, `--repo .` reaches another folder, or a stranger's name reaches a local one.
static void test_map(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e = {0};
    struct source_map m;
    assert_ok(source_map_parse(&m, a, "github.com/o/n=/one,folder.invalid=/all,,", &e), &e);
    assert_int_equal(m.count, 2);
    assert_string_equal(source_map_find(&m, a, "github.com/o/n"), "/one");
    assert_string_equal(source_map_find(&m, a, "folder.invalid/x/y"), "/all/x/y.git");
    assert_null(source_map_find(&m, a, "github.com/o/other"));
    assert_null(source_map_find(&m, a, "folder.invalid.evil/x/y"));
    assert_ok(source_map_parse(&m, a, "", &e), &e);
    assert_null(source_map_find(&m, a, "github.com/o/n"));
    assert_err(source_map_parse(&m, a, "github.com/o/n", &e), &e, ERR_SETTINGS, "REPO_MAP");
    assert_err(source_map_parse(&m, a, "github.com/o/n=relative", &e), &e, ERR_SETTINGS, "REPO_MAP");
    assert_err(source_map_parse(&m, a, "../x=/one", &e), &e, ERR_INVALID, "REPO_MAP");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_repositories_become_one_name),
    cmocka_unit_test(test_repositories_refused),
    cmocka_unit_test(test_refs),
    cmocka_unit_test(test_targets),
    cmocka_unit_test(test_map),
};
RUN_TESTS(tests)
