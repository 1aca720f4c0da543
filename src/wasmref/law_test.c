// SPDX-License-Identifier: Apache-2.0
// The law of metering, over many random modules: what the rewriter makes of a module computes what the module computes,
// ends as it ends, and counts what a plain interpreter counts. LAW_SEED and LAW_MODULES change what is tried.
#include "base/test.h"
#include "wasmref/engine.h"

#include <malloc.h>
#include <pthread.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifdef SANITIZED
#define MODULES 300   // the full number runs without sanitizers
#define THREADS_MAX 1 // TSan did not see the engine being compiled, and what it locks
#else
#define MODULES 10000
#define THREADS_MAX 8
#endif
#define SEED 20251124
#define GAS_MAX ((int64_t)1000000000000000) // of one call, at most

struct law {
    pthread_t thread;
    uint64_t first, count; // modules of this thread
    struct eng *engine;
    struct meter_page *page;
    uint64_t seed; // of the module at hand
    struct slice bytes;
    struct gen_module shape;
    union ref_value args[32][4];
    struct eng_run got;
    struct eng_module *metered, *near;
    uint64_t rng;
    unsigned ends[8], traps[16], near_ends[8], exhausted, near_exhausted, fuel; // how often each was met
};

// The laws run in a thread of their own, out of which cmocka's failures cannot jump.
#define law_fail(l, ...)                                                                                               \
    do {                                                                                                               \
        print_error("module of seed %llu: ", (unsigned long long)(l)->seed);                                           \
        print_error(__VA_ARGS__);                                                                                      \
        print_error("\n");                                                                                             \
        exit(1);                                                                                                       \
    } while (0)
#define want_eq(l, what, got, want)                                                                                    \
    do {                                                                                                               \
        unsigned long long g_ = (unsigned long long)(got), w_ = (unsigned long long)(want);                            \
        if (g_ != w_)                                                                                                  \
            law_fail(l, "%s:%d: %s: got %llu, want %llu", __func__, __LINE__, what, g_, w_);                           \
    } while (0)

static struct eng_module *rewrite(struct law *l, const struct meter_prices *p, enum eng_kind kind) {
    SCOPED_BUF(out, 64u << 20);
    struct err e;
    if (!meter_rewrite(l->bytes, p, &out, &e))
        law_fail(l, "not rewritten: %s", e.msg);
    struct eng_module *m = eng_compile(l->engine, kind, buf_slice(&out));
    if (!m)
        law_fail(l, "the rewritten module does not compile");
    return m;
}

// The interpreter's run of all functions. Results of the calls that returned go to *results.
static uint32_t reference(struct law *l, struct ref_run *r, union ref_value (*results)[4]) {
    if (!ref_instantiate(r))
        return 0;
    uint32_t calls = 0;
    for (; calls < l->shape.functions; calls++) {
        char name[16];
        snprintf(name, sizeof name, "f%u", calls);
        if (!ref_call_export(r, name, l->args[calls], results[calls]))
            break;
    }
    return calls;
}

static void compare_values(struct law *l, const struct ref_run *r, uint32_t calls, union ref_value (*results)[4]) {
    want_eq(l, "how the run ended", l->got.end, r->end);
    if (r->end == REF_TRAP)
        want_eq(l, "trap", l->got.trap, r->trap);
    want_eq(l, "calls that returned", l->got.calls, calls);
    for (uint32_t i = 0; i < calls; i++) {
        char name[16];
        snprintf(name, sizeof name, "f%u", i);
        const struct ref_functype *t = NULL;
        for (uint32_t k = 0; k < r->m->export_count; k++)
            if (slice_eq_str(r->m->exports[k].name, name))
                t = r->m->functions[r->m->exports[k].index].type;
        for (uint32_t k = 0; t && k < t->result_count; k++)
            want_eq(l, "result", l->got.results[i][k].i64, results[i][k].i64);
    }
    bool started = calls || r->end == REF_RETURN || r->m->start < 0;
    for (int i = 0; i < 4 && started; i++)
        want_eq(l, "global", l->got.globals[i].i64, r->m->globals[i].i64);
    if (l->got.memory_bytes) {
        want_eq(l, "size of memory", l->got.memory_bytes, r->pages * 65536u);
        want_eq(l, "memory", l->got.memory_hash, eng_hash(r->memory, 65536));
    }
    want_eq(l, "host calls", l->got.event_count, r->event_count);
    for (size_t i = 0; i < r->event_count && i < REF_EVENTS_MAX; i++)
        want_eq(l, "argument of a host call", l->got.events[i].arg, r->events[i].arg);
}

static void run_metered(struct law *l, uint64_t limit, uint64_t slice) {
    meter_page_init(l->page, limit);
    l->page->slice = (int64_t)slice;
    eng_run(l->metered, &l->shape, (const union ref_value(*)[4])l->args, l->page, 0, &l->got);
}

static void check_exhausted(struct law *l, uint64_t limit) {
    if (!meter_page_exhausted(l->page))
        law_fail(l, "a limit of %llu was not seen", (unsigned long long)limit);
    want_eq(l, "count on exhaustion", meter_page_used(l->page, limit, true), limit);
    want_eq(l, "count on exhaustion, rounded", meter_page_used(l->page, limit, false), limit);
    l->exhausted++;
}

// With room: same run, and exact at each host call, on return and on exit; rounded up after a trap.
static void check_whole(struct law *l, struct ref_run *r, uint32_t calls, union ref_value (*results)[4], uint64_t limit,
                        uint64_t slice) {
    run_metered(l, limit, slice);
    compare_values(l, r, calls, results);
    for (size_t i = 0; i < r->event_count && i < REF_EVENTS_MAX; i++)
        want_eq(l, "count at a host call", limit - l->got.events[i].ours, r->events[i].ours);
    if (r->end != REF_TRAP) {
        if (meter_page_exhausted(l->page))
            law_fail(l, "exhausted with enough left");
        want_eq(l, "count", meter_page_used(l->page, limit, true), r->ours);
    }
    uint64_t used = meter_page_used(l->page, limit, false);
    if (used < r->ours || (used > limit))
        law_fail(l, "rounded count %llu of %llu", (unsigned long long)used, (unsigned long long)r->ours);
    if (used > r->ours + l->bytes.len + slice + 2 * METER_OVERRUN)
        law_fail(l, "count %llu rounded up too far: %llu", (unsigned long long)r->ours, (unsigned long long)used);
}

static void law_ours(struct law *l, struct arena *a) {
    struct ref_module m;
    union ref_value results[32][4];
    struct ref_run r;
    BUG_ON(!ref_parse(&m, a, l->bytes));
    ref_run_init(&r, &m, false);
    uint32_t calls = reference(l, &r, results);
    l->ends[r.end]++;
    if (r.end == REF_TRAP)
        l->traps[r.trap]++;
    bool whole = r.end == REF_RETURN || r.end == REF_TRAP || r.end == REF_EXIT;
    static const uint64_t slices[] = {1, 5, 100, 5000, METER_SLICE};
    uint64_t slice = slices[gen_next(&l->rng) % ARRAY_LEN(slices)];
    if (whole) {
        check_whole(l, &r, calls, results, (uint64_t)1 << 50, slice);
        if (r.end != REF_TRAP)
            check_whole(l, &r, calls, results, r.ours, slice);
    }
    // Less than it needs: seen, and all of it counted. After a trap the counter may be ahead of it by a region.
    uint64_t below = r.end == REF_TRAP && r.ours > METER_OVERRUN ? r.ours - METER_OVERRUN : r.ours;
    uint64_t limits[] = {below ? below - 1 : 0, below ? gen_next(&l->rng) % below : 0};
    for (size_t i = 0; i < ARRAY_LEN(limits) && limits[i] < below; i++) {
        if (r.end == REF_TRAP && r.ours <= METER_OVERRUN)
            break;
        run_metered(l, limits[i], slice);
        check_exhausted(l, limits[i]);
    }
    if (r.end == REF_RETURN && m.start < 0) {
        struct eng_module *plain = eng_compile(l->engine, ENG_FUEL, l->bytes);
        BUG_ON(!plain);
        eng_run(plain, &l->shape, (const union ref_value(*)[4])l->args, l->page, 0, &l->got);
        compare_values(l, &r, calls, results);
        want_eq(l, "the engine's fuel", l->got.fuel_used, r.ours - r.host);
        l->fuel++;
        eng_module_free(plain);
    }
    ref_run_release(&r);
}

static void run_near(struct law *l, int64_t gas) {
    eng_run(l->near, &l->shape, (const union ref_value(*)[4])l->args, l->page, gas, &l->got);
}

static void law_near(struct law *l, struct arena *a) {
    struct ref_module m;
    union ref_value results[32][4];
    struct ref_run r;
    BUG_ON(!ref_parse(&m, a, l->bytes));
    ref_run_init(&r, &m, true);
    r.max_depth = 5000;
    uint32_t calls = reference(l, &r, results);
    l->near_ends[r.end]++;
    if (r.end != REF_STEPS && r.end != REF_DEEP && r.gas <= (uint64_t)GAS_MAX) {
        run_near(l, GAS_MAX);
        if (r.end == REF_STACK) {
            want_eq(l, "stack exhausted", l->got.end == REF_TRAP && l->got.trap == REF_TRAP_UNREACHABLE, true);
            want_eq(l, "stack exhausted", l->got.stack_left < 0 && l->got.gas_left >= 0, true);
        } else
            compare_values(l, &r, calls, results);
        want_eq(l, "gas", GAS_MAX - l->got.gas_left, r.gas);
        for (size_t i = 0; i < r.event_count && i < REF_EVENTS_MAX; i++)
            want_eq(l, "gas at a host call", (uint64_t)GAS_MAX - l->got.events[i].near, r.events[i].near);
        if (r.end != REF_STACK) {
            run_near(l, (int64_t)r.gas);
            compare_values(l, &r, calls, results);
            want_eq(l, "gas, all of it", l->got.gas_left, 0);
        }
    }
    uint64_t limits[] = {r.gas ? r.gas - 1 : 0, r.gas ? gen_next(&l->rng) % r.gas : 0};
    for (size_t i = 0; i < ARRAY_LEN(limits) && r.gas; i++) {
        run_near(l, (int64_t)limits[i]);
        want_eq(l, "gas exhausted", l->got.end == REF_TRAP && l->got.trap == REF_TRAP_UNREACHABLE, true);
        want_eq(l, "gas exhausted", l->got.gas_left < 0 && l->got.stack_left >= 0, true);
        size_t before = 0; // the host calls that this much pays for
        while (before < r.event_count && before < REF_EVENTS_MAX && r.events[before].near <= limits[i])
            before++;
        if (before < REF_EVENTS_MAX)
            want_eq(l, "host calls before exhaustion", l->got.event_count, before);
        l->near_exhausted++;
    }
    ref_run_release(&r);
}

static void one_module(struct law *l) {
    SCOPED_ARENA(a);
    SCOPED_BUF(bytes, 16u << 20);
    gen_make(l->seed, &bytes, &l->shape);
    l->bytes = buf_slice(&bytes);
    l->rng = ~l->seed;
    for (int i = 0; i < 32; i++)
        for (int k = 0; k < 4; k++)
            l->args[i][k].i64 = gen_next(&l->rng) % 3 ? gen_next(&l->rng) % 100 : gen_next(&l->rng);
    for (int i = 0; i < 32; i++)
        for (int k = 0; k < 4; k++)
            if (l->shape.params[i][k] == 0x7f || l->shape.params[i][k] == 0x7d)
                l->args[i][k].i64 &= UINT32_MAX;
    const char *dump = getenv("LAW_DUMP"); // a file for the module at hand
    FILE *f = dump ? fopen(dump, "wb") : NULL;
    if (f) {
        fwrite(l->bytes.ptr, 1, l->bytes.len, f);
        fclose(f);
    }
    if (!eng_valid(l->engine, ENG_FUEL, l->bytes))
        law_fail(l, "the generated module is not valid");
    l->metered = rewrite(l, &meter_prices_outlayer, ENG_METERED);
    law_ours(l, a);
    eng_module_free(l->metered);
    if (!l->shape.near)
        return;
    l->near = rewrite(l, &meter_prices_near, ENG_NEAR);
    law_near(l, a);
    eng_module_free(l->near);
}

static uint64_t number_of(const char *name, uint64_t other) {
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : other;
}

static void *all_modules(void *arg) {
    struct law *l = arg;
    for (uint64_t i = 0; i < l->count; i++) {
        l->seed = l->first + i;
        one_module(l);
    }
    return NULL;
}

static void add(unsigned *to, const unsigned *more, size_t count) {
    for (size_t i = 0; i < count; i++)
        to[i] += more[i];
}

static void add_up(struct law *to, const struct law *l) {
    add(to->ends, l->ends, ARRAY_LEN(l->ends));
    add(to->traps, l->traps, ARRAY_LEN(l->traps));
    add(to->near_ends, l->near_ends, ARRAY_LEN(l->near_ends));
    add(&to->exhausted, &l->exhausted, 1);
    add(&to->near_exhausted, &l->near_exhausted, 1);
    add(&to->fuel, &l->fuel, 1);
}

static void tell(const struct law *l, uint64_t first, uint64_t n) {
    print_message(
        "%llu modules from seed %llu: returned %u, exited %u, endless %u, deep %u; limits met %u; fuel compared %u\n",
        (unsigned long long)n, (unsigned long long)first, l->ends[REF_RETURN], l->ends[REF_EXIT], l->ends[REF_STEPS],
        l->ends[REF_DEEP], l->exhausted, l->fuel);
    print_message("  traps: memory %u, table %u, null %u, signature %u, overflow %u, division %u, conversion %u, "
                  "unreachable %u\n",
                  l->traps[1], l->traps[3], l->traps[4], l->traps[5], l->traps[6], l->traps[7], l->traps[8],
                  l->traps[9]);
    print_message("  NEAR: returned %u, trapped %u, exited %u, endless %u, stack %u; gas limits met %u\n",
                  l->near_ends[REF_RETURN], l->near_ends[REF_TRAP], l->near_ends[REF_EXIT], l->near_ends[REF_STEPS],
                  l->near_ends[REF_STACK], l->near_exhausted);
}

// One thread of its own, with an engine, a page and events of its own. NEAR's stack holds 4,096 small frames: on the
// engine's stack that is more than a main thread has.
static void start(struct law *l) {
    pthread_attr_t attr;
    l->engine = eng_new();
    l->page = aligned_alloc(65536, 65536);
    l->got.events = xcalloc(REF_EVENTS_MAX, sizeof *l->got.events);
    assert_non_null(l->page);
    memset(l->page, 0, 65536);
    pthread_attr_init(&attr);
    assert_int_equal(pthread_attr_setstacksize(&attr, 128u << 20), 0);
    assert_int_equal(pthread_create(&l->thread, &attr, all_modules, l), 0);
    pthread_attr_destroy(&attr);
}

static void end(struct law *l) {
    assert_int_equal(pthread_join(l->thread, NULL), 0);
    free(l->got.events);
    free(l->page);
    eng_free(l->engine);
}

// A guest's bill, or a contract's gas, would be wrong, or the rewriting would change what it computes.
static void law(void **state) {
    (void)state;
    static struct law all[THREADS_MAX], sum;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t threads = processors < 1 ? 1 : processors > THREADS_MAX ? THREADS_MAX : (uint64_t)processors;
    uint64_t first = number_of("LAW_SEED", SEED), n = number_of("LAW_MODULES", MODULES);
    for (uint64_t i = 0; i < threads; i++) {
        uint64_t from = n * i / threads;
        all[i].first = first + from;
        all[i].count = n * (i + 1) / threads - from;
        start(&all[i]);
    }
    for (uint64_t i = 0; i < threads; i++) {
        end(&all[i]);
        add_up(&sum, &all[i]);
    }
    tell(&sum, first, n);
    for (int t = REF_TRAP_MEMORY; t <= REF_TRAP_UNREACHABLE; t++)
        if (t != 2 && !getenv("LAW_MODULES"))
            assert_true(sum.traps[t] > 0); // the generator reaches each kind
}

int main(void) {
    mallopt(M_MMAP_THRESHOLD, 256 << 10); // the interpreter's memory is zero for nothing when the kernel gives it anew
    const struct CMUnitTest tests[] = {cmocka_unit_test(law)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
