// SPDX-License-Identifier: Apache-2.0
#include "sandbox/sandbox.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "sandbox/confine.h"
#include "sandbox/wire.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

struct sandbox {
    int sock;
    pid_t pid; // outlayer-sandbox
    struct cgroup group;
    uint32_t processes;
    struct wire w; // the message under way
};

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
    char *argv[] = {(char *)(uintptr_t) "outlayer-sandbox", NULL}, *env[] = {NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attr);
    posix_spawn_file_actions_adddup2(&actions, pair[1], 3);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawnattr_setsigmask(&attr, &none);
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

// One question and its answer; a failure that the other side reports becomes *e.
static bool answered(struct sandbox *s, int *fd, struct err *e) {
    if (!wire_receive(s->sock, &s->w, fd, e))
        return false;
    return !s->w.failed || err_set(e, s->w.failed <= ERR_SETTINGS + 1 ? (enum err_code)(s->w.failed - 1) : ERR_IO,
                                   "%.*s", (int)s->w.text_len, s->w.text);
}

static bool ask(struct sandbox *s, int *fd, struct err *e) {
    return wire_send(s->sock, &s->w, -1, e) && answered(s, fd, e);
}

static bool too_long(struct err *e) { return err_set(e, ERR_TOO_LARGE, "too many or too long words for a sandbox"); }

static bool write_open(struct sandbox *s, const struct sandbox_spec *spec, unsigned uid, struct err *e) {
    wire_init(&s->w, WIRE_OPEN);
    s->w.n[0] = spec->work_bytes, s->w.n[1] = spec->tmp_bytes, s->w.n[2] = uid;
    bool ok = wire_add(&s->w, spec->system ? spec->system : "");
    for (size_t i = 0; ok && i < spec->mount_count; i++) {
        const struct sandbox_mount *m = &spec->mounts[i];
        ok = wire_add(&s->w, m->from) && wire_add(&s->w, m->to);
    }
    ok = ok && wire_add(&s->w, "");
    for (size_t i = 0; ok && spec->hidden && spec->hidden[i]; i++)
        ok = wire_add(&s->w, spec->hidden[i]);
    return ok || too_long(e);
}

static bool open_as(struct sandbox **out, const struct sandbox_spec *spec, unsigned uid, struct err *e) {
    struct sandbox *s = xcalloc(1, sizeof *s);
    s->sock = -1, s->pid = -1, s->processes = spec->processes;
    bool ok = write_open(s, spec, uid, e) && start_helper(s, spec->helper, e);
    if (ok) {
        // What has been started is one process that waits for its orders: all that it starts is in the group too.
        cgroup_make(&s->group, spec->memory_bytes, spec->processes);
        ok = cgroup_add(&s->group, s->pid, e) && ask(s, NULL, e);
    }
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

void sandbox_close(struct sandbox *s) {
    if (!s)
        return;
    if (s->sock >= 0)
        close(s->sock);
    if (s->pid > 0)
        await_helper(s->pid);
    cgroup_remove(&s->group);
    free(s);
}

// --- what the machine offers
// ------------------------------------------------------------------------------------------

static pthread_mutex_t probe_lock = PTHREAD_MUTEX_INITIALIZER;
static struct sandbox_offer offer;
static bool probed;

static bool try_box(const char *helper, unsigned uid, struct err *e) {
    SCOPED_ARENA(a);
    static const char *const argv[] = {"/bin/sh", "-c", "test -r /proc/self/stat && test ! -e /root && : > /work/x",
                                       NULL};
    static const char *const env[] = {NULL};
    struct sandbox_spec spec = {.helper = helper, .work_bytes = 1 << 20, .tmp_bytes = 1 << 20, .processes = 100};
    struct sandbox_command c = {
        .argv = argv, .env = env, .deadline_ms = clock_mono_ms() + 10000, .cpu_seconds = 5, .output_max = 1000};
    struct sandbox_result r = {0};
    struct sandbox *s;
    if (!open_as(&s, &spec, uid, e))
        return false;
    bool ok = sandbox_run(s, a, &c, &r, e);
    sandbox_close(s);
    return ok && ((r.end == SANDBOX_EXITED && r.status == 0) ||
                  err_set(e, ERR_UNAVAILABLE, "a command in a sandbox ended badly (%d): %.*s", r.status,
                          (int)r.output.len, r.output.ptr ? (const char *)r.output.ptr : ""));
}

static void probe(const char *helper) {
    // As root: somebody whom nobody else is, so that the kernel counts this user's processes for us; where the
    // container that we are in does not have such a number, nobody; where it has only one, ourselves.
    unsigned ids[] = {2000000733, 65534, geteuid()};
    struct err e = {0};
    for (size_t i = geteuid() == 0 ? 0 : 2; i < ARRAY_LEN(ids) && !offer.can_isolate; i++) {
        offer.uid = ids[i];
        offer.can_isolate = try_box(helper, ids[i], &e);
    }
    offer.cgroup = cgroup_probe();
    offer.landlock_abi = confine_landlock_abi();
    if (!offer.can_isolate)
        snprintf(offer.text, sizeof offer.text, "no isolation here: %.200s", e.msg);
    else
        snprintf(offer.text, sizeof offer.text, "namespaces, seccomp, limits%s%s%s",
                 offer.cgroup.memory ? ", memory by cgroup" : "; no cgroup for memory (limited for each process)",
                 offer.cgroup.pids ? ", processes by cgroup" : "", offer.cgroup.version == 2 ? " v2" : "");
}

const struct sandbox_offer *sandbox_probe(const char *helper) {
    pthread_mutex_lock(&probe_lock);
    if (!probed)
        probe(helper);
    probed = true;
    pthread_mutex_unlock(&probe_lock);
    return &offer;
}

const struct sandbox_offer *sandbox_probe_again(const char *helper) {
    pthread_mutex_lock(&probe_lock);
    offer = (struct sandbox_offer){0};
    probed = false;
    pthread_mutex_unlock(&probe_lock);
    return sandbox_probe(helper);
}

bool sandbox_open(struct sandbox **out, const struct sandbox_spec *spec, struct err *e) {
    const struct sandbox_offer *o = sandbox_probe(spec->helper);
    *out = NULL;
    if (!o->can_isolate)
        return err_set(e, ERR_UNAVAILABLE, "%s", o->text);
    return open_as(out, spec, o->uid, e);
}

// --- commands
// ---------------------------------------------------------------------------------------------------------

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
    return ok || too_long(e);
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

bool sandbox_run(struct sandbox *s, struct arena *a, const struct sandbox_command *c, struct sandbox_result *out,
                 struct err *e) {
    int pipes[2];
    enum sandbox_end early;
    uint64_t start = clock_mono_ms();
    *out = (struct sandbox_result){0};
    if (s->pid <= 0 || s->sock < 0)
        return err_set(e, ERR_UNAVAILABLE, "the sandbox has been killed");
    if (!write_run(s, c, e))
        return false;
    if (pipe2(pipes, O_CLOEXEC) != 0)
        return err_errno(e, "cannot make a pipe");
    fcntl(pipes[0], F_SETFL, O_NONBLOCK);
    struct keeper k = {.half = c->output_max / 2 ? c->output_max / 2 : 1};
    k.head = buf_init(k.half);
    k.tail = xmalloc(k.half);
    bool ok = wire_send(s->sock, &s->w, pipes[1], e);
    close(pipes[1]);
    bool late = ok && !follow(s, &k, pipes[0], c, &early);
    if (ok && !late)
        ok = answered(s, NULL, e);
    out->output = kept(&k, a);
    out->wall_ms = clock_mono_ms() - start;
    out->out_of_memory = cgroup_killed_for_memory(&s->group);
    out->end = late ? early : s->w.n[0] ? SANDBOX_SIGNALED : SANDBOX_EXITED;
    out->status = late ? 0 : (int)s->w.n[1];
    buf_free(&k.head);
    free(k.tail);
    close(pipes[0]);
    if (late) { // everything inside dies with the socket
        close(s->sock);
        s->sock = -1;
        await_helper(s->pid);
        s->pid = -1;
    }
    return ok;
}

// --- files
// ------------------------------------------------------------------------------------------------------------

bool sandbox_read(struct sandbox *s, struct arena *a, const char *path, size_t max, struct slice *out, struct err *e) {
    int fd = -1;
    struct stat st;
    *out = (struct slice){NULL, 0};
    wire_init(&s->w, WIRE_READ);
    if (!wire_add(&s->w, path))
        return too_long(e);
    if (!ask(s, &fd, e))
        return false;
    if (fd < 0 || fstat(fd, &st) != 0)
        return err_set(e, ERR_CORRUPT, "the sandbox gave no file for '%s'", path);
    bool ok = (uint64_t)st.st_size <= max || err_set(e, ERR_TOO_LARGE, "'%s' is larger than %zu bytes", path, max);
    uint8_t *p = ok ? arena_alloc(a, (size_t)st.st_size + 1) : NULL;
    size_t got = 0;
    for (ssize_t n = 1; ok && got < (size_t)st.st_size && n > 0; got += n > 0 ? (size_t)n : 0)
        if ((n = pread(fd, p + got, (size_t)st.st_size - got, (off_t)got)) < 0)
            ok = err_errno(e, "cannot read '%s'", path);
    close(fd);
    if (ok) {
        p[got] = 0;
        *out = slice_of(p, got);
    }
    return ok;
}

static int by_path(const void *x, const void *y) {
    return strcmp(((const struct sandbox_file *)x)->path, ((const struct sandbox_file *)y)->path);
}

bool sandbox_scan(struct sandbox *s, struct arena *a, const char *dir, struct slice magic, size_t max,
                  struct sandbox_file **out, size_t *count, bool *cut, struct err *e) {
    char *strings[WIRE_STRINGS_MAX];
    size_t n;
    *out = NULL, *count = 0, *cut = false;
    BUG_ON(magic.len > 8 || max > WIRE_STRINGS_MAX / 2);
    wire_init(&s->w, WIRE_SCAN);
    s->w.n[0] = max, s->w.n[1] = magic.len;
    memcpy(&s->w.n[2], magic.ptr, magic.len);
    if (!wire_add(&s->w, dir))
        return too_long(e);
    if (!ask(s, NULL, e))
        return false;
    if (!wire_strings(&s->w, strings, &n) || n % 2 || n / 2 != s->w.n[0])
        return err_set(e, ERR_CORRUPT, "the sandbox gave a malformed list of files");
    *out = arena_calloc(a, n / 2 + 1, sizeof **out);
    *cut = s->w.n[1] != 0;
    for (size_t i = 0; i + 1 < n; i += 2) {
        struct sandbox_file *f = &(*out)[(*count)++];
        unsigned long long size, inode, changed;
        if (sscanf(strings[i + 1], "%llu %llu %llu", &size, &inode, &changed) != 3)
            return err_set(e, ERR_CORRUPT, "the sandbox gave a malformed list of files");
        *f = (struct sandbox_file){arena_strdup(a, strings[i]), size, inode, changed};
    }
    qsort(*out, *count, sizeof **out, by_path);
    return true;
}

bool sandbox_listen(struct sandbox *s, int *fd, unsigned *port, struct err *e) {
    *fd = -1;
    wire_init(&s->w, WIRE_LISTEN);
    if (!ask(s, fd, e))
        return false;
    *port = (unsigned)s->w.n[0];
    return *fd >= 0 || err_set(e, ERR_CORRUPT, "the sandbox gave no socket");
}
