// SPDX-License-Identifier: Apache-2.0
// Orders that a box carries out: run a command, read a file, look for files, listen.
#include "sandbox/box.h"

#include "sandbox/cgroup.h"
#include "sandbox/confine.h"
#include "sandbox/guards.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

void box_fail(struct wire *w, const struct err *e) {
    uint32_t kind = w->kind;
    wire_init(w, (enum wire_kind)kind);
    w->failed = (uint32_t)e->code + 1;
    (void)wire_add(w, e->msg);
}

// --- commands -----------------------------------------------------------------------------------------------------

bool box_command_read(struct box_command *c, struct wire *w, struct err *e) {
    size_t count, i = 1;
    memcpy(c->n, w->n, sizeof c->n);
    if (!wire_strings(w, c->strings, &count) || count < 3 || !c->strings[1][0])
        return err_set(e, ERR_INVALID, "malformed command of a sandbox");
    while (i < count && c->strings[i][0])
        i++;
    if (i == count)
        return err_set(e, ERR_INVALID, "a sandbox command without an end of its arguments");
    c->strings[i] = NULL;
    c->strings[count] = NULL;
    c->argv = c->strings + 1;
    c->env = c->strings + i + 1;
    return true;
}

static bool command_limit(const struct box_command *c, struct err *e) {
    if (!guard_on(GUARD_RLIMITS))
        return true;
    // One byte: with less, the machine's handler of dumps, where it has one, would be started all the same.
    bool ok = confine_limit(RLIMIT_CORE, 1, e) && confine_limit(RLIMIT_NOFILE, 4096, e) &&
              confine_limit(RLIMIT_MEMLOCK, 64 << 10, e) && confine_limit(RLIMIT_MSGQUEUE, 0, e);
    if (ok && c->n[RUN_CPU])
        ok = confine_limit(RLIMIT_CPU, c->n[RUN_CPU], e);
    if (ok && c->n[RUN_FILE])
        ok = confine_limit(RLIMIT_FSIZE, c->n[RUN_FILE], e);
    if (ok && c->n[RUN_ADDRESS])
        ok = confine_limit(RLIMIT_AS, c->n[RUN_ADDRESS], e);
    if (ok && c->n[RUN_PROCESSES])
        ok = confine_limit(RLIMIT_NPROC, c->n[RUN_PROCESSES], e);
    return ok;
}

static bool command_confine(const struct box_command *c, const struct box_plan *p, struct err *e) {
    bool network = c->n[RUN_NETWORK] != 0;
    // A network of its own without even a loopback: the box's proxy is not reachable either.
    int spaces = (network || !guard_on(GUARD_NETNS) ? 0 : CLONE_NEWNET) | (guard_on(GUARD_IPCNS) ? CLONE_NEWIPC : 0);
    if (spaces && unshare(spaces) != 0)
        return err_errno(e, "cannot leave the network");
    return command_limit(c, e) && (!guard_on(GUARD_NO_NEW_PRIVS) || confine_no_new_privs(e)) &&
           (!guard_on(GUARD_CAPS) || confine_drop_capabilities(e)) &&
           (!guard_on(GUARD_FILTER) ||
            confine_tools(network ? CONFINE_INET_SOCKETS : CONFINE_UNIX_SOCKETS, p->memory_counted, e));
}

// In the child: never returns. What went wrong before the command's first instruction goes into `report`.
static _Noreturn void command_become(const struct box_command *c, const struct box_plan *p, int output, int report) {
    struct err e = {0};
    sigset_t none;
    sigemptyset(&none);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    bool ok = (null >= 0 && dup2(null, 0) == 0 && dup2(output, 1) == 1 && dup2(output, 2) == 2 && setsid() > 0 &&
               sigprocmask(SIG_SETMASK, &none, NULL) == 0) ||
              err_errno(&e, "cannot set up the command");
    ok = ok && cgroup_enter(p->doors, p->door_count, &e);
    // What a command starts with is named here: 0, 1 and 2. The orders' socket, the cgroup's doors and whatever else
    // this process may ever come to hold end with the exec.
    if (ok && guard_on(GUARD_FDS) && close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) != 0)
        ok = err_errno(&e, "cannot close descriptors");
    if (ok && chdir(c->strings[0]) != 0)
        ok = err_errno(&e, "cannot enter '%s'", c->strings[0]);
    if (ok && command_confine(c, p, &e)) {
        execve(c->argv[0], c->argv, c->env);
        err_errno(&e, "cannot start '%s'", c->argv[0]);
    }
    (void)!write(report, &e, sizeof e);
    _exit(126);
}

// Waits for the main process, reaping orphans as they come; ends the box when the other side has gone.
static int await_end(int sock, int signals, pid_t main_pid) {
    struct pollfd p[2] = {{.fd = sock, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
    for (;;) {
        int status;
        pid_t pid;
        while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
            if (pid == main_pid)
                return status;
        while (poll(p, 2, -1) < 0 && errno == EINTR)
            ;
        if (p[0].revents) // nobody asks a second thing before the answer to the first: it has been closed
            _exit(0);
        struct signalfd_siginfo info;
        while (read(signals, &info, sizeof info) > 0)
            ;
    }
}

static void kill_the_rest(void) {
    do {
        kill(-1, SIGKILL);
    } while (waitpid(-1, NULL, 0) > 0 || errno == EINTR);
}

void box_run(const struct box_plan *p, int sock, struct wire *w, int output) {
    static struct box_command c;
    struct err e = {0};
    int report[2] = {-1, -1};
    sigset_t chld;
    sigemptyset(&chld);
    sigaddset(&chld, SIGCHLD);
    if (output < 0 || !box_command_read(&c, w, &e)) {
        if (output >= 0)
            close(output);
        err_set(&e, ERR_INVALID, "malformed command of a sandbox");
        return box_fail(w, &e);
    }
    sigprocmask(SIG_BLOCK, &chld, NULL);
    int signals = signalfd(-1, &chld, SFD_NONBLOCK | SFD_CLOEXEC);
    pid_t pid = signals >= 0 && pipe2(report, O_CLOEXEC) == 0 ? fork() : -1;
    if (pid == 0)
        command_become(&c, p, output, report[1]);
    if (pid < 0)
        err_errno(&e, "cannot start a process in the sandbox");
    close(output);
    close(report[1]);
    bool started = pid > 0 && read(report[0], &e, sizeof e) == 0;
    int status = pid > 0 ? await_end(sock, signals, pid) : 0;
    kill_the_rest();
    close(report[0]);
    close(signals);
    if (!started)
        return box_fail(w, &e);
    wire_init(w, WIRE_RUN);
    w->n[0] = WIFSIGNALED(status);
    w->n[1] = (uint64_t)(WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

// --- files --------------------------------------------------------------------------------------------------------

static int open_beneath(int dir, const char *path, uint64_t flags) {
    struct open_how how = {.flags = flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
                           .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    return (int)syscall(SYS_openat2, dir, path, &how, sizeof how);
}

static bool path_of(const struct wire *w, char path[static 4096]) {
    size_t n = w->text_len ? strnlen(w->text, w->text_len) : 0;
    bool ok = n < 4096;
    memcpy(path, w->text, ok ? n : 0);
    path[ok ? n : 0] = 0;
    return ok;
}

void box_read(struct wire *w, int *fd) {
    struct err e = {0};
    char path[4096];
    struct stat st;
    bool fits = path_of(w, path);
    wire_init(w, WIRE_READ);
    errno = ENAMETOOLONG;
    *fd = fits ? open_beneath(AT_FDCWD, path, O_RDONLY) : -1;
    bool ok = *fd >= 0 && fstat(*fd, &st) == 0;
    if (!ok && (errno == ENOENT || errno == ENOTDIR))
        err_set(&e, ERR_NOT_FOUND, "no file '%s'", path);
    else if (!ok && errno == ELOOP)
        err_set(&e, ERR_INVALID, "'%s' is a symbolic link or behind one", path);
    else if (!ok)
        err_errno(&e, "cannot open '%s'", path);
    else if (!S_ISREG(st.st_mode))
        ok = err_set(&e, ERR_INVALID, "'%s' is not a regular file", path);
    if (ok)
        return;
    box_fail(w, &e);
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

struct scan {
    struct wire *w;
    uint8_t magic[8];
    size_t magic_len, max, found, looked;
    bool cut;
    char path[4096];
};
#define SCAN_DEPTH 48
#define SCAN_LOOK 200000

static void scan_file(struct scan *s, int dir, const char *name) {
    struct stat st;
    uint8_t head[8];
    int fd = open_beneath(dir, name, O_RDONLY);
    if (fd < 0)
        return;
    bool match = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
                 pread(fd, head, s->magic_len, 0) == (ssize_t)s->magic_len && memcmp(head, s->magic, s->magic_len) == 0;
    close(fd);
    if (!match)
        return;
    char facts[96];
    uint64_t changed = (uint64_t)st.st_ctim.tv_sec * 1000000000u + (uint64_t)st.st_ctim.tv_nsec;
    snprintf(facts, sizeof facts, "%llu %llu %llu", (unsigned long long)st.st_size, (unsigned long long)st.st_ino,
             (unsigned long long)changed);
    if (s->found == s->max || !wire_add(s->w, s->path) || !wire_add(s->w, facts))
        s->cut = true;
    else
        s->found++;
}

static void scan_folder(struct scan *s, int fd, size_t len, unsigned depth) {
    DIR *d = fdopendir(fd);
    if (!d) {
        close(fd);
        return;
    }
    for (struct dirent *it; !s->cut && (it = readdir(d));) {
        size_t n = strlen(it->d_name);
        if (strcmp(it->d_name, ".") == 0 || strcmp(it->d_name, "..") == 0)
            continue;
        if (++s->looked > SCAN_LOOK || len + n + 2 > sizeof s->path) {
            s->cut = true;
            break;
        }
        s->path[len] = '/';
        memcpy(s->path + len + 1, it->d_name, n + 1);
        if (it->d_type == DT_REG) {
            scan_file(s, dirfd(d), it->d_name);
        } else if (it->d_type == DT_DIR) {
            int sub = depth ? open_beneath(dirfd(d), it->d_name, O_RDONLY | O_DIRECTORY) : -1;
            s->cut = s->cut || !depth;
            if (sub >= 0)
                scan_folder(s, sub, len + 1 + n, depth - 1);
        }
        s->path[len] = 0;
    }
    closedir(d);
}

void box_scan(struct wire *w) {
    static struct scan s;
    struct err e = {0};
    s = (struct scan){.w = w, .max = w->n[0], .magic_len = w->n[1] > 8 ? 8 : w->n[1]};
    memcpy(s.magic, &w->n[2], sizeof s.magic);
    bool fits = path_of(w, s.path);
    wire_init(w, WIRE_SCAN);
    errno = ENAMETOOLONG;
    int fd = fits ? open_beneath(AT_FDCWD, s.path, O_RDONLY | O_DIRECTORY) : -1;
    if (fd < 0) {
        err_errno(&e, "cannot open folder '%s'", s.path);
        e.code = errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_IO;
        return box_fail(w, &e);
    }
    scan_folder(&s, fd, strlen(s.path), SCAN_DEPTH);
    w->n[0] = s.found;
    w->n[1] = s.cut;
}

static void box_listen(struct wire *w, int *fd) {
    struct err e = {0};
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    wire_init(w, WIRE_LISTEN);
    *fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*fd >= 0 && bind(*fd, (struct sockaddr *)&a, n) == 0 && listen(*fd, 64) == 0 &&
        getsockname(*fd, (struct sockaddr *)&a, &n) == 0) {
        w->n[0] = ntohs(a.sin_port);
        return;
    }
    err_errno(&e, "cannot listen in the sandbox");
    box_fail(w, &e);
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void box_serve(const struct box_plan *p, int sock) {
    static struct wire w;
    struct err e = {0};
    struct wire_fds came;
    while (wire_receive(sock, &w, &came, 1, &e)) {
        struct wire_fds answer = {.fd = {-1}};
        int fd = came.count ? came.fd[0] : -1;
        switch ((enum wire_kind)w.kind) {
        case WIRE_OPEN: err_set(&e, ERR_INVALID, "the sandbox is open already"), box_fail(&w, &e); break;
        case WIRE_RUN: box_run(p, sock, &w, fd), fd = -1; break; // takes the descriptor
        case WIRE_READ: box_read(&w, &answer.fd[0]); break;
        case WIRE_SCAN: box_scan(&w); break;
        case WIRE_LISTEN: box_listen(&w, &answer.fd[0]); break;
        }
        if (fd >= 0)
            close(fd);
        answer.count = answer.fd[0] >= 0;
        bool sent = wire_send(sock, &w, &answer, &e);
        wire_close(&answer);
        if (!sent)
            return;
    }
}
