// SPDX-License-Identifier: Apache-2.0
// The tables are the same in both engines: what a statement finds in one, it finds in the other.
#include "queue/database.h"

#include "base/buf.h"
#include "store/test_database.h"

#define LIST_MAX 65536

// A type's meaning: what either engine calls it.
#define MEANING(type)                                                                                                  \
    "CASE lower(" type ") WHEN 'integer' THEN 'number' WHEN 'bigint' THEN 'number' WHEN 'blob' THEN 'bytes' "          \
    "WHEN 'bytea' THEN 'bytes' ELSE lower(" type ") END"

static const char sqlite_columns[] =
    "SELECT m.name || '.' || c.name || ' ' || CASE m.type WHEN 'view' THEN '' ELSE " MEANING(
        "c.type") " || "
                  "CASE WHEN c.\"notnull\" + c.pk > 0 THEN ' not null' ELSE '' END || "
                  "CASE WHEN c.pk > 0 THEN ' key' ELSE '' END END AS line "
                  "FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type IN ('table', 'view') ORDER BY 1";
static const char postgres_columns[] =
    "SELECT t.relname || '.' || c.attname || ' ' || CASE t.relkind WHEN 'v' THEN '' ELSE " MEANING(
        "format_type(c.atttypid, NULL)") " || CASE WHEN c.attnotnull THEN ' not null' ELSE '' END || "
                                         "CASE WHEN k.indrelid IS NULL THEN '' ELSE ' key' END END AS line FROM "
                                         "pg_class t "
                                         "JOIN pg_namespace n ON n.oid = t.relnamespace AND n.nspname = 'public' "
                                         "JOIN pg_attribute c ON c.attrelid = t.oid AND c.attnum > 0 AND NOT "
                                         "c.attisdropped "
                                         "LEFT JOIN pg_index k ON k.indrelid = t.oid AND k.indisprimary AND c.attnum = "
                                         "ANY (k.indkey) "
                                         "WHERE t.relkind IN ('r', 'v') ORDER BY 1";
static const char sqlite_indexes[] =
    "SELECT name || ' of ' || tbl_name AS line FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY 1";
// Those of keys have names by themselves.
static const char postgres_indexes[] =
    "SELECT indexname || ' of ' || tablename AS line FROM pg_indexes WHERE schemaname = 'public' AND NOT EXISTS "
    "(SELECT 1 FROM pg_constraint WHERE conname = indexname) ORDER BY 1";

static struct db *make(struct test_database *d, enum db_engine engine) {
    struct db *db;
    struct err e;
    test_database_new(d, engine);
    assert_ok(db_open(&db, d->url, &e), &e);
    assert_ok(database_migrate(db, &e), &e);
    return db;
}

static void list(struct db *db, const char *sql, struct buf *out) {
    struct db_stmt *s;
    struct err e;
    bool row;
    assert_ok(db_query(db, sql, &s, &e), &e);
    for (;;) {
        assert_ok(db_step(db, s, &row, &e), &e);
        if (!row)
            break;
        buf_printf(out, "%s\n", db_text(db, s, "line"));
    }
    db_done(db, s);
    assert_true(out->len > 0 && !out->full);
}

static void test_both_engines_have_the_same_tables(void **state) {
    (void)state;
    struct test_database on[2];
    struct db *lite = make(&on[0], DB_SQLITE), *pg = make(&on[1], DB_POSTGRES);
    SCOPED_BUF(a, LIST_MAX);
    SCOPED_BUF(b, LIST_MAX);
    list(lite, sqlite_columns, &a);
    list(pg, postgres_columns, &b);
    assert_string_equal(buf_str(&a), buf_str(&b));
    buf_clear(&a);
    buf_clear(&b);
    // PostgreSQL has some more: its rows are what the other form keeps in memory.
    list(lite, sqlite_indexes, &a);
    list(pg, postgres_indexes, &b);
    for (const char *at = buf_str(&a), *end; (end = strchr(at, '\n')); at = end + 1)
        if (!memmem(b.ptr, b.len, at, (size_t)(end - at)))
            fail_msg("PostgreSQL lacks the index %.*s", (int)(end - at), at);
    db_close(lite);
    db_close(pg);
    test_database_drop(&on[0]);
    test_database_drop(&on[1]);
}

// If this fails, a moment or a number of a contract does not fit into PostgreSQL's column, as it does into SQLite's.
static void test_large_numbers_have_room(void **state) {
    (void)state;
    static const char narrow[] =
        "SELECT coalesce(string_agg(table_name || '.' || column_name, ' '), '') AS line FROM "
        "information_schema.columns WHERE table_schema = 'public' AND data_type IN ('integer', 'smallint') AND "
        "(column_name LIKE '%\\_ms' OR column_name LIKE '%id' OR column_name = 'instructions' OR column_name = 'turn')";
    struct test_database on;
    struct db *pg = make(&on, DB_POSTGRES);
    SCOPED_BUF(b, LIST_MAX);
    list(pg, narrow, &b);
    assert_string_equal(buf_str(&b), "\n");
    db_close(pg);
    test_database_drop(&on);
}

static void read_id(const struct test_database *d, char out[static DATABASE_ID_LEN + 1]) {
    struct db *db;
    struct err e;
    assert_ok(db_open(&db, d->url, &e) && database_id(db, out, &e), &e);
    db_close(db);
}

// If this fails, coordinators of one database do not hear each other, or those of two do.
static void test_a_database_has_a_name(void **state) {
    struct test_database other;
    char one[DATABASE_ID_LEN + 1], again[DATABASE_ID_LEN + 1], two[DATABASE_ID_LEN + 1];
    test_database_new(&other, DB_POSTGRES);
    read_id(*state, one);
    read_id(*state, again);
    read_id(&other, two);
    assert_int_equal(strlen(one), DATABASE_ID_LEN);
    assert_string_equal(one, again);
    assert_string_not_equal(one, two);
    test_database_drop(&other);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_both_engines_have_the_same_tables),
                                       cmocka_unit_test(test_large_numbers_have_room),
                                       ON_POSTGRES(test_a_database_has_a_name)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
