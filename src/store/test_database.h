// SPDX-License-Identifier: Apache-2.0
// For tests: an empty database of either engine. PostgreSQL's are made in the server that TEST_POSTGRES names
// (scripts/unit.sh starts one); a test that is started by hand from the project's folder starts its own, which ends
// with it.
#pragma once
#include "base/test_server.h"
#include "store/db.h"

struct test_database {
    enum db_engine engine;
    char url[400];
    char name[64]; // PostgreSQL: of the database; SQLite: of the file
};

static char test_database_server_url[300];

static inline const char *test_database_server(void) {
    const char *given = getenv("TEST_POSTGRES");
    if (given)
        return given;
    char what[] = "postgres";
    if (!test_database_server_url[0])
        test_server_start(what, test_database_server_url, sizeof test_database_server_url);
    return test_database_server_url;
}

static inline void test_database_server_do(const char *sql) {
    struct db *db;
    struct err e;
    assert_ok(db_open(&db, test_database_server(), &e), &e);
    assert_ok(db_exec(db, sql, &e), &e);
    db_close(db);
}

static inline void test_database_new(struct test_database *d, enum db_engine engine) {
    static unsigned count;
    char sql[120];
    d->engine = engine;
    if (engine == DB_SQLITE) {
        snprintf(d->name, sizeof d->name, "/tmp/outlayer-db-test-XXXXXX");
        int fd = mkstemp(d->name);
        assert_true(fd >= 0);
        close(fd);
        snprintf(d->url, sizeof d->url, "%s", d->name);
        return;
    }
    const char *server = test_database_server(), *query = strchr(server, '?');
    assert_non_null(query);
    snprintf(d->name, sizeof d->name, "t%d_%u", (int)getpid(), ++count);
    snprintf(sql, sizeof sql, "CREATE DATABASE %s", d->name);
    test_database_server_do(sql);
    snprintf(d->url, sizeof d->url, "postgres:///%s%s", d->name, query);
}

static inline void test_database_drop(const struct test_database *d) {
    static const char *const ends[] = {"", "-wal", "-shm"};
    char text[120];
    for (size_t i = 0; i < ARRAY_LEN(ends) && d->engine == DB_SQLITE; i++) {
        snprintf(text, sizeof text, "%s%s", d->name, ends[i]);
        unlink(text);
    }
    snprintf(text, sizeof text, "DROP DATABASE %s WITH (FORCE)", d->name);
    if (d->engine == DB_POSTGRES)
        test_database_server_do(text);
}

// For CMUnitTest lists: the test once for each engine, with a struct test_database * as its state.
static inline int test_on_sqlite(void **state) {
    *state = xcalloc(1, sizeof(struct test_database));
    test_database_new(*state, DB_SQLITE);
    return 0;
}
static inline int test_on_postgres(void **state) {
    *state = xcalloc(1, sizeof(struct test_database));
    test_database_new(*state, DB_POSTGRES);
    return 0;
}
static inline int test_on_done(void **state) {
    test_database_drop(*state);
    free(*state);
    return 0;
}
#define ON_SQLITE(f)                                                                                                   \
    { #f " (SQLite)", f, test_on_sqlite, test_on_done, NULL }
#define ON_POSTGRES(f)                                                                                                 \
    { #f " (PostgreSQL)", f, test_on_postgres, test_on_done, NULL }
#define ON_BOTH(f) ON_SQLITE(f), ON_POSTGRES(f)
