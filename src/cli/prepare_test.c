// SPDX-License-Identifier: Apache-2.0
#include "cli/repo.h"

#include "base/file.h"
#include "base/test.h"
#include "repo/repo.h"
#include "repo/spellings.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char work[] = "/tmp/prepare-test.XXXXXX";

// If this fails, a request is paid for that no worker takes. No host is asked about what cannot be one.
static void what_no_worker_takes_is_refused(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct repo_ref r;
    for (size_t i = 0; i < SPELLINGS; i++) {
        struct err e = {0};
        if (!spellings[i].name && (repo_prepare(a, work, spellings[i].text, NULL, &r, &e) || !e.hint[0]))
            fail_msg("'%s': %s", spellings[i].text, e.msg);
        // Secrets belong to each that could be built, and no host is asked whether it has a branch main.
        if (repo_locate(a, work, spellings[i].text, &r, &e) != (spellings[i].name != NULL))
            fail_msg("'%s': %s", spellings[i].text, e.msg);
    }
    struct err e = {0};
    assert_err(repo_prepare(a, work, "a/b", "a..b", &r, &e), &e, ERR_USAGE, "not the name of a branch");
}

// If this fails, the program of a folder of this machine is looked for in the wrong place, or its mirror is.
static void folders_of_this_machine(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct repo_ref whole, part, named;
    struct err e = {0};
    struct repo r;
    struct stat st;
    const char *dir = arena_printf(a, "%s/app.git", work), *guest = arena_printf(a, "%s/guest", dir);
    assert_ok(file_make_dirs(guest, 0755, &e), &e);
    assert_ok(file_write_atomic(arena_printf(a, "%s/main.c", guest), SLICE_LIT("x"), 0644, &e), &e);
    assert_ok(repo_prepare(a, work, dir, NULL, &whole, &e), &e);
    assert_ok(repo_prepare(a, work, arena_printf(a, "%s//guest", dir), NULL, &part, &e), &e);
    assert_string_equal(part.commit, whole.commit);
    assert_string_equal(part.repo, arena_printf(a, "%s//guest", whole.repo));
    assert_ok(repo_read(&r, a, whole.repo, &e), &e);
    const char *mirror = arena_printf(a, "%s/repos/%s.git/HEAD", work, strchr(r.name, '/') + 1);
    assert_int_equal(stat(mirror, &st), 0);
    assert_ok(repo_prepare(a, work, guest, NULL, &named, &e), &e); // by itself it is another repository
    assert_string_not_equal(named.commit, whole.commit);
    assert_err(repo_prepare(a, work, arena_printf(a, "%s//../x", dir), NULL, &part, &e), &e, ERR_INVALID,
               "not a folder of it");
    assert_err(repo_prepare(a, work, dir, "main", &part, &e), &e, ERR_USAGE, "--commit");
}

// If this fails, the terminal of whoever asks obeys the host that they name: git shows what it says as it is.
static void a_hosts_words_are_shown(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct repo_ref r;
    struct err e = {0};
    struct slice said;
    const char *path = arena_strdup(a, getenv("PATH")), *out = arena_printf(a, "%s/said", work);
    const char *dir = arena_printf(a, "%s/bin", work), *git = arena_printf(a, "%s/git", dir);
    assert_ok(file_make_dirs(dir, 0755, &e), &e);
    assert_ok(
        file_write_atomic(git, SLICE_LIT("#!/bin/sh\nprintf 'remote: \\033]0;x\\007\\n' >&2\nexit 1\n"), 0755, &e), &e);
    fflush(stderr);
    int kept = dup(STDERR_FILENO), to = open(out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(kept >= 0 && to >= 0 && dup2(to, STDERR_FILENO) >= 0);
    setenv("PATH", arena_printf(a, "%s:%s", dir, path), 1);
    bool ok = repo_prepare(a, work, "host.invalid/a/b", "main", &r, &e);
    setenv("PATH", path, 1);
    fflush(stderr);
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    close(kept), close(to);
    assert_ok(ok, &e);
    assert_ok(file_read(a, out, 4096, &said, &e), &e);
    assert_non_null(strstr(arena_text(a, said), "remote: ?]0;x?"));
}

// In a folder without any: "a/b" and ".git" are folders of this machine where there are such.
static int set_up(void **state) {
    (void)state;
    return mkdtemp(work) && chdir(work) == 0 ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    struct err e = {0};
    return file_remove_tree(work, &e) ? 0 : -1;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_no_worker_takes_is_refused),
                                       cmocka_unit_test(folders_of_this_machine),
                                       cmocka_unit_test(a_hosts_words_are_shown)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
