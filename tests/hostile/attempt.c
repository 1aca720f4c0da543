// SPDX-License-Identifier: Apache-2.0
#include "attempt.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/syscall.h>

static const struct attempt *const themes[] = {attempts_descriptors, attempts_processes, attempts_sockets,
                                               attempts_kernel,      attempts_files,     attempts_resources,
                                               attempts_forged};

const struct attempt *attempt_at(size_t n) {
    for (size_t t = 0; t < ARRAY_LEN(themes); t++)
        for (const struct attempt *a = themes[t]; a->name; a++)
            if (n-- == 0)
                return a;
    return NULL;
}

const struct attempt *attempt_named(const char *name) {
    const struct attempt *a;
    for (size_t n = 0; (a = attempt_at(n)); n++)
        if (strcmp(a->name, name) == 0)
            return a;
    return NULL;
}

enum verdict held(struct note *n, const char *fmt, ...) {
    int error = errno;
    va_list ap;
    va_start(ap, fmt);
    int at = vsnprintf(n->text, sizeof n->text, fmt, ap);
    va_end(ap);
    if (error && at >= 0 && (size_t)at < sizeof n->text)
        snprintf(n->text + at, sizeof n->text - (size_t)at, ": %s", strerror(error));
    return HELD;
}

enum verdict broke(struct note *n, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(n->text, sizeof n->text, fmt, ap);
    va_end(ap);
    return BROKE;
}

static bool take_text(const char *word, const char *name, char *to, size_t size) {
    size_t n = strlen(name);
    return strncmp(word, name, n) == 0 && (size_t)snprintf(to, size, "%s", word + n) < size;
}

bool ground_read(struct ground *g, char **words, size_t count) {
    *g = (struct ground){.call = SYS__sysctl}; // of old kernels, and on no list
    for (size_t i = 0; i < count; i++) {
        const char *w = words[i];
        unsigned long long memory, disk, inodes;
        if (sscanf(w, "victim=%d", &g->victim) == 1 || sscanf(w, "shm=%d", &g->shm) == 1 ||
            sscanf(w, "call=%d", &g->call) == 1 || sscanf(w, "port=%u", &g->port) == 1 ||
            sscanf(w, "processes=%u", &g->processes) == 1)
            continue;
        if (sscanf(w, "memory=%llu", &memory) == 1)
            g->memory_bytes = memory;
        else if (sscanf(w, "disk=%llu", &disk) == 1)
            g->disk_bytes = disk;
        else if (sscanf(w, "inodes=%llu", &inodes) == 1)
            g->inodes = inodes;
        else if (!take_text(w, "abstract=", g->abstract, sizeof g->abstract) &&
                 !take_text(w, "queue=", g->queue, sizeof g->queue) &&
                 !take_text(w, "secret=", g->secret, sizeof g->secret) &&
                 !take_text(w, "scratch=", g->scratch, sizeof g->scratch))
            return false;
    }
    return true;
}
