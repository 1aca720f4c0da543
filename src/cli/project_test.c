// SPDX-License-Identifier: Apache-2.0
#include "cli/project.h"

#include "base/file.h"
#include "base/test.h"
#include <dirent.h>
#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char work[] = "/tmp/project-test.XXXXXX";

static size_t entries(const char *path) {
    size_t n = 0;
    DIR *d = opendir(path);
    assert_non_null(d);
    for (const struct dirent *x; (x = readdir(d));)
        n += strcmp(x->d_name, ".") != 0 && strcmp(x->d_name, "..") != 0;
    closedir(d);
    return n;
}

static const char *text_of(struct arena *a, const char *path) {
    struct slice text;
    struct err e;
    assert_ok(file_read(a, path, 65536, &text, &e), &e);
    return arena_text(a, text);
}

// If this fails, what is written does not carry the name that was asked for, or does not belong to its user.
static void each_language_is_written(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    static const struct {
        const char *language, *file, *has;
    } wanted[] = {{"c", "Makefile", "my-guest.wasm: main.c"},
                  {"cpp", "Makefile", "my-guest.wasm: main.cpp"},
                  {"rust", "Cargo.toml", "name = \"my-guest\""},
                  {"rust", "Cargo.lock", "name = \"my-guest\""},
                  {"rust", "src/main.rs", "//! my-guest: "},
                  {"c", "README.md", "# my-guest\n"},
                  {"c", ".gitignore", "*.wasm"}};
    umask(022);
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        struct err e;
        struct stat st;
        const char *parent = arena_printf(a, "%s/%zu", work, i), *dir = arena_printf(a, "%s/my-guest", parent), *files;
        assert_ok(file_make_dirs(parent, 0755, &e), &e);
        assert_ok(project_create(a, arena_printf(a, "%s//", dir), wanted[i].language, &files, &e), &e);
        assert_non_null(strstr(files, wanted[i].file));
        const char *text = text_of(a, arena_printf(a, "%s/%s", dir, wanted[i].file));
        assert_non_null(strstr(text, wanted[i].has));
        assert_null(strstr(text, "@name"));
        assert_int_equal(stat(dir, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0755);
        assert_int_equal(entries(parent), 1); // no draft has stayed
    }
}

// If this fails, a name that cargo, make or an address would choke on is accepted, or refused without saying why.
static void names_that_cannot_be(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    static const char *const bad[] = {
        "",     ".",      "..",
        "/",    "1st",    "-x",
        "a b",  "a.b",    "caf\xc3\xa9",
        "a\nb", "a$(id)", "x123456789x123456789x123456789x123456789x123456789x123456789x1234"};
    struct err e;
    assert_int_equal(chdir(work), 0);
    size_t before = entries(".");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_err(project_create(a, bad[i], "c", NULL, &e), &e, ERR_USAGE, "cannot be a project's name");
        assert_non_null(strstr(e.hint, "begins with a letter"));
    }
    assert_err(project_create(a, "x", "go", NULL, &e), &e, ERR_USAGE, "no project can be made in 'go'");
    assert_err(project_create(a, "deps", "rust", NULL, &e), &e, ERR_USAGE, "no program be called 'deps'");
    assert_int_equal(entries("."), before);
    assert_ok(project_create(a, "deps", "c", NULL, &e), &e);
    assert_int_equal(chdir("/"), 0);
}

// If this fails, somebody's files are overwritten, or a command that says that it failed has left something behind.
static void nothing_is_overwritten_or_half_written(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e;
    const char *parent = arena_printf(a, "%s/there", work), *dir = arena_printf(a, "%s/x", parent);
    assert_ok(file_make_dirs(dir, 0755, &e), &e);
    assert_err(project_create(a, dir, "c", NULL, &e), &e, ERR_CONFLICT, "is there already");
    assert_int_equal(entries(dir), 0);
    assert_int_equal(entries(parent), 1);
    assert_int_equal(rmdir(dir), 0);
    assert_int_equal(symlink("nowhere", dir), 0);
    assert_err(project_create(a, dir, "c", NULL, &e), &e, ERR_CONFLICT, "is there already");
    assert_int_equal(unlink(dir), 0);
    assert_err(project_create(a, arena_printf(a, "%s/none/x", work), "c", NULL, &e), &e, ERR_USAGE,
               "No such file or directory");
    assert_err(project_create(a, "/proc/x", "c", NULL, &e), &e, ERR_USAGE, "cannot make a folder in '/proc'");
    struct rlimit old, tiny; // a disk that is full after the first files
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    tiny = (struct rlimit){500, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tiny), 0);
    bool ok = project_create(a, dir, "rust", NULL, &e);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_err(ok, &e, ERR_IO, "File too large");
    assert_int_equal(entries(parent), 0);
}

// Some file systems (NFS, 9p) know no rename that replaces nothing; a filter of system calls makes this one such.
static int where_renames_replace(const char *dir) {
    SCOPED_ARENA(a);
    struct err e;
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (!filter || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        seccomp_rule_add(filter, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(renameat2), 1,
                         SCMP_A4(SCMP_CMP_EQ, RENAME_NOREPLACE, 0)) != 0 ||
        seccomp_load(filter) != 0)
        return 2;
    seccomp_release(filter);
    if (mkdir(dir, 0700) != 0 || project_create(a, dir, "c", NULL, &e) || e.code != ERR_CONFLICT || entries(dir) != 0)
        return 3;
    return rmdir(dir) == 0 && project_create(a, dir, "c", NULL, &e) && entries(dir) == 4 ? 0 : 4;
}

// If this fails, a project cannot be made on such a file system, or takes the place of what somebody made meanwhile.
static void a_file_system_of_few_words(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    const char *dir = arena_printf(a, "%s/few", work);
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(where_renames_replace(dir));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static int set_up(void **state) {
    (void)state;
    return !mkdtemp(work);
}

static int tear_down(void **state) {
    (void)state;
    return !file_remove_tree(work, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_language_is_written), cmocka_unit_test(names_that_cannot_be),
        cmocka_unit_test(nothing_is_overwritten_or_half_written), cmocka_unit_test(a_file_system_of_few_words)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
