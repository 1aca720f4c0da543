// SPDX-License-Identifier: Apache-2.0
// Other processes: their memory, their secrets in /proc, signals to them in every way that there is.
#include "attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#define NEAR                                                                                                           \
    32768 // process ids on either side of an attempt's own: kernels give up to four million, one after the other
#define HARMLESS SIGURG // ignored by whoever does not ask for it

static enum verdict told(long rc, const char *what, struct note *n) {
    return rc == 0 ? broke(n, "%s reached the process", what) : held(n, "%s", what);
}

static enum verdict by_kill(const struct ground *g, int arg, struct note *n) {
    (void)arg;
    return told(syscall(SYS_kill, g->victim, HARMLESS), "kill", n);
}

static enum verdict by_tgkill(const struct ground *g, int arg, struct note *n) {
    (void)arg;
    return told(syscall(SYS_tgkill, g->victim, g->victim, HARMLESS), "tgkill", n);
}

static enum verdict by_tkill(const struct ground *g, int arg, struct note *n) {
    (void)arg;
    return told(syscall(SYS_tkill, g->victim, HARMLESS), "tkill", n);
}

static enum verdict by_queue(const struct ground *g, int arg, struct note *n) {
    (void)arg;
    siginfo_t info = {.si_signo = HARMLESS, .si_code = SI_QUEUE};
    return told(syscall(SYS_rt_sigqueueinfo, g->victim, HARMLESS, &info), "rt_sigqueueinfo", n);
}

static enum verdict by_pidfd(const struct ground *g, int arg, struct note *n) {
    (void)arg;
    long fd = syscall(SYS_pidfd_open, g->victim, 0);
    return fd < 0 ? held(n, "pidfd_open") : told(syscall(SYS_pidfd_send_signal, fd, HARMLESS, NULL, 0), "pidfd", n);
}

// Whoever is named as the owner of a descriptor gets its signals.
static enum verdict by_owner(const struct ground *g, int arg, struct note *n) {
    (void)arg;
    for (int fd = 0; fd < 16; fd++)
        if (fcntl(fd, F_SETOWN, g->victim) == 0)
            return broke(n, "descriptor %d has an owner outside", fd);
    return held(n, "F_SETOWN");
}

// Anybody but the process itself and, in a box, its first process, which ignores what it is sent. Whoever has the same
// user id was started a moment before or after it.
static enum verdict anybody(const struct ground *g, int arg, struct note *n) {
    (void)g, (void)arg;
    long self = syscall(SYS_getpid);
    for (long pid = self > NEAR + 2 ? self - NEAR : 2; pid < self + NEAR; pid++)
        if (pid != self && syscall(SYS_kill, pid, 0) == 0)
            return broke(n, "process %ld can be sent signals", pid);
    return held(n, "no other process");
}

// When it is reached, nobody is left to say so: then the box is gone, which is noticed outside.
static enum verdict first(const struct ground *g, int arg, struct note *n) {
    (void)g, (void)arg;
    static const int signals[] = {SIGKILL, SIGSTOP, SIGTERM, SIGHUP, SIGSEGV, SIGCHLD};
    for (size_t i = 0; i < ARRAY_LEN(signals); i++)
        (void)syscall(SYS_kill, 1, signals[i]);
    errno = 0;
    return held(n, "the first process ignores them");
}

static enum verdict limits(const struct ground *g, int arg, struct note *n) {
    (void)arg;
    uint64_t old[2];
    return told(syscall(SYS_prlimit64, g->victim, 7, NULL, old), "prlimit64", n);
}

static enum verdict file_has(const char *path, const char *what, struct note *n) {
    static char text[65536];
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    ssize_t got = fd >= 0 ? read(fd, text, sizeof text) : -1;
    if (got > 0 && memmem(text, (size_t)got, what, strlen(what)))
        return broke(n, "%s shows the secret", path);
    return held(n, "%s", path);
}

static enum verdict environment(const struct ground *g, int arg, struct note *n) {
    (void)arg;
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/environ", g->victim);
    return file_has(path, ENVIRONMENT_SECRET, n);
}

// Whoever can look into the process that starts commands can make it do anything.
static enum verdict first_open(const struct ground *g, int what, struct note *n) {
    (void)g;
    static const char *const files[] = {"/proc/1/mem", "/proc/1/environ", "/proc/1/root", "/proc/1/fd", "/proc/1/maps"};
    int flags = what == 0 ? O_RDWR : O_RDONLY;
    int fd = open(files[what], flags | O_CLOEXEC);
    return fd >= 0 ? broke(n, "%s can be opened", files[what]) : held(n, "%s", files[what]);
}

static enum verdict traced(const struct ground *g, int arg, struct note *n) {
    long rc = syscall(SYS_ptrace, PTRACE_SEIZE, arg ? arg : g->victim, 0, 0);
    return rc == 0 ? broke(n, "it can be traced") : held(n, "PTRACE_SEIZE");
}

static enum verdict trace_me(const struct ground *g, int arg, struct note *n) {
    (void)g, (void)arg;
    return syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0) == 0 ? broke(n, "it is traced") : held(n, "PTRACE_TRACEME");
}

// Any answer but a refusal of the call means that only the address or the process was wrong.
static enum verdict memory(const struct ground *g, int arg, struct note *n) {
    (void)arg;
    char byte;
    struct iovec here = {&byte, 1}, there = {(void *)0x10, 1};
    long rc = syscall(SYS_process_vm_readv, g->victim, &here, 1, &there, 1, 0);
    return rc == 1 || errno == EFAULT ? broke(n, "its memory can be read") : held(n, "process_vm_readv");
}

// Of the one process beside it in its slot, which forked it.
static enum verdict keeper(const struct ground *g, int arg, struct note *n) {
    (void)g, (void)arg;
    char byte;
    struct iovec here = {&byte, 1}, there = {(void *)(uintptr_t)&held, 1}; // of the same program, at the same place
    long pid = syscall(SYS_getppid);
    if (pid > 0 && syscall(SYS_process_vm_readv, pid, &here, 1, &there, 1, 0) == 1)
        return broke(n, "the keeper's memory can be read");
    return held(n, "the keeper is process %ld", pid);
}

// A process of a run's own would outlive it, or have no limits.
static enum verdict another(const struct ground *g, int how, struct note *n) {
    (void)g;
    uint64_t args[11] = {0}; // of clone3: no flags
    long pid = how == 0   ? syscall(SYS_fork)
               : how == 1 ? syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)
                          : syscall(SYS_clone3, args, sizeof args);
    if (pid == 0)
        syscall(SYS_exit_group, 0);
    return pid > 0 ? broke(n, "process %ld was made", pid) : held(n, "no process was made");
}

static enum verdict program(const struct ground *g, int arg, struct note *n) {
    (void)g, (void)arg;
    char *args[] = {(char[]){"none"}, NULL}, *env[] = {NULL};
    (void)syscall(SYS_execve, "/nowhere/at/all", args, env);
    return errno == ENOENT ? broke(n, "only the name was wrong") : held(n, "execve");
}

#define SIGNAL_GUARDS "filter,pidns,uid,landlock"
#define FIRST_RIGHTS "the first process has rights in its namespace that a command lacks"
#define OWN_PIDS "a box has always a pid namespace of its own"
const struct attempt attempts_processes[] = {
    {"kill", IN_ALL, "", SIGNAL_GUARDS, OWN_PIDS, by_kill, 0, 0},
    {"tgkill", IN_ALL, "", SIGNAL_GUARDS, OWN_PIDS, by_tgkill, 0, 0},
    {"tkill", IN_ALL, "", SIGNAL_GUARDS, OWN_PIDS, by_tkill, 0, 0},
    {"sigqueue", IN_ALL, "", SIGNAL_GUARDS, OWN_PIDS, by_queue, 0, 0},
    {"pidfd-signal", IN_ALL, "", SIGNAL_GUARDS, OWN_PIDS, by_pidfd, 0, 0},
    {"descriptor-owner", IN_ALL, "", "filter,pidns", OWN_PIDS, by_owner, 0, 0},
    {"signal-anybody", IN_ALL, "", "filter,pidns,landlock", OWN_PIDS, anybody, 0, 0},
    {"signal-first", IN_BOX, "", NULL, "the kernel keeps signals from the first process of a namespace", first, 0,
     false},
    {"limits-of-others", IN_ALL, "", "filter,pidns,uid", OWN_PIDS, limits, 0, 0},
    {"environment-of-others", IN_ALL, "", "filter,root,pidns,uid,landlock", OWN_PIDS, environment, 0, NAMESPACED},
    {"first-memory", IN_BOX, "", NULL, FIRST_RIGHTS, first_open, 0, 0},
    {"first-environment", IN_BOX, "", NULL, FIRST_RIGHTS, first_open, 1, 0},
    {"first-root", IN_BOX, "", NULL, FIRST_RIGHTS, first_open, 2, 0},
    {"first-descriptors", IN_BOX, "", NULL, FIRST_RIGHTS, first_open, 3, 0},
    {"first-maps", IN_BOX, "", NULL, FIRST_RIGHTS, first_open, 4, 0},
    {"trace-others", IN_ALL, "", "filter,pidns,uid,landlock", OWN_PIDS, traced, 0, NAMESPACED},
    {"trace-first", IN_BOX, "", NULL, FIRST_RIGHTS, traced, 1, 0},
    {"trace-me", IN_EXECUTOR, NULL, "filter", NULL, trace_me, 0, 0},
    {"memory-of-others", IN_ALL, "", "filter,pidns,uid,landlock", OWN_PIDS, memory, 0, NAMESPACED},
    {"memory-of-the-keeper", IN_EXECUTOR, NULL, "filter,pidns,dumpable,landlock,caps", NULL, keeper, 0, NAMESPACED},
    {"fork", IN_EXECUTOR, NULL, "filter", NULL, another, 0, 0},
    {"clone", IN_EXECUTOR, NULL, "filter", NULL, another, 1, 0},
    {"clone3", IN_EXECUTOR, NULL, "filter", NULL, another, 2, 0},
    {"execute", IN_EXECUTOR, NULL, "filter", NULL, program, 0, 0},
    {0},
};
