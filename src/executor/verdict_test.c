// SPDX-License-Identifier: Apache-2.0
// Whose fault an end is. If one of these fails, a guest can have its runs for nothing, or pays for our trouble.
#include "executor/verdict.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/test.h"
#include "wasm/engine.h"
#include <signal.h>
#include <unistd.h>

#define HANG_S 60 // what ends by itself has ended long before, however busy the machine is
static const struct exec_limits limits = {10000000, 16, 1, 4096};

// --- judged from facts alone

static int by_signal(int number) { return number; } // as waitpid has it
static int by_exit(int status) { return status << 8; }

static void test_facts(void **state) {
    (void)state;
    const struct {
        enum process_read read;
        struct process_fate fate;
        uint32_t end;
        enum verdict verdict;
        enum exec_end want;
        const char *words;
    } cases[] = {
        {PROCESS_ANSWERED, {true, by_exit(0), false}, ENGINE_RETURNED, VERDICT_GUEST, EXEC_OK, NULL},
        {PROCESS_ANSWERED, {true, by_exit(0), false}, ENGINE_EXITED, VERDICT_GUEST, EXEC_EXIT, "exit status"},
        {PROCESS_ANSWERED, {true, by_exit(0), false}, ENGINE_TRAPPED, VERDICT_GUEST, EXEC_TRAP, "trapped"},
        {PROCESS_ANSWERED, {true, by_exit(0), false}, ENGINE_REFUSED, VERDICT_GUEST, EXEC_INVALID, "cannot be run"},
        {PROCESS_ANSWERED, {true, by_exit(0), false}, ENGINE_STALE, VERDICT_STALE, EXEC_CRASH, "no answer"},
        {PROCESS_ANSWERED, {true, by_exit(0), false}, 77, VERDICT_AGAIN, EXEC_CRASH, "no answer"},
        {PROCESS_LATE, {true, by_signal(SIGKILL), false}, 0, VERDICT_GUEST, EXEC_DEADLINE, "1 seconds"},
        // memory outside of the guest's own: its group's limit, or the engine that gave up
        {PROCESS_DIED, {true, by_signal(SIGKILL), true}, 0, VERDICT_GUEST, EXEC_MEMORY, "host"},
        {PROCESS_DIED, {true, by_signal(SIGABRT), false}, 0, VERDICT_GUEST, EXEC_CRASH, "gave up"},
        {PROCESS_DIED, {true, by_signal(SIGSYS), false}, 0, VERDICT_GUEST, EXEC_FORBIDDEN, "system call"},
        // no explanation
        {PROCESS_DIED, {true, by_signal(SIGKILL), false}, 0, VERDICT_AGAIN, EXEC_CRASH, "killed"},
        {PROCESS_DIED, {true, by_signal(SIGSEGV), false}, 0, VERDICT_AGAIN, EXEC_CRASH, "signal 11"},
        {PROCESS_DIED, {true, by_exit(1), false}, 0, VERDICT_AGAIN, EXEC_CRASH, "status 1"},
        {PROCESS_DIED, {true, by_exit(0), false}, 0, VERDICT_AGAIN, EXEC_CRASH, "no answer"},
        {PROCESS_DIED, {false, 0, false}, 0, VERDICT_AGAIN, EXEC_CRASH, "no answer"},
        // before it had begun
        {PROCESS_UNBEGUN, {true, by_exit(1), false}, 0, VERDICT_OURS, EXEC_CRASH, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        SCOPED_ARENA(a);
        struct meter_page page;
        struct job_answer answer = {.end = cases[i].end, .text = "words"};
        struct exec_result r = {0};
        meter_page_init(&page, limits.max_instructions);
        page.reserve -= 3000000;
        page.peak_memory = 1ull << 40; // what an escaped guest writes is clamped
        struct verdict_facts f = {cases[i].read, &answer, cases[i].fate, &page, &limits};
        enum verdict v = verdict_of(&f, a, &r);
        if (v != cases[i].verdict || (v != VERDICT_OURS && r.end != cases[i].want) ||
            (cases[i].words && (!r.detail || !strstr(r.detail, cases[i].words))))
            fail_msg("case %zu: verdict %d end %s '%s'", i, v, exec_end_slug(r.end), r.detail ? r.detail : "");
        assert_true(r.instructions >= 3000000 && r.instructions <= limits.max_instructions);
        assert_int_equal(r.peak_memory, 16u << 20);
    }
}

// --- with a process that lies

static char work[] = "/tmp/verdict-test.XXXXXX";
static struct exec_pool *pool;
static struct arena *arena;

// *us: how long all of it took, which no part of it can exceed.
static struct exec_result run_for(const char *input, uint32_t max_seconds, uint64_t *us) {
    static const char module[] = "ok";
    struct exec_result r;
    struct err e;
    uint8_t *wasm = arena_calloc(arena, 1, 8 + strlen(module) + 1);
    memcpy(wasm, "\0asm\1\0\0\0", 8);
    memcpy(wasm + 8, module, strlen(module));
    struct exec_request q = {.wasm = slice_of(wasm, 8 + strlen(module)), .input = slice_str(input), .limits = limits};
    q.limits.max_seconds = max_seconds;
    uint64_t start = clock_mono_us();
    if (!exec_run(pool, arena, &q, &r, &e))
        fail_msg("'%s' was our fault: %s", input, e.msg);
    *us = clock_mono_us() - start;
    return r;
}
static struct exec_result run(const char *input) { return run_for(input, HANG_S, &(uint64_t){0}); }

// However the process of a run ends or lies, the guest pays for what the page says, by our clock.
static void test_charged(void **state) {
    (void)state;
    static const struct {
        const char *verb;
        enum exec_end end;
    } cases[] = {{"abort", EXEC_CRASH}, {"signal9", EXEC_CRASH}, {"signal11", EXEC_CRASH}, {"signal31", EXEC_FORBIDDEN},
                 {"exit3", EXEC_CRASH}, {"torn", EXEC_CRASH},    {"deaf", EXEC_CRASH},     {"long", EXEC_CRASH},
                 {"short", EXEC_CRASH}, {"unknown", EXEC_CRASH}, {"stale", EXEC_CRASH},    {"forever", EXEC_DEADLINE}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t us;
        uint32_t max_seconds = cases[i].end == EXEC_DEADLINE ? 1 : HANG_S;
        struct exec_result r = run_for(arena_printf(arena, "%s 5000000", cases[i].verb), max_seconds, &us);
        if (r.end != cases[i].end || !r.detail || r.output.len)
            fail_msg("%s: %s '%s'", cases[i].verb, exec_end_slug(r.end), r.detail ? r.detail : "");
        assert_in_range(r.instructions, 5000000, limits.max_instructions);
        assert_true(r.run_us <= us && r.run_us <= max_seconds * 1000000ull);
    }
}

// A death that nothing explains costs nobody anything when the second try is better; one that explains itself is not
// tried again.
static void test_tried_once_more(void **state) {
    (void)state;
    static const char *const unexplained[] = {"signal9", "signal11", "exit3", "torn", "deaf", "long", "stale", "early"};
    for (size_t i = 0; i < ARRAY_LEN(unexplained); i++) {
        struct exec_result r = run(arena_printf(arena, "%s 2000000 %s/%zu", unexplained[i], work, i));
        if (r.end != EXEC_OK || r.output.len != 4)
            fail_msg("%s: %s '%s'", unexplained[i], exec_end_slug(r.end), r.detail ? r.detail : "");
        assert_in_range(r.instructions, 2000000, 3000000); // of the second alone
    }
    assert_int_equal(run(arena_printf(arena, "abort 0 %s/abort", work)).end, EXEC_CRASH);
    assert_int_equal(run(arena_printf(arena, "signal31 0 %s/call", work)).end, EXEC_FORBIDDEN);
}

// What a run takes is measured here: the process has no say in it.
static void test_our_clock(void **state) {
    (void)state;
    uint64_t us, longest = 0;
    for (int i = 0; i < 20 && longest < 100000; i++) { // 300 ms, less what it takes us to see that it has begun
        struct exec_result r = run_for("slow 0", HANG_S, &us);
        assert_int_equal(r.end, EXEC_OK);
        assert_true(r.run_us <= us);
        longest = r.run_us > longest ? r.run_us : longest;
    }
    assert_true(longest >= 100000);
    assert_int_equal(run_for("forever 0", 1, &us).run_us, 1000000); // clamped to the limit
}

// If this fails, a run on a busy machine, where we see its beginning and its end at once, is as good as free; or a
// process may say how much its guest pays.
static void test_both_clocks(void **state) {
    (void)state;
    uint64_t us;
    struct exec_result r = run_for("dated 0", HANG_S, &us);
    assert_in_range(r.run_us, 200000, us);
    r = run_for("misdated 0", HANG_S, &us); // it says an hour, and says that it begins after 200 ms
    assert_true(r.run_us <= us - 200000);
}

// Processes that do not even begin are our own trouble, and the only thing that is.
static void test_ours(void **state) {
    (void)state;
    struct exec_result r;
    struct err e = {0};
    struct exec_request q = {
        .wasm = slice_of("\0asm\1\0\0\0ok", 10), .input = slice_str("early 9000000"), .limits = limits};
    assert_false(exec_run(pool, arena, &q, &r, &e));
    assert_int_equal(e.code, ERR_UNAVAILABLE);
    assert_int_equal(run("ok 1").end, EXEC_OK);
}

// A machine on which a process takes all of the request's time to begin leaves the guest none: that is not a guest that
// ran longer than its 0 seconds.
static void test_no_time_left(void **state) {
    (void)state;
    struct exec_result r;
    struct err e = {0};
    struct exec_request q = {.wasm = slice_of("\0asm\1\0\0\0ok", 10), .input = slice_str("tardy 0"), .limits = limits};
    q.limits.max_seconds = HANG_S;
    assert_ok(exec_run(pool, arena, &q, &r, &e), &e);
    assert_int_equal(r.end, EXEC_OK);
    q.patience.deadline_ms = clock_mono_ms() + 1000;
    assert_false(exec_run(pool, arena, &q, &r, &e));
    assert_int_equal(e.code, ERR_TIMEOUT);
}

static int set_up(void **state) {
    (void)state;
    struct err e;
    struct exec_settings s = {.prestarted = 1};
    if (!mkdtemp(work))
        return -1;
    arena = arena_new();
    s.program = arena_printf(arena, "%s/../help/lying-executor", file_program_dir(arena));
    assert_ok(exec_pool_new(&pool, &s, &e), &e);
    return 0;
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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_facts),      cmocka_unit_test(test_charged), cmocka_unit_test(test_tried_once_more),
        cmocka_unit_test(test_our_clock),  cmocka_unit_test(test_ours),    cmocka_unit_test(test_no_time_left),
        cmocka_unit_test(test_both_clocks)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
