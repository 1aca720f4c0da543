// SPDX-License-Identifier: Apache-2.0
// Lists and what is known of one execution, of both forms.
#include "queue/list.h"

#include "codec/json.h"
#include "queue/test_queue.h"
#include "queue/timeline.h"

// As a coordinator stores them: the number says who asked, and how it ended.
static void store(struct world *w, uint64_t id, const char *sender, const char *repo, const char *failure) {
    SCOPED_ARENA(a);
    sql(w, arena_printf(a,
                        "INSERT INTO executions (contract_id, request_id, created_ms, state, outcome, ended_ms, "
                        "worker_id, about, report, task) VALUES ('a.near', %u, %u, 'settled', '%s', 1, 'w-%s', "
                        "'{\"sender_id\":\"%s\",\"payer_id\":\"p-%s\",\"repo\":\"%s\"}', "
                        "'{\"failure\":\"%s\",\"wasm_hash\":\"h-%s\"}', '{}')",
                        (unsigned)id, (unsigned)id * 10, failure[0] ? "guest_failed" : "success", sender, sender,
                        sender, repo, failure, sender));
}

static json_t *list(struct world *w, const struct queue_filter *f, struct arena *a) {
    struct err e;
    SCOPED_BUF(out, 1 << 20);
    assert_ok(queue_list(w->q, w->reading, f, a, &out, &e), &e);
    json_t *j = json_loadb((const char *)out.ptr, out.len, 0, NULL);
    assert_non_null(j);
    return j;
}

// The numbers of what is listed, newest first, with a space behind each.
static void assert_listed(struct world *w, struct queue_filter f, const char *expected) {
    SCOPED_ARENA(a);
    const char *got = "";
    f.limit = f.limit ? f.limit : 50;
    f.to_ms = f.to_ms ? f.to_ms : INT64_MAX;
    f.before = f.before ? f.before : INT64_MAX;
    SCOPED_JSON(j) = list(w, &f, a);
    for (size_t i = 0; i < json_array_size(j); i++)
        got =
            arena_printf(a, "%s%d ", got, (int)json_integer_value(json_object_get(json_array_get(j, i), "request_id")));
    assert_string_equal(got, expected);
}

// If this fails, a list shows what was not asked for, or leaves out what was.
static void each_filter(void **state) {
    struct world w;
    world_open_on(&w, state, 600000);
    store(&w, 1, "alice", "r1", "");
    store(&w, 2, "bob", "r2", "trap");
    store(&w, 3, "alice", "r2", "timeout");
    store(&w, 4, "it''s", "r\\u00fc", "");
    assert_listed(&w, (struct queue_filter){0}, "4 3 2 1 ");
    assert_listed(&w, (struct queue_filter){.limit = 2}, "4 3 ");
    assert_listed(&w, (struct queue_filter){.limit = 2, .offset = 1}, "3 2 ");
    assert_listed(&w, (struct queue_filter){.sender_id = "alice"}, "3 1 ");
    assert_listed(&w, (struct queue_filter){.sender_id = "it's"}, "4 ");
    assert_listed(&w, (struct queue_filter){.payer_id = "p-bob"}, "2 ");
    assert_listed(&w, (struct queue_filter){.repo = "r2"}, "3 2 ");
    assert_listed(&w, (struct queue_filter){.repo = "r\303\274"}, "4 ");
    assert_listed(&w, (struct queue_filter){.worker_id = "w-bob"}, "2 ");
    assert_listed(&w, (struct queue_filter){.wasm_hash = "h-alice"}, "3 1 ");
    assert_listed(&w, (struct queue_filter){.failure = "trap"}, "2 ");
    assert_listed(&w, (struct queue_filter){.outcome = "guest_failed"}, "3 2 ");
    assert_listed(&w, (struct queue_filter){.state = "settled", .outcome = "success"}, "4 1 ");
    assert_listed(&w, (struct queue_filter){.state = "expired"}, "");
    assert_listed(&w, (struct queue_filter){.sender_id = "alice", .repo = "r2"}, "3 ");
    assert_listed(&w, (struct queue_filter){.sender_id = "alice", .failure = "trap"}, "");
    assert_listed(&w, (struct queue_filter){.from_ms = 20}, "4 3 2 ");
    assert_listed(&w, (struct queue_filter){.to_ms = 20}, "1 ");
    assert_listed(&w, (struct queue_filter){.from_ms = 20, .to_ms = 40}, "3 2 ");
    assert_listed(&w, (struct queue_filter){.from_ms = 41}, "");
    assert_listed(&w, (struct queue_filter){.to_ms = 9}, "");
    assert_listed(&w, (struct queue_filter){.to_ms = 40, .before = 3}, "2 1 ");
    world_close(&w);
}

// If this fails, what is under way cannot be found by the state that it is in.
static void states_under_way(void **state) {
    struct world w;
    world_open_on(&w, state, 600000);
    for (uint64_t i = 1; i <= 3; i++)
        assert_true(create(&w, i));
    struct test_lease one = poll_one(&w), two = poll_one(&w);
    assert_int_equal(beat(&w, &two, EXECUTION_EVENT_RUN, 0), QUEUE_OK);
    assert_listed(&w, (struct queue_filter){.state = "queued"}, "3 ");
    assert_listed(&w, (struct queue_filter){.state = "leased"}, "1 ");
    assert_listed(&w, (struct queue_filter){.state = "running"}, "2 ");
    assert_listed(&w, (struct queue_filter){.state = "building"}, "");
    bool changed;
    assert_int_equal(end_well(&w, &one, &changed), QUEUE_OK);
    assert_listed(&w, (struct queue_filter){.state = "leased"}, "");
    assert_listed(&w, (struct queue_filter){.state = "settled"}, "1 ");
    world_close(&w);
}

// --- timelines -----------------------------------------------------------------------------------------------------

// "stage(attempt, worker, reason)", in their order.
static const char *timeline_of(struct world *w, uint64_t id, struct arena *a) {
    struct queue_detail d;
    struct err e;
    const char *text = "";
    json_int_t before = 0;
    assert_ok(queue_detail(w->q, w->reading, &(struct execution_key){"a.near", id}, a, &d, &e), &e);
    assert_true(d.found);
    SCOPED_JSON(j) = json_loads(d.timeline, 0, NULL);
    assert_true(json_array_size(j) > 0);
    for (size_t i = 0; i < json_array_size(j); i++) {
        const json_t *s = json_array_get(j, i);
        const char *worker = json_string_value(json_object_get(s, "worker_id"));
        const char *reason = json_string_value(json_object_get(s, "reason"));
        json_int_t at = json_integer_value(json_object_get(s, "at_ms"));
        assert_true(at >= before);
        before = at;
        text = arena_printf(a, "%s%s(%d %s %s) ", text, json_string_value(json_object_get(s, "stage")),
                            (int)json_integer_value(json_object_get(s, "attempt")), worker ? worker : "-",
                            reason ? reason : "-");
    }
    return text;
}

static void give_back_because(struct world *w, const struct test_lease *l, const char *reason) {
    struct test_answer a;
    struct queue_give_back x = {
        .call = call_new(&a), .key = {"a.near", l->id}, .token = l->token, .bench = true, .reason = reason};
    queue_give_back(w->q, &x);
    assert_true(wait_for(&a) && x.answer == QUEUE_OK);
}

// If this fails, nobody sees what became of a request that failed twice before it went well.
static void a_timeline(void **state) {
    struct world w;
    bool changed;
    SCOPED_ARENA(a);
    world_open_on(&w, state, 600000);
    assert_true(create(&w, 1));
    assert_string_equal(timeline_of(&w, 1, a), "recorded(0 - -) ");
    struct test_lease l = poll_by(&w, "w1", TEST_WAIT_S, NULL, NULL);
    assert_int_equal(beat(&w, &l, EXECUTION_EVENT_BUILD, 0), QUEUE_OK);
    assert_int_equal(beat(&w, &l, EXECUTION_EVENT_BUILD, 0), QUEUE_OK); // no step
    give_back_because(&w, &l, "no \"disk\" \303\274");
    l = poll_by(&w, "w2", TEST_WAIT_S, NULL, NULL);
    assert_int_equal(l.attempt, 2);
    assert_int_equal(hand_over(&w, &l, QUEUE_BUILD), QUEUE_OK);
    l = poll_by(&w, "w3", TEST_WAIT_S, NULL, NULL);
    assert_int_equal(beat(&w, &l, EXECUTION_EVENT_RUN, 0), QUEUE_OK);
    restart(&w); // it lasts
    assert_int_equal(beat(&w, &l, EXECUTION_EVENT_SUBMIT, 0), QUEUE_OK);
    static const char steps[] = "recorded(0 - -) leased(1 w1 -) building(1 w1 -) given_back(1 w1 no \"disk\" \303\274) "
                                "leased(2 w2 -) handed_over(2 w2 -) leased(2 w3 -) running(2 w3 -) submitting(2 w3 -) ";
    assert_string_equal(timeline_of(&w, 1, a), steps);
    assert_int_equal(end_well(&w, &l, &changed), QUEUE_OK);
    assert_string_equal(timeline_of(&w, 1, a), arena_printf(a, "%ssettled(2 w3 -) ", steps));
    world_close(&w);
}

// If this fails, a lease that was lost, or a request that nobody served, cannot be told from one that is merely slow.
static void time_is_told_too(void **state) {
    struct world w;
    SCOPED_ARENA(a);
    world_open_on(&w, state, 4500);
    w.loses = true;
    restart(&w);
    assert_true(create(&w, 1));
    assert_int_equal(poll_by(&w, "w1", TEST_WAIT_S, NULL, NULL).id, 1); // which does not confirm it
    wait_until_expired(&w, 1);
    assert_string_equal(timeline_of(&w, 1, a), "recorded(0 - -) leased(1 w1 -) lost(1 w1 -) expired(1 - -) ");
    world_close(&w);
}

// If this fails, somebody makes a row grow without end.
static void a_timeline_is_bounded(void **state) {
    (void)state;
    SCOPED_BUF(b, 1 << 20);
    SCOPED_ARENA(a);
    char reason[10000];
    memset(reason, 'x', sizeof reason - 1);
    reason[sizeof reason - 1] = 0;
    for (int i = 0; i < 10000; i++)
        timeline_add(&b, &(struct timeline_step){"lost", 1, "w", 1, reason}, false);
    timeline_add(&b, &(struct timeline_step){"expired", 2, NULL, 0, NULL}, true);
    assert_in_range(b.len, TIMELINE_MAX, TIMELINE_MAX + 2 * TIMELINE_REASON_MAX);
    SCOPED_JSON(j) = json_loads(timeline_json(a, 1, buf_str(&b)), 0, NULL);
    assert_string_equal(json_string_value(json_object_get(json_array_get(j, json_array_size(j) - 1), "stage")),
                        "expired");
}

// --- what a list costs ---------------------------------------------------------------------------------------------

// If this fails, what a filter costs grows with each execution that was ever served (SQLite: local_list_test.c).
static void filters_read_few_rows(void **state) {
    struct world w;
    world_open_on(&w, state, 600000);
    sql(&w, "INSERT INTO executions (contract_id, request_id, created_ms, state, outcome, ended_ms, worker_id, about, "
            "report, task) SELECT 'a.near', i, i, 'settled', 'success', i, 'w', '{\"sender_id\":\"s\",\"payer_id\":"
            "\"p\",\"repo\":\"r\"}', '{}', '{}' FROM generate_series(1, 20000) AS i");
    store(&w, 30001, "alice", "r1", "trap");
    static const struct queue_filter filters[] = {
        {.limit = 20},
        {.sender_id = "alice"},
        {.payer_id = "p-alice"},
        {.repo = "r1"},
        {.worker_id = "w-alice"},
        {.failure = "trap"},
        {.outcome = "guest_failed"},
        {.wasm_hash = "h-alice"},
        {.from_ms = 300000},
        {.state = "running"},
        {.to_ms = 10, .limit = 20},
        {.sender_id = "nobody"},
    };
    static const char read_sql[] = "SELECT CAST(coalesce(sum(seq_tup_read + idx_tup_fetch), 0) AS BIGINT) AS n FROM "
                                   "pg_stat_user_tables WHERE relname = 'executions'";
    world_stop(&w);
    world_start(&w);
    uint64_t before = rows_of(&w, read_sql);
    for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
        SCOPED_ARENA(a);
        struct queue_filter f = filters[i];
        f.limit = f.limit ? f.limit : 50;
        f.to_ms = f.to_ms ? f.to_ms : INT64_MAX;
        f.before = INT64_MAX;
        json_decref(list(&w, &f, a));
    }
    world_stop(&w); // a connection tells what it read when it ends
    world_start(&w);
    assert_in_range(rows_of(&w, read_sql) - before, 0, 8000);
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_BOTH_FORMS(each_filter),      ON_BOTH_FORMS(states_under_way),         ON_BOTH_FORMS(a_timeline),
        ON_BOTH_FORMS(time_is_told_too), cmocka_unit_test(a_timeline_is_bounded), ON_POSTGRES(filters_read_few_rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
