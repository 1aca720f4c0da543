// SPDX-License-Identifier: Apache-2.0
// Messages between a process and its outlayer-sandbox over a SOCK_SEQPACKET pair: always question and answer. Both are
// of one build, so plain structs travel. The helper is trusted; what runs in the box never gets this socket.
#pragma once
#include "base/arena.h"
#include "base/err.h"

enum wire_kind {
    WIRE_OPEN,   // numbers: work bytes, tmp bytes, user outside; strings: mounts as (from, to)*, then "", then hidden
                 // files
    WIRE_RUN,    // numbers: see enum wire_run; strings: dir, argv…, "", env…; descriptor: standard output and error
    WIRE_READ,   // string: path; answer carries a descriptor
    WIRE_SCAN,   // numbers: max; strings: dir; magic in `bytes`
    WIRE_LISTEN, // answer: numbers: port; a descriptor
};
enum wire_run { RUN_NETWORK, RUN_CPU, RUN_FILE, RUN_ADDRESS, RUN_PROCESSES };

#define WIRE_NUMBERS 6
#define WIRE_TEXT_MAX 65536
#define WIRE_STRINGS_MAX 1024
struct wire {
    uint32_t kind;
    uint32_t failed; // in answers: enum err_code + 1, the text is the message
    uint64_t n[WIRE_NUMBERS];
    uint32_t text_len; // NUL-terminated strings one after another
    char text[WIRE_TEXT_MAX];
};

static inline void wire_init(struct wire *w, enum wire_kind kind) {
    memset(w, 0, offsetof(struct wire, text));
    w->kind = (uint32_t)kind;
}
// Appends a string; false when it does not fit (nothing changes).
[[nodiscard]] bool wire_add(struct wire *w, const char *s);
// The strings, pointing into w; at most WIRE_STRINGS_MAX. False when they are not well formed.
[[nodiscard]] bool wire_strings(struct wire *w, char **out, size_t *count);
// fd: one to pass along, or -1.
[[nodiscard]] bool wire_send(int sock, const struct wire *w, int fd, struct err *e);
// *fd: one that came along, or -1; may be NULL when none is expected. An end of file is ERR_UNAVAILABLE.
[[nodiscard]] bool wire_receive(int sock, struct wire *w, int *fd, struct err *e);
