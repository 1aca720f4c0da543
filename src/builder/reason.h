// SPDX-License-Identifier: Apache-2.0
// From a build's log to the few lines that tell a stranger what is wrong: they go on chain, so they are short.
#pragma once
#include "base/arena.h"

#define REASON_MAX 400 // bytes

// "what: " and the log's lines with errors, or its last ones where none says so; valid UTF-8, one line each, paths of
// the sandbox taken out, at most REASON_MAX bytes.
const char *reason_make(struct arena *a, const char *what, struct slice log);
// The log's last whole lines, cleaned likewise, at most `max` bytes of them; NULL: it says nothing.
const char *reason_log(struct arena *a, struct slice log, size_t max);
