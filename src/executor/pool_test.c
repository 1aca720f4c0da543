// SPDX-License-Identifier: Apache-2.0
#include "executor/pool.h"

#include "base/clock.h"
#include "base/test.h"
#include <ctype.h>
#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>

static struct process_pool *pool;
static const struct slot_job job = {.kind = JOB_RUN, .memory_ceiling = 1 << 20};

// The process of ours that a slot begins with; there is one slot.
static int keeper(void) {
    DIR *d = opendir("/proc");
    int found = 0, parent;
    for (struct dirent *it; d && !found && (it = readdir(d));) {
        char path[300];
        snprintf(path, sizeof path, "/proc/%s/stat", it->d_name);
        FILE *f = isdigit((unsigned char)it->d_name[0]) ? fopen(path, "r") : NULL;
        if (f && fscanf(f, "%*d (outlayer-execut) %*c %d", &parent) == 1 && parent == getpid())
            found = (int)strtol(it->d_name, NULL, 10);
        if (f)
            fclose(f);
    }
    closedir(d);
    return found;
}

// If this fails, each request that is given up while a process is being made costs a slot, and the next one a start.
static void a_caller_without_time_costs_no_slot(void **state) {
    (void)state;
    struct process x;
    struct err e = {0};
    atomic_bool cancelled = true;
    const struct patience all = {0}, none = {.cancel = &cancelled};
    int first = keeper();
    assert_true(first > 0);
    for (int i = 0; i < 20; i++) {
        assert_ok(process_take(pool, &job, &all, &x, &e), &e);
        process_end(&x, NULL); // the next one is on its way
        if (process_take(pool, &job, &none, &x, &e))
            process_end(&x, NULL); // or was there already
        else
            assert_string_equal(err_slug(e.code), err_slug(ERR_UNAVAILABLE));
        assert_int_equal(keeper(), first);
    }
}

// If this fails, a slot whose keeper died stays in the pool.
static void a_dead_keeper_is_replaced(void **state) {
    (void)state;
    struct process x;
    struct err e = {0};
    const struct patience all = {0};
    assert_ok(process_take(pool, &job, &all, &x, &e), &e);
    process_end(&x, NULL);
    int first = keeper();
    assert_true(first > 0);
    kill(first, SIGKILL);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)first, &info, WEXITED | WNOWAIT), 0);
    assert_ok(process_take(pool, &job, &all, &x, &e), &e);
    process_end(&x, NULL);
    assert_int_not_equal(keeper(), first);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_caller_without_time_costs_no_slot),
                                       cmocka_unit_test(a_dead_keeper_is_replaced)};
    struct err e = {0};
    if (!process_pool_new(&pool, "build/bin/outlayer-executor", 1, &e)) {
        fprintf(stderr, "%s\n", e.msg);
        return 1;
    }
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    process_pool_free(pool);
    return rc;
}
