// SPDX-License-Identifier: Apache-2.0
// What happened to an execution, step by step, as its row keeps it: JSON objects with `stage`, `at_ms` and what is
// known of `worker_id`, `attempt` and `reason`, with a comma behind each. It is written where a step is taken, with the
// change itself, and only read for people.
#pragma once
#include "base/arena.h"
#include "base/buf.h"

#define TIMELINE_MAX 16384 // bytes; of one that is longer the later steps are missing, but for its end
#define TIMELINE_REASON_MAX 300

struct timeline_step {
    const char *stage;
    uint64_t at_ms;        // wall clock
    const char *worker_id; // NULL or "": nobody
    unsigned attempt;      // 0: none
    const char *reason;    // NULL: none
};
// `is_end`: it is added whatever the length.
void timeline_add(struct buf *timeline, const struct timeline_step *s, bool is_end);
// An array, from what a row keeps (NULL: nothing), beginning with the moment at which it was recorded.
const char *timeline_json(struct arena *a, uint64_t created_ms, const char *timeline);
