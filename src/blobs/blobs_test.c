// SPDX-License-Identifier: Apache-2.0
// Files by their hash: what is kept, and what trouble does to it.
#include "blobs/blobs.h"

#include "base/file.h"
#include "base/test.h"
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char home[] = "/tmp/blobs-test.XXXXXX";

static struct blobs *open_in(struct arena *a, const char *name) {
    struct blobs *b;
    struct err e = {0};
    assert_ok(blobs_open(&b, arena_printf(a, "%s/%s", home, name), 1 << 20, &e), &e);
    return b;
}

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

static void age(const char *dir, const struct hash *h, time_t seconds) {
    char hex[65], path[256];
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = seconds}};
    snprintf(path, sizeof path, "%s/%s", dir, hash_hex(h, hex));
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

// Over its limit the store lets the least recently used go, not the newest and not what was read last; else a full
// store would throw out exactly what is in use.
static void the_least_recently_used_goes(void **state) {
    (void)state;
    char dir[] = "/tmp/outlayer-blobs-XXXXXX";
    struct blobs *b;
    struct err e;
    uint64_t size;
    int fd;
    assert_non_null(mkdtemp(dir));
    assert_ok(blobs_open(&b, dir, 12, &e), &e);
    struct hash one = put(b, "1111"), two = put(b, "2222"), three = put(b, "3333");
    age(dir, &one, 100), age(dir, &two, 200), age(dir, &three, 300);
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
    assert_ok(file_remove_tree(dir, &e), &e);
}

// A start counts what is there, and removes what a crash left of an upload.
static void a_start_counts_and_cleans(void **state) {
    (void)state;
    char dir[] = "/tmp/outlayer-blobs-XXXXXX", path[256];
    struct blobs *b;
    struct blob_upload *u;
    struct err e;
    assert_non_null(mkdtemp(dir));
    assert_ok(blobs_open(&b, dir, 1000, &e), &e);
    put(b, "1111");
    assert_ok(blob_begin(b, &u, &e), &e);
    assert_ok(blob_add(u, SLICE_LIT("half"), &e), &e);
    blob_drop(u);
    blobs_free(b);
    snprintf(path, sizeof path, "%s/upload-7", dir);
    assert_ok(file_write_atomic(path, SLICE_LIT("half"), 0600, &e), &e);
    assert_ok(blobs_open(&b, dir, 1000, &e), &e);
    assert_int_equal(blobs_bytes(b), 4);
    assert_int_not_equal(access(path, F_OK), 0);
    blobs_free(b);
    assert_ok(file_remove_tree(dir, &e), &e);
}

// If this fails, whoever may upload fills the disk, or bytes are kept under a name that is not theirs.
static void what_is_not_taken(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct blobs *b = open_in(a, "refused");
    struct blob_upload *u;
    struct err e = {0};
    struct hash other = sha256(slice_str("other"));
    uint64_t size;
    assert_ok(blob_begin(b, &u, &e), &e);
    assert_ok(blob_add(u, slice_str("some"), &e), &e);
    assert_err(blob_add(u, slice_of("", MODULE_BYTES_MAX), &e), &e, ERR_TOO_LARGE, "at most");
    blob_drop(u);
    assert_ok(blob_begin(b, &u, &e), &e);
    assert_ok(blob_add(u, slice_str("some"), &e), &e);
    assert_err(blob_place(u, &other, &size, &e), &e, ERR_INVALID, "the module's SHA-256 is");
    assert_false(blobs_has(b, &other, &size));
    assert_int_equal(blobs_bytes(b), 0);
    blobs_free(b);
}

// If this fails, what a crash left half-written stays for ever, or is taken for a file.
static void what_a_crash_left(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e = {0};
    struct hash h = sha256(slice_str("whole"));
    struct stat st;
    uint64_t size;
    char hex[65];
    const char *dir = arena_printf(a, "%s/crash", home), *half = arena_printf(a, "%s/upload-7", dir);
    assert_ok(file_make_dirs(dir, 0700, &e), &e);
    assert_ok(file_write_atomic(half, slice_str("half"), 0600, &e), &e);
    assert_ok(file_write_atomic(arena_printf(a, "%s/%s", dir, hash_hex(&h, hex)), slice_str("whole"), 0600, &e), &e);
    struct blobs *b = open_in(a, "crash");
    assert_int_equal(stat(half, &st), -1);
    assert_true(blobs_has(b, &h, &size));
    assert_int_equal(blobs_bytes(b), 5);
    blobs_remove(b, &h);
    assert_false(blobs_has(b, &h, &size));
    blobs_free(b);
}

// If this fails, a folder that is taken away under a coordinator is an end instead of an error.
static void a_folder_that_is_away(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct blobs *b = open_in(a, "away"), *none;
    struct blob_upload *begun, *u;
    struct err e = {0};
    struct hash h = sha256(slice_str("x"));
    uint64_t size;
    int fd;
    assert_ok(blob_begin(b, &begun, &e), &e);
    assert_ok(blob_add(begun, slice_str("x"), &e), &e);
    assert_ok(file_remove_tree(arena_printf(a, "%s/away", home), &e), &e);
    assert_err(blob_place(begun, &h, &size, &e), &e, ERR_IO, "cannot store module");
    assert_err(blob_begin(b, &u, &e), &e, ERR_IO, "cannot store a module");
    assert_err(blobs_get(b, &h, &fd, &size, &e), &e, ERR_NOT_FOUND, "");
    blobs_free(b);
    const char *file = arena_printf(a, "%s/file", home);
    assert_ok(file_write_atomic(file, slice_str("x"), 0600, &e), &e);
    assert_false(blobs_open(&none, arena_printf(a, "%s/below", file), 1, &e));
    assert_false(blobs_open(&none, file, 1, &e));
}

// If this fails, a request that is being answered loses its module, or the store grows over its limit.
static void what_is_read_stays(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct blobs *b;
    struct blob_upload *u;
    struct err e = {0};
    struct stat st;
    uint64_t size;
    int first, second;
    char name[65];
    const char *dir = arena_printf(a, "%s/read", home);
    assert_ok(blobs_open(&b, dir, 12, &e), &e);
    struct hash one = put(b, "1111"), two = put(b, "2222"), three = put(b, "3333");
    age(dir, &one, 100), age(dir, &two, 200), age(dir, &three, 300);
    assert_ok(blobs_get(b, &one, &first, &size, &e), &e);
    age(dir, &one, 100); // the oldest, and being read
    struct hash four = put(b, "4444");
    assert_true(blobs_has(b, &one, &size) && !blobs_has(b, &two, &size) && blobs_bytes(b) == 12);
    assert_ok(blobs_get(b, &three, &second, &size, &e), &e);
    // Twelve bytes need all the room, and eight of it are being read.
    struct hash large = sha256(slice_str("555555555555"));
    assert_ok(blob_begin(b, &u, &e) && blob_add(u, slice_str("555555555555"), &e), &e);
    assert_err(blob_place(u, &large, &size, &e), &e, ERR_UNAVAILABLE, "being read");
    assert_true(blobs_has(b, &one, &size) && blobs_has(b, &three, &size) && blobs_bytes(b) <= 12);
    assert_false(blobs_has(b, &four, &size)); // it was on the way
    close(first), close(second);
    put(b, "555555555555");
    assert_true(blobs_has(b, &large, &size) && blobs_bytes(b) == 12);
    assert_int_equal(stat(arena_printf(a, "%s/%s", dir, hash_hex(&one, name)), &st), -1);
    blobs_free(b);
}

// If this fails, bytes are given under a name that is not theirs.
static void what_is_damaged_is_not_given(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct blobs *b = open_in(a, "damaged");
    struct err e = {0};
    uint64_t size;
    int fd;
    char name[65];
    struct hash h = put(b, "good");
    for (int i = 0; i < 2; i++) { // the second time it is known
        assert_ok(blobs_get(b, &h, &fd, &size, &e), &e);
        close(fd);
    }
    fd = open(arena_printf(a, "%s/damaged/%s", home, hash_hex(&h, name)), O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0 && pwrite(fd, "bad!", 4, 0) == 4);
    close(fd);
    assert_err(blobs_get(b, &h, &fd, &size, &e), &e, ERR_NOT_FOUND, "");
    assert_false(blobs_has(b, &h, &size));
    assert_int_equal(blobs_bytes(b), 0);
    blobs_free(b);
}

// If this fails, a coordinator that starts removes what another one is writing, or nobody what a killed one was.
static void uploads_of_others(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct blobs *b = open_in(a, "others"), *other;
    struct blob_upload *u;
    struct err e = {0};
    uint64_t size;
    int status;
    struct hash h = sha256(slice_str("text"));
    assert_ok(blob_begin(b, &u, &e) && blob_add(u, slice_str("text"), &e), &e);
    pid_t pid = fork();
    if (pid == 0) { // killed while it writes; it takes no lock of ours with it, since it opens the folder itself
        struct blobs *own;
        struct blob_upload *half;
        bool ok = blobs_open(&own, arena_printf(a, "%s/others", home), 1 << 20, NULL) && blob_begin(own, &half, NULL) &&
                  blob_add(half, slice_str("half"), NULL);
        _exit(ok ? 0 : 1);
    }
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
    other = open_in(a, "others");
    assert_ok(blob_place(u, &h, &size, &e), &e);
    assert_true(blobs_has(other, &h, &size));
    DIR *d = opendir(arena_printf(a, "%s/others", home));
    int files = 0;
    while (readdir(d))
        files++;
    closedir(d);
    assert_int_equal(files, 3); // "." and ".." and the module
    blobs_free(other);
    blobs_free(b);
}

// Whatever was done, the files are what was counted, and never more than the limit.
static void the_limit_is_exact(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct blobs *b;
    struct err e = {0};
    const char *dir = arena_printf(a, "%s/exact", home);
    assert_ok(blobs_open(&b, dir, 1000, &e), &e);
    for (unsigned i = 0; i < 300; i++) {
        const char *text = arena_printf(a, "%0*u", (int)(i * 37 % 230) + 1, i % 90);
        put(b, text);
        uint64_t bytes = 0;
        struct stat st;
        DIR *d = opendir(dir);
        for (struct dirent *x; (x = readdir(d));)
            if (x->d_name[0] != '.' && fstatat(dirfd(d), x->d_name, &st, 0) == 0)
                bytes += (uint64_t)st.st_size;
        closedir(d);
        assert_int_equal(bytes, blobs_bytes(b));
        assert_true(bytes <= 1000);
    }
    blobs_free(b);
}

static int set_up(void **state) {
    (void)state;
    return mkdtemp(home) ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    return file_remove_tree(home, NULL) ? 0 : -1;
}

// Two coordinators fill one folder at once, and read what the other one took in: if this fails, each fills it by
// itself.
#define EACH 9 // which each of them alone has room for
struct filler {
    struct blobs *b, *other;
    char mark;
};
static void *fill(void *arg) {
    const struct filler *f = arg;
    SCOPED_ARENA(a);
    char *text = arena_alloc(a, 100001);
    memset(text, f->mark, 100000);
    text[100000] = 0;
    for (int i = 0; i < EACH; i++) {
        struct err e;
        uint64_t size;
        int fd;
        text[0] = (char)('0' + i);
        struct hash h = put(f->b, text);
        if (blobs_get(f->other, &h, &fd, &size, &e)) { // else it went for the other one's next
            assert_int_equal(size, 100000);
            close(fd);
        }
    }
    return NULL;
}

static void the_limit_is_of_all_together(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct blobs *one = open_in(a, "together"), *two = open_in(a, "together");
    struct filler f[] = {{one, two, 'a'}, {two, one, 'b'}};
    pthread_t thread[2];
    struct hash h;
    uint64_t size;
    int fd;
    struct err e;
    blobs_expect_others(one);
    blobs_expect_others(two);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, fill, &f[i]), 0);
    for (size_t i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
    h = put(one, "what one takes in");
    assert_ok(blobs_get(two, &h, &fd, &size, &e), &e);
    close(fd);
    struct blobs *all = open_in(a, "together");
    assert_true(blobs_bytes(all) <= 1 << 20 && blobs_bytes(all) > 700000);
    blobs_free(all);
    blobs_free(one);
    blobs_free(two);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_least_recently_used_goes),
                                       cmocka_unit_test(a_start_counts_and_cleans),
                                       cmocka_unit_test(what_is_not_taken),
                                       cmocka_unit_test(what_a_crash_left),
                                       cmocka_unit_test(a_folder_that_is_away),
                                       cmocka_unit_test(what_is_read_stays),
                                       cmocka_unit_test(what_is_damaged_is_not_given),
                                       cmocka_unit_test(uploads_of_others),
                                       cmocka_unit_test(the_limit_is_of_all_together),
                                       cmocka_unit_test(the_limit_is_exact)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
