// SPDX-License-Identifier: Apache-2.0
#include "executor/pool.h"

#include "base/clock.h"
#include "base/log.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define READY_MAX 16
#define CHILD_SOCKET 3
#define LOOK_MS 100    // how often a flag that nobody signals is looked at
#define START_MS 20000 // until a process that is there has confined itself

struct process_pool {
    struct arena *arena;
    const char *program;
    char *environment[2];
    unsigned want;
    pthread_t thread;
    pthread_mutex_t lock; // guards what follows
    pthread_cond_t changed;
    struct process ready[READY_MAX];
    unsigned count;
    bool stopping;
};

static bool spawn(struct process_pool *p, struct process *out, struct err *e) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return err_errno(e, "cannot make a socket pair");
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigemptyset(&none);
    posix_spawn_file_actions_init(&files);
    // dup2 onto itself clears close-on-exec as well, so the number may happen to be right already.
    posix_spawn_file_actions_adddup2(&files, pair[1], CHILD_SOCKET);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&files, CHILD_SOCKET + 1);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigmask(&attributes, &none);
    char *argv[] = {(char *)(uintptr_t)p->program, (char[]){'0' + CHILD_SOCKET, 0}, NULL};
    int pid, rc = posix_spawn(&pid, p->program, &files, &attributes, argv, p->environment);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    close(pair[1]);
    if (rc != 0) {
        close(pair[0]);
        err_set(e, ERR_UNAVAILABLE, "cannot start '%s': %s", p->program, strerror(rc));
        return err_hint(e, "outlayer-executor belongs beside the other programs");
    }
    *out = (struct process){pid, (int)syscall(SYS_pidfd_open, pid, 0), pair[0]};
    return true;
}

// Keeps `want` processes ready.
static void *refill(void *arg) {
    struct process_pool *p = arg;
    pthread_mutex_lock(&p->lock);
    while (!p->stopping) {
        if (p->count >= p->want) {
            pthread_cond_wait(&p->changed, &p->lock);
            continue;
        }
        pthread_mutex_unlock(&p->lock);
        struct process x;
        struct err e;
        bool ok = spawn(p, &x, &e);
        pthread_mutex_lock(&p->lock);
        if (ok)
            p->ready[p->count++] = x;
        else { // the next job says what is wrong; until then there is nothing to do here
            log_err(LOG_WARN, "no executor ahead", &e);
            pthread_cond_wait(&p->changed, &p->lock);
        }
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

bool process_pool_new(struct process_pool **out, const char *program, unsigned ready, struct err *e) {
    struct process_pool *p = xcalloc(1, sizeof *p);
    p->arena = arena_new();
    p->program = arena_strdup(p->arena, program);
    p->environment[0] = (char *)(uintptr_t) "PATH=/usr/bin:/bin";
    p->want = ready > READY_MAX ? READY_MAX : ready;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, NULL);
    if (access(program, X_OK) != 0 || pthread_create(&p->thread, NULL, refill, p) != 0) {
        err_errno(e, "cannot start '%s'", program);
        arena_free(p->arena);
        free(p);
        return err_hint(e, "outlayer-executor belongs beside the other programs");
    }
    *out = p;
    return true;
}

void process_pool_free(struct process_pool *p) {
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->stopping = true;
    pthread_cond_signal(&p->changed);
    pthread_mutex_unlock(&p->lock);
    pthread_join(p->thread, NULL);
    for (unsigned i = 0; i < p->count; i++)
        process_end(&p->ready[i], NULL);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->changed);
    arena_free(p->arena);
    free(p);
}

static bool is_alive(const struct process *x) {
    struct pollfd f = {x->pidfd, POLLIN, 0};
    return poll(&f, 1, 0) == 0;
}

bool process_take(struct process_pool *p, struct process *out, struct err *e) {
    for (;;) {
        pthread_mutex_lock(&p->lock);
        bool ready = p->count;
        if (ready)
            *out = p->ready[--p->count];
        pthread_cond_signal(&p->changed);
        pthread_mutex_unlock(&p->lock);
        if (!ready)
            return spawn(p, out, e);
        if (is_alive(out))
            return true;
        process_end(out, NULL); // died while it waited
    }
}

void process_end(struct process *x, struct process_fate *fate) {
    struct process_fate f = {0};
    if (x->pid > 0) {
        kill(x->pid, SIGKILL); // one that is ending already keeps its own status
        int pid;
        while ((pid = waitpid(x->pid, &f.status, 0)) < 0 && errno == EINTR)
            ;
        f.known = pid == x->pid;
    }
    if (fate)
        *fate = f;
    if (x->pidfd >= 0)
        close(x->pidfd);
    if (x->sock >= 0)
        close(x->sock);
    *x = (struct process){0, -1, -1};
}

// Reads exactly n bytes; a closed socket is a death.
static enum process_read read_exactly(const struct process *x, void *to, size_t n, const struct patience *w) {
    for (size_t got = 0; got < n;) {
        uint64_t left = patience_left(w);
        struct pollfd f = {x->sock, POLLIN, 0};
        if (!left)
            return patience_cancelled(w) ? PROCESS_CANCELLED : PROCESS_LATE;
        int rc = poll(&f, 1, left < LOOK_MS ? (int)left : LOOK_MS);
        if (rc == 0 || (rc < 0 && errno == EINTR))
            continue;
        ssize_t m = recv(x->sock, (uint8_t *)to + got, n - got, MSG_DONTWAIT);
        if (m < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (m <= 0)
            return PROCESS_DIED;
        got += (size_t)m;
    }
    return PROCESS_ANSWERED;
}

enum process_read process_begun(struct process *x, const struct patience *w) {
    struct patience start = patience_within(w, START_MS);
    uint8_t word;
    switch (read_exactly(x, &word, 1, &start)) {
    case PROCESS_ANSWERED: return word == JOB_BEGUN ? PROCESS_ANSWERED : PROCESS_UNBEGUN;
    case PROCESS_CANCELLED: return PROCESS_CANCELLED;
    case PROCESS_UNBEGUN:
    case PROCESS_DIED:
    case PROCESS_LATE: break;
    }
    return PROCESS_UNBEGUN;
}

enum process_read process_answer(struct process *x, const struct job *job, const struct patience *w, struct arena *a,
                                 struct job_answer *answer, struct slice *output, struct slice *errors) {
    *output = *errors = (struct slice){NULL, 0};
    enum process_read r = read_exactly(x, answer, sizeof *answer, w);
    if (r != PROCESS_ANSWERED)
        return r;
    answer->text[sizeof answer->text - 1] = 0;
    if (answer->output_len > job->output_max || answer->errors_len > job->errors_max)
        return PROCESS_DIED; // not what our own code writes
    uint8_t *o = arena_alloc(a, answer->output_len + 1), *s = arena_alloc(a, answer->errors_len + 1);
    r = read_exactly(x, o, answer->output_len, w);
    if (r == PROCESS_ANSWERED)
        r = read_exactly(x, s, answer->errors_len, w);
    if (r == PROCESS_ANSWERED) {
        o[answer->output_len] = s[answer->errors_len] = 0;
        *output = slice_of(o, answer->output_len);
        *errors = slice_of(s, answer->errors_len);
    }
    return r;
}
