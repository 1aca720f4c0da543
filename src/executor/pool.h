// SPDX-License-Identifier: Apache-2.0
// Executor processes, made ahead: one is taken for each job and ends with it. Inner part of exec.h.
#pragma once
#include "base/patience.h"
#include "executor/exec.h"
#include "executor/guest.h"
#include "executor/wire.h"
#include "sandbox/slot.h"

struct process_pool;
struct place; // a slot of the pool's (sandbox/slot.h)

struct process {
    int pidfd, sock; // the slot's
    struct process_pool *pool;
    struct place *place;
};
#define PROCESS_NONE ((struct process){-1, -1, NULL, NULL})

// Opens `ready` slots, in each of which a process waits for its job; more are opened when they are needed.
[[nodiscard]] bool process_pool_new(struct process_pool **out, const char *program, unsigned ready, struct err *e);
void process_pool_free(struct process_pool *p);
// One that waits for its job, in a slot that nobody else has until process_end; its group may use as much memory as the
// job needs. ERR_UNAVAILABLE where none can be had in time, and as patience_fail has it.
[[nodiscard]] bool process_take(struct process_pool *p, const struct slot_job *job, const struct patience *w,
                                struct process *out, struct err *e);
// How it ended, as the kernel has it.
struct process_fate {
    bool known;         // the wait status could be had
    int status;         // as waitpid gives it; SIGKILL also where process_end did it
    bool out_of_memory; // the kernel ended it because its own group's memory was full
};
// Kills it if it still runs, and reaps it. *fate may be NULL.
void process_end(struct process *x, struct process_fate *fate);

enum process_read {
    PROCESS_ANSWERED,
    PROCESS_UNBEGUN, // it never said that it begins: it died, or hung, before it had looked at a byte of the guest's
    PROCESS_DIED,    // no whole answer: it died, or wrote what our own code does not write
    PROCESS_LATE,    // no whole answer in time
    PROCESS_CANCELLED,
};
// Waits until it has confined itself and begins. From here on the guest's clock runs, and what goes wrong is the
// guest's doing: the word stands on the socket, where nobody can take it back.
enum process_read process_begun(struct process *x, const struct patience *w);
// Reads the answer. Outputs go to `a`, each at most as long as the job allowed.
enum process_read process_answer(struct process *x, const struct slot_job *job, const struct patience *w,
                                 struct arena *a, struct job_answer *answer, struct slice *output,
                                 struct slice *errors);
