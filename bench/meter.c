// SPDX-License-Identifier: Apache-2.0
// What metering costs: each guest of bench/guests in the engine as it is, and rewritten, in turns, both with canonical
// NaNs; what these cost by themselves; and the same as a native program.
#include "base/file.h"
#include "wasm/engine.h"
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define ROUNDS 21
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

// What one guest takes, in turns: as it is, metered, without canonical NaNs, as a native program.
enum way { PLAIN, METERED, OTHER, NATIVE, WAYS };
struct rounds {
    double us[WAYS][ROUNDS];
};

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const double *values) {
    double sorted[ROUNDS];
    memcpy(sorted, values, sizeof sorted);
    qsort(sorted, ROUNDS, sizeof *sorted, compare);
    return sorted[ROUNDS / 2];
}

// The median of what each round gives by itself: both stand beside one another in time, so that what else the machine
// does at that moment, and the pace of its clock, are the same for both; a round that was hit differs and does not
// count. The best of each would compare one round's luck with another's.
static double ratio(const struct rounds *r, enum way one, enum way by) {
    double each[ROUNDS];
    for (int i = 0; i < ROUNDS; i++)
        each[i] = r->us[one][i] / r->us[by][i];
    return median(each);
}

static bool compile_all(struct arena *a, const char *path, struct buf code[static NATIVE], struct err *e) {
    SCOPED_BUF(rewritten, CODE_MAX_BYTES);
    struct slice wasm;
    return file_read(a, arena_printf(a, "%s.wasm", path), CODE_MAX_BYTES, &wasm, e) &&
           meter_rewrite(wasm, &meter_prices_outlayer, &rewritten, e) &&
           engine_compile(engine, wasm, WASM_CORE, &code[PLAIN], e) &&
           engine_compile(engine, buf_slice(&rewritten), WASM_CORE, &code[METERED], e) &&
           engine_compile(uncanonical, wasm, WASM_CORE, &code[OTHER], e);
}

static void measure(const char *name, double aim) {
    SCOPED_ARENA(a);
    struct err e;
    struct buf code[NATIVE];
    static struct rounds r;
    const char *path = arena_printf(a, "build/bench/guests/%s", name);
    for (int i = 0; i < NATIVE; i++)
        code[i] = buf_init(CODE_MAX_BYTES);
    if (compile_all(a, path, code, &e)) {
        for (int i = 0; i < ROUNDS; i++) {
            // In turns, and each round the other way about: what comes first is not always the same.
            for (int k = 0; k < NATIVE; k++) {
                int way = i % 2 ? NATIVE - 1 - k : k;
                r.us[way][i] = (double)run(way == OTHER ? uncanonical : engine, buf_slice(&code[way]));
            }
            r.us[NATIVE][i] = (double)native(path);
        }
        printf("%-8s %8.1f ms metered, %8.1f ms as it is: %.2f times (aim %.2f); native C %.1f ms: %.2f times\n", name,
               median(r.us[METERED]) / 1000, median(r.us[PLAIN]) / 1000, ratio(&r, METERED, PLAIN), aim,
               median(r.us[NATIVE]) / 1000, ratio(&r, METERED, NATIVE));
        printf("%-8s canonical NaNs by themselves: %.2f times\n", name, ratio(&r, PLAIN, OTHER));
    } else
        printf("%-8s cannot be measured: %s\n", name, e.msg);
    for (int i = 0; i < NATIVE; i++)
        buf_free(&code[i]);
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
