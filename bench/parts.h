// SPDX-License-Identifier: Apache-2.0
// What the parts of a measurement used: this process, and the database servers beside it, which are found by their
// programs' names. So nothing else of these names may be at work on the machine meanwhile.
#pragma once
#include <ctype.h>
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static inline uint64_t clock_us(clockid_t which) {
    struct timespec t;
    clock_gettime(which, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

struct used {
    uint64_t us, kib; // of processor; of memory, what is shared divided by those who share it
};

// Its text in full, or "" where the process has ended meanwhile.
static inline const char *proc_read(const char *pid, const char *file, char *out, size_t size) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%.20s/%s", pid, file);
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(out, 1, size - 1, f) : 0;
    if (f)
        fclose(f);
    out[n] = 0;
    return out;
}

static inline void used_add(struct used *all, const char *pid, const char *stat) {
    char text[4096];
    unsigned long user = 0, system = 0;
    const char *after = strrchr(stat, ')'), *pss;
    if (!after || sscanf(after, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
        return;
    all->us += (user + system) * 1000000 / (unsigned long)sysconf(_SC_CLK_TCK);
    pss = strstr(proc_read(pid, "smaps_rollup", text, sizeof text), "\nPss:");
    all->kib += pss ? strtoul(pss + 5, NULL, 10) : 0;
}

// By all processes whose program is called so.
static inline struct used used_by(const char *program) {
    struct used all = {0};
    char stat[1024], name[32];
    DIR *d = opendir("/proc");
    snprintf(name, sizeof name, "(%.15s)", program);
    for (struct dirent *x; d && (x = readdir(d));)
        if (isdigit((unsigned char)x->d_name[0]) && strstr(proc_read(x->d_name, "stat", stat, sizeof stat), name))
            used_add(&all, x->d_name, stat);
    if (d)
        closedir(d);
    return all;
}

static inline struct used used_here(void) {
    struct used all = {0};
    char stat[1024];
    used_add(&all, "self", proc_read("self", "stat", stat, sizeof stat));
    all.us = clock_us(CLOCK_PROCESS_CPUTIME_ID); // finer than what the line says
    return all;
}
