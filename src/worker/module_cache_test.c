// SPDX-License-Identifier: Apache-2.0
#include "worker/module_cache.h"

#include "base/file.h"
#include "base/test.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char home[] = "/tmp/module-cache-test.XXXXXX";

// The record of a build whose key and module are made of this text.
static struct build_record record_of(struct arena *a, const char *name) {
    struct secret_key key;
    uint8_t seed[32] = {1};
    struct build_record r = {.build_key = sha256(slice_str(arena_printf(a, "key %s", name))),
                             .wasm_hash = sha256(slice_str(name)),
                             .repo = "https://h/o/n",
                             .commit = "0123456789012345678901234567890123456789",
                             .target = "wasm32-wasip1",
                             .toolchain = "abc"};
    secret_key_from_seed(&key, seed);
    record_sign(&r, &key);
    return r;
}

static const char *folder(struct arena *a, const char *name) {
    struct err e = {0};
    const char *dir = arena_printf(a, "%s/%s", home, name);
    assert_ok(file_make_dirs(dir, 0700, &e), &e);
    return dir;
}

static const char *file_of(struct arena *a, const char *dir, const struct hash *h, const char *ending) {
    char hex[65];
    return arena_printf(a, "%s/%s%s", dir, hash_hex(h, hex), ending);
}

static bool is_there(const char *path) {
    struct stat st;
    return stat(path, &st) == 0;
}

// If this fails, a worker runs another module than the one that was built, or never gets rid of a damaged one.
static void damaged_files_go(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e = {0};
    struct slice wasm;
    struct build_record got, r = record_of(a, "one");
    const char *dir = folder(a, "damaged"), *module = file_of(a, dir, &r.wasm_hash, ".wasm"),
               *record = file_of(a, dir, &r.build_key, ".json");
    assert_false(module_cache_record(dir, a, &r.build_key, &got) || module_cache_wasm(dir, a, &r.wasm_hash, &wasm));
    module_cache_save(dir, a, 1 << 20, &r, slice_str("one"));
    assert_true(module_cache_record(dir, a, &r.build_key, &got) && record_signature_good(&got));
    assert_true(module_cache_wasm(dir, a, &r.wasm_hash, &wasm));
    assert_slice(wasm, "one");
    assert_ok(file_write_atomic(module, slice_str("two"), 0600, &e), &e);
    assert_false(module_cache_wasm(dir, a, &r.wasm_hash, &wasm));
    assert_false(is_there(module));
    static const char *const bad[] = {"", "{", "[]", "{\"build_key\":\"x\"}"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_ok(file_write_atomic(record, slice_str(bad[i]), 0600, &e), &e);
        assert_false(module_cache_record(dir, a, &r.build_key, &got));
        assert_false(is_there(record));
    }
}

// If this fails, the disk of a worker fills up, or what is used all the time goes first.
static void the_least_used_go_first(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    static const char *const names[] = {"aaaa", "bbbb", "cccc"};
    struct slice wasm;
    struct build_record r[3], got;
    const char *dir = folder(a, "full");
    const struct timespec old[2] = {{1000000000, 0}, {1000000000, 0}};
    for (size_t i = 0; i < 3; i++) {
        r[i] = record_of(a, names[i]);
        module_cache_save(dir, a, 1 << 20, &r[i], slice_str(names[i]));
        assert_int_equal(utimensat(AT_FDCWD, file_of(a, dir, &r[i].wasm_hash, ".wasm"), old, 0), 0);
        assert_int_equal(utimensat(AT_FDCWD, file_of(a, dir, &r[i].build_key, ".json"), old, 0), 0);
    }
    assert_true(module_cache_wasm(dir, a, &r[1].wasm_hash, &wasm)); // used now
    assert_true(module_cache_record(dir, a, &r[1].build_key, &got));
    struct build_record last = record_of(a, "dddd");
    struct stat st;
    assert_int_equal(stat(file_of(a, dir, &r[1].build_key, ".json"), &st), 0);
    module_cache_save(dir, a, 2 * (uint64_t)(st.st_size + 4), &last, slice_str("dddd")); // room for two
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(module_cache_wasm(dir, a, &r[i].wasm_hash, &wasm), i == 1);
    assert_true(module_cache_wasm(dir, a, &last.wasm_hash, &wasm));
    assert_true(module_cache_record(dir, a, &last.build_key, &got));
    module_cache_save(arena_printf(a, "%s/not/there", home), a, 1, &last, slice_str("dddd")); // a warning, and no end
}

static int set_up(void **state) {
    (void)state;
    return mkdtemp(home) ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    return file_remove_tree(home, NULL) ? 0 : -1;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(damaged_files_go), cmocka_unit_test(the_least_used_go_first)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
