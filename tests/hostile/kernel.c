// SPDX-License-Identifier: Apache-2.0
// Parts of the kernel that strangers have no use for and in which most of its holes were: keys, io_uring, userfaultfd,
// namespaces, mounts, other machines' system calls.
#include "attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <linux/userfaultfd.h>
#include <sched.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/syscall.h>

static enum verdict descriptor(long fd, const char *what, struct note *n) {
    return fd >= 0 ? broke(n, "%s gave one", what) : held(n, "%s", what);
}

static enum verdict read_key(const struct ground *g, int arg, struct note *n) {
    (void)g, (void)arg;
    char text[64] = "";
    long key = syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", SECRET_KEY, 0);
    if (key < 0)
        return held(n, "keyctl");
    long got = syscall(SYS_keyctl, KEYCTL_READ, key, text, sizeof text);
    return got > 0 && strncmp(text, SECRET, strlen(SECRET)) == 0 ? broke(n, "a key of the session has the secret")
                                                                 : held(n, "the key cannot be read");
}

static enum verdict add_key(const struct ground *g, int arg, struct note *n) {
    (void)g, (void)arg;
    return descriptor(syscall(SYS_add_key, "user", "left", "x", 1, KEY_SPEC_PROCESS_KEYRING), "add_key", n);
}

static enum verdict request_key(const struct ground *g, int arg, struct note *n) {
    (void)g, (void)arg;
    (void)syscall(SYS_request_key, "user", "none", NULL, 0);
    return errno == ENOKEY ? broke(n, "the kernel looked for the key") : held(n, "request_key");
}

static enum verdict uring(const struct ground *g, int arg, struct note *n) {
    (void)g, (void)arg;
    struct io_uring_params p = {0};
    return descriptor(syscall(SYS_io_uring_setup, 4, &p), "io_uring_setup", n);
}

static enum verdict userfault(const struct ground *g, int arg, struct note *n) {
    (void)g, (void)arg;
    return descriptor(syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY), "userfaultfd", n);
}

static enum verdict perf(const struct ground *g, int arg, struct note *n) {
    (void)g, (void)arg;
    struct perf_event_attr a = {.type = PERF_TYPE_SOFTWARE,
                                .size = sizeof a,
                                .config = PERF_COUNT_SW_TASK_CLOCK,
                                .exclude_kernel = 1,
                                .exclude_hv = 1};
    return descriptor(syscall(SYS_perf_event_open, &a, 0, -1, -1, 0), "perf_event_open", n);
}

// A program of two instructions; where the machine itself keeps this for root, the answer is a refusal all the same.
static enum verdict bpf(const struct ground *g, int arg, struct note *n) {
    (void)g, (void)arg;
    struct {
        uint32_t type, key, value, entries, flags, inner;
    } a = {.type = 2, .key = 4, .value = 4, .entries = 1};
    return descriptor(syscall(SYS_bpf, 0, &a, sizeof a), "bpf", n);
}

static enum verdict memory_file(const struct ground *g, int arg, struct note *n) {
    (void)g, (void)arg;
    return descriptor(syscall(SYS_memfd_create, "x", 0u), "memfd_create", n);
}

static enum verdict namespaces(const struct ground *g, int flag, struct note *n) {
    (void)g;
    return syscall(SYS_unshare, flag) == 0 ? broke(n, "it has a namespace of its own") : held(n, "unshare");
}

static enum verdict cloned_namespace(const struct ground *g, int flag, struct note *n) {
    (void)g;
    long pid = syscall(SYS_clone, flag | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0)
        syscall(SYS_exit_group, 0);
    return pid > 0 ? broke(n, "a process has a namespace of its own") : held(n, "clone");
}

// clone3 keeps its flags where no filter can read them.
static enum verdict cloned3_namespace(const struct ground *g, int flag, struct note *n) {
    (void)g;
    uint64_t args[11] = {(uint64_t)flag, 0, 0, 0, SIGCHLD};
    long pid = syscall(SYS_clone3, args, sizeof args);
    if (pid == 0)
        syscall(SYS_exit_group, 0);
    return pid > 0 ? broke(n, "a process has a namespace of its own") : held(n, "clone3");
}

// With the capabilities of a user namespace of its own, if it can have one.
static enum verdict mounted(const struct ground *g, int nested, struct note *n) {
    if (nested && syscall(SYS_unshare, CLONE_NEWUSER | CLONE_NEWNS) != 0)
        return held(n, "unshare");
    const char *places[] = {g->scratch, "/tmp", "/"}; // the first is outside, where that can be seen
    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        if (syscall(SYS_mount, "x", places[i], "tmpfs", 0, NULL) == 0)
            return broke(n, "mounted at %s", places[i]);
        else if (errno != ENOENT)
            break;
    return held(n, "mount");
}

static enum verdict mount_object(const struct ground *g, int arg, struct note *n) {
    (void)g, (void)arg;
    return descriptor(syscall(SYS_fsopen, "tmpfs", 0), "fsopen", n);
}

static enum verdict tree(const struct ground *g, int arg, struct note *n) {
    (void)g, (void)arg;
    return descriptor(syscall(SYS_open_tree, AT_FDCWD, "/", 1), "open_tree", n); // OPEN_TREE_CLONE
}

static enum verdict rooted(const struct ground *g, int arg, struct note *n) {
    (void)g, (void)arg;
    return syscall(SYS_chroot, "/") == 0 ? broke(n, "it may change its root") : held(n, "chroot");
}

static enum verdict by_handle(const struct ground *g, int arg, struct note *n) {
    (void)g, (void)arg;
    struct {
        unsigned bytes;
        int type;
        unsigned char handle[8];
    } h = {8, 1, {2}};
    (void)syscall(SYS_open_by_handle_at, AT_FDCWD, &h, O_RDONLY);
    return errno != EPERM && errno != ENOSYS ? broke(n, "any file of the file system, by number") : held(n, "refused");
}

// The number of getpid where the processor counts as the older one does.
static enum verdict older_calls(const struct ground *g, int arg, struct note *n) {
    (void)g, (void)arg;
#ifdef __x86_64__
    long rc;
    __asm__ volatile("int $0x80" : "=a"(rc) : "a"(20L) : "memory", "r8", "r9", "r10", "r11");
    errno = rc < 0 ? (int)-rc : 0;
    return rc > 0 ? broke(n, "the calls of i386 answer") : held(n, "int 0x80");
#else
    errno = 0;
    return held(n, "this processor has no other calls");
#endif
}

static enum verdict memory_of_machine(const struct ground *g, int arg, struct note *n) {
    (void)arg;
    char *p = (char *)syscall(SYS_shmat, g->shm, NULL, SHM_RDONLY);
    if ((intptr_t)p == -1 || (intptr_t)p < 0 ? true : false)
        return held(n, "shmat");
    return strncmp(p, SECRET, strlen(SECRET)) == 0 ? broke(n, "System V memory outside has the secret")
                                                   : held(n, "another segment");
}

static enum verdict queue(const struct ground *g, int arg, struct note *n) {
    (void)arg;
    return descriptor(syscall(SYS_mq_open, g->queue + 1, O_RDONLY, 0, NULL), "mq_open", n);
}

// What a run makes in System V's memory stays when it ends, unless something takes it away: the next would find it.
static enum verdict leave(const struct ground *g, int arg, struct note *n) {
    (void)g, (void)arg;
    long id = syscall(SYS_shmget, (key_t)LEFT_BEHIND, (size_t)4096, IPC_CREAT | 0666);
    return id >= 0 ? broke(n, "segment %ld stays", id) : held(n, "shmget");
}

// Whatever it answers, it has come back.
static enum verdict any_call(const struct ground *g, int flag, struct note *n) {
    long rc = syscall(flag | g->call, -1L, -1L, -1L, -1L, -1L, -1L);
    return broke(n, "call %d answers %ld", g->call, rc < 0 ? (long)-errno : rc);
}

// A filter on top of ours could answer for calls that it lets through; and whoever listens to it holds a descriptor.
static enum verdict own_filter(const struct ground *g, int arg, struct note *n) {
    (void)g, (void)arg;
    struct sock_filter allow[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog p = {1, allow};
    long rc = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &p);
    return rc == 0 ? broke(n, "it has a filter of its own") : held(n, "seccomp");
}

// A call that is not on the list ends the process, also one that has put a handler of its own in the signal's place.
static void go_on(int number) { (void)number; }
static enum verdict outlive(const struct ground *g, int arg, struct note *n) {
    (void)g, (void)arg;
    struct sigaction a = {.sa_handler = go_on};
    (void)sigaction(SIGSYS, &a, NULL);
    (void)syscall(SYS_unshare, CLONE_NEWUSER);
    return broke(n, "it goes on after a call that is refused");
}

static enum verdict dumpable(const struct ground *g, int arg, struct note *n) {
    (void)g, (void)arg;
    return prctl(PR_SET_DUMPABLE, 1) == 0 && prctl(PR_GET_DUMPABLE) == 1 ? broke(n, "it can be dumped and looked into")
                                                                         : held(n, "PR_SET_DUMPABLE");
}

#define F(number) number, 0
const struct attempt attempts_kernel[] = {
    {"key-of-the-session", IN_ALL, "filter", "filter", NULL, read_key, 0, PROBED},
    {"key-added", IN_ALL, "filter", "filter", NULL, add_key, 0, PROBED},
    {"key-requested", IN_ALL, "filter", "filter", NULL, request_key, 0, PROBED},
    {"io_uring", IN_ALL, "filter", "filter", NULL, uring, 0, PROBED},
    {"userfaultfd", IN_ALL, "filter", "filter", NULL, userfault, 0, PROBED},
    {"perf_event_open", IN_ALL, "filter", "filter", NULL, perf, 0, PROBED},
    {"bpf", IN_ALL, "", "", "without rights over the machine bpf is refused by kernel.unprivileged_bpf_disabled", bpf,
     F(0)},
    {"memfd", IN_EXECUTOR, NULL, "filter", NULL, memory_file, F(0)},
    {"user-namespace", IN_ALL, "filter", "filter", NULL, namespaces, CLONE_NEWUSER, PROBED},
    {"user-namespace-by-clone", IN_ALL, "filter", "filter", NULL, cloned_namespace, CLONE_NEWUSER, PROBED},
    {"user-namespace-by-clone3", IN_ALL, "filter", "filter", NULL, cloned3_namespace, CLONE_NEWUSER, PROBED},
    {"mount", IN_EXECUTOR, NULL, "filter,caps,landlock", NULL, mounted, 0, RIGHTFUL},
    {"mount-nested", IN_ALL, "filter", "filter,landlock", NULL, mounted, 1, PROBED},
    {"mount-object", IN_EXECUTOR, NULL, "filter,caps", NULL, mount_object, 0, RIGHTFUL},
    {"mount-tree", IN_EXECUTOR, NULL, "filter,caps", NULL, tree, 0, RIGHTFUL},
    {"chroot", IN_EXECUTOR, NULL, "filter,caps", NULL, rooted, 0, RIGHTFUL},
    {"mount-in-a-box", IN_BOX, "", NULL, "whoever is not root in its namespace loses all rights when a program starts",
     mounted, F(0)},
    {"file-by-handle", IN_BOX, "", NULL, "it needs rights over the machine, which nobody in a user namespace has",
     by_handle, F(0)},
    {"calls-of-i386", IN_ALL, "filter", "filter", NULL, older_calls, 0, FATAL | PROBED},
    {"shared-memory-outside", IN_ALL, "ipcns", "filter,ipcns", NULL, memory_of_machine, F(0)},
    {"queue-outside", IN_ALL, "ipcns,filter", "filter,ipcns,landlock", NULL, queue, F(0)},
    {"left-for-the-next", IN_EXECUTOR, NULL, "filter", NULL, leave, F(0)},
    {"filter-of-its-own", IN_EXECUTOR, NULL, "filter", NULL, own_filter, F(0)},
    {"any-call", IN_EXECUTOR, NULL, "filter", NULL, any_call, 0, 0},
    {"calls-of-x32", IN_EXECUTOR, NULL, "filter", NULL, any_call, 0x40000000, 0},
    {"outlive-a-refusal", IN_EXECUTOR, NULL, "filter", NULL, outlive, F(0)},
    {"dumpable-again", IN_EXECUTOR, NULL, "filter", NULL, dumpable, F(0)},
    {0},
};
