// SPDX-License-Identifier: Apache-2.0
#include "devnet/persist.h"

#include "base/log.h"
#include <inttypes.h>
#include <pthread.h>
#include <sqlite3.h>

// The writer and the readers have a connection each: with the write-ahead log neither waits for the other.
#define STATEMENTS(X)                                                                                                  \
    X(BEGIN, "BEGIN IMMEDIATE")                                                                                        \
    X(COMMIT, "COMMIT")                                                                                                \
    X(ROLLBACK, "ROLLBACK")                                                                                            \
    X(PUT, "INSERT INTO state(key, value) VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value = excluded.value")       \
    X(REMOVE, "DELETE FROM state WHERE key = ?1")                                                                      \
    X(ADD_BLOCK, "INSERT INTO block(height, head, body) VALUES(?1, ?2, ?3)")                                           \
    X(ADD_NAME, "INSERT OR REPLACE INTO name(kind, hash, height, position) VALUES(?1, ?2, ?3, ?4)")                    \
    X(FORGET_BLOCKS, "DELETE FROM block WHERE height < ?1")                                                            \
    X(FORGET_NAMES, "DELETE FROM name WHERE height < ?1")                                                              \
    X(STATE, "SELECT key, value FROM state ORDER BY key")                                                              \
    /* each for itself, or SQLite goes through all blocks */                                                           \
    X(RANGE, "SELECT (SELECT min(height) FROM block), (SELECT max(height) FROM block)")                                \
    X(BODY, "SELECT head, body FROM block WHERE height = ?1")                                                          \
    X(FIND, "SELECT height, position FROM name WHERE kind = ?1 AND hash = ?2")                                         \
    X(COUNT_LIMIT, "SELECT height FROM block ORDER BY height DESC LIMIT 1 OFFSET ?1")                                  \
    X(META, "SELECT value FROM meta WHERE name = ?1")                                                                  \
    X(SET_META, "INSERT INTO meta(name, value) VALUES(?1, ?2)")
enum statement {
#define X(name, sql) ST_##name,
    STATEMENTS(X)
#undef X
        ST_COUNT
};
static const char *const sql_of[] = {
#define X(name, sql) sql,
    STATEMENTS(X)
#undef X
};

struct side {
    pthread_mutex_t mutex;
    sqlite3 *db;
    sqlite3_stmt *prepared[ST_COUNT];
};
struct persist {
    struct side writer, reader;
    uint64_t since_forgetting; // blocks written since old ones were removed
};
#define FORGET_EVERY 100

static bool db_err(struct side *s, const char *what, struct err *e) {
    return err_set(e, ERR_IO, "cannot %s the chain's database: %s", what, sqlite3_errmsg(s->db));
}

static const char *const tables =
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE state(key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE block(height INTEGER PRIMARY KEY, head BLOB NOT NULL, body BLOB NOT NULL);"
    "CREATE TABLE name(kind INTEGER NOT NULL, hash BLOB NOT NULL, height INTEGER NOT NULL, position INTEGER NOT NULL, "
    "PRIMARY KEY(kind, hash)) WITHOUT ROWID;"
    "CREATE INDEX name_height ON name(height);";

// As a node keeps its database: a block that was shown survives the end of the process, however it comes, and what is
// on disk after a loss of power is a whole chain, which may lack its last moments. Waiting for the disk with each block
// would take longer than all the rest of making one.
static const char *const settings =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 8000";

static bool side_open(struct side *s, const char *path, struct err *e) {
    pthread_mutex_init(&s->mutex, NULL);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path, &s->db, flags, NULL) != SQLITE_OK ||
        sqlite3_exec(s->db, settings, NULL, NULL, NULL) != SQLITE_OK)
        return db_err(s, "open", e);
    sqlite3_busy_timeout(s->db, 5000);
    return true;
}

static void side_close(struct side *s) {
    for (size_t i = 0; i < ST_COUNT; i++)
        sqlite3_finalize(s->prepared[i]);
    sqlite3_close(s->db);
    pthread_mutex_destroy(&s->mutex);
}

// The statement, reset and ready for new values; NULL when it cannot be prepared.
static sqlite3_stmt *ready(struct side *s, enum statement which) {
    if (!s->prepared[which])
        sqlite3_prepare_v3(s->db, sql_of[which], -1, SQLITE_PREPARE_PERSISTENT, &s->prepared[which], NULL);
    else
        sqlite3_reset(s->prepared[which]);
    return s->prepared[which];
}

static void bind_blob(sqlite3_stmt *st, int at, struct slice v) {
    sqlite3_bind_blob64(st, at, v.len ? (const void *)v.ptr : "", v.len, SQLITE_STATIC);
}

// Runs a statement that gives no rows.
static bool run(struct side *s, sqlite3_stmt *st, const char *what, struct err *e) {
    int rc = st ? sqlite3_step(st) : SQLITE_ERROR;
    if (st)
        sqlite3_reset(st);
    return rc == SQLITE_DONE || rc == SQLITE_ROW || db_err(s, what, e);
}

static bool simple(struct side *s, enum statement which, struct err *e) { return run(s, ready(s, which), "write", e); }

static bool meta_get(struct side *s, const char *name, struct arena *a, const char **value, struct err *e) {
    sqlite3_stmt *st = ready(s, ST_META);
    *value = NULL;
    if (!st)
        return db_err(s, "read", e);
    sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
    int rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        *value = arena_strdup(a, (const char *)sqlite3_column_text(st, 0));
    sqlite3_reset(st);
    return rc == SQLITE_ROW || rc == SQLITE_DONE || db_err(s, "read", e);
}

static bool meta_set(struct side *s, const char *name, const char *value, struct err *e) {
    sqlite3_stmt *st = ready(s, ST_SET_META);
    if (!st)
        return db_err(s, "write", e);
    sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
    sqlite3_bind_text(st, 2, value, -1, SQLITE_STATIC);
    return run(s, st, "write", e);
}

static bool make_tables(struct side *s, const char *chain_id, struct err *e) {
    char schema[16];
    snprintf(schema, sizeof schema, "%d", PERSIST_SCHEMA);
    if (!simple(s, ST_BEGIN, e))
        return false;
    bool ok = (sqlite3_exec(s->db, tables, NULL, NULL, NULL) == SQLITE_OK || db_err(s, "make", e)) &&
              meta_set(s, "schema", schema, e) && meta_set(s, "chain_id", chain_id, e) && simple(s, ST_COMMIT, e);
    return ok || (simple(s, ST_ROLLBACK, NULL), false);
}

static bool is_new(struct side *s) {
    sqlite3_stmt *st = NULL;
    bool none = sqlite3_prepare_v2(s->db, "SELECT 1 FROM sqlite_master", -1, &st, NULL) == SQLITE_OK &&
                sqlite3_step(st) == SQLITE_DONE;
    sqlite3_finalize(st);
    return none;
}

static bool check_tables(struct side *s, const char *chain_id, struct err *e) {
    SCOPED_ARENA(a);
    const char *schema, *stored;
    char known[16];
    snprintf(known, sizeof known, "%d", PERSIST_SCHEMA);
    if (!meta_get(s, "schema", a, &schema, e) || !meta_get(s, "chain_id", a, &stored, e))
        return false;
    if (!schema || strcmp(schema, known) != 0) {
        err_set(e, ERR_CONFLICT, "the chain's database has schema %s, this program knows %s", schema ? schema : "none",
                known);
        return err_hint(e, "use the program that wrote it, or another home folder");
    }
    if (!stored || strcmp(stored, chain_id) != 0) {
        err_set(e, ERR_CONFLICT, "the home folder holds the chain '%s', not '%s'", stored ? stored : "", chain_id);
        return err_hint(e, "use another home folder for another chain");
    }
    return true;
}

bool persist_open(struct persist **out, const char *folder, const char *chain_id, struct err *e) {
    struct persist *p = xcalloc(1, sizeof *p);
    SCOPED_ARENA(a);
    const char *path = arena_printf(a, "%s/devnet.db", folder);
    *out = NULL;
    bool ok = side_open(&p->writer, path, e) && (!is_new(&p->writer) || make_tables(&p->writer, chain_id, e)) &&
              check_tables(&p->writer, chain_id, e) && side_open(&p->reader, path, e);
    if (ok)
        *out = p;
    else
        persist_close(p);
    return ok;
}

void persist_close(struct persist *p) {
    if (!p)
        return;
    side_close(&p->reader);
    side_close(&p->writer);
    free(p);
}

bool persist_fact(struct persist *p, const char *name, const char *value, struct arena *a, const char **out,
                  struct err *e) {
    pthread_mutex_lock(&p->writer.mutex);
    bool ok = meta_get(&p->writer, name, a, out, e) && (*out || meta_set(&p->writer, name, value, e));
    if (!*out)
        *out = value;
    pthread_mutex_unlock(&p->writer.mutex);
    return ok;
}

static bool write_changes(struct side *s, const struct persist_block *b, struct err *e) {
    for (size_t i = 0; i < b->change_count; i++) {
        const struct persist_change *c = &b->changes[i];
        sqlite3_stmt *st = ready(s, c->removed ? ST_REMOVE : ST_PUT);
        if (!st)
            return db_err(s, "write", e);
        bind_blob(st, 1, c->key);
        if (!c->removed)
            bind_blob(st, 2, c->value);
        if (!run(s, st, "write", e))
            return false;
    }
    return true;
}

static bool write_names(struct side *s, const struct persist_block *b, struct err *e) {
    for (size_t i = 0; i < b->name_count; i++) {
        sqlite3_stmt *st = ready(s, ST_ADD_NAME);
        if (!st)
            return db_err(s, "write", e);
        sqlite3_bind_int(st, 1, (int)b->names[i].kind);
        bind_blob(st, 2, hash_slice(&b->names[i].hash));
        sqlite3_bind_int64(st, 3, (int64_t)b->height);
        sqlite3_bind_int64(st, 4, b->names[i].position);
        if (!run(s, st, "write", e))
            return false;
    }
    return true;
}

static bool write_body(struct side *s, const struct persist_block *b, struct err *e) {
    sqlite3_stmt *st = ready(s, ST_ADD_BLOCK);
    if (!st)
        return db_err(s, "write", e);
    sqlite3_bind_int64(st, 1, (int64_t)b->height);
    bind_blob(st, 2, b->head);
    bind_blob(st, 3, b->body);
    return run(s, st, "write", e);
}

// Removes what is older than the newest `keep` blocks.
static bool forget(struct side *s, uint64_t keep, struct err *e) {
    sqlite3_stmt *st = ready(s, ST_COUNT_LIMIT);
    if (!st)
        return db_err(s, "read", e);
    sqlite3_bind_int64(st, 1, (int64_t)keep - 1);
    bool any = sqlite3_step(st) == SQLITE_ROW;
    int64_t lowest = any ? sqlite3_column_int64(st, 0) : 0;
    sqlite3_reset(st);
    static const enum statement both[] = {ST_FORGET_BLOCKS, ST_FORGET_NAMES};
    for (size_t i = 0; any && i < ARRAY_LEN(both); i++) {
        if (!(st = ready(s, both[i])))
            return db_err(s, "write", e);
        sqlite3_bind_int64(st, 1, lowest);
        if (!run(s, st, "write", e))
            return false;
    }
    return true;
}

bool persist_write(struct persist *p, const struct persist_block *b, uint64_t keep, struct err *e) {
    struct side *s = &p->writer;
    pthread_mutex_lock(&s->mutex);
    bool due = keep && ++p->since_forgetting >= FORGET_EVERY;
    bool ok = simple(s, ST_BEGIN, e);
    if (ok) {
        ok = write_changes(s, b, e) && write_body(s, b, e) && write_names(s, b, e) && (!due || forget(s, keep, e)) &&
             simple(s, ST_COMMIT, e);
        if (!ok && !sqlite3_get_autocommit(s->db))
            (void)simple(s, ST_ROLLBACK, NULL);
    }
    if (ok && due)
        p->since_forgetting = 0;
    pthread_mutex_unlock(&s->mutex);
    return ok;
}

static struct slice column(sqlite3_stmt *st, int at) {
    const void *ptr = sqlite3_column_blob(st, at);
    return slice_of(ptr, (size_t)sqlite3_column_bytes(st, at));
}

bool persist_state(struct persist *p, bool (*each)(void *ctx, struct slice key, struct slice value, struct err *e),
                   void *ctx, struct err *e) {
    struct side *s = &p->reader;
    pthread_mutex_lock(&s->mutex);
    sqlite3_stmt *st = ready(s, ST_STATE);
    int rc = SQLITE_ERROR;
    bool ok = st != NULL;
    while (ok && (rc = sqlite3_step(st)) == SQLITE_ROW)
        ok = each(ctx, column(st, 0), column(st, 1), e);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        ok = db_err(s, "read", e);
    if (st)
        sqlite3_reset(st);
    pthread_mutex_unlock(&s->mutex);
    return ok;
}

bool persist_range(struct persist *p, bool *any, uint64_t *lowest, uint64_t *highest, struct err *e) {
    struct side *s = &p->reader;
    pthread_mutex_lock(&s->mutex);
    sqlite3_stmt *st = ready(s, ST_RANGE);
    bool ok = st && sqlite3_step(st) == SQLITE_ROW;
    if (!ok)
        db_err(s, "read", e);
    *any = ok && sqlite3_column_type(st, 0) != SQLITE_NULL;
    *lowest = *any ? (uint64_t)sqlite3_column_int64(st, 0) : 0;
    *highest = *any ? (uint64_t)sqlite3_column_int64(st, 1) : 0;
    if (st)
        sqlite3_reset(st);
    pthread_mutex_unlock(&s->mutex);
    return ok;
}

bool persist_read(struct persist *p, uint64_t height, struct arena *a, bool *found, struct slice *head,
                  struct slice *body, struct err *e) {
    struct side *s = &p->reader;
    *found = false;
    if (height > INT64_MAX)
        return true;
    pthread_mutex_lock(&s->mutex);
    sqlite3_stmt *st = ready(s, ST_BODY);
    int rc = SQLITE_ERROR;
    if (st) {
        sqlite3_bind_int64(st, 1, (int64_t)height);
        rc = sqlite3_step(st);
        *found = rc == SQLITE_ROW;
        if (*found) {
            *head = arena_copy(a, column(st, 0));
            *body = arena_copy(a, column(st, 1));
        }
        sqlite3_reset(st);
    }
    bool ok = rc == SQLITE_ROW || rc == SQLITE_DONE || db_err(s, "read", e);
    pthread_mutex_unlock(&s->mutex);
    return ok;
}

bool persist_find(struct persist *p, enum persist_kind kind, const struct hash *hash, struct persist_place *out,
                  struct err *e) {
    struct side *s = &p->reader;
    *out = (struct persist_place){0};
    pthread_mutex_lock(&s->mutex);
    sqlite3_stmt *st = ready(s, ST_FIND);
    int rc = SQLITE_ERROR;
    if (st) {
        sqlite3_bind_int(st, 1, (int)kind);
        bind_blob(st, 2, hash_slice(hash));
        rc = sqlite3_step(st);
        if (rc == SQLITE_ROW)
            *out = (struct persist_place){true, (uint64_t)sqlite3_column_int64(st, 0),
                                          (uint32_t)sqlite3_column_int64(st, 1)};
        sqlite3_reset(st);
    }
    bool ok = rc == SQLITE_ROW || rc == SQLITE_DONE || db_err(s, "read", e);
    pthread_mutex_unlock(&s->mutex);
    return ok;
}
