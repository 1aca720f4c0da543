// SPDX-License-Identifier: Apache-2.0
#include "repo/ref.h"

#include "base/test.h"
#include <sys/wait.h>

static const char *const good[] = {"main",
                                   "v1.0",
                                   "feature/a_b-c",
                                   "release+1",
                                   "refs/heads/main",
                                   "refs/tags/v1",
                                   "HEAD",
                                   "0123456",
                                   "user@thing",
                                   "1",
                                   "@s/p@1.0.0",
                                   "feat(x),y=1",
                                   "wip!",
                                   "_tmp",
                                   "#12-fix",
                                   "\xc3\xa4",
                                   "a'b\"c",
                                   "$x;y&z|w<v>u",
                                   "{a}`b`",
                                   "a./b",
                                   "\xf0\x9f\x8c\x8a/x",
                                   "a/-b",
                                   "100%",
                                   "heads/x",
                                   "a.lock.b",
                                   "@@",
                                   "@",
                                   "refs/heads/@"};
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
                                  "refs/heads/",
                                  "refs/",
                                  "a\n",
                                  "a\x7f",
                                  "a\tb",
                                  "a.",
                                  "\xff",
                                  "a\xc3",
                                  "a\xc0\xaf"};

// If this fails, a ref is taken for an option or another object of git than a branch, tag or commit; or a name that git
// and its hosts take is refused.
static void names_are_gits_own(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct ref r;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct err e = {0};
        assert_ok(ref_read(&r, a, good[i], &e), &e);
        assert_string_equal(r.text, good[i]);
        assert_false(r.is_commit);
        assert_int_equal(r.is_whole, strncmp(good[i], "refs/", 5) == 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = {0};
        if (ref_read(&r, a, bad[i], &e))
            fail_msg("ref '%s' was taken", bad[i]);
        assert_int_equal(e.code, ERR_INVALID);
    }
}

static bool git_takes(struct arena *a, const char *name) {
    const char *ref = arena_printf(a, REF_HEADS "%s", name);
    pid_t child = fork();
    if (child == 0) {
        execlp("git", "git", "check-ref-format", ref, (char *)NULL);
        _exit(127);
    }
    int status = 0;
    assert_true(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) != 127);
    return WEXITSTATUS(status) == 0;
}

// The same of texts that are put together by chance from what the rules speak of: git is asked about each.
static void git_agrees(void **state) {
    (void)state;
    static const char *const bits[] = {"a",        "/",    ".", "-", "@", "{", ".lock", "..", "\x01",
                                       "\x7f",     " ",    "~", "^", ":", "?", "*",     "[",  "\\",
                                       "\xc3\xa4", "refs", "(", ",", "#", "'", "\""};
    unsigned seed = 20261129;
    for (int i = 0; i < 600; i++) {
        SCOPED_ARENA(a);
        const char *text = "";
        for (size_t n = 1 + (size_t)rand_r(&seed) % 5; n; n--)
            text = arena_printf(a, "%s%s", text, bits[(size_t)rand_r(&seed) % ARRAY_LEN(bits)]);
        if (ref_name_ok(text) != (text[0] != '-' && git_takes(a, text)))
            fail_msg("'%s': git says %s", text, git_takes(a, text) ? "yes" : "no");
    }
}

static void commits_are_digits(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e = {0};
    struct ref r;
    assert_ok(ref_read(&r, a, "ABCDEF6789abcdef0123456789abcdef01234567", &e), &e);
    assert_true(r.is_commit);
    assert_string_equal(r.text, "abcdef6789abcdef0123456789abcdef01234567");
    assert_ok(ref_read(&r, a, NULL, &e), &e);
    assert_string_equal(r.text, "HEAD");
    assert_ok(ref_read(&r, a, "", &e), &e);
    assert_string_equal(r.text, "HEAD");
    assert_string_equal(ref_short_commit(a, "ABCDEF0"), "abcdef0");
    assert_null(ref_short_commit(a, "abcdef"));
    assert_null(ref_short_commit(a, "abcdefg"));
    assert_null(ref_short_commit(a, "0123456789012345678901234567890123456789a"));
}

static void names_are_bounded(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e = {0};
    struct ref r;
    char name[REF_MAX + 2];
    memset(name, 'x', sizeof name);
    name[REF_MAX + 1] = 0;
    assert_err(ref_read(&r, a, name, &e), &e, ERR_INVALID, "not the name of");
    assert_ok(ref_read(&r, a, name + 1, &e), &e);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(names_are_gits_own), cmocka_unit_test(git_agrees),
                                          cmocka_unit_test(commits_are_digits), cmocka_unit_test(names_are_bounded)};
RUN_TESTS(tests)
