// SPDX-License-Identifier: Apache-2.0
#include "sandbox/sandbox.h"

#include "base/clock.h"
#include "base/test.h"

// A shell command in a box of its own.
static struct sandbox_result in_box(struct arena *a, const char *script) {
    struct err e = {0};
    struct sandbox *s;
    struct sandbox_result r = {0};
    struct sandbox_spec spec = {
        .work_bytes = 8 << 20, .tmp_bytes = 1 << 20, .memory_bytes = 256 << 20, .processes = 64};
    const char *argv[] = {"/bin/sh", "-c", script, NULL}, *env[] = {"PATH=/usr/bin:/bin", NULL};
    struct sandbox_command c = {
        .argv = argv, .env = env, .deadline_ms = clock_mono_ms() + 10000, .cpu_seconds = 10, .output_max = 4096};
    assert_ok(sandbox_open(&s, &spec, &e), &e);
    assert_ok(sandbox_run(s, a, &c, &r, &e), &e);
    sandbox_close(s);
    return r;
}

// If this fails, no build can run: the simplest command in a box does not.
static void test_runs_a_command(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct sandbox_result r = in_box(a, "echo out; echo err >&2; ls /; id; cat /proc/self/status | grep -E "
                                        "'Cap|Seccomp|NoNew'; cat /proc/mounts; ls -la /work /dev; exit 7");
    assert_int_equal(r.end, SANDBOX_EXITED);
    assert_int_equal(r.status, 7);
}
static const struct CMUnitTest tests[] = {cmocka_unit_test(test_runs_a_command)};
RUN_TESTS(tests)
