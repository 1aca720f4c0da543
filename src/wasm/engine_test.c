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

// If this fails, what goes to a component is put where its bytes are charged to nobody: under a realloc's name another
// function than a module's is handed on, a lowered one.
static void test_reallocs_are_modules(void **state) {
    (void)state;
    static const char handed_on[] = COMPONENT "\6\7\1\0\0\1\0\1r"        // an alias of a module's r
                                              "\x08\x08\1\0\0\0\1\4\0\0" // a lifted function whose realloc it is
                                              "\x08\5\1\1\0\0\0"         // a lowered function
                                              "\2\7\1\1\1\1r\0\1";       // an instance with it as r
    SCOPED_BUF(out, 1 << 16);
    struct err e = {0};
    assert_false(meter_rewrite(slice_of(handed_on, sizeof handed_on - 1), &meter_prices_outlayer, &out, &e));
    assert_non_null(strstr(e.msg, "a `realloc` that no module exports is not accepted"));
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
// to the last instruction, also where nothing is left. The seeds are composed.wat, host.wat and fields.wat of
// tests/guests.
static void test_lengths_cost(void **state) {
    (void)state;
    const struct meter_host_prices *p = &meter_host_outlayer;
    // composed: its operators, and the bytes of a list of 3 to one side, a string of 3, a list of 3 back
    const uint64_t composed = 124 + 3 + 3 + 3;
    // host: the operators of `run` and of one realloc; 1,000 random bytes that go to it; a write of 100
    const uint64_t host = 12 + 8 + p->call + 1000 * p->random + 1000 * p->byte + p->call + p->write + 100 * p->byte;
    // fields: the operators of `run` and of two reallocs, for a list of one value and for its 300 bytes
    const uint64_t fields = 23 + 300 + 2 * 8 + (8 + 300) * p->byte + p->call + (p->call + 305 * p->byte) + //
                            (p->call + 5 * p->byte);
    const struct {
        const char *name;
        uint64_t cost;
    } cases[] = {{"composed", composed}, {"host", host}, {"fields", fields}};
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

// --- work for the compiler

static void leb(struct buf *b, uint32_t n) {
    for (; n >= 0x80; n >>= 7)
        buf_add_byte(b, (uint8_t)(n | 0x80));
    buf_add_byte(b, (uint8_t)n);
}
static void section(struct buf *out, uint8_t id, const struct buf *body) {
    buf_add_byte(out, id);
    leb(out, (uint32_t)body->len);
    buf_add_slice(out, buf_slice(body));
}
static void times(struct buf *b, uint32_t n, const char *bytes, size_t len) {
    while (n--)
        buf_add(b, bytes, len);
}
#define TIMES(b, n, bytes) times(b, n, bytes, sizeof(bytes) - 1)

// A module of `functions` times the same body, whose type is the first of `types`.
static void module_of(struct buf *out, uint32_t functions, const char *types, size_t types_len,
                      const struct buf *body) {
    SCOPED_BUF(b, 1 << 20);
    buf_add(out, CORE, 8);
    buf_add(&b, types, types_len);
    section(out, 1, &b);
    buf_clear(&b);
    leb(&b, functions);
    TIMES(&b, functions, "\0");
    section(out, 3, &b);
    buf_clear(&b);
    leb(&b, functions);
    for (uint32_t i = 0; i < functions; i++) {
        leb(&b, (uint32_t)body->len);
        buf_add_slice(&b, buf_slice(body));
    }
    section(out, 10, &b);
}

// n loops around one another, in whose middle as many locals are read and written.
static void loops(struct buf *out, uint32_t n, uint32_t locals) {
    SCOPED_BUF(body, 1 << 20);
    buf_add_byte(&body, 1);
    leb(&body, locals);
    buf_add_byte(&body, 0x7f);
    TIMES(&body, n, "\3\x40");
    for (uint32_t i = 0; i < locals; i++) {
        buf_add_byte(&body, 0x20);
        leb(&body, i);
        buf_add_byte(&body, 0x21);
        leb(&body, (i + 1) % locals);
    }
    TIMES(&body, n, "\x41\0\x0d\0\x0b");
    buf_add_byte(&body, 0x0b);
    module_of(out, 1, "\1\x60\0\0", 4, &body);
}

// n blocks that take and give `width` values.
static void wide(struct buf *out, uint32_t n, uint32_t width) {
    SCOPED_BUF(types, 1 << 16);
    SCOPED_BUF(body, 1 << 20);
    buf_add(&types, "\2\x60\0\0\x60", 5);
    for (int i = 0; i < 2; i++) {
        leb(&types, width);
        TIMES(&types, width, "\x7f");
    }
    buf_add_byte(&body, 0);
    TIMES(&body, width, "\x41\0");
    TIMES(&body, n, "\2\1");
    TIMES(&body, n, "\x0b");
    TIMES(&body, width, "\x1a");
    buf_add_byte(&body, 0x0b);
    module_of(out, 1, (const char *)types.ptr, types.len, &body);
}

static void functions(struct buf *out, uint32_t n) {
    SCOPED_BUF(body, 16);
    buf_add(&body, "\0\x0b", 2);
    module_of(out, n, "\1\x60\0\0", 4, &body);
}

// A jump table of n targets in a loop that changes as many locals as it has.
static void targets(struct buf *out, uint32_t n, uint32_t locals) {
    SCOPED_BUF(body, 1 << 20);
    buf_add_byte(&body, 1);
    leb(&body, locals);
    buf_add(&body, "\x7f\3\x40", 3);
    for (uint32_t i = 0; i < locals; i++) {
        buf_add_byte(&body, 0x41);
        buf_add_byte(&body, 1);
        buf_add_byte(&body, 0x21);
        leb(&body, i);
    }
    buf_add(&body, "\x20\0\x0e", 3);
    leb(&body, n);
    TIMES(&body, n + 1, "\0");
    buf_add(&body, "\x0b\x0b", 2);
    module_of(out, 1, "\1\x60\0\0", 4, &body);
}

// A component of n instances of a component of n instances of … of an empty module.
static void instances(struct buf *out, unsigned levels, uint32_t n) {
    SCOPED_BUF(b, 1 << 16);
    buf_add(out, COMPONENT, 8);
    SCOPED_BUF(inner, 1 << 16);
    if (levels > 1)
        instances(&inner, levels - 1, n);
    else
        buf_add(&inner, CORE, 8);
    section(out, levels > 1 ? 4 : 1, &inner);
    leb(&b, n);
    TIMES(&b, n, "\0\0\0");
    section(out, levels > 1 ? 5 : 2, &b);
}

// If this fails, some kilobytes keep a compiler busy for seconds or minutes, at each request. The same in measure is
// ordinary.
static void test_work(void **state) {
    (void)state;
    SCOPED_BUF(bombs, 1 << 20);
    static const struct {
        const char *what;
        unsigned kind;
        uint32_t n, m;
        bool fine;
    } cases[] = {{"loops x locals", 0, 300, 2000, false}, {"loops x locals", 0, 60, 200, true},
                 {"values", 1, 2000, 1000, false},        {"values", 1, 200, 10, true},
                 {"functions", 2, 50000, 0, false},       {"functions", 2, 5000, 0, true},
                 {"targets", 3, 5000, 500, false},        {"targets", 3, 5000, 5, true},
                 {"instances", 4, 3, 990, false},         {"instances", 4, 2, 30, true}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        SCOPED_BUF(out, 8 << 20);
        struct err e = {0};
        enum wasm_kind kind;
        buf_clear(&bombs);
        uint32_t n = cases[i].n, m = cases[i].m;
        if (cases[i].kind == 0)
            loops(&bombs, n, m);
        else if (cases[i].kind == 1)
            wide(&bombs, n, m);
        else if (cases[i].kind == 2)
            functions(&bombs, n);
        else if (cases[i].kind == 3)
            targets(&bombs, n, m);
        else
            instances(&bombs, n, m);
        struct slice wasm = buf_slice(&bombs);
        assert_ok(wasm_kind_of(wasm, &kind, &e) && engine_validate(wasm, kind, &e), &e);
        bool ok = meter_rewrite(wasm, &meter_prices_outlayer, &out, &e);
        if (ok != cases[i].fine || (!ok && (e.code != ERR_LIMIT || !strstr(e.msg, "out of proportion"))))
            fail_msg("%s %u %u: %s", cases[i].what, n, m, ok ? "accepted" : e.msg);
    }
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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused_by_name), cmocka_unit_test(test_reallocs_are_modules),
        cmocka_unit_test(test_not_valid),       cmocka_unit_test(test_composed),
        cmocka_unit_test(test_lengths_cost),    cmocka_unit_test(test_extended_constants),
        cmocka_unit_test(test_canonical_nan),   cmocka_unit_test(test_work)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
