// SPDX-License-Identifier: Apache-2.0
// Limits on a group of processes together, where this machine lets us set them: cgroup v1 (memory and pids, mounted
// and writable) or v2 (a group whose controllers are already handed down to its children). Often there is neither.
#pragma once
#include "base/err.h"

struct cgroup_offer {
    int version; // 0: none, 1 or 2
    bool memory, pids;
};
// Tries it: a group is made and removed.
struct cgroup_offer cgroup_probe(void);

struct cgroup {
    int version;
    char memory[512], pids[512]; // folders made by us; "" where there is none. v2: the same folder
};
// Makes a group with these limits (0: none). A limit that cannot be set is left out; only what was made is in *out.
void cgroup_make(struct cgroup *out, uint64_t memory_bytes, uint32_t processes);
// Puts a process, with all it will start, into the group.
[[nodiscard]] bool cgroup_add(const struct cgroup *g, int pid, struct err *e);
bool cgroup_killed_for_memory(const struct cgroup *g);
// Removes it; its processes must have ended. Waits a little for the kernel to notice that they have.
void cgroup_remove(struct cgroup *g);
