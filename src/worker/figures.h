// SPDX-License-Identifier: Apache-2.0
// What a worker tells its operator: whether it can work, and figures (docs/operate.md has their list).
#pragma once
#include "base/err.h"
#include "base/figures.h"

struct worker;
struct monitor;

struct worker_counts {
    struct tally answers, runs;           // by class; by end
    struct histogram ran, settled;        // a guest's run; from the first sending of an answer until its fate was known
    _Atomic uint64_t code_had, code_made; // runs whose precompiled code was there already, and those that compiled it
    _Atomic uint64_t polls_failed;
};

// false: why it takes no leases, or why what it takes could not be answered. monitor: NULL where it has none.
[[nodiscard]] bool worker_ready(struct worker *w, struct monitor *m, struct err *e);
void worker_figures(struct worker *w, struct monitor *m, struct buf *out);
