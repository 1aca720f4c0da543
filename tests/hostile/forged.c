// SPDX-License-Identifier: Apache-2.0
// Forged answers on every descriptor that the process has. What the asking side makes of them is looked at outside:
// a run or a build that ended somehow, never trouble of the platform's; no descriptor more than before; and the slot
// serves the next. An escaped guest can say whatever a run can say; so nothing that it can say may be free.
#include "attempt.h"

#include "executor/wire.h"
#include "sandbox/wire.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#define DESCRIPTORS 256

enum forgery {
    FORGE_BYTE,        // less than an answer
    FORGE_LONG,        // an answer that promises more bytes than there are
    FORGE_HUGE,        // lengths of which the sum overflows
    FORGE_STALE,       // the one answer that makes the asking side compile anew
    FORGE_UNKNOWN,     // an end that there is none of
    FORGE_TEXT,        // words without an end
    FORGE_FLOOD,       // bytes for as long as somebody reads them
    FORGE_SILENCE,     // none, for ever
    FORGE_CLOSED,      // every descriptor closed, then for ever
    FORGE_DESCRIPTORS, // descriptors beside the bytes
    FORGE_PAGE,        // every bit of everything that can be written, the shared page too
    FORGE_DEATH,       // the end without a word
};

// What can be mapped is a file, to which a write would end the process by its limit.
static bool is_file(int fd) {
    void *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
    return p != MAP_FAILED && munmap(p, 4096) == 0;
}

static void on_all(const void *p, size_t len) {
    for (int fd = 0; fd < DESCRIPTORS; fd++)
        if (!is_file(fd))
            (void)!syscall(SYS_write, fd, p, len);
}

// From all descriptors to all: 16 copies of the first that is one.
static void pass_descriptors(void) {
    union {
        char bytes[CMSG_SPACE(16 * sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    struct job_answer a = {0};
    struct iovec iov = {&a, sizeof a};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_RIGHTS, c->cmsg_len = sizeof control.bytes;
    for (int fd = 0; fd < DESCRIPTORS; fd++) {
        for (size_t i = 0; i < 16; i++)
            memcpy(CMSG_DATA(c) + i * sizeof fd, &fd, sizeof fd);
        for (int to = 0; to < 16; to++)
            (void)syscall(SYS_sendmsg, to, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
}

static void scribble(void) {
    for (int fd = 0; fd < DESCRIPTORS; fd++) {
        void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (p != MAP_FAILED)
            memset(p, 0xff, 4096);
    }
}

static void forge(enum forgery how) {
    struct job_answer a = {0};
    switch (how) {
    case FORGE_BYTE: on_all("x", 1); break;
    case FORGE_LONG: a.output_len = 1000, a.errors_len = 1000; break;
    case FORGE_HUGE: a.output_len = UINT64_MAX - 10, a.errors_len = 100; break;
    case FORGE_STALE: a.end = 4; break;
    case FORGE_UNKNOWN: a.end = 0x7fffffff, a.trap = -5, a.status = 1 << 30; break;
    case FORGE_TEXT: a.end = 3, memset(a.text, 'x', sizeof a.text); break;
    case FORGE_FLOOD:
        for (;;)
            on_all(&(char[4096]){1}, 4096);
    case FORGE_SILENCE:
        for (;;)
            ;
    case FORGE_CLOSED:
        for (int fd = 0; fd < DESCRIPTORS; fd++)
            (void)syscall(SYS_close, fd);
        for (;;)
            ;
    case FORGE_DESCRIPTORS: pass_descriptors(); break;
    case FORGE_PAGE: scribble(); break;
    case FORGE_DEATH: break;
    }
    if (how != FORGE_BYTE && how != FORGE_DEATH)
        on_all(&a, sizeof a);
    syscall(SYS_exit_group, 0);
}

static enum verdict to_executor(const struct ground *g, int how, struct note *n) {
    (void)g;
    forge((enum forgery)how);
    return held(n, "it is dead");
}

// A build that finds the socket of its box's orders can answer them in the box's place.
static enum verdict to_box(const struct ground *g, int how, struct note *n) {
    (void)g;
    static struct wire answer;
    union {
        char bytes[CMSG_SPACE(2 * sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    struct iovec iov = {&answer, how == 0 ? offsetof(struct wire, text) : 1};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
    struct cmsghdr *c = (struct cmsghdr *)(void *)control.bytes;
    if (how == 2) {
        m.msg_control = control.bytes, m.msg_controllen = sizeof control.bytes;
        c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_RIGHTS, c->cmsg_len = CMSG_LEN(2 * sizeof(int));
        memcpy(CMSG_DATA(c), (int[]){0, 0}, 2 * sizeof(int));
    }
    for (int fd = 0; fd < DESCRIPTORS; fd++)
        if (sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
            return broke(n, "descriptor %d took a forged answer", fd);
    errno = 0;
    return held(n, "no descriptor takes an answer");
}

// The socket over which the keeper is told what to do: its own answers could be forged. 3 is the job's; a component has
// the broker's besides.
static enum verdict to_keeper(const struct ground *g, int arg, struct note *n) {
    (void)g, (void)arg;
    for (int fd = 4; fd < DESCRIPTORS; fd++)
        if (!is_file(fd) && syscall(SYS_write, fd, "x", 1) == 1)
            return broke(n, "descriptor %d takes a forged note", fd);
    return held(n, "no descriptor takes a note");
}

#define CHECKED "the asking side believes nothing that it is told"
#define FORGED(word, how)                                                                                              \
    { "forged-" word, IN_EXECUTOR, NULL, "", CHECKED, to_executor, how, FATAL }
const struct attempt attempts_forged[] = {
    {"forged-order-answer", IN_BOX, "fds", NULL, NULL, to_box, 0, 0},
    {"forged-order-byte", IN_BOX, "fds", NULL, NULL, to_box, 1, 0},
    {"forged-order-descriptors", IN_BOX, "fds", NULL, NULL, to_box, 2, 0},
    {"forged-note", IN_RUN | IN_COMPILE, NULL, "fds", NULL, to_keeper, 0, 0},
    FORGED("byte", FORGE_BYTE),
    FORGED("long", FORGE_LONG),
    FORGED("huge", FORGE_HUGE),
    FORGED("stale", FORGE_STALE),
    FORGED("unknown", FORGE_UNKNOWN),
    FORGED("text", FORGE_TEXT),
    FORGED("flood", FORGE_FLOOD),
    FORGED("silence", FORGE_SILENCE),
    FORGED("closed", FORGE_CLOSED),
    {"forged-descriptors", IN_EXECUTOR, NULL, "", CHECKED, to_executor, FORGE_DESCRIPTORS, FATAL | CACHED},
    {"forged-page", IN_EXECUTOR, NULL, "", CHECKED, to_executor, FORGE_PAGE, FATAL | CACHED},
    FORGED("death", FORGE_DEATH),
    {0},
};
