// SPDX-License-Identifier: Apache-2.0
// What a process can take away from itself before it does something that it does not trust. Each call is for the
// calling process (single-threaded at that point) and cannot be undone; none allocates after it has begun to confine.
#pragma once
#include "base/err.h"
#include <linux/capability.h>
#include <signal.h>

// From now on no exec gives this process more rights, neither a set-user-id program nor file capabilities. This must
// come before the next two.
[[nodiscard]] bool confine_no_new_privs(struct err *e);
// Empties the bounding, ambient, effective, permitted and inheritable capability sets.
[[nodiscard]] bool confine_drop_capabilities(struct err *e);
// Does the same, but leaves `capability` permitted and effective.
[[nodiscard]] bool confine_keep_capability(int capability, struct err *e);
// When memory runs out, the kernel ends this process and what it starts before anything else on the machine. This needs
// /proc, so it must come before whatever takes that away.
[[nodiscard]] bool confine_first_to_go(struct err *e);
// Becomes somebody else for good: user and group ids (all three of each), no further groups, no capabilities, not
// dumpable, and the parent-death signal, which the kernel forgets here, as it was. Needs root. The last step before
// what can be reached with paths matters: a folder that only root may pass must be the working one already.
[[nodiscard]] bool confine_become(unsigned uid, unsigned gid, struct err *e);
// Has `signal` (0: none) sent when the parent dies. One that is dead already, so that it is not `parent` any more, is
// noticed: the signal is raised at once.
[[nodiscard]] bool confine_keep_death_signal(int signal, int parent, struct err *e);
// The signals by which a terminal or a service manager asks a whole group of processes to end: for the mask of a helper
// that ends with its starter and not before, so that the starter can let its work come to an end. What the helper
// starts for a stranger begins with an empty mask again.
void confine_group_signals(sigset_t *out);
// Closes every descriptor from `first` on.
void confine_close_from(int first);
// Neither core dumps nor reading by others of the same user (ptrace, /proc/self/mem).
[[nodiscard]] bool confine_not_dumpable(struct err *e);

// Keeps all memory of the process, present and future, out of swap; only pages that are used (MCL_ONFAULT), so that a
// thread's stack costs no more than before. Raises RLIMIT_MEMLOCK where we may. ERR_LIMIT where the limit then is not
// "unlimited": nothing is locked, because with less a later allocation would fail. Before capabilities are dropped.
[[nodiscard]] bool confine_lock_memory(struct err *e);

// What the system call filter leaves of sockets; everything that reaches outside the process tree's own world
// (mounts, namespaces, other processes' memory, kernel modules, bpf, io_uring, keys, clocks, …) is refused in each.
enum confine_sockets {
    CONFINE_NO_SOCKETS,   // none can be made
    CONFINE_UNIX_SOCKETS, // local ones only (socket pairs of build tools)
    CONFINE_INET_SOCKETS, // and IPv4 and IPv6
    CONFINE_NAME_SOCKETS, // and netlink, which resolvers ask for this machine's families
};
// Refused calls give EPERM (EAFNOSUPPORT for sockets, ENOSYS for clone3, so that programs fall back to clone).
[[nodiscard]] bool confine_system_calls(enum confine_sockets sockets, struct err *e);

// For fetches and builds: the calls that container engines allow by default, less mounts, namespaces, keys, io_uring,
// other processes' memory and the like; everything else is ENOSYS, or EPERM where programs know it as a matter of
// rights. shared_memory: System V shared memory and memory files are allowed, because something counts them.
[[nodiscard]] bool confine_tools(enum confine_sockets sockets, bool shared_memory, struct err *e);

// For what runs or compiles a guest: a list of the calls that the engine makes once it has loaded everything. What only
// looks for a file gets EACCES; any other call ends the process by SIGSYS and leaves its number + 1 in *note. Threads
// are the only processes that can be made, a process can only signal itself, no socket can be made and none connected.
// The list of a compilation is loaded on top of that of a run, which a process has before it knows what it will do.
enum confine_guest { CONFINE_RUN, CONFINE_COMPILE };
// Prepares both lists: once, before the forks that use them.
[[nodiscard]] bool confine_guest_prepare(struct err *e);
[[nodiscard]] bool confine_guest(enum confine_guest what, struct err *e);
// No list can be added from here on: the last step, for who does not call confine_guest again.
[[nodiscard]] bool confine_guest_seal(struct err *e);
void confine_guest_note(uint32_t *note); // NULL, as before the first call: nowhere
// "socket", or "" where the number has no name here.
const char *confine_call_name(uint32_t number, char out[static 64]);

// No program is ever started from this process, and no other's memory looked at: an attempt kills it.
[[nodiscard]] bool confine_no_programs(struct err *e);

// Landlock: the file system is reduced to these folders. Needs kernel support: confine_landlock_abi() > 0.
struct confine_path {
    const char *path;
    bool writable;
};
int confine_landlock_abi(void);
[[nodiscard]] bool confine_paths(const struct confine_path *paths, size_t count, struct err *e);

// All that this kernel's Landlock can take away: every file, TCP, signals to processes outside and abstract sockets of
// others. Nothing where the kernel has none.
[[nodiscard]] bool confine_landlock_all(struct err *e);

// A limit that is both soft and hard; one that is already lower stays.
[[nodiscard]] bool confine_limit(int resource, uint64_t value, struct err *e);
