// SPDX-License-Identifier: Apache-2.0
// The inside of outlayer-sandbox: makes the box's root, then serves orders as its first process. Single-threaded.
#pragma once
#include "sandbox/wire.h"

struct box_mount {
    const char *from, *to;
    int tree; // detached copy of what is mounted, -1 before
};
struct box_plan {
    const char *system; // folder whose /usr and the like the box shows; "": the machine's own
    struct box_mount mounts[WIRE_STRINGS_MAX / 2];
    size_t mount_count;
    uint64_t work_bytes, tmp_bytes;
    int doors[WIRE_FDS_MAX]; // of the cgroup for commands; this first process stays outside of it
    size_t door_count;
    bool memory_counted; // by that cgroup: also what is shared
};

// Fills the plan from an open message, whose text it points into.
[[nodiscard]] bool box_plan_read(struct box_plan *p, struct wire *w, struct err *e);
// Takes hold of everything outside that the root will show; still with the caller's user id.
[[nodiscard]] bool box_root_gather(struct box_plan *p, struct err *e);
// Builds the root and moves into it; as IDS_INSIDE (ids.h) with all capabilities of the new user namespace.
[[nodiscard]] bool box_root_enter(struct box_plan *p, struct err *e);
// Brings the box's own loopback interface up.
[[nodiscard]] bool box_network_up(struct err *e);
// Answers orders from the socket until its other end is closed.
void box_serve(const struct box_plan *p, int sock);
// A command as an order tells it.
struct box_command {
    char *strings[WIRE_STRINGS_MAX + 2]; // dir, argv…, NULL, env…, NULL
    char **argv, **env;
    uint64_t n[WIRE_NUMBERS];
};
[[nodiscard]] bool box_command_read(struct box_command *c, struct wire *w, struct err *e);
// One command: forks, runs, waits, kills what is left. The answer goes into w.
void box_run(const struct box_plan *p, int sock, struct wire *w, int output);
// Files of the box for the outside.
void box_read(struct wire *w, int *fd);
void box_scan(struct wire *w);
// Turns an error into an answer.
void box_fail(struct wire *w, const struct err *e);
