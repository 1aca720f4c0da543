// SPDX-License-Identifier: Apache-2.0
// One run of a trivial cached guest: in the engine alone, and with the process that it has for itself.
#include "executor/exec.h"
#include "base/clock.h"
#include "base/file.h"
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>

#define RUNS 400
#define THREADS 2
#define SLOTS 4
#define OTHER_RUNS_PER_SECOND 15.8 // the public implementation, one worker, comparable cores

// (module (memory (export "memory") 1) (func (export "_start")))
static const uint8_t trivial[] = {0, 'a', 's', 'm', 1,   0,   0,   0,   1, 4, 1,   0x60, 0,   0,   3,   2,   1,
                                  0, 5,   3,   1,   0,   1,   7,   19,  2, 6, 'm', 'e',  'm', 'o', 'r', 'y', 2,
                                  0, 6,   '_', 's', 't', 'a', 'r', 't', 0, 0, 10,  4,    1,   2,   0,   11};
static struct exec_pool *pool;

static struct exec_result run(struct arena *a) {
    struct exec_result r;
    struct err e;
    struct exec_request q = {.wasm = slice_of(trivial, sizeof trivial), .limits = {1000000, 16, 10, 4096}};
    if (!exec_run(pool, a, &q, &r, &e) || r.end != EXEC_OK) {
        fprintf(stderr, "exec: %s\n", r.detail ? r.detail : e.msg);
        exit(1);
    }
    return r;
}

static int compare(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void *work(void *unused) {
    for (int i = 0; i < RUNS / THREADS; i++) {
        SCOPED_ARENA(a);
        run(a);
    }
    return unused;
}

static double seconds(const struct rusage *u) {
    return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) +
           (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1e6;
}

// What is a process's own, and its share of what it has together with others, of all below `pid`.
static uint64_t descendants_kb(int pid) {
    char path[64], line[128];
    uint64_t sum = 0, kb;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, pid);
    FILE *f = fopen(path, "r"), *rollup;
    for (int child; f && fscanf(f, "%d", &child) == 1;) {
        snprintf(path, sizeof path, "/proc/%d/smaps_rollup", child);
        rollup = fopen(path, "r");
        while (rollup && fgets(line, sizeof line, rollup))
            if (sscanf(line, "Pss: %" SCNu64, &kb) == 1)
                sum += kb;
        if (rollup)
            fclose(rollup);
        sum += descendants_kb(child);
    }
    if (f)
        fclose(f);
    return sum;
}

int main(void) {
    static uint64_t inside[RUNS], whole[RUNS];
    struct err e;
    SCOPED_ARENA(a);
    struct exec_settings s = {.program = arena_printf(a, "%s/../bin/outlayer-executor", file_program_dir(a)),
                              .prestarted = SLOTS};
    if (!exec_pool_new(&pool, &s, &e)) {
        fprintf(stderr, "exec: %s\n", e.msg);
        return 1;
    }
    run(a); // compiles
    for (int i = 0; i < RUNS; i++) {
        uint64_t start = clock_mono_us();
        inside[i] = run(a).run_us;
        whole[i] = clock_mono_us() - start;
    }
    qsort(inside, RUNS, sizeof *inside, compare);
    qsort(whole, RUNS, sizeof *whole, compare);
    printf("in the engine, with instantiation   p50 %6.3f ms  p99 %6.3f ms\n", (double)inside[RUNS / 2] / 1000,
           (double)inside[RUNS * 99 / 100] / 1000);
    printf("with its process                    p50 %6.3f ms  p99 %6.3f ms\n", (double)whole[RUNS / 2] / 1000,
           (double)whole[RUNS * 99 / 100] / 1000);
    pthread_t threads[THREADS];
    uint64_t start = clock_mono_us();
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, work, NULL) != 0)
            return 1;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    double rate = RUNS / ((double)(clock_mono_us() - start) / 1e6);
    printf("runs a second, %d at a time          %6.1f (reference %.1f for whole requests)\n", THREADS, rate,
           OTHER_RUNS_PER_SECOND);
    printf("memory of a slot that waits          %6.1f MB\n", (double)descendants_kb(getpid()) / 1024 / SLOTS);
    exec_pool_free(pool);
    struct rusage own, others;
    getrusage(RUSAGE_SELF, &own);
    getrusage(RUSAGE_CHILDREN, &others);
    printf("processor time of a run              %6.3f ms (all processes; %.2f of it here)\n",
           (seconds(&own) + seconds(&others)) * 1000 / (2 * RUNS), seconds(&own) / (seconds(&own) + seconds(&others)));
    return 0;
}
