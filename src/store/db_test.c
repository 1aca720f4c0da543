// SPDX-License-Identifier: Apache-2.0
#include "store/db.h"

#include "base/test.h"
#include <sys/stat.h>
#include <unistd.h>

static const struct db_migration first[] = {{1, "things", "CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT)"}};
static const struct db_migration both[] = {
    {1, "things", "CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT)"},
    {2, "sizes", "ALTER TABLE thing ADD size INTEGER; UPDATE thing SET size = length(name)"},
};
static const struct db_migration broken[] = {
    {1, "things", "CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT)"},
    {2, "sizes", "ALTER TABLE thing ADD size INTEGER; UPDATE nothing SET size = 1"},
};

static int set_up(void **state) {
    char *path = xmalloc(64);
    snprintf(path, 64, "/tmp/outlayer-db-test-XXXXXX");
    int fd = mkstemp(path);
    close(fd);
    *state = path;
    return fd < 0;
}

static int tear_down(void **state) {
    static const char *const ends[] = {"", "-wal", "-shm"};
    char path[80];
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        snprintf(path, sizeof path, "%s%s", (const char *)*state, ends[i]);
        unlink(path);
    }
    free(*state);
    return 0;
}

static struct db *open_db(const char *path) {
    struct db *db;
    struct err e;
    assert_ok(db_open(&db, path, &e), &e);
    return db;
}

static int64_t number(struct db *db, const char *sql) {
    struct db_stmt *s;
    struct err e;
    bool row;
    assert_ok(db_query(db, sql, &s, &e), &e);
    assert_ok(db_step(db, s, &row, &e), &e);
    assert_true(row);
    int64_t n = db_int(db, s, "n");
    db_done(db, s);
    return n;
}

static bool put_blob(struct db *db, struct slice value, struct err *e) {
    struct db_stmt *s;
    if (!db_query(db, "INSERT OR REPLACE INTO b(id, value) VALUES(1, :value)", &s, e))
        return false;
    db_bind_blob(db, s, ":value", value);
    return db_run(db, s, e);
}

// Bytes come back as they were, zeros and none at all included; the longest value is what the caller said.
static void test_blobs(void **state) {
    struct err e;
    struct db *db;
    struct db_stmt *s;
    bool row;
    char large[1000] = {0};
    assert_ok(db_open_as(&db, *state, &(struct db_keep){.may_lack_last = true, .value_max = sizeof large}, &e), &e);
    assert_ok(db_exec(db, "CREATE TABLE b(id INTEGER PRIMARY KEY, value BLOB NOT NULL)", &e), &e);
    static const char with_zeros[] = "a\0b\0";
    const struct slice values[] = {slice_of(with_zeros, 4), {NULL, 0}, slice_of(large, 900)};
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        assert_ok(put_blob(db, values[i], &e), &e);
        assert_ok(db_query(db, "SELECT value FROM b", &s, &e), &e);
        assert_ok(db_step(db, s, &row, &e), &e);
        assert_true(slice_eq(db_blob(db, s, "value"), values[i]));
        db_done(db, s);
    }
    assert_false(put_blob(db, slice_of(large, sizeof large), &e)); // a row is a little longer than its values
    db_close(db);
    // What is on disk when power is lost depends on this alone: 1 is NORMAL, 2 is FULL.
    assert_ok(db_open_as(&db, *state, &(struct db_keep){.may_lack_last = true}, &e), &e);
    assert_int_equal(number(db, "SELECT synchronous AS n FROM pragma_synchronous"), 1);
    db_close(db);
    db = open_db(*state);
    assert_int_equal(number(db, "SELECT synchronous AS n FROM pragma_synchronous"), 2);
    db_close(db);
}

// If this fails, a database of an earlier version is not brought up, or loses what is in it.
static void test_an_old_database(void **state) {
    struct err e;
    struct db *db = open_db(*state);
    assert_ok(db_migrate(db, first, 1, &e), &e);
    assert_ok(db_exec(db, "INSERT INTO thing (name) VALUES ('four')", &e), &e);
    db_close(db);
    db = open_db(*state);
    assert_ok(db_migrate(db, both, 2, &e), &e);
    assert_int_equal(number(db, "SELECT size AS n FROM thing"), 4);
    assert_ok(db_migrate(db, both, 2, &e), &e); // once more: nothing to do
    assert_int_equal(number(db, "SELECT count(*) AS n FROM schema_version"), 2);
    assert_err(db_migrate(db, first, 1, &e), &e, ERR_SETTINGS, "schema version 2, this program knows up to 1");
    assert_int_equal(number(db, "SELECT size AS n FROM thing"), 4);
    db_close(db);
}

// If this fails, half of a migration stays, and the next start fails on it for good.
static void test_half_a_migration(void **state) {
    struct err e;
    struct db *db = open_db(*state);
    assert_err(db_migrate(db, broken, 2, &e), &e, ERR_IO, "migration 2 (sizes)");
    assert_false(db_in_transaction(db));
    assert_int_equal(number(db, "SELECT max(version) AS n FROM schema_version"), 1);
    assert_int_equal(number(db, "SELECT count(*) AS n FROM pragma_table_info('thing') WHERE name = 'size'"), 0);
    assert_ok(db_migrate(db, both, 2, &e), &e);
    db_close(db);
}

// If this fails, two daemons that start at the same time on one database do not both come up.
static void test_two_at_once(void **state) {
    struct err e;
    struct db *one = open_db(*state), *other = open_db(*state);
    assert_ok(db_migrate(one, first, 1, &e), &e);
    assert_ok(db_migrate(other, both, 2, &e), &e);
    assert_err(db_migrate(one, first, 1, &e), &e, ERR_SETTINGS, "schema version 2");
    db_close(one);
    db_close(other);
}

// If this fails, an operator reads of a damaged or foreign file as of a full disk, or not at all.
static void test_what_is_no_database(void **state) {
    struct err e;
    struct db *db;
    FILE *f = fopen(*state, "w");
    for (int i = 0; i < 1000; i++)
        fputs("this is a text, and not a database\n", f);
    fclose(f);
    assert_err(db_open(&db, *state, &e), &e, ERR_CORRUPT, "not a database");
    assert_err(db_open(&db, "/nowhere/at/all", &e), &e, ERR_IO, "cannot open database '/nowhere/at/all'");
    assert_err(db_open(&db, "postgres://host/name", &e), &e, ERR_SETTINGS, "no driver for 'postgres' databases");
}

// If this fails, values and nulls are mixed up, or a statement keeps the values of its last use.
static void test_values(void **state) {
    struct err e;
    struct db *db = open_db(*state);
    struct db_stmt *s;
    static const char insert[] = "INSERT INTO thing (id, name) VALUES (:id, :name)";
    static const char get[] = "SELECT id, name FROM thing WHERE id = :id";
    bool row;
    assert_ok(db_migrate(db, first, 1, &e), &e);
    for (int i = 1; i <= 2; i++) {
        assert_ok(db_query(db, insert, &s, &e), &e);
        db_bind_int(db, s, ":id", INT64_MAX - i);
        if (i == 1)
            db_bind_text(db, s, ":name", "it's; -- \"ä\"");
        assert_ok(db_run(db, s, &e), &e);
        assert_int_equal(db_changes(db), 1);
    }
    assert_ok(db_query(db, get, &s, &e), &e);
    db_bind_int(db, s, ":id", INT64_MAX - 1);
    assert_ok(db_step(db, s, &row, &e), &e);
    assert_true(row);
    assert_string_equal(db_text(db, s, "name"), "it's; -- \"ä\"");
    assert_true(db_int(db, s, "id") == INT64_MAX - 1);
    assert_ok(db_step(db, s, &row, &e), &e);
    assert_false(row);
    db_done(db, s);
    assert_ok(db_query(db, get, &s, &e), &e);
    db_bind_int(db, s, ":id", INT64_MAX - 2);
    assert_ok(db_step(db, s, &row, &e), &e);
    assert_null(db_text(db, s, "name"));
    assert_int_equal(db_int(db, s, "name"), 0);
    db_done(db, s);
    assert_ok(db_query(db, insert, &s, &e), &e);
    db_bind_int(db, s, ":id", INT64_MAX - 1);
    assert_err(db_run(db, s, &e), &e, ERR_CONFLICT, "UNIQUE");
    assert_err(db_query(db, "SELECT nonsense FROM nowhere", &s, &e), &e, ERR_IO, "no such table");
    db_close(db);
}

// If this fails, nobody is told that a disk is full, or a transaction is believed to be open that is not.
static void test_a_full_disk(void **state) {
    struct err e;
    struct db *db = open_db(*state);
    assert_ok(db_migrate(db, first, 1, &e), &e);
    assert_ok(db_exec(db, "PRAGMA max_page_count = 20; BEGIN; INSERT INTO thing (name) VALUES ('one')", &e), &e);
    assert_true(db_in_transaction(db));
    assert_err(db_exec(db, "INSERT INTO thing (name) VALUES (hex(zeroblob(1000000)))", &e), &e, ERR_IO, "full");
    assert_string_equal(e.hint, "is the disk full?");
    assert_false(db_in_transaction(db)); // SQLite has ended it: what was in it is gone
    assert_int_equal(number(db, "SELECT count(*) AS n FROM thing"), 0);
    db_close(db);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
int main(void) {
    const struct CMUnitTest tests[] = {T(test_an_old_database),     T(test_half_a_migration), T(test_two_at_once),
                                       T(test_what_is_no_database), T(test_values),           T(test_blobs),
                                       T(test_a_full_disk)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
