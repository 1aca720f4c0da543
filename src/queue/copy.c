// SPDX-License-Identifier: Apache-2.0
#include "queue/copy.h"

#include "base/buf.h"
#include "queue/database.h"
#include <inttypes.h>
#include <unistd.h>

#define COLUMNS_MAX 24
#define TABLES_MAX 24
#define SQL_MAX 4096
#define FETCH_ROWS "16" // that many are in memory at a time; one may have megabytes

enum kind { KIND_TEXT, KIND_NUMBER, KIND_TRUTH };
struct column {
    const char *name, *bind; // bind: as it stands in a statement, with its colon
    enum kind kind;
    bool is_key;
};
struct table {
    const char *name;
    struct column columns[COLUMNS_MAX];
    size_t count;
    // Literals to db_query: they live as long as both databases.
    const char *read, *insert, *cursor, *fetch, *close;
};
struct copy {
    struct arena *arena;
    struct db *from, *to;
    int lock;
    struct table tables[TABLES_MAX];
    size_t count;
    const struct copy_progress *progress;
    struct copied done;
};

// --- what there is to copy

// Of the totals PostgreSQL has several rows, which stand for their sum.
static bool is_totals(const struct table *t) { return strcmp(t->name, "totals") == 0; }

// A new database has one row in here: the moment up to which it has added up, which the source's takes the place of.
static bool is_rollups(const struct table *t) { return strcmp(t->name, "rollups") == 0; }

static enum kind kind_of(const char *type) {
    return strcasecmp(type, "BOOLEAN") == 0                                      ? KIND_TRUTH
           : strcasecmp(type, "INTEGER") == 0 || strcasecmp(type, "BIGINT") == 0 ? KIND_NUMBER
                                                                                 : KIND_TEXT;
}

static bool is_strange(const char *table, struct err *e) {
    err_set(e, ERR_SETTINGS, "the source has a table that no coordinator makes: '%.100s'", table);
    return err_hint(e, "make a copy of the file, drop the table there, and copy from that");
}

static bool list_tables(struct copy *c, struct err *e) {
    struct db_stmt *s;
    bool row, ok;
    if (!db_query(c->from,
                  "SELECT m.name AS name, c.name AS col, c.type AS type, c.pk AS pk FROM sqlite_master m JOIN "
                  "pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'schema\\_%' ESCAPE '\\' AND "
                  "m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY m.name, c.cid",
                  &s, e))
        return false;
    while ((ok = db_step(c->from, s, &row, e)) && row) {
        const char *name = db_text(c->from, s, "name");
        struct table *t = c->count ? &c->tables[c->count - 1] : NULL;
        bool next = !t || strcmp(t->name, name) != 0;
        if (next ? c->count == TABLES_MAX : t->count == COLUMNS_MAX) {
            ok = is_strange(name, e);
            break;
        }
        if (next) {
            t = &c->tables[c->count++];
            t->name = arena_strdup(c->arena, name);
        }
        const char *column = arena_strdup(c->arena, db_text(c->from, s, "col"));
        t->columns[t->count++] = (struct column){column, arena_printf(c->arena, ":%s", column),
                                                 kind_of(db_text(c->from, s, "type")), db_int(c->from, s, "pk") > 0};
    }
    db_done(c->from, s);
    return ok;
}

// Both engines give the rows in the order of their keys' bytes, and truths as numbers.
static const char *reading(struct arena *a, const struct table *t, enum db_engine engine) {
    SCOPED_BUF(sql, SQL_MAX);
    bool postgres = engine == DB_POSTGRES, more = false;
    for (size_t i = 0; i < t->count; i++) {
        const char *name = t->columns[i].name;
        buf_printf(&sql, postgres && t->columns[i].kind == KIND_TRUTH ? "%sCAST(%s AS INTEGER) AS %s" : "%s%s AS %s",
                   i ? ", " : "SELECT ", name, name);
    }
    buf_printf(&sql, " FROM %s%s ORDER BY ", t->name, is_totals(t) ? " WHERE shard = 0" : "");
    for (size_t i = 0; i < t->count; i++) {
        if (!t->columns[i].is_key)
            continue;
        buf_printf(&sql, "%s%s%s", more ? ", " : "", t->columns[i].name,
                   postgres && t->columns[i].kind == KIND_TEXT ? " COLLATE \"C\"" : "");
        more = true;
    }
    BUG_ON(sql.full || !more);
    return arena_strdup(a, buf_str(&sql));
}

static const char *inserting(struct arena *a, const struct table *t) {
    static const char *const types[] = {"TEXT", "BIGINT", "BOOLEAN"};
    SCOPED_BUF(sql, SQL_MAX);
    buf_printf(&sql, "INSERT INTO %s (", t->name);
    for (size_t i = 0; i < t->count; i++)
        buf_printf(&sql, "%s%s", i ? ", " : "", t->columns[i].name);
    for (size_t i = 0; i < t->count; i++)
        buf_printf(&sql, "%sCAST(%s AS %s)", i ? ", " : ") VALUES (", t->columns[i].bind, types[t->columns[i].kind]);
    buf_add_str(&sql, ")");
    BUG_ON(sql.full);
    return arena_strdup(a, buf_str(&sql));
}

static void write_statements(struct arena *a, struct table *t) {
    t->read = reading(a, t, DB_SQLITE);
    t->insert = inserting(a, t);
    t->cursor = arena_printf(a, "DECLARE copied_%s NO SCROLL CURSOR FOR %s", t->name, reading(a, t, DB_POSTGRES));
    t->fetch = arena_printf(a, "FETCH " FETCH_ROWS " FROM copied_%s", t->name);
    t->close = arena_printf(a, "CLOSE copied_%s", t->name);
}

// --- may it be done

// Gives the statement back.
static bool read_number(struct db *db, struct db_stmt *s, uint64_t *out, struct err *e) {
    bool row = false, ok = db_step(db, s, &row, e);
    *out = ok && row ? (uint64_t)db_int(db, s, "n") : 0;
    db_done(db, s);
    return ok;
}

static bool number(struct db *db, const char *sql, uint64_t *out, struct err *e) {
    struct db_stmt *s;
    return db_query(db, sql, &s, e) && read_number(db, s, out, e);
}

static bool is_coordinators(struct copy *c, struct err *e) {
    uint64_t has = 0, version = 0;
    if (!number(c->from, "SELECT count(*) AS n FROM sqlite_master WHERE name = 'schema_version'", &has, e))
        return false;
    if (!has)
        return err_set(e, ERR_SETTINGS, "the source is not a coordinator's database") ||
               err_hint(e, "the coordinator's is coordinator.db in its home");
    if (!number(c->from, "SELECT max(version) AS n FROM schema_version", &version, e))
        return false;
    if (version == (uint64_t)database_version())
        return true;
    err_set(e, ERR_SETTINGS, "the source has schema version %" PRIu64 "; this program copies version %d", version,
            database_version());
    return version < (uint64_t)database_version()
               ? err_hint(e, "start this version's coordinator on it once, which brings it up to date, and drain it")
               : err_hint(e, "use the newer program that made it");
}

static bool open_source(struct copy *c, const char *url, struct err *e) {
    const char *path = strncmp(url, "sqlite://", 9) == 0 ? url + 9 : url;
    if (strstr(path, "://"))
        return err_set(e, ERR_USAGE, "what is copied from is a file of SQLite") ||
               err_hint(e, "it is written as sqlite:///path/to/coordinator.db");
    if (access(path, F_OK) != 0) // SQLite would make one
        return err_set(e, ERR_NOT_FOUND, "there is no file '%s' to copy from", path) ||
               err_hint(e, "the coordinator's is coordinator.db in its home");
    if (!db_open(&c->from, url, e))
        return false;
    if (!database_lock(c->from, "outlayer db copy", &c->lock, e))
        return err_hint(e, "stop the coordinator first; SIGTERM ends it in order");
    return is_coordinators(c, e) && db_begin(c->from, e) && list_tables(c, e); // nobody makes a token meanwhile
}

static bool open_target(struct copy *c, const char *url, struct err *e) {
    uint64_t version;
    enum db_engine engine;
    if (!db_engine_of(url, &engine, e))
        return false;
    if (engine != DB_POSTGRES)
        return err_set(e, ERR_USAGE, "what is copied to is a database of PostgreSQL") ||
               err_hint(e, "it is postgres://user@host/name, without its password on the command line");
    if (!database_open(&c->to, NULL, url, e) ||
        !number(c->to, "SELECT max(version) AS n FROM schema_version", &version, e))
        return false;
    return version == (uint64_t)database_version() ||
           err_set(e, ERR_SETTINGS, "the target has schema version %" PRIu64 "; this program copies version %d",
                   version, database_version()) ||
           err_hint(e, "use the newer program that made it");
}

// Others write tables of their own into the file, such as a program that replicates it.
static bool is_known(struct copy *c, const struct table *t, struct err *e) {
    struct db_stmt *s;
    uint64_t has;
    if (!db_query(c->to,
                  "SELECT count(*) AS n FROM pg_tables WHERE schemaname = current_schema() AND tablename = :name", &s,
                  e))
        return false;
    db_bind_text(c->to, s, ":name", t->name);
    return read_number(c->to, s, &has, e) && (has || is_strange(t->name, e));
}

// From here to the transaction's end nobody else reads or writes the table.
static bool take_table(struct copy *c, const struct table *t, struct err *e) {
    const char *what = is_totals(t)    ? "coalesce(sum(created), 0)"
                       : is_rollups(t) ? "count(nullif(kind, 'until'))"
                                       : "count(*)";
    uint64_t rows;
    if (!db_exec(c->to, arena_printf(c->arena, "LOCK TABLE %s IN ACCESS EXCLUSIVE MODE", t->name), e) ||
        !number(c->to, arena_printf(c->arena, "SELECT CAST(%s AS BIGINT) AS n FROM %s", what, t->name), &rows, e))
        return false;
    if (!rows)
        return true;
    err_set(e, ERR_CONFLICT, "the target is not empty: its table %s has rows", t->name);
    return err_hint(e, "make a new database (createdb); a copy that was cut off leaves an empty one");
}

// --- the rows

static void bind_row(struct copy *c, const struct table *t, struct db_stmt *from, struct db_stmt *to) {
    for (size_t i = 0; i < t->count; i++)
        db_bind_text(c->to, to, t->columns[i].bind, db_text(c->from, from, t->columns[i].name));
}

static bool insert_row(struct copy *c, const struct table *t, struct db_stmt *from, struct err *e) {
    struct db_stmt *s;
    if (!db_query(c->to, t->insert, &s, e))
        return false;
    bind_row(c, t, from, s);
    return db_run(c->to, s, e);
}

static bool insert_rows(struct copy *c, const struct table *t, struct err *e) {
    struct db_stmt *s;
    bool row, ok;
    uint64_t rows = 0;
    if (is_totals(t) && !db_exec(c->to, "DELETE FROM totals WHERE shard = 0", e))
        return false;
    if (is_rollups(t) && !db_exec(c->to, "DELETE FROM rollups WHERE kind = 'until'", e))
        return false;
    if (!db_query(c->from, t->read, &s, e))
        return false;
    while ((ok = db_step(c->from, s, &row, e)) && row && (ok = insert_row(c, t, s, e)))
        c->progress->row(c->progress->ctx, t->name, ++rows);
    db_done(c->from, s);
    c->done.rows += rows;
    return ok || err_wrap(e, "row %" PRIu64 " of the table %s", rows + 1, t->name);
}

static bool same_row(struct copy *c, const struct table *t, struct db_stmt *from, struct db_stmt *to, struct err *e) {
    for (size_t i = 0; i < t->count; i++) {
        const char *name = t->columns[i].name;
        const char *a = db_text(c->from, from, name), *b = db_text(c->to, to, name);
        // What has an end within is longer than its text says.
        if (!a != !b || (a && (strcmp(a, b) != 0 || db_blob(c->from, from, name).len != strlen(b))))
            return err_set(e, ERR_CORRUPT, "%s.%s did not come out as it went in; nothing is stored", t->name, name);
    }
    return true;
}

// The target's next row; its statement is fetched again where all that it had were read.
static bool next_of(struct copy *c, const struct table *t, struct db_stmt **s, bool *row, struct err *e) {
    if (*s && !db_step(c->to, *s, row, e))
        return false;
    if (*s && *row)
        return true;
    if (*s)
        db_done(c->to, *s);
    return db_query(c->to, t->fetch, s, e) && db_step(c->to, *s, row, e);
}

static bool compare_rows(struct copy *c, const struct table *t, struct err *e) {
    struct db_stmt *from, *to = NULL;
    bool row = true, other = true, ok;
    if (!db_exec(c->to, t->cursor, e) || !db_query(c->from, t->read, &from, e))
        return false;
    do {
        ok = db_step(c->from, from, &row, e) && next_of(c, t, &to, &other, e) &&
             (row == other ||
              err_set(e, ERR_CORRUPT, "the table %s has other rows than before; nothing is stored", t->name)) &&
             (!row || same_row(c, t, from, to, e));
    } while (ok && row);
    db_done(c->from, from);
    if (to)
        db_done(c->to, to);
    return ok && db_exec(c->to, t->close, e);
}

// --- all of it

// What counts by itself must not count what was counted before.
static bool fill(struct copy *c, struct err *e) {
    bool ok = db_exec(c->to, "ALTER TABLE executions DISABLE TRIGGER USER", e);
    for (size_t i = 0; ok && i < c->count; i++)
        ok = insert_rows(c, &c->tables[i], e);
    for (size_t i = 0; ok && i < c->count; i++)
        ok = compare_rows(c, &c->tables[i], e);
    return ok && db_exec(c->to, "ALTER TABLE executions ENABLE TRIGGER USER", e);
}

// The next execution's number is beyond all that there were, and who holds one has time to find the new coordinator.
static bool settle(struct copy *c, struct err *e) {
    struct db_stmt *s;
    uint64_t last;
    if (!number(c->to,
                "SELECT setval(pg_get_serial_sequence('executions', 'id'), coalesce(max(id), 0) + 1, false) AS n FROM "
                "executions",
                &last, e) ||
        !number(c->to, "SELECT count(*) AS n FROM executions", &c->done.executions, e) ||
        !number(c->to, "SELECT count(*) AS n FROM queue_items", &c->done.open, e) ||
        !number(c->to, "SELECT count(*) AS n FROM queue_items WHERE stage IS NOT NULL", &c->done.leased, e) ||
        !db_query(c->to,
                  "UPDATE queue_items SET until_ms = CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT) + "
                  ":lasts WHERE stage IS NOT NULL",
                  &s, e))
        return false;
    db_bind_int(c->to, s, ":lasts", COPY_LEASE_MS);
    return db_run(c->to, s, e);
}

static bool transfer(struct copy *c, struct err *e) {
    if (!db_begin(c->to, e))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < c->count; i++)
        ok = is_known(c, &c->tables[i], e);
    for (size_t i = 0; ok && i < c->count; i++) {
        write_statements(c->arena, &c->tables[i]);
        ok = take_table(c, &c->tables[i], e);
    }
    ok = ok && fill(c, e) && settle(c, e);
    if (!ok)
        db_rollback(c->to);
    c->done.tables = c->count;
    return ok && db_commit(c->to, e);
}

bool database_copy(const char *from, const char *to, const struct copy_progress *progress, struct copied *out,
                   struct err *e) {
    SCOPED_ARENA(a);
    struct copy *c = xcalloc(1, sizeof *c);
    c->arena = a;
    c->lock = -1;
    c->progress = progress;
    bool ok = open_source(c, from, e) && open_target(c, to, e) && transfer(c, e);
    *out = c->done;
    db_close(c->to);
    if (c->from)
        db_rollback(c->from);
    db_close(c->from);
    if (c->lock >= 0)
        close(c->lock);
    free(c);
    return ok;
}
