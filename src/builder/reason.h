// SPDX-License-Identifier: Apache-2.0
// From a build's log to the few lines that tell a stranger what is wrong: they go on chain, so they are short.
#pragma once
#include "base/arena.h"

#define REASON_MAX 400 // bytes

// "what: " and the log's lines with errors, or its last ones where none says so; valid UTF-8, one line each, paths of
// the sandbox taken out, at most REASON_MAX bytes.
const char *reason_make(struct arena *a, const char *what, struct slice log);
