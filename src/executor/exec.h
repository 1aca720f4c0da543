// SPDX-License-Identifier: Apache-2.0
// Running guests: the side that asks (worker, `outlayer run`). Each run has a process of its own (outlayer-executor),
// pre-started; a module is compiled once, in a process of its own, and kept precompiled with a MAC.
#pragma once
#include "base/arena.h"
#include "base/patience.h"
#include "crypto/hash.h"

struct egress; // egress/egress.h

struct exec_settings {
    const char *program;      // path of outlayer-executor
    const char *cache_dir;    // precompiled code; NULL: none is kept
    uint64_t cache_max_bytes; // least recently used goes first
    unsigned prestarted;      // executors kept ready (0: 2)
    unsigned runs, compiles;  // at a time; more wait (0: 2)
    struct egress *egress;    // how components reach the world, kept; NULL: they do not
};

struct exec_limits {
    uint64_t max_instructions;
    uint32_t max_memory_mb; // linear memories together
    uint32_t max_seconds;   // wall time of the run
    uint32_t max_output;    // bytes of standard output
};
#define EXEC_OUTPUT_MAX (1u << 20)
#define EXEC_STDERR_MAX (64u << 10)

struct exec_env {
    const char *name, *value;
};

struct exec_request {
    struct slice wasm;          // the module's own bytes
    struct slice input;         // standard input
    const struct exec_env *env; // later entries of the same name win; no copy of it stays in memory
    size_t env_count;
    struct exec_limits limits;
    uint64_t compile_ms;      // longest compilation that is paid for (0: as long as one may ever take)
    struct patience patience; // everything together; a run gets what is left of it, if that is less than its seconds
    // Called with true before what may take long without running: waiting for somebody else's compilation, compiling;
    // and with false when that is over. NULL: not.
    void (*parked)(void *ctx, bool is);
    void *ctx;
};

// How a run ended: always the guest's or its module's own doing (docs/request.md has who pays what). Our own trouble is
// no end: exec_run returns false.
enum exec_end {
    EXEC_OK,           // returned, or exited with 0
    EXEC_EXIT,         // exited with another status
    EXEC_TRAP,         // unreachable, out of bounds, division by zero, stack, …: `trap` names it
    EXEC_INSTRUCTIONS, // instruction limit
    EXEC_MEMORY,       // trapped after the memory ceiling had refused it memory
    EXEC_DEADLINE,     // killed at the wall-time limit
    EXEC_OUTPUT,       // wrote more than max_output
    EXEC_INVALID,      // not a module that can be run here: `detail` says why
    EXEC_COMPILE,      // making machine code of it takes more time or memory than there is
    EXEC_FORBIDDEN,    // its process made a system call that no run may make
    EXEC_CRASH,        // its process died; where nothing explained that, a second time, too
};
const char *exec_end_slug(enum exec_end end); // "ok", "exit", "trap", …

struct exec_result {
    enum exec_end end;
    int exit_status;                    // EXEC_EXIT
    const char *trap;                   // EXEC_TRAP: "unreachable", "out of bounds memory access", …
    const char *detail;                 // a whole sentence for people, NULL for EXEC_OK
    uint64_t instructions, peak_memory; // also on failure, trap and kill
    uint64_t run_us;                    // instantiate and run, without compiling; by our own clock
    uint64_t compile_us;                // what this call compiled; 0 when the precompiled code was there
    uint32_t seconds;                   // how many the run was given: limits.max_seconds, or what was left
    bool memory_refused;                // the guest met its memory ceiling, however it ended
    struct slice output;                // in the caller's arena
    struct slice errors;                // standard error, capped at EXEC_STDERR_MAX
};

struct exec_pool;
[[nodiscard]] bool exec_pool_new(struct exec_pool **out, const struct exec_settings *s, struct err *e);
void exec_pool_free(struct exec_pool *p); // ends every executor
// Blocks until the run has ended; any number of threads at once. false: the platform failed (ERR_UNAVAILABLE, ERR_IO),
// the patience was over before the run began (ERR_TIMEOUT), or nobody could run this (ERR_INVALID, ERR_TOO_LARGE). A
// guest's failure is a result.
[[nodiscard]] bool exec_run(struct exec_pool *p, struct arena *a, const struct exec_request *r, struct exec_result *out,
                            struct err *e);
