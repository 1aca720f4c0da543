// SPDX-License-Identifier: Apache-2.0
// For tests: shell scripts that make git repositories in WORK/test.
#pragma once
#include "base/file.h"
#include "base/test.h"
#include <stdlib.h>

// Runs a script there and gives the first line that it prints, in the arena. A script that fails, fails the test.
PRINTF_LIKE(3, 0)
static inline const char *test_script(struct arena *a, const char *work, const char *fmt, va_list ap) {
    char cmd[8192];
    struct slice out;
    struct err e = {0};
    vsnprintf(cmd, sizeof cmd, fmt, ap);
    if (system(arena_printf(a, "exec >%s/out; set -e; cd %s/test; %s", work, work, cmd)) != 0)
        fail_msg("%s", cmd);
    assert_ok(file_read(a, arena_printf(a, "%s/out", work), 4096, &out, &e), &e);
    char *line = arena_text(a, out);
    line[strcspn(line, "\n")] = 0;
    return line;
}
