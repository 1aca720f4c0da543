// SPDX-License-Identifier: Apache-2.0
#include "devnet/persist.h"

#include "store/db.h"
#include <pthread.h>

#define VALUE_MAX 1000000000u // of one block's body
#define FORGET_EVERY 100

// The writer and the readers have a connection each: with the write-ahead log neither waits for the other.
struct side {
    pthread_mutex_t mutex;
    struct db *db;
};
struct persist {
    struct side writer, reader;
    uint64_t since_forgetting; // blocks written since old ones were removed
};

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
static bool side_open(struct side *s, const char *path, struct err *e) {
    const struct db_keep keep = {.may_lack_last = true, .value_max = VALUE_MAX};
    return db_open_as(&s->db, path, &keep, e) && db_exec(s->db, "PRAGMA wal_autocheckpoint=8000", e);
}

static bool failed(const char *what, struct err *e) { return err_wrap(e, "cannot %s the chain's database", what); }

// --- facts

static bool meta_get(struct db *db, const char *name, struct arena *a, const char **value, struct err *e) {
    struct db_stmt *s;
    bool row;
    *value = NULL;
    if (!db_query(db, "SELECT value FROM meta WHERE name = :name", &s, e))
        return failed("read", e);
    db_bind_text(db, s, ":name", name);
    bool ok = db_step(db, s, &row, e);
    if (ok && row)
        *value = arena_strdup(a, db_text(db, s, "value"));
    db_done(db, s);
    return ok || failed("read", e);
}

static bool meta_set(struct db *db, const char *name, const char *value, struct err *e) {
    struct db_stmt *s;
    if (!db_query(db, "INSERT INTO meta(name, value) VALUES(:name, :value)", &s, e))
        return failed("write", e);
    db_bind_text(db, s, ":name", name);
    db_bind_text(db, s, ":value", value);
    return db_run(db, s, e) || failed("write", e);
}

static bool is_new(struct db *db, bool *out, struct err *e) {
    struct db_stmt *s;
    bool row;
    *out = false;
    if (!db_query(db, "SELECT count(*) AS tables FROM sqlite_master", &s, e))
        return failed("read", e);
    bool ok = db_step(db, s, &row, e);
    *out = ok && row && db_int(db, s, "tables") == 0;
    db_done(db, s);
    return ok || failed("read", e);
}

// Also after an error in which the engine ended the transaction by itself.
static void roll_back(struct db *db) {
    if (db_in_transaction(db))
        (void)!db_exec(db, "ROLLBACK", NULL);
}

static bool make_tables(struct db *db, const char *chain_id, struct err *e) {
    char schema[16];
    bool fresh;
    snprintf(schema, sizeof schema, "%d", PERSIST_SCHEMA);
    if (!is_new(db, &fresh, e))
        return false;
    if (!fresh)
        return true;
    bool ok = db_exec(db, "BEGIN IMMEDIATE", e) && db_exec(db, tables, e) && meta_set(db, "schema", schema, e) &&
              meta_set(db, "chain_id", chain_id, e) && db_exec(db, "COMMIT", e);
    if (!ok)
        roll_back(db);
    return ok || failed("make", e);
}

static bool check_tables(struct db *db, const char *chain_id, struct err *e) {
    SCOPED_ARENA(a);
    const char *schema, *stored;
    char known[16];
    snprintf(known, sizeof known, "%d", PERSIST_SCHEMA);
    if (!meta_get(db, "schema", a, &schema, e) || !meta_get(db, "chain_id", a, &stored, e))
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
    pthread_mutex_init(&p->writer.mutex, NULL);
    pthread_mutex_init(&p->reader.mutex, NULL);
    bool ok = side_open(&p->writer, path, e) && make_tables(p->writer.db, chain_id, e) &&
              check_tables(p->writer.db, chain_id, e) && side_open(&p->reader, path, e);
    if (ok)
        *out = p;
    else
        persist_close(p);
    return ok;
}

void persist_close(struct persist *p) {
    if (!p)
        return;
    db_close(p->reader.db);
    db_close(p->writer.db);
    pthread_mutex_destroy(&p->reader.mutex);
    pthread_mutex_destroy(&p->writer.mutex);
    free(p);
}

bool persist_fact(struct persist *p, const char *name, const char *value, struct arena *a, const char **out,
                  struct err *e) {
    pthread_mutex_lock(&p->writer.mutex);
    bool ok = meta_get(p->writer.db, name, a, out, e) && (*out || meta_set(p->writer.db, name, value, e));
    if (!*out)
        *out = value;
    pthread_mutex_unlock(&p->writer.mutex);
    return ok;
}

// --- writing

static bool write_change(struct db *db, const struct persist_change *c, struct err *e) {
    struct db_stmt *s;
    if (c->removed) {
        if (!db_query(db, "DELETE FROM state WHERE key = :key", &s, e))
            return false;
    } else {
        if (!db_query(db,
                      "INSERT INTO state(key, value) VALUES(:key, :value) "
                      "ON CONFLICT(key) DO UPDATE SET value = excluded.value",
                      &s, e))
            return false;
        db_bind_blob(db, s, ":value", c->value);
    }
    db_bind_blob(db, s, ":key", c->key);
    return db_run(db, s, e);
}

static bool write_name(struct db *db, const struct persist_name *n, uint64_t height, struct err *e) {
    struct db_stmt *s;
    if (!db_query(db,
                  "INSERT OR REPLACE INTO name(kind, hash, height, position) VALUES(:kind, :hash, :height, :position)",
                  &s, e))
        return false;
    db_bind_int(db, s, ":kind", n->kind);
    db_bind_blob(db, s, ":hash", hash_slice(&n->hash));
    db_bind_int(db, s, ":height", (int64_t)height);
    db_bind_int(db, s, ":position", n->position);
    return db_run(db, s, e);
}

static bool write_block(struct db *db, const struct persist_block *b, struct err *e) {
    struct db_stmt *s;
    for (size_t i = 0; i < b->change_count; i++)
        if (!write_change(db, &b->changes[i], e))
            return false;
    for (size_t i = 0; i < b->name_count; i++)
        if (!write_name(db, &b->names[i], b->height, e))
            return false;
    if (!db_query(db, "INSERT INTO block(height, head, body) VALUES(:height, :head, :body)", &s, e))
        return false;
    db_bind_int(db, s, ":height", (int64_t)b->height);
    db_bind_blob(db, s, ":head", b->head);
    db_bind_blob(db, s, ":body", b->body);
    return db_run(db, s, e);
}

static bool forget_below(struct db *db, const char *sql, int64_t lowest, struct err *e) {
    struct db_stmt *s;
    if (!db_query(db, sql, &s, e))
        return false;
    db_bind_int(db, s, ":lowest", lowest);
    return db_run(db, s, e);
}

// Removes what is older than the newest `keep` blocks.
static bool forget(struct db *db, uint64_t keep, struct err *e) {
    static const char blocks[] = "DELETE FROM block WHERE height < :lowest";
    static const char names[] = "DELETE FROM name WHERE height < :lowest";
    struct db_stmt *s;
    bool any = false;
    if (!db_query(db, "SELECT height FROM block ORDER BY height DESC LIMIT 1 OFFSET :newer", &s, e))
        return false;
    db_bind_int(db, s, ":newer", (int64_t)keep - 1);
    bool ok = db_step(db, s, &any, e);
    int64_t lowest = any ? db_int(db, s, "height") : 0;
    db_done(db, s);
    return ok && (!any || (forget_below(db, blocks, lowest, e) && forget_below(db, names, lowest, e)));
}

bool persist_write(struct persist *p, const struct persist_block *b, uint64_t keep, struct err *e) {
    struct db *db = p->writer.db;
    pthread_mutex_lock(&p->writer.mutex);
    bool due = keep && ++p->since_forgetting >= FORGET_EVERY;
    bool ok = db_exec(db, "BEGIN IMMEDIATE", e) && write_block(db, b, e) && (!due || forget(db, keep, e)) &&
              db_exec(db, "COMMIT", e);
    if (!ok)
        roll_back(db);
    if (ok && due)
        p->since_forgetting = 0;
    pthread_mutex_unlock(&p->writer.mutex);
    return ok || failed("write", e);
}

// --- reading

bool persist_state(struct persist *p, bool (*each)(void *ctx, struct slice key, struct slice value, struct err *e),
                   void *ctx, struct err *e) {
    struct db *db = p->reader.db;
    struct db_stmt *s;
    pthread_mutex_lock(&p->reader.mutex);
    bool row = true, ok = db_query(db, "SELECT key, value FROM state ORDER BY key", &s, e);
    if (ok) {
        while (ok && row && (ok = db_step(db, s, &row, e)) && row)
            ok = each(ctx, db_blob(db, s, "key"), db_blob(db, s, "value"), e);
        db_done(db, s);
    }
    pthread_mutex_unlock(&p->reader.mutex);
    return ok || failed("read", e);
}

// Each look by itself, or SQLite goes through all blocks.
static const char range[] =
    "SELECT (SELECT min(height) FROM block) AS lowest, (SELECT max(height) FROM block) AS highest,"
    " EXISTS(SELECT 1 FROM block) AS there";

bool persist_range(struct persist *p, bool *any, uint64_t *lowest, uint64_t *highest, struct err *e) {
    struct db *db = p->reader.db;
    struct db_stmt *s;
    bool row = false;
    *any = false;
    *lowest = *highest = 0;
    pthread_mutex_lock(&p->reader.mutex);
    bool ok = db_query(db, range, &s, e);
    if (ok) {
        ok = db_step(db, s, &row, e);
        if (ok && row) {
            *any = db_int(db, s, "there");
            *lowest = (uint64_t)db_int(db, s, "lowest");
            *highest = (uint64_t)db_int(db, s, "highest");
        }
        db_done(db, s);
    }
    pthread_mutex_unlock(&p->reader.mutex);
    return ok || failed("read", e);
}

bool persist_read(struct persist *p, uint64_t height, struct arena *a, bool *found, struct slice *head,
                  struct slice *body, struct err *e) {
    struct db *db = p->reader.db;
    struct db_stmt *s;
    *found = false;
    if (height > INT64_MAX)
        return true;
    pthread_mutex_lock(&p->reader.mutex);
    bool ok = db_query(db, "SELECT head, body FROM block WHERE height = :height", &s, e);
    if (ok) {
        db_bind_int(db, s, ":height", (int64_t)height);
        ok = db_step(db, s, found, e);
        if (*found) {
            *head = arena_copy(a, db_blob(db, s, "head"));
            *body = arena_copy(a, db_blob(db, s, "body"));
        }
        db_done(db, s);
    }
    pthread_mutex_unlock(&p->reader.mutex);
    return ok || failed("read", e);
}

bool persist_find(struct persist *p, enum persist_kind kind, const struct hash *hash, struct persist_place *out,
                  struct err *e) {
    struct db *db = p->reader.db;
    struct db_stmt *s;
    *out = (struct persist_place){0};
    pthread_mutex_lock(&p->reader.mutex);
    bool ok = db_query(db, "SELECT height, position FROM name WHERE kind = :kind AND hash = :hash", &s, e);
    if (ok) {
        db_bind_int(db, s, ":kind", kind);
        db_bind_blob(db, s, ":hash", hash_slice(hash));
        ok = db_step(db, s, &out->found, e);
        if (out->found)
            *out = (struct persist_place){true, (uint64_t)db_int(db, s, "height"), (uint32_t)db_int(db, s, "position")};
        db_done(db, s);
    }
    pthread_mutex_unlock(&p->reader.mutex);
    return ok || failed("read", e);
}
