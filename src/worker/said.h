// SPDX-License-Identifier: Apache-2.0
// What a guest wrote for whoever asked for it, as a text that can be stored and shown.
#pragma once
#include "base/arena.h"

#define SAID_MAX 16384 // bytes: what a coordinator takes

// The last bytes of it, from the beginning of a character on, printable but for ends of lines and tabs. NULL: nothing.
const char *said_tail(struct arena *a, struct slice said);
