// SPDX-License-Identifier: Apache-2.0
// Short programs of others that the CLI runs and waits for (git), by argument vector, never through a shell.
#pragma once
#include "base/arena.h"
#include "base/err.h"

#define TOOL_OUTPUT_MAX (1u << 20)

struct tool {
    const char *const *argv;      // NULL-terminated; argv[0] is looked up in PATH
    const char *const *extra_env; // "NAME=value", NULL-terminated, on top of ours; NULL: none
    const char *dir;              // working folder; NULL: ours
    uint64_t timeout_ms;          // 0: 120,000
};

// Runs it to its end; *out is standard output without trailing white space. A status other than 0 is ERR_IO with the
// last lines of standard error.
[[nodiscard]] bool tool_run(struct arena *a, const struct tool *c, struct slice *out, struct err *e);
