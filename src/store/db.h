// SPDX-License-Identifier: Apache-2.0
// A database behind a table of functions, so that the same code runs on every engine. Statements bind and read by name;
// prepared statements are kept by their text. A connection belongs to one thread at a time.
#pragma once
#include "base/arena.h"
#include "base/err.h"

struct db;
struct db_stmt;

// How a database is kept. All zeros: what was committed survives a loss of power.
struct db_keep {
    bool may_lack_last; // after a loss of power the last commits may be missing; the end of the process loses none
    size_t value_max;   // bytes of one value; 0: 64 MiB
};

// What an engine provides. SQLite is in sqlite.c.
struct db_driver {
    const char *scheme; // of its URLs
    bool (*open)(struct db *db, const char *url, const struct db_keep *keep, struct err *e);
    void (*close)(struct db *db);
    bool (*exec)(struct db *db, const char *sql, struct err *e); // several statements, no rows
    bool (*prepare)(struct db *db, const char *sql, struct db_stmt **out, struct err *e);
    void (*finalize)(struct db_stmt *s);
    void (*reset)(struct db_stmt *s); // and forgets what was bound
    void (*bind_text)(struct db_stmt *s, const char *name, const char *value);
    void (*bind_int)(struct db_stmt *s, const char *name, int64_t value);
    void (*bind_blob)(struct db_stmt *s, const char *name, struct slice value);
    bool (*step)(struct db_stmt *s, bool *row, struct err *e);
    const char *(*text)(struct db_stmt *s, const char *column);
    int64_t (*integer)(struct db_stmt *s, const char *column);
    struct slice (*blob)(struct db_stmt *s, const char *column);
    int64_t (*changes)(struct db *db);
    bool (*in_transaction)(struct db *db);
};

#define DB_STATEMENTS_MAX 64
struct db {
    const struct db_driver *driver;
    void *handle;
    struct {
        const char *sql; // the text's address: statements are literals
        struct db_stmt *stmt;
    } cache[DB_STATEMENTS_MAX];
    size_t cached;
};

// "sqlite:///path" or a plain path. postgres:// is refused with a sentence: this build has no driver for it.
[[nodiscard]] bool db_open(struct db **out, const char *url, struct err *e);
[[nodiscard]] bool db_open_as(struct db **out, const char *url, const struct db_keep *keep, struct err *e);
void db_close(struct db *db);
[[nodiscard]] bool db_exec(struct db *db, const char *sql, struct err *e);
int64_t db_changes(struct db *db); // rows that the last statement changed
// Whether a transaction is open. An engine may end one by itself when a statement in it fails (SQLite: a full disk).
bool db_in_transaction(struct db *db);

// A statement ready for binding; `sql` is a literal. Give it back with db_done, also after an error.
[[nodiscard]] bool db_query(struct db *db, const char *sql, struct db_stmt **out, struct err *e);
void db_bind_text(struct db *db, struct db_stmt *s, const char *name, const char *value); // NULL: null
void db_bind_int(struct db *db, struct db_stmt *s, const char *name, int64_t value);
void db_bind_blob(struct db *db, struct db_stmt *s, const char *name, struct slice value); // lives until db_done
[[nodiscard]] bool db_step(struct db *db, struct db_stmt *s, bool *row, struct err *e);
// Steps a statement that gives no rows, and gives it back.
[[nodiscard]] bool db_run(struct db *db, struct db_stmt *s, struct err *e);
const char *db_text(struct db *db, struct db_stmt *s, const char *column);  // NULL for null; valid until the next step
int64_t db_int(struct db *db, struct db_stmt *s, const char *column);       // 0 for null
struct slice db_blob(struct db *db, struct db_stmt *s, const char *column); // valid until the next step
void db_done(struct db *db, struct db_stmt *s);

// Append-only: never reordered, never changed once released.
struct db_migration {
    int version; // 1, 2, …
    const char *what, *sql;
};
// Brings the database to the last version of the list. One that is newer than that is refused: an older program does
// not know what is in there.
[[nodiscard]] bool db_migrate(struct db *db, const struct db_migration *list, size_t count, struct err *e);
