// SPDX-License-Identifier: Apache-2.0
// Limits on a group of processes together, where this machine lets us set them: cgroup v1 (memory, pids and cpu,
// mounted and writable) or v2 (a group that is ours to divide). Often there is neither. Groups have random names, and
// each is held by a lock that ends with its owner, so what a killed process has left behind is told from what is in use
// and is removed by the next one.
#pragma once
#include "base/err.h"

struct cgroup_offer {
    int version; // 0: none, 1 or 2
    bool memory, pids, cpu;
    char why[200]; // what is missing, where memory or pids is
};
// Found out once, by making a group. On v2 this process moves into a leaf of its own beneath its group, since a group
// that has processes cannot be divided; what other processes have left behind is removed.
const struct cgroup_offer *cgroup_offer(void);
// Finds out anew, for a process whose rights have changed; no group may be held.
const struct cgroup_offer *cgroup_offer_again(void);
// From now on there is none: what was found does not hold.
const struct cgroup_offer *cgroup_offer_none(const char *why);

struct cgroup_limits {
    uint64_t memory_bytes; // swap included; 0: none
    uint32_t processes;    // threads included; 0: none
};

#define CGROUP_PARTS 3 // memory, pids, cpu
struct cgroup {
    int version; // 0: this machine has none
    struct cgroup_part {
        char path[512]; // "" where there is none; v2: the first holds all
        int lock;
    } part[CGROUP_PARTS];
};
// Makes a group with these limits; together its processes weigh as much as one of others where they compete for a
// processor. What cgroup_offer promises is set or is an error; what it does not is left out.
[[nodiscard]] bool cgroup_make(struct cgroup *out, const struct cgroup_limits *l, struct err *e);
[[nodiscard]] bool cgroup_limit_memory(const struct cgroup *g, uint64_t bytes, struct err *e);
// Puts a process, with all it will start, into the group.
[[nodiscard]] bool cgroup_add(const struct cgroup *g, int pid, struct err *e);
// Descriptors through which a process that cannot see the group enters it: for cgroup_enter, to be closed by the
// caller.
[[nodiscard]] bool cgroup_doors(const struct cgroup *g, int fds[static CGROUP_PARTS], size_t *count, struct err *e);
[[nodiscard]] bool cgroup_enter(const int *doors, size_t count, struct err *e);
// What was seen of a group's want of memory: at first all 0.
struct cgroup_kills {
    uint64_t kills; // of its processes, for want of memory wherever that was
    uint64_t full;  // v2: how often its own limit was met
};
// Whether the kernel has killed one of its processes since then because the group's own memory was used up, and not
// what it is part of: the worker's container, or all of this machine.
bool cgroup_ran_out(const struct cgroup *g, struct cgroup_kills *seen);
// Removes it; its processes must have ended. Waits a little for the kernel to notice that they have.
void cgroup_remove(struct cgroup *g);
