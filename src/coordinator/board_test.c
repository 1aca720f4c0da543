// SPDX-License-Identifier: Apache-2.0
// The board and the module store without HTTP: what only time or a failing disk brings about.
#include "base/test.h"

#include "base/clock.h"
#include "base/file.h"
#include "blobs/blobs.h"
#include "coordinator/board.h"
#include "coordinator/fleet.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

struct told {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct board *board;
    bool fails;
    unsigned count, stored;
};

static void expired(void *ctx, const struct board_key *key) {
    struct told *t = ctx;
    pthread_mutex_lock(&t->lock);
    if (t->fails)
        board_end_failed(t->board, key);
    else
        board_ended(t->board, key);
    t->stored += !t->fails;
    t->count++;
    pthread_cond_signal(&t->changed);
    pthread_mutex_unlock(&t->lock);
}

static void wait_for(struct told *t, unsigned count) {
    pthread_mutex_lock(&t->lock);
    while (t->count < count)
        pthread_cond_wait(&t->changed, &t->lock);
    pthread_mutex_unlock(&t->lock);
}

static void wait_for_stored(struct told *t, unsigned count) {
    pthread_mutex_lock(&t->lock);
    while (t->stored < count)
        pthread_cond_wait(&t->changed, &t->lock);
    pthread_mutex_unlock(&t->lock);
}

// An execution whose end cannot be stored must stay: forgotten, it would wait in the database until the next start.
static void test_expiry(void **state) {
    (void)state;
    struct told t = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER, .fails = true};
    const struct board_config config = {20, expired, &t};
    const struct board_task one = {{"a.near", 1}, NULL, "t", "{}", clock_wall_ms()};
    struct board_state now;
    struct board_counts counts;
    struct err e;
    pthread_mutex_lock(&t.lock);
    assert_ok(board_new(&t.board, &config, &e), &e);
    pthread_mutex_unlock(&t.lock);
    board_add(t.board, &one);
    wait_for(&t, 2); // it is tried again
    assert_true(board_look(t.board, &one.key, &now));
    assert_int_equal(now.state, EXECUTION_QUEUED);
    board_counts(t.board, &counts);
    assert_int_equal(counts.by_state[EXECUTION_QUEUED], 1);
    pthread_mutex_lock(&t.lock);
    t.fails = false;
    pthread_mutex_unlock(&t.lock);
    const struct board_task other = {{"b.near", 1}, NULL, "t", "{}", clock_wall_ms()};
    board_add(t.board, &other);
    wait_for_stored(&t, 2);
    board_counts(t.board, &counts);
    assert_int_equal(counts.by_state[EXECUTION_QUEUED], 0);
    assert_false(board_look(t.board, &one.key, &now));
    board_stop(t.board);
    board_free(t.board);
}

// The timer must wake for an execution that came while it slept without a deadline.
static void test_expiry_from_sleep(void **state) {
    (void)state;
    struct told t = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    const struct board_config config = {50, expired, &t};
    struct err e;
    pthread_mutex_lock(&t.lock);
    assert_ok(board_new(&t.board, &config, &e), &e);
    pthread_mutex_unlock(&t.lock);
    for (unsigned i = 1; i <= 3; i++) {
        const struct board_task one = {{"a.near", i}, NULL, "t", "{}", clock_wall_ms()};
        uint64_t start = clock_mono_ms();
        board_add(t.board, &one);
        wait_for(&t, i);
        assert_false(board_has(t.board, &one.key));
        assert_in_range(clock_mono_ms() - start, 45, 5000);
    }
    board_free(t.board);
}

// --- modules

static struct hash put(struct blobs *b, const char *text) {
    struct blob_upload *u;
    struct err e;
    uint64_t size;
    struct hash h = sha256(slice_str(text));
    assert_ok(blob_begin(b, &u, &e), &e);
    assert_ok(blob_add(u, slice_str(text), &e), &e);
    assert_ok(blob_place(u, &h, &size, &e), &e);
    return h;
}

static void age(const char *home, const struct hash *h, time_t seconds) {
    char hex[65], path[256];
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = seconds}};
    snprintf(path, sizeof path, "%s/%s", home, hash_hex(h, hex));
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

// Over its limit the store lets the least recently used go, not the newest and not what was read last; else a full
// store would throw out exactly what is in use.
static void test_eviction(void **state) {
    (void)state;
    char home[] = "/tmp/outlayer-blobs-XXXXXX";
    struct blobs *b;
    struct err e;
    uint64_t size;
    int fd;
    assert_non_null(mkdtemp(home));
    assert_ok(blobs_open(&b, home, 12, &e), &e);
    struct hash one = put(b, "1111"), two = put(b, "2222"), three = put(b, "3333");
    age(home, &one, 100), age(home, &two, 200), age(home, &three, 300);
    assert_ok(blobs_get(b, &one, &fd, &size, &e), &e); // used: now the newest
    close(fd);
    struct hash four = put(b, "4444");
    assert_true(blobs_has(b, &one, &size) && !blobs_has(b, &two, &size) && blobs_has(b, &three, &size) &&
                blobs_has(b, &four, &size));
    assert_int_equal(blobs_bytes(b), 12);
    struct hash large = put(b, "larger than everything that may be kept");
    assert_true(blobs_has(b, &large, &size));
    assert_int_equal(blobs_bytes(b), size);
    put(b, "larger than everything that may be kept"); // again: not counted twice
    assert_int_equal(blobs_bytes(b), size);
    blobs_free(b);
    assert_ok(file_remove_tree(home, &e), &e);
}

// A start counts what is there, and removes what a crash left of an upload.
static void test_reopen(void **state) {
    (void)state;
    char home[] = "/tmp/outlayer-blobs-XXXXXX", path[256];
    struct blobs *b;
    struct blob_upload *u;
    struct err e;
    assert_non_null(mkdtemp(home));
    assert_ok(blobs_open(&b, home, 1000, &e), &e);
    put(b, "1111");
    assert_ok(blob_begin(b, &u, &e), &e);
    assert_ok(blob_add(u, SLICE_LIT("half"), &e), &e);
    blob_drop(u);
    blobs_free(b);
    snprintf(path, sizeof path, "%s/upload-7", home);
    assert_ok(file_write_atomic(path, SLICE_LIT("half"), 0600, &e), &e);
    assert_ok(blobs_open(&b, home, 1000, &e), &e);
    assert_int_equal(blobs_bytes(b), 4);
    assert_int_not_equal(access(path, F_OK), 0);
    blobs_free(b);
    assert_ok(file_remove_tree(home, &e), &e);
}

// --- locks and workers

// The tables are bounded: nobody fills the memory by asking for ever more locks.
static void test_fleet_bounds(void **state) {
    (void)state;
    struct fleet *f = fleet_new();
    struct err e;
    SCOPED_ARENA(a);
    struct lock_state s;
    bool released;
    for (int i = 0; i < LOCKS_MAX; i++)
        assert_ok(lock_acquire(f, a, arena_printf(a, "k%d", i), "w", 60, &s, &e), &e);
    assert_err(lock_acquire(f, a, "one more", "w", 60, &s, &e), &e, ERR_UNAVAILABLE, "locks");
    assert_ok(lock_acquire(f, a, "k5", "w", 60, &s, &e), &e);
    assert_true(s.acquired);
    assert_ok(lock_release(f, "k5", "w", &released, &e), &e);
    assert_ok(lock_acquire(f, a, "one more", "w", 60, &s, &e), &e);
    for (int i = 0; i < WORKERS_MAX; i++)
        assert_ok(fleet_seen(f, arena_printf(a, "w%d", i), "{}", &e), &e);
    assert_err(fleet_seen(f, "one more", "{}", &e), &e, ERR_UNAVAILABLE, "workers");
    assert_int_equal(fleet_alive(f), WORKERS_MAX);
    fleet_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_expiry), cmocka_unit_test(test_expiry_from_sleep),
                                       cmocka_unit_test(test_eviction), cmocka_unit_test(test_reopen),
                                       cmocka_unit_test(test_fleet_bounds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
