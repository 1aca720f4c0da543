// SPDX-License-Identifier: Apache-2.0
// What strangers' code would try, one function an attempt. The same functions run as a program in the boxes of builds
// (attack.c) and, as an escaped guest would, inside the executor at the place where the engine runs (escaped.c). Each
// attempt names the guards that hold it off (sandbox/guards.h): with all of them switched off it must succeed.
//
// In an executor nearly every system call ends the process, so an attempt makes the call that it attacks and no other.
// Without its guards an attempt really reaches this machine, so what it does there harms nobody: it sends signals that
// are ignored, writes back what it has read, and stops at a number when no limit stops it.
#pragma once
#include "base/compat.h"

enum where {
    IN_BUILD = 1,   // a build: everything may execute, no network
    IN_FETCH = 2,   // a fetch: a private network with the proxy
    IN_RUN = 4,     // the run of a core module (WASI P1)
    IN_CALL = 8,    // the run of a component (WASI P2), which has a way out through the broker
    IN_COMPILE = 16 // the compilation of a module
};
#define IN_BOX (IN_BUILD | IN_FETCH)
#define IN_RUNS (IN_RUN | IN_CALL)
#define IN_EXECUTOR (IN_RUNS | IN_COMPILE)
#define IN_ALL (IN_BOX | IN_EXECUTOR)

// What stands around the confinement, made by whoever runs the attempts (ground.c); NAME=VALUE words tell of it.
struct ground {
    int victim;            // a process outside; its environment has the secret
    int shm;               // System V memory outside with the secret
    unsigned port;         // a TCP socket that listens on 127.0.0.1 outside
    char abstract[64];     // an abstract socket that listens outside
    char queue[64];        // a POSIX message queue outside
    char secret[128];      // path of a file outside that only the one who started the worker may read
    char scratch[128];     // a folder outside in which an attempt may leave something
    uint64_t memory_bytes; // promised: all processes together
    uint64_t disk_bytes;   // promised: all files together
    uint64_t inodes;       // promised: that many files
    int call;              // the number of a system call to try
    uint32_t processes;    // promised: that many processes and threads
};
#define SECRET "outlayer-hostile-secret"     // how each secret begins
#define ENVIRONMENT_SECRET "HOSTILE=" SECRET // as it stands in the victim's environment
#define SECRET_KEY "outlayer-hostile-key"    // the name of a key in the session keyring outside
#define LEFT_BEHIND 0x6f75746c               // the key of what one run leaves for the next

// False where a word is not one of these.
[[nodiscard]] bool ground_read(struct ground *g, char **words, size_t count);

enum verdict { HELD, BROKE };
struct note {
    char text[160]; // why it is thought so
};
enum verdict held(struct note *n, const char *fmt, ...) PRINTF_LIKE(2, 3); // with the text of errno behind it
enum verdict broke(struct note *n, const char *fmt, ...) PRINTF_LIKE(2, 3);

#define FATAL 1         // where it is held, it may be by a death without words: of the limit that it meets
#define NEEDS_CGROUP 2  // promised only where a cgroup counts the memory of all processes together
#define NEEDS_CAPABLE 4 // the one who tries must be able to give a file capabilities
#define CACHED 16       // of a compilation, what it says may be kept as code: that is one descriptor more
#define NAMESPACED 32 // where there are namespaces, they hold it in any case; its guards are shown where there are none
#define NEEDS_COUNT                                                                                                    \
    64 // promised only where the processes of a run can be told from others: by a cgroup or a user of its own
#define RIGHTFUL 128 // an escaped guest would need rights for it, which who has no namespace and is not root never had
#define PROBED 8     // of a part that not every kernel has: what is held outside, too, proves nothing inside
struct attempt {
    const char *name;
    unsigned where;
    // Guards by name, with commas. NULL: not tried there. "": nothing that can be switched off, `kernel` says what
    // holds.
    const char *box, *executor;
    const char *kernel;
    enum verdict (*try)(const struct ground *g, int arg, struct note *n);
    int arg;
    unsigned flags;
};

extern const struct attempt attempts_descriptors[], attempts_processes[], attempts_sockets[], attempts_kernel[],
    attempts_files[], attempts_resources[], attempts_forged[]; // each ends with a name of NULL

// The n-th of all; NULL at the end.
const struct attempt *attempt_at(size_t n);
const struct attempt *attempt_named(const char *name);
