// SPDX-License-Identifier: Apache-2.0
// What the keystore takes away from its own process, and whom it becomes. Before any thread, in this order.
#pragma once
#include "base/err.h"

// Nothing of this process is for others to read: no core dumps, no debugger, no new rights by starting a program.
[[nodiscard]] bool guard_early(struct err *e);
// Keeps its memory out of swap; a warning where that is not allowed. While it may still raise limits.
void guard_memory(void);
// Enters the home, which is "." from then on, since its owner may not be able to pass the folders above it. Root
// becomes that owner, unless it is root itself (then a warning); capabilities go in each case.
[[nodiscard]] bool guard_user(const char *home, struct err *e);
// Only the home is writable, only what name resolution and certificates need is readable, no program is started.
[[nodiscard]] bool guard_rest(struct err *e);
