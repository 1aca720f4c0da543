// SPDX-License-Identifier: Apache-2.0
// Compiling: paid, bounded, remembered, waited for. With an executor that does what the module says.
#include "executor/code.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/test.h"
#include "executor/exec.h"
#include <pthread.h>
#include <sys/inotify.h>
#include <unistd.h>

static char work[] = "/tmp/code-test.XXXXXX";
static struct exec_pool *pool;
static struct arena *arena;

static struct exec_request request_of(struct arena *a, const char *module) {
    size_t n = strlen(module);
    uint8_t *wasm = arena_alloc(a, 8 + n);
    memcpy(wasm, "\0asm\1\0\0\0", 8);
    memcpy(wasm + 8, module, n);
    return (struct exec_request){
        .wasm = slice_of(wasm, 8 + n), .input = slice_str("ok"), .limits = {1000000, 16, 60, 4096}};
}

static struct exec_result run(const struct exec_request *q) {
    struct exec_result r;
    struct err e;
    assert_ok(exec_run(pool, arena, q, &r, &e), &e);
    return r;
}

// The same; *us: how long all of it took, which no part of it can exceed, however busy the machine is.
static struct exec_result run_measured(const struct exec_request *q, uint64_t *us) {
    uint64_t start = clock_mono_us();
    struct exec_result r = run(q);
    *us = clock_mono_us() - start;
    return r;
}

// With a deadline that a busy machine may let pass before the process has begun: then the request fails, which says
// nothing, and has another try with more time, up to `most_ms`. us: what the last try took.
static struct exec_result run_until(struct exec_request *q, uint64_t ms, uint64_t most_ms, uint64_t *us) {
    struct exec_result r;
    struct err e;
    bool ok = false;
    for (int i = 0; i < 40 && !ok; i++, ms = ms * 2 < most_ms ? ms * 2 : most_ms) {
        uint64_t start = clock_mono_us();
        q->patience.deadline_ms = clock_mono_ms() + ms;
        ok = exec_run(pool, arena, q, &r, &e);
        *us = clock_mono_us() - start;
    }
    assert_ok(ok, &e);
    return r;
}

static void is_refused(const struct exec_result *r, const char *words) {
    if (r->end != EXEC_COMPILE || !strstr(r->detail, words))
        fail_msg("%s '%s' does not say '%s'", exec_end_slug(r->end), r->detail ? r->detail : "", words);
}

// If this fails, a module that takes for ever to compile takes what nobody has paid, or takes it at every request.
static void test_paid(void **state) {
    (void)state;
    struct exec_request q = request_of(arena, "forever");
    uint64_t us;
    q.compile_ms = 300;
    struct exec_result r = run_measured(&q, &us);
    is_refused(&r, "0.3 s that are left");
    assert_in_range(r.compile_us, 295000, us);
    r = run(&q); // the same answer at once, and nothing to pay for it
    is_refused(&r, "0.3 s that are left");
    assert_int_equal(r.compile_us, 0);
    q.compile_ms = 500; // who pays for more has another try
    r = run_measured(&q, &us);
    is_refused(&r, "0.5 s that are left");
    assert_in_range(r.compile_us, 495000, us);
}

// However the compiler ends or lies, it is the module's doing, remembered and told.
static void test_deaths(void **state) {
    (void)state;
    static const struct {
        const char *module, *words;
        bool killed; // by us, for its answer, if it has not ended by then: a kill is not remembered (test_killed)
    } cases[] = {{"abort", "gave up", false},  {"signal31", "system call", false}, {"signal11", "died on it", false},
                 {"torn", "died on it", true}, {"long", "died on it", true},       {"exit3", "died on it", false}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct exec_request q = request_of(arena, cases[i].module);
        struct exec_result r = run(&q);
        is_refused(&r, cases[i].words);
        assert_true(r.compile_us > 0);
        r = run(&q);
        is_refused(&r, cases[i].words);
        assert_true(cases[i].killed || r.compile_us == 0);
    }
    struct exec_request q = request_of(arena, "unknown"); // an answer that refuses the module
    struct exec_result r = run(&q);
    assert_int_equal(r.end, EXEC_INVALID);
    assert_int_equal(run(&q).compile_us, 0);
}

// A compiler that died for no reason that can be seen has another try; one that never began is our own trouble.
static void test_again(void **state) {
    (void)state;
    static const char *const verbs[] = {"signal9", "torn", "early"};
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        struct exec_request q = request_of(arena, arena_printf(arena, "%s 0 %s/%zu", verbs[i], work, i));
        struct exec_result r = run(&q);
        assert_int_equal(r.end, EXEC_OK);
    }
    struct exec_request q = request_of(arena, arena_printf(arena, "wither 0 %s/wither", work));
    uint64_t us;
    struct exec_result r = run_measured(&q, &us);
    assert_int_equal(r.end, EXEC_OK);
    assert_in_range(r.compile_us, 1, us - 300000); // the first try, of 300 ms, was not the module's doing
    q = request_of(arena, "wither");
    r = run_measured(&q, &us);
    is_refused(&r, "died on it, twice");
    assert_in_range(r.compile_us, 600000, us); // both were
    q = request_of(arena, "early");
    struct err e;
    assert_false(exec_run(pool, arena, &q, &r, &e));
    assert_int_equal(e.code, ERR_UNAVAILABLE);
}

// If this fails, a compilation that died twice costs more than the request pays for.
static void test_twice(void **state) {
    (void)state;
    for (int i = 0; i < 20; i++) { // on a busy machine one try may take longer than is paid, so that there is no second
        struct exec_request q = request_of(arena, arena_printf(arena, "wither %d", i));
        q.compile_ms = 500;
        struct exec_result r = run(&q);
        if (strstr(r.detail, "died on it, twice") && r.compile_us >= 500000 && r.compile_us < 600000)
            return; // and not the 600 ms that both took
    }
    fail();
}

// If this fails, what was killed for want of this machine's own memory is refused until the worker starts anew.
static void test_killed(void **state) {
    (void)state;
    struct exec_request q = request_of(arena, "signal9");
    for (size_t i = 0; i < 2; i++) {
        struct exec_result r = run(&q);
        is_refused(&r, "died on it");
        assert_true(r.compile_us > 0); // tried again
    }
}

// If this fails, a compilation on a busy machine, whose beginning and end are seen at once, is as good as free.
static void test_unseen(void **state) {
    (void)state;
    struct exec_request q = request_of(arena, "dated");
    uint64_t us;
    struct exec_result r = run_measured(&q, &us);
    assert_in_range(r.compile_us, 200000, us);
}

// If this fails, who asks for a compilation that is longer than the request's time on chain has it for nothing.
static void test_cut(void **state) {
    (void)state;
    struct exec_request q = request_of(arena, "forever and a day");
    for (size_t i = 0; i < 2; i++) { // it says nothing of the next try
        uint64_t us;
        struct exec_result r = run_until(&q, 300, 10000, &us);
        is_refused(&r, "time on chain was used up");
        assert_in_range(r.compile_us, 1, us);
    }
}

// If this fails, a request with less than a second left is given up without a try, however short its run would be.
static void test_last_second(void **state) {
    (void)state;
    struct exec_request q = request_of(arena, "ok");
    assert_int_equal(run(&q).end, EXEC_OK); // compiled
    uint64_t us;
    struct exec_result r = run_until(&q, 900, 900, &us);
    assert_int_equal(r.end, EXEC_OK);
    assert_int_equal(r.seconds, 1);
}

#define THREADS 6
struct caller {
    const char *module;
    struct patience patience;
    uint64_t compile_us;
    bool ok;
    atomic_bool over;
    enum exec_end end;
    struct err e;
    int parked, returned;
};

static void park(void *ctx, bool is) {
    struct caller *c = ctx;
    *(is ? &c->parked : &c->returned) += 1;
}

static void *call(void *ctx) {
    SCOPED_ARENA(a);
    struct caller *c = ctx;
    struct exec_request q = request_of(a, c->module);
    struct exec_result r = {.end = EXEC_OK};
    q.patience = c->patience;
    q.parked = park;
    q.ctx = c;
    c->ok = exec_run(pool, a, &q, &r, &c->e);
    c->compile_us = r.compile_us;
    c->end = r.end;
    c->over = true;
    return NULL;
}

// Many ask for one module that is slow to compile: it is compiled once, and paid once.
static void test_once(void **state) {
    (void)state;
    struct caller callers[THREADS] = {0};
    pthread_t threads[THREADS];
    int paid = 0;
    for (int i = 0; i < THREADS; i++) {
        callers[i].module = "slow";
        assert_int_equal(pthread_create(&threads[i], NULL, call, &callers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_true(callers[i].ok && callers[i].end == EXEC_OK);
        assert_int_equal(callers[i].parked, callers[i].returned);
        paid += callers[i].compile_us > 0;
    }
    assert_int_equal(paid, 1);
}

// Who waits for somebody else's compilation, or for a place among the compilations, waits no longer than it can, and
// holds no place among the runs meanwhile.
static void test_waiting(void **state) {
    (void)state;
    atomic_bool cancel = false, stop = false;
    struct caller first = {.patience = {0, &stop}}, same = {0}, other = {.module = "forever other"},
                  lost = {.patience = {0, &cancel}}, quick = {.module = "ok"};
    pthread_t a, b;
    int begun = inotify_init1(IN_CLOEXEC);
    struct inotify_event event[8];
    call(&quick); // compiled
    assert_int_equal(quick.end, EXEC_OK);
    first.module = same.module = lost.module = arena_printf(arena, "forever 0 %s/begun", work);
    assert_true(inotify_add_watch(begun, work, IN_CREATE) >= 0);
    assert_int_equal(pthread_create(&a, NULL, call, &first), 0);
    assert_true(read(begun, event, sizeof event) > 0); // it has the one place among the compilations
    close(begun);
    assert_int_equal(pthread_create(&b, NULL, call, &lost), 0);
    same.patience.deadline_ms = other.patience.deadline_ms = clock_mono_ms() + 200;
    call(&same);
    call(&other);
    assert_true(!same.ok && !other.ok);
    assert_int_equal(same.e.code, ERR_TIMEOUT);
    assert_int_equal(other.e.code, ERR_TIMEOUT);
    assert_true(clock_mono_ms() >= same.patience.deadline_ms);
    assert_int_equal(same.compile_us + other.compile_us, 0);
    assert_true(same.parked == 1 && same.returned == 1);
    call(&quick);
    assert_int_equal(quick.end, EXEC_OK);
    atomic_store(&cancel, true);
    pthread_join(b, NULL);
    assert_false(lost.ok);
    assert_int_equal(lost.e.code, ERR_UNAVAILABLE);
    assert_false(first.over); // so nobody has waited for it
    atomic_store(&stop, true);
    pthread_join(a, NULL);
    assert_false(first.ok);
    assert_int_equal(first.e.code, ERR_UNAVAILABLE);
}

// A run that nobody waits for any more ends; one that has less time left than its seconds gets what is left.
static void test_cancelled_run(void **state) {
    (void)state;
    uint64_t us;
    atomic_bool cancel = true;
    struct exec_request q = request_of(arena, "ok");
    struct exec_result r = run(&q);
    struct err e;
    q.input = slice_str("forever 1");
    r = run_until(&q, 1500, 1500, &us);
    assert_int_equal(r.end, EXEC_DEADLINE);
    assert_int_equal(r.seconds, 1);
    q.patience = (struct patience){0, &cancel};
    assert_false(exec_run(pool, arena, &q, &r, &e));
    assert_int_equal(e.code, ERR_UNAVAILABLE);
}

static int set_up(void **state) {
    (void)state;
    struct err e;
    struct exec_settings s = {.prestarted = 1, .runs = 1, .compiles = 1};
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
        cmocka_unit_test(test_paid),        cmocka_unit_test(test_deaths),        cmocka_unit_test(test_again),
        cmocka_unit_test(test_twice),       cmocka_unit_test(test_once),          cmocka_unit_test(test_waiting),
        cmocka_unit_test(test_killed),      cmocka_unit_test(test_cancelled_run), cmocka_unit_test(test_cut),
        cmocka_unit_test(test_last_second), cmocka_unit_test(test_unseen)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
