// SPDX-License-Identifier: Apache-2.0
// What has changed since somebody looked, of both forms.
#include "codec/json.h"
#include "queue/scaled.h"
#include "queue/test_queue.h"

struct watcher {
    struct queue_changes last;
    char seq[QUEUE_SEQ_MAX + 1];
};

// What has changed since the last look: "NUMBER state " each.
static const char *look(struct world *w, struct watcher *at, struct arena *a) {
    struct err e;
    SCOPED_BUF(out, 1 << 20);
    const char *got = "";
    at->last = (struct queue_changes){.since = at->seq[0] ? at->seq : NULL};
    assert_ok(queue_changes(w->q, w->reading, &at->last, a, &out, &e), &e);
    SCOPED_JSON(j) = json_loadb((const char *)out.ptr, out.len, 0, NULL);
    assert_non_null(j);
    assert_int_equal(json_array_size(j), at->last.count);
    for (size_t i = 0; i < json_array_size(j); i++) {
        const json_t *row = json_array_get(j, i);
        got = arena_printf(a, "%s%d %s ", got, (int)json_integer_value(json_object_get(row, "request_id")),
                           json_string_value(json_object_get(row, "state")));
    }
    memcpy(at->seq, at->last.seq, sizeof at->seq);
    return got;
}

static void assert_changed(struct world *w, struct watcher *at, const char *expected) {
    SCOPED_ARENA(a);
    assert_string_equal(look(w, at, a), expected);
    assert_false(at->last.unknown);
}

static void begin(struct world *w, struct watcher *at) {
    SCOPED_ARENA(a);
    *at = (struct watcher){0};
    assert_string_equal(look(w, at, a), "");
    assert_true(at->last.unknown);
}

// If this fails, a page does not show what happens, or is woken for nothing.
static void each_step(void **state) {
    struct world w;
    struct watcher at, other;
    bool changed;
    world_open_on(&w, state, 600000);
    begin(&w, &at);
    assert_changed(&w, &at, "");
    assert_true(create(&w, 1));
    begin(&w, &other);
    assert_changed(&w, &at, "1 queued ");
    assert_changed(&w, &at, "");
    struct test_lease x = poll_one(&w);
    assert_changed(&w, &at, "1 leased ");
    assert_int_equal(beat(&w, &x, EXECUTION_EVENT_RUN, 0), QUEUE_OK);
    assert_changed(&w, &at, "1 running ");
    assert_int_equal(beat(&w, &x, EXECUTION_EVENT_RUN, 0), QUEUE_OK); // it only prolongs
    assert_changed(&w, &at, "");
    assert_true(create(&w, 2));
    assert_int_equal(end_well(&w, &x, &changed), QUEUE_OK);
    assert_changed(&w, &at, "1 settled 2 queued ");
    assert_changed(&w, &at, "");
    assert_changed(&w, &other, "1 settled 2 queued "); // once, however often it changed
    x = poll_one(&w);
    assert_int_equal(give_back(&w, &x), QUEUE_OK);
    assert_changed(&w, &at, "2 queued ");
    world_close(&w);
}

// If this fails, a page misses a lease that was lost, or that nobody served a request in time.
static void what_time_brings(void **state) {
    struct world w;
    struct watcher at;
    world_open_on(&w, state, 10);
    begin(&w, &at);
    assert_true(create(&w, 1));
    wait_until_expired(&w, 1);
    assert_changed(&w, &at, "1 expired ");
    world_close(&w);
}

// If this fails, more is listed than there is room for, or a page believes that it has seen all.
static void too_many(void **state) {
    struct world w;
    struct watcher at, early;
    world_open_on(&w, state, 600000);
    begin(&w, &at);
    early = at;
    for (uint64_t i = 1; i <= QUEUE_CHANGES_MAX; i++)
        assert_true(create(&w, i));
    SCOPED_ARENA(a);
    look(&w, &at, a);
    assert_int_equal(at.last.count, QUEUE_CHANGES_MAX);
    assert_false(at.last.more);
    assert_true(create(&w, QUEUE_CHANGES_MAX + 1));
    const char *got = look(&w, &early, a);
    assert_int_equal(early.last.count, QUEUE_CHANGES_MAX);
    assert_true(early.last.more);
    assert_memory_equal(got, "101 queued 100 queued ", 22);
    world_close(&w);
}

// If this fails, whoever asks with made-up words makes statements fail, or is told what is not so.
static void foreign_words(void **state) {
    static const char *const tails[] = {"",
                                        ".",
                                        ".x",
                                        ".1",
                                        ".1:",
                                        ".1:2",
                                        ".0:0:",
                                        ".1:9:9",
                                        ".1:9:3,0",
                                        ".1:x:",
                                        ".1:9:3;drop",
                                        ".9223372036854775806:1:",
                                        ".9223372036854775806:0:",
                                        ".18446744073709551615"};
    struct world w;
    struct watcher own;
    world_open_on(&w, state, 600000);
    begin(&w, &own);
    int name = (int)strcspn(own.seq, ".");
    for (size_t i = 0; i < ARRAY_LEN(tails); i++)
        for (int foreign = 0; foreign < 2; foreign++) {
            SCOPED_ARENA(a);
            struct watcher at = {0};
            snprintf(at.seq, sizeof at.seq, "%.*s%s", name, foreign ? "0123456789abcdef" : own.seq, tails[i]);
            assert_string_equal(look(&w, &at, a), "");
            if (!at.last.unknown && strcmp(tails[i], ".1") != 0)
                fail_msg("'%s' is taken for something that it is not", tails[i]);
        }
    assert_changed(&w, &own, "");
    world_close(&w);
}

// If this fails, pages show after a restart what is no more, or all of them start anew where they need not.
static void over_a_restart(void **state) {
    struct world w;
    struct watcher at;
    world_open_on(&w, state, 600000);
    begin(&w, &at);
    struct watcher before = at;
    assert_true(create(&w, 1));
    assert_changed(&w, &at, "1 queued ");
    restart(&w);
    SCOPED_ARENA(a);
    assert_string_equal(look(&w, &before, a), w.url ? "1 queued " : "");
    assert_int_equal(before.last.unknown, !w.url);
    assert_true(create(&w, 2));
    assert_changed(&w, &before, "2 queued ");
    world_close(&w);
}

// If this fails, what took longer than what began after it is never shown.
static void out_of_order(void **state) {
    struct world w;
    struct watcher at;
    struct db *slow;
    struct err e;
    world_open_on(&w, state, 600000);
    assert_true(create(&w, 1));
    begin(&w, &at);
    assert_ok(db_open(&slow, w.url, &e), &e);
    assert_ok(db_begin(slow, &e), &e);
    assert_ok(db_exec(slow, "UPDATE queue_items SET stage = 'running', changed = " THIS_TRANSACTION, &e), &e);
    assert_true(create(&w, 2)); // a later number, and over before
    assert_changed(&w, &at, "2 queued ");
    assert_changed(&w, &at, "");
    assert_ok(db_commit(slow, &e), &e);
    assert_changed(&w, &at, "1 running ");
    assert_changed(&w, &at, "");
    db_close(slow);
    world_close(&w);
}

// If this fails, a database that was restored on another server wakes everybody for ever.
static void from_another_server(void **state) {
    struct world w;
    struct watcher at;
    world_open_on(&w, state, 600000);
    assert_true(create(&w, 1));
    begin(&w, &at);
    sql(&w, "UPDATE queue_items SET changed = 4000000000000");
    assert_changed(&w, &at, "");
    world_close(&w);
}

// If this fails, a page that is told by one coordinator is not understood by the next one that it reaches, or is never
// told what that one does.
static void of_another_coordinator(void **state) {
    struct world w;
    struct watcher at;
    world_open_on(&w, state, 600000);
    struct world second = w;
    world_start(&second);
    begin(&w, &at);
    assert_true(create(&second, 1));
    assert_changed(&w, &at, "1 queued ");
    assert_changed(&second, &at, "");
    struct test_lease x = poll_one(&w);
    assert_int_equal(x.id, 1);
    assert_changed(&second, &at, "1 leased ");
    world_stop(&second);
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_BOTH_FORMS(each_step),         ON_BOTH_FORMS(what_time_brings),     ON_BOTH_FORMS(too_many),
        ON_BOTH_FORMS(foreign_words),     ON_BOTH_FORMS(over_a_restart),       ON_POSTGRES(out_of_order),
        ON_POSTGRES(from_another_server), ON_POSTGRES(of_another_coordinator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
