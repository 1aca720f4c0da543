// SPDX-License-Identifier: Apache-2.0
#include "coordinator/tokens.h"

#include "base/clock.h"
#include "crypto/hash.h"
#include "queue/database.h"

#define TOKENS_MAX 10000

static const char *hash_of(const char *token, char out[static 65]) {
    struct hash h = sha256(slice_str(token));
    return hash_hex(&h, out);
}

static bool check_name(const char *name, struct err *e) {
    size_t n = strlen(name);
    bool good = n > 0 && n <= TOKEN_NAME_MAX;
    for (size_t i = 0; good && i < n; i++)
        good = name[i] > ' ' && name[i] < 0x7f;
    if (good)
        return true;
    err_set(e, ERR_INVALID, "a token's name has 1 to %d printable characters and no spaces", TOKEN_NAME_MAX);
    return err_hint(e, "name it after who uses it, for example worker-1");
}

static bool insert(struct db *db, const char *name, const char *token, struct err *e) {
    char hex[65];
    struct db_stmt *s;
    if (!db_query(db, "INSERT OR REPLACE INTO tokens (name, hash, created_ms) VALUES (:name, :hash, :now)", &s, e))
        return false;
    db_bind_text(db, s, ":name", name);
    db_bind_text(db, s, ":hash", hash_of(token, hex));
    db_bind_int(db, s, ":now", (int64_t)clock_wall_ms());
    return db_run(db, s, e);
}

bool token_create(const char *home, const char *name, struct arena *a, const char **token, struct err *e) {
    struct db *db;
    struct hash secret;
    char hex[65];
    if (!check_name(name, e) || !database_open(&db, home, NULL, e))
        return false;
    random_bytes(secret.b, sizeof secret.b);
    *token = arena_printf(a, "ol_%s", hash_hex(&secret, hex));
    bool ok = insert(db, name, *token, e);
    db_close(db);
    return ok;
}

bool token_revoke(const char *home, const char *name, struct err *e) {
    struct db *db;
    struct db_stmt *s;
    if (!database_open(&db, home, NULL, e))
        return false;
    bool ok = db_query(db, "DELETE FROM tokens WHERE name = :name", &s, e);
    if (ok) {
        db_bind_text(db, s, ":name", name);
        ok = db_run(db, s, e);
    }
    if (ok && db_changes(db) == 0) {
        err_set(e, ERR_NOT_FOUND, "there is no token '%s'", name);
        ok = err_hint(e, "`outlayer token list` shows those that there are");
    }
    db_close(db);
    return ok;
}

bool token_list(const char *home, struct arena *a, struct token_entry **out, size_t *count, struct err *e) {
    struct db *db;
    struct db_stmt *s;
    bool row = false;
    *count = 0;
    if (!database_open(&db, home, NULL, e))
        return false;
    *out = arena_calloc(a, TOKENS_MAX, sizeof **out);
    bool ok = db_query(db, "SELECT name, created_ms FROM tokens ORDER BY name", &s, e);
    while (ok && (ok = db_step(db, s, &row, e)) && row && *count < TOKENS_MAX)
        (*out)[(*count)++] =
            (struct token_entry){arena_strdup(a, db_text(db, s, "name")), (uint64_t)db_int(db, s, "created_ms")};
    if (ok)
        db_done(db, s);
    db_close(db);
    return ok;
}

bool token_check(struct db *db, const char *token, bool *valid, struct err *e) {
    char hex[65];
    struct db_stmt *s;
    if (!db_query(db, "SELECT name FROM tokens WHERE hash = :hash", &s, e))
        return false;
    db_bind_text(db, s, ":hash", hash_of(token, hex));
    bool ok = db_step(db, s, valid, e);
    db_done(db, s);
    return ok;
}
