// SPDX-License-Identifier: Apache-2.0
// Daemons of a line of shell each, kept by the supervisor.
#include "cli/supervisor.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/test.h"
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

struct home {
    char path[64];
    struct arena *a;
    struct supervisor *s;
};

static int set_up(void **state) {
    struct home *h = xcalloc(1, sizeof *h);
    snprintf(h->path, sizeof h->path, "/tmp/outlayer-supervisor-XXXXXX");
    h->a = arena_new();
    *state = h;
    struct err e;
    return !mkdtemp(h->path) || !supervisor_new(&h->s, h->path, &e);
}

static int tear_down(void **state) {
    struct home *h = *state;
    char command[96];
    supervisor_stop(h->s);
    snprintf(command, sizeof command, "rm -rf %s", h->path);
    int rc = system(command);
    arena_free(h->a);
    free(h);
    return rc;
}

// A program that runs the body; $2 is the descriptor for the ready line.
static const char *program(struct home *h, const char *name, const char *body) {
    const char *path = arena_printf(h->a, "%s/%s", h->path, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fprintf(f, "#!/bin/bash\n%s\n", body);
    fclose(f);
    assert_int_equal(chmod(path, 0755), 0);
    return path;
}

static const char *content(struct home *h, const char *name) {
    struct slice text;
    struct err e;
    return file_read(h->a, arena_printf(h->a, "%s/%s", h->path, name), 1 << 20, &text, &e) ? arena_text(h->a, text)
                                                                                           : "";
}

// Waits until the file's text has `what`, which only looking can tell.
static void await_content(struct home *h, const char *name, const char *what) {
    uint64_t end = clock_mono_ms() + 60000;
    while (!strstr(content(h, name), what)) {
        assert_true(clock_mono_ms() < end);
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
}

#define SERVE "while :; do sleep 0.05; done"

// If this fails, a daemon gets another environment than its settings, or is called ready before it is.
static void test_start(void **state) {
    struct home *h = *state;
    struct err e;
    const char *ready, *env[] = {"PORT=0", "COLOUR=blue", NULL};
    setenv("SECRET_OF_MINE", "x", 1);
    const char *p = program(h, "one", "echo \"{\\\"colour\\\":\\\"$COLOUR$SECRET_OF_MINE\\\"}\" >&$2; " SERVE);
    assert_ok(supervisor_start(h->s, h->a, "one", p, env, 60000, &ready, &e), &e);
    assert_string_equal(ready, "{\"colour\":\"blue\"}");
}

// If this fails, nobody learns why a daemon did not come up, or waits for it for ever.
static void test_no_start(void **state) {
    struct home *h = *state;
    struct err e;
    const char *ready;
    const char *p = program(h, "bad", "echo 'some line' >&2; echo 'the port is taken' >&2; exit 3");
    assert_err(supervisor_start(h->s, h->a, "bad", p, NULL, 60000, &ready, &e), &e, ERR_UNAVAILABLE,
               "bad did not start");
    await_content(h, "bad.log", "the port is taken");
    assert_non_null(strstr(e.hint, "/bad.log"));
    uint64_t began = clock_mono_ms();
    p = program(h, "mute", SERVE);
    assert_err(supervisor_start(h->s, h->a, "mute", p, NULL, 200, &ready, &e), &e, ERR_UNAVAILABLE,
               "mute did not start");
    assert_true(clock_mono_ms() - began < 60000);
    assert_err(supervisor_start(h->s, h->a, "none", "/nowhere/none", NULL, 60000, &ready, &e), &e, ERR_UNAVAILABLE,
               "none did not start");
}

// If this fails, a daemon that crashed stays away, or comes back on another port than its clients know.
static void test_restart(void **state) {
    struct home *h = *state;
    struct err e;
    const char *ready, *env[] = {"PORT=0", NULL};
    const char *p = program(h, "crash",
                            "echo \"run $PORT\" >>$(dirname $0)/runs; echo $$ >&$2; "
                            "[ $(wc -l <$(dirname $0)/runs) = 1 ] || echo again >&2; " SERVE);
    assert_ok(supervisor_start(h->s, h->a, "crash", p, env, 60000, &ready, &e), &e);
    supervisor_pin(h->s, "crash", "PORT=4711");
    pid_t pid = (pid_t)strtol(ready, NULL, 10);
    assert_true(pid > 1);
    kill(pid, SIGKILL);
    await_content(h, "runs", "run 0\nrun 4711\n");
    await_content(h, "crash.log", "again");
}

// If this fails, daemons stop in an order in which those that are left lose what they need, or one that hangs is left
// over.
static void test_stop_in_order(void **state) {
    struct home *h = *state;
    struct err e;
    const char *ready;
    static const char *const names[] = {"first", "second"};
    for (size_t i = 0; i < 2; i++) {
        const char *p =
            program(h, names[i], "trap 'echo $(basename $0) >>$(dirname $0)/order; exit 0' TERM; echo up >&$2; " SERVE);
        assert_ok(supervisor_start(h->s, h->a, names[i], p, NULL, 60000, &ready, &e), &e);
    }
    const char *p = program(h, "deaf", "trap '' TERM; echo $$ >&$2; " SERVE);
    assert_ok(supervisor_start(h->s, h->a, "deaf", p, NULL, 60000, &ready, &e), &e);
    supervisor_stop(h->s);
    h->s = NULL;
    assert_string_equal(content(h, "order"), "second\nfirst\n");
    assert_int_equal(kill((pid_t)strtol(ready, NULL, 10), 0), -1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
int main(void) {
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {T(test_start), T(test_no_start), T(test_restart), T(test_stop_in_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
