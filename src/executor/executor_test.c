// SPDX-License-Identifier: Apache-2.0
#include "executor/exec.h"

#include "base/file.h"
#include "base/test.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static char work[] = "/tmp/executor-test.XXXXXX";
static struct exec_pool *pool;
static struct arena *arena;

#define IMPORT(name, type) "(import \"wasi_snapshot_preview1\" \"" name "\" (func $" name " " type "))"
#define WRITE IMPORT("fd_write", "(param i32 i32 i32 i32) (result i32)")
#define EXIT IMPORT("proc_exit", "(param i32)")
#define MAIN(body) "(func (export \"_start\") " body "))"
// Writes `len` bytes at 64 to a descriptor.
#define PRINT(fd, len)                                                                                                 \
    "(i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const " len "))"                           \
    "(drop (call $fd_write (i32.const " fd ") (i32.const 0) (i32.const 1) (i32.const 8)))"

static void new_pool(void) {
    struct err e;
    const char *cache = arena_printf(arena, "%s/code", work);
    // Local.mk says why it is this one in every flavour.
    struct exec_settings s = {
        .program = "build/bin/outlayer-executor", .cache_dir = cache, .cache_max_bytes = 1 << 28, .prestarted = 1};
    assert_ok(file_make_dirs(cache, 0700, &e), &e);
    assert_ok(exec_pool_new(&pool, &s, &e), &e);
}

// A module from its text.
static struct slice module_of(const char *wat) {
    struct err e;
    struct slice bytes;
    const char *text = arena_printf(arena, "%s/m.wat", work), *out = arena_printf(arena, "%s/m.wasm", work);
    assert_ok(file_write_atomic(text, slice_str(wat), 0600, &e), &e);
    // More features than guests may use: what is refused shall be refused by us.
    if (system(arena_printf(arena, "wat2wasm --enable-multi-memory --enable-memory64 --enable-threads %s -o %s", text,
                            out)))
        fail_msg("wat2wasm: %s", wat);
    assert_ok(file_read(arena, out, 1 << 20, &bytes, &e), &e);
    return bytes;
}

static const struct exec_limits usual = {10000000, 16, 60, 4096}; // no guest here but the endless takes a second

static struct exec_result run_with(struct slice wasm, const char *input, struct exec_limits limits,
                                   const struct exec_env *env, size_t env_count) {
    struct exec_result r;
    struct err e;
    struct exec_request q = {
        .wasm = wasm, .input = slice_str(input), .env = env, .env_count = env_count, .limits = limits};
    assert_ok(exec_run(pool, arena, &q, &r, &e), &e);
    return r;
}
static struct exec_result run(const char *wat, struct exec_limits limits) {
    return run_with(module_of(wat), "", limits, NULL, 0);
}

static void ends(const struct exec_result *r, enum exec_end want, const char *words) {
    if (r->end != want || (words && (!r->detail || !strstr(r->detail, words))))
        fail_msg("%s '%s', want %s '%s'", exec_end_slug(r->end), r->detail ? r->detail : "", exec_end_slug(want),
                 words ? words : "");
}

// Standard input comes in, standard output goes out, nothing else is needed.
static void test_echo(void **state) {
    (void)state;
    static const char echo[] = "(module " WRITE
        IMPORT("fd_read", "(param i32 i32 i32 i32) (result i32)") "(memory (export \"memory\") 1)" MAIN(
            "(i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 100))"
            "(drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))"
            "(i32.store (i32.const 4) (i32.load (i32.const 8)))"
            "(drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))");
    struct exec_result r = run_with(module_of(echo), "hello", usual, NULL, 0);
    ends(&r, EXEC_OK, NULL);
    assert_slice(r.output, "hello");
    assert_in_range(r.instructions, 10000, 12000); // one write, which waits for the host
    assert_int_equal(r.peak_memory, 65536);
}

// The count is exact at a return, at an exit and at the limit, and never above it.
static void test_counts(void **state) {
    (void)state;
    struct exec_result r = run("(module (memory (export \"memory\") 1)" MAIN("(drop (i32.const 1))"), usual);
    ends(&r, EXEC_OK, NULL);
    assert_int_equal(r.instructions, 2); // entering and the constant
    r = run("(module " EXIT "(memory (export \"memory\") 1)" MAIN("(call $proc_exit (i32.const 3))"), usual);
    ends(&r, EXEC_EXIT, "exit status 3");
    assert_int_equal(r.exit_status, 3);
    assert_int_equal(r.instructions, 3);
    r = run("(module (memory (export \"memory\") 1)" MAIN("(loop $l (br $l))"), usual);
    ends(&r, EXEC_INSTRUCTIONS, "10,000,000 instructions");
    assert_int_equal(r.instructions, usual.max_instructions);
}

// A trap says which one it was; what ran before it is counted, rounded up to a slice.
static void test_traps(void **state) {
    (void)state;
    static const struct {
        const char *body, *words;
    } cases[] = {{"unreachable", "unreachable"},
                 {"(drop (i32.div_u (i32.const 1) (i32.const 0)))", "division by zero"},
                 {"(drop (i32.load (i32.const 65536)))", "out of bounds memory"},
                 {"(drop (i32.trunc_f64_s (f64.const nan)))", "conversion"},
                 {"(call 0)", "stack"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct exec_result r =
            run(arena_printf(arena, "(module (memory (export \"memory\") 1)" MAIN("%s"), cases[i].body), usual);
        ends(&r, EXEC_TRAP, cases[i].words);
        assert_non_null(strstr(r.trap, cases[i].words));
        assert_true(r.instructions > 0 && r.instructions <= usual.max_instructions);
        assert_int_equal(r.peak_memory, 65536);
    }
}

// Wall time: killed at the deadline, counted and measured all the same.
static void test_deadline(void **state) {
    (void)state;
    struct exec_limits limits = usual;
    limits.max_seconds = 1;
    limits.max_instructions = 1000000000000000;
    struct exec_result r = run("(module (memory (export \"memory\") 3)" MAIN("(loop $l (br $l))"), limits);
    ends(&r, EXEC_DEADLINE, "1 seconds");
    assert_true(r.instructions > 1000000);
    assert_int_equal(r.peak_memory, 3 * 65536);
}

// Memory: one ceiling; a guest that met it and traps is told so, one that ends by itself keeps its status and words.
static void test_memory(void **state) {
    (void)state;
    static const char grow[] =
        "(memory (export \"memory\") 1) (func $fill (result i32) (local $n i32)"
        "(loop $l (br_if $l (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) (i32.const 5))";
    struct exec_result r =
        run(arena_printf(arena, "(module " EXIT "%s" MAIN("(call $proc_exit (call $fill))"), grow), usual);
    ends(&r, EXEC_EXIT,
         "exit status 5 after more memory than its 16 MB was refused to it"); // its own words, whatever it made of that
    assert_true(r.memory_refused && r.peak_memory > 15u << 20 && r.peak_memory <= 16u << 20);
    assert_int_equal(r.exit_status, 5);
    r = run(arena_printf(arena, "(module %s" MAIN("(drop (call $fill)) unreachable"), grow), usual);
    ends(&r, EXEC_MEMORY, "16 MB");
    r = run(arena_printf(arena, "(module %s" MAIN("(drop (call $fill))"), grow), usual);
    ends(&r, EXEC_OK, NULL);
    assert_true(r.memory_refused);
    r = run("(module (memory (export \"memory\") 1000)" MAIN(""), usual);
    ends(&r, EXEC_MEMORY, "16 MB");
}

// Output: the run ends in the write that passes the limit; standard error is kept up to its own and is told.
static void test_output(void **state) {
    (void)state;
    static const char flood[] =
        "(module " WRITE "(memory (export \"memory\") 1)" MAIN("(loop $l " PRINT("%s", "1000") "(br $l))");
    struct exec_result r = run(arena_printf(arena, flood, "1"), usual);
    ends(&r, EXEC_OUTPUT, "4,096 bytes");
    assert_true(r.instructions <= 2000000); // not until its instructions were used up
    struct exec_limits fewer = usual;
    fewer.max_instructions = 1000000; // 80 writes
    r = run(arena_printf(arena, flood, "2"), fewer);
    ends(&r, EXEC_INSTRUCTIONS, NULL);
    assert_true(r.errors.len > EXEC_STDERR_MAX - 100 && r.errors.len <= EXEC_STDERR_MAX);
    r = run("(module " WRITE EXIT "(memory (export \"memory\") 1) (data (i32.const 64) \"why\")" MAIN(
                PRINT("2", "3") "(call $proc_exit (i32.const 9))"),
            usual);
    ends(&r, EXEC_EXIT, "exit status 9: why");
}

// More standard error than is kept is no error to the guest: a write of 100 KB tells that all of it was written, the
// run goes on, and what is kept ends with a remark.
static void test_talkative(void **state) {
    (void)state;
    struct exec_result r =
        run("(module " WRITE "(memory (export \"memory\") 2)" MAIN(
                PRINT("2", "100000") "(if (i32.ne (i32.load (i32.const 8)) (i32.const 100000)) (then unreachable))"
                                     "(i32.store8 (i32.const 64) (i32.const 111))" PRINT("1", "1")),
            usual);
    ends(&r, EXEC_OK, NULL);
    assert_slice(r.output, "o");
    static const char remark[] = "(what followed on standard error was not kept)\n";
    assert_int_equal(r.errors.len, EXEC_STDERR_MAX);
    assert_memory_equal(r.errors.ptr + r.errors.len - strlen(remark), remark, strlen(remark));
}

// What the host does costs by its length, exactly. If this fails, seconds of the host's work cost a few instructions.
static void test_host_costs(void **state) {
    (void)state;
    static const struct exec_env env[] = {{"NAME", "value"}}; // 11 bytes as P1 hands them out
    static const struct {
        const char *import, *call;
        uint64_t operators, price;
    } cases[] = {
        {IMPORT("random_get", "(param i32 i32) (result i32)"), "(call $random_get (i32.const 64) (i32.const 1000))", 3,
         500 + 1000 * 10},
        {IMPORT("environ_get", "(param i32 i32) (result i32)"), "(call $environ_get (i32.const 64) (i32.const 96))", 3,
         500 + 11},
        {IMPORT("environ_sizes_get", "(param i32 i32) (result i32)"),
         "(call $environ_sizes_get (i32.const 64) (i32.const 96))", 3, 500 + 11},
        {IMPORT("args_get", "(param i32 i32) (result i32)"), "(call $args_get (i32.const 64) (i32.const 96))", 3,
         500 + 6},
        {IMPORT("sched_yield", "(result i32)"), "(call $sched_yield)", 1, 500},
        // 100 subscriptions of zeros: each waits for a clock, for no time
        {IMPORT("poll_oneoff", "(param i32 i32 i32 i32) (result i32)"),
         "(call $poll_oneoff (i32.const 64) (i32.const 8192) (i32.const 100) (i32.const 0))", 5, 500 + 100 * 3000},
        {WRITE, // a list of one buffer of 5,000 bytes, which goes out in two pieces
         "(i32.store (i32.const 4) (i32.const 5000)) (call $fd_write (i32.const 2) (i32.const 0) (i32.const 1) "
         "(i32.const 8))",
         8, 500 + 8 + 2 * 10000 + 5000},
        {IMPORT("fd_read", "(param i32 i32 i32 i32) (result i32)"),
         "(i32.store (i32.const 4) (i32.const 5000)) (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) "
         "(i32.const 8))",
         8, 500 + 8 + 7},
        {IMPORT("path_open", "(param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)"),
         "(call $path_open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 2000) (i32.const 0) (i64.const 0) "
         "(i64.const 0) (i32.const 0) (i32.const 0))",
         10, 500 + 2000},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct slice wasm = module_of(arena_printf(arena, "(module %s (memory (export \"memory\") 2)" MAIN("(drop %s)"),
                                                   cases[i].import, cases[i].call));
        uint64_t cost = 1 + cases[i].operators + cases[i].price;
        struct exec_limits exact = usual;
        struct exec_result r = run_with(wasm, "7 bytes", usual, env, 1);
        if (r.end != EXEC_OK || r.instructions != cost)
            fail_msg("%s: %llu instructions, want %llu", cases[i].call, (unsigned long long)r.instructions,
                     (unsigned long long)cost);
        exact.max_instructions = cost;
        r = run_with(wasm, "7 bytes", exact, env, 1);
        ends(&r, EXEC_OK, NULL);
        exact.max_instructions = cost - cases[i].operators - 2;
        r = run_with(wasm, "7 bytes", exact, env, 1);
        // What has a length stops there; the price of a call alone is seen at the next look, which does not come here.
        ends(&r, cases[i].price == 500 ? EXEC_OK : EXEC_INSTRUCTIONS, NULL);
        assert_int_equal(r.instructions, exact.max_instructions);
    }
    struct exec_limits room = {1000000000, 128, 60, 4096};
    struct exec_result r =
        run("(module " IMPORT("random_get", "(param i32 i32) (result i32)") //
            "(memory (export \"memory\") 1000)" MAIN(
                "(local $i i32) (loop $l (drop (call $random_get (i32.const 0) (i32.const 64000000)))"
                "(br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) "
                "(i32.const 20))))"),
            room);
    ends(&r, EXEC_INSTRUCTIONS, NULL);
    assert_int_equal(r.instructions, room.max_instructions);
}

// Every status is told as what it is, with its exact count: the engine's library knows those below 126 only.
static void test_statuses(void **state) {
    (void)state;
    static const struct {
        const char *number, *told;
    } cases[] = {{"1", "1"}, {"125", "125"}, {"126", "126"}, {"255", "255"}, {"256", "256"}, {"-1", "4294967295"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct exec_result r =
            run(arena_printf(arena,
                             "(module " WRITE EXIT "(memory (export \"memory\") 1) (data (i32.const 64) "
                             "\"why\")" MAIN(PRINT("2", "3") "(call $proc_exit (i32.const %s))"),
                             cases[i].number),
                usual);
        ends(&r, EXEC_EXIT, arena_printf(arena, "exit status %s: why", cases[i].told));
        assert_int_equal((uint32_t)r.exit_status, strtoul(cases[i].told, NULL, 10));
        assert_in_range(r.instructions, 10500 + 3 + 14, 10500 + 3 + 16 + 8); // one write and the operators, not a slice
    }
}

// Not a module that may run: each refused with its reason, nothing executed. Naming the counter's memory (index 1)
// makes a module invalid, since it has one memory only.
static void test_refused(void **state) {
    (void)state;
    static const char *const cases[] = {
        "(module (memory 1) (memory 1)" MAIN(""),
        "(module (memory i64 1)" MAIN(""),
        "(module (memory 1 1 shared)" MAIN(""),
        "(module (import \"env\" \"secret\" (func)) (memory 1)" MAIN(""),
        "(module (memory 1))",
        "(module (import \"env\" \"memory\" (memory 1))" MAIN(""),
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct exec_result r = run(cases[i], usual);
        if (r.end != EXEC_INVALID || !r.detail || r.instructions)
            fail_msg("%s: %s %s", cases[i], exec_end_slug(r.end), r.detail ? r.detail : "");
    }
    struct exec_result r = run_with(slice_str("not wasm"), "", usual, NULL, 0);
    ends(&r, EXEC_INVALID, "not a WebAssembly");
}

// What a guest can see: the environment it was given (the last of a name wins), its name as the only argument, no
// files, no clock of another process.
static void test_environment(void **state) {
    (void)state;
    static const struct exec_env env[] = {{"A", "guest's"}, {"B", "2"}, {"A", "ours"}};
    static const char show[] = "(module " WRITE IMPORT("environ_sizes_get", "(param i32 i32) (result i32)") IMPORT(
        "environ_get", "(param i32 i32) (result i32)") IMPORT("args_sizes_get", "(param i32 i32) (result i32)")
        IMPORT("args_get", "(param i32 i32) (result i32)")
            IMPORT("fd_prestat_get", "(param i32 i32) (result i32)") "(memory (export \"memory\") 1)" MAIN(
                "(drop (call $args_sizes_get (i32.const 16) (i32.const 20)))"
                "(if (i32.ne (i32.load (i32.const 16)) (i32.const 1)) (then unreachable))"
                "(if (i32.ne (i32.load (i32.const 20)) (i32.const 6)) (then unreachable))"
                "(if (i32.eqz (call $fd_prestat_get (i32.const 3) (i32.const 24))) (then unreachable))"
                "(drop (call $args_get (i32.const 16) (i32.const 64)))"
                "(drop (call $environ_sizes_get (i32.const 16) (i32.const 20)))"
                "(drop (call $environ_get (i32.const 32) (i32.const 70)))"
                "(i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.add (i32.const 6) (i32.load "
                "(i32.const 20))))"
                "(drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))");
    struct exec_result r = run_with(module_of(show), "", usual, env, ARRAY_LEN(env));
    ends(&r, EXEC_OK, NULL);
    assert_true(slice_eq(r.output, SLICE_LIT("guest\0B=2\0A=ours\0")));
}

#define SECRET_LEN 40
#define MASK 0x5A // so that what is looked for does not stand in memory because it is looked for
#define PIECE (1u << 16)

static size_t count_in(const uint8_t *hay, size_t n, const uint8_t masked[static SECRET_LEN]) {
    size_t found = 0;
    for (size_t at = 0; at + SECRET_LEN <= n; at++) {
        size_t same = 0;
        while (same < SECRET_LEN && (hay[at + same] ^ MASK) == masked[same])
            same++;
        found += same == SECRET_LEN;
    }
    return found;
}

// How often it stands in what this process may write to.
static size_t count_in_memory(const uint8_t masked[static SECRET_LEN]) {
    static uint8_t piece[PIECE];
    char line[512];
    size_t found = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    assert_true(maps && memory >= 0);
    while (fgets(line, sizeof line, maps)) {
        unsigned long from, to;
        char mode[8];
        if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) != 3 || strncmp(mode, "rw", 2) != 0 || to - from > 1ul << 30)
            continue;
        for (unsigned long at = from; at < to; at += PIECE - SECRET_LEN) {
            explicit_bzero(piece, sizeof piece); // or it would be found in here
            ssize_t n = pread(memory, piece, to - at < PIECE ? to - at : PIECE, (off_t)at);
            found += n > 0 ? count_in(piece, (size_t)n, masked) : 0;
        }
    }
    explicit_bzero(piece, sizeof piece);
    close(memory);
    fclose(maps);
    return found;
}

// If this fails, a caller's secret can be read in the worker's memory long after the run that it was for.
static void test_nothing_left(void **state) {
    (void)state;
    char value[SECRET_LEN + 1] = {0};
    uint8_t masked[SECRET_LEN];
    random_bytes(masked, sizeof masked);
    for (size_t i = 0; i < SECRET_LEN; i++) {
        value[i] = (char)('a' + masked[i] % 26);
        masked[i] = (uint8_t)value[i] ^ MASK;
    }
    static char much[20000]; // so that other allocations do not happen to use the same memory again
    memset(much, 'x', sizeof much - 1);
    const struct exec_env env[] = {{"A", much}, {"API_KEY", value}, {"B", much}};
    struct slice wasm = module_of("(module (memory (export \"memory\") 1)" MAIN("(drop (i32.const 7))"));
    for (int i = 0; i < 3; i++) {
        struct exec_result r = run_with(wasm, "", usual, env, ARRAY_LEN(env));
        ends(&r, EXEC_OK, NULL);
    }
    assert_true(count_in_memory(masked) == 1); // our own
    explicit_bzero(value, sizeof value);
    assert_int_equal(count_in_memory(masked), 0);
}

// Compiled once; code that somebody changed on disk is not loaded, it is compiled again.
static void test_cache(void **state) {
    (void)state;
    struct slice wasm = module_of("(module (memory (export \"memory\") 1)" MAIN("(drop (i32.const 77))"));
    struct exec_result r = run_with(wasm, "", usual, NULL, 0);
    assert_true(r.compile_us > 0);
    r = run_with(wasm, "", usual, NULL, 0);
    assert_int_equal(r.compile_us, 0);
    struct hash h = sha256(wasm);
    char hex[65];
    hash_hex(&h, hex);
    // One byte in the middle of the kept file.
    if (system(arena_printf(
            arena,
            "f=$(ls %s/code/%s*) && printf X | dd of=$f bs=1 seek=$(($(stat -c %%s $f) / 2)) conv=notrunc 2>/dev/null",
            work, hex)))
        fail_msg("the cache has no file for %s", hex);
    exec_pool_free(pool); // authentic code stays in memory: another process reads the file
    new_pool();
    r = run_with(wasm, "", usual, NULL, 0);
    ends(&r, EXEC_OK, NULL);
    assert_true(r.compile_us > 0);
}

// An executor that is killed once costs nobody anything: the run is tried once more, and then has its own end.
static void test_killed(void **state) {
    (void)state;
    pid_t killer = fork();
    if (killer == 0) { // looks for the executor among its parent's descendants
        pid_t parent = getppid();
        for (int i = 0; i < 200; i++) {
            char command[512];
            snprintf(command, sizeof command,
                     "kill -9 $(ps -eo pid=,ppid=,stat=,comm= | awk -v top=%d '{up[$1] = $2; how[$1] = $3 $4} END {"
                     "for (p in up) { q = p; while (q in up && q != top) q = up[q];"
                     "if (q == top && how[p] ~ /^R.*outlayer-ex/) print p } }') 2>/dev/null",
                     (int)parent);
            nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL); // until one runs: nothing tells another process
            if (i > 3 && system(command) == 0)
                _exit(0);
        }
        _exit(1);
    }
    struct exec_limits limits = usual;
    limits.max_instructions = 1000000000000000;
    limits.max_seconds = 5;
    struct exec_result r = run("(module (memory (export \"memory\") 1)" MAIN("(loop $l (br $l))"), limits);
    int killed;
    waitpid(killer, &killed, 0);
    assert_int_equal(killed, 0);
    ends(&r, EXEC_DEADLINE, "5 seconds");
    assert_true(r.instructions > 0);
    r = run("(module (memory (export \"memory\") 1)" MAIN(""), usual);
    ends(&r, EXEC_OK, NULL);
}

// If this fails, processes that are forks of one another give two guests the same random numbers.
static void test_random(void **state) {
    (void)state;
    static const char draw[] =
        "(module " WRITE IMPORT("random_get", "(param i32 i32) (result i32)") "(memory (export \"memory\") 1)" MAIN(
            "(drop (call $random_get (i32.const 64) (i32.const 32)))" PRINT("1", "32"));
    struct slice wasm = module_of(draw);
    struct slice seen[12];
    for (size_t i = 0; i < ARRAY_LEN(seen); i++) {
        struct exec_result r = run_with(wasm, "", usual, NULL, 0);
        ends(&r, EXEC_OK, NULL);
        assert_int_equal(r.output.len, 32);
        seen[i] = r.output;
        for (size_t k = 0; k < i; k++)
            assert_false(slice_eq(seen[i], seen[k]));
    }
}

static void *run_many(void *arg) {
    SCOPED_ARENA(a);
    struct slice wasm = *(struct slice *)arg;
    for (int i = 0; i < 20; i++) {
        struct exec_result r;
        struct err e;
        struct exec_request q = {.wasm = wasm, .limits = usual};
        if (!exec_run(pool, a, &q, &r, &e) || r.end != EXEC_OK)
            return arg;
    }
    return NULL;
}

// If this fails, runs at the same time share a slot, or wait for one that never comes free.
static void test_in_parallel(void **state) {
    (void)state;
    struct slice wasm = module_of("(module (memory (export \"memory\") 1)" MAIN("(drop (i32.const 3))"));
    pthread_t threads[6];
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_many, &wasm), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
}

static int set_up(void **state) {
    (void)state;
    if (!mkdtemp(work))
        return -1;
    arena = arena_new();
    new_pool();
    return 0;
}

// If this fails, two runs of the same slot, which are forks of one process, know each other's random numbers.
static void test_random_of_components(void **state) {
    (void)state;
    static const char *const seeds[] = {"host", "insecure"}; // each prints 100 bytes
    for (size_t i = 0; i < ARRAY_LEN(seeds); i++) {
        struct slice wasm;
        struct err e;
        assert_ok(file_read(arena, arena_printf(arena, "src/wasm/seeds/meter/%s", seeds[i]), 1 << 16, &wasm, &e), &e);
        struct exec_result one = run_with(wasm, "", usual, NULL, 0), two = run_with(wasm, "", usual, NULL, 0);
        ends(&one, EXEC_OK, NULL);
        ends(&two, EXEC_OK, NULL);
        assert_int_equal(one.output.len, 100);
        assert_int_equal(two.output.len, 100);
        assert_memory_not_equal(one.output.ptr, two.output.ptr, 8);
    }
}

static int tear_down(void **state) {
    (void)state;
    struct err e;
    exec_pool_free(pool);
    bool ok = file_remove_tree(work, &e);
    arena_free(arena);
    return ok ? 0 : -1;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_echo),
                                       cmocka_unit_test(test_counts),
                                       cmocka_unit_test(test_traps),
                                       cmocka_unit_test(test_deadline),
                                       cmocka_unit_test(test_memory),
                                       cmocka_unit_test(test_output),
                                       cmocka_unit_test(test_talkative),
                                       cmocka_unit_test(test_statuses),
                                       cmocka_unit_test(test_host_costs),
                                       cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_environment),
                                       cmocka_unit_test(test_nothing_left),
                                       cmocka_unit_test(test_cache),
                                       cmocka_unit_test(test_random),
                                       cmocka_unit_test(test_in_parallel),
                                       cmocka_unit_test(test_killed),
                                       cmocka_unit_test(test_random_of_components)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
