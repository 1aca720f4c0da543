// SPDX-License-Identifier: Apache-2.0
// Files of the machine, programs that give rights, dumps of memory.
#include "attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static enum verdict open_file(const char *path, struct note *n) {
    char text[64] = "";
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return held(n, "%s", path);
    ssize_t got = syscall(SYS_read, fd, text, sizeof text - 1);
    return got > 0 && strncmp(text, SECRET, strlen(SECRET)) == 0 ? broke(n, "read %s", path)
                                                                 : held(n, "%s has something else", path);
}

static enum verdict secret(const struct ground *g, int arg, struct note *n) {
    (void)arg;
    return open_file(g->secret, n);
}

// By a way that leads out of every root: another process's.
static enum verdict secret_by_proc(const struct ground *g, int arg, struct note *n) {
    (void)arg;
    char path[256];
    snprintf(path, sizeof path, "/proc/%d/root%s", g->victim, g->secret);
    return open_file(path, n);
}

static enum verdict any_file(const struct ground *g, int arg, struct note *n) {
    (void)g, (void)arg;
    static const char *const paths[] = {"/etc/passwd", "/proc/self/status", "/dev/null", "/usr/bin/env", "/tmp"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        if (syscall(SYS_openat, AT_FDCWD, paths[i], O_RDONLY, 0) >= 0)
            return broke(n, "%s can be opened", paths[i]);
    return held(n, "nothing can be opened");
}

static enum verdict left_file(const struct ground *g, int arg, struct note *n) {
    (void)arg;
    char path[256];
    snprintf(path, sizeof path, "%s/left", g->scratch[0] ? g->scratch : "/tmp");
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT, 0666);
    return fd >= 0 ? broke(n, "%s was made", path) : held(n, "%s", path);
}

static enum verdict write_system(const struct ground *g, int arg, struct note *n) {
    (void)g, (void)arg;
    static const char *const places[] = {"/x", "/usr/x", "/usr/bin/x", "/etc/x", "/dev/x", "/guest/x", "/repository/x"};
    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        if (open(places[i], O_WRONLY | O_CREAT | O_CLOEXEC, 0644) >= 0)
            return broke(n, "%s was made", places[i]);
    return held(n, "everything is read-only");
}

// Writes back what stands there, so nothing changes.
static enum verdict write_kernel(const struct ground *g, int arg, struct note *n) {
    (void)g, (void)arg;
    char text[64];
    int fd = open("/proc/sys/vm/overcommit_ratio", O_RDWR | O_CLOEXEC);
    ssize_t got = fd >= 0 ? pread(fd, text, sizeof text, 0) : -1;
    return got > 0 && pwrite(fd, text, (size_t)got, 0) == got ? broke(n, "a setting of the kernel was written")
                                                              : held(n, "/proc/sys");
}

static enum verdict device(const struct ground *g, int arg, struct note *n) {
    (void)g, (void)arg;
    if (mknod("/tmp/memory", S_IFCHR | 0666, (1 << 8) | 1) != 0) // /dev/mem
        return held(n, "mknod");
    return open("/tmp/memory", O_RDONLY | O_CLOEXEC) >= 0 ? broke(n, "the machine's memory") : held(n, "open");
}

// Runs this program anew from a file that would give it rights; it answers by its exit status.
static enum verdict rights_by(const struct ground *g, int arg, struct note *n) {
    (void)g;
    static const char *const files[] = {"/repository/set-user-id", "/repository/capable"};
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        execl(files[arg], files[arg], "rights", (char *)NULL);
        _exit(3);
    }
    errno = 0;
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
        return broke(n, "'%s' could not be tried: status %x", files[arg], (unsigned)status);
    return WEXITSTATUS(status) == 1 ? broke(n, "'%s' gave rights", files[arg])
                                    : held(n, "it %s", WEXITSTATUS(status) ? "does not start" : "gave nothing");
}

static enum verdict dumped(const struct ground *g, int arg, struct note *n) {
    (void)g, (void)arg;
    int status = 0;
    pid_t pid = chdir("/work") == 0 ? fork() : -1;
    if (pid == 0) {
        struct rlimit most;
        if (getrlimit(RLIMIT_CORE, &most) == 0) {
            most.rlim_cur = most.rlim_max;
            (void)setrlimit(RLIMIT_CORE, &most);
        }
        (void)kill(getpid(), SIGSEGV);
        _exit(0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status))
        return broke(n, "the dump could not be tried");
    errno = 0;
    return WCOREDUMP(status) ? broke(n, "its memory was dumped") : held(n, "no dump");
}

// A program of the machine to which dumps are piped is started whatever the limit, except for the limit of one byte.
static enum verdict dump_handler(const struct ground *g, int arg, struct note *n) {
    (void)g, (void)arg;
    struct rlimit r;
    errno = 0;
    return getrlimit(RLIMIT_CORE, &r) == 0 && r.rlim_max == 1 && r.rlim_cur == 1
               ? held(n, "no handler is started")
               : broke(n, "the machine's handler of dumps is started, limit %llu", (unsigned long long)r.rlim_max);
}

static enum verdict not_chosen(const struct ground *g, int arg, struct note *n) {
    (void)g, (void)arg;
    char text[16] = "";
    int fd = open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    errno = 0;
    return got > 0 && strncmp(text, "1000", 4) == 0 ? held(n, "it is the first to be ended for memory")
                                                    : broke(n, "others are ended first: %.8s", text);
}

const struct attempt attempts_files[] = {
    {"secret-file", IN_EXECUTOR, NULL, "filter,root,uid,landlock", NULL, secret, 0, 0},
    {"secret-file-by-proc", IN_EXECUTOR, NULL, "filter,root,pidns,uid,landlock", NULL, secret_by_proc, 0, NAMESPACED},
    {"secret-file-in-a-box", IN_BOX, "", NULL, "a box has always a root of its own", secret, 0, 0},
    {"any-file", IN_EXECUTOR, NULL, "filter,root,landlock", NULL, any_file, 0, 0},
    {"file-left-for-the-next", IN_EXECUTOR, NULL, "filter,root,uid,landlock", NULL, left_file, 0, 0},
    {"write-the-system", IN_BOX, "", NULL, "a box's root and all that it shows are mounted read-only", write_system, 0,
     false},
    {"write-kernel-settings", IN_BOX, "", NULL, "a box's /proc shows processes alone", write_kernel, 0, 0},
    {"device", IN_BOX, "", NULL, "no device opens on a mount of a user namespace", device, 0, 0},
    {"set-user-id", IN_BOX, "", NULL, "the owner of such a file is nobody in the box's user namespace", rights_by, 0,
     false},
    {"file-capabilities", IN_BOX, "no_new_privs,caps,filter", NULL, NULL, rights_by, 1, NEEDS_CAPABLE},
    {"core-dump", IN_BOX, "rlimits", NULL, NULL, dumped, 0, 0},
    {"core-handler", IN_BOX, "rlimits", NULL, NULL, dump_handler, 0, 0},
    {"oom-victim", IN_BOX, "oom", NULL, NULL, not_chosen, 0, 0},
    {0},
};
