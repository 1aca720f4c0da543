// SPDX-License-Identifier: Apache-2.0
#include "builder/crate_cache.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/test.h"
#include "blobs/blobs.h"
#include "builder/build.h"
#include "builder/cargo_lock.h"
#include "codec/hex.h"
#include <fcntl.h>
#include <sys/stat.h>

#define REGISTRY "source = \"registry+https://github.com/rust-lang/crates.io-index\"\n"
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define KEEPS JOB_CARGO "/registry/cache/index.crates.io-1949cf8c6b5b557f"

// If this fails, a lock of a stranger names files that are none of the registry's, or true ones are not seen.
static void test_lock(void **state) {
    (void)state;
    static const struct {
        const char *text, *file;
    } cases[] = {
        {"version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\n "
         "\"a\",\n]\n\n[[package]]\n"
         "name = \"a-b\"\nversion = \"1.2.3+x.4\"\n" REGISTRY "checksum = \"" ZEROS "\"\n",
         "a-b-1.2.3+x.4.crate"},
        {"[[package]]\nname = \"a\"\nversion = \"1\"\nsource = \"git+https://h/o/n#1\"\nchecksum = \"" ZEROS "\"\n",
         NULL},
        {"[[package]]\nname = \"a\"\nversion = \"1\"\n[[package]]\n" REGISTRY "checksum = \"" ZEROS "\"\n", NULL},
        {"[[package]]\nname = \"../a\"\nversion = \"1\"\n" REGISTRY "checksum = \"" ZEROS "\"\n", NULL},
        {"[[package]]\nname = \"a\"\nversion = \"1/..\"\n" REGISTRY "checksum = \"" ZEROS "\"\n", NULL},
        {"[[package]]\nname = \"-a\"\nversion = \"1\"\n" REGISTRY "checksum = \"" ZEROS "\"\n", NULL},
        {"[[package]]\nname = \"a\"\nversion = \"1\"\n" REGISTRY "checksum = \"00\"\n", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct slice text = slice_str(cases[i].text);
        struct locked_crate c;
        bool there = cargo_lock_next(&text, &c);
        if (there != (cases[i].file != NULL) || (there && strcmp(c.file, cases[i].file) != 0))
            fail_msg("case %zu: '%s'", i, there ? c.file : "");
        assert_false(there && cargo_lock_next(&text, &c));
    }
}

static struct arena *arena;
static struct builder *builder;
static char home[] = "/tmp/crate-cache-XXXXXX";

static const char *in_box(struct job *j, const char *script) {
    const char *argv[] = {"/bin/sh", "-ec", script, NULL};
    static const char *const env[] = {"PATH=/usr/bin:/bin", NULL};
    struct sandbox_command c = {.argv = argv, .env = env};
    struct sandbox_result r;
    assert_true(job_run(j, &c, &r));
    assert_int_equal(r.status, 0);
    return arena_text(arena, r.output);
}

static void open_job(struct job *j, struct build_result *result, struct err *e) {
    *j = (struct job){
        .builder = builder, .arena = arena, .result = result, .e = e, .patience = {clock_mono_ms() + 60000, NULL}};
    assert_ok(job_box(j), e);
}

// If this fails, a build downloads again what the one before it had; or something else than what the lock's hash says
// gets into a build or is kept.
static void test_kept_by_hash(void **state) {
    (void)state;
    struct err e = {0};
    struct build_result result = {0};
    struct job j;
    char good[65], bad[65];
    struct hash h = sha256(SLICE_LIT("the bytes")), other = sha256(SLICE_LIT("other bytes"));
    struct slice lock = slice_str(arena_printf(
        arena,
        "[[package]]\nname = \"good\"\nversion = \"1.0.0\"\n" REGISTRY
        "checksum = \"%s\"\n[[package]]\nname = \"bad\"\nversion = \"1.0.0\"\n" REGISTRY "checksum = \"%s\"\n",
        hash_hex(&h, good), hash_hex(&other, bad)));
    open_job(&j, &result, &e);
    assert_ok(crate_cache_lay_out(&j, lock), &e);
    (void)in_box(&j, "mkdir -p " KEEPS "; printf 'the bytes' >" KEEPS "/good-1.0.0.crate; printf not >" KEEPS
                     "/bad-1.0.0.crate");
    assert_ok(crate_cache_keep(&j, lock), &e);
    job_close(&j);
    const char *kept = arena_printf(arena, "%s/%s", home, good);
    assert_int_equal(access(kept, R_OK), 0);
    assert_int_not_equal(access(arena_printf(arena, "%s/%s", home, bad), F_OK), 0);

    open_job(&j, &result, &e);
    assert_ok(crate_cache_lay_out(&j, lock), &e);
    assert_string_equal(
        in_box(&j, "cd " KEEPS "; ls; cat good-1.0.0.crate; ! echo >good-1.0.0.crate"),
        "good-1.0.0.crate\nthe bytes/bin/sh: 1: cannot create good-1.0.0.crate: Read-only file system\n");
    job_close(&j);

    assert_ok(file_write_atomic(kept, SLICE_LIT("the bites"), 0644, &e), &e);
    open_job(&j, &result, &e);
    assert_ok(crate_cache_lay_out(&j, lock), &e);
    assert_string_equal(in_box(&j, "ls /work"), "");
    (void)in_box(&j, "mkdir -p " KEEPS "; printf 'the bytes' >" KEEPS "/good-1.0.0.crate"); // downloaded again
    assert_ok(crate_cache_keep(&j, lock), &e);
    struct slice again;
    assert_ok(file_read(arena, kept, 100, &again, &e), &e);
    assert_true(slice_eq_str(again, "the bytes"));
    assert_int_equal(blobs_bytes(builder->crates), again.len);
    job_close(&j);
}

// If this fails, a lock that names a large download a thousand times keeps a thread of a build that is long over.
static void test_time_is_the_builds(void **state) {
    (void)state;
    struct err e = {0};
    struct build_result result = {0};
    struct job j;
    struct stat st;
    char hex[65];
    struct hash h = sha256(SLICE_LIT("large"));
    const char *kept = arena_printf(arena, "%s/%s", home, hash_hex(&h, hex));
    struct slice lock = slice_str(arena_printf(
        arena, "[[package]]\nname = \"large\"\nversion = \"1.0.0\"\n" REGISTRY "checksum = \"%s\"\n", hex));
    const struct timespec never[2] = {{0}, {0}};
    assert_ok(file_write_atomic(kept, SLICE_LIT("large"), 0644, &e), &e);
    assert_int_equal(utimensat(AT_FDCWD, kept, never, 0), 0);
    open_job(&j, &result, &e);
    j.patience.deadline_ms = 1;
    assert_false(crate_cache_lay_out(&j, lock));
    assert_int_equal(result.end, BUILD_TIMEOUT);
    assert_int_equal(stat(kept, &st), 0);
    assert_int_equal(st.st_mtime, 0); // has not been looked at
    job_close(&j);
}

static int set_up(void **state) {
    (void)state;
    struct err e = {0};
    if (!mkdtemp(home))
        return -1;
    arena = arena_new();
    struct build_settings s = {.crates_dir = home};
    assert_ok(builder_new(&builder, &s, &e), &e);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    struct err e = {0};
    builder_free(builder);
    arena_free(arena);
    return file_remove_tree(home, &e) ? 0 : -1;
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_lock), cmocka_unit_test(test_kept_by_hash),
                                          cmocka_unit_test(test_time_is_the_builds)};
int main(void) { return cmocka_run_group_tests(tests, set_up, tear_down); }
