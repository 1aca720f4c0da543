// SPDX-License-Identifier: Apache-2.0
// How a run ended and whose doing it was, decided from what nobody inside can forge: our own clocks, the wait status,
// and the shared page, whose count is clamped. What the process answers is hostile, and is believed because nothing
// that it can say makes a run free: every answer is an end of the guest's own. Inner part of exec.h.
#pragma once
#include "executor/exec.h"
#include "executor/pool.h"
#include "wasm/meter.h"

struct verdict_facts {
    enum process_read read;
    const struct job_answer *answer; // PROCESS_ANSWERED: what it says
    struct process_fate fate;
    const struct meter_page *page; // a copy: the executor's own may still change
    const struct exec_limits *limits;
};

enum verdict {
    VERDICT_GUEST, // *out is how it ended, and the guest's to pay
    VERDICT_AGAIN, // the same, but nothing explains the death: worth another try, once
    VERDICT_STALE, // says that the code is of another engine: compile again, once
    VERDICT_OURS,  // it ended before it had begun: no byte of the guest had been looked at; or it was cancelled
};
// Fills everything of *out but what is measured by a clock and the outputs. VERDICT_OURS: *out is of no use.
enum verdict verdict_of(const struct verdict_facts *f, struct arena *a, struct exec_result *out);
