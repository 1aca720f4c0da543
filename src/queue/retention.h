// SPDX-License-Identifier: Apache-2.0
// Removes what is over and too old, or too much: executions that have ended, with their inputs and reports, oldest end
// first, the oldest records of builds, and sums of single minutes (rollups.h), whole hours of them. A thread of its own
// looks every minute, and removes by the writer in steps that are so small that nobody waits for one noticeably. The
// counts since the database began do not shrink.
#pragma once
#include "store/writer.h"

struct retention_limits {
    uint64_t executions_age_ms, executions; // since their end; how many that have ended; 0: any
    uint64_t build_records;                 // how many; 0: any
    uint64_t minutes_age_ms;                // 0: any
};

struct retention;
// `reading` is used by it alone until retention_stop.
[[nodiscard]] bool retention_start(struct retention **out, const struct retention_limits *limits, struct db *reading,
                                   struct writer *writer, struct err *e);
void retention_stop(struct retention *r); // waits for the step that is under way, and frees; NULL is fine

// One look, to its end; for tests. *removed: rows.
[[nodiscard]] bool retention_sweep(const struct retention_limits *limits, struct db *reading, struct writer *writer,
                                   uint64_t *removed, struct err *e);
