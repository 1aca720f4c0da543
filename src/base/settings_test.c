// SPDX-License-Identifier: Apache-2.0
#include "base/test.h"

#include "base/file.h"
#include "base/settings.h"

struct demo {
    const char *host, *token;
    uint64_t port;
    bool quiet;
};
static const struct setting table[] = {
    SET_TEXT(struct demo, host, "DEMO_HOST", "127.0.0.1", "address to listen on"),
    SET_U64(struct demo, port, "DEMO_PORT", "8080", 0, 65535, "port, 0 for any free one"),
    SET_BOOL(struct demo, quiet, "DEMO_QUIET", "false", "say less"),
    SET_SECRET(struct demo, token, "DEMO_TOKEN", "who we are"),
};

static char path[64];

static bool load(struct demo *d, struct arena *a, const char *text, struct err *e) {
    return file_write_atomic(path, slice_str(text), 0600, e) &&
           settings_load(d, sizeof *d, a, table, ARRAY_LEN(table), path, e);
}

static int prepare(void **state) {
    (void)state;
    static const char *const names[] = {"DEMO_HOST",  "DEMO_PORT",       "DEMO_QUIET",
                                        "DEMO_TOKEN", "DEMO_TOKEN_FILE", "OUTLAYER_TYPO"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        unsetenv(names[i]);
    snprintf(path, sizeof path, "/tmp/settings_test.%d", (int)getpid());
    return 0;
}

static int tidy(void **state) {
    unlink(path);
    return prepare(state);
}

// A default is lost, a file is ignored, or the environment does not win over the file.
static void environment_beats_file_beats_default(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e;
    struct demo d;
    assert_ok(load(&d, a, "# comment\n\nexport DEMO_PORT = \"9\"\nDEMO_QUIET=true\r\nDEMO_HOST=\n", &e), &e);
    assert_int_equal(d.port, 9);
    assert_true(d.quiet);
    assert_string_equal(d.host, "127.0.0.1"); // empty counts as absent
    assert_null(d.token);
    setenv("DEMO_PORT", "10", 1);
    setenv("DEMO_HOST", "", 1);
    assert_ok(load(&d, a, "DEMO_PORT=9\nDEMO_HOST=h\n", &e), &e);
    assert_int_equal(d.port, 10);
    assert_string_equal(d.host, "h");
}

// A typo passes in silence, or the message does not say where it stands.
static void typos_are_errors_with_a_place(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e;
    struct demo d;
    assert_err(load(&d, a, "\nDEMO_PROT=1\n", &e), &e, ERR_SETTINGS, ":2: unknown setting 'DEMO_PROT'");
    assert_string_equal(e.hint, "did you mean DEMO_PORT?");
    assert_err(load(&d, a, "DEMO_PORT\n", &e), &e, ERR_SETTINGS, ":1: no '='");
    assert_err(load(&d, a, "DEMO_PORT=65536\n", &e), &e, ERR_SETTINGS, "DEMO_PORT is '65536'");
    assert_err(load(&d, a, "DEMO_QUIET=yes\n", &e), &e, ERR_SETTINGS, "DEMO_QUIET is 'yes'");
    setenv("OUTLAYER_TYPO", "1", 1);
    assert_err(load(&d, a, "", &e), &e, ERR_SETTINGS, "environment: unknown setting 'OUTLAYER_TYPO'");
}

// A secret has to stand in the environment because its file form does not work.
static void secret_comes_from_a_file(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e;
    struct demo d;
    char secret[80];
    snprintf(secret, sizeof secret, "%s.secret", path);
    assert_ok(file_write_atomic(secret, SLICE_LIT("hush\n"), 0600, &e), &e);
    setenv("DEMO_TOKEN_FILE", secret, 1);
    assert_ok(load(&d, a, "", &e), &e);
    assert_string_equal(d.token, "hush");
    unsetenv("DEMO_TOKEN_FILE");
    assert_ok(load(&d, a, arena_printf(a, "DEMO_TOKEN_FILE=%s\n", secret), &e), &e);
    assert_string_equal(d.token, "hush");
    unlink(secret);
    assert_err(load(&d, a, arena_printf(a, "DEMO_TOKEN_FILE=%s\n", secret), &e), &e, ERR_NOT_FOUND, "cannot open");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(environment_beats_file_beats_default, prepare, tidy),
    cmocka_unit_test_setup_teardown(typos_are_errors_with_a_place, prepare, tidy),
    cmocka_unit_test_setup_teardown(secret_comes_from_a_file, prepare, tidy),
};
RUN_TESTS(tests)
