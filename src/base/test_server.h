// SPDX-License-Identifier: Apache-2.0
// For tests: a server of the test program's own, started by tests/databases.py, which ends it when this process ends:
// its standard input is a pipe that nobody else writes to.
#pragma once
#include "base/test.h"
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <unistd.h>

// what: postgres or redis. url: where it is, as tests/databases.py says it.
static inline void test_server_start(char *what, char *url, int size) {
    char python[] = "python3", script[] = "tests/databases.py";
    char *const argv[] = {python, script, what, NULL};
    int in[2], out[2];
    pid_t pid;
    posix_spawn_file_actions_t files;
    assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC), 0);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in[0], 0);
    posix_spawn_file_actions_adddup2(&files, out[1], 1);
    assert_int_equal(posix_spawnp(&pid, argv[0], &files, NULL, argv, environ), 0);
    posix_spawn_file_actions_destroy(&files);
    close(in[0]);
    close(out[1]);
    FILE *f = fdopen(out[0], "r");
    if (!fgets(url, size, f))
        fail_msg("%s did not start; is this the project's folder, and did scripts/setup.sh test run?", what);
    url[strcspn(url, "\n")] = 0;
    fclose(f);
}
