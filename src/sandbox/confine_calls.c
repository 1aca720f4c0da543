// SPDX-License-Identifier: Apache-2.0
// System call filters by name: a list of what is refused, for our own daemons; a list of what is allowed, for tools of
// builds.
#include "sandbox/confine.h"

#include "sandbox/guards.h"
#include <errno.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <sys/socket.h>

// Names rather than numbers: what this libseccomp does not know, its kernel headers did not have either, and the
// number cannot be named; the ones that matter are all older.
static const char *const refused_calls[] = {
    // mounts, roots, namespaces
    "mount",
    "umount",
    "umount2",
    "pivot_root",
    "chroot",
    "unshare",
    "setns",
    "open_tree",
    "move_mount",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    "mount_setattr",
    "quotactl",
    "quotactl_fd",
    "swapon",
    "swapoff",
    // other processes
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "process_madvise",
    "kcmp",
    "pidfd_getfd",
    "userfaultfd",
    // the kernel itself
    "init_module",
    "finit_module",
    "delete_module",
    "create_module",
    "kexec_load",
    "kexec_file_load",
    "bpf",
    "perf_event_open",
    "syslog",
    "acct",
    "reboot",
    "iopl",
    "ioperm",
    "modify_ldt",
    "vm86",
    "vm86old",
    "lookup_dcookie",
    "nfsservctl",
    "fanotify_init",
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
    "open_by_handle_at",
    "name_to_handle_at",
    "add_key",
    "request_key",
    "keyctl",
    "vhangup",
    "mbind",
    "move_pages",
    "migrate_pages",
    "set_mempolicy",
    // the machine's clocks and names
    "settimeofday",
    "clock_settime",
    "clock_adjtime",
    "adjtimex",
    "stime",
    "sethostname",
    "setdomainname",
};

#define NAMESPACE_FLAGS                                                                                                \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

static int refuse_names(scmp_filter_ctx f) {
    for (size_t i = 0; i < ARRAY_LEN(refused_calls); i++) {
        int nr = seccomp_syscall_resolve_name(refused_calls[i]);
        int rc = nr == __NR_SCMP_ERROR ? 0 : seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), nr, 0);
        if (rc < 0 && rc != -EDOM) // EDOM: the call does not exist on this architecture
            return rc;
    }
    return 0;
}

static int refuse_arguments(scmp_filter_ctx f) {
    // One rule a flag: a masked comparison holds only when all bits of its mask match.
    for (uint32_t flag = 1; flag; flag <<= 1) {
        if (!(flag & (uint32_t)NAMESPACE_FLAGS))
            continue;
        int rc =
            seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, flag, flag));
        if (rc < 0)
            return rc;
    }
    // clone3 keeps its flags in memory, which a filter cannot read.
    int rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    // Typing into the terminal that started us.
    return rc < 0 ? rc
                  : seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
                                     SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffu, 0x5412 /* TIOCSTI */));
}

// More families than any kernel has; anything above is refused by one comparison. The kernel looks at 32 bits of the
// number, the filter at 64: with more of them set it is above, too.
#define FAMILIES 64
static int refuse_family(scmp_filter_ctx f, int call, unsigned family) {
    return seccomp_rule_add(f, SCMP_ACT_ERRNO(EAFNOSUPPORT), call, 1,
                            SCMP_CMP(0, family < FAMILIES ? SCMP_CMP_EQ : SCMP_CMP_GE, family, 0));
}

static int refuse_sockets(scmp_filter_ctx f, enum confine_sockets sockets) {
    int rc = 0;
    if (!guard_on(GUARD_SOCKETS))
        return 0;
    if (sockets == CONFINE_NO_SOCKETS) {
        rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 0);
        return rc < 0 ? rc : seccomp_rule_add(f, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socketpair), 0);
    }
    for (unsigned family = 0; family <= FAMILIES && rc >= 0; family++) {
        bool inet = family == AF_INET || family == AF_INET6;
        bool name = family == AF_NETLINK && sockets == CONFINE_NAME_SOCKETS;
        if (family != AF_UNIX && !(inet && sockets != CONFINE_UNIX_SOCKETS) && !name)
            rc = refuse_family(f, SCMP_SYS(socket), family);
        if (family != AF_UNIX && rc >= 0)
            rc = refuse_family(f, SCMP_SYS(socketpair), family);
    }
    return rc;
}

static bool load(scmp_filter_ctx f, int rc, struct err *e) {
    rc = rc < 0 ? rc : seccomp_load(f);
    seccomp_release(f);
    errno = -rc;
    return rc >= 0 || err_errno(e, "cannot load the system call filter");
}

bool confine_system_calls(enum confine_sockets sockets, struct err *e) {
    scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
    if (!f)
        return err_set(e, ERR_IO, "cannot make a system call filter");
    int rc = refuse_names(f);
    rc = rc < 0 ? rc : refuse_arguments(f);
    rc = rc < 0 ? rc : refuse_sockets(f, sockets);
    return load(f, rc, e);
}

// --- tools ----------------------------------------------------------------------------------------------------------

// What container engines let programs call by default (the list of containers-common), less mounts, namespaces, keys,
// other processes' memory, the machine's clocks and what compilers and git have no use for. Whatever a later kernel
// adds is not in it. Names that this architecture does not have are passed over.
static const char tool_calls[] =
    "accept accept4 access alarm arch_prctl bind brk capget capset chdir chmod chown clock_getres "
    "clock_gettime clock_nanosleep clone close close_range connect copy_file_range creat dup dup2 dup3 "
    "epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 execve "
    "execveat exit exit_group faccessat faccessat2 fadvise64 fallocate fchdir fchmod fchmodat fchown "
    "fchownat fcntl fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat fstatfs fsync "
    "ftruncate futex futimesat get_robust_list get_thread_area getcpu getcwd getdents getdents64 getegid "
    "geteuid getgid getgroups getitimer getpeername getpgid getpgrp getpid getppid getpriority getrandom "
    "getresgid getresuid getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday getuid "
    "getxattr inotify_add_watch inotify_init inotify_init1 inotify_rm_watch ioctl ioprio_get ioprio_set "
    "kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lgetxattr link linkat "
    "listen listxattr llistxattr lremovexattr lseek lsetxattr lstat madvise membarrier mincore mkdir "
    "mkdirat mknod mknodat mlock mlock2 mlockall mmap mmap2 mprotect mremap msync munlock munlockall "
    "munmap nanosleep newfstatat open openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2 poll "
    "ppoll prctl pread64 preadv preadv2 prlimit64 pselect6 pwrite64 pwritev pwritev2 read readahead "
    "readlink readlinkat readv recvfrom recvmmsg recvmsg removexattr rename renameat renameat2 "
    "restart_syscall rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn "
    "rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min "
    "sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval "
    "sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield seccomp select "
    "sendfile sendmmsg sendmsg sendto set_robust_list set_thread_area set_tid_address setfsgid setfsuid "
    "setgid setgroups setitimer setpgid setpriority setregid setresgid setresuid setreuid setrlimit "
    "setsid setsockopt setuid setxattr shutdown sigaltstack signalfd signalfd4 socket socketpair splice stat "
    "statfs statx symlink symlinkat sync sync_file_range syncfs sysinfo tee tgkill time timer_create "
    "timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime "
    "timerfd_settime times tkill truncate umask uname unlink unlinkat utime utimensat utimes vfork wait4 "
    "waitid write writev";
// Memory that no process's address space shows: only where a cgroup counts it.
static const char shared_calls[] =
    "memfd_create msgctl msgget msgrcv msgsnd semctl semget semop semtimedop shmat shmctl shmdt shmget";
// The execution domains that tools ask for: Linux, with addresses where they were long ago, and which one it is.
static const unsigned personalities[] = {0, 0x0008, 0x20000, 0x20008, 0xffffffff};

// names: separated by single spaces.
static int allow_names(scmp_filter_ctx f, const char *names) {
    char name[64];
    for (size_t n; *names; names += n + (names[n] == ' ')) {
        n = strcspn(names, " ");
        BUG_ON(n >= sizeof name);
        memcpy(name, names, n);
        name[n] = 0;
        int nr = seccomp_syscall_resolve_name(name);
        int rc = nr == __NR_SCMP_ERROR ? 0 : seccomp_rule_add(f, SCMP_ACT_ALLOW, nr, 0);
        if (rc < 0 && rc != -EDOM)
            return rc;
    }
    return 0;
}

static int allow_tools(scmp_filter_ctx f, bool shared_memory) {
    int rc = seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2); // a tree: the list is long
    rc = rc < 0 ? rc : refuse_names(f);
    rc = rc < 0 ? rc : allow_names(f, tool_calls);
    if (rc >= 0 && shared_memory)
        rc = allow_names(f, shared_calls);
    for (size_t i = 0; i < ARRAY_LEN(personalities) && rc >= 0; i++)
        rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(personality), 1,
                              SCMP_A0(SCMP_CMP_MASKED_EQ, 0xffffffffu, personalities[i]));
    return rc;
}

static int refuse_tools(scmp_filter_ctx f, enum confine_sockets sockets) {
    int rc = refuse_arguments(f);
    return rc < 0 ? rc : refuse_sockets(f, sockets);
}

bool confine_tools(enum confine_sockets sockets, bool shared_memory, struct err *e) {
    // Two filters, of which the stricter answer counts: what may be called at all, and with which arguments.
    scmp_filter_ctx calls = seccomp_init(SCMP_ACT_ERRNO(ENOSYS)), arguments = seccomp_init(SCMP_ACT_ALLOW);
    if (!calls || !arguments)
        return err_set(e, ERR_IO, "cannot make a system call filter");
    return load(arguments, refuse_tools(arguments, sockets), e) && load(calls, allow_tools(calls, shared_memory), e);
}

bool confine_no_programs(struct err *e) {
    const int calls[] = {SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv),
                         SCMP_SYS(process_vm_writev)};
    scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
    if (!f)
        return err_set(e, ERR_IO, "cannot make a system call filter");
    int rc = 0;
    for (size_t i = 0; i < ARRAY_LEN(calls) && rc >= 0; i++)
        rc = seccomp_rule_add(f, SCMP_ACT_KILL_PROCESS, calls[i], 0);
    return load(f, rc, e);
}
