// SPDX-License-Identifier: Apache-2.0
// The asking side of a box. Inner part of sandbox.h.
#pragma once
#include "sandbox/sandbox.h"
#include "sandbox/wire.h"

struct sandbox {
    int sock;
    int pid; // outlayer-sandbox
    struct cgroup group;
    uint32_t processes;
    struct cgroup_kills seen; // before the command under way
    bool begun;               // a command that is not ours has been started
    bool spoiled;             // and then the box itself failed
    uint64_t deadline_ms;     // 0: none but that of each question
    const atomic_bool *cancel;
    struct wire w; // the message under way
};

// One question, which stands in s->w, and its answer: within its time, or the box is ended. fds: one descriptor may
// come along; NULL: none.
[[nodiscard]] bool sandbox_ask(struct sandbox *s, struct wire_fds *fds, struct err *e);
// The box is of no more use: it is ended. Returns false with a sentence.
bool sandbox_spoil(struct sandbox *s, struct err *e, const char *why);
bool sandbox_too_long(struct err *e);
// sandbox_open without asking whether this machine isolates; uid: of commands, as seen outside.
[[nodiscard]] bool sandbox_open_as(struct sandbox **out, const struct sandbox_spec *spec, unsigned uid, struct err *e);

// "NAME=VALUE" of the sysctl in this folder (/proc/sys) that would allow user namespaces, which it forbids; NULL: none.
const char *sandbox_namespaces_off(struct arena *a, const char *sys, bool root);

// The list of files in an answer; false when it is malformed.
[[nodiscard]] bool sandbox_files_read(struct wire *w, struct arena *a, size_t max, struct sandbox_file **out,
                                      size_t *count, bool *cut);
