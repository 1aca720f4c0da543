// SPDX-License-Identifier: Apache-2.0
// The signals that end a daemon: SIGTERM, and SIGINT of a terminal. They are waited for (sigwait), not handled.
#pragma once
#include <signal.h>

// Blocks both in this thread and in those that it starts from now on.
void ends_block(sigset_t *out);
// Calls wait(ctx). Where one of the signals comes meanwhile, hurry(ctx) is called, once and from another thread:
// whoever sends a second one does not want to wait. Both signals are blocked.
void ends_during(void (*wait)(void *ctx), void (*hurry)(void *ctx), void *ctx);
