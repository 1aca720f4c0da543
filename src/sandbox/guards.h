// SPDX-License-Identifier: Apache-2.0
// Every guard between strangers' code and this machine, by name. A guard is asked for at the one place that sets it up
// (`guard_on(GUARD_…)`), so that a test can have a program in which single ones are missing, and show that the attack
// which the guard holds off then succeeds. Only programs made with FLAVOUR=unguarded (never installed; they say so)
// look at OUTLAYER_UNGUARDED, a list such as "filter,netns"; in all others guard_on is true at compile time.
#pragma once
#include <stdbool.h>
#include <stddef.h>

// name, and what it keeps from strangers' code
#define GUARDS(X)                                                                                                      \
    X(FDS, "fds", "descriptors of whoever started it")                                                                 \
    X(FILTER, "filter", "system calls beside its list")                                                                \
    X(SOCKETS, "sockets", "sockets and socket pairs of other families")                                                \
    X(UID, "uid", "processes and files of the user who started it")                                                    \
    X(PIDNS, "pidns", "seeing other runs' processes (executors; a box has always one of its own)")                     \
    X(NETNS, "netns", "the machine's network and its abstract sockets")                                                \
    X(IPCNS, "ipcns", "System V memory and message queues of others")                                                  \
    X(ROOT, "root", "the machine's files (executors; a box has always a root of its own)")                             \
    X(CAPS, "caps", "capabilities in its own namespaces")                                                              \
    X(NO_NEW_PRIVS, "no_new_privs", "rights by set-user-id programs")                                                  \
    X(LANDLOCK, "landlock", "files, signals and abstract sockets, once more")                                          \
    X(DUMPABLE, "dumpable", "core dumps, and reading the memory of a box's first process")                             \
    X(RLIMITS, "rlimits", "more of each resource than one process may have")                                           \
    X(CGROUP_MEMORY, "cgroup_memory", "more memory than all its processes may have together")                          \
    X(CGROUP_PIDS, "cgroup_pids", "more processes than all together may be")                                           \
    X(TMPFS, "tmpfs", "more files and bytes than its folders may hold")                                                \
    X(OOM, "oom", "surviving when memory runs out and somebody else is ended for it")

enum guard {
#define X(name, text, what) GUARD_##name,
    GUARDS(X)
#undef X
};

#ifdef OUTLAYER_UNGUARDED
bool guard_on(enum guard g);
// "OUTLAYER_UNGUARDED=…" for the environment of a process that is started next.
const char *guard_environment(void);
#else
static inline bool guard_on(enum guard g) { return (void)g, true; }
static inline const char *guard_environment(void) { return NULL; }
#endif
