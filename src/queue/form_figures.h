// SPDX-License-Identifier: Apache-2.0
// What both forms of the queue count for operators, so that a figure has one name and one meaning: of what came to an
// end through this process, and of the leases that it found lost.
#pragma once
#include "base/figures.h"
#include "queue/execution_state.h"

struct form_figures {
    struct histogram in_state[EXECUTION_STATE_COUNT];
    struct tally lost_by; // leases, by worker
};
void form_figures_init(struct form_figures *f);
// How long it was in each state, one after the other, says its timeline, as its row keeps it with its end (NULL: an
// older program ended it).
void form_figures_end(struct form_figures *f, uint64_t created_ms, const char *timeline);
void form_figures_lost(struct form_figures *f, const char *worker_id);
// oldest_ms: how long the oldest that is queued waits. hopeless: so many were, since the start.
void form_figures_show(struct form_figures *f, uint64_t oldest_ms, uint64_t hopeless, struct buf *out);
