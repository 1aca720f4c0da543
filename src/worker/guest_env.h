// SPDX-License-Identifier: Apache-2.0
// The environment that a guest sees. What the request does not know is not set, but for the constants that programs
// written for HTTPS calls expect as well.
#pragma once
#include "executor/exec.h"
#include "worker/task.h"

// Entries and texts are in the arena.
size_t guest_env(struct arena *a, const struct task *t, const char *network, struct exec_env **out);
