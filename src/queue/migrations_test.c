// SPDX-License-Identifier: Apache-2.0
// A database that any earlier program left, with rows in every table, is brought up to date by a start of this one:
// what stands in it stays, what is made of it is right, and work goes on.
#include "queue/test_queue.h"

#define ROWS 3 // in each table: the first execution is not over, the others are
#define TEXT_MAX (1u << 20)
#define FAR_MS 4102444800000ll // the year 2100

static struct arena *texts; // of statements, which live as long as any connection
static uint64_t now_ms;

struct column {
    char table[64], name[64], type[64];
};
struct columns {
    struct column at[200];
    size_t count;
};

static const char *columns_sql(enum db_engine engine) {
    return engine == DB_SQLITE
               ? "SELECT m.name AS tab, c.name AS col, lower(c.type) AS type FROM sqlite_master m JOIN "
                 "pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'schema%' AND m.name NOT LIKE "
                 "'sqlite%' ORDER BY m.name, c.cid"
               : "SELECT t.relname AS tab, a.attname AS col, format_type(a.atttypid, NULL) AS type FROM pg_class t "
                 "JOIN "
                 "pg_namespace n ON n.oid = t.relnamespace AND n.nspname = 'public' JOIN pg_attribute a ON a.attrelid "
                 "= t.oid AND a.attnum > 0 AND NOT a.attisdropped WHERE t.relkind = 'r' AND t.relname NOT LIKE "
                 "'schema%' ORDER BY t.relname, a.attnum";
}

static void read_columns(struct db *db, struct columns *out) {
    struct db_stmt *s;
    struct err e;
    bool row;
    out->count = 0;
    assert_ok(db_query(db, columns_sql(db_engine(db)), &s, &e), &e);
    while (db_step(db, s, &row, &e) && row) {
        struct column *c = &out->at[out->count++];
        assert_true(out->count <= ARRAY_LEN(out->at));
        snprintf(c->table, sizeof c->table, "%s", db_text(db, s, "tab"));
        snprintf(c->name, sizeof c->name, "%s", db_text(db, s, "col"));
        snprintf(c->type, sizeof c->type, "%s", db_text(db, s, "type"));
    }
    db_done(db, s);
}

// --- rows

static bool is(const struct column *c, const char *name) { return strcmp(c->name, name) == 0; }

static bool is_of_ends(const struct column *c) {
    static const char *const names[] = {"state", "outcome", "report", "ended_ms", "lease", "instructions"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (is(c, names[i]))
            return strcmp(c->table, "executions") == 0;
    return false;
}

static bool is_of_leases(const struct column *c) {
    return strcmp(c->table, "queue_items") == 0 &&
           (is(c, "stage") || is(c, "worker_id") || is(c, "token_name") || is(c, "lease_hash") || is(c, "until_ms"));
}

static void add_number(struct buf *out, const struct column *c, int row) {
    if (is(c, "id") || is(c, "execution_id") || is(c, "request_id"))
        buf_printf(out, "%d", row);
    else if (is(c, "created_ms"))
        buf_printf(out, "%lld", (long long)now_ms + row);
    else if (is(c, "dead_at_ms") || is(c, "expires_ms"))
        buf_printf(out, "%lld", FAR_MS + row);
    else
        buf_printf(out, "%d", is(c, "handed") || is(c, "not_before_ms") ? 0 : 10 * row);
}

static void add_text(struct buf *out, const struct column *c, int row) {
    if (is(c, "record"))
        buf_printf(out, "'{\"public_key\":\"signer %d\",\"built_at\":%d}'", row, 10 * row);
    else if (is(c, "about") || is(c, "report") || is(c, "said"))
        buf_printf(out, "'{\"sender_id\":\"a%d.near\",\"error\":\"ü\\u0000\\u0000\\\\u0000\"}'", row);
    else if (is(c, "task"))
        buf_printf(out, "'%d'", row);
    else if (is(c, "contract_id"))
        buf_add_str(out, "'a.near'");
    else if (is(c, "state"))
        buf_add_str(out, "'settled'");
    else if (is(c, "outcome"))
        buf_add_str(out, "'success'");
    else if (is(c, "form"))
        buf_add_str(out, "'scaled'");
    else if (is(c, "build_target"))
        buf_add_str(out, "'t'");
    else
        buf_printf(out, "'%s %d \"ü\" '' ;'", c->name, row);
}

static void add_value(struct buf *out, const struct column *c, int row) {
    if ((is_of_ends(c) && row == 1) || is_of_leases(c))
        buf_add_str(out, "NULL");
    else if (strcmp(c->type, "boolean") == 0)
        buf_add_str(out, row % 2 ? "true" : "false");
    else if (strcmp(c->type, "text") == 0)
        add_text(out, c, row);
    else
        add_number(out, c, row);
}

// The end of the columns of the table that begins at `from`.
static size_t table_end(const struct columns *all, size_t from) {
    size_t i = from;
    while (i < all->count && strcmp(all->at[i].table, all->at[from].table) == 0)
        i++;
    return i;
}

static void insert_row(struct db *db, const struct columns *all, size_t from, size_t end, int row) {
    SCOPED_BUF(sql, TEXT_MAX);
    struct err e;
    buf_printf(&sql, "INSERT INTO %s (", all->at[from].table);
    for (size_t i = from; i < end; i++)
        buf_printf(&sql, "%s%s", i > from ? ", " : "", all->at[i].name);
    buf_add_str(&sql, ") VALUES (");
    for (size_t i = from; i < end; i++) {
        buf_add_str(&sql, i > from ? ", " : "");
        add_value(&sql, &all->at[i], row);
    }
    buf_add_str(&sql, ")");
    assert_ok(db_exec(db, buf_str(&sql), &e), &e);
}

// Totals are counted by themselves, or by the migration that made them.
static void fill(struct db *db, const struct columns *all) {
    for (size_t i = 0; i < all->count; i = table_end(all, i)) {
        bool totals = strcmp(all->at[i].table, "totals") == 0, items = strcmp(all->at[i].table, "queue_items") == 0;
        for (int row = 1; row <= (totals ? 0 : items ? 1 : ROWS); row++)
            insert_row(db, all, i, table_end(all, i), row);
    }
    struct err e;
    if (db_engine(db) == DB_POSTGRES) // as if it had numbered them itself
        assert_ok(db_exec(db, "SELECT setval(pg_get_serial_sequence('executions', 'id'), 3)", &e), &e);
}

// All of them, by the columns that there were.
static void show_table(struct db *db, const struct columns *all, size_t from, size_t end, struct buf *out) {
    SCOPED_BUF(sql, TEXT_MAX);
    struct db_stmt *s;
    struct err e;
    bool row;
    buf_add_str(&sql, "SELECT ");
    for (size_t i = from; i < end; i++)
        buf_printf(&sql, "%s%s AS %s", i > from ? ", " : "", all->at[i].name, all->at[i].name);
    buf_printf(&sql, " FROM %s ORDER BY 1, 2", all->at[from].table);
    assert_ok(db_query(db, arena_strdup(texts, buf_str(&sql)), &s, &e), &e);
    for (;;) {
        assert_ok(db_step(db, s, &row, &e), &e);
        if (!row)
            break;
        buf_printf(out, "%s:", all->at[from].table);
        for (size_t i = from; i < end; i++) {
            const char *text = db_text(db, s, all->at[i].name);
            buf_printf(out, " %s=%s", all->at[i].name, text ? text : "(null)");
        }
        buf_add_byte(out, '\n');
    }
    db_done(db, s);
}

static void show(struct db *db, const struct columns *all, struct buf *out) {
    for (size_t i = 0; i < all->count; i = table_end(all, i))
        if (strcmp(all->at[i].table, "totals") != 0)
            show_table(db, all, i, table_end(all, i), out);
    assert_false(out->full);
}

// --- what came of it

static void show_schema(struct db *db, struct buf *out) {
    struct columns all;
    struct db_stmt *s;
    struct err e;
    bool row;
    read_columns(db, &all);
    for (size_t i = 0; i < all.count; i++)
        buf_printf(out, "%s.%s %s\n", all.at[i].table, all.at[i].name, all.at[i].type);
    assert_ok(
        db_query(db,
                 db_engine(db) == DB_SQLITE
                     ? "SELECT type || ' ' || name AS line FROM sqlite_master WHERE type <> 'table' ORDER BY 1"
                     : "SELECT 'index ' || indexdef AS line FROM pg_indexes WHERE schemaname = 'public' UNION ALL "
                       "SELECT 'trigger ' || tgname FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1",
                 &s, &e),
        &e);
    while (db_step(db, s, &row, &e) && row)
        buf_printf(out, "%s\n", db_text(db, s, "line"));
    db_done(db, s);
    assert_true(out->len && !out->full);
}

static void assert_derived(struct world *w, int version) {
    struct queue_counts c;
    queue_counts(w->q, &c);
    assert_int_equal(c.created, ROWS);
    assert_int_equal(c.succeeded, version < 6 ? ROWS - 1 : 0); // later ones count an end when it comes
    assert_int_equal(c.instructions, version < 6 ? 20 + 30 : 0);
    assert_int_equal(c.by_state[EXECUTION_QUEUED], 1);
    assert_int_equal(rows_of(w, "SELECT count(*) AS n FROM worker_auth_tokens"), ROWS);
    assert_int_equal(rows_of(w, "SELECT count(*) AS n FROM build_records WHERE public_key LIKE '%signer %' OR "
                                "public_key LIKE 'public_key %'"),
                     ROWS);
}

static void assert_works(struct world *w) {
    bool changed;
    struct test_lease l = poll_one(w);
    assert_int_equal(l.id, 1);
    assert_int_equal(beat(w, &l, EXECUTION_EVENT_RUN, 0), QUEUE_OK);
    assert_int_equal(end_well(w, &l, &changed), QUEUE_OK);
    assert_true(changed);
    assert_false(create(w, 2)); // it is known
    assert_true(create(w, ROWS + 1));
    assert_int_equal(poll_one(w).id, ROWS + 1);
}

static void world_place(struct world *w, const struct test_database *on, char url[static 400]) {
    *w = (struct world){.home = "/tmp/outlayer-queue-XXXXXX", .serve_ms = 600000};
    w->url = on->engine == DB_POSTGRES ? on->url : NULL;
    assert_non_null(mkdtemp(w->home));
    snprintf(url, 400, "%s%s", w->url ? w->url : w->home, w->url ? "" : "/coordinator.db");
}

static void newest_schema(enum db_engine engine, struct buf *out) {
    struct test_database on;
    struct db *db;
    struct err e;
    test_database_new(&on, engine);
    assert_ok(db_open(&db, on.url, &e) && database_migrate(db, &e), &e);
    show_schema(db, out);
    db_close(db);
    test_database_drop(&on);
}

static void from_version(enum db_engine engine, int version, struct buf *schema) {
    struct test_database on;
    struct columns all;
    struct world w;
    struct db *db;
    struct err e;
    char url[400];
    SCOPED_BUF(before, TEXT_MAX);
    SCOPED_BUF(after, TEXT_MAX);
    SCOPED_BUF(got, TEXT_MAX);
    test_database_new(&on, engine);
    world_place(&w, &on, url);
    assert_ok(db_open(&db, url, &e) && database_migrate_to(db, version, &e), &e);
    read_columns(db, &all);
    fill(db, &all);
    show(db, &all, &before);
    db_close(db);
    world_start(&w); // as every start does it
    show(w.reading, &all, &after);
    assert_string_equal(buf_str(&after), buf_str(&before));
    show_schema(w.reading, &got);
    assert_string_equal(buf_str(&got), buf_str(schema));
    assert_derived(&w, version);
    assert_works(&w);
    world_close(&w);
    test_database_drop(&on);
}

// If these fail, an upgrade from some earlier program loses or changes what its database holds, or ends in tables that
// are not those of a new one.
static void every_version(enum db_engine engine) {
    SCOPED_BUF(schema, TEXT_MAX);
    newest_schema(engine, &schema);
    for (int version = 1; version < database_version(); version++) {
        print_message("from version %d\n", version);
        from_version(engine, version, &schema);
    }
}

static void on_sqlite(void **state) {
    (void)state;
    every_version(DB_SQLITE);
}

static void on_postgres(void **state) {
    (void)state;
    every_version(DB_POSTGRES);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(on_sqlite), cmocka_unit_test(on_postgres)};
    now_ms = clock_wall_ms() - 1000;
    texts = arena_new();
    int status = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(texts);
    return status;
}
