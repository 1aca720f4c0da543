// SPDX-License-Identifier: Apache-2.0
// The audit log under trouble: a disk that fails for a while, and strangers who write more than the owners.
#include "keystore/audit.h"

#include "base/file.h"
#include "base/test.h"
#include "codec/json.h"
#include "keystore/audit_chain.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FULL (16 << 20)

struct place {
    struct arena *a;
    char home[32];
    const char *path, *old;
    struct audit *log;
};

static const struct audit_keep any = {0};
static const struct audit_entry real = {.what = "decrypt", .verdict = "allowed", .account = "worker.near"};
static const struct audit_entry stranger = {.what = "session", .verdict = "refused", .why = "no", .unproven = true};

static int enter(void **state) {
    struct place *p = xcalloc(1, sizeof *p);
    struct err e = {0};
    p->a = arena_new();
    snprintf(p->home, sizeof p->home, "/tmp/audit_test.XXXXXX");
    assert_non_null(mkdtemp(p->home));
    p->path = arena_printf(p->a, "%s/audit.log", p->home);
    p->old = arena_printf(p->a, "%s/audit-%020d.log", p->home, 1);
    assert_ok(audit_open(&p->log, p->home, &any, &e), &e);
    *state = p;
    return 0;
}

static int leave(void **state) {
    struct place *p = *state;
    audit_close(p->log);
    bool ok = file_remove_tree(p->home, NULL);
    arena_free(p->a);
    free(p);
    return ok ? 0 : -1;
}

static struct slice content(const struct place *p, const char *path) {
    struct slice text;
    struct err e = {0};
    assert_ok(file_read(p->a, path, 64 << 20, &text, &e), &e);
    return text;
}

static size_t lines_with(struct slice text, const char *words) {
    size_t n = 0;
    for (const char *at = (const char *)text.ptr; (at = strstr(at, words)); at += strlen(words))
        n++;
    return n;
}

static off_t size_of(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 ? st.st_size : -1;
}

static struct audit_entry longer(const struct place *p, const struct audit_entry *entry) {
    struct audit_entry x = *entry;
    char *why = arena_calloc(p->a, 4001, 1);
    memset(why, 'w', 4000);
    x.why = why;
    return x;
}

// Writes long lines until the next one does not fit any more.
static void fill(const struct place *p) {
    struct audit_entry x = longer(p, &real);
    struct err e = {0};
    assert_ok(audit_write(p->log, &x, &e), &e);
    for (int i = 0; i < 10000 && size_of(p->path) + 4200 < FULL; i++)
        assert_ok(audit_write(p->log, &x, &e), &e);
}

// A log that cannot be renamed once must not refuse everything for ever after.
static void a_rename_that_failed_is_made_up_for(void **state) {
    struct place *p = *state;
    struct err e = {0};
    struct audit_entry x = longer(p, &real);
    fill(p);
    off_t full = size_of(p->path);
    assert_int_equal(mkdir(p->old, 0700), 0); // a file cannot replace it
    for (int i = 0; i < 3; i++)
        assert_err(audit_write(p->log, &x, &e), &e, ERR_IO, "audit log: cannot rename");
    assert_int_equal(rmdir(p->old), 0);
    assert_ok(audit_write(p->log, &x, &e), &e);
    assert_true(size_of(p->path) < 8192 && size_of(p->old) == full);
}

// Nor one that was renamed and then could not be opened.
static void an_open_that_failed_is_made_up_for(void **state) {
    struct place *p = *state;
    struct err e = {0};
    struct audit_entry x = longer(p, &real);
    struct rlimit files, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
    none = (struct rlimit){0, files.rlim_max};
    fill(p);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    bool first = audit_write(p->log, &x, &e), second = audit_write(p->log, &x, &e);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
    assert_false(first || second);
    assert_ok(audit_write(p->log, &x, &e), &e);
    assert_int_equal(lines_with(content(p, p->path), "\"decrypt\""), 1);
    assert_true(size_of(p->old) > FULL - 8192);
}

// Nor one that somebody moved away; what is written goes on to where it is until it is full.
static void a_log_that_was_moved_is_made_again(void **state) {
    struct place *p = *state;
    struct err e = {0};
    struct audit_entry x = longer(p, &real);
    fill(p);
    assert_int_equal(unlink(p->path), 0);
    assert_ok(audit_write(p->log, &x, &e), &e);
    assert_int_equal(lines_with(content(p, p->path), "\"decrypt\""), 1);
}

// A half line would make the next one unreadable, too.
static void a_line_is_whole_or_not_there(void **state) {
    struct place *p = *state;
    int status;
    struct err e = {0};
    assert_ok(audit_write(p->log, &real, &e), &e);
    off_t before = size_of(p->path);
    pid_t pid = fork();
    if (pid == 0) { // a disk that is full after some bytes more
        signal(SIGXFSZ, SIG_IGN);
        struct rlimit size = {(rlim_t)before + 20, (rlim_t)before + 20};
        bool ok = setrlimit(RLIMIT_FSIZE, &size) == 0 && !audit_write(p->log, &real, NULL);
        _exit(ok ? 0 : 1);
    }
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
    assert_int_equal(size_of(p->path), before);
}

// Refusals of nobody, at no cost, push out who was given secrets.
static void strangers_do_not_push_out_the_history(void **state) {
    struct place *p = *state;
    struct err e = {0};
    uint64_t now = 1000;
    assert_ok(audit_write_at(p->log, &real, now, &e), &e);
    for (int i = 0; i < 5000; i++)
        assert_ok(audit_write_at(p->log, &stranger, now, &e), &e);
    assert_int_equal(lines_with(content(p, p->path), "\"session\""), AUDIT_UNPROVEN_A_MINUTE);
    assert_ok(audit_write_at(p->log, &real, now + 1000, &e), &e); // proven ones always
    assert_int_equal(lines_with(content(p, p->path), "\"decrypt\""), 2);
    assert_int_equal(lines_with(content(p, p->path), "\"unproven\""), 0);
    assert_ok(audit_write_at(p->log, &stranger, now + 60001, &e), &e);
    struct slice text = content(p, p->path);
    assert_int_equal(lines_with(text, "\"session\""), AUDIT_UNPROVEN_A_MINUTE + 1);
    assert_int_equal(lines_with(text, "\"what\":\"unproven\",\"verdict\":\"left out\""), 1);
    assert_int_equal(lines_with(text, "\"count\":4940"), 1);
    // For weeks, with the longest lines: what was decided stays, beside a bounded part of theirs.
    struct audit_entry x = longer(p, &stranger);
    for (now = 200000; now < 200000 + 2000 * 60001ull; now += 60001)
        for (int i = 0; i < 70; i++)
            assert_ok(audit_write_at(p->log, &x, now, &e), &e);
    assert_int_equal(size_of(p->old), -1);
    assert_true(size_of(p->path) < 6 << 20);
    assert_int_equal(lines_with(content(p, p->path), "\"decrypt\""), 2);
}

// What was not written is counted at the end, too.
static void the_rest_is_counted_at_the_end(void **state) {
    struct place *p = *state;
    struct err e = {0};
    for (int i = 0; i < 100; i++)
        assert_ok(audit_write_at(p->log, &stranger, 1000, &e), &e);
    audit_close(p->log);
    p->log = NULL;
    assert_int_equal(lines_with(content(p, p->path), "\"count\":40"), 1);
    assert_ok(audit_open(&p->log, p->home, &any, &e), &e);
}

// --- the chain

static bool check_one(void *ctx, struct slice line, struct err *e) {
    (void)e;
    audit_check_line(ctx, line);
    return true;
}

static struct audit_check check_all(const struct place *p) {
    struct audit_check c = {0};
    struct err e = {0};
    assert_ok(audit_read(p->home, check_one, &c, &e), &e);
    audit_check_end(&c);
    return c;
}

static void reopen_log(struct place *p, const struct audit_keep *keep) {
    struct err e = {0};
    audit_close(p->log);
    assert_ok(audit_open(&p->log, p->home, keep, &e), &e);
}

static void write_some(const struct place *p, int n) {
    struct err e = {0};
    for (int i = 0; i < n; i++)
        assert_ok(audit_write(p->log, &real, &e), &e);
}

static void put_content(const char *path, const char *text, size_t n) {
    struct err e = {0};
    assert_ok(file_write_unsynced(path, slice_of(text, n), 0600, &e), &e);
}

// If this fails, whoever can write the file changes the history without a trace.
static void a_changed_line_is_named(void **state) {
    struct place *p = *state;
    write_some(p, 5);
    struct audit_check c = check_all(p);
    assert_false(c.broken);
    assert_int_equal(c.link.n, 5);
    struct slice good = content(p, p->path);
    const char *lines[6];
    lines[0] = (const char *)good.ptr;
    for (int i = 1; i < 6; i++)
        lines[i] = strchr(lines[i - 1], '\n') + 1;
    for (int i = 0; i < 4; i++) { // a letter of line i + 1: "allowed" becomes "Allowed"
        char *bad = arena_text(p->a, good);
        *strstr(bad + (lines[i] - lines[0]), "allowed") = 'A';
        put_content(p->path, bad, good.len);
        c = check_all(p);
        assert_true(c.broken);
        assert_int_equal(c.broken_n, i + 1);
    }
    for (int i = 1; i < 4; i++) { // line i + 1 is not there
        char *bad = arena_text(p->a, good);
        size_t from = (size_t)(lines[i] - lines[0]), to = (size_t)(lines[i + 1] - lines[0]);
        memmove(bad + from, bad + to, good.len - to);
        put_content(p->path, bad, good.len - (to - from));
        c = check_all(p);
        assert_true(c.broken && strstr(c.why, "missing"));
        assert_int_equal(c.broken_n, i + 1);
    }
    size_t first = (size_t)(lines[1] - lines[0]);
    put_content(p->path, lines[1], good.len - first); // nor the first, and nothing says that it went by itself
    c = check_all(p);
    assert_true(c.broken);
    assert_int_equal(c.broken_n, 1);
    put_content(p->path, lines[0], (size_t)(lines[4] - lines[0])); // the last: only whoever kept its hash knows
    c = (struct audit_check){.wanted = sha256(slice_of(lines[4], (size_t)(lines[5] - lines[4] - 1)))};
    struct err e = {0};
    assert_ok(audit_read(p->home, check_one, &c, &e), &e);
    assert_true(!c.broken && !c.found);
    char *bad = arena_printf(p->a, "%.*sno JSON\n", (int)first, lines[0]);
    put_content(p->path, bad, strlen(bad));
    c = check_all(p);
    assert_true(c.broken);
    assert_int_equal(c.broken_n, 2);
}

// If this fails, a new file, a new process or an upgrade begins another chain, and what was before can be replaced.
static void the_chain_goes_on(void **state) {
    struct place *p = *state;
    static const char old[] = "{\"time\":\"2026-01-01T00:00:00.000Z\",\"what\":\"decrypt\"}\n";
    audit_close(p->log);
    put_content(p->path, old, strlen(old)); // by a program that knew no chain
    struct err e = {0};
    assert_ok(audit_open(&p->log, p->home, &any, &e), &e);
    write_some(p, 2);
    reopen_log(p, &any);
    struct audit_entry x = longer(p, &real);
    fill(p);
    assert_ok(audit_write(p->log, &x, &e), &e); // in the second file
    assert_int_equal(lines_with(content(p, p->path), "\"decrypt\""), 1);
    reopen_log(p, &any);
    write_some(p, 1);
    struct audit_check c = check_all(p);
    assert_false(c.broken);
    assert_int_equal(c.unnumbered, 1);
    assert_int_equal(c.first, 1);
    assert_true(c.link.n > 4000);
    assert_int_equal(unlink(p->path), 0); // as a crash leaves it between the end of a file and the next one's beginning
    uint64_t n = check_all(p).link.n;
    reopen_log(p, &any);
    write_some(p, 1);
    c = check_all(p);
    assert_false(c.broken);
    assert_int_equal(c.link.n, n + 1);
}

// Wherever a crash cuts the file, what is before the cut verifies, and what is written afterwards goes on from there.
static void a_crash_leaves_a_chain(void **state) {
    struct place *p = *state;
    write_some(p, 4);
    audit_close(p->log);
    p->log = NULL;
    struct slice good = content(p, p->path);
    for (size_t cut = 0; cut <= good.len; cut++) {
        size_t whole = 0;
        for (size_t i = 0; i < cut; i++)
            whole += good.ptr[i] == '\n';
        put_content(p->path, (const char *)good.ptr, cut);
        struct audit_check c = check_all(p);
        assert_true(!c.broken && c.link.n == whole);
        if (cut % 7)
            continue; // each of these takes a while on a slow disk
        reopen_log(p, &any);
        write_some(p, 1);
        c = check_all(p);
        assert_true(!c.broken && c.link.n == whole + 1);
    }
    reopen_log(p, &any);
}

// If this fails, the disk fills up, or a history that was cut by hand passes for one that its limits have cut.
static void old_files_go_and_the_log_says_so(void **state) {
    struct place *p = *state;
    struct err e = {0};
    struct audit_entry x = longer(p, &real);
    const struct audit_keep two = {.max_bytes = 33 << 20}; // one that is ended, and the one being written
    struct audit_file *files;
    size_t count;
    reopen_log(p, &two);
    for (int i = 0; i < 3; i++) {
        fill(p);
        assert_ok(audit_write(p->log, &x, &e), &e);
    }
    assert_ok(audit_files(p->home, p->a, &files, &count, &e), &e);
    assert_int_equal(count, 1);
    assert_true(files[0].first > 4000 && size_of(p->old) == -1);
    struct audit_check c = check_all(p);
    assert_false(c.broken);
    assert_true(c.first == files[0].first && c.kept_from == c.first);
    // By age: what was written long ago goes when the next one is opened.
    const struct audit_keep a_day = {.max_age_ms = 86400000};
    const struct timespec long_ago[2] = {{1700000000, 0}, {1700000000, 0}};
    assert_int_equal(utimensat(AT_FDCWD, files[0].path, long_ago, 0), 0);
    reopen_log(p, &a_day);
    assert_ok(audit_files(p->home, p->a, &files, &count, &e), &e);
    assert_int_equal(count, 0);
    c = check_all(p);
    assert_true(!c.broken && c.kept_from == c.first);
}

// A file of another day is ended, so that its lines do not stay for as long as the file takes to fill.
static void a_day_ends_a_file(void **state) {
    struct place *p = *state;
    const struct audit_keep years = {.max_age_ms = 36500ull * 86400000};
    struct err e = {0};
    audit_close(p->log);
    static const char old[] = "{\"time\":\"2026-01-01T00:00:00.000Z\",\"what\":\"decrypt\"}\n";
    put_content(p->path, old, strlen(old));
    assert_ok(audit_open(&p->log, p->home, &years, &e), &e);
    write_some(p, 3);
    assert_int_equal(lines_with(content(p, p->old), "\n"), 2); // that has a number now, after which it is named
    assert_int_equal(lines_with(content(p, p->path), "\n"), 2);
    assert_false(check_all(p).broken);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)
static const struct CMUnitTest tests[] = {
    TEST(a_rename_that_failed_is_made_up_for),
    TEST(an_open_that_failed_is_made_up_for),
    TEST(a_log_that_was_moved_is_made_again),
    TEST(a_line_is_whole_or_not_there),
    TEST(strangers_do_not_push_out_the_history),
    TEST(the_rest_is_counted_at_the_end),
    TEST(a_changed_line_is_named),
    TEST(the_chain_goes_on),
    TEST(a_crash_leaves_a_chain),
    TEST(old_files_go_and_the_log_says_so),
    TEST(a_day_ends_a_file),
};
RUN_TESTS(tests)
