// SPDX-License-Identifier: Apache-2.0
// Where this process is in the machine's cgroups, and what others have left there. Inner part of cgroup.h.
#pragma once
#include "sandbox/cgroup.h"

#define CGROUP_NAME "outlayer-"        // of a group: and 16 hexadecimal digits
#define CGROUP_LEAF CGROUP_NAME "own-" // of the leaf in which a process itself is (v2): and 16 hexadecimal digits

// Folders; "" where there is none.
struct cgroup_place {
    char part[CGROUP_PARTS][512]; // v1: memory, pids, cpu
    char unified[512];            // v2: where groups are made, which is above a leaf of ours
};
void cgroup_place_find(struct cgroup_place *out);
// Removes the groups there whose owner is gone, and ends what still runs in them.
void cgroup_sweep(const struct cgroup_place *p);
bool cgroup_has_word(const char *list, const char *word);
// Making a group and taking its lock is one step to a sweep, and so is a sweep's look whether anybody holds it: the
// first is done under LOCK_SH on a file of the folder above, the second under LOCK_EX. Gives a descriptor that holds
// the lock until it is closed, or -1 with errno.
int cgroup_gate(const char *parent, int how);
