// SPDX-License-Identifier: Apache-2.0
// The environment that a guest sees. What the request does not know is not set, but for the constants that programs
// written for HTTPS calls expect as well.
#pragma once
#include "executor/exec.h"
#include "secrets/values.h"
#include "worker/lease.h"

// Entries and their texts are in the arena, but for the texts of the secrets, which stay where they are. The system's
// variables win: a secret of a reserved name is left out, whoever let it get this far.
size_t guest_env(struct arena *a, const struct task *t, const char *network, const struct secrets *secrets,
                 struct exec_env **out);
