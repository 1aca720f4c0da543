// SPDX-License-Identifier: Apache-2.0
// The list of system calls for what runs or compiles a guest. It is turned into a program once; a process loads that.
#include "sandbox/confine.h"

#include "sandbox/guards.h"
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

// Stands in the program where the number of the process itself belongs, which is not known before the fork.
#define SELF 0x5E1F5E1Fu
#define PROGRAM_MAX 4096 // instructions: the kernel's own limit

static struct {
    struct sock_filter code[PROGRAM_MAX];
    unsigned short len;
} programs[2];

// Whatever their arguments are.
static const int plain_calls[] = {
    // memory
    SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mprotect), SCMP_SYS(mremap), SCMP_SYS(madvise),
    // threads and waiting
    SCMP_SYS(futex), SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity),
    SCMP_SYS(getcpu), SCMP_SYS(nanosleep), SCMP_SYS(clock_nanosleep), SCMP_SYS(restart_syscall), SCMP_SYS(exit),
    SCMP_SYS(exit_group), SCMP_SYS(membarrier),
    // signals to itself
    SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack),
    // time, randomness, itself
    SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(getrandom),
    SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getrusage), SCMP_SYS(getrlimit), SCMP_SYS(uname), SCMP_SYS(sysinfo),
    // descriptors that it has
    SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(close), SCMP_SYS(fstat),
    SCMP_SYS(lseek), SCMP_SYS(poll), SCMP_SYS(ppoll)};
// Of a run: the descriptors that a broker hands to it.
static const int run_calls[] = {SCMP_SYS(shutdown),      SCMP_SYS(getsockname),  SCMP_SYS(getpeername),
                                SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl),    SCMP_SYS(epoll_wait),
                                SCMP_SYS(epoll_pwait),   SCMP_SYS(epoll_pwait2), SCMP_SYS(eventfd2)};
// Libraries look for files that may be there or not, such as settings of the memory allocator: none is.
static const int looking_calls[] = {
    SCMP_SYS(open),     SCMP_SYS(openat),     SCMP_SYS(openat2), SCMP_SYS(stat),      SCMP_SYS(lstat),
    SCMP_SYS(statx),    SCMP_SYS(newfstatat), SCMP_SYS(access),  SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
    SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getcwd)};
static const unsigned fcntl_commands[] = {F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC};
static const unsigned ioctl_commands[] = {FIONBIO, FIONREAD, TCGETS};
#define THREAD                                                                                                         \
    (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS |                 \
     CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)

static int add(scmp_filter_ctx f, uint32_t action, const int *calls, size_t count) {
    int rc = 0;
    for (size_t i = 0; i < count && rc >= 0; i++) {
        rc = seccomp_rule_add(f, action, calls[i], 0);
        if (rc == -EDOM) // another architecture's
            rc = 0;
    }
    return rc;
}

// The low 32 bits are all that the kernel looks at.
static int add_values(scmp_filter_ctx f, int call, unsigned arg, const unsigned *values, size_t count) {
    int rc = 0;
    for (size_t i = 0; i < count && rc >= 0; i++)
        rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, call, 1, SCMP_CMP(arg, SCMP_CMP_MASKED_EQ, 0xffffffffu, values[i]));
    return rc;
}

#define RULE(...) (rc = rc < 0 ? rc : seccomp_rule_add(f, __VA_ARGS__))

static int add_careful(scmp_filter_ctx f) {
    int rc = add_values(f, SCMP_SYS(fcntl), 1, fcntl_commands, ARRAY_LEN(fcntl_commands));
    rc = rc < 0 ? rc : add_values(f, SCMP_SYS(ioctl), 1, ioctl_commands, ARRAY_LEN(ioctl_commands));
    // Memory is private, or a file that it was given: shared memory of its own would be counted by nobody, and what
    // grows like a stack not as data.
    RULE(SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_SHARED | MAP_GROWSDOWN, 0));
    RULE(SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS | MAP_GROWSDOWN, 0));
    // Threads; clone3 keeps its flags where a filter cannot see them, and the C library knows that answer.
    RULE(SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, SCMP_CMP(0, SCMP_CMP_EQ, THREAD, 0));
    RULE(SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    // Signals: to itself, and not the one that tells of a call beside this list.
    RULE(SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, SCMP_CMP(0, SCMP_CMP_EQ, SELF, 0));
    for (unsigned n = 1; n <= 64; n++)
        if (n != SIGSYS)
            RULE(SCMP_ACT_ALLOW, SCMP_SYS(rt_sigaction), 1, SCMP_CMP(0, SCMP_CMP_EQ, n, 0));
    // Limits of its own; those who run under one cannot raise it.
    RULE(SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, SCMP_CMP(0, SCMP_CMP_EQ, 0, 0));
    RULE(SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1, SCMP_CMP(0, SCMP_CMP_EQ, PR_SET_NAME, 0));
    RULE(SCMP_ACT_ERRNO(EPERM), SCMP_SYS(prctl), 1, SCMP_CMP(0, SCMP_CMP_NE, PR_SET_NAME, 0));
    return rc;
}

// Flags and options that the broker's protocol, the C library and the engine use. Others are code of the kernel that
// nobody here needs: urgent bytes, programs on sockets, other protocols on top of TCP. A closed TCP socket could be
// connected anew by sending with an address, which fast open does.
#define SEND_FLAGS (MSG_NOSIGNAL | MSG_DONTWAIT | MSG_MORE)
#define RECEIVE_FLAGS (MSG_DONTWAIT | MSG_WAITALL | MSG_PEEK | MSG_TRUNC | MSG_CMSG_CLOEXEC | MSG_NOSIGNAL)
#define NO_OTHER(arg, flags) SCMP_CMP(arg, SCMP_CMP_MASKED_EQ, 0xffffffffu & ~(uint32_t)(flags), 0)
static int add_sockets(scmp_filter_ctx f) {
    int rc = 0;
    RULE(SCMP_ACT_ALLOW, SCMP_SYS(sendto), 2, NO_OTHER(3, SEND_FLAGS), SCMP_CMP(4, SCMP_CMP_EQ, 0, 0));
    RULE(SCMP_ACT_ALLOW, SCMP_SYS(sendmsg), 1, NO_OTHER(2, SEND_FLAGS));
    RULE(SCMP_ACT_ALLOW, SCMP_SYS(recvfrom), 1, NO_OTHER(3, RECEIVE_FLAGS));
    RULE(SCMP_ACT_ALLOW, SCMP_SYS(recvmsg), 1, NO_OTHER(2, RECEIVE_FLAGS));
    RULE(SCMP_ACT_ALLOW, SCMP_SYS(setsockopt), 2, SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffu, IPPROTO_TCP),
         SCMP_A2(SCMP_CMP_MASKED_EQ, 0xffffffffu, TCP_NODELAY));
    RULE(SCMP_ACT_ALLOW, SCMP_SYS(getsockopt), 2, SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffu, SOL_SOCKET),
         SCMP_A2(SCMP_CMP_MASKED_EQ, 0xffffffffu, SO_ERROR));
    return rc;
}

static int describe(scmp_filter_ctx f, enum confine_guest what) {
    int rc = seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    rc = rc < 0 ? rc : add(f, SCMP_ACT_ALLOW, plain_calls, ARRAY_LEN(plain_calls));
    rc = rc < 0 ? rc : add(f, SCMP_ACT_ERRNO(EACCES), looking_calls, ARRAY_LEN(looking_calls));
    rc = rc < 0 ? rc : add_careful(f);
    if (rc >= 0 && what == CONFINE_RUN)
        rc = add(f, SCMP_ACT_ALLOW, run_calls, ARRAY_LEN(run_calls));
    rc = rc >= 0 && what == CONFINE_RUN ? add_sockets(f) : rc;
    if (what == CONFINE_RUN) // a stricter list on top
        RULE(SCMP_ACT_ALLOW, SCMP_SYS(seccomp), 2, SCMP_CMP(0, SCMP_CMP_EQ, SECCOMP_SET_MODE_FILTER, 0),
             SCMP_CMP(1, SCMP_CMP_EQ, 0, 0));
    return rc;
}

static bool prepare(enum confine_guest what, struct err *e) {
    scmp_filter_ctx f = seccomp_init(SCMP_ACT_TRAP);
    int fd = memfd_create("filter", MFD_CLOEXEC), rc = f && fd >= 0 ? describe(f, what) : -ENOMEM;
    rc = rc < 0 ? rc : seccomp_export_bpf(f, fd);
    ssize_t n = rc < 0 ? -1 : pread(fd, programs[what].code, sizeof programs[what].code, 0);
    programs[what].len = n > 0 ? (unsigned short)((size_t)n / sizeof programs[what].code[0]) : 0;
    if (fd >= 0)
        close(fd);
    if (f)
        seccomp_release(f);
    errno = rc < 0 ? -rc : errno;
    return programs[what].len > 0 || err_errno(e, "cannot make a system call filter");
}

bool confine_guest_prepare(struct err *e) { return prepare(CONFINE_RUN, e) && prepare(CONFINE_COMPILE, e); }

// --- in the process -------------------------------------------------------------------------------------------------

static uint32_t *noted;

static void forbidden(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)context;
    if (noted)
        *noted = (uint32_t)info->si_syscall + 1;
    for (;;) // the same again, while the signal is blocked: the kernel ends the process by it
        syscall(SYS_rt_sigaction, SIGSYS, NULL, NULL, 8);
}

bool confine_guest_seal(struct err *e) {
    struct sock_filter last[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                                 BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_seccomp, 0, 1),
                                 BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
                                 BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {ARRAY_LEN(last), last};
    return !guard_on(GUARD_FILTER) || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0 ||
           err_errno(e, "cannot seal the system call filter");
}

void confine_guest_note(uint32_t *note) { noted = note; }

bool confine_guest(enum confine_guest what, struct err *e) {
    struct sock_fprog program = {programs[what].len, programs[what].code};
    struct sigaction action = {.sa_sigaction = forbidden, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    if (!guard_on(GUARD_FILTER))
        return true;
    BUG_ON(!program.len);
    for (unsigned short i = 0; i < program.len; i++)
        if (program.filter[i].k == SELF && BPF_CLASS(program.filter[i].code) == BPF_JMP)
            program.filter[i].k = (uint32_t)getpid();
    sigfillset(&action.sa_mask);
    return ((what == CONFINE_COMPILE || sigaction(SIGSYS, &action, NULL) == 0) &&
            syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0) ||
           err_errno(e, "cannot load the system call filter");
}

const char *confine_call_name(uint32_t number, char out[static 64]) {
    char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, (int)number);
    snprintf(out, 64, "%s", name ? name : "");
    free(name);
    return out;
}
