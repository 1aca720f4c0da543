// SPDX-License-Identifier: Apache-2.0
// A box: a one-off root file system and process tree in which commands of strangers run, made by the small program
// outlayer-sandbox (so that no memory of the caller is ever near them). Inside: own user, mount, pid, network, ipc and
// uts namespaces; a /usr and what the caller adds, read-only; a size-limited /work that lives in memory and dies with
// the box; /tmp, /proc and a minimal /dev of its own; no capabilities, no new privileges, a system call filter,
// resource limits, and cgroup limits where this machine lets us set them. The caller's file system is never written
// and nothing inside is ever opened by a path outside: results come back as bytes read by the box's own first process.
//
// A box belongs to one thread at a time; any number of boxes may be open at once. Works as root and as anybody else.
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "sandbox/cgroup.h"
#include <stdatomic.h>

#define SANDBOX_WORK "/work" // the one large writable folder; the starting folder of commands unless they name another
#define SANDBOX_HOME "/home" // a small writable one, for tools that want a home

// How far apart strangers' code can be kept from this machine and from itself; each has what the one before has.
enum sandbox_degree {
    SANDBOX_NONE,    // not at all
    SANDBOX_PROCESS, // a user of its own for each slot or Landlock, a filter of system calls, limits of each process;
                     // nothing is built
    SANDBOX_USER,    // namespaces of users, processes, mounts, network; one user for all, or no cgroup
    SANDBOX_FULL,    // a user of its own for each slot, and a cgroup for each slot and box
};
const char *sandbox_degree_name(enum sandbox_degree d); // "none", "process", "user", "full"

// What this machine offers, found out by trying it, once a process: a box is opened and a command runs in it.
struct sandbox_offer {
    enum sandbox_degree degree;
    bool can_isolate; // boxes can be had
    int landlock_abi;
    struct cgroup_offer cgroup;
    unsigned uid;      // the user outside that commands of boxes run as
    unsigned slot_uid; // the first of SANDBOX_SLOT_UIDS users for slots, or our own where they all share it
    char text[256];    // a sentence for people: what there is, or what is missing
    char missing[256]; // what SANDBOX_FULL would need beside that, "" where nothing
};
#define SANDBOX_SLOT_UIDS 256
// helper: path of outlayer-sandbox, NULL: beside the running program or in the folder bin beside that one.
const struct sandbox_offer *sandbox_probe(const char *helper);
// Whether that is at least `name` ("full", "user" or "process"); else ERR_SETTINGS that says what is missing, with a
// hint how to make do without, or how to get it.
[[nodiscard]] bool sandbox_require(const struct sandbox_offer *o, const char *name, struct err *e);
// Forgets the answer and finds out anew, for a process whose rights have changed; no box may be open.
const struct sandbox_offer *sandbox_probe_again(const char *helper);

struct sandbox_mount {
    const char *from, *to; // file or folder outside; absolute path inside, where it is read-only
};
struct sandbox_spec {
    const char *helper; // as above
    const char *system; // folder that holds the /usr to show, and /bin, /lib and so on; NULL: this machine's own
    const struct sandbox_mount *mounts;
    size_t mount_count;
    uint64_t work_bytes, tmp_bytes; // disk ceilings; these are memory
    uint64_t memory_bytes;          // all processes and folders together, where a cgroup can be had
    uint32_t processes;             // all together
    // clock_mono_ms() until which the box answers at all, 0: a minute for each question that is no command.
    uint64_t deadline_ms;
    const atomic_bool *cancel; // set from another thread: what is under way ends within a second. NULL: none
};

struct sandbox;
[[nodiscard]] bool sandbox_open(struct sandbox **out, const struct sandbox_spec *spec, struct err *e);
// Ends everything inside at once; NULL is fine.
void sandbox_close(struct sandbox *s);
// The box itself has failed after a stranger's command had begun in it, or could not do what it was asked after one:
// whatever is behind it (its memory was used up, links stand where folders were, it was attacked), it is that command's
// doing and not this machine's trouble. NULL is fine.
bool sandbox_spoiled(const struct sandbox *s);

struct sandbox_command {
    const char *const *argv;   // argv[0]: absolute path inside
    const char *const *env;    // exactly this, NULL-terminated
    const char *dir;           // NULL: SANDBOX_WORK
    bool network;              // true: the box's private network, on which only sandbox_listen listens; false: none
    uint64_t deadline_ms;      // clock_mono_ms() at which the whole box is killed
    uint32_t cpu_seconds;      // a process
    uint64_t file_bytes;       // a file
    uint64_t address_bytes;    // address space of a process, 0: not limited
    const atomic_bool *cancel; // set from another thread: the box is killed within a second. NULL: none
    bool ours;                 // nothing of a stranger executes in it
    size_t output_max; // of standard output and standard error together, in order: its head and its tail are kept
};
enum sandbox_end {
    SANDBOX_EXITED,    // status: exit status of the command
    SANDBOX_SIGNALED,  // status: signal
    SANDBOX_DEADLINE,  // the box is dead: only sandbox_close may follow
    SANDBOX_CANCELLED, // the same
    SANDBOX_BROKEN,    // the box failed under a stranger's command (sandbox_spoiled): the same, `why` tells
};
struct sandbox_result {
    enum sandbox_end end;
    int status;
    struct slice output; // in the arena; where something was cut out, a line in the middle says how much
    bool cut;            // something was: what is in the middle is not what the command said
    uint64_t wall_ms;
    bool out_of_memory; // the cgroup killed something
    const char *why;    // SANDBOX_BROKEN
};
// Runs one command; whatever it left running is killed before this returns. false: the box itself failed, and no
// stranger can be behind it.
[[nodiscard]] bool sandbox_run(struct sandbox *s, struct arena *a, const struct sandbox_command *c,
                               struct sandbox_result *out, struct err *e);

// A regular file inside, never through a symbolic link: ERR_NOT_FOUND, ERR_INVALID (not a regular file), ERR_TOO_LARGE.
[[nodiscard]] bool sandbox_read(struct sandbox *s, struct arena *a, const char *path, size_t max, struct slice *out,
                                struct err *e);
// Regular files below a folder whose first bytes are `magic` (at most 8 bytes), symbolic links not followed, sorted by
// path; stops at `max` of them and looks at no more than SANDBOX_SCAN_MAX entries (then *cut).
#define SANDBOX_SCAN_MAX 200000
struct sandbox_file {
    const char *path; // absolute, inside
    uint64_t size, inode, changed_ns;
};
[[nodiscard]] bool sandbox_scan(struct sandbox *s, struct arena *a, const char *dir, struct slice magic, size_t max,
                                struct sandbox_file **out, size_t *count, bool *cut, struct err *e);
// A TCP socket that listens on 127.0.0.1:*port inside the box's network; the caller accepts what commands connect.
[[nodiscard]] bool sandbox_listen(struct sandbox *s, int *fd, unsigned *port, struct err *e);
