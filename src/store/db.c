// SPDX-License-Identifier: Apache-2.0
#include "store/db.h"

#include "store/sqlite.h"

bool db_open(struct db **out, const char *url, struct err *e) { return db_open_as(out, url, &(struct db_keep){0}, e); }

bool db_open_as(struct db **out, const char *url, const struct db_keep *keep, struct err *e) {
    const struct db_driver *driver = &db_sqlite;
    const char *scheme = strstr(url, "://");
    if (scheme && strncmp(url, driver->scheme, (size_t)(scheme - url)) != 0) {
        err_set(e, ERR_SETTINGS, "no driver for '%.*s' databases in this build", (int)(scheme - url), url);
        return err_hint(e, "DATABASE_URL is sqlite:///path/to/file, or left out");
    }
    struct db *db = xcalloc(1, sizeof *db);
    db->driver = driver;
    if (!driver->open(db, scheme ? scheme + 3 : url, keep, e)) {
        free(db);
        return false;
    }
    *out = db;
    return true;
}

void db_close(struct db *db) {
    if (!db)
        return;
    for (size_t i = 0; i < db->cached; i++)
        db->driver->finalize(db->cache[i].stmt);
    db->driver->close(db);
    free(db);
}

bool db_exec(struct db *db, const char *sql, struct err *e) { return db->driver->exec(db, sql, e); }
int64_t db_changes(struct db *db) { return db->driver->changes(db); }
bool db_in_transaction(struct db *db) { return db->driver->in_transaction(db); }

bool db_query(struct db *db, const char *sql, struct db_stmt **out, struct err *e) {
    for (size_t i = 0; i < db->cached; i++) {
        if (db->cache[i].sql == sql) {
            *out = db->cache[i].stmt;
            return true;
        }
    }
    BUG_ON(db->cached == DB_STATEMENTS_MAX);
    if (!db->driver->prepare(db, sql, out, e))
        return false;
    db->cache[db->cached].sql = sql;
    db->cache[db->cached++].stmt = *out;
    return true;
}

void db_bind_text(struct db *db, struct db_stmt *s, const char *name, const char *value) {
    db->driver->bind_text(s, name, value);
}
void db_bind_int(struct db *db, struct db_stmt *s, const char *name, int64_t value) {
    db->driver->bind_int(s, name, value);
}
void db_bind_blob(struct db *db, struct db_stmt *s, const char *name, struct slice value) {
    db->driver->bind_blob(s, name, value);
}
bool db_step(struct db *db, struct db_stmt *s, bool *row, struct err *e) { return db->driver->step(s, row, e); }
const char *db_text(struct db *db, struct db_stmt *s, const char *column) { return db->driver->text(s, column); }
int64_t db_int(struct db *db, struct db_stmt *s, const char *column) { return db->driver->integer(s, column); }
struct slice db_blob(struct db *db, struct db_stmt *s, const char *column) {
    return db->driver->blob(s, column);
}
void db_done(struct db *db, struct db_stmt *s) { db->driver->reset(s); }

bool db_run(struct db *db, struct db_stmt *s, struct err *e) {
    bool row, ok = db_step(db, s, &row, e);
    db_done(db, s);
    return ok;
}

static bool read_version(struct db *db, int *out, struct err *e) {
    struct db_stmt *s;
    bool row;
    if (!db_exec(db, "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)", e) ||
        !db_query(db, "SELECT max(version) AS version FROM schema_version", &s, e))
        return false;
    bool ok = db_step(db, s, &row, e);
    *out = ok && row ? (int)db_int(db, s, "version") : 0;
    db_done(db, s);
    return ok;
}

// Looked at again inside the transaction: another process may have brought it there meanwhile.
static bool apply(struct db *db, const struct db_migration *m, struct err *e) {
    struct db_stmt *s;
    int version;
    if (!db_exec(db, "BEGIN IMMEDIATE", e))
        return false;
    bool ok = read_version(db, &version, e);
    if (ok && version >= m->version)
        return db_exec(db, "ROLLBACK", e);
    ok = ok && db_exec(db, m->sql, e) && db_query(db, "INSERT INTO schema_version (version) VALUES (:version)", &s, e);
    if (ok) {
        db_bind_int(db, s, ":version", m->version);
        ok = db_run(db, s, e) && db_exec(db, "COMMIT", e);
    }
    if (!ok) {
        (void)!db_exec(db, "ROLLBACK", NULL);
        return err_wrap(e, "migration %d (%s)", m->version, m->what);
    }
    return true;
}

bool db_migrate(struct db *db, const struct db_migration *list, size_t count, struct err *e) {
    int version;
    if (!read_version(db, &version, e))
        return false;
    if (count && version > list[count - 1].version) {
        err_set(e, ERR_SETTINGS, "the database has schema version %d, this program knows up to %d", version,
                list[count - 1].version);
        return err_hint(e, "use the newer program that made it");
    }
    for (size_t i = 0; i < count; i++) {
        BUG_ON(list[i].version != (int)i + 1);
        if (list[i].version > version && !apply(db, &list[i], e))
            return false;
    }
    return true;
}
