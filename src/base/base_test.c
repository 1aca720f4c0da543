// SPDX-License-Identifier: Apache-2.0
// Errors, arenas, buffers, text and files: what everything else relies on without looking.
#include "base/test.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/patience.h"
#include "base/sync.h"
#include "base/text.h"
#include <errno.h>
#include <sys/stat.h>

// A wrapped error loses its hint or code, or grows past its array.
static void errors_keep_hint_and_code(void **state) {
    (void)state;
    struct err e;
    assert_false(err_set(&e, ERR_NOT_FOUND, "no file '%s'", "x"));
    assert_false(err_hint(&e, "make it"));
    assert_false(err_wrap(&e, "could not start"));
    assert_string_equal(e.msg, "could not start: no file 'x'");
    assert_string_equal(e.hint, "make it");
    assert_int_equal(e.code, ERR_NOT_FOUND);
    assert_int_equal(err_http_status(e.code), 404);
    for (int i = 0; i < 100; i++)
        err_wrap(&e, "äöü %d", i);
    assert_true(strlen(e.msg) < sizeof e.msg);
    assert_true(text_is_utf8(slice_str(e.msg)));
    assert_false(err_set(NULL, ERR_IO, "nobody listens"));
}

// A foreign text that is no UTF-8, or that a precision or the end of the array cut inside a character, makes an error
// that JSON refuses: whoever shows it has nothing to show.
static void errors_are_utf8_whatever_they_quote(void **state) {
    (void)state;
    struct err e;
    char many[700] = "";
    for (size_t i = 0; i + 3 < sizeof many; i += 2)
        memcpy(many + i, "\xC3\xA9", 3);
    for (int shift = 0; shift < 4; shift++) {
        err_set(&e, ERR_INVALID, "%.*s%s", shift, "xxx", many);
        err_hint(&e, "%.*s%s", shift, "xxx", many);
        assert_true(text_is_utf8(slice_str(e.msg)) && text_is_utf8(slice_str(e.hint)));
        assert_true(strlen(e.msg) >= sizeof e.msg - 2); // no more is lost than the cut character
        err_wrap(&e, "%.*s%s", shift, "xxx", many);
        assert_true(text_is_utf8(slice_str(e.msg)));
        errno = ENOENT;
        err_errno(&e, "'%.*s'", 63 + shift, many);
        assert_true(text_is_utf8(slice_str(e.msg)));
    }
    err_set(&e, ERR_INVALID, "%s", "a\xC3\xA4\xFF(\xF0\x9F\x98)\xE2\x82");
    assert_string_equal(e.msg, "a\xC3\xA4?(?)");
}

// An argument that points into the error itself is overwritten while it is read.
static void error_may_quote_itself(void **state) {
    (void)state;
    struct err e;
    err_set(&e, ERR_IO, "inner");
    err_set(&e, ERR_CHAIN, "outer (%s)", e.msg);
    assert_string_equal(e.msg, "outer (inner)");
}

// Arena memory overlaps, is not aligned, or does not survive growth.
static void arena_gives_disjoint_aligned_memory(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    uint8_t *p[200];
    for (size_t i = 0; i < ARRAY_LEN(p); i++) {
        p[i] = arena_alloc(a, i * 37 + 1);
        assert_int_equal((uintptr_t)p[i] % 16, 0);
        memset(p[i], (int)i, i * 37 + 1);
    }
    for (size_t i = 0; i < ARRAY_LEN(p); i++)
        for (size_t j = 0; j < i * 37 + 1; j++)
            assert_int_equal(p[i][j], (uint8_t)i);
    assert_string_equal(arena_printf(a, "%s-%d", "x", 7), "x-7");
    arena_reset(a);
    assert_int_equal(arena_used(a), 0);
}

// A buffer grows past its cap, or keeps half of a piece that did not fit.
static void buffer_keeps_its_cap(void **state) {
    (void)state;
    SCOPED_BUF(b, 10);
    assert_true(buf_add_str(&b, "12345"));
    assert_false(buf_add_str(&b, "678901"));
    assert_true(b.full);
    assert_string_equal(buf_str(&b), "12345");
    assert_false(buf_add_byte(&b, 'x')); // full stays, so that one check at the end is enough
    buf_clear(&b);
    assert_true(buf_printf(&b, "%d", 1234567890));
    assert_int_equal(b.len, 10);
    assert_false(b.full);
    buf_drop(&b, 4);
    assert_string_equal(buf_str(&b), "567890");
}

// A buffer for secrets loses bytes when it moves them, or is another one after it was freed.
static void wiped_buffer_keeps_what_it_holds(void **state) {
    (void)state;
    SCOPED_WIPED_BUF(b, 5000);
    for (int i = 0; i < 5000; i++)
        assert_true(buf_add_byte(&b, (uint8_t)(i * 7)));
    assert_false(buf_add_byte(&b, 0));
    for (int i = 0; i < 5000; i++)
        assert_int_equal(b.ptr[i], (uint8_t)(i * 7));
    buf_free(&b);
    assert_true(b.wiped && b.cap == 5000 && !b.len && !b.full);
}

// Numbers beyond 64 bits lose digits, or rubbish counts as a number.
static void numbers_are_exact(void **state) {
    (void)state;
    char text[U128_TEXT_MAX];
    u128 v;
    static const char *const good[] = {"0", "1", "18446744073709551616", "340282366920938463463374607431768211455"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_true(text_u128(slice_str(good[i]), &v));
        assert_string_equal(u128_text(v, text), good[i]);
    }
    static const char *const bad[] = {"",   "-1",  "+1",   " 1",
                                      "1 ", "1e3", "0x10", "340282366920938463463374607431768211456"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(text_u128(slice_str(bad[i]), &v));
    uint64_t u;
    assert_false(text_u64(SLICE_LIT("18446744073709551616"), &u));
    assert_true(text_u64(SLICE_LIT("18446744073709551615"), &u));
    assert_true(u == UINT64_MAX);
}

// A text is cut in the middle of a character and is no longer UTF-8.
static void text_is_cut_at_characters(void **state) {
    (void)state;
    const char *s = "a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80";
    for (size_t max = 0; max <= strlen(s) + 1; max++) {
        size_t n = text_cut(s, max);
        assert_true(n <= max);
        assert_true(text_is_utf8(slice_of(s, n)));
    }
    static const char *const bad[] = {"\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82", "\xFF", "\x80"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(text_is_utf8(slice_str(bad[i])));
    char out[32];
    assert_string_equal(text_grouped(1234567, out), "1,234,567");
    assert_string_equal(text_grouped(100, out), "100");
    assert_string_equal(text_duration(1500, out), "1.5 ms");
}

// A repair changes what is right, leaves something broken, or makes the text longer.
static void broken_text_is_repaired_in_place(void **state) {
    (void)state;
    static const char *const table[][2] = {
        {"", ""},
        {"plain", "plain"},
        {"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80", "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"},
        {"\xC3", ""},
        {"x\xF0\x9F\x98", "x"},
        {"x\xF0\x9F\x98y", "x?y"},
        {"\xC3(", "?("},
        {"\xC0\x80", "??"},
        {"\xED\xA0\x80", "???"}, // a surrogate: no byte of it begins a character
        {"\xFF\xFE", "??"},
        {"\x80", "?"},
        {"a\xE2\x82\xE2\x82\xAC", "a?\xE2\x82\xAC"}};
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        char text[32];
        assert_true(text_copy(text, sizeof text, slice_str(table[i][0])));
        text_repair(text);
        assert_string_equal(text, table[i][1]);
    }
    uint32_t seed = 7;
    for (int round = 0; round < 20000; round++) { // bytes that often begin or continue a character
        static const uint8_t bytes[] = {0x41, 0x80, 0xBF, 0xC3, 0xE0, 0xE2, 0xED, 0xF0, 0xF4, 0xA0, 0x90, 0xFF};
        char text[12] = "";
        for (size_t i = 0; i < sizeof text - 1; i++)
            text[i] = (char)bytes[(seed = seed * 1664525 + 1013904223) / 65536 % sizeof bytes];
        text_repair(text);
        assert_true(text_is_utf8(slice_str(text)));
    }
}

// An API key of a URL reaches a log.
static void url_in_a_log_has_no_key(void **state) {
    (void)state;
    char out[256];
    assert_string_equal(log_url("https://user:pw@host:1/path?apiKey=x#f", out), "https://host:1/path");
    assert_string_equal(log_url("http://host?apiKey=x", out), "http://host");
    assert_string_equal(log_url("https://host/a@b", out), "https://host/a@b");
}

// A reader sees half a file, a large file is read whole, or a second process gets the same lock.
static void files_are_whole_and_locked(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct err e;
    char dir[] = "/tmp/base_test.XXXXXX";
    assert_non_null(mkdtemp(dir));
    const char *path = arena_printf(a, "%s/deep/er/file", dir);
    assert_ok(file_make_dirs(arena_printf(a, "%s/deep/er", dir), 0700, &e), &e);
    assert_ok(file_write_atomic(path, SLICE_LIT("hello"), 0600, &e), &e);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    struct slice s;
    assert_ok(file_read(a, path, 5, &s, &e), &e);
    assert_slice(s, "hello");
    assert_err(file_read(a, path, 4, &s, &e), &e, ERR_TOO_LARGE, "larger than 4");
    assert_ok(file_read_secret(a, path, 5, &s, &e), &e);
    assert_slice(s, "hello");
    assert_err(file_read_secret(a, path, 4, &s, &e), &e, ERR_TOO_LARGE, "larger than 4");
    assert_ok(file_write_unsynced(path, SLICE_LIT("again"), 0640, &e), &e);
    assert_ok(file_read(a, path, 5, &s, &e), &e);
    assert_slice(s, "again");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_err(file_write_unsynced(arena_printf(a, "%s/no/file", dir), s, 0600, &e), &e, ERR_IO, "no/file");
    assert_err(file_read(a, arena_printf(a, "%s/none", dir), 4, &s, &e), &e, ERR_NOT_FOUND, "none");
    int one, two;
    const char *lock = arena_printf(a, "%s/lock", dir);
    assert_ok(file_lock(lock, "pid 1", &one, &e), &e);
    assert_err(file_lock(lock, "pid 2", &two, &e), &e, ERR_CONFLICT, "held by pid 1");
    close(one);
    assert_ok(file_lock(lock, "pid 2", &two, &e), &e);
    close(two);
    const struct patience soon = {.deadline_ms = deadline_in(30)}, later = {.deadline_ms = deadline_in(60000)};
    assert_ok(file_lock_folder_of(lock, &later, &one, &e), &e);
    assert_err(file_lock_folder_of(arena_printf(a, "%s/other", dir), &soon, &two, &e), &e, ERR_TIMEOUT, dir);
    close(one);
    assert_ok(file_lock_folder_of(lock, &later, &two, &e), &e);
    close(two);
    assert_err(file_lock_folder_of(arena_printf(a, "%s/no/lock", dir), &later, &two, &e), &e, ERR_IO, "cannot open");
    assert_ok(file_remove_tree(dir, &e), &e);
    assert_int_not_equal(stat(dir, &st), 0);
    assert_ok(file_remove_tree(dir, &e), &e);
}

// Dates drift from the wall clock's format that logs and answers promise.
static void dates_are_iso8601(void **state) {
    (void)state;
    char out[32];
    assert_string_equal(clock_iso8601(1700000000123, out), "2023-11-14T22:13:20.123Z");
    assert_true(clock_mono_us() <= clock_mono_us());
}

// A stranger's text on a screen must not move the cursor, set the title or clear what stood there.
static void printable_text_has_no_controls(void **state) {
    (void)state;
    static const struct {
        const char *in, *out;
    } rows[] = {{"plain \u00e9 \U0001F600", "plain \u00e9 \U0001F600"},
                {"\033[2J", "?[2J"},
                {"a\nb\tc\177", "a?b?c?"},
                {"\xC2\x9B"
                 "2J",
                 "??2J"},
                {"\xC2\xA0", "\xC2\xA0"},
                {"x\xC3", "x"},
                {"", ""}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[64];
        snprintf(text, sizeof text, "%s", rows[i].in);
        text_make_printable(text, true);
        assert_string_equal(text, rows[i].out);
    }
    char lines[] = "a\n\tb\r\033c";
    text_make_printable(lines, false);
    assert_string_equal(lines, "a\n\tb??c");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(errors_keep_hint_and_code),
    cmocka_unit_test(errors_are_utf8_whatever_they_quote),
    cmocka_unit_test(error_may_quote_itself),
    cmocka_unit_test(arena_gives_disjoint_aligned_memory),
    cmocka_unit_test(buffer_keeps_its_cap),
    cmocka_unit_test(wiped_buffer_keeps_what_it_holds),
    cmocka_unit_test(numbers_are_exact),
    cmocka_unit_test(text_is_cut_at_characters),
    cmocka_unit_test(broken_text_is_repaired_in_place),
    cmocka_unit_test(printable_text_has_no_controls),
    cmocka_unit_test(url_in_a_log_has_no_key),
    cmocka_unit_test(files_are_whole_and_locked),
    cmocka_unit_test(dates_are_iso8601),
};
RUN_TESTS(tests)
