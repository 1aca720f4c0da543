// SPDX-License-Identifier: Apache-2.0
#include "sandbox/slot_keeper.h"

#include "sandbox/box.h"
#include "sandbox/confine.h"
#include "sandbox/guards.h"
#include "sandbox/ids.h"
#include "sandbox/slot_wire.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#define WORK_SOCKET 3
#define FILES_MAX 256
#define STACK_MAX (8u << 20) // of a thread: it does not count as data

struct keeper {
    int sock, signals, self; // self: of this process, for the way back into its own pid namespace
    bool jailed, namespaces;
    pid_t child; // 0: none
    uint32_t number;
    int (*work)(void *ctx, int sock);
    void *ctx;
};

// --- going in -------------------------------------------------------------------------------------------------------

// A folder that is empty, cannot be written to and is nowhere else.
static bool empty_root(struct err *e) {
    if (!guard_on(GUARD_ROOT))
        return true;
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, "size=4k,nr_inodes=1,mode=0555") !=
            0 ||
        chdir("/tmp") != 0)
        return err_errno(e, "cannot mount an empty root");
    return (syscall(SYS_pivot_root, ".", ".") == 0 && umount2(".", MNT_DETACH) == 0 && chdir("/") == 0) ||
           err_errno(e, "cannot change the root");
}

// What holds for the keeper holds for its processes. It keeps one right, within its own namespaces: to make more.
static bool keep_little(bool namespaces, struct err *e) {
    return (!guard_on(GUARD_CAPS) ||
            (namespaces ? confine_keep_capability(CAP_SYS_ADMIN, e) : confine_drop_capabilities(e))) &&
           (!guard_on(GUARD_NO_NEW_PRIVS) || confine_no_new_privs(e)) &&
           (!guard_on(GUARD_DUMPABLE) || confine_not_dumpable(e));
}

static bool limit_all(struct err *e) {
    if (!guard_on(GUARD_RLIMITS))
        return true;
    return confine_limit(RLIMIT_CORE, 0, e) && confine_limit(RLIMIT_FSIZE, 0, e) &&
           confine_limit(RLIMIT_NOFILE, FILES_MAX, e) && confine_limit(RLIMIT_MEMLOCK, 64 << 10, e) &&
           confine_limit(RLIMIT_MSGQUEUE, 0, e) && confine_limit(RLIMIT_STACK, STACK_MAX, e);
}

// Since Linux 5.14 a user's processes are counted for each user namespace; before, all of a user's together.
static bool counts_apart(void) {
    struct utsname u;
    int major = 0, minor = 0;
    return uname(&u) == 0 && sscanf(u.release, "%d.%d", &major, &minor) == 2 &&
           (major > 5 || (major == 5 && minor >= 14));
}

static bool limit_processes(const struct keeper *k, const struct slot_order *o, struct err *e) {
    bool counted = o->own_number || (k->namespaces && counts_apart());
    return !guard_on(GUARD_RLIMITS) || !counted || confine_limit(RLIMIT_NPROC, o->processes, e);
}

// The outermost process: it waits for the keeper, whose end is its own.
static _Noreturn void wait_outside(pid_t keeper, int sock) {
    close(sock);
    while (waitpid(keeper, NULL, 0) < 0 && errno == EINTR)
        ;
    _exit(0);
}

static bool enter_namespaces(const struct slot_order *o, int sock, struct err *e) {
    int spaces = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWCGROUP | (guard_on(GUARD_PIDNS) ? CLONE_NEWPID : 0) |
                 (guard_on(GUARD_NETNS) ? CLONE_NEWNET : 0) | (guard_on(GUARD_IPCNS) ? CLONE_NEWIPC : 0);
    if (!ids_unshare(guard_on(GUARD_UID) ? o->uid : geteuid(), e))
        return false;
    if (unshare(spaces) != 0)
        return err_errno(e, "cannot make namespaces");
    pid_t keeper = fork();
    if (keeper < 0)
        return err_errno(e, "cannot start the keeper");
    if (keeper > 0)
        wait_outside(keeper, sock);
    // Its parent cannot be seen from its namespace: one that has died already is noticed by the end of the socket.
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
        return err_errno(e, "cannot ask for a signal at the parent's death");
    return empty_root(e) && keep_little(true, e);
}

// An empty folder that is deleted already: nothing can be made in it. Needs a right that root has in most containers.
static void leave_root(void) {
    char dir[] = "/tmp/outlayer-XXXXXX";
    if (!guard_on(GUARD_ROOT) || !mkdtemp(dir))
        return;
    bool there = chdir(dir) == 0;
    rmdir(dir);
    if (there && chroot(".") != 0 && chdir("/") != 0)
        _exit(1);
}

static bool enter_process(const struct slot_order *o, struct err *e) {
    if (o->uid != geteuid() && guard_on(GUARD_UID)) {
        leave_root();
        return confine_become(o->uid, o->uid, e) && keep_little(false, e);
    }
    return keep_little(false, e);
}

static bool get_ready(struct keeper *k, struct err *e) {
    sigset_t chld;
    sigemptyset(&chld);
    sigaddset(&chld, SIGCHLD);
    k->signals = sigprocmask(SIG_BLOCK, &chld, NULL) == 0 ? signalfd(-1, &chld, SFD_NONBLOCK | SFD_CLOEXEC) : -1;
    k->self = (int)syscall(SYS_pidfd_open, getpid(), 0);
    return (k->signals >= 0 && k->self >= 0) || err_errno(e, "cannot set up the keeper");
}

static bool enter(struct keeper *k, const struct slot_order *o, struct err *e) {
    k->namespaces = o->degree != SANDBOX_PROCESS;
    if ((guard_on(GUARD_OOM) && !confine_first_to_go(e)) || !limit_all(e))
        return false;
    return (k->namespaces ? enter_namespaces(o, k->sock, e) : enter_process(o, e)) && limit_processes(k, o, e) &&
           get_ready(k, e);
}

// --- keeping --------------------------------------------------------------------------------------------------------

static void note(const struct keeper *k, const struct slot_note *n, const int fds[2]) {
    struct iovec iov = {(void *)(uintptr_t)n, sizeof *n};
    union {
        char bytes[CMSG_SPACE(2 * sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
    if (fds) {
        m.msg_control = control.bytes, m.msg_controllen = sizeof control.bytes;
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_RIGHTS, c->cmsg_len = CMSG_LEN(2 * sizeof(int));
        memcpy(CMSG_DATA(c), fds, 2 * sizeof(int));
    }
    while (sendmsg(k->sock, &m, MSG_NOSIGNAL) < 0)
        if (errno != EINTR)
            _exit(1);
}

static void note_failure(const struct keeper *k, const struct err *e) {
    struct slot_note n = {.kind = SLOT_FAILED, .number = k->number};
    snprintf(n.text, sizeof n.text, "%.240s", e->msg);
    note(k, &n, NULL);
}

// In the new process. It is the first of a pid namespace, so that its end is that of all it may have started.
static _Noreturn void be_process(const struct keeper *k, int sock, pid_t keeper) {
    sigset_t none;
    sigemptyset(&none);
    bool ok = prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && (k->namespaces || getppid() == keeper) &&
              sigprocmask(SIG_SETMASK, &none, NULL) == 0 && dup2(sock, WORK_SOCKET) == WORK_SOCKET &&
              (!guard_on(GUARD_FDS) || close_range(WORK_SOCKET + 1, ~0u, 0) == 0) &&
              (!guard_on(GUARD_CAPS) || !k->namespaces || confine_drop_capabilities(NULL)) &&
              (!guard_on(GUARD_LANDLOCK) || !k->jailed || confine_landlock_all(NULL));
    _exit(ok ? k->work(k->ctx, WORK_SOCKET) : 1);
}

// A fork into a pid namespace of its own; this process goes back to its own, where its other children belong.
static pid_t fork_apart(const struct keeper *k, int sock, struct err *e) {
    bool apart = k->namespaces && guard_on(GUARD_PIDNS);
    pid_t keeper = getpid();
    if (apart && unshare(CLONE_NEWPID) != 0)
        return err_errno(e, "cannot make a pid namespace"), -1;
    pid_t pid = fork();
    if (pid == 0)
        be_process(k, sock, keeper);
    if (pid < 0)
        err_errno(e, "cannot start a process in a slot");
    if (apart && setns(k->self, CLONE_NEWPID) != 0)
        _exit(1);
    return pid;
}

static bool make_process(struct keeper *k, struct err *e) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return err_errno(e, "cannot make a socket pair");
    k->child = fork_apart(k, pair[1], e);
    close(pair[1]);
    int fds[2] = {k->child > 0 ? (int)syscall(SYS_pidfd_open, k->child, 0) : -1, pair[0]};
    bool ok = fds[0] >= 0 || (k->child > 0 && err_errno(e, "cannot hold a process"));
    if (ok)
        note(k, &(struct slot_note){.kind = SLOT_FORKED, .number = k->number}, fds);
    close(pair[0]);
    if (fds[0] >= 0)
        close(fds[0]);
    return ok;
}

static void reap(struct keeper *k) {
    struct signalfd_siginfo info;
    int status;
    pid_t pid;
    while (read(k->signals, &info, sizeof info) > 0)
        ;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid != k->child)
            continue;
        k->child = 0;
        note(k, &(struct slot_note){.kind = SLOT_ENDED, .number = k->number, .status = status}, NULL);
    }
}

static bool receive(const struct keeper *k, struct slot_order *o) {
    ssize_t n;
    do
        n = recv(k->sock, o, sizeof *o, 0);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof *o;
}

static bool obey(struct keeper *k, const struct slot_order *o, struct err *e) {
    switch ((enum slot_order_kind)o->kind) {
    case SLOT_ENTER: break;
    case SLOT_FORK: k->number = o->number; return !k->child && make_process(k, e);
    case SLOT_KILL:
        if (k->child && o->number == k->number)
            kill(k->child, SIGKILL);
        return true;
    }
    return err_set(e, ERR_INVALID, "malformed order for a keeper");
}

static int keep(struct keeper k) {
    struct slot_order o;
    struct err e = {0};
    if (!receive(&k, &o) || o.kind != SLOT_ENTER)
        return 0;
    k.number = o.number;
    if (!(k.jailed ? enter(&k, &o, &e) : get_ready(&k, &e)) || !make_process(&k, &e)) {
        note_failure(&k, &e);
        return 1;
    }
    struct pollfd p[2] = {{.fd = k.sock, .events = POLLIN}, {.fd = k.signals, .events = POLLIN}};
    for (;;) {
        if (poll(p, 2, -1) < 0)
            continue;
        if (p[1].revents)
            reap(&k);
        if (p[0].revents && !receive(&k, &o))
            return 0;
        if (p[0].revents && !obey(&k, &o, &e)) {
            note_failure(&k, &e);
            return 1;
        }
    }
}

int slot_keep(int sock, int (*work)(void *ctx, int sock), void *ctx) {
    return keep((struct keeper){.sock = sock, .jailed = true, .work = work, .ctx = ctx});
}

int slot_keep_loose(int sock, int (*work)(void *ctx, int sock), void *ctx) {
    return keep((struct keeper){.sock = sock, .work = work, .ctx = ctx});
}
