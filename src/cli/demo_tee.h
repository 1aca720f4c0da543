// SPDX-License-Identifier: Apache-2.0
// The demo's part with a machine that proves itself: a key is made, quoted, registered on chain, renewed, judged again
// and removed, each by the command that an operator types. The machine is a simulated one.
#pragma once
#include "cli/stack.h"

[[nodiscard]] bool demo_tee(struct arena *a, const struct stack *s, struct err *e);
