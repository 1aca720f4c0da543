// SPDX-License-Identifier: Apache-2.0
// Filling what the machine has: memory in each way that it can be had, files, processes. Each attempt stops by itself
// somewhat above what was promised.
#include "attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define PIECE (8u << 20)
#define GROWS_DOWN (MAP_PRIVATE | MAP_GROWSDOWN)

// Half as much again; of much, a part of it: what is not held is really used.
static uint64_t too_much(const struct ground *g) {
    uint64_t more = g->memory_bytes / 2, most = 256u << 20;
    return g->memory_bytes + (more < most ? more : most);
}

static void touch(char *p, size_t n) {
    for (size_t i = 0; i < n; i += 4096)
        ((volatile char *)p)[i] = 1;
}

// how: MAP_PRIVATE; or with MAP_SHARED or MAP_GROWSDOWN, of which no limit of a process's data counts anything.
static enum verdict mapped(const struct ground *g, int how, struct note *n) {
    for (uint64_t got = 0; got < too_much(g); got += PIECE) {
        char *p = mmap(NULL, PIECE, PROT_READ | PROT_WRITE, how | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED)
            return held(n, "%llu MB", (unsigned long long)got >> 20);
        touch(p, PIECE);
    }
    return broke(n, "%llu MB", (unsigned long long)too_much(g) >> 20);
}

// What a process's stack may be is not counted as its data, either.
static enum verdict stacked(const struct ground *g, int arg, struct note *n) {
    (void)arg;
    struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY}, now = {0};
    if (syscall(SYS_prlimit64, 0, RLIMIT_STACK, NULL, &now) != 0)
        return held(n, "prlimit64");
    all.rlim_cur = all.rlim_max = now.rlim_max;
    errno = 0;
    if (now.rlim_max > g->memory_bytes && syscall(SYS_prlimit64, 0, RLIMIT_STACK, &all, NULL) == 0)
        return broke(n, "its stack may have as much as it wants");
    return held(n, "its stack may have %llu MB", (unsigned long long)now.rlim_max >> 20);
}

// Reading costs no memory but for what the kernel notes about where nothing is: a page for each 2 MB.
static enum verdict tables(const struct ground *g, int arg, struct note *n) {
    (void)arg;
    uint64_t size = too_much(g) / 4096 * (2ull << 20);
    char *p = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return held(n, "mmap");
    for (uint64_t at = 0; at < size; at += 2ull << 20)
        (void)*(volatile char *)(p + at);
    return broke(n, "%llu MB of page tables", (unsigned long long)too_much(g) >> 20);
}

static enum verdict in_file(int fd, uint64_t stop, struct note *n) {
    static char piece[1 << 20];
    for (uint64_t got = 0; got < stop; got += sizeof piece)
        if (write(fd, piece, sizeof piece) != (ssize_t)sizeof piece)
            return held(n, "%llu MB", (unsigned long long)got >> 20);
    return broke(n, "%llu MB", (unsigned long long)stop >> 20);
}

// By writing, so that no limit of an address space counts it; many, so that no limit of a file does.
static enum verdict memory_files(const struct ground *g, int arg, struct note *n) {
    (void)arg;
    for (uint64_t got = 0; got < too_much(g); got += 4 * PIECE) {
        int fd = memfd_create("x", 0);
        if (fd < 0)
            return held(n, "memfd_create");
        if (in_file(fd, 4 * PIECE, n) == HELD)
            return held(n, "after %llu MB", (unsigned long long)got >> 20);
    }
    return broke(n, "%llu MB", (unsigned long long)too_much(g) >> 20);
}

// Attached one after another: memory stays although nobody has it mapped.
static enum verdict system_v(const struct ground *g, int arg, struct note *n) {
    (void)arg;
    for (uint64_t got = 0; got < too_much(g); got += PIECE) {
        int id = shmget(IPC_PRIVATE, PIECE, 0600);
        char *p = id >= 0 ? shmat(id, NULL, 0) : (void *)-1;
        if (p == (void *)-1)
            return held(n, "%llu MB", (unsigned long long)got >> 20);
        touch(p, PIECE);
        shmdt(p);
    }
    return broke(n, "%llu MB", (unsigned long long)too_much(g) >> 20);
}

// Several processes, each of which stays below what one may have; they live until all have what they want.
static enum verdict together(const struct ground *g, int arg, struct note *n) {
    (void)arg;
    int go[2], done[2], status;
    unsigned failed = 0;
    uint64_t each = too_much(g) / 4;
    char byte;
    if (pipe(go) != 0 || pipe(done) != 0)
        return held(n, "pipe");
    for (int i = 0; i < 4; i++) {
        if (fork() != 0)
            continue;
        char *p = mmap(NULL, each, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED)
            _exit(1);
        touch(p, each);
        close(go[1]);
        close(done[1]);
        _exit(read(go[0], &byte, 1) == 0 ? 0 : 1);
    }
    // The end comes when each has what it wants, or is dead; what lives holds on to it until the other end is closed.
    close(done[1]);
    (void)!read(done[0], &byte, 1);
    close(go[1]);
    while (wait(&status) > 0)
        failed += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    errno = 0;
    return failed ? held(n, "%u of 4 ended", failed) : broke(n, "%llu MB", (unsigned long long)too_much(g) >> 20);
}

static const char *const folders[] = {"/work", "/tmp", "/home", "/dev/shm", "/var/tmp", "/run", "/"};

static enum verdict bytes(const struct ground *g, int arg, struct note *n) {
    (void)arg;
    static char piece[1 << 20];
    uint64_t got = 0, stop = g->disk_bytes + (64u << 20);
    char path[64];
    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        for (int file = 0; file < 4096 && got < stop; file++) {
            snprintf(path, sizeof path, "%s/fill%d", folders[i], file);
            int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600); // a link may name a folder again
            uint64_t before = got;
            for (ssize_t w = 1; fd >= 0 && w > 0 && got < stop && got - before<(16u << 20); got += w> 0 ? (size_t)w : 0)
                w = write(fd, piece, sizeof piece);
            if (fd >= 0)
                close(fd);
            if (got == before)
                break;
        }
    }
    errno = 0;
    return got > g->disk_bytes ? broke(n, "%llu MB in files", (unsigned long long)got >> 20)
                               : held(n, "%llu MB", (unsigned long long)got >> 20);
}

static enum verdict files(const struct ground *g, int arg, struct note *n) {
    (void)arg;
    uint64_t got = 0, stop = g->inodes + 4096;
    char path[64];
    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        for (uint64_t before = ~0ull; got != before && got < stop;) {
            before = got;
            snprintf(path, sizeof path, "%s/%llu", folders[i], (unsigned long long)got);
            int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
            got += fd >= 0;
            if (fd >= 0)
                close(fd);
        }
    }
    errno = 0;
    return got > g->inodes ? broke(n, "%llu files", (unsigned long long)got)
                           : held(n, "%llu files", (unsigned long long)got);
}

static enum verdict processes(const struct ground *g, int arg, struct note *n) {
    (void)arg;
    unsigned made = 0, stop = g->processes + 64;
    int go[2];
    char byte;
    if (pipe(go) != 0)
        return held(n, "pipe");
    while (made < stop) {
        pid_t pid = fork();
        if (pid == 0) {
            close(go[1]);
            _exit(read(go[0], &byte, 1) == 0 ? 0 : 1);
        }
        if (pid < 0)
            break;
        made++;
    }
    int error = errno;
    close(go[1]);
    while (wait(NULL) > 0)
        ;
    errno = error;
    return made >= stop ? broke(n, "%u processes", made) : held(n, "%u processes", made);
}

static void *stay(void *p) {
    (void)pthread_mutex_lock(p);
    (void)pthread_mutex_unlock(p);
    return NULL;
}

static enum verdict threads(const struct ground *g, int arg, struct note *n) {
    (void)arg;
    static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    unsigned made = 0, stop = g->processes + 64;
    pthread_attr_t attr;
    pthread_t t;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 32768);
    pthread_mutex_lock(&gate);
    while (made < stop && (errno = pthread_create(&t, &attr, stay, &gate)) == 0)
        made++;
    return made >= stop ? broke(n, "%u threads", made) : held(n, "%u threads", made);
}

const struct attempt attempts_resources[] = {
    {"memory", IN_ALL, "cgroup_memory", "cgroup_memory,rlimits", NULL, mapped, MAP_PRIVATE, FATAL},
    {"memory-shared", IN_BOX | IN_RUNS, "cgroup_memory", "cgroup_memory,filter", NULL, mapped, MAP_SHARED, FATAL},
    {"memory-grows-down", IN_BOX | IN_RUNS, "cgroup_memory", "cgroup_memory,filter", NULL, mapped, GROWS_DOWN, FATAL},
    {"memory-page-tables", IN_BOX | IN_RUNS, "cgroup_memory", "cgroup_memory", NULL, tables, 0, FATAL | NEEDS_CGROUP},
    {"memory-stack", IN_EXECUTOR, NULL, "rlimits", NULL, stacked, 0, 0},
    {"memory-files", IN_BOX, "cgroup_memory", NULL, NULL, memory_files, 0, FATAL},
    {"memory-system-v", IN_BOX, "cgroup_memory", NULL, NULL, system_v, 0, FATAL},
    {"memory-together", IN_BOX, "cgroup_memory", NULL, NULL, together, 0, FATAL | NEEDS_CGROUP},
    {"disk", IN_BOX, "tmpfs,cgroup_memory", NULL, NULL, bytes, 0, FATAL},
    {"inodes", IN_BOX, "tmpfs", NULL, NULL, files, 0, 0},
    {"processes", IN_BOX, "cgroup_pids,rlimits", NULL, NULL, processes, 0, 0},
    {"threads", IN_ALL, "cgroup_pids,rlimits", "cgroup_pids,rlimits", NULL, threads, 0, NEEDS_COUNT},
    {0},
};
