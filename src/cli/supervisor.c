// SPDX-License-Identifier: Apache-2.0
#include "cli/supervisor.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define ENV_MAX 32
#define READY_MAX 4096
#define STOP_MS 6000
#define RESTART_FIRST_MS 100
#define RESTART_LAST_MS 10000

struct child {
    const char *name, *program;
    char *env[ENV_MAX + 1];
    size_t env_count;
    pid_t pid;  // 0: not running
    int errors; // read end of its standard error, -1: closed
    int log;    // its log file
    uint64_t log_bytes;
    char tail[2048]; // the last bytes it logged
    size_t tail_len;
    uint64_t restart_at, delay_ms; // when to start it again, 0: not planned
    bool served;                   // was ready once: only then it is started again
};

struct supervisor {
    struct arena *arena;
    const char *log_dir;
    pthread_mutex_t lock; // guards all below
    pthread_t thread;
    int wake[2]; // a byte here makes the thread look again
    bool stopping;
    struct child children[SUPERVISOR_CHILDREN_MAX];
    size_t count;
};

static void wake(struct supervisor *s) {
    if (write(s->wake[1], "x", 1) < 0 && errno != EAGAIN)
        log_warn("supervisor: cannot wake its thread");
}

static void open_log(struct supervisor *s, struct child *c) {
    char path[4096], older[4100];
    snprintf(path, sizeof path, "%s/%s.log", s->log_dir, c->name);
    snprintf(older, sizeof older, "%s.1", path);
    if (c->log >= 0) {
        close(c->log);
        rename(path, older);
    }
    c->log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    off_t end = c->log >= 0 ? lseek(c->log, 0, SEEK_END) : 0;
    c->log_bytes = end > 0 ? (uint64_t)end : 0;
}

static void keep_tail(struct child *c, const char *p, size_t n) {
    if (n > sizeof c->tail - 1) {
        p += n - (sizeof c->tail - 1);
        n = sizeof c->tail - 1;
    }
    size_t drop = c->tail_len + n > sizeof c->tail - 1 ? c->tail_len + n - (sizeof c->tail - 1) : 0;
    memmove(c->tail, c->tail + drop, c->tail_len - drop);
    memcpy(c->tail + c->tail_len - drop, p, n);
    c->tail_len += n - drop;
    c->tail[c->tail_len] = 0;
}

// Moves what the child has written into its log; the pipe is closed at its end.
static void pump(struct supervisor *s, struct child *c) {
    char piece[8192];
    ssize_t n;
    while ((n = read(c->errors, piece, sizeof piece)) > 0) {
        if (c->log_bytes + (size_t)n > LOG_BYTES_MAX)
            open_log(s, c);
        if (c->log >= 0 && write(c->log, piece, (size_t)n) > 0)
            c->log_bytes += (size_t)n;
        keep_tail(c, piece, (size_t)n);
    }
    if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        close(c->errors);
        c->errors = -1;
    }
}

// A daemon's settings are those that its caller gives: of our own environment only what every program needs passes on.
static void keep_common_environment(void) {
    static const char *const common[] = {"PATH",           "HOME",         "USER",
                                         "LANG",           "LC_ALL",       "TZ",
                                         "TMPDIR",         "LOG_LEVEL",    "LOG_FORMAT",
                                         "SSL_CERT_FILE",  "SSL_CERT_DIR", "ASAN_OPTIONS",
                                         "CURL_CA_BUNDLE", "https_proxy",  "CARGO_HTTP_CAINFO",
                                         "GIT_SSL_CAINFO"};
    const char *values[ARRAY_LEN(common)];
    for (size_t i = 0; i < ARRAY_LEN(common); i++)
        values[i] = getenv(common[i]);
    clearenv();
    for (size_t i = 0; i < ARRAY_LEN(common); i++)
        if (values[i])
            setenv(common[i], values[i], 1);
}

static _Noreturn void become(const struct child *c, int errors, int ready) {
    char fd[16];
    // Ctrl-C in a terminal goes to us alone, so that the children stop in order; if we die they are told.
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    int null = open("/dev/null", O_RDWR);
    if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(errors, 2) < 0 || fcntl(ready, F_SETFD, 0) < 0)
        _exit(126);
    keep_common_environment();
    for (size_t i = 0; i < c->env_count; i++)
        putenv(c->env[i]);
    snprintf(fd, sizeof fd, "%d", ready);
    execl(c->program, c->program, "--ready-fd", fd, (char *)NULL);
    dprintf(2, "cannot run '%s': %s\n", c->program, strerror(errno));
    _exit(127);
}

// Forks the child; *ready is the read end of its ready pipe. The lock is held.
static bool spawn(struct supervisor *s, struct child *c, int *ready, struct err *e) {
    int errors[2], line[2];
    if (pipe2(errors, O_CLOEXEC) != 0)
        return err_errno(e, "cannot make a pipe");
    if (pipe2(line, O_CLOEXEC) != 0) {
        close(errors[0]), close(errors[1]);
        return err_errno(e, "cannot make a pipe");
    }
    if (c->log < 0)
        open_log(s, c);
    pid_t pid = fork();
    if (pid == 0)
        become(c, errors[1], line[1]);
    close(errors[1]), close(line[1]);
    if (pid < 0) {
        close(errors[0]), close(line[0]);
        return err_errno(e, "cannot start '%s'", c->name);
    }
    fcntl(errors[0], F_SETFL, O_NONBLOCK);
    if (c->errors >= 0)
        close(c->errors);
    c->errors = errors[0];
    c->pid = pid;
    c->restart_at = 0;
    *ready = line[0];
    return true;
}

static void plan_restart(struct child *c) {
    c->delay_ms = c->delay_ms ? c->delay_ms * 2 : RESTART_FIRST_MS;
    if (c->delay_ms > RESTART_LAST_MS)
        c->delay_ms = RESTART_LAST_MS;
    c->restart_at = clock_mono_ms() + c->delay_ms;
}

static void reap(struct supervisor *s, struct child *c) {
    int status;
    if (!c->pid || waitpid(c->pid, &status, WNOHANG) != c->pid)
        return;
    if (c->errors >= 0)
        pump(s, c);
    c->pid = 0;
    if (s->stopping || !c->served)
        return;
    log_warn("%s ended by itself (%s %d), starting it again", c->name, WIFSIGNALED(status) ? "signal" : "status",
             WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    plan_restart(c);
}

static void restart_due(struct supervisor *s, struct child *c) {
    struct err e;
    int ready;
    if (s->stopping || !c->restart_at || clock_mono_ms() < c->restart_at)
        return;
    if (spawn(s, c, &ready, &e)) {
        close(ready); // it writes its line into a closed pipe: daemons ignore that
    } else {
        log_err(LOG_ERROR, c->name, &e);
        plan_restart(c);
    }
}

// Waits for output, the end of a child's output, a planned start or a wake-up.
static void *watch(void *arg) {
    struct supervisor *s = arg;
    pthread_mutex_lock(&s->lock);
    while (!s->stopping) {
        struct pollfd p[SUPERVISOR_CHILDREN_MAX + 1] = {{s->wake[0], POLLIN, 0}};
        size_t n = s->count;
        int timeout = -1;
        for (size_t i = 0; i < n; i++) {
            struct child *c = &s->children[i];
            p[i + 1] = (struct pollfd){c->errors, POLLIN, 0};
            // A child whose output has ended is about to end: nothing notifies, so look soon.
            uint64_t now = clock_mono_ms(), due = c->restart_at > now ? c->restart_at - now : 0;
            int wait = c->restart_at ? (int)due : c->pid && c->errors < 0 ? 20 : -1;
            if (wait >= 0 && (timeout < 0 || wait < timeout))
                timeout = wait;
        }
        pthread_mutex_unlock(&s->lock);
        poll(p, n + 1, timeout);
        pthread_mutex_lock(&s->lock);
        char bytes[64];
        while (read(s->wake[0], bytes, sizeof bytes) > 0)
            ;
        for (size_t i = 0; i < s->count; i++) {
            struct child *c = &s->children[i];
            if (c->errors >= 0)
                pump(s, c);
            if (c->errors < 0)
                reap(s, c);
            restart_due(s, c);
        }
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

bool supervisor_new(struct supervisor **out, const char *log_dir, struct err *e) {
    if (!file_make_dirs(log_dir, 0700, e))
        return false;
    struct supervisor *s = xcalloc(1, sizeof *s);
    s->arena = arena_new();
    s->log_dir = arena_strdup(s->arena, log_dir);
    pthread_mutex_init(&s->lock, NULL);
    bool ok = pipe2(s->wake, O_CLOEXEC | O_NONBLOCK) == 0 || err_errno(e, "cannot make a pipe");
    if (ok && pthread_create(&s->thread, NULL, watch, s) != 0)
        ok = err_set(e, ERR_INTERNAL, "cannot start a thread");
    if (!ok) {
        arena_free(s->arena);
        free(s);
        return false;
    }
    *out = s;
    return true;
}

static struct child *by_name(struct supervisor *s, const char *name) {
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->children[i].name, name) == 0)
            return &s->children[i];
    return NULL;
}

// The child's ready line; false when it ended or took too long.
static bool read_ready(int fd, uint64_t timeout_ms, struct buf *line) {
    uint64_t deadline = clock_mono_ms() + timeout_ms;
    while (!memchr(buf_str(line), '\n', line->len)) {
        uint64_t now = clock_mono_ms();
        struct pollfd p = {fd, POLLIN, 0};
        int n = now < deadline ? poll(&p, 1, (int)(deadline - now)) : 0;
        if (n < 0 && errno == EINTR)
            continue;
        char piece[512];
        ssize_t got = n > 0 ? read(fd, piece, sizeof piece) : 0;
        if (got <= 0 || !buf_add(line, piece, (size_t)got))
            return false;
    }
    return true;
}

static bool not_ready(struct supervisor *s, struct child *c, uint64_t timeout_ms, struct err *e) {
    pthread_mutex_lock(&s->lock);
    if (c->pid)
        kill(c->pid, SIGKILL);
    if (c->errors >= 0)
        pump(s, c);
    const char *last = c->tail;
    for (const char *p = c->tail; (p = strchr(p, '\n')) && p[1]; p++)
        last = p + 1;
    err_set(e, ERR_UNAVAILABLE, "%s did not start within %d s: %.*s", c->name, (int)(timeout_ms / 1000),
            (int)strcspn(last, "\n"), last);
    err_hint(e, "its log is %s/%s.log", s->log_dir, c->name);
    pthread_mutex_unlock(&s->lock);
    wake(s);
    return false;
}

bool supervisor_start(struct supervisor *s, struct arena *a, const char *name, const char *program,
                      const char *const *env, uint64_t timeout_ms, const char **ready, struct err *e) {
    pthread_mutex_lock(&s->lock);
    BUG_ON(s->count == SUPERVISOR_CHILDREN_MAX);
    struct child *c = &s->children[s->count];
    *c = (struct child){
        .name = arena_strdup(s->arena, name), .program = arena_strdup(s->arena, program), .errors = -1, .log = -1};
    for (; env && env[c->env_count]; c->env_count++) {
        BUG_ON(c->env_count == ENV_MAX);
        c->env[c->env_count] = arena_strdup(s->arena, env[c->env_count]);
    }
    int fd = -1;
    bool ok = spawn(s, c, &fd, e);
    s->count += ok;
    pthread_mutex_unlock(&s->lock);
    if (!ok)
        return false;
    wake(s);
    SCOPED_BUF(line, READY_MAX);
    ok = read_ready(fd, timeout_ms, &line);
    close(fd);
    if (!ok)
        return not_ready(s, c, timeout_ms, e);
    *ready = arena_text(a, slice_of(line.ptr, strcspn(buf_str(&line), "\n")));
    pthread_mutex_lock(&s->lock);
    c->served = true;
    pthread_mutex_unlock(&s->lock);
    return true;
}

void supervisor_pin(struct supervisor *s, const char *name, const char *setting) {
    pthread_mutex_lock(&s->lock);
    struct child *c = by_name(s, name);
    BUG_ON(!c || c->env_count == ENV_MAX);
    c->env[c->env_count++] = arena_strdup(s->arena, setting);
    pthread_mutex_unlock(&s->lock);
}

// Waits for the end of one child; its output is drained meanwhile, or it could block on a full pipe.
static void stop_child(struct supervisor *s, struct child *c) {
    if (!c->pid)
        return;
    kill(c->pid, SIGTERM);
    uint64_t deadline = clock_mono_ms() + STOP_MS;
    while (c->pid && clock_mono_ms() < deadline) {
        struct pollfd p = {c->errors, POLLIN, 0};
        poll(&p, 1, 20); // ends at its last output; the process itself gives no event beyond that
        if (c->errors >= 0)
            pump(s, c);
        if (waitpid(c->pid, NULL, WNOHANG) == c->pid)
            c->pid = 0;
    }
    if (c->pid) {
        log_warn("%s did not stop within %d s, killed", c->name, STOP_MS / 1000);
        kill(c->pid, SIGKILL);
        waitpid(c->pid, NULL, 0);
        c->pid = 0;
    }
}

void supervisor_stop(struct supervisor *s) {
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_mutex_unlock(&s->lock);
    wake(s);
    pthread_join(s->thread, NULL);
    for (size_t i = s->count; i-- > 0;) {
        struct child *c = &s->children[i];
        stop_child(s, c);
        if (c->errors >= 0)
            close(c->errors);
        if (c->log >= 0)
            close(c->log);
    }
    close(s->wake[0]), close(s->wake[1]);
    arena_free(s->arena);
    free(s);
}
