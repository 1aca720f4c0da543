// SPDX-License-Identifier: Apache-2.0
// Lists of executions when there are very many: what they cost, and how they go on.
#include "base/file.h"
#include "base/test.h"
#include "codec/json.h"
#include "queue/database.h"
#include "queue/local.h"

struct world {
    char home[32];
    struct db *db;
    struct arena *a;
};

static int open_world(void **state) {
    struct world *w = xcalloc(1, sizeof *w);
    struct err e = {0};
    memcpy(w->home, "/tmp/outlayer-list-XXXXXX", 26);
    assert_non_null(mkdtemp(w->home));
    assert_ok(database_open(&w->db, w->home, NULL, &e), &e);
    w->a = arena_new();
    *state = w;
    return 0;
}

static int close_world(void **state) {
    struct world *w = *state;
    struct err e;
    db_close(w->db);
    arena_free(w->a);
    assert_ok(file_remove_tree(w->home, &e), &e);
    free(w);
    return 0;
}

static const char *plan_of(struct world *w, const char *statement) {
    struct db_stmt *s;
    struct err e = {0};
    bool row;
    const char *plan = "";
    assert_ok(db_query(w->db, arena_printf(w->a, "EXPLAIN QUERY PLAN %s", statement), &s, &e), &e);
    while (db_step(w->db, s, &row, &e) && row)
        plan = arena_printf(w->a, "%s%s\n", plan, db_text(w->db, s, "detail"));
    db_done(w->db, s);
    return plan;
}

// A list reads all executions, or sorts them: what it costs grows with each that was ever served.
static void lists_use_an_index(void **state) {
    static const struct {
        struct queue_filter filter;
        const char *plan;
    } table[] = {
        {{0}, "SEARCH e USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"},
        {{.transaction_hash = "t"},
         "SEARCH e USING INDEX executions_transaction (transaction_hash=? AND rowid>? AND rowid<?)"},
        {{.contract_id = "c"}, "SEARCH e USING INDEX executions_contract (contract_id=? AND rowid>? AND rowid<?)"},
        {{.sender_id = "a"}, "SEARCH e USING INDEX executions_sender (<expr>=? AND rowid>? AND rowid<?)"},
        {{.payer_id = "a"}, "SEARCH e USING INDEX executions_payer (<expr>=? AND rowid>? AND rowid<?)"},
        {{.repo = "a"}, "SEARCH e USING INDEX executions_repo (<expr>=? AND rowid>? AND rowid<?)"},
        {{.failure = "a"}, "SEARCH e USING INDEX executions_failure (<expr>=? AND rowid>? AND rowid<?)"},
        {{.wasm_hash = "a"}, "SEARCH e USING INDEX executions_module (<expr>=? AND rowid>? AND rowid<?)"},
        {{.outcome = "a"}, "SEARCH e USING INDEX executions_outcome (outcome=? AND rowid>? AND rowid<?)"},
        {{.worker_id = "a"}, "SEARCH e USING INDEX executions_worker (worker_id=? AND rowid>? AND rowid<?)"},
        {{.state = "running"}, "SEARCH e USING INDEX executions_open (id>? AND id<?)"},
        {{.state = "settled"}, "SEARCH e USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"},
        {{.sender_id = "a", .state = "running"}, "USING INDEX executions_sender"},
        {{.contract_id = "c", .transaction_hash = "t"}, "USING INDEX executions_transaction"},
        {{.contract_id = "c", .has_request = true}, "USING INDEX sqlite_autoindex_executions_1 (request_id=?"},
        {{.has_request = true}, "USING INDEX sqlite_autoindex_executions_1 (request_id=?)"},
    };
    struct world *w = *state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        const char *plan = plan_of(w, list_statement(&table[i].filter));
        if (!strstr(plan, table[i].plan) || strstr(plan, "SCAN"))
            fail_msg("list %zu: %s", i, plan);
        if (!table[i].filter.has_request) // those of one number are as many as contracts: they may be sorted
            assert_null(strstr(plan, "TEMP B-TREE"));
    }
}

// A list cannot be followed to its end, or shows an execution twice or never when others begin meanwhile.
static void lists_go_on(void **state) {
    struct world *w = *state;
    struct local l = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    struct err e = {0};
    SCOPED_BUF(out, 1 << 20);
    struct queue_filter f = QUEUE_FILTER_ALL;
    size_t seen = 0;
    f.limit = 30;
    assert_ok(db_exec(w->db,
                      "INSERT INTO executions (contract_id, request_id, created_ms, state, outcome, ended_ms, about, "
                      "report, task) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) "
                      "SELECT 'a.near', i, i, 'settled', 'success', i, '{}', '{}', '{}' FROM n",
                      &e),
              &e);
    for (json_int_t expected = 100; expected > 0;) {
        assert_ok(local_list(&l.queue_base, w->db, &f, w->a, &out, &e), &e);
        SCOPED_JSON(list) = json_loadb((const char *)buf_slice(&out).ptr, buf_slice(&out).len, 0, NULL);
        assert_true(json_array_size(list) > 0);
        for (size_t i = 0; i < json_array_size(list); i++, seen++) {
            const json_t *row = json_array_get(list, i);
            assert_int_equal(json_integer_value(json_object_get(row, "request_id")), expected--);
            f.before = (uint64_t)json_integer_value(json_object_get(row, "id"));
        }
        assert_ok(db_exec(w->db,
                          "INSERT INTO executions (contract_id, request_id, created_ms, state, about, task) SELECT "
                          "'b.near', 1 + count(*), 1, 'settled', '{}', '{}' FROM executions",
                          &e),
                  &e);
    }
    assert_int_equal(seen, 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(lists_use_an_index, open_world, close_world),
                                       cmocka_unit_test_setup_teardown(lists_go_on, open_world, close_world)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
