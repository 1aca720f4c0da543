// SPDX-License-Identifier: Apache-2.0
// Messages between a process and its outlayer-sandbox over a SOCK_SEQPACKET pair: always question and answer. Both are
// of one build, so plain structs travel. What runs in the box never gets this socket; still each message is read as if
// it had: its shape is checked, descriptors are counted, and those that nobody asked for are closed.
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include <stdatomic.h>

enum wire_kind {
    WIRE_OPEN,   // numbers: work bytes, tmp bytes, user outside, whether shared memory is counted; strings: folder of
                 // the system or "", mounts as (from, to)*; descriptors: doors of the cgroup for commands
    WIRE_RUN,    // numbers: see enum wire_run; strings: dir, argv…, "", env…; descriptor: standard output and error
    WIRE_READ,   // string: path; answer carries a descriptor
    WIRE_SCAN,   // numbers: max, length of the magic, magic; strings: dir; answer: numbers: count, whether it was cut
                 // off; strings: (path, "size inode changed_ns")*
    WIRE_LISTEN, // answer: numbers: port; a descriptor
};
enum wire_run { RUN_NETWORK, RUN_CPU, RUN_FILE, RUN_ADDRESS, RUN_PROCESSES };

#define WIRE_NUMBERS 6
#define WIRE_TEXT_MAX 65536
#define WIRE_STRINGS_MAX 1024
#define WIRE_FDS_MAX 4
struct wire {
    uint32_t kind;
    uint32_t failed; // in answers: enum err_code + 1, the text is the message
    uint64_t n[WIRE_NUMBERS];
    uint32_t text_len; // NUL-terminated strings one after another
    char text[WIRE_TEXT_MAX];
};
struct wire_fds {
    int fd[WIRE_FDS_MAX];
    size_t count;
};

static inline void wire_init(struct wire *w, enum wire_kind kind) {
    memset(w, 0, offsetof(struct wire, text));
    w->kind = (uint32_t)kind;
}
// Appends a string; false when it does not fit (nothing changes).
[[nodiscard]] bool wire_add(struct wire *w, const char *s);
// The strings, pointing into w; at most WIRE_STRINGS_MAX. False when they are not well formed.
[[nodiscard]] bool wire_strings(struct wire *w, char **out, size_t *count);
// What an answer says about a failure, as *e; false for one.
[[nodiscard]] bool wire_succeeded(const struct wire *w, struct err *e);
// Whether n bytes that lie in *w are a whole message.
[[nodiscard]] bool wire_whole(const struct wire *w, size_t n);

// fds: to pass along, or NULL. Never blocks: an other end that has not read its last message is ERR_UNAVAILABLE.
[[nodiscard]] bool wire_send(int sock, const struct wire *w, const struct wire_fds *fds, struct err *e);
// Takes the message that is there, or waits for it. fds: room for at most `most` that may come along (the caller's to
// close), or NULL; more of them, or a message that is not whole, is ERR_CORRUPT and all are closed. An end of file is
// ERR_UNAVAILABLE.
[[nodiscard]] bool wire_receive(int sock, struct wire *w, struct wire_fds *fds, size_t most, struct err *e);
// Waits until something can be read: ERR_TIMEOUT at deadline_ms (clock_mono_ms), ERR_UNAVAILABLE when `cancel` (may be
// NULL) has become true.
[[nodiscard]] bool wire_wait(int sock, uint64_t deadline_ms, const atomic_bool *cancel, struct err *e);
void wire_close(struct wire_fds *fds);
struct msghdr;
// Every descriptor that came with a message; what is beyond the room for them is closed.
void wire_take_fds(struct msghdr *m, struct wire_fds *out);
