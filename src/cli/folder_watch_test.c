// SPDX-License-Identifier: Apache-2.0
#include "cli/folder_watch.h"

#include "base/ends.h"
#include "base/file.h"
#include "base/test.h"
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

static char work[] = "/tmp/folder-watch-test.XXXXXX";
static sigset_t ends;

static void sh(const char *command) {
    char line[512];
    snprintf(line, sizeof line, "cd %s && { %s; }", work, command);
    assert_int_equal(system(line), 0);
}

// true: there was a change. Where there is none, it waits until it is ended.
static bool changed(struct folder_watch *w, bool end) {
    struct err e;
    bool ended;
    if (end)
        pthread_kill(pthread_self(), SIGINT);
    assert_ok(folder_watch_wait(w, &ends, &ended, &e), &e);
    return !ended;
}

// If this fails, somebody changes a file and goes on looking at what the old one did.
static void each_change_is_seen(void **state) {
    (void)state;
    static const char *const changes[] = {"echo two >main.c",       "mv main.c moved.c",      "rm moved.c",
                                          "mkdir -p new/below",     "echo x >new/below/file", "ln -s nowhere link",
                                          "chmod +x new/below/file"};
    struct folder_watch *w;
    struct err e;
    sh("echo one >main.c && mkdir -p .git/refs");
    assert_ok(folder_watch_new(&w, work, &e), &e);
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        sh(changes[i]);
        if (!changed(w, false))
            fail_msg("'%s' was not seen", changes[i]);
    }
    folder_watch_free(w);
}

// If this fails, Ctrl-C does not end the waiting, or git's own bookkeeping makes everything be built again.
static void what_is_no_change(void **state) {
    (void)state;
    struct folder_watch *w;
    struct err e;
    assert_ok(folder_watch_new(&w, work, &e), &e);
    sh("echo x >.git/index && cat new/below/file >/dev/null && ls -R >/dev/null");
    assert_false(changed(w, true));
    folder_watch_free(w);
}

// If this fails, a folder that is gone is waited for, for ever.
static void a_folder_that_goes(void **state) {
    (void)state;
    struct folder_watch *w;
    struct err e;
    bool ended;
    char path[128];
    snprintf(path, sizeof path, "%s/gone", work);
    assert_err(folder_watch_new(&w, path, &e), &e, ERR_NOT_FOUND, "is gone");
    sh("mkdir gone");
    assert_ok(folder_watch_new(&w, path, &e), &e);
    sh("rmdir gone");
    assert_err(folder_watch_wait(w, &ends, &ended, &e), &e, ERR_NOT_FOUND, "is gone");
    folder_watch_free(w);
}

// The descriptor that the next one to be opened gets.
static int next_descriptor(void) {
    int fd = dup(0);
    assert_true(fd >= 0);
    close(fd);
    return fd;
}

// If this fails, a folder that cannot be watched seems to be, and its changes are waited for in vain. What a change is
// read from becomes something that nothing can be watched by.
static void a_folder_that_cannot_be_watched(void **state) {
    (void)state;
    struct folder_watch *w;
    struct err e;
    bool ended;
    int fd = next_descriptor();
    assert_ok(folder_watch_new(&w, work, &e), &e);
    int other = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    assert_true(other >= 0);
    assert_int_equal(dup2(other, fd), fd);
    close(other);
    assert_err(folder_watch_wait(w, &ends, &ended, &e), &e, ERR_IO, "cannot watch");
    folder_watch_free(w);
}

static int set_up(void **state) {
    (void)state;
    ends_block(&ends);
    return !mkdtemp(work);
}

static int tear_down(void **state) {
    (void)state;
    return !file_remove_tree(work, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_change_is_seen), cmocka_unit_test(what_is_no_change),
                                       cmocka_unit_test(a_folder_that_goes),
                                       cmocka_unit_test(a_folder_that_cannot_be_watched)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
