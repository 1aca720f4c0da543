// SPDX-License-Identifier: Apache-2.0
#include "sandbox/slot.h"

#include "base/clock.h"
#include "sandbox/confine.h"
#include "sandbox/guards.h"
#include "sandbox/slot_wire.h"
#include "sandbox/wire.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define CHILD_SOCKET 3
#define CLOSE_MS 2000
#define FINISH_MS 20000 // until a killed process is gone: it may have gigabytes to give back

struct slot {
    int pid, sock; // of the keeper's outermost process
    struct cgroup group;
    uint64_t memory; // of the group, as last set
    struct cgroup_kills seen;
    uint32_t number; // of the process that was asked for last
    struct slot_process process;
    bool taken;
};

bool slot_note_valid(const struct slot_note *n, size_t len) {
    return len == sizeof *n && n->kind >= SLOT_FORKED && n->kind <= SLOT_FAILED &&
           memchr(n->text, 0, sizeof n->text) != NULL;
}

// --- messages -------------------------------------------------------------------------------------------------------

static bool order(struct slot *s, const struct slot_order *o, struct err *e) {
    ssize_t n;
    do
        n = send(s->sock, o, sizeof *o, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
        return err_set(e, ERR_UNAVAILABLE, "an executor's keeper has died");
    return n == (ssize_t)sizeof *o || err_errno(e, "cannot order a process from an executor");
}

static bool order_next(struct slot *s, struct err *e) {
    return order(s, &(struct slot_order){.kind = SLOT_FORK, .number = ++s->number}, e);
}

// Takes what is there: *fds only with a note that may have some.
static bool receive(struct slot *s, struct slot_note *note, struct wire_fds *fds, struct err *e) {
    struct iovec iov = {note, sizeof *note};
    union {
        char bytes[CMSG_SPACE(WIRE_FDS_MAX * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    ssize_t n;
    do
        n = recvmsg(s->sock, &m, MSG_CMSG_CLOEXEC);
    while (n < 0 && (errno == EINTR || errno == ECONNRESET)); // reset: told once, before what was sent last
    fds->count = 0;
    if (n <= 0)
        return err_set(e, ERR_UNAVAILABLE, "an executor's keeper has died");
    wire_take_fds(&m, fds);
    bool ok = slot_note_valid(note, (size_t)n) && !(m.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) &&
              fds->count == (note->kind == SLOT_FORKED ? 2 : 0) && note->number == s->number;
    if (ok && note->kind != SLOT_FAILED)
        return true;
    wire_close(fds);
    return ok ? err_set(e, ERR_UNAVAILABLE, "%s", note->text)
              : err_set(e, ERR_CORRUPT, "an executor's keeper sent a malformed note");
}

static bool await(struct slot *s, enum slot_note_kind kind, uint64_t deadline_ms, const atomic_bool *cancel,
                  struct slot_note *note, struct wire_fds *fds, struct err *e) {
    struct err why;
    if (!wire_wait(s->sock, deadline_ms, cancel, &why))
        return err_set(e, why.code, "an executor's keeper does not answer");
    if (!receive(s, note, fds, e))
        return false;
    if (note->kind == (uint32_t)kind)
        return true;
    wire_close(fds);
    return err_set(e, ERR_CORRUPT, "an executor's keeper sent a note that nobody waits for");
}

// --- opening and closing --------------------------------------------------------------------------------------------

// Descriptors 0, 1 and 2 lead nowhere: what an executor says is a job's answer, and nothing of a stranger's gets into
// our log behind its back.
static bool start(struct slot *s, const char *program, struct err *e) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return err_errno(e, "cannot make a socket pair");
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t kept_off, all;
    confine_group_signals(&kept_off);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    // dup2 onto itself clears close-on-exec as well, so the number may happen to be right already.
    posix_spawn_file_actions_adddup2(&files, pair[1], CHILD_SOCKET);
    for (int fd = 0; fd < CHILD_SOCKET; fd++)
        posix_spawn_file_actions_addopen(&files, fd, "/dev/null", fd ? O_WRONLY : O_RDONLY, 0);
    if (guard_on(GUARD_FDS))
        posix_spawn_file_actions_addclosefrom_np(&files, CHILD_SOCKET + 1);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setpgroup(&attributes, 0); // Ctrl-C in a terminal is the starter's business
    posix_spawnattr_setsigmask(&attributes, &kept_off);
    posix_spawnattr_setsigdefault(&attributes, &all);
    char *argv[] = {(char *)(uintptr_t)program, (char[]){'0' + CHILD_SOCKET, 0}, NULL};
    // Names of libraries are looked up once, not in each process that the keeper forks.
    char *env[] = {(char *)(uintptr_t) "LD_BIND_NOW=1", (char *)(uintptr_t)guard_environment(), NULL};
    int pid, rc = posix_spawn(&pid, program, &files, &attributes, argv, env);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    close(pair[1]);
    s->sock = pair[0];
    s->pid = rc ? -1 : pid;
    if (rc == 0)
        return true;
    err_set(e, ERR_UNAVAILABLE, "cannot start '%s': %s", program, strerror(rc));
    return err_hint(e, "outlayer-executor belongs beside the other programs");
}

bool slot_open(struct slot **out, const struct slot_spec *spec, struct err *e) {
    struct slot *s = xcalloc(1, sizeof *s);
    struct cgroup_limits limits = {0, spec->processes};
    s->sock = s->pid = s->process.pidfd = s->process.sock = -1;
    struct slot_order enter = {.kind = SLOT_ENTER, .number = ++s->number, .degree = spec->degree, .uid = spec->uid};
    enter.processes = spec->processes;
    enter.own_number = spec->uid != geteuid();
    // What has been started waits for its first order: all that it starts is in the group too.
    bool ok = cgroup_make(&s->group, &limits, e) && start(s, spec->program, e) && cgroup_add(&s->group, s->pid, e) &&
              order(s, &enter, e);
    if (!ok) {
        slot_close(s);
        s = NULL;
    }
    *out = s;
    return ok || err_wrap(e, "cannot open a slot for executors");
}

static void forget_process(struct slot *s) {
    if (s->process.pidfd >= 0)
        close(s->process.pidfd);
    if (s->process.sock >= 0)
        close(s->process.sock);
    s->process = (struct slot_process){-1, -1};
    s->taken = false;
}

// By itself, so that the kernel adds up what its processes have used.
static void await_keeper(int pid) {
    struct pollfd f = {(int)syscall(SYS_pidfd_open, pid, 0), POLLIN, 0};
    if (f.fd < 0)
        return;
    while (poll(&f, 1, CLOSE_MS) < 0 && errno == EINTR)
        ;
    close(f.fd);
}

void slot_close(struct slot *s) {
    if (!s)
        return;
    forget_process(s);
    if (s->sock >= 0)
        close(s->sock); // ends the keeper, and with it everything
    if (s->pid > 0) {
        await_keeper(s->pid);
        kill(s->pid, SIGKILL); // where it hangs: its child is told by the kernel
        while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    cgroup_remove(&s->group);
    free(s);
}

// --- processes ------------------------------------------------------------------------------------------------------

static bool is_alive(const struct slot *s) {
    struct pollfd f = {s->process.pidfd, POLLIN, 0};
    return poll(&f, 1, 0) == 0;
}

// Its descriptors go first.
static bool is_ending(const struct slot *s) {
    struct pollfd f = {s->process.sock, POLLRDHUP, 0};
    return !is_alive(s) || (poll(&f, 1, 0) == 1 && f.revents & (POLLRDHUP | POLLHUP));
}

static bool limit(struct slot *s, uint64_t bytes, struct err *e) {
    bytes += SLOT_MEMORY_MIN;
    if (bytes == s->memory)
        return true;
    s->memory = 0; // where it fails, nobody knows which one holds
    if (!cgroup_limit_memory(&s->group, bytes, e))
        return false;
    s->memory = bytes;
    return true;
}

bool slot_take(struct slot *s, uint64_t memory_bytes, uint64_t deadline_ms, const atomic_bool *cancel,
               struct slot_process *out, struct err *e) {
    struct slot_note note;
    struct wire_fds fds;
    BUG_ON(s->taken);
    for (;;) {
        if (s->process.pidfd < 0) {
            if (!await(s, SLOT_FORKED, deadline_ms, cancel, &note, &fds, e))
                return false;
            s->process = (struct slot_process){fds.fd[0], fds.fd[1]};
        }
        if (is_alive(s))
            break;
        struct slot_fate fate; // it died while it waited
        if (!slot_finish(s, &fate))
            return err_set(e, ERR_UNAVAILABLE, "an executor's keeper has died");
    }
    if (!limit(s, memory_bytes, e))
        return false;
    s->taken = true;
    *out = s->process;
    return true;
}

bool slot_finish(struct slot *s, struct slot_fate *fate) {
    struct slot_note note;
    struct wire_fds fds;
    bool ended = is_ending(s); // by itself, or by somebody else than us
    *fate = (struct slot_fate){0};
    // One that is ending already keeps its own status. Where its user is another and we are not root, its keeper may.
    if (syscall(SYS_pidfd_send_signal, s->process.pidfd, SIGKILL, NULL, 0) != 0 && errno == EPERM)
        (void)order(s, &(struct slot_order){.kind = SLOT_KILL, .number = s->number}, NULL);
    bool ok = await(s, SLOT_ENDED, clock_mono_ms() + FINISH_MS, NULL, &note, &fds, NULL);
    forget_process(s);
    if (ok)
        *fate = (struct slot_fate){.known = true, .status = note.status};
    if (!ok || (ended && WIFSIGNALED(note.status) && WTERMSIG(note.status) == SIGKILL))
        fate->out_of_memory = cgroup_ran_out(&s->group, &s->seen);
    return ok && order_next(s, NULL);
}
