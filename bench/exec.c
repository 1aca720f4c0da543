// SPDX-License-Identifier: Apache-2.0
// One run of a trivial cached guest: in the engine alone, and with the process that it has for itself.
#include "executor/exec.h"
#include "base/clock.h"
#include "base/file.h"
#include <pthread.h>
#include <stdlib.h>

#define RUNS 400
#define THREADS 2
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

int main(void) {
    static uint64_t inside[RUNS], whole[RUNS];
    struct err e;
    SCOPED_ARENA(a);
    struct exec_settings s = {.program = arena_printf(a, "%s/../bin/outlayer-executor", file_program_dir(a)),
                              .prestarted = 4};
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
    exec_pool_free(pool);
    return 0;
}
