// SPDX-License-Identifier: Apache-2.0
// A database behind a table of functions, so that the same code runs on every engine. Statements bind and read by name;
// prepared statements are kept by their text. A connection belongs to one thread at a time.
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include <stdatomic.h>

struct db;
struct db_stmt;

// How a database is kept. All zeros: what was committed survives a loss of power.
struct db_keep {
    bool may_lack_last; // after a loss of power the last commits may be missing; the end of the process loses none
    // Its statements join few rows by their keys, whatever is known of how many rows the tables have: that is known
    // late, and a plan made for a young, empty table reads all of it, again and again, when it has grown (PostgreSQL).
    // So one plan is right for all values, and is made once.
    bool joins_by_keys;
    // The same for a connection whose statements give a page of what an index has in their order: a young table is not
    // read as a whole and sorted.
    bool pages_by_index;
    size_t value_max; // bytes of one value; 0: 64 MiB
    // Of an engine with a server. How long a connection may take to come, and the server to answer a statement; 0: 10
    // seconds, and 30. Once *cancel is true, waits for the server end within 100 ms; NULL: nobody cancels.
    uint64_t connect_ms, statement_ms;
    uint64_t first_ms; // for the first connection, which only a start waits for; 0: connect_ms
    const atomic_bool *cancel;
};

enum db_engine { DB_SQLITE, DB_POSTGRES };

// What an engine provides. SQLite is in sqlite.c, PostgreSQL in postgres.c.
struct db_driver {
    enum db_engine engine;
    bool (*open)(struct db *db, const char *url, const struct db_keep *keep, struct err *e);
    void (*close)(struct db *db);
    bool (*exec)(struct db *db, const char *sql, struct err *e); // several statements, no rows
    bool (*prepare)(struct db *db, const char *sql, struct db_stmt **out, struct err *e);
    void (*finalize)(struct db_stmt *s); // of a server: it, too, forgets the statement, by the next use at the latest
    void (*reset)(struct db_stmt *s);    // and forgets what was bound
    void (*bind_text)(struct db_stmt *s, const char *name, const char *value);
    void (*bind_int)(struct db_stmt *s, const char *name, int64_t value);
    void (*bind_blob)(struct db_stmt *s, const char *name, struct slice value);
    bool (*step)(struct db_stmt *s, bool *row, struct err *e);
    const char *(*text)(struct db_stmt *s, const char *column);
    int64_t (*integer)(struct db_stmt *s, const char *column);
    struct slice (*blob)(struct db_stmt *s, const char *column);
    int64_t (*changes)(struct db *db);
    bool (*in_transaction)(struct db *db);
    bool (*begin)(struct db *db, struct err *e);
    bool (*commit)(struct db *db, struct err *e); // no transaction is open afterwards, whatever it says
    void (*rollback)(struct db *db);
    bool (*lock_schema)(struct db *db, struct err *e); // inside a transaction, until its end: nobody else migrates
};

#define DB_STATEMENTS_MAX                                                                                              \
    64 // that are kept; one that is wanted beyond these takes the place of the one used longest ago
struct db {
    const struct db_driver *driver;
    void *handle;
    struct {
        const char *sql; // the text's address: statements are literals
        struct db_stmt *stmt;
        uint64_t used; // its turn among all uses
        bool taken;    // by db_query, and not given back
    } cache[DB_STATEMENTS_MAX];
    size_t cached;
    uint64_t uses;
    bool left_over; // the driver's own: a transaction that could not be rolled back is still open
};

// "sqlite:///path" or a plain path; "postgres://user:password@host/name" or "postgresql://…". A password stands in no
// error. What is lost with a connection to a server is told as ERR_UNAVAILABLE, and the next use connects again: a
// question alone is asked once more by itself. ERR_IN_DOUBT: the connection broke when a change had been sent and the
// answer had not come, so that the change is stored or not.
[[nodiscard]] bool db_open(struct db **out, const char *url, struct err *e);
[[nodiscard]] bool db_open_as(struct db **out, const char *url, const struct db_keep *keep, struct err *e);
// Which engine a URL names, without opening anything: SQLite makes a file that is not there.
[[nodiscard]] bool db_engine_of(const char *url, enum db_engine *out, struct err *e);
void db_close(struct db *db);
[[nodiscard]] bool db_exec(struct db *db, const char *sql, struct err *e);
int64_t db_changes(struct db *db); // rows that the last statement changed
enum db_engine db_engine(const struct db *db);

// A transaction that may write. Where it is lost with its connection, all statements fail until db_rollback or the next
// db_begin: none is carried out without it.
[[nodiscard]] bool db_begin(struct db *db, struct err *e);
// true: stored. ERR_IN_DOUBT: stored, or not. Any other error: nothing is. There is no transaction afterwards.
[[nodiscard]] bool db_commit(struct db *db, struct err *e);
void db_rollback(struct db *db); // without a transaction, too
// Whether a transaction is open. An engine may end one by itself when a statement in it fails (SQLite: a full disk).
bool db_in_transaction(struct db *db);

// A statement ready for binding; `sql` is a literal, or lives as long as the connection. Give it back with db_done,
// also after an error: at most DB_STATEMENTS_MAX are out at a time.
[[nodiscard]] bool db_query(struct db *db, const char *sql, struct db_stmt **out, struct err *e);
// What is not bound is null. PostgreSQL learns a parameter's type from where it stands: one that stands alone (`:x IS
// NULL`) wants a CAST.
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
    const char *postgres; // for PostgreSQL; NULL: the same
    // The oldest program that may go on using the database once this is done, by the last version that it knows; 0:
    // none that does not know this one. A migration that only adds lets the program before it run on.
    int least;
};
// Brings the database to the last version of the list; several may do it at the same time. One that is newer is taken
// where its migrations let this program (see `least`), and refused otherwise.
[[nodiscard]] bool db_migrate(struct db *db, const struct db_migration *list, size_t count, struct err *e);
