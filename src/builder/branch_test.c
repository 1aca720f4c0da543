// SPDX-License-Identifier: Apache-2.0
// Secrets are stored for branches: a wrong branch gives a program somebody's other secrets, or none.
#include "builder/branch.h"

#include "base/clock.h"
#include "base/file.h"
#include "builder/test_script.h"
#include <sys/stat.h>
#include <unistd.h>

static char work[] = "/tmp/branch-test.XXXXXX";
static struct builder *builder;
static struct arena *arena;

// Runs a script and gives the first line that it prints.
static const char *sh(const char *fmt, ...) PRINTF_LIKE(1, 2);
static const char *sh(const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    const char *line = test_script(arena, work, fmt, ap);
    va_end(ap);
    return line;
}

// A commit on the branch that is checked out, at that second; its name.
static const char *commit(const char *repo, unsigned second) {
    return sh("cd %s; export GIT_COMMITTER_DATE=@%u GIT_AUTHOR_DATE=@%u; git commit -q --allow-empty -m at%u; "
              "git rev-parse HEAD",
              repo, 1700000000 + second, 1700000000 + second, second);
}

static void repository(const char *name) {
    sh("git init -q -b main %s; cd %s; git config user.name t; git config user.email t@t", name, name);
}

static bool ask(struct builder *b, const char *repo, const char *ref, const char **branch, struct err *e) {
    const struct build_source s = {.repo = arena_printf(arena, "https://folder.invalid/test/%s", repo), .ref = ref};
    *branch = NULL;
    const struct patience w = {clock_mono_ms() + 60000, NULL};
    return builder_branch(b, arena, &s, &w, branch, e);
}

static void is(const char *repo, const char *ref, const char *want) {
    const char *branch;
    struct err e = {0};
    if (!ask(builder, repo, ref, &branch, &e))
        fail_msg("%s %s: %s (%s)", repo, ref, e.msg, err_slug(e.code));
    assert_string_equal(branch, want);
}

static void fails(const char *repo, const char *ref, enum err_code code, const char *words) {
    const char *branch;
    struct err e = {0};
    assert_err(ask(builder, repo, ref, &branch, &e), &e, code, words);
}

static const char *begin(const char *hash, size_t digits) { return arena_printf(arena, "%.*s", (int)digits, hash); }

// If this fails, a branch, tag or commit is taken for another branch than its own.
static void each_ref_has_its_branch(void **state) {
    (void)state;
    repository("a");
    const char *base = commit("a", 1), *top = commit("a", 9);
    sh("cd a; git checkout -q -b old %s", base);
    const char *on_old = commit("a", 2), *on_both = commit("a", 3);
    sh("cd a; git tag -a -m t v2 %s; git tag light %s; git checkout -q -b feature/new", on_old, base);
    commit("a", 5);
    sh("cd a; git checkout -q old");
    commit("a", 4);
    sh("cd a; git checkout -q main");
    is("a", "main", "main");
    is("a", "feature/new", "feature/new");
    is("a", "refs/heads/old", "old");
    is("a", "HEAD", "main");
    is("a", "", "main");
    is("a", top, "main");
    is("a", base, "main"); // all branches have it: the default one counts
    is("a", "light", "main");
    is("a", begin(top, 8), "main");
    is("a", on_both, "feature/new"); // the newest, not the first by name or the one that was there first
    is("a", "v2", "feature/new");
    is("a", "refs/tags/v2", "feature/new");
    is("a", begin(on_old, 7), "feature/new");
    for (char *p = (char *)(uintptr_t)on_old; *p; p++)
        *p = (char)(*p >= 'a' ? *p - 32 : *p);
    is("a", on_old, "feature/new");
    fails("a", "gone", ERR_NOT_FOUND, "no branch, tag or commit");
    fails("a", "abcdef", ERR_NOT_FOUND, "no branch, tag or commit"); // too short for a commit
    fails("a", "0123456", ERR_NOT_FOUND, "in no branch");
    fails("a", "0123456789012345678901234567890123456789", ERR_NOT_FOUND, "in no branch");
    fails("a", "refs/tags/none", ERR_NOT_FOUND, "no branch, tag or commit");
    fails("a", "--upload-pack=x", ERR_INVALID, "not the name of");
    fails("none", "main", ERR_NOT_FOUND, "not there");
    // A name that looks like a commit's is the branch's all the same.
    sh("cd a; git branch abcdef12 old");
    is("a", "abcdef12", "abcdef12");
}

// If this fails, somebody who may not push gets the secrets of a branch, or a name that means two things gives either.
static void what_is_in_no_branch(void **state) {
    (void)state;
    repository("b");
    commit("b", 1);
    sh("cd b; git checkout -q -b fork; git config uploadpack.allowAnySHA1InWant true");
    const char *forked = commit("b", 2);
    sh("cd b; git update-ref refs/pull/1/head %s; git checkout -q main; git branch -q -D fork", forked);
    fails("b", forked, ERR_NOT_FOUND, "in no branch");
    sh("cd b; git tag loose %s", forked);
    fails("b", "loose", ERR_NOT_FOUND, "in no branch");
    sh("cd b; git tag main %s", forked);
    fails("b", "main", ERR_INVALID, "both a branch and a tag");
    is("b", "refs/heads/main", "main");
    sh("git clone -q --bare b bare.git; cd bare.git; git symbolic-ref HEAD refs/heads/none");
    fails("bare", "HEAD", ERR_NOT_FOUND, "no default branch");
    is("bare", "refs/heads/main", "main");
    is("bare", sh("cd b; git rev-parse refs/heads/main"), "main");
    sh("git init -q --bare empty.git");
    fails("empty", "main", ERR_NOT_FOUND, "no branch, tag or commit");
    fails("empty", "", ERR_NOT_FOUND, "no default branch");
}

// If this fails, the beginning of a commit's name means whichever of two commits git finds first. Both begin 0ad52ac.
static void short_commits_of_two(void **state) {
    (void)state;
    repository("c");
    sh("cd c; T=$(git hash-object -w -t tree /dev/null); export GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@t "
       "GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@t GIT_AUTHOR_DATE='1700000000 +0000' "
       "GIT_COMMITTER_DATE='1700000000 +0000'; "
       "git update-ref refs/heads/main $(git commit-tree -m 8293 $T); "
       "git update-ref refs/heads/other $(git commit-tree -m 18776 $T)");
    fails("c", "0ad52ac", ERR_INVALID, "more than one commit");
    is("c", "0ad52ac7", "main");
    is("c", "0ad52acc", "other");
}

// If this fails, one large repository stops the look-ups of all: its files are fetched, or its history without bound.
static void size_and_time_are_bounded(void **state) {
    (void)state;
    struct err e = {0};
    const char *branch;
    struct builder *small;
    const struct build_settings settings = {.repo_map = arena_printf(arena, "folder.invalid=%s", work),
                                            .disk_bytes = 4u << 20};
    assert_ok(builder_new(&small, &settings, &e), &e);
    repository("large");
    sh("cd large; head -c 16777216 /dev/urandom > file; git add file");
    const char *with_file = commit("large", 1);
    commit("large", 2);
    assert_ok(ask(small, "large", with_file, &branch, &e), &e);
    assert_string_equal(branch, "main");
    sh("cd large; head -c 9000000 /dev/urandom | base64 | git commit -q --allow-empty -F -");
    assert_err(ask(small, "large", with_file, &branch, &e), &e, ERR_LIMIT, "larger than");
    builder_free(small);
    const struct build_source s = {.repo = "folder.invalid/test/large", .ref = with_file};
    const struct patience w = {clock_mono_ms() + 1, NULL};
    assert_err(builder_branch(builder, arena, &s, &w, &branch, &e), &e, ERR_TIMEOUT, "took longer");
}

// If this fails, a program that ends, or a worker that has lost a lease, waits for other people's servers.
static void cancelled(void **state) {
    (void)state;
    atomic_bool cancel = true;
    struct err e = {0};
    const char *branch;
    const struct build_source s = {.repo = "folder.invalid/test/a", .ref = "main"};
    const struct patience w = {clock_mono_ms() + 60000, &cancel};
    assert_err(builder_branch(builder, arena, &s, &w, &branch, &e), &e, ERR_UNAVAILABLE, "cancelled");
    assert_false(patience_over(&(const struct patience){w.deadline_ms, NULL}));
}

static int setup(void **state) {
    (void)state;
    struct err e = {0};
    arena = arena_new();
    assert_non_null(mkdtemp(work));
    if (chmod(work, 0755) != 0 || mkdir(arena_printf(arena, "%s/test", work), 0755) != 0)
        return -1;
    const struct build_settings settings = {.repo_map = arena_printf(arena, "folder.invalid=%s", work)};
    assert_ok(builder_new(&builder, &settings, &e), &e);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    builder_free(builder);
    int status = system(arena_printf(arena, "rm -rf %s", work));
    arena_free(arena);
    return status;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_ref_has_its_branch),
        cmocka_unit_test(what_is_in_no_branch),
        cmocka_unit_test(short_commits_of_two),
        cmocka_unit_test(size_and_time_are_bounded),
        cmocka_unit_test(cancelled),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
