// SPDX-License-Identifier: Apache-2.0
// What an owner is shown of the audit log: all of his lines and nobody else's, however many files they stand in.
#include "keystore/audit_find.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/test.h"
#include "codec/json.h"
#include "keystore/audit.h"
#include "keystore/audit_chain.h"
#include <unistd.h>

struct place {
    struct arena *a;
    char home[40];
};

static int enter(void **state) {
    struct place *p = xcalloc(1, sizeof *p);
    p->a = arena_new();
    snprintf(p->home, sizeof p->home, "/tmp/audit_find_test.XXXXXX");
    assert_non_null(mkdtemp(p->home));
    *state = p;
    return 0;
}

static int leave(void **state) {
    struct place *p = *state;
    bool ok = file_remove_tree(p->home, NULL);
    arena_free(p->a);
    free(p);
    return ok ? 0 : -1;
}

// Lines first to last, of which each `every`th is alice's, with up to `longer` bytes more; ended: the file is.
static void write_long_lines(struct place *p, uint64_t first, uint64_t last, unsigned every, int longer, bool ended) {
    SCOPED_BUF(b, AUDIT_FILE_MAX);
    struct err e;
    for (uint64_t n = first; n <= last; n++)
        buf_printf(
            &b, "{\"n\":%llu,\"what\":\"decrypt\",\"owner\":\"%s\",\"why\":\"\\\"owner\\\":\\\"alice.near\\\"%*s\"}\n",
            (unsigned long long)n, n % every ? "malice.near" : "alice.near",
            longer ? (int)(n * 2654435761u % (unsigned)longer) : 0, "");
    assert_false(b.full);
    const char *path = ended ? arena_printf(p->a, "%s/audit-%020llu.log", p->home, (unsigned long long)first)
                             : arena_printf(p->a, "%s/audit.log", p->home);
    assert_ok(file_write_atomic(path, buf_slice(&b), 0600, &e), &e);
}

static void write_lines(struct place *p, uint64_t first, uint64_t last, unsigned every, bool ended) {
    write_long_lines(p, first, last, every, 0, ended);
}

static uint64_t number(const char *line) {
    SCOPED_JSON(j) = json_parse(slice_str(line), 1 << 16, NULL);
    uint64_t n = 0;
    assert_string_equal(json_string_value(json_object_get(j, "owner")), "alice.near");
    assert_true(json_get_u64(j, "n", &n, NULL));
    return n;
}

// All pages, and how many there were: each line once, the newest first.
static size_t read_all(struct place *p, uint64_t newest, uint64_t step, size_t want) {
    struct audit_found *x = xcalloc(1, sizeof *x);
    struct err e;
    size_t pages = 0, got = 0;
    uint64_t before = 0;
    do {
        assert_ok(audit_find(x, p->a, p->home, "alice.near", before, &e), &e);
        for (size_t i = 0; i < x->count; i++)
            assert_int_equal(number(x->lines[i]), newest - step * got++);
        assert_true(!x->next || !before || x->next < before);
        before = x->next;
        assert_in_range(++pages, 1, 100);
    } while (before);
    assert_int_equal(got, want);
    free(x);
    return pages;
}

static void an_empty_log(void **state) { assert_int_equal(read_all(*state, 0, 1, 0), 1); }

static void each_line_once(void **state) {
    struct place *p = *state;
    write_lines(p, 1, 300, 3, true);
    write_lines(p, 301, 900, 3, true);
    write_lines(p, 901, 1000, 3, false);
    assert_in_range(read_all(p, 999, 3, 333), 4, 7);
}

// If this fails, a question of an owner who has nothing there reads the whole log, however large it is.
static void a_bounded_part_of_the_log(void **state) {
    struct place *p = *state;
    struct audit_found *x = xcalloc(1, sizeof *x);
    struct err e;
    write_lines(p, 1, 10, 1, true); // all of them alice's
    for (uint64_t n = 1; n < 9; n++)
        write_lines(p, 10 * n + 1, 10 * n + 10, 1000, true);
    write_lines(p, 91, 100, 1000, false);
    assert_ok(audit_find(x, p->a, p->home, "alice.near", 0, &e), &e);
    assert_int_equal(x->count, 0);
    assert_int_equal(x->next, 61); // three files that have been ended were looked through
    free(x);
    assert_int_equal(read_all(p, 10, 1, 10), 3);
}

// If this fails, each page reads whole files for an owner of whom they say nothing, or a page that begins inside a file
// leaves lines out.
static void a_page_ends_after_so_many_bytes(void **state) {
    struct place *p = *state;
    struct audit_found *x = xcalloc(1, sizeof *x);
    struct err e;
    write_long_lines(p, 1, 800, 100, 60000, true); // about 24 MB
    write_long_lines(p, 801, 1600, 100, 60000, false);
    assert_ok(audit_find(x, p->a, p->home, "alice.near", 0, &e), &e);
    assert_in_range(x->next, 1600 - 2 * AUDIT_LOOKED_BYTES / 60000 - 40, 1600 - AUDIT_LOOKED_BYTES / 60000);
    assert_int_equal(x->count, (1600 - x->next) / 100 + 1);
    assert_ok(audit_find(x, p->a, p->home, "nobody.near", 1234, &e), &e);
    assert_int_equal(x->count, 0);
    assert_in_range(x->next, 1234 - 2 * AUDIT_LOOKED_BYTES / 60000 - 40, 1234 - AUDIT_LOOKED_BYTES / 60000);
    free(x);
    assert_in_range(read_all(p, 1600, 100, 16), 48000000 / AUDIT_LOOKED_BYTES, 60000000 / AUDIT_LOOKED_BYTES + 2);
}

// audit.log, made in `b`: a line of alice's, and malice's behind it, of this many bytes in all.
static void write_filled(struct place *p, struct buf *b, uint64_t first, size_t bytes) {
    struct err e;
    buf_printf(b, "{\"n\":%d,\"owner\":\"alice.near\",\"why\":\"%*s\"}\n", (int)first, 1000, "");
    for (int n = (int)first + 1; b->len < bytes; n++) {
        int left = (int)(bytes - b->len), rest = left > 60000 ? 30000 : left;
        int frame = snprintf(NULL, 0, "{\"n\":%d,\"owner\":\"malice.near\",\"why\":\"\"}\n", n);
        buf_printf(b, "{\"n\":%d,\"owner\":\"malice.near\",\"why\":\"%*s\"}\n", n, rest - frame, "");
    }
    assert_int_equal(b->len, bytes);
    assert_ok(file_write_atomic(arena_printf(p->a, "%s/audit.log", p->home), buf_slice(b), 0600, &e), &e);
}

// Its beginning is no line, and its end would be none on the next page.
static void a_line_across_the_end_of_a_page(void **state) {
    SCOPED_BUF(b, AUDIT_FILE_MAX);
    write_filled(*state, &b, 1, AUDIT_LOOKED_BYTES + 500);
    assert_int_equal(read_all(*state, 1, 1, 1), 2);
}

// What may still be read when a file is over is too little for a line of the one before: that is left to the next page.
static void a_page_ends_where_a_file_begins(void **state) {
    SCOPED_BUF(b, AUDIT_FILE_MAX);
    write_long_lines(*state, 1, 1, 1, 0, true);
    write_filled(*state, &b, 2, AUDIT_LOOKED_BYTES - 10);
    assert_int_equal(read_all(*state, 2, 1, 2), 2);
}

// A page begins at any line, and shows the one before it first, wherever in a file that stands.
static void from_any_line_on(void **state) {
    struct place *p = *state;
    struct audit_found *x = xcalloc(1, sizeof *x);
    struct err e;
    write_long_lines(p, 1, 500, 1, 3000, true);
    write_long_lines(p, 501, 1000, 1, 3000, false);
    for (uint64_t n = 2; n <= 1001; n += 7) {
        assert_ok(audit_find(x, p->a, p->home, "alice.near", n, &e), &e);
        assert_in_range(x->count, 1, AUDIT_FOUND_MAX);
        for (size_t i = 0; i < x->count; i++)
            assert_int_equal(number(x->lines[i]), n - 1 - i);
        arena_reset(p->a);
    }
    free(x);
}

// Bytes that are no lines, such as a broken disk leaves, must not keep an owner on one page for ever.
static void what_cannot_be_read_is_passed(void **state) {
    struct place *p = *state;
    struct err e;
    size_t n = AUDIT_LOOKED_BYTES + (1 << 20);
    char *junk = arena_alloc(p->a, n);
    memset(junk, 'x', n);
    write_lines(p, 1, 10, 1, true);
    for (int numbered = 0; numbered < 2; numbered++) {
        const char *name = numbered ? "audit-00000000000000000011.log" : "audit.log";
        assert_ok(file_write_atomic(arena_printf(p->a, "%s/%s", p->home, name), slice_of(junk, n), 0600, &e), &e);
        assert_in_range(read_all(p, 10, 1, 10), 1, 2);
    }
}

static void a_line_that_is_being_written(void **state) {
    struct place *p = *state;
    struct audit *log;
    struct audit_keep any = {0};
    struct err e;
    const struct audit_entry one = {.what = "decrypt", .verdict = "allowed", .owner = "alice.near"};
    assert_ok(audit_open(&log, p->home, &any, &e) && audit_write(log, &one, &e), &e);
    audit_close(log);
    FILE *f = fopen(arena_printf(p->a, "%s/audit.log", p->home), "a");
    fputs("{\"n\":2,\"owner\":\"alice.near\"", f);
    fclose(f);
    assert_int_equal(read_all(p, 1, 1, 1), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(an_empty_log, enter, leave),
                                       cmocka_unit_test_setup_teardown(each_line_once, enter, leave),
                                       cmocka_unit_test_setup_teardown(a_bounded_part_of_the_log, enter, leave),
                                       cmocka_unit_test_setup_teardown(a_page_ends_after_so_many_bytes, enter, leave),
                                       cmocka_unit_test_setup_teardown(a_line_across_the_end_of_a_page, enter, leave),
                                       cmocka_unit_test_setup_teardown(a_page_ends_where_a_file_begins, enter, leave),
                                       cmocka_unit_test_setup_teardown(from_any_line_on, enter, leave),
                                       cmocka_unit_test_setup_teardown(what_cannot_be_read_is_passed, enter, leave),
                                       cmocka_unit_test_setup_teardown(a_line_that_is_being_written, enter, leave)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
