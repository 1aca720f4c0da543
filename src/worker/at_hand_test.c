// SPDX-License-Identifier: Apache-2.0
#include "worker/at_hand.h"

#include "base/file.h"
#include "base/test.h"
#include "worker/module_cache.h"
#include <fcntl.h>
#include <sys/stat.h>

#define COMMIT "0123456789abcdef0123456789abcdef01234567"

// If this fails, work is given to other workers though this one has just run the same.
static void the_last_ones_are_named(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct at_hand *h = at_hand_new("/nonexistent");
    assert_string_equal(at_hand_text(h, a), "");
    at_hand_note(h, 0);
    at_hand_note(h, 1);
    at_hand_note(h, 2);
    at_hand_note(h, 1);
    assert_string_equal(at_hand_text(h, a), "0000000000000001,0000000000000002");
    uint64_t want[SOURCE_MARKS_MAX];
    for (uint64_t i = 3; i < 3 + SOURCE_MARKS_MAX; i++) {
        at_hand_note(h, i);
        want[SOURCE_MARKS_MAX + 2 - i] = i;
    }
    assert_string_equal(at_hand_text(h, a), source_marks_text(a, want, SOURCE_MARKS_MAX));
    at_hand_note(h, 3);
    assert_non_null(strstr(at_hand_text(h, a), "0000000000000003,0000000000000022"));
    at_hand_free(h);
}

static void cache(const char *dir, struct arena *a, uint8_t key, const char *repo, int seconds) {
    struct build_record r = {.repo = repo, .commit = COMMIT, .target = "wasm32-wasip1", .toolchain = "t"};
    r.build_key.b[0] = key;
    r.wasm_hash = sha256(SLICE_LIT("wasm"));
    module_cache_save(dir, a, 1 << 20, &r, SLICE_LIT("wasm"));
    char hex[65];
    const struct timespec times[2] = {{seconds, 0}, {seconds, 0}};
    assert_int_equal(utimensat(AT_FDCWD, arena_printf(a, "%s/%s.json", dir, hash_hex(&r.build_key, hex)), times, 0), 0);
}

// If this fails, a worker that was started anew is given what it has to fetch, though it has much in its cache.
static void a_start_names_what_is_cached(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e;
    char dir[] = "/tmp/outlayer-at-hand-XXXXXX";
    assert_non_null(mkdtemp(dir));
    cache(dir, a, 1, "https://github.com/a/older", 1000);
    cache(dir, a, 2, "https://github.com/a/newer//guest", 2000);
    assert_ok(file_write_atomic(arena_printf(a, "%s/half.json", dir), SLICE_LIT("{\"repo\":"), 0600, &e), &e);
    struct at_hand *h = at_hand_new(dir);
    const uint64_t want[] = {source_mark("a/newer//guest", COMMIT, "wasm32-wasip1"),
                             source_mark("github.com/a/older", COMMIT, "wasm32-wasip1")};
    assert_string_equal(at_hand_text(h, a), source_marks_text(a, want, 2));
    at_hand_free(h);
    assert_ok(file_remove_tree(dir, &e), &e);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_last_ones_are_named),
                                       cmocka_unit_test(a_start_names_what_is_cached)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
