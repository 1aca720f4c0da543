// SPDX-License-Identifier: Apache-2.0
#include "wasm/engine.h"

#include "base/file.h"
#include "base/test.h"
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#define CORE "\0asm\1\0\0\0"
#define COMPONENT "\0asm\x0d\0\1\0"
#define CASE(bytes, words)                                                                                             \
    { {(const uint8_t *)(bytes), sizeof(bytes) - 1}, words }

static struct arena *arena;
static struct engine *engine;
static struct sigaction engines_traps;

static struct slice seed(const char *name) {
    struct slice bytes;
    struct err e;
    assert_ok(file_read(arena, arena_printf(arena, "src/wasm/seeds/meter/%s", name), 1 << 20, &bytes, &e), &e);
    return bytes;
}

// If this fails, somebody whose toolchain made too new a module is not told which feature it is that is in the way.
static void test_refused_by_name(void **state) {
    (void)state;
    static const struct {
        struct slice bytes;
        const char *words;
    } cases[] = {
        CASE(CORE "\5\4\1\3\1\1", "uses threads"),
        CASE(CORE "\1\6\1\x60\1\x7f\1\x7f\2\x15\1\4wasi\x0cthread-spawn\0\0", "uses threads (`wasi.thread-spawn`)"),
        CASE(CORE "\1\4\1\x60\0\0\3\2\1\0\x0a\6\1\4\0\x12\0\x0b", "uses tail calls"),
        CASE(CORE "\1\4\1\x60\0\0\3\2\1\0\x0d\3\1\0\0\x0a\6\1\4\0\x08\0\x0b", "uses exception handling"),
        CASE(CORE "\1\4\1\x60\0\0\3\2\1\0\x0a\7\1\5\0\6\x40\x0b\x0b", "uses exception handling"),
        CASE(CORE "\1\x09\1\x4e\2\x60\0\0\x60\0\0", "uses garbage-collected types (rec"),
        CASE(CORE "\1\x09\2\x60\0\0\x60\1\x63\0\0", "uses typed function references"),
        CASE(CORE "\1\4\1\x60\0\0\4\5\1\x63\0\0\1", "uses typed function references"), // a table of another type
        CASE(CORE "\4\4\1\x6f\0\1", "uses references to host objects (externref)"),
        CASE(CORE "\5\5\2\0\1\0\1", "uses several memories"),
        CASE(CORE "\5\3\1\4\1", "uses 64-bit memories"),
        CASE(CORE "\1\x09\1\x60\4\x7f\x7f\x7f\x7f\1\x7f\2\x1a\1\x0dwasi_unstable\x08"
                  "fd_write\0\0",
             "uses WASI's preview 0 (`wasi_unstable`)"),
        CASE(COMPONENT "\7\3\1\x42\0\x0a\x19\1\0\x14wasi:cli/stdin@0.3.0\5\0", "uses WASI 0.3"),
        CASE(COMPONENT "\7\4\1\x65\1\x7d", "uses the asynchronous calls of WASI 0.3"),
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e;
        enum wasm_kind kind;
        assert_ok(wasm_kind_of(cases[i].bytes, &kind, &e), &e);
        if (engine_validate(cases[i].bytes, kind, &e) || !strstr(e.msg, cases[i].words) ||
            !strstr(e.msg, "which guests may not use; compile "))
            fail_msg("case %zu, want '%s': %s", i, cases[i].words, e.msg);
    }
    SCOPED_BUF(out, 1 << 16);
    struct err e;
    static const char exact[] =
        CORE "\1\4\1\x60\0\0\2\7\1\1a\1b\x20\0"; // the validator takes it, the rewriter does not
    assert_false(meter_rewrite(slice_of(exact, sizeof exact - 1), &meter_prices_outlayer, &out, &e));
    assert_non_null(strstr(e.msg, "exact"));
}

// What is no feature is told in the validator's own words, with where it stands.
static void test_not_valid(void **state) {
    (void)state;
    static const char unbalanced[] = CORE "\1\4\1\x60\0\0\3\2\1\0\x0a\5\1\3\0\x1a\x0b";
    struct err e;
    assert_false(engine_validate(slice_of(unbalanced, sizeof unbalanced - 1), WASM_CORE, &e));
    assert_non_null(strstr(e.msg, "not a valid module: type mismatch"));
    assert_non_null(strstr(e.msg, "at offset"));
}

// A run of what was compiled, with a limit; gives what it used. The page is the run's own.
static uint64_t run_within(struct slice wasm, uint64_t limit, struct engine_outcome *o) {
    SCOPED_BUF(rewritten, 1 << 20);
    SCOPED_BUF(code, 16 << 20);
    SCOPED_BUF(output, 4096);
    SCOPED_BUF(errors, 4096);
    struct err e;
    enum wasm_kind kind;
    int fd = memfd_create("page", MFD_CLOEXEC);
    assert_true(fd >= 0 && ftruncate(fd, ENGINE_PAGE_BYTES) == 0);
    struct meter_page *page = mmap(NULL, ENGINE_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(page, MAP_FAILED);
    meter_page_init(page, limit);
    assert_ok(wasm_kind_of(wasm, &kind, &e) && engine_validate(wasm, kind, &e) &&
                  meter_rewrite(wasm, &meter_prices_outlayer, &rewritten, &e) &&
                  engine_compile(engine, buf_slice(&rewritten), kind, &code, &e),
              &e);
    struct engine_run r = {
        .memory = {fd, page, 64 << 20}, .code = buf_slice(&code), .kind = kind, .output = &output, .errors = &errors};
    struct sigaction cmockas;
    sigaction(SIGILL, &engines_traps, &cmockas); // or a trap would be taken for a crash of the test
    engine_run(engine, &r, o);
    sigaction(SIGILL, &cmockas, NULL);
    uint64_t used = meter_page_used(page, limit, true);
    assert_int_equal(meter_page_exhausted(page), o->end == ENGINE_TRAPPED);
    munmap(page, ENGINE_PAGE_BYTES);
    close(fd);
    return used;
}

static void run(struct slice wasm, struct engine_outcome *o) { (void)run_within(wasm, 1000000, o); }

// If this fails, what a tool composed of two components is refused, or kills the compiler: they pass a list and a
// string to one another, for which the engine makes an adapter with two memories (tests/guests/composed.wat).
static void test_composed(void **state) {
    (void)state;
    struct engine_outcome o;
    run(seed("composed"), &o);
    assert_int_equal(o.end, ENGINE_RETURNED);
}

// If this fails, a guest pays nothing for what the host or an adapter copies for it, or more than the price list says:
// to the last instruction, also where nothing is left. The seeds are tests/guests/host.wat and composed.wat.
static void test_lengths_cost(void **state) {
    (void)state;
    const struct meter_host_prices *p = &meter_host_outlayer;
    // composed: its operators, and the bytes of a list of 3 to one side, a string of 3, a list of 3 back
    const uint64_t composed = 124 + 3 + 3 + 3;
    // host: the operators of `run` and of one realloc; 1,000 random bytes that go to it; a write of 100
    const uint64_t host = 12 + 8 + p->call + 1000 * p->random + 1000 * p->byte + p->call + p->write + 100 * p->byte;
    const struct {
        const char *name;
        uint64_t cost;
    } cases[] = {{"composed", composed}, {"host", host}};
    struct engine_outcome o;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(run_within(seed(cases[i].name), 10000000, &o), cases[i].cost);
        assert_int_equal(o.end, ENGINE_RETURNED);
        assert_int_equal(run_within(seed(cases[i].name), cases[i].cost, &o), cases[i].cost);
        assert_int_equal(o.end, ENGINE_RETURNED);
    }
    for (uint64_t limit = host - 30; limit-- > 20; limit = limit / 2 + 10) { // cut off in each of the host's calls
        assert_int_equal(run_within(seed("host"), limit, &o), limit);
        assert_int_equal(o.end, ENGINE_TRAPPED);
    }
}

// If this fails, two processors may compute two answers from one request: 0/0 is the canonical NaN, whose sign x86
// sets.
static void test_canonical_nan(void **state) {
    (void)state;
    // (if (i64.ne (i64.reinterpret_f64 (f64.div (f64.load 0) (f64.load 0))) (i64.const 0x7ff8000000000000))
    // unreachable)
    static const char module[] =
        CORE "\1\4\1\x60\0\0\3\2\1\0\5\3\1\0\1\7\x13\2\6memory\2\0\6_start\0\0\x0a\x20\1\x1e\0"
             "\x41\0\x2b\3\0\x41\0\x2b\3\0\xa3\xbd\x42\x80\x80\x80\x80\x80\x80\x80\xfc\xff\0\x52\4\x40\0\x0b\x0b";
    struct engine_outcome o;
    run(slice_of(module, sizeof module - 1), &o);
    assert_int_equal(o.end, ENGINE_RETURNED);
}

// A global that is computed: (global i32 (i32.add (i32.const 1) (i32.const -1))); the start function traps unless it is
// 0.
static void test_extended_constants(void **state) {
    (void)state;
    static const char module[] = CORE "\1\4\1\x60\0\0\3\2\1\0\5\3\1\0\1\6\x09\1\x7f\0\x41\1\x41\x7f\x6a\x0b"
                                      "\7\x13\2\6memory\2\0\6_start\0\0\x0a\x0a\1\x08\0\x23\0\4\x40\0\x0b\x0b";
    struct engine_outcome o;
    run(slice_of(module, sizeof module - 1), &o);
    assert_int_equal(o.end, ENGINE_RETURNED);
}

static int set_up(void **state) {
    (void)state;
    struct err e;
    arena = arena_new();
    assert_ok(engine_new(&engine, &e), &e);
    sigaction(SIGILL, NULL, &engines_traps);
    return 0;
}
static int tear_down(void **state) {
    (void)state;
    engine_free(engine);
    arena_free(arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_refused_by_name),    cmocka_unit_test(test_not_valid),
                                       cmocka_unit_test(test_composed),           cmocka_unit_test(test_lengths_cost),
                                       cmocka_unit_test(test_extended_constants), cmocka_unit_test(test_canonical_nan)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
