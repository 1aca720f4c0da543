// SPDX-License-Identifier: Apache-2.0
// The audit log under trouble: a disk that fails for a while, and strangers who write more than the owners.
#include "keystore/audit.h"

#include "base/file.h"
#include "base/test.h"
#include "codec/json.h"
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

static const struct audit_entry real = {.what = "decrypt", .verdict = "allowed", .account = "worker.near"};
static const struct audit_entry stranger = {.what = "session", .verdict = "refused", .why = "no", .unproven = true};

static int enter(void **state) {
    struct place *p = xcalloc(1, sizeof *p);
    struct err e = {0};
    p->a = arena_new();
    snprintf(p->home, sizeof p->home, "/tmp/audit_test.XXXXXX");
    assert_non_null(mkdtemp(p->home));
    p->path = arena_printf(p->a, "%s/audit.log", p->home);
    p->old = arena_printf(p->a, "%s/audit.log.1", p->home);
    assert_ok(audit_open(&p->log, p->home, &e), &e);
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
    assert_ok(audit_open(&p->log, p->home, &e), &e);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)
static const struct CMUnitTest tests[] = {
    TEST(a_rename_that_failed_is_made_up_for),   TEST(an_open_that_failed_is_made_up_for),
    TEST(a_log_that_was_moved_is_made_again),    TEST(a_line_is_whole_or_not_there),
    TEST(strangers_do_not_push_out_the_history), TEST(the_rest_is_counted_at_the_end),
};
RUN_TESTS(tests)
