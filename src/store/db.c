// SPDX-License-Identifier: Apache-2.0
#include "store/db.h"

#include "store/postgres.h"
#include "store/sqlite.h"

bool db_open(struct db **out, const char *url, struct err *e) { return db_open_as(out, url, &(struct db_keep){0}, e); }

static const struct {
    const char *scheme;
    const struct db_driver *driver;
    bool whole; // the driver reads the scheme, too
} schemes[] = {
    {"sqlite://", &db_sqlite, false}, {"postgres://", &db_postgres, true}, {"postgresql://", &db_postgres, true}};

static const struct db_driver *driver_of(const char **url, struct err *e) {
    const char *end = strstr(*url, "://");
    if (!end)
        return &db_sqlite;
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        size_t n = strlen(schemes[i].scheme);
        if (strncmp(*url, schemes[i].scheme, n) == 0) {
            *url += schemes[i].whole ? 0 : n;
            return schemes[i].driver;
        }
    }
    err_set(e, ERR_SETTINGS, "there is no driver for '%.*s' databases", (int)(end - *url), *url);
    (void)err_hint(e, "it is sqlite:///path/to/file or postgres://user:password@host/name");
    return NULL;
}

bool db_engine_of(const char *url, enum db_engine *out, struct err *e) {
    const struct db_driver *driver = driver_of(&url, e);
    if (driver)
        *out = driver->engine;
    return driver;
}

bool db_open_as(struct db **out, const char *url, const struct db_keep *keep, struct err *e) {
    const struct db_driver *driver = driver_of(&url, e);
    if (!driver)
        return false;
    struct db *db = xcalloc(1, sizeof *db);
    db->driver = driver;
    if (!driver->open(db, url, keep, e)) {
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
enum db_engine db_engine(const struct db *db) { return db->driver->engine; }
bool db_begin(struct db *db, struct err *e) { return db->driver->begin(db, e); }
bool db_commit(struct db *db, struct err *e) { return db->driver->commit(db, e); }
void db_rollback(struct db *db) { db->driver->rollback(db); }

// Where the next statement is kept: a new place, or that of the one that was used longest ago and is nobody's now.
static size_t place_for_next(struct db *db) {
    size_t oldest = DB_STATEMENTS_MAX;
    if (db->cached < DB_STATEMENTS_MAX)
        return db->cached++;
    for (size_t i = 0; i < db->cached; i++)
        if (!db->cache[i].taken && (oldest == DB_STATEMENTS_MAX || db->cache[i].used < db->cache[oldest].used))
            oldest = i;
    BUG_ON(oldest == DB_STATEMENTS_MAX); // all are out: somebody does not give them back
    db->driver->finalize(db->cache[oldest].stmt);
    return oldest;
}

static struct db_stmt *take(struct db *db, size_t i) {
    db->cache[i].taken = true;
    db->cache[i].used = ++db->uses;
    return db->cache[i].stmt;
}

bool db_query(struct db *db, const char *sql, struct db_stmt **out, struct err *e) {
    struct db_stmt *made;
    for (size_t i = 0; i < db->cached; i++) {
        if (db->cache[i].sql == sql) {
            *out = take(db, i);
            return true;
        }
    }
    if (!db->driver->prepare(db, sql, &made, e))
        return false;
    size_t i = place_for_next(db);
    db->cache[i].sql = sql;
    db->cache[i].stmt = made;
    *out = take(db, i);
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
void db_done(struct db *db, struct db_stmt *s) {
    db->driver->reset(s);
    for (size_t i = 0; i < db->cached; i++)
        if (db->cache[i].stmt == s)
            db->cache[i].taken = false;
}

bool db_run(struct db *db, struct db_stmt *s, struct err *e) {
    bool row, ok = db_step(db, s, &row, e);
    db_done(db, s);
    return ok;
}

// --- migrations

// What the database says of itself. A version without a `least` of its own was made by a program that knew none.
struct schema {
    int version, least;
};

static bool read_schema(struct db *db, struct schema *out, struct err *e) {
    struct db_stmt *s;
    bool row;
    if (!db_query(db,
                  "SELECT max(v.version) AS version, max(coalesce(l.least, v.version)) AS least"
                  " FROM schema_version v LEFT JOIN schema_least l ON l.version = v.version",
                  &s, e))
        return false;
    bool ok = db_step(db, s, &row, e);
    *out = (struct schema){0};
    if (ok && row)
        *out = (struct schema){(int)db_int(db, s, "version"), (int)db_int(db, s, "least")};
    db_done(db, s);
    return ok;
}

static bool begin_migration(struct db *db, struct schema *now, struct err *e) {
    if (!db_begin(db, e))
        return false;
    if (db->driver->lock_schema(db, e) &&
        db_exec(db,
                "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL);"
                "CREATE TABLE IF NOT EXISTS schema_least (version INTEGER NOT NULL, least INTEGER NOT NULL)",
                e) &&
        read_schema(db, now, e))
        return true;
    db_rollback(db);
    return false;
}

static bool note(struct db *db, const char *sql, const struct db_migration *m, struct err *e) {
    struct db_stmt *s;
    if (!db_query(db, sql, &s, e))
        return false;
    db_bind_int(db, s, ":version", m->version);
    if (strstr(sql, ":least"))
        db_bind_int(db, s, ":least", m->least);
    return db_run(db, s, e);
}

// In a transaction of its own, which this ends.
static bool apply(struct db *db, const struct db_migration *m, struct err *e) {
    bool ok = db_exec(db, db->driver->engine == DB_POSTGRES && m->postgres ? m->postgres : m->sql, e) &&
              note(db, "INSERT INTO schema_version (version) VALUES (:version)", m, e) &&
              (!m->least || note(db, "INSERT INTO schema_least (version, least) VALUES (:version, :least)", m, e));
    if (!ok)
        db_rollback(db);
    return (ok && db_commit(db, e)) || err_wrap(e, "migration %d (%s)", m->version, m->what);
}

bool db_migrate(struct db *db, const struct db_migration *list, size_t count, struct err *e) {
    struct schema now;
    int known = (int)count;
    for (size_t i = 0; i < count; i++)
        BUG_ON(list[i].version != (int)i + 1 || list[i].least > list[i].version);
    do { // looked at again under the lock each time: another process may have gone on meanwhile
        if (!begin_migration(db, &now, e))
            return false;
        if (now.version < known && !apply(db, &list[now.version], e))
            return false;
    } while (now.version < known);
    if (!db_commit(db, e))
        return false;
    if (now.least <= known)
        return true;
    err_set(e, ERR_SETTINGS,
            "the database has schema version %d, which needs a program that knows %d; this program knows up to %d",
            now.version, now.least, known);
    return err_hint(e, "use the newer program that made it");
}
