// SPDX-License-Identifier: Apache-2.0
// A slot: a jail made once, in which one process after another runs a stranger's code. In it lives a keeper (a program
// of ours that has loaded all it needs, has one thread, and never looks at a byte of a stranger's); on request it forks
// one process, which waits for its job, ahead of time; that process and all that it started have ended before the next
// one is made, and nothing of it is left. Here is the asking side; slot_keeper.h is the keeper's.
//
// A slot belongs to one thread at a time.
#pragma once
#include "base/err.h"
#include "sandbox/cgroup.h"
#include "sandbox/sandbox.h"

#define SLOT_MEMORY_MIN (64ull << 20) // of the group: what the keeper itself needs, with room

struct slot_spec {
    const char *program; // of the keeper: it calls slot_keep with the descriptor that is its only argument
    enum sandbox_degree degree;
    unsigned uid;       // SANDBOX_FULL, and SANDBOX_PROCESS as root: of this slot alone
    uint32_t processes; // threads included
};

struct slot;
// Starts a keeper and asks it for its first process; does not wait for either.
[[nodiscard]] bool slot_open(struct slot **out, const struct slot_spec *spec, struct err *e);
// Ends everything in it; NULL is fine.
void slot_close(struct slot *s);

struct slot_process {
    int pidfd, sock; // the slot's; sock: a stream to the process, which waits for its job
};
// The process that waits. memory_bytes: of all in the slot together, the keeper included, where there is a cgroup.
// false: the time was over before it was there, and it may be asked for again; or the slot is of no more use.
[[nodiscard]] bool slot_take(struct slot *s, uint64_t memory_bytes, uint64_t deadline_ms, const atomic_bool *cancel,
                             struct slot_process *out, struct err *e);
struct slot_fate {
    bool known;         // the wait status could be had
    int status;         // as waitpid gives it; SIGKILL also where slot_finish did it
    bool out_of_memory; // the kernel ended it because its own group's memory was full
};
// Kills the process that was taken, waits for its end and asks for the next one. false: the slot is of no more use.
[[nodiscard]] bool slot_finish(struct slot *s, struct slot_fate *fate);
