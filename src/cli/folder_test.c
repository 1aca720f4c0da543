// SPDX-License-Identifier: Apache-2.0
// Folders of this machine as repositories (repo.h).
#include "base/test.h"
#include "cli/repo.h"
#include <stdlib.h>
#include <unistd.h>

struct home {
    char path[64];
    struct arena *a;
};

static void sh(struct home *h, const char *command) {
    const char *line =
        arena_printf(h->a,
                     "cd %s && export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b "
                     "GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b; { %s; } >/dev/null 2>&1",
                     h->path, command);
    assert_int_equal(system(line), 0);
}

static int set_up(void **state) {
    struct home *h = xcalloc(1, sizeof *h);
    snprintf(h->path, sizeof h->path, "/tmp/outlayer-folder-XXXXXX");
    h->a = arena_new();
    *state = h;
    return !mkdtemp(h->path);
}

static int tear_down(void **state) {
    struct home *h = *state;
    sh(h, "rm -rf /tmp/$(basename $PWD)");
    arena_free(h->a);
    free(h);
    return 0;
}

static const char *head_of(struct home *h, const char *folder) {
    sh(h, arena_printf(h->a, "git -C %s rev-parse HEAD >head", folder));
    char head[64] = "";
    FILE *f = fopen(arena_printf(h->a, "%s/head", h->path), "r");
    assert_non_null(f);
    assert_non_null(fgets(head, sizeof head, f));
    fclose(f);
    head[strcspn(head, "\n")] = 0;
    return arena_strdup(h->a, head);
}

static struct repo_ref prepare(struct home *h, const char *folder) {
    struct repo_ref r;
    struct err e;
    const char *home = arena_printf(h->a, "%s/home", h->path), *given = arena_printf(h->a, "%s/%s", h->path, folder);
    assert_ok(repo_prepare(h->a, home, given, NULL, &r, &e), &e);
    assert_true(r.local);
    assert_int_equal(strncmp(r.repo, "https://" REPO_LOCAL_HOST "/", strlen("https://" REPO_LOCAL_HOST "/")), 0);
    return r;
}

// If this fails, the same files are built again each time, or other files are taken for the same.
static void test_snapshot(void **state) {
    struct home *h = *state;
    sh(h, "mkdir p && echo one >p/main.c && echo 'secret.txt' >p/.gitignore && echo s >p/secret.txt");
    struct repo_ref first = prepare(h, "p"), again = prepare(h, "p");
    assert_string_equal(first.commit, again.commit);
    assert_string_equal(first.repo, again.repo);
    sh(h, "touch -d 2020-01-01 p/main.c && echo other >p/secret.txt");
    assert_string_equal(prepare(h, "p").commit, first.commit); // neither dates nor what .gitignore leaves out
    sh(h, "echo two >p/main.c");
    assert_string_not_equal(prepare(h, "p").commit, first.commit);
    sh(h, "cp -r p q");
    assert_string_equal(prepare(h, "q").commit, prepare(h, "p").commit);
    assert_string_not_equal(prepare(h, "q").repo, first.repo);
    sh(h, "ln -s p l");
    assert_string_equal(prepare(h, "l").repo, first.repo); // a folder is known by its real path
    sh(h, "for m in $(find home/repos -name HEAD -printf '%h '); do for c in $(git --git-dir=$m log --all "
          "--format=%H); do "
          "git --git-dir=$m ls-tree --name-only $c; done; done >names; grep -qx main.c names && ! grep -qx secret.txt "
          "names");
}

// If this fails, what is built is not what was committed, or changes that were not committed are left out in silence.
static void test_a_repository(void **state) {
    struct home *h = *state;
    sh(h, "git init -q -b main g && echo one >g/main.c && git -C g add . && git -C g commit -qm one");
    struct repo_ref clean = prepare(h, "g");
    const char *head = head_of(h, "g");
    assert_string_equal(clean.commit, head);
    sh(h, "echo two >g/main.c");
    struct repo_ref changed = prepare(h, "g");
    assert_string_not_equal(changed.commit, head);
    assert_string_equal(changed.repo, clean.repo);
    sh(h, "git -C g status --porcelain | grep -q 'M main.c' && [ $(git -C g rev-parse HEAD) = $(cat head) ]"); // left
                                                                                                               // alone
}

// If this fails, looking at a stranger's folder runs a program that its .git/config names.
static void test_nothing_of_the_folder_runs(void **state) {
    struct home *h = *state;
    sh(h, "git init -q -b main part && echo p >part/p.c && git -C part add . && git -C part commit -qm p && "
          "git init -q -b main g && echo '* filter=x' >g/.gitattributes && echo one >g/main.c && "
          "git -C g -c protocol.file.allow=always submodule --quiet add ../part sub && git -C g add . && "
          "git -C g commit -qm one && git init -q g/mine && cp g/main.c g/mine && git -C g/mine add . && "
          "git -C g/mine commit -qm mine && for r in g g/sub g/mine; do "
          "git -C $r config core.fsmonitor \"touch $PWD/ran;false\" && "
          "git -C $r config filter.x.clean \"touch $PWD/ran; cat\" && git -C $r config filter.x.required true && "
          "git -C $r config core.hooksPath $PWD/hooks; done; mkdir hooks && for k in post-index-change "
          "reference-transaction pre-commit; do printf '#!/bin/sh\ntouch %s/ran' $PWD >hooks/$k && "
          "chmod +x hooks/$k; done; git -C g status; test -e ran && rm ran");
    prepare(h, "g");
    sh(h, "rm -rf g/mine");
    prepare(h, "g");
    sh(h, "echo two >g/main.c; echo two >g/sub/p.c");
    prepare(h, "g");
    sh(h, "! test -e ran");
}

// If this fails, `outlayer request` run in a stranger's folder looks at another repository by programs of theirs.
static void test_nothing_of_where_we_are_runs(void **state) {
    struct home *h = *state;
    struct repo_ref r;
    struct err e;
    char was[512];
    sh(h, "git init -q here && cd here && git config protocol.ext.allow always && "
          "git config url.\"ext::touch $PWD/../ran \".insteadOf https://host.invalid/");
    assert_non_null(getcwd(was, sizeof was));
    assert_int_equal(chdir(arena_printf(h->a, "%s/here", h->path)), 0);
    assert_ok(repo_prepare(h->a, h->path, "https://host.invalid/a/b", NULL, &r, &e), &e);
    assert_int_equal(chdir(was), 0);
    sh(h, "! test -e ran*");
}

// If this fails, files that were committed are missing in what is built, because .gitignore names them or because they
// are another repository's.
static void test_what_is_committed_is_there(void **state) {
    struct home *h = *state;
    sh(h, "git init -q -b main part && echo p >part/p.c && git -C part add . && git -C part commit -qm p && "
          "git init -q -b main g && echo one >g/main.c && echo '*.gen' >g/.gitignore && echo gen >g/made.gen && "
          "mkdir g/dir && echo f >g/dir/file && git -C g -c protocol.file.allow=always submodule --quiet add ../part "
          "sub && git -C g add -f . && git -C g commit -qm one && git clone -q g without");
    assert_string_equal(prepare(h, "g").commit, head_of(h, "g"));
    assert_string_equal(prepare(h, "without").commit, head_of(h, "g")); // its submodule was not fetched
    sh(h, "rm -r g/dir && echo now >g/dir && echo two >g/main.c && mkdir 'g/new *' && echo n >'g/new */n.c' && echo x "
          ">g/x.gen");
    struct repo_ref changed = prepare(h, "g");
    sh(h, arena_printf(
              h->a,
              "git --git-dir=$(dirname $(find home/repos -path '*/g.git/HEAD')) ls-tree -r %s | cut -f2 >names; "
              "printf '%%s\\n' .gitignore .gitmodules dir made.gen main.c 'new */n.c' sub | LC_ALL=C sort >wanted; "
              "LC_ALL=C sort names | cmp - wanted",
              changed.commit));
}

// If this fails, a folder that git will not give away cannot be built at all.
static void test_a_history_that_is_cut(void **state) {
    struct home *h = *state;
    sh(h, "git init -q -b main g && echo one >g/main.c && git -C g add . && git -C g commit -qm one && echo two "
          ">g/main.c && git -C g commit -qam two && git clone -q --depth 1 file://$PWD/g short && git init -q "
          "--object-format=sha256 long && cp g/main.c long && git -C long add . && git -C long commit -qm one");
    struct repo_ref a = prepare(h, "short"), b = prepare(h, "long");
    assert_string_equal(a.commit, b.commit); // snapshots of the same files
}

// If this fails, a repository's address or ref is changed on its way to the chain.
static void test_addresses_pass(void **state) {
    struct home *h = *state;
    struct repo_ref r;
    struct err e;
    assert_ok(repo_prepare(h->a, h->path, "https://github.com/a/b", NULL, &r, &e), &e);
    assert_false(r.local);
    assert_string_equal(r.repo, "https://github.com/a/b");
    assert_string_equal(r.commit, "main");
    assert_ok(repo_prepare(h->a, h->path, "github.com/a/b", "v1", &r, &e), &e);
    assert_string_equal(r.repo, "github.com/a/b");
    assert_string_equal(r.commit, "v1");
}

// If this fails, whoever names an empty folder is told that a commit is in no branch.
static void test_a_folder_without_files(void **state) {
    struct home *h = *state;
    struct repo_ref r;
    struct err e;
    const char *home = arena_printf(h->a, "%s/home", h->path), *given = arena_printf(h->a, "%s/empty", h->path);
    sh(h, "mkdir empty && echo '*' >empty/.gitignore && echo x >empty/ignored");
    assert_err(repo_prepare(h->a, home, given, NULL, &r, &e), &e, ERR_USAGE, "there are no files in it");
    assert_non_null(strstr(e.hint, ".gitignore"));
}

static struct repo_ref take(struct home *h, struct repo_taker *t) {
    struct repo_ref r;
    struct err e;
    assert_ok(repo_take(t, h->a, arena_printf(h->a, "%s/home", h->path), arena_printf(h->a, "%s/p", h->path), &r, &e),
              &e);
    return r;
}

// How many branches the mirror of "p" has, and whether it has that commit.
static void mirror_has(struct home *h, int branches, const char *commit, bool there) {
    sh(h, arena_printf(
              h->a,
              "m=$(dirname $(find home/repos -path '*/p.git/HEAD')) && "
              "[ $(git --git-dir=$m for-each-ref refs/heads | wc -l) = %d ] && %s git --git-dir=$m cat-file -e %s",
              branches, there ? "" : "!", commit));
}

// As if hours had passed.
static void age(struct home *h) { sh(h, "find home/repos -type f -exec touch -d '3 hours ago' {} +"); }

// If this fails, whoever works with `outlayer run --watch` fills the disk with everything that was ever saved, or what
// was asked for on a chain, or is being built at this moment, is gone when a worker comes for it.
static void test_what_is_taken_is_let_go(void **state) {
    struct home *h = *state;
    struct repo_taker one = REPO_TAKER_NONE, other = REPO_TAKER_NONE;
    sh(h, "git init -q -b main p && echo base >p/main.c && git -C p add . && git -C p commit -qm one && echo asked "
          ">p/main.c");
    const char *head = head_of(h, "p"), *asked = prepare(h, "p").commit, *last = "";
    for (int i = 0; i < 5; i++) {
        sh(h, arena_printf(h->a, "echo %d >p/main.c", i));
        last = take(h, &one).commit;
        mirror_has(h, 2, last, true);
    }
    sh(h, "echo others >p/main.c");
    const char *others = take(h, &other).commit;
    mirror_has(h, 3, last, true);
    repo_taker_end(&one);
    sh(h, "echo next >p/main.c");
    const char *next = take(h, &one).commit; // where the one that ended was
    mirror_has(h, 3, last, true);
    age(h);
    sh(h, "echo new | git --git-dir=$(dirname $(find home/repos -path '*/p.git/HEAD')) hash-object -w --stdin "
          ">written");
    sh(h, "echo last >p/main.c");
    take(h, &one);
    mirror_has(h, 3, last, false);
    mirror_has(h, 3, next, false);
    mirror_has(h, 3, others, true);
    mirror_has(h, 3, asked, true);
    mirror_has(h, 3, "$(cat written)", true); // a moment ago, by another process
    mirror_has(h, 3, head, true);             // or a long history is fetched anew each hour
    repo_taker_end(&one);
    repo_taker_end(&other);
}

// If this fails, a folder that was removed while it was watched is looked for on the network under its name.
static void test_a_folder_that_is_gone(void **state) {
    struct home *h = *state;
    struct repo_taker t = REPO_TAKER_NONE;
    struct repo_ref r;
    struct err e;
    assert_err(repo_take(&t, h->a, h->path, arena_printf(h->a, "%s/none//x", h->path), &r, &e), &e, ERR_USAGE,
               "/none' is no folder");
    repo_taker_end(&t);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
int main(void) {
    const struct CMUnitTest tests[] = {T(test_snapshot),
                                       T(test_a_repository),
                                       T(test_nothing_of_the_folder_runs),
                                       T(test_nothing_of_where_we_are_runs),
                                       T(test_what_is_committed_is_there),
                                       T(test_a_history_that_is_cut),
                                       T(test_addresses_pass),
                                       T(test_a_folder_without_files),
                                       T(test_what_is_taken_is_let_go),
                                       T(test_a_folder_that_is_gone)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
