// SPDX-License-Identifier: Apache-2.0
// What a repository's names lead to: a wrong commit is built quietly, and nobody sees it.
#include "builder/build.h"

#include "base/clock.h"
#include "base/file.h"
#include "builder/test_script.h"
#include <sys/stat.h>

static char work[] = "/tmp/fetch-test.XXXXXX";
static struct builder *builder;
static struct arena *arena;

// Runs a script in the folder of repositories and gives the first line that it prints.
static const char *sh(const char *fmt, ...) PRINTF_LIKE(1, 2);
static const char *sh(const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    const char *line = test_script(arena, work, fmt, ap);
    va_end(ap);
    return line;
}

// A repository whose one commit builds, and its name.
static const char *repository(const char *name, const char *init) {
    return sh("git init -q -b main %s %s; cd %s; git config user.name t; git config user.email t@t; "
              "printf 'app.wasm: main.c\\n\\t$(CC) $(CFLAGS) main.c -o app.wasm $(LDFLAGS)\\n' >Makefile; "
              "echo 'int main(void) { return 0; }' >main.c; git add -A; git commit -q -m t; git rev-parse HEAD",
              init, name, name);
}

static struct build_result ask(const char *repo, const char *ref, bool build) {
    struct err e = {0};
    struct build_result r = {0};
    struct build_source s = {arena_printf(arena, "folder.invalid/test/%s", repo), ref, "wasm32-wasip1"};
    const struct patience w = {clock_mono_ms() + 60000, NULL};
    assert_ok(builder_resolve(builder, arena, &s, &w, &r, &e), &e);
    if (r.end == BUILD_OK && build)
        assert_ok(builder_build(builder, arena, &s, &w, &r, &e), &e);
    return r;
}

static void is(const char *repo, const char *ref, const char *commit) {
    struct build_result r = ask(repo, ref, false);
    if (r.end != BUILD_OK || strcmp(r.commit, commit) != 0)
        fail_msg("%s: %s %s, want %s", ref, r.commit, r.reason ? r.reason : "", commit);
}

static void builds(const char *repo, const char *ref) {
    struct build_result r = ask(repo, ref, true);
    if (r.end != BUILD_OK)
        fail_msg("%s: %s", ref, r.reason);
}

static void fails(const char *repo, const char *ref, enum build_end end, const char *words) {
    struct build_result r = ask(repo, ref, true);
    if (r.end != end || !r.reason || !strstr(r.reason, words))
        fail_msg("%s: %s '%s', want %s with '%s'", ref, build_end_slug(r.end), r.reason ? r.reason : "",
                 build_end_slug(end), words);
}

static const char *begin(const char *hash, size_t digits) { return arena_printf(arena, "%.*s", (int)digits, hash); }

// If this fails, a name that git and its hosts take is not found.
static void names_are_found(void **state) {
    (void)state;
    const char *first = repository("names", "");
    static const char *const names[] = {"@s/p@1.0.0", "feat(x),y=1", "#12-fix", "wip!",
                                        "_tmp",       "\xc3\xa4",    "a'b\"c",  "@"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        FILE *f = fopen(arena_printf(arena, "%s/name", work), "w");
        assert_non_null(f);
        fputs(names[i], f);
        fclose(f);
        sh("cd names; git update-ref \"refs/heads/$(cat %s/name)\" HEAD", work);
        is("names", names[i], first);
    }
    sh("cd names; git config advice.nestedTag false; git tag -a -m t v1; git tag -a -m t nested v1; git tag -a -m t "
       "deep nested; git tag light; "
       "git commit -q --allow-empty -m later");
    is("names", "main", sh("cd names; git rev-parse HEAD"));
    is("names", "", sh("cd names; git rev-parse HEAD"));
    is("names", "v1", first);
    is("names", "nested", first);
    is("names", "refs/tags/deep", first);
    is("names", "light", first);
    builds("names", "deep");
}

// If this fails, the beginning of a commit's name is not known, or means whichever of two commits git finds first.
static void short_commits(void **state) {
    (void)state;
    const char *first = repository("short", "");
    sh("cd short; git commit -q --allow-empty -m 2; git commit -q --allow-empty -m 3; git branch abcdef12");
    is("short", begin(first, 7), first);
    is("short", begin(first, 39), first);
    is("short", "abcdef12", sh("cd short; git rev-parse HEAD")); // a name goes before the beginning of a commit
    fails("short", begin(first, 6), BUILD_NO_COMMIT, "is no branch, tag or commit of");
    fails("short", "0123456", BUILD_NO_COMMIT, "is no branch, tag or commit of");
    builds("short", begin(first, 8));
    // A commit that only a pull request has is none of the repository's, by whatever part of its name.
    const char *forked = sh("cd short; git checkout -q --detach; git commit -q --allow-empty -m forked; git update-ref "
                            "refs/pull/1/head HEAD; git rev-parse HEAD; git checkout -q main");
    fails("short", begin(forked, 12), BUILD_NO_COMMIT, "is no branch, tag or commit of");
    // Both of these begin 0ad52ac.
    sh("git init -q -b main two; cd two; T=$(git hash-object -w -t tree /dev/null); export GIT_AUTHOR_NAME=t "
       "GIT_AUTHOR_EMAIL=t@t GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@t GIT_AUTHOR_DATE='1700000000 +0000' "
       "GIT_COMMITTER_DATE='1700000000 +0000'; "
       "git update-ref refs/heads/main $(git commit-tree -m 8293 $T); "
       "git update-ref refs/tags/other $(git commit-tree -m 18776 $T)");
    fails("two", "0ad52ac", BUILD_BAD_SOURCE, "more than one commit");
    is("two", "0ad52acc", sh("cd two; git rev-parse refs/tags/other"));
}

// If this fails, one of two things of a name is built, and nobody can tell which.
static void names_that_mean_two_things(void **state) {
    (void)state;
    const char *first = repository("double", "");
    sh("cd double; git branch same; git tag same; git tag main");
    is("double", "main", first);
    is("double", "same", first);
    sh("cd double; git commit -q --allow-empty -m later");
    fails("double", "main", BUILD_BAD_SOURCE, "say refs/heads/main or refs/tags/main");
    is("double", "refs/tags/main", first);
    is("double", "refs/heads/main", sh("cd double; git rev-parse refs/heads/main"));
    sh("cd double; git symbolic-ref HEAD refs/heads/none");
    fails("double", "HEAD", BUILD_NO_COMMIT, "has no default branch");
}

// If this fails, files are built that no commit has, or another commit than the one that the answer names.
static void names_that_are_no_commits(void **state) {
    (void)state;
    const char *first = repository("objects", "");
    sh("cd objects; git tag tree HEAD^{tree}; git tag -a -m t annotated HEAD^{tree}; git tag blob HEAD:main.c; "
       "git tag -a -m t v1");
    fails("objects", "tree", BUILD_NO_COMMIT, "'tree' of https://folder.invalid/test/objects names files");
    fails("objects", "annotated", BUILD_NO_COMMIT, "'annotated' of");
    fails("objects", "blob", BUILD_NO_COMMIT, "'blob' of");
    fails("objects", sh("cd objects; git rev-parse HEAD^{tree}"), BUILD_NO_COMMIT, "names files");
    fails("objects", sh("cd objects; git rev-parse refs/tags/v1"), BUILD_NO_COMMIT, "is in no branch or tag of");
    builds("objects", first);
}

// If this fails, who has a repository of the newer format is told that its branches do not exist.
static void sha256_is_refused(void **state) {
    (void)state;
    static const char words[] = "names its commits by SHA-256";
    const char *commit = repository("wide", "--object-format=sha256");
    fails("wide", "main", BUILD_BAD_SOURCE, words);
    fails("wide", "", BUILD_BAD_SOURCE, words);
    fails("wide", "gone", BUILD_BAD_SOURCE, words);
    fails("wide", commit, BUILD_BAD_SOURCE, words);
    fails("wide", begin(commit, 40), BUILD_BAD_SOURCE, words);
    fails("wide", begin(commit, 8), BUILD_BAD_SOURCE, words);
}

// If this fails, a module is built without what its repository only points to.
static void parts_that_cannot_be_had(void **state) {
    (void)state;
    static const char *const made[][3] = {
        // what .gitmodules says of lib/x, the words of the refusal
        {"https://folder.invalid/test/other", "is no repository that is fetched over https", ""},
        {"git@github.com:a/b.git", "without a login", "write https://github.com/a/b.git in .gitmodules"},
        {"../../up/other", "is no repository that is fetched over https", ""},
        {"/etc", "it is not an owner and a name", ""},
        {"--upload-pack=x", "it is not an owner and a name", ""},
    };
    repository("other", "");
    for (size_t i = 0; i < ARRAY_LEN(made); i++) {
        const char *name = arena_printf(arena, "points%zu", i);
        repository(name, "");
        sh("cd %s; git update-index --add --cacheinfo 160000,$(cd ../other; git rev-parse HEAD),lib/x; "
           "git config -f .gitmodules submodule.x.path lib/x; git config -f .gitmodules submodule.x.url '%s'; "
           "git add .gitmodules; git commit -q -m x",
           name, made[i][0]);
        fails(name, "main", BUILD_DEPENDENCY, "the submodule 'lib/x' cannot be had: ");
        fails(name, "main", BUILD_DEPENDENCY, made[i][1]);
        fails(name, "main", BUILD_DEPENDENCY, made[i][2]);
    }
    sh("cd points0; mkdir -p guest lib/x/y; cp Makefile main.c guest; git rm -q --cached .gitmodules; git add guest; "
       "git commit -q -m stray");
    fails("points0", "main", BUILD_DEPENDENCY, ".gitmodules has no address for it");
    struct build_source s = {"folder.invalid/test/points0//guest", "main", "wasm32-wasip1"};
    struct build_result r = {0};
    struct err e = {0};
    const struct patience w = {clock_mono_ms() + 60000, NULL};
    assert_ok(builder_resolve(builder, arena, &s, &w, &r, &e), &e);
    assert_ok(builder_build(builder, arena, &s, &w, &r, &e), &e); // its folder has all that it needs
    if (r.end != BUILD_OK)
        fail_msg("%s", r.reason);
    // Else whoever may call the one's programs would run the other's with the one's secrets.
    static const char *const within[] = {"points0//lib/x", "points0//lib/x/y"};
    for (size_t i = 0; i < ARRAY_LEN(within); i++)
        fails(within[i], "main", BUILD_BAD_SOURCE, "is in the submodule 'lib/x', which is a repository of its own");
}

// If this fails, a module is built without a submodule, because git named too many for all of them to be read.
static void parts_that_are_too_many(void **state) {
    (void)state;
    repository("many", "");
    sh("cd many; C=$(git rev-parse HEAD); mkdir guest; cp Makefile main.c guest; git add guest; "
       "seq 9000 | awk -v c=$C '{ printf \"160000 %%s\\tf%%0100d\\n\", c, $1 }' >../links; "
       "printf '160000 %%s\\tguest/lib\\n' $C >>../links; "
       "seq 9000 | awk -v c=$C '{ printf \"160000 %%s\\th%%0100d\\n\", c, $1 }' >>../links; "
       "git update-index --add --index-info <../links; git commit -q -m many");
    fails("many//guest", "main", BUILD_DEPENDENCY, "has more submodules than are looked at");
}

// A commit of these entries, "MODE NAME HASH" each, whatever git thinks of them, becomes the branch "other". $C is a
// commit, $S settings that name the folder of a submodule.
static void commit_raw(const char *folder, const char *script) {
    FILE *f = fopen(arena_printf(arena, "%s/test/raw", work), "w");
    assert_non_null(f);
    fputs("raw() { perl -e 'for (@ARGV) { @x = split / /; print \"$x[0] $x[1]\\0\", pack(\"H*\", $x[2]) }' \"$@\" | "
          "git hash-object -w --literally -t tree --stdin; }\n"
          "S=$(git hash-object -w settings); C=$(git rev-parse HEAD)\n",
          f);
    fputs(script, f);
    fputs("\ngit update-ref refs/heads/other $(git commit-tree -m t $T)\n", f);
    fclose(f);
    sh("cd outside; rm -f settings; git config -f settings submodule.x.path '%s'; "
       "git config -f settings submodule.x.url https://folder.invalid/test/other; . ../raw",
       folder);
}

// If this fails, a repository writes outside its checkout while it is fetched: git's settings, say, which name
// programs.
static void parts_that_lie_outside(void **state) {
    (void)state;
    static const char *const names[] = {"..", ".", ".git", ".Git", "x/..", "x/../../git", "x/.git/y", "x//y"};
    repository("outside", "");
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        commit_raw(names[i], arena_printf(arena, "T=$(raw \"160000 %s $C\" \"100644 .gitmodules $S\")", names[i]));
        fails("outside", "other", BUILD_DEPENDENCY, "its folder has a name that is not served");
    }
    // A folder and a link of one name: git lists both, and writes the one that comes last.
    commit_raw("a/b", "L=$(printf ../git | git hash-object -w --stdin); D=$(raw \"160000 b $C\"); "
                      "T=$(raw \"100644 .gitmodules $S\" \"40000 a $D\" \"120000 a $L\")");
    fails("outside", "other", BUILD_DEPENDENCY, "a symbolic link leads somewhere else from its folder");
}

// If this fails, the text that stands for a file is compiled into a module in the file's place.
static void files_of_lfs(void **state) {
    (void)state;
    repository("lfs", "");
    sh("cd lfs; mkdir data; printf 'version https://git-lfs.github.com/spec/v1\\noid sha256:%%064d\\nsize 5\\n' 7 "
       ">'data/my model.bin'; git add data; git commit -q -m pointer");
    fails("lfs", "main", BUILD_DEPENDENCY, "'data/my model.bin' only points to a file of Git LFS");
    // A text about LFS is none.
    sh("cd lfs; sed 's/^/    /' 'data/my model.bin' >data/README; echo x >>'data/README'; git rm -q "
       "'data/my model.bin'; printf 'version https://git-lfs.github.com/spec/v1\\n' >data/spec; git add data; git "
       "commit "
       "-q -m text");
    builds("lfs", "main");
}

static int set_up(void **state) {
    (void)state;
    struct err e = {0};
    arena = arena_new();
    assert_non_null(mkdtemp(work));
    if (chmod(work, 0755) != 0 || mkdir(arena_printf(arena, "%s/test", work), 0755) != 0)
        return -1;
    struct build_settings s = {.guest_dir = "build/guest", .repo_map = arena_printf(arena, "folder.invalid=%s", work)};
    assert_ok(builder_new(&builder, &s, &e), &e);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    struct err e = {0};
    builder_free(builder);
    bool ok = file_remove_tree(work, &e);
    arena_free(arena);
    return ok ? 0 : -1;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_found),
        cmocka_unit_test(short_commits),
        cmocka_unit_test(names_that_mean_two_things),
        cmocka_unit_test(names_that_are_no_commits),
        cmocka_unit_test(sha256_is_refused),
        cmocka_unit_test(parts_that_cannot_be_had),
        cmocka_unit_test(parts_that_are_too_many),
        cmocka_unit_test(parts_that_lie_outside),
        cmocka_unit_test(files_of_lfs),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
