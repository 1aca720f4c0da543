// SPDX-License-Identifier: Apache-2.0
// Limits on groups of processes. Where this machine offers none, there is nothing to test.
#include "sandbox/cgroup.h"

#include "base/test.h"
#include "sandbox/cgroup_place.h"
#include "sandbox/confine.h"
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const struct cgroup_limits usual = {64u << 20, 50};

static bool is_there(const char *path) {
    struct stat st;
    return stat(path, &st) == 0;
}

// If this fails, a worker that is killed leaves groups behind for ever; or one worker removes another's.
static void what_nobody_holds_is_removed(void **state) {
    (void)state;
    if (!cgroup_offer()->version)
        skip();
    struct err e = {0};
    struct cgroup kept, *lost = mmap(NULL, sizeof *lost, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ok(cgroup_make(&kept, &usual, &e), &e);
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        bool ok = cgroup_make(lost, &usual, &e);
        pid_t inside = ok ? fork() : -1;
        if (inside == 0) { // outlives its owner, as what hangs in a box would; descriptors are not handed on to it
            confine_close_from(3);
            for (;;)
                pause();
        }
        ok = ok && inside > 0 && cgroup_add(lost, inside, &e) && is_there(lost->part[0].path);
        if (ok)
            kill(getpid(), SIGKILL);
        _exit(1);
    }
    waitpid(pid, &status, 0);
    assert_true(WIFSIGNALED(status)); // from here on any process may sweep it, such as a test beside this one,
    for (int i = 0; i < 1000 && is_there(lost->part[0].path); i++) { // and ours passes over what another one sweeps
        (void)cgroup_offer_again();
        poll(NULL, 0, 20);
    }
    assert_false(is_there(lost->part[0].path));
    assert_true(is_there(kept.part[0].path));
    cgroup_remove(&kept);
    assert_false(is_there(kept.part[0].path));
    munmap(lost, sizeof *lost);
}

// If this fails, a limit that was promised and cannot be set is left out without a word.
static void a_promised_limit_is_set_or_an_error(void **state) {
    (void)state;
    if (!cgroup_offer()->version)
        skip();
    struct err e = {0};
    struct cgroup g;
    const struct cgroup_limits impossible = {1u << 20, UINT32_MAX}; // more processes than a kernel counts
    assert_err(cgroup_make(&g, &impossible, &e), &e, ERR_IO, "cannot make a cgroup with 1 MB of memory");
    assert_int_equal(g.version, 0);
    assert_ok(cgroup_make(&g, &usual, &e), &e);
    for (uint64_t mb = 512; mb; mb = mb > 1 ? mb / 8 : 0) // up, then down
        assert_ok(cgroup_limit_memory(&g, mb << 20, &e), &e);
    assert_ok(cgroup_limit_memory(&g, 1ull << 30, &e), &e);
    cgroup_remove(&g);
}

// If this fails, two boxes share one group, or one that was left behind is taken for a new one.
static void names_do_not_repeat(void **state) {
    (void)state;
    if (!cgroup_offer()->version)
        skip();
    struct err e = {0};
    struct cgroup g[8];
    for (size_t i = 0; i < ARRAY_LEN(g); i++) {
        assert_ok(cgroup_make(&g[i], &usual, &e), &e);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(g[i].part[0].path, g[k].part[0].path);
    }
    for (size_t i = 0; i < ARRAY_LEN(g); i++)
        cgroup_remove(&g[i]);
}

// If this fails, one program's start takes away the groups that another one is just making: a box or a run has none
// then.
static void a_sweep_takes_no_group_in_the_making(void **state) {
    (void)state;
    if (!cgroup_offer()->version)
        skip();
    struct cgroup_place here;
    cgroup_place_find(&here);
    pid_t sweepers[2];
    for (size_t i = 0; i < ARRAY_LEN(sweepers); i++)
        if ((sweepers[i] = fork()) == 0)
            for (;;)
                cgroup_sweep(&here);
    struct err e = {0};
    bool ok = true;
    for (int i = 0; ok && i < 200; i++) {
        struct cgroup g;
        ok = cgroup_make(&g, &usual, &e);
        for (size_t k = 0; ok && k < CGROUP_PARTS; k++)
            ok = !g.part[k].path[0] || is_there(g.part[k].path);
        cgroup_remove(&g);
    }
    for (size_t i = 0; i < ARRAY_LEN(sweepers); i++) {
        kill(sweepers[i], SIGKILL);
        waitpid(sweepers[i], NULL, 0);
    }
    assert_ok(ok, &e);
}

static _Noreturn void use_memory(const int *doors, size_t count) {
    char *p = mmap(NULL, 200u << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bool ok = cgroup_enter(doors, count, NULL) && p != MAP_FAILED;
    ok = ok && confine_first_to_go(NULL);
    for (size_t i = 0; ok && i < 200u << 20; i += 4096)
        p[i] = 1;
    _exit(ok ? 0 : 1);
}

// If this fails, more memory is used than the group may, or nobody learns why its process died.
static void memory_ends_what_is_inside(void **state) {
    (void)state;
    if (!cgroup_offer()->memory)
        skip();
    struct err e = {0};
    struct cgroup g;
    int status, doors[CGROUP_PARTS];
    size_t count;
    assert_ok(cgroup_make(&g, &usual, &e), &e);
    assert_ok(cgroup_doors(&g, doors, &count, &e), &e);
    pid_t pid = fork();
    if (pid == 0)
        use_memory(doors, count);
    waitpid(pid, &status, 0);
    while (count)
        close(doors[--count]);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    struct cgroup_kills seen = {0};
    assert_true(cgroup_ran_out(&g, &seen));
    assert_false(cgroup_ran_out(&g, &seen)); // told once
    cgroup_remove(&g);
}

// In a process of a group that has little: in it, a group that may have much. 0 when its process is killed and that is
// not taken for its own doing.
static int within_little(void) {
    struct err e = {0};
    struct cgroup g;
    int status, doors[CGROUP_PARTS];
    size_t count;
    if (!cgroup_offer_again()->memory || !cgroup_make(&g, &(struct cgroup_limits){1u << 30, 20}, &e) ||
        !cgroup_doors(&g, doors, &count, &e))
        return 1;
    pid_t pid = fork();
    if (pid == 0)
        use_memory(doors, count);
    waitpid(pid, &status, 0);
    bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    bool own = cgroup_ran_out(&g, &(struct cgroup_kills){0});
    cgroup_remove(&g);
    return !killed ? 2 : own ? 3 : 0;
}

// If this fails, who dies because this machine or the worker's container has no memory left pays for it.
static void anothers_want_is_not_its_own(void **state) {
    (void)state;
    if (!cgroup_offer()->memory)
        skip();
    struct err e = {0};
    struct cgroup little;
    int status, doors[CGROUP_PARTS];
    size_t count;
    assert_ok(cgroup_make(&little, &usual, &e), &e);
    assert_ok(cgroup_doors(&little, doors, &count, &e), &e);
    pid_t pid = fork();
    if (pid == 0)
        _exit(cgroup_enter(doors, count, &e) ? within_little() : 4);
    waitpid(pid, &status, 0);
    while (count)
        close(doors[--count]);
    struct cgroup_place inside = {0}; // v2: the leaf of the process that has ended
    snprintf(inside.unified, sizeof inside.unified, "%s", little.part[0].path);
    cgroup_sweep(&inside);
    cgroup_remove(&little);
    assert_int_equal(status, 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_nobody_holds_is_removed),         cmocka_unit_test(a_promised_limit_is_set_or_an_error),
    cmocka_unit_test(a_sweep_takes_no_group_in_the_making), cmocka_unit_test(names_do_not_repeat),
    cmocka_unit_test(memory_ends_what_is_inside),           cmocka_unit_test(anothers_want_is_not_its_own),
};
RUN_TESTS(tests)
