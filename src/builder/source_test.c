// SPDX-License-Identifier: Apache-2.0
#include "builder/source.h"

#include "base/test.h"
#include "repo/spellings.h"

static bool parse(struct source *s, struct arena *a, const char *repo, const char *ref, const char *target) {
    struct err e = {0};
    bool ok = source_parse(s, a, repo, ref, target, &e);
    if (!ok && (e.code != ERR_INVALID || !e.msg[0]))
        fail_msg("'%s' '%s': %s %s", repo, ref, err_slug(e.code), e.msg);
    return ok;
}

// If this fails, the builder fetches another repository than the one whose name its secrets have.
static void test_repositories(void **state) {
    (void)state;
    for (size_t i = 0; i < SPELLINGS; i++) {
        SCOPED_ARENA(a);
        struct source s;
        const struct spelling *want = &spellings[i];
        bool ok = parse(&s, a, want->text, "main", "wasm32-wasip1");
        if (ok != (want->name != NULL))
            fail_msg("'%s' %s", want->text, ok ? "was taken" : "was refused");
        if (!ok)
            continue;
        assert_string_equal(s.name, want->name);
        assert_string_equal(s.url, arena_printf(a, "https://%s", want->name));
        assert_string_equal(s.folder ? s.folder : "", want->folder ? want->folder : "");
    }
}

// If this fails, a commit in capitals is looked up as a name, or a ref that could be an option reaches git.
static void test_refs(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct source s;
    assert_true(parse(&s, a, "o/n", "ABCDEF6789abcdef0123456789abcdef01234567", "wasm32-wasip1"));
    assert_string_equal(s.ref, "abcdef6789abcdef0123456789abcdef01234567");
    assert_true(s.is_commit && !s.is_whole);
    assert_true(parse(&s, a, "o/n", "refs/tags/v1", "wasm32-wasip1"));
    assert_true(!s.is_commit && s.is_whole);
    assert_true(parse(&s, a, "o/n", NULL, "wasm32-wasip1"));
    assert_string_equal(s.ref, "HEAD");
    assert_false(parse(&s, a, "o/n", "--upload-pack=id", "wasm32-wasip1"));
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
    cmocka_unit_test(test_repositories),
    cmocka_unit_test(test_refs),
    cmocka_unit_test(test_targets),
    cmocka_unit_test(test_map),
};
RUN_TESTS(tests)
