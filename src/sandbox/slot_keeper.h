// SPDX-License-Identifier: Apache-2.0
// A slot from the inside: what the keeper's program calls, and what its processes may call.
#pragma once
#include "base/err.h"

// Goes into the jail that the asking side orders over `sock`, then forks a process for each of its orders, until the
// other end is closed. In such a process `work` is called once, with the stream on which its job comes; what it gives
// is the process's exit status. The caller has one thread and has opened and loaded all that it will ever need.
int slot_keep(int sock, int (*work)(void *ctx, int sock), void *ctx);
// The same without a jail: for programs of tests, which play what a process does and keep files.
int slot_keep_loose(int sock, int (*work)(void *ctx, int sock), void *ctx);
