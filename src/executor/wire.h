// SPDX-License-Identifier: Apache-2.0
// Between the asking side and an executor: one job message with descriptors, one answer stream, over a socket pair.
// Both ends are of the same build; the answer still comes from a process that ran a stranger's code, so every length in
// it is checked against what the asking side allows.
#pragma once
#include "base/buf.h"
#include "base/err.h"

enum job_kind { JOB_COMPILE = 1, JOB_RUN = 2 };

// Descriptors of a job. A compilation has use for the first alone, a core module none for the last two (WASI P1 has no
// outgoing calls): what stands in their place is the page once more.
enum job_fd {
    JOB_FD_INPUT,  // RUN: standard input, then the environment; COMPILE: the module
    JOB_FD_CODE,   // RUN: machine code
    JOB_FD_PAGE,   // RUN: the shared page
    JOB_FD_EGRESS, // RUN of a component: its socket to the broker (egress/wire.h)
    JOB_FD_ROOTS,  // RUN of a component: certificates in PEM, trusted beside the built-in ones
    JOB_FDS
};
struct slot_job {
    uint32_t kind;
    uint32_t component; // 0 core module, 1 component
    uint64_t memory_ceiling;
    uint64_t input_len, env_len, code_len; // environment: NAME NUL VALUE NUL …
    uint64_t roots_len;
    uint64_t output_max, errors_max;
    uint32_t env_count;
    uint32_t may_connect; // 1: JOB_FD_EGRESS and JOB_FD_ROOTS are what they are called
};
#define JOB_BEGUN 0x42 // one byte before the answer, once the process is confined and before it looks at the guest
struct job_answer {    // then output_len and errors_len bytes; COMPILE: the code is the output, a refusal the errors
    uint32_t end;      // enum engine_end; COMPILE: 0 done, else enum err_code of the refusal
    int32_t status, trap;
    uint32_t output_full;
    uint64_t output_len, errors_len;
    char text[400];
};

[[nodiscard]] bool wire_send_job(int sock, const struct slot_job *job, const int fds[static JOB_FDS], struct err *e);
// Blocks until a job is there; false also when the asking side has closed.
[[nodiscard]] bool wire_receive_job(int sock, struct slot_job *job, int fds[static JOB_FDS], struct err *e);
// A sealed memory file with these bytes.
[[nodiscard]] bool wire_memfd(const char *name, const struct slice *parts, size_t count, int *fd, struct err *e);
