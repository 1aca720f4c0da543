// SPDX-License-Identifier: Apache-2.0
// Questions at a terminal, whose answers may be secrets.
#pragma once
#include "base/arena.h"
#include "base/err.h"

// One line from the terminal, without white space around it and without echo where `hidden`, also when a signal ends
// this program meanwhile. *out NULL: the input has ended (Ctrl-D on an empty line).
[[nodiscard]] bool prompt_ask(struct arena *a, int tty, const char *question, bool hidden, const char **out,
                              struct err *e);
