// SPDX-License-Identifier: Apache-2.0
// Keeps daemons running as children: starts them, waits until each says that it serves, keeps their logs within bounds
// (LOG_BYTES_MAX, one older file beside it), starts one again that died by itself, and stops all in reverse order.
// A thread of its own does the watching; all functions may be called from any thread.
#pragma once
#include "base/arena.h"
#include "base/err.h"

#define SUPERVISOR_CHILDREN_MAX 8
#define LOG_BYTES_MAX (16u << 20)

struct supervisor;

[[nodiscard]] bool supervisor_new(struct supervisor **out, const char *log_dir, struct err *e);
// Starts program with the common part of our environment (PATH, HOME, …) and env ("NAME=value", NULL-terminated,
// copied), waits for its ready line and gives it in `a`. A child that ends before is ERR_UNAVAILABLE with the last
// lines of its log.
[[nodiscard]] bool supervisor_start(struct supervisor *s, struct arena *a, const char *name, const char *program,
                                    const char *const *env, uint64_t timeout_ms, const char **ready, struct err *e);
// What to add to the child's environment when it has to be started again (the port it got).
void supervisor_pin(struct supervisor *s, const char *name, const char *setting);
// Asks each to stop (SIGTERM), the last started first, waits up to 6 s for each, then kills; and frees. NULL is fine.
void supervisor_stop(struct supervisor *s);
