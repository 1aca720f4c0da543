// SPDX-License-Identifier: Apache-2.0
// What metering costs: each guest of bench/guests in the engine as it is, and rewritten, in turns, both with canonical
// NaNs; what these cost by themselves; and the same as a native program.
#include "base/file.h"
#include "wasm/engine.h"
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define ROUNDS 5
#define CODE_MAX_BYTES (64u << 20)
#define CEILING (512ull << 20)

static struct engine *engine, *uncanonical;
static int page_fd;
static struct meter_page *page;

// Time of the processor, not of the wall: other work on the machine counts less.
static uint64_t cpu_us(int whose) {
    struct rusage u;
    BUG_ON(getrusage(whose, &u) != 0);
    return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000u +
           (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static uint64_t run(struct engine *g, struct slice code) {
    SCOPED_BUF(output, 4096);
    SCOPED_BUF(errors, 4096);
    meter_page_init(page, METER_LIMIT_MAX);
    struct engine_run r = {.memory = {page_fd, page, CEILING}, .code = code, .output = &output, .errors = &errors};
    struct engine_outcome o;
    uint64_t start = cpu_us(RUSAGE_SELF);
    engine_run(g, &r, &o);
    BUG_ON(o.end != ENGINE_RETURNED || !output.len);
    return cpu_us(RUSAGE_SELF) - start;
}

static uint64_t native(const char *program) {
    SCOPED_ARENA(a);
    const char *command = arena_printf(a, "%s >/dev/null", program);
    uint64_t start = cpu_us(RUSAGE_CHILDREN);
    BUG_ON(system(command) != 0);
    return cpu_us(RUSAGE_CHILDREN) - start;
}

static void least(uint64_t *best, uint64_t us) { *best = us < *best ? us : *best; }

// The best of some rounds, the three in turns: other work on the machine hits all alike.
static void measure(const char *name, double aim) {
    SCOPED_ARENA(a);
    SCOPED_BUF(rewritten, CODE_MAX_BYTES);
    SCOPED_BUF(plain_code, CODE_MAX_BYTES);
    SCOPED_BUF(metered_code, CODE_MAX_BYTES);
    SCOPED_BUF(other_code, CODE_MAX_BYTES);
    struct slice wasm;
    struct err e;
    uint64_t plain = UINT64_MAX, other = UINT64_MAX, metered = UINT64_MAX, machine = UINT64_MAX;
    const char *path = arena_printf(a, "build/bench/guests/%s", name);
    if (!file_read(a, arena_printf(a, "%s.wasm", path), CODE_MAX_BYTES, &wasm, &e) ||
        !meter_rewrite(wasm, &meter_prices_outlayer, &rewritten, &e) ||
        !engine_compile(engine, wasm, WASM_CORE, &plain_code, &e) ||
        !engine_compile(uncanonical, wasm, WASM_CORE, &other_code, &e) ||
        !engine_compile(engine, buf_slice(&rewritten), WASM_CORE, &metered_code, &e)) {
        printf("%-8s cannot be measured: %s\n", name, e.msg);
        return;
    }
    for (int i = 0; i < ROUNDS; i++) {
        least(&plain, run(engine, buf_slice(&plain_code)));
        least(&metered, run(engine, buf_slice(&metered_code)));
        least(&other, run(uncanonical, buf_slice(&other_code)));
        least(&machine, native(path));
    }
    printf("%-8s %8.1f ms metered, %8.1f ms as it is: %.2f times (aim %.2f); native C %.1f ms: %.2f times\n", name,
           (double)metered / 1000, (double)plain / 1000, (double)metered / (double)plain, aim, (double)machine / 1000,
           (double)metered / (double)machine);
    printf("%-8s canonical NaNs by themselves: %.2f times\n", name, (double)plain / (double)other);
}

int main(void) {
    struct err e;
    page_fd = memfd_create("page", 0);
    BUG_ON(page_fd < 0 || ftruncate(page_fd, ENGINE_PAGE_BYTES) != 0);
    page = mmap(NULL, ENGINE_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, page_fd, 0);
    BUG_ON(page == MAP_FAILED || !engine_new(&engine, &e) || !engine_new_uncanonical(&uncanonical, &e));
    measure("sha256", 1.06);
    measure("sieve", 1.12);
    measure("matrix", 1.25);
    engine_free(engine);
    engine_free(uncanonical);
    return 0;
}
