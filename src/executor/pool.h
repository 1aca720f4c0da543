// SPDX-License-Identifier: Apache-2.0
// Executor processes, started ahead: one is taken for each job and ends with it. Inner part of exec.h.
#pragma once
#include "executor/exec.h"
#include "executor/wire.h"

struct process {
    int pid, pidfd, sock;
};

struct process_pool;

[[nodiscard]] bool process_pool_new(struct process_pool **out, const char *program, unsigned ready,
                                    const char *egress_allow, struct err *e);
void process_pool_free(struct process_pool *p);
// One that waits for its job; starts one where none is ready.
[[nodiscard]] bool process_take(struct process_pool *p, struct process *out, struct err *e);
// Kills it if it still runs, and reaps it.
void process_end(struct process *x);

enum process_read { PROCESS_ANSWERED, PROCESS_DIED, PROCESS_LATE };
// Reads the answer until deadline_ms (clock_mono_ms). Outputs go to `a`, each at most as long as the job allowed.
enum process_read process_answer(struct process *x, const struct job *job, uint64_t deadline_ms, struct arena *a,
                                 struct job_answer *answer, struct slice *output, struct slice *errors);
