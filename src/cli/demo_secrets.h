// SPDX-License-Identifier: Apache-2.0
// The demo's part with a secret: one run that proves that it knows it, one caller who is refused and told why.
#pragma once
#include "cli/ask.h"
#include "cli/stack.h"

struct demo_secrets {
    struct arena *arena;
    const struct stack *stack;
    const struct target *target;
    const char *examples; // folder
    void (*progress)(void *ctx, const struct ask_progress *p);
};
[[nodiscard]] bool demo_secrets(const struct demo_secrets *d, struct err *e);
