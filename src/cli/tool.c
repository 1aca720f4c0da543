// SPDX-License-Identifier: Apache-2.0
#include "cli/tool.h"

#include "base/buf.h"
#include "base/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

// In the child: never returns.
static _Noreturn void become(const struct tool *c, int out, int err) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int null = open("/dev/null", O_RDONLY);
    if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0 || (c->dir && chdir(c->dir) != 0))
        _exit(126);
    for (size_t i = 0; c->extra_env && c->extra_env[i]; i++)
        putenv((char *)(uintptr_t)c->extra_env[i]);
    execvp(c->argv[0], (char *const *)(uintptr_t)c->argv);
    dprintf(2, "cannot run '%s': %s\n", c->argv[0], strerror(errno));
    _exit(127);
}

// Reads both pipes to their ends; false at the deadline.
static bool drain(int out, int err, struct buf *text, struct buf *errors, uint64_t deadline) {
    struct pollfd p[2] = {{out, POLLIN, 0}, {err, POLLIN, 0}};
    struct buf *to[2] = {text, errors};
    while (p[0].fd >= 0 || p[1].fd >= 0) {
        uint64_t now = clock_mono_ms();
        if (now >= deadline || (poll(p, 2, (int)(deadline - now)) < 0 && errno != EINTR))
            return false;
        for (int i = 0; i < 2; i++) {
            if (p[i].fd < 0 || !p[i].revents)
                continue;
            char piece[4096];
            ssize_t n = read(p[i].fd, piece, sizeof piece);
            if (n > 0)
                buf_add(to[i], piece, (size_t)n);
            else
                p[i].fd = -1;
        }
    }
    return true;
}

static bool finish(const struct tool *c, pid_t pid, bool in_time, struct buf *errors, struct err *e) {
    int status = 0;
    if (!in_time)
        kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (!in_time)
        return err_set(e, ERR_TIMEOUT, "'%s %s' did not end in time", c->argv[0], c->argv[1] ? c->argv[1] : "");
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    struct slice said = slice_trim_end(buf_slice(errors));
    size_t cut = said.len > 300 ? said.len - 300 : 0;
    struct slice tail = slice_skip(said, cut);
    return err_set(e, ERR_IO, "'%s' failed: %.*s", c->argv[0], SLICE_FMT(tail));
}

bool tool_run(struct arena *a, const struct tool *c, struct slice *out, struct err *e) {
    int po[2], pe[2];
    *out = (struct slice){NULL, 0};
    if (pipe2(po, O_CLOEXEC) != 0)
        return err_errno(e, "cannot make a pipe");
    if (pipe2(pe, O_CLOEXEC) != 0) {
        close(po[0]), close(po[1]);
        return err_errno(e, "cannot make a pipe");
    }
    pid_t pid = fork();
    if (pid == 0)
        become(c, po[1], pe[1]);
    close(po[1]), close(pe[1]);
    SCOPED_BUF(text, TOOL_OUTPUT_MAX);
    SCOPED_BUF(errors, TOOL_OUTPUT_MAX);
    bool ok = pid > 0 || err_errno(e, "cannot start '%s'", c->argv[0]);
    if (ok) {
        uint64_t deadline = clock_mono_ms() + (c->timeout_ms ? c->timeout_ms : 120000);
        bool in_time = drain(po[0], pe[0], &text, &errors, deadline);
        ok = finish(c, pid, in_time, &errors, e);
    }
    close(po[0]), close(pe[0]);
    if (ok && text.full)
        ok = err_set(e, ERR_TOO_LARGE, "'%s' printed more than %u bytes", c->argv[0], TOOL_OUTPUT_MAX);
    if (ok)
        *out = arena_copy(a, slice_trim_end(buf_slice(&text)));
    return ok;
}
