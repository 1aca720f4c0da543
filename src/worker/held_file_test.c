// SPDX-License-Identifier: Apache-2.0
#include "worker/held_file.h"

#include "base/file.h"
#include "base/test.h"
#include "worker/journal.h"

struct world {
    char home[40];
    const char *file, *pending;
};

static void world_open(struct world *w, struct arena *a) {
    struct err e;
    snprintf(w->home, sizeof w->home, "/tmp/outlayer-held-XXXXXX");
    assert_non_null(mkdtemp(w->home));
    assert_ok(journal_open(a, w->home, &w->pending, &e), &e);
    w->file = arena_printf(a, "%s/held", w->home);
}

static void world_close(struct world *w) {
    struct err e;
    assert_ok(file_remove_tree(w->home, &e), &e);
}

// By their tokens, with a mark behind what is for good.
static void assert_taken(struct world *w, const char *tokens) {
    SCOPED_ARENA(a);
    struct held_note *notes;
    const char *got = "";
    const size_t n = held_file_take(w->file, w->pending, a, &notes);
    for (size_t i = 0; i < n; i++)
        got = arena_printf(a, "%s%s%s ", got, notes[i].id.token, notes[i].for_good ? "!" : "");
    assert_string_equal(got, tokens);
    assert_int_not_equal(access(w->file, F_OK), 0);
}

static const struct held_note notes[] = {
    {.id = {"a.near", "one", 1}}, {.id = {"a.near", "two", 2}}, {.id = {"b.near", "three", 1}, .for_good = true}};

// If this fails, what a worker had when it was killed waits for a quarter of a minute though the worker is back; or an
// answer that is on its way is made once more.
static void what_was_held_is_given_back(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct world w;
    struct err e;
    world_open(&w, a);
    assert_taken(&w, ""); // there was nothing
    held_file_write(w.file, a, notes, 3);
    assert_taken(&w, "one two three! ");
    held_file_write(w.file, a, notes, 3);
    SCOPED_JSON(report) = json_object();
    const struct journal_entry sent = {.contract_id = "a.near", .request_id = 2, .token = "two", .report = report};
    assert_ok(journal_write(w.pending, a, &sent, &e), &e);
    assert_taken(&w, "one three! ");
    static const char earlier[] = "[{\"contract_id\":\"a.near\",\"request_id\":7,\"token\":\"earlier\"}]";
    assert_ok(file_write_atomic(w.file, slice_str(earlier), 0600, &e), &e); // its version wrote no more
    assert_taken(&w, "earlier ");
    world_close(&w);
}

// If this fails, a file that was cut off keeps a worker from starting, or is looked at for ever.
static void what_cannot_be_read_is_removed(void **state) {
    (void)state;
    SCOPED_ARENA(a);
    struct world w;
    struct err e;
    world_open(&w, a);
    static const char *const texts[] = {"", "[", "{}", "[7,{},{\"token\":\"x\"}]", "\xff"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        assert_ok(file_write_atomic(w.file, slice_str(texts[i]), 0600, &e), &e);
        assert_taken(&w, "");
    }
    held_file_write(w.file, a, notes, 2);
    held_file_write(w.file, a, NULL, 0);
    assert_int_not_equal(access(w.file, F_OK), 0);
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_was_held_is_given_back),
                                       cmocka_unit_test(what_cannot_be_read_is_removed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
