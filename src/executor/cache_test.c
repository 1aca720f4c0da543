// SPDX-License-Identifier: Apache-2.0
#include "executor/cache.h"

#include "base/file.h"
#include "base/test.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char work[] = "/tmp/cache-test.XXXXXX";
static struct arena *arena;

static struct hash number(uint32_t n) { return sha256(slice_of(&n, sizeof n)); }

// The code of a number: its length and bytes say which one it is.
#define CODE_BYTES 20000
static struct slice code_of(struct arena *a, uint32_t n) {
    uint8_t *p = arena_alloc(a, CODE_BYTES + n);
    memset(p, (int)n, CODE_BYTES + n);
    return slice_of(p, CODE_BYTES + n);
}

static void is_code(int fd, uint64_t len, uint32_t n) {
    uint8_t first, last;
    assert_int_equal(len, CODE_BYTES + n);
    assert_int_equal(pread(fd, &first, 1, 0), 1);
    assert_int_equal(pread(fd, &last, 1, (off_t)len - 1), 1);
    assert_int_equal(first, (uint8_t)n);
    assert_int_equal(last, (uint8_t)n);
    close(fd);
}

static struct code_cache *new_cache(const char *dir, uint64_t max_bytes) {
    struct code_cache *c;
    struct err e;
    assert_ok(code_cache_new(&c, dir, max_bytes, &e), &e);
    return c;
}

static void put(struct code_cache *c, uint32_t n) {
    SCOPED_ARENA(a);
    struct hash h = number(n);
    struct err e;
    int fd;
    assert_ok(code_cache_put(c, &h, code_of(a, n), &fd, &e), &e);
    is_code(fd, CODE_BYTES + n, n);
}

static bool has(struct code_cache *c, uint32_t n, bool load) {
    struct hash h = number(n);
    int fd;
    uint64_t len;
    if (!(load ? code_cache_load(c, &h, &fd, &len) : code_cache_find(c, &h, &fd, &len)))
        return false;
    is_code(fd, len, n);
    return true;
}

// Bytes of memory files that this process holds open.
static uint64_t memory_held(void) {
    uint64_t sum = 0;
    for (int fd = 3; fd < 256; fd++) {
        char path[64], target[64] = "";
        struct stat st;
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        if (readlink(path, target, sizeof target - 1) > 0 && strncmp(target, "/memfd:", 7) == 0 && fstat(fd, &st) == 0)
            sum += (uint64_t)st.st_size;
    }
    return sum;
}

// If this fails, code is compiled again after a restart, or kept code takes memory.
static void test_files(void **state) {
    (void)state;
    const char *dir = arena_printf(arena, "%s/files", work);
    struct code_cache *c = new_cache(dir, 1 << 20);
    put(c, 1);
    assert_true(has(c, 1, false));
    assert_false(has(c, 2, true));
    assert_int_equal(memory_held(), 0);
    code_cache_free(c);
    c = new_cache(dir, 1 << 20);
    assert_false(has(c, 1, false)); // not open yet
    assert_true(has(c, 1, true) && has(c, 1, false));
    assert_int_equal(memory_held(), 0);
    struct hash h = number(1);
    code_cache_drop(c, &h);
    assert_false(has(c, 1, true));
    code_cache_free(c);
}

// If this fails, what is kept grows without end: on disk, in descriptors of files that are gone, in memory.
static void test_bounded(void **state) {
    (void)state;
    struct code_cache *c = new_cache(arena_printf(arena, "%s/bounded", work), 4 * CODE_BYTES);
    unsigned open = 0;
    for (uint32_t n = 1; n <= 20; n++)
        put(c, n);
    for (uint32_t n = 1; n <= 20; n++)
        open += has(c, n, true);
    assert_in_range(open, 1, 4);
    assert_true(has(c, 20, false));
    code_cache_free(c);
}

// Until the clock of inodes, which goes by the kernel's tick, has gone on.
static void await_tick(void) {
    struct timespec start, now;
    clock_gettime(CLOCK_REALTIME_COARSE, &start);
    do
        clock_gettime(CLOCK_REALTIME_COARSE, &now);
    while (now.tv_nsec == start.tv_nsec);
}

// If this fails, the code that is used most is the first to go from the disk, as its file stays open, and is compiled
// again (and paid) after a restart.
static void test_uses_of_open_files(void **state) {
    (void)state;
    const char *dir = arena_printf(arena, "%s/uses", work);
    struct code_cache *c = new_cache(dir, 4 * CODE_BYTES); // three of them
    for (uint32_t n = 1; n <= 6; n++) {
        put(c, n);
        await_tick();
        assert_true(has(c, 1, false));
    }
    code_cache_free(c);
    c = new_cache(dir, 4 * CODE_BYTES);
    assert_true(has(c, 1, true));
    assert_false(has(c, 4, true));
    code_cache_free(c);
}

// The same where there is no folder: memory files, of which the sum is bounded, not the number.
static void test_memory(void **state) {
    (void)state;
    struct code_cache *c = new_cache(NULL, 0);
    size_t each = 100u << 20;
    uint8_t *big = calloc(1, each);
    assert_non_null(big);
    for (uint32_t n = 1; n <= 4; n++) {
        struct hash h = number(n);
        struct err e;
        int fd;
        assert_ok(code_cache_put(c, &h, slice_of(big, each), &fd, &e), &e);
        close(fd);
        assert_in_range(memory_held(), each, CODE_MEMORY_MAX);
    }
    free(big);
    code_cache_free(c);
    assert_int_equal(memory_held(), 0);
}

// A file that cannot be written is no reason to compile the module for every request.
static void test_no_disk(void **state) {
    (void)state;
    const char *dir = arena_printf(arena, "%s/gone", work);
    struct err e;
    struct code_cache *c = new_cache(dir, 1 << 20);
    assert_ok(file_remove_tree(dir, &e), &e);
    put(c, 5);
    assert_true(has(c, 5, false));
    code_cache_free(c);
}

#define THREADS 6
#define ROUNDS 300
static struct code_cache *shared;

static void *meddle(void *ctx) {
    uint32_t seed = (uint32_t)(uintptr_t)ctx;
    for (int i = 0; i < ROUNDS; i++) {
        uint32_t n = (seed = seed * 1103515245 + 12345) / 65536 % 12 + 1;
        struct hash h = number(n);
        switch (seed / 7 % 4) {
        case 0: put(shared, n); break;
        case 1: code_cache_drop(shared, &h); break;
        case 2: (void)has(shared, n, true); break;
        case 3: (void)has(shared, n, false); break;
        }
    }
    return NULL;
}

// If this fails, threads see one another's code half done, or one another's descriptors. What is found is whole.
static void test_many_threads(void **state) {
    (void)state;
    pthread_t threads[THREADS];
    shared = new_cache(arena_printf(arena, "%s/many", work), 5 * CODE_BYTES);
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, meddle, (void *)(i + 1)), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    code_cache_free(shared);
}

static int set_up(void **state) {
    (void)state;
    arena = arena_new();
    return mkdtemp(work) ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    struct err e;
    bool ok = file_remove_tree(work, &e);
    arena_free(arena);
    return ok ? 0 : -1;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),  cmocka_unit_test(test_bounded), cmocka_unit_test(test_uses_of_open_files),
        cmocka_unit_test(test_memory), cmocka_unit_test(test_no_disk), cmocka_unit_test(test_many_threads)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
