// SPDX-License-Identifier: Apache-2.0
// What a process gives up, looked at in processes of their own: there is no way back.
#include "sandbox/confine.h"

#include "base/file.h"
#include "base/test.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#define SOMEBODY 2000000731 // nobody's number

// Runs `what` in a process of its own; it gives NULL or says what is wrong.
static void in_process(const char *(*what)(struct err *e)) {
    int out[2], status;
    char why[1024] = "";
    assert_int_equal(pipe(out), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct err e = {0};
        const char *wrong = what(&e);
        if (wrong)
            dprintf(out[1], "%s: %s", wrong, e.msg);
        _exit(wrong != NULL);
    }
    close(out[1]);
    if (read(out[0], why, sizeof why - 1) < 0)
        why[0] = 0;
    close(out[0]);
    waitpid(pid, &status, 0);
    if (status != 0)
        fail_msg("status %d: %s", status, why);
}

static bool status_has(const char *row) {
    SCOPED_ARENA(a);
    struct slice text;
    return file_read(a, "/proc/self/status", 65536, &text, NULL) && strstr((const char *)text.ptr, row);
}

static const char *become_somebody(struct err *e) {
    gid_t more[] = {4, 20};
    if (setgroups(2, more) != 0 || prctl(PR_SET_PDEATHSIG, SIGTERM) != 0)
        return "the test's own preparation";
    if (!confine_become(SOMEBODY, SOMEBODY, e))
        return "not become";
    if (!status_has("\nUid:\t2000000731\t2000000731\t2000000731\t2000000731\n") ||
        !status_has("\nGid:\t2000000731\t2000000731\t2000000731\t2000000731\n"))
        return "an id is left";
    if (!status_has("\nGroups:\t \n") && !status_has("\nGroups:\t\n"))
        return "a group is left";
    static const char *const sets[] = {"\nCapInh:\t0000000000000000", "\nCapPrm:\t0000000000000000",
                                       "\nCapEff:\t0000000000000000", "\nCapBnd:\t0000000000000000",
                                       "\nCapAmb:\t0000000000000000"};
    for (size_t i = 0; i < ARRAY_LEN(sets); i++)
        if (!status_has(sets[i]))
            return sets[i];
    int signal = 0;
    if (prctl(PR_GET_DUMPABLE) != 0)
        return "dumpable";
    if (prctl(PR_GET_PDEATHSIG, &signal) != 0 || signal != SIGTERM)
        return "the parent's death is not told any more";
    return setresuid(0, 0, 0) == 0 || setresgid(0, 0, 0) == 0 ? "there is a way back" : NULL;
}

// Whoever takes over the process would still be root, or in root's groups, or could read its memory from beside it.
static void becoming_somebody_leaves_nothing(void **state) {
    (void)state;
    if (geteuid() != 0)
        skip();
    in_process(become_somebody);
}

// The process outlives a parent that died between two settings of the signal, and nothing ever ends it.
static void a_parent_that_died_meanwhile_is_noticed(void **state) {
    (void)state;
    int out[2], status;
    char byte = 0;
    assert_int_equal(pipe(out), 0);
    pid_t parent = fork();
    if (parent == 0) {
        pid_t self = getpid();
        if (fork() != 0)
            _exit(0);
        while (getppid() == self)
            sched_yield();
        bool ok = write(out[1], "1", 1) == 1 && confine_keep_death_signal(0, self, NULL) && // nobody wants to know
                  write(out[1], "2", 1) == 1;
        _exit(ok && confine_keep_death_signal(SIGTERM, self, NULL) && write(out[1], "3", 1) == 1);
    }
    close(out[1]);
    waitpid(parent, &status, 0);
    assert_true(read(out[0], &byte, 1) == 1 && byte == '1' && read(out[0], &byte, 1) == 1 && byte == '2');
    ssize_t n = read(out[0], &byte, 1); // its end: it was terminated there
    close(out[0]);
    assert_int_equal(n, 0);
}

static const char *lock_memory(struct err *e) {
    struct rlimit limit;
    if (!confine_lock_memory(e)) {
        bool said = e->code == ERR_LIMIT && strstr(e->msg, "RLIMIT_MEMLOCK is") && e->hint[0];
        return said && getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_max != RLIM_INFINITY ? NULL
                                                                                                 : "not said why";
    }
    if (status_has("\nVmLck:\t       0 kB\n"))
        return "nothing is locked";
    // More than any finite limit would let through, and none of it resident before it is used.
    char *p = mmap(NULL, 1ul << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct rusage usage;
    if (p == MAP_FAILED)
        return "no more memory";
    p[0] = 1;
    return getrusage(RUSAGE_SELF, &usage) == 0 && usage.ru_maxrss < 512 << 10 ? NULL : "unused memory is resident";
}

// Locked memory that is resident before it is used, or half locked: an allocation fails some day.
static void memory_is_locked_whole_or_not(void **state) {
    (void)state;
    in_process(lock_memory);
}

static char home[] = "/tmp/confine_test.XXXXXX";

static const char *reduce_paths(struct err *e) {
    if (chdir(home) != 0)
        return "the test's own preparation";
    const struct confine_path paths[] = {{".", true}, {"/etc", false}};
    if (!confine_no_new_privs(e) || !confine_paths(paths, ARRAY_LEN(paths), e))
        return "not confined";
    if (!file_write_atomic("./file", SLICE_LIT("x"), 0600, e) || rename("file", "file.1") != 0 || unlink("file.1") != 0)
        return "its own folder cannot be used";
    if (open("/etc/passwd", O_RDONLY) < 0)
        return "what may be read cannot";
    return open("/etc/x", O_WRONLY | O_CREAT, 0600) >= 0 || open("/usr/bin", O_RDONLY) >= 0 || open("..", O_RDONLY) >= 0
               ? "more than was allowed"
               : NULL;
}

static void paths_are_reduced_to_the_named(void **state) {
    (void)state;
    if (confine_landlock_abi() <= 0)
        skip();
    assert_non_null(mkdtemp(home));
    in_process(reduce_paths);
    assert_true(file_remove_tree(home, NULL));
}

static const char *call_tools(struct err *e) {
    int pair[2];
    if (!confine_no_new_privs(e) || !confine_tools(CONFINE_UNIX_SOCKETS, false, e))
        return "not confined";
    const int families[] = {AF_NETLINK, AF_PACKET, AF_INET, AF_INET6, 40 /* AF_VSOCK */, 38 /* AF_ALG */};
    for (size_t i = 0; i < ARRAY_LEN(families); i++)
        for (int type = SOCK_STREAM; type <= SOCK_RAW; type++)
            if (socketpair(families[i], type, 0, pair) == 0 || errno != EAFNOSUPPORT ||
                socket(families[i], type, 0) >= 0 || errno != EAFNOSUPPORT)
                return "a family that reaches the kernel";
    if (syscall(SYS_socket, 0x100000000ul | AF_NETLINK, SOCK_RAW, 0) >= 0 || errno != EAFNOSUPPORT)
        return "a family by the upper half of its number";
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
        return "no socket pairs for build tools";
    if (syscall(SYS_memfd_create, "x", 0) >= 0 || errno != ENOSYS || shmget(IPC_PRIVATE, 4096, 0600) >= 0)
        return "shared memory that nothing counts";
    const long calls[] = {SYS_mount,           SYS_unshare, SYS_setns,          SYS_bpf,         SYS_keyctl,
                          SYS_perf_event_open, SYS_ptrace,  SYS_io_uring_setup, SYS_pidfd_getfd, SYS_userfaultfd};
    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        if (syscall(calls[i], 0, 0, 0, 0, 0) >= 0 || errno != EPERM)
            return "a call that should be a matter of rights";
    return syscall(1023, 0) >= 0 || errno != ENOSYS || personality(0xffffffff) < 0 ? "unknown calls, personality"
                                                                                   : NULL;
}

// If this fails, code in a build reaches parts of the kernel that no compiler needs.
static void tools_have_a_list_of_calls(void **state) {
    (void)state;
    in_process(call_tools);
}

// --- the list of what runs a guest

static uint32_t *noted;

// In a process of its own, under the list: a call of it, which ends it (by SIGSYS) or gives an error.
static int under_the_list(enum confine_guest what, long call, long a, long b, long c) {
    int status;
    *noted = 0;
    pid_t pid = fork();
    if (pid == 0) {
        confine_guest_note(noted);
        if (!confine_no_new_privs(NULL) || !confine_guest(CONFINE_RUN, NULL) ||
            (what == CONFINE_COMPILE && !confine_guest(what, NULL)))
            _exit(99);
        errno = 0;
        _exit(syscall(call, a, b, c, 0, 0, 0) >= 0 ? 0 : errno);
    }
    waitpid(pid, &status, 0);
    return status;
}

// If this fails, an engine that a guest has taken over reaches the kernel by a call that no run needs, and nobody
// learns which it was.
static void guests_have_a_list_of_calls(void **state) {
    (void)state;
    struct err e = {0};
    assert_ok(confine_guest_prepare(&e), &e);
    noted = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    const struct {
        long call, a, b, c;
    } deadly[] = {{SYS_socket, AF_UNIX, SOCK_STREAM, 0},
                  {SYS_socketpair, AF_UNIX, SOCK_STREAM, 0},
                  {SYS_connect, 0, 0, 0},
                  {SYS_bind, 0, 0, 0},
                  {SYS_execve, 0, 0, 0},
                  {SYS_execveat, 0, 0, 0},
                  {SYS_fork, 0, 0, 0},
                  {SYS_vfork, 0, 0, 0},
                  {SYS_clone, SIGCHLD, 0, 0},
                  {SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0},
                  {SYS_kill, getpid(), 0, 0},
                  {SYS_tgkill, getpid(), getpid(), 0},
                  {SYS_tkill, getpid(), 0, 0},
                  {SYS_ptrace, 0, 0, 0},
                  {SYS_process_vm_readv, 0, 0, 0},
                  {SYS_pidfd_open, 1, 0, 0},
                  {SYS_memfd_create, (long)"x", 0, 0},
                  {SYS_mount, 0, 0, 0},
                  {SYS_unshare, 0, 0, 0},
                  {SYS_setns, 0, 0, 0},
                  {SYS_io_uring_setup, 1, 0, 0},
                  {SYS_userfaultfd, 0, 0, 0},
                  {SYS_bpf, 0, 0, 0},
                  {SYS_keyctl, 0, 0, 0},
                  {SYS_add_key, 0, 0, 0},
                  {SYS_perf_event_open, 0, 0, 0},
                  {SYS_shmget, 0, 4096, 0},
                  {SYS_setuid, 0, 0, 0},
                  {SYS_unlinkat, AT_FDCWD, 0, 0},
                  {SYS_mkdirat, AT_FDCWD, 0, 0},
                  {SYS_ioctl, 0, 0x5412, 0},
                  {SYS_fcntl, 0, F_SETOWN, 1},
                  {SYS_prlimit64, 1, 0, 0},
                  {SYS_rt_sigaction, SIGSYS, 0, 0},
                  {SYS_seccomp, 1, 8, 0},
                  {1023, 0, 0, 0}};
    for (size_t i = 0; i < ARRAY_LEN(deadly); i++) {
        int status = under_the_list(CONFINE_RUN, deadly[i].call, deadly[i].a, deadly[i].b, deadly[i].c);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS || *noted != (uint32_t)deadly[i].call + 1)
            fail_msg("call %ld: status %#x, noted %u", deadly[i].call, status, *noted);
    }
    // Looked for in vain, or as the C library expects it; what a run may and a compilation may not.
    assert_int_equal(under_the_list(CONFINE_RUN, SYS_openat, AT_FDCWD, (long)"/etc/passwd", 0), EACCES << 8);
    assert_int_equal(under_the_list(CONFINE_RUN, SYS_clone3, 0, 0, 0), ENOSYS << 8);
    assert_int_equal(under_the_list(CONFINE_RUN, SYS_prctl, PR_SET_DUMPABLE, 1, 0), EPERM << 8);
    assert_int_equal(under_the_list(CONFINE_RUN, SYS_getpid, 0, 0, 0), 0);
    assert_int_equal(under_the_list(CONFINE_RUN, SYS_shutdown, 0, 2, 0), ENOTSOCK << 8);
    assert_int_equal(WTERMSIG(under_the_list(CONFINE_COMPILE, SYS_shutdown, 0, 2, 0)), SIGSYS);
    assert_int_equal(under_the_list(CONFINE_COMPILE, SYS_getpid, 0, 0, 0), 0);
    munmap(noted, 4096);
}

// If this fails, a process can be made to share memory that nobody counts, or send to an address of its own choice.
static void arguments_are_looked_at(void **state) {
    (void)state;
    struct err e = {0};
    int pair[2], status;
    assert_ok(confine_guest_prepare(&e), &e);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    for (int i = 0; i < 5; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            if (!confine_no_new_privs(NULL) || !confine_guest(CONFINE_RUN, NULL))
                _exit(99);
            void *p = MAP_FAILED;
            if (i == 0)
                p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            if (i == 1)
                p = mmap(NULL, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
            if (i == 2)
                _exit(send(pair[0], "x", 1, MSG_NOSIGNAL) != 1);
            if (i == 3)
                _exit(send(pair[0], "x", 1, MSG_FASTOPEN) != 1);
            if (i == 4)
                _exit(sendto(pair[0], "x", 1, 0, (struct sockaddr *)&(struct sockaddr_un){.sun_family = AF_UNIX}, 2) !=
                      1);
            _exit(p == MAP_FAILED);
        }
        waitpid(pid, &status, 0);
        if (i % 2 || i == 4 ? !WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS : status != 0)
            fail_msg("case %d: status %#x", i, status);
    }
    close(pair[0]), close(pair[1]);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(guests_have_a_list_of_calls),
    cmocka_unit_test(arguments_are_looked_at),
    cmocka_unit_test(tools_have_a_list_of_calls),
    cmocka_unit_test(becoming_somebody_leaves_nothing),
    cmocka_unit_test(a_parent_that_died_meanwhile_is_noticed),
    cmocka_unit_test(memory_is_locked_whole_or_not),
    cmocka_unit_test(paths_are_reduced_to_the_named),
};
RUN_TESTS(tests)
