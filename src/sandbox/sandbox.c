// SPDX-License-Identifier: Apache-2.0
#include "sandbox/sandbox.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "sandbox/confine.h"
#include "sandbox/guards.h"
#include "sandbox/sandbox_internal.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define ANSWER_MS 60000 // for a question that is no command

// --- opening and closing --------------------------------------------------------------------------------------------

static const char *find_helper(struct arena *a, const char *given) {
    if (given)
        return given;
    const char *dir = file_program_dir(a);
    const char *beside = arena_printf(a, "%s/outlayer-sandbox", dir);
    return access(beside, X_OK) == 0 ? beside : arena_printf(a, "%s/../bin/outlayer-sandbox", dir);
}

static bool start_helper(struct sandbox *s, const char *helper, struct err *e) {
    SCOPED_ARENA(a);
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return err_errno(e, "cannot make a socket pair");
    // Large enough for the largest message; where the system allows less, sending says so.
    int size = 2 * (int)sizeof s->w;
    (void)setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    (void)setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    const char *path = find_helper(a, helper);
    char *argv[] = {(char *)(uintptr_t) "outlayer-sandbox", NULL},
         *env[] = {(char *)(uintptr_t)guard_environment(), NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t kept_off, all;
    confine_group_signals(&kept_off);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attr);
    posix_spawn_file_actions_adddup2(&actions, pair[1], 3);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_setsigmask(&attr, &kept_off);
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawnattr_setpgroup(&attr, 0); // Ctrl-C in a terminal is the starter's business
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    errno = posix_spawn(&s->pid, path, &actions, &attr, argv, env);
    bool ok = errno == 0 || err_errno(e, "cannot start '%s'", path);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    close(pair[1]);
    s->sock = pair[0];
    if (!ok)
        s->pid = -1;
    return ok;
}

bool sandbox_too_long(struct err *e) { return err_set(e, ERR_TOO_LARGE, "too many or too long words for a sandbox"); }

static void end_helper(struct sandbox *s);

bool sandbox_spoil(struct sandbox *s, struct err *e, const char *why) {
    s->spoiled = s->begun;
    end_helper(s);
    return err_set(e, ERR_CORRUPT, "the sandbox failed: %s", why);
}

bool sandbox_spoiled(const struct sandbox *s) { return s && s->spoiled; }

// Reads the answer that is there. begun: a stranger's command has been started before the question; what the system
// then refuses the box may be that one's doing (memory used up, links where folders were), and counts as such.
static bool take_answer(struct sandbox *s, struct wire_fds *fds, bool begun, struct err *e) {
    struct err why = {0};
    uint32_t asked = s->w.kind;
    if (!wire_receive(s->sock, &s->w, fds, 1, &why))
        return sandbox_spoil(s, e, why.msg);
    if (s->w.kind == asked && wire_succeeded(&s->w, &why))
        return true;
    if (fds)
        wire_close(fds);
    if (s->w.kind == asked) {
        s->spoiled = s->spoiled || (begun && why.code == ERR_IO);
        return err_set(e, why.code, "%s", why.msg);
    }
    return sandbox_spoil(s, e, "it answered what nobody asked");
}

// Until its answer is there, the time of the box is over, or somebody cancels.
static bool await_answer(const struct sandbox *s, struct err *e) {
    uint64_t deadline = clock_mono_ms() + ANSWER_MS;
    if (s->deadline_ms && s->deadline_ms < deadline)
        deadline = s->deadline_ms;
    return wire_wait(s->sock, deadline, s->cancel, e);
}

bool sandbox_ask(struct sandbox *s, struct wire_fds *fds, struct err *e) {
    struct err why = {0};
    if (s->sock < 0)
        return err_set(e, ERR_UNAVAILABLE, "the sandbox has been killed");
    if (!wire_send(s->sock, &s->w, NULL, &why))
        return sandbox_spoil(s, e, why.msg);
    if (await_answer(s, &why))
        return take_answer(s, fds, s->begun, e);
    sandbox_spoil(s, e, why.msg);
    if (e)
        e->code = why.code;
    if (why.code == ERR_UNAVAILABLE) // cancelled: nobody's fault
        s->spoiled = false;
    return false;
}

static bool write_open(struct sandbox *s, const struct sandbox_spec *spec, unsigned uid, struct err *e) {
    wire_init(&s->w, WIRE_OPEN);
    s->w.n[0] = spec->work_bytes, s->w.n[1] = spec->tmp_bytes, s->w.n[2] = uid, s->w.n[3] = cgroup_offer()->memory;
    bool ok = wire_add(&s->w, spec->system ? spec->system : "");
    for (size_t i = 0; ok && i < spec->mount_count; i++) {
        const struct sandbox_mount *m = &spec->mounts[i];
        ok = wire_add(&s->w, m->from) && wire_add(&s->w, m->to);
    }
    return ok || sandbox_too_long(e);
}

// The order to open carries the doors of the cgroup: commands go through them. The box's own two processes stay
// outside, so that a build that uses its memory up does not take with it who tells of it.
static bool send_open(struct sandbox *s, struct err *e) {
    struct wire_fds doors = {.count = 0};
    _Static_assert(CGROUP_PARTS <= WIRE_FDS_MAX, "each part has a door");
    bool ok = cgroup_doors(&s->group, doors.fd, &doors.count, e) && wire_send(s->sock, &s->w, &doors, e);
    wire_close(&doors);
    return ok;
}

bool sandbox_open_as(struct sandbox **out, const struct sandbox_spec *spec, unsigned uid, struct err *e) {
    struct sandbox *s = xcalloc(1, sizeof *s);
    struct cgroup_limits limits = {spec->memory_bytes, spec->processes};
    s->sock = -1, s->pid = -1, s->processes = spec->processes;
    s->deadline_ms = spec->deadline_ms, s->cancel = spec->cancel;
    bool ok = cgroup_make(&s->group, &limits, e) && write_open(s, spec, guard_on(GUARD_UID) ? uid : geteuid(), e) &&
              start_helper(s, spec->helper, e) && send_open(s, e) && await_answer(s, e) &&
              take_answer(s, NULL, false, e);
    if (!ok) {
        sandbox_close(s);
        s = NULL;
    }
    *out = s;
    return ok || err_wrap(e, "cannot open a sandbox");
}

// The end of the orders' socket ends the first process, and with it, in the kernel, all others; then the helper.
static void await_helper(pid_t pid) {
    for (int i = 0; i < 500; i++) {
        pid_t done = waitpid(pid, NULL, WNOHANG);
        if (done == pid || (done < 0 && errno != EINTR))
            return;
        poll(NULL, 0, i < 50 ? 1 : 10);
    }
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

static void end_helper(struct sandbox *s) {
    if (s->sock >= 0)
        close(s->sock);
    if (s->pid > 0)
        await_helper(s->pid);
    s->sock = -1, s->pid = -1;
}

void sandbox_close(struct sandbox *s) {
    if (!s)
        return;
    end_helper(s);
    cgroup_remove(&s->group);
    free(s);
}

bool sandbox_open(struct sandbox **out, const struct sandbox_spec *spec, struct err *e) {
    const struct sandbox_offer *o = sandbox_probe(spec->helper);
    *out = NULL;
    if (!o->can_isolate)
        return err_set(e, ERR_UNAVAILABLE, "%s", o->text);
    return sandbox_open_as(out, spec, o->uid, e);
}

// --- commands

// The first and the last bytes of an output.
struct keeper {
    struct buf head;
    uint8_t *tail;
    size_t half, at;
    uint64_t behind; // bytes that came after the head
};

static void keep(struct keeper *k, const uint8_t *p, size_t n) {
    size_t first = k->half - k->head.len < n ? k->half - k->head.len : n;
    buf_add(&k->head, p, first);
    for (size_t i = first; i < n; i++) {
        k->tail[k->at] = p[i];
        k->at = (k->at + 1) % k->half;
    }
    k->behind += n - first;
}

static struct slice kept(struct keeper *k, struct arena *a) {
    SCOPED_BUF(b, 2 * k->half + 100);
    buf_add_slice(&b, buf_slice(&k->head));
    if (k->behind > k->half) {
        buf_printf(&b, "\n[… %llu bytes left out …]\n", (unsigned long long)(k->behind - k->half));
        buf_add(&b, k->tail + k->at, k->half - k->at);
    }
    buf_add(&b, k->tail, k->at);
    return slice_of(arena_text(a, buf_slice(&b)), b.len);
}

static bool write_run(struct sandbox *s, const struct sandbox_command *c, struct err *e) {
    wire_init(&s->w, WIRE_RUN);
    s->w.n[0] = c->network, s->w.n[1] = c->cpu_seconds, s->w.n[2] = c->file_bytes;
    s->w.n[3] = c->address_bytes, s->w.n[4] = s->processes;
    bool ok = wire_add(&s->w, c->dir ? c->dir : SANDBOX_WORK);
    for (size_t i = 0; ok && c->argv[i]; i++)
        ok = wire_add(&s->w, c->argv[i]);
    ok = ok && wire_add(&s->w, "");
    for (size_t i = 0; ok && c->env && c->env[i]; i++)
        ok = wire_add(&s->w, c->env[i]);
    return ok || sandbox_too_long(e);
}

// Reads the output until the answer is there, then what is still in the pipe. False: deadline or cancel came first.
static bool follow(struct sandbox *s, struct keeper *k, int out, const struct sandbox_command *c,
                   enum sandbox_end *early) {
    struct pollfd p[2] = {{.fd = s->sock, .events = POLLIN}, {.fd = out, .events = POLLIN}};
    uint8_t piece[16384];
    for (;;) {
        uint64_t now = clock_mono_ms();
        bool cancelled = c->cancel && atomic_load(c->cancel);
        *early = cancelled ? SANDBOX_CANCELLED : SANDBOX_DEADLINE;
        if (cancelled || now >= c->deadline_ms)
            return false;
        int wait = c->deadline_ms - now > 1000 ? 1000 : (int)(c->deadline_ms - now);
        if (poll(p, 2, wait) < 0)
            continue;
        ssize_t n = p[1].revents ? read(out, piece, sizeof piece) : 0;
        if (n > 0)
            keep(k, piece, (size_t)n);
        else if (p[1].revents && (n == 0 || errno != EAGAIN))
            p[1].fd = -1; // closed by all: poll passes it over
        if (p[0].revents && n <= 0)
            return true;
    }
}

// Sends the order and follows the command; false: the box itself failed, *e says how.
static bool carry_out(struct sandbox *s, struct keeper *k, const struct sandbox_command *c, struct sandbox_result *out,
                      struct err *e) {
    int pipes[2];
    struct err why = {0};
    enum sandbox_end early;
    bool begun = s->begun;
    s->begun = begun || !c->ours;
    if (pipe2(pipes, O_CLOEXEC) != 0)
        return err_errno(e, "cannot make a pipe");
    fcntl(pipes[0], F_SETFL, O_NONBLOCK);
    bool ok = wire_send(s->sock, &s->w, &(struct wire_fds){.fd = {pipes[1]}, .count = 1}, &why) ||
              sandbox_spoil(s, e, why.msg);
    close(pipes[1]);
    bool late = ok && !follow(s, k, pipes[0], c, &early);
    if (late) {
        out->end = early;
        end_helper(s); // everything inside dies with the socket
    } else if (ok && (ok = take_answer(s, NULL, begun, e))) {
        out->end = s->w.n[0] ? SANDBOX_SIGNALED : SANDBOX_EXITED;
        out->status = (int)(s->w.n[1] & 0xff);
    }
    close(pipes[0]);
    return ok;
}

bool sandbox_run(struct sandbox *s, struct arena *a, const struct sandbox_command *c, struct sandbox_result *out,
                 struct err *e) {
    uint64_t start = clock_mono_ms();
    struct err why = {0};
    *out = (struct sandbox_result){0};
    if (s->sock < 0)
        return err_set(e, ERR_UNAVAILABLE, "the sandbox has been killed");
    if (!write_run(s, c, e))
        return false;
    struct keeper k = {.half = c->output_max / 2 ? c->output_max / 2 : 1};
    k.head = buf_init(k.half);
    k.tail = xmalloc(k.half);
    bool ok = carry_out(s, &k, c, out, &why);
    out->output = kept(&k, a);
    out->cut = k.behind > k.half;
    buf_free(&k.head);
    free(k.tail);
    out->out_of_memory = cgroup_ran_out(&s->group, &s->seen);
    out->wall_ms = clock_mono_ms() - start;
    if (ok)
        return true;
    if (!sandbox_spoiled(s)) {
        *e = why;
        return false;
    }
    out->end = SANDBOX_BROKEN;
    out->why = arena_strdup(a, why.msg);
    return true;
}
