// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite.h"

#include <sqlite3.h>

#define BUSY_MS 10000
#define VALUE_MAX (64 << 20)

static sqlite3_stmt *stmt_of(struct db_stmt *s) { return (sqlite3_stmt *)s; }

static bool failed(sqlite3 *h, const char *what, struct err *e) {
    int code = sqlite3_errcode(h) & 0xff;
    enum err_code kind = code == SQLITE_BUSY || code == SQLITE_LOCKED      ? ERR_UNAVAILABLE
                         : code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? ERR_CORRUPT
                         : code == SQLITE_CONSTRAINT                       ? ERR_CONFLICT
                                                                           : ERR_IO;
    err_set(e, kind, "database: %s: %s", what, sqlite3_errmsg(h));
    return code == SQLITE_FULL || code == SQLITE_IOERR ? err_hint(e, "is the disk full?") : false;
}

static bool sq_exec(struct db *db, const char *sql, struct err *e) {
    return sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK || failed(db->handle, "statement", e);
}

static bool sq_open(struct db *db, const char *path, const struct db_keep *keep, struct err *e) {
    sqlite3 *h = NULL;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path, &h, flags, NULL) != SQLITE_OK) {
        err_set(e, ERR_IO, "cannot open database '%s': %s", path, h ? sqlite3_errmsg(h) : "out of memory");
        sqlite3_close(h);
        return false;
    }
    db->handle = h;
    sqlite3_busy_timeout(h, BUSY_MS);
    sqlite3_limit(h, SQLITE_LIMIT_LENGTH, keep->value_max ? (int)keep->value_max : VALUE_MAX);
    if (sq_exec(db, "PRAGMA journal_mode=WAL; PRAGMA foreign_keys=ON", e) &&
        sq_exec(db, keep->may_lack_last ? "PRAGMA synchronous=NORMAL" : "PRAGMA synchronous=FULL", e))
        return true;
    sqlite3_close(h);
    return false;
}

static void sq_close(struct db *db) { sqlite3_close(db->handle); }

static bool sq_prepare(struct db *db, const char *sql, struct db_stmt **out, struct err *e) {
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &s, NULL) != SQLITE_OK)
        return failed(db->handle, sql, e);
    *out = (struct db_stmt *)s;
    return true;
}

static void sq_finalize(struct db_stmt *s) { sqlite3_finalize(stmt_of(s)); }

static void sq_reset(struct db_stmt *s) {
    sqlite3_reset(stmt_of(s));
    sqlite3_clear_bindings(stmt_of(s));
}

static int parameter(struct db_stmt *s, const char *name) {
    int i = sqlite3_bind_parameter_index(stmt_of(s), name);
    BUG_ON(!i);
    return i;
}

static void sq_bind_text(struct db_stmt *s, const char *name, const char *value) {
    if (value)
        sqlite3_bind_text(stmt_of(s), parameter(s, name), value, -1, SQLITE_TRANSIENT);
    else
        sqlite3_bind_null(stmt_of(s), parameter(s, name));
}

static void sq_bind_int(struct db_stmt *s, const char *name, int64_t value) {
    sqlite3_bind_int64(stmt_of(s), parameter(s, name), value);
}

static void sq_bind_blob(struct db_stmt *s, const char *name, struct slice value) {
    sqlite3_bind_blob64(stmt_of(s), parameter(s, name), value.len ? (const void *)value.ptr : "", value.len,
                        SQLITE_STATIC);
}

static bool sq_step(struct db_stmt *s, bool *row, struct err *e) {
    int rc = sqlite3_step(stmt_of(s));
    *row = rc == SQLITE_ROW;
    return rc == SQLITE_ROW || rc == SQLITE_DONE || failed(sqlite3_db_handle(stmt_of(s)), "statement", e);
}

static int column(struct db_stmt *s, const char *name) {
    int n = sqlite3_column_count(stmt_of(s));
    for (int i = 0; i < n; i++)
        if (strcmp(sqlite3_column_name(stmt_of(s), i), name) == 0)
            return i;
    BUG_ON(!"the query has no such column");
    return -1;
}

static const char *sq_text(struct db_stmt *s, const char *name) {
    return (const char *)sqlite3_column_text(stmt_of(s), column(s, name));
}

static int64_t sq_int(struct db_stmt *s, const char *name) { return sqlite3_column_int64(stmt_of(s), column(s, name)); }
static struct slice sq_blob(struct db_stmt *s, const char *name) {
    int at = column(s, name);
    const void *ptr = sqlite3_column_blob(stmt_of(s), at);
    return slice_of(ptr, (size_t)sqlite3_column_bytes(stmt_of(s), at));
}
static int64_t sq_changes(struct db *db) { return sqlite3_changes(db->handle); }
static bool sq_in_transaction(struct db *db) { return !sqlite3_get_autocommit(db->handle); }
static void sq_rollback(struct db *db) { db->left_over = sq_in_transaction(db) && !sq_exec(db, "ROLLBACK", NULL); }

// IMMEDIATE: who waits for another writer does so here, and not in the midst of its changes. A transaction is still
// open where its rollback had no memory: then its time is now.
static bool sq_begin(struct db *db, struct err *e) {
    if (db->left_over)
        sq_rollback(db);
    return sq_exec(db, "BEGIN IMMEDIATE", e);
}

static bool sq_commit(struct db *db, struct err *e) {
    if (sq_exec(db, "COMMIT", e))
        return true;
    sq_rollback(db);
    return false;
}

static bool sq_lock_schema(struct db *, struct err *) { return true; } // its BEGIN is the lock

const struct db_driver db_sqlite = {
    .engine = DB_SQLITE,
    .open = sq_open,
    .close = sq_close,
    .exec = sq_exec,
    .prepare = sq_prepare,
    .finalize = sq_finalize,
    .reset = sq_reset,
    .bind_text = sq_bind_text,
    .bind_int = sq_bind_int,
    .bind_blob = sq_bind_blob,
    .step = sq_step,
    .text = sq_text,
    .integer = sq_int,
    .blob = sq_blob,
    .changes = sq_changes,
    .in_transaction = sq_in_transaction,
    .begin = sq_begin,
    .commit = sq_commit,
    .rollback = sq_rollback,
    .lock_schema = sq_lock_schema,
};
